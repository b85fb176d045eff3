"""Transport of beta electrons through a grid of voxels, each with its own density and material.

The physics is that of `beta_transport`: flights from hinge to hinge, hard events on the way. A flight ends at
every face of a voxel, so that each voxel gets just what is lost in it. Behind a face the next voxel's density
and material take over; the deflection at a hinge is that of the material the hinge lies in.

An electron that cannot reach a face of its voxel is not followed further: its energy is lost here in any
case. Where photons escape, what it would radiate on average is taken off.

Sources are spread evenly over a batch: history k of n starts in the k-th of n equal shares of the activity,
voxels in the order of memory, so that consecutive histories work on neighbouring memory. Energy and direction
come from an additive recurrence that fills its space evenly and starts at a random place in each batch; all
else is random. A history's random numbers are its own, and a batch is summed by one thread, so that the
result has the same bits on any number of threads. Batches are independent: their spread is the error.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from emboplan.kernels.beta_transport import (
    HINGE,
    WAITING,
    YIELD,
    deflection,
    emission_energy,
    turned,
)
from emboplan.kernels.rng import mixed, stream, uniform
from emboplan.kernels.voxel_flight import (
    FACE_X,
    FACE_Y,
    FIELDS,
    NONE,
    beyond,
    column_at,
    fly,
    hard_event,
    mean_free_paths,
    new_step,
    put,
    stays,
    voxel_at,
)

F64 = NDArray[np.float64]

# What a run gives for each batch, in MeV: emitted, escaped as photons, left the grid as electrons.
EMITTED, RADIATED, LEFT, TOTALS = 0, 1, 2, 3

# Steps of the recurrence in three dimensions: powers of 1 / g, where g^4 = g + 1 (Roberts 2018).
ROOT = 1.2207440846057596
STEPS = (1 / ROOT, 1 / ROOT**2, 1 / ROOT**3)


@numba.njit(cache=True, nogil=True)
def follow(
    state: np.uint64, step: np.uint64, waiting: F64, place: F64, spacing: F64, shape: NDArray[np.int64],
    density: NDArray[np.float32], material: NDArray[np.uint8], tables: F64, per_mev: float, angles: F64,
    widths: F64, settings: F64, kept_frac: float, tally: F64, touched: NDArray[np.uint8],
) -> tuple[float, float]:  # fmt: skip
    """Follow the electron in the first row of `waiting`, and all that it knocks on, to the end.

    `kept_frac` of a photon's energy goes to the voxel that it starts in, the rest escapes. Returns what
    escapes of photons, and the energy of electrons that leave the grid.
    """
    stop = settings[2]
    radiated = left = 0.0
    stacked = 1
    while stacked > 0:
        stacked -= 1
        energy = waiting[stacked, 0]
        x, y, z = waiting[stacked, 1], waiting[stacked, 2], waiting[stacked, 3]
        ux, uy, uz = waiting[stacked, 4], waiting[stacked, 5], waiting[stacked, 6]
        ix, iy, iz = int(waiting[stacked, 7]), int(waiting[stacked, 8]), int(waiting[stacked, 9])
        voxel = voxel_at(ix, iy, iz, shape)
        rho, table, turns = density[voxel], tables[material[voxel]], angles[material[voxel]]
        here = 0.0
        to_hinge, after, angle, state = new_step(table, per_mev, energy, state, step)
        to_event, state = mean_free_paths(state, step)
        while voxel >= 0:
            if energy <= stop or stays(table, per_mev, energy, rho, x, y, z, spacing):
                photon = (1 - kept_frac) * column_at(table, per_mev, energy, YIELD)
                radiated += photon
                tally[voxel] += here + energy - photon
                touched[voxel // shape[0]] = 1
                break
            x, y, z, loss, to_hinge, to_event, end, face = fly(
                table, per_mev, energy, rho, to_hinge, to_event, x, y, z, ux, uy, uz, spacing
            )
            here += loss
            energy -= loss
            if energy <= stop:
                continue
            if face != NONE:
                tally[voxel] += here
                touched[voxel // shape[0]] = 1
                here = 0.0
                if face == FACE_X:
                    ix, x = beyond(ix, ux, spacing[0])
                elif face == FACE_Y:
                    iy, y = beyond(iy, uy, spacing[1])
                else:
                    iz, z = beyond(iz, uz, spacing[2])
                voxel = voxel_at(ix, iy, iz, shape)
                if voxel < 0:
                    left += energy
                else:
                    rho, table, turns = density[voxel], tables[material[voxel]], angles[material[voxel]]
            elif end == HINGE:
                state, u = uniform(state, step)
                cosine = deflection(turns, widths, angle, u)
                ux, uy, uz, state, _, _ = turned(ux, uy, uz, cosine, state, step)
                to_hinge, rest, angle, state = new_step(table, per_mev, energy, state, step)
                to_hinge += after
                after = rest
            else:
                put(place, 0, energy, x, y, z, ux, uy, uz, ix, iy, iz)
                energy, photon, other, state, stacked = hard_event(
                    table, per_mev, settings, energy, rho, place[0], spacing, state, step, waiting, stacked
                )
                ux, uy, uz = place[0, 4], place[0, 5], place[0, 6]
                radiated += (1 - kept_frac) * photon
                here += kept_frac * photon + other
                to_event, state = mean_free_paths(state, step)
    return radiated, left


@numba.njit(cache=True, nogil=True)
def run_batch(
    seed: np.uint64, batch: int, histories: int, quantiles: F64, sources: NDArray[np.int64],
    cumulated: F64, spacing: F64, shape: NDArray[np.int64], density: NDArray[np.float32],
    material: NDArray[np.uint8], tables: F64, per_mev: float, angles: F64, widths: F64, settings: F64,
    kept_frac: float, tally: F64, touched: NDArray[np.uint8], totals: F64,
) -> None:  # fmt: skip
    """The histories of one batch, from `sources` (voxels) with the running sum `cumulated` of activities."""
    waiting, place = np.empty((WAITING, FIELDS)), np.empty((1, FIELDS))
    last = sources.size - 1
    source = 0
    state, step = stream(mixed(seed), np.uint64(batch))
    state, a = uniform(state, step)
    state, b = uniform(state, step)
    state, c = uniform(state, step)
    for k in range(histories):
        state, step = stream(seed, np.uint64(batch * histories + k))
        state, u = uniform(state, step)
        wanted = (k + u) / histories * cumulated[last]
        while source < last and cumulated[source] <= wanted:
            source += 1
        row, ix = divmod(sources[source], shape[0])
        iz, iy = divmod(row, shape[1])
        energy = emission_energy(quantiles, a)
        cosine, azimuth = 2 * b - 1, 2 * math.pi * c
        sine = math.sqrt(1 - cosine * cosine)
        a, b, c = (a + STEPS[0]) % 1, (b + STEPS[1]) % 1, (c + STEPS[2]) % 1
        state, x = uniform(state, step)
        state, y = uniform(state, step)
        state, z = uniform(state, step)
        put(
            waiting, 0, energy, x * spacing[0], y * spacing[1], z * spacing[2],
            sine * math.cos(azimuth), sine * math.sin(azimuth), cosine, ix, iy, iz,
        )  # fmt: skip
        radiated, left = follow(
            state, step, waiting, place, spacing, shape, density, material, tables, per_mev, angles, widths,
            settings, kept_frac, tally, touched,
        )  # fmt: skip
        totals[EMITTED] += energy
        totals[RADIATED] += radiated
        totals[LEFT] += left


@numba.njit(cache=True, nogil=True, parallel=True)
def run_batches(
    seed: int, first: int, histories: int, quantiles: F64, sources: NDArray[np.int64], cumulated: F64,
    spacing: F64, shape: NDArray[np.int64], density: NDArray[np.float32], material: NDArray[np.uint8],
    tables: F64, per_mev: float, angles: F64, widths: F64, settings: F64, kept_frac: float, tallies: F64,
    touched: NDArray[np.uint8], totals: F64,
) -> None:  # fmt: skip
    """Batches `first`, `first` + 1, ... of equal `histories`, one for each row of the last three arrays.

    `tables` and `angles` have one table of `beta_transport` for each material. `spacing` (mm) and `shape` are
    along x, y, z; `density` (g/mL), `material` and each row of `tallies` (MeV) are grids as they lie in
    memory. `touched` marks the rows of voxels along x that a batch wrote to. `totals` gets what was emitted,
    what escaped as photons and what left the grid as electrons, in MeV.
    """
    for slot in numba.prange(tallies.shape[0]):
        run_batch(
            np.uint64(seed), first + slot, histories, quantiles, sources, cumulated, spacing, shape,
            density, material, tables, per_mev, angles, widths, settings, kept_frac,
            tallies[slot], touched[slot], totals[slot],
        )  # fmt: skip


@numba.njit(cache=True, nogil=True, parallel=True)
def add_batches(tallies: F64, touched: NDArray[np.uint8], total: F64, squares: F64, width: int) -> None:
    """Add batches to their sum and sum of squares, in their order, and clear them for the next ones.

    `width` is the number of voxels along x; rows of them that no electron touched are 0 and stay so.
    """
    for row in numba.prange(touched.shape[1]):
        for slot in range(touched.shape[0]):
            if touched[slot, row]:
                touched[slot, row] = 0
                for voxel in range(row * width, (row + 1) * width):
                    energy = tallies[slot, voxel]
                    total[voxel] += energy
                    squares[voxel] += energy * energy
                    tallies[slot, voxel] = 0.0
