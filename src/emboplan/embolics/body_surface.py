"""The body surface that a dose is multiplied by, guarded against slips of a unit.

A height in the wrong unit gives a surface ten times too large, and a dose with it. The bounds are far wider
than any patient; they say nothing of who may be treated.
"""

from __future__ import annotations

from fractions import Fraction

from emboplan.catalog.tace_tables import TaceNumbers
from emboplan.embolics.amounts import Number, exact, positive
from emboplan.errors import ModelRangeError

PLAUSIBLE = "body_surface.plausible"


def plausible_surface(body_surface_m2: Number | None, numbers: TaceNumbers) -> Fraction | None:
    """The body surface in m2 as written; None stays None.

    Raises `ModelRangeError` for one that no patient has: a slip of height, weight or unit.
    """
    if body_surface_m2 is None:
        return None
    surface = positive(body_surface_m2, "body_surface_m2")
    least, most = numbers.pair(PLAUSIBLE)
    if not exact(least, "least") <= surface <= exact(most, "most"):
        raise ModelRangeError(
            f"body_surface_m2 is {float(surface):.4g}; expected {least:g} to {most:g} m2 (a guard against "
            "slips of a unit); check height and weight"
        )
    return surface


def surface_bounds(numbers: TaceNumbers) -> tuple[Fraction, Fraction]:
    """Least and largest surface (m2) of any patient: what holds at both holds without a known surface."""
    least, most = numbers.pair(PLAUSIBLE)
    return exact(least, "least"), exact(most, "most")
