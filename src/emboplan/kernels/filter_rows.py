"""Weighted sums of rows, layers and neighbours in a row: one loop each, without asking where a row ends.

A filter is even; it is given by its middle and one side. A sweep takes `PAIRS` pairs of neighbours, or
`FAR_PAIRS` where a filter is that long: fewer loads and stores of what is being added up.
"""

import numba
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

# Pairs of neighbours that one sweep over a row adds. Near terms reach no farther.
PAIRS = 3
# Those of the first sweep of a longer filter.
FAR_PAIRS = 2 * PAIRS
# Lengths are rounded up to this many voxels, a vector of 512 bits.
LANES = 16

# Unsigned numbers as places: a signed one may be negative, which Python counts from the end; asking for that
# in a loop would keep the compiler from making vectors of it.
U = np.uintp
ONE, TWO, THREE, FOUR, FIVE, SIX = U(1), U(2), U(3), U(4), U(5), U(6)

# It lets a product and a sum be one instruction with one rounding, and changes no order.
CONTRACT = {"contract"}


@numba.njit(cache=True, nogil=True)
def whole_vectors(count: int) -> int:
    """`count` rounded up to whole vectors."""
    return (count + LANES - 1) // LANES * LANES


@numba.njit(cache=True, nogil=True)
def clear(out: F32, at: int, count: int) -> None:
    """Zeros from `at` on."""
    to = U(at)
    for i in range(U(max(count, 0))):
        out[to + i] = 0


@numba.njit(cache=True, nogil=True, fastmath=CONTRACT)
def weigh_layers(source: F32, stride: int, weights: F32, out: F32, to: int, count: int) -> None:
    """Weighted sum of the first ``1 + PAIRS`` layers, `stride` apart, into `out` from `to` on."""
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    step, o = U(stride), U(to)
    s2, s3 = TWO * step, THREE * step
    for i in range(U(count)):
        out[o + i] = w0 * source[i] + w1 * source[step + i] + w2 * source[s2 + i] + w3 * source[s3 + i]


@numba.njit(cache=True, nogil=True, fastmath=CONTRACT)
def add_layers(source: F32, stride: int, weights: F32, first: int, out: F32, to: int, count: int) -> None:
    """Add `PAIRS` weighted layers, those after `first`."""
    w1, w2, w3 = weights[first + 1], weights[first + 2], weights[first + 3]
    step, o = U(stride), U(to)
    s1 = U(first * stride) + step
    s2, s3 = s1 + step, s1 + TWO * step
    for i in range(U(count)):
        out[o + i] += w1 * source[s1 + i] + w2 * source[s2 + i] + w3 * source[s3 + i]


@numba.njit(cache=True, nogil=True, fastmath=CONTRACT)
def weigh_rows(source: F32, at: int, stride: int, weights: F32, out: F32, to: int, count: int) -> None:
    """Weighted sum of a row and `PAIRS` pairs of rows before and behind it, into `out` from `to` on."""
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    step, m, o = U(stride), U(at), U(to)
    a1, a2, a3 = m - step, m - TWO * step, m - THREE * step
    b1, b2, b3 = m + step, m + TWO * step, m + THREE * step
    for i in range(U(count)):
        out[o + i] = (
            w0 * source[m + i]
            + w1 * (source[a1 + i] + source[b1 + i])
            + w2 * (source[a2 + i] + source[b2 + i])
            + w3 * (source[a3 + i] + source[b3 + i])
        )


@numba.njit(cache=True, nogil=True, fastmath=CONTRACT)
def add_rows(
    source: F32, at: int, stride: int, weights: F32, first: int, out: F32, to: int, count: int
) -> None:
    """Add `PAIRS` weighted pairs of rows, those beyond `first`."""
    w1, w2, w3 = weights[first + 1], weights[first + 2], weights[first + 3]
    step, o = U(stride), U(to)
    a1, b1 = U(at - first * stride) - step, U(at + first * stride) + step
    a2, a3, b2, b3 = a1 - step, a1 - TWO * step, b1 + step, b1 + TWO * step
    for i in range(U(count)):
        out[o + i] += (
            w1 * (source[a1 + i] + source[b1 + i])
            + w2 * (source[a2 + i] + source[b2 + i])
            + w3 * (source[a3 + i] + source[b3 + i])
        )


@numba.njit(cache=True, nogil=True, fastmath=CONTRACT)
def add_along(source: F32, at: int, weights: F32, first: int, out: F32, to: int, count: int) -> None:
    """Add `PAIRS` weighted pairs of neighbours in the row, those beyond `first`; at first also the middle."""
    w0 = weights[0] if first == 0 else np.float32(0)
    w1, w2, w3 = weights[first + 1], weights[first + 2], weights[first + 3]
    m, a, b, o = U(at), U(at - first), U(at + first), U(to)
    for i in range(U(count)):
        p, q = a + i, b + i
        out[o + i] += (
            w0 * source[m + i]
            + w1 * (source[p - ONE] + source[q + ONE])
            + w2 * (source[p - TWO] + source[q + TWO])
            + w3 * (source[p - THREE] + source[q + THREE])
        )


@numba.njit(cache=True, nogil=True, fastmath=CONTRACT)
def add_scaled(source: F32, at: int, image: F32, to: int, factor: np.float32, out: F32, count: int) -> None:
    """Part of `source` from `at` on, plus `factor` times `image`, into `out`; both of these from `to` on."""
    m, o = U(at), U(to)
    for i in range(U(count)):
        out[o + i] = source[m + i] + factor * image[o + i]


@numba.njit(cache=True, nogil=True, fastmath=CONTRACT)
def weigh_far_layers(source: F32, stride: int, weights: F32, out: F32, to: int, count: int) -> None:
    """Weighted sum of the first ``1 + FAR_PAIRS`` layers, `stride` apart, into `out` from `to` on."""
    w0, w1, w2, w3, w4, w5, w6 = (
        weights[0],
        weights[1],
        weights[2],
        weights[3],
        weights[4],
        weights[5],
        weights[6],
    )
    step, o = U(stride), U(to)
    s2, s3 = TWO * step, THREE * step
    s4, s5, s6 = FOUR * step, FIVE * step, SIX * step
    for i in range(U(count)):
        out[o + i] = (
            w0 * source[i]
            + w1 * source[step + i]
            + w2 * source[s2 + i]
            + w3 * source[s3 + i]
            + w4 * source[s4 + i]
            + w5 * source[s5 + i]
            + w6 * source[s6 + i]
        )


@numba.njit(cache=True, nogil=True, fastmath=CONTRACT)
def weigh_far_rows(source: F32, at: int, stride: int, weights: F32, out: F32, to: int, count: int) -> None:
    """Like `weigh_rows`, with `FAR_PAIRS` pairs."""
    w0, w1, w2, w3, w4, w5, w6 = (
        weights[0],
        weights[1],
        weights[2],
        weights[3],
        weights[4],
        weights[5],
        weights[6],
    )
    step, m, o = U(stride), U(at), U(to)
    a1, a2, a3 = m - step, m - TWO * step, m - THREE * step
    a4, a5, a6 = m - FOUR * step, m - FIVE * step, m - SIX * step
    b1, b2, b3 = m + step, m + TWO * step, m + THREE * step
    b4, b5, b6 = m + FOUR * step, m + FIVE * step, m + SIX * step
    for i in range(U(count)):
        out[o + i] = (
            w0 * source[m + i]
            + w1 * (source[a1 + i] + source[b1 + i])
            + w2 * (source[a2 + i] + source[b2 + i])
            + w3 * (source[a3 + i] + source[b3 + i])
            + w4 * (source[a4 + i] + source[b4 + i])
            + w5 * (source[a5 + i] + source[b5 + i])
            + w6 * (source[a6 + i] + source[b6 + i])
        )


@numba.njit(cache=True, nogil=True, fastmath=CONTRACT)
def add_far_along(source: F32, at: int, weights: F32, out: F32, to: int, count: int) -> None:
    """Add a row weighted by the middle of a filter, and `FAR_PAIRS` weighted pairs of neighbours in it."""
    w0, w1, w2, w3, w4, w5, w6 = (
        weights[0],
        weights[1],
        weights[2],
        weights[3],
        weights[4],
        weights[5],
        weights[6],
    )
    m, o = U(at), U(to)
    for i in range(U(count)):
        p = m + i
        out[o + i] += (
            w0 * source[p]
            + w1 * (source[p - ONE] + source[p + ONE])
            + w2 * (source[p - TWO] + source[p + TWO])
            + w3 * (source[p - THREE] + source[p + THREE])
            + w4 * (source[p - FOUR] + source[p + FOUR])
            + w5 * (source[p - FIVE] + source[p + FIVE])
            + w6 * (source[p - SIX] + source[p + SIX])
        )
