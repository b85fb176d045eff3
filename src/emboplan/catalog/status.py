"""What a status allows: which values may serve as a default, and how the others are printed.

A confirmed value is used; a value to confirm is used and says so wherever it is printed; an unverified value
can be listed, and that is all.
"""

from emboplan.errors import CatalogError
from emboplan.model.products import Sourced, Status

CONFIRM_NOTE = "confirm against the package insert in force"


def usable(entry: Sourced) -> Sourced:
    """The entry itself, if it may serve as a default; `CatalogError` when it is unverified."""
    if entry.status is Status.UNVERIFIED:
        raise CatalogError(
            f"{entry.name} has no verified value; enter one with its source in the case or a site catalogue"
        )
    return entry


def footnote(entry: Sourced) -> str:
    """The sources of an entry as printed beside its value, with the request to confirm where there is one."""
    origin = "" if entry.origin == "emboplan" else f" [{entry.origin}]"
    if entry.status is Status.TO_CONFIRM:
        return f"{entry.source_text}; {CONFIRM_NOTE}{origin}"
    return entry.source_text + origin
