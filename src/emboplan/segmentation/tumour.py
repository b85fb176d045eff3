"""Lesions inside the liver: what deviates from parenchyma, is compact, and is not water, fat or vessel.

What deviates is parted where it has grown together, and each piece is judged. A piece without a shape of its
own that lies on a lesion belongs to it: cuts at waists, and vessels that run past, leave such pieces.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from emboplan.errors import SegmentationError
from emboplan.model.image import CtImage
from emboplan.model.mask import Box, LabelMap, Mask, bounding_box
from emboplan.segmentation.lesion_calcium import without_calcium
from emboplan.segmentation.lesion_growth import BRIDGE_MM, CLEAR, FAINT, Sight, deviating
from emboplan.segmentation.lesion_judge import Verdict, judged
from emboplan.segmentation.lesion_parts import Labels, parted, parted_anew
from emboplan.segmentation.lesion_rim import with_rims
from emboplan.segmentation.lesion_scene import Scene, scene_beside, scene_of
from emboplan.segmentation.lesion_size import resized
from emboplan.segmentation.lesion_surface import by_volume, tumours_on_native_grid
from emboplan.segmentation.shape import Spacing, boxes, depth_mm, opened, parted_at_waists
from emboplan.segmentation.working import Bools, WorkingImage, working_image

# Where this share of the liver is clearly tumour, fainter contrast is believed too.
DISEASED_FRAC = 0.04

# Where this share was found to be tumour, its blur lies over what is left: lesions are found anew, so many
# times, with the level and the noise of the parenchyma off them.
MUCH_FRAC = 0.15
PASSES = 2

# Of what is bright, vessels thinner than twice this do not count.
VESSEL_MM = 4.0

# What deviates is parted for judging at waists narrower than this share of the smaller part's depth.
JUDGED_SHARE = 0.6

# What sticks out of a lesion, thinner than twice this share of its depth, is a vessel beside it or blur of
# the liver's surface; one of these radii is taken.
OUTGROWTH_SHARE = 0.25
OUTGROWTHS_MM = (3.0, 4.0)

# What the exact cut leaves of a lesion, at least; less is a crumb of a larger one.
LEAST_ML = 0.25

# A piece that makes up this share of what it hangs together with is alone.
ALONE_FRAC = 0.8

# A piece lies on a lesion with this share of its surface; the end of a vessel does with less.
CONTACT_FRAC = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A piece of what deviates, as a mask in its box, and what it was judged to be."""

    own: Bools
    place: Box
    verdict: Verdict


@dataclass(frozen=True, slots=True, eq=False)
class Both:
    """Lesions darker than parenchyma and, beside them, brighter ones."""

    dark: Bools
    bright: Bools

    @classmethod
    def beside(cls, dark: Bools, bright: Bools) -> Both:
        """Where they overlap dark ones count."""
        return cls(dark, bright & ~dark)

    @property
    def voxels(self) -> int:
        """How many there are of both."""
        return int(np.count_nonzero(self.dark) + np.count_nonzero(self.bright))


@dataclass(frozen=True, slots=True, eq=False)
class FoundTumours:
    """Lesions on the CT's grid; where it was close which is parenchyma, that tissue and its rival (HU)."""

    lesions: LabelMap
    close_hu: tuple[float, float] | None


def segment_tumours(ct: CtImage, liver: Mask) -> LabelMap:
    """Lesions inside `liver`, numbered by descending volume, on the CT's grid."""
    ct.grid.require_same(liver.grid, "CT and liver")
    if liver.is_empty:
        raise SegmentationError("the liver mask is empty; lesions are searched inside the liver only")
    return tumours_in(ct, working_image(ct), liver.voxels).lesions


def tumours_in(ct: CtImage, work: WorkingImage, liver: Bools) -> FoundTumours:
    """The same on a working image that exists already, with how sure the parenchyma is."""
    rough, dark, close_hu = _searched(work, work.down(liver))
    cut = tumours_on_native_grid(work, rough, liver)
    labels = parted_anew(cut, dark, ct.grid.spacing_zyx_mm, LEAST_ML)
    settled = resized(ct.hu, labels, liver, ct.grid)
    with_outer = with_rims(ct.hu, settled, liver, ct.grid)
    numbered = by_volume(with_outer, LEAST_ML / ct.grid.voxel_ml)
    return FoundTumours(LabelMap(ct.grid, numbered), close_hu)


def find_tumours(work: WorkingImage, liver: Bools) -> Labels:
    """Lesions on the working grid, each with a number."""
    return _searched(work, liver)[0]


def _searched(work: WorkingImage, liver: Bools) -> tuple[Labels, int, tuple[float, float] | None]:
    """Lesions on the working grid, the last dark one, and the two tissues that both may be parenchyma."""
    labels = np.zeros(liver.shape, np.int32)
    box = bounding_box(liver, margin=4)
    if box is None:
        return labels, 0, None
    scene = scene_of(work.cropped(box), liver[box])
    both = _settled(scene)
    dark, bright = parted(both.dark, work.spacing_zyx_mm), parted(both.bright, work.spacing_zyx_mm)
    labels[box] = np.where(bright > 0, bright + dark.max(), dark)
    return labels, int(dark.max()), scene.close_hu


def _settled(scene: Scene) -> Both:
    """Lesions of both signs; where they are many, found anew with the parenchyma that they leave."""
    plain = without_calcium(scene)
    both = _both_signs(scene, plain, CLEAR)
    if both.voxels > DISEASED_FRAC * np.count_nonzero(scene.liver):
        fainter = Both.beside(_seen(plain, -1.0, FAINT), both.bright)
        both = fainter if fainter.voxels > both.voxels else both
    for _ in range(PASSES):
        if both.voxels < MUCH_FRAC * np.count_nonzero(scene.liver):
            break
        beside = scene_beside(scene, both.dark | both.bright)
        if beside is None:
            break
        both = _both_signs(beside, without_calcium(beside), FAINT)
    return both


def _both_signs(scene: Scene, plain: Scene, sight: Sight) -> Both:
    """Dark lesions, sought in `plain` (no calcium), and bright ones, each search without the other."""
    with ThreadPoolExecutor(max_workers=1) as other:
        bright = other.submit(_seen, scene, 1.0, sight)
        return Both.beside(_seen(plain, -1.0, sight), bright.result())


def _seen(scene: Scene, sign: float, sight: Sight) -> Bools:
    """Lesions darker (`sign` -1) or brighter (1) than parenchyma."""
    return _found(scene, _pieces(scene, sign, sight))


def _pieces(scene: Scene, sign: float, sight: Sight) -> list[Piece]:
    """What deviates to one side, parted at its narrow waists and judged."""
    spacing = scene.work.spacing_zyx_mm
    grown = deviating(scene, sign, sight)
    thick = opened(grown, spacing, BRIDGE_MM if sign < 0 else VESSEL_MM)
    parts = parted_at_waists(thick, spacing, JUDGED_SHARE)
    whole, _ = ndimage.label(opened(grown, spacing, BRIDGE_MM))
    sizes = np.bincount(whole.ravel())
    found = []
    for index, place in boxes(parts, max(spacing), spacing):  # room for what lies around
        own = parts[place] == index
        alone = float(own.sum()) >= ALONE_FRAC * float(sizes[whole[place][own][0]])
        found.append(Piece(own, place, judged(scene, own, place, sign, alone=alone)))
    return found


def _found(scene: Scene, pieces: list[Piece]) -> Bools:
    """Lesions, and what has no shape of its own and lies on them."""
    found = np.zeros(scene.liver.shape, np.bool_)
    for piece in pieces:
        if piece.verdict is Verdict.LESION:
            found[piece.place] |= piece.own
    left = [piece for piece in pieces if piece.verdict is Verdict.SHAPELESS]
    while True:
        attached = [piece for piece in left if _contact(found, piece) >= CONTACT_FRAC]
        if not attached:
            return _without_outgrowths(found, scene.work.spacing_zyx_mm)
        for piece in attached:
            found[piece.place] |= piece.own
        left = [piece for piece in left if piece not in attached]


def _without_outgrowths(found: Bools, spacing: Spacing) -> Bools:
    """Lesions without what sticks out of them and is much thinner than they are."""
    parts = parted_at_waists(found, spacing, JUDGED_SHARE)
    thin = depth_mm(found, spacing)
    depth = np.zeros(int(parts.max()) + 1, np.float32)
    depth[1:] = ndimage.maximum(thin, parts, np.arange(1, depth.size))
    out = found.copy()
    for radius_mm in OUTGROWTHS_MM:
        large = (OUTGROWTH_SHARE * depth >= radius_mm)[parts]
        out &= ~large | opened(found, spacing, radius_mm)
    return out


def _contact(found: Bools, piece: Piece) -> float:
    """The share of a piece's surroundings that is lesion."""
    around = ndimage.binary_dilation(piece.own) & ~piece.own
    return float(found[piece.place][around].mean()) if around.any() else 0.0
