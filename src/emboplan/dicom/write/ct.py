"""A CT volume as a series of CT images, one file for each slice.

Stored numbers are signed 16-bit Hounsfield units, slope 1 and intercept 0, so that nothing is rounded that
was whole. Slices follow the array: the first file is slice 0 and positions ascend along the grid's z axis.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from emboplan.dicom.write.encode import (
    add_frame_of_reference,
    add_pixel_layout,
    content_digest,
    decimal,
    frame_of_reference,
    image_orientation,
    image_position,
    new_object,
    pixel_spacing,
    save,
)
from emboplan.dicom.write.identity import NewSeries, StudyIdentity, derived_uid
from emboplan.errors import ModelRangeError, OutputError
from emboplan.model.image import CtImage

BITS = 16


def write_ct_series(
    ct: CtImage,
    folder: Path,
    identity: StudyIdentity,
    series: NewSeries,
    *,
    patient_position: str = "HFS",
    body_part: str = "CHESTABDOMEN",
) -> list[Path]:
    """Write one CT Image Storage file for each slice and return the paths in array order.

    Numbers with a fraction are rounded to whole HU. The frame of reference is the grid's; a grid without
    one gets one that belongs to the series. `patient_position` and `body_part` are terms of DICOM
    (PS3.3 C.7.3.1.1.2, PS3.16 annex L). The folder is made; it must not hold files yet, since slices of
    another series would be read together with these.

    Raises:
        ModelRangeError: a number does not fit 16 bits.
        OutputError: the folder holds files, or cannot be written.
    """
    hu = _whole_hu(ct)
    _require_empty(folder)
    nz, rows, columns = ct.grid.shape
    dataset = new_object(CTImageStorage, "CT", identity, series, "")
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    add_frame_of_reference(dataset, frame_of_reference(ct.grid, series))
    add_pixel_layout(dataset, rows, columns, bits=BITS, signed=True)
    dataset.BodyPartExamined = body_part
    _add_ct_attributes(dataset, ct, patient_position)
    paths = []
    for k in range(nz):
        pixels = hu[k]
        dataset.SOPInstanceUID = derived_uid(series.uid, "slice", str(k), content_digest(pixels))
        dataset.InstanceNumber = str(k + 1)
        dataset.ImagePositionPatient = image_position(ct.grid, k)
        dataset.SliceLocation = decimal(k * ct.grid.spacing_mm[2])
        dataset.PixelData = pixels.tobytes()
        paths.append(save(dataset, folder / f"slice_{k + 1:04d}.dcm"))
    return paths


def _whole_hu(ct: CtImage) -> NDArray[np.int16]:
    if ct.hu.dtype == np.int16:
        return ct.hu.astype("<i2", copy=False)
    limits = np.iinfo(np.int16)
    lowest, highest = float(ct.hu.min()), float(ct.hu.max())
    if round(lowest) < limits.min or round(highest) > limits.max:
        raise ModelRangeError(
            f"the CT holds {lowest:.0f} to {highest:.0f} HU; a DICOM CT holds {limits.min} to {limits.max}, "
            "clip the image first"
        )
    return np.rint(ct.hu).astype("<i2")


def _require_empty(folder: Path) -> None:
    try:
        occupied = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise OutputError(f"{folder} cannot be looked into ({error.strerror}); choose another") from error
    if occupied:
        raise OutputError(f"{folder} holds files already; choose an empty or new folder for the CT series")


def _add_ct_attributes(dataset: Dataset, ct: CtImage, patient_position: str) -> None:
    spacing_mm = decimal(ct.grid.spacing_mm[2])
    dataset.PatientPosition = patient_position
    dataset.KVP = None
    dataset.AcquisitionNumber = None
    dataset.ImageOrientationPatient = image_orientation(ct.grid)
    dataset.PixelSpacing = pixel_spacing(ct.grid)
    dataset.SliceThickness = spacing_mm
    dataset.SpacingBetweenSlices = spacing_mm
    dataset.RescaleIntercept = "0"
    dataset.RescaleSlope = "1"
    dataset.RescaleType = "HU"
