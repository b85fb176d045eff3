"""The two phases of an emulsion: their volumes, the droplets to expect, and the parts for each territory.

Any two of oil, aqueous phase, their ratio and the concentration that fix the volumes may be given; more of
them must agree. Which phase forms the droplets goes by their ratio, as measured with one drug.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from emboplan.catalog.status import footnote
from emboplan.catalog.tace_tables import ArmNumbers, TaceNumbers
from emboplan.embolics.amounts import Number, exact, not_negative, positive
from emboplan.errors import ModelRangeError
from emboplan.model.results.emulsion import DropletType, TerritoryShare

# Volumes that were typed with few digits agree when they differ by less than this share.
SAME_VOLUME = Fraction(1, 1000)


def phase_volumes(
    mass: Fraction,
    oil_ml: Number | None,
    aqueous_ml: Number | None,
    oil_to_aqueous: Number | None,
    concentration: Number | None,
    arm: ArmNumbers | None,
) -> tuple[Fraction, Fraction]:
    """Oil and aqueous phase in mL from whatever fixes them; what is given twice must agree."""
    oil = None if oil_ml is None else positive(oil_ml, "oil_ml")
    ratio = None if oil_to_aqueous is None else positive(oil_to_aqueous, "oil_to_aqueous")
    waters = []
    if aqueous_ml is not None:
        waters.append(positive(aqueous_ml, "aqueous_ml"))
    if concentration is not None:
        waters.append(mass / positive(concentration, "drug_concentration_mg_per_ml"))
    if oil is not None and ratio is not None:
        waters.append(oil / ratio)
    if not waters:
        raise ModelRangeError(
            "the aqueous volume is not known; give aqueous_ml, drug_concentration_mg_per_ml, or oil_ml with "
            "oil_to_aqueous"
        )
    if any(abs(water - waters[0]) > SAME_VOLUME * waters[0] for water in waters):
        found = ", ".join(f"{float(water):.4g}" for water in waters)
        raise ModelRangeError(
            f"the aqueous volume comes out as {found} mL from the volumes, ratio and concentration given; "
            "leave one of them out"
        )
    if oil is None and ratio is not None:
        oil = ratio * waters[0]
    if oil is None:
        hint = (
            ""
            if arm is None or arm.oil_ml is None
            else f" ({arm.protocol}: {arm.oil_ml[0]:g} to {arm.oil_ml[1]:g} mL)"
        )
        raise ModelRangeError(f"the volume of oil is not known{hint}; give oil_ml or oil_to_aqueous")
    return oil, waters[0]


def expected_droplets(numbers: TaceNumbers, ratio: Fraction) -> tuple[DropletType, str, str]:
    """The expected droplets at a ratio of oil to aqueous phase, in words, with the source."""
    upper, lower = (
        numbers.sourced("emulsion.water_in_oil_from"),
        numbers.sourced("emulsion.oil_in_water_up_to"),
    )
    shares = numbers.sourced("emulsion.water_in_oil_shares")
    low, high = (f"{share:.0%}" for share in shares.numbers)
    source = f"{footnote(upper)}; {upper.note}"
    if ratio >= exact(upper.number, "ratio"):
        text = f"mostly water-in-oil: {high} of it was at {upper.number:g}:1, measured with epirubicin"
        return DropletType.WATER_IN_OIL, text, source
    if ratio <= exact(lower.number, "ratio"):
        text = f"mostly oil-in-water: {low} was water-in-oil at {lower.number:g}:1, measured with epirubicin"
        return DropletType.OIL_IN_WATER, text, source
    text = f"not measured between {lower.number:g}:1 and {upper.number:g}:1"
    return DropletType.UNDETERMINED, text, source


def territory_shares(
    tumour_ml: Mapping[str, Number], oil: Fraction, water: Fraction, mass: Fraction
) -> tuple[TerritoryShare, ...]:
    """The emulsion divided over territories by their tumour volume; the parts add up."""
    volumes = {name: not_negative(ml, f"tumour volume of {name}") for name, ml in tumour_ml.items()}
    whole = sum(volumes.values(), Fraction(0))
    if volumes and whole == 0:
        raise ModelRangeError(
            "the territories hold no tumour volume; give that of one at least, or leave them out"
        )
    return tuple(
        TerritoryShare(
            territory=name,
            share_frac=float(ml / whole),
            oil_ml=float(oil * ml / whole),
            aqueous_ml=float(water * ml / whole),
            emulsion_ml=float((oil + water) * ml / whole),
            drug_mg=float(mass * ml / whole),
        )
        for name, ml in volumes.items()
    )
