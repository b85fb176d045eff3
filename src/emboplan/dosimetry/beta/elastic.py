"""How electrons are deflected: single elastic scattering, and the angle after many of them.

Single scattering is Rutherford's, screened by the atom's electrons, times the spin correction of McKinley and
Feshbach (1948). Collisions with the atom's electrons that lose less than the knock-on cut deflect too: they
scatter like a nucleus of charge 1 for each electron, up to the angle that belongs to the cut.

A screening angle follows from Tsai's radiation logarithm L, the integral of (1 - F)^2 / q (nucleus) or of
S / q (electrons) over the momentum q: by Moliere's definition it is exp(1/2 - L) / p, momentum p in m c. The
electrons screen each other much less than the nucleus, which makes up 2.5 % of the scattering in water.

The angle after a path is the Legendre sum of Goudsmit and Saunderson, without approximation of small angles.
Angles are in m = (1 - cos) / 2, coefficients in cm2/g.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from emboplan import catalog
from emboplan.dosimetry.beta.stopping_power import Material, beta_squared, constants

F64 = NDArray[np.float64]

# Legendre polynomials in the sum: after one step of the transport the terms above are below 1e-12.
ORDERS = 400

# Integrals over the angle: Gauss points in each of the panels, whose ends grow by a constant ratio from far
# below the screening angle of any material at 3 MeV (m of 1e-7), and by at most the widest panel, which holds
# less than one wave of the highest polynomial.
POINTS = 8
SMALLEST, RATIO, WIDEST_RAD = 1e-10, 1.5, 0.02


def angle_nodes() -> tuple[F64, F64]:
    """Nodes and weights of integrals over m from 0 to 1 of functions as steep as a screened cross-section."""
    ends = [0.0, 2 * math.sqrt(SMALLEST)]
    while ends[-1] < math.pi:
        ends.append(min(ends[-1] * RATIO, ends[-1] + WIDEST_RAD, math.pi))
    theta = np.array(ends)
    x, w = np.polynomial.legendre.leggauss(POINTS)
    middle, half = (theta[1:] + theta[:-1]) / 2, np.diff(theta) / 2
    nodes = (middle[:, None] + half[:, None] * x).ravel()
    weights = (half[:, None] * w).ravel()
    return np.sin(nodes / 2) ** 2, weights * np.sin(nodes) / 2


def legendre_complements(m: F64, orders: int) -> F64:
    """1 - P_l(1 - 2 m) for l = 0 to `orders`, one row an order, without cancellation at small m."""
    # With d_l = 1 - P_l: (l + 1) d_(l+1) = (2 l + 1) (d_l + 2 m (1 - d_l)) - l d_(l-1).
    result = np.zeros((orders + 1, m.size))
    if orders:
        result[1] = 2 * m
    for order in range(1, orders):
        now = result[order]
        following = (2 * order + 1) * (now + 2 * m * (1 - now)) - order * result[order - 1]
        result[order + 1] = following / (order + 1)
    return result


def screening_logarithms(atomic_number: float) -> tuple[float, float]:
    """Tsai's radiation logarithms of an atom: of the nucleus in its cloud, and of the cloud's electrons."""
    cat = catalog.load()
    light = cat.sourced("screening.light_atoms").numbers
    if atomic_number in light:
        row = light.index(atomic_number)
        elastic = cat.sourced("screening.light_elastic").numbers[row]
        return elastic, cat.sourced("screening.light_inelastic").numbers[row]
    elastic = math.log(cat.number("screening.elastic") * atomic_number ** (-1 / 3))
    return elastic, math.log(cat.number("screening.inelastic") * atomic_number ** (-2 / 3))


def cross_section(medium: Material, energy_mev: float, m: F64, cut_mev: float) -> F64:
    """Scattering per g/cm2 and unit of m at one energy, soft collisions with electrons included."""
    nature = constants()
    tau = energy_mev / nature.rest_mev
    beta2 = float(beta_squared(energy_mev))
    p2 = tau * (tau + 2)
    # The largest deflection of a collision that loses less than the cut.
    lost = min(cut_mev / energy_mev, 1 / 2)
    bend = math.sqrt((1 - lost) * (tau + 2) / (tau * (1 - lost) + 2))
    soft = m < (1 - bend) / 2
    half_sine = np.sqrt(m)
    coulomb = catalog.load().number("screening.coulomb")
    total = np.zeros_like(m)
    for z, atoms in zip(medium.atomic_number, medium.atoms_per_g, strict=True):
        charge = nature.fine_structure * z
        nucleus, cloud = screening_logarithms(float(z))
        # A quarter of the square of the screening angle, the unit of m.
        screen = math.exp(1 - 2 * nucleus) / (2 * 2 * p2) * (1 + coulomb * charge**2 / beta2)
        between = math.exp(1 - 2 * cloud) / (2 * 2 * p2)
        spin = 1 - beta2 * m + np.pi * charge * math.sqrt(beta2) * half_sine * (1 - half_sine)
        scale = atoms * np.pi * (nature.radius_cm / ((tau + 1) * beta2)) ** 2
        total += scale * (z * z * spin / (m + screen) ** 2 + z * soft / (m + between) ** 2)
    return total


def transport_coefficients(medium: Material, energies_mev: F64, cut_mev: float, orders: int = ORDERS) -> F64:
    """G_l per g/cm2, one row an energy and one column an order from 0; G_1 is the scattering power."""
    m, weights = angle_nodes()
    complements = legendre_complements(m, orders)
    sections = np.stack([cross_section(medium, float(e), m, cut_mev) for e in energies_mev])
    return np.asarray((sections * weights) @ complements.T, dtype=np.float64)


def after_many(moments: F64, m: F64) -> F64:
    """Share of electrons that a path deflects by less than m, from the moments exp(-path x G_l).

    The sum runs over all orders of `moments`; the last must be negligible. Integrated from m = 0, 2 l + 1
    times a polynomial P_l is (P_(l-1) - P_(l+1)) / 2.
    """
    orders = moments.size - 1
    polynomials = 1 - legendre_complements(m, orders + 1)
    share = moments[0] * m
    for order in range(1, orders + 1):
        share = share + moments[order] / 2 * (polynomials[order - 1] - polynomials[order + 1])
    return np.asarray(share, dtype=np.float64)
