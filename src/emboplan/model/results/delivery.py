"""What was delivered against the plan: each territory by its readings, and all of it as a PET shows it.

Every activity stands at a moment that is named. Doses at the delivered activity are those of the plan,
scaled; None where there was no plan to scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from emboplan.model.directive import WrittenDirective
from emboplan.model.finding import Finding
from emboplan.model.results.activity import Doses
from emboplan.model.results.administration import Administration
from emboplan.model.serialise import fields_to_json


class PrescriptionSource(StrEnum):
    """Where the prescribed activity comes from."""

    PLAN = "plan"
    CASE = "case"


@dataclass(frozen=True, slots=True)
class TerritoryDelivery:
    """One territory: prescribed and delivered activity (GBq at injection), doses, and the directive's draft.

    `model` is the dose model of the plan whose doses are scaled. `delivered_gbq` and `delivered_frac` are
    those of `administration`, repeated where a reader looks first.
    """

    territory: str
    device: str
    nuclide: str
    prescribed_gbq: float
    prescribed_by: PrescriptionSource
    delivered_gbq: float
    delivered_frac: float
    lung_shunt_frac: float | None
    model: str | None
    planned_doses_gy: Doses | None
    delivered_doses_gy: Doses | None
    administration: Administration
    directive: WrittenDirective

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class ImageComparison:
    """A total of the image (GBq) beside what the readings let expect there; the difference is over that.

    `outside_tolerance` says that the difference is beyond the tolerance of the catalogue.
    """

    total_gbq: float
    expected_gbq: float
    relative_difference_frac: float
    outside_tolerance: bool

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class ImagedDelivery:
    """A PET against the readings, everything at `moment`, the last injection that the PET shows.

    `lungs_in_field` is None where nobody said. `whole` is the whole image, `liver` what lies in a given liver
    mask; None where there was no mask.
    """

    moment: datetime
    nuclide: str
    decay_correction: str
    scanner_nuclide: str | None
    header_nuclide: str
    lungs_in_field: bool | None
    delivered_gbq: float
    shunted_gbq: float | None
    whole: ImageComparison
    liver: ImageComparison | None

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """Every administration of a case against its prescription, and the PET where there was one.

    `lung_gy` and `whole_normal_gy` are sums over the territories that were treated. `findings` are those of
    the comparison as a whole; each administration keeps its own.
    """

    emboplan_version: str
    catalogue_digest: str
    territories: tuple[TerritoryDelivery, ...]
    lung_gy: float | None
    whole_normal_gy: float | None
    image: ImagedDelivery | None
    findings: tuple[Finding, ...] = ()

    @property
    def all_findings(self) -> tuple[tuple[str, Finding], ...]:
        """Every finding with the territory that it is about, empty for the whole."""
        of_territories = [(t.territory, f) for t in self.territories for f in t.administration.findings]
        return (*of_territories, *(("", finding) for finding in self.findings))

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)
