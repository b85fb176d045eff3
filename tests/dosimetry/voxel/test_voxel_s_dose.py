"""The voxel-S engine: K, geometry, density and what it refuses."""

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.reference.filters import convolved

from emboplan import catalog
from emboplan.dosimetry.beta.point_kernel import point_kernel
from emboplan.dosimetry.voxel.local_deposition import local_deposition
from emboplan.dosimetry.voxel.voxel_s import voxel_s_kernel
from emboplan.dosimetry.voxel.voxel_s_dose import voxel_s_dose
from emboplan.errors import CatalogError, GeometryError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, DensityMap

SHAPE = (15, 16, 18)
F32 = NDArray[np.float32]


def grid(spacing: tuple[float, float, float] = (4.0, 4.0, 4.0)) -> Grid:
    return Grid(shape=SHAPE, spacing_mm=spacing, origin_mm=(0.0, 0.0, 0.0))


def blob() -> F32:
    image = np.zeros(SHAPE, np.float32)
    image[5:9, 6:10, 6:12] = np.random.default_rng(1).uniform(1, 2, (4, 4, 6))
    return image


def uniform_map(value: float, spacing: tuple[float, float, float] = (4.0, 4.0, 4.0)) -> DensityMap:
    return DensityMap(grid(spacing), np.full(SHAPE, value, np.float32))


@pytest.mark.parametrize("nuclide", ["Y-90", "Ho-166"])
def test_inside_wide_even_activity_it_is_local_deposition(nuclide: str) -> None:
    """1 MBq/mL everywhere: farther than the range from the grid's edge the dose is K / density."""
    everywhere = ActivityMap(grid(), np.ones(SHAPE, np.float32))
    record = catalog.load().nuclide(nuclide)
    local = local_deposition(everywhere, uniform_map(1.03), nuclide=record)
    found = voxel_s_dose(everywhere, nuclide=nuclide)
    assert found.method == "voxel-s"
    assert found.gy[7, 8, 9] == pytest.approx(local.gy[7, 8, 9], rel=1e-5)
    assert found.gy[7, 8, 9] == pytest.approx(record.k_gy_kg_per_gbq / 1.03, rel=1e-5)
    assert found.gy[0, 0, 0] < 0.75 * local.gy[0, 0, 0]


@pytest.mark.parametrize("spacing", [(4.0, 4.0, 4.0), (2.2, 2.2, 5.0), (4.8, 4.8, 2.0)])
def test_by_definition(spacing: tuple[float, float, float]) -> None:
    """Activity times S values summed directly, with time from the half-life: K is 0.07 % above."""
    activity = ActivityMap(grid(spacing), blob())
    kernel = voxel_s_kernel("Y-90", spacing_mm=spacing, density_g_per_ml=1.05)
    seconds = 64.1 * 3600 / np.log(2)
    mbq = blob().astype(np.float64) * activity.grid.voxel_ml
    expected = convolved(mbq, kernel.mgy_per_mbq_s) * seconds / 1000
    found = voxel_s_dose(activity, density=1.05).gy
    assert found / (49.8 / 49.765) == pytest.approx(expected, abs=1e-3 * expected.max())
    assert (found >= 0).all()


@pytest.mark.parametrize("bremsstrahlung", ["kept", "escapes"])
def test_energy(bremsstrahlung: str) -> None:
    """Mean dose times mass is K times activity, less what escapes."""
    activity = ActivityMap(grid(), blob())
    found = voxel_s_dose(activity, density=1.0, bremsstrahlung=bremsstrahlung)  # type: ignore[arg-type]  # a text of the test's list
    joule = found.gy.sum(dtype=np.float64) * activity.grid.voxel_ml / 1000
    lost = point_kernel("Y-90").escaping_frac if bremsstrahlung == "escapes" else 0
    # Values below 0 that were set to 0 may add some millionths.
    assert joule == pytest.approx(49.8 * activity.total_mbq / 1000 * (1 - lost), rel=5e-5)


def test_a_denser_medium_is_a_shorter_range() -> None:
    """Voxels of 4 mm at 1.05 g/mL are voxels of 4.2 mm at 1 g/mL, with 1.05 times the mass of 4 mm at 1."""
    dense = voxel_s_dose(ActivityMap(grid(), blob()), density=1.05).gy
    wide = voxel_s_dose(ActivityMap(grid((4.2, 4.2, 4.2)), blob()), density=1.0).gy
    assert dense * 1.05 == pytest.approx(wide, abs=1e-3 * float(wide.max()))


def test_the_usual_density_is_that_of_liver() -> None:
    activity = ActivityMap(grid(), blob())
    assert (voxel_s_dose(activity).gy == voxel_s_dose(activity, density=1.03).gy).all()


def test_scaled_by_density() -> None:
    """The energy of the uniform medium over each voxel's mass: four times the dose at a quarter of it."""
    activity = ActivityMap(grid(), blob())
    lung = np.full(SHAPE, 1.03, np.float32)
    lung[:7] = 1.03 / 4
    uniform = voxel_s_dose(activity, density=1.03)
    scaled = voxel_s_dose(activity, density=DensityMap(grid(), lung), scaling="density")
    assert scaled.method == "voxel-s-density"
    assert scaled.gy[7:] == pytest.approx(uniform.gy[7:], rel=1e-5)
    assert scaled.gy[:7] == pytest.approx(4 * uniform.gy[:7], rel=1e-5)
    energy = (scaled.gy * lung).sum(dtype=np.float64)
    assert energy == pytest.approx((uniform.gy * 1.03).sum(dtype=np.float64), rel=1e-5)


def test_oblique_axes_change_nothing() -> None:
    turned = Grid(
        shape=SHAPE, spacing_mm=(4.0, 4.0, 4.0), origin_mm=(3.0, 2.0, 1.0),
        direction=(0.6, -0.8, 0.0, 0.8, 0.6, 0.0, 0.0, 0.0, 1.0),
    )  # fmt: skip
    straight, oblique = (voxel_s_dose(ActivityMap(g, blob())).gy for g in (grid(), turned))
    assert (straight == oblique).all()


def test_holmium_reaches_less_far_than_yttrium() -> None:
    """Its betas end at 1.85 MeV, not 2.28; more of the energy stays in the voxel of the decay."""
    point = np.zeros(SHAPE, np.float32)
    point[7, 8, 9] = 1
    shares = {}
    for nuclide in ("Y-90", "Ho-166"):
        gy = voxel_s_dose(ActivityMap(grid(), point), nuclide=nuclide).gy
        shares[nuclide] = float(gy[7, 8, 9] / gy.sum(dtype=np.float64))
    assert shares["Ho-166"] > 1.1 * shares["Y-90"]


def test_refusals() -> None:
    activity = ActivityMap(grid(), blob())
    with pytest.raises(ModelRangeError, match="holds no activity"):
        voxel_s_dose(ActivityMap(grid(), np.zeros(SHAPE, np.float32)))
    with pytest.raises(ModelRangeError, match="at most 10 mm"):
        voxel_s_dose(ActivityMap(grid((4.0, 4.0, 10.5)), blob()))
    with pytest.raises(ModelRangeError, match="density_g_per_ml is 0"):
        voxel_s_dose(activity, density=0.0)
    with pytest.raises(ModelRangeError, match="uniform scaling has one density"):
        voxel_s_dose(activity, density=uniform_map(1.0))
    with pytest.raises(ModelRangeError, match="needs a density map"):
        voxel_s_dose(activity, density=1.0, scaling="density")
    with pytest.raises(ModelRangeError, match="expected 'uniform' or 'density'"):
        voxel_s_dose(activity, scaling="water")  # type: ignore[arg-type]  # the mistake
    with pytest.raises(GeometryError, match="activity and density lie on different grids"):
        voxel_s_dose(activity, density=uniform_map(1.0, (4.0, 4.0, 5.0)), scaling="density")
    with pytest.raises(CatalogError, match="Tc-99m has no mean energy"):
        voxel_s_dose(activity, nuclide="Tc-99m", k_gy_kg_per_gbq=1.0)
    bare = np.ones(SHAPE, np.float32)
    bare[5] = 0
    with pytest.raises(ModelRangeError, match=r"\d+ voxels without mass would get .* % of the energy"):
        voxel_s_dose(activity, density=DensityMap(grid(), bare), scaling="density")
