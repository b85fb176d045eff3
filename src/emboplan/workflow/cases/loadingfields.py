"""The kinds of value that only [loading] holds: a dose by mass or by body surface, ranges of sizes, vials."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from emboplan.model.loading_request import AskedDose
from emboplan.workflow.cases.casefields import parsed_quantity, shown

_PER_SURFACE = re.compile(r"^\s*(\d+\.?\d*|\.\d+)\s*mg\s*/\s*m(?:2|²|\^2)\s*$")
_RANGE = re.compile(r"^\s*(\d+\.?\d*)\s*(?:-|–|to)\s*(\d+\.?\d*)\s*(?:um|µm|μm)?\s*$")


def drug_dose(value: Any) -> AskedDose:
    """A dose such as "75 mg" or "50 mg/m2"."""
    match = _PER_SURFACE.match(value) if isinstance(value, str) else None
    if match is not None:
        amount = float(match.group(1))
        if not (math.isfinite(amount) and amount > 0):
            raise ValueError(f"found {shown(value)}; expected a positive quantity")
        return AskedDose(amount, per_m2=True)
    return AskedDose(parsed_quantity("mg")(value))


def size_range(value: Any) -> tuple[float, float]:
    """A range of diameters such as "100-300 um", the smaller first."""
    match = _RANGE.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'found {shown(value)}; expected a range of sizes such as "100-300 um"')
    low, high = float(match.group(1)), float(match.group(2))
    if not 0 < low <= high:
        raise ValueError(f"found {shown(value)}; expected the smaller size first, above 0")
    return low, high


def _plain(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not math.isfinite(value):
        raise ValueError(f"found {shown(value)}; expected a plain number")
    return float(value)


def share_range(value: Any) -> tuple[float, float]:
    """Two positive numbers, the smaller first."""
    if not isinstance(value, list) or len(value) != len(("least", "most")):
        raise ValueError(f"found {shown(value)}; expected two numbers, the least and the most")
    low, high = _plain(value[0]), _plain(value[1])
    if not 0 < low <= high:
        raise ValueError(f"found {shown(value)}; expected two numbers above 0, the smaller first")
    return low, high


def size_change(value: Any) -> float:
    """A change of the diameter as a fraction: -0.2 is a fifth smaller."""
    number = _plain(value)
    if not -1 < number < 1:
        raise ValueError(f"found {shown(value)}; expected a fraction between -1 and 1 (20 % smaller is -0.2)")
    return number


def loaded_share(value: Any) -> float:
    """A loaded share: a fraction above 0 and at most 1."""
    number = _plain(value)
    if not 0 < number <= 1:
        raise ValueError(f"found {shown(value)}; expected a fraction above 0 and at most 1 (85 % is 0.85)")
    return number


def vials_per_size(value: Any) -> dict[str, int]:
    """Whole vials by size, such as { "100-300" = 1, "300-500" = 1 }."""
    if not isinstance(value, dict) or not value:
        raise ValueError(f'found {shown(value)}; expected a table such as {{ "100-300" = 1 }}')
    for size, vials in value.items():
        if type(vials) is not int or vials < 1:
            raise ValueError(f'found {shown(vials)} vials of "{size}"; expected a whole number from 1')
    return dict(value)


DrugDose = Annotated[AskedDose, BeforeValidator(drug_dose), WithJsonSchema({"type": "string"})]
SizeRange = Annotated[tuple[float, float], BeforeValidator(size_range)]
ShareRange = Annotated[tuple[float, float], BeforeValidator(share_range)]
SizeChange = Annotated[float, BeforeValidator(size_change)]
LoadedShare = Annotated[float, BeforeValidator(loaded_share)]
VialsPerSize = Annotated[dict[str, int], BeforeValidator(vials_per_size)]
DiameterUm = Annotated[float, BeforeValidator(parsed_quantity("um"))]
DurationMin = Annotated[float, BeforeValidator(parsed_quantity("min"))]
