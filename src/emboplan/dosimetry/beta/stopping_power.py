"""What an electron loses on its way: collision and radiative stopping power of the catalogue's materials.

Collision: the Bethe formula for electrons (ICRU 37), with mean excitation energies and density effect from
the catalogue; restricted to losses below a cut for transport that makes the knock-on electrons above it one
by one (Moller cross-section). Radiative: the Born approximation integrated over the photon's energy, without
screening (Heitler 1954), on the nuclei alone. Electrons of the atoms and Coulomb correction would add about 3
% to the radiative part at 1 MeV, which is 0.02 % of the whole. Energies in MeV, lengths in g/cm2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator
from scipy.special import spence

from emboplan import catalog
from emboplan.dosimetry.arguments import positive
from emboplan.errors import ModelRangeError

F64 = NDArray[np.float64]

CENTIMETRES_PER_FEMTOMETRE = 1e-13
EV_PER_MEV = 1e6

# Steps of the energy grid that ranges are integrated on; 1000 give a range of beta electrons to 1e-4.
RANGE_STEPS = 1000


@dataclass(frozen=True, slots=True)
class Constants:
    """Constants of nature in the units of transport: MeV, cm, mol."""

    rest_mev: float
    radius_cm: float
    fine_structure: float
    per_mol: float

    @property
    def ring_cm2(self) -> float:
        """2 pi times the square of the classical electron radius."""
        return 2 * np.pi * self.radius_cm**2


@lru_cache(maxsize=1)
def constants() -> Constants:
    """The catalogue's constants of nature."""
    number = catalog.load().number
    return Constants(
        rest_mev=number("constants.electron_rest_energy"),
        radius_cm=number("constants.classical_electron_radius") * CENTIMETRES_PER_FEMTOMETRE,
        fine_structure=number("constants.fine_structure"),
        per_mol=number("constants.avogadro"),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """A medium: elements by atomic number with their atoms per gram, excitation energy, density effect.

    `density_g_per_ml` is where the density effect is evaluated; transport may use the material at another
    one.
    """

    name: str
    density_g_per_ml: float
    excitation_mev: float
    atomic_number: F64
    atoms_per_g: F64
    delta_energy_mev: F64
    delta: F64

    @property
    def electrons_per_g(self) -> float:
        """Electrons in a gram."""
        return float(self.atomic_number @ self.atoms_per_g)


def material_names() -> tuple[str, ...]:
    """The materials that the catalogue has compositions for."""
    names = [entry.name.split(".") for entry in catalog.load().entries()]
    return tuple(dict.fromkeys(n[2] for n in names if n[:2] == ["transport", "materials"]))


@lru_cache(maxsize=32)
def material(name: str) -> Material:
    """A material such as ``water``; `ModelRangeError` lists the known ones."""
    if name not in material_names():
        raise ModelRangeError(f"material {name!r} is not known; known: {', '.join(material_names())}")
    cat = catalog.load()

    def numbers(key: str) -> F64:
        return np.asarray(cat.sourced(key).numbers, dtype=np.float64)

    weights = dict(zip(numbers("atoms.number"), numbers("atoms.weight"), strict=True))
    elements = numbers(f"materials.{name}.elements")
    weight = np.array([weights[z] for z in elements])
    return Material(
        name=name,
        density_g_per_ml=cat.number(f"materials.{name}.density"),
        excitation_mev=cat.number(f"materials.{name}.excitation_energy") / EV_PER_MEV,
        atomic_number=elements,
        atoms_per_g=numbers(f"materials.{name}.mass_fractions") / weight * constants().per_mol,
        delta_energy_mev=numbers("density_effect.energy"),
        delta=numbers(f"materials.{name}.density_effect"),
    )


def beta_squared(energy_mev: ArrayLike) -> F64:
    """Square of the electron's speed in units of that of light."""
    tau = positive(energy_mev, "energy_mev") / constants().rest_mev
    return tau * (tau + 2) / (tau + 1) ** 2


def density_effect(medium: Material, energy_mev: ArrayLike) -> F64:
    """Density effect correction delta, by monotone interpolation of the table in the logarithm of momentum.

    Below the table delta is 0; above it `ModelRangeError`.
    """
    energy = positive(energy_mev, "energy_mev")
    if (energy > medium.delta_energy_mev[-1]).any():
        raise ModelRangeError(
            f"energy is {energy.max():g} MeV; the density effect is tabulated up to "
            f"{medium.delta_energy_mev[-1]:g} MeV"
        )

    def log_momentum(mev: F64) -> F64:
        tau = mev / constants().rest_mev
        return np.log(tau * (tau + 2)) / 2

    table = PchipInterpolator(log_momentum(medium.delta_energy_mev), medium.delta)
    within = np.maximum(energy, medium.delta_energy_mev[0])
    return np.asarray(table(log_momentum(within)), dtype=np.float64)


def collision_loss(medium: Material, energy_mev: ArrayLike, cut_mev: float | None = None) -> F64:
    """Collision stopping power in MeV cm2/g, of all losses or only of those below `cut_mev`.

    Bethe formula for electrons; the restricted form as in Berger and Seltzer (NBSIR 82-2550). A cut above
    half of the energy restricts nothing, since the faster of two electrons counts as the first.

    >>> round(float(collision_loss(material("water"), 1.0)), 3)
    1.849
    """
    nature = constants()
    energy = positive(energy_mev, "energy_mev")
    tau = energy / nature.rest_mev
    most = tau / 2 if cut_mev is None else np.minimum(float(cut_mev) / nature.rest_mev, tau / 2)
    beta2 = beta_squared(energy)
    shape = -1 - beta2 + np.log(most * (tau - most)) + tau / (tau - most)
    shape += (most**2 / 2 + (2 * tau + 1) * np.log(1 - most / tau)) / (tau + 1) ** 2
    excitation = medium.excitation_mev / nature.rest_mev
    bracket = np.log(2 * (tau + 2) / excitation**2) + shape - density_effect(medium, energy)
    return np.asarray(
        nature.ring_cm2 * nature.rest_mev * medium.electrons_per_g / beta2 * bracket, dtype=np.float64
    )


def moller_rate(medium: Material, energy_mev: ArrayLike, cut_mev: float) -> F64:
    """Knock-on electrons above `cut_mev` per g/cm2: Moller cross-section from the cut to half the energy."""
    nature = constants()
    energy = positive(energy_mev, "energy_mev")
    gamma = 1 + energy / nature.rest_mev
    x = np.minimum(cut_mev / energy, 1 / 2)
    whole = (1 / 2 - x) * ((gamma - 1) / gamma) ** 2 + 1 / x - 1 / (1 - x)
    whole -= (2 * gamma - 1) / gamma**2 * np.log((1 - x) / x)
    scale = nature.ring_cm2 * nature.rest_mev * medium.electrons_per_g
    return np.asarray(scale / (beta_squared(energy) * energy) * whole, dtype=np.float64)


def radiative_loss(medium: Material, energy_mev: ArrayLike) -> F64:
    """Radiative stopping power in MeV cm2/g: alpha r^2 Z^2 (energy + rest) times Heitler's integral."""
    nature = constants()
    energy = positive(energy_mev, "energy_mev")
    e = 1 + energy / nature.rest_mev
    p = np.sqrt(e * e - 1)
    log = np.log(e + p)
    integral = -spence(1 + 2 * p * (e + p))  # of ln(1 + y) / y from 0 to 2 p (e + p)
    shape = (12 * e * e + 4) / (3 * e * p) * log - (8 * e + 6 * p) / (3 * e * p * p) * log**2
    shape += 2 / (e * p) * integral - 4 / 3
    squares = float(medium.atomic_number**2 @ medium.atoms_per_g)
    scale = nature.fine_structure * nature.radius_cm**2 * squares
    return np.asarray(scale * (energy + nature.rest_mev) * shape, dtype=np.float64)


def csda_range(medium: Material, energy_mev: float) -> float:
    """Path length in g/cm2 until all energy is lost, losses taken as continuous.

    The stopping power is integrated from a thousandth of the energy upwards; below that the electron is taken
    to lose energy as it does there.
    """
    grid = np.geomspace(energy_mev / RANGE_STEPS, energy_mev, RANGE_STEPS + 1)
    per_mev = 1 / (collision_loss(medium, grid) + radiative_loss(medium, grid))
    return float(np.trapezoid(per_mev * grid, np.log(grid)) + grid[0] * per_mev[0])
