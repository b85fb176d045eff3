"""Partial volume: the recovery of spheres, lesions raised to their truth, and totals that stay."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.dosimetry.maps.recovery import RecoveredActivity, recovered_activity
from emboplan.dosimetry.maps.recovery_coefficients import (
    Recovery,
    RecoveryCurve,
    SphereRecovery,
    published_curve,
    sphere_recovery_frac,
)
from emboplan.errors import MaskError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap

F64 = NDArray[np.float64]
SIGMA = 1 / np.sqrt(8 * np.log(2))
FWHM = 10.0
# Voxels of the map, each of 2 x 2 x 2 finer ones in which the spheres are drawn and blurred.
GRID = Grid(shape=(32, 32, 40), spacing_mm=(3.0, 3.0, 3.0), origin_mm=(0.0, 0.0, 0.0))
CENTRE = (48.0, 48.0, 60.0)  # z, y, x in mm from the corner


def _binned(fine: NDArray[np.generic]) -> F64:
    nz, ny, nx = GRID.shape
    means: F64 = np.asarray(fine, np.float64).reshape(nz, 2, ny, 2, nx, 2).mean(axis=(1, 3, 5))
    return means


def _ball(radius_mm: float, centre: tuple[float, float, float] = CENTRE) -> NDArray[np.bool_]:
    axes = np.meshgrid(*[(np.arange(2 * n) + 0.5) * 1.5 for n in GRID.shape], indexing="ij")
    inside: NDArray[np.bool_] = sum((a - c) ** 2 for a, c in zip(axes, centre, strict=True)) <= radius_mm**2
    return inside


def _seen(truth: NDArray[np.generic], fwhm_mm: float = FWHM) -> ActivityMap:
    """What an image of this resolution shows of concentrations on the finer grid."""
    image = ndimage.gaussian_filter(np.asarray(truth, np.float64), SIGMA * fwhm_mm / 1.5, truncate=6)
    return ActivityMap(GRID, _binned(image).astype(np.float32))


def _raised(
    lesion: float, normal: float, recovery: Recovery | None, radius_mm: float = 12.0
) -> tuple[RecoveredActivity, ActivityMap, F64, F64]:
    """A ball in a liver that fills the grid's middle, imaged and corrected; the occupancies of both."""
    ball, liver = _ball(radius_mm), _ball(44.0)
    truth = np.where(ball, lesion, np.where(liver, normal, 0.0))
    image = _seen(truth)
    shares = _binned(ball), _binned(liver)
    found = recovered_activity(
        image, {"tumour 1": shares[0]}, shares[1], resolution_fwhm_mm=FWHM, recovery=recovery
    )
    return found, image, *shares


@pytest.mark.parametrize("diameter_mm", [10.0, 20.0, 30.0])
def test_the_recovery_of_a_sphere_is_that_of_a_blurred_drawing(diameter_mm: float) -> None:
    """Drawn on 1 mm voxels by shares, blurred numerically, averaged over the sphere."""
    edge = np.arange(-60, 61) * 0.5
    z, y, x = np.meshgrid(edge, edge, edge, indexing="ij")
    fine = (z * z + y * y + x * x <= (diameter_mm / 2) ** 2).astype(np.float64)
    seen = ndimage.gaussian_filter(fine, SIGMA * FWHM / 0.5, truncate=6)
    volume_ml = np.pi / 6 * diameter_mm**3 / 1000
    assert sphere_recovery_frac(volume_ml, FWHM) == pytest.approx(seen[fine > 0].mean(), abs=3e-3)


def test_recovery_far_from_the_resolution() -> None:
    """Large spheres lose sigma / sqrt(2 pi) x surface / volume, as a plane edge does; small ones are points.

    Across a plane the lost amount per area is the mean positive displacement, sigma / sqrt(2 pi).
    """
    sigma, radius_mm = SIGMA * FWHM, 500.0
    lost = 3 / radius_mm * sigma / np.sqrt(2 * np.pi)
    assert 1 - sphere_recovery_frac(4 / 3 * np.pi * radius_mm**3 / 1000, FWHM) == pytest.approx(
        lost, rel=1e-3
    )
    small_ml = 1e-6
    point = small_ml * 1000 / ((2 * np.pi) ** 1.5 * sigma**3)
    assert sphere_recovery_frac(small_ml, FWHM) == pytest.approx(point, rel=1e-3)


def test_series_and_closed_form_meet() -> None:
    """Around a tenth of a standard deviation the two forms agree, and recovery rises throughout."""
    sigma = SIGMA * FWHM
    diameters = np.array([0.0999, 0.1001]) * sigma
    low, high = (sphere_recovery_frac(np.pi / 6 * d**3 / 1000, FWHM) for d in diameters)
    assert high / low == pytest.approx((1001 / 999) ** 3, rel=1e-5)
    volumes = np.geomspace(1e-5, 1e4, 200)
    values = [sphere_recovery_frac(v, FWHM) for v in volumes]
    assert np.all(np.diff(values) > 0)
    assert 0 < values[0] < values[-1] < 1


def test_the_published_curve() -> None:
    """0.20 at 0.52 mL and 0.86 at 26.52 mL, 5 % each; halfway in the logarithm it is halfway."""
    curve = published_curve()
    assert curve.at(0.52) == pytest.approx(0.20)
    assert curve.at(26.52) == pytest.approx(0.86)
    assert curve.at((0.52 * 26.52) ** 0.5) == pytest.approx(0.53)
    assert curve.relative_standard == 0.05
    assert curve.at(0.51) is None
    assert curve.at(30.0) is None


def test_a_curve_that_is_none_is_refused() -> None:
    with pytest.raises(ModelRangeError, match="rising"):
        RecoveryCurve((2.0, 1.0), (0.5, 0.8), 0.05, "own")
    with pytest.raises(ModelRangeError, match="recovery_frac"):
        RecoveryCurve((1.0, 2.0), (0.0, 0.8), 0.05, "own")


@pytest.mark.parametrize(("lesion", "normal"), [(10.0, 0.0), (10.0, 2.0), (4.0, 2.0), (0.5, 2.0)])
def test_a_lesion_is_raised_to_its_truth(lesion: float, normal: float) -> None:
    """In cold, warm and hot liver, and a cold lesion: the truth within 3 % of the contrast."""
    found, image, share, _ = _raised(lesion, normal, SphereRecovery())
    contrast = abs(lesion - normal)
    only = found.lesions[0]
    assert only.corrected_mbq_per_ml == pytest.approx(lesion, abs=0.03 * contrast)
    # Border voxels hold both tissues, in the map as in the truth on these voxels.
    on_voxels = lesion * share + normal * (1 - share)
    means = [(values * share).sum() / share.sum() for values in (found.activity.mbq_per_ml, on_voxels)]
    assert means[0] == pytest.approx(means[1], abs=0.03 * contrast)
    assert found.activity.total_mbq == pytest.approx(image.total_mbq, rel=1e-6)
    assert abs(only.read_mbq_per_ml - lesion) > 0.2 * contrast


def test_the_liver_around_returns_to_its_own_concentration() -> None:
    """10 against 2 MBq/mL: the shell's mean was a tenth too high or more, and is right within 5 % after."""
    found, image, share, liver = _raised(10.0, 2.0, SphereRecovery())
    from_lesion = ndimage.distance_transform_edt(share == 0, sampling=3.0)
    shell = (share == 0) & (from_lesion <= FWHM) & (liver == 1)
    assert image.mbq_per_ml[shell].mean() > 2.2
    assert found.activity.mbq_per_ml[shell].mean() == pytest.approx(2.0, rel=0.05)
    assert found.shell_mm == FWHM
    away = (from_lesion > 2 * FWHM) & (liver == 1)
    assert found.activity.mbq_per_ml[away] == pytest.approx(image.mbq_per_ml[away], rel=0.02)


def test_what_the_lesion_gains_the_liver_loses() -> None:
    found, image, _, liver = _raised(10.0, 2.0, SphereRecovery())
    only = found.lesions[0]
    assert only.gained_mbq == pytest.approx(only.from_shell_mbq + only.from_rest_mbq, rel=1e-9)
    assert only.from_shell_mbq > 0.8 * only.gained_mbq
    outside = liver == 0
    assert np.array_equal(found.activity.mbq_per_ml[outside], image.mbq_per_ml[outside])


def test_in_a_cold_liver_the_reading_is_divided_by_the_recovery() -> None:
    """A measured curve: m / r, as published."""
    volume_ml = float(_binned(_ball(12.0)).sum()) * GRID.voxel_ml
    curve = RecoveryCurve((volume_ml / 2, volume_ml * 2), (0.6, 0.8), 0.05, "own phantom")
    found, _, _, _ = _raised(10.0, 0.0, curve)
    only = found.lesions[0]
    assert only.recovery_frac == pytest.approx(0.7)
    # Little spill reaches beyond the shell, where the background is read.
    assert only.corrected_mbq_per_ml == pytest.approx(only.read_mbq_per_ml / 0.7, rel=2e-3)
    assert only.relative_standard == pytest.approx(0.05, rel=0.01)
    assert "own phantom" in found.choice
    assert "recovery-curve" in [f.id for f in found.findings]


def test_no_correction_leaves_the_map_and_says_so() -> None:
    found, image, _, _ = _raised(10.0, 2.0, None)
    assert found.activity.mbq_per_ml == pytest.approx(image.mbq_per_ml, rel=1e-6)
    assert found.choice.startswith("No correction")
    assert found.lesions[0].recovery_frac is None
    assert found.lesions[0].gained_mbq == 0


def test_a_lesion_below_twice_the_resolution_is_not_quantifiable() -> None:
    """18 mm wide at 10 mm: corrected, and flagged all the same; 24 mm wide it is not."""
    small, _, _, _ = _raised(10.0, 0.0, SphereRecovery(), radius_mm=9.0)
    assert not small.lesions[0].quantifiable
    assert small.lesions[0].recovery_frac is not None
    assert "lesion-not-quantifiable" in [f.id for f in small.findings]
    assert _raised(10.0, 0.0, SphereRecovery())[0].lesions[0].quantifiable


def test_a_lesion_too_small_to_correct_is_left_and_said() -> None:
    found, image, _, _ = _raised(10.0, 1.0, SphereRecovery(), radius_mm=3.0)
    assert found.lesions[0].recovery_frac is None
    assert "recovery-not-applied" in [f.id for f in found.findings]
    assert found.activity.mbq_per_ml == pytest.approx(image.mbq_per_ml, rel=1e-6)
    outside, _, _, _ = _raised(10.0, 1.0, published_curve(), radius_mm=3.0)
    assert "outside the measured volumes" in outside.findings[0].text


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), frac=st.floats(0.3, 1.0))
def test_the_total_stays_for_any_map(seed: int, frac: float) -> None:
    rng = np.random.default_rng(seed)
    grid = Grid(shape=(14, 14, 14), spacing_mm=(4.0, 4.0, 4.0), origin_mm=(0.0, 0.0, 0.0))
    image = ActivityMap(grid, rng.gamma(1.0, 1.0, grid.shape).astype(np.float32))
    liver, first, second = (np.zeros(grid.shape, np.float32) for _ in range(3))
    liver[1:13, 1:13, 1:13] = 1
    first[3:6, 3:6, 3:6] = rng.random((3, 3, 3)) * 0.9 + 0.1
    second[8:11, 7:11, 6:9] = 1
    curve = RecoveryCurve((0.01, 100.0), (frac, frac), 0.05, "own")
    found = recovered_activity(
        image, {"a": first, "b": second}, liver, resolution_fwhm_mm=6.0, recovery=curve
    )
    assert found.activity.total_mbq == pytest.approx(image.total_mbq, rel=1e-6)
    assert found.activity.mbq_per_ml.min() >= 0


def test_unusable_input_is_refused() -> None:
    grid = Grid(shape=(4, 4, 4), spacing_mm=(4.0, 4.0, 4.0), origin_mm=(0.0, 0.0, 0.0))
    image = ActivityMap(grid, np.ones(grid.shape, np.float32))
    whole, one = np.ones(grid.shape), np.zeros(grid.shape)
    one[1, 1, 1] = 1
    with pytest.raises(MaskError, match="overlap"):
        recovered_activity(image, {"a": one, "b": one}, whole, resolution_fwhm_mm=8.0, recovery=None)
    with pytest.raises(ModelRangeError, match="resolution_fwhm_mm"):
        recovered_activity(image, {"a": one}, whole, resolution_fwhm_mm=0.0, recovery=None)
    lone = np.where(one, 5.0, 0.01).astype(np.float32)
    curve = RecoveryCurve((0.001, 100.0), (0.2, 0.2), 0.05, "own")
    with pytest.raises(ModelRangeError, match="more than the normal liver holds"):
        recovered_activity(ActivityMap(grid, lone), {"a": one}, whole, resolution_fwhm_mm=8.0, recovery=curve)
