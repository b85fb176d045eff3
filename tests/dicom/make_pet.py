"""Small PET series written with pydicom alone, so that the reader is tried on what it did not write."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import PositronEmissionTomographyImageStorage
from tests.dicom.make import slice_dataset

# 4 x 5 x 2 mm voxels: 0.04 mL.
ROW_MM, COLUMN_MM, STEP_MM = 5.0, 4.0, 2.0
VOXEL_ML = 0.04

Y90 = {"meaning": "^90^Yttrium", "half_life_s": 64.1 * 3600, "positrons": 31.86e-6}
F18 = {"meaning": "18F", "half_life_s": 6588.0, "positrons": 0.967}


def administered(
    nuclide: dict[str, Any] | None = None, *, time: str | None = "103000", moment: str | None = None
) -> Dataset:
    """The item of the radiopharmaceutical."""
    nuclide = Y90 if nuclide is None else nuclide
    item = Dataset()
    if time is not None:
        item.RadiopharmaceuticalStartTime = time
    if moment is not None:
        item.RadiopharmaceuticalStartDateTime = moment
    if "half_life_s" in nuclide:
        item.RadionuclideHalfLife = nuclide["half_life_s"]
    if "positrons" in nuclide:
        item.RadionuclidePositronFraction = nuclide["positrons"]
    if "meaning" in nuclide:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator = "1", "99TEST"
        code.CodeMeaning = nuclide["meaning"]
        item.RadionuclideCodeSequence = Sequence([code])
    return item


def pet_slice(stored: NDArray[Any], z_mm: float, slope: float, **changes: Any) -> Dataset:
    """One PET slice in Bq/mL of 4 December 2026, 06:30, corrected to the start of the scan."""
    base: dict[str, Any] = {
        "SOPClassUID": PositronEmissionTomographyImageStorage,
        "Modality": "PT",
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "SeriesDescription": "liver",
        "PixelSpacing": [ROW_MM, COLUMN_MM],
        "RescaleSlope": slope,
        "RescaleIntercept": 0,
        "Units": "BQML",
        "DecayCorrection": "START",
        "SeriesDate": "20261204",
        "SeriesTime": "063000",
        "AcquisitionDate": "20261204",
        "AcquisitionTime": "063000",
        "ActualFrameDuration": 1200000,
        "FrameReferenceTime": 0,
        "TimezoneOffsetFromUTC": "-0500",
        "RadiopharmaceuticalInformationSequence": Sequence([administered()]),
    }
    merged = base | changes
    dataset = slice_dataset(stored, z_mm, **{k: v for k, v in merged.items() if v is not None})
    dataset.file_meta.MediaStorageSOPClassUID = PositronEmissionTomographyImageStorage
    return dataset


def write_pet(
    folder: Path,
    stored: NDArray[np.uint16],
    slopes: tuple[float, ...],
    *,
    per_slice: dict[int, dict[str, Any]] | None = None,
    positions_mm: tuple[float, ...] | None = None,
    **changes: Any,
) -> Path:
    """A series of stored numbers ``(z, y, x)`` with a slope for each slice; a change to None leaves out."""
    folder.mkdir(parents=True, exist_ok=True)
    positions = positions_mm or tuple(STEP_MM * k for k in range(len(stored)))
    for k, (plane, z_mm, slope) in enumerate(zip(stored, positions, slopes, strict=True)):
        own = changes | (per_slice or {}).get(k, {})
        path = folder / f"p{99 - k:02}.dcm"
        pet_slice(plane, z_mm, slope, **own).save_as(path, enforce_file_format=True)
    return folder


def cylinder(slices: int = 6, edge: int = 12) -> NDArray[np.bool_]:
    """A cylinder along z: the voxels whose centre lies within 4 voxels of the axis."""
    centre = (edge - 1) / 2
    y, x = np.mgrid[:edge, :edge]
    disc = (y - centre) ** 2 + (x - centre) ** 2 <= 16
    return np.broadcast_to(disc, (slices, edge, edge)).copy()
