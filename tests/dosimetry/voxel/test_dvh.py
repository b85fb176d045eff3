"""Dose-volume histograms of dose distributions whose curve is known."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from emboplan.dosimetry.voxel.dvh import dose_axis_gy, dvh, dvh_set
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
    found = dvh(dose, np.array([[[1.0, 0.25]]]), "edge")
    assert found.mean_gy == pytest.approx(20.0)
    assert found.v50_frac == pytest.approx(0.2)
    assert found.volume_ml == pytest.approx(0.00125)


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
    metrics = "d95_gy d70_gy d50_gy v50_frac min_gy max_gy geud_gy quantifiable cumulative"
    expected = {"name", "volume_ml", "mean_gy", "mean_gy_standard_error", *metrics.split()}
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
    other = Grid(GRID.shape, (1.0, 2.0, 3.0), (0.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="different grids"):
        dvh(dose, Mask(other, np.ones(other.shape, dtype=np.bool_)))
    with pytest.raises(ModelRangeError, match="exponent"):
        dvh(dose, EVERYWHERE, geud_exponent=0.0)
