"""The tables and keys of the case file, with the kind of value that each takes.

pydantic checks a parsed file against these and reports every mistake at once; `casefile` words them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from emboplan.errors import UnitError
from emboplan.model.case import ActivityModel, Intent, ProcedureKind, Sex
from emboplan.units import parse_quantity

MOST_SHOWN = 60  # characters of a found value: enough to find it again in the file


def shown(value: object) -> str:
    """A value as a case file would have it, for messages."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, dict):
        text = "a table"
    elif isinstance(value, list):
        text = f"[{', '.join(map(shown, value))}]"
    else:
        text = str(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def _quantity(unit: str, *, positive: bool = True) -> Callable[[Any], float]:
    def parse(value: Any) -> float:
        if not isinstance(value, str):
            raise ValueError(f'found {shown(value)} without a unit; expected a quantity such as "2 {unit}"')
        try:
            number = parse_quantity(value, to=unit)
        except UnitError as error:
            raise ValueError(str(error)) from error
        # Tested as a float: a decimal may be too large or too small for one.
        plain = float(number)
        if not math.isfinite(plain) or plain < 0 or (positive and plain == 0):
            expected = "a positive quantity" if positive else "0 or more"
            raise ValueError(f"found {shown(value)}; expected {expected}")
        return plain

    return parse


def _number(low: int, high: int | None, *, low_included: bool, expected: str) -> Callable[[Any], float]:
    def parse(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise ValueError(f"found {shown(value)}; expected {expected}")
        number = float(value)
        below = number < low or (number == low and not low_included)
        if not math.isfinite(number) or below or (high is not None and number >= high):
            raise ValueError(f"found {shown(value)}; expected {expected}")
        return number

    return parse


DoseGy = Annotated[float, BeforeValidator(_quantity("Gy"))]
PriorDoseGy = Annotated[float, BeforeValidator(_quantity("Gy", positive=False))]
ActivityGbq = Annotated[float, BeforeValidator(_quantity("GBq"))]
LengthCm = Annotated[float, BeforeValidator(_quantity("cm"))]
LengthMm = Annotated[float, BeforeValidator(_quantity("mm"))]
MassKg = Annotated[float, BeforeValidator(_quantity("kg"))]
Ratio = Annotated[
    float,
    BeforeValidator(_number(0, None, low_included=False, expected="a number above 0 (concentration ratio)")),
]
ShuntFrac = Annotated[
    float,
    BeforeValidator(_number(0, 1, low_included=True, expected="a fraction from 0 to below 1 (5 % is 0.05)")),
]
Positive = Annotated[
    float, BeforeValidator(_number(0, None, low_included=False, expected="a number above 0"))
]
NonEmpty = Annotated[str, Field(min_length=1)]


def _aware(value: Any) -> Any:
    """A date with a time and a zone; pydantic alone would take a number or a day too."""
    if not isinstance(value, datetime):
        raise ValueError(f"found {shown(value)}; expected a date and time such as 2026-12-03T10:30:00-05:00")
    if value.tzinfo is None:
        raise ValueError(f"found {value.isoformat()} without a time zone; expected one (10:30:00-05:00)")
    return value


def _day(value: Any) -> Any:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError(f"found {shown(value)}; expected a date such as 2025-06-01")
    return value


def _lung_mass(value: Any) -> Any:
    return value if value == "ct" else _quantity("g")(value)


def _labels(value: Any) -> Any:
    fits = value == "all" or (
        isinstance(value, list) and value and all(type(label) is int and label > 0 for label in value)
    )
    if not fits:
        raise ValueError(f'found {shown(value)}; expected "all" or a list of lesion numbers such as [1, 3]')
    return _each_once(value) if isinstance(value, list) else value


def _each_once(values: Any) -> Any:
    if isinstance(values, list):
        for value in values:
            if values.count(value) > 1:
                raise ValueError(f"found {shown(value)} twice; expected each once")
    return values


def _kind(value: Any) -> Any:
    known = [kind.value for kind in ProcedureKind]
    if value not in known:
        raise ValueError(
            f"found {shown(value)}; this version plans radioembolization only: {', '.join(known)}"
        )
    return value


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PatientTable(_Table):
    """[patient]."""

    id: NonEmpty
    sex: Sex | None = None
    age_years: Annotated[int, Field(ge=0, strict=True)] | None = None
    height: LengthCm | None = None
    weight: MassKg | None = None


class ImagesTable(_Table):
    """[images]: paths relative to the case file."""

    ct: NonEmpty
    ct_series: NonEmpty | None = None
    maa: NonEmpty | None = None
    maa_resolution: LengthMm | None = None
    liver: NonEmpty | None = None
    tumours: NonEmpty | None = None
    confirmed_by: str = ""


class GoalTable(_Table):
    """A dose to reach, and who says so."""

    dose: DoseGy
    source: NonEmpty


class ProcedureTable(_Table):
    """[procedure]."""

    kind: Annotated[ProcedureKind, BeforeValidator(_kind)] = ProcedureKind.TARE
    protocol: str | None = None
    intent: Intent | None = None
    device: str | None = None
    models: Annotated[list[ActivityModel], BeforeValidator(_each_once), Field(min_length=1)] = [
        ActivityModel.PARTITION,
        ActivityModel.SINGLE,
    ]
    k_gy_kg_per_gbq: Positive | None = None
    liver_density_g_per_ml: Positive | None = None
    treatment_time: Annotated[datetime, BeforeValidator(_aware)] | None = None


class TerritoryTable(_Table):
    """[[territory]]."""

    name: NonEmpty
    mask: NonEmpty | None = None
    tumours: Annotated[Literal["all"] | list[int], BeforeValidator(_labels)] = "all"
    tumour_to_normal: Ratio | None = None
    lung_shunt_frac: ShuntFrac | None = None
    tumour_goal: GoalTable | None = None
    perfused_goal: GoalTable | None = None
    administered: ActivityGbq | None = None
    session: Annotated[int, Field(ge=1, strict=True)] = 1


class LimitsTable(_Table):
    """[limits]: what is not given is taken from the catalogue, where it has a value."""

    perfused_normal: DoseGy | None = None
    whole_normal: DoseGy | None = None
    lung_session: DoseGy | None = None
    lung_cumulative: DoseGy | None = None
    lung_mass: Annotated[float | Literal["ct"], BeforeValidator(_lung_mass)] | None = None


class PriorTable(_Table):
    """[[prior]]: an earlier radioembolization."""

    kind: Annotated[ProcedureKind, BeforeValidator(_kind)]
    date: Annotated[date, BeforeValidator(_day)]
    lung_dose: PriorDoseGy = 0.0
    whole_normal_dose: PriorDoseGy = 0.0


class CaseTable(_Table):
    """The whole file, [facts] apart."""

    patient: PatientTable
    images: ImagesTable
    procedure: ProcedureTable = ProcedureTable()
    territory: list[TerritoryTable] = []
    limits: LimitsTable = LimitsTable()
    prior: list[PriorTable] = []
