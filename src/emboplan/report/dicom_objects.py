"""The plan as DICOM objects beside its CT: contours as SEG, the dose as RTDOSE with its plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from emboplan.catalog import load
from emboplan.dicom.read.common import SeriesHeader
from emboplan.dicom.write.encode import CodedTerm
from emboplan.dicom.write.identity import NewSeries, StudyIdentity, derived_uid
from emboplan.dicom.write.rtdose import write_rtdose
from emboplan.dicom.write.rtplan import write_rtplan
from emboplan.dicom.write.seg import (
    AlgorithmFamily,
    SegmentAlgorithm,
    SegmentLabel,
    SegmentOrigin,
    write_segmentation,
)
from emboplan.errors import DicomError, GeometryError
from emboplan.model.anatomy import Anatomy
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import DoseMap
from emboplan.model.mask import Mask
from emboplan.model.plan import Plan
from emboplan.model.serialise import to_jsonable
from emboplan.workflow.dosing.dose_report import DoseReport

SEGMENTATION, DOSE, PLAN = "segmentation.dcm", "dose.dcm", "plan.dcm"
PLAN_LABEL = "TARE plan"

# The segmenter with learned weights; the built-in one has none.
LEARNED_BACKEND = "totalsegmentator"


def write_contours(
    anatomy: Anatomy, source: SeriesHeader, folder: Path, *, version: str, date: str
) -> tuple[Finding, ...]:
    """Write liver, lesions and lungs as segmentation.dcm; a finding where the CT does not allow it."""
    review = anatomy.review
    by_hand = review.corrections or not review.provisional
    origin = SegmentOrigin.SEMIAUTOMATIC if by_hand else SegmentOrigin.AUTOMATIC
    learned = LEARNED_BACKEND in review.backend
    family = AlgorithmFamily.LEARNED if learned else AlgorithmFamily.CLASSICAL
    name = f"emboplan {review.backend}" + (f" {review.backend_version}" if learned else "")
    algorithm = SegmentAlgorithm(name, version, origin, family)
    content = _contour_digest(anatomy) + str(origin) + version
    series = _series("segmentation", "Liver and lesions", source, date, number=1, content=content)
    try:
        write_segmentation(_segments(anatomy), folder / SEGMENTATION, source, series, algorithm=algorithm)
    except (DicomError, GeometryError) as error:
        return (_unavailable("segmentation", error),)
    return ()


def _segments(anatomy: Anatomy) -> Iterator[tuple[SegmentLabel, Mask]]:
    """The structures one after the other, so that only one full mask is held at a time."""
    labels = load().segment_labels()
    yield _segment_label(labels["liver"]), anatomy.liver
    for number in anatomy.lesions.numbers:
        lesion = _segment_label(labels["lesion"])
        yield replace(lesion, name=f"{lesion.name} {number}"), anatomy.lesions.mask(number)
    if anatomy.lungs is not None:
        yield _segment_label(labels["lungs"]), anatomy.lungs


def _segment_label(table: Mapping[str, Any]) -> SegmentLabel:
    red, green, blue = table["rgb"]
    return SegmentLabel(
        table["name"], CodedTerm(**table["category"]), CodedTerm(**table["type"]), (red, green, blue)
    )


def _contour_digest(anatomy: Anatomy) -> str:
    digest = hashlib.sha256(np.packbits(anatomy.liver.voxels).tobytes())
    digest.update(anatomy.lesions.labels.tobytes())
    if anatomy.lungs is not None:
        digest.update(np.packbits(anatomy.lungs.voxels).tobytes())
    return digest.hexdigest()


def write_dose_and_plan(
    plan: Plan | DoseReport, dose: DoseMap, source: SeriesHeader, folder: Path, *, date: str
) -> tuple[Finding, ...]:
    """Write dose.dcm and the plan.dcm that it refers to; a finding where the CT does not allow it.

    The identifiers follow from the content of `plan`, or of the report where there is no plan.
    """
    digest = hashlib.sha256(json.dumps(to_jsonable(plan), sort_keys=True).encode()).hexdigest()
    identity = StudyIdentity.of(source)
    try:
        reference = write_rtplan(
            folder / PLAN,
            identity,
            _series("plan", "Radioembolization plan", source, date, number=2, content=digest),
            label=PLAN_LABEL,
            digest=digest,
            frame_of_reference_uid=source.frame_of_reference_uid or None,
        )
        series = _series("dose", "Absorbed dose", source, date, number=3, content=digest)
        write_rtdose(dose, folder / DOSE, source, series, plan=reference)
    except (DicomError, GeometryError) as error:
        for name in (PLAN, DOSE):
            (folder / name).unlink(missing_ok=True)
        return (_unavailable("dose", error),)
    return ()


def object_date(plan_time: str | None, source: SeriesHeader) -> str:
    """The date (YYYYMMDD) for objects whose study has none: the treatment's, or nothing."""
    if source.patient.study_date or not plan_time:
        return ""
    return plan_time[: len("YYYY-MM-DD")].replace("-", "")


def _series(
    role: str, description: str, source: SeriesHeader, date: str, *, number: int, content: str = ""
) -> NewSeries:
    uid = derived_uid("emboplan", role, source.study_uid, source.series_uid, content)
    # Numbers from 9001 on stay out of the way of the scanner's own series.
    return NewSeries(uid, description, number=SERIES_NUMBER_BASE + number, date=date)


SERIES_NUMBER_BASE = 9000


def _unavailable(what: str, error: Exception) -> Finding:
    return Finding(
        "dicom-unavailable",
        Severity.WARNING,
        f"No DICOM {what} object was written: {error}; use the NIfTI files.",
    )
