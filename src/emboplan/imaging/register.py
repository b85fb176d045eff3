"""Rigid registration: where the tissue of one image lies in another, as a turn and a shift.

Two CTs of one patient, or a scan of activity and the liver of a CT. Mattes' mutual information is made large
by steps of a regular gradient, from coarse to fine. One thread is used: with more, two equal runs differ in
their last bits. A transform is 4 x 4, in patient millimetres (LPS), and takes a point of the moving image to
the same tissue in the fixed one, which is what accumulating doses of sessions asks for.

The result has no error of its own to show. `moved_mm` says how far the registration moved the tissue; look at
both images before using it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813  the name its documentation uses
from numpy.typing import NDArray

from emboplan.errors import GeometryError, ModelRangeError
from emboplan.imaging.itk import to_sitk
from emboplan.model.grid import Grid
from emboplan.model.image import ConcentrationImage, CtImage
from emboplan.model.mask import Mask

F32 = NDArray[np.float32]

# Settings that brought a SPECT from 19 mm off to 1 mm; finer voxels cost time and gain nothing.
BINS = 32
WORKING_MM = 4.4
FIRST_STEP, SMALLEST_STEP, RELAXATION = 4.0, 1e-3, 0.7
MOST_STEPS = 200
SHRINK, SMOOTHING_MM = (4, 2, 1), (8.0, 4.0, 0.0)

# Soft tissue: outside it, air and bone would decide, and contrast agent differs from day to day.
SOFT_LOW_HU, SOFT_HIGH_HU = -160.0, 240.0

FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """A rigid transform (4 x 4, LPS millimetres) from the moving image's points to the fixed image's.

    `moved_mm` is how far the middle of the fixed image's content moved, `turned_deg` by how much it turned,
    `mutual_information` the measure reached (larger is better).
    """

    matrix: NDArray[np.float64]
    moved_mm: float
    turned_deg: float
    mutual_information: float

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)

    def inverse(self) -> NDArray[np.float64]:
        """The transform from the fixed image's points to the moving image's."""
        return np.asarray(np.linalg.inv(self.matrix), dtype=np.float64)


def register_ct(fixed: CtImage, moving: CtImage) -> Registration:
    """The rigid transform that brings the tissue of one CT onto another.

    Raises:
        ModelRangeError: an image shows no soft tissue, or the two do not overlap enough.
    """
    return _rigid(_soft_tissue(fixed), _soft_tissue(moving), _middle(fixed.hu > SOFT_LOW_HU, fixed.grid))


def register_scan(liver: Mask, scan: ConcentrationImage, *, resolution_fwhm_mm: float) -> Registration:
    """The rigid transform that brings a scan of activity in the liver onto a CT's liver contour.

    The contour is blurred to the scan's resolution (FWHM) first. Uptake must fill most of the liver: a scan
    of one lobe alone is brought onto the middle of the whole.

    Raises:
        ModelRangeError: the contour or the scan is empty, or the two do not overlap enough.
    """
    if liver.is_empty or not float(scan.counts_per_ml.max(initial=0.0)) > 0:
        raise ModelRangeError("the liver contour or the scan is empty; nothing can be registered")
    if not (np.isfinite(resolution_fwhm_mm) and resolution_fwhm_mm > 0):
        raise ModelRangeError(f"resolution_fwhm_mm is {resolution_fwhm_mm:g}; expected a number above 0")
    blurred = sitk.SmoothingRecursiveGaussian(
        sitk.Cast(_worked(liver.voxels.astype(np.float32), liver.grid), sitk.sitkFloat32),
        float(resolution_fwhm_mm / FWHM_PER_SIGMA),
    )
    moving = to_sitk(np.asarray(scan.counts_per_ml, np.float32), scan.grid)
    return _rigid(blurred, moving, _middle(liver.voxels, liver.grid))


def _soft_tissue(ct: CtImage) -> Any:
    clipped = np.clip(ct.hu, SOFT_LOW_HU, SOFT_HIGH_HU).astype(np.float32)
    if not float(clipped.max() - clipped.min()) > 0:
        raise ModelRangeError("a CT shows no soft tissue between air and bone; check that it is in HU")
    return _worked(clipped, ct.grid)


def _worked(array: F32, grid: Grid) -> Any:
    """The image on voxels of the working size, averaged."""
    image = to_sitk(np.ascontiguousarray(array), grid)
    factors = [max(1, int(WORKING_MM // spacing)) for spacing in grid.spacing_mm]
    return sitk.BinShrink(image, factors)


def _middle(inside: NDArray[np.bool_], grid: Grid) -> NDArray[np.float64]:
    """Centre of what the fixed image shows, in patient millimetres."""
    if not inside.any():
        raise ModelRangeError("the fixed image shows nothing; nothing can be registered")
    z, y, x = (float(np.mean(index)) for index in np.nonzero(inside))
    axes = np.array(grid.direction).reshape(3, 3) * np.array(grid.spacing_mm)
    return np.asarray(np.array(grid.origin_mm) + axes @ np.array([x, y, z]))


def _rigid(fixed: Any, moving: Any, middle_mm: NDArray[np.float64]) -> Registration:
    threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        start = sitk.CenteredTransformInitializer(
            fixed, moving, sitk.Euler3DTransform(), sitk.CenteredTransformInitializerFilter.MOMENTS
        )
        method = sitk.ImageRegistrationMethod()
        method.SetNumberOfThreads(1)
        method.SetMetricAsMattesMutualInformation(BINS)
        method.SetMetricSamplingStrategy(method.NONE)
        method.SetInterpolator(sitk.sitkLinear)
        method.SetOptimizerAsRegularStepGradientDescent(FIRST_STEP, SMALLEST_STEP, MOST_STEPS, RELAXATION)
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetShrinkFactorsPerLevel(SHRINK)
        method.SetSmoothingSigmasPerLevel(SMOOTHING_MM)
        method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
        method.SetInitialTransform(start, inPlace=False)
        found = method.Execute(fixed, moving)
        measure = -float(method.GetMetricValue())
    except RuntimeError as error:
        raise ModelRangeError(
            "the images could not be registered: they overlap too little, or show different things; check "
            "that both are of one patient and region"
        ) from error
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    # ITK's transform takes points of the fixed image to the moving one; ours goes the other way.
    to_moving = _matrix(found)
    matrix = np.asarray(np.linalg.inv(to_moving), dtype=np.float64)
    moved = to_moving[:3, :3] @ middle_mm + to_moving[:3, 3] - middle_mm
    cosine = (np.trace(matrix[:3, :3]) - 1) / 2
    if not np.isfinite(matrix).all():
        raise GeometryError("the registration did not end at a transform; register the images by hand")
    return Registration(
        matrix=matrix,
        moved_mm=float(np.linalg.norm(moved)),
        turned_deg=float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))),
        mutual_information=measure,
    )


def _matrix(transform: Any) -> NDArray[np.float64]:
    """A transform as a 4 x 4 matrix, from where it takes the origin and the three axes."""
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    columns = [np.array(transform.TransformPoint(tuple(axis))) - origin for axis in np.eye(3)]
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack(columns, axis=1)
    matrix[:3, 3] = origin
    return matrix
