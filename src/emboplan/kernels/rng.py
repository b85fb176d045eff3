"""Random numbers of a history: its stream depends on the seed and on its own number, on nothing else.

A history gets a start and an odd step by mixing seed and number; its n-th random number is the mixed value of
``start + n x step`` (SplitMix, Steele, Lea and Flood 2014, with the mixers of Stafford and of MurmurHash3).
Which thread runs a history, and in which order, changes no number. A stream is two plain integers, ``state``
and ``step``, that the caller carries: ``state, u = uniform(state, step)``.
"""

import numba
import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_A = np.uint64(0xBF58476D1CE4E5B9)
MIX_B = np.uint64(0x94D049BB133111EB)
MURMUR_A = np.uint64(0xFF51AFD7ED558CCD)
MURMUR_B = np.uint64(0xC4CEB9FE1A85EC53)
ONE = np.uint64(1)
S11, S24, S27, S30, S31, S33 = (np.uint64(n) for n in (11, 24, 27, 30, 31, 33))
PAIRS = np.uint64(0xAAAAAAAAAAAAAAAA)
FEWEST_CHANGES = 24  # a step with fewer changes of bit makes weak sums, as the authors of SplitMix found
UNIT = 2.0**-53  # one of the 2^53 equal parts of [0, 1)


@numba.njit(cache=True, nogil=True, inline="always")
def mixed(value: np.uint64) -> np.uint64:
    """A 64-bit number whose every bit depends on every bit of `value`, one to one."""
    value = (value ^ (value >> S30)) * MIX_A
    value = (value ^ (value >> S27)) * MIX_B
    return value ^ (value >> S31)


@numba.njit(cache=True, nogil=True)
def _bits_set(value: np.uint64) -> int:
    count = 0
    while value != np.uint64(0):
        value &= value - ONE
        count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _odd_step(value: np.uint64) -> np.uint64:
    value = (value ^ (value >> S33)) * MURMUR_A
    value = (value ^ (value >> S33)) * MURMUR_B
    value = (value ^ (value >> S33)) | ONE
    return value ^ PAIRS if _bits_set(value ^ (value >> ONE)) < FEWEST_CHANGES else value


@numba.njit(cache=True, nogil=True)
def stream(seed: np.uint64, history: np.uint64) -> tuple[np.uint64, np.uint64]:
    """``state`` and ``step`` of one history of one seed."""
    key = mixed(np.uint64(seed) + GOLDEN) + np.uint64(history) * GOLDEN
    return mixed(key), _odd_step(key + GOLDEN)


@numba.njit(cache=True, nogil=True, inline="always")
def uniform(state: np.uint64, step: np.uint64) -> tuple[np.uint64, float]:
    """The stream's next state, and a number of [0, 1) in steps of 2^-53."""
    state = state + step
    return state, np.float64(mixed(state) >> S11) * UNIT
