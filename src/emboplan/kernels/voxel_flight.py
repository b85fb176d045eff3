"""The single moves of an electron among voxels: a flight that ends at a face, the next voxel, a hard event.

A place is given in the voxel it lies in: mm from the voxel's lower faces, and the voxel's indices along x, y
and z. The physics of a flight is that of `beta_transport`; here it meets the faces. What is left of the step
(scattering power) and of the way to the next hard event (mean free paths) is kept across a face.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from emboplan.kernels.beta_transport import (
    ANGLE,
    BOUNDARY,
    HINGE,
    PHOTON,
    REACH,
    STEP,
    WAITING,
    flight,
    knock_on,
    photon_energy,
    rotated,
    turned,
)
from emboplan.kernels.rng import uniform

F64 = NDArray[np.float64]

# Faces that a flight may end at; the sign of the direction says which of the two.
NONE, FACE_X, FACE_Y, FACE_Z = 0, 1, 2, 3

# What a flight leaves of its step is right to about 1e-4 of it, and may come out below nothing; the next one
# would then go backwards. So much scattering power, some picometres of water, is left instead.
LEAST = 1e-9

# A waiting electron: energy, place in its voxel, direction, voxel along x, y and z.
FIELDS = 10


@numba.njit(cache=True, nogil=True, inline="always")
def column_at(table: F64, per_mev: float, energy: float, column: int) -> float:
    """A column of a material's table at an energy."""
    place = energy * per_mev
    row = int(place)
    low: float = table[row, column]
    return float(low + (place - row) * (table[row + 1, column] - low))


@numba.njit(cache=True, nogil=True, inline="always")
def new_step(
    table: F64, per_mev: float, energy: float, state: np.uint64, step: np.uint64
) -> tuple[float, float, float, np.uint64]:
    """Scattering power to the hinge of a new step and after it, and the hinge's place on the angle grid."""
    whole = column_at(table, per_mev, energy, STEP)
    angle = column_at(table, per_mev, energy, ANGLE)
    state, u = uniform(state, step)
    return u * whole, whole - u * whole, angle, state


@numba.njit(cache=True, nogil=True, inline="always")
def mean_free_paths(state: np.uint64, step: np.uint64) -> tuple[float, np.uint64]:
    """Mean free paths to the next hard event."""
    state, u = uniform(state, step)
    return -math.log(1 - u), state


@numba.njit(cache=True, nogil=True, inline="always")
def stays(
    table: F64, per_mev: float, energy: float, density: float, x: float, y: float, z: float, spacing: F64
) -> bool:
    """Whether an electron cannot reach any face of its voxel, even without hard events."""
    near = min(x, spacing[0] - x, y, spacing[1] - y, z, spacing[2] - z)
    return bool(table[int(energy * per_mev) + 1, REACH] <= near * density)


@numba.njit(cache=True, nogil=True, inline="always")
def _way_out(x: float, u: float, size: float) -> float:
    """Way along the direction to the face of one axis."""
    if u > 0:
        return (size - x) / u
    if u < 0:
        return -x / u
    return math.inf


@numba.njit(cache=True, nogil=True, inline="always")
def fly(
    table: F64, per_mev: float, energy: float, density: float, to_hinge: float, to_event: float, x: float,
    y: float, z: float, ux: float, uy: float, uz: float, spacing: F64,
) -> tuple[float, float, float, float, float, float, int, int]:  # fmt: skip
    """Fly to hinge, hard event or face, whichever is first.

    Returns the new place, the energy lost, what is left of step and way to the event, how the flight ended,
    and at which face.
    """
    hx, hy, hz = spacing[0], spacing[1], spacing[2]
    way, loss, hinge, event, end = flight(table, per_mev, energy, density, to_hinge, to_event, math.inf)
    px, py, pz = x + way * ux, y + way * uy, z + way * uz
    face = NONE
    if px < 0 or px > hx or py < 0 or py > hy or pz < 0 or pz > hz:
        out_x, out_y, out_z = _way_out(x, ux, hx), _way_out(y, uy, hy), _way_out(z, uz, hz)
        limit = min(out_x, out_y, out_z)
        way, loss, hinge, event, end = flight(table, per_mev, energy, density, to_hinge, to_event, limit)
        px = min(max(x + way * ux, 0.0), hx)
        py = min(max(y + way * uy, 0.0), hy)
        pz = min(max(z + way * uz, 0.0), hz)
        if end == BOUNDARY:
            face = FACE_X if out_x == limit else (FACE_Y if out_y == limit else FACE_Z)
    if end != HINGE:
        hinge, event = max(hinge, LEAST), max(event, 0.0)
    return px, py, pz, min(loss, energy), hinge, event, end, face


@numba.njit(cache=True, nogil=True, inline="always")
def beyond(index: int, u: float, size: float) -> tuple[int, float]:
    """Index along one axis, and place, behind the face that the direction points to."""
    if u > 0:
        return index + 1, 0.0
    return index - 1, size


@numba.njit(cache=True, nogil=True, inline="always")
def voxel_at(ix: int, iy: int, iz: int, shape: NDArray[np.int64]) -> int:
    """Number of a voxel in memory, -1 outside the grid; `shape` is along x, y, z."""
    if ix < 0 or ix >= shape[0] or iy < 0 or iy >= shape[1] or iz < 0 or iz >= shape[2]:
        return -1
    return int((iz * shape[1] + iy) * shape[0] + ix)


@numba.njit(cache=True, nogil=True, inline="always")
def put(
    waiting: F64, row: int, energy: float, x: float, y: float, z: float, ux: float, uy: float, uz: float,
    ix: int, iy: int, iz: int,
) -> None:  # fmt: skip
    """Write a waiting electron."""
    waiting[row, 0] = energy
    waiting[row, 1], waiting[row, 2], waiting[row, 3] = x, y, z
    waiting[row, 4], waiting[row, 5], waiting[row, 6] = ux, uy, uz
    waiting[row, 7], waiting[row, 8], waiting[row, 9] = ix, iy, iz


@numba.njit(cache=True, nogil=True)
def hard_event(
    table: F64, per_mev: float, settings: F64, energy: float, density: float, place: F64, spacing: F64,
    state: np.uint64, step: np.uint64, waiting: F64, stacked: int,
) -> tuple[float, float, float, np.uint64, int]:  # fmt: skip
    """A bremsstrahlung photon or a knock-on electron, from the electron in the row `place`.

    `place` is a row like those of `waiting`; its direction is changed here. Returns what the electron keeps,
    the photon's energy, the energy of a knock-on electron that ends in this voxel, the state of the random
    numbers, and how many electrons wait.
    """
    knock_cut, photon_cut, stop, rest = settings[0], settings[1], settings[2], settings[3]
    state, u = uniform(state, step)
    if u < column_at(table, per_mev, energy, PHOTON):
        if energy <= photon_cut:
            return energy, 0.0, 0.0, state, stacked
        photon, state = photon_energy(energy, photon_cut, state, step)
        return energy - photon, photon, 0.0, state, stacked
    if energy <= 2 * knock_cut:
        return energy, 0.0, 0.0, state, stacked
    other, state = knock_on(energy, knock_cut, rest, state, step)
    kept = energy - other
    x, y, z, ux, uy, uz = place[1], place[2], place[3], place[4], place[5], place[6]
    bend = math.sqrt(kept * (energy + 2 * rest) / (energy * (kept + 2 * rest)))
    place[4], place[5], place[6], state, a, b = turned(ux, uy, uz, bend, state, step)
    if other <= stop or stacked >= WAITING or stays(table, per_mev, other, density, x, y, z, spacing):
        return kept, 0.0, other, state, stacked
    bend = math.sqrt(other * (energy + 2 * rest) / (energy * (other + 2 * rest)))
    vx, vy, vz = rotated(ux, uy, uz, bend, -a, -b)
    waiting[stacked] = place
    waiting[stacked, 0] = other
    waiting[stacked, 4], waiting[stacked, 5], waiting[stacked, 6] = vx, vy, vz
    return kept, 0.0, 0.0, state, stacked + 1
