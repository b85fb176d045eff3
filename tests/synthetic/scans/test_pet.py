"""The PET after a treatment: its activity, decay and noise against what was set and Poisson statistics."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, gaussian_filter

from emboplan.errors import InputError
from emboplan.synthetic.patient import DigitalPatient
from emboplan.synthetic.scans import nuclear
from emboplan.synthetic.scans.pet import PetScan, PositronSource, as_reconstructed, pet_scan, treated_frac
from emboplan.synthetic.setting.definition import Spread

Y90 = PositronSource("Y-90", 64.1, 31.86e-6)


def treated(patient: DigitalPatient, **changes: float | Spread) -> DigitalPatient:
    settings: dict[str, Any] = {"delivered_gbq": 2.0, **changes}
    pet = dataclasses.replace(patient.definition.pet, **settings)
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
    """Decays summed second by second: 31.86 positrons in a million, four in a thousand counted."""
    seconds = np.arange(1200) + 0.5
    decays = (2e9 * 2 ** (-(20 + seconds / 3600) / 64.1)).sum()
    assert pytest.approx(decays * 31.86e-6 * 0.004, rel=1e-5) == scan.expected_trues


def test_background_outside_the_activity_has_mean_zero(patient: DigitalPatient) -> None:
    """In body without activity the mean is 0 within five standard errors of Poisson counts, no filter."""
    scan = pet_scan(treated(patient, post_filter_mm=0.0, scanner_fwhm_mm=0.0, flight_fwhm_mm=0.0), Y90)
    empty = (patient.field.density_g_per_ml > 0) & (scan.true_bq_per_ml == 0)
    far = binary_erosion(empty, iterations=2)
    values = scan.bq_per_ml[far].astype(np.float64)
    assert values.min() < 0
    assert abs(values.mean()) < 5 * values.std() / np.sqrt(values.size)
    per_voxel = scan.expected_background / np.count_nonzero(patient.field.density_g_per_ml > 0)
    to_bq = total_bq(scan, scan.true_bq_per_ml) / scan.expected_trues / scan.grid.voxel_ml
    assert pytest.approx(np.sqrt(per_voxel) * to_bq, rel=0.05) == values.std()


def test_without_noise_a_large_region_has_its_concentration(patient: DigitalPatient) -> None:
    """Two voxels within the lungs: spill-over is gone, noise of a perfect scanner is small."""
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


def test_noise_goes_with_the_inverse_root_of_activity_and_time(patient: DigitalPatient) -> None:
    """Coefficient of variation over 16 scans in pure normal liver, against the counts: a slope of -1/2.

    A scan is short against the half-life, so that counts are activity times time to a thousandth. The
    standard deviations are of thousands of independent numbers, the slope spans a factor of 16.
    """
    pure = patient.field.volumes_ml[..., nuclear.COMPARTMENTS.index("normal_liver")]
    inner = binary_erosion(pure > 0.95 * patient.field.grid.voxel_ml)
    exposures, variations = [], []
    for activity_gbq, scan_s in ((1.0, 600.0), (4.0, 600.0), (1.0, 2400.0), (4.0, 2400.0)):
        who = treated(patient, delivered_gbq=activity_gbq, scan_s=scan_s)
        values = np.stack(
            [pet_scan(dataclasses.replace(who, seed=seed), Y90).bq_per_ml[inner] for seed in range(16)]
        )
        exposures.append(activity_gbq * scan_s)
        variations.append(np.sqrt((values.std(axis=0, ddof=1) ** 2).mean()) / values.mean())
    slope = np.polyfit(np.log(exposures), np.log(variations), 1)[0]
    assert pytest.approx(-0.5, abs=0.03) == slope
    assert pytest.approx(variations[1], rel=0.1) == variations[2]  # four times either is the same


def test_noise_is_that_of_events_reconstructed_from_their_lines() -> None:
    """The second way: events are drawn, each with a line and a place along it, and reconstructed.

    A plane of 48 x 48 pixels without ends holds even activity. Each event is smeared along its own line
    around the place that its time of flight tells, as wide as that is uncertain; the sum is divided by the
    answer to a point source made of such events, and filtered. Both standard deviations are of 2304
    correlated pixels times six planes, known to some percent.
    """
    n, pixel, flight, per_pixel, planes = 48, 4.0, 35.0, 12.0, 6
    sigma = flight / np.sqrt(8 * np.log(2))
    along = np.arange(-3 * flight, 3 * flight, 2.0)
    weight = np.exp(-(along**2) / (2 * sigma**2))
    weight /= weight.sum()
    rng = np.random.default_rng(4)

    def smeared(places: np.ndarray) -> np.ndarray:
        angle = rng.uniform(0, np.pi, len(places))
        line = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        seen = places + line * rng.normal(0, sigma, (len(places), 1))
        points = seen[:, None] + line[:, None] * along[:, None]
        index = np.floor(points / pixel).astype(int) % n
        flat = (index[..., 0] * n + index[..., 1]).ravel()
        out: np.ndarray = np.bincount(flat, np.tile(weight, len(places)), n * n).reshape(n, n)
        return out

    point = smeared(np.full((60_000, 2), pixel / 2)) / 60_000
    answer = np.abs(np.fft.fft2(point))  # even about its pixel, but for chance
    reconstructed = []
    for _ in range(planes):
        events = rng.uniform(0, n * pixel, (rng.poisson(per_pixel * n * n), 2))
        plane = np.fft.ifft2(np.fft.fft2(smeared(events)) / answer).real
        reconstructed.append(gaussian_filter(plane, 1.2, mode="wrap"))
    counts = rng.poisson(per_pixel, (10 * planes, n, n)).astype(np.float64) - per_pixel
    modelled = gaussian_filter(as_reconstructed(counts, flight, pixel), (0, 1.2, 1.2))
    middle = modelled[:, 12:-12, 12:-12]
    assert pytest.approx(np.std(reconstructed), rel=0.1) == middle.std()
    assert middle.std() > 1.5 * gaussian_filter(counts, (0, 1.2, 1.2)).std()


def test_without_time_of_flight_to_tell_each_count_keeps_its_voxel() -> None:
    counts = np.random.default_rng(1).uniform(-1, 1, (2, 5, 6))
    assert np.array_equal(counts, as_reconstructed(counts, 0.0, 4.0))


def test_the_patient_may_lie_elsewhere_than_on_the_ct(patient: DigitalPatient, scan: PetScan) -> None:
    """The same image, said to be elsewhere; and the truth stays where the CT has it."""
    moved = pet_scan(
        treated(
            patient, moved_x_mm=Spread(3.0, 3.0), moved_y_mm=Spread(-2.0, -2.0), moved_z_mm=Spread(7.0, 7.0)
        ),
        Y90,
    )
    assert moved.bq_per_ml.tobytes() == scan.bq_per_ml.tobytes()
    assert moved.true_bq_per_ml.tobytes() == scan.true_bq_per_ml.tobytes()
    assert np.allclose([3.0, -2.0, 7.0], np.subtract(moved.grid.origin_mm, scan.grid.origin_mm))
    assert moved.registration_shift_mm == (3.0, -2.0, 7.0)
    assert scan.registration_shift_mm == (0.0, 0.0, 0.0)


def test_the_liver_alone_may_lie_higher(patient: DigitalPatient) -> None:
    """Without noise the middle of all activity rises by the liver's part of what the liver rises."""
    quiet = {"efficiency": 1e6, "background_ratio": 0.0, "post_filter_mm": 0.0, "flight_fwhm_mm": 0.0}

    def middle_mm(higher_mm: float) -> float:
        scan = pet_scan(treated(patient, **quiet, liver_higher_mm=Spread(higher_mm, higher_mm)), Y90)
        planes = scan.bq_per_ml.sum(axis=(1, 2), dtype=np.float64)
        return float((planes * np.arange(planes.size)).sum() / planes.sum()) * scan.grid.spacing_mm[2]

    in_liver = 1 - treated_frac(patient.field)["lungs"]
    assert pytest.approx(10.0 * in_liver, abs=0.05) == middle_mm(10.0) - middle_mm(0.0)
