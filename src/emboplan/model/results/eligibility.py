"""The verdict of a protocol, criterion by criterion."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from emboplan.model.patient import FactValue
from emboplan.model.serialise import fields_to_json


class CriterionStatus(StrEnum):
    """The answer of one criterion."""

    PASS = "pass"  # noqa: S105  a status, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"
    CORRECTABLE = "correctable"
    DEFERRED = "deferred"


class Verdict(StrEnum):
    """The answer of a protocol."""

    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """One criterion: what was measured, what it was compared with, and the sentence it comes from."""

    id: str
    status: CriterionStatus
    measured: str | None
    compared: str | None
    operator: str | None
    limit: str | None
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Flag:
    """Something about the verdict that a reader must know."""

    id: str
    criterion: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Eligibility:
    """The verdict of one protocol; criterion ids and fact names are sorted."""

    protocol: str
    source_complete: bool
    stage: str
    verdict: Verdict
    failed: tuple[str, ...]
    missing: tuple[str, ...]
    correctable: tuple[str, ...]
    deferred: tuple[str, ...]
    flags: tuple[Flag, ...]
    criteria: tuple[CriterionResult, ...]

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


class How(StrEnum):
    """How a fact would come to be what is needed."""

    FIND_OUT = "find_out"
    CORRECT = "correct"
    REPEAT = "repeat"
    WAIT = "wait"
    TREAT = "treat"
    DECIDE = "decide"


@dataclass(frozen=True, slots=True)
class NeededFact:
    """One fact that would have to be known, or be another: what it is now and what would do.

    `criteria` are those that do not pass without it; `example` is one value that would do.
    """

    fact: str
    how: How
    now: str | None
    needed: str
    criteria: tuple[str, ...]
    example: FactValue


@dataclass(frozen=True, slots=True)
class WhatWouldChange:
    """The smallest sets of facts that would make a patient eligible, the shortest first.

    No set holds another. `blocked` names the criteria that no fact which may change can turn; there is no set
    then. `complete` is false where there were too many sets to find them all.
    """

    protocol: str
    stage: str
    verdict: Verdict
    sets: tuple[tuple[NeededFact, ...], ...]
    blocked: tuple[str, ...]
    complete: bool = True

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)
