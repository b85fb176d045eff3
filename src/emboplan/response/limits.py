"""The limits of the response criteria, exact, as the catalogue states them.

Numbers are `Fraction`s made from the decimals that the catalogue prints, so that a sum at a limit is judged
as written: 63 mm is 70 % of 90 mm, which binary fractions deny.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from emboplan.model.products import Sourced
from emboplan.units import PERCENT

_HUNDRED = Fraction(int(PERCENT))


def exact(entry: Sourced) -> Fraction:
    """The entry's number as it is printed, not as binary floats hold it."""
    return Fraction(str(entry.number))


def _share(entry: Sourced) -> Fraction:
    return exact(entry) / _HUNDRED


@dataclass(frozen=True, slots=True)
class LesionLimits:
    """What is measurable, normal, and too small to measure; mm."""

    measurable_longest_mm: Fraction
    measurable_node_mm: Fraction
    normal_node_mm: Fraction
    thin_slice_mm: Fraction
    thick_slice_factor: Fraction
    too_small_mm: Fraction
    max_targets: int
    max_targets_per_organ: int


@dataclass(frozen=True, slots=True)
class ChangeLimits:
    """From which change of the sum it is a response, or progression.

    Partial response: at most 1 - `decrease_frac` of the baseline. Progression: at least (or, if `exceeds`,
    more than) 1 + `increase_frac` of the smallest earlier sum, and at least `absolute_mm` above it.
    """

    version: str
    decrease_frac: Fraction
    increase_frac: Fraction
    absolute_mm: Fraction
    exceeds: bool

    def responds(self, size: Fraction, baseline: Fraction) -> bool:
        """Whether the sum has shrunk enough for a partial response."""
        return size <= (1 - self.decrease_frac) * baseline

    def progresses(self, size: Fraction, nadir: Fraction) -> bool:
        """Whether the sum has grown enough for progression; `nadir` is above zero."""
        limit = (1 + self.increase_frac) * nadir
        grown = size > limit if self.exceeds else size >= limit
        return grown and size - nadir >= self.absolute_mm


@dataclass(frozen=True, slots=True)
class BestLimits:
    """Shortest time to stable disease, and between a response and its confirmation; days."""

    min_sd_interval_d: int
    confirmation_interval_d: int


@dataclass(frozen=True, slots=True)
class ResponseLimits:
    """All limits of one assessment."""

    lesions: LesionLimits
    recist: ChangeLimits
    mrecist: ChangeLimits
    easl: ChangeLimits
    who: ChangeLimits
    best: BestLimits


def response_limits(entries: Mapping[str, Sourced]) -> ResponseLimits:
    """The limits from the catalogue's table on response."""

    def number(name: str) -> Fraction:
        return exact(entries[name])

    def changes(name: str, *, exceeds: bool) -> ChangeLimits:
        absolute = entries.get(f"{name}.progression_absolute")
        return ChangeLimits(
            version=entries[f"{name}.version"].text,
            decrease_frac=_share(entries[f"{name}.partial_decrease"]),
            increase_frac=_share(entries[f"{name}.progression_increase"]),
            absolute_mm=Fraction(0) if absolute is None else exact(absolute),
            exceeds=exceeds,
        )

    return ResponseLimits(
        lesions=LesionLimits(
            measurable_longest_mm=number("recist.measurable_longest"),
            measurable_node_mm=number("recist.measurable_node"),
            normal_node_mm=number("recist.normal_node"),
            thin_slice_mm=number("recist.thin_slice"),
            thick_slice_factor=number("recist.thick_slice_factor"),
            too_small_mm=number("recist.too_small"),
            max_targets=int(number("recist.max_targets")),
            max_targets_per_organ=int(number("recist.max_targets_per_organ")),
        ),
        recist=changes("recist", exceeds=False),
        mrecist=changes("mrecist", exceeds=False),
        easl=changes("easl", exceeds=True),
        who=changes("who", exceeds=True),
        best=BestLimits(
            min_sd_interval_d=int(number("best.min_sd_interval")),
            confirmation_interval_d=int(number("best.confirmation_interval")),
        ),
    )
