"""The beads of a session by size: vials, volume and drug of each, which add up to the session's.

Vials of all sizes are loaded alike, so that the drug is divided by vials. How many vials of each size are
taken is the team's decision: with one size it is all of them, with several it must be said.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from emboplan.embolics.amounts import exact
from emboplan.errors import ModelRangeError
from emboplan.model.finding import Finding, Severity
from emboplan.model.results.embolization import SizePart
from emboplan.model.results.loading import OPEN, Loading

SIZES_OPEN = f"{OPEN}vials-of-sizes"


def size_parts(loading: Loading, vials_per_size: Mapping[str, int]) -> tuple[SizePart, ...]:
    """The parts of a loading by size; empty where the vials of several sizes were not said.

    Raises:
        ModelRangeError: vials by size that are not the vials of the loading, or sizes that it does not have.
    """
    sizes = tuple(size.size for size in loading.sizes)
    if not vials_per_size:
        if len(sizes) != 1 or loading.vials is None:
            return ()
        vials_per_size = {sizes[0]: loading.vials}
    unknown = [size for size in vials_per_size if size not in sizes]
    if unknown or len(vials_per_size) != len(sizes):
        listed = ", ".join(sizes) or "none"
        raise ModelRangeError(
            f"vials by size name {', '.join(vials_per_size)} um, but the sizes of the beads are {listed}"
        )
    total = sum(vials_per_size.values())
    if loading.vials is not None and total != loading.vials:
        raise ModelRangeError(
            f"{total} vials by size are not the {loading.vials} vials of the session; mend one of them"
        )
    parts = []
    for size, vials in vials_per_size.items():
        share = Fraction(vials, total)
        beads = None if loading.beads_ml is None else float(share * exact(loading.beads_ml, "beads_ml"))
        parts.append(SizePart(size, vials, beads, float(share * exact(loading.drug_mg, "drug_mg"))))
    return tuple(parts)


def open_sizes(loading: Loading, parts: tuple[SizePart, ...]) -> tuple[Finding, ...]:
    """The open item of a loading of several sizes whose vials were not said."""
    if parts or len(loading.sizes) < 2:
        return ()
    sizes = ", ".join(size.size for size in loading.sizes)
    text = (
        f"{loading.product}: how many vials of each size ({sizes} um) are taken is open; enter vials_per_size"
    )
    return (Finding(SIZES_OPEN, Severity.WARNING, text),)
