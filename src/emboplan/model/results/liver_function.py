"""How well the liver works, and what of it is left untreated: scores and volumes beside a plan.

The scores describe the liver; they are no dose limit. Both were made for cirrhosis and hepatocellular
carcinoma. What is missing leaves a score unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emboplan.model.serialise import fields_to_json


@dataclass(frozen=True, slots=True)
class RemnantSummary:
    """The liver that no territory reaches: its volume, and its share of the liver.

    `share_frac` is of the liver less its tumours, `standardised_share_frac` of the volume that a person of
    this body surface is expected to have by `formula`; None without height and weight.
    """

    volume_ml: float
    share_frac: float
    standardised_share_frac: float | None
    ml_per_kg: float | None
    expected_liver_ml: float | None
    formula: str
    source: str
    status: str

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class LiverFunction:
    """ALBI and Child-Pugh with the items that are missing, and the future liver remnant where there is one.

    `child_pugh_items` are the points of each known item.
    """

    albi_score: float | None
    albi_grade: int | None
    albi_missing: tuple[str, ...]
    albi_source: str
    child_pugh_points: int | None
    child_pugh_class: str | None
    child_pugh_items: tuple[tuple[str, int], ...]
    child_pugh_missing: tuple[str, ...]
    child_pugh_source: str
    child_pugh_status: str
    remnant: RemnantSummary | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)
