"""Activity, SPECT and planar views against what was set, Poisson statistics and closed forms."""

import dataclasses

import numpy as np
import pytest

from emboplan.model.grid import Grid
from emboplan.synthetic.patient import DigitalPatient
from emboplan.synthetic.scans import nuclear
from emboplan.synthetic.setting.definition import PhantomDefinition

VOLUMES = {"tumour": 300.0, "normal_liver": 1200.0, "lungs": 4000.0, "background": 20000.0}


def activities(coarse: PhantomDefinition) -> nuclear.Activities:
    return nuclear.distribute(coarse.uptake, VOLUMES, np.random.default_rng(1))


def test_ratio_and_shunt_of_the_noise_free_map_are_those_set(coarse: PhantomDefinition) -> None:
    """To 1e-9, measured on a map of pure voxels: concentrations in tumour and liver; lungs over both."""
    given = activities(coarse)
    volumes = np.zeros((1, 1, 4, 4))
    volumes[0, 0] = np.diag(list(VOLUMES.values()))
    tumour, normal, lungs, background = nuclear.activity_mbq(given, volumes)[0, 0]
    assert pytest.approx(5.0, rel=1e-9) == (tumour / 300.0) / (normal / 1200.0)
    assert pytest.approx(0.06, rel=1e-9) == lungs / (lungs + tumour + normal)
    assert pytest.approx(0.01, rel=1e-9) == background / 150.0
    assert pytest.approx(150.0, rel=1e-9) == tumour + normal + lungs + background


def test_ratio_and_shunt_of_a_patient(patient: DigitalPatient) -> None:
    """From activities and volumes of the truth, and the total of its map (held in single precision)."""
    truth = patient.truth
    per_ml = {c: truth.activity_mbq[c] / truth.volumes_ml[c] for c in nuclear.COMPARTMENTS}
    liver = truth.activity_mbq["tumour"] + truth.activity_mbq["normal_liver"]
    assert pytest.approx(5.0, rel=1e-9) == per_ml["tumour"] / per_ml["normal_liver"]
    assert pytest.approx(0.06, rel=1e-9) == truth.activity_mbq["lungs"] / (
        truth.activity_mbq["lungs"] + liver
    )
    assert pytest.approx(truth.injected_mbq, rel=1e-6) == truth.activity.total_mbq


def test_pure_voxels_of_the_map_hold_the_concentrations(patient: DigitalPatient) -> None:
    """The highest concentration is a voxel full of tumour."""
    truth = patient.truth
    assert pytest.approx(truth.activity_mbq_per_ml["tumour"], rel=1e-6) == truth.activity.mbq_per_ml.max()


def test_spect_counts_are_poisson(patient: DigitalPatient, coarse: PhantomDefinition) -> None:
    """The total lies within five standard deviations of what was set (the blur loses none inside)."""
    expected = coarse.spect.counts
    assert abs(patient.maa_spect.total_counts - expected) < 5 * np.sqrt(expected) + 1e-5 * expected


def test_planar_counts_are_poisson(patient: DigitalPatient, coarse: PhantomDefinition) -> None:
    planar = patient.planar
    total = float(planar.anterior.sum(dtype=np.float64) + planar.posterior.sum(dtype=np.float64))
    assert abs(total - coarse.planar.counts) < 5 * np.sqrt(coarse.planar.counts)


def test_spect_resolution_on_a_point(coarse: PhantomDefinition) -> None:
    """A point source has the variance of a Gaussian of the width stated: second moments, no fit.

    Both blurs are sampled Gaussians on voxels a third of the narrower; the point's own voxel adds nothing.
    """
    spect = dataclasses.replace(coarse.spect, voxel_mm=2.5, counts=1e8)
    volumes = np.zeros((61, 61, 61, 4))
    volumes[30, 30, 30, 2] = 1.0
    point = nuclear.Activities(
        dict.fromkeys(nuclear.COMPARTMENTS, 0.0) | {"lungs": 1.0},
        dict.fromkeys(nuclear.COMPARTMENTS, 0.0) | {"lungs": 1.0},
        5.0,
        1.0,
    )
    expected = nuclear.expected_projection_counts(spect, point, volumes, 0.0)
    grid = Grid((61, 61, 61), (2.5, 2.5, 2.5), (0.0, 0.0, 0.0))
    image = nuclear.spect_image(spect, grid, expected, np.random.default_rng(1))
    counts = image.counts.astype(np.float64)
    place = 2.5 * (np.arange(61) - 30)
    for axis in range(3):
        profile = counts.sum(axis=tuple(a for a in range(3) if a != axis))
        sigma = np.sqrt((profile * place**2).sum() / profile.sum())
        assert pytest.approx(np.hypot(11.0, 8.0), rel=0.005) == sigma * 2 * np.sqrt(2 * np.log(2))
    assert pytest.approx(np.hypot(11.0, 8.0)) == image.resolution_fwhm_mm


def test_breathing_keeps_the_sum_and_has_the_variance_of_a_sine() -> None:
    """A sine of full range R has the standard deviation R / (2 sqrt 2); interpolation adds below a voxel."""
    image = np.zeros((61, 1, 1))
    image[30] = 7.0
    moved = nuclear.breathe(image, 20.0, 1.0)
    place = np.arange(61) - 30
    assert pytest.approx(7.0, rel=1e-12) == moved.sum()
    deviation = np.sqrt((moved[:, 0, 0] * place**2).sum() / 7.0)
    assert pytest.approx(20 / (2 * np.sqrt(2)), rel=0.01) == deviation


@pytest.mark.parametrize(("focus", "free"), [(0.03, 0.0), (0.0, 0.12), (0.05, 0.2)])
def test_what_lies_beside_changes_neither_ratio_nor_shunt(
    coarse: PhantomDefinition, focus: float, free: float
) -> None:
    """All adds up to what was injected; free technetium is shared as set, its rest with the background."""
    uptake = dataclasses.replace(coarse.uptake, focus_frac=focus, free_frac=free)
    given = nuclear.distribute(uptake, VOLUMES, np.random.default_rng(1))
    mbq = given.mbq
    assert pytest.approx(150.0, rel=1e-12) == sum(mbq.values())
    assert pytest.approx(5.0, rel=1e-9) == given.mbq_per_ml["tumour"] / given.mbq_per_ml["normal_liver"]
    liver = mbq["tumour"] + mbq["normal_liver"]
    assert pytest.approx(0.06, rel=1e-9) == mbq["lungs"] / (mbq["lungs"] + liver)
    assert pytest.approx(150 * focus) == mbq.get("focus", 0.0)
    beside = [mbq.get(key, 0.0) for key in ("free_stomach", "free_kidneys", "free_outside")]
    assert pytest.approx([150 * free * part for part in (0.25, 0.10, 0.25)]) == beside
    assert pytest.approx(150 * (0.01 + free * 0.4)) == mbq["background"]
    assert pytest.approx(150.0 - 150 * free * 0.25) == given.in_field_mbq


@pytest.mark.parametrize("shift_mm", [0.0, 3.7, -3.7, 12.0, -30.0])
def test_moving_along_z_is_exact(shift_mm: float) -> None:
    image = np.zeros((41, 2, 2))
    image[18:22] = np.random.default_rng(1).random((4, 2, 2))
    moved = nuclear.along_z(image, shift_mm, 4.0)
    place = 4.0 * np.arange(41)[:, None, None]
    assert pytest.approx(image.sum(), rel=1e-12) == moved.sum()
    change = (moved * place).sum() / moved.sum() - (image * place).sum() / image.sum()
    assert pytest.approx(shift_mm, abs=1e-9) == change


def test_a_mismatch_moves_the_liver_and_not_the_lungs(
    coarse: PhantomDefinition, patient: DigitalPatient
) -> None:
    """Middles along z of the expected counts of each alone: by the shift set, and not at all."""
    field = patient.field
    z = field.grid.spacing_mm[2] * np.arange(field.grid.shape[0])[:, None, None]

    def middle(compartment: str, higher_mm: float) -> float:
        one = dict.fromkeys(nuclear.COMPARTMENTS, 0.0)
        given = nuclear.Activities(one | {compartment: 1.0}, one | {compartment: 1.0}, 5.0, 0.06)
        counts = nuclear.expected_projection_counts(
            coarse.spect, given, field.volumes_ml, 8.0, higher_mm=higher_mm
        )
        return float((counts * z).sum() / counts.sum())

    for compartment, moved in (("tumour", 14.0), ("normal_liver", 14.0), ("lungs", 0.0)):
        change = middle(compartment, 14.0) - middle(compartment, 0.0)
        assert pytest.approx(moved, abs=0.01) == change


def test_scatter_that_is_left_comes_on_top(coarse: PhantomDefinition, patient: DigitalPatient) -> None:
    """35 % of the primary counts without its correction, a tenth of it where a tenth is left."""
    field = patient.field

    def total(**changes: object) -> float:
        spect = dataclasses.replace(coarse.spect, **changes)  # type: ignore[arg-type]  # settings by name
        return float(nuclear.expected_projection_counts(spect, field.activities, field.volumes_ml, 8.0).sum())

    assert pytest.approx(1.35, rel=0.01) == total(corrections="attenuation") / total()
    assert pytest.approx(1.035, rel=0.001) == total(scatter_left_frac=0.1) / total()


def test_attenuation_of_a_cylinder_is_that_of_its_radius() -> None:
    """From the middle of a water cylinder every direction leads through one radius: exp(-0.15 * 10)."""
    y, x = np.mgrid[:61, :61] - 30
    water = np.broadcast_to((np.hypot(x, y) <= 25).astype(float), (2, 61, 61)).copy()
    escape = nuclear.mean_escape_frac(water, 0.15, 4.0)
    assert pytest.approx(np.exp(-0.15 * 10.0), rel=0.02) == escape[0, 30, 30]
    assert escape[0, 30, 30] < escape[0, 30, 40] < escape[0, 30, 54] < 1


def test_noise_has_the_gain_that_was_set(coarse: PhantomDefinition) -> None:
    """Before the filter: mean 50 and variance 50 g^2, within five standard errors of 64000 voxels."""
    grid = Grid((40, 40, 40), (8.84,) * 3, (0.0, 0.0, 0.0))
    for gain in (1.0, 3.0):
        spect = dataclasses.replace(coarse.spect, noise_gain=gain, filter_fwhm_mm=0.0)
        image = nuclear.spect_image(spect, grid, np.full(grid.shape, 50.0), np.random.default_rng(1))
        counts = image.counts.astype(np.float64)
        assert abs(counts.mean() - 50) < 5 * gain * np.sqrt(50 / 64000)
        assert pytest.approx(50 * gain**2, rel=0.04) == counts.var()


@pytest.mark.parametrize(
    ("corrections", "attenuation", "scatter"),
    [("attenuation+scatter", True, True), ("attenuation", True, False), ("none", False, False)],
)
def test_the_image_says_which_corrections_were_made(
    coarse: PhantomDefinition, corrections: str, *, attenuation: bool, scatter: bool
) -> None:
    spect = dataclasses.replace(coarse.spect, corrections=corrections)
    grid = Grid((4, 4, 4), (8.84,) * 3, (0.0, 0.0, 0.0))
    image = nuclear.spect_image(spect, grid, np.ones(grid.shape), np.random.default_rng(1))
    assert (attenuation, scatter) == (image.attenuation_corrected, image.scatter_corrected)


def test_photons_escape_as_the_exponential_says() -> None:
    """Half a voxel and the voxels in front: exp(-mu * 5 mm), exp(-mu * 15 mm), ... in water."""
    water = np.ones((1, 4, 1))
    escape = nuclear.escape_frac(water, 0.15, 10.0)[0, :, 0]
    assert np.allclose(np.exp(-0.15 * np.array([0.5, 1.5, 2.5, 3.5])), escape, rtol=1e-12)


def test_geometric_mean_does_not_depend_on_depth(coarse: PhantomDefinition) -> None:
    """In a uniform slab the product of both views is the same at every depth: the reason for the method."""
    planar = dataclasses.replace(coarse.planar, matrix=32, pixel_mm=8.0, counts=1e9, scatter_to_primary=0.0)
    grid = Grid((30, 20, 30), (8.0, 8.0, 8.0), (0.0, 0.0, 0.0))
    density = np.ones(grid.shape)
    means = []
    for row in (2, 9, 17):
        mbq = np.zeros(grid.shape)
        mbq[15, row, 15] = 1.0
        front = nuclear._view(planar, grid, mbq, density).sum()
        back = nuclear._view(planar, grid, mbq[:, ::-1], density).sum()
        means.append(np.sqrt(front * back))
    assert np.allclose(means[0], means, rtol=1e-9)


def test_views_are_seen_from_the_front_head_up(coarse: PhantomDefinition) -> None:
    """Activity at the patient's left (high x) and head (high z) lies right of and above the middle."""
    planar = dataclasses.replace(coarse.planar, matrix=32, pixel_mm=8.0, counts=1e6, scatter_to_primary=0.0)
    grid = Grid((30, 20, 30), (8.0, 8.0, 8.0), (-116.0, -76.0, -116.0))
    mbq = np.zeros(grid.shape)
    mbq[24, 10, 26] = 1.0  # x = 92 mm, z = 76 mm
    views = nuclear.planar_views(planar, grid, mbq, np.ones(grid.shape), np.random.default_rng(1))
    x0, z0 = nuclear.first_pixel_mm(planar, grid)
    for view in (views.anterior, views.posterior):
        row, column = (np.arange(32) @ view.sum(axis=1), np.arange(32) @ view.sum(axis=0)) / view.sum()
        assert pytest.approx(92.0, abs=0.5) == x0 + 8.0 * column
        assert pytest.approx(76.0, abs=0.5) == z0 - 8.0 * row
