"""The whole digital patient: its truth hangs together, its bytes repeat, and bad definitions are refused."""

import copy
import json
import os
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from emboplan.errors import InputError
from emboplan.synthetic.patient import DigitalPatient, digital_patient
from emboplan.synthetic.scans.deposits import Places
from emboplan.synthetic.scans.maa_scans import maa_scans
from emboplan.synthetic.setting.definition import PhantomDefinition
from emboplan.synthetic.setting.tables import from_table


def test_burden_measured_is_burden_set(patient: DigitalPatient) -> None:
    """Within 0.1 percentage points, by sub-samples and by the lesions' analytic volumes."""
    truth = patient.truth
    assert abs(truth.burden_frac - 0.20) < 0.001
    analytic = sum(lesion.analytic_volume_ml for lesion in truth.lesion_table)
    assert abs(analytic / truth.volumes_ml["liver"] - 0.20) < 0.001


def test_lesions_lie_inside_the_liver_and_apart(patient: DigitalPatient) -> None:
    """No voxel of a lesion outside the liver; between two lesions lies at least one voxel of neither."""
    from scipy.ndimage import binary_dilation

    truth = patient.truth
    lesions = truth.lesions.labels
    assert not (lesions[~truth.liver.voxels] > 0).any()
    for number in truth.lesions.numbers:
        around = binary_dilation(lesions == number) & (lesions > 0)
        assert {number} == set(np.unique(lesions[around]))


def test_lesions_follow_the_definition(patient: DigitalPatient) -> None:
    """Five to eight, the volume-equivalent diameters from 8 to 60 mm, at least four of 20 mm."""
    volumes = np.array([lesion.volume_ml for lesion in patient.truth.lesion_table])
    diameters = (6 * volumes * 1000 / np.pi) ** (1 / 3)
    assert 5 <= len(diameters) <= 8
    assert diameters.min() > 7.8
    assert diameters.max() < 60.2
    assert np.count_nonzero(diameters >= 20) >= 4


def test_viable_tumour_is_the_lesions_without_core_and_calcification(coarse: PhantomDefinition) -> None:
    """A core reaches 0.45 of the way to the surface: 0.45^3 of a ball's volume, here of every lesion."""
    lesions = replace(coarse.lesions, core_frac=1.0, calcified_frac=0.0)
    truth = digital_patient(replace(coarse, lesions=lesions), seed=3).truth
    assert not (truth.viable.voxels & (truth.lesions.labels == 0)).any()
    for lesion in truth.lesion_table:
        assert lesion.viable_ml / lesion.volume_ml == pytest.approx(1 - 0.45**3, abs=0.015)
    whole = sum(lesion.viable_ml for lesion in truth.lesion_table)
    assert truth.volumes_ml["viable_tumour"] == pytest.approx(whole)
    assert truth.viable.volume_ml == pytest.approx(whole, rel=0.02)


def test_lesions_without_core_are_viable_as_a_whole(coarse: PhantomDefinition) -> None:
    lesions = replace(coarse.lesions, core_frac=0.0, calcified_frac=0.0)
    truth = digital_patient(replace(coarse, lesions=lesions), seed=3).truth
    assert np.array_equal(truth.viable.voxels, truth.lesions.labels > 0)


def test_longest_diameter_is_between_the_ball_and_twice_it(patient: DigitalPatient) -> None:
    """No shape has a smaller longest diameter than the ball of its volume (isodiametric inequality)."""
    for lesion in patient.truth.lesion_table:
        ball = (6 * lesion.analytic_volume_ml * 1000 / np.pi) ** (1 / 3)
        assert ball * 0.99 < lesion.longest_diameter_mm < 2 * ball
        # both are searched on points of the surface, good to 0.3 %
        assert lesion.longest_axial_diameter_mm < lesion.longest_diameter_mm * 1.005


def test_liver_has_the_volume_set(patient: DigitalPatient) -> None:
    assert 1480 < patient.truth.volumes_ml["liver"] < 1920


def test_masks_agree_with_volumes(patient: DigitalPatient) -> None:
    """Whole voxels hold the volume of the sub-samples to 1 % in large organs: ties are not one-sided."""
    truth = patient.truth
    for name, mask in (("liver", truth.liver), ("lungs", truth.lungs), ("body", truth.body)):
        assert pytest.approx(truth.volumes_ml[name], rel=0.01) == mask.volume_ml


def test_lungs_end_inside_the_scan(patient: DigitalPatient) -> None:
    """The first and the last slice hold neither lung nor liver: the CT covers both whole."""
    for mask in (patient.truth.lungs, patient.truth.liver):
        assert not mask.voxels[0].any()
        assert not mask.voxels[-1].any()


def test_head_is_up_and_the_liver_on_the_right(patient: DigitalPatient) -> None:
    """LPS: lungs above the liver (higher z), liver towards the patient's right (lower x), spine behind."""
    truth = patient.truth

    def centre(mask: np.ndarray) -> np.ndarray:
        return np.asarray(truth.liver.grid.to_mm(np.argwhere(mask).mean(axis=0)[::-1]))

    liver, lungs, body = (centre(m.voxels) for m in (truth.liver, truth.lungs, truth.body))
    number = {name: n for n, name in truth.other_names.items()}
    assert lungs[2] > liver[2] + 50
    assert liver[0] < body[0] - 20
    assert centre(truth.others.labels == number["spleen"])[0] > body[0] + 40
    assert centre(truth.others.labels == number["bones"])[1] > body[1]


def test_ct_numbers_are_those_of_the_definition(patient: DigitalPatient) -> None:
    """Well inside the liver the mean CT number is the tissue's, and the SD that of noise and grain."""
    from scipy.ndimage import binary_erosion

    truth, hu = patient.truth, patient.ct.hu
    vessels = {name: n for n, name in truth.other_names.items()}["vessels in the liver"]
    pure = binary_erosion(
        truth.liver.voxels & (truth.lesions.labels == 0) & (truth.others.labels != vessels), iterations=2
    )
    assert 90 < truth.hu["liver"] < 125
    assert abs(hu[pure].mean() - truth.hu["liver"]) < 5  # twigs thinner than half a voxel lift it
    expected_sd = np.hypot(truth.noise_sd_hu, 6.0)
    assert pytest.approx(expected_sd, rel=0.2) == hu[pure].std()
    largest = binary_erosion(truth.lesions.labels == 1, iterations=2)
    assert 15 < hu[pure].mean() - hu[largest].mean() < 60


def test_one_frame_of_reference(patient: DigitalPatient) -> None:
    uid = patient.ct.grid.frame_of_reference_uid
    assert uid is not None
    assert uid.startswith("2.25.")
    assert len(uid) <= 64
    assert (
        uid
        == patient.maa_spect.grid.frame_of_reference_uid
        == patient.truth.activity.grid.frame_of_reference_uid
    )


def test_truth_goes_to_json(patient: DigitalPatient) -> None:
    again = json.loads(json.dumps(patient.truth.truth_dict()))
    assert patient.truth.burden_frac == again["burden_frac"]
    assert len(patient.truth.lesion_table) == len(again["lesions"])


def test_same_seed_same_bytes_on_any_number_of_threads(
    patient: DigitalPatient, coarse: PhantomDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    again = digital_patient(coarse, seed=3)
    assert patient.ct.hu.tobytes() == again.ct.hu.tobytes()
    assert patient.maa_spect.counts.tobytes() == again.maa_spect.counts.tobytes()
    assert patient.planar.anterior.tobytes() == again.planar.anterior.tobytes()
    assert patient.planar.posterior.tobytes() == again.planar.posterior.tobytes()
    assert patient.truth.truth_dict() == again.truth.truth_dict()


def test_another_seed_is_another_patient(patient: DigitalPatient, coarse: PhantomDefinition) -> None:
    other = digital_patient(coarse, seed=4)
    ours, theirs = patient.truth, other.truth
    dice = 2 * np.count_nonzero(ours.liver.voxels & theirs.liver.voxels) / (
        ours.liver.voxel_count + theirs.liver.voxel_count
    )  # fmt: skip
    assert dice < 0.97
    assert ours.lesion_table[0].centre_mm != theirs.lesion_table[0].centre_mm
    assert patient.ct.grid.frame_of_reference_uid != other.ct.grid.frame_of_reference_uid


def test_lesions_that_cannot_fit_are_refused(coarse_table: dict[str, Any]) -> None:
    """Balls of 60 and 20 mm (the least size of the four largest) hold 113.1 + 4.2 mL."""
    table = copy.deepcopy(coarse_table)
    table["lesions"] |= {"count": 2, "burden_frac": 0.35}
    with pytest.raises(InputError, match=r"lesions\.burden_frac .* 2 lesions of .* hold at most 117 mL"):
        digital_patient(from_table(table), seed=1)


def test_a_liver_that_cannot_fit_is_refused(coarse_table: dict[str, Any]) -> None:
    table = copy.deepcopy(coarse_table)
    table["liver"]["volume_ml"] = 5000.0
    with pytest.raises(InputError, match=r"a liver of 5000 mL does not fit"):
        digital_patient(from_table(table), seed=1)


@pytest.mark.parametrize("seed", [-1, 10**20])
def test_an_impossible_seed_is_refused(coarse: PhantomDefinition, seed: int) -> None:
    with pytest.raises(InputError, match=rf"seed is {seed}; expected 0 to 9007199254740992"):
        digital_patient(coarse, seed=seed)


def test_a_spect_that_does_not_hold_the_liver_is_refused(
    patient: DigitalPatient, coarse: PhantomDefinition
) -> None:
    """A third of the volume that must be there is missing on the nuclear grid."""
    field, truth = patient.field, patient.truth
    seen = np.concatenate([field.volumes_ml, field.density_g_per_ml[..., None]], axis=-1)
    places = Places(
        truth.body, truth.liver, truth.lungs, truth.others.labels.astype(np.uint8), truth.other_names
    )
    volumes = {**truth.volumes_ml, "normal_liver": 1.5 * truth.volumes_ml["normal_liver"]}
    with pytest.raises(InputError, match=r"mL of normal liver; raise spect\.matrix, slices or voxel_mm"):
        maa_scans(coarse, 3, field.grid, seen, volumes, places, patient.drawn)
