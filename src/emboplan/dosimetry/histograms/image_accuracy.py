"""What the accuracy of the images does to mean doses: registration, resolution and lung shunt.

Registration: SPECT or PET lie on the CT with a standard deviation along each axis of the patient. The mean
dose of each structure is computed with the image moved by plus and minus sqrt 3 standard deviations along
each axis. Differences of such pairs give the variance to second order (divided differences; Norgaard, Poulsen
and Ravn, Automatica 36 (2000) 1627): exact where the mean dose is a quadratic of each offset.

Resolution: what a surface loses to a blur is in proportion to its width, and a second blur of the same width
makes it wider by a factor of sqrt 2; so the change that one further blur makes, times 1 + sqrt 2, is what the
first one took. Lesions whose recovery was corrected carry the uncertainty of that recovery instead.

Lung shunt: the lungs' dose rises with the shunt, all others' with what the shunt leaves.

The parts are taken as independent and added in squares. The image is moved, not the contours; regions keep
their activities if they are given, as in a calibration of the moved scan.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan.dosimetry.arguments import fraction, not_negative
from emboplan.dosimetry.histograms.structure_accuracy import DoseAccuracy, StructureAccuracy
from emboplan.dosimetry.maps.activity import LUNGS, Region, in_regions
from emboplan.dosimetry.uptake.regions import (
    blurred,
    checked_fwhm_mm,
    equivalent_diameter_mm,
    is_quantifiable,
    occupancy,
)
from emboplan.dosimetry.uptake.shunt_fraction import TWO_SIDED_95
from emboplan.dosimetry.voxel.local_deposition import local_doses
from emboplan.errors import ModelRangeError
from emboplan.imaging.resample import resample_concentration
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Vector
from emboplan.model.image import ActivityMap, ConcentrationImage, CountImage, DensityMap, DoseMap
from emboplan.model.mask import Box, bounding_box

Doses = Callable[[ActivityMap], DoseMap]
Means = NDArray[np.float64]

# Points at this many standard deviations make the fourth moment along an axis that of a normal distribution.
POINT_SD = math.sqrt(3)

# A rectangular distribution has its bounds this many standard uncertainties from its middle (GUM 4.3.7).
RECTANGULAR = math.sqrt(3)

# The loss at a surface over the change that one further blur of the same width makes: 1 / (sqrt 2 - 1).
LOSS_PER_CHANGE = 1 + math.sqrt(2)

REGISTRATION = (
    "Registration: normal offsets of the image along each axis of the patient, independent of each other; no "
    "turn, no deformation."
)
RESOLUTION = (
    "Resolution: the true mean lies within the estimated loss to blur at the surface, either way, "
    "all values alike; lesions with a corrected recovery carry its uncertainty instead."
)
SHUNT = "Lung shunt: lung dose in proportion to the shunt, all other doses to what it leaves."
COMBINED = "The parts are independent; the interval holds 95 % of a normal distribution."


@dataclass(frozen=True, slots=True)
class ImageAccuracy:
    """How accurate the images are; what is None is taken as exact and named as left out.

    `registration_sd_mm` is the standard deviation of the offset between activity image and CT: one number for
    each axis, or three along the patient's ``(x, y, z)``. No source gives one that holds for every clinic, so
    there is no default. `recovery_relative_sd` is, for each lesion whose activity was corrected, the relative
    standard uncertainty of its corrected mean.
    """

    registration_sd_mm: float | Vector | None = None
    resolution_fwhm_mm: float | None = None
    lung_shunt_frac: float | None = None
    lung_shunt_sd: float | None = None
    recovery_relative_sd: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.registration_sd_mm is not None:
            sd = not_negative(self.registration_sd_mm, "registration_sd_mm")
            if sd.shape not in ((), (3,)):
                raise ModelRangeError("registration_sd_mm needs one number, or three along x, y and z")
        if self.resolution_fwhm_mm is not None:
            checked_fwhm_mm(self.resolution_fwhm_mm)
        if (self.lung_shunt_frac is None) is not (self.lung_shunt_sd is None):
            raise ModelRangeError("lung_shunt_frac and lung_shunt_sd go together; give both or none")
        if self.lung_shunt_frac is not None:
            fraction(self.lung_shunt_frac, "lung_shunt_frac")
            not_negative(self.lung_shunt_sd, "lung_shunt_sd")
        for name, value in self.recovery_relative_sd.items():
            not_negative(value, f"recovery_relative_sd of {name}")

    @property
    def shift_sd_mm(self) -> Vector:
        """The standard deviation along each axis; 0 where none is known."""
        sd = 0.0 if self.registration_sd_mm is None else self.registration_sd_mm
        x, y, z = np.broadcast_to(np.asarray(sd, dtype=np.float64), 3)
        return (float(x), float(y), float(z))


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """From a moved or blurred image to the mean dose of each structure."""

    dose: Doses
    regions: Sequence[Region] | None
    shares: tuple[tuple[Box, NDArray[np.float32]], ...]

    def means(self, image: ActivityMap) -> Means:
        activity = image if self.regions is None else in_regions(image, self.regions).activity
        gy = self.dose(activity)
        gy.grid.require_same(image.grid, "dose and structures")
        return np.array(
            [
                float((gy.gy[box] * share).sum(dtype=np.float64) / share.sum(dtype=np.float64))
                for box, share in self.shares
            ]
        )


def dose_accuracy(
    image: ActivityMap | CountImage,
    structures: Mapping[str, ArrayLike],
    dose: Doses | DensityMap,
    accuracy: ImageAccuracy,
    *,
    regions: Sequence[Region] | None = None,
    lungs: Collection[str] = (LUNGS,),
    lung_gy_of_whole_shunt: float | None = None,
) -> DoseAccuracy:
    """The standard uncertainty of each structure's mean dose that comes from the images.

    Args:
        image: what is moved: the scan itself, with its `regions`, or an activity map.
        structures: occupancies (0 to 1) on the image's grid, by name.
        dose: from an activity map to a dose map on the same grid; a density stands for local deposition.
            Called once for the image, six times for offsets, once for the blur. A transport calculation is
            better replaced by a fast method here: take `relative` of the result.
        accuracy: how accurate the images are.
        regions: which activity stays in which structure; without them the activity moves with the image.
        lungs: the structures whose dose rises with the shunt.
        lung_gy_of_whole_shunt: mean lung dose if all activity went there; needed where the shunt is 0.
    """
    grid = image.grid
    if isinstance(image, CountImage) and regions is None:
        raise ModelRangeError("counts are no activity; give the regions that say how much there is")
    start = image if isinstance(image, ActivityMap) else ActivityMap(grid, image.counts)
    names = tuple(structures)
    shares = tuple(_boxed(occupancy(structures[name], grid, name)) for name in names)
    model = _Model(local_doses(dose) if isinstance(dose, DensityMap) else dose, regions, shares)
    volumes = [float(share.sum(dtype=np.float64)) * grid.voxel_ml for _, share in shares]
    middle = model.means(start)
    shift, change = _shift(model, start, middle, accuracy)
    blur = _blur_change(model, start, middle, accuracy)
    found, findings = [], []
    for i, name in enumerate(names):
        parts = {
            "shift": None if shift is None else float(shift[i]),
            "resolution": _resolution(
                name, float(middle[i]), None if blur is None else float(blur[i]), accuracy
            ),
            "shunt": _shunt(float(middle[i]), accuracy, lung_gy_of_whole_shunt, in_lungs=name in lungs),
        }
        standard = math.hypot(*(part for part in parts.values() if part is not None))
        half = TWO_SIDED_95 * standard
        structure = StructureAccuracy(
            name=name,
            mean_gy=float(middle[i]),
            standard_uncertainty_gy=standard,
            interval_gy=(max(0.0, float(middle[i]) - half), float(middle[i]) + half),
            shift_gy=parts["shift"],
            shift_change_gy=None if change is None else float(change[i]),
            resolution_gy=parts["resolution"],
            resolution_change_gy=None if blur is None else -float(blur[i]),
            shunt_gy=parts["shunt"],
            quantifiable=None
            if accuracy.resolution_fwhm_mm is None
            else is_quantifiable(volumes[i], accuracy.resolution_fwhm_mm),
        )
        found.append(structure)
        findings += _findings(structure, volumes[i], accuracy)
    return DoseAccuracy(tuple(found), *_stated(accuracy), tuple(findings))


def _boxed(share: NDArray[np.float32]) -> tuple[Box, NDArray[np.float32]]:
    box = bounding_box(share > 0) or (slice(None), slice(None), slice(None))
    return box, share[box]


def moved(image: ActivityMap, offset_mm: Vector) -> ActivityMap:
    """The map moved by an offset along the patient's axes, on its own grid; what leaves the grid is lost."""
    x, y, z = (float(a + b) for a, b in zip(image.grid.origin_mm, offset_mm, strict=True))
    there = ConcentrationImage(replace(image.grid, origin_mm=(x, y, z)), image.mbq_per_ml)
    return ActivityMap(image.grid, resample_concentration(there, image.grid)[0].counts_per_ml)


def _shift(
    model: _Model, image: ActivityMap, middle: Means, accuracy: ImageAccuracy
) -> tuple[Means | None, Means | None]:
    """Standard deviation of each mean over the offsets, and the average change of the mean."""
    if accuracy.registration_sd_mm is None:
        return None, None
    variance, change = np.zeros_like(middle), np.zeros_like(middle)
    for axis, sd in enumerate(accuracy.shift_sd_mm):
        if sd == 0:
            continue
        step = [0.0, 0.0, 0.0]
        step[axis] = POINT_SD * sd
        ahead = model.means(moved(image, (step[0], step[1], step[2])))
        back = model.means(moved(image, (-step[0], -step[1], -step[2])))
        first = (ahead - back) / (2 * POINT_SD)
        second = (ahead + back - 2 * middle) / POINT_SD**2
        variance += first**2 + second**2 / 2
        change += second / 2
    return np.sqrt(variance), change


def _blur_change(model: _Model, image: ActivityMap, middle: Means, accuracy: ImageAccuracy) -> Means | None:
    """What the blur of the image did to each mean, from what one further blur does."""
    if accuracy.resolution_fwhm_mm is None:
        return None
    values = blurred(image.mbq_per_ml, image.grid, accuracy.resolution_fwhm_mm)
    changed = model.means(ActivityMap(image.grid, np.maximum(values, 0))) - middle
    return np.asarray(LOSS_PER_CHANGE * changed, dtype=np.float64)


def _resolution(name: str, mean: float, blur: float | None, accuracy: ImageAccuracy) -> float | None:
    if name in accuracy.recovery_relative_sd:
        return mean * accuracy.recovery_relative_sd[name]
    return None if blur is None else abs(blur) / RECTANGULAR


def _shunt(mean: float, accuracy: ImageAccuracy, whole: float | None, *, in_lungs: bool) -> float | None:
    shunt, sd = accuracy.lung_shunt_frac, accuracy.lung_shunt_sd
    if shunt is None or sd is None:
        return None
    if not in_lungs:
        return mean * sd / (1 - shunt)
    if whole is not None:
        return float(not_negative(whole, "lung_gy_of_whole_shunt")) * sd
    if shunt == 0:
        raise ModelRangeError(
            "the shunt is 0, so the lung dose does not tell how it rises; give lung_gy_of_whole_shunt"
        )
    return mean * sd / shunt


def _findings(structure: StructureAccuracy, volume_ml: float, accuracy: ImageAccuracy) -> list[Finding]:
    findings = []
    if structure.quantifiable is False:
        text = (
            f"{structure.name} ({volume_ml:.2g} mL) is narrower than twice the resolution of "
            f"{accuracy.resolution_fwhm_mm:.3g} mm: its dose is not quantifiable, whatever the interval says."
        )
        findings.append(Finding("lesion-not-quantifiable", Severity.WARNING, text))
    farthest = POINT_SD * max(accuracy.shift_sd_mm)
    if farthest > equivalent_diameter_mm(volume_ml) / 2:
        text = (
            f"{structure.name} is smaller than the offsets between image and CT ({farthest:.3g} mm against a "
            "radius of the same or less): the uncertainty of its dose is itself uncertain."
        )
        findings.append(Finding("shift-beyond-structure", Severity.WARNING, text))
    return findings


def _stated(accuracy: ImageAccuracy) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The assumptions of the parts that were reckoned, and the names of those that were not."""
    assumptions, left_out = [], []
    resolved = accuracy.resolution_fwhm_mm is not None or bool(accuracy.recovery_relative_sd)
    for name, text, known in (
        ("registration", REGISTRATION, accuracy.registration_sd_mm is not None),
        ("resolution", RESOLUTION, resolved),
        ("lung shunt", SHUNT, accuracy.lung_shunt_sd is not None),
    ):
        if known:
            assumptions.append(text)
        else:
            left_out.append(name)
    return (*assumptions, COMBINED), tuple(left_out)
