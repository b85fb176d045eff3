"""Where tissue changes within the range of beta electrons, against brute force and on phantoms with noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.dosimetry.beta.stopping_power import csda_range, material
from emboplan.dosimetry.tissues import interfaces
from emboplan.dosimetry.tissues.interfaces import (
    beta_range_mm,
    class_map,
    far_from_change,
    interface_distance_mm,
)
from emboplan.dosimetry.tissues.tissue import tissue_map
from emboplan.dosimetry.tissues.tissue_classes import MATERIALS
from emboplan.errors import GeometryError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.model.mask import Mask
from emboplan.model.tissue import TissueMap

Y90_MEV = 2.2787
LUNG, MUSCLE, LIVER = (MATERIALS.index(name) for name in ("lung", "muscle", "liver"))


def _grid(shape: tuple[int, int, int], spacing_mm: tuple[float, float, float] = (3.0, 3.0, 3.0)) -> Grid:
    return Grid(shape=shape, spacing_mm=spacing_mm, origin_mm=(0.0, 0.0, 0.0))


def _map(grid: Grid, g_per_ml: object, place: object) -> TissueMap:
    density = np.broadcast_to(np.asarray(g_per_ml, np.float32), grid.shape)
    where = np.broadcast_to(np.asarray(place, np.uint8), grid.shape)
    return TissueMap(grid, density, where, MATERIALS)


def _gaps_mm(grid: Grid) -> NDArray[np.float64]:
    """Distance between the nearest faces of every two voxels."""
    index = np.indices(grid.shape).reshape(3, -1).T
    apart = np.maximum(np.abs(index[:, None] - index[None]) - 1, 0) * np.array(grid.spacing_zyx_mm)
    gaps: NDArray[np.float64] = np.sqrt((apart**2).sum(axis=-1))
    return gaps


def _brute_distance(tissue: TissueMap) -> NDArray[np.float64]:
    labels = class_map(tissue).ravel()
    other = labels[:, None] != labels[None]
    nearest = np.where(other, _gaps_mm(tissue.grid), np.inf).min(axis=1)
    return np.asarray(nearest.reshape(tissue.grid.shape), dtype=np.float64)


def _brute_far(tissue: TissueMap, range_mm: float, tolerance: float) -> NDArray[np.bool_]:
    """Every voxel within reach compared with the voxel's own, smoothed density."""
    labels = class_map(tissue)
    distance = _brute_distance(tissue)
    near = _gaps_mm(tissue.grid) <= range_mm
    out = np.zeros(labels.size, np.bool_)
    for label in np.unique(labels):
        core = (labels == label) & (distance > 0)
        sigma = [range_mm / 3 / d for d in tissue.grid.spacing_zyx_mm]
        weight = ndimage.gaussian_filter(core.astype(float), sigma, mode="nearest", truncate=3.0)
        mass = ndimage.gaussian_filter(
            tissue.g_per_ml * core.astype(float), sigma, mode="nearest", truncate=3.0
        )
        smooth = np.divide(mass, weight, out=np.ones(core.shape), where=core).ravel()
        compared = near & core.ravel()[None]
        step = np.where(compared, np.abs(smooth[None] / smooth[:, None] - 1), 0).max(axis=1)
        out |= core.ravel() & (distance.ravel() > range_mm) & (step <= tolerance)
    return out.reshape(labels.shape)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([(1.0, 1.0, 1.0), (1.0, 2.0, 3.0)]))
def test_distances_are_those_of_brute_force(seed: int, spacing: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(seed)
    grid = _grid((4, 5, 6), spacing)
    place = np.where(rng.random(grid.shape) < 0.05, LUNG, rng.choice([LIVER, MUSCLE], grid.shape))
    tissue = _map(grid, 1.0, place)
    assert interface_distance_mm(tissue) == pytest.approx(_brute_distance(tissue), rel=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from([(3.0, 3.0, 3.0), (2.0, 3.0, 4.0)]),
    st.sampled_from([4.0, 6.5, 8.0]),
    st.sampled_from([0.04, 0.08]),
)
def test_far_is_what_brute_force_finds(
    seed: int, spacing: tuple[float, float, float], range_mm: float, tolerance: float
) -> None:
    """Random lumps of density and a few voxels of lung."""
    rng = np.random.default_rng(seed)
    grid = _grid((7, 8, 9), spacing)
    lumps = ndimage.gaussian_filter(rng.normal(0, 0.15, grid.shape), 1.0)
    place = np.where(rng.random(grid.shape) < 0.004, LUNG, LIVER)
    tissue = _map(grid, 1.0 + lumps, place)
    found = far_from_change(tissue, range_mm, density_tolerance_frac=tolerance)
    # A step that is the tolerance to the last digits of single precision may fall on either side of it.
    assert not (found & ~_brute_far(tissue, range_mm, tolerance * (1 + 1e-4))).any()
    assert not (_brute_far(tissue, range_mm, tolerance * (1 - 1e-4)) & ~found).any()


def test_a_large_ball_is_replaced_by_its_box_which_finds_no_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the ball has too many rows the answer may be "near", never wrongly "far"."""
    rng = np.random.default_rng(3)
    tissue = _map(_grid((9, 9, 9)), 1.0 + ndimage.gaussian_filter(rng.normal(0, 0.2, (9, 9, 9)), 1.0), LIVER)
    exact = far_from_change(tissue, 6.0, density_tolerance_frac=0.05)
    monkeypatch.setattr(interfaces, "MOST_ROWS", 0)
    boxed = far_from_change(tissue, 6.0, density_tolerance_frac=0.05)
    assert not (boxed & ~exact).any()


def test_liver_muscle_and_blood_are_one_class_since_electrons_go_as_far() -> None:
    """Their ranges in g/cm2 agree within 0.15 %; fat and bone differ by more than 2 %."""
    ranges = {name: csda_range(material(name), Y90_MEV) for name in MATERIALS}
    assert ranges["muscle"] == pytest.approx(ranges["liver"], rel=1.5e-3)
    assert ranges["blood"] == pytest.approx(ranges["liver"], rel=1.5e-3)
    assert abs(ranges["adipose"] / ranges["liver"] - 1) > 0.02
    assert abs(ranges["bone_compact"] / ranges["liver"] - 1) > 0.02
    half = _map(_grid((2, 2, 2)), 1.05, np.array([LIVER, MUSCLE])[:, None, None])
    assert np.isinf(interface_distance_mm(half)).all()


def test_the_range_is_the_csda_range_at_the_local_density() -> None:
    """Y-90 in liver of 1.06 g/mL and lung of 0.26 g/mL: 10.8 and 43.9 mm."""
    tissue = _map(
        _grid((2, 1, 1)), np.array([1.06, 0.26])[:, None, None], np.array([LIVER, LUNG])[:, None, None]
    )
    assert beta_range_mm(tissue, Y90_MEV).ravel() == pytest.approx([10.8, 43.9], rel=0.005)


@pytest.mark.parametrize("range_mm", [6.0, 10.0])
def test_the_shell_beneath_the_dome_is_as_thick_as_the_range(range_mm: float) -> None:
    """Liver below, lung above: far are the slices whose upper face is more than a range below the lung."""
    grid = _grid((20, 5, 5))
    lung = np.arange(20)[:, None, None] >= 12
    tissue = _map(grid, np.where(lung, 0.26, 1.06), np.where(lung, LUNG, LIVER))
    far = far_from_change(tissue, np.where(np.broadcast_to(lung, grid.shape), 44.0, range_mm))
    gap_mm = (12 - 1 - np.arange(12)) * 3.0
    assert far[:12, 2, 2].tolist() == (gap_mm > range_mm).tolist()
    assert not far[12:].any()


@pytest.mark.parametrize(("tolerance", "is_far"), [(0.02, False), (0.035, True)])
def test_a_step_of_density_counts_by_the_tolerance(*, tolerance: float, is_far: bool) -> None:
    """A step of 3 % in the liver, a range of 9 mm, voxels beside it and beyond its reach."""
    dense = np.arange(20)[:, None, None] >= 10
    tissue = _map(_grid((20, 5, 5)), np.where(dense, 1.03, 1.0), LIVER)
    far = far_from_change(tissue, 9.0, density_tolerance_frac=tolerance)
    assert far[9:11].all() == is_far
    assert far[9:11].any() == is_far
    assert far[0].all()
    assert far[-1].all()


def test_a_slow_drift_counts_against_each_voxels_own_density() -> None:
    """2 % in each 10 mm: 12 % across the liver is no change where each voxel sees 2 % within its range."""
    drift = 1.0 + 0.002 * 3.0 * np.arange(20)[:, None, None]
    tissue = _map(_grid((20, 5, 5)), drift, LIVER)
    assert far_from_change(tissue, 6.0, density_tolerance_frac=0.03).all()
    assert not far_from_change(tissue, 6.0, density_tolerance_frac=0.005)[5:15].any()


def test_partly_filled_voxels_at_the_edge_do_not_push_the_shell_inwards() -> None:
    """The liver's last slice is half lung: it is nearer to the lung than the range in any case."""
    lung = np.arange(20)[:, None, None] >= 12
    density = np.where(lung, 0.26, 1.06)
    density[11] = 0.66
    tissue = _map(_grid((20, 5, 5)), density, np.where(lung, LUNG, LIVER))
    far = far_from_change(tissue, np.where(np.broadcast_to(lung, (20, 5, 5)), 44.0, 6.0))
    assert far[:9].all()
    assert not far[9:].any()


def _noisy_liver(seed: int, liver_hu: float, spacing: float) -> tuple[TissueMap, NDArray[np.bool_]]:
    """A ball of liver (50 mm) in muscle, lung above 20 mm, as a CT with 25 HU of noise shows it."""
    count = int(128 / spacing)
    grid = _grid((count, count, count), (spacing, spacing, spacing))
    z, y, x = np.ogrid[tuple(slice(-64 + spacing / 2, 64, spacing) for _ in range(3))]
    above = np.broadcast_to(z > 20, grid.shape)
    liver = (x * x + y * y + z * z <= 50 * 50) & ~above
    hu = np.where(above, -750.0, np.where(liver, liver_hu, 45.0))
    hu += np.random.default_rng(seed).normal(0, 25, hu.shape)
    ct = CtImage(grid, np.rint(hu).astype(np.int16))
    tissue, _ = tissue_map(ct, liver=Mask(grid, liver))
    return tissue, np.asarray(liver)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("liver_hu", [45.0, 110.0])
@pytest.mark.parametrize("spacing", [2.0, 4.0])
def test_noise_of_a_ct_is_no_change_of_tissue(seed: int, liver_hu: float, spacing: float) -> None:
    """All but 1 % of the liver below the shell is far, nothing in the shell is."""
    tissue, liver = _noisy_liver(seed, liver_hu, spacing)
    far = far_from_change(tissue, beta_range_mm(tissue, Y90_MEV), within=liver)
    z = np.broadcast_to(np.arange(-64 + spacing / 2, 64, spacing)[:, None, None], liver.shape)
    range_mm = 10.0 * csda_range(material("liver"), Y90_MEV) / 1.05
    deep = liver & (z < 20 - range_mm - 2 * spacing)
    shell = liver & (z > 20 - range_mm + spacing)
    assert float(far[deep].mean()) > 0.99
    assert not far[shell].any()
    assert not far[~liver].any()


def test_a_dense_lesion_in_noise_is_found() -> None:
    """A ball of 15 mm diameter, 15 % denser than the liver, with noise of 2 % in each voxel."""
    grid = _grid((30, 30, 30))
    z, y, x = np.ogrid[tuple(slice(-43.5, 45, 3.0) for _ in range(3))]
    distance = np.sqrt(x * x + y * y + z * z)
    density = np.where(distance <= 7.5, 1.15, 1.0) + np.random.default_rng(5).normal(0, 0.02, grid.shape)
    far = far_from_change(_map(grid, density, LIVER), 11.0)
    assert not far[distance <= 10].any()
    assert float(far[distance > 32].mean()) > 0.99


def test_asking_for_some_voxels_gives_the_same_answer_for_them() -> None:
    tissue, liver = _noisy_liver(1, 45.0, 4.0)
    everywhere = far_from_change(tissue, 8.0)
    assert (far_from_change(tissue, 8.0, within=liver) == (everywhere & liver)).all()


def test_one_material_without_end_is_far_everywhere() -> None:
    """A uniform medium, even air, whose range is larger than the grid."""
    tissue = _map(_grid((4, 5, 6)), 0.001205, MATERIALS.index("air"))
    assert far_from_change(tissue, beta_range_mm(tissue, Y90_MEV)).all()


def test_nothing_asked_is_nothing_far() -> None:
    tissue = _map(_grid((2, 2, 2)), 1.0, LIVER)
    assert not far_from_change(tissue, 5.0, within=np.zeros((2, 2, 2), np.bool_)).any()


def test_bad_arguments_are_refused() -> None:
    tissue = _map(_grid((2, 2, 2)), 1.0, LIVER)
    with pytest.raises(ModelRangeError, match="range_mm is 0"):
        far_from_change(tissue, 0.0)
    with pytest.raises(ModelRangeError, match="density_tolerance_frac is 3"):
        far_from_change(tissue, 5.0, density_tolerance_frac=3.0)
    with pytest.raises(ModelRangeError, match="density_tolerance_frac is 0"):
        far_from_change(tissue, 5.0, density_tolerance_frac=0.0)
    with pytest.raises(GeometryError, match="within has shape"):
        far_from_change(tissue, 5.0, within=np.ones((2, 2), np.bool_))
