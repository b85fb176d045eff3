"""Accuracy of images: closed forms for offsets, blur and shunt, and their sum."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.dosimetry.histograms.image_accuracy import ImageAccuracy, dose_accuracy, moved
from emboplan.dosimetry.maps.activity import Region
from emboplan.dosimetry.maps.recovery_coefficients import sphere_recovery_frac
from emboplan.errors import GeometryError, MaskError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, CountImage, DensityMap, DoseMap

F64 = NDArray[np.float64]
SIGMA = 1 / math.sqrt(8 * math.log(2))
GRID = Grid(shape=(24, 26, 28), spacing_mm=(4.0, 4.0, 4.0), origin_mm=(-54.0, -50.0, -46.0))
K = 49.8


def _axes(grid: Grid = GRID) -> tuple[F64, F64, F64]:
    z, y, x = np.indices(grid.shape)
    points = grid.to_mm(np.stack([x, y, z], axis=-1))
    return points[..., 0], points[..., 1], points[..., 2]


def _cube(half_mm: float = 12.0) -> NDArray[np.float32]:
    """A cube around the middle of the grid, faces between voxels."""
    x, y, z = _axes()
    inside: NDArray[np.float32] = (np.maximum.reduce([np.abs(x), np.abs(y), np.abs(z)]) < half_mm).astype(
        np.float32
    )
    return inside


def _ball(grid: Grid, radius_mm: float, points: int = 4) -> NDArray[np.float32]:
    """The share of each voxel that a ball around the origin fills."""
    x, y, z = _axes(grid)
    steps = ((np.arange(points) + 0.5) / points - 0.5) * grid.spacing_mm[0]
    share = np.zeros(grid.shape)
    for dx in steps:
        for dy in steps:
            for dz in steps:
                share += (x + dx) ** 2 + (y + dy) ** 2 + (z + dz) ** 2 <= radius_mm**2
    return (share / points**3).astype(np.float32)


def _unit_dose(activity: ActivityMap) -> DoseMap:
    """1 Gy for 1 MBq/mL."""
    return DoseMap(activity.grid, activity.mbq_per_ml, "unit")


def _map(values: Callable[[F64, F64, F64], F64]) -> ActivityMap:
    return ActivityMap(GRID, values(*_axes()).astype(np.float32))


def test_a_gradient_gives_gradient_times_offset() -> None:
    """100 + 0.5 x + 0.2 z with 2, 3 and 4 mm: hypot(0.5 x 2, 0.2 x 4) Gy, and no change of the mean."""
    image = _map(lambda x, y, z: 100 + 0.5 * x + 0.2 * z + 0 * y)
    found = dose_accuracy(
        image, {"cube": _cube()}, _unit_dose, ImageAccuracy(registration_sd_mm=(2.0, 3.0, 4.0))
    )
    only = found.structures[0]
    assert only.mean_gy == pytest.approx(100.0, rel=1e-6)
    assert only.shift_gy == pytest.approx(math.hypot(1.0, 0.8), rel=1e-4)
    assert only.shift_change_gy == pytest.approx(0.0, abs=1e-4)
    assert only.standard_uncertainty_gy == only.shift_gy
    low, high = only.interval_gy
    assert high - only.mean_gy == pytest.approx(1.959964 * math.hypot(1.0, 0.8), rel=1e-4)
    assert only.mean_gy - low == pytest.approx(high - only.mean_gy)


def test_a_parabola_lowers_the_mean_and_spreads_it() -> None:
    """200 - 0.02 x^2 with 5 mm: the mean falls by 0.02 x 25 and varies by sqrt 2 times that."""
    image = _map(lambda x, y, z: 200 - 0.02 * x * x + 0 * (y + z))
    accuracy = ImageAccuracy(registration_sd_mm=(5.0, 0.0, 0.0))
    only = dose_accuracy(image, {"cube": _cube()}, _unit_dose, accuracy).structures[0]
    assert only.shift_change_gy == pytest.approx(-0.5, rel=0.02)
    assert only.shift_gy == pytest.approx(0.5 * math.sqrt(2), rel=0.02)


def test_offsets_follow_the_patient_on_a_turned_grid() -> None:
    """Array axes turned by 90 degrees about z: a gradient along the patient's x still sees the sd along x."""
    turned = Grid(
        (20, 20, 20), (4.0, 4.0, 4.0), (38.0, -38.0, -38.0), (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    )
    x, y, z = _axes(turned)
    image = ActivityMap(turned, (100 + 0.5 * x).astype(np.float32))
    cube = (np.maximum.reduce([np.abs(x), np.abs(y), np.abs(z)]) < 12).astype(np.float32)
    accuracy = ImageAccuracy(registration_sd_mm=(2.0, 9.0, 9.0))
    only = dose_accuracy(image, {"cube": cube}, _unit_dose, accuracy).structures[0]
    assert only.shift_gy == pytest.approx(1.0, rel=1e-3)


def test_a_gaussian_spot_agrees_with_the_exact_average_over_offsets() -> None:
    """A spot of sd 14 mm, offsets of sd 3 mm: mean and spread of its middle have closed forms.

    Along one axis the average of exp(-d^2 / 2 s^2) over offsets of variance v is (1 + v / s^2)^-1/2, that of
    its square (1 + 2 v / s^2)^-1/2. The spot is taken in a small cube, as good as a point.
    """
    s, sd = 14.0, 3.0
    image = _map(lambda x, y, z: 100 * np.exp(-(x * x + y * y + z * z) / (2 * s * s)))
    accuracy = ImageAccuracy(registration_sd_mm=sd)
    only = dose_accuracy(image, {"spot": _cube(4.0)}, _unit_dose, accuracy).structures[0]
    t = sd * sd / (s * s)
    mean, square = (1 + t) ** -1.5, (1 + 2 * t) ** -1.5
    assert only.shift_change_gy == pytest.approx(only.mean_gy * (mean - 1), rel=0.08)
    assert only.shift_gy == pytest.approx(only.mean_gy * math.sqrt(square - mean * mean), rel=0.12)


def test_one_more_blur_of_a_sphere_is_that_of_a_wider_one() -> None:
    """A ball of 30 mm blurred by 12 mm: blurred again it reads as at 12 x sqrt 2 mm."""
    grid = Grid((34, 34, 34), (3.0, 3.0, 3.0), (-49.5, -49.5, -49.5))
    fine = Grid((68, 68, 68), (1.5, 1.5, 1.5), (-50.25, -50.25, -50.25))
    ball = _ball(grid, 15.0)
    x, y, z = _axes(fine)
    drawn = (x * x + y * y + z * z <= 15.0**2).astype(np.float64)
    seen = ndimage.gaussian_filter(drawn, SIGMA * 12 / 1.5, truncate=6)
    image = ActivityMap(grid, 100 * seen.reshape(34, 2, 34, 2, 34, 2).mean(axis=(1, 3, 5)))
    accuracy = ImageAccuracy(resolution_fwhm_mm=12.0)
    only = dose_accuracy(image, {"ball": ball}, _unit_dose, accuracy).structures[0]
    volume_ml = 4 / 3 * np.pi * 15**3 / 1000
    once, twice = (100 * sphere_recovery_frac(volume_ml, 12 * f) for f in (1, math.sqrt(2)))
    assert only.mean_gy == pytest.approx(once, rel=0.03)
    lost = (once - twice) / (math.sqrt(2) - 1)
    assert only.resolution_change_gy == pytest.approx(lost, rel=0.05)
    assert only.resolution_gy == pytest.approx(lost / math.sqrt(3), rel=0.05)
    assert only.quantifiable
    assert only.shift_gy is None


def test_the_loss_of_a_plane_surface_is_told_from_one_more_blur() -> None:
    """A slab of 80 mm between faces: each loses sigma / sqrt(2 pi) of its concentration to the outside."""
    grid = Grid((8, 8, 80), (2.0, 40.0, 40.0), (-79.0, 0.0, 0.0))
    edge = (np.arange(81) - 40.0) * 2
    sigma = SIGMA * 10
    x = (edge[1:] + edge[:-1]) / 2
    fine = np.linspace(-80, 80, 16001)
    erf = np.vectorize(math.erf)
    seen = (erf((fine + 40) / (sigma * math.sqrt(2))) - erf((fine - 40) / (sigma * math.sqrt(2)))) / 2
    profile = 100 * np.array([seen[(fine >= a) & (fine < a + 2)].mean() for a in edge[:-1]])
    image = ActivityMap(grid, np.broadcast_to(profile, grid.shape))
    slab = np.zeros(grid.shape)
    slab[2:6, 2:6, np.abs(x) < 40] = 1
    accuracy = ImageAccuracy(resolution_fwhm_mm=10.0)
    only = dose_accuracy(image, {"slab": slab}, _unit_dose, accuracy).structures[0]
    lost = 100 * 2 * sigma / math.sqrt(2 * math.pi) / 80
    assert only.mean_gy == pytest.approx(100 - lost, rel=1e-3)
    assert only.resolution_change_gy == pytest.approx(lost, rel=0.03)


def test_a_corrected_lesion_carries_the_uncertainty_of_its_recovery() -> None:
    accuracy = ImageAccuracy(resolution_fwhm_mm=10.0, recovery_relative_sd={"cube": 0.05})
    found = dose_accuracy(_map(lambda x, y, z: 80 + 0 * (x + y + z)), {"cube": _cube()}, _unit_dose, accuracy)
    assert found.structures[0].resolution_gy == pytest.approx(4.0, rel=1e-6)


def test_the_shunt_moves_lungs_up_and_the_rest_down() -> None:
    """Shunt 0.10 with 0.02: lungs of 20 Gy by 4 Gy, liver of 90 Gy by 2 Gy."""
    x, _, _ = _axes()
    liver, lungs = (x < 0).astype(np.float32), (x > 0).astype(np.float32)
    image = ActivityMap(GRID, 90 * liver + 20 * lungs)
    accuracy = ImageAccuracy(lung_shunt_frac=0.10, lung_shunt_sd=0.02)
    found = dose_accuracy(image, {"liver": liver, "lungs": lungs}, _unit_dose, accuracy)
    assert [s.shunt_gy for s in found.structures] == pytest.approx([2.0, 4.0], rel=1e-6)
    assert found.left_out == ("registration", "resolution")
    assert len(found.assumptions) == 2


def test_a_shunt_of_zero_needs_the_dose_of_a_whole_one() -> None:
    image = _map(lambda x, y, z: 1 + 0 * (x + y + z))
    accuracy = ImageAccuracy(lung_shunt_frac=0.0, lung_shunt_sd=0.01)
    with pytest.raises(ModelRangeError, match="lung_gy_of_whole_shunt"):
        dose_accuracy(image, {"lungs": _cube()}, _unit_dose, accuracy)
    found = dose_accuracy(image, {"lungs": _cube()}, _unit_dose, accuracy, lung_gy_of_whole_shunt=250.0)
    assert found.structures[0].shunt_gy == pytest.approx(2.5)


def test_parts_add_in_squares() -> None:
    image = _map(lambda x, y, z: 100 + 0.5 * x + 0 * (y + z))
    accuracy = ImageAccuracy(
        registration_sd_mm=2.0,
        resolution_fwhm_mm=8.0,
        lung_shunt_frac=0.05,
        lung_shunt_sd=0.01,
        recovery_relative_sd={"cube": 0.03},
    )
    found = dose_accuracy(image, {"cube": _cube()}, _unit_dose, accuracy)
    only = found.structures[0]
    expected = math.sqrt(1.0**2 + 3.0**2 + (100 * 0.01 / 0.95) ** 2)
    assert only.standard_uncertainty_gy == pytest.approx(expected, rel=1e-4)
    assert only.relative == pytest.approx(expected / 100, rel=1e-4)
    assert found.left_out == ()
    assert found.to_json()["structures"][0]["name"] == "cube"


def test_regions_keep_their_activity_when_the_scan_moves() -> None:
    """The only structure is the region itself: its mean cannot change, whatever the offset."""
    cube = _cube()
    x, _, _ = _axes()
    scan = CountImage(GRID, (100 + x).astype(np.float32))
    regions = [Region("liver", cube, 1.0)]
    density = DensityMap(GRID, cube * np.float32(1.03))
    accuracy = ImageAccuracy(registration_sd_mm=5.0)
    half = cube * (x < 0)
    found = dose_accuracy(scan, {"liver": cube, "half": half}, density, accuracy, regions=regions)
    whole, part = found.structures
    mass_kg = float(cube.sum()) * GRID.voxel_ml * 1.03 / 1000
    assert whole.mean_gy == pytest.approx(K / mass_kg, rel=1e-5)
    assert whole.shift_gy == pytest.approx(0.0, abs=1e-4 * whole.mean_gy)
    assert part.shift_gy is not None
    # The half reads (100 - 6 + d) / (100 + d) of the mean; its slope in d is 6 / 100^2 per mm.
    assert part.shift_gy == pytest.approx(whole.mean_gy * 5 * 6 / 100**2, rel=0.02)


def test_moving_keeps_the_total_and_goes_the_stated_way() -> None:
    spot = np.zeros(GRID.shape, np.float32)
    spot[12, 13, 14] = 7.0
    found = moved(ActivityMap(GRID, spot), (8.0, -4.0, 12.0))
    assert found.total_mbq == pytest.approx(7.0 * GRID.voxel_ml, rel=1e-6)
    assert found.mbq_per_ml[15, 12, 16] == pytest.approx(7.0, rel=1e-6)


def test_small_structures_are_flagged() -> None:
    image = _map(lambda x, y, z: 50 + 0 * (x + y + z))
    accuracy = ImageAccuracy(registration_sd_mm=8.0, resolution_fwhm_mm=20.0)
    found = dose_accuracy(image, {"small": _cube(8.0)}, _unit_dose, accuracy)
    assert found.structures[0].quantifiable is False
    assert [f.id for f in found.findings] == ["lesion-not-quantifiable", "shift-beyond-structure"]


def test_the_same_input_gives_the_same_numbers() -> None:
    image = _map(lambda x, y, z: 100 + 0.5 * x + np.sin(y / 9) + 0 * z)
    accuracy = ImageAccuracy(registration_sd_mm=3.0, resolution_fwhm_mm=12.0)
    first, second = (dose_accuracy(image, {"cube": _cube()}, _unit_dose, accuracy) for _ in range(2))
    assert first == second


def test_unusable_input_is_refused() -> None:
    image = _map(lambda x, y, z: 1 + 0 * (x + y + z))
    exact = ImageAccuracy()
    with pytest.raises(ModelRangeError, match="counts are no activity"):
        dose_accuracy(CountImage(GRID, image.mbq_per_ml), {"cube": _cube()}, _unit_dose, exact)
    with pytest.raises(MaskError, match="cube is empty"):
        dose_accuracy(image, {"cube": np.zeros(GRID.shape)}, _unit_dose, exact)
    other = Grid((2, 2, 2), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="different grids"):
        dose_accuracy(
            image,
            {"cube": _cube()},
            lambda _: DoseMap(other, np.ones(other.shape, np.float32), "unit"),
            exact,
        )
    for wrong in (-1.0, (1.0, 2.0), math.nan):
        with pytest.raises(ModelRangeError, match="registration_sd_mm"):
            ImageAccuracy(registration_sd_mm=wrong)  # type: ignore[arg-type]  # what a user may hand in
    with pytest.raises(ModelRangeError, match="go together"):
        ImageAccuracy(lung_shunt_frac=0.05)
    with pytest.raises(ModelRangeError, match="resolution_fwhm_mm"):
        ImageAccuracy(resolution_fwhm_mm=0.0)
