"""A body drawn on MR: a torso of ellipsoids whose liver and lesion are known, as arrays and as DICOM."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.dicom.read.common import PatientStudy
from emboplan.dicom.write.identity import NewSeries, StudyIdentity, derived_uid
from emboplan.dicom.write.mr import MrTechnique, write_mr_series
from emboplan.model.grid import Grid
from emboplan.model.image import MrImage, MrSequence

SHAPE, SPACING_MM = (36, 72, 94), (3.6, 3.6, 5.0)
T1 = {"fat": 25, "muscle": 60, "liver": 100, "lesion": 60, "water": 25, "spleen": 125, "lung": 6}
T2 = {"fat": 45, "muscle": 60, "liver": 100, "lesion": 200, "water": 520, "spleen": 230, "lung": 10}
LESION = (-70.0, 0.0, 85.0, 16.0)


@dataclass(frozen=True)
class Twin:
    """An MR and the truth of what was drawn in it."""

    mr: MrImage
    liver: NDArray[np.bool_]
    lesion: NDArray[np.bool_]


def twin(
    looks: dict[str, int],
    sequence: MrSequence | None,
    *,
    unit: float = 4.0,
    lesion: bool = True,
) -> Twin:
    """A torso of ellipsoids; x runs to the left, y to the back, z to the head; `unit` scales the signal."""
    nz, ny, nx = SHAPE
    dx, dy, dz = SPACING_MM
    grid = Grid(SHAPE, SPACING_MM, (-(nx - 1) * dx / 2, -(ny - 1) * dy / 2, 0.0))
    z, y, x = np.ogrid[0:nz, 0:ny, 0:nx]
    mm = (x * dx + grid.origin_mm[0], y * dy + grid.origin_mm[1], z * dz)

    def ball(cx: float, cy: float, cz: float, rx: float, ry: float, rz: float) -> NDArray[np.bool_]:
        return np.asarray(((mm[0] - cx) / rx) ** 2 + ((mm[1] - cy) / ry) ** 2 + ((mm[2] - cz) / rz) ** 2 <= 1)

    cavity = ball(0, 0, 90, 130, 86, 1e6)
    liver = ball(-62, -4, 85, 62, 68, 62) & cavity
    tumour = ball(LESION[0], LESION[1], LESION[2], *(LESION[3],) * 3) & lesion
    signal = np.zeros(SHAPE, np.float32)
    for where, what in (
        (ball(0, 0, 90, 160, 115, 1e6), "fat"),
        (ball(0, 0, 90, 142, 98, 1e6), "muscle"),
        (cavity, "fat"),
        (cavity & (mm[2] > 120), "lung"),
        (ball(85, 30, 100, 30, 24, 36) & cavity, "spleen"),
        (ball(-62, -4, 85, 68, 74, 67) & cavity, "fat"),
        (liver, "liver"),
        (ball(-16, -40, 60, 22, 22, 28), "water"),
        (tumour, "lesion"),
    ):
        signal[where] = looks[what]
    liver = liver & ~ball(-16, -40, 60, 22, 22, 28)
    rng = np.random.default_rng(1)
    true = ndimage.gaussian_filter(signal, (0.0, 0.5, 0.5)) * (1 + 0.1 * mm[1] / 115)
    noise = rng.normal(0, 4, (2, *SHAPE))
    return Twin(MrImage(grid, unit * np.hypot(true + noise[0], noise[1]), sequence), liver, tumour)


def study() -> StudyIdentity:
    """A study whose patient must stay unnamed."""
    return StudyIdentity(
        derived_uid("study of the drawn MR"),
        PatientStudy(patient_name="Secret^Name", patient_id="SECRET-9", study_date="20260101"),
    )


def write_mr(folder: Path, mr: MrImage, name: str) -> list[Path]:
    """The MR as a DICOM series of this name; signal becomes whole numbers."""
    technique = MrTechnique("GR", "SP", 4.0, 1.9, 12.0, 1.5)
    series = NewSeries(derived_uid("series of the drawn MR", name), name)
    signal = np.rint(mr.signal).astype(np.uint16)
    return write_mr_series(signal, mr.grid, folder, study(), series, technique)
