"""Small CT series written with pydicom alone, so that the readers are tried on what they did not write."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

STUDY, SERIES, FRAME = (generate_uid(entropy_srcs=[name]) for name in ("study", "series", "frame"))
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def slice_dataset(stored: NDArray[Any], z_mm: float, *, explicit: bool = True, **changes: object) -> Dataset:
    """One axial CT slice; `changes` replace or, with None, remove attributes."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if explicit else ImplicitVRLittleEndian
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=["slice", str(z_mm), str(changes)])
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.Modality = "CT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.PatientName = "Secret^Person"
    dataset.PatientID = "SECRET-17"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = STUDY, SERIES, FRAME
    dataset.SeriesDescription = "abdomen"
    dataset.ImagePositionPatient = [-10.0, -20.0, z_mm]
    dataset.ImageOrientationPatient = list(AXIAL)
    dataset.PixelSpacing = [0.5, 0.75]  # between rows, between columns
    dataset.SliceThickness = 99.0  # never the spacing
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8 * stored.dtype.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    dataset.PixelData = stored.tobytes()
    for name, value in changes.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    return dataset


def ramp(k: int, shape: tuple[int, int] = (4, 3)) -> NDArray[np.uint16]:
    """Numbers that tell slice, row and column apart."""
    return (1000 * k + np.arange(shape[0] * shape[1]).reshape(shape)).astype(np.uint16)


def write_slice(path: Path, stored: NDArray[Any], z_mm: float, **changes: Any) -> None:
    """Write one slice; see `slice_dataset`."""
    slice_dataset(stored, z_mm, **changes).save_as(path, enforce_file_format=True)


def write_series(
    folder: Path,
    positions_mm: tuple[float, ...] = (0.0, 2.5, 5.0, 7.5, 10.0),
    shape: tuple[int, int] = (4, 3),
    **changes: Any,
) -> Path:
    """Slices at these positions, slice k holding `ramp(k)`, in files whose names run the other way."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, z_mm in enumerate(positions_mm):
        write_slice(folder / f"i{99 - k:02}.dcm", ramp(k, shape), z_mm, **changes)
    return folder
