"""Nuclear medicine images: the frames of an NM object as a SPECT volume or as views from front and back.

One NM file holds many frames; which slice, detector and energy window a frame belongs to stands in vectors
beside them. Slices of a SPECT are placed by the first frame and the signed spacing along its normal. A view
from the back is turned to lie as seen from the front.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from emboplan.dicom.index import RECONSTRUCTED, SeriesInfo, nuclear_kind
from emboplan.dicom.read.common import (
    READ_FAILURES,
    SeriesHeader,
    items,
    number,
    numbers,
    patient_study,
    quiet_decoding,
    read_dataset,
    text,
    texts,
    undecodable,
    whole,
)
from emboplan.dicom.read.stack import slice_axes
from emboplan.dicom.read.views import View, planar_views, the_view, vector, window_rank
from emboplan.errors import DicomError
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import CountImage, PlanarPair
from emboplan.units import PERCENT

Source = Path | SeriesInfo

PLANAR_KINDS = ("STATIC", "WHOLE BODY")

MILLISECONDS_PER_SECOND = 1000.0


@dataclass(frozen=True, slots=True)
class SpectSeries:
    """A reconstructed SPECT with what a written object needs to refer to it."""

    image: CountImage
    header: SeriesHeader
    findings: tuple[Finding, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class PlanarSeries:
    """Views from the front and the back; energy windows (lower, upper) in keV where the file names them.

    `first_pixel_mm` holds x and z (LPS) of the centre of the first pixel as seen from the front, where the
    file tells it; it means something only in the frame of reference of that UID.
    """

    pair: PlanarPair
    photopeak_kev: tuple[float, float] | None
    scatter_kev: tuple[float, float] | None
    findings: tuple[Finding, ...] = field(default=())
    first_pixel_mm: tuple[float, float] | None = None
    frame_of_reference_uid: str | None = None


def is_planar(source: Source) -> bool:
    """Whether the NM images are planar views (whole body or static), not a reconstructed volume."""
    return nuclear_kind(read_dataset(_files(source)[0], ("Modality", "ImageType"))) in PLANAR_KINDS


def read_spect(source: Source) -> SpectSeries:
    """The counts of a reconstructed SPECT, slices ascending along their normal.

    Raises:
        DicomError: no reconstructed NM volume, or its geometry is not told.
    """
    files = _files(source)
    if len(files) > 1:
        raise DicomError(f"the NM series has {len(files)} files; give the one with the reconstructed volume")
    path = files[0]
    dataset = _open(path, (RECONSTRUCTED,))
    values, findings = _values(path, dataset)
    order = _slice_order(path, dataset, values.shape[0])
    values = values[order]
    grid, backwards, from_thickness = _grid(path, dataset, values.shape)
    if backwards:
        values = values[::-1]
        order = order[::-1]
    if from_thickness:
        findings.append(
            Finding(
                "spect-spacing",
                Severity.WARNING,
                "the SPECT does not tell the distance of its slices; their thickness was taken for it",
            )
        )
    values, clipped = _without_negatives(values)
    if clipped:
        findings.append(clipped)
    done = {name.upper() for name in texts(dataset, "CorrectedImage")}
    image = CountImage(
        grid,
        values,
        attenuation_corrected=True if "ATTN" in done else None,
        scatter_corrected=True if "SCAT" in done else None,
    )
    carried = source.findings if isinstance(source, SeriesInfo) else ()
    return SpectSeries(image, _header(dataset, grid), carried + tuple(findings))


def read_planar(source: Source) -> PlanarPair:
    """Anterior and posterior views as seen from the front; see `read_planar_series`."""
    return read_planar_series(source).pair


def read_planar_series(source: Source) -> PlanarSeries:
    """Anterior and posterior views with their energy windows; views may lie in one file or in two.

    The photopeak is the window that is not named scatter and lies highest; the window next below it is kept
    as scatter, others are left out with a finding.

    Raises:
        DicomError: no planar NM images, or not one view from each side in the photopeak window.
    """
    frames: list[View] = []
    findings: list[Finding] = []
    datasets = [(path, _open(path, PLANAR_KINDS)) for path in _files(source)]
    for path, dataset in datasets:
        values, remarks = _values(path, dataset)
        frames += planar_views(path, dataset, values)
        findings += [remark for remark in remarks if remark not in findings]
    first_path, first = datasets[0]
    pixel = numbers(first, "PixelSpacing", 2)
    if pixel is None or pixel.min() <= 0:
        raise DicomError(f"{first_path.name} does not tell its pixel spacing; export the views again")
    windows = sorted({frame.window for frame in frames}, key=window_rank)
    photopeak = windows[-1]
    below = [w for w in windows[:-1] if w.scatter or w.lies_below(photopeak)]
    scatter = below[-1] if below else None
    unused = [w for w in windows if w not in (photopeak, scatter)]
    if unused:
        names = ", ".join(w.describe() for w in unused)
        findings.append(Finding("planar-windows", Severity.INFO, f"energy windows not used: {names}"))
    views = {
        (side, window): the_view(frames, first_path, side=side, window=window, needed=window is photopeak)
        for window in (photopeak, scatter)
        if window is not None
        for side in ("anterior", "posterior")
    }
    if not all(frame.oriented for frame in frames):
        note = (
            "the file does not tell which way the views' rows and columns run: the view from the back was "
            "mirrored as its detector sees it, rows run from the head"
        )
        findings.append(Finding("planar-orientation", Severity.WARNING, note))
    places = {v.side: v.first_pixel_mm for v in frames if v.window == photopeak}
    duration_ms = number(first, "ActualFrameDuration")
    pair = PlanarPair(
        anterior=views["anterior", photopeak],
        posterior=views["posterior", photopeak],
        pixel_mm=(float(pixel[1]), float(pixel[0])),
        duration_s=duration_ms / MILLISECONDS_PER_SECOND if duration_ms else None,
        scatter_anterior=views.get(("anterior", scatter)) if scatter else None,
        scatter_posterior=views.get(("posterior", scatter)) if scatter else None,
    )
    return PlanarSeries(
        pair,
        photopeak.kev,
        scatter.kev if scatter else None,
        tuple(findings),
        first_pixel_mm=places.get("anterior"),
        frame_of_reference_uid=text(first, "FrameOfReferenceUID") or None,
    )


def _files(source: Source) -> tuple[Path, ...]:
    return source.files if isinstance(source, SeriesInfo) else (source,)


def _open(path: Path, kinds: Sequence[str]) -> Dataset:
    dataset = read_dataset(path, pixels=True)
    modality, kind = text(dataset, "Modality"), nuclear_kind(dataset)
    if modality != "NM" or kind not in kinds:
        wanted = " or ".join(kinds)
        raise DicomError(
            f"{path.name} is {modality or 'unknown'} {kind}".rstrip()
            + f"; expected an NM image of kind {wanted}"
        )
    return dataset


def _values(path: Path, dataset: Dataset) -> tuple[NDArray[Any], list[Finding]]:
    """The frames ``(frame, row, column)`` rescaled, and what there is to say about their unit."""
    try:
        with quiet_decoding():
            stored = np.asarray(dataset.pixel_array)
    except READ_FAILURES as error:
        raise undecodable(path, dataset) from error
    frames = whole(dataset, "NumberOfFrames") or 1
    expected = (frames, whole(dataset, "Rows"), whole(dataset, "Columns"))
    stored = stored.reshape(1, *stored.shape) if frames == 1 and stored.ndim == 2 else stored
    if stored.shape != expected:
        raise DicomError(f"{path.name} holds pixels of shape {stored.shape}; expected {expected}")
    slope, intercept = number(dataset, "RescaleSlope"), number(dataset, "RescaleIntercept")
    unit = ""
    for item in items(dataset, "RealWorldValueMappingSequence"):
        mapped = number(item, "RealWorldValueSlope")
        if mapped is not None:
            slope, intercept = mapped, number(item, "RealWorldValueIntercept")
            unit = next((text(u, "CodeValue") for u in items(item, "MeasurementUnitsCodeSequence")), "")
            break
    values: NDArray[Any] = stored * (1.0 if slope is None else slope) + (intercept or 0.0)
    findings = []
    if unit and not unit.startswith("{"):  # units of counts stand in braces (UCUM annotations)
        findings.append(
            Finding(
                "nm-unit",
                Severity.INFO,
                f"the image is in {unit} and was used as relative counts; "
                "ratios and fractions are unaffected",
            )
        )
    return values, findings


def _slice_order(path: Path, dataset: Dataset, frames: int) -> NDArray[np.intp]:
    """Frames ordered by slice number."""
    for name, what in (
        ("NumberOfEnergyWindows", "energy windows"),
        ("NumberOfTimeSlots", "time slots"),
        ("NumberOfRRIntervals", "heart phases"),
        ("NumberOfPhases", "phases"),
    ):
        count = whole(dataset, name)
        slices = whole(dataset, "NumberOfSlices") or frames
        if count is not None and count > 1 and frames > slices:
            raise DicomError(f"{path.name} holds {count} {what}; give a volume with one")
    numbered = vector(dataset, "SliceVector", frames)
    if numbered is None:
        return np.arange(frames)
    if len(set(numbered)) != frames:
        raise DicomError(
            f"{path.name} numbers several frames as the same slice; give a volume with one window"
        )
    return np.argsort(np.array(numbered))


def _grid(path: Path, dataset: Dataset, shape: tuple[int, ...]) -> tuple[Grid, bool, bool]:
    """The grid, whether frames run against the normal, and whether the thickness stands for the spacing."""
    detector = (*items(dataset, "DetectorInformationSequence"), dataset)[0]
    places = [
        (numbers(s, "ImagePositionPatient", 3), numbers(s, "ImageOrientationPatient", 6))
        for s in (detector, dataset)
    ]
    position, cosines = next(((p, c) for p, c in places if p is not None and c is not None), (None, None))
    pixel = numbers(dataset, "PixelSpacing", 2)
    spacing = number(dataset, "SpacingBetweenSlices")
    from_thickness = not spacing
    if from_thickness:
        spacing = number(dataset, "SliceThickness")
    if position is None or cosines is None or pixel is None or not spacing:
        raise DicomError(
            f"{path.name} does not tell the position, orientation or spacing of its slices; "
            "export the reconstructed SPECT again"
        )
    axes = slice_axes(cosines, path.name)
    frames, rows, columns = shape
    if spacing < 0:
        position = position + axes[:, 2] * spacing * (frames - 1)
    grid = Grid(
        shape=(frames, rows, columns),
        spacing_mm=(float(pixel[1]), float(pixel[0]), abs(spacing)),
        origin_mm=(float(position[0]), float(position[1]), float(position[2])),
        direction=tuple(float(v) for v in axes.reshape(-1)),
        frame_of_reference_uid=text(dataset, "FrameOfReferenceUID") or None,
    )
    return grid, spacing < 0, from_thickness


def _without_negatives(values: NDArray[Any]) -> tuple[NDArray[Any], Finding | None]:
    lowest = float(values.min())
    if lowest >= 0:
        return values, None
    negative = float(-values[values < 0].sum())
    positive = float(values[values > 0].sum())
    share = PERCENT * negative / positive if positive else PERCENT
    return np.maximum(values, 0), Finding(
        "spect-negative",
        Severity.WARNING,
        f"negative values of the reconstruction (together {share:.2g} % of the counts) were set to 0",
    )


def _header(dataset: Dataset, grid: Grid) -> SeriesHeader:
    along = float(np.array(grid.origin_mm) @ grid.axes[:, 2])
    return SeriesHeader(
        modality="NM",
        study_uid=text(dataset, "StudyInstanceUID"),
        series_uid=text(dataset, "SeriesInstanceUID"),
        frame_of_reference_uid=text(dataset, "FrameOfReferenceUID"),
        sop_class_uid=text(dataset, "SOPClassUID"),
        sop_instance_uids=(text(dataset, "SOPInstanceUID"),),
        slice_positions_mm=tuple(along + grid.spacing_mm[2] * k for k in range(grid.shape[0])),
        rescale_slopes=(number(dataset, "RescaleSlope") or 1.0,),
        rescale_intercepts=(number(dataset, "RescaleIntercept") or 0.0,),
        description=text(dataset, "SeriesDescription"),
        patient=patient_study(dataset),
    )
