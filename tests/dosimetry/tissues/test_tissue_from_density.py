"""Materials by density alone, against densities of the materials themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.catalog import load
from emboplan.dosimetry.beta.stopping_power import material_names
from emboplan.dosimetry.tissues.density import HuCurve
from emboplan.dosimetry.tissues.tissue_from_density import (
    MATERIALS,
    class_limits_g_per_ml,
    tissue_from_density,
)
from emboplan.errors import ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import DensityMap
from emboplan.model.tissue import TissueMap


def of(*g_per_ml: float) -> TissueMap:
    grid = Grid((1, 1, len(g_per_ml)), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))
    return tissue_from_density(DensityMap(grid, np.array([[g_per_ml]])))


@pytest.mark.parametrize(
    ("g_per_ml", "expected"),
    [
        (0.0012, "air"),
        (0.26, "lung"),  # TIWARI
        (0.50, "lung"),
        (0.95, "adipose"),
        (0.997, "water"),  # at 25 degrees
        (1.00, "water"),
        (1.03, "muscle"),  # liver of the catalogue
        (1.06, "muscle"),
        (1.50, "bone_compact"),
        (1.92, "bone_compact"),
    ],
)
def test_a_material_by_its_density(g_per_ml: float, expected: str) -> None:
    found = of(g_per_ml)
    assert expected == found.materials[int(found.material[0, 0, 0])]
    assert found.g_per_ml[0, 0, 0] == np.float32(g_per_ml)


def test_each_material_is_one_that_transport_knows() -> None:
    assert set(MATERIALS) <= set(material_names())


def test_the_limits_of_lung_and_bone_are_those_of_a_ct_on_the_curve() -> None:
    """Schneider: 0.00121 + 0.0010297 (HU + 1000) at -120 HU; 1.017 + 0.000592 x 150 at 150 HU."""
    limits = dict(zip(MATERIALS[1:], class_limits_g_per_ml(), strict=True))
    assert limits["adipose"] == pytest.approx(0.00121 + 0.0010297 * 880, abs=1e-4)
    assert limits["bone_compact"] == pytest.approx(1.017 + 0.000592 * 150)


def test_another_scanner_moves_the_limits() -> None:
    curve = HuCurve(hu=(-1000, 0, 1200), g_per_ml=(0.0012, 1.0, 1.9))
    assert class_limits_g_per_ml(curve=curve)[-1] == pytest.approx(1 + 0.9 * 150 / 1200)


def test_limits_that_cross_are_refused() -> None:
    """A curve on which a bright bone is lighter than muscle leaves no room for muscle."""
    curve = HuCurve(hu=(-1000, 0, 1200), g_per_ml=(0.0012, 1.0, 1.01))
    with pytest.raises(ModelRangeError, match="expected rising numbers"):
        class_limits_g_per_ml(curve=curve)


@given(st.lists(st.floats(0.001, 3.0), min_size=2, max_size=20))
def test_a_denser_voxel_is_never_of_a_thinner_class(values: list[float]) -> None:
    found = of(*sorted(values))
    assert (np.diff(found.material[0, 0].astype(int)) >= 0).all()


def test_a_density_of_zero_is_refused() -> None:
    with pytest.raises(ModelRangeError, match="1 voxels have a density of 0"):
        of(1.0, 0.0)


def test_the_curve_of_the_catalogue_is_used() -> None:
    assert class_limits_g_per_ml() == class_limits_g_per_ml(catalog=load())
