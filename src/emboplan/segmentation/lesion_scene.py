"""The liver as the search for lesions sees it: depth, local level of parenchyma, noise and fissures.

The level of parenchyma is laid through the voxels that look typical, so that a large lesion does not pull it
down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from emboplan.segmentation.lesion_classes import OwnParenchyma, own_parenchyma, tissue_model
from emboplan.segmentation.liver_level import smooth_level
from emboplan.segmentation.liver_rim import behind_rim, rim_mm
from emboplan.segmentation.parenchyma import Parenchyma, denoised
from emboplan.segmentation.shape import depth_mm, distance_mm, without_small
from emboplan.segmentation.spread import narrower_sd
from emboplan.segmentation.working import Bools, Floats, WorkingImage

# Passes in which the local level and the noise are measured; typical voxels lie within this many deviations.
# The level is laid through a narrower window: a faint lesion reaches into the wide one, and pulls.
LEVEL_PASSES = 5
TYPICAL_SPREADS = 2.5
TYPICAL_SIGMA_MM = 2.5
LEAST_TYPICAL_HU = 8.0
LEVEL_SPREADS = 1.0
LEAST_LEVEL_HU = 4.0

# How far the level may leave the mode: a liver's own drift is less.
LEVEL_HU = 12.0

# The mode of what is left once the level is taken off: sought within this of it, at these steps, smoothed so.
# Farther off lies another tissue.
MODE_HU = 5.0
MODE_STEP_HU = 0.5
MODE_SIGMA_HU = 2.0

# Folds of the liver (fissures, hilum, gallbladder bed) are what closing by this radius adds,
# where that is fat, and what lies beside that fat by less than its blur. In a fatty liver
# (below this level) lesions are nearly as dark, and fat is what is darker still by so much.
FOLD_MM = 12.0
FOLD_RIM_MM = 4.0
FAT_HU = 10.0
SHARP_FAT_HU = -5.0
FATTY_LEVEL_HU = 50.0
DARKER_HU = 15.0
BESIDE_FAT_MM = 5.0

# Fat as close to the liver's surface as a voxel darkens what lies behind it, too.
OUTSIDE_MM = 2.5

# Parenchyma this bright has taken up contrast, and so have its veins.
ENHANCED_HU = 85.0

# Lesions blur so far into the parenchyma beside them; less of it tells nothing.
OFF_LESIONS_MM = 4.0
LEAST_BESIDE_ML = 20.0

# Smoothing in which the slope at edges is measured.
EDGE_SIGMA_MM = 1.5

# Smoothing of the CT in which fat is sought.
GRAIN_MM = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Working images inside a box around the liver; `deep` leaves the blurred rim out, `inner` some more.

    `close_hu` is the tissue taken for parenchyma and the one that may be it as well, where that was close.
    """

    work: WorkingImage
    liver: Bools
    deep: Bools
    typical: Bools
    depth: Floats
    rim_mm: float
    fissure: Bools
    tissue: Floats
    level: Floats
    calm: Floats
    slope: Floats
    inner: Bools
    close_hu: tuple[float, float] | None = None

    @property
    def enhanced(self) -> bool:
        """Whether parenchyma, and with it the veins, has taken up contrast."""
        return float(np.median(self.level[self.liver])) > ENHANCED_HU


def scene_of(work: WorkingImage, liver: Bools, parenchyma: Parenchyma | None = None) -> Scene:
    """The scene of a liver on a working image cropped to it; its parenchyma is found unless known."""
    tissue = denoised(work)
    depth = depth_mm(liver, work.spacing_zyx_mm)
    deep = behind_rim(tissue, liver, depth, work.spacing_zyx_mm)
    own = OwnParenchyma(parenchyma, deep) if parenchyma else own_parenchyma(work, tissue, deep)
    scene = _scene(work, liver, tissue, depth, deep, own.model, own.where)
    return scene if own.rival_hu is None else replace(scene, close_hu=(own.model.mode_hu, own.rival_hu))


def scene_beside(scene: Scene, lesions: Bools) -> Scene | None:
    """The scene with its parenchyma measured anew, off the blur of `lesions`; None where little is left."""
    spacing = scene.work.spacing_zyx_mm
    sure = scene.deep & (distance_mm(lesions, spacing) > OFF_LESIONS_MM)
    if np.count_nonzero(sure) * scene.work.voxel_ml < LEAST_BESIDE_ML:
        return None
    model = tissue_model(scene.tissue[sure])
    return _scene(scene.work, scene.liver, scene.tissue, scene.depth, scene.deep, model, sure)


def _scene(
    work: WorkingImage,
    liver: Bools,
    tissue: Floats,
    depth: Floats,
    deep: Bools,
    model: Parenchyma,
    sure: Bools,
) -> Scene:
    """The scene around the parenchyma of that mode, which lies in `sure`."""
    mode = np.float32(model.mode_hu)
    level = np.full_like(tissue, mode)
    calm = work.smooth_inside(tissue - mode, deep, TYPICAL_SIGMA_MM) + mode
    spread = model.spread_hu
    typical = sure
    for _ in range(LEVEL_PASSES):
        close = sure & (np.abs(calm - level) < max(LEVEL_SPREADS * spread, LEAST_LEVEL_HU))
        level = smooth_level(calm, close, model.mode_hu, LEVEL_HU)
        typical = sure & (np.abs(calm - level) < max(TYPICAL_SPREADS * spread, LEAST_TYPICAL_HU))
        level += np.float32(_mode((calm - level)[typical]))
        typical = sure & (np.abs(calm - level) < max(TYPICAL_SPREADS * spread, LEAST_TYPICAL_HU))
        # Between two tissues of tumour it would grow until all of them are typical.
        spread = min(model.spread_hu, narrower_sd((calm - level)[typical]))
    return Scene(
        work,
        liver,
        deep,
        typical,
        depth,
        rim_mm(work.spacing_zyx_mm),
        _fissures(work, tissue, liver, float(np.median(level[liver]))),
        tissue,
        level,
        *_edges(work, tissue - level, deep),
    )


def with_tissue(scene: Scene, tissue: Floats) -> Scene:
    """The scene with other CT numbers in it, their edges measured anew."""
    calm, slope, inner = _edges(scene.work, tissue - scene.level, scene.deep)
    return replace(scene, tissue=tissue, calm=calm, slope=slope, inner=inner)


def _edges(work: WorkingImage, deviation: Floats, deep: Bools) -> tuple[Floats, Floats, Bools]:
    """Smoothed deviation, its slope in HU per mm, and where the slope can be trusted."""
    calm = work.smooth_inside(deviation, deep, EDGE_SIGMA_MM)
    squares = [np.square(np.gradient(calm, d, axis=axis)) for axis, d in enumerate(work.spacing_zyx_mm)]
    slope = np.sqrt(squares[0] + squares[1] + squares[2])
    return (
        calm,
        np.asarray(slope, np.float32),
        np.asarray(ndimage.binary_erosion(deep, iterations=2), np.bool_),
    )


def _mode(values: Floats) -> float:
    """The most frequent deviation: lesions pull a mean, and a median, to their side."""
    if not values.size:
        return 0.0
    edges = np.arange(-MODE_HU, MODE_HU + MODE_STEP_HU, MODE_STEP_HU)
    counts, _ = np.histogram(values, edges)
    smooth = ndimage.gaussian_filter1d(counts.astype(np.float64), MODE_SIGMA_HU / MODE_STEP_HU)
    return float(edges[int(smooth.argmax())] + MODE_STEP_HU / 2)


def smoothed_deviation(scene: Scene, sigma_mm: float) -> Floats:
    """Deviation from the local level, smoothed inside the liver's deep part alone."""
    return scene.work.smooth_inside(scene.tissue - scene.level, scene.deep, sigma_mm)


def _fissures(work: WorkingImage, tissue: Floats, liver: Bools, level_hu: float) -> Bools:
    """Fat in the liver's folds, hilum and fissures, and on its surface, and what lies beside it."""
    spacing = work.spacing_zyx_mm
    outside = distance_mm(liver, spacing)
    closed = depth_mm(outside <= FOLD_MM, spacing) > FOLD_MM + FOLD_RIM_MM
    darker = DARKER_HU if level_hu < FATTY_LEVEL_HU else 0.0
    sharp = work.smooth(work.hu, GRAIN_MM) < SHARP_FAT_HU - darker
    fat = ((tissue < FAT_HU - darker) | sharp) & (closed | (outside < OUTSIDE_MM))
    return np.asarray(distance_mm(without_small(fat, 2), spacing) < BESIDE_FAT_MM)
