"""The effective SPECT against a scan that is acquired view by view and reconstructed.

This is why the model after reconstruction suffices: what plans read off a SPECT, concentrations in lesions,
liver and lungs, and the shunt, is the same on both to some percent. Noise is not, and has a setting of its
own.
"""

import numpy as np
import pytest
from scipy.ndimage import binary_erosion
from tests.reference.osem import Camera, scan

from emboplan.synthetic.patient import DigitalPatient
from emboplan.synthetic.scans import nuclear

RADIUS_MM = 250.0  # of the detectors' circle
VIEWS, SUBSETS, ITERATIONS = 60, 10, 4


@pytest.fixture(scope="module")
def images(patient: DigitalPatient) -> dict[str, np.ndarray]:
    """Both images of one patient at the same breathing, and their noise-free forms, in MBq per voxel."""
    field, spect, planar = patient.field, patient.definition.spect, patient.definition.planar
    moved = nuclear.at_scan(field.activities.mbq_per_ml, field.volumes_ml, field.breathing_mm, spect.voxel_mm)
    camera = Camera(field.density_g_per_ml, spect.voxel_mm, planar.attenuation_cm2_per_g, VIEWS, RADIUS_MM)
    per_count = field.activities.in_field_mbq / spect.counts
    out = {"effective": patient.maa_spect.counts.astype(np.float64) * per_count}
    expected = nuclear.expected_projection_counts(
        spect, field.activities, field.volumes_ml, field.breathing_mm
    )
    voxel = (spect.voxel_mm,) * 3
    out["effective, no noise"] = nuclear.blurred(expected, spect.filter_fwhm_mm, voxel) * per_count
    for name, rng in (("osem", np.random.default_rng(1)), ("osem, no noise", None)):
        out[name] = scan(
            camera, moved, counts=spect.counts, fwhm_at_face_mm=planar.fwhm_at_face_mm,
            fwhm_per_mm=planar.fwhm_per_mm, scatter_ratio=spect.scatter_ratio,
            scatter_fwhm_mm=spect.scatter_spread_mm, filter_fwhm_mm=spect.filter_fwhm_mm,
            iterations=ITERATIONS, subsets=SUBSETS, rng=rng,
        )  # fmt: skip
    return out


def regions(patient: DigitalPatient) -> dict[str, np.ndarray]:
    ml = patient.field.volumes_ml
    whole = patient.field.grid.voxel_ml
    tumour, normal, lungs = (ml[..., n] / whole for n in range(3))
    return {"tumour": tumour, "normal liver": normal, "lungs": lungs, "liver": tumour + normal}


@pytest.mark.slow
def test_sums_over_organs_and_the_shunt_are_those_of_a_reconstruction(
    patient: DigitalPatient, images: dict[str, np.ndarray]
) -> None:
    """Tumour and liver to 3 %, the shunt to half a point: less than the tolerances of a plan's comparison."""
    sums = {
        (kind, name): float((images[kind] * share).sum())
        for kind in ("effective", "osem")
        for name, share in regions(patient).items()
    }
    for name in ("tumour", "normal liver", "liver"):
        assert pytest.approx(sums["osem", name], rel=0.03) == sums["effective", name]
    shunts = [sums[k, "lungs"] / (sums[k, "lungs"] + sums[k, "liver"]) for k in ("effective", "osem")]
    assert abs(shunts[0] - shunts[1]) < 0.005


@pytest.mark.slow
def test_the_gain_of_the_noisy_variant_is_that_of_a_reconstruction(
    patient: DigitalPatient, images: dict[str, np.ndarray]
) -> None:
    """Standard deviations inside normal liver, four times the plain ones, to a quarter."""
    inner = binary_erosion(regions(patient)["normal liver"] > 0.98, iterations=1)
    sd = {k: (images[k] - images[f"{k}, no noise"])[inner].std() for k in ("effective", "osem")}
    assert pytest.approx(4.0, rel=0.25) == sd["osem"] / sd["effective"]
