"""A patient's time points judged by one criterion, on all disease and on the liver alone.

The hepatic response is the same reckoning with the liver's targets, non-targets and new lesions only; disease
elsewhere does not touch it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from emboplan.model.response import LesionRead, Role, State
from emboplan.model.results.response import Category, ScopePoint, TimePointResponse
from emboplan.response.limits import ChangeLimits, LesionLimits
from emboplan.response.overall import non_target_response, non_target_state, overall_response
from emboplan.response.target_response import Past, target_response, total
from emboplan.response.target_size import Measure, TargetSize, target_size
from emboplan.response.timeline import Timeline, TimePoint

LENGTH, AREA = "mm", "mm2"


@dataclass(frozen=True, slots=True)
class Criterion:
    """How a criterion judges: its limits, those of lesions, and whether a target that shows again counts."""

    lesions: LesionLimits
    changes: ChangeLimits
    unit: str = LENGTH
    reenhancement: bool = False


@dataclass(frozen=True, slots=True)
class _Scope:
    """What is followed: the targets with their measures, the non-targets, and where new lesions count."""

    measures: Mapping[str, Measure]
    non_targets: Mapping[str, LesionRead]
    liver_only: bool

    def counts(self, read: LesionRead) -> bool:
        return read.in_liver or not self.liver_only


def assess(
    course: Timeline, criterion: Criterion, *, reread_cr: bool = False
) -> tuple[TimePointResponse, ...]:
    """Every time point from the baseline on; the baseline has its sum and no category.

    With `reread_cr` a complete response of the targets that a partial one follows is read as partial: what
    is seen next was there all along, unmeasured, so that its coming back is no progression by recurrence.
    """
    liver = {lesion for lesion in course.targets if course.baseline.of(lesion)[0].in_liver}
    whole = _Scope(course.measures, course.non_targets, liver_only=False)
    hepatic = _Scope(
        {lesion: measure for lesion, measure in course.measures.items() if lesion in liver},
        {lesion: read for lesion, read in course.non_targets.items() if read.in_liver},
        liver_only=True,
    )
    everything = _judge(course, whole, criterion, reread_cr=reread_cr)
    of_liver = _judge(course, hepatic, criterion, reread_cr=reread_cr)
    points = (course.baseline, *course.follow_ups)
    return tuple(
        TimePointResponse(point.label, point.date, criterion.unit, all_of_it, liver_part)
        for point, all_of_it, liver_part in zip(points, everything, of_liver, strict=True)
    )


def _judge(course: Timeline, scope: _Scope, criterion: Criterion, *, reread_cr: bool) -> list[ScopePoint]:
    first = _sizes(course.baseline, scope, criterion.lesions)
    baseline = total(first) if first else None
    size = _decimal(baseline)
    points = [
        ScopePoint(_last_look(course.baseline, scope), size, size, None, None, new_lesion=False, overall=None)
    ]
    past = Past(baseline or Fraction(0), baseline or Fraction(0))
    appeared = _new_lesions(course, scope)
    sizes = [_sizes(point, scope, criterion.lesions) for point in course.follow_ups]
    for number, (point, targets) in enumerate(zip(course.follow_ups, sizes, strict=True)):
        judged = _judged(point, targets, past, scope, criterion, appeared)
        cleared = judged.target is Category.CR and not past.cleared
        if reread_cr and cleared and _partial_follows(sizes[number + 1 :], past, criterion):
            overall = overall_response(Category.PR, judged.non_target, new=judged.new_lesion)
            judged = replace(judged, target=Category.PR, overall=overall, no_disease=False)
        elif targets:
            past = past.after(targets)
        points.append(judged)
    return points


def _partial_follows(later: Sequence[tuple[TargetSize, ...]], past: Past, criterion: Criterion) -> bool:
    """Whether the next targets that can be judged are a partial response, as if nothing had been gone."""
    answers = (target_response(targets, past, criterion.changes) for targets in later)
    return next((answer for answer in answers if answer is not Category.NE), None) is Category.PR


def _judged(
    point: TimePoint,
    targets: tuple[TargetSize, ...],
    past: Past,
    scope: _Scope,
    criterion: Criterion,
    appeared: Mapping[str, date],
) -> ScopePoint:
    """One time point after the baseline."""
    target = None
    if targets:
        target = target_response(targets, past, criterion.changes, reenhancement=criterion.reenhancement)
    states = {lesion: _state(point, lesion, criterion.lesions) for lesion in scope.non_targets}
    non_target = non_target_response(states.values())
    new = [day for day in appeared.values() if day <= point.date]
    overall = overall_response(target, non_target, new=bool(new))
    days = _progression_days(point, scope, target, states, new)
    return ScopePoint(
        date=_last_look(point, scope),
        size=_decimal(total(targets)) if targets else None,
        nadir=_decimal(past.nadir) if targets else None,
        target=target,
        non_target=non_target,
        new_lesion=bool(new),
        overall=overall,
        no_disease=target in (None, Category.CR)
        and State.PRESENT not in states.values()
        and overall is not Category.PD,
        progression_date=min(days) if days else None,
    )


def _last_look(point: TimePoint, scope: _Scope) -> date:
    """The day of the last scan of what is followed here: a liver scan may be older than the lungs' one."""
    followed = [read.date for name in (*scope.measures, *scope.non_targets) for read in point.of(name)]
    return max(followed, default=point.date)


def _progression_days(
    point: TimePoint,
    scope: _Scope,
    target: Category | None,
    states: Mapping[str, State],
    new: list[date],
) -> list[date]:
    """The days on which each reason for progression was seen.

    A new lesion: its first appearance. The sum: the last scan of the targets. A non-target: its scan.
    """
    days = list(new)
    if target is Category.PD:
        days.append(max(read.date for lesion in scope.measures for read in point.of(lesion)))
    for lesion, state in states.items():
        if state is State.PROGRESSED:
            days += [read.date for read in point.of(lesion)]
    return days


def _sizes(point: TimePoint, scope: _Scope, limits: LesionLimits) -> tuple[TargetSize, ...]:
    return tuple(
        target_size(lesion, point.of(lesion), measure, limits) for lesion, measure in scope.measures.items()
    )


def _state(point: TimePoint, lesion: str, limits: LesionLimits) -> State:
    reads = point.of(lesion)
    return non_target_state(reads[0], limits) if reads else State.NOT_ASSESSED


def _new_lesions(course: Timeline, scope: _Scope) -> dict[str, date]:
    """The first day of each new lesion that became unequivocal, at first sight or later.

    An equivocal finding that is confirmed counts from its first appearance; one that is not counts never.
    """
    first: dict[str, date] = {}
    certain: set[str] = set()
    for point in course.follow_ups:
        for read in point.with_role(Role.NEW):
            if scope.counts(read) and read.state is not State.ABSENT:
                first.setdefault(read.lesion, read.date)
                if read.state is not State.EQUIVOCAL:
                    certain.add(read.lesion)
    return {lesion: day for lesion, day in first.items() if lesion in certain}


def _decimal(size: Fraction | None) -> Decimal | None:
    """An exact sum of decimals as a decimal again."""
    return None if size is None else Decimal(size.numerator) / Decimal(size.denominator)
