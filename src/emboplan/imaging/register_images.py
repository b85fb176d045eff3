"""What a registration looks at: each kind of image in the form in which tissue, and nothing else, decides.

A CT shows its soft tissue, an MR its signal without the brightest, a scan of activity its concentration. A
scan is held against the liver's contour, blurred to the scan's resolution, which is what uptake in the liver
should look like. All become images on voxels of one working size; finer ones cost time and gain nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import SimpleITK as sitk  # noqa: N813  the name its documentation uses
from numpy.typing import NDArray

from emboplan.errors import ModelRangeError
from emboplan.imaging.distance import distance_mm
from emboplan.imaging.itk import to_sitk
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, ConcentrationImage, CountImage, CtImage
from emboplan.model.mask import Mask

F32 = NDArray[np.float32]

WORKING_MM = 4.4

# Soft tissue: outside it, air and bone would decide, and contrast agent differs from day to day.
SOFT_LOW_HU, SOFT_HIGH_HU = -160.0, 240.0

# Fat and vessels near a coil outshine all; above this percentile of an MR's signal nothing is told apart.
MR_TOP_PERCENTILE = 99.0

# Around the liver: so much beside it decides too, so that its surface is seen from both sides.
CT_MARGIN_MM, SCAN_MARGIN_MM = 20.0, 40.0

FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))


class SignalImage(Protocol):
    """An MR image: a grid, and a signal of arbitrary unit on it."""

    @property
    def grid(self) -> Grid:
        """Where the voxels lie."""

    @property
    def signal(self) -> NDArray[Any]:
        """The signal, ``(z, y, x)``."""


Scan = CountImage | ConcentrationImage | ActivityMap
Shown = CtImage | Scan | SignalImage


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two images as SimpleITK images on their working voxels, and what decides between them.

    `region` (a SimpleITK mask on `fixed`, or None for all) is where the measure looks, `asked` the points of
    the fixed image, in mm, whose shift is told.
    """

    fixed: Any
    moving: Any
    region: Any
    asked_mm: NDArray[np.float64]
    fixed_grid: Grid
    same_frame: bool
    of_scan: bool


def is_scan(image: Shown) -> bool:
    """Whether an image shows activity."""
    return isinstance(image, CountImage | ConcentrationImage | ActivityMap)


def pair_of(
    fixed: CtImage | SignalImage, moving: Shown, liver: Mask | None, resolution_fwhm_mm: float | None
) -> Pair:
    """Both images as the search wants them; `ModelRangeError` where one shows nothing."""
    if is_scan(fixed):
        raise ModelRangeError("the fixed image shows activity; give the CT or MR first and the scan second")
    if liver is not None:
        liver.grid.require_same(fixed.grid, "liver contour and fixed image")
        if liver.is_empty:
            raise ModelRangeError("the liver contour is empty; nothing can be registered to it")
    if isinstance(moving, CountImage | ConcentrationImage | ActivityMap):
        return _scan_pair(fixed.grid, moving, liver, resolution_fwhm_mm)
    plain = shown(fixed)
    work = _worked(plain, fixed.grid)
    inside = plain > plain.min() if liver is None else liver.voxels
    return Pair(
        fixed=work,
        moving=_worked(shown(moving), moving.grid),
        region=None if liver is None else _around(liver, work, CT_MARGIN_MM),
        asked_mm=_points(inside, fixed.grid),
        fixed_grid=fixed.grid,
        same_frame=_same_frame(fixed.grid, moving.grid),
        of_scan=False,
    )


def shown(image: CtImage | SignalImage) -> F32:
    """The grey values that count: soft tissue of a CT, the signal of an MR up to its top percentile."""
    if isinstance(image, CtImage):
        grey = np.clip(image.hu, SOFT_LOW_HU, SOFT_HIGH_HU).astype(np.float32)
        what = "the CT shows no soft tissue between air and bone; check that it is in HU"
    else:
        signal = np.asarray(image.signal, np.float32)
        if not np.isfinite(signal).all():
            raise ModelRangeError("the MR image holds values that are not finite; mend the image first")
        grey = np.minimum(signal, np.float32(np.percentile(signal, MR_TOP_PERCENTILE)))
        what = "the MR image shows nothing: its signal is the same everywhere"
    if not float(grey.max()) > float(grey.min()):
        raise ModelRangeError(what)
    return grey


def concentration(scan: Scan) -> F32:
    """Counts or activity in each millilitre."""
    if isinstance(scan, CountImage):
        return scan.concentration().counts_per_ml
    return scan.counts_per_ml if isinstance(scan, ConcentrationImage) else scan.mbq_per_ml


def _scan_pair(grid: Grid, scan: Scan, liver: Mask | None, resolution_fwhm_mm: float | None) -> Pair:
    if liver is None:
        raise ModelRangeError("a scan is registered to the liver's contour; give liver=, as from segment()")
    values = concentration(scan)
    if not float(values.max(initial=0.0)) > 0:
        raise ModelRangeError("the scan shows no activity; nothing can be registered")
    known = scan.resolution_fwhm_mm if isinstance(scan, CountImage) else None
    fwhm = known if resolution_fwhm_mm is None else resolution_fwhm_mm
    if fwhm is None:
        raise ModelRangeError("the scan does not tell its resolution; give resolution_fwhm_mm")
    if not (np.isfinite(fwhm) and fwhm > 0):
        raise ModelRangeError(f"resolution_fwhm_mm is {fwhm:g}; expected a number above 0")
    work = _worked(liver.voxels.astype(np.float32), grid)
    blurred = sitk.SmoothingRecursiveGaussian(sitk.Cast(work, sitk.sitkFloat32), float(fwhm / FWHM_PER_SIGMA))
    return Pair(
        fixed=blurred,
        moving=_worked(values, scan.grid),
        region=_around(liver, work, SCAN_MARGIN_MM),
        asked_mm=_points(liver.voxels, grid),
        fixed_grid=grid,
        same_frame=_same_frame(grid, scan.grid),
        of_scan=True,
    )


def _same_frame(a: Grid, b: Grid) -> bool:
    return a.frame_of_reference_uid is not None and a.frame_of_reference_uid == b.frame_of_reference_uid


def _factors(grid: Grid) -> list[int]:
    return [max(1, int(WORKING_MM // spacing)) for spacing in grid.spacing_mm]


def _worked(array: F32, grid: Grid) -> Any:
    """The image on voxels of the working size, averaged."""
    return sitk.BinShrink(to_sitk(np.ascontiguousarray(array), grid), _factors(grid))


def _around(liver: Mask, work: Any, margin_mm: float) -> Any:
    """The liver and its margin on the working voxels."""
    share = sitk.GetArrayFromImage(_worked(liver.voxels.astype(np.float32), liver.grid))
    grid = Grid(share.shape, work.GetSpacing(), work.GetOrigin(), work.GetDirection())
    near = distance_mm(share > 0, grid) <= margin_mm
    return to_sitk(near.astype(np.uint8), grid)


def _points(inside: NDArray[np.bool_], grid: Grid) -> NDArray[np.float64]:
    """Positions of the inside, at about the working spacing."""
    z, y, x = _factors(grid)[::-1]
    index = np.argwhere(inside[::z, ::y, ::x]) * np.array([z, y, x])
    if len(index) == 0:  # a structure thinner than the working spacing
        index = np.argwhere(inside)
    return grid.to_mm(index[:, ::-1])
