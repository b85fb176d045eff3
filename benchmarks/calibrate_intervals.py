"""Calibration of the 95 % intervals on digital patients, and their coverage on the thirty others.

Training patients are drawn by chance like those of `tests/segmentation/patients.py`, from other seeds. Each
is made, segmented, and held against its truth; the constants of ``[interval]`` in ``uncertainty.toml`` are
fitted to them: quantiles of the errors, half of the 5 % on either side. The thirty are never fitted to. Made
and segmented patients are kept in the cache, the latter under a digest of the segmentation's code.

    python benchmarks/calibrate_intervals.py --cache FOLDER [--quick]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.interval_patients import FIRST_SEED, Record, record, segmentation_code
from tests.measure.coverage import compatible
from tests.segmentation.patients import PATIENTS

from emboplan.catalog.load import load
from emboplan.measure.doubt import Certainty
from emboplan.measure.intervals import (
    Calibration,
    Shift,
    burden_interval_frac,
    calibration,
    tumour_interval,
)

RESULTS = Path(__file__).parent / "results"
QUICK = 6
COVERAGE, ONE_SIDE = 0.95, 0.975
CORRELATIONS = tuple(round(0.05 * n, 2) for n in range(21))
HEALTHY_SHARES = (0.0, 0.02, 0.04, 0.06, 0.08, 0.1)
ANYWHERE_SHARES = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05)


def reach(values: Iterable[float], coverage: float) -> float:
    """What so large a share of new values will not exceed (median-unbiased quantile); 0 where below 0."""
    known = list(values)
    return max(0.0, float(np.quantile(known, coverage, method="median_unbiased"))) if known else 0.0


def up_to(value: float, step: float) -> float:
    """Rounded up to a multiple of a step."""
    return round(float(np.ceil(value / step)) * step, 6)


def shift(errors: Iterable[float]) -> Shift:
    """The shift inwards and outwards (mm), to a tenth: half of the misses on either side."""
    known = list(errors)
    low, high = (reach(side, ONE_SIDE) for side in ((-e for e in known), known))
    return Shift(up_to(low, 0.1), up_to(high, 0.1))


def correlation(records: Sequence[Record], start: Calibration) -> float:
    """The least correlation with which the sums over a patient's true lesions are covered."""
    some = [r for r in records if r.shown]
    for rho in CORRELATIONS:
        trial, inside = replace(start, correlation=rho), 0
        for r in some:
            real = replace(r, lesions=tuple(it for it, _ in r.shown))
            low, high = tumour_interval(parts(real, trial), 0.0, 0.0, trial)
            inside += low <= sum(true for _, true in r.shown) <= high
        if inside >= COVERAGE * len(some):
            return rho
    return CORRELATIONS[-1]


def fit(records: Sequence[Record], small_liver_ml: float) -> Calibration:
    """The constants of these patients."""

    def liver(*, small: bool) -> Shift:
        return shift(
            (r.liver_true_ml - r.liver_ml) / r.liver_surface
            for r in records
            if (r.liver_ml < small_liver_ml) is small
        )

    lesion = {
        kind: shift(
            (true - it.volume_ml) / it.surface_ml_per_mm
            for r in records
            for it, true in r.shown
            if it.certainty is kind
        )
        for kind in Certainty
    }
    start = Calibration(
        liver(small=False), liver(small=True), small_liver_ml, lesion, 0.0, 0.0, 0.0, 0.0, 0.0
    )
    start = replace(start, correlation=correlation(records, start))
    best, width = start, np.inf
    for healthy, anywhere in product(HEALTHY_SHARES, ANYWHERE_SHARES):
        trial = with_missed(
            records, replace(start, unlike_healthy_frac=healthy, missed_anywhere_frac=anywhere)
        )
        mean = float(np.mean([trial.missed_ml(r.unlike_frac, r.liver_ml) / r.liver_ml for r in records]))
        if mean < width:
            best, width = trial, mean
    return best


def with_missed(records: Sequence[Record], start: Calibration) -> Calibration:
    """The constants with those of missed and false tumour, fitted to what the lesions' own errors leave."""
    ups, downs = [], []
    for r in records:
        low, high = tumour_interval(parts(r, start), 0.0, 0.0, start)
        high += beyond_ml(r, start)
        normal = r.liver_ml - r.tumour_ml
        room = max(1e-3, r.unlike_frac - start.unlike_healthy_frac)
        ups.append(((r.tumour_true_ml - high) / normal - start.missed_anywhere_frac) / room)
        downs.append(low - r.tumour_true_ml)
    up, down = reach(ups, COVERAGE), reach(downs, ONE_SIDE)
    return replace(start, missed_per_unlike=up_to(up, 0.01), false_ml=up_to(down, 0.1))


def beyond_ml(one: Record, numbers: Calibration) -> float:
    """What a small liver may lack."""
    return numbers.beyond_ml(
        one.liver_ml, numbers.of_liver(one.liver_ml).about(one.liver_ml, one.liver_surface)
    )


# Coverage


def parts(one: Record, numbers: Calibration) -> list[tuple[float, tuple[float, float]]]:
    """Volume and interval of each lesion."""
    return [
        (it.volume_ml, numbers.of_lesion(it.certainty, it.volume_ml, it.surface_ml_per_mm, one.liver_ml))
        for it in one.lesions
    ]


def coverage(
    records: Sequence[Record], numbers: Calibration, sphere_ml: float
) -> dict[str, list[dict[str, Any]]]:
    """Every interval with its truth, by kind."""
    rows: dict[str, list[dict[str, Any]]] = {"liver": [], "lesion": [], "tumour": [], "burden": []}
    for r in records:
        for kind, row in intervals_of(r, numbers, sphere_ml):
            rows[kind].append(row)
    return rows


def intervals_of(r: Record, numbers: Calibration, sphere_ml: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """The intervals of one patient, with their truth."""
    liver = numbers.of_liver(r.liver_ml).about(r.liver_ml, r.liver_surface)
    low, high = tumour_interval(parts(r, numbers), r.unlike_frac, r.liver_ml - r.tumour_ml, numbers)
    tumour = (low, min(liver[1], high + sphere_ml + numbers.beyond_ml(r.liver_ml, liver)))
    true_share = r.tumour_true_ml / r.liver_true_ml
    share = burden_interval_frac(r.tumour_ml, tumour, r.liver_ml, liver)
    known: list[tuple[str, float, float, tuple[float, float], Certainty | None]] = [
        ("liver", r.liver_ml, r.liver_true_ml, liver, None),
        ("tumour", r.tumour_ml, r.tumour_true_ml, tumour, None),
        ("burden", r.tumour_ml / r.liver_ml, true_share, share, None),
    ]
    for it, true in r.shown:
        ends = numbers.of_lesion(it.certainty, it.volume_ml, it.surface_ml_per_mm, r.liver_ml)
        known.append(("lesion", it.volume_ml, true, ends, it.certainty))
    for kind, found, true, ends, how_sure in known:
        inside = ends[0] <= true <= ends[1]
        row = {
            "seed": r.seed,
            "found": found,
            "true": true,
            "low": ends[0],
            "high": ends[1],
            "inside": inside,
        }
        yield kind, {**row, "burden": true_share, "certainty": how_sure}


def line(name: str, rows: Sequence[dict[str, Any]]) -> str:
    """Coverage, verdict and width of some intervals."""
    inside, n = sum(row["inside"] for row in rows), len(rows)
    if n == 0:
        return f"{name:34} none"
    width = np.median([(row["high"] - row["low"]) / max(row["found"], 1e-9) for row in rows])
    verdict = "compatible" if compatible(inside, n) else "NOT compatible"
    counted = f"{name:34} {inside:4} of {n:4} ({100 * inside / n:5.1f} %)"
    return f"{counted}  {verdict:14}  width {width:.2f} of the value"


def report(rows: dict[str, list[dict[str, Any]]]) -> None:
    print(line("liver and lesions", rows["liver"] + rows["lesion"]))
    for kind, all_of in rows.items():
        print(line(kind, all_of))
        print(line("  burden below 20 %", [row for row in all_of if row["burden"] < 0.2]))
        print(line("  burden from 20 %", [row for row in all_of if row["burden"] >= 0.2]))
    for kind in Certainty:
        print(line(f"  lesions that are {kind}", [row for row in rows["lesion"] if row["certainty"] == kind]))
    for low, high in ((0.0, 2.0), (2.0, 10.0), (10.0, np.inf)):
        some = [row for row in rows["lesion"] if low <= row["true"] < high]
        print(line(f"  lesions of {low:g} to {high:g} mL", some))
    points = np.median([100 * (row["high"] - row["low"]) for row in rows["burden"]])
    print(f"burden: median width {points:.1f} points")


def toml(numbers: Calibration, patients: int, lesions: int) -> str:
    """The constants as entries of ``uncertainty.toml``."""
    place = f"{patients} digital patients, {lesions} found lesions; benchmarks/calibrate_intervals.py"
    shifts = {"liver": numbers.liver, "small_liver": numbers.small_liver}
    shifts |= {f"lesion.{kind}": numbers.lesion[kind] for kind in Certainty}
    values = [(name, f"[{s.inward_mm}, {s.outward_mm}]", "mm") for name, s in shifts.items()]
    values += [
        ("small_liver_below", str(numbers.small_liver_ml), "mL"),
        ("lesion_correlation", str(numbers.correlation), "1"),
        ("unlike_healthy", str(numbers.unlike_healthy_frac), "1"),
        ("missed_anywhere", str(numbers.missed_anywhere_frac), "1"),
        ("missed_per_unlike", str(numbers.missed_per_unlike), "1"),
        ("false", str(numbers.false_ml), "mL"),
    ]
    return "\n".join(
        f'[interval.{name}]\nvalue = {value}\nunit = "{unit}"\nsource = ["PROJECT"]\nplace = "{place}"\n'
        'status = "to-confirm"\n'
        for name, value, unit in values
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=RESULTS / "intervals")
    parser.add_argument("--patients", type=int, default=60, help="how many to fit to")
    parser.add_argument("--quick", action="store_true", help="a few patients: does it run?")
    parser.add_argument("--code", default=None, help="digest under which segmented patients are kept")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    code = options.code or segmentation_code()
    count = QUICK if options.quick else options.patients
    seeds = [row[0] for row in PATIENTS][: QUICK if options.quick else None]
    catalog = load()
    shipped = calibration(catalog)
    diameter = catalog.number("lesion.measurable_diameter")
    sphere_ml = np.pi / 6 * diameter**3 / 1000

    def records(wanted: Iterable[int]) -> list[Record]:
        return [one for seed in wanted if (one := record(seed, options.cache, code)) is not None]

    training = records(range(FIRST_SEED, FIRST_SEED + count))
    fitted = fit(training, shipped.small_liver_ml)
    print(toml(fitted, len(training), sum(len(r.shown) for r in training)))
    print("fitted constants on the training patients themselves")
    report(coverage(training, fitted, sphere_ml))
    test = records(seeds)
    for name, numbers in (("fitted constants", fitted), ("constants of the catalogue", shipped)):
        print(f"\n{name} on the patients that were not fitted to")
        rows = coverage(test, numbers, sphere_ml)
        report(rows)
    RESULTS.mkdir(exist_ok=True)
    content = {"code": code, "fitted": asdict(fitted), "catalogue": asdict(shipped), "intervals": rows}
    (RESULTS / "intervals.json").write_text(
        json.dumps(content, indent=2, default=float) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
