"""The verdict of a protocol, criterion by criterion."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

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
