"""The best of all combinations of whole vials is what the mixed-integer program finds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emboplan.dosimetry.prescribing import optimise as room
from emboplan.dosimetry.prescribing.optimise import optimise
from emboplan.dosimetry.prescribing.whole_vials import MOST_COMBINATIONS, are_few
from emboplan.errors import ModelRangeError
from emboplan.model.compartments import PatientCompartments, TreatedCompartments
from emboplan.model.products import DoseLimit
from emboplan.model.results.activity import Quantity
from emboplan.model.results.prescription import AvailableActivity, Objective, Prescription, PrescriptionGoal

VIALS = (0.4, 0.7, 1.0, 1.3, 1.9, 2.6, 3.4)


def patient(ratios: tuple[float, float]) -> PatientCompartments:
    treated = tuple(
        TreatedCompartments(
            territory=name,
            normal_mass_g=normal,
            lesion_masses_g={label: mass},
            tumour_to_normal={label: ratio},
            lung_shunt_frac=0.05,
            k_gy_kg_per_gbq=49.8,
        )
        for name, label, normal, mass, ratio in (
            ("right", 1, 700.0, 60.0, ratios[0]),
            ("left", 2, 450.0, 25.0, ratios[1]),
        )
    )
    return PatientCompartments(treated, 1500.0, 1000.0)


def offers(sizes: tuple[float, ...]) -> list[AvailableActivity]:
    return [AvailableActivity(f"{gbq} GBq", gbq) for gbq in sizes]


def plan(case: PatientCompartments, whole: float, goal: float, objective: Objective) -> Prescription:
    return optimise(
        case,
        limits=[DoseLimit.entered("whole_normal", Quantity.WHOLE_NORMAL, whole, source="test")],
        goals=[PrescriptionGoal(name, Quantity.TUMOUR, goal, "test") for name in ("right", "left")],
        objective=objective,
        available={"right": offers(VIALS), "left": offers(VIALS[:5])},
    )


@settings(deadline=None, max_examples=60)  # the solver takes what it takes on a busy machine
@given(
    ratios=st.tuples(st.floats(1, 8), st.floats(1, 8)),
    whole=st.floats(20, 90),
    goal=st.floats(50, 400),
    objective=st.sampled_from(Objective),
)
def test_every_combination_gives_the_answer_of_the_solver(
    ratios: tuple[float, float], whole: float, goal: float, objective: Objective
) -> None:
    """The second method is HiGHS on the same program."""
    case = patient(ratios)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(room, "are_few", lambda *_: False)
        try:
            solver = plan(case, whole, goal, objective)
        except ModelRangeError:
            patched.undo()
            with pytest.raises(ModelRangeError):
                plan(case, whole, goal, objective)
            return
    mine = plan(case, whole, goal, objective)
    assert dict(solver.available) == dict(mine.available)
    assert solver.binding == mine.binding
    assert solver.goals == mine.goals


def test_what_cannot_be_counted_is_left_to_the_solver() -> None:
    case = patient((3.0, 3.0))
    both = {"right": offers(VIALS), "left": offers(VIALS)}
    assert are_few(case, both, {})
    assert are_few(case, {"right": offers(VIALS)}, {"left": 1.0})
    assert not are_few(case, {"right": offers(VIALS)}, {})
    assert not are_few(case, {}, {"left": 1.0, "right": 1.0})
    drawn = [AvailableActivity("drawn", 3.0, divisible=True)]
    assert not are_few(case, {**both, "left": drawn}, {})
    many = offers(tuple(float(n) for n in range(1, MOST_COMBINATIONS // 7 + 2)))
    assert not are_few(case, {"right": many, "left": offers(VIALS)}, {})
