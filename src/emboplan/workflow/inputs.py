"""Reading what a case names: the CT or MR, masks from elsewhere, and the scan of the particles' stand-in.

A path may be a DICOM folder or file, a NIfTI or an NRRD file; its name and content decide how it is read.
Masks must lie on the image's grid: nothing is resampled quietly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emboplan.dicom.index import SeriesIndex, SeriesInfo, index_folder
from emboplan.dicom.read.common import SeriesHeader
from emboplan.dicom.read.nuclear import read_spect
from emboplan.dicom.read.rtstruct import read_structure
from emboplan.dicom.read.seg import read_seg
from emboplan.dicom.read.slices import read_ct, read_mr
from emboplan.errors import DicomError, InputError, MaskError
from emboplan.files import nifti, nrrd
from emboplan.measure.lesions import number_lesions
from emboplan.model.case import MaskSource
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import CountImage, CtImage, Modality, MrImage, MrSequence
from emboplan.model.mask import LabelMap, Mask
from emboplan.segmentation.mr.sequence import sequence_named
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
class LoadedMr:
    """An MR, with the same beside it."""

    image: MrImage
    files: tuple[Path, ...]
    header: SeriesHeader | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class ImageChoice:
    """Which image is meant: a series by its UID or the end of it, a modality, the sequence of an MR.

    A DICOM folder tells the modality; of one with both, the CT is taken unless another is asked for. A NIfTI
    or NRRD file does not tell it, and is a CT unless an MR is asked for. Naming a sequence asks for an MR.
    """

    series_uid: str | None = None
    modality: Modality | None = None
    sequence: MrSequence | None = None

    @classmethod
    def told(
        cls, series_uid: str | None = None, modality: str | None = None, sequence: str | None = None
    ) -> ImageChoice:
        """The choice as a user words it; `InputError` for words that are not known or contradict."""
        for word, kind, what in ((modality, Modality, "modality"), (sequence, MrSequence, "sequence")):
            if word is not None and word not in [one.value for one in kind]:
                known = " or ".join(one.value for one in kind)
                raise InputError(f'"{word}" is no {what} that can be segmented; expected {known}')
        kind_told = None if modality is None else Modality(modality)
        if sequence is not None and kind_told is Modality.CT:
            raise InputError(
                f"a CT has no sequence {sequence}; leave the sequence out, or say that it is an MR"
            )
        named = None if sequence is None else MrSequence(sequence)
        return cls(series_uid, Modality.MR if named else kind_told, named)

    def wanted(self, index: SeriesIndex) -> set[str]:
        """The modalities among which the series of a folder is looked for."""
        if self.modality is not None:
            return {self.modality.name}
        both = {kind.name for kind in Modality}
        volumes = {series.modality for series in index.series if series.is_volume}
        if self.series_uid is not None or not volumes & both:
            return both
        return {Modality.CT.name if Modality.CT.name in volumes else Modality.MR.name}


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
    index = index_folder(path, progress)
    found = {series.modality for series in index.series}
    if Modality.MR.name in found and Modality.CT.name not in found:
        listed = "; ".join(series.describe() for series in index.series)
        raise DicomError(
            f"{path.name} holds an MR and no CT; this needs a CT, whose numbers are densities, and contours "
            f"on it (`emboplan segment` and `emboplan burden` take an MR too); found: {listed}"
        )
    return _ct_series(index.choose({Modality.CT.name}, series_uid), progress)


def load_image(
    path: Path, choice: ImageChoice | None = None, progress: Progress | None = None
) -> LoadedCt | LoadedMr:
    """The CT or MR at a path, as chosen; the sequence of an MR is that of its series' name unless it is told.

    Raises:
        InputError: no image of the kind, several, or one that cannot be read.
        SegmentationError: the name of the MR's series is that of a map.
    """
    choice = choice or ImageChoice()
    if path.is_file() and (_is_nifti(path) or _is_nrrd(path)):
        if choice.modality is not Modality.MR:
            return load_ct(path)
        array, grid = nifti.read_volume(path) if _is_nifti(path) else nrrd.read_volume(path)
        return LoadedMr(MrImage(grid, array, choice.sequence), (path,), None, ())
    index = index_folder(path, progress)
    series = index.choose(choice.wanted(index), choice.series_uid)
    if series.modality == Modality.CT.name:
        return _ct_series(series, progress)
    loaded = read_mr(series, progress)
    named = loaded.header.description
    sequence = choice.sequence or sequence_named(named, with_contrast=loaded.with_contrast)
    image = MrImage(loaded.grid, np.asarray(loaded.signal, np.float32), sequence)
    return LoadedMr(image, series.files, loaded.header, loaded.findings)


def _ct_series(series: SeriesInfo, progress: Progress | None) -> LoadedCt:
    loaded = read_ct(series, progress)
    return LoadedCt(loaded.image, series.files, loaded.header, loaded.findings)


def load_mask(source: MaskSource, grid: Grid) -> Mask:
    """One structure on the image's grid, from SEG, RTSTRUCT, NIfTI or NRRD."""
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
    """Numbered lesions on the image's grid: a label map's own numbers, or the connected parts of one mask."""
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
