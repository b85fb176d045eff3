"""Registration: where the tissue of one image lies in another, found by making them tell most of each other.

Two CTs, a CT and an MR, or a scan of activity and the liver of a CT. Mattes' mutual information is made large
from coarse to fine: first by a turn and a shift, then, where asked, by a stretch or by a bend on a coarse
lattice. Images of one frame of reference start as they lie, others from the best of a row of shifts along the
body. One thread is used: with more, two equal runs differ in their last bits.

Where a liver contour is given its surroundings alone decide, since the liver moves against spine and ribs
when the patient breathes. A bend that folds is refused. Whether a result may be used is not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813  the name its documentation uses
from numpy.typing import NDArray

from emboplan.errors import ModelRangeError
from emboplan.imaging.likeness import likeness
from emboplan.imaging.register_images import Pair, Shown, SignalImage, pair_of
from emboplan.imaging.transform import Transform, bend_of, matrix_of
from emboplan.model.image import CtImage
from emboplan.model.mask import Mask

BINS = 32

# Settings of the turn and shift that brought a SPECT from 19 mm off to 1 mm.
FIRST_STEP, SMALLEST_STEP, RELAXATION = 4.0, 1e-3, 0.7
MOST_STEPS = 200
SHRINK, SMOOTHING_MM = (4, 2, 1), (8.0, 4.0, 0.0)

# A stretch starts from the rigid result, so that its steps are small from the first.
STRETCH_STEP = 1.0

# Knots of a bend: breathing bends the liver over about its own half width. Closer knots would follow noise,
# and tear lesions that look different on both images. So few knots need no more points than this; the steps
# end before noise is followed, and with them the evaluations, each of which costs half a second.
KNOT_MM = 50.0
BEND_SMOOTHING_MM = 2.0
BEND_POINTS, BEND_SEED = 10_000, 1
BEND_STEPS, BEND_EVALUATIONS, BEND_GRADIENT, BEND_MEMORY = 12, 24, 1e-5, 5

# Other frames of reference: shifts along the body that are tried, on voxels so much larger, and the least
# share of the smaller image that must be seen for a shift to count.
TRY_STEP_MM, TRY_SHRINK, TRY_LEAST_SEEN = 20.0, 4, 0.5

NOT_FOUND = (
    "the images could not be registered: they overlap too little, or show different things; check that both "
    "are of one patient and region"
)


class Kind(StrEnum):
    """What a registration may do: turn and shift, stretch too, or bend too."""

    RIGID = "rigid"
    AFFINE = "affine"
    B_SPLINE = "b-spline"


class Start(StrEnum):
    """From where the search started."""

    FRAME = "frame of reference"
    MOMENTS = "centres of mass"
    ROW = "best of a row of shifts"


@dataclass(frozen=True, slots=True)
class Shift:
    """How far tissue moves, in mm: the mean vector (x, y, z); mean, 95th percentile and largest length."""

    vector_mm: tuple[float, float, float]
    mean_mm: float
    percentile95_mm: float
    largest_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """A transform and what there is to know of it before using it.

    `similarity_before` is that of the images as their coordinates say, `similarity_after` that of the result:
    symmetric uncertainty, 0 to 1 (see `likeness`). `seen_frac` is the share of the liver's surroundings, or
    of the fixed image, that the moving image shows. `shift` is over the liver, or over all that the fixed
    image shows. `volume_ratio` is the least and the largest local change of volume.
    """

    kind: Kind
    start: Start
    transform: Transform
    similarity_before: float
    similarity_after: float
    seen_frac: float
    shift: Shift
    volume_ratio: tuple[float, float]

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The 4 x 4 matrix from the moving image's points to the fixed image's, without a bend."""
        return self.transform.to_fixed

    @property
    def turned_deg(self) -> float:
        """The angle of the turn."""
        return self.transform.turned_deg

    @property
    def scales(self) -> tuple[float, float, float]:
        """The stretch along its three directions; 1 where rigid."""
        return self.transform.scales


def find_transform(
    fixed: CtImage | SignalImage,
    moving: Shown,
    kind: Kind = Kind.RIGID,
    *,
    liver: Mask | None = None,
    resolution_fwhm_mm: float | None = None,
) -> Registration:
    """The transform that brings the tissue of `moving` onto `fixed`.

    `liver` is the contour on the fixed image; a scan of activity needs it, and its resolution.

    Raises:
        ModelRangeError: an image shows nothing, the two do not overlap, or the bend folds.
    """
    pair = pair_of(fixed, moving, liver, resolution_fwhm_mm)
    threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        start, first = _started(pair)
        before = likeness(pair.fixed, pair.moving, Transform.identity(), pair.region)
        found = _searched(pair, kind, first)
        after = likeness(pair.fixed, pair.moving, found, pair.region)
    except RuntimeError as error:
        raise ModelRangeError(NOT_FOUND) from error
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    ratios = found.volume_ratios(pair.fixed_grid)
    if not float(ratios.min()) > 0:
        raise ModelRangeError(
            "the bend that was found folds tissue over itself; register rigidly, or give the liver contour"
        )
    return Registration(
        kind=kind,
        start=start,
        transform=found,
        similarity_before=before.similarity,
        similarity_after=after.similarity,
        seen_frac=after.seen_frac,
        shift=shift_over(found, pair.asked_mm),
        volume_ratio=(float(ratios.min()), float(ratios.max())),
    )


def shift_over(transform: Transform, points_mm: NDArray[np.float64]) -> Shift:
    """How far a transform moves a cloud of points ``(n, 3)``."""
    vectors = transform.shift_mm(points_mm)
    lengths = np.linalg.norm(vectors, axis=-1)
    x, y, z = (float(v) for v in vectors.mean(axis=0))
    return Shift(
        vector_mm=(x, y, z),
        mean_mm=float(lengths.mean()),
        percentile95_mm=float(np.percentile(lengths, 95)),
        largest_mm=float(lengths.max()),
    )


def _searched(pair: Pair, kind: Kind, first: Any) -> Transform:
    start, turned = Transform(matrix_of(first)), _turned_and_shifted(pair, first)
    rigid = _no_worse(pair, start, Transform(matrix_of(turned)))
    if kind is Kind.RIGID:
        return rigid
    if kind is Kind.AFFINE:
        return _no_worse(pair, rigid, Transform(matrix_of(_stretched(pair, rigid.to_sitk()))))
    return _bent(pair, rigid)


def _no_worse(pair: Pair, start: Transform, found: Transform) -> Transform:
    """What a search found, or its start where the images are more alike there: a search can go astray."""
    alike = [likeness(pair.fixed, pair.moving, one, pair.region).similarity for one in (start, found)]
    return start if alike[0] > alike[1] else found


def _method(pair: Pair) -> Any:
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricSamplingStrategy(method.NONE)
    method.SetInterpolator(sitk.sitkLinear)
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    if pair.region is not None:
        method.SetMetricFixedMask(pair.region)
    return method


def _turned_and_shifted(pair: Pair, first: Any) -> Any:
    method = _method(pair)
    method.SetOptimizerAsRegularStepGradientDescent(FIRST_STEP, SMALLEST_STEP, MOST_STEPS, RELAXATION)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(SHRINK)
    method.SetSmoothingSigmasPerLevel(SMOOTHING_MM)
    method.SetInitialTransform(first, inPlace=False)
    return method.Execute(pair.fixed, pair.moving)


def _stretched(pair: Pair, rigid: Any) -> Any:
    start = sitk.AffineTransform(3)
    middle = pair.asked_mm.mean(axis=0)
    matrix = matrix_of(rigid)
    start.SetCenter(middle.tolist())
    start.SetMatrix(matrix[:3, :3].ravel().tolist())
    start.SetTranslation((matrix[:3, :3] @ middle + matrix[:3, 3] - middle).tolist())
    method = _method(pair)
    method.SetOptimizerAsRegularStepGradientDescent(STRETCH_STEP, SMALLEST_STEP, MOST_STEPS, RELAXATION)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(SHRINK[1:])
    method.SetSmoothingSigmasPerLevel(SMOOTHING_MM[1:])
    method.SetInitialTransform(start, inPlace=False)
    return method.Execute(pair.fixed, pair.moving)


def _bent(pair: Pair, rigid: Transform) -> Transform:
    size_mm = np.array(pair.fixed.GetSize()) * np.array(pair.fixed.GetSpacing())
    mesh = [max(1, round(float(length) / KNOT_MM)) for length in size_mm]
    start = sitk.BSplineTransformInitializer(pair.fixed, mesh, order=3)
    method = _method(pair)
    whole = float(np.prod(pair.fixed.GetSize()))
    looked_at = whole if pair.region is None else float(sitk.GetArrayFromImage(pair.region).sum())
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(min(1.0, BEND_POINTS / looked_at), BEND_SEED)
    method.SetMovingInitialTransform(rigid.to_sitk())
    method.SetOptimizerAsLBFGSB(BEND_GRADIENT, BEND_STEPS, BEND_MEMORY, BEND_EVALUATIONS)
    method.SetShrinkFactorsPerLevel([1])
    method.SetSmoothingSigmasPerLevel([BEND_SMOOTHING_MM])
    method.SetInitialTransform(start, inPlace=True)
    method.Execute(pair.fixed, pair.moving)
    return Transform(rigid.to_moving, bend_of(start))


def _started(pair: Pair) -> tuple[Start, Any]:
    """Where the search starts, as an Euler transform about the middle of what is asked for."""
    middle = pair.asked_mm.mean(axis=0)
    start = sitk.Euler3DTransform()
    start.SetCenter(middle.tolist())
    if pair.same_frame:
        return Start.FRAME, start
    if pair.of_scan:
        moments = sitk.CenteredTransformInitializer(
            pair.fixed,
            pair.moving,
            sitk.Euler3DTransform(),
            sitk.CenteredTransformInitializerFilter.MOMENTS,
        )
        start.SetTranslation((matrix_of(moments)[:3, 3]).tolist())
        return Start.MOMENTS, start
    start.SetTranslation(_best_of_a_row(pair).tolist())
    return Start.ROW, start


def _best_of_a_row(pair: Pair) -> NDArray[np.float64]:
    """The shift at which coarse images tell most of each other: middles laid together, and steps along z."""
    fixed, moving = (sitk.BinShrink(image, [TRY_SHRINK] * 3) for image in (pair.fixed, pair.moving))
    apart = _middle_mm(moving) - _middle_mm(fixed)
    reach = sum(_height_mm(image) for image in (fixed, moving)) / 2
    steps = int(reach // TRY_STEP_MM)
    share = min(1.0, _volume(moving) / _volume(fixed))
    best, chosen = -1.0, apart
    for k in range(-steps, steps + 1):
        matrix = np.eye(4)
        matrix[:3, 3] = apart + np.array([0.0, 0.0, k * TRY_STEP_MM])
        seen = likeness(fixed, moving, Transform(matrix))
        if seen.seen_frac >= TRY_LEAST_SEEN * share and seen.similarity > best:
            best, chosen = seen.similarity, matrix[:3, 3].copy()
    return np.asarray(chosen)


def _middle_mm(image: Any) -> NDArray[np.float64]:
    half = [(n - 1) / 2 for n in image.GetSize()]
    return np.array(image.TransformContinuousIndexToPhysicalPoint(half))


def _height_mm(image: Any) -> float:
    """Extent along the body."""
    axes = np.abs(np.array(image.GetDirection()).reshape(3, 3)[2])
    return float(axes @ (np.array(image.GetSize()) * np.array(image.GetSpacing())))


def _volume(image: Any) -> float:
    return float(np.prod(np.array(image.GetSize()) * np.array(image.GetSpacing())))
