"""Beta spectra against the nuclide record, decay data and an independent calculation."""

from pathlib import Path

import numpy as np
import pytest

from emboplan import catalog
from emboplan.dosimetry.beta.beta_spectrum import beta_spectrum, branch_shape
from emboplan.dosimetry.beta.stopping_power import constants
from emboplan.errors import ModelRangeError


def test_mean_energy_of_y90() -> None:
    """0.933 MeV in the catalogue (ICRP 107: 0.9329); theory alone comes within 0.05 %."""
    record = catalog.load().nuclide("Y-90").mean_energy
    assert record is not None
    assert record.number == pytest.approx(beta_spectrum("Y-90").mean_mev, rel=5e-4)
    assert record.number == pytest.approx(beta_spectrum("Y-90", catalogue_mean=True).mean_mev, rel=1e-12)


def test_a_record_of_more_than_betas_does_not_stretch_them() -> None:
    """Ho-166: 0.7118 MeV count conversion electrons and photons; the betas' mean of DDEP is 0.672 MeV."""
    mean = (0.482 * 0.6938 + 0.505 * 0.6511) / (0.482 + 0.505)
    spectrum = beta_spectrum("Ho-166", catalogue_mean=True)
    assert mean == pytest.approx(spectrum.mean_mev, rel=3e-3)
    assert spectrum.highest_mev == pytest.approx(1.8545)


def test_y90_against_egsnrc(shared_data: Path) -> None:
    """The spectrum of EGSnrc's nuclide source, at every energy to 0.2 % of the highest value."""
    other = np.load(shared_data.parent / "reference" / "mc" / "spectrum_y90.npz")
    ours = beta_spectrum("Y-90")
    # Its first point, at 0, repeats the second.
    energy, theirs = other["E_MeV"][1:], other["pdf_per_MeV"][1:]
    at = np.interp(energy, ours.energy_mev, ours.per_mev)
    assert at == pytest.approx(theirs, abs=2e-3 * theirs.max())


@pytest.mark.parametrize(
    ("endpoint", "forbiddenness", "mean"), [(1.8545, 0, 0.6938), (1.7739, 1, 0.6511)], ids=["0+", "2+"]
)
def test_branches_of_ho166(endpoint: float, forbiddenness: int, mean: float) -> None:
    """Mean energies of DDEP, within 1 %: no screening, and the allowed shape for the non-unique branch."""
    energy = np.linspace(0, endpoint, 4001)
    shape = branch_shape(energy, endpoint, daughter=68, mass_number=166, forbiddenness=forbiddenness)
    assert (energy * shape).sum() / shape.sum() == pytest.approx(mean, rel=0.01)


@pytest.mark.parametrize("forbiddenness", [0, 1])
def test_without_charge_it_is_phase_space(forbiddenness: int) -> None:
    """Z = 0: p W q^2, times q^2 + p^2 for the unique branch."""
    rest, endpoint = constants().rest_mev, 2.0
    energy = np.linspace(0.01, 1.99, 100)
    shape = branch_shape(energy, endpoint, daughter=0, mass_number=90, forbiddenness=forbiddenness)
    total = 1 + energy / rest
    p2, q = total**2 - 1, (endpoint - energy) / rest
    expected = np.sqrt(p2) * total * q**2 * (q**2 + p2) ** forbiddenness
    assert shape / shape[0] == pytest.approx(expected / expected[0], rel=1e-9)


def test_a_spectrum_ends_at_its_end_point_and_holds_one_electron() -> None:
    spectrum = beta_spectrum("Y-90")
    assert spectrum.highest_mev == pytest.approx(2.2787)
    assert spectrum.per_mev[-1] == 0
    assert np.trapezoid(spectrum.per_mev, spectrum.energy_mev) == pytest.approx(1, rel=1e-12)


def test_quantiles_keep_the_mean() -> None:
    """Electrons sampled evenly between neighbouring quantiles have the mean of the spectrum, to 2e-5."""
    spectrum = beta_spectrum("Y-90")
    quantiles = spectrum.quantiles()
    assert ((quantiles[1:] + quantiles[:-1]) / 2).mean() == pytest.approx(spectrum.mean_mev, rel=2e-5)


def test_scaling_keeps_the_shape() -> None:
    spectrum = beta_spectrum("Y-90")
    scaled = spectrum.scaled_to(1.1 * spectrum.mean_mev)
    assert scaled.mean_mev == pytest.approx(1.1 * spectrum.mean_mev)
    assert scaled.energy_mev == pytest.approx(1.1 * spectrum.energy_mev)


def test_refusals() -> None:
    with pytest.raises(ModelRangeError, match=r"'Tc-99m' has no beta spectrum.*Y-90"):
        beta_spectrum("Tc-99m")
    with pytest.raises(ModelRangeError, match="forbiddenness is 2"):
        branch_shape([0.5], 1.0, daughter=40, mass_number=90, forbiddenness=2)
    with pytest.raises(ModelRangeError, match="mean energy is -1"):
        beta_spectrum("Y-90").scaled_to(-1)
