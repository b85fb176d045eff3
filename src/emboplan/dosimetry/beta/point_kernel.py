"""Point kernels: where the energy of a beta source in an endless medium goes, shell by shell.

The kernels that ship with the package come from our own transport (`make_kernel` made them; the file says
with which seed and settings). A medium that has none is transported on first use. Radii scale with 1 /
density: a kernel belongs to a material and is tabulated at 1 g/mL.

The fractions are of the mean energy of a beta electron. Bremsstrahlung photons above 10 keV are not followed:
their energy, 0.4 % in tissue for Y-90, is not in the shells and is stated as `escaping_frac`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan import catalog
from emboplan.dosimetry.arguments import Array, not_negative, plain, positive
from emboplan.dosimetry.beta.beta_spectrum import BetaSpectrum, beta_spectrum
from emboplan.dosimetry.beta.electron_tables import DEFAULT_SETTINGS, TransportSettings, electron_tables
from emboplan.dosimetry.beta.stopping_power import material as medium_named
from emboplan.errors import CatalogError, ModelRangeError
from emboplan.kernels.beta_transport import run_to_shells
from emboplan.units import GRAMS_PER_KILOGRAM, JOULE_PER_MEV, ML_PER_MM3

F64 = NDArray[np.float64]

# Shells of a transported kernel at 1 g/mL: a fortieth of the mean range of Y-90, out to beyond the longest
# one.
SHELL_MM = 0.05
SHELLS = 280

# Batches of a run. Their spread gives the standard error, and they are what threads share.
BATCHES = 64

# A kernel made on first use: 0.2 % in shells of half a millimetre within the mean range, some five seconds.
HISTORIES, SEED = 2_000_000, 1


@dataclass(frozen=True, slots=True, eq=False)
class PointKernel:
    """Energy around a point source, in shells between the edges `radius_mm`.

    `energy_frac` and its standard error are shares of `mean_energy_mev`, the mean energy of a beta electron;
    `escaping_frac` is the share that leaves as bremsstrahlung. The shells and it are the whole energy.
    """

    nuclide: str
    material: str
    density_g_per_ml: float
    mean_energy_mev: float
    radius_mm: F64
    energy_frac: F64
    standard_error_frac: F64
    escaping_frac: float

    def __post_init__(self) -> None:
        for name in ("radius_mm", "energy_frac", "standard_error_frac"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if self.radius_mm.size != self.energy_frac.size + 1:
            raise ModelRangeError(
                f"found {self.radius_mm.size} edges for {self.energy_frac.size} shells; expected one more"
            )

    @property
    def dose_gy_mm2(self) -> F64:
        """Dose per decay times radius squared (Gy mm2), the mean over each shell."""
        joule = self.energy_frac * self.mean_energy_mev * JOULE_PER_MEV
        kg_per_mm3 = self.density_g_per_ml * ML_PER_MM3 / GRAMS_PER_KILOGRAM
        return np.asarray(joule / (2 * 2 * np.pi * kg_per_mm3 * np.diff(self.radius_mm)), dtype=np.float64)

    def at_density(self, density_g_per_ml: float) -> PointKernel:
        """The same kernel in the same material at another density: radii times old over new density.

        The density effect on the stopping power stays that of the tabulated material.
        """
        density = float(positive(density_g_per_ml, "density_g_per_ml"))
        return PointKernel(
            nuclide=self.nuclide,
            material=self.material,
            density_g_per_ml=density,
            mean_energy_mev=self.mean_energy_mev,
            radius_mm=np.asarray(self.radius_mm * (self.density_g_per_ml / density), dtype=np.float64),
            energy_frac=self.energy_frac,
            standard_error_frac=self.standard_error_frac,
            escaping_frac=self.escaping_frac,
        )

    def within_frac(self, radius_mm: ArrayLike) -> float | Array:
        """Share of the mean energy deposited inside a radius; bremsstrahlung counts as outside."""
        radius = not_negative(radius_mm, "radius_mm")
        inside = np.concatenate([[0.0], np.cumsum(self.energy_frac)])
        return plain(np.interp(radius, self.radius_mm, inside))

    def radius_of_frac(self, energy_frac: float) -> float:
        """The radius (mm) inside which this share of the mean energy is deposited, such as X90 for 0.9."""
        inside = np.concatenate([[0.0], np.cumsum(self.energy_frac)])
        if not 0 <= energy_frac <= inside[-1]:
            raise ModelRangeError(f"energy_frac is {energy_frac}; expected 0 to {inside[-1]:.4f}")
        return float(np.interp(energy_frac, inside, self.radius_mm))


def transported_kernel(
    nuclide: str,
    material: str,
    *,
    histories: int = HISTORIES,
    seed: int = SEED,
    settings: TransportSettings = DEFAULT_SETTINGS,
    spectrum: BetaSpectrum | None = None,
) -> PointKernel:
    """A point kernel at 1 g/mL from electron transport; `spectrum` may replace the nuclide's own.

    The fractions are of the energy that the run emitted. The same arguments give the same bits on any number
    of threads. Empty shells at the far end are cut off.
    """
    if histories < BATCHES:
        raise ModelRangeError(f"histories is {histories}; expected at least {BATCHES}")
    spectrum = spectrum or beta_spectrum(nuclide, catalogue_mean=True)
    if spectrum.highest_mev > settings.highest_mev:
        raise ModelRangeError(
            f"the spectrum ends at {spectrum.highest_mev:g} MeV; the tables of transport at "
            f"{settings.highest_mev:g} MeV; raise highest_mev"
        )
    tables = electron_tables(material, settings)
    shells, totals = np.zeros((BATCHES, SHELLS + 1)), np.zeros((BATCHES, 2))
    run_to_shells(
        seed, histories, spectrum.quantiles(), tables.tables, tables.per_mev, tables.angles, tables.widths,
        tables.settings, 1.0, SHELL_MM, shells, totals,
    )  # fmt: skip
    emitted = totals[:, 0].sum()
    share = shells / totals[:, :1]
    last = int(np.flatnonzero(shells.sum(axis=0))[-1]) + 1
    return PointKernel(
        nuclide=nuclide,
        material=material,
        density_g_per_ml=1.0,
        mean_energy_mev=spectrum.mean_mev,
        radius_mm=SHELL_MM * np.arange(last + 1, dtype=np.float64),
        energy_frac=shells.sum(axis=0)[:last] / emitted,
        standard_error_frac=share.std(axis=0, ddof=1)[:last] / math.sqrt(BATCHES),
        escaping_frac=float(totals[:, 1].sum() / emitted),
    )


def kernel_name(nuclide: str, material: str) -> str:
    """Name of a shipped kernel: ``Y-90`` in ``water`` is ``y90-water``."""
    return f"{nuclide.replace('-', '').lower()}-{material.replace('_', '-')}"


def _column(table: dict[str, Any], key: str, name: str) -> Sequence[float]:
    column = table.get(key)
    if not isinstance(column, list) or not column:
        raise CatalogError(f"kernels/{name}: {key} is {column!r}; expected a list of numbers")
    return column


@lru_cache(maxsize=16)
def _at_unit_density(nuclide: str, material: str) -> PointKernel:
    beta_spectrum(nuclide)
    medium_named(material)
    name = kernel_name(nuclide, material)
    cat = catalog.load()
    if name not in cat.kernel_names():
        return transported_kernel(nuclide, material)
    table = cat.kernel_table(name)
    shells = _column(table, "energy_frac", name)
    return PointKernel(
        nuclide=nuclide,
        material=material,
        density_g_per_ml=1.0,
        mean_energy_mev=float(table["mean_energy_mev"]),
        radius_mm=float(table["shell_mm"]) * np.arange(len(shells) + 1, dtype=np.float64),
        energy_frac=np.asarray(shells),
        standard_error_frac=np.asarray(_column(table, "standard_error_frac", name)),
        escaping_frac=float(table["escaping_frac"]),
    )


def point_kernel(
    nuclide: str = "Y-90", *, material: str = "water", density_g_per_ml: float | None = None
) -> PointKernel:
    """The point kernel of a nuclide in a material, at the material's own density unless given.

    Materials are those of the catalogue (`ModelRangeError` lists them). One that has no shipped kernel is
    transported on first use, which takes some seconds.

    >>> round(point_kernel("Y-90").radius_of_frac(0.9), 1)
    5.4
    """
    density = medium_named(material).density_g_per_ml if density_g_per_ml is None else density_g_per_ml
    return _at_unit_density(nuclide, material).at_density(density)


def energy_within_radius_frac(
    radius_mm: ArrayLike,
    *,
    nuclide: str = "Y-90",
    material: str = "water",
    density_g_per_ml: float | None = None,
) -> float | Array:
    """Share of a point source's mean beta energy that is deposited inside a radius.

    >>> round(energy_within_radius_frac(1.0), 2)
    0.22
    """
    kernel = point_kernel(nuclide, material=material, density_g_per_ml=density_g_per_ml)
    return kernel.within_frac(radius_mm)
