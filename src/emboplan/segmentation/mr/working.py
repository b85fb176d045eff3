"""The working image of an MR: turned to LPS axes, averaged to a few millimetres, its shading taken off.

Coils shade an image by tens of percent over the body, which is more than some organs differ. The shading is
estimated by N4 (Tustison et al. 2010) on a coarse copy of the body and divided out. One thread does it, so
that the sums come out the same on every machine.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from emboplan.errors import SegmentationError
from emboplan.model.image import MrImage
from emboplan.segmentation.working import Bools, Floats, WorkingImage, block_mean, turn_to_lps

# Blocks never grow beyond this edge. Magnitudes are noisier than CT numbers, pixels larger.
WORKING_EDGE_MM = 2.6

# Fewer slices than this, or a shorter stack, cannot show an organ and its neighbours well enough.
FEWEST_SLICES = 8
SHORTEST_MM = 30.0

# An image with so much of it below zero, and most of that at one level, holds CT numbers: magnitudes are
# not negative, and rings of interpolation are few.
NEGATIVE_FRAC = 0.10

# Fewer different values than this are a mask or a label map.
FEWEST_VALUES = 32

# Edge of the coarse copy, and steps of the fit on each level: coils shade over hundreds of millimetres, and
# what is left is followed by the local level of the parenchyma.
COARSE_MM = 10.0
FIT_STEPS = (15, 10)


def mr_working_image(mr: MrImage) -> WorkingImage:
    """The working image; its values are signal, 0 and up.

    Raises `SegmentationError` when the stack is too short or the values are no MR signal.
    """
    turn = turn_to_lps(mr.grid)
    spacing = [mr.grid.spacing_zyx_mm[i] for i in turn.order]
    signal = turn.forward(mr.signal)
    slices, length_mm = signal.shape[0], signal.shape[0] * spacing[0]
    if slices < FEWEST_SLICES or length_mm < SHORTEST_MM:
        raise SegmentationError(
            f"the MR has {slices} axial slices over {length_mm:.0f} mm; expected at least {FEWEST_SLICES} "
            f"slices over {SHORTEST_MM:.0f} mm to find a liver"
        )
    _require_signal(mr)
    factors = tuple(max(1, int(WORKING_EDGE_MM / d)) for d in spacing)
    return WorkingImage(
        hu=block_mean(np.maximum(signal, np.float32(0)), factors),
        spacing_zyx_mm=(spacing[0] * factors[0], spacing[1] * factors[1], spacing[2] * factors[2]),
        factors=(factors[0], factors[1], factors[2]),
        turn=turn,
        native_shape=mr.grid.shape,
        native_spacing_zyx_mm=(spacing[0], spacing[1], spacing[2]),
    )


def _require_signal(mr: MrImage) -> None:
    negative = float(np.mean(mr.signal < 0))
    if negative > NEGATIVE_FRAC:
        raise SegmentationError(
            f"{100 * negative:.0f} % of the values are negative (down to {float(mr.signal.min()):.0f}); "
            "expected MR signal of 0 and up (a CT given as MR?)"
        )
    if np.unique(mr.signal[:: max(1, mr.signal.shape[0] // FEWEST_SLICES)]).size < FEWEST_VALUES:
        raise SegmentationError("the image holds a few values only; expected MR signal (a mask given as MR?)")


def shading(work: WorkingImage, solid: Bools) -> Floats:
    """The factor by which coils shade each working voxel, around 1; `solid` is what gives signal."""
    factors = [max(1, int(COARSE_MM / d)) for d in work.spacing_zyx_mm]
    image = SimpleITK.GetImageFromArray(block_mean(work.hu, factors) + np.float32(1))
    image.SetSpacing([float(d * f) for d, f in zip(work.spacing_zyx_mm, factors, strict=True)][::-1])
    inside = SimpleITK.GetImageFromArray((block_mean(solid, factors) > 0.5).astype(np.uint8))
    inside.CopyInformation(image)
    fit = SimpleITK.N4BiasFieldCorrectionImageFilter()
    fit.SetNumberOfThreads(1)
    fit.SetMaximumNumberOfIterations(FIT_STEPS)
    fit.Execute(image, inside)
    log_field = np.asarray(SimpleITK.GetArrayFromImage(fit.GetLogBiasFieldAsImage(image)), np.float32)
    log_field -= np.median(log_field[SimpleITK.GetArrayFromImage(inside) > 0])
    return np.exp(_stretched(log_field, factors, work.hu.shape))


def _stretched(coarse: Floats, factors: list[int], shape: tuple[int, ...]) -> Floats:
    """A coarse field at the voxels of the blocks that it was averaged over."""
    for axis, (factor, size) in enumerate(zip(factors, shape, strict=True)):
        at = (np.arange(size) - (factor - 1) / 2) / factor
        coarse = _interpolated(coarse, at, axis)
    return coarse


def unshaded(work: WorkingImage, field: Floats) -> WorkingImage:
    """The working image with the shading divided out."""
    return replace(work, hu=np.asarray(work.hu / field, np.float32))


def _interpolated(array: Floats, at: NDArray[np.float64], axis: int) -> Floats:
    last = array.shape[axis] - 1
    place = np.clip(at, 0, last)
    low = np.minimum(place.astype(np.intp), max(0, last - 1))
    weight = (place - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(array.ndim)])
    lower, upper = np.take(array, low, axis), np.take(array, np.minimum(low + 1, last), axis)
    return np.asarray(lower + weight * (upper - lower), np.float32)
