"""Vials and the days on which they can be used: what is ordered, what it holds, how many spheres that is.

A vial is known by its label: the activity at the moment of calibration. Everything later follows by decay, so
that each cell of the table of vials and days says its own hours, activity, spheres and volume. Moments carry
their time zone. A vial that cannot be used on a day stays in the table with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from emboplan.errors import ModelRangeError
from emboplan.model.products import Status
from emboplan.model.serialise import fields_to_json


def require_zone(moment: datetime, name: str) -> datetime:
    """`moment` itself; `ModelRangeError` when it has no time zone."""
    if not isinstance(moment, datetime):
        raise ModelRangeError(f"{name} is {moment!r}; expected a date and time with a time zone")
    if moment.utcoffset() is None:
        raise ModelRangeError(
            f"{name} {moment.isoformat()} has no time zone; write it with one, such as -05:00"
        )
    return moment


class VialKind(StrEnum):
    """Where a vial's size comes from."""

    STANDARD = "standard"
    CUSTOM = "custom"
    RANGE_END = "range-end"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class Vial:
    """A vial by its label: activity (GBq) at the calibration time, and the last moment of use.

    `expires_at` is None where no shelf life is known. `status` says how sure the size is; `note` what a
    reader must know of it. `ModelRangeError` when a moment has no time zone.
    """

    device: str
    label_gbq: float
    calibration_time: datetime
    expires_at: datetime | None = None
    kind: VialKind = VialKind.STANDARD
    status: Status = Status.CONFIRMED
    note: str = ""

    def __post_init__(self) -> None:
        require_zone(self.calibration_time, "calibration_time")
        if self.expires_at is not None:
            require_zone(self.expires_at, "expires_at")
        if not 0 < self.label_gbq < float("inf"):
            raise ModelRangeError(f"label_gbq is {self.label_gbq:g}; expected a number above 0")

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class SphereLoad:
    """Spheres, the activity of one (Bq), and the solid volume of all (mL): the embolic load.

    The volume is that of the spheres themselves, without liquid and without the room between them.
    `sphere_volume_range_ml` takes the smallest and the largest diameter of the product; None where only one
    is published. `count_source` and `diameter_source` say where count and diameter come from.
    """

    device: str
    spheres: float
    activity_per_sphere_bq: float
    diameter_um: float
    sphere_volume_ml: float
    sphere_volume_range_ml: tuple[float, float] | None
    count_source: str
    diameter_source: str
    status: Status
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class VialOnDay:
    """One vial at one moment of treatment: a cell of the table of vials and days.

    `activity_at_treatment_gbq` is what the whole vial holds then; `administered_gbq` is what reaches the
    patient: the share drawn, times 1 - residual. `share_of_vial_frac` is None where all of it is given.
    `spheres` and `sphere_volume_ml` are those prepared: of the share drawn, the residual included. `usable`
    is false with a `reason` where the vial cannot be used then; the numbers stay.
    """

    vial: Vial
    treatment_time: datetime
    hours_after_calibration: float
    activity_at_treatment_gbq: float
    residual_frac: float
    administered_gbq: float
    share_of_vial_frac: float | None
    spheres: float
    activity_per_sphere_bq: float
    sphere_volume_ml: float
    usable: bool
    reason: str = ""

    @property
    def prepared_gbq(self) -> float:
        """The activity that is put up for the patient: the vial's, or the share drawn from it."""
        share = 1.0 if self.share_of_vial_frac is None else self.share_of_vial_frac
        return self.activity_at_treatment_gbq * share

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class VialCombination:
    """Vials given together at one moment, with the sums over them and the distance from the wanted activity.

    `relative_difference_frac` is (administered - wanted) / wanted.
    """

    cells: tuple[VialOnDay, ...]
    wanted_gbq: float
    administered_gbq: float
    relative_difference_frac: float
    spheres: float
    sphere_volume_ml: float

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class Bolus:
    """One part of a prepared activity, injected by itself."""

    share_frac: float
    prepared_gbq: float
    administered_gbq: float
    spheres: float
    sphere_volume_ml: float

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)
