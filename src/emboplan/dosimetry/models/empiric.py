"""The empiric model of resin microspheres: an activity from the tumour's share, cut for the lung shunt.

The table has three steps of activity, and the label cuts the activity in steps of the lung shunt. Both are in
the catalogue with their sources (`microspheres.sir-spheres`). A cut applies where the shunt *exceeds* a step:
exactly 10, 15 and 20 % stay in the milder band, and above the last step nothing is given (factor 0). Which
activity belongs to exactly 25 and 50 % tumour is not settled: `AtEdge` makes it a choice. The result carries
what is said against the cut, for the report to print.

Sources: SIR-Spheres table, to be confirmed against the package insert in force; shunt steps van Roekel,
thesis, p. 41; advisories Ward 2015 and Sangro (second-hand).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan import catalog
from emboplan.catalog.status import footnote
from emboplan.dosimetry.arguments import Array, finite, fraction, plain
from emboplan.errors import ModelRangeError

PRODUCT = "sir-spheres"

# A share this close to a step is on the step: shares computed from volumes or counts differ in the last bits.
SAME_SHARE = 1e-9


class AtEdge(StrEnum):
    """Which activity a tumour share of exactly 25 or 50 % gets; the label's wording does not settle it.

    ``middle``: that of the band from 25 to 50 %, which is how the table reads with both ends in the middle
    band. ``lower``: that of the band below the edge. ``higher``: that of the band above it.
    """

    MIDDLE = "middle"
    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True, slots=True, eq=False)
class EmpiricActivity:
    """The administered activity (GBq), the one before the cut, the factor between them, and what to print."""

    administered_gbq: float | Array
    unreduced_gbq: float | Array
    factor: float | Array
    at_edge: AtEdge
    notes: tuple[str, ...]


def _at_edge(name: str) -> AtEdge:
    try:
        return AtEdge(name)
    except ValueError as error:
        raise ModelRangeError(f"at_edge is {name!r}; expected one of {', '.join(AtEdge)}") from error


def _involvement(value: ArrayLike) -> Array:
    share = finite(value, "involvement_frac")
    bad = (share < 0) | (share > 1)
    if bad.any():
        raise ModelRangeError(
            f"involvement_frac is {share[bad].flat[0]:g}; expected the tumour's share of the liver "
            "from 0 to 1 (30 % is 0.3)"
        )
    return share


def shunt_reduction_factor(lung_shunt_frac: ArrayLike) -> float | Array:
    """The share of a resin activity that remains after the label's cut for the lung shunt.

    1 up to a shunt of 10 %; 0.8 above it, 0.6 above 15 %, 0 above 20 %: strictly above each step.

    >>> shunt_reduction_factor(0.10), shunt_reduction_factor(0.12), shunt_reduction_factor(0.22)
    (1.0, 0.8, 0.0)
    """
    shunt = fraction(lung_shunt_frac, "lung_shunt_frac")
    product = catalog.load().microsphere(PRODUCT)
    steps = np.array(product.fact("shunt_reduction_above").numbers)
    factors = np.array((1.0, *product.fact("shunt_reduction_factor").numbers))
    return plain(factors[np.searchsorted(steps + SAME_SHARE, shunt, side="left")])


def _band(involvement: Array, edges: Array, at_edge: AtEdge) -> NDArray[np.intp]:
    """0, 1 or 2: below the first edge, between, above the second."""
    low, high = edges
    first = low - SAME_SHARE if at_edge is not AtEdge.LOWER else low + SAME_SHARE
    second = high - SAME_SHARE if at_edge is AtEdge.HIGHER else high + SAME_SHARE
    above: NDArray[np.intp] = (involvement > first).astype(np.intp) + (involvement > second).astype(np.intp)
    return above


def empiric_activity(
    *,
    involvement_frac: ArrayLike,
    lung_shunt_frac: ArrayLike = 0.0,
    at_edge: AtEdge | str = AtEdge.MIDDLE,
) -> EmpiricActivity:
    """The administered activity of resin microspheres by the empiric table, cut for the lung shunt.

    2.0 GBq below 25 % tumour, 2.5 GBq from 25 to 50 %, 3.0 GBq above 50 %; `at_edge` says where exactly 25
    and 50 % fall. A factor of 0 means: do not give.

    >>> empiric_activity(involvement_frac=0.3, lung_shunt_frac=0.12).administered_gbq
    2.0
    """
    side, involvement = _at_edge(at_edge), _involvement(involvement_frac)
    product = catalog.load().microsphere(PRODUCT)
    edges = np.array(product.fact("empiric_involvement").numbers)
    table = np.array(product.fact("empiric_activity").numbers)
    unreduced = table[_band(involvement, edges, side)]
    factor = np.asarray(shunt_reduction_factor(lung_shunt_frac))
    notes = [f"Empiric activity: {footnote(product.fact('empiric_activity'))}."]
    on_edge = np.abs(involvement[..., np.newaxis] - edges) <= SAME_SHARE
    if on_edge.any():
        edge = edges[on_edge.reshape(-1, edges.size).any(axis=0)][0]
        notes.append(
            f"The tumour share is exactly {edge:.0%}, where the table's wording is not settled; the activity "
            f"is that of the {side} band."
        )
    return EmpiricActivity(
        administered_gbq=plain(unreduced * factor),
        unreduced_gbq=plain(unreduced),
        factor=plain(factor),
        at_edge=side,
        notes=(*notes, *shunt_notes(lung_shunt_frac)),
    )


def shunt_notes(lung_shunt_frac: ArrayLike) -> tuple[str, ...]:
    """What is said about cutting the activity at this shunt; empty where nothing is cut."""
    shunt, numbers = fraction(lung_shunt_frac, "lung_shunt_frac"), catalog.load()
    factor = np.asarray(shunt_reduction_factor(lung_shunt_frac))
    told = []
    if (factor < 1).any():
        told.append("uncut")
    if (shunt >= numbers.number("models.shunt_advice.withhold_from") - SAME_SHARE).any():
        told.append("withhold")
    if (factor == 0).any():
        told.append("contraindicated")
    entries = [numbers.sourced(f"models.shunt_advice.{name}") for name in told]
    return tuple(f"{entry.text} [{footnote(entry)}]" for entry in entries)
