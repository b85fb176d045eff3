"""The whole liver, tumours included, on contrast CT.

First what parenchyma looks like in this patient, then the region that looks so and is thick, cut off from
what merely touches it, with its surface at half contrast, its vessels filled and its lesions taken in, also
those at the capsule. Classical methods only: no learned weights, the same result each time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from emboplan.errors import SegmentationError
from emboplan.model.image import CtImage
from emboplan.model.mask import Box, Mask, bounding_box
from emboplan.segmentation.body import on_native_grid
from emboplan.segmentation.capsule import with_lesions, without_guests
from emboplan.segmentation.fat_planes import fat_planes
from emboplan.segmentation.gut_and_spleen import wall_of_content
from emboplan.segmentation.lobes import beside, taken_by_gut
from emboplan.segmentation.lungs import Lungs
from emboplan.segmentation.neighbours import Surroundings, surroundings_of
from emboplan.segmentation.parenchyma import (
    Parenchyma,
    denoised,
    parenchyma_model,
    right_half,
)
from emboplan.segmentation.plausible import (
    require_below_lungs,
    require_lungs_or_ribs,
    require_one_sided,
    require_spine_behind,
)
from emboplan.segmentation.region import (
    WINDOW_SPREADS,
    alike_tissue,
    evolve,
    local_level,
    parenchyma_core,
)
from emboplan.segmentation.shape import cut_necks, fill_slices, largest, opened, pieces_at_necks
from emboplan.segmentation.surface import at_half_contrast
from emboplan.segmentation.veins import THICK_RADIUS_MM, without_great_vessels
from emboplan.segmentation.wall import body_wall
from emboplan.segmentation.working import Bools, Floats, WorkingImage, working_image

# Room around the core for the lobes that it does not reach (z, y, x): the left lobe may reach the spleen.
MARGIN_MM = (60.0, 40.0, 80.0)

# Necks: the liver's own parts hang together by more than 12 mm of tissue; what touches it does so by less.
NECK_MM = 6.0
LATER_NECK_MM = 5.0
REACH_RADII = 1.7

# Holes of an axial slice up to this size are vessels or small lesions.
VESSEL_MM2 = 400.0

# Smallest believable liver seen in a CT (mL): a truncated view may hold a part only.
LEAST_LIVER_ML = 80.0

# How far the blur of the scanner and of the working image, and the smoothing of the region, leave the surface
# inside the true one, on the first and on the last pass.
REACH_MM = 3.0
LATER_REACH_MM = 2.0

# Pieces behind necks stay only if their mean (vessels and lesions left out) lies this close to the local
# level of parenchyma, and, behind thin necks, if they are as large as a lobe.
WIDE_NECK_MM = 9.0
LOBE_ML = 30.0
STRANGER_SPREADS = 0.7
STRANGER_WINDOW = 3.5

# Parts of other tissue that are larger than this share of what was found change what the liver looks like.
MUCH_FRAC = 0.15

# Air around the body that the search keeps: no array edge comes near what it looks at.
AIR_VOXELS = 5

# Smoothing that turns the working mask into a level function for the native grid.
LEVEL_SIGMA_MM = 1.0

# The finer image on which the surface is set in the end, and how far around the liver it reaches. The surface
# moves outwards by this share of the largest voxel edge, which is about the width of the blur, within bounds:
# farther out, a thin layer (diaphragm, muscle) would be taken for liver.
FINE_EDGE_MM = 1.6
FINE_MARGIN_MM = 14.0
FINE_REACH_EDGES = 0.9
FINE_REACH_MM = (1.2, 3.0)


@dataclass(frozen=True, slots=True, eq=False)
class FoundLiver:
    """The liver on the working grid, where it can lie at all, and what its tissue looks like.

    `doubtful_ml` is the volume of thick round tissue beside it that may be tumour, and was left out.
    """

    region: Bools
    allowed: Bools
    model: Parenchyma
    doubtful_ml: float = 0.0


def segment_liver(ct: CtImage, body: Mask, lungs: Lungs) -> Mask:
    """The liver with its tumours, on the CT's grid.

    Raises `SegmentationError` when no liver is plausibly in view.
    """
    ct.grid.require_same(body.grid, "CT and body")
    ct.grid.require_same(lungs.mask.grid, "CT and lungs")
    work = working_image(ct)
    fine = fine_image(ct)
    found = find_liver(work, fine, work.down(body.voxels), work.down(lungs.mask.voxels))
    return Mask(ct.grid, liver_on_native_grid(work, fine, found))


def fine_image(ct: CtImage) -> WorkingImage:
    """The finer image, on which thin layers of fat show and the surface is set."""
    return working_image(ct, FINE_EDGE_MM)


def liver_on_native_grid(work: WorkingImage, fine: WorkingImage, found: FoundLiver) -> Bools:
    """The liver on the native grid, its surface set anew at half contrast on the finer image."""
    rough = _native(work, found.region)
    region = fine.down(rough)
    box = bounding_box(region, margin=round(FINE_MARGIN_MM / min(fine.spacing_zyx_mm)))
    if box is None or fine.factors == work.factors:
        return rough
    part = fine.cropped(box)
    open_to = fine.down(on_native_grid(work, found.allowed))[box]
    reach_mm = float(np.clip(FINE_REACH_EDGES * max(fine.spacing_zyx_mm), *FINE_REACH_MM))
    sharp = at_half_contrast(part, denoised(part), region[box], open_to, found.model, reach_mm)
    whole = np.zeros_like(region)
    whole[box] = sharp
    return _native(fine, whole)


def _native(work: WorkingImage, region: Bools) -> Bools:
    box = bounding_box(region, margin=4)
    if box is None:
        raise SegmentationError("no liver was found; give a liver mask")
    level = work.smooth(region.astype(np.float32), LEVEL_SIGMA_MM) - np.float32(0.5)
    return work.native_mask(level, box)


def find_liver(work: WorkingImage, fine: WorkingImage, body: Bools, lungs: Bools) -> FoundLiver:
    """The liver on the working grid; `fine` is the `fine_image` of the same CT."""
    require_spine_behind(work, body)
    tissue = denoised(work)
    inside = body & ~body_wall(work, tissue, body)
    right = right_half(body)
    model = parenchyma_model(work, tissue, inside, lungs)
    planes = fat_planes(fine, work, body, model.low_hu)
    found = _found_in(_Scene(work, tissue, body, inside, lungs, right, planes), model)
    liver = found.region
    if liver.sum() * work.voxel_ml < LEAST_LIVER_ML:
        raise SegmentationError(
            f"only {liver.sum() * work.voxel_ml:.0f} mL of liver-like tissue is in view; expected at least "
            f"{LEAST_LIVER_ML:.0f} mL (check the field of view, or give a liver mask)"
        )
    require_below_lungs(work, liver, lungs)
    require_lungs_or_ribs(work, body, liver, lungs)
    alike = np.abs(found.model.away(tissue)) < WINDOW_SPREADS * found.model.spread_hu
    require_one_sided(liver, alike, float(np.count_nonzero(right)))
    return replace(found, allowed=found.allowed | (planes & inside & ~lungs) | liver)


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """What stays the same however the liver's tissue is modelled."""

    work: WorkingImage
    tissue: Floats
    body: Bools
    inside: Bools
    lungs: Bools
    right: Bools
    planes: Bools

    def cropped(self, box: Box) -> _Scene:
        """The part of it in a box."""
        return _Scene(
            self.work.cropped(box),
            self.tissue[box],
            self.body[box],
            self.inside[box],
            self.lungs[box],
            self.right[..., box[2]],
            self.planes[box],
        )


def _found_in(whole: _Scene, model: Parenchyma) -> FoundLiver:
    """The liver and where it can lie, on the whole grid; sought around the body alone, where it is faster."""
    box = bounding_box(whole.body, margin=AIR_VOXELS)
    liver, allowed = np.zeros_like(whole.body), np.zeros_like(whole.body)
    if box is None:
        return FoundLiver(liver, allowed, model, 0.0)
    scene = whole.cropped(box)
    spacing = scene.work.spacing_zyx_mm
    found, open_to, around = _search(scene, model)
    more = beside(found, scene.tissue, around.basin, open_to, scene.right, model, spacing)
    if more.lobes.sum() > MUCH_FRAC * found.sum():
        # Much of the liver is of another tissue: once more, with what both look like.
        model = model.widened(scene.tissue[more.lobes])
        found, open_to, around = _search(scene, model)
        more = beside(found, scene.tissue, around.basin, open_to, scene.right, model, spacing)
    found = found | more.lobes | more.lesions
    taken, doubtful_ml = taken_by_gut(found, scene.tissue, around.left_and_gut, model, spacing)
    found = fill_slices(found | taken, spacing, VESSEL_MM2)
    # Of what was filled the vena cava in its groove is a neighbour; what liver encloses on all sides is none.
    great = opened(found & around.neighbours & ~taken, spacing, THICK_RADIUS_MM)
    liver[box] = ndimage.binary_fill_holes(found & ~great)
    allowed[box] = open_to
    return FoundLiver(liver, allowed, model, more.doubtful_ml + doubtful_ml)


def _search(scene: _Scene, model: Parenchyma) -> tuple[Bools, Bools, Surroundings]:
    """The liver of that tissue, where it can lie at all, and what is around it."""
    work, tissue, right = scene.work, scene.tissue, scene.right
    free = scene.inside & ~scene.lungs & ~scene.planes
    alike = alike_tissue(work, tissue, free, model)
    single = [Parenchyma.single(hu, model.spread_hu) for hu in (model.low_hu, model.high_hu)]
    of_one = [alike_tissue(work, tissue, free, one) for one in single if one != model]
    around = surroundings_of(work, tissue, alike, scene.lungs, scene.body, scene.inside, of_one)
    walls = wall_of_content(around.left_and_gut, tissue, model, work.spacing_zyx_mm)
    allowed = free & ~around.neighbours & ~walls
    core = parenchyma_core(work, alike & allowed, right)
    box = _around(work, core)
    liver = np.zeros_like(scene.body)
    liver[box] = _grow(
        work.cropped(box), tissue[box], allowed[box], core[box] & allowed[box], right[..., box[2]], model
    )
    return liver, allowed, around


def _around(work: WorkingImage, core: Bools) -> Box:
    box = bounding_box(core)
    if box is None:
        raise SegmentationError("no liver was found; give a liver mask")
    margin = [mm / d for mm, d in zip(MARGIN_MM, work.spacing_zyx_mm, strict=True)]
    bounds = [
        slice(max(0, int(s.start - m)), min(n, int(s.stop + m) + 1))
        for s, m, n in zip(box, margin, core.shape, strict=True)
    ]
    return (bounds[0], bounds[1], bounds[2])


def _grow(
    work: WorkingImage, tissue: Floats, allowed: Bools, core: Bools, right: Bools, model: Parenchyma
) -> Bools:
    spacing = work.spacing_zyx_mm
    region = evolve(work, tissue, allowed, core, model)
    # Lesions first: a large one between two lobes leaves a bridge of parenchyma that looks like a neck.
    filled = with_lesions(fill_slices(region, spacing, VESSEL_MM2), tissue, allowed, model, spacing)
    region = evolve(work, tissue, allowed, filled, model, kept=filled & ~region)
    region = with_lesions(fill_slices(region, spacing, VESSEL_MM2), tissue, allowed, model, spacing)
    region = _without_strangers(work, tissue, region, model)
    region = at_half_contrast(work, tissue, region, allowed, model, REACH_MM)
    region = with_lesions(fill_slices(region, spacing, VESSEL_MM2), tissue, allowed, model, spacing)
    region = without_great_vessels(work, tissue, region, allowed, model)
    region = at_half_contrast(work, tissue, region, allowed, model, LATER_REACH_MM)
    region = without_great_vessels(work, tissue, region, allowed, model)
    region = without_guests(region, tissue, right, model, spacing)
    return cut_necks(fill_slices(region, spacing, VESSEL_MM2), spacing, LATER_NECK_MM, REACH_RADII)


def _without_strangers(work: WorkingImage, tissue: Floats, region: Bools, model: Parenchyma) -> Bools:
    """`region` without what hangs on it by a neck, unless it is large and looks like the liver.

    At thin necks small pieces go, whatever they look like; at wide necks only those that look otherwise.
    """
    for radius_mm, least_ml in ((NECK_MM, LOBE_ML), (WIDE_NECK_MM, 0.0)):
        pieces, main = pieces_at_necks(region, work.spacing_zyx_mm, radius_mm)
        if main == 0:
            return region
        count = int(pieces.max())
        sizes = np.bincount(pieces.ravel(), minlength=count + 1)
        level = local_level(work, tissue, pieces == main, model)
        away = model.away((tissue - level + np.float32(model.mode_hu))[pieces > 0])
        typical = np.abs(away) < STRANGER_WINDOW * model.spread_hu
        numbers = pieces[pieces > 0][typical]
        off = np.bincount(numbers, away[typical], count + 1) / np.maximum(
            np.bincount(numbers, minlength=count + 1), 1
        )
        strange = (np.abs(off) > STRANGER_SPREADS * model.spread_hu) | (sizes * work.voxel_ml < least_ml)
        strange[[0, main]] = False
        region = largest((pieces > 0) & ~strange[pieces])
    return region
