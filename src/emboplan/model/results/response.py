"""Response of a patient: each time point, the best response, and the endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from emboplan.model.serialise import fields_to_json, to_jsonable

Day = date  # a class with a field named date cannot name the type after it


class Category(StrEnum):
    """The answer of a response criterion."""

    CR = "CR"
    PR = "PR"
    SD = "SD"
    NON_CR_NON_PD = "non-CR/non-PD"
    PD = "PD"
    NE = "NE"


@dataclass(frozen=True, slots=True)
class ScopePoint:
    """One time point, judged on all disease or on the liver alone.

    `size` is the sum over the targets, mm or mm² by the criterion; None where a target was not measured.
    `nadir` is the smallest complete sum before it, baseline included. `no_disease` is true where no target
    and no non-target that was looked at shows disease. `progression_date` is the day on which progression was
    seen, None without progression. At the baseline no category is set.
    """

    date: date
    size: Decimal | None
    nadir: Decimal | None
    target: Category | None
    non_target: Category | None
    new_lesion: bool
    overall: Category | None
    no_disease: bool = False
    progression_date: Day | None = None


@dataclass(frozen=True, slots=True)
class TimePointResponse:
    """One time point as printed; the overall assessment, and the liver's own beside it."""

    label: str
    date: date
    unit: str
    overall_point: ScopePoint
    hepatic_point: ScopePoint

    def to_json(self) -> dict[str, Any]:
        """The JSON fields; the sum is in `sum_mm`, or in `sum_mm2` for a criterion of areas."""
        whole, liver = self.overall_point, self.hepatic_point
        lengths = self.unit == "mm"
        table: dict[str, Any] = {
            "time_point": self.label,
            "date": self.date,
            "sum_mm": whole.size if lengths else None,
            "nadir_mm": whole.nadir if lengths else None,
            "target": whole.target,
            "non_target": whole.non_target,
            "new_lesion": whole.new_lesion,
            "overall": whole.overall,
            "hepatic": liver.overall,
            "hepatic_sum_mm": liver.size if lengths else None,
            "hepatic_nadir_mm": liver.nadir if lengths else None,
            "progression_date": whole.progression_date,
            "hepatic_progression_date": liver.progression_date,
        }
        if not lengths:
            areas = {"sum": whole.size, "nadir": whole.nadir}
            areas |= {"hepatic_sum": liver.size, "hepatic_nadir": liver.nadir}
            table |= {f"{name}_{self.unit}": value for name, value in areas.items()}
        return {name: to_jsonable(value) for name, value in table.items()}


@dataclass(frozen=True, slots=True)
class BestResponse:
    """The best response over a patient's time points, on all disease and on the liver alone."""

    overall: Category
    hepatic: Category | None


@dataclass(frozen=True, slots=True)
class TimeToEvent:
    """One endpoint of one patient: the time from `start_date` to `date`, and what happened then.

    `event` is None where the endpoint cannot be told; `missing` then says what for. `competing` marks an end
    that is another event of a competing-risks analysis.
    """

    start: str
    start_date: date | None
    date: date | None
    time_days: int | None
    event: bool | None
    event_kind: str | None
    censor_reason: str | None
    competing: bool = False
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint by its definition, with the variants that the protocol or a sensitivity analysis names."""

    id: str
    title: str
    definition: str
    place: str
    status: str
    time_frame_months: int | None
    result: TimeToEvent
    months: float | None
    variants: Mapping[str, TimeToEvent] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The JSON fields: those of the result at the top, the variants below."""
        table = fields_to_json(self)
        table["time_months"] = table.pop("months")
        return {"id": table.pop("id"), **table.pop("result"), **table}


@dataclass(frozen=True, slots=True)
class VisitResponse:
    """What a protocol counts as response of a patient: its best one, or the one at a visit."""

    id: str
    scope: str
    category: Category | None
    counts: bool | None
    date: date | None
    definition: str
    place: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PatientResponse:
    """Response of one patient by one criterion, with the settings it was judged by.

    A patient without reads has no baseline, no targets and no time points; the best response is NE.
    """

    criteria: str
    criteria_version: str
    protocol: str | None
    settings: Mapping[str, Any]
    baseline_date: date | None
    targets: tuple[str, ...]
    time_points: tuple[TimePointResponse, ...]
    best_overall: Category
    best_hepatic: Category | None
    best_with_confirmation: BestResponse
    best_without_confirmation: BestResponse
    responses: tuple[VisitResponse, ...]
    endpoints: Mapping[str, Endpoint]
    beside: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    quality_of_life: QualityOfLife | None = None
    toxicity: Toxicity | None = None

    @property
    def evaluable(self) -> bool:
        """Whether there is a best response to tell: it is not NE."""
        return self.best_overall is not Category.NE

    def to_json(self) -> dict[str, Any]:
        """The JSON fields, and whether the patient was evaluable."""
        return {**fields_to_json(self), "evaluable": self.evaluable}


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of patients with its exact interval."""

    count: int
    patients: int
    share_frac: float
    interval: tuple[float, float]
    confidence_frac: float


@dataclass(frozen=True, slots=True)
class WorstGrade:
    """The highest known grade, and whether an unknown grade may lie above it."""

    grade: int
    incomplete: bool = False

    def __str__(self) -> str:
        return f"≥{self.grade}, incomplete" if self.incomplete else str(self.grade)


@dataclass(frozen=True, slots=True)
class GradeRow:
    """How many patients had which worst grade; `counts` and `unknown` add up to all patients.

    `counts` begins with grade 0; `severe` is the share of grade 3 and above.
    """

    name: str
    counts: tuple[int, ...]
    unknown: int
    severe: Rate


@dataclass(frozen=True, slots=True)
class Toxicity:
    """Adverse events of the safety population: each patient's worst grade, and tables of patients by grade.

    `worst` and `table` are of all events; `related_worst` and `related_table` of those alone that the
    treatment caused, None where the relation of an event is not known.
    """

    title: str
    definition: str
    place: str
    ctcae_version: str
    worst: Mapping[str, WorstGrade]
    table: tuple[GradeRow, ...]
    related_worst: Mapping[str, WorstGrade] | None
    related_table: tuple[GradeRow, ...] | None


@dataclass(frozen=True, slots=True)
class QualityVisit:
    """The scores of one form, 0 to 100, None where missing; changes are from the form at baseline.

    The summary score is later than the manual of the scales. `in_window` is false where the protocol asks for
    the form no longer, None where the start is not known.
    """

    date: date
    in_window: bool | None
    scales: Mapping[str, float | None]
    summary: float | None
    invalid_items: tuple[int, ...]
    changes: Mapping[str, float | None] | None
    changes_in_words: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class QualityOfLife:
    """One patient's forms in the order of their days; `baseline_date` is None where none is early enough."""

    version: str
    title: str
    definition: str
    place: str
    baseline_date: date | None
    visits: tuple[QualityVisit, ...]


@dataclass(frozen=True, slots=True)
class SurvivalStep:
    """One event time of a Kaplan-Meier curve; the interval is None where the curve has reached zero."""

    time: float
    at_risk: int
    events: int
    survival_frac: float
    standard_error: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class SurvivalCurve:
    """A Kaplan-Meier curve, its median with interval (None: not reached), and the median follow-up."""

    patients: int
    events: int
    steps: tuple[SurvivalStep, ...]
    censored_times: tuple[float, ...]
    last_time: float
    median: float | None
    median_interval: tuple[float | None, float | None]
    median_follow_up: float | None
    confidence_frac: float

    def survival_at(self, time: float) -> float:
        """The share without an event just after that time."""
        survival = 1.0
        for step in self.steps:
            if step.time > time:
                break
            survival = step.survival_frac
        return survival


@dataclass(frozen=True, slots=True)
class IncidenceCurve:
    """The share of patients with an event by each of its times (months), where another one competes with it.

    `steps` are pairs of time and share; `competing` counts the patients whom the other event came first.
    """

    patients: int
    events: int
    competing: int
    steps: tuple[tuple[float, float], ...]

    def share_at(self, time: float) -> float:
        """The share with the event by that time."""
        return max((share for month, share in self.steps if month <= time), default=0.0)


@dataclass(frozen=True, slots=True)
class CohortResponse:
    """Response of several patients: each one's own, the rates, and a curve for each endpoint.

    `variants` holds the curves of the variants of an endpoint by the endpoint's and the variant's name;
    `incidence` those in which another event competes, which have no Kaplan-Meier curve.
    """

    criteria: str
    protocol: str | None
    patients: Mapping[str, PatientResponse]
    rates: Mapping[str, Rate]
    survival: Mapping[str, SurvivalCurve]
    findings: tuple[str, ...] = ()
    toxicity: Toxicity | None = None
    variants: Mapping[str, Mapping[str, SurvivalCurve]] = field(default_factory=dict)
    incidence: Mapping[str, Mapping[str, IncidenceCurve]] = field(default_factory=dict)

    def to_json_of_one(self) -> dict[str, Any]:
        """The JSON fields of the only patient, with the table of adverse events beside them."""
        (patient,) = self.patients.values()
        findings = [*patient.findings, *self.findings]
        return {**patient.to_json(), "toxicity": to_jsonable(self.toxicity), "findings": findings}

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)
