"""NumPy twins of the convolution kernels: by definition, offset by offset, in double precision."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


def convolved(image: NDArray[np.floating], kernel: NDArray[np.floating]) -> F64:
    """Each voxel gives to its neighbours what the kernel says; what leaves the grid is lost."""
    reach = [n // 2 for n in kernel.shape]
    padded = np.zeros([n + 2 * r for n, r in zip(image.shape, reach, strict=True)])
    for offset in np.argwhere(kernel != 0):
        place = tuple(slice(o, o + n) for o, n in zip(offset.tolist(), image.shape, strict=True))
        padded[place] += kernel[tuple(offset)] * image.astype(np.float64)
    return padded[tuple(slice(r, r + n) for r, n in zip(reach, image.shape, strict=True))]


def whole_kernel(along_zyx: Sequence[NDArray[np.floating]], middle: float) -> F64:
    """The odd array of filters ``(term, weight)`` that are given from the middle outwards."""
    sides = [np.concatenate([f[:, :0:-1], f], axis=1).astype(np.float64) for f in along_zyx]
    whole = np.zeros([s.shape[1] for s in sides])
    for z, y, x in zip(*sides, strict=True):
        whole += z[:, None, None] * y[:, None] * x
    whole[tuple(n // 2 for n in whole.shape)] += middle
    return whole
