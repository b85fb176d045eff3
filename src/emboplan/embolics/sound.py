"""Whether the figures that a site lays over the catalogue can be what they say: a share, a size, a time.

The catalogue's door looks at form, unit and source. Here is what only the loading knows: a share lies between
0 and 1, vials are whole, the smaller end of a range comes first, and nothing that is measured is negative. A
slip of a digit or a sign is refused by name, before an amount is made of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from emboplan.catalog import Catalog
from emboplan.catalog.embolics import BEADS, DRUGS, EMBOLICS
from emboplan.catalog.tace_tables import ROOM as TACE
from emboplan.errors import CatalogError
from emboplan.model.products import Sourced

OURS = "emboplan"
# Fractions of a whole.
_SHARES = ("loaded", "loaded_at_least", "loaded_range", "eluted", "contrast_loss", "compression", "remaining")
# Changes of a diameter, of which a shrinking one is negative.
_CHANGES = ("size_change", "size_change_range", "size_changes")
# What may be nothing: beads that do not keep, drug that contrast does not take off.
_MAY_BE_ZERO = ("storage", "eluted", "contrast_loss", "water_in_oil_shares")
_WHOLE = ("session.vials", "syringe.pack")
# Lists to choose from, falling steps, and pairs of two units: no ranges.
_NO_RANGE = (
    *("vials", "vial_doses", "dry_beads", "beads", "bands_mg_per_m2", "vehicle"),
    "intra_arterial_mg_per_ml",
)
_ENDS = ("sizes", "diameters", "measured")


def require_sound(catalog: Catalog) -> None:
    """`CatalogError` for the first figure of a site that cannot be what it says."""
    for room in (BEADS, DRUGS, EMBOLICS, TACE):
        for entry in catalog.room(room).values():
            if entry.origin != OURS and (expected := unsound(entry)) is not None:
                raise CatalogError(
                    f"{entry.origin}: {entry.name} is {_written(entry)}; expected {expected}; mend the "
                    "site catalogue"
                )


def unsound(entry: Sourced) -> str | None:
    """What a figure should have been, in words; None where it can be what it says."""
    numbers = _numbers(entry)
    if not numbers:
        return None
    words = entry.name.split(".")
    if set(words) & set(_CHANGES):
        return (
            None if all(-1 < n <= 1 for n in numbers) else "a fraction above -1 and at most 1 (-20 % is -0.2)"
        )
    zero = bool(set(words) & set(_MAY_BE_ZERO))
    if min(numbers) < 0 or (min(numbers) == 0 and not zero):
        return "0 or more" if zero else "a number above 0"
    if entry.unit == "1" and words[-1] in (*_SHARES, "water_in_oil_shares") and max(numbers) > 1:
        return "a fraction of at most 1 (85 % is 0.85)"
    if entry.name.endswith(_WHOLE) and any(n != int(n) for n in numbers):
        return "a whole number"
    return _order(words, numbers)


def _order(words: Sequence[str], numbers: Sequence[float]) -> str | None:
    """What is wrong with the order or the count of the numbers."""
    if set(words) & set(_ENDS) and len(numbers) > len(("least", "most")):
        return "one number, or the smaller and the larger one"
    if words[-1] == "remaining":
        falling = all(first >= second for first, second in pairwise(numbers))
        return None if falling else "shares that fall as bilirubin rises"
    ranged = words[-1] not in _NO_RANGE
    if ranged and any(first > second for first, second in pairwise(numbers)):
        return "the smaller number first"
    return None


def _numbers(entry: Sourced) -> tuple[float, ...]:
    value = entry.value
    if isinstance(value, tuple):
        return value
    return (float(value),) if isinstance(value, int | float) and not isinstance(value, bool) else ()


def _written(entry: Sourced) -> str:
    unit = "" if entry.unit == "1" else f" {entry.unit}"
    return ", ".join(f"{number:g}" for number in _numbers(entry)) + unit
