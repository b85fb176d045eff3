"""Whose object it is and which: identifiers of the study, of the new series and of each instance.

A written object belongs to the patient and study of the images it was made from, so their attributes are
copied as they stand. New identifiers come from digests of what is written, never from a clock or from
chance: the same input gives the same bytes, and another content another identifier. Nothing here shows a
patient in its text.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from emboplan.dicom.read.common import PatientStudy, SeriesHeader
from emboplan.errors import DicomError

UUID_ROOT = "2.25."  # DICOM PS3.5 annex B.2: a UID made from a 128-bit integer
UUID_BYTES = 16
UID_LENGTH = 64  # DICOM PS3.5 section 9.1
TEXT_LENGTH = 64  # DICOM PS3.5 section 6.2, value representation LO

_UID = re.compile(r"^(0|[1-9]\d*)(\.(0|[1-9]\d*))+$")
_DATE = re.compile(r"^\d{8}$")
_TIME = re.compile(r"^\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?$")


def derived_uid(*parts: str) -> str:
    """A unique identifier that depends on `parts` alone.

    It is the first 128 bits of a SHA-256 digest; the parts are kept apart, so that ("a", "bc") and
    ("ab", "c") differ.

    >>> derived_uid("a", "bc") == derived_uid("ab", "c")
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(f"{len(encoded)}:".encode())
        digest.update(encoded)
    return f"{UUID_ROOT}{int.from_bytes(digest.digest()[:UUID_BYTES], 'big')}"


def require_uid(uid: str, what: str) -> str:
    """The UID as it is; `DicomError` that names `what` unless it is one."""
    if len(uid) > UID_LENGTH or not _UID.match(uid):
        state = "missing" if not uid else "not a DICOM UID"
        raise DicomError(
            f"the UID of the {what} is {state}; give digits in groups joined by dots, {UID_LENGTH} at most"
        )
    return uid


@dataclass(frozen=True, slots=True, repr=False)
class StudyIdentity:
    """The study that a written object joins, and the patient's attributes; its text shows neither."""

    study_uid: str
    patient: PatientStudy = field(default_factory=PatientStudy)

    def __post_init__(self) -> None:
        """Check the UID: everything else is copied as the source has it."""
        require_uid(self.study_uid, "study")

    def __repr__(self) -> str:
        return "StudyIdentity(not shown)"

    @classmethod
    def of(cls, header: SeriesHeader) -> StudyIdentity:
        """The study that a series which was read belongs to."""
        return cls(header.study_uid, header.patient)


@dataclass(frozen=True, slots=True)
class NewSeries:
    """The series that is written.

    `uid` should come from `derived_uid` over digests of everything that went into the objects. `date`
    (YYYYMMDD) and `time` (HHMMSS) are those of the case; where they are empty the study's are used.
    """

    uid: str
    description: str
    number: int = 1
    date: str = ""
    time: str = ""
    manufacturer: str = "emboplan"

    def __post_init__(self) -> None:
        """Check what DICOM restricts."""
        require_uid(self.uid, "new series")
        for name in ("description", "manufacturer"):
            value = getattr(self, name)
            if len(value) > TEXT_LENGTH or "\\" in value:
                raise DicomError(
                    f'the series {name} is "{value}"; expected at most {TEXT_LENGTH} characters, no backslash'
                )
        if self.date and not _DATE.match(self.date):
            raise DicomError(f'the series date is "{self.date}"; expected YYYYMMDD')
        if self.time and not _TIME.match(self.time):
            raise DicomError(f'the series time is "{self.time}"; expected HHMMSS')

    def moment(self, identity: StudyIdentity) -> tuple[str, str]:
        """Date and time of the new objects: the case's own, or the study's; empty where neither has one."""
        if self.date:
            return self.date, self.time
        date, time = identity.patient.study_date, identity.patient.study_time
        return (date if _DATE.match(date) else "", time if _TIME.match(time) else "")
