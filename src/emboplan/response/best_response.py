"""The best response over a patient's time points, with and without confirmation.

Time points count up to the first progression. Stable disease counts only from a shortest time after baseline
on. Where responses are to be confirmed, a second time point at least four weeks later must agree: stable
disease or a time point that could not be judged may lie between two partial responses. A complete response is
taken as real, so that disease which shows again is progression at that visit; on request such a first
complete response is read as a partial one instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from emboplan.model.results.response import Category
from emboplan.response.limits import BestLimits

RESPONSES = (Category.CR, Category.PR)
STABLE = (*RESPONSES, Category.SD)
# Best first; disease that was never measurable and neither vanished nor grew stands beside stable disease.
ORDER = (Category.CR, Category.PR, Category.SD, Category.NON_CR_NON_PD)


@dataclass(frozen=True, slots=True)
class Assessed:
    """A time point after the baseline: its day, its category, and whether any disease was seen."""

    date: date
    category: Category
    no_disease: bool = False


def until_progression(points: Sequence[Assessed]) -> list[Assessed]:
    """The time points in the order of their days, up to the first progression."""
    kept = []
    for point in sorted(points, key=lambda point: point.date):
        kept.append(point)
        if point.category is Category.PD:
            break
    return kept


def best_unconfirmed(
    points: Sequence[Assessed], baseline: date, limits: BestLimits, *, reread_cr: bool = False
) -> Category:
    """The best category of all time points up to progression; NE where there is none.

    `reread_cr` as in `best_confirmed`; a partial response after a complete one is no progression here.
    """
    counted = until_progression(points)
    if reread_cr:
        counted = _recurrences(counted, reread_cr=True)
    reached = {
        point.category
        for point in counted
        if point.category in RESPONSES or _late_enough(point, baseline, limits)
    }
    return _best(reached, counted)


def best_confirmed(
    points: Sequence[Assessed], baseline: date, limits: BestLimits, *, reread_cr: bool = False
) -> Category:
    """The best category that a later time point confirms.

    With `reread_cr` a complete response that a partial one follows is read as partial, instead of the partial
    one as progression.
    """
    counted = _recurrences(until_progression(points), reread_cr=reread_cr)
    if _confirmed(counted, (Category.CR,), limits):
        return Category.CR
    if _confirmed(counted, RESPONSES, limits):
        return Category.PR
    late = [point for point in counted if _late_enough(point, baseline, limits)]
    reached = {Category.SD for point in late if point.category in STABLE}
    reached |= {Category.NON_CR_NON_PD for point in late if point.category is Category.NON_CR_NON_PD}
    return _best(reached, counted)


def carry_partial_response(points: Sequence[Assessed], limits: BestLimits) -> list[Category]:
    """The categories in order of days, stable disease after a confirmed partial response read as partial.

    So the EORTC's answers to frequent questions print it; the formula says SD.
    """
    ordered = sorted(points, key=lambda point: point.date)
    carried: list[Category] = []
    progressed = False
    for number, point in enumerate(ordered):
        progressed = progressed or point.category is Category.PD
        holds = not progressed and _confirmed(ordered[:number], RESPONSES, limits)
        carried.append(Category.PR if holds and point.category is Category.SD else point.category)
    return carried


def _late_enough(point: Assessed, baseline: date, limits: BestLimits) -> bool:
    return (point.date - baseline).days >= limits.min_sd_interval_d


def _best(reached: set[Category], counted: Sequence[Assessed]) -> Category:
    for category in ORDER:
        if category in reached:
            return category
    return Category.PD if any(point.category is Category.PD for point in counted) else Category.NE


def _recurrences(points: Sequence[Assessed], *, reread_cr: bool) -> list[Assessed]:
    """The time points with what follows a complete response read as the rule has it."""
    read: list[Assessed] = []
    cleared = False
    for number, point in enumerate(points):
        category = point.category
        if category is Category.CR:
            following = [later.category for later in points[number + 1 :] if later.category in STABLE]
            reread = reread_cr and not cleared and following[:1] == [Category.PR]
            category = Category.PR if reread else category
            cleared = cleared or not reread
        elif cleared and category in (Category.PR, Category.SD) and not point.no_disease:
            category = Category.PD
        read.append(Assessed(point.date, category, point.no_disease))
    return until_progression(read)


def _confirmed(points: Sequence[Assessed], categories: Sequence[Category], limits: BestLimits) -> bool:
    days = [point.date for point in points if point.category in categories]
    return bool(days) and (max(days) - min(days)).days >= limits.confirmation_interval_d
