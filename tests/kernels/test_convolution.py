"""The convolution kernels against their definition, in work space full of NaN."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.reference.filters import convolved, whole_kernel

from emboplan.kernels.convolution import convolve_terms, find_extents, work_space
from emboplan.kernels.filter_rows import PAIRS, whole_vectors

F32 = NDArray[np.float32]


def filters(terms: int, far: int, reach: tuple[int, int, int], seed: int = 1) -> list[F32]:
    """Random filters; those of near terms are 0 beyond `PAIRS`."""
    draw = np.random.default_rng(seed)
    along = [draw.uniform(0, 1, (terms, 1 + n)).astype(np.float32) for n in reach]
    for f in along:
        f[far:, PAIRS + 1 :] = 0
    return along


def run(image: F32, along: list[F32], far: int, middle: float, planes: Sequence[tuple[int, int]] = ()) -> F32:
    planes = planes or [(0, len(image))]
    low, high = np.empty(image.shape[:2], np.int32), np.empty(image.shape[:2], np.int32)
    find_extents(image.view(np.int32), 0, len(image), low, high)
    out = np.zeros(image.shape, np.float32)
    z, y, x = along
    reach = (z.shape[1] - 1, y.shape[1] - 1, x.shape[1] - 1)
    shape = (image.shape[0], image.shape[1], image.shape[2])
    work = work_space(shape, len(z), reach)
    for part in work[1:]:
        part[:] = np.nan
    for first, end in planes:
        convolve_terms(image, first, end, low, high, far, z, y, x, np.float32(middle), out, *work)
    return out


def check(image: F32, along: list[F32], far: int, middle: float = 0.5) -> None:
    expected = convolved(image, whole_kernel(along, middle))
    assert run(image, along, far, middle) == pytest.approx(expected, rel=1e-5, abs=1e-5 * expected.max())


@pytest.mark.parametrize("reach", [(3, 3, 3), (6, 6, 6), (3, 6, 9), (9, 3, 18)])
@pytest.mark.parametrize(("terms", "far"), [(1, 0), (1, 1), (4, 2)])
def test_against_the_definition(reach: tuple[int, int, int], terms: int, far: int) -> None:
    """Blobs, holes, empty rows and columns, in a grid that is smaller than the kernel along z."""
    draw = np.random.default_rng(7)
    image = draw.uniform(0, 1, (7, 24, 40)).astype(np.float32)
    image[draw.uniform(0, 1, image.shape) < 0.7] = 0
    image[:, 8:14] = 0
    image[3] = 0
    image[:, :, 30:33] = 0
    check(image, filters(terms, far, reach), far)


@pytest.mark.parametrize("columns", [1, 2, 15, 16, 17, 31, 32, 33])
def test_any_length_of_row(columns: int) -> None:
    image = np.random.default_rng(3).uniform(0, 1, (5, 9, columns)).astype(np.float32)
    check(image, filters(3, 1, (6, 6, 6)), 1)


@pytest.mark.parametrize("place", [(0, 0, 0), (8, 9, 20), (4, 0, 10), (8, 5, 0), (3, 4, 16)])
def test_one_voxel_gives_the_kernel(place: tuple[int, int, int]) -> None:
    """In the middle, at a side, in a corner."""
    image = np.zeros((9, 10, 21), np.float32)
    image[place] = 2.5
    check(image, filters(2, 1, (6, 6, 6)), 1)


def test_nothing_in_nothing_out() -> None:
    out = run(np.zeros((4, 5, 6), np.float32), filters(2, 1, (6, 6, 6)), 1, 0.5)
    assert not out.any()


def test_extents() -> None:
    """From whole vectors to just behind the last voxel that is not 0."""
    image = np.zeros((1, 3, 50), np.float32)
    image[0, 0, [20, 37]] = 1e-30
    image[0, 2, 0] = 5
    low, high = np.empty((1, 3), np.int32), np.empty((1, 3), np.int32)
    find_extents(image.view(np.int32), 0, len(image), low, high)
    starts, ends, rounded = [16, 50, 0], [38, 0, 1], [0, 16, 16, 32]
    assert starts == low[0].tolist()
    assert ends == high[0].tolist()
    assert rounded == [whole_vectors(n) for n in (0, 1, 16, 17)]


def test_planes_in_any_order_give_the_same_bits() -> None:
    image = np.random.default_rng(5).uniform(0, 1, (33, 30, 40)).astype(np.float32)
    along = filters(4, 2, (6, 6, 6))
    mixed = run(image, along, 2, 0.1, [(20, 33), (7, 8), (0, 7), (8, 20)])
    assert mixed.tobytes() == run(image, along, 2, 0.1).tobytes()
