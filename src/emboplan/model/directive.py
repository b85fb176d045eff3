"""A draft of the written directive: what it must say, what the plan can fill in, what only a person may.

Each item is a line of the document. An item that only a person may fill is blank in every draft, whatever the
plan knows. The list of items is to be confirmed against the guidance in force, and the draft says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from emboplan.errors import ModelRangeError
from emboplan.model.serialise import fields_to_json


class Stage(StrEnum):
    """When an item must be filled: before treatment, or after it and before the patient leaves recovery."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class DirectiveItem:
    """One line of the directive; `value` is None while it is blank."""

    name: str
    stage: Stage
    value: str | None = None
    only_a_person: bool = False

    def __post_init__(self) -> None:
        if self.only_a_person and self.value is not None:
            raise ModelRangeError(f"{self.name!r} may be filled by a person only; leave it blank in a draft")

    @property
    def blank(self) -> bool:
        """Whether somebody must still fill it."""
        return self.value is None

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class WrittenDirective:
    """The draft: its items in order, the note that must be printed with it, and where the list comes from."""

    items: tuple[DirectiveItem, ...]
    note: str
    source: str

    @property
    def blanks(self) -> tuple[DirectiveItem, ...]:
        """The items that are still blank."""
        return tuple(item for item in self.items if item.blank)

    def of(self, stage: Stage) -> tuple[DirectiveItem, ...]:
        """The items of one stage."""
        return tuple(item for item in self.items if item.stage is stage)

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class PlannedTreatment:
    """What the plan knows of a treatment, for the directive; None or empty where it does not know.

    Activities are administered, in GBq, at the time of treatment. `other_sites` names further sites with the
    dose or activity allowed there, such as ``("stomach", "none")``.
    """

    device: str
    patient: str | None = None
    treatment_site: str | None = None
    administered_gbq: float | None = None
    dose_gy: float | None = None
    dose_of: str = "treated volume"
    lung_limit_gy: float | None = None
    lung_limit_gbq: float | None = None
    other_sites: tuple[tuple[str, str], ...] = ()
