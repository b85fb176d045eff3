"""The anatomy on one MR: liver, lesions and body, and who vouches for the contours."""

from __future__ import annotations

from dataclasses import dataclass, field

from emboplan.model.anatomy import Review, require_lesions_inside
from emboplan.model.finding import Finding
from emboplan.model.grid import Grid
from emboplan.model.mask import LabelMap, Mask
from emboplan.segmentation.mr.image import MrImage


@dataclass(frozen=True, slots=True, eq=False)
class MrAnatomy:
    """Whole liver (lesions included), numbered lesions inside it, and body, all on the MR's grid."""

    mr: MrImage
    liver: Mask
    lesions: LabelMap
    review: Review
    body: Mask | None = None
    findings: tuple[Finding, ...] = field(default=())

    def __post_init__(self) -> None:
        """Check that all structures lie on the MR's grid and the lesions inside the liver."""
        for name in ("liver", "lesions", "body"):
            structure = getattr(self, name)
            if structure is not None:
                self.grid.require_same(structure.grid, f"MR and {name}")
        require_lesions_inside(self.liver, self.lesions)

    @property
    def grid(self) -> Grid:
        """The grid that everything lies on."""
        return self.mr.grid

    @property
    def tumour(self) -> Mask:
        """All lesions as one mask."""
        return self.lesions.union

    @property
    def normal_liver(self) -> Mask:
        """Liver without its lesions."""
        return Mask(self.grid, self.liver.voxels & (self.lesions.labels == 0))
