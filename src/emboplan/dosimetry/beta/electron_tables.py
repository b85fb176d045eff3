"""The tables that the transport of electrons reads: one set for a material, made from its physics.

The kernel looks up energies on an even grid. Losses below the cuts are continuous, among them photons below
the photon cut, which are absorbed within millimetres; a hard event is a knock-on electron above its cut or a
photon above its own. The length of a step is a scattering power that grows as the energy falls, since what an
electron still does then is short.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from emboplan.dosimetry.beta.elastic import after_many, transport_coefficients
from emboplan.dosimetry.beta.stopping_power import (
    Material,
    collision_loss,
    constants,
    material,
    moller_rate,
    radiative_loss,
)
from emboplan.kernels import beta_transport as kernel

F64 = NDArray[np.float64]

MM_PER_CM = 10.0


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """Cuts and steps of the transport, in MeV; the defaults suit doses in voxels.

    `knock_cut_mev`: above it knock-on electrons are made one by one. `photon_cut_mev`: above it
    bremsstrahlung escapes. `stop_mev`: an electron below it stops where it is (50 keV: 0.04 mm of water).
    `step`: scattering power of a step at high energy, of which `step_low` is the most at low energy; the
    change is where an electron's range is a tenth of a millimetre or two.
    """

    knock_cut_mev: float = 0.020
    photon_cut_mev: float = 0.010
    stop_mev: float = 0.050
    highest_mev: float = 2.4
    energy_step_mev: float = 0.001
    step: float = 0.12
    step_low: float = 0.50
    step_change_mev: float = 0.3


DEFAULT_SETTINGS = TransportSettings()

# The angle grid: nodes from the stopping energy up, even in the logarithm of energy, and quantiles of each.
ANGLE_NODES = 48
QUANTILES = 257
# Points of the variable v on which the distribution is inverted.
INVERSION_POINTS = 1500
# A moment below this adds nothing to a sum of double precision.
NO_MOMENT = 1e-17


@dataclass(frozen=True, slots=True, eq=False)
class ElectronTables:
    """What `emboplan.kernels.beta_transport` needs of one material."""

    tables: F64
    per_mev: float
    angles: F64
    widths: F64
    settings: F64


def _step(energy: F64, settings: TransportSettings) -> F64:
    low, high = settings.step_low, settings.step
    return np.asarray(high + (low - high) / (1 + (energy / settings.step_change_mev) ** 2), dtype=np.float64)


def _soft_radiative(radiative: F64, energy: F64, cut: float) -> tuple[F64, F64]:
    """Loss to photons below the cut, and number of photons above it, of spectrum (1 - k / energy) / k."""
    x = np.minimum(cut / energy, 1.0)
    soft = radiative * (2 * x - x * x)
    # The energy of all photons is half the electron's times the scale of the spectrum.
    number = 2 * radiative / energy * (x - 1 - np.log(x))
    return soft, number


def _summed(per_mev: F64, step_mev: float) -> F64:
    """Integral over energy from 0 up to each point of an even grid."""
    return np.concatenate([[0.0], np.cumsum((per_mev[1:] + per_mev[:-1]) * (step_mev / 2))])


def _angle_tables(coefficients: F64, step: F64) -> tuple[F64, F64]:
    widths = step / 4
    v = np.linspace(0, 1, INVERSION_POINTS)
    beyond = np.linspace(0, 1, QUANTILES) ** 2
    angles = np.empty((step.size, QUANTILES))
    for node in range(step.size):
        a = widths[node]
        m = a * v / (1 + a - v)
        moments = np.exp(-step[node] * coefficients[node] / coefficients[node, 1])
        orders = np.count_nonzero(moments > NO_MOMENT) + 1
        share = np.maximum.accumulate(np.clip(after_many(moments[:orders], m), 0, 1))
        share[-1] = 1.0
        rising = np.concatenate([[True], np.diff(share) > 0])
        angles[node] = np.interp(1 - beyond, share[rising], v[rising])
        angles[node, -1] = 0.0
    return angles, widths


def build_tables(medium: Material, settings: TransportSettings = DEFAULT_SETTINGS) -> ElectronTables:
    """The tables of a material, lengths in mm at 1 g/mL."""
    rows = round(settings.highest_mev / settings.energy_step_mev) + 1
    grid = np.arange(rows) * settings.energy_step_mev
    # Below the knock-on cut nothing is asked for but what rows above it lead to; the formulas end there.
    energy = np.maximum(grid, settings.knock_cut_mev)
    radiative = radiative_loss(medium, energy)
    soft, photons = _soft_radiative(radiative, energy, settings.photon_cut_mev)
    knocks = moller_rate(medium, energy, settings.knock_cut_mev)
    nodes = np.geomspace(settings.stop_mev, settings.highest_mev, ANGLE_NODES)
    steps = _step(nodes, settings)
    # An electron is on average in the middle of its step; half of its loss is some 4 % of its energy.
    coefficients = transport_coefficients(medium, nodes, settings.knock_cut_mev)
    scatter = np.exp(np.interp(np.log(energy), np.log(nodes), np.log(coefficients[:, 1])))
    below = energy < nodes[0]
    scatter[below] *= (nodes[0] / energy[below]) ** 2
    loss = collision_loss(medium, energy, settings.knock_cut_mev) + soft
    whole_loss = collision_loss(medium, energy) + radiative
    followed = energy >= settings.stop_mev
    tables = np.zeros((rows, kernel.COLUMNS))
    tables[:, kernel.LOSS] = loss / MM_PER_CM
    tables[:, kernel.SCATTER] = scatter / MM_PER_CM
    tables[:, kernel.HARD] = (knocks + photons) / MM_PER_CM
    tables[:, kernel.PHOTON] = photons / np.maximum(knocks + photons, np.finfo(float).tiny)
    tables[:, kernel.STEP] = _step(energy, settings)
    tables[:, kernel.ANGLE] = np.interp(np.log(energy), np.log(nodes), np.arange(ANGLE_NODES))
    tables[:, kernel.REACH] = _summed(1 / loss, settings.energy_step_mev) * MM_PER_CM
    tables[:, kernel.YIELD] = _summed(followed * (radiative - soft) / whole_loss, settings.energy_step_mev)
    angles, widths = _angle_tables(coefficients, steps)
    packed = np.array(
        [settings.knock_cut_mev, settings.photon_cut_mev, settings.stop_mev, constants().rest_mev]
    )
    return ElectronTables(tables, 1 / settings.energy_step_mev, angles, widths, packed)


@lru_cache(maxsize=16)
def electron_tables(name: str, settings: TransportSettings = DEFAULT_SETTINGS) -> ElectronTables:
    """The tables of a material of the catalogue, kept in memory."""
    return build_tables(material(name), settings)


@dataclass(frozen=True, slots=True, eq=False)
class StackedTables:
    """The tables of several materials, one behind the other in `tables` and `angles`."""

    tables: F64
    per_mev: float
    angles: F64
    widths: F64
    settings: F64


def stacked_tables(names: Sequence[str], settings: TransportSettings = DEFAULT_SETTINGS) -> StackedTables:
    """The tables of several materials; energies, steps and grids are the same in all of them."""
    each = [electron_tables(name, settings) for name in names]
    first = each[0]
    return StackedTables(
        np.stack([found.tables for found in each]),
        first.per_mev,
        np.stack([found.angles for found in each]),
        first.widths,
        first.settings,
    )
