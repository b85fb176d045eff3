"""What a case file must not say of the parts of the liver, and of a SPECT that has to be registered.

Each is one line that names the key, what was found and what to do.
"""

from __future__ import annotations

from collections.abc import Iterator

from emboplan.errors import ModelRangeError
from emboplan.workflow.cases.caseschema import CaseTable, ImagesTable, PlaneTable, TerritoryTable
from emboplan.workflow.cases.casevalues import cutting_plane

# The keys that say which part of the liver a territory is; one of them, or none for the whole liver.
PART_KEYS = ("mask", "plane", "segments", "maa_threshold_frac")


def part_keys(territory: TerritoryTable) -> list[str]:
    """The keys of a territory that say which part of the liver it is."""
    return [key for key in PART_KEYS if getattr(territory, key) not in (None, [])]


def part_problems(case: CaseTable) -> Iterator[str]:
    """Contradictions in the parts of the liver, and in the registration, of a case with images."""
    images = case.images
    if images is None:
        return
    for number, territory in enumerate(case.territory):
        where = f"territory[{number}]"
        keys = part_keys(territory)
        if len(keys) > 1:
            yield f"{where}: found {' and '.join(keys)}; give one of them"
        if territory.plane is not None:
            yield from _plane(f"{where}.plane", territory.plane)
        if territory.segments and images.segments is None:
            yield f"images.segments: not found; {where}.segments needs the label map of the segments"
        if territory.maa_threshold_frac is not None and images.maa is None:
            yield f"images.maa: not found; {where}.maa_threshold_frac needs the SPECT"
    yield from _registration(images)


def _plane(where: str, plane: PlaneTable) -> Iterator[str]:
    by_normal = [key for key in ("point", "normal") if getattr(plane, key) is not None]
    by_points = [key for key in ("points", "side") if getattr(plane, key) is not None]
    if len(by_normal) + len(by_points) != 2 or len(by_normal) == 1:
        found = ", ".join((*by_normal, *by_points)) or "nothing"
        yield f"{where}: found {found}; expected point and normal, or points and side"
        return
    try:
        cutting_plane(plane)
    except ModelRangeError as error:
        yield f"{where}.{error}"


def _registration(images: ImagesTable) -> Iterator[str]:
    if images.register_ is None:
        for key in ("accept_shift", "maa_ct"):
            if getattr(images, key) is not None:
                yield f'images.{key}: found without register; write register = "rigid", or leave it out'
    elif images.maa is None:
        yield "images.register: found without maa; it is the SPECT that is registered"
