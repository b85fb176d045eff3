"""The shape engine against formulas: volumes at 2x supersampling, sums kept on a coarser grid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.model.grid import Grid
from emboplan.synthetic.drawing.layers import BlobLayer, Drawing, Layer, TubeLayer, becomes_table
from emboplan.synthetic.drawing.raster import Bins, Sampling, Tables, gather, paint_slice, painted_ml
from emboplan.synthetic.drawing.shapes import Lattice, Warp, turned
from emboplan.synthetic.metastases.lesion_shape import ball_ml

CT = Sampling(Grid((40, 150, 150), (0.78, 0.78, 3.0), (-58.1, -58.1, -58.5)), 2)
STILL = Warp((1.0, 1.0, 1.0), 0.0, np.zeros((0, 7)))


def blob(
    semi: tuple[float, float, float], centre: tuple[float, float, float], waves: np.ndarray | None = None
) -> Layer:
    to_ball = np.ascontiguousarray(turned(20, 30, 40) / np.array(semi)[:, None])
    rows = np.zeros((0, 5)) if waves is None else waves
    reach = max(semi) * (1 + np.abs(rows[:, 4]).sum())
    return BlobLayer(np.array(centre), reach, to_ball, rows, np.ones(1), becomes_table(1)[None])


@pytest.mark.parametrize(
    ("semi", "centre"),
    [
        ((30.0, 30.0, 30.0), (0.0, 0.0, 0.0)),
        ((30.0, 30.0, 30.0), (0.21, -0.37, 1.3)),
        ((35.0, 25.0, 20.0), (1.1, 2.2, 0.4)),
    ],
)
def test_ellipsoids_have_the_volume_of_the_formula(
    semi: tuple[float, float, float], centre: tuple[float, float, float]
) -> None:
    """4/3 pi a b c to 0.1 % at two samples per voxel and axis, on the grid and off it, tilted."""
    expected = 4 / 3 * np.pi * np.prod(semi) / 1000
    assert pytest.approx(expected, rel=1e-3) == painted_ml([blob(semi, centre)], CT, 1)


def test_an_irregular_lesion_has_its_analytic_volume() -> None:
    """The integral of the radius cubed over the sphere, a second way to the painted volume."""
    waves = np.array([[3.0, 0, 0, 0.4, 0.05], [0, 2.0, 2.0, 1.0, 0.04], [1.0, 1.0, -3.0, 2.0, 0.03]])
    expected = ball_ml(waves) * 30 * 26 * 28
    assert pytest.approx(expected, rel=1e-3) == painted_ml(
        [blob((30, 26, 28), (0.3, 0.1, -0.2), waves)], CT, 1
    )


def test_a_ball_without_waves_is_a_ball() -> None:
    assert pytest.approx(4 / 3 * np.pi / 1000, rel=1e-12) == ball_ml(np.zeros((0, 5)))


def test_tubes_have_the_volume_of_the_formula() -> None:
    """A cylinder with half a ball at each end, to 0.5 % (its surface is large for its volume)."""
    tubes = np.array([[-20.0, 3.0, -25.0, 9.0, 22.0, -4.0, 20.0, 9.0]])
    length = float(np.linalg.norm(tubes[0, :3] - tubes[0, 4:7]))
    expected = (np.pi * 81 * length + 4 / 3 * np.pi * 729) / 1000
    assert pytest.approx(expected, rel=5e-3) == painted_ml([TubeLayer(tubes, becomes_table(1))], CT, 1)


def test_a_field_on_a_lattice_is_cut_where_it_is_zero() -> None:
    """A half space is linear, so that its interpolation is exact: the box below the plane fills to 0.2 %."""
    lattice = Lattice.over((-60, -60, -60), (60, 60, 60), 3.0, STILL)
    drawing = Drawing(lattice)
    block = lattice.whole
    plane = (0.6 * block.x + 0.8 * block.z - 4.0).astype(np.float32)
    box = np.maximum(np.maximum(np.abs(block.x) - 30, np.abs(block.y) - 30), np.abs(block.z) - 30)
    drawing.paint(block, np.maximum(plane, box).astype(np.float32), becomes_table(1))
    # the plane cuts the square of 60 mm at x = (4 - 0.8 z) / 0.6; its area is integrated on a fine grid
    z = (np.arange(60000) + 0.5) / 1000 - 30
    area = np.clip((4 - 0.8 * z) / 0.6 + 30, 0, 60).sum() / 1000
    assert pytest.approx(area * 60 / 1000, rel=0.01) == painted_ml(drawing.layers, CT, 1)


def test_fields_agree_with_interpolation_at_every_sample() -> None:
    """Filling whole cells gives the same samples as plain trilinear interpolation (SciPy)."""
    from scipy.interpolate import RegularGridInterpolator

    rng = np.random.default_rng(5)
    lattice = Lattice.over((-20, -20, -20), (20, 20, 20), 3.0, STILL)
    values = rng.normal(size=lattice.shape).astype(np.float32)
    drawing = Drawing(lattice)
    drawing.paint(lattice.whole, values, becomes_table(1))
    sampling = Sampling(Grid((2, 20, 24), (1.1, 1.3, 2.0), (-12.0, -13.0, 1.0)), 2)
    (dx, dy, dz), (x0, y0, z0) = sampling.steps_mm, sampling.first_mm
    nodes = [o + 3.0 * np.arange(n) for o, n in zip(lattice.origin_mm[::-1], lattice.shape, strict=True)]
    z, y, x = np.meshgrid(
        z0 + dz * np.arange(4), y0 + dy * np.arange(40), x0 + dx * np.arange(48), indexing="ij"
    )
    expected = RegularGridInterpolator(nodes, values.astype(np.float64))(np.stack([z, y, x], axis=-1))
    painted = np.concatenate([paint_slice(drawing.layers, sampling, k) for k in range(2)])
    clear = np.abs(expected) > 1e-5  # single precision decides the sign nearer to zero
    assert np.array_equal(expected[clear] < 0, painted[clear] == 1)


def test_half_filled_voxels_follow_the_first_sample() -> None:
    """Of eight samples, five make a member, three none, and four where the first is one of them."""
    labels = np.zeros((2, 2, 8), np.uint8)
    for column, samples in enumerate(([0, 1, 2, 3, 4], [0, 1, 2], [0, 1, 2, 3], [4, 5, 6, 7])):
        for sample in samples:
            k, a, b = sample // 4, sample // 2 % 2, sample % 2
            labels[k, a, 2 * column + b] = 7
    table = np.zeros(256, np.uint8)
    table[7] = 1
    mean = np.zeros(256, np.float32)
    mean[7] = 80.0
    tables = Tables(mean, table, table, table, np.zeros(256, np.float32), np.ones((256, 1)))
    one = Bins(np.zeros(1, np.int64), np.ones(1))
    four = Bins(np.zeros(4, np.int64), np.ones(4))
    result = gather(labels, tables, np.zeros((1, 4), np.float32), one, four, (1, 1))
    assert [[1, 0, 1, 0]] == result.lesion.tolist() == result.other.tolist() == result.groups.tolist()
    assert result.mean.tolist() == [[50.0, 30.0, 40.0, 40.0]]
    assert result.counts[7] == 16


@given(
    st.floats(-50, 50), st.floats(0.3, 4.0), st.integers(1, 60), st.floats(1.0, 3.0)
)  # fmt: skip
def test_bins_keep_the_sum(start: float, step: float, count: int, ratio: float) -> None:
    """Every fine voxel is shared out whole over a coarser axis that covers it, aligned or not."""
    coarse = step * ratio
    bins = int(np.ceil(count * step / coarse)) + 2
    matrix = Bins.of(start, step, count, start - step / 2 - coarse / 3, coarse).spread(np.eye(bins)).T
    assert np.allclose(1.0, matrix.sum(axis=0), atol=1e-9)
    assert (matrix >= 0).all()


def test_warp_and_back() -> None:
    """`to_patient` undoes `to_atlas` to a thousandth of a millimetre."""
    rng = np.random.default_rng(2)
    waves = np.column_stack(
        [rng.normal(size=(5, 3)) * 0.012, rng.uniform(0, 6, 5), rng.normal(size=(5, 3)) * 2]
    )
    warp = Warp((1.05, 0.95, 1.0), 3.0, waves)
    points = rng.uniform(-150, 150, (200, 3))
    assert np.allclose(points, warp.to_patient(warp.to_atlas(points)), atol=1e-3)
