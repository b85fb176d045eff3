"""Pixel values of slices, rescaled one by one into one array.

Native little-endian pixel data that end the file, as scanners write them, are read straight from their place;
everything else (compressed, big-endian, data behind the pixels) is decoded by pydicom. Whole rescaled
numbers stay int16, half the memory of float32. Padding, which scanners put outside the reconstructed circle,
becomes air.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

from emboplan.dicom.read.common import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    READ_FAILURES,
    quiet,
    quiet_decoding,
    undecodable,
    unreadable,
)
from emboplan.errors import DicomError
from emboplan.imaging.hounsfield import AIR_HU, padding_to_air

PIXEL_DATA_TAG = b"\xe0\x7f\x10\x00"

Values = NDArray[np.int16] | NDArray[np.float32]
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class SlicePixels:
    """How the pixels of one slice are stored, and what their numbers mean."""

    path: Path
    shape: tuple[int, int]
    transfer_syntax: str
    bits_allocated: int
    signed: bool
    slope: float
    intercept: float
    padding: tuple[int, int] | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """The stored number type, little-endian."""
        return np.dtype(f"<{'i' if self.signed else 'u'}{self.bits_allocated // 8}")

    @property
    def is_whole(self) -> bool:
        """Whether rescaled numbers are whole."""
        return float(self.slope).is_integer() and float(self.intercept).is_integer()

    @property
    def padding_is_believable(self) -> bool:
        """Whether the declared padding lies where no tissue does: at air or below, or at the type's end."""
        if self.padding is None:
            return False
        low, high = self.padding
        end = int(np.iinfo(self.dtype).max)
        return high * self.slope + self.intercept <= AIR_HU or low == end


@dataclass(frozen=True, slots=True, eq=False)
class Rescaled:
    """Values in output units, and how many of them had been padding."""

    values: Values
    declared_padding: int
    undeclared_padding: int


def read_rescaled(
    slices: Sequence[SlicePixels], *, hounsfield: bool, progress: Progress | None = None
) -> Rescaled:
    """The slices as one array ``(z, y, x)``, rescaled; with `hounsfield`, padding becomes air.

    Raises:
        DicomError: a slice is truncated or cannot be decoded.
    """
    shape = (len(slices), *slices[0].shape)
    values: NDArray[Any] = np.empty(shape, np.int16 if all(s.is_whole for s in slices) else np.float32)
    declared = undeclared = 0
    for z, one in enumerate(slices):
        if progress is not None:
            progress("reading slices", z / len(slices))
        stored = read_stored(one)
        rescaled = _rescale(stored, one, whole=values.dtype == np.int16)
        if hounsfield:
            padded = _declared_padding(stored, one)
            if padded is not None:
                declared += int(np.count_nonzero(padded))
                rescaled[padded] = AIR_HU
            undeclared += padding_to_air(rescaled)
        if values.dtype == np.int16 and not _fits_int16(rescaled):
            values = values.astype(np.float32)
        values[z] = rescaled
    return Rescaled(values, declared, undeclared)


def read_stored(one: SlicePixels) -> NDArray[Any]:
    """The stored numbers of one slice: the end of the file where they lie there plainly, else decoded."""
    plain = _read_plain(one)
    return plain if plain is not None else _decode(one.path, one.shape)


def _read_plain(one: SlicePixels) -> NDArray[Any] | None:
    """The last bytes of the file, when the element header right before them says they are the pixel data."""
    if one.transfer_syntax not in (IMPLICIT_LITTLE, EXPLICIT_LITTLE):
        return None
    size = one.shape[0] * one.shape[1] * one.dtype.itemsize
    length = size.to_bytes(4, "little")
    expected = [PIXEL_DATA_TAG + length]
    if one.transfer_syntax == EXPLICIT_LITTLE:
        expected = [PIXEL_DATA_TAG + vr + b"\x00\x00" + length for vr in (b"OW", b"OB")]
    header = len(expected[0])
    try:
        total = one.path.stat().st_size
        if total < size + header:
            return None
        with one.path.open("rb") as file:
            file.seek(total - size - header)
            data = file.read(size + header)
    except OSError as error:
        raise DicomError(f"{one.path.name} cannot be read ({error.strerror}); check the file") from error
    if data[:header] not in expected:
        return None
    return np.frombuffer(data, one.dtype, offset=header).reshape(one.shape)


def _decode(path: Path, shape: tuple[int, int]) -> NDArray[Any]:
    try:
        with quiet():
            dataset = pydicom.dcmread(path, force=True)
    except READ_FAILURES as error:
        raise unreadable(path) from error
    try:
        with quiet_decoding():
            pixels = np.asarray(dataset.pixel_array)
    except READ_FAILURES as error:
        raise undecodable(path, dataset) from error
    if pixels.shape != shape:
        raise DicomError(
            f"{path.name} holds pixels of shape {pixels.shape}; "
            f"expected one grey image of {shape} (rows, columns)"
        )
    return pixels


def _rescale(stored: NDArray[Any], one: SlicePixels, *, whole: bool) -> NDArray[Any]:
    if whole:
        # 64 bits hold any 32-bit number times any slope; 32 bits are enough, and faster, for 16-bit numbers.
        wide = np.int32 if stored.dtype.itemsize < np.dtype(np.int32).itemsize else np.int64
        if abs(one.slope) > np.iinfo(np.int16).max or abs(one.intercept) > np.iinfo(np.uint16).max:
            wide = np.int64
        result: NDArray[Any] = stored.astype(wide)
        if one.slope != 1:
            result *= int(one.slope)
        result += int(one.intercept)
        return result
    return (stored.astype(np.float64) * one.slope + one.intercept).astype(np.float32)


def _declared_padding(stored: NDArray[Any], one: SlicePixels) -> NDArray[np.bool_] | None:
    if one.padding is None or not one.padding_is_believable:
        return None
    low, high = one.padding
    numbers = stored.astype(np.int64) if stored.dtype.itemsize > 2 else stored.astype(np.int32)
    return (numbers >= low) & (numbers <= high)


def _fits_int16(values: NDArray[Any]) -> bool:
    limits = np.iinfo(np.int16)
    return bool(int(values.min()) >= limits.min and int(values.max()) <= limits.max)
