"""Decimal strings, scaling to 16 bits, and attributes that the source holds in odd forms."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emboplan.dicom.read.common import PatientStudy
from emboplan.dicom.write.encode import decimal, scale_to_uint16
from emboplan.dicom.write.identity import NewSeries, StudyIdentity, derived_uid
from emboplan.dicom.write.rtplan import write_rtplan
from emboplan.errors import OutputError


@given(st.floats(min_value=-1e30, max_value=1e30, allow_subnormal=False))
@example(-0.0)
@example(-1.2345678901e-5)
@example(-1.2345678901e-100)
def test_decimal_strings_fit_and_keep_ten_digits(value: float) -> None:
    """DS has 16 characters; nine digits leave at most 5e-9 of the value."""
    text = decimal(value)
    assert len(text) <= 16
    assert abs(float(text) - value) <= 5e-9 * abs(value)


def test_zero_has_no_sign() -> None:
    assert decimal(-0.0) == "0"


@given(st.lists(st.floats(0, 1e4, width=32), min_size=4, max_size=4), st.floats(2**-10, 2**20, width=32))
def test_scaled_values_are_within_half_a_step(values: list[float], highest: float) -> None:
    array = np.array([*values, highest, 0.0], dtype=np.float32).reshape(1, 2, 3)
    stored, step = scale_to_uint16(array, keep_whole=False)
    error = np.abs(stored * np.float64(step) - array).max()
    assert error <= step * 0.5 * (1 + 1e-6)
    assert step == pytest.approx(float(array.max()) / 65535, rel=1e-9)


def test_whole_counts_are_kept_as_they_are() -> None:
    counts = np.array([[[0, 1], [65535, 7]]], dtype=np.float32)
    stored, step = scale_to_uint16(counts, keep_whole=True)
    assert step == 1
    assert stored.ravel().tolist() == [0, 1, 65535, 7]


def test_nothing_but_zeros_needs_no_scale() -> None:
    stored, step = scale_to_uint16(np.zeros((1, 2, 2), np.float32), keep_whole=False)
    assert step == 1
    assert not stored.any()


def test_odd_attributes_of_the_source_are_copied_as_they_are(tmp_path: Path, new_series: NewSeries) -> None:
    """A wrong birth date or sex must neither stop a plan nor make another patient."""
    patient = PatientStudy(patient_name="X" * 80, patient_birth_date="1950", patient_sex="FEMALE?")
    write_rtplan(
        tmp_path / "plan.dcm", StudyIdentity(derived_uid("s"), patient), new_series, label="Y-90", digest="d"
    )
    with pydicom.config.disable_value_validation():
        written = pydicom.dcmread(tmp_path / "plan.dcm")
        assert str(written.PatientName) == "X" * 80
        assert written.PatientBirthDate == "1950"
        assert written.PatientSex == "FEMALE?"


def test_a_place_that_cannot_be_written_is_named(
    tmp_path: Path, study: StudyIdentity, new_series: NewSeries
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written") as caught:
        write_rtplan(tmp_path / "file" / "plan.dcm", study, new_series, label="Y-90", digest="d")
    assert "SECRET" not in str(caught.value)
