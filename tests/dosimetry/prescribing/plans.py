"""Patients, limits and goals for tests of prescriptions, with doses by formulas written a second time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from emboplan.model.compartments import PatientCompartments, TreatedCompartments
from emboplan.model.products import DoseLimit, Scope
from emboplan.model.results.activity import Quantity
from emboplan.model.results.prescription import AvailableActivity, PrescriptionGoal

K = 50.0


def territory(
    name: str = "right",
    *,
    normal: float = 900.0,
    lesions: Mapping[int, float] | None = None,
    ratios: Mapping[int, float] | None = None,
    shunt: float = 0.1,
    session: int = 1,
    device: str | None = None,
) -> TreatedCompartments:
    """By default 900 g and a lesion of 20 g at 5: 45 Gy per GBq to normal liver, 225 Gy to the lesion."""
    lesions = {1: 20.0} if lesions is None else lesions
    ratios = dict.fromkeys(lesions, 5.0) if ratios is None else ratios
    return TreatedCompartments(name, normal, lesions, ratios, shunt, K, session=session, device=device)


def patient(
    *treated: TreatedCompartments, whole: float = 1800.0, prior: Mapping[Quantity, float] | None = None
) -> PatientCompartments:
    """1800 g of normal liver and 1 kg of lungs."""
    return PatientCompartments(treated or (territory(),), whole, 1000.0, prior or {})


def limit(
    quantity: Quantity,
    value: float,
    *,
    name: str | None = None,
    scope: Scope = Scope.TREATMENT,
    below: bool = False,
    where: str | None = None,
    device: str | None = None,
    unit: str = "Gy",
) -> DoseLimit:
    """An entered limit."""
    made = DoseLimit.entered(name or str(quantity), quantity, value, source="test", scope=scope)
    entry = replace(made.limit, unit=unit)
    return replace(made, limit=entry, below=below, territory=where, device=device)


def goal(where: str, gray: float, *, each: bool = False, hard: bool = False) -> PrescriptionGoal:
    """A goal on the tumour dose."""
    return PrescriptionGoal(where, Quantity.TUMOUR, gray, "test", each_lesion=each, hard=hard)


def floor(where: str, gray: float) -> PrescriptionGoal:
    """A floor under the dose of normal liver."""
    return PrescriptionGoal(where, Quantity.PERFUSED_NORMAL, gray, "hypertrophy", hard=True)


def vials(*gbq: float, divisible: bool = False) -> list[AvailableActivity]:
    """Offered activities, keyed by their size."""
    return [AvailableActivity(f"{g:g} GBq", g, divisible=divisible) for g in gbq]


@dataclass(frozen=True)
class PerGbq:
    """Doses of 1 GBq by the partition formulas, written out here again."""

    normal: float | None
    whole: float
    tumour: float | None
    lowest: float | None
    perfused: float
    lung: float


def per_gbq(t: TreatedCompartments, whole_g: float, lung_g: float) -> PerGbq:
    """Energy balance: all that does not go to the lungs is shared by mass times ratio."""
    energy = 1000.0 * t.k_gy_kg_per_gbq * (1 - t.lung_shunt_frac)
    share = t.normal_mass_g + sum(m * t.tumour_to_normal[n] for n, m in t.lesion_masses_g.items())
    base = energy / share
    lesions = {n: base * t.tumour_to_normal[n] for n in t.lesion_masses_g}
    mass = sum(t.lesion_masses_g.values())
    return PerGbq(
        normal=base if t.normal_mass_g else None,
        whole=base * t.normal_mass_g / whole_g,
        tumour=sum(m * lesions[n] for n, m in t.lesion_masses_g.items()) / mass if mass else None,
        lowest=min(lesions.values(), default=None),
        perfused=energy / (mass + t.normal_mass_g),
        lung=1000.0 * t.k_gy_kg_per_gbq * t.lung_shunt_frac / lung_g,
    )


def all_per_gbq(case: PatientCompartments) -> list[PerGbq]:
    """In the order of the territories."""
    return [per_gbq(t, case.whole_normal_mass_g, case.lung_mass_g) for t in case.treated]


def rows_of(case: PatientCompartments, limits: Sequence[DoseLimit]) -> tuple[np.ndarray, np.ndarray]:
    """Every sum that a limit bounds, and what it leaves, written out territory by territory."""
    doses = all_per_gbq(case)
    rows: list[list[float]] = []
    sides: list[float] = []
    for one in limits:
        room = one.limit.number
        if one.scope is Scope.CUMULATIVE:
            room -= case.prior_gy.get(one.quantity, 0.0)
        kind = {
            Quantity.PERFUSED_NORMAL: "normal",
            Quantity.WHOLE_NORMAL: "whole",
            Quantity.LUNG: "lung",
            Quantity.PERFUSED: "perfused",
            Quantity.TUMOUR: "tumour",
        }[one.quantity]
        values = [getattr(d, kind) or 0.0 for d in doses]
        if one.quantity in (Quantity.WHOLE_NORMAL, Quantity.LUNG):
            sessions = [0] * len(values)
            if one.scope is Scope.TREATMENT:
                sessions = [t.session for t in case.treated]
            groups = sorted(set(sessions))
            picks = [[s == g for s in sessions] for g in groups]
        else:
            picks = [[n == k for n in range(len(values))] for k in range(len(values))]
        rows.extend([v if p else 0.0 for v, p in zip(values, pick, strict=True)] for pick in picks)
        sides.extend([max(room, 0.0)] * len(picks))
    return np.array(rows), np.array(sides)


def corners(matrix: np.ndarray, sides: np.ndarray) -> list[np.ndarray]:
    """Every corner of {x >= 0, matrix x <= sides}."""
    size = matrix.shape[1]
    kept = matrix.any(axis=1)
    matrix, sides = matrix[kept], sides[kept]
    rows, ends = np.vstack([matrix, np.eye(size)]), np.concatenate([sides, np.zeros(size)])
    found = []
    for choice in itertools.combinations(range(len(rows)), size):
        part = rows[list(choice)]
        if abs(np.linalg.det(part / np.abs(part).max(axis=1, keepdims=True))) < 1e-9:
            continue
        x = np.linalg.solve(part, ends[list(choice)])
        if (x >= -1e-9).all() and (matrix @ x <= sides + 1e-9 * (1 + sides)).all():
            found.append(np.maximum(x, 0.0))
    return found


@st.composite
def patients(draw: st.DrawFn, *, prior: bool = True) -> PatientCompartments:
    """One to three territories with a lesion or two each, some without normal liver, some without shunt."""
    treated = []
    label = 0
    for n in range(draw(st.integers(1, 3))):
        lesions, ratios = {}, {}
        for _ in range(draw(st.integers(1, 2))):
            label += 1
            lesions[label] = draw(st.floats(1, 200))
            ratios[label] = draw(st.floats(0.5, 20))
        treated.append(
            territory(
                f"t{n}",
                normal=draw(st.one_of(st.just(0.0), st.floats(50, 1000))),
                lesions=lesions,
                ratios=ratios,
                shunt=draw(st.one_of(st.just(0.0), st.floats(0.01, 0.3))),
                session=draw(st.integers(1, 2)),
            )
        )
    used = {Quantity.LUNG: draw(st.floats(0, 20)), Quantity.WHOLE_NORMAL: draw(st.floats(0, 20))}
    whole = math.fsum(t.normal_mass_g for t in treated) + draw(st.floats(10, 1000))
    return PatientCompartments(tuple(treated), whole, draw(st.floats(500, 1500)), used if prior else {})


@st.composite
def limit_sets(draw: st.DrawFn) -> list[DoseLimit]:
    """A limit on the dose of all treated tissue, so that every activity has an end, and some others."""
    found = [limit(Quantity.PERFUSED, draw(st.floats(50, 500)))]
    kinds = [Quantity.PERFUSED_NORMAL, Quantity.WHOLE_NORMAL, Quantity.LUNG]
    for n in range(draw(st.integers(0, 4))):
        quantity, gray = draw(st.sampled_from(kinds)), draw(st.floats(21, 100))
        scope = draw(st.sampled_from(list(Scope)))
        found += [limit(quantity, gray, name=f"limit {n}", scope=scope)]
    return found
