"""Transport of beta electrons by class II condensed history, on plain tables of one or several materials.

An electron flies straight from hinge to hinge. On the way it loses energy continuously (collisions below a
cut) and may meet a hard event: a knock-on electron above the cut, which is transported too, or a
bremsstrahlung photon, which escapes. At a hinge it is deflected at once by what a whole step of elastic
scattering does; the hinge lies at a random place of its step (random hinge), which gives the right mean
displacement. Steps are measured in scattering power, not in length, so that a step may cross from one
material into another.

`tables` has one row for each energy ``i x energy_step`` and one column for each of LOSS to YIELD below;
lengths are in mm at 1 g/mL, energies in MeV. `angles` has one row for each node of the angle grid: the
quantiles of the deflection in the variable v = (1 + a) m / (m + a), with m = (1 - cos) / 2 and `a` of
`widths`.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from emboplan.kernels.rng import stream, uniform

F64 = NDArray[np.float64]

# Columns of `tables`.
LOSS = 0  # MeV per mm at 1 g/mL below the cuts
SCATTER = 1  # first transport coefficient, per mm at 1 g/mL
HARD = 2  # hard events per mm at 1 g/mL
PHOTON = 3  # share of the hard events that are bremsstrahlung
STEP = 4  # scattering power of a step that starts at this energy
ANGLE = 5  # position on the angle grid
REACH = 6  # longest way of an electron, without hard events: mm at 1 g/mL
YIELD = 7  # MeV that an electron radiates in hard events, on average
COLUMNS = 8

# How a flight ends.
BOUNDARY, HINGE, EVENT = 0, 1, 2

# The mean of a power of -1.6 (scattering, nearly) over a step exceeds its value in the middle by this times
# the square of the relative change from start to middle; expansion of the power law to second order.
CURVE = 0.27

# Moller's cross-section is at most this over share^2: 1 + odds^2 + share^2, largest at a share of 1/2.
MOST_MOLLER = 1 + 1 + 1 / 4

# Square of the sine below which a direction counts as along z, where the general rotation divides by it.
ALONG_Z = 1e-12

# Knock-on electrons that wait while one is followed; each has at most half of its parent's energy, so that
# 2 MeV halve less than twenty times before the cut.
WAITING = 32
WAITING_FIELDS = 7


@numba.njit(cache=True, nogil=True, inline="always")
def _row(tables: F64, energy: float, per_mev: float) -> tuple[int, float]:
    """Row below an energy, and how far the energy lies towards the next row."""
    position = energy * per_mev
    row = min(int(position), tables.shape[0] - 2)
    return row, position - row


@numba.njit(cache=True, nogil=True, inline="always")
def flight(
    tables: F64, per_mev: float, energy: float, density: float, to_hinge: float, to_event: float, limit: float
) -> tuple[float, float, float, float, int]:  # fmt: skip
    """Length (mm) of the flight to hinge, hard event or `limit`, whichever is first, and what it uses up.

    `to_hinge` is scattering power, `to_event` a number of mean free paths. Returns length, energy lost, what
    is left of both, and how the flight ended. Coefficients along the flight follow from their values here and
    at the energy half way to the hinge: linearly for the loss, as a power of energy for the others.
    """
    row, part = _row(tables, energy, per_mev)
    loss = tables[row, 0] + part * (tables[row + 1, 0] - tables[row, 0])
    scatter = tables[row, 1] + part * (tables[row + 1, 1] - tables[row, 1])
    hard = tables[row, 2] + part * (tables[row + 1, 2] - tables[row, 2])
    whole = to_hinge / scatter
    middle = max(energy - 0.5 * loss * whole, 0.5 * energy)
    row, part = _row(tables, middle, per_mev)
    loss_slope = (tables[row, 0] + part * (tables[row + 1, 0] - tables[row, 0]) - loss) / whole
    slope = (tables[row, 1] + part * (tables[row + 1, 1] - tables[row, 1]) - scatter) / whole
    hard_slope = (tables[row, 2] + part * (tables[row + 1, 2] - tables[row, 2]) - hard) / whole
    bend, hard_bend = CURVE * slope * slope / scatter, CURVE * hard_slope * hard_slope / hard
    # The way on which `to_hinge` is used up: the root of a cubic, by one Newton step from the linear one.
    way = to_hinge / (scatter + slope * whole * scatter / (scatter + slope * whole))
    way -= (way * (scatter + way * (slope + way * bend)) - to_hinge) / (
        scatter + way * (2 * slope + way * 3 * bend)
    )
    end = HINGE
    met = way * (hard + way * (hard_slope + way * hard_bend))
    if met > to_event:
        way = to_event / (hard + hard_slope * way * to_event / met)
        met = to_event
        end = EVENT
    if way > limit * density:
        way = limit * density
        met = way * (hard + way * (hard_slope + way * hard_bend))
        end = BOUNDARY
    used = way * (scatter + way * (slope + way * bend)) if end != HINGE else to_hinge
    return way / density, way * (loss + loss_slope * way), to_hinge - used, to_event - met, end


@numba.njit(cache=True, nogil=True, inline="always")
def turned(
    ux: float, uy: float, uz: float, cosine: float, state: np.uint64, step: np.uint64
) -> tuple[float, float, float, np.uint64, float, float]:
    """Direction after a deflection with even azimuth; also the azimuth, for the partner of a collision."""
    while True:
        state, u = uniform(state, step)
        state, v = uniform(state, step)
        a, b = 2 * u - 1, 2 * v - 1
        square = a * a + b * b
        if 0 < square <= 1:
            break
    norm = 1 / math.sqrt(square)
    a, b = a * norm, b * norm
    x, y, z = rotated(ux, uy, uz, cosine, a, b)
    return x, y, z, state, a, b


@numba.njit(cache=True, nogil=True, inline="always")
def rotated(ux: float, uy: float, uz: float, cosine: float, a: float, b: float) -> tuple[float, float, float]:
    """The unit vector at `cosine` to ``u``, at the azimuth whose cosine and sine are `a` and `b`."""
    sine = math.sqrt(max(0.0, 1 - cosine * cosine))
    across2 = ux * ux + uy * uy
    if across2 < ALONG_Z:  # along z: any pair of axes across it will do
        return sine * a, sine * b, math.copysign(cosine, cosine * uz)
    across = math.sqrt(across2)
    scale = sine / across
    x = ux * cosine + scale * (ux * uz * a - uy * b)
    y = uy * cosine + scale * (uy * uz * a + ux * b)
    z = uz * cosine - sine * across * a
    fix = 1.5 - 0.5 * (x * x + y * y + z * z)  # one Newton step keeps the length at 1
    return x * fix, y * fix, z * fix


@numba.njit(cache=True, nogil=True, inline="always")
def deflection(angles: F64, widths: F64, position: float, u: float) -> float:
    """Cosine of the deflection at a hinge that a share `u` of all deflections exceeds.

    `position` is on the angle grid; the quantiles lie evenly in the root of `u`, so that the rare large
    angles have theirs too.
    """
    node = min(int(position), angles.shape[0] - 2)
    part: float = position - node
    place = math.sqrt(u) * (angles.shape[1] - 1)
    left = min(int(place), angles.shape[1] - 2)
    rest = place - left
    low = angles[node, left] + rest * (angles[node, left + 1] - angles[node, left])
    high = angles[node + 1, left] + rest * (angles[node + 1, left + 1] - angles[node + 1, left])
    v = low + part * (high - low)
    a = widths[node] + part * (widths[node + 1] - widths[node])
    return float(1 - 2 * a * v / (1 + a - v))


@numba.njit(cache=True, nogil=True)
def knock_on(
    energy: float, cut: float, rest: float, state: np.uint64, step: np.uint64
) -> tuple[float, np.uint64]:
    """Energy of a knock-on electron above `cut` from the Moller cross-section, at most half of `energy`."""
    least = cut / energy
    gamma = 1 + energy / rest
    square = ((gamma - 1) / gamma) ** 2
    mixed_term = (2 * gamma - 1) / (gamma * gamma)
    while True:
        state, u = uniform(state, step)
        state, v = uniform(state, step)
        share = least / (1 - u * (1 - 2 * least))  # from 1 / share^2 between the least and one half
        odds = share / (1 - share)
        accept = 1 + odds * odds + square * share * share - mixed_term * odds
        if v * MOST_MOLLER < accept:
            return share * energy, state


@numba.njit(cache=True, nogil=True)
def photon_energy(energy: float, cut: float, state: np.uint64, step: np.uint64) -> tuple[float, np.uint64]:
    """Energy of a bremsstrahlung photon above `cut`: number proportional to (1 - k / energy) / k."""
    ratio = energy / cut
    while True:
        state, u = uniform(state, step)
        state, v = uniform(state, step)
        photon = cut * ratio**u
        if v < 1 - photon / energy:
            return photon, state


@numba.njit(cache=True, nogil=True, inline="always")
def emission_energy(quantiles: F64, u: float) -> float:
    """Energy of an emitted beta electron: the quantile `u` of the spectrum."""
    place = u * (quantiles.size - 1)
    left = min(int(place), quantiles.size - 2)
    return float(quantiles[left] + (place - left) * (quantiles[left + 1] - quantiles[left]))


@numba.njit(cache=True, nogil=True)
def follow_to_shells(
    seed: np.uint64, history: np.uint64, quantiles: F64, tables: F64, per_mev: float, angles: F64,
    widths: F64, settings: F64, density: float, width_mm: float, waiting: F64, shells: F64,
) -> tuple[float, float]:  # fmt: skip
    """One decay at the centre of shells of equal width, in one endless material.

    `settings` holds the knock-on cut, the photon cut, the energy below which an electron stops where it is,
    and the electron's rest energy (MeV). Energy goes into `shells`, what lies beyond the last one into its
    last bin. Returns the energy emitted and the energy of bremsstrahlung photons, which escapes.
    """
    knock_cut, photon_cut, stop, rest = settings[0], settings[1], settings[2], settings[3]
    state, step = stream(seed, history)
    state, u = uniform(state, step)
    emitted = emission_energy(quantiles, u)
    escaped = 0.0
    last = shells.size - 1
    waiting[0, 0] = emitted
    waiting[0, 1:6] = 0.0
    waiting[0, 6] = 1.0
    stacked = 1
    while stacked > 0:
        stacked -= 1
        energy = waiting[stacked, 0]
        x, y, z = waiting[stacked, 1], waiting[stacked, 2], waiting[stacked, 3]
        ux, uy, uz = waiting[stacked, 4], waiting[stacked, 5], waiting[stacked, 6]
        row, part = _row(tables, energy, per_mev)
        whole = tables[row, STEP] + part * (tables[row + 1, STEP] - tables[row, STEP])
        angle = tables[row, ANGLE] + part * (tables[row + 1, ANGLE] - tables[row, ANGLE])
        state, u = uniform(state, step)
        to_hinge = u * whole
        after = whole - to_hinge
        state, u = uniform(state, step)
        to_event = -math.log(1 - u)
        while energy > stop:
            way, loss, to_hinge, to_event, end = flight(
                tables, per_mev, energy, density, to_hinge, to_event, math.inf
            )
            loss = min(loss, energy)
            state, u = uniform(state, step)
            # All of the loss at one even place of the flight: the mean over places is the loss along it.
            at = u * way
            px, py, pz = x + at * ux, y + at * uy, z + at * uz
            shells[min(int(math.sqrt(px * px + py * py + pz * pz) / width_mm), last)] += loss
            energy -= loss
            x += way * ux
            y += way * uy
            z += way * uz
            if energy <= stop:
                break
            if end == HINGE:
                state, u = uniform(state, step)
                cosine = deflection(angles, widths, angle, u)
                ux, uy, uz, state, _, _ = turned(ux, uy, uz, cosine, state, step)
                row, part = _row(tables, energy, per_mev)
                whole = tables[row, STEP] + part * (tables[row + 1, STEP] - tables[row, STEP])
                angle = tables[row, ANGLE] + part * (tables[row + 1, ANGLE] - tables[row, ANGLE])
                state, u = uniform(state, step)
                to_hinge = after + u * whole
                after = whole - u * whole
                continue
            row, part = _row(tables, energy, per_mev)
            photon_share = tables[row, PHOTON] + part * (tables[row + 1, PHOTON] - tables[row, PHOTON])
            state, u = uniform(state, step)
            if u < photon_share:
                if energy > photon_cut:
                    photon, state = photon_energy(energy, photon_cut, state, step)
                    energy -= photon
                    escaped += photon
            elif energy > 2 * knock_cut:
                other, state = knock_on(energy, knock_cut, rest, state, step)
                kept = energy - other
                bend = math.sqrt(kept * (energy + 2 * rest) / (energy * (kept + 2 * rest)))
                vx, vy, vz, state, a, b = turned(ux, uy, uz, bend, state, step)
                if other > stop and stacked < WAITING:
                    bend = math.sqrt(other * (energy + 2 * rest) / (energy * (other + 2 * rest)))
                    wx, wy, wz = rotated(ux, uy, uz, bend, -a, -b)
                    waiting[stacked, 0] = other
                    waiting[stacked, 1], waiting[stacked, 2], waiting[stacked, 3] = x, y, z
                    waiting[stacked, 4], waiting[stacked, 5], waiting[stacked, 6] = wx, wy, wz
                    stacked += 1
                else:
                    shells[min(int(math.sqrt(x * x + y * y + z * z) / width_mm), last)] += other
                ux, uy, uz = vx, vy, vz
                energy = kept
            state, u = uniform(state, step)
            to_event = -math.log(1 - u)
        shells[min(int(math.sqrt(x * x + y * y + z * z) / width_mm), last)] += energy
    return emitted, escaped


@numba.njit(cache=True, nogil=True, parallel=True)
def run_to_shells(
    seed: int, histories: int, quantiles: F64, tables: F64, per_mev: float, angles: F64, widths: F64,
    settings: F64, density: float, width_mm: float, shells: F64, totals: F64,
) -> None:  # fmt: skip
    """Decays at the centre of shells: one row of `shells` and of `totals` for each batch.

    History h belongs to batch ``h x batches // histories``, whichever thread runs it, and a batch is summed
    in the order of its histories: the result has the same bits on any number of threads. `totals` gets the
    emitted and the escaped energy.
    """
    batches = shells.shape[0]
    for batch in numba.prange(batches):
        waiting = np.empty((WAITING, WAITING_FIELDS))
        first, end = batch * histories // batches, (batch + 1) * histories // batches
        for history in range(first, end):
            emitted, escaped = follow_to_shells(
                np.uint64(seed), np.uint64(history), quantiles, tables, per_mev, angles, widths,
                settings, density, width_mm, waiting, shells[batch],
            )  # fmt: skip
            totals[batch, 0] += emitted
            totals[batch, 1] += escaped
