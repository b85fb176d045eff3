"""Reference doses against counted pairs of points, symmetry, conservation, and the voxel dose engine."""

import numpy as np
import pytest

import emboplan as ep
from emboplan.dosimetry.beta.point_kernel import PointKernel, point_kernel
from emboplan.synthetic.analytic.case import AnalyticCase
from emboplan.synthetic.analytic.filling import fill
from emboplan.synthetic.analytic.solids import Ellipsoid
from emboplan.workflow.phantoms.beta_doses import ball_mean_frac, between_planes_frac


@pytest.fixture(scope="module")
def kernel() -> PointKernel:
    return point_kernel("Y-90", material="liver", density_g_per_ml=1.0)


def sampled_radii(kernel: PointKernel, count: int, rng: np.random.Generator) -> np.ndarray:
    """Radii at which the kernel deposits energy, drawn shell by shell."""
    chance = kernel.energy_frac / kernel.energy_frac.sum()
    shell = rng.choice(chance.size, size=count, p=chance)
    width = np.diff(kernel.radius_mm)[shell]
    return np.asarray(kernel.radius_mm[shell] + width * rng.random(count))


def directions(count: int, rng: np.random.Generator) -> np.ndarray:
    vectors = rng.normal(size=(count, 3))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


@pytest.mark.parametrize("radius_mm", [3.0, 10.0, 25.0])
def test_a_ball_against_counted_points(kernel: PointKernel, radius_mm: float) -> None:
    """Decays anywhere in the ball, energy one kernel radius away in any direction: the share still inside."""
    rng, count = np.random.default_rng(7), 400_000
    start = directions(count, rng) * (radius_mm * np.cbrt(rng.random(count)))[:, None]
    end = start + directions(count, rng) * sampled_radii(kernel, count, rng)[:, None]
    inside = float((np.linalg.norm(end, axis=1) < radius_mm).mean())
    expected = ball_mean_frac(kernel, radius_mm) / kernel.energy_frac.sum()
    assert expected == pytest.approx(inside, abs=5 * np.sqrt(inside * (1 - inside) / count))


@pytest.mark.parametrize(("low", "high"), [(0.0, 100.0), (-2.0, 3.0), (1.5, 6.0), (-50.0, 50.0)])
def test_between_planes_against_counted_points(kernel: PointKernel, low: float, high: float) -> None:
    rng, count = np.random.default_rng(3), 400_000
    height = directions(count, rng)[:, 2] * sampled_radii(kernel, count, rng)
    inside = float(((height > low) & (height < high)).mean())
    expected = between_planes_frac(kernel, low, high) / kernel.energy_frac.sum()
    assert expected == pytest.approx(inside, abs=5 * np.sqrt(max(inside * (1 - inside), 1e-9) / count))


def test_half_on_the_surface_of_a_half_space(kernel: PointKernel) -> None:
    """By symmetry; and two half-spaces make a whole."""
    assert between_planes_frac(kernel, 0.0, 1e6) == pytest.approx((1 - kernel.escaping_frac) / 2, rel=1e-6)
    for depth in (0.5, 2.0, 7.0):
        whole = between_planes_frac(kernel, -depth, 1e6) + between_planes_frac(kernel, -1e6, -depth)
        assert whole == pytest.approx(1 - kernel.escaping_frac, rel=1e-6)


@pytest.fixture(scope="module")
def slab() -> AnalyticCase:
    made = ep.phantom("slab", ct__voxel_mm=[2.5, 5, 5], ct__matrix=[64, 24, 24])
    assert isinstance(made, AnalyticCase)
    return made


def test_energy_along_the_layers_is_conserved(slab: AnalyticCase) -> None:
    """Dose times mass per area, summed along the axis, is the activity's energy less what leaves the stack.

    The liver's free face lets out as much energy as the face to the lung: what is beyond it.
    """
    layers = slab.truth.kernel_doses["layers"]
    depth, gray = np.array(layers["depth_g_mm_per_ml"]), np.array(layers["gy"])
    liver = slab.truth.region("liver")
    thick = 40.0 * 1.06
    inside = depth < thick
    beyond = np.trapezoid(gray[~inside], depth[~inside]) + gray[~inside][0] * (depth[~inside][0] - thick)
    whole = liver.local_gy * (1 - slab.truth.kernel_doses["escaping_frac"]) * thick
    within = gray[inside].sum() * 1.06
    assert within + 2 * beyond == pytest.approx(whole, rel=5e-3)  # places 1 mm apart


def test_dose_in_the_middle_of_the_slab_is_equilibrium(slab: AnalyticCase) -> None:
    layers = slab.truth.kernel_doses["layers"]
    places, gray = np.array(layers["position_mm"]), np.array(layers["gy"])
    middle = gray[np.abs(places + 50.0) < 1]
    even = {row["name"]: row["gy"] for row in slab.truth.kernel_doses["equilibrium"]}
    assert middle == pytest.approx(even["liver"], rel=1e-3)
    assert gray[places > 20].max() < 1e-3 * even["liver"]  # 50 mm of lung are 13 g/mL mm: beyond the range


@pytest.mark.slow
def test_the_voxel_engine_finds_the_dose_of_a_ball(kernel: PointKernel) -> None:
    """Convolution on 1 mm voxels, one medium, a ball of 12 mm: the middle within 1 %, the mean within 3 %.

    The mean weighs each voxel with the ball's share of it. Voxels at the surface mix both sides, in the map
    and in the mean, which takes 2 % of the dose of so small a ball.
    """
    grid = ep.Grid((41, 41, 41), (1.0, 1.0, 1.0), (-20.0, -20.0, -20.0))
    filled = fill("ball", Ellipsoid((0.0, 0.0, 0.0), (12.0,) * 3), grid, 4)
    share = np.zeros(grid.shape)
    share[filled.box] = filled.share
    density, k = 1.06, ep.catalog.load().nuclide("Y-90").k_gy_kg_per_gbq
    dose = ep.dose_result(
        ep.ActivityMap(grid, (1.0 + 4.0 * share).astype(np.float32)),  # MBq/mL: five to one
        density=ep.DensityMap(grid, np.full(grid.shape, density, np.float32)),
        nuclide="Y-90",
        method="voxel-s",
    ).dose  # without the warning that much energy leaves so small a grid
    here = kernel.at_density(density)
    whole = 1 - kernel.escaping_frac
    middle = k / density * (whole + 4 * float(here.within_frac(6.0)))
    mean = k / density * (whole + 4 * ball_mean_frac(here, 6.0))
    assert dose.gy[20, 20, 20] == pytest.approx(middle, rel=0.01)
    assert float((dose.gy * share).sum() / share.sum()) == pytest.approx(mean, rel=0.03)


def test_doses_of_the_sphere_case(kernel: PointKernel) -> None:
    """20 mm at five to one in liver: the same formula from the truth's own volumes and activities."""
    made = ep.phantom("sphere", ct__voxel_mm=[4, 4, 4], ct__matrix=[33, 33, 33])
    assert isinstance(made, AnalyticCase)
    tumour, liver = made.truth.region("tumour"), made.truth.region("liver")
    k = made.truth.k_gy_kg_per_gbq
    own, around = (k * r.activity_mbq / 150.0 / (r.volume_ml * 1.06e-3) for r in (tumour, liver))
    inside = ball_mean_frac(kernel.at_density(1.06), 10.0)
    (ball,) = made.truth.kernel_doses["balls"]
    assert ball["name"] == "tumour"
    assert ball["mean_gy"] == pytest.approx(
        own * inside + around * (1 - kernel.escaping_frac - inside), rel=1e-9
    )
    assert around < ball["mean_gy"] < own
