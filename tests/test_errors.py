"""The tree of failures: who inherits from whom, and what a message carries."""

import inspect

import pytest

from emboplan import errors
from emboplan.errors import CaseFileError, DicomError, EmboplanError, InputError, SeriesChoiceError

ALL = [
    value for _, value in inspect.getmembers(errors, inspect.isclass) if value.__module__ == errors.__name__
]


@pytest.mark.parametrize("error", [e for e in ALL if e not in (EmboplanError, InputError)])
def test_what_the_user_can_mend_is_an_input_error(error: type[Exception]) -> None:
    assert issubclass(error, InputError)


@pytest.mark.parametrize("error", ALL)
def test_every_failure_is_in_the_tree_of_the_docstring(error: type[Exception]) -> None:
    assert error.__name__ in (errors.__doc__ or "")


def test_a_choice_among_series_is_a_dicom_error() -> None:
    assert issubclass(SeriesChoiceError, DicomError)


def test_a_case_file_error_keeps_all_problems() -> None:
    error = CaseFileError(["first", "second"])
    assert error.problems == ("first", "second")
    assert str(error) == "first\nsecond"
