"""Identifiers follow their parts, and no text of ours shows a patient."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from emboplan.dicom.read.common import PatientStudy, SeriesHeader
from emboplan.dicom.write.identity import NewSeries, StudyIdentity, derived_uid, require_uid
from emboplan.errors import DicomError


@given(st.lists(st.text(max_size=20), max_size=4))
def test_derived_uids_are_valid_and_repeat(parts: list[str]) -> None:
    uid = derived_uid(*parts)
    assert UID(uid).is_valid
    assert uid == derived_uid(*parts)


@given(st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=5))
def test_parts_are_kept_apart(first: str, second: str) -> None:
    assert derived_uid(first, second) != derived_uid(first + second)


def test_a_derived_uid_is_the_digest_by_hand() -> None:
    """PS3.5 B.2: 2.25. and the 128-bit number in decimal, here of the length-prefixed part."""
    number = int(hashlib.sha256(b"3:abc").hexdigest()[:32], 16)
    assert f"2.25.{number}" == derived_uid("abc")


@pytest.mark.parametrize("uid", ["", "1", "1..2", "1.02", "1.2.a", "1." * 33 + "1"])
def test_what_is_no_uid_is_refused(uid: str) -> None:
    with pytest.raises(DicomError, match="the UID of the CT"):
        require_uid(uid, "CT")


def test_an_identity_shows_nothing(study: StudyIdentity) -> None:
    shown = repr(study) + str(study)
    assert "SECRET" not in shown
    assert study.study_uid not in shown


def test_an_identity_comes_from_a_series_that_was_read(ct_header: SeriesHeader, study: StudyIdentity) -> None:
    assert study == StudyIdentity.of(ct_header)


def test_the_case_date_wins_over_the_study_date(study: StudyIdentity) -> None:
    uid = derived_uid("x")
    assert NewSeries(uid, "d").moment(study) == ("20260304", "101500")
    assert NewSeries(uid, "d", date="20260401", time="0815").moment(study) == ("20260401", "0815")


def test_a_malformed_study_date_is_no_date() -> None:
    identity = StudyIdentity(derived_uid("s"), PatientStudy(study_date="2026-03-04", study_time="noon"))
    assert NewSeries(derived_uid("x"), "d").moment(identity) == ("", "")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"uid": "x"}, "new series"),
        ({"description": "a" * 65}, "at most 64"),
        ({"description": "a\\b"}, "no backslash"),
        ({"date": "4.3.2026"}, "YYYYMMDD"),
        ({"time": "10:15"}, "HHMMSS"),
    ],
)
def test_a_series_that_dicom_cannot_hold_is_refused(change: dict[str, str], message: str) -> None:
    values = {"uid": derived_uid("x"), "description": "d", "date": "", "time": "", **change}
    with pytest.raises(DicomError, match=message):
        NewSeries(values["uid"], values["description"], date=values["date"], time=values["time"])
