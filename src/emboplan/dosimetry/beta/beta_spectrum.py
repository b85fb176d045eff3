"""The energies of beta electrons: spectra from Fermi's theory, allowed and first forbidden unique.

A branch with end point Q has the spectrum p W q^2 F(Z, W) C(W), with p and W momentum and total energy of the
electron and q the energy of the neutrino (units of m and c). F is the relativistic Fermi function of the
daughter nucleus. C is 1 for an allowed shape and q^2 + lambda_2 p^2 for a first forbidden unique one;
lambda_2 is the ratio of Coulomb functions of Behrens and Buehring for point charges, not 1: without it the
mean energy of Y-90 would be 1.4 % high. Screening by the atom's electrons is left out (0.03 % of the mean).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import factorial2, loggamma

from emboplan import catalog
from emboplan.dosimetry.arguments import finite
from emboplan.dosimetry.beta.stopping_power import constants
from emboplan.errors import CatalogError, ModelRangeError

F64 = NDArray[np.float64]

KEV_PER_MEV = 1000.0

# Even points of a tabulated spectrum, and equal shares of its electrons that sampling uses: with both, mean
# energies agree with the integral to 1e-5.
POINTS = 4001
QUANTILES = 4097

# A nuclide record may round the mean of the betas; one that differs by more than this counts other radiation
# too (conversion electrons and photons of Ho-166: 6 %), and stretching the betas to it would lengthen ranges.
SAME_MEAN = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class BetaSpectrum:
    """Electrons per decay and MeV on rising energies, linear in between; the integral is 1 electron."""

    energy_mev: F64
    per_mev: F64

    @property
    def mean_mev(self) -> float:
        """Mean energy of an electron."""
        e, f = self.energy_mev, self.per_mev
        # The integral of energy times a density that is linear in each piece.
        pieces = np.diff(e) * (f[:-1] * (2 * e[:-1] + e[1:]) + f[1:] * (e[:-1] + 2 * e[1:]))
        return float(pieces.sum() / (3 * (np.diff(e) * (f[1:] + f[:-1])).sum()))

    @property
    def highest_mev(self) -> float:
        """The end point."""
        return float(self.energy_mev[-1])

    def quantiles(self, count: int = QUANTILES) -> F64:
        """`count` energies (MeV) that part the electrons into equal shares, end points included."""
        # A finer grid than the table's keeps the shares right where the density bends.
        fine = np.linspace(
            self.energy_mev[0], self.energy_mev[-1], 2 * 2 * 2 * (count + self.energy_mev.size)
        )
        density = np.interp(fine, self.energy_mev, self.per_mev)
        below = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
        return np.asarray(np.interp(np.linspace(0, 1, count), below / below[-1], fine), dtype=np.float64)

    def scaled_to(self, mean_mev: float) -> BetaSpectrum:
        """The same shape with all energies multiplied so that the mean is `mean_mev`."""
        if not (math.isfinite(mean_mev) and mean_mev > 0):
            raise ModelRangeError(f"mean energy is {mean_mev} MeV; expected a positive number")
        factor = mean_mev / self.mean_mev
        return BetaSpectrum(self.energy_mev * factor, self.per_mev / factor)


def _coulomb(order: int, charge: float, total: F64, radius: float) -> F64:
    """The generalised Fermi function F_(order - 1) of Behrens and Buehring; order 1 is Fermi's."""
    p = np.sqrt(total * total - 1)
    gamma = math.sqrt(order * order - charge * charge)
    strength = charge * total / p
    log = 2 * np.real(loggamma(gamma + 1j * strength)) - 2 * float(loggamma(1 + 2 * gamma))
    log += 2 * (gamma - order) * np.log(2 * p * radius) + np.pi * strength
    front = (order * float(factorial2(2 * order - 1)) * 2**order) ** 2
    return np.asarray(front * np.exp(log), dtype=np.float64)


def branch_shape(
    energy_mev: ArrayLike, endpoint_mev: float, *, daughter: float, mass_number: float, forbiddenness: int
) -> F64:
    """Unnormalised spectrum of one branch; 0 at the end point and above.

    `forbiddenness` 0 is the allowed shape (also a fair one for first forbidden non-unique decays), 1 the
    first forbidden unique one; `ModelRangeError` for others.
    """
    if forbiddenness not in (0, 1):
        raise ModelRangeError(f"forbiddenness is {forbiddenness}; expected 0 (allowed) or 1 (first unique)")
    nature, number = constants(), catalog.load().number
    energy = finite(energy_mev, "energy_mev")
    # At rest p F stays finite although F does not; a millionth of the end point stands for 0.
    total = 1 + np.maximum(energy, endpoint_mev * np.finfo(np.float32).eps) / nature.rest_mev
    p = np.sqrt(total * total - 1)
    neutrino = np.maximum(endpoint_mev - energy, 0.0) / nature.rest_mev
    charge = nature.fine_structure * daughter
    cube_root = mass_number ** (1 / 3)
    radius = number("constants.nuclear_radius") * cube_root / number("constants.reduced_compton_length")
    fermi = _coulomb(1, charge, total, radius)
    shape = np.ones_like(total)
    if forbiddenness:
        gammas = math.sqrt(1 - charge**2), math.sqrt(2**2 - charge**2)
        ratio = _coulomb(2, charge, total, radius) / fermi * (2 + gammas[1]) / (2 * (1 + gammas[0]))
        shape = neutrino**2 + ratio * p**2
    return np.asarray(p * total * neutrino**2 * fermi * shape, dtype=np.float64)


def spectrum_names() -> tuple[str, ...]:
    """The nuclides whose beta branches the catalogue has."""
    names = [entry.name.split(".") for entry in catalog.load().entries()]
    return tuple(dict.fromkeys(n[2] for n in names if n[:2] == ["transport", "spectra"]))


@lru_cache(maxsize=8)
def _theory(nuclide: str) -> BetaSpectrum:
    if nuclide not in spectrum_names():
        raise ModelRangeError(
            f"nuclide {nuclide!r} has no beta spectrum in the catalogue; it has {', '.join(spectrum_names())}"
        )
    cat = catalog.load()
    prefix = f"spectra.{nuclide}"
    branches = [cat.sourced(f"{prefix}.{key}").numbers for key in ("endpoint", "intensity", "forbiddenness")]
    if len({len(column) for column in branches}) != 1:
        raise CatalogError(
            f"transport.toml: {prefix}: endpoint, intensity and forbiddenness differ in length"
        )
    endpoints = [kev / KEV_PER_MEV for kev in branches[0]]
    energy = np.linspace(0, max(endpoints), POINTS)
    total = np.zeros_like(energy)
    for endpoint, intensity, forbiddenness in zip(endpoints, *branches[1:], strict=True):
        shape = branch_shape(
            energy,
            endpoint,
            daughter=cat.number(f"{prefix}.daughter"),
            mass_number=cat.number(f"{prefix}.mass_number"),
            forbiddenness=int(forbiddenness),
        )
        total += intensity * shape / np.trapezoid(shape, energy)
    return BetaSpectrum(energy, total / np.trapezoid(total, energy))


def beta_spectrum(nuclide: str = "Y-90", *, catalogue_mean: bool = False) -> BetaSpectrum:
    """The beta spectrum of a nuclide, from theory, all branches together.

    With `catalogue_mean` all energies are multiplied so that the mean is that of the catalogue's nuclide
    record, which the dose coefficient uses; for Y-90 the factor is within 0.02 % of 1. A record that counts
    more than the betas (Ho-166) leaves the spectrum as it is.

    >>> round(beta_spectrum("Y-90").mean_mev, 3)
    0.933
    """
    spectrum = _theory(nuclide)
    if not catalogue_mean:
        return spectrum
    entry = catalog.load().nuclide(nuclide).mean_energy
    if entry is None:
        raise CatalogError(f"{nuclide} has no mean energy in the catalogue to scale its spectrum to")
    if abs(entry.number / spectrum.mean_mev - 1) > SAME_MEAN:
        return spectrum
    return spectrum.scaled_to(entry.number)
