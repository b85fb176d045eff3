"""Many plans: the vectorised path against planning one by one, on the same random territories: speed, error.

The peer is the scalar path of the package itself (`response` and `choose_activity`, with `check_limits`),
which is what plans are made with. The error is the largest relative difference of the activity, and the
number of plans in which something else binds or another limit is exceeded. The work is on one thread: the
processor time of all threads is measured beside the wall time, and speed is by the larger of the two.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

from emboplan import catalog
from emboplan.dosimetry.prescribing.many_plans import ManyCases, ManyPlans, plan_many
from emboplan.dosimetry.prescribing.prescription import check_limits, choose_activity
from emboplan.dosimetry.prescribing.response import response
from emboplan.model.compartments import PatientCompartments, TreatedCompartments
from emboplan.model.products import DoseLimit
from emboplan.model.results.activity import Quantity

RESULTS = Path(__file__).parent / "results"
BAR_PLANS_PER_MINUTE = 100_000.0
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
        "peak_mib": peak_mib(),
    }
    (RESULTS / "activity.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
