"""Do scan and CT show the whole liver? Asked where an activity is scaled to the part that they show.

The activity of the whole liver, or of a territory, goes into what both images show of it. What is missing
makes the dose of the rest too high: with a share m missing by 1 / (1 - m), if it takes up as the rest does.
What the scan misses is known from the mask. What the CT misses is not: a mask that touches the edge of the CT
is a lower bound of the liver, and only counts beyond that edge say how much more there may be.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from emboplan.dosimetry.maps.activity_grid import LARGEST_OUTSIDE_FRAC, NOTABLE_OUTSIDE_FRAC, grid_occupancy
from emboplan.dosimetry.tissues.ct_check import CUT_FRAC, edge_section_frac
from emboplan.errors import ModelRangeError
from emboplan.imaging.resample import mask_occupancy
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, CountImage
from emboplan.model.mask import Mask
from emboplan.units import PERCENT

ALLOW = "or allow a cut liver (--allow-cut-liver)"

# How much too high a dose is where no count tells.
UNKNOWN = "an unknown share"


def unseen_frac(part: Mask, scan: Grid) -> float:
    """The share of a liver, or of a territory of it, that lies outside a scan."""
    seen_ml = float(mask_occupancy(part, scan).sum(dtype=np.float64)) * scan.voxel_ml
    return max(0.0, 1 - seen_ml / part.volume_ml)


def too_high_frac(missing_frac: float) -> float:
    """By which share the dose of the rest is too high, if what is missing takes up as the rest does.

    >>> round(too_high_frac(0.2), 2)
    0.25
    """
    return missing_frac / (1 - missing_frac)


def beyond_ct_frac(image: ActivityMap | CountImage, liver: Mask) -> float | None:
    """The counts outside the CT in share of those in the liver; None where the image ends with the CT.

    If all of them are the liver's, doses that were scaled to the liver on the CT are too high by this share.
    """
    values = image.mbq_per_ml if isinstance(image, ActivityMap) else image.counts
    outside = 1 - grid_occupancy(liver.grid, image.grid).astype(np.float64)
    if float(outside.max()) < NOTABLE_OUTSIDE_FRAC:
        return None
    held = float((values * mask_occupancy(liver, image.grid)).sum(dtype=np.float64))
    return float((values * outside).sum()) / held if held > 0 else None


def require_liver_seen(liver: Mask, image: ActivityMap, *, allow_cut: bool) -> tuple[Finding, ...]:
    """What is missing of the liver in a relative image and on the CT.

    `ModelRangeError` where it is more than a contour's rounding, unless `allow_cut`: above 5 % of the liver
    outside the image, as for activity outside the CT; above a tenth of its largest section at the CT's edge.
    """
    unseen, section = unseen_frac(liver, image.grid), edge_section_frac(liver.voxels)
    if unseen > LARGEST_OUTSIDE_FRAC and not allow_cut:
        raise ModelRangeError(
            f"{unseen * PERCENT:.3g} % of the liver lies outside the activity image; expected at most "
            f"{LARGEST_OUTSIDE_FRAC * PERCENT:g} %, since the rest would get the activity of the whole, "
            f"{too_high_frac(unseen) * PERCENT:.0f} % too much: give an image of the whole liver, {ALLOW}"
        )
    if section > CUT_FRAC and not allow_cut:
        raise ModelRangeError(
            f"the CT cuts the liver: its section at the edge is {section * PERCENT:.0f} % of the largest; "
            f"expected at most {CUT_FRAC * PERCENT:g} %, since the part that is seen would get the activity "
            f"of the whole: give a CT of the whole liver, {ALLOW}"
        )
    findings = []
    if unseen > NOTABLE_OUTSIDE_FRAC:
        findings.append(Finding("dose-liver-unseen", Severity.WARNING, _unseen_text("the liver", unseen)))
    if section > 0:
        weight = Severity.WARNING if section > CUT_FRAC else Severity.INFO
        text = _cut_text(section, beyond_ct_frac(image, liver))
        findings.append(Finding("dose-liver-cut", weight, text))
    return tuple(findings)


def is_seen(part: Mask, scan: Grid) -> bool:
    """Whether a scan shows a territory well enough for its counts to place the activity."""
    return unseen_frac(part, scan) <= LARGEST_OUTSIDE_FRAC


def seen_findings(liver: Mask, parts: dict[str, Mask], scan: CountImage) -> Iterator[Finding]:
    """The same for a plan, which goes on: what would be refused stops it until somebody has looked."""
    for name, part in parts.items():
        unseen = unseen_frac(part, scan.grid)
        if unseen > NOTABLE_OUTSIDE_FRAC:
            weight = Severity.STOP if unseen > LARGEST_OUTSIDE_FRAC else Severity.WARNING
            yield Finding("dose-liver-unseen", weight, _unseen_text(name, unseen))
    section = edge_section_frac(liver.voxels)
    if section > 0:
        weight = Severity.STOP if section > CUT_FRAC else Severity.INFO
        yield Finding("dose-liver-cut", weight, _cut_text(section, beyond_ct_frac(scan, liver)))


def _unseen_text(name: str, unseen: float) -> str:
    return (
        f"{unseen * PERCENT:.2g} % of {name} lies outside the scan, and its activity is placed in the rest: "
        f"doses in the liver are too high by up to {too_high_frac(unseen) * PERCENT:.3g} %, and by more if "
        "the missing part is hotter than the rest."
    )


def _cut_text(section: float, beyond: float | None) -> str:
    share = UNKNOWN if beyond is None else f"up to {beyond * PERCENT:.3g} % (all counts outside the CT)"
    return (
        f"The liver touches the edge of the CT, with {section * PERCENT:.0f} % of its largest section. The "
        "mask is a lower bound of the liver, and the activity of the whole is placed in it: doses are too "
        f"high by {share}."
    )
