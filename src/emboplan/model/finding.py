"""A finding: something a reader of the plan must know, with its weight and its source."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs."""

    INFO = "info"
    WARNING = "warning"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know: a stable identifier, its weight, a sentence, and where the rule comes from."""

    id: str
    severity: Severity
    text: str
    source: str = ""
