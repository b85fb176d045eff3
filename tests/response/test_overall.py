"""Every cell of the table that joins targets, non-targets and new lesions."""

import itertools
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.response.rows import limits

from emboplan.model.response import LesionRead, Role, State
from emboplan.model.results.response import Category
from emboplan.response.overall import non_target_response, non_target_state, overall_response

NON = "non-CR/non-PD"
# The table of RECIST 1.1, row by row; what is not in it is progression.
PRINTED = {
    ("CR", "CR"): "CR",
    ("CR", None): "CR",
    ("CR", NON): "PR",
    ("CR", "NE"): "PR",
    ("PR", "CR"): "PR",
    ("PR", None): "PR",
    ("PR", NON): "PR",
    ("PR", "NE"): "PR",
    ("SD", "CR"): "SD",
    ("SD", None): "SD",
    ("SD", NON): "SD",
    ("SD", "NE"): "SD",
    ("NE", "CR"): "NE",
    ("NE", None): "NE",
    ("NE", NON): "NE",
    ("NE", "NE"): "NE",
    (None, "CR"): "CR",
    (None, NON): NON,
    (None, "NE"): "NE",
    (None, None): None,
}
TARGETS = ("CR", "PR", "SD", "PD", "NE", None)
NON_TARGETS = ("CR", NON, "PD", "NE", None)


@pytest.mark.parametrize(
    ("target", "non_target", "new"), list(itertools.product(TARGETS, NON_TARGETS, (False, True)))
)
def test_every_cell(target: str | None, non_target: str | None, *, new: bool) -> None:
    expected = "PD" if new or "PD" in (target, non_target) else PRINTED[target, non_target]
    found = overall_response(
        None if target is None else Category(target),
        None if non_target is None else Category(non_target),
        new=new,
    )
    assert found == expected


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], None),
        (["absent"], "CR"),
        (["absent", "absent"], "CR"),
        (["absent", "present"], NON),
        (["absent", "not-assessed"], "NE"),
        (["present", "not-assessed"], "NE"),
        (["progressed"], "PD"),
        (["absent", "progressed"], "PD"),
        (["not-assessed", "progressed", "present"], "PD"),
    ],
)
def test_non_targets_together(states: list[str], expected: str | None) -> None:
    assert non_target_response(State(state) for state in states) == expected


def read(organ: str = "liver", **more: Any) -> LesionRead:
    return LesionRead(date=date(2024, 1, 1), lesion="N", organ=organ, role=Role.NON_TARGET, **more)


@pytest.mark.parametrize(
    ("lesion", "expected"),
    [
        (read(state=State.PRESENT), "present"),
        (read(state=State.ABSENT), "absent"),
        (read(state=State.PROGRESSED), "progressed"),
        (read(state=State.NOT_ASSESSED), "not-assessed"),
        (read(longest_mm=Decimal(8)), "present"),
        (read(longest_mm=Decimal(0)), "absent"),
        (read(state=State.MEASURED, longest_mm=Decimal(8)), "present"),
        (read("lymph node", short_axis_mm=Decimal("9.9")), "absent"),
        (read("lymph node", short_axis_mm=Decimal(10)), "present"),
        (read("lymph node", short_axis_mm=Decimal(9), state=State.PRESENT), "absent"),
        (read("lymph node", short_axis_mm=Decimal(9), state=State.PROGRESSED), "progressed"),
        (read("lymph node", state=State.PRESENT), "present"),
        (read(state=State.PRESENT, longest_mm=Decimal(0)), "present"),
        (read("liver", short_axis_mm=Decimal(5), longest_mm=Decimal(9)), "present"),
    ],
)
def test_the_state_of_a_non_target(lesion: LesionRead, expected: str) -> None:
    assert non_target_state(lesion, limits().lesions) == expected
