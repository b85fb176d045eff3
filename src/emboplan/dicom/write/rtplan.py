"""The RT plan that a dose refers to.

A dose of summation type PLAN must name a plan. Radioembolization has no beams, so the plan says only which
treatment this is, when it was planned and that nobody has approved it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydicom.uid import RTPlanStorage

from emboplan.dicom.write.encode import add_frame_of_reference, new_object, save
from emboplan.dicom.write.identity import NewSeries, StudyIdentity
from emboplan.errors import DicomError

LABEL_LENGTH = 16  # DICOM PS3.5 section 6.2, value representation SH


@dataclass(frozen=True, slots=True)
class PlanReference:
    """The plan that a dose was computed for."""

    sop_class_uid: str
    sop_instance_uid: str


def write_rtplan(
    path: Path,
    identity: StudyIdentity,
    series: NewSeries,
    *,
    label: str,
    digest: str,
    frame_of_reference_uid: str | None = None,
    description: str = "",
) -> PlanReference:
    """Write a minimal RT plan, unapproved, and return what a dose needs to refer to it.

    `label` names the plan in 16 characters. `digest` stands for the plan's content; the object's UID
    follows it.

    Raises:
        DicomError: the label is empty or too long.
        OutputError: the file cannot be written.
    """
    if not label or len(label) > LABEL_LENGTH or "\\" in label:
        raise DicomError(
            f'the plan label is "{label}"; expected 1 to {LABEL_LENGTH} characters without backslash'
        )
    dataset = new_object(RTPlanStorage, "RTPLAN", identity, series, digest)
    for keyword in ("ContentDate", "ContentTime"):  # a plan has dates of its own
        dataset.pop(keyword, None)
    dataset.OperatorsName = ""
    if frame_of_reference_uid:
        add_frame_of_reference(dataset, frame_of_reference_uid)
    date, time = series.moment(identity)
    dataset.RTPlanLabel = label
    if description:
        dataset.RTPlanDescription = description
    dataset.RTPlanDate = date
    dataset.RTPlanTime = time
    dataset.RTPlanGeometry = "TREATMENT_DEVICE"
    dataset.ApprovalStatus = "UNAPPROVED"
    save(dataset, path)
    return PlanReference(str(dataset.SOPClassUID), str(dataset.SOPInstanceUID))
