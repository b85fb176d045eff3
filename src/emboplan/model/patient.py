"""Facts about a patient: typed answers to named questions, each with where it comes from.

A fact is yes, no or not known; one that is not in `PatientFacts` is not known, never "no". Numbers are exact
decimals, so that a limit compares as written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType


class FactOrigin(StrEnum):
    """Who says so."""

    ENTERED = "entered"
    MEASURED = "measured"


@dataclass(frozen=True, slots=True)
class LabValue:
    """A laboratory value as reported, with its unit and, where it matters, the upper limit of normal."""

    value: Decimal
    unit: str
    upper_limit_of_normal: Decimal | None = None


FactValue = bool | Decimal | str | date | LabValue


@dataclass(frozen=True, slots=True)
class Signature:
    """Who answered a question of judgement, and on which day, both or neither; and the written reasons."""

    by: str | None = None
    on: date | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One answer: its value, its origin, the 95 % interval of a measured number, and who answered."""

    value: FactValue
    origin: FactOrigin = FactOrigin.ENTERED
    interval: tuple[Decimal, Decimal] | None = None
    signed: Signature | None = None

    def signed_by(self, other: Signature) -> Fact:
        """The fact with that person and day, where it names nobody of its own; reasons stay its own."""
        if self.origin is FactOrigin.MEASURED or (self.signed is not None and self.signed.by is not None):
            return self
        reason = None if self.signed is None else self.signed.reason
        return replace(self, signed=Signature(other.by, other.on, reason))


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """The known facts of one patient, by name."""

    known: Mapping[str, Fact] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Freeze the mapping."""
        object.__setattr__(self, "known", MappingProxyType(dict(sorted(self.known.items()))))

    def get(self, name: str) -> Fact | None:
        """The fact of that name, or None when it is not known."""
        return self.known.get(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __contains__(self, name: object) -> bool:
        return name in self.known

    def with_measured(self, measured: Mapping[str, Fact]) -> PatientFacts:
        """These facts and the measured ones; where both exist, the entered one decides."""
        return PatientFacts({**measured, **self.known})
