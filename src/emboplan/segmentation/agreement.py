"""How well two masks agree: overlap, volume and surface distance, as the CHAOS challenge defines them.

Surface voxels are those of a mask that an erosion by their six neighbours removes, the image's edge being
no surface; distances run between voxel centres in millimetres, from each surface voxel to the nearest of
the other mask's, both ways. Source: CHAOS challenge, evaluation method (Kavur et al. 2021, Medical Image
Analysis 69:101950) and its published evaluation code. The 95 % Hausdorff distance, which CHAOS does not use,
is the larger of the 95th percentiles of both directions. Lesions are held against lesions in
`lesion_agreement`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from emboplan.errors import MaskError
from emboplan.model.mask import LabelMap, Mask, bounding_box
from emboplan.model.serialise import fields_to_json
from emboplan.segmentation.lesion_agreement import LesionAgreement, lesion_agreement
from emboplan.units import PERCENT

# Single voxels that stick out decide the maximum; without the last 5 % of the surface they do not.
HAUSDORFF_PERCENTILE = 95.0


@dataclass(frozen=True, slots=True)
class SurfaceDistance:
    """Average, maximum (ASSD and MSSD of CHAOS) and 95 % Hausdorff distance between surfaces, in mm.

    `average_mm` is the mean over the surface voxels of both masks together. `hausdorff95_mm` is the larger of
    two 95th percentiles: of the distances from the one surface to the other, and back.
    """

    average_mm: float
    maximum_mm: float
    hausdorff95_mm: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """One mask held against a reference.

    `volume_difference_pct` is signed, in percent of the reference, and None without a reference volume;
    `surface` is None where a mask has no surface, `lesions` where no numbered lesions were given.
    """

    dice: float
    jaccard: float
    found_ml: float
    truth_ml: float
    volume_difference_pct: float | None
    surface: SurfaceDistance | None
    lesions: LesionAgreement | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


def agreement(found: Mask | LabelMap, truth: Mask | LabelMap) -> Agreement:
    """Overlap, volume and surface distance of a mask and its reference on the same grid.

    Two label maps are compared as wholes, and lesion by lesion in `Agreement.lesions`. Two empty masks agree.

    Raises:
        GeometryError: the two lie on different grids.
    """
    lesions = None
    if isinstance(found, LabelMap) and isinstance(truth, LabelMap):
        lesions = lesion_agreement(found, truth)
    a = found.union if isinstance(found, LabelMap) else found
    b = truth.union if isinstance(truth, LabelMap) else truth
    return Agreement(
        dice=dice(a, b),
        jaccard=jaccard(a, b),
        found_ml=a.volume_ml,
        truth_ml=b.volume_ml,
        volume_difference_pct=None if b.is_empty else relative_volume_difference_pct(a, b),
        surface=_surface_distance(a, b),
        lesions=lesions,
    )


def dice(found: Mask, truth: Mask) -> float:
    """Twice the overlap over the sum of both volumes; 1 for two empty masks.

    >>> from emboplan.model.grid import Grid
    >>> grid = Grid((1, 1, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    >>> a = Mask(grid, np.array([[[True, True, False, False]]]))
    >>> b = Mask(grid, np.array([[[False, True, True, True]]]))
    >>> dice(a, b)
    0.4
    """
    both, total = _overlap(found, truth)
    return 1.0 if total == 0 else 2 * both / total


def jaccard(found: Mask, truth: Mask) -> float:
    """Overlap over union; 1 for two empty masks."""
    both, total = _overlap(found, truth)
    return 1.0 if total == 0 else both / (total - both)


def relative_volume_difference_pct(found: Mask, truth: Mask) -> float:
    """Volume of `found` minus that of `truth`, in percent of `truth`; its absolute value is RAVD of CHAOS."""
    found.grid.require_same(truth.grid, "masks to compare")
    if truth.is_empty:
        raise MaskError("the reference mask is empty; a relative volume difference needs a reference volume")
    return PERCENT * (found.voxel_count - truth.voxel_count) / truth.voxel_count


def surface_distance(found: Mask, truth: Mask) -> SurfaceDistance:
    """Average, 95 % and maximum distance between the two surfaces, both ways.

    Raises `MaskError` when one of the masks has no surface: there is no distance to nothing.
    """
    distance = _surface_distance(found, truth)
    if distance is None:
        raise MaskError("one of the masks is empty or fills its grid; a surface distance needs two surfaces")
    return distance


def _surface_distance(found: Mask, truth: Mask) -> SurfaceDistance | None:
    found.grid.require_same(truth.grid, "masks to compare")
    a, b = _surface_mm(found), _surface_mm(truth)
    if len(a) == 0 or len(b) == 0:
        return None
    there = np.asarray(cKDTree(b).query(a)[0])
    back = np.asarray(cKDTree(a).query(b)[0])
    total = float(there.sum() + back.sum())
    return SurfaceDistance(
        average_mm=total / (len(a) + len(b)),
        maximum_mm=max(float(there.max()), float(back.max())),
        hausdorff95_mm=max(float(np.percentile(way, HAUSDORFF_PERCENTILE)) for way in (there, back)),
    )


def _overlap(found: Mask, truth: Mask) -> tuple[int, int]:
    found.grid.require_same(truth.grid, "masks to compare")
    both = int(np.count_nonzero(found.voxels & truth.voxels))
    return both, found.voxel_count + truth.voxel_count


def _surface_mm(mask: Mask) -> NDArray[np.float64]:
    box = bounding_box(mask.voxels, margin=1)
    if box is None:
        return np.zeros((0, 3))
    part = mask.voxels[box]
    # Where the field of view cuts an organ there is no surface (border_value=1), as in the published code.
    inner = ndimage.binary_erosion(part, ndimage.generate_binary_structure(3, 1), border_value=1)
    z, y, x = np.nonzero(part & ~inner)
    index = np.stack([x + box[2].start, y + box[1].start, z + box[0].start], axis=1)
    return mask.grid.to_mm(index)
