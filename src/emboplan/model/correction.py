"""Corrections of contours: what a reader says is liver or tumour, or is not, and the record that is kept.

A correction is a point with what belongs to it, a box, or a mask. Positions are millimetres in the DICOM
patient system (LPS: x to the patient's left, y to the back, z to the head).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from emboplan.errors import InputError
from emboplan.model.grid import Vector
from emboplan.model.mask import LabelMap, Mask


class Part(StrEnum):
    """What a correction is about."""

    LIVER = "liver"
    TUMOUR = "tumour"


@dataclass(frozen=True, slots=True)
class Point:
    """A position, and how far from it anything may change; None leaves that to the part."""

    centre_mm: Vector
    radius_mm: float | None = None

    def __post_init__(self) -> None:
        """Check that the numbers say a place."""
        if not all(isfinite(v) for v in self.centre_mm):
            raise InputError(f"point {self.centre_mm} holds a value that is not finite; give x, y, z in mm")
        if self.radius_mm is not None and not (isfinite(self.radius_mm) and self.radius_mm > 0):
            raise InputError(f"radius {self.radius_mm:g} mm of a point is not above 0; give millimetres")


@dataclass(frozen=True, slots=True)
class Box:
    """What lies between two corners, with faces along the patient's axes; voxels whose centres lie inside."""

    low_mm: Vector
    high_mm: Vector

    def __post_init__(self) -> None:
        """Sort the corners: any two opposite ones say the box."""
        if not all(isfinite(v) for v in (*self.low_mm, *self.high_mm)):
            raise InputError("a box holds a corner that is not finite; give x1,y1,z1:x2,y2,z2 in mm")
        pairs = [sorted(pair) for pair in zip(self.low_mm, self.high_mm, strict=True)]
        object.__setattr__(self, "low_mm", tuple(pair[0] for pair in pairs))
        object.__setattr__(self, "high_mm", tuple(pair[1] for pair in pairs))


Shape = Point | Box | Mask | LabelMap


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """One thing to take in or to leave out; `text` is how it was given, and how it can be given again."""

    part: Part
    include: bool
    shape: Shape
    text: str

    @property
    def option(self) -> str:
        """The option of the command line that says this."""
        verb = "include" if self.include else "exclude"
        return verb if self.part is Part.LIVER else f"{verb}-tumour"


@dataclass(frozen=True, slots=True)
class CorrectionRecord:
    """A correction as it was made: `option` and `value` repeat it, the volumes say what it did.

    `sha256` is the digest of a mask's voxels, None for points and boxes.
    """

    option: str
    value: str
    added_ml: float
    removed_ml: float
    sha256: str | None = None
