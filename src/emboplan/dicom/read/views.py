"""Planar views of the gamma camera: which side and energy window a frame shows, seen from the front.

Which frame is which stands in vectors beside the frames. The side is taken from the view's code, else from
the detector's orientation, its angle, or the image's name; a file that tells none of them is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from emboplan.dicom.read.common import items, number, numbers, text, texts, whole
from emboplan.errors import DicomError

# Views in the DICOM context group 26 (projections), SNOMED CT and the older SRT codes.
ANTERIOR_CODES = ("399321004", "G-5215")
POSTERIOR_CODES = ("399001007", "G-5216")

# A detector's angle counts from the patient's back (DICOM PS3.3 C.8.4.10, Start Angle).
HALF_TURN_DEG = 180.0

# A direction belongs to a view from front or back when its rows run along the body to within 25 degrees.
UPRIGHT_COSINE = 0.9


def vector(dataset: Dataset, name: str, frames: int) -> list[int] | None:
    """A frame vector: one whole number for each frame; None where it is absent or of another length."""
    values = texts(dataset, name)
    return [int(v) for v in values] if len(values) == frames and all(v.isdigit() for v in values) else None


@dataclass(frozen=True, slots=True)
class EnergyWindow:
    """An energy window: its number in the file, limits in keV, and whether its name says scatter."""

    number: int
    kev: tuple[float, float] | None
    scatter: bool

    def lies_below(self, other: EnergyWindow) -> bool:
        """Whether this window holds lower energies than the other."""
        return self.kev is not None and other.kev is not None and sum(self.kev) < sum(other.kev)

    def describe(self) -> str:
        """The limits, or the number where they are not told."""
        return f"{self.kev[0]:g} to {self.kev[1]:g} keV" if self.kev else f"window {self.number}"


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The counts of one frame as seen from the front, its side and its energy window.

    `first_pixel_mm` holds x and z (LPS) of the first pixel's centre, None where the file does not tell;
    `oriented` says that the file tells which way rows and columns run.
    """

    side: str
    window: EnergyWindow
    counts: NDArray[Any]
    first_pixel_mm: tuple[float, float] | None = None
    oriented: bool = False


def window_rank(window: EnergyWindow) -> tuple[bool, float, int]:
    """Ascending order in which the photopeak comes last: scatter first, then by energy, then as numbered."""
    return (not window.scatter, sum(window.kev) if window.kev else 0.0, -window.number)


def planar_views(path: Path, dataset: Dataset, values: NDArray[np.float64]) -> list[View]:
    """The frames of an image ``(frame, row, column)`` as views.

    Raises:
        DicomError: the file does not tell the side of a view.
    """
    count = values.shape[0]
    detectors = vector(dataset, "DetectorVector", count) or (
        list(range(1, count + 1)) if whole(dataset, "NumberOfDetectors") == count else [1] * count
    )
    windows = vector(dataset, "EnergyWindowVector", count) or [1] * count
    information = items(dataset, "DetectorInformationSequence")
    energies = items(dataset, "EnergyWindowInformationSequence")
    frames = []
    for counts, detector, window in zip(values, detectors, windows, strict=True):
        item = information[detector - 1] if detector <= len(information) else Dataset()
        side = _side(item, dataset, single=count == 1)
        if side is None:
            raise DicomError(
                f"{path.name} does not tell which view is anterior and which posterior; "
                "export the views with their view codes"
            )
        energy = energies[window - 1] if window <= len(energies) else Dataset()
        frames.append(
            View(
                side,
                _window(window, energy),
                _as_from_the_front(counts, item, side),
                _first_pixel_mm(item, numbers(dataset, "PixelSpacing", 2), counts.shape),
                oriented=_upright(item) is not None,
            )
        )
    return frames


def _window(index: int, item: Dataset) -> EnergyWindow:
    ranges = items(item, "EnergyWindowRangeSequence")
    limits = [(number(r, "EnergyWindowLowerLimit"), number(r, "EnergyWindowUpperLimit")) for r in ranges]
    known = [(low, high) for low, high in limits if low is not None and high is not None]
    kev = (min(low for low, _ in known), max(high for _, high in known)) if known else None
    return EnergyWindow(index, kev, "scat" in text(item, "EnergyWindowName").lower())


def _side(item: Dataset, dataset: Dataset, *, single: bool) -> str | None:
    """``anterior`` or ``posterior``, from view code, orientation, angle of the detector, or name."""
    for view in items(item, "ViewCodeSequence"):
        code, meaning = text(view, "CodeValue"), text(view, "CodeMeaning").lower()
        if code in ANTERIOR_CODES or meaning.startswith("anterior"):
            return "anterior"
        if code in POSTERIOR_CODES or meaning.startswith("posterior"):
            return "posterior"
    cosines = _upright(item)
    if cosines is not None:
        return "anterior" if cosines[0] > 0 else "posterior"
    angle = number(item, "StartAngle")
    if angle is not None and angle % HALF_TURN_DEG == 0:
        return "posterior" if angle % (2 * HALF_TURN_DEG) == 0 else "anterior"
    if single:
        named = f"{text(dataset, 'ImageID')} {text(dataset, 'SeriesDescription')}".lower()
        sides = [side for side in ("anterior", "posterior") if side[:3] + "t" in named or side[:4] in named]
        if len(sides) == 1:
            return sides[0]
    return None


def _upright(item: Dataset) -> NDArray[np.float64] | None:
    """The detector's orientation where it is that of a view from front or back, else None."""
    cosines = numbers(item, "ImageOrientationPatient", 6)
    if cosines is None or abs(cosines[0]) < UPRIGHT_COSINE or abs(cosines[5]) < UPRIGHT_COSINE:
        return None
    return cosines


def _as_from_the_front(counts: NDArray[Any], item: Dataset, side: str) -> NDArray[Any]:
    """Columns running to the patient's left and rows to the feet.

    Where the orientation is not told, a posterior view is taken as its detector sees it, and rows as they
    are.
    """
    cosines = _upright(item)
    if cosines is None:
        return counts[:, ::-1] if side == "posterior" else counts
    turned = counts[:, ::-1] if cosines[0] < 0 else counts
    return turned[::-1] if cosines[5] > 0 else turned


def _first_pixel_mm(
    item: Dataset, pixel: NDArray[np.float64] | None, shape: tuple[int, ...]
) -> tuple[float, float] | None:
    """Where the first pixel lies after the view was turned: x and z of the patient's right and the head."""
    cosines, position = _upright(item), numbers(item, "ImagePositionPatient", 3)
    if cosines is None or position is None or pixel is None:
        return None
    width, height = pixel[1] * (shape[1] - 1), pixel[0] * (shape[0] - 1)
    x = position[0] + (cosines[0] * width if cosines[0] < 0 else 0)
    z = position[2] + (cosines[5] * height if cosines[5] > 0 else 0)
    return (float(x), float(z))


def the_view(frames: list[View], path: Path, *, side: str, window: EnergyWindow, needed: bool) -> Any:
    """The counts of one side in one window; None when there are none and none are needed."""
    found = [frame.counts for frame in frames if frame.side == side and frame.window == window]
    if len(found) == 1:
        return np.maximum(found[0], 0)
    if not found and not needed:
        return None
    raise DicomError(
        f"{path.name}: found {len(found)} {side} views in the photopeak window, expected one; "
        "give one anterior and one posterior view of one acquisition"
    )
