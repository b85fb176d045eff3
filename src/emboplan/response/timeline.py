"""What the rows of one patient say together: the baseline, the lesions followed, the time points after it.

Rows of one date are one time point; where rows name their time point, those of one name are, whatever their
dates. The first time point is the baseline. A lesion keeps its role and its organ. All mistakes are told at
once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from types import MappingProxyType

from emboplan.model.response import LesionRead, Role, State
from emboplan.response.limits import LesionLimits
from emboplan.response.reads import Problems
from emboplan.response.target_size import CriterionName, Measure, measure_of, measured
from emboplan.response.targets import baseline_problems, chosen_roles

Reads = tuple[LesionRead, ...]

NEEDED = "a target needs a measurement above 0"
_NEEDED = {Measure.VIABLE: "give it, or 0 for a target that is measured whole since nothing enhances"}


@dataclass(frozen=True, slots=True)
class TimePoint:
    """The reads of one visit, by lesion in the order of names; its date is that of its last scan."""

    label: str
    reads: Mapping[str, Reads]

    @property
    def date(self) -> date:
        """The day of the last scan of the set."""
        return max(read.date for reads in self.reads.values() for read in reads)

    def of(self, lesion: str) -> Reads:
        """The reads of a lesion, none where it was not looked at."""
        return self.reads.get(lesion, ())

    def with_role(self, role: Role) -> tuple[LesionRead, ...]:
        """All reads of that role, by the names of their lesions."""
        return tuple(read for rows in self.reads.values() for read in rows if read.role is role)


@dataclass(frozen=True, slots=True)
class Timeline:
    """A patient's baseline, what is followed from it, and the time points after it."""

    baseline: TimePoint
    follow_ups: tuple[TimePoint, ...]
    measures: Mapping[str, Measure]
    non_targets: Mapping[str, LesionRead]
    findings: tuple[str, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        """The target lesions, by name."""
        return tuple(self.measures)


def timeline(
    reads: Sequence[LesionRead],
    criterion: CriterionName,
    limits: LesionLimits,
    problems: Problems,
    *,
    as_of: date | None = None,
) -> Timeline | None:
    """The course of a patient's lesions under a criterion; None where a problem stands in the way.

    `as_of` is the day of the data: what is dated after it is a mistake. Problems are added to `problems`.
    """
    before = len(problems.lines)
    reads, findings = _with_roles(reads, limits, problems)
    for read in reads:
        if as_of is not None and read.date > as_of:
            problems.add(
                f"{read.where}: date", f"found {read.date}, which is after {as_of}, the day of the data"
            )
    points = _time_points(reads, problems)
    if not points:
        return None
    baseline, follow_ups = points[0], points[1:]
    _check_duplicates(points, problems)
    _check_gone_nodes(reads, limits, problems)
    _check_constancy(reads, problems)
    baseline_problems(baseline.reads, limits, problems)
    known = {lesion: rows[0] for lesion, rows in baseline.reads.items() if rows[0].role is not Role.NEW}
    for point in follow_ups:
        _check_known(point, baseline, problems)
    targets = {name: read for name, read in known.items() if read.role is Role.TARGET}
    measures = {name: measure_of(criterion, read) for name, read in targets.items()}
    _check_measures(baseline, follow_ups, measures, problems)
    if len(problems.lines) > before:
        return None
    return Timeline(
        baseline=baseline,
        follow_ups=follow_ups,
        measures=MappingProxyType(measures),
        non_targets=MappingProxyType(
            {name: read for name, read in known.items() if read.role is Role.NON_TARGET}
        ),
        findings=(*findings, *_measured_whole(criterion, measures), *_silent_gaps(follow_ups, known)),
    )


def _with_roles(
    reads: Sequence[LesionRead], limits: LesionLimits, problems: Problems
) -> tuple[tuple[LesionRead, ...], tuple[str, ...]]:
    """The reads with their roles: as given, or chosen by the rule where no row states one."""
    blank = [read for read in reads if read.role is None]
    if not blank:
        return tuple(reads), ()
    stated = [read for read in reads if read.role not in (None, Role.NEW)]
    if not stated:
        return chosen_roles(reads, limits, problems)
    for read in blank:
        problems.add(f"{read.where}: role", "missing; expected target, non-target or new")
    return tuple(read for read in reads if read.role is not None), ()


def _time_points(reads: Sequence[LesionRead], problems: Problems) -> tuple[TimePoint, ...]:
    named = [read for read in reads if read.time_point]
    if named and len(named) < len(reads):
        for read in reads:
            if not read.time_point:
                problems.add(f"{read.where}: time_point", "missing; other rows name theirs")
        return ()
    groups: dict[str, dict[str, list[LesionRead]]] = {}
    for read in reads:
        label = read.time_point or read.date.isoformat()
        groups.setdefault(label, {}).setdefault(read.lesion, []).append(read)
    points = [
        TimePoint(label, MappingProxyType({name: tuple(rows) for name, rows in sorted(lesions.items())}))
        for label, lesions in groups.items()
    ]
    points.sort(key=lambda point: (_first(point), point.date))
    for earlier, later in pairwise(points):
        if _first(later) <= earlier.date:
            problems.add(
                f"time point {later.label}",
                f"begins on {_first(later)}, not after the last scan of {earlier.label} ({earlier.date})",
            )
    _check_numbering(points, problems)
    return tuple(points)


def _check_numbering(points: Sequence[TimePoint], problems: Problems) -> None:
    """Numbered time points must be in the order of their dates."""
    if not all(point.label.isdecimal() for point in points):
        return
    for earlier, later in pairwise(points):
        if int(later.label) < int(earlier.label):
            problems.add(
                f"time point {earlier.label}",
                f"is dated {_first(earlier)}, before time point {later.label} ({_first(later)})",
            )


def _first(point: TimePoint) -> date:
    return min(read.date for reads in point.reads.values() for read in reads)


def _check_duplicates(points: Sequence[TimePoint], problems: Problems) -> None:
    for point in points:
        for rows in point.reads.values():
            if len(rows) > 1 and any(read.state is not State.SPLIT for read in rows):
                problems.add(
                    rows[1].where,
                    f"stands twice at {point.label} ({rows[0].where.partition(',')[0]} too); keep one row, "
                    "or give each part of a lesion that has split the state split",
                )


def _check_gone_nodes(reads: Sequence[LesionRead], limits: LesionLimits, problems: Problems) -> None:
    """A node is gone below the size of a normal one; one as large as that is not."""
    normal = limits.normal_node_mm
    for read in reads:
        short = read.short_axis_mm
        if read.state is State.ABSENT and read.is_node and short is not None and short >= normal:
            problems.add(
                f"{read.where}: state",
                f"found absent beside a short axis of {short} mm, expected less than {float(normal):g} mm "
                "for a node that is gone; give one of them",
            )


def _check_constancy(reads: Sequence[LesionRead], problems: Problems) -> None:
    first: dict[str, LesionRead] = {}
    for read in sorted(reads, key=lambda read: read.date):
        known = first.setdefault(read.lesion, read)
        if read.role is not known.role:
            problems.add(f"{read.where}: role", f"found {read.role}, but it is {known.role} on {known.date}")
        if read.organ != known.organ:
            problems.add(
                f"{read.where}: organ", f'found "{read.organ}", but it is "{known.organ}" on {known.date}'
            )


def _check_known(point: TimePoint, baseline: TimePoint, problems: Problems) -> None:
    """Every lesion that is no new one was there at baseline, and merged ones merged with something."""
    for lesion, rows in point.reads.items():
        if rows[0].role is not Role.NEW and lesion not in baseline.reads and not problems.dropped:
            problems.add(
                rows[0].where,
                f"is a {rows[0].role} lesion without a row at baseline ({baseline.date}); add it, "
                "or give it the role new",
            )
    targets = point.with_role(Role.TARGET)
    for read in targets:
        others = [t for t in targets if t.organ == read.organ and t.state in (None, State.MEASURED)]
        if read.state is State.MERGED and not others and not problems.dropped:
            problems.add(
                f"{read.where}: state",
                f"found merged, but no other target of the {read.organ} was measured on {point.date}",
            )


def _check_measures(
    baseline: TimePoint, follow_ups: Sequence[TimePoint], measures: Mapping[str, Measure], problems: Problems
) -> None:
    """Every target has the diameter that the criterion takes, or a state that says why not."""
    for lesion, measure in measures.items():
        for read in baseline.of(lesion):
            if read.sound and read.state in (None, State.MEASURED) and not measured(read, measure):
                problems.add(
                    f"{read.where}: {measure}",
                    f"found {shown_size(read, measure)} at baseline; {_NEEDED.get(measure, NEEDED)}",
                )
        for point in follow_ups:
            for read in point.of(lesion):
                stated = read.state in (State.ABSENT, State.TOO_SMALL, State.NOT_ASSESSED, State.MERGED)
                target = read.sound and read.role is Role.TARGET
                if target and not stated and measured(read, measure) is None:
                    problems.add(
                        f"{read.where}: {measure}",
                        "missing; give it, or the state absent, too-small or not-assessed",
                    )


def shown_size(read: LesionRead, measure: Measure) -> str:
    """The measurement as messages print it."""
    size = measured(read, measure)
    return "nothing" if size is None else f"{size}"


def _measured_whole(criterion: CriterionName, measures: Mapping[str, Measure]) -> tuple[str, ...]:
    """The targets of mRECIST that are followed as RECIST follows them."""
    whole = [lesion for lesion, measure in measures.items() if measure is Measure.LONGEST]
    if criterion is not CriterionName.MRECIST or not whole:
        return ()
    return (f"Nothing enhances in {', '.join(whole)} at baseline: measured whole.",)


def _silent_gaps(follow_ups: Sequence[TimePoint], known: Mapping[str, LesionRead]) -> tuple[str, ...]:
    """Lesions of the baseline that a time point says nothing of: they count as not assessed."""
    lines = []
    for point in follow_ups:
        absent = [lesion for lesion in known if lesion not in point.reads]
        if absent:
            names = ", ".join(absent)
            lines.append(f"{point.label}: no row for {names}; taken as not assessed at this time point")
    return tuple(lines)
