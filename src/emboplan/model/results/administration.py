"""What was read on the day of treatment, and what follows from it: residual, delivered activity, flags.

A `Reading` is one number from one instrument at one moment. The record holds all readings as they were taken;
the result brings them to the moment of injection and keeps them beside each other: label and own assay,
before and after, delivered and seen in the image. Nothing that was read is replaced.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emboplan.errors import ModelRangeError
from emboplan.model.finding import Finding
from emboplan.model.results.vials import Vial, require_zone
from emboplan.model.serialise import fields_to_json


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading with its unit, moment, instrument and geometry.

    The unit is one of activity (``GBq``, ``MBq``, ``mCi``), or any other text for a reading that is only
    compared with another of the same instrument, such as ``uSv/h``. `background` is subtracted from it.
    """

    value: float
    unit: str
    taken_at: datetime
    instrument: str = ""
    geometry: str = ""
    background: float = 0.0

    def __post_init__(self) -> None:
        require_zone(self.taken_at, "taken_at")
        for name in ("value", "background"):
            number = getattr(self, name)
            if not (math.isfinite(number) and number >= 0):
                raise ModelRangeError(f"{name} of a reading is {number:g} {self.unit}; expected 0 or more")
        if self.background > self.value:
            raise ModelRangeError(
                f"background {self.background:g} {self.unit} is above the reading {self.value:g}; check both"
            )

    @property
    def net(self) -> float:
        """The reading less its background."""
        return self.value - self.background

    def to_json(self) -> dict[str, Any]:
        """The JSON fields; the unit of `value` and `background` stands in `unit`."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class ReceiptCheck:
    """Label and own assay of a vial (GBq) at the moment of the assay; the difference is over the label."""

    vial: Vial
    assay: Reading
    label_at_assay_gbq: float
    assay_gbq: float
    relative_difference_frac: float
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class AdministrationRecord:
    """What was prescribed, and every reading of the day.

    `prescribed_gbq` is the activity to be administered at `injection_time`. `before` and `after` are readings
    of the same things in the same geometry: before, what was put up for the patient; after, vial, tubing and
    waste. `draw_before` and `draw_after` are readings of the vial around a dose draw. `image_total` is the
    activity seen by PET or SPECT. `stasis` is None where nobody recorded whether flow stopped.
    """

    device: str
    prescribed_gbq: float
    injection_time: datetime
    before: Reading
    after: Reading
    vial: Vial | None = None
    assay: Reading | None = None
    draw_before: Reading | None = None
    draw_after: Reading | None = None
    stasis: bool | None = None
    image_total: Reading | None = None

    def __post_init__(self) -> None:
        require_zone(self.injection_time, "injection_time")
        if not 0 < self.prescribed_gbq < float("inf"):
            raise ModelRangeError(f"prescribed_gbq is {self.prescribed_gbq:g}; expected a number above 0")
        if (self.draw_before is None) is not (self.draw_after is None):
            raise ModelRangeError("a dose draw needs the reading before it and the one after it; give both")

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class Administration:
    """What was delivered, every activity (GBq) at the moment of injection.

    `basis` says which reading `prepared_gbq` comes from. `residual_frac` is the share of the prepared
    activity that stayed behind; `delivered_frac` the delivered activity over the prescribed one.
    `assay_relative_difference_frac` is (assay - label) / label, `image_relative_difference_frac` (image -
    delivered) / delivered. None where a reading was not given.
    """

    record: AdministrationRecord
    label_at_injection_gbq: float | None
    assay_at_injection_gbq: float | None
    assay_relative_difference_frac: float | None
    drawn_at_injection_gbq: float | None
    prepared_gbq: float
    basis: str
    residual_gbq: float
    residual_frac: float
    delivered_gbq: float
    delivered_frac: float
    outside_tolerance: bool
    image_total_at_injection_gbq: float | None
    image_relative_difference_frac: float | None
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)
