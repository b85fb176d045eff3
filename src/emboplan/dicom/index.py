"""What is in a folder: its series, read from the headers alone, and the choice of one among them.

Files are grouped by series. A file named ``.dcm`` that is not DICOM is an error, since somebody believes it
to be an image; other files that are not DICOM (notes, pictures) are ignored and counted in a finding. Among
several series the choice prefers volumes to localizers and axial volumes to others, and says so; where more
than one is left, the error lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from emboplan.dicom.read.common import looks_like_dicom, numbers, quiet, read_dataset, text, texts, whole
from emboplan.errors import DicomError, SeriesChoiceError
from emboplan.model.finding import Finding, Severity

Progress = Callable[[str, float], None]

INDEX_TAGS = (
    "SOPClassUID",
    "ImageType",
    "Modality",
    "SeriesDescription",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "NumberOfFrames",
    "Rows",
    "ImageOrientationPatient",
)
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
LOCALIZER = "LOCALIZER"
RECONSTRUCTED = "RECON TOMO"
DIRECTORY_SOP_CLASS = "1.2.840.10008.1.3.10"

# A scout has one to three images; a volume of so few slices could not hold a liver.
SCOUT_IMAGES = 3

# The normal of an axial series points along the body to within this cosine (18 degrees: a head rest or a
# steep oblique MR is not axial, a patient lying askew is).
AXIAL_COSINE = 0.95

UID_TAIL = 8  # characters: enough to tell the series of a study apart, short enough to type


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """One series: what it is, and its files in the order of their names.

    `n_images` counts frames. `plane` is ``axial``, ``coronal``, ``sagittal``, ``oblique``, ``mixed``, or
    empty where the images carry no orientation. `kind` is ``LOCALIZER``, the kind of a nuclear medicine image
    (``RECON TOMO``, ``WHOLE BODY``, ...), or empty.
    """

    series_uid: str
    modality: str
    description: str
    files: tuple[Path, ...]
    n_images: int
    frame_of_reference_uid: str
    study_uid: str = ""
    sop_class_uid: str = ""
    plane: str = ""
    kind: str = ""
    findings: tuple[Finding, ...] = field(default=())

    @property
    def is_volume(self) -> bool:
        """Whether it can hold a volume: no localizer or planar view, and more images than a scout."""
        volumetric = self.kind == RECONSTRUCTED if self.modality == "NM" else self.kind != LOCALIZER
        return volumetric and self.n_images > SCOUT_IMAGES

    def describe(self) -> str:
        """One line for lists: description, modality, number of images and the end of the UID."""
        plane = f"{self.plane} " if self.plane else ""
        images = "1 image" if self.n_images == 1 else f"{self.n_images} {plane}images"
        tail = self.series_uid[-UID_TAIL:] or "none"
        return f"{self.description or 'no description'} ({self.modality}, {images}, UID ends in {tail})"


@dataclass(frozen=True, slots=True)
class SeriesIndex:
    """The series of a folder, in the order of their first file."""

    series: tuple[SeriesInfo, ...]
    findings: tuple[Finding, ...] = field(default=())

    def choose(self, modalities: Collection[str], uid: str | None = None) -> SeriesInfo:
        """The one series of these modalities; by the UID or its end where it is given.

        Localizers and series of other planes give way to axial volumes, which a finding of the result says.

        Raises:
            DicomError: there is none; the message lists what there is.
            SeriesChoiceError: several fit; the message lists them.
        """
        wanted = " or ".join(sorted(modalities))
        fitting = [s for s in self.series if s.modality in modalities]
        if uid is not None:
            fitting = [s for s in fitting if s.series_uid == uid] or [
                s for s in fitting if uid and s.series_uid.endswith(uid)
            ]
        if not fitting:
            found = "; ".join(s.describe() for s in self.series) or "no series"
            which = f"{wanted} series" if uid is None else f'{wanted} series with a UID that ends in "{uid}"'
            raise DicomError(f"no {which} found; the folder holds: {found}")
        chosen, passed_over = _preferred(fitting)
        if len(chosen) > 1:
            listed = "; ".join(s.describe() for s in chosen)
            raise SeriesChoiceError(
                f"{len(chosen)} {wanted} series fit; name one by its UID or the end of it, "
                f"or give a folder with only one: {listed}"
            )
        return replace(chosen[0], findings=self.findings + chosen[0].findings + passed_over)


def _preferred(fitting: list[SeriesInfo]) -> tuple[list[SeriesInfo], tuple[Finding, ...]]:
    """The series that are volumes, then those that are axial; what is left out is said in a finding."""
    chosen = fitting
    chosen = [s for s in chosen if s.is_volume] or chosen
    chosen = [s for s in chosen if s.plane == "axial"] or chosen
    left_out = [s for s in fitting if s not in chosen]
    if not left_out:
        return chosen, ()
    names = "; ".join(s.describe() for s in left_out)
    return chosen, (
        Finding(
            "series-choice",
            Severity.INFO,
            f"axial volumes were preferred; these series were not used: {names}",
        ),
    )


def index_folder(folder: Path, progress: Progress | None = None) -> SeriesIndex:
    """The series of all DICOM files under a folder (or of one file), from their headers.

    Hidden files and the DICOMDIR are passed over.

    Raises:
        DicomError: nothing is there, there is no DICOM file, or a file claims to be DICOM and is not.
    """
    with quiet():
        return _index(folder, _files_below(folder), progress)


def _index(folder: Path, paths: list[Path], progress: Progress | None) -> SeriesIndex:
    groups: dict[tuple[str, str, str], list[tuple[Path, Dataset]]] = {}
    ignored = 0
    for count, path in enumerate(paths):
        if progress is not None:
            progress("reading DICOM headers", count / len(paths))
        if path.suffix.lower() not in DICOM_SUFFIXES and not looks_like_dicom(path):
            ignored += 1
            continue
        header = read_dataset(path, INDEX_TAGS)
        if text(header, "SOPClassUID") == DIRECTORY_SOP_CLASS:
            continue
        if not text(header, "Modality"):
            if path.suffix.lower() in DICOM_SUFFIXES:
                raise DicomError(f"{path.name} is DICOM without a modality; remove it from the folder")
            ignored += 1
            continue
        modality = text(header, "Modality")
        key = (text(header, "SeriesInstanceUID"), modality, _kind(modality, header))
        groups.setdefault(key, []).append((path, header))
    if not groups and paths == [folder]:
        raise DicomError(f"{folder.name} is not a DICOM image; give a DICOM file or the folder of a series")
    if not groups:
        raise DicomError(
            f"no DICOM file in {folder.name} ({len(paths)} other files); give the folder of a series"
        )
    findings: tuple[Finding, ...] = ()
    if ignored:
        files = "1 file that is" if ignored == 1 else f"{ignored} files that are"
        findings = (Finding("ignored-files", Severity.INFO, f"{files} not a DICOM image ignored"),)
    return SeriesIndex(tuple(_info(key, members) for key, members in groups.items()), findings)


def _files_below(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise DicomError(f"{folder.name} is not there; give the folder of a DICOM series")
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.name.upper() != "DICOMDIR"
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not paths:
        raise DicomError(f"{folder.name} is an empty folder; give the folder of a DICOM series")
    return paths


def _info(key: tuple[str, str, str], members: list[tuple[Path, Dataset]]) -> SeriesInfo:
    uid, modality, kind = key
    first = members[0][1]
    planes = {_plane(header) for _, header in members}
    return SeriesInfo(
        series_uid=uid,
        modality=modality,
        description=text(first, "SeriesDescription"),
        files=tuple(path for path, _ in members),
        n_images=sum(whole(header, "NumberOfFrames") or 1 for _, header in members),
        frame_of_reference_uid=text(first, "FrameOfReferenceUID"),
        study_uid=text(first, "StudyInstanceUID"),
        sop_class_uid=text(first, "SOPClassUID"),
        plane=planes.pop() if len(planes) == 1 else "mixed",
        kind=kind,
    )


def _kind(modality: str, header: Dataset) -> str:
    if modality == "NM":
        return nuclear_kind(header)
    return LOCALIZER if LOCALIZER in texts(header, "ImageType") else ""


def nuclear_kind(header: Dataset) -> str:
    """The kind of a nuclear medicine image: the third value of its ImageType."""
    image_type = texts(header, "ImageType")
    return image_type[2].upper() if len(image_type) > 2 else ""


def _plane(header: Dataset) -> str:
    cosines = numbers(header, "ImageOrientationPatient", 6)
    if cosines is None:
        return ""
    normal = np.abs(np.cross(cosines[:3], cosines[3:]))
    for axis, name in enumerate(("sagittal", "coronal", "axial")):
        if normal[axis] >= AXIAL_COSINE:
            return name
    return "oblique"
