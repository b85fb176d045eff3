"""Random numbers of a history: the published generator, even, and independent of all but the history."""

import numba
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from tests.reference import splitmix

from emboplan.kernels import rng


@numba.njit
def first_numbers(seed: np.uint64, first: int, histories: int, count: int) -> NDArray[np.float64]:
    found = np.empty((histories, count))
    for h in range(histories):
        state, step = rng.stream(seed, np.uint64(first + h))
        for n in range(count):
            state, found[h, n] = rng.uniform(state, step)
    return found


@numba.njit
def mixed(value: np.uint64) -> int:
    return rng.mixed(value)  # type: ignore[no-any-return]  # numba is untyped


def test_the_mixer_is_that_of_splitmix64() -> None:
    """The first three numbers of splitmix64 from seed 0, as its author's C program prints them."""
    printed = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert printed == [mixed(np.uint64(n * splitmix.GOLDEN % splitmix.WORD)) for n in (1, 2, 3)]


@pytest.mark.parametrize(("seed", "history"), [(0, 0), (1, 7), (2**40, 123_456_789), (7, 2**50)])
def test_the_stream_is_that_of_plain_integers(seed: int, history: int) -> None:
    assert splitmix.uniforms(seed, history, 50) == first_numbers(np.uint64(seed), history, 1, 50)[0].tolist()


def test_a_history_has_the_same_numbers_wherever_it_runs() -> None:
    together = first_numbers(np.uint64(3), 100, 50, 20)
    alone = first_numbers(np.uint64(3), 131, 1, 20)[0]
    assert together[31].tolist() == alone.tolist()


def test_steps_are_odd() -> None:
    """An even step would visit only a part of the states."""

    @numba.njit
    def odd(count: int) -> int:
        found = 0
        for h in range(count):
            found += int(rng.stream(np.uint64(5), np.uint64(h))[1] & np.uint64(1))
        return found

    assert odd(1000) == 1000


def test_numbers_are_even_at_every_place_of_the_stream() -> None:
    """Kolmogorov and Smirnov on each draw of three seeds; their p-values must be even themselves."""
    p_values = []
    for seed in (0, 1, 2**63):
        numbers = first_numbers(np.uint64(seed), 0, 20_000, 10)
        assert numbers.min() >= 0
        assert numbers.max() < 1
        p_values += [stats.kstest(numbers[:, n], "uniform").pvalue for n in range(10)]
    assert stats.kstest(p_values, "uniform").pvalue > 1e-2


def test_neighbours_are_not_correlated() -> None:
    """Within 4 standard errors: seeds, histories and draws side by side."""
    one, other = first_numbers(np.uint64(1), 0, 20_000, 10), first_numbers(np.uint64(2), 0, 20_000, 10)
    pairs = {
        "draws": (one[:, :-1], one[:, 1:]),
        "histories": (one[:-1], one[1:]),
        "seeds": (one, other),
        "history against seed": (one[1:], other[:-1]),
    }
    for name, (a, b) in pairs.items():
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 4 / np.sqrt(a.size), name
    grid, _, _ = np.histogram2d(one[:, 0], one[:, 1], bins=16)
    assert stats.chisquare(grid.ravel()).pvalue > 1e-3
