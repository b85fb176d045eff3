"""What a reader reports after treatment: lesions at time points, and the dates of a patient's course.

One `LesionRead` is one row of a table of reads. Diameters are exact decimals, since the limits of the
response criteria are met or missed exactly at them. Nothing here is judged; `emboplan.response` does that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

LIVER = "liver"
LYMPH_NODE = "lymph node"  # all nodes together are one organ


class Role(StrEnum):
    """What a lesion is for the assessment."""

    TARGET = "target"
    NON_TARGET = "non-target"
    NEW = "new"


class State(StrEnum):
    """What a reader says of a lesion beside, or instead of, its diameters."""

    MEASURED = "measured"
    ABSENT = "absent"
    TOO_SMALL = "too-small"
    NOT_ASSESSED = "not-assessed"
    SPLIT = "split"
    MERGED = "merged"
    PRESENT = "present"
    PROGRESSED = "progressed"
    UNEQUIVOCAL = "unequivocal"
    EQUIVOCAL = "equivocal"


STATES_OF = {
    Role.TARGET: (
        *(State.MEASURED, State.ABSENT, State.TOO_SMALL, State.NOT_ASSESSED),
        *(State.SPLIT, State.MERGED),
    ),
    Role.NON_TARGET: (State.PRESENT, State.ABSENT, State.PROGRESSED, State.NOT_ASSESSED),
    Role.NEW: (State.UNEQUIVOCAL, State.EQUIVOCAL, State.ABSENT),
}


@dataclass(frozen=True, slots=True)
class LesionRead:
    """One lesion at one time point.

    `where` says where it was read, for messages; `sound` is false where something in its row is wrong.
    """

    date: date
    lesion: str
    organ: str
    role: Role | None
    state: State | None = None
    longest_mm: Decimal | None = None
    short_axis_mm: Decimal | None = None
    viable_longest_mm: Decimal | None = None
    viable_perpendicular_mm: Decimal | None = None
    slice_mm: Decimal | None = None
    time_point: str = ""
    patient: str = ""
    where: str = ""
    sound: bool = True

    @property
    def in_liver(self) -> bool:
        """Whether the lesion counts for the hepatic response."""
        return self.organ == LIVER

    @property
    def is_node(self) -> bool:
        """Whether the lesion is measured by its short axis."""
        return self.organ == LYMPH_NODE


@dataclass(frozen=True, slots=True)
class SymptomRecord:
    """How severe the symptoms were on a day, on the reader's own scale: more is worse."""

    date: date
    severity: Decimal


@dataclass(frozen=True, slots=True)
class Course:
    """The dates of a patient's course that endpoints count from, and end at.

    `last_alive_date` is the last day on which the patient is known to be alive, beside the scans. A new
    therapy is any anticancer treatment outside the plan; `treatment_dates` are those of the plan: None where
    they are not known, empty where there was none. `arm` is the arm of the protocol, by its id or name. The
    data end with `data_cutoff_date`.
    """

    first_treatment_date: date | None = None
    first_tare_date: date | None = None
    randomisation_date: date | None = None
    cycle_1_day_1_date: date | None = None
    treatment_dates: tuple[date, ...] | None = None
    new_therapy_date: date | None = None
    death_date: date | None = None
    last_alive_date: date | None = None
    end_of_trial_date: date | None = None
    data_cutoff_date: date | None = None
    assessment_interval_days: int | None = None
    symptom_baseline_severity: Decimal | None = None
    symptom_relief_date: date | None = None
    symptoms: tuple[SymptomRecord, ...] = ()
    arm: str = ""

    @property
    def treatments(self) -> tuple[date, ...]:
        """The known days of treatment by the plan, in order."""
        first = () if self.first_treatment_date is None else (self.first_treatment_date,)
        return tuple(sorted({*(self.treatment_dates or ()), *first}))


@dataclass(frozen=True, slots=True)
class Form:
    """One filled questionnaire: the answers by item number, None where an item was left out."""

    patient: str
    date: date
    answers: Mapping[int, object]
    where: str = ""


@dataclass(frozen=True, slots=True)
class ResponseOptions:
    """How to judge, where it is not left to the protocol and the catalogue (None).

    `carry_pr` reads stable disease after a confirmed partial response as partial; `reread_cr` reads a
    complete response that a partial one follows as partial; `five_mm` asks mRECIST too for a growth of 5 mm.
    `as_of` is the day of the data: nothing may be dated after it; without it nothing may be dated after
    `today`, where that is given.
    """

    criteria: str | None = None
    protocol: str | None = None
    max_targets: int | None = None
    max_targets_per_organ: int | None = None
    min_sd_interval_days: int | None = None
    confirmation: bool | None = None
    carry_pr: bool = False
    reread_cr: bool = False
    five_mm: bool = False
    visit_window_days: int | None = None
    as_of: date | None = None
    assessor: str | None = None
    today: date | None = None

    @property
    def last_day(self) -> date | None:
        """The day after which nothing may be dated."""
        return self.as_of or self.today


@dataclass(frozen=True, slots=True)
class AdverseEvent:
    """One episode of an adverse event, or one change of its grade; a grade of None is not known.

    Rows with the same patient, term and episode belong together. `related` says whether the treatment caused
    it.
    """

    patient: str
    term: str
    date: date
    grade: int | None
    organ_class: str = ""
    episode: str = ""
    related: bool | None = None
    ctcae_version: str = ""
