"""Density from CT numbers, and one density for each structure."""

from pathlib import Path

import numpy as np
import pytest

from emboplan.catalog import Catalog, load
from emboplan.dosimetry.tissues.density import HuCurve, density_from_hu, density_map, structure_density
from emboplan.errors import CatalogError, MaskError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage

GRID = Grid(shape=(1, 2, 2), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))

# By hand from the published pieces: air below, both sides of each step, and the held end.
CURVE = {
    -2000: 0.001205,
    -1000: 0.00121,
    -500: 0.00121 + 0.0010297 * 500,
    -98: 1.018 - 0.000893 * 98,
    0: 1.018,
    20: 1.03,
    50: 1.003 + 0.001169 * 50,
    1000: 1.017 + 0.592,
    2001: 1.017 + 0.000592 * 2001,
    9000: 1.017 + 0.000592 * 2001,
}


@pytest.mark.parametrize("hu", CURVE)
def test_the_curve(hu: int) -> None:
    assert float(density_from_hu(hu)) == pytest.approx(CURVE[hu], abs=1e-6)


def test_a_map_lies_on_the_cts_grid() -> None:
    ct = CtImage(GRID, np.array([[[0, -1000], [50, 20]]], dtype=np.int16))
    found = density_map(ct)
    found.grid.require_same(GRID)
    assert found.g_per_ml[0, 0, 0] == pytest.approx(1.018)


def test_partly_filled_voxels_have_part_of_the_mass() -> None:
    liver = np.array([[[1.0, 0.5], [0.0, 0.0]]])
    lung = np.array([[[0.0, 0.5], [1.0, 0.0]]])
    found = structure_density(GRID, [(liver, 1.03), (lung, 0.26)])
    assert found.g_per_ml.ravel() == pytest.approx([1.03, 0.645, 0.26, 0.0])


def test_overlapping_structures_are_refused() -> None:
    full = np.ones(GRID.shape)
    with pytest.raises(MaskError, match="overlap"):
        structure_density(GRID, [(full, 1.03), (full, 0.26)])


def test_zero_density_is_refused() -> None:
    with pytest.raises(ModelRangeError, match="density_g_per_ml"):
        structure_density(GRID, [(np.ones(GRID.shape), 0.0)])


def test_ct_numbers_must_be_finite() -> None:
    with pytest.raises(ModelRangeError, match="not finite"):
        density_from_hu([0.0, float("nan")])


def test_a_map_is_the_curve_voxel_by_voxel_whatever_the_type() -> None:
    """Whole numbers go through a table, others through the formula; both are the curve."""
    hu = np.array([[[-3000, -500], [15, 2500]]], dtype=np.int16)
    by_table = density_map(CtImage(GRID, hu)).g_per_ml
    by_formula = density_map(CtImage(GRID, hu.astype(np.float32))).g_per_ml
    assert by_table.tolist() == by_formula.tolist()
    assert by_table[0, 0, 0] == np.float32(0.001205)


POINTS = {"hu": (-1024.0, -100.0, 0.0, 1200.0), "g_per_ml": (0.001, 0.93, 1.0, 1.7)}


def test_a_scanners_own_curve_runs_straight_between_its_points() -> None:
    curve = HuCurve(**POINTS)
    found = density_from_hu([-2000, -50, 600, 4000], curve=curve)
    assert found == pytest.approx([0.001, 0.965, 1.35, 1.7])


def test_a_map_takes_the_curve_given() -> None:
    ct = CtImage(GRID, np.array([[[0, -100], [600, 600]]], dtype=np.int16))
    assert density_map(ct, curve=HuCurve(**POINTS)).g_per_ml.ravel() == pytest.approx([1.0, 0.93, 1.35, 1.35])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hu": (-1024.0, 0.0, -100.0, 1200.0)}, "do not rise"),
        ({"hu": (-900.0, -100.0, 0.0, 1200.0)}, "reaches from -900"),
        ({"hu": (-1024.0, -100.0, 0.0, 500.0)}, "to 500 HU"),
        ({"g_per_ml": (0.0, 0.93, 1.0, 1.7)}, "g_per_ml is 0"),
        ({"g_per_ml": (0.001, 0.93, 0.9, 1.7)}, "falls at 0 HU"),
        ({"g_per_ml": (0.001, 0.93, 1.0)}, "equal length"),
        ({"hu": (-1024.0, float("nan"), 0.0, 1200.0)}, "not finite"),
    ],
)
def test_a_curve_that_cannot_be_is_refused(change: dict[str, tuple[float, ...]], message: str) -> None:
    with pytest.raises(ModelRangeError, match=message):
        HuCurve(**{**POINTS, **change})


def _site(tmp_path: Path, **lists: str) -> Catalog:
    """A site catalogue with its own pieces of the curve."""
    units = {"hu_from": "HU", "offset": "g/mL", "slope": "g/mL/HU"}
    entries = [
        f'[tissues.ct_density.{name}]\nvalue = {value}\nunit = "{units[name]}"\nsource = ["OURS"]\n'
        'place = "table 2"\nstatus = "confirmed"\n'
        for name, value in lists.items()
    ]
    file = tmp_path / "ours.toml"
    file.write_text('[sources]\nOURS = "Calibration of our scanner"\n' + "".join(entries), encoding="utf-8")
    return load(file)


def test_a_site_catalogue_replaces_the_curve(tmp_path: Path) -> None:
    """Two straight pieces that meet at water."""
    site = _site(tmp_path, hu_from="[-1000, 0]", offset="[1.0, 1.0]", slope="[0.00099, 0.0005]")
    assert density_from_hu([-500, 0, 1000], catalog=site) == pytest.approx([0.505, 1.0, 1.5])


def test_a_site_curve_with_unequal_lists_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="one number for each piece"):
        density_from_hu([0], catalog=_site(tmp_path, hu_from="[-1000, 0]"))


def test_a_site_curve_that_does_not_rise_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="does not rise"):
        density_from_hu([0], catalog=_site(tmp_path, hu_from="[-1000, 15, -98, 23, 101]"))
