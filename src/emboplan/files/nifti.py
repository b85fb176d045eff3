"""NIfTI files: volumes, CTs, masks, label maps and doses.

NIfTI stores positions to the patient's right, front and head (RAS) in single precision; SimpleITK converts
them to ours. A file that states no orientation (both codes 0) is refused: its voxels could lie anywhere.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from os import SEEK_END
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import ImageFileError
from emboplan.files.itk_image import as_ct, as_labels, on_grid, read_array, select_label, write_array
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage, DoseMap
from emboplan.model.mask import LabelMap, Mask

SUFFIXES = (".nii", ".nii.gz")

# The two headers of the format, told apart by their length; type and place of dim, bitpix and vox_offset.
# Source: nifti1.h and nifti2.h of the NIfTI data format working group.
HEADER_1_BYTES = 348
HEADER_1_FIELDS = (("8h", 40), ("h", 72), ("f", 108))
HEADER_2_BYTES = 540
HEADER_2_FIELDS = (("8q", 16), ("h", 14), ("q", 168))
# Where the code of the data's type stands, and the codes of floating point numbers.
HEADER_1_TYPE, HEADER_2_TYPE = 70, 12
FLOAT_CODES = {16: "f4", 64: "f8"}


def read_volume(path: Path) -> tuple[NDArray[Any], Grid]:
    """The array ``(z, y, x)`` and the grid of a file; axes in the order nearest to the patient's.

    Raises:
        ImageFileError: the file cannot be used; the message says why.
    """
    _require_whole(path)
    array, grid, header = read_array(path, SUFFIXES)
    codes = [header.get(key, "").strip() for key in ("qform_code", "sform_code")]
    if codes == ["0", "0"]:
        raise ImageFileError(
            f"{path.name} states no orientation (qform and sform codes are 0), so that left and right are "
            "unknown; write it again with its position"
        )
    return array, grid


def _require_whole(path: Path) -> None:
    """Refuse a file that is shorter than its header says: ITK would fill the rest with zeros."""
    if not path.is_file() or not path.name.lower().endswith(SUFFIXES):
        return  # said by the reader
    packed = path.name.lower().endswith(".gz")
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            expected = _expected_bytes(file.read(HEADER_2_BYTES))
            if packed and _gzip_length(path) == expected % (1 << 32):
                return
            found = file.seek(0, SEEK_END) if not packed else _unpacked_bytes(path)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise ImageFileError(
            f"{path.name} is damaged, truncated or of another format; copy it again from its source"
        ) from error
    if found < expected:
        raise ImageFileError(
            f"{path.name} is truncated: it holds {found} of {expected} bytes; copy it again from its source"
        )


def _expected_bytes(header: bytes) -> int:
    """Length of the unpacked file by its header (NIfTI 1 or 2, either byte order)."""
    for order in "<>":
        (size,) = struct.unpack_from(f"{order}i", header)
        if size == HEADER_1_BYTES:
            dims, bits, offset = (struct.unpack_from(order + f, header, at) for f, at in HEADER_1_FIELDS)
        elif size == HEADER_2_BYTES:
            dims, bits, offset = (struct.unpack_from(order + f, header, at) for f, at in HEADER_2_FIELDS)
        else:
            continue
        voxels = math.prod(int(n) for n in dims[1 : 1 + dims[0]])
        return int(offset[0]) + voxels * int(bits[0]) // 8
    raise struct.error("no NIfTI header")


def _gzip_length(path: Path) -> int:
    """Unpacked length as the end of a gzip file tells it: of its last member, modulo 2^32."""
    with path.open("rb") as file:
        file.seek(-4, SEEK_END)
        return int.from_bytes(file.read(4), "little")


def _unpacked_bytes(path: Path) -> int:
    """Unpacked length, by unpacking."""
    with gzip.open(path) as file:
        return sum(len(block) for block in iter(lambda: file.read(1 << 20), b""))


def count_not_finite(path: Path) -> int:
    """How many voxels of a file of floating point numbers are NaN or infinite.

    The reader makes them 0, which is right for padding around an image and wrong for a measurement: whoever
    reads one asks here.
    """
    with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
        content = file.read()
    for order in "<>":
        (size,) = struct.unpack_from(f"{order}i", content)
        for header, fields, type_place in (
            (HEADER_1_BYTES, HEADER_1_FIELDS, HEADER_1_TYPE),
            (HEADER_2_BYTES, HEADER_2_FIELDS, HEADER_2_TYPE),
        ):
            if size != header:
                continue
            (code,) = struct.unpack_from(f"{order}h", content, type_place)
            if code not in FLOAT_CODES:
                return 0
            dims, _, offset = (struct.unpack_from(order + f, content, at) for f, at in fields)
            count = math.prod(int(n) for n in dims[1 : 1 + dims[0]])
            values = np.frombuffer(content, order + FLOAT_CODES[code], count, int(offset[0]))
            return int(np.count_nonzero(~np.isfinite(values)))
    return 0


def read_ct(path: Path) -> CtImage:
    """A CT in HU; padding far below air becomes air."""
    array, grid = read_volume(path)
    return as_ct(path, array, grid)


def read_labels(path: Path, grid: Grid | None = None) -> LabelMap:
    """All labels of a file; on `grid` where one is given.

    Raises:
        ImageFileError: the file cannot be used.
        MaskError: the values are no labels.
        GeometryError: the file lies on another grid.
    """
    array, own = read_volume(path)
    labels, placed = on_grid(path, as_labels(path, array), own, grid)
    return LabelMap(placed, labels)


def read_mask(path: Path, label: int | None = None, grid: Grid | None = None) -> Mask:
    """One label of a file as a mask; without a label, the only one there is. Errors as `read_labels`."""
    labels = read_labels(path, grid)
    return Mask(labels.grid, select_label(path, labels.labels, label))


def write_mask(path: Path, mask: Mask) -> None:
    """Write a mask as bytes of 0 and 1."""
    write_array(path, mask.voxels, mask.grid, SUFFIXES)


def write_labels(path: Path, labels: LabelMap) -> None:
    """Write a label map as unsigned 16-bit numbers."""
    write_array(path, labels.labels, labels.grid, SUFFIXES)


def write_dose(path: Path, dose: DoseMap) -> None:
    """Write a dose in Gy as 32-bit floating point numbers."""
    write_array(path, dose.gy, dose.grid, SUFFIXES)


def write_ct(path: Path, ct: CtImage) -> None:
    """Write a CT in HU."""
    write_array(path, ct.hu, ct.grid, SUFFIXES)


def write_volume(path: Path, array: NDArray[Any], grid: Grid) -> None:
    """Write any array of numbers on a grid."""
    write_array(path, array, grid, SUFFIXES)
