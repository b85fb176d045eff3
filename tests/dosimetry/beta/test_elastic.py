"""Deflection: cross-sections with known integrals, and the Legendre sum against NumPy."""

import numpy as np
import pytest
from tests.reference.electron_flight import legendre

from emboplan.dosimetry.beta.elastic import (
    after_many,
    angle_nodes,
    legendre_complements,
    screening_logarithms,
    transport_coefficients,
)
from emboplan.dosimetry.beta.stopping_power import material


def test_integrals_resolve_a_screened_cross_section() -> None:
    """Integral of m / (m + s)^2 is ln((1 + s) / s) - 1 / (1 + s), for the sharpest screening that occurs."""
    m, weights = angle_nodes()
    for screen in (1e-7, 1e-5, 1e-2):
        exact = np.log((1 + screen) / screen) - 1 / (1 + screen)
        assert (weights * m / (m + screen) ** 2).sum() == pytest.approx(exact, rel=1e-7)
    assert weights.sum() == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("order", [1, 2, 7, 30])
def test_complements_are_legendre_polynomials(order: int) -> None:
    m = np.array([1e-12, 1e-4, 0.2, 0.7, 1.0])
    found = legendre_complements(m, order)[order]
    assert found[1:] == pytest.approx(1 - legendre(order, 1 - 2 * m[1:]), rel=1e-8, abs=1e-12)
    assert found[0] == pytest.approx(order * (order + 1) * m[0], rel=1e-6)  # where 1 - P_l would cancel


def test_the_sum_returns_what_it_was_made_of() -> None:
    """Moments of the density 1 + 0.9 P_1 + 0.5 P_2 in m give its integral, by hand."""
    moments = np.array([1.0, 0.3, 0.1])
    m = np.linspace(0, 1, 11)
    x = 1 - 2 * m
    # Integrals over m of P_1 and P_2 from 0: m - m^2, and that times x.
    by_hand = m + 3 * 0.3 * (m - m**2) + 5 * 0.1 * (m - m**2) * x
    assert after_many(moments, m) == pytest.approx(by_hand, abs=1e-12)


def test_scattering_power_of_fast_electrons() -> None:
    """Half the mean square angle per path falls with energy as 1 / (p beta)^2 but for the logarithm."""
    water = material("water")
    g = transport_coefficients(water, np.array([0.1, 0.5, 2.0]), 0.01, 2)
    assert (np.diff(g[:, 1]) < 0).all()
    assert (g[:, 0] == 0).all()
    # Small angles: G_2 / G_1 tends to 3; large angles make it less.
    assert ((g[:, 2] / g[:, 1] > 2.3) & (g[:, 2] / g[:, 1] < 3)).all()


def test_screening_of_light_and_other_atoms() -> None:
    """Tsai's values for hydrogen, and his formula for oxygen."""
    assert screening_logarithms(1.0) == (5.31, 6.144)
    elastic, inelastic = screening_logarithms(8.0)
    assert elastic == pytest.approx(np.log(184.15 / 2))
    assert inelastic == pytest.approx(np.log(1194 / 4))
