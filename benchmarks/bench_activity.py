"""Many plans at once, and one what-if: speed and error.

Many: the vectorised path against planning one by one, on the same random territories. The peer is the scalar
path of the package itself (`response` and `choose_activity`, with `check_limits`), which is what plans are
made with. The error is the largest relative difference of the activity, and the number of plans in which
something else binds or another limit is exceeded. The work is on one thread: the processor time of all
threads is measured beside the wall time, and speed is by the larger of the two.

The what-if is one changed shunt in a case of three territories whose vials are chosen too; its peer is the
whole plan.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import emboplan as ep
from emboplan import catalog
from emboplan.dosimetry.prescribing.many_plans import ManyCases, ManyPlans, plan_many
from emboplan.dosimetry.prescribing.prescription import check_limits, choose_activity
from emboplan.dosimetry.prescribing.response import response
from emboplan.model.compartments import PatientCompartments, TreatedCompartments
from emboplan.model.products import DoseLimit
from emboplan.model.results.activity import Quantity

RESULTS = Path(__file__).parent / "results"
BAR_PLANS_PER_MINUTE = 100_000.0
BAR_WHAT_IF_SECONDS = 0.020
GOAL_GY = 205.0
PRIOR_LUNG_GY = 12.0
SECONDS_PER_MINUTE = 60.0
MIB = 1024.0**2


def random_cases(plans: int, lesions: int) -> ManyCases:
    draw = np.random.default_rng(1)
    normal = draw.uniform(100.0, 1500.0, plans)
    return ManyCases(
        lesion_masses_g=draw.uniform(1.0, 300.0, (plans, lesions)),
        tumour_to_normal=draw.uniform(1.0, 15.0, (plans, lesions)),
        normal_mass_g=normal,
        whole_normal_mass_g=normal + draw.uniform(0.0, 1000.0, plans),
        lung_shunt_frac=draw.uniform(0.005, 0.2, plans),
        lung_mass_g=draw.uniform(500.0, 1200.0, plans),
        k_gy_kg_per_gbq=np.full(plans, catalog.load().nuclide("Y-90").k_gy_kg_per_gbq),
    )


def chosen_limits() -> list[DoseLimit]:
    names = (
        "glass_whole_normal_low_bilirubin",
        "lung_session",
        "lung_cumulative",
        "therasphere_lung_activity",
    )
    perfused = DoseLimit.entered("perfused_normal", Quantity.PERFUSED_NORMAL, 120.0, source="benchmark")
    return [perfused, *(catalog.load().limit(name) for name in names)]


def one_by_one(cases: ManyCases, limits: list[DoseLimit], rows: int) -> list[tuple[float, str, list[bool]]]:
    """The scalar path: activity, what binds, and the flags of the limits."""
    masses, ratios = np.asarray(cases.lesion_masses_g), np.asarray(cases.tumour_to_normal)
    singles = {
        name: np.asarray(getattr(cases, name))
        for name in (
            "normal_mass_g",
            "whole_normal_mass_g",
            "lung_shunt_frac",
            "lung_mass_g",
            "k_gy_kg_per_gbq",
        )
    }
    prior = {Quantity.LUNG: PRIOR_LUNG_GY}
    answers = []
    for row in range(rows):
        number = {name: float(array[row]) for name, array in singles.items()}
        labels = range(1, masses.shape[1] + 1)
        treated = TreatedCompartments(
            territory="territory",
            normal_mass_g=number["normal_mass_g"],
            lesion_masses_g=dict(zip(labels, masses[row].tolist(), strict=True)),
            tumour_to_normal=dict(zip(labels, ratios[row].tolist(), strict=True)),
            lung_shunt_frac=number["lung_shunt_frac"],
            k_gy_kg_per_gbq=number["k_gy_kg_per_gbq"],
        )
        patient = PatientCompartments((treated,), number["whole_normal_mass_g"], number["lung_mass_g"])
        per_gbq = response(treated, patient)
        shunt = treated.lung_shunt_frac
        goal = (Quantity.TUMOUR, GOAL_GY)
        choice = choose_activity(per_gbq, limits, lung_shunt_frac=shunt, goal=goal, prior_gy=prior)
        activity = choice.administered_gbq
        checks = check_limits(
            per_gbq.scaled(activity), limits, administered_gbq=activity, lung_shunt_frac=shunt, prior_gy=prior
        )
        answers.append((activity, choice.binding, [check.exceeded for check in checks]))
    return answers


def vectorised(cases: ManyCases, limits: list[DoseLimit]) -> ManyPlans:
    goals, prior = {Quantity.TUMOUR: GOAL_GY}, {Quantity.LUNG: PRIOR_LUNG_GY}
    return plan_many(cases, limits=limits, goals=goals, prior_gy=prior)


def what_if_case(folder: Path) -> Path:
    """Three territories, six lesions, a vial to be chosen."""
    path = folder / "case.toml"
    volumes = (
        ("right anterior", 500, "{ 1 = '20 mL', 2 = '35 mL', 3 = '8 mL' }"),
        ("right posterior", 450, "{ 4 = '12 mL', 5 = '60 mL' }"),
        ("left", 350, "{ 6 = '15 mL' }"),
    )
    territories = "".join(
        f"""
[[territory]]
name = "{name}"
volume = "{volume} mL"
lesion_volumes = {lesions}
tumour_to_normal = 3.0
lung_shunt_frac = 0.05
tumour_goal = {{ dose = "{GOAL_GY:g} Gy", source = "benchmark" }}
"""
        for name, volume, lesions in volumes
    )
    path.write_text(
        f"""
[patient]
id = "benchmark"
[volumes]
liver = "1700 mL"
[procedure]
device = "therasphere"
models = ["multi", "partition", "single"]
tumour_type = "hcc"
treatment_time = 2026-05-11T10:00:00Z
[vial]
residual_frac = 0.01
[limits]
whole_normal = "60 Gy"
{territories}""",
        encoding="utf-8",
    )
    return path


def what_if_seconds(repeats: int) -> dict[str, float]:
    """The median time of one changed shunt: quick, and as a whole plan with vials, intervals and table."""
    quick, whole = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = what_if_case(Path(folder))
        asked = ep.what_if(path)
        for number in range(repeats):
            start = time.perf_counter()
            answer = asked.changed(lung_shunt_frac=0.02 + 0.001 * number).plan
            quick.append(time.perf_counter() - start)
            assert answer.chosen is not None
        for _ in range(min(repeats, 5)):
            start = time.perf_counter()
            ep.activity(path)
            whole.append(time.perf_counter() - start)
    return {"what_if_seconds": statistics.median(quick), "whole_seconds": statistics.median(whole)}


def peak_mib() -> float:
    # The peak is in KiB on Linux, in bytes on macOS.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MIB if sys.platform == "darwin" else peak * 1024.0 / MIB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plans", type=int, default=100_000)
    parser.add_argument("--lesions", type=int, default=5)
    parser.add_argument("--peer-plans", type=int, default=2_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--what-ifs", type=int, default=40)
    options = parser.parse_args()
    cases, limits = random_cases(options.plans, options.lesions), chosen_limits()
    times = []
    for _ in range(options.repeats):
        start, cpu = time.perf_counter(), time.process_time()
        plans = vectorised(cases, limits)
        times.append(max(time.perf_counter() - start, time.process_time() - cpu))
    peers = min(options.peer_plans, options.plans)
    start = time.perf_counter()
    answers = one_by_one(cases, limits, peers)
    peer_seconds = time.perf_counter() - start
    worst = max(abs(plans.administered_gbq[row] / answer[0] - 1.0) for row, answer in enumerate(answers))
    other = sum(
        plans.binding_name(row) != binding or plans.exceeded[row].tolist() != flags
        for row, (_, binding, flags) in enumerate(answers)
    )
    speed = options.plans / min(times) * SECONDS_PER_MINUTE
    peer_speed = peers / peer_seconds * SECONDS_PER_MINUTE
    print(f"{options.plans} random plans, {options.lesions} lesions, {len(limits)} limits, one thread")
    print(f"vectorised   {speed:14,.0f} plans/min   best of {options.repeats}")
    print(f"one by one   {peer_speed:14,.0f} plans/min   {peers} of the same plans")
    print(f"bar          {BAR_PLANS_PER_MINUTE:14,.0f} plans/min")
    print(f"largest relative difference of the activity {worst:.1e}; plans decided differently {other}")
    print(f"what binds: { ({n: int((plans.binding == i).sum()) for i, n in enumerate(plans.names)}) }")
    asked = what_if_seconds(options.what_ifs)
    ratio = asked["whole_seconds"] / asked["what_if_seconds"]
    print(
        f"one what-if, 3 territories with vials {asked['what_if_seconds'] * 1000.0:.1f} ms, "
        f"bar {BAR_WHAT_IF_SECONDS * 1000.0:.0f} ms; a whole plan takes {ratio:.1f} times as long"
    )
    print(f"peak memory of this process {peak_mib():.0f} MiB")
    RESULTS.mkdir(exist_ok=True)
    results = {
        "plans": options.plans,
        "lesions": options.lesions,
        "limits": len(limits),
        "bar_plans_per_minute": BAR_PLANS_PER_MINUTE,
        "paths": {
            "vectorised": {"plans_per_minute": speed, "seconds": min(times)},
            "one by one": {"plans_per_minute": peer_speed, "seconds": peer_seconds, "plans": peers},
        },
        "worst_relative_difference": float(worst),
        "decided_differently": other,
        "what_if": {**asked, "bar_seconds": BAR_WHAT_IF_SECONDS},
        "peak_mib": peak_mib(),
    }
    (RESULTS / "activity.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
