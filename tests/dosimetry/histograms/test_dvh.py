"""Dose-volume histograms of dose distributions whose curve is known."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from emboplan.dosimetry.histograms.dose_volumes import DoseVolumes
from emboplan.dosimetry.histograms.dvh import dose_axis_gy, dvh, dvh_set, placing_bounds
from emboplan.errors import GeometryError, MaskError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import DoseMap
from emboplan.model.mask import Mask

GRID = Grid(shape=(10, 10, 100), spacing_mm=(1.0, 2.0, 2.0), origin_mm=(0.0, 0.0, 0.0))
EVERYWHERE = Mask(GRID, np.ones(GRID.shape, dtype=np.bool_))


def _gradient() -> DoseMap:
    """A dose of 1 Gy per mm along x from 0 to 100 Gy, at voxel centres."""
    along = np.arange(100) + 0.5
    return DoseMap(GRID, np.broadcast_to(along, GRID.shape).astype(np.float32), method="made")


def test_a_uniform_dose() -> None:
    found = dvh(DoseMap(GRID, np.full(GRID.shape, 50.0, np.float32), method="made"), EVERYWHERE, "liver")
    assert (found.mean_gy, found.d95_gy, found.d50_gy, found.min_gy, found.max_gy) == (50.0,) * 5
    assert found.v50_frac == 1.0
    assert found.volume_ml == pytest.approx(40.0)


def test_a_linear_dose() -> None:
    """Of a dose that rises evenly from 0 to 100 Gy, 95 % of the volume get at least 5 Gy, and so on."""
    found = dvh(_gradient(), EVERYWHERE)
    assert found.mean_gy == pytest.approx(50.0)
    assert found.d95_gy == pytest.approx(5.0, abs=0.01)
    assert found.d70_gy == pytest.approx(30.0, abs=0.01)
    assert found.d50_gy == pytest.approx(50.0, abs=0.01)
    assert found.v50_frac == pytest.approx(0.5)


def test_a_sphere_with_a_falling_dose() -> None:
    """D = 100 (1 - r/R) Gy: mean 25 Gy, and the share above d is (1 - d/100)^3."""
    spacing, radius = 0.5, 10.0
    n = 44
    grid = Grid((n, n, n), (spacing,) * 3, (0.0, 0.0, 0.0))
    centre = (n - 1) / 2
    z, y, x = np.meshgrid(*[(np.arange(n) - centre) * spacing] * 3, indexing="ij")
    r = np.sqrt(x**2 + y**2 + z**2)
    dose = DoseMap(grid, np.clip(100 * (1 - r / radius), 0, None).astype(np.float32), method="made")
    found = dvh(dose, Mask(grid, r <= radius), "lesion")
    assert found.mean_gy == pytest.approx(25.0, rel=0.005)
    assert found.v50_frac == pytest.approx(0.125, rel=0.01)
    assert found.d50_gy == pytest.approx(100 * (1 - 0.5 ** (1 / 3)), rel=0.01)
    doses = np.array(found.cumulative.dose_gy)
    expected = (1 - np.clip(doses / 100, 0, 1)) ** 3
    # A voxelised sphere of this size has its outer shells right to one percent of the volume.
    assert np.array(found.cumulative.volume_frac) == pytest.approx(expected, abs=0.01)


def test_partly_filled_voxels_count_in_part() -> None:
    grid = Grid((1, 1, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    dose = DoseMap(grid, np.array([[[10.0, 60.0]]], np.float32), method="made")
    found = dvh(dose, np.array([[[1.0, 0.25]]]), "edge", sampling="voxels")
    assert found.mean_gy == pytest.approx(20.0)
    assert found.v50_frac == pytest.approx(0.2)
    assert found.volume_ml == pytest.approx(0.00125)


def test_the_filled_part_of_a_voxel_lies_towards_the_rest() -> None:
    """The quarter next to the full voxel: 10 Gy in its first half voxel, then 10 + 50 t Gy at 0 < t < 3/4.

    The mean over 1.25 voxels is (0.5 x 10 + 0.75 x 10 + 50 x 0.75^2 / 2) / 1.25.
    """
    grid = Grid((1, 1, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    dose = DoseMap(grid, np.array([[[10.0, 60.0]]], np.float32), method="made")
    found = dvh(dose, np.array([[[1.0, 0.25]]]), "edge")
    # The end of the bar comes out somewhat round.
    assert found.mean_gy == pytest.approx((12.5 + 25 * 0.75**2) / 1.25, rel=0.02)
    assert found.volume_ml == pytest.approx(0.00125)
    assert (found.min_gy, found.max_gy) == pytest.approx((10.0, 47.5), abs=10.0)


@settings(deadline=None, max_examples=40)  # some thousand points each, and compiling before the first
@given(
    hnp.arrays(np.float32, (2, 3, 4), elements=st.floats(0, 400, width=32)),
    hnp.arrays(np.float32, (2, 3, 4), elements=st.floats(0, 1, width=32)),
)
def test_order_of_the_metrics(
    gy: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    share: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> None:
    """min <= D95 <= D70 <= D50 <= max, and the curve falls from 1."""
    share = share.copy()
    share[0, 0, 0] = 1.0
    grid = Grid((2, 3, 4), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0))
    found = dvh(DoseMap(grid, gy, method="made"), share)
    order = [found.min_gy, found.d95_gy, found.d70_gy, found.d50_gy, found.max_gy]
    assert sorted(order) == order
    assert found.min_gy - 1e-9 <= found.mean_gy <= found.max_gy + 1e-9
    curve = found.cumulative.volume_frac
    assert curve[0] == 1.0
    assert all(a >= b for a, b in itertools.pairwise(curve))


def test_equivalent_uniform_dose() -> None:
    """Three equal voxels of 40, 60, 80 Gy (example DER-EUD)."""
    grid = Grid((1, 1, 3), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    dose = DoseMap(grid, np.array([[[40.0, 60.0, 80.0]]], np.float32), method="made")
    everywhere = Mask(grid, np.ones(grid.shape, dtype=np.bool_))
    for exponent, expected in ((1, 60.0), (4, 65.87086376), (-10, 44.56395949)):
        assert dvh(dose, everywhere, geud_exponent=exponent).geud_gy == pytest.approx(expected, rel=1e-6)
    assert dvh(dose, everywhere).geud_gy is None


def test_the_error_of_the_mean_of_independent_voxels() -> None:
    """n voxels of error s give s / sqrt(n)."""
    error = np.full(GRID.shape, 3.0, np.float32)
    dose = DoseMap(GRID, np.full(GRID.shape, 50.0, np.float32), "made", error)
    assert dvh(dose, EVERYWHERE).mean_gy_standard_error == pytest.approx(3 / math.sqrt(10000))


def test_a_lesion_below_twice_the_resolution_is_not_quantifiable() -> None:
    """40 mL are a sphere of 42.4 mm."""
    dose = _gradient()
    assert dvh(dose, EVERYWHERE).quantifiable
    assert dvh(dose, EVERYWHERE, resolution_fwhm_mm=21.0).quantifiable
    assert not dvh(dose, EVERYWHERE, resolution_fwhm_mm=21.5).quantifiable


def test_structures_of_one_map_share_the_axis() -> None:
    half = np.zeros(GRID.shape, dtype=np.bool_)
    half[..., :50] = True
    found = dvh_set(_gradient(), {"all": EVERYWHERE, "half": Mask(GRID, half)})
    assert [s.name for s in found.structures] == ["all", "half"]
    assert found.structures[0].cumulative.dose_gy == found.structures[1].cumulative.dose_gy
    metrics = "d98_gy d95_gy d70_gy d50_gy d2_gy v50_frac min_gy max_gy geud_gy homogeneity metrics"
    curves = "cumulative differential quantifiable outside_frac standard_errors placing"
    expected = {"name", "volume_ml", "mean_gy", "mean_gy_standard_error", *metrics.split(), *curves.split()}
    assert expected == set(found.to_json()["structures"][0])


@pytest.mark.parametrize(
    ("highest", "step"), [(0.0, 0.1), (40.0, 0.1), (120.0, 0.5), (499.0, 1.0), (2400.0, 5.0)]
)
def test_the_dose_axis(highest: float, step: float) -> None:
    axis = dose_axis_gy(highest)
    assert axis[0] == 0.0
    assert axis[-1] >= highest
    assert len(axis) <= 502
    if len(axis) > 1:
        assert axis[1] == pytest.approx(step)


def test_unusable_structures_are_refused() -> None:
    dose = _gradient()
    with pytest.raises(MaskError, match="empty"):
        dvh(dose, Mask.empty(GRID), "lesion 1")
    with pytest.raises(MaskError, match="empty"):
        dvh(dose, np.zeros(GRID.shape), "lesion 1")
    with pytest.raises(MaskError, match="0 to 1"):
        dvh(dose, np.full(GRID.shape, 2.0))
    with pytest.raises(MaskError, match="0 to 1"):
        dvh(dose, np.full(GRID.shape, np.nan))
    with pytest.raises(GeometryError, match="shape"):
        dvh(dose, np.ones((2, 2, 2)))
    with pytest.raises(ModelRangeError, match="exponent"):
        dvh(dose, EVERYWHERE, geud_exponent=0.0)
    with pytest.raises(ModelRangeError, match="rising"):
        dvh(dose, EVERYWHERE, axis_gy=[0.0, 2.0, 1.0])


def test_another_frame_of_reference_is_refused() -> None:
    dose = _gradient()
    here, there = (replace(GRID, frame_of_reference_uid=uid) for uid in ("1.2.3", "1.2.4"))
    with pytest.raises(GeometryError, match="frames of reference"):
        dvh(DoseMap(here, dose.gy, "made"), Mask(there, EVERYWHERE.voxels))
    assert dvh(DoseMap(here, dose.gy, "made"), EVERYWHERE).mean_gy == pytest.approx(50.0)


def test_what_lies_outside_the_dose_is_said() -> None:
    """Of 50 mm along x, 30 mm are in the dose's grid: 0 to 30 Gy."""
    grid = Grid((4, 4, 50), (1.0, 1.0, 1.0), (-20.0, 4.0, 4.0))
    mask = Mask(grid, np.ones(grid.shape, dtype=np.bool_))
    found = dvh(_gradient(), mask)
    assert found.outside_frac == pytest.approx(20 / 50, abs=0.002)
    assert found.volume_ml == pytest.approx(0.8 * (1 - found.outside_frac))
    assert found.mean_gy == pytest.approx(15.0, rel=0.01)
    away = Mask(replace(grid, origin_mm=(-200.0, 0.0, 0.0)), mask.voxels)
    with pytest.raises(MaskError, match="outside the dose"):
        dvh(_gradient(), away, "lesion 2")


def test_a_mask_of_the_dose_grid_is_its_voxels() -> None:
    """The same voxels on a grid of their own, or as shares of 1, are the same structure."""
    rng = np.random.default_rng(2)
    dose = DoseMap(GRID, rng.uniform(0, 100, GRID.shape).astype(np.float32), "made")
    voxels = rng.random(GRID.shape) < 0.1
    box = (slice(0, 10), slice(0, 10), slice(20, 60))
    outside = np.ones(GRID.shape, dtype=np.bool_)
    outside[box] = False
    voxels &= ~outside
    expected = float(dose.gy[voxels].mean(dtype=np.float64))
    for structure in (Mask(GRID, voxels), voxels.astype(float), Mask(GRID.cropped(box), voxels[box])):
        assert dvh(dose, structure).mean_gy == pytest.approx(expected, rel=1e-9)
        assert dvh(dose, structure).max_gy == dose.gy[voxels].max()


def test_metrics_by_name() -> None:
    """Of 40 mL from 0 to 100 Gy, the hottest 2 mL get at least 95 Gy, and 80 % at least 20 Gy."""
    found = dvh(_gradient(), EVERYWHERE, metrics=("D2cc", "D90%", "D90", "V20Gy"))
    assert found.metrics["D2cc"] == pytest.approx(95.0, abs=0.01)
    assert found.metrics["D90%"] == found.metrics["D90"] == pytest.approx(10.0, abs=0.01)
    assert found.metrics["V20Gy"] == pytest.approx(0.8)
    for wrong in ("D", "V20cc", "D20Gy", "mean", "D101%"):
        with pytest.raises(ModelRangeError):
            dvh(_gradient(), EVERYWHERE, metrics=(wrong,))
    with pytest.raises(ModelRangeError, match="40 mL"):
        dvh(_gradient(), EVERYWHERE, metrics=("D41cc",))


def test_homogeneity_of_icru_83() -> None:
    """From 0 to 100 Gy evenly: (98 - 2) / 50; a uniform dose has 0, and no dose no index."""
    assert dvh(_gradient(), EVERYWHERE).homogeneity == pytest.approx(1.92, abs=1e-3)
    for gy, expected in ((30.0, 0.0), (0.0, None)):
        dose = DoseMap(GRID, np.full(GRID.shape, gy, np.float32), "made")
        assert dvh(dose, EVERYWHERE).homogeneity == expected


def test_the_differential_curve_holds_the_whole_volume() -> None:
    """Of 0 to 100 Gy evenly, every Gy has one percent; 50 Gy everywhere are all in the last step."""
    found = dvh(_gradient(), EVERYWHERE, axis_gy=np.arange(0.0, 101.0, 5.0)).differential
    assert found is not None
    assert found.volume_frac_per_gy == pytest.approx([0.01] * 20)
    uniform = dvh(DoseMap(GRID, np.full(GRID.shape, 50.0, np.float32), "made"), EVERYWHERE).differential
    assert uniform is not None
    assert np.dot(uniform.volume_frac_per_gy, np.diff(uniform.dose_gy)) == pytest.approx(1.0)


def test_the_order_of_voxels_counts_for_nothing() -> None:
    """Equal doses with unequal shares, in two orders."""
    gy, share = np.array([10.0, 20.0, 20.0, 20.0, 50.0]), np.array([0.2, 0.9, 0.1, 0.5, 0.4])
    one = DoseVolumes.of(gy, share)
    order = [3, 4, 2, 0, 1]
    other = DoseVolumes.of(gy[order], share[order])
    for volume_frac in np.linspace(0, 1, 41):
        assert one.dose_at(volume_frac) == other.dose_at(volume_frac)


def test_many_doses_in_bins_have_the_metrics_of_the_doses() -> None:
    """300,000 doses with a plateau of exactly 50 Gy, against sorting them."""
    rng = np.random.default_rng(4)
    gy = rng.gamma(4.0, 20.0, 300_000).astype(np.float32)
    gy[::3] = 50.0
    ml = rng.uniform(0.1, 1.0, gy.size)
    found = DoseVolumes.of(gy, ml)
    order = np.argsort(gy)
    middles = (np.cumsum(ml[order]) - ml[order] / 2) / ml.sum()
    for volume_frac in (0.98, 0.7, 0.4, 0.02):
        expected = np.interp(1 - volume_frac, middles, gy[order])
        assert found.dose_at(volume_frac) == pytest.approx(expected, rel=1e-4)
    assert found.mean_gy == pytest.approx(float(np.average(gy, weights=ml)), rel=1e-9)
    assert found.fraction_at_least(50.0) == pytest.approx(ml[gy >= 50.0].sum() / ml.sum(), abs=1e-5)
    assert (found.lowest_gy, found.highest_gy) == (gy.min(), gy.max())
    assert found.volume_ml == pytest.approx(ml.sum())


def test_errors_from_batches_are_those_of_repeating_the_calculation() -> None:
    """Noise of 10 Gy per voxel and batch on a slope: the spread of 300 whole calculations of 8 batches."""
    rng = np.random.default_rng(6)
    grid = Grid((4, 5, 6), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))
    truth = 50 + 3.0 * np.indices(grid.shape)[2] + 60.0
    mask = Mask(grid, np.ones(grid.shape, dtype=np.bool_))
    repeats, estimates = [], []
    for _ in range(300):
        batches = truth + rng.normal(0, 10, (8, *grid.shape))
        dose = DoseMap(grid, batches.mean(axis=0).astype(np.float32), "made")
        found = dvh(dose, mask, batches_gy=batches, geud_exponent=-4.0, metrics=("D90",))
        errors = found.standard_errors
        assert errors is not None
        repeats.append((found.mean_gy, found.d95_gy, found.d50_gy, found.geud_gy, found.metrics["D90"]))
        estimates.append(
            (errors.mean_gy, errors.d95_gy, errors.d50_gy, errors.geud_gy, errors.metrics["D90"])
        )
        assert found.mean_gy_standard_error == errors.mean_gy
    expected = np.std(np.array(repeats, dtype=float), axis=0, ddof=1)
    root_mean_square = np.sqrt((np.array(estimates, dtype=float) ** 2).mean(axis=0))
    # The spread of 300 repeats is itself known to 4 %; the jackknife of a quantile is somewhat high.
    assert root_mean_square[[0, 3]] == pytest.approx(expected[[0, 3]], rel=0.12)
    assert (root_mean_square[[1, 2, 4]] / expected[[1, 2, 4]] > 0.85).all()
    assert (root_mean_square[[1, 2, 4]] / expected[[1, 2, 4]] < 1.6).all()


def test_batches_of_some_voxels_are_those_of_the_whole_map() -> None:
    """The voxels of the structure alone, as rows of a table, give the same errors."""
    batches = np.random.default_rng(9).uniform(0, 80, (6, *GRID.shape)).astype(np.float32)
    dose = DoseMap(GRID, batches.mean(axis=0), "made")
    voxels = np.zeros(GRID.shape, dtype=np.bool_)
    voxels[2:4, 3:6, 10:30] = True
    whole = dvh(dose, Mask(GRID, voxels), batches_gy=batches)
    part = dvh(dose, Mask(GRID, voxels), batches_gy=batches[:, voxels], batch_voxels=np.flatnonzero(voxels))
    assert part.standard_errors == whole.standard_errors
    assert part.mean_gy_standard_error > 0


def test_batches_of_another_map_are_refused() -> None:
    dose = _gradient()
    batches = np.stack([dose.gy, dose.gy])
    assert dvh(dose, EVERYWHERE, batches_gy=batches).mean_gy_standard_error == 0.0
    for wrong in (batches[:1], batches[:, :2]):
        with pytest.raises(GeometryError, match="batches"):
            dvh(dose, EVERYWHERE, batches_gy=wrong)
    for bad in (2 * batches, -batches, np.nan * batches):
        with pytest.raises(ModelRangeError, match="batches"):
            dvh(dose, EVERYWHERE, batches_gy=bad)


@pytest.mark.parametrize("fwhm_mm", [5.5, 6.0, 12.0])
def test_half_a_millilitre_is_never_quantifiable_on_pet_or_spect(fwhm_mm: float) -> None:
    """A sphere of 0.52 mL has 10 mm, less than twice 5.5 mm; its recovery is 0.2, however fine the curve."""
    grid = Grid((40, 40, 40), (0.5, 0.5, 0.5), (40.0, 0.0, 0.0))
    z, y, x = (np.indices(grid.shape) - 19.5) * 0.5
    mask = Mask(grid, x**2 + y**2 + z**2 <= 4.99**2)
    assert mask.volume_ml == pytest.approx(0.52, rel=0.02)
    assert not dvh(_gradient(), mask, resolution_fwhm_mm=fwhm_mm).quantifiable


def test_the_room_that_shares_leave_comes_with_a_small_lesion() -> None:
    """Half a voxel on a slope of 1 Gy/mm: between its lower and its upper half; a mask leaves no room."""
    shares = np.zeros(GRID.shape)
    shares[3, 3, 50] = 0.5
    found = dvh(_gradient(), shares, metrics=("D50%",))
    assert found.placing is not None
    low, high = found.placing
    assert low.mean_gy <= found.mean_gy <= high.mean_gy
    assert (low.mean_gy, high.mean_gy) == tuple(m.mean_gy for m in placing_bounds(_gradient(), shares))
    assert set(low.metrics) == {"D50%"}
    assert dvh(_gradient(), Mask(GRID, shares > 0)).placing is None
    assert dvh(_gradient(), np.full(GRID.shape, 0.5)).placing is None


@pytest.mark.parametrize("outliers", [(1e6,), (1e6, 1e6 + 1), (2e3, 1e5, 1e9)])
def test_few_voxels_far_above_do_not_widen_the_bins_of_the_rest(outliers: tuple[float, ...]) -> None:
    """Against the sorted doses; two clusters, one of them at many thousand times the other's dose."""
    doses = np.random.default_rng(3).normal(50, 5, 90_000).astype(np.float32)
    doses[: len(outliers)] = outliers
    found = DoseVolumes.of(doses, 0.001)
    assert found.volume_ml == pytest.approx(90.0)
    assert found.mean_gy == pytest.approx(float(doses.mean(dtype=np.float64)), rel=1e-6)
    for share in (0.98, 0.95, 0.7, 0.5, 0.02):
        assert found.dose_at(share) == pytest.approx(float(np.quantile(doses, 1 - share)), abs=0.01)
    assert found.fraction_at_least(50.0) == pytest.approx(float((doses >= 50).mean()), abs=1e-3)
    assert found.highest_gy == max(outliers)
    assert (np.diff(found.gy) >= 0).all()


def test_half_of_the_volume_far_above_the_other_half() -> None:
    doses = np.random.default_rng(4).normal(50, 5, 100_000).astype(np.float32)
    doses[::2] += np.float32(1e6)
    found = DoseVolumes.of(doses, np.full(doses.size, 0.5))
    assert found.dose_at(0.75) == pytest.approx(float(np.quantile(doses, 0.25)), abs=0.01)
    assert found.dose_at(0.25) == pytest.approx(float(np.quantile(doses, 0.75)), rel=1e-6)
