"""What a lung shunt is measured on: the SPECT and the planar views of a study, and the contours of its CT."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from emboplan.dicom.index import RECONSTRUCTED, SeriesIndex, index_folder
from emboplan.dicom.read.nuclear import PlanarSeries
from emboplan.errors import DicomError, MaskError
from emboplan.files import nifti, nrrd
from emboplan.model.anatomy import Anatomy, Review
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import CountImage, CtImage, PlanarPair
from emboplan.model.mask import LabelMap, Mask
from emboplan.model.results.shunt import ShuntMethod
from emboplan.segmentation.builtin import segment_ct
from emboplan.workflow.inputs import load_ct, load_mask, load_spect, parse_mask_source
from emboplan.workflow.shunting.planar_scan import PlanarRequest, planar_series_of

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class ShuntRequest:
    """What is asked beside the scans: method, masks, planar regions, lung mass, and K.

    `liver` and `lungs` are masks on the CT as ``FILE`` or ``FILE#LABEL``; what is missing is segmented.
    `lung_mass_g` is a number, ``"ct"``, or None for the catalogue's default.
    """

    method: ShuntMethod | None = None
    liver: str | None = None
    lungs: str | None = None
    planar: PlanarRequest = field(default_factory=PlanarRequest)
    resolution_fwhm_mm: float | None = None
    lung_mass_g: float | str | None = None
    k_gy_kg_per_gbq: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class StudyScans:
    """The images of a study that are there and wanted."""

    spect: CountImage | None
    planar: PlanarSeries | None
    findings: tuple[Finding, ...] = ()


def study_index(series: object, progress: Progress | None) -> SeriesIndex | None:
    """The DICOM series at a path; None for an image, a NIfTI or an NRRD file."""
    if not isinstance(series, str | Path):
        return None
    path = Path(series)
    if path.is_file() and path.name.lower().endswith((*nifti.SUFFIXES, *nrrd.SUFFIXES)):
        return None
    return index_folder(path, progress)


def study_scans(series: object, index: SeriesIndex | None, request: ShuntRequest) -> StudyScans:
    """The SPECT and the planar views that are there and wanted."""
    if isinstance(series, CountImage):
        image = series
        if request.resolution_fwhm_mm is not None:
            image = replace(series, resolution_fwhm_mm=request.resolution_fwhm_mm)
        return StudyScans(image, None)
    if isinstance(series, PlanarPair):
        return StudyScans(None, PlanarSeries(series, None, None))
    if isinstance(series, PlanarSeries):
        return StudyScans(None, series)
    path = Path(str(series))
    if index is None:
        loaded = load_spect(path, request.resolution_fwhm_mm)
        return StudyScans(loaded.image, None, loaded.findings)
    volumes = [s for s in index.series if s.modality == "NM" and s.kind == RECONSTRUCTED]
    planar = planar_series_of(index) if request.method is not ShuntMethod.SPECT_CT else None
    if len(volumes) > 1:
        if request.method in (None, ShuntMethod.SPECT_CT) or planar is None:
            listed = "; ".join(volume.describe() for volume in volumes)
            raise DicomError(f"{len(volumes)} SPECT series fit; give a folder with only one: {listed}")
        volumes = []
    if not volumes and planar is None:
        found = "; ".join(s.describe() for s in index.series)
        raise DicomError(f"no SPECT and no planar views found in {path.name}; it holds: {found}")
    if not volumes:
        return StudyScans(None, planar)
    files = volumes[0].files
    loaded = load_spect(files[0] if len(files) == 1 else path, request.resolution_fwhm_mm)
    return StudyScans(loaded.image, planar, loaded.findings)


def study_anatomy(
    series: object,
    index: SeriesIndex | None,
    ct: str | Path | Anatomy | None,
    request: ShuntRequest,
    scans: StudyScans,
    progress: Progress | None,
) -> tuple[Anatomy | None, tuple[Finding, ...]]:
    """Liver and lungs of the CT: given, or found; None where there is no CT, or none is needed."""
    if isinstance(ct, Anatomy):
        return ct, ()
    if ct is None:
        beside = index is not None and any(s.modality == "CT" for s in index.series)
        drawn = scans.spect is None and request.planar.regions is not None
        if not beside or drawn or not isinstance(series, str | Path):
            return None, ()
        ct = series
    loaded = load_ct(Path(ct), None, progress)
    grid = loaded.image.grid
    liver = None if request.liver is None else load_mask(parse_mask_source(request.liver), grid)
    lungs = None if request.lungs is None else load_mask(parse_mask_source(request.lungs), grid)
    if liver is not None and lungs is not None and not request.planar.background:
        anatomy = _given(loaded.image, liver, lungs)
    else:
        anatomy = segment_ct(loaded.image, liver=liver, lesions=LabelMap.empty(grid), progress=progress)
        if lungs is not None:
            anatomy = replace(anatomy, lungs=lungs, lungs_complete=_whole(lungs))
    findings = loaded.findings + anatomy.findings
    if anatomy.review.provisional and not (liver is not None and lungs is not None):
        text = "Liver or lungs were found by the built-in segmentation and no reader has confirmed them."
        findings += (Finding("shunt-contours", Severity.WARNING, text),)
    return anatomy, findings


def _given(ct: CtImage, liver: Mask, lungs: Mask) -> Anatomy:
    """An anatomy of given masks, with nothing segmented."""
    return Anatomy(
        image=ct,
        liver=liver,
        lesions=LabelMap.empty(ct.grid),
        review=Review(backend="given"),
        lungs=lungs,
        lungs_complete=_whole(lungs),
    )


def _whole(lungs: Mask) -> bool:
    """Whether given lungs end inside the CT: none of their voxels lies on its first or last slice."""
    if lungs.is_empty:
        raise MaskError("the lung mask is empty; check its label")
    return not bool(lungs.voxels[0].any() or lungs.voxels[-1].any())
