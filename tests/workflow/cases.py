"""A patient of boxes, so small and plain that every volume and dose of its plan can be worked out by hand.

Voxels are 5 mm cubes (0.125 mL). The liver is a box of 1000 mL; in its right half lies a lesion of 64 mL, in
its left half one of 27 mL. The lungs are two boxes inside the body, whole in the field of view.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emboplan.dicom.read.common import PatientStudy
from emboplan.dicom.write.ct import write_ct_series
from emboplan.dicom.write.identity import NewSeries, StudyIdentity, derived_uid
from emboplan.dicom.write.nm import EnergyWindow, tc99m_maa, write_spect
from emboplan.files.nifti import write_labels, write_mask
from emboplan.model.grid import Grid
from emboplan.model.image import CountImage, CtImage
from emboplan.model.mask import LabelMap, Mask

FRAME = derived_uid("frame of the boxes")
GRID = Grid((52, 56, 64), (5.0, 5.0, 5.0), (-160.0, -140.0, -100.0), frame_of_reference_uid=FRAME)

# Slices along z, y and x, in voxels.
BODY = np.s_[:, 6:50, 6:58]
LUNGS = (np.s_[30:48, 14:42, 12:28], np.s_[30:48, 14:42, 36:52])
LIVER = np.s_[6:26, 14:34, 12:32]
RIGHT = np.s_[6:26, 14:34, 12:22]
LEFT = np.s_[6:26, 14:34, 22:32]
LESIONS = (np.s_[10:18, 18:26, 14:22], np.s_[10:16, 18:24, 24:30])

LIVER_ML, RIGHT_ML, LEFT_ML = 1000.0, 500.0, 500.0
LESION_ML = (64.0, 27.0)
NORMAL_ML = 1000.0 - 64.0 - 27.0

# What no message may show.
PATIENT_NAME, PATIENT_ID = "Secret^Name", "SECRET-17"


def box(*slices: tuple[slice, ...], grid: Grid = GRID) -> Mask:
    """The voxels of some boxes."""
    voxels = np.zeros(grid.shape, np.bool_)
    for one in slices:
        voxels[one] = True
    return Mask(grid, voxels)


def lesions() -> LabelMap:
    """The two lesions, numbered."""
    labels = np.zeros(GRID.shape, np.uint16)
    for number, one in enumerate(LESIONS, start=1):
        labels[one] = number
    return LabelMap(GRID, labels)


def ct_numbers() -> NDArray[np.int16]:
    """The scan of the boxes in HU, without noise."""
    hu = np.full(GRID.shape, -1000, np.int16)
    hu[BODY] = 50
    for lung in LUNGS:
        hu[lung] = -800
    hu[LIVER] = 110
    for lesion in LESIONS:
        hu[lesion] = 70
    return hu


def study() -> StudyIdentity:
    """A study whose patient must stay unnamed."""
    return StudyIdentity(
        derived_uid("study of the boxes"),
        PatientStudy(patient_name=PATIENT_NAME, patient_id=PATIENT_ID, study_date="20260101"),
    )


def write_ct(folder: Path, name: str = "portal venous", hu: NDArray[np.int16] | None = None) -> list[Path]:
    """The CT as a DICOM series whose UID follows from its name."""
    series = NewSeries(derived_uid("series of the boxes", name), name)
    return write_ct_series(CtImage(GRID, ct_numbers() if hu is None else hu), folder, study(), series)


@dataclass(frozen=True)
class BoxStudy:
    """A folder with the CT, the masks and what else a case file names."""

    folder: Path

    def case(self, text: str, name: str = "case.toml") -> Path:
        """A case file beside the images."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path


def write_study(folder: Path) -> BoxStudy:
    """The CT as DICOM and the masks as NIfTI."""
    folder.mkdir(parents=True, exist_ok=True)
    write_ct(folder / "CT")
    write_mask(folder / "liver.nii.gz", box(LIVER))
    write_mask(folder / "right.nii.gz", box(RIGHT))
    write_mask(folder / "left.nii.gz", box(LEFT))
    write_mask(folder / "empty.nii.gz", Mask.empty(GRID))
    write_mask(folder / "body_corner.nii.gz", box(np.s_[0:4, 8:12, 40:50]))
    write_labels(folder / "tumours.nii.gz", lesions())
    write_scan(folder / "spect.dcm")
    return BoxStudy(folder)


def case_text(
    *,
    images: str = "",
    procedure: str = 'device = "therasphere"',
    territory: str = "tumour_to_normal = 5.0\nlung_shunt_frac = 0.05",
    goal: str = 'tumour_goal = { dose = "120 Gy", source = "site" }',
    rest: str = "",
    masks: bool = True,
) -> str:
    """A case file of one territory, the whole liver."""
    given = 'liver = "liver.nii.gz"\ntumours = "tumours.nii.gz"' if masks else ""
    return f"""
[patient]
id = "NET-001"
sex = "F"
age_years = 58

[images]
ct = "CT/"
{given}
{images}

[procedure]
{procedure}

[[territory]]
name = "whole liver"
{territory}
{goal}

{rest}
"""


# The scan: 10 mm voxels of 2 x 2 x 2 voxels of the CT, whose boxes all begin and end on its faces.
SCAN_GRID = Grid((26, 28, 32), (10.0, 10.0, 10.0), (-157.5, -137.5, -97.5), frame_of_reference_uid=FRAME)
SCAN_RATIO, SCAN_SHUNT = 4.0, 0.1
LUNGS_ML = 2016.0


def scan() -> CountImage:
    """A sharp SPECT without noise: lesions 4 times as hot as liver, a tenth of the counts in the lungs."""
    normal = 8000.0
    liver_total = normal * (NORMAL_ML + SCAN_RATIO * sum(LESION_ML))
    per_ml = np.zeros(GRID.shape)
    per_ml[box(LIVER).voxels] = normal
    per_ml[lesions().labels > 0] = SCAN_RATIO * normal
    per_ml[box(*LUNGS).voxels] = liver_total * SCAN_SHUNT / (1 - SCAN_SHUNT) / LUNGS_ML
    blocks = per_ml.reshape(26, 2, 28, 2, 32, 2).mean(axis=(1, 3, 5))
    return CountImage(SCAN_GRID, blocks.astype(np.float32), None, True, True)


def write_scan(path: Path) -> Path:
    """The scan as DICOM."""
    series = NewSeries(derived_uid("scan of the boxes"), "MAA SPECT")
    return write_spect(scan(), path, study(), series, tc99m_maa(EnergyWindow("photopeak", 126.0, 154.0)))
