"""Convolution and transport together agree with transport alone, and go the way that they say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emboplan.catalog import load
from emboplan.dosimetry.tissues.interfaces import beta_range_mm
from emboplan.dosimetry.voxel.auto import auto_dose
from emboplan.dosimetry.voxel.transport import transport_dose
from emboplan.dosimetry.voxel.voxel_s_dose import voxel_s_dose
from emboplan.errors import GeometryError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap
from emboplan.model.tissue import TissueMap

SPACING = 4.0
SIDE = 36
MATERIALS = ("muscle", "liver", "lung", "bone_compact")
Y90_MEV = 2.2787
K_Y90 = load().nuclide("Y-90").derived_gy_kg_per_gbq
SITE = """
[sources]
OURS = "Handbook"
[nuclides.Y-90.half_life]
value = 60.0
unit = "h"
source = ["OURS"]
place = "x"
status = "confirmed"
[nuclides.Y-90.mean_energy]
value = 0.9267
unit = "MeV"
source = ["OURS"]
place = "x"
status = "confirmed"
[nuclides.Y-90.dose_coefficient]
value = 46.27
unit = "Gy kg/GBq"
source = ["OURS"]
place = "x"
status = "confirmed"
"""


def grid(side: int = SIDE) -> Grid:
    return Grid(shape=(side, side, side), spacing_mm=(SPACING,) * 3, origin_mm=(0.0, 0.0, 0.0))


def axes(side: int = SIDE) -> list[NDArray[np.float64]]:
    middle = (np.arange(side) - (side - 1) / 2) * SPACING
    return list(np.meshgrid(middle, middle, middle, indexing="ij"))


@pytest.fixture(scope="module")
def patient() -> tuple[ActivityMap, TissueMap, dict[str, NDArray[np.float32]]]:
    """A liver of 52 mm radius in muscle, lung above its dome, a deep lesion, and one under the dome."""
    z, y, x = axes()
    liver = x**2 + y**2 + (z + 12) ** 2 < 52**2
    lung = (z > 24) & ~liver
    material = np.zeros(z.shape, np.uint8)
    material[liver], material[lung] = 1, 2
    density = np.array([1.05, 1.06, 0.26], np.float32)[material]
    deep = (x - 8) ** 2 + y**2 + (z + 16) ** 2 < 12**2
    dome = (x**2 + y**2 + (z - 28) ** 2 < 12**2) & liver
    activity = np.zeros(z.shape, np.float32)
    activity[liver], activity[lung], activity[deep | dome] = 1.0, 0.05, 4.0
    structures = {"deep": deep, "dome": dome, "normal": liver & ~deep & ~dome, "lung": lung}
    return (
        ActivityMap(grid(), activity),
        TissueMap(grid(), density, material, MATERIALS),
        {name: mask.astype(np.float32) for name, mask in structures.items()},
    )


def test_means_agree_with_full_transport(
    patient: tuple[ActivityMap, TissueMap, dict[str, NDArray[np.float32]]],
) -> None:
    """Within four standard errors of the difference, and 0.2 % of kernel and density bands."""
    activity, tissue, structures = patient
    quick = auto_dose(activity, tissue, structures=structures, relative_error=0.005)
    full = transport_dose(activity, tissue, structures=structures, histories=1_000_000, seed=3)
    assert quick.reached
    for name in structures:
        one, other = quick.structure(name), full.structure(name)
        error = np.hypot(one.standard_error_gy, other.standard_error_gy)
        assert one.relative_error <= 0.005
        assert abs(one.mean_gy - other.mean_gy) <= 4 * error + 0.002 * other.mean_gy


def test_the_dose_map_is_what_the_means_are_of(
    patient: tuple[ActivityMap, TissueMap, dict[str, NDArray[np.float32]]],
) -> None:
    activity, tissue, structures = patient
    found = auto_dose(activity, tissue, structures=structures, relative_error=0.05)
    for name, share in structures.items():
        assert found.structure(name).mean_gy == pytest.approx(
            float(found.dose.gy[share > 0].mean()), rel=1e-5
        )
    assert found.convolved_frac + found.transported_frac == pytest.approx(1.0, rel=1e-12)
    assert 0.3 < found.convolved_frac < 0.95
    assert f"{found.convolved_frac * 100:.3g} % of the activity was convolved" in found.findings[0].text


def test_only_what_reaches_other_tissue_is_transported() -> None:
    """A ball of activity in one tissue is convolved whole; beside bone its near side is transported."""
    z, y, x = axes(30)
    active = (x**2 + y**2 + z**2 < 16**2).astype(np.float32)
    even = TissueMap(grid(30), np.full(z.shape, 1.05, np.float32), np.zeros(z.shape, np.uint8), MATERIALS)
    alone = auto_dose(ActivityMap(grid(30), active), even)
    assert (alone.convolved_frac, alone.transported) == (1.0, None)
    assert not alone.dose.standard_error_gy.any()  # type: ignore[union-attr]  # a map has it once made

    bone = x >= 20
    material = np.where(bone, np.uint8(3), np.uint8(0))
    density = np.where(bone, np.float32(1.85), np.float32(1.05))
    beside = TissueMap(grid(30), density, material, MATERIALS)
    found = auto_dose(ActivityMap(grid(30), active), beside, relative_error=0.05)
    reach = float(beta_range_mm(beside, Y90_MEV)[15, 15, 15])
    edge = 20.0
    # Face to face: the near face of a voxel is half a voxel nearer to the bone than its middle.
    near = active.astype(bool) & (edge - (x + SPACING / 2) <= reach)
    assert found.transported_frac == pytest.approx(near.sum() / active.sum(), rel=1e-6)


def test_one_tissue_is_the_convolution() -> None:
    """Against the plain voxel S dose of the same density and composition."""
    z, y, x = axes(30)
    active = (x**2 + y**2 + z**2 < 14**2).astype(np.float32)
    tissue = TissueMap(grid(30), np.full(z.shape, 1.05, np.float32), np.zeros(z.shape, np.uint8), MATERIALS)
    activity = ActivityMap(grid(30), active)
    found = auto_dose(activity, tissue).dose.gy
    plain = voxel_s_dose(activity, density=1.05, material="liver").gy
    assert np.abs(found - plain).max() < 0.003 * plain.max()
    # The same energy: K of the record against K of half-life and mean energy, 0.1 %.
    assert float(found.sum()) == pytest.approx(float(plain.sum()), rel=2e-3)


def test_the_same_call_gives_the_same_bits(
    patient: tuple[ActivityMap, TissueMap, dict[str, NDArray[np.float32]]],
) -> None:
    activity, tissue, structures = patient
    one = auto_dose(activity, tissue, structures=structures, relative_error=0.05, seed=9)
    two = auto_dose(activity, tissue, structures=structures, relative_error=0.05, seed=9)
    assert (one.dose.gy == two.dose.gy).all()
    assert one.structures == two.structures


def test_parts_of_the_run_average_to_the_map(
    patient: tuple[ActivityMap, TissueMap, dict[str, NDArray[np.float32]]],
) -> None:
    activity, tissue, structures = patient
    lesion = {"dome": structures["dome"]}
    found = auto_dose(activity, tissue, structures=lesion, relative_error=0.05, keep_batches=True)
    assert found.batch_doses_gy is not None
    assert found.batch_voxels is not None
    mean = found.batch_doses_gy.mean(axis=0)
    assert mean == pytest.approx(found.dose.gy.ravel()[found.batch_voxels], rel=1e-4)


def test_bad_input_is_refused(
    patient: tuple[ActivityMap, TissueMap, dict[str, NDArray[np.float32]]],
) -> None:
    activity, tissue, _ = patient
    nothing = replace(activity, mbq_per_ml=np.zeros_like(activity.mbq_per_ml))
    with pytest.raises(ModelRangeError, match="no activity"):
        auto_dose(nothing, tissue)
    elsewhere = Grid(shape=activity.grid.shape, spacing_mm=(SPACING,) * 3, origin_mm=(1.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="activity and tissue"):
        auto_dose(replace(activity, grid=elsewhere), tissue)
    wide = Grid(shape=(4, 4, 4), spacing_mm=(12.0, 4.0, 4.0), origin_mm=(0.0, 0.0, 0.0))
    ones = np.ones((4, 4, 4), np.float32)
    with pytest.raises(ModelRangeError, match="at most 10 mm"):
        auto_dose(ActivityMap(wide, ones), TissueMap(wide, ones, np.zeros(ones.shape, np.uint8), MATERIALS))


@pytest.mark.parametrize("g_per_ml", [1.0, 1.03, 1.0399, 1.04, 1.0405, 1.0507, 1.06, 1.0611, 1.08])
@pytest.mark.parametrize("side_mm", [2.0, 4.0])
def test_the_kernel_is_that_of_the_source_s_own_density(g_per_ml: float, side_mm: float) -> None:
    """A single voxel, wherever its density lies between those that kernels are made for."""
    cube = Grid(shape=(25, 25, 25), spacing_mm=(side_mm,) * 3, origin_mm=(0.0, 0.0, 0.0))
    active = np.zeros(cube.shape, np.float32)
    active[12, 12, 12] = 1
    tissue = TissueMap(
        cube, np.full(cube.shape, g_per_ml, np.float32), np.full(cube.shape, 1, np.uint8), MATERIALS
    )
    found = auto_dose(ActivityMap(cube, active), tissue)
    exact = voxel_s_dose(ActivityMap(cube, active), density=g_per_ml, material="liver", k_gy_kg_per_gbq=K_Y90)
    assert found.convolved_frac == 1
    assert found.dose.gy == pytest.approx(exact.gy, abs=1.5e-3 * float(exact.gy.max()))
    assert found.dose.gy[12, 12, 12] == pytest.approx(exact.gy[12, 12, 12], rel=1e-3)


def test_facts_of_a_site_reach_both_ways(tmp_path: Path) -> None:
    """Half-life and mean energy of a site's catalogue: convolved and transported energy are in its K."""
    site = tmp_path / "site.toml"
    site.write_text(SITE)
    facts = load(site)
    record = facts.nuclide("Y-90")
    assert record.half_life_h == 60
    cube = grid(25)
    active = np.zeros(cube.shape, np.float32)
    active[12, 12, 12], active[12, 12, 6] = 1, 1
    tissue = TissueMap(
        cube, np.full(cube.shape, 1.04, np.float32), np.full(cube.shape, 1, np.uint8), MATERIALS
    )
    asked = {"beside": (active > 0).astype(np.float32)}
    for run in (
        auto_dose(ActivityMap(cube, active), tissue, catalog=facts),
        transport_dose(ActivityMap(cube, active), tissue, structures=asked, histories=20_000, catalog=facts),
    ):
        energy = float(run.dose.gy.sum(dtype=np.float64)) * 1.04 / 2
        assert energy == pytest.approx(record.derived_gy_kg_per_gbq, rel=0.01)
