"""From single slices to a volume: their order, their spacing, and whether they make a grid at all.

Slices are ordered by their position along the slice normal, and the spacing is taken from the positions;
SliceThickness and SpacingBetweenSlices are not looked at, since they describe the beam or the protocol and
are often something else than the distance of the slices. What is not a rectangular grid is refused with the
positions: a mixture of orientations, a tilted gantry, a gap, a position that occurs twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import DicomError
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid

# Cosines of one series are equal but for the rounding of their decimals; 1e-3 (0.06 degrees) allows three.
SAME_ORIENTATION_TOLERANCE = 1e-3

# Positions are written with at least one decimal; a real tilt of 0.1 degrees moves the ends of a liver
# (200 mm) by more than this.
SIDEWAYS_TOLERANCE_MM = 0.1

# Steps between slices may differ by this part of the usual step: the rounding of positions (0.1 mm on 1 mm)
# and the couch's own. Half a slice missing is more.
STEP_TOLERANCE_FRAC = 0.12

# No slice may lie farther from its place on the even grid than this part of a step.
PLACE_TOLERANCE_FRAC = 0.25

# Uneven steps above this part of a step are mentioned.
STEP_REMARK_FRAC = 0.01

# Positions closer than this part of the usual step are the same place, imaged twice.
DUPLICATE_FRAC = 0.1

LISTED = 3  # places named in a message before "and n more"


@dataclass(frozen=True, slots=True, eq=False)
class SlicePlace:
    """Where one slice lies: centre of its first pixel, direction of its rows and columns, pixel spacing."""

    path: Path
    position_mm: NDArray[np.float64]
    cosines: NDArray[np.float64]
    pixel_mm: tuple[float, float]
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Stack:
    """The order of the slices along the normal, their positions in that order, and the grid they make."""

    order: tuple[int, ...]
    positions_mm: tuple[float, ...]
    grid: Grid
    findings: tuple[Finding, ...] = field(default=())


def stack_slices(places: Sequence[SlicePlace], frame_of_reference_uid: str | None = None) -> Stack:
    """The grid that slices make, ordered by position along the normal.

    Raises:
        DicomError: the slices do not make one rectangular grid; the message says where and what to do.
    """
    if len(places) < 2:
        raise DicomError(
            "the series has a single slice; a volume needs at least two, "
            "since its spacing comes from positions"
        )
    _require_one_shape(places)
    axes = _common_axes(places)
    normal = axes[:, 2]
    offsets = np.array([place.position_mm for place in places])
    along = offsets @ normal
    order = np.argsort(along, kind="stable")
    along = along[order]
    steps = np.diff(along)
    _require_no_duplicate(along, steps, [places[i].path.name for i in order])
    findings = _require_even(along, steps)
    _require_upright(offsets[order] @ axes[:, :2], along)
    spacing = float(along[-1] - along[0]) / (len(places) - 1)
    column_mm, row_mm = places[0].pixel_mm[1], places[0].pixel_mm[0]
    grid = Grid(
        shape=(len(places), *places[0].shape),
        spacing_mm=(column_mm, row_mm, spacing),
        origin_mm=tuple(float(v) for v in offsets[order[0]]),  # type: ignore[arg-type]  # three of them
        direction=tuple(float(v) for v in axes.reshape(-1)),
        frame_of_reference_uid=frame_of_reference_uid or None,
    )
    return Stack(tuple(int(i) for i in order), tuple(float(v) for v in along), grid, findings)


def slice_axes(cosines: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """Unit vectors of a slice's rows, columns and normal as matrix columns, freed of decimal rounding."""
    row, column = cosines[:3], cosines[3:]
    gram = np.array([row @ row - 1, column @ column - 1, row @ column])
    if np.abs(gram).max() > SAME_ORIENTATION_TOLERANCE:
        raise DicomError(
            f"{name} has row and column directions that are not perpendicular unit vectors; "
            "the file's geometry cannot be trusted, export the series again"
        )
    row = row / np.linalg.norm(row)
    column = column - (column @ row) * row
    column = column / np.linalg.norm(column)
    return np.column_stack([row, column, np.cross(row, column)])


def _require_one_shape(places: Sequence[SlicePlace]) -> None:
    shapes = sorted({place.shape for place in places})
    if len(shapes) > 1:
        listed = ", ".join(f"{columns} x {rows}" for rows, columns in shapes)
        raise DicomError(
            f"slices of different sizes in one series ({listed} pixels); give a folder with one volume"
        )
    pixels = np.array([place.pixel_mm for place in places])
    if np.abs(pixels - pixels[0]).max() > SAME_ORIENTATION_TOLERANCE * pixels[0].min():
        listed = ", ".join(sorted({f"{mm[1]:.4g} x {mm[0]:.4g}" for mm in pixels}))
        raise DicomError(
            f"slices of different pixel spacing in one series ({listed} mm); give a folder with one volume"
        )


def _common_axes(places: Sequence[SlicePlace]) -> NDArray[np.float64]:
    cosines = np.array([place.cosines for place in places])
    differs = np.abs(cosines - cosines[0]).max(axis=1) > SAME_ORIENTATION_TOLERANCE
    if differs.any():
        other = int(np.flatnonzero(differs)[0])
        where = [", ".join(f"{v:.1f}" for v in places[i].position_mm) for i in (0, other)]
        groups = len({tuple(np.round(c, 2)) for c in cosines})
        raise DicomError(
            f"slices of {groups} orientations in one series, such as {places[0].path.name} "
            f"at ({where[0]}) mm and {places[other].path.name} at ({where[1]}) mm; "
            "separate them and give one orientation"
        )
    return slice_axes(cosines[0], places[0].path.name)


def _require_no_duplicate(along: NDArray[np.float64], steps: NDArray[np.float64], names: list[str]) -> None:
    usual = float(np.median(steps))
    largest = float(steps.max())
    # Where most positions occur twice the usual step is 0, and the largest tells what a step is.
    twice = np.flatnonzero(steps <= DUPLICATE_FRAC * (usual if usual > DUPLICATE_FRAC * largest else largest))
    if twice.size == 1:
        first = int(twice[0])
        raise DicomError(
            f"{names[first]} and {names[first + 1]} lie at the same position {along[first]:.2f} mm; "
            "remove the duplicate, or separate the two volumes and give one"
        )
    if twice.size:
        first = int(twice[0])
        raise DicomError(
            f"{twice.size} slices lie where another does, such as {names[first]} and {names[first + 1]} "
            f"at {along[first]:.2f} mm; the series holds several phases, reconstructions or copies: "
            "separate them and give one"
        )


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


def _require_even(along: NDArray[np.float64], steps: NDArray[np.float64]) -> tuple[Finding, ...]:
    usual = float(np.median(steps))
    uneven = np.flatnonzero(np.abs(steps - usual) > STEP_TOLERANCE_FRAC * usual)
    if uneven.size:
        places = ", ".join(f"between {along[i]:.2f} and {along[i + 1]:.2f} mm" for i in uneven[:LISTED])
        places += _more(uneven.size - LISTED)
        missing = np.rint(steps[uneven] / usual) - 1
        even_gaps = np.abs(steps[uneven] - (missing + 1) * usual) <= STEP_TOLERANCE_FRAC * usual
        if (missing >= 1).all() and even_gaps.all():
            count = int(missing.sum())
            slices = "1 slice is" if count == 1 else f"{count} slices are"
            raise DicomError(
                f"{slices} missing {places} (the step is {usual:.4g} mm); fetch the whole series again"
            )
        raise DicomError(
            f"the distance of slices changes from {usual:.4g} mm to {steps[uneven[0]]:.4g} mm {places}; "
            "slices are missing or the spacing varies: fetch the whole series again, or resample it evenly"
        )
    even = np.linspace(along[0], along[-1], along.size)
    off = np.abs(along - even).max() / usual
    if off > PLACE_TOLERANCE_FRAC:
        worst = int(np.abs(along - even).argmax())
        raise DicomError(
            f"the spacing of the slices drifts: at {along[worst]:.2f} mm a slice lies {off:.2f} steps "
            "from its place on an even grid; resample the series evenly first"
        )
    spread = float(steps.max() - steps.min())
    if spread > STEP_REMARK_FRAC * usual:
        return (
            Finding(
                "uneven-slices",
                Severity.INFO,
                f"distances of slices vary from {steps.min():.4g} to {steps.max():.4g} mm; "
                "their mean is used",
            ),
        )
    return ()


def _require_upright(sideways: NDArray[np.float64], along: NDArray[np.float64]) -> None:
    drift = sideways - sideways[0]
    if np.abs(drift).max() <= SIDEWAYS_TOLERANCE_MM:
        return
    slope = np.linalg.norm(drift[-1]) / (along[-1] - along[0])
    on_line = np.outer((along - along[0]) / (along[-1] - along[0]), drift[-1])
    if np.abs(drift - on_line).max() <= SIDEWAYS_TOLERANCE_MM:
        raise DicomError(
            f"the gantry was tilted by {np.degrees(np.arctan(slope)):.1f} degrees: slices shift by "
            f"{np.linalg.norm(drift[-1]):.1f} mm from {along[0]:.1f} to {along[-1]:.1f} mm; "
            "resample the series to an upright grid first"
        )
    worst = int(np.abs(drift - on_line).max(axis=1).argmax())
    raise DicomError(
        f"slices shift sideways, such as by {np.linalg.norm(drift[worst]):.1f} mm at {along[worst]:.1f} mm; "
        "the series is no single volume: separate its parts and give one"
    )
