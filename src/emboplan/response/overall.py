"""The tables that join targets, non-targets and new lesions to the response at a time point.

`overall_response` is the table of RECIST 1.1, with disease in targets and without. mRECIST and EASL use it
too.
"""

from __future__ import annotations

from collections.abc import Iterable

from emboplan.model.response import LesionRead, State
from emboplan.model.results.response import Category
from emboplan.response.limits import LesionLimits


def non_target_state(read: LesionRead, limits: LesionLimits) -> State:
    """The state of a non-target; the short axis of a node decides on it, whatever else is said but growth."""
    if read.state in (State.PROGRESSED, State.NOT_ASSESSED):
        return read.state
    if read.is_node and read.short_axis_mm is not None:
        return State.ABSENT if read.short_axis_mm < limits.normal_node_mm else State.PRESENT
    gone = read.state is State.ABSENT or (read.state is None and read.longest_mm == 0)
    return State.ABSENT if gone else State.PRESENT


def non_target_response(states: Iterable[State]) -> Category | None:
    """The category of the non-targets; None where there were none at baseline.

    One that progressed is progression, even with others not looked at.
    """
    said = list(states)
    if not said:
        return None
    if State.PROGRESSED in said:
        return Category.PD
    if State.NOT_ASSESSED in said:
        return Category.NE
    return Category.CR if all(state is State.ABSENT for state in said) else Category.NON_CR_NON_PD


def overall_response(target: Category | None, non_target: Category | None, *, new: bool) -> Category | None:
    """The response at a time point; None where there was no disease at baseline and there is none now.

    `target` and `non_target` are None where the baseline has no such lesions.
    """
    if new or Category.PD in (target, non_target):
        return Category.PD
    if target is None:
        return non_target
    if target is Category.CR and non_target not in (None, Category.CR):
        return Category.PR
    return target
