"""Reading what a case names: the CT, masks from elsewhere, and the scan of the particles' stand-in.

A path may be a DICOM folder or file, a NIfTI or an NRRD file; its name and content decide how it is read.
Masks must lie on the CT's grid: nothing is resampled quietly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emboplan.dicom.index import SeriesInfo, index_folder
from emboplan.dicom.read.common import SeriesHeader
from emboplan.dicom.read.nuclear import read_spect
from emboplan.dicom.read.rtstruct import read_structure
from emboplan.dicom.read.seg import read_seg
from emboplan.dicom.read.slices import read_ct
from emboplan.errors import DicomError, MaskError
from emboplan.files import nifti, nrrd
from emboplan.measure.lesions import number_lesions
from emboplan.model.case import MaskSource
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import CountImage, CtImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.units import PERCENT

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, eq=False)
class LoadedCt:
    """A CT, its files, what a DICOM object needs to refer to it (None for NIfTI and NRRD), and findings."""

    image: CtImage
    files: tuple[Path, ...]
    header: SeriesHeader | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LoadedSpect:
    """A SPECT, its files and findings."""

    image: CountImage
    files: tuple[Path, ...]
    findings: tuple[Finding, ...]


def parse_mask_source(text: str) -> MaskSource:
    """``FILE#LABEL`` or ``FILE`` as a mask source."""
    name, mark, label = text.rpartition("#")
    return MaskSource(Path(name), label) if mark and name else MaskSource(Path(text))


def load_ct(path: Path, series_uid: str | None = None, progress: Progress | None = None) -> LoadedCt:
    """The CT at a path: a DICOM folder (one CT series, or the one named), a NIfTI or an NRRD file."""
    if path.is_file() and _is_nifti(path):
        return LoadedCt(nifti.read_ct(path), (path,), None, ())
    if path.is_file() and _is_nrrd(path):
        return LoadedCt(nrrd.read_ct(path), (path,), None, ())
    series = index_folder(path, progress).choose({"CT"}, series_uid)
    loaded = read_ct(series, progress)
    return LoadedCt(loaded.image, series.files, loaded.header, loaded.findings)


def load_mask(source: MaskSource, grid: Grid) -> Mask:
    """One structure on the CT's grid, from SEG, RTSTRUCT, NIfTI or NRRD."""
    path = mask_file(source.path)
    if _is_nifti(path):
        return nifti.read_mask(path, _label_number(source), grid)
    if _is_nrrd(path):
        return nrrd.read_mask(path, source.label, grid)
    modality = _mask_series(path).modality
    if modality == "SEG":
        return read_seg(path, source.label, grid)
    return read_structure(path, source.label, grid)


def load_lesions(source: MaskSource, grid: Grid) -> LabelMap:
    """Numbered lesions on the CT's grid: a label map's own numbers, or the connected parts of one mask."""
    path = mask_file(source.path)
    if source.label is None and (_is_nifti(path) or _is_nrrd(path)):
        labels = nifti.read_labels(path, grid) if _is_nifti(path) else nrrd.read_labels(path, grid)
        if len(labels.numbers) != 1:  # an empty label map says that there is no lesion
            return labels
        return number_lesions(labels.union)
    return number_lesions(load_mask(source, grid))


def load_spect(path: Path, resolution_fwhm_mm: float | None, progress: Progress | None = None) -> LoadedSpect:
    """The reconstructed SPECT at a path, counts per voxel; a resolution that the case states goes with it."""
    if path.is_file() and (_is_nifti(path) or _is_nrrd(path)):
        array, grid = nifti.read_volume(path) if _is_nifti(path) else nrrd.read_volume(path)
        note = Finding(
            "spect-corrections-unknown",
            Severity.WARNING,
            f"{path.name} does not say whether attenuation and scatter were corrected",
        )
        findings = (note, *_below_zero(path, array))
        return LoadedSpect(CountImage(grid, np.maximum(array, 0), resolution_fwhm_mm), (path,), findings)
    series = _spect_series(path, progress)
    loaded = read_spect(series)
    image = loaded.image
    if resolution_fwhm_mm is not None:
        image = CountImage(
            image.grid,
            image.counts,
            resolution_fwhm_mm,
            image.attenuation_corrected,
            image.scatter_corrected,
        )
    return LoadedSpect(image, series.files, loaded.findings)


def _below_zero(path: Path, counts: NDArray[Any]) -> tuple[Finding, ...]:
    """What filters of a reconstruction leave below zero is taken as none, and said."""
    below = -float(counts[counts < 0].sum(dtype=np.float64))
    if below == 0:
        return ()
    share = below / float(np.abs(counts).sum(dtype=np.float64))
    text = f"{path.name} holds negative counts ({share * PERCENT:.2g} % of all); they were taken as 0."
    return (Finding("spect-negative", Severity.WARNING, text),)


def _spect_series(path: Path, progress: Progress | None) -> SeriesInfo:
    """The one NM series that is a reconstructed volume: planar views may lie beside it."""
    index = index_folder(path, progress)
    volumes = [series for series in index.series if series.modality == "NM" and series.is_volume]
    if len(volumes) > 1:
        listed = "; ".join(series.describe() for series in volumes)
        raise DicomError(f"{len(volumes)} SPECT series fit; give a folder with only one: {listed}")
    if not volumes:
        found = "; ".join(series.describe() for series in index.series)
        raise DicomError(f"no reconstructed SPECT found in {path.name}; it holds: {found}")
    return volumes[0]


def mask_file(path: Path) -> Path:
    """The file of a mask: the path itself, or the only file of a folder."""
    if not path.is_dir():
        return path
    files = [p for p in sorted(path.rglob("*")) if p.is_file() and not p.name.startswith(".")]
    if len(files) != 1:
        raise MaskError(f"{path.name} holds {len(files)} files; expected one mask file, so name it")
    return files[0]


def _mask_series(path: Path) -> SeriesInfo:
    return index_folder(path).choose({"SEG", "RTSTRUCT"})


def _label_number(source: MaskSource) -> int | None:
    if source.label is None:
        return None
    if not source.label.isdecimal():
        raise MaskError(
            f'label "{source.label}" of {source.path.name} is no number; NIfTI labels are numbers'
        )
    return int(source.label)


def _is_nifti(path: Path) -> bool:
    return path.name.lower().endswith(nifti.SUFFIXES)


def _is_nrrd(path: Path) -> bool:
    return path.name.lower().endswith(nrrd.SUFFIXES)
