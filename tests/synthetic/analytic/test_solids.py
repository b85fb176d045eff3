"""Volumes of solids in voxels against formulas and against counting points, on any grid."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emboplan.errors import InputError
from emboplan.model.grid import Grid
from emboplan.synthetic.analytic.filling import fill, voxel_edges
from emboplan.synthetic.analytic.solids import Box, Cylinder, Ellipsoid, Solid, TorsoCylinder

MM3 = 1e-3  # mL
SOLIDS: dict[str, Solid] = {
    "ball": Ellipsoid((0.3, -0.2, 0.1), (20.0, 20.0, 20.0)),
    "ellipsoid": Ellipsoid((0.3, -0.2, 0.1), (24.0, 20.0, 30.0)),
    "box": Box((0.3, -0.2, 0.1), (11.3, 7.7, 5.1)),
    "cylinder": Cylinder((0.3, -0.2, 0.1), (20.0, 26.0, 14.3)),
    "torso": TorsoCylinder((0.3, -0.2, 0.1), 14.7, 7.7, 9.4),
}


def grid(spacing: tuple[float, float, float] = (1.0, 1.0, 1.0), count: int = 40) -> Grid:
    x, y, z = (-d * (count - 1) / 2 for d in spacing)
    return Grid((count, count, count), spacing, (x, y, z))


def test_volumes_by_formula() -> None:
    """Printed formulas: 4/3 pi r^3, 4/3 pi a b c, a b c, pi a b h."""
    volumes = {name: solid.volume_mm3 for name, solid in SOLIDS.items()}
    assert pytest.approx(4 / 3 * np.pi * 10**3) == volumes["ball"]
    assert pytest.approx(4 / 3 * np.pi * 12 * 10 * 15) == volumes["ellipsoid"]
    assert pytest.approx(11.3 * 7.7 * 5.1) == volumes["box"]
    assert pytest.approx(np.pi * 10 * 13 * 14.3) == volumes["cylinder"]


def test_volume_of_the_torso_by_its_outline() -> None:
    """Area of the polygon of its own outline (shoelace), a second way to the same number."""
    torso = TorsoCylinder((5.0, 3.0, 0.0), 147.0, 77.0, 194.0)
    points = torso.surface()
    ring = points[points[:, 2] == points[:, 2].min()][:-1, :2]
    x, y = ring[:, 0], ring[:, 1]
    area = abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2
    assert torso.volume_mm3 == pytest.approx(area * 194.0, rel=2e-3)  # chords of 3 degrees cut 0.05 %
    assert torso.volume_mm3 * 1e-6 == pytest.approx(10.48, abs=0.01)  # litres


@pytest.mark.parametrize("name", SOLIDS)
def test_sampled_at_two_per_voxel_within_a_thousandth(name: str) -> None:
    """Before the correction: 20 voxels across, two samples per voxel and axis."""
    solid = SOLIDS[name]
    filled = fill(name, solid, grid(), 2)
    assert filled.sampled_ml == pytest.approx(solid.volume_mm3 * MM3, rel=1e-3)


@pytest.mark.parametrize("name", SOLIDS)
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.9, 1.1, 2.3)])
def test_shares_against_counted_points(name: str, spacing: tuple[float, float, float]) -> None:
    """Each voxel against 6 x 6 x 6 points in or out, counted without any of this code."""
    solid, on = SOLIDS[name], grid(spacing, 38)
    filled = fill(name, solid, on, 4)
    shares = np.zeros(on.shape)
    shares[filled.box] = filled.share
    parts = 6
    axes = [
        np.add.outer(e[:-1], (np.arange(parts) + 0.5) * np.diff(e)[0] / parts).ravel()
        for e in voxel_edges(on)
    ]
    worst = 0.0
    for k in range(2, on.shape[0], 9):
        z = axes[2][k * parts : (k + 1) * parts]
        points = np.stack(np.meshgrid(axes[0], axes[1], indexing="xy"), axis=-1)
        inside = np.zeros((on.shape[1], on.shape[2]))
        for height in z:
            full = np.concatenate([points, np.full((*points.shape[:2], 1), height)], axis=2)
            flags = solid.level(full) < 0
            inside += flags.reshape(on.shape[1], parts, on.shape[2], parts).mean(axis=(1, 3)) / parts
        worst = max(worst, float(np.abs(inside - shares[k]).max()))
    assert worst < 0.1  # a sixth of a voxel of points at most along one axis


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["ellipsoid", "cylinder", "box"]),
    st.tuples(*[st.floats(-3, 3)] * 3),
    st.tuples(*[st.floats(4, 20)] * 3),
    st.tuples(*[st.floats(0.7, 2.0)] * 3),
    st.integers(1, 3),
)
def test_the_sum_is_the_formula_anywhere(
    kind: str,
    centre: tuple[float, float, float],
    size: tuple[float, float, float],
    spacing: tuple[float, float, float],
    samples: int,
) -> None:
    """Any place, size and voxel: shares stay within 0 and 1 and sum to the volume."""
    kinds: dict[str, type[Ellipsoid | Cylinder | Box]] = {
        "ellipsoid": Ellipsoid,
        "cylinder": Cylinder,
        "box": Box,
    }
    solid = kinds[kind](centre, size)
    on = grid(spacing)
    filled = fill(kind, solid, on, samples)
    assert filled.share.min() >= 0
    assert filled.share.max() <= 1 + 1e-12
    assert float(filled.share.sum()) * on.voxel_ml == pytest.approx(solid.volume_mm3 * MM3, rel=1e-12)


@pytest.mark.parametrize("name", SOLIDS)
def test_the_surface_has_level_zero(name: str) -> None:
    solid = SOLIDS[name]
    on_it = solid.surface()
    assert np.abs(solid.level(on_it)).min() < 1e-9
    assert solid.level(on_it).max() < 1e-9
    low, high = solid.bounds_mm
    assert np.allclose(on_it.min(axis=0), low, atol=0.05)  # rings of 3 degrees
    assert np.allclose(on_it.max(axis=0), high, atol=0.05)


def test_a_solid_outside_the_image() -> None:
    with pytest.raises(InputError, match=r"ball reaches from -10 to 50 mm, the image from -20 to 20 mm"):
        fill("ball", Ellipsoid((20.0, 0.0, 0.0), (60.0, 20.0, 20.0)), grid(), 2)
