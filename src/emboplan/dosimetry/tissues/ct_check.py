"""Is it a CT in Hounsfield units, and does it show the liver? Asked before a density is read from it.

Numbers that are shifted by 1024, doubled, scaled to 0..1 or all zero give densities without complaint, and a
dose with them. What is certainly wrong is refused; what may be right is recorded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emboplan.catalog import Catalog
from emboplan.errors import MaskError, ModelRangeError
from emboplan.imaging.hounsfield import AIR_HU
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import CtImage
from emboplan.model.mask import Mask
from emboplan.units import PERCENT

# The liver's section at the edge of the CT, in share of its largest, from which on it counts as cut: less is
# the rounding of a contour.
CUT_FRAC = 0.1

# Air or lung in this share of a liver mask is more than its rough edge: mask and CT are of different breaths.
GAS_FRAC = 0.05

Hu = NDArray[np.int16] | NDArray[np.float32]

SOURCE = "emboplan catalogue, tissues.ct_check"


def require_hounsfield(ct: CtImage, liver: Mask | None, lungs: Mask | None, catalog: Catalog) -> None:
    """Raise `ModelRangeError` where the numbers cannot be Hounsfield units, `MaskError` for an empty mask."""
    low, high = float(ct.hu.min()) + 0.0, float(ct.hu.max()) + 0.0  # no negative zeros
    if high - low < catalog.number("ct_check.least_spread"):
        raise ModelRangeError(
            f"the CT's numbers reach from {low:g} to {high:g} only; expected Hounsfield units (air -1000, "
            "water 0): apply rescale slope and intercept, or check that the series holds an image"
        )
    gas_below = catalog.number("ct_check.gas_below")
    if low >= gas_below:
        dense = float(np.mean(ct.hu > catalog.number("ct_check.dense_above")))
        if dense > catalog.number("ct_check.most_dense"):
            raise ModelRangeError(
                f"the CT has no number below {gas_below:g}, and {PERCENT * dense:.0f} % lie above "
                f"{catalog.number('ct_check.dense_above'):g}; expected Hounsfield units: the intercept "
                "(often -1024) was not applied"
            )
    if liver is not None:
        lowest, highest = catalog.sourced("ct_check.liver_median").numbers
        middle = _median(ct, liver, "liver")
        if not lowest <= middle <= highest:
            raise ModelRangeError(
                f"the middle CT number of the liver is {middle:.0f}; expected {lowest:g} to {highest:g} HU: "
                "the image is not in Hounsfield units, or the mask does not lie on the liver"
            )
    if lungs is not None:
        middle = _median(ct, lungs, "lung")
        if middle >= catalog.number("ct_class.lung_below"):
            raise ModelRangeError(
                f"the middle CT number of the lungs is {middle:.0f}; expected less than "
                f"{catalog.number('ct_class.lung_below'):g} HU: check the image's units and the lung mask"
            )
        if middle < catalog.number("ct_class.air_below"):
            raise ModelRangeError(
                f"the middle CT number of the lungs is {middle:.0f}, thinner than air; expected at least "
                f"{catalog.number('ct_class.air_below'):g} HU: check rescale slope, intercept and the mask"
            )
    _require_plateaus(ct.hu, catalog)


def _require_plateaus(hu: Hu, catalog: Catalog) -> None:
    """Raise `ModelRangeError` where air lies far below -1000, or nothing is as dense as tissue."""
    below_air = catalog.number("ct_check.below_air")
    deep = hu[hu < below_air]
    # Padding is one number; a plateau of air that was scaled or shifted has noise, or other gas above it.
    most = catalog.number("ct_check.most_below_air") * hu.size
    stray = deep.size if deep.size <= most else deep.size - _most_frequent(deep)
    if stray > most:
        raise ModelRangeError(
            f"{PERCENT * stray / hu.size:.0f} % of the CT's numbers lie below {below_air:g} (lowest "
            f"{hu.min():.0f}), and not at one value as padding does; expected air at {AIR_HU} HU: check "
            "rescale slope and intercept"
        )
    tissue = float(np.mean(hu >= catalog.number("ct_class.lung_below")))
    if tissue < catalog.number("ct_check.least_tissue"):
        raise ModelRangeError(
            f"{PERCENT * tissue:.2g} % of the CT's numbers reach {catalog.number('ct_class.lung_below'):g}, "
            "where fat and soft tissue begin; expected a part of a body in HU: check rescale slope and "
            "intercept"
        )


def _most_frequent(values: Hu) -> int:
    """How often the most frequent number comes, to the nearest whole one."""
    _, counts = np.unique(np.rint(values).astype(np.int64), return_counts=True)
    return int(counts.max())


def _median(ct: CtImage, mask: Mask, what: str) -> float:
    if mask.is_empty:
        raise MaskError(f"the {what} mask is empty; give a mask with voxels, or none")
    return float(np.median(ct.hu[mask.voxels]))


def ct_findings(ct: CtImage, liver: Mask | None, catalog: Catalog) -> list[Finding]:
    """What a reader must know about the CT: padding, no air in view, a cut liver, gas in the liver mask."""
    found = []
    padding = int(np.count_nonzero(ct.hu < AIR_HU))
    if padding:
        share = PERCENT * padding / ct.hu.size
        text = (
            f"{share:.2g} % of the CT's voxels lie below {AIR_HU} HU (padding or noise) and are taken as air."
        )
        found.append(Finding("tissue.padding", Severity.INFO, text))
    found += _plateau_findings(ct.hu, catalog)
    if liver is not None:
        found += _liver_findings(ct, liver.voxels, catalog)
    return found


def _plateau_findings(hu: Hu, catalog: Catalog) -> list[Finding]:
    """Whether air and soft tissue lie where they should; a part of an image may hold neither."""
    found = []
    low = float(hu.min())
    air_below = catalog.number("ct_class.air_below")
    if low >= catalog.number("ct_check.gas_below"):
        text = (
            "The CT holds neither lung nor air around the patient: a part of an image, or numbers that are "
            "not Hounsfield units. Check one known tissue."
        )
        found.append(Finding("tissue.no-air", Severity.WARNING, text, SOURCE))
    elif not ((hu < air_below) & (hu >= catalog.number("ct_check.below_air"))).any():
        text = (
            f"The CT holds gas (lowest number {low:.0f}) and no air near {AIR_HU} HU: a part of an image, or "
            "numbers with a wrong slope. Check one known tissue."
        )
        found.append(Finding("tissue.no-air", Severity.WARNING, text, SOURCE))
    middle = float(np.median(hu[hu >= catalog.number("ct_class.lung_below")]))
    highest = catalog.sourced("ct_check.liver_median").numbers[1]
    if middle > highest:
        text = (
            f"The middle number of all that is as dense as fat is {middle:.0f}; expected at most "
            f"{highest:g} HU, as most of a body is fat and soft tissue. Check one known tissue."
        )
        found.append(Finding("tissue.no-soft-tissue", Severity.WARNING, text, SOURCE))
    return found


def _liver_findings(ct: CtImage, liver: NDArray[np.bool_], catalog: Catalog) -> list[Finding]:
    found = []
    share = edge_section_frac(liver)
    if share > CUT_FRAC:
        text = (
            f"The CT cuts the liver: its section at the edge is {PERCENT * share:.0f} % of the largest. "
            "How much lies beyond the edge is not known: liver there gets no dose, and means are of the rest."
        )
        found.append(Finding("tissue.liver-cut", Severity.WARNING, text))
    gas = float(np.mean(ct.hu[liver] < catalog.number("ct_class.lung_below")))
    if gas > GAS_FRAC:
        text = (
            f"{PERCENT * gas:.0f} % of the liver mask has CT numbers of lung or gas: the mask may be of "
            "another breath than the CT. It keeps the CT's density, so that methods that divide by it give "
            "these voxels doses far above those of liver, and the mean of the liver with them."
        )
        found.append(Finding("tissue.gas-in-liver", Severity.WARNING, text))
    return found


def edge_section_frac(liver: NDArray[np.bool_]) -> float:
    """The largest section on a face of the image, in share of the largest section along the same axis.

    0 for a liver that does not touch the edge. How much lies beyond the edge does not follow from it.
    """
    shares = [0.0]
    for axis in range(3):
        section = liver.sum(axis=tuple(a for a in range(3) if a != axis))
        if section.size > 1 and section.max() > 0:
            shares.append(float(max(section[0], section[-1]) / section.max()))
    return max(shares)
