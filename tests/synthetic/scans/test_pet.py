"""The PET after a treatment: its activity, decay and noise against what was set and Poisson statistics."""

import dataclasses

import numpy as np
import pytest

from emboplan.errors import InputError
from emboplan.synthetic.patient import DigitalPatient
from emboplan.synthetic.scans import nuclear
from emboplan.synthetic.scans.pet import PetScan, PositronSource, pet_scan, treated_frac

Y90 = PositronSource("Y-90", 64.1, 31.86e-6)


def treated(patient: DigitalPatient, **changes: float) -> DigitalPatient:
    pet = dataclasses.replace(patient.definition.pet, delivered_gbq=2.0, **changes)
    return dataclasses.replace(patient, definition=dataclasses.replace(patient.definition, pet=pet))


@pytest.fixture(scope="module")
def scan(patient: DigitalPatient) -> PetScan:
    return pet_scan(treated(patient), Y90)


def total_bq(scan: PetScan, values: np.ndarray) -> float:
    return float(values.sum(dtype=np.float64)) * scan.grid.voxel_ml


def test_the_true_map_holds_what_was_delivered_and_has_decayed(scan: PetScan) -> None:
    """2 GBq, 20 h before: 2e9 * 2^(-20/64.1) Bq, in single precision."""
    assert pytest.approx(2e9 * 2 ** (-20 / 64.1), rel=1e-6) == total_bq(scan, scan.true_bq_per_ml)
    assert pytest.approx(2.0, rel=1e-12) == sum(scan.delivered_gbq.values())


def test_spheres_lie_as_the_maa_did(patient: DigitalPatient, scan: PetScan) -> None:
    """The same ratio and shunt, to 1e-9, and nothing in the rest of the body."""
    given, volumes = scan.delivered_gbq, patient.truth.volumes_ml
    assert set(given) == {"tumour", "normal_liver", "lungs"}
    ratio = given["tumour"] / volumes["tumour"] / (given["normal_liver"] / volumes["normal_liver"])
    assert pytest.approx(patient.truth.tumour_to_normal, rel=1e-9) == ratio
    assert pytest.approx(patient.truth.lung_shunt_frac, rel=1e-9) == given["lungs"] / 2.0
    assert pytest.approx(1.0, rel=1e-12) == sum(treated_frac(patient.field).values())


def test_the_total_lies_within_its_noise(scan: PetScan) -> None:
    """Five standard deviations of trues and of the background that was subtracted."""
    off = total_bq(scan, scan.bq_per_ml) - total_bq(scan, scan.true_bq_per_ml)
    assert abs(off) < 5 * scan.total_sd_bq
    assert pytest.approx(8.0, rel=1e-9) == scan.expected_background / scan.expected_trues


def test_true_coincidences_are_decays_times_positrons_times_efficiency(scan: PetScan) -> None:
    """Decays summed second by second: 31.86 positrons in a million, one in a thousand counted."""
    seconds = np.arange(1200) + 0.5
    decays = (2e9 * 2 ** (-(20 + seconds / 3600) / 64.1)).sum()
    assert pytest.approx(decays * 31.86e-6 * 0.001, rel=1e-5) == scan.expected_trues


def test_background_outside_the_activity_has_mean_zero(patient: DigitalPatient) -> None:
    """In body without activity the mean is 0 within five standard errors of Poisson counts, no filter."""
    scan = pet_scan(treated(patient, post_filter_mm=0.0, scanner_fwhm_mm=0.0), Y90)
    empty = (patient.field.density_g_per_ml > 0) & (scan.true_bq_per_ml == 0)
    from scipy.ndimage import binary_erosion

    far = binary_erosion(empty, iterations=2)
    values = scan.bq_per_ml[far].astype(np.float64)
    assert values.min() < 0
    assert abs(values.mean()) < 5 * values.std() / np.sqrt(values.size)
    per_voxel = scan.expected_background / np.count_nonzero(patient.field.density_g_per_ml > 0)
    to_bq = total_bq(scan, scan.true_bq_per_ml) / scan.expected_trues / scan.grid.voxel_ml
    assert pytest.approx(np.sqrt(per_voxel) * to_bq, rel=0.05) == values.std()


def test_without_noise_a_large_region_has_its_concentration(patient: DigitalPatient) -> None:
    """Two voxels within the lungs: spill-over is gone, noise of a perfect scanner is small."""
    from scipy.ndimage import binary_erosion

    scan = pet_scan(treated(patient, efficiency=1.0, background_ratio=0.0), Y90)
    pure = patient.field.volumes_ml[..., nuclear.COMPARTMENTS.index("lungs")] > 0.999 * scan.grid.voxel_ml
    inner = binary_erosion(pure, iterations=2)
    assert inner.sum() > 50
    true = scan.true_bq_per_ml[inner].mean()
    assert pytest.approx(true, rel=0.02) == scan.bq_per_ml[inner].mean()


def test_a_patient_who_was_not_treated_has_none(patient: DigitalPatient) -> None:
    with pytest.raises(InputError, match=r"pet\.delivered_gbq is 0"):
        pet_scan(patient, Y90)


def test_the_same_patient_has_the_same_pet(patient: DigitalPatient, scan: PetScan) -> None:
    assert pet_scan(treated(patient), Y90).bq_per_ml.tobytes() == scan.bq_per_ml.tobytes()
