"""Slow seconds to the parts of the transport: small steps, wide sums and plain NumPy instead of tricks."""

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


def energy_after(tables: F64, per_mev: float, energy: float, way: float, *, steps: int = 3_000) -> float:
    """Energy left after a way (mm at 1 g/mL) of continuous loss, by many small steps."""
    grid = np.arange(tables.shape[0]) / per_mev
    for _ in range(steps):
        energy -= float(np.interp(energy, grid, tables[:, 0])) * way / steps
    return energy


def way_to_scatter(
    tables: F64, per_mev: float, energy: float, amount: float, *, steps: int = 3_000
) -> tuple[float, float]:
    """Way (mm at 1 g/mL) until this scattering power is used up, and the mean free paths met on it."""
    grid = np.arange(tables.shape[0]) / per_mev
    way = met = 0.0
    for _ in range(steps):
        loss, scatter, hard = (float(np.interp(energy, grid, tables[:, c])) for c in range(3))
        piece = amount / steps / scatter
        way += piece
        met += hard * piece
        energy -= loss * piece
    return way, met


def moller(energy: float, transfer: F64, rest: float) -> F64:
    """Moller cross-section (any unit) for transfers of one electron to another, as printed in textbooks."""
    gamma = 1 + energy / rest
    share = transfer / energy
    return np.asarray(
        1 / share**2
        + 1 / (1 - share) ** 2
        + ((gamma - 1) / gamma) ** 2
        - (2 * gamma - 1) / gamma**2 / (share * (1 - share)),
        dtype=np.float64,
    )


def legendre(order: int, cosine: F64) -> F64:
    """A Legendre polynomial from NumPy's own series."""
    return np.asarray(np.polynomial.legendre.Legendre.basis(order)(cosine), dtype=np.float64)
