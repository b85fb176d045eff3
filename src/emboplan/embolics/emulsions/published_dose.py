"""A dose in an emulsion against what has been published: ranges in mg and in mg/m2, caps of trials, labels.

Every dose is held against something, or a finding says that nothing is published. A range in mg holds without
a body surface; one in mg/m2 needs it, and its lack is an open item. A dose that the largest body would not
bring below a limit in mg/m2 is above it in every patient.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from emboplan.catalog.status import footnote
from emboplan.catalog.tace_tables import TaceNumbers
from emboplan.embolics.amounts import exact, plain_number
from emboplan.embolics.body_surface import surface_bounds
from emboplan.model.embolics import quantities
from emboplan.model.finding import Finding, Severity
from emboplan.model.products import Sourced, Status

# What a source has published of a dose in an emulsion or an oil vehicle.
_PUBLISHED = ("published_mg", "published_mg_per_m2", "trial_cap_mg", "vehicle")


@dataclass(frozen=True, slots=True)
class _Held:
    """A dose (mg), the body surface (m2) where it is known, and the tables."""

    numbers: TaceNumbers
    drug: str
    dose_mg: Fraction
    surface_m2: Fraction | None

    def entry(self, name: str) -> Sourced | None:
        found = self.numbers.entries.get(f"dose.{self.drug}.{name}")
        return None if found is None or found.status is Status.UNVERIFIED else found

    def most(self, entry: Sourced | None) -> Fraction | None:
        return None if entry is None else exact(max(quantities(entry, entry.unit)), "most")

    def above_by_surface(self, entry: Sourced) -> bool | None:
        """Whether the dose is above so much per m2; None where that cannot be told without a surface."""
        most = self.most(entry) or Fraction(0)
        if self.surface_m2 is not None:
            return self.dose_mg > most * self.surface_m2
        least, largest = surface_bounds(self.numbers)
        if self.dose_mg <= most * least:
            return False
        return True if self.dose_mg > most * largest else None

    @property
    def mass(self) -> str:
        """The dose in mg."""
        return f"{plain_number(float(self.dose_mg))} mg"

    @property
    def text(self) -> str:
        """The dose in mg, and per m2 where the surface is known."""
        per_m2 = "" if self.surface_m2 is None else f" ({float(self.dose_mg / self.surface_m2):.4g} mg/m2)"
        return f"{self.mass}{per_m2} of {self.drug}"


def published_findings(
    numbers: TaceNumbers, drug: str, dose_mg: Fraction, surface_m2: Fraction | None
) -> Iterator[Finding]:
    """Where the dose leaves what has been published; a cap of one trial is a warning to acknowledge."""
    held = _Held(numbers, drug, dose_mg, surface_m2)
    yield from _cap(held)
    yield from _ranges(held)
    yield from _label(held)
    yield from _nothing_published(held)


def _cap(held: _Held) -> Iterator[Finding]:
    cap = held.entry("trial_cap_mg")
    if cap is not None and held.dose_mg > exact(cap.number, "cap"):
        yield Finding(
            "above-trial-cap",
            Severity.WARNING,
            f"{held.mass} of {held.drug} is above {cap.number:g} mg, the cap of a trial; "
            "acknowledge to go on.",
            footnote(cap),
        )


def _ranges(held: _Held) -> Iterator[Finding]:
    """The published ranges: above all that can be told is a warning, above one of two a remark."""
    fixed, by_surface = held.entry("published_mg"), held.entry("published_mg_per_m2")
    if held.entry("trial_cap_mg") is not None:
        return  # the cap of a trial is the larger published use
    above_fixed = None if fixed is None else held.dose_mg > (held.most(fixed) or 0)
    above_surface = None if by_surface is None else held.above_by_surface(by_surface)
    if by_surface is not None and above_surface is None:
        yield _surface_open(held, by_surface)
    told = [
        (entry, above)
        for entry, above in ((fixed, above_fixed), (by_surface, above_surface))
        if entry is not None and above is not None
    ]
    stated = " and ".join(_range(entry) for entry, _ in told)
    source = "; ".join(footnote(entry) for entry, _ in told)
    if told and all(above for _, above in told):
        yield Finding(
            "above-published-dose",
            Severity.WARNING,
            f"{held.text} is above the published {stated}; acknowledge to go on.",
            source,
        )
    elif above_fixed:
        yield Finding(
            "above-one-published-dose",
            Severity.INFO,
            f"{held.text} is above one published range and within another: {stated}.",
            source,
        )


def _range(entry: Sourced) -> str:
    return " to ".join(f"{number:g}" for number in quantities(entry, entry.unit)) + f" {entry.unit}"


def _surface_open(held: _Held, entry: Sourced) -> Finding:
    return Finding(
        "surface-open",
        Severity.WARNING,
        f"{held.mass} of {held.drug} was not held against {_range(entry)}: the body surface "
        "is not known, an open item; give it, or height and weight.",
        footnote(entry),
    )


def _label(held: _Held) -> Iterator[Finding]:
    """A dose above that of a label for the hepatic artery, which was written for another way of giving it."""
    label = held.entry("intra_arterial_mg_per_m2")
    if label is None:
        return
    above = held.above_by_surface(label)
    if above is None:
        if not any(held.entry(name) is not None for name in _PUBLISHED):
            yield _surface_open(held, label)
    elif above:
        in_everyone = "" if held.surface_m2 is not None else " in every patient"
        yield Finding(
            "above-arterial-label",
            Severity.WARNING,
            f"{held.text} is{in_everyone} above the {label.number:g} mg/m2 that a label gives for the "
            "hepatic artery without oil; acknowledge to go on.",
            footnote(label),
        )


def _nothing_published(held: _Held) -> Iterator[Finding]:
    """A drug whose dose in an emulsion no source gives."""
    if any(held.entry(name) is not None for name in _PUBLISHED):
        return
    used = held.numbers.entries.get(f"dose.{held.drug}.net")
    known = used is not None and used.status is not Status.UNVERIFIED
    if used is not None and not known:
        yield Finding(
            "unverified-drug",
            Severity.WARNING,
            f"The use of {held.drug} in an emulsion is unverified here; drug and dose are the team's own.",
        )
    yield Finding(
        "no-published-dose",
        Severity.WARNING,
        f"No dose of {held.drug} for an emulsion is published here, and {held.mass} was "
        "held against none; the dose is the team's own; acknowledge to go on.",
        footnote(used) if used is not None and known else "",
    )
