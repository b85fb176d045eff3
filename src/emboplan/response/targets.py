"""Which lesions can be targets at baseline, and which are taken where the reader has not chosen.

RECIST 1.1: at most five targets, two to an organ, all nodes being one organ; the largest ones that can be
measured, so that every organ involved is represented. Whether a lesion can be measured again and again, and
whether it lies where it was treated before, only a reader knows. Fluid and disease that spreads along a
surface or in lymph vessels is never measurable, and bone is only where it has a part of soft tissue.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from emboplan.model.response import LesionRead, Role, State
from emboplan.response.limits import LesionLimits
from emboplan.response.reads import Problems

_NEVER = re.compile(r"\b(effusions?|ascites|leptomening\w*|lymphangi(?:tis|tic|osis)\w*)\b", re.IGNORECASE)
_BONE = re.compile(r"\b(bones?|osseous|skelet\w+|vertebra\w*)\b", re.IGNORECASE)


def never_measurable(read: LesionRead) -> bool:
    """Whether its organ or its name says that it is of a kind that has no diameter to follow."""
    return any(_NEVER.search(text) for text in (read.organ, read.lesion))


def measurable(read: LesionRead, limits: LesionLimits) -> bool:
    """Whether the lesion is of a kind, and large enough, to be a target at baseline."""
    size = size_at_baseline(read)
    return size is not None and size >= smallest_target_mm(read, limits) and not never_measurable(read)


def size_at_baseline(read: LesionRead) -> Fraction | None:
    """The diameter that decides on measurability: a node's short axis, else the longest; mm."""
    diameter = read.short_axis_mm if read.is_node else read.longest_mm
    if diameter is None and not read.is_node:
        diameter = read.viable_longest_mm
    return None if diameter is None else Fraction(diameter)


def smallest_target_mm(read: LesionRead, limits: LesionLimits) -> Fraction:
    """From which diameter on a lesion is measurable, with the thickness of its slices."""
    if read.is_node:
        return limits.measurable_node_mm
    if read.slice_mm is None or read.slice_mm <= limits.thin_slice_mm:
        return limits.measurable_longest_mm
    return limits.thick_slice_factor * Fraction(read.slice_mm)


def choose_targets(lesions: Sequence[LesionRead], limits: LesionLimits) -> tuple[str, ...]:
    """The names of the targets that the rule takes, the largest first.

    First the largest measurable lesion of each organ, larger ones before smaller ones, then the second ones
    and so on, up to the limits. Of equals the first by name.
    """
    ranked = sorted(
        (read for read in lesions if measurable(read, limits)),
        key=lambda read: (-(size_at_baseline(read) or 0), read.lesion),
    )
    rank_in_organ: Counter[str] = Counter()
    ordered = []
    for read in ranked:
        ordered.append((rank_in_organ[read.organ], read))
        rank_in_organ[read.organ] += 1
    allowed = [pair for pair in ordered if pair[0] < limits.max_targets_per_organ]
    allowed.sort(key=lambda pair: pair[0])  # a stable sort keeps the larger ones first
    return tuple(read.lesion for _, read in allowed[: limits.max_targets])


def chosen_roles(
    reads: Sequence[LesionRead], limits: LesionLimits, problems: Problems
) -> tuple[tuple[LesionRead, ...], tuple[str, ...]]:
    """The reads with roles by the rule, and a finding that says so; new lesions keep theirs."""
    start = min(read.date for read in reads)
    label = next(read.time_point for read in reads if read.date == start)
    baseline = [r for r in reads if (r.time_point == label if label else r.date == start) and r.role is None]
    for read in baseline:
        if measurable(read, limits) and _BONE.search(read.organ):
            problems.add(
                f"{read.where}: role",
                "missing; a bone lesion is measurable only where it has a part of soft tissue: state the "
                "roles of all lesions, target or non-target",
            )
    targets = choose_targets(baseline, limits)
    known = {read.lesion for read in baseline}
    roled = []
    for read in reads:
        if read.role is None and read.lesion not in known:
            problems.add(f"{read.where}: role", "missing, and the lesion is not at baseline; is it new?")
        elif read.role is None:
            role = Role.TARGET if read.lesion in targets else Role.NON_TARGET
            roled.append(replace(read, role=role))
        else:
            roled.append(read)
    names = ", ".join(targets) or "none, since no lesion is measurable"
    finding = f"No row states a role: the largest measurable lesions were taken as targets ({names})."
    return tuple(roled), (finding,)


def baseline_problems(
    baseline: Mapping[str, Sequence[LesionRead]], limits: LesionLimits, problems: Problems
) -> None:
    """What is wrong with the lesions at baseline: none, too many targets, too small ones, new ones."""
    reads = [rows[0] for rows in baseline.values()]
    for read in reads:
        if read.role is Role.NEW:
            problems.add(f"{read.where}: role", "found new at the first time point, which is the baseline")
        elif read.role is Role.TARGET and read.sound:
            _check_target(read, limits, problems)
    followed = [read for read in reads if read.role is not Role.NEW]
    if not followed and not problems.dropped:
        problems.add("baseline", "missing; the first time point has no target and no non-target lesion")
    targets = [read for read in followed if read.role is Role.TARGET]
    if len(targets) > limits.max_targets:
        problems.add(
            "baseline", f"found {len(targets)} targets, expected at most {limits.max_targets} in total"
        )
    for organ, count in sorted(Counter(read.organ for read in targets).items()):
        if count > limits.max_targets_per_organ:
            most = limits.max_targets_per_organ
            problems.add("baseline", f"found {count} targets in the organ {organ}, expected at most {most}")


def _check_target(read: LesionRead, limits: LesionLimits, problems: Problems) -> None:
    if read.state not in (None, State.MEASURED):
        problems.add(
            f"{read.where}: state", f"found {read.state} at baseline; a target must be measured there"
        )
        return
    if never_measurable(read):
        problems.add(
            f"{read.where}: role", "found target, but such disease is not measurable; make it a non-target"
        )
        return
    size = size_at_baseline(read)
    if size is not None and not measurable(read, limits):
        name = "short_axis_mm" if read.is_node else "longest_mm"
        least = float(smallest_target_mm(read, limits))
        what = "a node as target" if read.is_node else "a target"
        problems.add(
            f"{read.where}: {name}",
            f"found {float(size):g} mm, expected {least:g} mm or more for {what}; make it a non-target",
        )
