"""The future liver remnant: what stays after a resection, as a share, standardised, and its growth.

The share of the measured liver leaves the tumour out of the whole: remnant / (liver - tumour). The
standardised share puts the remnant over a liver volume *estimated* from the body surface, which neither
tumour nor a swollen liver changes; growth is told as the difference of two standardised shares. Shares are
fractions; growth is in percentage points, as it is reported.

Formulas of the estimated volume and their status: catalogue, `liver_function.total_liver_volume`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from emboplan import catalog as catalogue
from emboplan.errors import ModelRangeError
from emboplan.units import PERCENT

# A part may exceed its whole by this share before it is an error: volumes summed in another order differ in
# the last bits.
SAME_VOLUME = 1e-9


class LiverVolumeFormula(StrEnum):
    """The published formulas of the total liver volume from the body surface."""

    VAUTHEY = "vauthey"
    URATA = "urata"


@dataclass(frozen=True, slots=True)
class LiverRemnant:
    """A remnant's volume (mL), its shares (0 to 1), its volume per body weight, and the formula in use."""

    volume_ml: float
    share: float
    standardised_share: float
    ml_per_kg: float
    estimated_liver_ml: float
    formula: LiverVolumeFormula


def _positive(value: float, name: str) -> float:
    if not (math.isfinite(value) and value > 0):
        raise ModelRangeError(f"{name} is {value}; expected a number above 0")
    return float(value)


def _share(value: float, name: str) -> float:
    if not (math.isfinite(value) and value >= 0):
        raise ModelRangeError(f"{name} is {value}; expected a share of 0 or more (30 % is 0.3)")
    return float(value)


def estimated_liver_volume_ml(
    body_surface_m2: float,
    *,
    formula: LiverVolumeFormula | str = LiverVolumeFormula.VAUTHEY,
    catalog: catalogue.Catalog | None = None,
) -> float:
    """Total liver volume (mL) that is usual for a body surface; to be confirmed, as the catalogue says.

    Vauthey: -794.41 + 1267.28 x surface. Urata: 2.4 + 706.2 x surface. At 1.8 m2 the first is
    17 % above the second. `ModelRangeError` where the formula gives no positive volume.

    >>> round(estimated_liver_volume_ml(1.8))
    1487
    """
    try:
        chosen = LiverVolumeFormula(formula)
    except ValueError as error:
        raise ModelRangeError(
            f"formula is {formula!r}; expected one of {', '.join(LiverVolumeFormula)}"
        ) from error
    surface = _positive(body_surface_m2, "body_surface_m2")
    numbers = catalog or catalogue.load()
    intercept, slope = (
        numbers.number(f"liver_function.total_liver_volume.{chosen}.{key}") for key in ("intercept", "slope")
    )
    volume = intercept + slope * surface
    if volume <= 0:
        raise ModelRangeError(
            f"a body surface of {surface:g} m2 gives no liver volume by the {chosen} formula "
            f"({volume:.0f} mL); check height and weight"
        )
    return volume


def future_liver_remnant(*, remnant_ml: float, liver_ml: float, tumour_ml: float) -> float:
    """The remnant's share of the liver without tumour: remnant / (liver - tumour), from above 0 to 1.

    `remnant_ml` is the volume that stays, free of tumour; `liver_ml` includes the tumour. Status of the
    formula: to be confirmed.

    >>> future_liver_remnant(remnant_ml=500.0, liver_ml=1800.0, tumour_ml=300.0)  # doctest: +ELLIPSIS
    0.333...
    """
    remnant, liver = _positive(remnant_ml, "remnant_ml"), _positive(liver_ml, "liver_ml")
    tumour = _share(tumour_ml, "tumour_ml")
    if tumour >= liver:
        raise ModelRangeError(f"tumour_ml is {tumour:g}, not below the {liver:g} mL of the liver; check them")
    if remnant > (liver - tumour) * (1 + SAME_VOLUME):
        raise ModelRangeError(
            f"remnant_ml is {remnant:g}, more than the {liver - tumour:g} mL of liver without tumour; "
            "check the volumes"
        )
    return remnant / (liver - tumour)


def standardised_remnant(
    *,
    remnant_ml: float,
    body_surface_m2: float,
    formula: LiverVolumeFormula | str = LiverVolumeFormula.VAUTHEY,
    catalog: catalogue.Catalog | None = None,
) -> float:
    """The remnant's share of the liver volume estimated from the body surface; it may pass 1."""
    estimated = estimated_liver_volume_ml(body_surface_m2, formula=formula, catalog=catalog)
    return _positive(remnant_ml, "remnant_ml") / estimated


def degree_of_hypertrophy(*, before: float, after: float) -> float:
    """Growth of the remnant in percentage points: standardised share after less the one before.

    >>> round(degree_of_hypertrophy(before=0.25, after=0.36), 6)
    11.0
    """
    return PERCENT * (_share(after, "after") - _share(before, "before"))


def liver_remnant(
    *,
    remnant_ml: float,
    liver_ml: float,
    tumour_ml: float,
    body_surface_m2: float,
    weight_kg: float,
    formula: LiverVolumeFormula | str = LiverVolumeFormula.VAUTHEY,
    catalog: catalogue.Catalog | None = None,
) -> LiverRemnant:
    """Everything that is reported of a remnant: volume, share, standardised share, volume per body weight."""
    estimated = estimated_liver_volume_ml(body_surface_m2, formula=formula, catalog=catalog)
    return LiverRemnant(
        volume_ml=_positive(remnant_ml, "remnant_ml"),
        share=future_liver_remnant(remnant_ml=remnant_ml, liver_ml=liver_ml, tumour_ml=tumour_ml),
        standardised_share=remnant_ml / estimated,
        ml_per_kg=remnant_ml / _positive(weight_kg, "weight_kg"),
        estimated_liver_ml=estimated,
        formula=LiverVolumeFormula(formula),
    )
