"""Digests of voxels: whether two arrays hold the same numbers in the same order in the patient.

The array is turned to the patient's axes first, so that one image gives one digest whatever the order of the
axes in its file was. Where the voxels lie is not in it: grids are compared as grids, with their tolerance.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emboplan.imaging.orient import reoriented
from emboplan.model.grid import Grid


def voxels_sha256(array: NDArray[Any], grid: Grid) -> str:
    """SHA-256 of shape, kind and values of an array ``(z, y, x)`` on a grid, along the patient's axes."""
    view, _ = reoriented(array, grid)
    plain = np.ascontiguousarray(view)
    digest = hashlib.sha256(f"{plain.dtype.kind}{plain.dtype.itemsize} {plain.shape}".encode())
    content = np.packbits(plain) if plain.dtype == np.bool_ else plain.astype(plain.dtype.newbyteorder("<"))
    digest.update(content.data)
    return digest.hexdigest()
