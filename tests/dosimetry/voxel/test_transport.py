"""The transport dose: units by hand, its error, its account of the energy, and what it refuses."""

import math
from dataclasses import replace
from typing import Any

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from emboplan import catalog
from emboplan.dosimetry.beta.beta_spectrum import beta_spectrum
from emboplan.dosimetry.beta.electron_tables import TransportSettings
from emboplan.dosimetry.voxel.transport import transport_dose
from emboplan.dosimetry.voxel.transport_result import StructureMean
from emboplan.dosimetry.voxel.transport_rounds import BATCHES, Rounds, checked_rounds
from emboplan.dosimetry.voxel.voxel_s import voxel_s_kernel
from emboplan.errors import CatalogError, GeometryError, MaskError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap
from emboplan.model.tissue import TissueMap
from emboplan.units import JOULE_PER_MEV

GRID = Grid(shape=(11, 12, 13), spacing_mm=(4.0, 3.0, 5.0), origin_mm=(0.0, 0.0, 0.0))
MATERIALS = ("liver", "lung", "bone_cortical")


def tissue(grid: Grid = GRID) -> TissueMap:
    """Liver below, lung above, a rib at the side."""
    material = np.zeros(grid.shape, np.uint8)
    material[6:] = 1
    material[:, :, 11:] = 2
    density = np.array([1.06, 0.26, 1.5], np.float32)[material]
    return TissueMap(grid, density, material, MATERIALS)


def water(grid: Grid, density: float = 1.0) -> TissueMap:
    return TissueMap(
        grid, np.full(grid.shape, density, np.float32), np.zeros(grid.shape, np.uint8), ("water",)
    )


def activity(grid: Grid = GRID) -> ActivityMap:
    """2 MBq/mL in the liver, five times as much in a lesion."""
    mbq = np.zeros(grid.shape, np.float32)
    mbq[1:6, 2:10, 2:10] = 2
    mbq[3:5, 5:7, 5:7] = 10
    return ActivityMap(grid, mbq)


def structures() -> dict[str, NDArray[np.float32]]:
    mbq = activity().mbq_per_ml
    lung = np.zeros(GRID.shape, np.float32)
    lung[6:8, 3:9, 3:9] = 0.5
    return {"liver": (mbq == 2).astype(np.float32), "lesion": (mbq == 10).astype(np.float32), "lung": lung}


def test_all_energy_is_that_of_the_decays() -> None:
    """Dose times mass over a phantom that holds all: decays x 0.933 MeV, by hand from 64.1 h; to 0.02 %."""
    grid = Grid((17, 17, 17), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))
    mbq = np.zeros(grid.shape, np.float32)
    mbq[7:10, 7:10, 7:10] = 3
    result = transport_dose(ActivityMap(grid, mbq), water(grid), histories=60_000)
    joule = float((result.dose.gy.astype(float) * 1.0 * 0.064 / 1000).sum())
    decays = 27 * 0.064 * 3 * 1e6 * 64.1 * 3600 / math.log(2)
    assert joule == pytest.approx(decays * 0.933 * 1.602176634e-13, rel=2e-4)
    assert result.dose.method == "transport"
    assert result.escaped_mev == 0


def test_in_one_medium_it_is_the_voxel_s_kernel() -> None:
    """One source voxel in water at 1.04 g/mL: every voxel above 1 % of it within 1 % and 4 errors."""
    grid = Grid((9, 9, 9), (3.0, 4.0, 5.0), (0.0, 0.0, 0.0))
    mbq = np.zeros(grid.shape, np.float32)
    mbq[4, 4, 4] = 1
    result = transport_dose(
        ActivityMap(grid, mbq), water(grid, 1.04), histories=200_000, bremsstrahlung="escapes"
    )
    kernel = voxel_s_kernel(
        "Y-90", spacing_mm=grid.spacing_mm, density_g_per_ml=1.04, bremsstrahlung="escapes"
    )
    mbq_s = grid.voxel_ml * 64.1 * 3600 / math.log(2)
    expected = kernel.mgy_per_mbq_s * mbq_s / 1000
    z, y, x = (n // 2 for n in expected.shape)
    near = expected[z - 2 : z + 3, y - 2 : y + 3, x - 2 : x + 3]
    ours = result.dose.gy[2:7, 2:7, 2:7]
    assert result.dose.standard_error_gy is not None
    error = result.dose.standard_error_gy[2:7, 2:7, 2:7]
    seen = near > 0.01 * near.max()
    assert (np.abs(ours - near) < 0.01 * near + 4 * error)[seen].all()
    assert result.radiated_mev / result.emitted_mev == pytest.approx(kernel.escaping_frac, rel=0.1)


def test_energy_balances() -> None:
    """Deposited and escaped are emitted, to 1e-6 and better; the dose map holds what was deposited."""
    for bremsstrahlung in ("kept", "escapes"):
        result = transport_dose(activity(), tissue(), histories=6_400, bremsstrahlung=bremsstrahlung)
        assert result.deposited_mev + result.escaped_mev == pytest.approx(result.emitted_mev, rel=1e-9)
        assert (result.radiated_mev > 0) == (bremsstrahlung == "escapes")
        decays = activity().total_mbq * 1e6 * 64.1 * 3600 / math.log(2)
        grams = tissue().g_per_ml.astype(float) * GRID.voxel_ml
        mev = float((result.dose.gy * grams).sum()) / 1000 / JOULE_PER_MEV / decays * result.histories
        assert mev == pytest.approx(result.deposited_mev, rel=1e-5)


def test_more_activity_is_as_much_more_dose() -> None:
    """The same histories, whatever the activity's unit: twice the activity is twice the dose."""
    one = transport_dose(activity(), tissue(), histories=640)
    two = transport_dose(ActivityMap(GRID, activity().mbq_per_ml * 2), tissue(), histories=640)
    assert two.dose.gy == pytest.approx(2 * one.dose.gy, rel=1e-6)


def test_the_same_bits_on_one_and_two_threads() -> None:
    threads = numba.get_num_threads()
    found = []
    try:
        for number in sorted({1, min(2, threads)}):
            numba.set_num_threads(number)
            result = transport_dose(
                activity(), tissue(), relative_error=0.03, structures=structures(), keep_batches=True
            )
            assert result.batch_doses_gy is not None
            assert result.dose.standard_error_gy is not None
            found.append(
                (
                    result.dose.gy.tobytes(), result.dose.standard_error_gy.tobytes(), result.structures,
                    result.batch_doses_gy.tobytes(), result.histories, result.deposited_mev,
                )
            )  # fmt: skip
    finally:
        numba.set_num_threads(threads)
    assert len(set(found)) == 1


def test_another_seed_is_another_run() -> None:
    one, two = (transport_dose(activity(), tissue(), histories=640, seed=s) for s in (1, 2))
    assert (one.dose.gy != two.dose.gy).any()


def test_the_mean_of_a_structure_is_that_of_its_volume() -> None:
    result = transport_dose(activity(), tissue(), histories=64_000, structures=structures())
    for name, share in structures().items():
        expected = float(np.average(result.dose.gy, weights=share))
        assert result.structure(name).mean_gy == pytest.approx(expected, rel=1e-6)


def test_errors_of_structures_are_those_of_independent_runs() -> None:
    """The spread of 20 seeds, known to 16 %, against the errors that each run states: within 45 %."""
    runs = [
        transport_dose(activity(), tissue(), histories=2_560, structures=structures(), seed=s)
        for s in range(30)
    ]
    for name in structures():
        means = np.array([r.structure(name).mean_gy for r in runs])
        stated = math.sqrt(np.mean([r.structure(name).standard_error_gy ** 2 for r in runs]))
        assert means.std(ddof=1) == pytest.approx(stated, rel=0.45)


def test_kept_batches_give_mean_and_error_of_the_structures() -> None:
    result = transport_dose(
        activity(), tissue(), histories=64_000, structures=structures(), keep_batches=True
    )
    assert result.batch_doses_gy is not None
    assert result.batch_voxels is not None
    assert result.batch_doses_gy.shape == (BATCHES, result.batch_voxels.size)
    assert result.batch_doses_gy.mean(axis=0) == pytest.approx(
        result.dose.gy.ravel()[result.batch_voxels], rel=1e-5, abs=1e-9
    )
    for name, share in structures().items():
        weights = share.ravel()[result.batch_voxels]
        means = result.batch_doses_gy @ weights / weights.sum()
        found = result.structure(name)
        assert found.standard_error_gy == pytest.approx(means.std(ddof=1) / math.sqrt(BATCHES), rel=1e-4)


def test_it_runs_until_the_error_is_reached() -> None:
    told: list[float] = []
    result = transport_dose(
        activity(), tissue(), relative_error=0.01, structures=structures(), progress=told.append
    )
    assert result.reached
    assert all(s.relative_error <= 0.01 for s in result.structures)
    assert not [f for f in result.findings if f.id == "transport-error"]
    assert told == sorted(told)
    assert told[-1] == 1
    assert result.histories % BATCHES == 0


def test_a_shortfall_is_recorded() -> None:
    result = transport_dose(
        activity(), tissue(), relative_error=0.0001, structures=structures(), most_histories=20_000
    )
    assert not result.reached
    assert result.histories <= 20_000
    finding = next(f for f in result.findings if f.id == "transport-error")
    assert "0.01 % asked for" in finding.text
    assert "lung" in finding.text


def test_a_structure_out_of_reach_does_not_run_for_ever() -> None:
    far = np.zeros(GRID.shape, np.float32)
    far[0, 0, 0] = 1
    mbq = np.zeros(GRID.shape, np.float32)
    mbq[4, 10, 2] = 1
    result = transport_dose(
        ActivityMap(GRID, mbq),
        tissue(),
        relative_error=0.05,
        structures={"far": far},
        most_histories=100_000_000,
    )
    assert not result.reached
    assert "far (no dose)" in result.findings[0].text
    assert result.histories < 1_000_000


def test_energy_that_leaves_the_grid_is_counted() -> None:
    grid = Grid((2, 2, 2), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))
    result = transport_dose(ActivityMap(grid, np.ones(grid.shape, np.float32)), water(grid), histories=6_400)
    assert 0.3 < result.escaped_mev / result.emitted_mev < 0.7
    assert result.left_mev / result.emitted_mev > 0.3
    assert result.deposited_mev + result.escaped_mev == pytest.approx(result.emitted_mev, rel=1e-9)


def test_other_nuclides() -> None:
    """Ho-166: 26.8 h, and all of its record's energy a decay although the betas have 6 % less."""
    result = transport_dose(activity(), tissue(), nuclide="Ho-166", histories=64_000)
    record = catalog.load().nuclide("Ho-166")
    assert record.mean_energy is not None
    grams = tissue().g_per_ml.astype(float) * GRID.voxel_ml
    joule = float((result.dose.gy * grams).sum()) / 1000
    decays = activity().total_mbq * 1e6 * record.half_life_h * 3600 / math.log(2)
    held = result.deposited_mev / result.emitted_mev
    assert joule == pytest.approx(decays * record.mean_energy.number * JOULE_PER_MEV * held, rel=1e-3)


def test_air_beside_the_source() -> None:
    """Flights through air cross the whole grid; nothing is lost on the way."""
    grid = Grid((6, 6, 30), (5.0, 5.0, 5.0), (0.0, 0.0, 0.0))
    material = np.zeros(grid.shape, np.uint8)
    material[:, :, 3:27] = 1
    density = np.where(material == 1, 0.001205, 1.06).astype(np.float32)
    mbq = np.zeros(grid.shape, np.float32)
    mbq[2:4, 2:4, 2] = 1
    result = transport_dose(
        ActivityMap(grid, mbq), TissueMap(grid, density, material, ("liver", "air")), histories=64_000
    )
    behind = result.dose.gy[:, :, 27:]
    assert behind.max() > 0
    assert result.dose.gy[2:4, 2:4, 2].min() > behind.max()


def test_next_round_follows_the_error() -> None:
    """Half the error takes four times the batches, and a tenth more; never beyond the most."""
    rounds = Rounds(seed=1, batch=1000, most_batches=64 * 100, relative_error=0.01)
    means = (StructureMean("a", 1.0, 0.02), StructureMean("none", 0.0, 0.0))
    assert math.ceil(4 * 1.1) * 64 == rounds.next_target(64, means)
    assert rounds.next_target(64, (StructureMean("a", 1.0, 0.0100001),)) == 128
    assert rounds.next_target(64, (StructureMean("a", 1.0, 0.01),)) == 64
    assert rounds.next_target(6400, means) == 6400
    assert rounds.next_target(64, (StructureMean("a", 1.0, 0.9),)) == 16 * 64
    large = checked_rounds(
        relative_error=0.01, histories=None, most_histories=10**9, seed=1, structures=1, sources=2_000_000
    )
    assert large.batch == 200_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nuclide": "Lu-177"}, "no beta spectrum"),
        ({"bremsstrahlung": "lost"}, "'kept' or 'escapes'"),
        ({"histories": 10}, "histories is 10; expected at least 64"),
        ({"histories": 1000, "relative_error": 0.1}, "give the one that decides"),
        ({"relative_error": 0.01, "structures": None}, "needs structures"),
        ({"relative_error": -1.0}, "relative_error is -1.0"),
        ({"relative_error": math.nan}, "relative_error is nan"),
        ({"relative_error": 0.1, "most_histories": 5}, "most_histories is 5"),
        ({"seed": -1}, "seed is -1"),
        ({"keep_batches": True, "structures": None}, "keep_batches needs structures"),
        ({"settings": TransportSettings(highest_mev=1.0)}, "raise highest_mev"),
    ],
)
def test_wishes_that_make_no_sense_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelRangeError, match=message):
        transport_dose(activity(), tissue(), **{"structures": structures(), **change})


def test_maps_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ModelRangeError, match="activity map is empty"):
        transport_dose(ActivityMap(GRID, np.zeros(GRID.shape, np.float32)), tissue())
    shifted = replace(GRID, origin_mm=(5.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="activity and tissue lie on different grids"):
        transport_dose(activity(shifted), tissue())
    wide = replace(GRID, spacing_mm=(12.0, 3.0, 3.0))
    with pytest.raises(ModelRangeError, match="at most 10 mm"):
        transport_dose(activity(wide), tissue(wide))
    unknown = TissueMap(GRID, tissue().g_per_ml, tissue().material, ("liver", "lung", "titanium"))
    with pytest.raises(ModelRangeError, match="'titanium' is not known"):
        transport_dose(activity(), unknown)
    with pytest.raises(MaskError, match="lung is empty"):
        transport_dose(activity(), tissue(), structures={"lung": np.zeros(GRID.shape)})
    with pytest.raises(ModelRangeError, match="density is 0"):
        TissueMap(GRID, np.zeros(GRID.shape, np.float32), tissue().material, MATERIALS)
    with pytest.raises(CatalogError, match="Xx-1"):
        transport_dose(activity(), tissue(), nuclide="Xx-1", spectrum=beta_spectrum("Y-90"))
