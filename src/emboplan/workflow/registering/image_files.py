"""Images of any kind for a registration: CT, MR, SPECT or PET from DICOM, or a NIfTI or NRRD volume.

DICOM says what it is. Of a volume file only a CT can be told, by air in HU; for others the caller says what
they show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emboplan.dicom.index import SeriesInfo, index_folder
from emboplan.dicom.read.nuclear import read_spect
from emboplan.dicom.read.pet import read_pet
from emboplan.dicom.read.slices import read_ct, read_mr
from emboplan.errors import ImageFileError, InputError
from emboplan.files import nifti, nrrd
from emboplan.imaging.hounsfield import AIR_HU
from emboplan.model.finding import Finding
from emboplan.model.grid import Grid
from emboplan.model.image import ConcentrationImage, CountImage, CtImage, MrImage

Progress = Callable[[str, float], None]

Picture = CtImage | MrImage | CountImage | ConcentrationImage

VOLUME_FILES = (*nifti.SUFFIXES, *nrrd.SUFFIXES)


class ImageKind(StrEnum):
    """What an image shows."""

    CT = "ct"
    MR = "mr"
    SPECT = "spect"
    PET = "pet"

    @property
    def is_scan(self) -> bool:
        """Whether it shows activity."""
        return self in (ImageKind.SPECT, ImageKind.PET)

    @property
    def unit(self) -> str:
        """What its numbers mean."""
        return {"ct": "HU", "mr": "signal", "spect": "counts per voxel", "pet": "Bq/mL"}[self.value]


# The modalities of DICOM.
MODALITIES = {"CT": ImageKind.CT, "MR": ImageKind.MR, "NM": ImageKind.SPECT, "PT": ImageKind.PET}

FIXED_KINDS, ALL_KINDS = (ImageKind.CT, ImageKind.MR), tuple(ImageKind)


@dataclass(frozen=True, slots=True, eq=False)
class LoadedPicture:
    """An image, what it shows, its files, and what was noticed on reading it."""

    image: Picture
    kind: ImageKind
    files: tuple[Path, ...]
    findings: tuple[Finding, ...]

    @property
    def grid(self) -> Grid:
        """Where its voxels lie."""
        return self.image.grid


def image_kind(name: str) -> ImageKind:
    """The kind of a name; `InputError` for another."""
    try:
        return ImageKind(name.lower())
    except ValueError:
        raise InputError(f'"{name}" is no kind of image; expected {", ".join(ImageKind)}') from None


def load_picture(
    path: Path,
    kinds: tuple[ImageKind, ...] = ALL_KINDS,
    *,
    told: ImageKind | None = None,
    series_uid: str | None = None,
    resolution_fwhm_mm: float | None = None,
    progress: Progress | None = None,
) -> LoadedPicture:
    """The image at a path: the only one of these kinds, or that of the series named; `told` says its kind.

    Raises:
        InputError: there is none or several, it cannot be read, or a volume file does not tell its kind.
    """
    if not path.exists():
        raise InputError(f"{path.name} is not there; check the path of the image")
    if told is not None and told not in kinds:
        raise InputError(f"a {told.value.upper()} cannot be the fixed image; expected {_listed(kinds)}")
    if path.is_file() and path.name.lower().endswith(VOLUME_FILES):
        return _from_file(path, told, kinds, resolution_fwhm_mm)
    wanted = {m for m, kind in MODALITIES.items() if kind in ((told,) if told else kinds)}
    series = index_folder(path, progress).choose(wanted, series_uid)
    return _from_series(series, progress)


def _listed(kinds: tuple[ImageKind, ...]) -> str:
    return " or ".join(kind.value.upper() for kind in kinds)


def _from_file(
    path: Path, told: ImageKind | None, kinds: tuple[ImageKind, ...], fwhm_mm: float | None
) -> LoadedPicture:
    is_nifti = path.name.lower().endswith(nifti.SUFFIXES)
    array, grid = nifti.read_volume(path) if is_nifti else nrrd.read_volume(path)
    kind = told
    if kind is None:
        # Half way from water to air: neither signal nor counts come there.
        if not float(np.nanmin(array)) < AIR_HU / 2:
            raise InputError(
                f"{path.name} does not say what it shows, and holds no air in HU; say whether it is "
                f"{', '.join(k.value for k in kinds)} (--fixed-is, --moving-is)"
            )
        kind = ImageKind.CT
    if kind is ImageKind.CT:
        ct = nifti.read_ct(path) if is_nifti else nrrd.read_ct(path)
        return LoadedPicture(ct, kind, (path,), ())
    return LoadedPicture(_meaning(path, kind, array, grid, fwhm_mm), kind, (path,), ())


def _meaning(
    path: Path, kind: ImageKind, array: NDArray[Any], grid: Grid, fwhm_mm: float | None
) -> MrImage | CountImage | ConcentrationImage:
    values = array.astype(np.float32)
    if not np.isfinite(values).all():
        raise ImageFileError(f"{path.name} holds values that are not finite; mend the image first")
    if kind is ImageKind.MR:
        return MrImage(grid, values)
    if kind is ImageKind.SPECT:
        return CountImage(grid, np.maximum(values, 0), fwhm_mm)
    return ConcentrationImage(grid, np.maximum(values, 0))


def _from_series(series: SeriesInfo, progress: Progress | None) -> LoadedPicture:
    kind = MODALITIES[series.modality]
    if kind is ImageKind.CT:
        ct = read_ct(series, progress)
        return LoadedPicture(ct.image, kind, series.files, ct.findings)
    if kind is ImageKind.MR:
        mr = read_mr(series, progress)
        return LoadedPicture(MrImage(mr.grid, mr.signal), kind, series.files, mr.findings)  # type: ignore[arg-type]  # checked and copied to float32
    if kind is ImageKind.SPECT:
        spect = read_spect(series)
        return LoadedPicture(spect.image, kind, series.files, spect.findings)
    pet = read_pet(series, progress=progress)
    image = ConcentrationImage(pet.image.grid, np.maximum(pet.image.bq_per_ml, 0))
    return LoadedPicture(image, kind, series.files, pet.findings)
