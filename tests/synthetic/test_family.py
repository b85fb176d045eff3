"""Patients of the family: burden, phases, resections, fluid, segments and MR twins, on coarse grids."""

from typing import Any

import numpy as np
import pytest

from emboplan.errors import InputError
from emboplan.synthetic.body.territories import segment_of
from emboplan.synthetic.patient import DigitalPatient, make_patient
from emboplan.synthetic.scans.mr import LIVER_SIGNAL, mr_image


def labelled(patient: DigitalPatient, name: str) -> np.ndarray:
    number = {what: n for n, what in patient.truth.other_names.items()}[name]
    marked: np.ndarray = patient.truth.others.labels == number
    return marked


def test_segments_share_out_the_whole_liver(patient: DigitalPatient) -> None:
    segments, liver = patient.truth.segments.labels, patient.truth.liver.voxels
    assert np.array_equal(segments > 0, liver)
    volumes = patient.truth.truth_dict()["segment_volumes_ml"]
    assert pytest.approx(patient.truth.liver.volume_ml) == sum(volumes.values())  # type: ignore[attr-defined]  # a table
    assert min(volumes.values()) > 0  # type: ignore[attr-defined]  # a table


@pytest.mark.parametrize(
    ("place", "segment"),
    [
        ((-8.0, 8.0, -58.0), 1),  # before the cava
        ((40.0, -50.0, -30.0), 2),  # left of the left vein, high
        ((40.0, -50.0, -70.0), 3),  # and low
        ((-20.0, -50.0, -40.0), 4),  # between left and middle vein
        ((-20.0, -60.0, -100.0), 5),
        ((-70.0, -50.0, -120.0), 6),  # right of the middle vein, in front, low: V
        ((-90.0, 60.0, -120.0), 7),  # behind the right vein, low: VI
        ((-90.0, 60.0, -40.0), 8),  # and high: VII
        ((-70.0, -50.0, -40.0), 9),  # in front, high: VIII
    ],
)
def test_segments_lie_where_couinaud_has_them(place: tuple[float, float, float], segment: int) -> None:
    assert segment_of(np.array([place])).tolist() == [segment]


def test_the_mr_twin_lies_on_the_ct_and_shows_what_was_set(patient: DigitalPatient) -> None:
    """Liver and spleen of the T1 twin, found by the CT's masks, within the shading of the coils."""
    from scipy.ndimage import binary_erosion

    image = mr_image(patient.definition, patient.drawn, "t1", patient.seed)
    assert patient.ct.grid.frame_of_reference_uid == image.grid.frame_of_reference_uid
    signal = image.sequence.signal
    vessels = labelled(patient, "vessels in the liver")
    pure = patient.truth.liver.voxels & (patient.truth.lesions.labels == 0) & ~vessels
    masks = (pure, labelled(patient, "spleen"), patient.truth.lesions.labels == 1)
    means = []
    for mask in masks:
        index = np.argwhere(binary_erosion(mask, iterations=2)).T
        z, y, x = np.rint(image.grid.to_index(patient.ct.grid.to_mm(index[::-1].T))[:, ::-1].T).astype(int)
        keep = (z >= 0) & (z < image.grid.shape[0])
        means.append(float(image.signal[z[keep], y[keep], x[keep]].mean()))
    liver, spleen, lesion = means
    shading = image.sequence.bias_frac
    assert pytest.approx(LIVER_SIGNAL, rel=shading + 0.05) == liver
    assert pytest.approx(signal["spleen"] / signal["liver"], rel=shading + 0.05) == spleen / liver
    assert lesion < 0.85 * liver


def test_air_of_the_mr_twin_has_rician_noise(patient: DigitalPatient) -> None:
    """Of a magnitude without signal the mean is sd sqrt(pi/2) and the mean square 2 sd^2 (Rayleigh)."""
    image = mr_image(patient.definition, patient.drawn, "t2", patient.seed)
    corner = image.signal[:, :20, :20].astype(float)
    sd = LIVER_SIGNAL / image.sequence.snr
    assert pytest.approx(sd * np.sqrt(np.pi / 2), rel=0.02) == corner.mean()
    assert pytest.approx(2 * sd**2, rel=0.03) == (corner**2).mean()


def test_an_mr_sequence_that_is_not_there_is_refused(patient: DigitalPatient) -> None:
    with pytest.raises(InputError, match=r"MR sequence 'dwi' is unknown; expected t1, t2"):
        mr_image(patient.definition, patient.drawn, "dwi", 3)


def test_two_phases_are_two_scans_of_one_patient(
    patient: DigitalPatient, coarse_table: dict[str, Any]
) -> None:
    """The arterial scan has the same masks; hypervascular lesions are bright in it and dark in the portal."""
    arterial = make_patient(coarse_table, 3, {"phase": "arterial"})
    assert np.array_equal(patient.truth.lesions.labels, arterial.truth.lesions.labels)
    assert np.array_equal(patient.truth.liver.voxels, arterial.truth.liver.voxels)
    assert patient.ct.grid.frame_of_reference_uid == arterial.ct.grid.frame_of_reference_uid
    for portal_lesion, lesion in zip(patient.truth.lesion_table, arterial.truth.lesion_table, strict=True):
        assert portal_lesion.mean_hu < patient.truth.hu["liver"]
        above = lesion.mean_hu - arterial.truth.hu["liver"]
        assert not lesion.hypervascular or lesion.core or above > 15
        assert lesion.hypervascular or above < 0
    assert arterial.truth.hu["aorta"] - arterial.truth.hu["liver"] > 100


@pytest.mark.slow
@pytest.mark.parametrize("burden", [0.0, 0.01, 0.3, 0.55, 0.8])
def test_burden_measured_is_burden_set(coarse_table: dict[str, Any], burden: float) -> None:
    truth = make_patient(coarse_table, 5, {"burden_frac": burden}).truth
    sample_ml = 3.2**2 * 5.0 / 12000
    assert abs(truth.burden_frac - burden) <= 1.01 * sample_ml / truth.volumes_ml["liver"]
    assert abs(truth.lesions.union.volume_ml / truth.liver.volume_ml - burden) < 0.01


@pytest.mark.slow
def test_nodules_are_many_and_small(coarse_table: dict[str, Any]) -> None:
    truth = make_patient(coarse_table, 5, {"variant": "miliary"}).truth
    diameters = (6000 * np.array([lesion.analytic_volume_ml for lesion in truth.lesion_table]) / np.pi) ** (
        1 / 3
    )
    assert len(diameters) > 300
    assert 3.6 < diameters.min() < diameters.max() < 11.0
    assert pytest.approx(0.10, abs=1e-5) == truth.burden_frac
    assert pytest.approx(truth.volumes_ml["tumour"], rel=1e-6) == sum(
        one.volume_ml for one in truth.lesion_table
    )


@pytest.mark.slow
def test_a_right_hepatectomy_leaves_the_left(coarse_table: dict[str, Any]) -> None:
    """Segments VI and VII are gone, V and VIII all but gone; there is no gallbladder."""
    patient = make_patient(coarse_table, 4, {"variant": "right-hepatectomy"})
    counts = np.bincount(patient.truth.segments.labels.ravel(), minlength=10)
    assert counts[7] + counts[8] < 0.001 * counts[1:].sum()
    assert counts[6] + counts[9] < 0.2 * counts[1:].sum()
    assert not labelled(patient, "gallbladder").any()


@pytest.mark.slow
def test_a_left_lateral_resection_leaves_the_right(coarse_table: dict[str, Any]) -> None:
    """The cut follows the fissure, which is more upright than the plane of the left vein: a rest is left."""
    counts = np.bincount(
        make_patient(coarse_table, 6, {"variant": "left-lateral-resection"}).truth.segments.labels.ravel(),
        minlength=10,
    )
    assert counts[2] + counts[3] < 0.10 * counts[1:].sum()
    assert counts[6] + counts[7] + counts[8] + counts[9] > 0.5 * counts[1:].sum()


@pytest.mark.slow
def test_ascites_and_a_large_spleen(patient: DigitalPatient, coarse_table: dict[str, Any]) -> None:
    wet = make_patient(coarse_table, 3, {"variant": "ascites+splenomegaly"})
    voxel_ml = wet.ct.grid.voxel_ml
    assert not labelled(patient, "ascites").any()
    assert labelled(wet, "ascites").sum() * voxel_ml > 300
    assert labelled(wet, "spleen").sum() > 1.5 * labelled(patient, "spleen").sum()


@pytest.mark.slow
def test_a_step_of_breath_breaks_the_dome(coarse_table: dict[str, Any]) -> None:
    """The burden is that of the images, and one pair of neighbouring slices differs more than any before."""
    still, moved = (
        make_patient(coarse_table, 3, {} if step == 0 else {"breath_step_mm": step}) for step in (0, 12.0)
    )
    assert pytest.approx(moved.truth.burden_set_frac, abs=1e-6) == moved.truth.burden_frac

    def change(one: DigitalPatient) -> np.ndarray:
        differ = one.truth.liver.voxels[1:] ^ one.truth.liver.voxels[:-1]
        changed: np.ndarray = np.count_nonzero(differ, axis=(1, 2))
        return changed

    where = int(np.argmax(change(moved) - change(still)))
    assert change(moved)[where] > 1.5 * change(still)[where]
