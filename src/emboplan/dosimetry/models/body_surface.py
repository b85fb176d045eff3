"""The body-surface model of resin microspheres: an activity from height, weight and the share of tumour.

The model knows no dose. It gives the administered activity from the patient's body surface and the tumour's
share of the liver, and, for one lobe, from the share of the *lobe's own* tumour. Scaling the whole-liver
activity to a lobe holds only where the tumour is spread evenly, so it is not done here. The reduction for the
lung shunt is a step of its own: `empiric.shunt_reduction_factor`.

Sources: van Roekel, thesis, pp. 30 and 125; the lobar form as in the DAVYR code. Constants and their status
are in the catalogue (`models.body_surface`, `models.bsa_activity`).
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from emboplan import catalog
from emboplan.dosimetry.arguments import Array, not_negative, plain, positive
from emboplan.errors import ModelRangeError
from emboplan.units import CENTIMETRES_PER_METRE

# A part may exceed its whole by this share before it is an error: volumes summed in another order differ in
# the last bits.
SAME_VOLUME = 1e-9


class BodySurfaceFormula(StrEnum):
    """The published formulas of the body surface."""

    DUBOIS = "dubois"
    MOSTELLER = "mosteller"


def _formula(name: str) -> BodySurfaceFormula:
    try:
        return BodySurfaceFormula(name)
    except ValueError as error:
        raise ModelRangeError(
            f"formula is {name!r}; expected one of {', '.join(BodySurfaceFormula)}"
        ) from error


def body_surface_m2(
    *,
    height_cm: ArrayLike,
    weight_kg: ArrayLike,
    formula: BodySurfaceFormula | str = BodySurfaceFormula.DUBOIS,
) -> float | Array:
    """Body surface in m2 from height and weight.

    DuBois: 0.20247 x height[m]^0.725 x weight^0.425. Mosteller: sqrt(height[cm] x weight / 3600). The two
    differ by 0.5 % at 170 cm and 70 kg.

    >>> round(body_surface_m2(height_cm=170.0, weight_kg=70.0, formula="mosteller"), 3)
    1.818
    """
    numbers, chosen = catalog.load(), _formula(formula)
    height, weight = positive(height_cm, "height_cm"), positive(weight_kg, "weight_kg")
    if chosen is BodySurfaceFormula.MOSTELLER:
        return plain(np.sqrt(height * weight / numbers.number("models.body_surface.mosteller.divisor")))
    coefficient, height_power, weight_power = (
        numbers.number(f"models.body_surface.dubois.{name}")
        for name in ("coefficient", "height_exponent", "weight_exponent")
    )
    return plain(coefficient * (height / CENTIMETRES_PER_METRE) ** height_power * weight**weight_power)


def _require_within(part: Array, whole: Array, part_name: str, whole_name: str) -> None:
    part, whole = np.broadcast_arrays(part, whole)
    bad = part > whole * (1.0 + SAME_VOLUME)
    if bad.any():
        raise ModelRangeError(
            f"{part_name} is {part[bad][0]:g} mL, more than the {whole[bad][0]:g} mL of {whole_name}; "
            "check the volumes"
        )


def bsa_activity(
    *,
    height_cm: ArrayLike,
    weight_kg: ArrayLike,
    tumour_volume_ml: ArrayLike,
    liver_volume_ml: ArrayLike,
    lobe_volume_ml: ArrayLike | None = None,
    lobe_tumour_volume_ml: ArrayLike | None = None,
    formula: BodySurfaceFormula | str = BodySurfaceFormula.DUBOIS,
) -> float | Array:
    """The administered activity in GBq by the body-surface method, for the whole liver or for one lobe.

    Whole liver: (surface - 0.2) + tumour / liver. Lobe: [(surface - 0.2) + lobe's tumour / lobe] x lobe /
    liver. Liver and lobe volumes include their tumour. Both volumes of the lobe belong together; a lobe
    without its own tumour volume is an error. Status of the formula: to confirm against the package insert in
    force. Not yet reduced for the lung shunt.

    >>> round(bsa_activity(height_cm=175.0, weight_kg=75.0, tumour_volume_ml=250.0, liver_volume_ml=1500.0,
    ...                    lobe_volume_ml=1000.0, lobe_tumour_volume_ml=250.0), 3)
    1.302
    """
    surface = np.asarray(body_surface_m2(height_cm=height_cm, weight_kg=weight_kg, formula=formula))
    offset = catalog.load().number("models.bsa_activity.offset")
    if (surface <= offset).any():
        raise ModelRangeError(
            f"the body surface is {float(np.min(surface)):g} m2, not above the {offset:g} m2 that the method "
            "takes off; check that the height is in cm and the weight in kg"
        )
    liver = positive(liver_volume_ml, "liver_volume_ml")
    tumour = not_negative(tumour_volume_ml, "tumour_volume_ml")
    _require_within(tumour, liver, "tumour_volume_ml", "liver_volume_ml")
    if lobe_volume_ml is None and lobe_tumour_volume_ml is None:
        return plain(surface - offset + tumour / liver)
    if lobe_volume_ml is None or lobe_tumour_volume_ml is None:
        given, missing = "lobe_volume_ml", "lobe_tumour_volume_ml"
        if lobe_volume_ml is None:
            given, missing = missing, given
        raise ModelRangeError(
            f"{given} is given without {missing}; give both: the lobar activity needs the tumour share of "
            "the lobe itself, not that of the liver"
        )
    lobe = positive(lobe_volume_ml, "lobe_volume_ml")
    lobe_tumour = not_negative(lobe_tumour_volume_ml, "lobe_tumour_volume_ml")
    _require_within(lobe, liver, "lobe_volume_ml", "liver_volume_ml")
    _require_within(lobe_tumour, lobe, "lobe_tumour_volume_ml", "lobe_volume_ml")
    _require_within(lobe_tumour, tumour, "lobe_tumour_volume_ml", "tumour_volume_ml")
    return plain((surface - offset + lobe_tumour / lobe) * lobe / liver)
