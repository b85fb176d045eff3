"""Anatomy: the liver, its lesions and the lungs on one CT or MR, and who vouches for the contours."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from emboplan.errors import InputError, MaskError
from emboplan.model.correction import CorrectionRecord
from emboplan.model.finding import Finding
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage, MrImage
from emboplan.model.mask import LabelMap, Mask

GIVEN = "given"
"""The name of masks that came from elsewhere."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Which contours a program drew that no reader has given or confirmed."""

    liver: bool
    lesions: bool


@dataclass(frozen=True, slots=True)
class Review:
    """Where the contours come from, and the reader who confirmed them.

    `backend` is ``builtin``, ``given`` or the name of another segmenter; names are joined by ``+`` where
    liver and lesions come from two. `backend_version` and `backend_licence` are None where they are not
    known. `history` says in order what was done to the contours, `corrections` what can be done again. Until
    a reader is named, what the contours decide is provisional.
    """

    backend: str
    confirmed_by: str | None = None
    backend_version: str | None = None
    backend_licence: str | None = None
    history: tuple[str, ...] = ()
    corrections: tuple[CorrectionRecord, ...] = ()

    @property
    def provisional(self) -> bool:
        """Whether no reader has confirmed the contours."""
        return not (self.confirmed_by and self.confirmed_by.strip())

    @property
    def drawn(self) -> Drawn:
        """Which contours a program drew; where the history does not say whose is which, both.

        >>> Review("builtin+given", history=("liver: given", "lesions: builtin 1.0")).drawn
        Drawn(liver=False, lesions=True)
        """
        if not self.provisional or self.backend == GIVEN:
            return Drawn(liver=False, lesions=False)
        return Drawn(
            liver=f"liver: {GIVEN}" not in self.history, lesions=f"lesions: {GIVEN}" not in self.history
        )


def require_lesions_inside(liver: Mask, lesions: LabelMap) -> None:
    """Raise `MaskError` where there is no liver, or lesions lie outside it."""
    if liver.is_empty:
        raise MaskError("the liver mask is empty; check the mask's label or give another")
    outside = int(np.count_nonzero((lesions.labels > 0) & ~liver.voxels))
    if outside:
        raise MaskError(
            f"{outside * lesions.grid.voxel_ml:.1f} mL of the lesions lie outside the liver; "
            "the liver mask must include its tumours"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """Whole liver (tumours included), numbered lesions inside it, lungs and body, all on the image's grid.

    The image is a CT or an MR; `ct` is for what needs CT numbers. `viable` is the enhancing part of the
    lesions, None where it was not told apart. `lungs_complete` is false where the field of view cuts the
    lungs; an MR does not show them.
    """

    image: CtImage | MrImage
    liver: Mask
    lesions: LabelMap
    review: Review
    lungs: Mask | None = None
    body: Mask | None = None
    lungs_complete: bool = False
    viable: Mask | None = None
    findings: tuple[Finding, ...] = field(default=())

    def __post_init__(self) -> None:
        """Check that all structures lie on the image's grid and the lesions inside the liver."""
        for name in ("liver", "lesions", "lungs", "body", "viable"):
            structure = getattr(self, name)
            if structure is not None:
                self.grid.require_same(structure.grid, f"{self.image.modality.name} and {name}")
        require_lesions_inside(self.liver, self.lesions)
        if self.viable is not None and (self.viable.voxels & (self.lesions.labels == 0)).any():
            raise MaskError("viable tumour lies outside the lesions; lesions must include their viable part")

    @property
    def grid(self) -> Grid:
        """The grid that everything lies on."""
        return self.image.grid

    @property
    def ct(self) -> CtImage:
        """The CT; `InputError` where the contours lie on an MR, whose signal is no CT number."""
        if isinstance(self.image, MrImage):
            raise InputError("these contours lie on an MR; this step needs a CT and contours on it")
        return self.image

    @property
    def tumour(self) -> Mask:
        """All lesions as one mask."""
        return self.lesions.union

    @property
    def normal_liver(self) -> Mask:
        """Liver without its lesions."""
        return Mask(self.grid, self.liver.voxels & (self.lesions.labels == 0))
