"""Corrections as they are given: ``x,y,z`` or ``x,y,z,r``, ``x1,y1,z1:x2,y2,z2``, or ``FILE[#LABEL]``.

Millimetres in patient space (LPS). In Python a point may be a tuple of numbers too, and a mask a mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emboplan.errors import InputError
from emboplan.model.correction import Box, Correction, Part, Point, Shape
from emboplan.model.grid import Grid
from emboplan.model.mask import LabelMap, Mask
from emboplan.workflow.inputs import load_lesions, load_mask, parse_mask_source

# How a correction may be given.
Given = str | Sequence[float] | Shape

AXES = 3
FORMS = "expected x,y,z or x,y,z,r or x1,y1,z1:x2,y2,z2 in mm, or a mask FILE[#LABEL]"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be taken in and left out, as it was given."""

    include: Sequence[Given] = ()
    exclude: Sequence[Given] = ()
    include_tumour: Sequence[Given] = ()
    exclude_tumour: Sequence[Given] = ()

    def corrections(self, grid: Grid) -> tuple[Correction, ...]:
        """All of it as corrections; masks lie on `grid`.

        Raises:
            InputError: a text that is none of the forms, or a file that is not there.
            GeometryError: a mask lies on another grid.
        """
        groups = (
            (Part.LIVER, True, self.include),
            (Part.LIVER, False, self.exclude),
            (Part.TUMOUR, True, self.include_tumour),
            (Part.TUMOUR, False, self.exclude_tumour),
        )
        return tuple(
            Correction(part, include, *_shape(one, part, grid))
            for part, include, group in groups
            for one in _as_list(group)
        )


def _as_list(group: Sequence[Given]) -> Sequence[Given]:
    """A single text where a list is expected would be read letter by letter."""
    if isinstance(group, str):
        raise InputError(f'corrections are lists; give ["{group}"]')
    return group


def _shape(given: Given, part: Part, grid: Grid) -> tuple[Shape, str]:
    """The shape, and the text that repeats it."""
    if isinstance(given, str):
        return _parsed(given.strip(), part, grid), given.strip()
    if isinstance(given, Mask | LabelMap):
        return given, "given mask"
    if isinstance(given, Box):
        return given, f"{_text(given.low_mm)}:{_text(given.high_mm)}"
    if isinstance(given, Point):
        radius = () if given.radius_mm is None else (given.radius_mm,)
        return given, _text((*given.centre_mm, *radius))
    numbers = tuple(float(v) for v in given)
    return _point(numbers, _text(numbers)), _text(numbers)


def _text(numbers: Sequence[float]) -> str:
    return ",".join(f"{v:.10g}" for v in numbers)


def _parsed(text: str, part: Part, grid: Grid) -> Shape:
    corners = [_numbers(corner) for corner in text.split(":")]
    if len(corners) == 1 and corners[0] is not None:
        return _point(corners[0], text)
    if len(corners) == 2 and corners[0] is not None and corners[1] is not None:
        if {len(corners[0]), len(corners[1])} != {AXES}:
            raise InputError(f'"{text}" is no box; {FORMS}')
        return Box(_three(corners[0]), _three(corners[1]))
    source = parse_mask_source(text)
    if not text or not source.path.exists():
        raise InputError(f'"{text}" is no position, and no such file is there; {FORMS}')
    return load_mask(source, grid) if part is Part.LIVER else load_lesions(source, grid)


def _numbers(text: str) -> tuple[float, ...] | None:
    """Numbers between commas; None where the text is something else."""
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        return None


def _three(numbers: Sequence[float]) -> tuple[float, float, float]:
    x, y, z = numbers
    return (x, y, z)


def _point(numbers: Sequence[float], text: str) -> Point:
    if len(numbers) not in (AXES, AXES + 1):
        raise InputError(f'"{text}" has {len(numbers)} numbers, which is no point; {FORMS}')
    return Point(_three(numbers[:AXES]), numbers[AXES] if len(numbers) > AXES else None)
