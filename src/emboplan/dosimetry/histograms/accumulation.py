"""The dose of several sessions, on one grid.

Absorbed doses add; BEDs add session by session, since repair is complete between them, and their sum is less
than the BED of the summed dose. Maps on other grids are interpolated linearly onto the reference grid. Maps
in another frame of reference need the rigid transform that registers them: a sum of unregistered maps is the
dose of nobody. What a session's map does not cover counts as no dose *there*, and the result says where that
is; nothing is filled in quietly.

The error of the registration is not in the standard errors: along a gradient of 5 Gy/mm, 3 mm are 15 Gy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan.dosimetry.histograms.bed_map import Effect, EffectMap, bed_map
from emboplan.dosimetry.histograms.subvoxel import require_same_frame
from emboplan.errors import GeometryError, ModelRangeError
from emboplan.imaging.resample import resample_dose
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import ORTHONORMAL_TOLERANCE, Grid
from emboplan.model.image import DoseMap
from emboplan.model.mask import Mask

METHOD = "sum of sessions"

# Voxels within which a centre counts as on the outer face: rounding of positions.
ON_FACE = 1e-6

Volume = NDArray[np.float32]
MapT = TypeVar("MapT", DoseMap, EffectMap)


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """The dose map of one session, and how it came to lie on the reference.

    `to_reference` is the rigid transform (4 x 4, patient millimetres, LPS) that takes a point of this session
    to the same tissue in the reference; None where both share a frame of reference. `half_life_h` is that of
    the session's nuclide, for BED; None is Y-90.
    """

    dose: DoseMap
    to_reference: NDArray[np.float64] | None = None
    half_life_h: float | None = None

    def __post_init__(self) -> None:
        """Check that the transform turns and shifts, and does nothing else."""
        if self.to_reference is not None:
            object.__setattr__(self, "to_reference", _rigid(self.to_reference))


@dataclass(frozen=True, slots=True, eq=False)
class Accumulated(Generic[MapT]):
    """A sum over sessions; outside `covered`, which all sessions' maps reach, it is a lower bound.

    `uncovered_frac` has, for each session, the share of the reference grid that its map does not reach.
    `findings` name sessions that were added as if they were aligned, since a frame of reference is not known.
    """

    total: MapT
    covered: Mask
    uncovered_frac: tuple[float, ...]
    findings: tuple[Finding, ...] = ()


def accumulate_dose(sessions: Sequence[Session], onto: Grid | None = None) -> Accumulated[DoseMap]:
    """The absorbed dose of all sessions on the grid `onto` (by default the first session's).

    Standard errors of the sessions are independent. `GeometryError` for a map in another frame of reference
    without a transform, and for one that does not reach the grid at all.
    """
    maps, covered, missing = _on_one_grid(sessions, onto)
    gy, error = _summed(maps)
    total = DoseMap(covered.grid, gy, _method(maps), error)
    return Accumulated(total, covered, missing, _alignment(sessions, covered.grid))


def accumulate_bed(
    sessions: Sequence[Session],
    onto: Grid | None = None,
    *,
    alpha_beta_gy: ArrayLike,
    repair_half_time_h: ArrayLike,
) -> Accumulated[EffectMap]:
    """The BED of all sessions on the grid `onto`: the sum of each session's own BED.

    Doses are interpolated, and the BED follows from the dose on the new grid. Parameters are numbers, or
    arrays of the shape of `onto`.
    """
    maps, covered, missing = _on_one_grid(sessions, onto)
    effects = [
        bed_map(
            one,
            alpha_beta_gy=alpha_beta_gy,
            repair_half_time_h=repair_half_time_h,
            half_life_h=session.half_life_h,
        )
        for one, session in zip(maps, sessions, strict=True)
    ]
    gy, error = _summed(effects)
    total = EffectMap(covered.grid, gy, Effect.BED, _method(maps), error)
    return Accumulated(total, covered, missing, _alignment(sessions, covered.grid))


def _alignment(sessions: Sequence[Session], grid: Grid) -> tuple[Finding, ...]:
    """A finding where a session without a transform, or the reference, states no frame of reference.

    A map with the reference's own `Grid` was put there by whoever made it; equal numbers alone say nothing.
    """
    unknown = [
        str(number)
        for number, session in enumerate(sessions, start=1)
        if session.to_reference is None
        and None in (session.dose.grid.frame_of_reference_uid, grid.frame_of_reference_uid)
        and session.dose.grid is not grid
    ]
    if not unknown:
        return ()
    text = (
        f"No frame of reference says that the dose of session {' and '.join(unknown)} is aligned with the "
        "reference: it was added as it lies. Give its rigid transform, or check the registration."
    )
    return (Finding("accumulation-alignment-unknown", Severity.WARNING, text),)


def _summed(maps: Sequence[DoseMap] | Sequence[EffectMap]) -> tuple[Volume, Volume]:
    """The sum, and its standard error for sessions that are independent."""
    gy = np.zeros(maps[0].grid.shape, dtype=np.float64)
    variance = np.zeros(maps[0].grid.shape, dtype=np.float64)
    for one in maps:
        gy += one.gy
        if one.standard_error_gy is not None:
            variance += np.square(one.standard_error_gy, dtype=np.float64)
    return gy.astype(np.float32), np.sqrt(variance).astype(np.float32)


def _method(maps: Sequence[DoseMap]) -> str:
    return f"{METHOD}: {', '.join(dict.fromkeys(one.method for one in maps))}"


def _on_one_grid(
    sessions: Sequence[Session], onto: Grid | None
) -> tuple[list[DoseMap], Mask, tuple[float, ...]]:
    """The sessions' doses on one grid, where all of them reach, and the share that each does not."""
    if not sessions:
        raise ModelRangeError("no session was given; expected at least one dose map")
    grid = sessions[0].dose.grid if onto is None else onto
    everywhere = np.ones(grid.shape, dtype=np.bool_)
    maps, missing = [], []
    for number, session in enumerate(sessions, start=1):
        placed = _placed(session, grid, number)
        reached = _reached(placed.grid, grid)
        if not reached.any():
            raise GeometryError(
                f"the dose of session {number} ({placed.grid.describe()}) does not reach the reference grid "
                f"({grid.describe()}); check the registration"
            )
        maps.append(placed if placed.grid.is_same(grid) else resample_dose(placed, grid))
        missing.append(1.0 - float(np.count_nonzero(reached)) / reached.size)
        everywhere &= reached
    return maps, Mask(grid, everywhere), tuple(missing)


def _placed(session: Session, grid: Grid, number: int) -> DoseMap:
    """The session's map where its transform puts it: the same voxels on a turned and shifted grid."""
    dose = session.dose
    if session.to_reference is None:
        require_same_frame(grid, dose.grid, f"reference and dose of session {number}")
        return dose
    turn, shift = session.to_reference[:3, :3], session.to_reference[:3, 3]
    moved = replace(
        dose.grid,
        origin_mm=tuple((turn @ dose.grid.origin_mm + shift).tolist()),
        direction=tuple((turn @ dose.grid.axes).reshape(-1).tolist()),
        frame_of_reference_uid=grid.frame_of_reference_uid,
    )
    return replace(dose, grid=moved)


def _rigid(transform: ArrayLike) -> NDArray[np.float64]:
    """A 4 x 4 matrix that turns and shifts; `GeometryError` for any other."""
    matrix = np.array(transform, dtype=np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise GeometryError(f"transform has shape {matrix.shape}; expected 4 x 4 finite numbers (mm, LPS)")
    turn = matrix[:3, :3]
    off = max(np.abs(turn.T @ turn - np.eye(3)).max(), np.abs(matrix[3] - (0, 0, 0, 1)).max())
    if off > ORTHONORMAL_TOLERANCE or np.linalg.det(turn) < 0:
        raise GeometryError(
            "transform is not rigid; expected a rotation and a shift; resample a deformed dose with the tool "
            "that registered it"
        )
    matrix.setflags(write=False)
    return matrix


def _reached(grid: Grid, to: Grid) -> NDArray[np.bool_]:
    """The voxels of `to` whose centres lie inside the outer faces of `grid`."""
    matrix = grid.axes.T @ to.axes * np.array(to.spacing_mm) / np.array(grid.spacing_mm)[:, np.newaxis]
    start = grid.to_index(to.origin_mm)
    z, y, x = np.ogrid[: to.shape[0], : to.shape[1], : to.shape[2]]
    inside = np.ones(to.shape, dtype=np.bool_)
    for axis, count in enumerate(grid.shape[::-1]):
        index = matrix[axis, 0] * x + matrix[axis, 1] * y + matrix[axis, 2] * z + start[axis]
        # A centre on a face is inside, whatever rounding says.
        inside &= (index >= -0.5 - ON_FACE) & (index <= count - 0.5 + ON_FACE)
    return inside
