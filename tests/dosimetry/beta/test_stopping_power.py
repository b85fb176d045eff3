"""Stopping power: values of ESTAR that the sources quote, ranges, and the cross-sections summed by hand."""

import numpy as np
import pytest
from scipy.integrate import quad
from tests.reference.electron_flight import moller

from emboplan import catalog
from emboplan.dosimetry.beta.stopping_power import (
    collision_loss,
    constants,
    csda_range,
    density_effect,
    material,
    material_names,
    moller_rate,
    radiative_loss,
)
from emboplan.errors import ModelRangeError


def test_collision_loss_of_water_at_1_mev() -> None:
    """1.849 MeV cm2/g, as quoted from ESTAR."""
    assert pytest.approx(1.849, abs=5e-4) == float(collision_loss(material("water"), 1.0))


@pytest.mark.parametrize(
    ("name", "at_2_28", "at_0_93"),
    [("water", 1.13, 0.40), ("muscle", 1.14, 0.405), ("lung", 1.14, 0.405), ("bone_compact", 1.22, 0.43),
     ("bone_cortical", 1.25, 0.45)],
)  # fmt: skip
def test_ranges(name: str, at_2_28: float, at_0_93: float) -> None:
    """CSDA ranges in g/cm2 of the end point and the mean energy of Y-90; the sources state 1 %."""
    assert csda_range(material(name), 2.2787) == pytest.approx(at_2_28, rel=0.012)
    assert csda_range(material(name), 0.9337) == pytest.approx(at_0_93, rel=0.012)


@pytest.mark.parametrize("energy", [0.06, 0.5, 2.0])
@pytest.mark.parametrize("cut", [0.01, 0.025])
def test_what_the_cut_leaves_out_are_the_knock_ons(energy: float, cut: float) -> None:
    """Restricted loss and the energy of Moller's knock-ons above the cut are the whole, to 1e-6."""
    water, nature = material("water"), constants()
    beta2 = 1 - 1 / (1 + energy / nature.rest_mev) ** 2
    scale = nature.ring_cm2 * nature.rest_mev * water.electrons_per_g / (beta2 * energy**2)

    def sum_of(power: int) -> float:
        def integrand(log: float) -> float:
            transfer = np.exp(log)
            return float(moller(energy, np.asarray(transfer), nature.rest_mev) * transfer ** (power + 1))

        return scale * quad(integrand, np.log(cut), np.log(energy / 2), epsrel=1e-11)[0]

    whole, below = float(collision_loss(water, energy)), float(collision_loss(water, energy, cut))
    assert below + sum_of(1) == pytest.approx(whole, rel=1e-6)
    assert float(moller_rate(water, energy, cut)) == pytest.approx(sum_of(0), rel=1e-8)


def test_a_cut_above_half_of_the_energy_restricts_nothing() -> None:
    water = material("water")
    assert float(collision_loss(water, 0.1)) == float(collision_loss(water, 0.1, 0.08))
    assert float(moller_rate(water, 0.1, 0.08)) == 0


def test_density_effect_follows_the_table() -> None:
    """Nodes of the sourced table, and two of the finer table of the same calculation in between."""
    water = material("water")
    assert density_effect(water, water.delta_energy_mev) == pytest.approx(water.delta, abs=1e-12)
    assert density_effect(water, [0.6, 0.9, 1.25]) == pytest.approx([0.029, 0.184, 0.394], abs=0.008)
    assert float(density_effect(water, 0.001)) == 0
    with pytest.raises(ModelRangeError, match=r"energy is 3 MeV.*tabulated up to 2.5"):
        density_effect(water, 3.0)


def test_radiative_loss_at_rest_is_the_known_limit() -> None:
    """alpha r^2 Z^2 rest 16/3 for slow electrons."""
    water, nature = material("water"), constants()
    squares = float(water.atomic_number**2 @ water.atoms_per_g)
    limit = nature.fine_structure * nature.radius_cm**2 * squares * nature.rest_mev * 16 / 3
    assert float(radiative_loss(water, 1e-4)) == pytest.approx(limit, rel=1e-3)


@pytest.mark.parametrize("name", material_names())
def test_every_material_is_whole(name: str) -> None:
    """Electrons per gram lie between those of air and of adipose tissue, 0.499 and 0.558 mol."""
    medium = material(name)
    assert 0.498 < medium.electrons_per_g / constants().per_mol < 0.56
    energies = np.array([0.02, 0.1, 1.0, 2.3])
    assert (collision_loss(medium, energies) > 0).all()


def test_mass_fractions_sum_to_one() -> None:
    for name in material_names():
        fractions = catalog.load().sourced(f"materials.{name}.mass_fractions").numbers
        assert sum(fractions) == pytest.approx(1, abs=2e-5), name


def test_an_unknown_material_lists_the_known() -> None:
    with pytest.raises(ModelRangeError, match=r"'wood' is not known; known: water, liver"):
        material("wood")
