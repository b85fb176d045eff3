"""Fast convolution against direct summation in double precision, for kind and for hostile activity."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog
from tests.reference.filters import convolved

from emboplan.dosimetry.voxel.convolve import convolve
from emboplan.dosimetry.voxel.separable import TOLERANCE, is_even, separable_kernel, worst_share
from emboplan.dosimetry.voxel.voxel_s import voxel_s_kernel
from emboplan.errors import ModelRangeError

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

SPACINGS = [
    (2.0, 2.0, 2.0),
    (3.0, 3.0, 3.0),
    (4.8, 4.8, 4.8),
    (2.2, 2.2, 5.0),
    (4.8, 4.8, 2.0),
    (9.0, 9.0, 9.0),
]
# What is promised: a thousandth of the highest dose, everywhere.
BAR = 1e-3


def kernel_for(spacing: tuple[float, float, float]) -> F64:
    return voxel_s_kernel("Y-90", spacing_mm=spacing).energy_frac


def activity(kind: str) -> F32:
    """Activity that is hard on the bound: sharp, sparse, alternating, thin, or at the grid's edge."""
    draw = np.random.default_rng(11)
    shape = (20, 24, 28)
    z, y, x = np.indices(shape)
    image = np.zeros(shape)
    if kind == "ball":
        image = np.where((z - 10) ** 2 + (y - 12) ** 2 + (x - 14) ** 2 < 49, draw.uniform(1, 2, shape), 0)
    elif kind == "one voxel":
        image[10, 12, 14] = 3
    elif kind == "corner":
        image[0, 0, 0] = image[-1, -1, -1] = 1
    elif kind == "edge":
        image[:, :3] = image[-2:] = 1
    elif kind == "checkerboard":
        image = (z + y + x) % 2
    elif kind == "sparse":
        image = draw.exponential(1, shape) * (draw.uniform(0, 1, shape) < 0.003)
    elif kind == "sheet":
        image[:, :, 13] = 1
    elif kind == "hot and cold":
        image = np.where(draw.uniform(0, 1, shape) < 0.01, 1e4, 1)
    return image.astype(np.float32)


KINDS = ["ball", "one voxel", "corner", "edge", "checkerboard", "sparse", "sheet", "hot and cold"]


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_against_direct_summation(spacing: tuple[float, float, float], kind: str) -> None:
    """Everywhere within the bound that the kernel states, which is below a thousandth of the maximum."""
    kernel, image = kernel_for(spacing), activity(kind)
    expected = convolved(image, kernel)
    found = convolve(image, kernel)
    parts = separable_kernel(kernel)
    assert parts is not None
    assert parts.error_frac <= TOLERANCE < BAR
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() <= parts.error_frac * expected.max()


@pytest.mark.parametrize("spacing", SPACINGS)
def test_what_the_products_stand_for(spacing: tuple[float, float, float]) -> None:
    """Their sum is the kernel's to the last bits, and their error summed is within the bound."""
    kernel = kernel_for(spacing)
    parts = separable_kernel(kernel)
    assert parts is not None
    dense = parts.dense()
    wide = np.zeros(dense.shape)
    wide[tuple(slice((a - b) // 2, (a + b) // 2) for a, b in zip(dense.shape, kernel.shape, strict=True))] = (
        kernel
    )
    assert float(dense.sum()) == pytest.approx(1.0, abs=1e-6)
    # Activity of 1 wherever the kernel is too low, or too high, and there alone.
    for sign in (1, -1):
        off = sign * (dense - wide)
        err, dose = float(off[off > 0].sum()), float(wide[off > 0].sum())
        assert err <= parts.error_frac * max(dose, kernel.max())


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 10_000), offsets=st.integers(1, 6))
def test_worst_share_is_the_worst(seed: int, offsets: int) -> None:
    """Against a linear program: activities 0 to 1, dose at most the middle. No input beats it."""
    draw = np.random.default_rng(seed)
    kernel = np.sort(draw.uniform(0, 1, offsets))[::-1] + 1e-3
    errors, occurs = draw.normal(0, 0.1, offsets), draw.choice([1.0, 2.0, 4.0], offsets)
    found = worst_share(kernel, errors, occurs)
    best = []
    for sign in (1, -1):
        goal = -sign * errors * occurs
        program = linprog(goal, A_ub=[kernel * occurs], b_ub=[kernel[0]], bounds=[(0, 1)] * offsets)
        best.append(-float(goal @ program.x))
    assert found == pytest.approx(max(best) / kernel[0], rel=1e-9, abs=1e-12)
    for _ in range(20):
        some = draw.uniform(0, 1, offsets) ** draw.choice([0.1, 1, 10])
        highest = max(kernel[0] * some.max(), float((kernel * occurs) @ some))
        assert abs(float((errors * occurs) @ some)) <= found * highest * (1 + 1e-9)


@pytest.mark.parametrize("spacing", [(2.0, 2.0, 2.0), (4.8, 4.8, 2.0), (1.0, 1.0, 3.0)])
def test_energy_is_kept(spacing: tuple[float, float, float]) -> None:
    """Nothing leaves a grid with a wide rim: the sum is activity times the sum of S, in single precision."""
    kernel = kernel_for(spacing)
    image = np.pad(activity("ball")[:, :, :24], 13)
    assert convolve(image, kernel).sum(dtype=np.float64) == pytest.approx(
        image.sum(dtype=np.float64) * kernel.sum(), rel=2e-6
    )


@settings(max_examples=25, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 20)),
    seed=st.integers(0, 10_000),
    share=st.floats(0.01, 1.0),
)
def test_any_activity(shape: tuple[int, int, int], seed: int, share: float) -> None:
    """Within the bound for grids smaller than the kernel, and whatever is in them."""
    draw = np.random.default_rng(seed)
    image = (draw.exponential(1, shape) * (draw.uniform(0, 1, shape) < share)).astype(np.float32)
    kernel = kernel_for((3.0, 3.0, 3.0))
    expected = convolved(image, kernel)
    assert np.abs(convolve(image, kernel) - expected).max() <= TOLERANCE * expected.max()


def test_other_kernels_are_transformed() -> None:
    """Not even, or too rough for a few products: no bound is needed, single precision is the error."""
    draw = np.random.default_rng(2)
    crooked = draw.uniform(0, 1, (3, 5, 7))
    octant = draw.uniform(0, 1, (5, 5, 5))
    octant[0, 0, 0] = 2
    rough = np.pad(octant, [(4, 0)] * 3, mode="reflect")
    assert not is_even(crooked)
    assert is_even(rough)
    for kernel in (crooked, rough):
        assert separable_kernel(kernel) is None
        for kind in ("ball", "corner", "edge", "one voxel"):
            expected = convolved(activity(kind), kernel)
            assert convolve(activity(kind), kernel) == pytest.approx(expected, abs=3e-6 * expected.max())


def test_a_kernel_wider_than_the_grid() -> None:
    kernel = kernel_for((1.0, 1.0, 1.0))
    assert separable_kernel(kernel) is None
    image = np.random.default_rng(4).uniform(0, 1, (3, 5, 9)).astype(np.float32)
    expected = convolved(image, kernel)
    assert convolve(image, kernel) == pytest.approx(expected, abs=3e-6 * expected.max())


def test_scale() -> None:
    kernel, image = kernel_for((3.0, 3.0, 3.0)), activity("ball")
    assert convolve(image, kernel, scale=50.0) == pytest.approx(
        50 * convolve(image, kernel), rel=1e-4, abs=1e-5
    )


def test_same_bits_on_one_thread() -> None:
    kernel, image = kernel_for((3.0, 3.0, 3.0)), activity("ball")
    several = convolve(image, kernel)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        assert several.tobytes() == convolve(image, kernel).tobytes()
    finally:
        numba.set_num_threads(before)


def test_nothing_gives_nothing() -> None:
    assert not convolve(np.zeros((4, 4, 4)), kernel_for((3.0, 3.0, 3.0))).any()


def test_refusals() -> None:
    with pytest.raises(ModelRangeError, match="expected odd sides"):
        convolve(np.ones((4, 4, 4)), np.ones((2, 3, 3)))
    with pytest.raises(ModelRangeError, match="expected 3"):
        convolve(np.ones((4, 4)), np.ones((3, 3, 3)))
    with pytest.raises(ModelRangeError, match="kernel holds values that are not finite"):
        convolve(np.ones((4, 4, 4)), np.full((3, 3, 3), np.nan))
