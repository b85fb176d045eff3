"""How large a target is at a time point, by each criterion.

RECIST takes the longest diameter, and the short axis of a node; mRECIST the longest diameter of the viable
part; EASL the product of the viable part's two diameters, WHO that of the whole lesion's. A lesion with a
viable part of 0 mm at baseline is measured whole by mRECIST; a node keeps its short axis there. The measure
of a lesion is chosen at baseline and kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from emboplan.model.response import LesionRead, State
from emboplan.response.limits import LesionLimits


class CriterionName(StrEnum):
    """The criteria that can be asked for."""

    RECIST = "recist"
    MRECIST = "mrecist"
    EASL = "easl"
    WHO = "who"


class Measure(StrEnum):
    """What of a lesion is measured."""

    LONGEST = "longest_mm"
    SHORT_AXIS = "short_axis_mm"
    VIABLE = "viable_longest_mm"
    VIABLE_AREA = "viable_longest_mm and viable_perpendicular_mm"
    AREA = "longest_mm and short_axis_mm"


@dataclass(frozen=True, slots=True)
class TargetSize:
    """One target at one time point.

    `size` is None where it was not assessed. `gone` means that nothing of the disease is left: 0 mm, or a
    node of normal size.
    """

    lesion: str
    node: bool
    size: Fraction | None
    gone: bool


def measure_of(criterion: CriterionName, baseline: LesionRead) -> Measure:
    """What of this lesion the criterion follows."""
    if criterion is CriterionName.EASL:
        return Measure.VIABLE_AREA
    if criterion is CriterionName.WHO:
        return Measure.AREA
    if baseline.is_node:
        return Measure.SHORT_AXIS
    if criterion is CriterionName.MRECIST and baseline.viable_longest_mm != 0:
        return Measure.VIABLE
    return Measure.LONGEST


def measured(read: LesionRead, measure: Measure) -> Decimal | None:
    """The size that this read states: mm, or mm² for an area; None where a diameter is missing."""
    if measure is Measure.LONGEST:
        return read.longest_mm
    if measure is Measure.SHORT_AXIS:
        return read.short_axis_mm
    if measure is Measure.VIABLE:
        return read.viable_longest_mm
    whole = measure is Measure.AREA
    longest = read.longest_mm if whole else read.viable_longest_mm
    across = read.short_axis_mm if whole else read.viable_perpendicular_mm
    if longest == 0:
        return Decimal(0)
    return None if longest is None or across is None else longest * across


def target_size(
    lesion: str, reads: Sequence[LesionRead], measure: Measure, limits: LesionLimits
) -> TargetSize:
    """The size of a target from its reads at a time point: none, one, or one for each part of a split one."""
    node = measure is Measure.SHORT_AXIS
    sizes = [_size(read, measure, limits) for read in reads]
    known = [size for size in sizes if size is not None]
    if not reads or len(known) < len(sizes):
        return TargetSize(lesion, node, None, gone=False)
    size = sum(known, Fraction(0))
    if reads[0].state is State.MERGED:
        return TargetSize(lesion, node, size, gone=False)
    gone = size < limits.normal_node_mm if node else size == 0
    return TargetSize(lesion, node, size, gone=gone)


def _size(read: LesionRead, measure: Measure, limits: LesionLimits) -> Fraction | None:
    if read.state is State.ABSENT and measure is Measure.SHORT_AXIS and read.short_axis_mm is not None:
        return Fraction(read.short_axis_mm)  # a node of normal size is gone and still contributes its axis
    if read.state in (State.ABSENT, State.MERGED):  # a merged lesion is in the diameter of the other one
        return Fraction(0)
    if read.state is State.NOT_ASSESSED:
        return None
    if read.state is State.TOO_SMALL:
        side = limits.too_small_mm
        return side * side if measure in (Measure.VIABLE_AREA, Measure.AREA) else side
    size = measured(read, measure)
    return None if size is None else Fraction(size)
