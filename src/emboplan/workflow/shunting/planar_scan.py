"""Planar views of a study: read, laid over the CT or given regions, and measured.

What was assumed on the way (where the views lie, which way round they are, which counts were taken off) is
said in findings that go with every estimate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from emboplan.catalog.load import Catalog
from emboplan.dicom.index import SeriesIndex, SeriesInfo
from emboplan.dicom.read.nuclear import PLANAR_KINDS, PlanarSeries, read_planar_series
from emboplan.dosimetry.uptake.planar_measure import planar_estimates
from emboplan.dosimetry.uptake.planar_regions import (
    Placement,
    PlanarRegions,
    cut_off,
    find_placement,
    mirrored_regions_hold_more,
    projected_regions,
    regions_from_labels,
    sides_disagree,
)
from emboplan.dosimetry.uptake.planar_shunt import ScatterWindows
from emboplan.errors import DicomError, GeometryError, InputError, MaskError, ModelRangeError
from emboplan.files import nifti, nrrd
from emboplan.model.finding import Finding, Severity
from emboplan.model.mask import Mask
from emboplan.model.results.shunt import ShuntEstimate

# The labels of a region image, unless others are named.
REGION_LABELS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"lung": (1,), "liver": (2,), "background": (3,)}
)


@dataclass(frozen=True, slots=True)
class PlanarRequest:
    """What is asked of planar views; what is None is decided from the study.

    `regions` is a label image on the views' pixels; `from_behind` says that it was drawn on the view from
    the back as the camera shows it. `first_pixel_mm` are x and z of the views' first pixel in the CT's
    coordinates. `scatter` is taken off where the file has a scatter window, `background` where the region
    image has one; True insists, False leaves them in.
    """

    regions: Path | None = None
    region_labels: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: REGION_LABELS)
    from_behind: bool = False
    first_pixel_mm: tuple[float, float] | None = None
    background: bool | None = None
    scatter: bool | None = None
    dome_margin_mm: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class CtContours:
    """Liver, lungs and body of one CT, as far as planar views and SPECT need them.

    `frame_of_reference_uid` is the CT's. `lungs_complete` is false where the CT cuts the lungs.
    """

    liver: Mask
    lungs: Mask
    lungs_complete: bool
    body: Mask | None = None

    @property
    def frame_of_reference_uid(self) -> str | None:
        """The frame of reference of the CT."""
        return self.liver.grid.frame_of_reference_uid


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredPlanar:
    """The views with their regions, and the shunt by the geometric mean and by the anterior view."""

    series: PlanarSeries
    regions: PlanarRegions
    estimates: tuple[ShuntEstimate, ShuntEstimate]


def planar_series_of(index: SeriesIndex) -> PlanarSeries | None:
    """The planar views among the series of a folder, one file with both or one for each side; None without.

    Raises:
        DicomError: there are several, or they cannot be read.
    """
    found = [s for s in index.series if s.modality == "NM" and s.kind in PLANAR_KINDS]
    if not found:
        return None
    if len(found) == 2 and all(len(series.files) == 1 for series in found) and _one_sided(found):
        files = tuple(file for series in found for file in series.files)
        return read_planar_series(replace(found[0], files=files))
    if len(found) > 1:
        listed = "; ".join(series.describe() for series in found)
        raise DicomError(f"{len(found)} series of planar views fit; give a folder with only one: {listed}")
    return read_planar_series(found[0])


def _one_sided(found: list[SeriesInfo]) -> bool:
    """Whether the views come one side to a series: no series can be read by itself."""
    for series in found:
        try:
            read_planar_series(series)
        except DicomError:
            continue
        return False
    return True


def measured_planar(
    series: PlanarSeries, contours: CtContours | None, request: PlanarRequest, catalog: Catalog
) -> MeasuredPlanar:
    """The shunt from planar views: with the regions asked for, else with the CT's liver and lungs.

    Raises:
        InputError: there are neither regions nor contours, or they do not fit the views.
    """
    if request.regions is not None:
        regions, findings = _given_regions(series, request)
    elif contours is not None:
        regions, findings = _ct_regions(series, contours, request)
    else:
        raise InputError(
            "planar views need regions of lung and liver; give a CT to project, or a region image"
        )
    if sides_disagree(series.pair):
        text = (
            "The views from front and back agree better when one of them is mirrored: one of them may be the "
            "wrong way round; look at the picture."
        )
        findings.append(Finding("planar-mirrored", Severity.WARNING, text))
    windows = _windows(series, request)
    findings.append(_scatter_note(series, windows))
    estimates = planar_estimates(
        series.pair, regions, windows=windows, dome_margin_mm=request.dome_margin_mm, catalog=catalog
    )
    said = (*series.findings, *findings)
    gm, anterior = (replace(one, findings=(*said, *one.findings)) for one in estimates)
    return MeasuredPlanar(series, regions, (gm, anterior))


def _windows(series: PlanarSeries, request: PlanarRequest) -> ScatterWindows | None:
    """The widths for the scatter correction; None where it is not wanted or cannot be made."""
    pair, main, low = series.pair, series.photopeak_kev, series.scatter_kev
    views = pair.scatter_anterior is not None and pair.scatter_posterior is not None
    if request.scatter is False:
        return None
    if not views or main is None or low is None:
        if request.scatter:
            raise ModelRangeError(
                "the planar views have no scatter window with its limits in keV, so that scatter cannot be "
                "taken off; leave the correction out"
            )
        return None
    return ScatterWindows(main[1] - main[0], low[1] - low[0])


def _scatter_note(series: PlanarSeries, windows: ScatterWindows | None) -> Finding:
    if windows is None or series.scatter_kev is None:
        text = "Scatter is not taken off the planar views: the shunt reads higher than with it."
        return Finding("planar-scatter", Severity.INFO, text)
    low, high = series.scatter_kev
    text = (
        f"Scatter is taken off the planar views by the window of {low:g} to {high:g} keV (dual window); the "
        "plain ratio stands beside it as uncorrected."
    )
    return Finding("planar-scatter", Severity.INFO, text)


def _ct_regions(
    series: PlanarSeries, contours: CtContours, request: PlanarRequest
) -> tuple[PlanarRegions, list[Finding]]:
    """Regions from the CT, and how the views were laid over it."""
    if not contours.lungs_complete:
        raise MaskError(
            "the CT does not show the whole lungs, so that no lung region can be projected on the planar "
            "views; give a region image"
        )
    place = _placement(series, contours, request)
    body = None
    if request.background:
        if contours.body is None:
            raise MaskError("no outline of the body is known, so there is no background region; draw one")
        body = contours.body
    regions = projected_regions(contours.liver, contours.lungs, series.pair, place.first_pixel_mm, body=body)
    findings = [_place_note(place)]
    if place.mirrored_fits_better:
        text = (
            "The planar views fit the CT better with left and right exchanged: they may be the wrong way "
            "round; look at the picture."
        )
        findings.append(Finding("planar-mirrored", Severity.WARNING, text))
    missing = cut_off(regions)
    if missing is not None:
        findings.append(Finding("planar-lungs-cut", Severity.WARNING, missing))
    return regions, findings


def _placement(series: PlanarSeries, contours: CtContours, request: PlanarRequest) -> Placement:
    if request.first_pixel_mm is not None:
        return Placement(request.first_pixel_mm, "given")
    frames = (series.frame_of_reference_uid, contours.frame_of_reference_uid)
    if series.first_pixel_mm is not None and all(frames) and frames[0] == frames[1]:
        return Placement(series.first_pixel_mm, "header")
    return find_placement(series.pair, contours.liver, contours.lungs)


def _place_note(place: Placement) -> Finding:
    x, z = place.first_pixel_mm
    where = f"first pixel at x {x:.0f}, z {z:.0f} mm"
    if place.source == "found":
        text = (
            "The planar views do not say where they lie over the CT. They were taken as parallel to the "
            "patient's axes and laid where liver and lungs of the CT fit the counts best "
            f"({where}); look at the picture."
        )
        return Finding("planar-placement", Severity.WARNING, text)
    known = (
        "as entered" if place.source == "given" else "by their header, in the frame of reference of the CT"
    )
    return Finding("planar-placement", Severity.INFO, f"The planar views lie over the CT {known} ({where}).")


def _given_regions(series: PlanarSeries, request: PlanarRequest) -> tuple[PlanarRegions, list[Finding]]:
    """Regions that somebody drew, and which way round they were taken."""
    path = request.regions
    if path is None:
        raise ValueError("called with regions only")
    labels, laid = _label_picture(path)
    shape = series.pair.anterior.shape
    if labels.shape != shape:
        raise GeometryError(
            f"{path.name} has {labels.shape[0]} x {labels.shape[1]} pixels (rows x columns); the views "
            f"have {shape[0]} x {shape[1]}: draw the regions on the views' own pixels"
        )
    if request.from_behind:
        labels = labels[:, ::-1]
    regions = regions_from_labels(labels, request.region_labels)
    if request.background is False:
        regions = replace(regions, background=None)
    elif request.background and regions.background is None:
        raise MaskError(f"{path.name} has no background region; draw one, or leave the background in")
    side = "back, and mirrored to lie as seen from the front" if request.from_behind else "front"
    findings = [
        Finding("planar-regions", Severity.INFO, f"Regions from {path.name} {laid}, drawn on the {side}.")
    ]
    if mirrored_regions_hold_more(series.pair, regions):
        text = (
            f"The liver region of {path.name} would hold more counts if it were mirrored: it may be drawn on "
            "the view from the other side; look at the picture."
        )
        findings.append(Finding("planar-mirrored", Severity.WARNING, text))
    return regions, findings


def _label_picture(path: Path) -> tuple[NDArray[np.uint16], str]:
    """The labels ``(row, column)`` from head to foot and to the patient's left, and how they were laid.

    A picture of one slice along z has no place in the patient: its pixels are taken in their stored order,
    columns first, as the anterior view shows them. One slice along y is coronal, and its axes are used.
    """
    name = path.name.lower()
    if name.endswith(nifti.SUFFIXES):
        image = nifti.read_labels(path)
    elif name.endswith(nrrd.SUFFIXES):
        image = nrrd.read_labels(path)
    else:
        raise InputError(f"{path.name} is no region image; expected NIfTI or NRRD with labels")
    labels, axes = image.labels, image.grid.axes
    if labels.shape[0] == 1:
        return labels[0], "pixel on pixel (the file's own position is not used)"
    if labels.shape[1] == 1:
        picture = labels[:, 0]
        picture = picture if axes[2, 2] < 0 else picture[::-1]
        return (picture if axes[0, 0] > 0 else picture[:, ::-1]), "by its coronal axes"
    raise GeometryError(f"{path.name} has {labels.shape} voxels (z, y, x); expected a picture of one slice")
