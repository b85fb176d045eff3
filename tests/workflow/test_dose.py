"""Arrays in, arrays out: the dose by every method, against formulas and against full transport."""

import numpy as np
import pytest
from numpy.typing import NDArray

import emboplan as ep
from emboplan.catalog import load
from emboplan.dosimetry.tissues.tissue_from_density import tissue_from_density
from emboplan.errors import GeometryError, InputError, MaskError, ModelRangeError
from emboplan.model.case import DoseMethod
from emboplan.model.finding import Severity
from emboplan.model.tissue import TissueMap
from emboplan.workflow.dosing.dose import DoseWarning
from emboplan.workflow.dosing.dose_engines import DoseSettings, computed_dose, summed
from emboplan.workflow.dosing.dose_remarks import method_findings

# Grids and numbers of electrons are small here, on purpose; the warnings have tests of their own.
pytestmark = pytest.mark.filterwarnings("ignore::emboplan.workflow.dosing.dose.DoseWarning")

METHODS = [method.value for method in DoseMethod]
N = 24

# Enough electrons for what does not depend on their number.
FEW = 64_000


def grid(n: int = N, mm: float = 4.0) -> ep.Grid:
    return ep.Grid(shape=(n, n, n), spacing_mm=(mm, mm, mm), origin_mm=(0, 0, 0))


def error_of(dose: ep.DoseMap) -> NDArray[np.float32]:
    assert dose.standard_error_gy is not None
    return dose.standard_error_gy


def dome(lung_g_per_ml: float = 0.26) -> tuple[ep.ActivityMap, ep.DensityMap]:
    """Liver below, lung above, 3 MBq/mL in the middle of the liver up to the lung."""
    density = np.full(grid().shape, 1.04, np.float32)
    density[14:] = lung_g_per_ml
    mbq = np.zeros(grid().shape, np.float32)
    mbq[4:14, 4:20, 4:20] = 3.0
    return ep.ActivityMap(grid=grid(), mbq_per_ml=mbq), ep.DensityMap(grid=grid(), g_per_ml=density)


def uniform(mbq_per_ml: float = 1.0, g_per_ml: float = 1.04) -> tuple[ep.ActivityMap, ep.DensityMap]:
    return (
        ep.ActivityMap(grid=grid(), mbq_per_ml=np.full(grid().shape, mbq_per_ml, np.float32)),
        ep.DensityMap(grid=grid(), g_per_ml=np.full(grid().shape, g_per_ml, np.float32)),
    )


@pytest.mark.parametrize("method", METHODS)
def test_deep_in_uniform_activity_the_dose_is_k_over_density(method: str) -> None:
    """Every decay's energy is replaced by its neighbours': 1 MBq/mL in 1.04 g/mL is K / 1.04 Gy.

    Voxels 12 mm and more from the edge; K of the record and of half-life and mean energy differ by 0.3 %.
    """
    activity, density = uniform()
    middle = np.zeros(grid().shape, bool)
    middle[6:-6, 6:-6, 6:-6] = True
    mask = ep.Mask(grid(), middle)
    dose = ep.dose(
        activity,
        density=density,
        method=method,
        relative_error=0.004,
        relative_error_in=mask,
        most_histories=200_000,
    )
    expected = load().nuclide("Y-90").k_gy_kg_per_gbq / 1.04
    assert float(dose.gy[middle].mean()) == pytest.approx(expected, rel=0.008)
    assert dose.gy.dtype == np.float32
    assert dose.gy.shape == error_of(dose).shape == grid().shape
    assert (float(error_of(dose).max()) > 0) is (DoseMethod(method).is_statistical)


def test_a_coefficient_of_ones_own_scales_every_method() -> None:
    activity, density = dome()
    for method in METHODS:
        one, other = (
            ep.dose(
                activity,
                density=density,
                method=method,
                relative_error=0.05,
                k_gy_kg_per_gbq=k,
                most_histories=FEW,
            )
            for k in (40.0, 50.0)
        )
        assert other.gy == pytest.approx(1.25 * one.gy, rel=1e-5)


def test_auto_agrees_with_transport_at_the_dome() -> None:
    """Means of liver, of liver beside the lung and of the lung, within 3 of their common standard errors.

    The statement is of the whole: systematic differences allowed are half a per cent (a kernel of one
    density in a band, and a lesser medium).
    """
    activity, density = dome()
    places = {
        "liver": np.s_[4:14, 4:20, 4:20],
        "beside": np.s_[12:14, 4:20, 4:20],
        "lung": np.s_[14:17, 4:20, 4:20],
    }
    structures = {}
    for name, place in places.items():
        share = np.zeros(grid().shape, np.float32)
        share[place] = 1
        structures[name] = share
    tissue = tissue_from_density(density)
    found = {
        method: computed_dose(
            activity,
            tissue,
            DoseSettings(method=method, relative_error=0.004, most_histories=500_000),
            structures=structures,
        )
        for method in (DoseMethod.AUTO, DoseMethod.TRANSPORT)
    }
    auto, full = found[DoseMethod.AUTO], found[DoseMethod.TRANSPORT]
    assert auto.convolved_frac + auto.transported_frac == pytest.approx(1.0)
    assert 0 < auto.transported_frac < 1
    for mine, theirs in zip(auto.means, full.means, strict=True):
        apart = abs(mine.mean_gy - theirs.mean_gy)
        sure = np.hypot(mine.standard_error_gy, theirs.standard_error_gy)
        assert apart < 3 * sure + 0.005 * theirs.mean_gy, mine.name


def test_water_kernels_are_wrong_by_half_in_the_lung_and_transport_is_not() -> None:
    """The gap that EGSnrc shows: voxel S gives two thirds too little in lung within reach of the liver."""
    activity, density = dome()
    lung = np.zeros(grid().shape, bool)
    lung[14:18, 6:18, 6:18] = True
    full, water = (
        float(
            ep.dose(activity, density=density, method=m, relative_error_in=lung.astype(np.float32), seed=5)
            .gy[lung]
            .mean()
        )
        for m in ("transport", "voxel-s")
    )
    assert -0.75 < water / full - 1 < -0.5


@pytest.mark.parametrize("method", ["voxel-s", "auto", "transport"])
def test_energy_is_conserved(method: str) -> None:
    """A small source deep in a large block: dose times mass is the energy of all decays, K times activity."""
    mbq = np.zeros(grid().shape, np.float32)
    mbq[11:13, 11:13, 11:13] = 5.0
    density = ep.DensityMap(grid=grid(), g_per_ml=np.full(grid().shape, 1.04, np.float32))
    activity = ep.ActivityMap(grid=grid(), mbq_per_ml=mbq)
    dose = ep.dose(activity, density=density, method=method, relative_error=0.05, most_histories=FEW)
    grams = 1.04 * grid().voxel_ml
    k = load().nuclide("Y-90").k_gy_kg_per_gbq
    assert float(dose.gy.sum(dtype=np.float64)) * grams == pytest.approx(k * activity.total_mbq, rel=0.005)


@pytest.mark.parametrize("method", ["auto", "transport"])
def test_the_same_seed_gives_the_same_bits(method: str) -> None:
    activity, density = dome()
    one, same, other = (
        ep.dose(activity, density=density, method=method, relative_error=0.05, seed=seed, most_histories=FEW)
        for seed in (7, 7, 8)
    )
    assert one.gy.tobytes() == same.gy.tobytes()
    assert error_of(one).tobytes() == error_of(same).tobytes()
    assert one.gy.tobytes() != other.gy.tobytes()


def test_the_error_asked_for_is_reached_in_each_structure() -> None:
    activity, density = dome()
    tumour = np.zeros(grid().shape, bool)
    tumour[6:12, 6:12, 6:12] = True
    found = computed_dose(
        activity,
        tissue_from_density(density),
        DoseSettings(method=DoseMethod.TRANSPORT, relative_error=0.01, most_histories=300_000),
        structures={"tumour": tumour.astype(np.float32), "all": (activity.mbq_per_ml > 0).astype(np.float32)},
    )
    assert found.reached
    assert [mean.name for mean in found.means] == ["tumour", "all"]
    assert max(mean.relative_error for mean in found.means) <= 0.01


def test_a_tissue_map_goes_instead_of_a_density() -> None:
    """With the materials that the densities would give, the same bits."""
    activity, density = dome()
    one = ep.dose(activity, density=density, method="transport", most_histories=FEW)
    same = ep.dose(activity, tissue=tissue_from_density(density), method="transport", most_histories=FEW)
    assert one.gy.tobytes() == same.gy.tobytes()


def test_water_has_its_own_kernel() -> None:
    """A block of 1 g/mL is water: voxel S and transport, no liver composition between them."""
    mbq = np.zeros((11, 11, 11), np.float32)
    mbq[5, 5, 5] = 100.0
    g = ep.Grid(shape=(11, 11, 11), spacing_mm=(3, 3, 3), origin_mm=(0, 0, 0))
    activity = ep.ActivityMap(grid=g, mbq_per_ml=mbq)
    water = ep.DensityMap(grid=g, g_per_ml=np.ones(g.shape, np.float32))
    dose = ep.dose(activity, density=water, method="voxel-s")
    kernel = ep.voxel_s_kernel("Y-90", spacing_mm=(3, 3, 3), density_g_per_ml=1.0)
    middle = tuple(n // 2 for n in kernel.energy_frac.shape)
    k = load().nuclide("Y-90").k_gy_kg_per_gbq
    assert float(dose.gy[5, 5, 5]) == pytest.approx(100 * k * kernel.energy_frac[middle], rel=1e-3)


def test_doses_of_two_nuclides_add_with_their_errors() -> None:
    activity, density = dome()
    tissue = tissue_from_density(density)
    settings = DoseSettings(method=DoseMethod.TRANSPORT, most_histories=FEW)
    part = computed_dose(activity, tissue, settings, structures={})
    both = summed([(part, 1.0), (part, 3.0)])
    assert both.dose.gy == pytest.approx(2 * part.dose.gy)
    assert both.dose.standard_error_gy == pytest.approx(np.sqrt(2) * part.dose.standard_error_gy, rel=1e-5)
    assert (both.histories, both.transported_frac) == (2 * part.histories, 1.0)
    assert both.means[0].mean_gy == pytest.approx(2 * part.means[0].mean_gy)


def test_approximate_methods_say_what_they_are() -> None:
    for method in (DoseMethod.LOCAL, DoseMethod.VOXEL_S, DoseMethod.VOXEL_S_DENSITY):
        (finding,) = method_findings(method)
        assert finding.severity is Severity.INFO
    assert method_findings(DoseMethod.AUTO) == method_findings(DoseMethod.TRANSPORT) == ()


# What must be known of a dose


def slice_of_one() -> tuple[ep.ActivityMap, ep.DensityMap]:
    """A point of activity in a grid of one slice of 3 mm: what goes up or down leaves it."""
    g = ep.Grid(shape=(1, 21, 21), spacing_mm=(3, 3, 3), origin_mm=(0, 0, 0))
    mbq = np.zeros(g.shape, np.float32)
    mbq[0, 10, 10] = 1.0
    return (
        ep.ActivityMap(grid=g, mbq_per_ml=mbq),
        ep.DensityMap(grid=g, g_per_ml=np.ones(g.shape, np.float32)),
    )


@pytest.mark.parametrize("method", ["voxel-s", "voxel-s-density", "auto", "transport"])
def test_energy_that_leaves_the_grid_is_stated(method: str) -> None:
    """Deposited and left are emitted: dose times mass over K times activity is what the share leaves."""
    activity, density = slice_of_one()
    found = ep.dose_result(activity, density=density, method=method, relative_error=0.02)
    nuclide = load().nuclide("Y-90")
    k = nuclide.derived_gy_kg_per_gbq if DoseMethod(method).is_statistical else nuclide.k_gy_kg_per_gbq
    kept = float(found.dose.gy.sum(dtype=np.float64)) * activity.grid.voxel_ml / (k * activity.total_mbq)
    assert found.left_frac == pytest.approx(1 - kept, abs=0.004)
    assert 0.3 < found.left_frac < 0.6
    said = {finding.id: finding for finding in found.findings}
    assert said["dose-left-grid"].severity is Severity.WARNING
    assert [finding.id for finding in found.findings].count("dose-left-grid") == 1
    with pytest.warns(DoseWarning, match="of the energy leaves the grid"):
        ep.dose(activity, density=density, method=method, relative_error=0.02)


def test_voxel_s_states_the_slabs_share_that_stays_within() -> None:
    """The kernel's own middle slice is what stays of a point in a grid of one slice."""
    activity, density = slice_of_one()
    found = ep.dose_result(activity, density=density, method="voxel-s")
    kernel = ep.voxel_s_kernel("Y-90", spacing_mm=(3, 3, 3), density_g_per_ml=1.0).energy_frac
    assert found.left_frac == pytest.approx(1 - kernel[kernel.shape[0] // 2].sum() / kernel.sum(), abs=1e-6)


def test_precision_that_was_not_reached_is_warned_of_and_returned() -> None:
    activity, density = dome()
    wish = {"density": density, "method": "transport", "relative_error": 1e-4, "most_histories": FEW}
    found = ep.dose_result(activity, **wish)  # type: ignore[arg-type]  # as named there
    assert not found.reached
    assert {finding.id for finding in found.findings} >= {"transport-error"}
    with pytest.warns(DoseWarning, match="standard error of the mean dose is still above"):
        same = ep.dose(activity, **wish)  # type: ignore[arg-type]  # as above
    assert same.gy.tobytes() == found.dose.gy.tobytes()


@pytest.mark.filterwarnings("error::emboplan.workflow.dosing.dose.DoseWarning")
def test_a_dose_that_holds_all_its_energy_warns_of_nothing() -> None:
    activity, density = dome()
    for method in METHODS:
        ep.dose(activity, density=density, method=method, relative_error=0.05)


@pytest.mark.parametrize("method", ["local", "voxel-s-density"])
def test_methods_that_divide_by_mass_warn_of_air(method: str) -> None:
    """A tenth of the activity lies in air."""
    g = grid(11)
    mbq = np.zeros(g.shape, np.float32)
    mbq[5, 5, 2], mbq[5, 5, 8] = 9.0, 1.0
    g_per_ml = np.full(g.shape, 1.04, np.float32)
    g_per_ml[:, :, 5:] = 0.0012
    air = ep.DensityMap(grid=g, g_per_ml=g_per_ml)
    with pytest.warns(DoseWarning, match="of the energy lies in voxels of air"):
        ep.dose(ep.ActivityMap(grid=g, mbq_per_ml=mbq), density=air, method=method)


# Bad input


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("k", [0.0, -49.0, np.nan])
def test_a_coefficient_that_is_none_is_refused(method: str, k: float) -> None:
    activity, density = dome()
    with pytest.raises(ModelRangeError, match="k_gy_kg_per_gbq"):
        ep.dose(activity, density=density, method=method, k_gy_kg_per_gbq=k)


@pytest.mark.parametrize("method", METHODS)
def test_wishes_are_checked_whether_or_not_the_method_needs_them(method: str) -> None:
    activity, density = dome()
    with pytest.raises(ModelRangeError, match="bremsstrahlung is 'bogus'"):
        ep.dose(activity, density=density, method=method, bremsstrahlung="bogus")  # type: ignore[arg-type]  # on purpose
    with pytest.raises(MaskError, match="values outside 0 to 1"):
        ep.dose(activity, density=density, method=method, relative_error_in=-np.ones(grid().shape))


def test_local_deposition_lets_no_photon_escape() -> None:
    activity, density = dome()
    with pytest.raises(ModelRangeError, match="local deposition keeps all energy"):
        ep.dose(activity, density=density, method="local", bremsstrahlung="escapes")


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_activity_that_is_none_is_refused(value: float) -> None:
    mbq = np.ones(grid().shape, np.float32)
    mbq[3, 3, 3] = value
    with pytest.raises(ModelRangeError, match=r"activity map holds"):
        ep.ActivityMap(grid=grid(), mbq_per_ml=mbq)


@pytest.mark.parametrize("method", METHODS)
def test_an_empty_map_is_refused(method: str) -> None:
    _, density = dome()
    empty = ep.ActivityMap(grid=grid(), mbq_per_ml=np.zeros(grid().shape, np.float32))
    with pytest.raises(ModelRangeError, match="holds no activity"):
        ep.dose(empty, density=density, method=method)


@pytest.mark.parametrize("method", METHODS)
def test_a_density_of_zero_is_refused(method: str) -> None:
    """No method gives 0 in silence where activity meets no mass."""
    activity, density = dome()
    g_per_ml = density.g_per_ml.copy()
    g_per_ml[8, 8, 8] = 0.0
    with pytest.raises(ModelRangeError, match=r"without mass|density of 0"):
        ep.dose(activity, density=ep.DensityMap(grid=grid(), g_per_ml=g_per_ml), method=method)


@pytest.mark.parametrize("method", METHODS)
def test_voxels_above_a_centimetre_are_refused(method: str) -> None:
    g = grid(6, 10.5)
    activity = ep.ActivityMap(grid=g, mbq_per_ml=np.ones(g.shape, np.float32))
    density = ep.DensityMap(grid=g, g_per_ml=np.ones(g.shape, np.float32))
    with pytest.raises(ModelRangeError, match=r"10\.5 x 10\.5 x 10\.5 mm; expected at most 10 mm"):
        ep.dose(activity, density=density, method=method)


def test_wishes_that_make_no_sense_are_refused() -> None:
    activity, density = dome()
    tissue = tissue_from_density(density)
    with pytest.raises(InputError, match='method "mc" is unknown; expected auto, local'):
        ep.dose(activity, density=density, method="mc")
    with pytest.raises(ModelRangeError, match="needs the density of every voxel"):
        ep.dose(activity)
    with pytest.raises(ModelRangeError, match="both given"):
        ep.dose(activity, density=density, tissue=tissue)
    with pytest.raises(InputError, match="nuclide"):
        ep.dose(activity, density=density, nuclide="Unobtainium-1")
    with pytest.raises(ModelRangeError, match=r"relative_error is 1\.5"):
        ep.dose(activity, density=density, method="transport", relative_error=1.5)


def test_structures_that_are_empty_or_elsewhere_are_refused() -> None:
    activity, density = dome()
    for empty in (ep.Mask.empty(grid()), np.zeros(grid().shape)):
        with pytest.raises(MaskError, match="structure is empty"):
            ep.dose(activity, density=density, relative_error_in=empty)
    with pytest.raises(MaskError, match="tumour is empty"):
        ep.dose(activity, density=density, relative_error_in={"tumour": ep.Mask.empty(grid())})
    with pytest.raises(GeometryError, match=r"structure has shape \(2, 2, 2\)"):
        ep.dose(activity, density=density, relative_error_in=np.ones((2, 2, 2)))


def test_maps_on_other_grids_are_refused() -> None:
    activity, _ = dome()
    other = ep.DensityMap(grid=grid(N, 3.0), g_per_ml=np.ones(grid().shape, np.float32))
    with pytest.raises(GeometryError, match="activity and density"):
        ep.dose(activity, density=other, method="local")
    tissue = TissueMap(other.grid, other.g_per_ml, np.zeros(grid().shape, np.uint8), ("water",))
    with pytest.raises(GeometryError, match="activity and tissue"):
        ep.dose(activity, tissue=tissue)
