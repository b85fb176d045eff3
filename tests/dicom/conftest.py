"""Fixtures of the DICOM tests: the validator, and a study with one CT series to write into."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from emboplan.dicom.read.common import PatientStudy, SeriesHeader
from emboplan.dicom.write.identity import NewSeries, StudyIdentity, derived_uid
from emboplan.model.grid import Grid

# Not the `dciodvfy` of the search path: the validator is Debian's, from the package dicom3tools.
DCIODVFY = Path("/usr/bin/dciodvfy")


@pytest.fixture(scope="session")
def dciodvfy() -> Callable[[Path], list[str]]:
    """The errors that the validator finds in a file; without it a skip, but a failure in CI."""
    if not DCIODVFY.exists():
        missing = f"{DCIODVFY} is not here; install the Debian package dicom3tools"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)

    def errors(path: Path) -> list[str]:
        ran = subprocess.run([DCIODVFY, "-new", path], capture_output=True, text=True, check=False)
        lines = [line for line in (ran.stdout + ran.stderr).splitlines() if line.startswith("Error")]
        return lines if ran.returncode in (0, 1) else [f"validator ended with {ran.returncode}", *lines]

    return errors


@pytest.fixture
def oblique_grid() -> Grid:
    """A small grid turned about two axes, with three different spacings."""
    turn, tilt = 0.3, -0.2
    about_z = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    direction = tuple((about_z @ about_x).ravel())
    return Grid((5, 12, 9), (0.7, 0.8, 2.5), (-101.125, 53.5, -1204.25), direction, derived_uid("frame"))


@pytest.fixture
def study() -> StudyIdentity:
    """A study whose patient has a name that ASCII cannot write."""
    patient = PatientStudy(
        patient_name="Søndergård^Åse",
        patient_id="SECRET-17",
        patient_birth_date="19500102",
        patient_sex="F",
        study_date="20260304",
        study_time="101500",
        study_id="S1",
        accession_number="A77",
        referring_physician_name="Doe^Ann",
    )
    return StudyIdentity(derived_uid("study"), patient)


@pytest.fixture
def new_series() -> NewSeries:
    """A series to write."""
    return NewSeries(derived_uid("new series"), "written in a test", number=7)


@pytest.fixture
def ct_header(oblique_grid: Grid, study: StudyIdentity) -> SeriesHeader:
    """The header of a CT series on the oblique grid, as a reader gives it."""
    slices = oblique_grid.shape[0]
    return SeriesHeader(
        modality="CT",
        study_uid=study.study_uid,
        series_uid=derived_uid("ct series"),
        frame_of_reference_uid=oblique_grid.frame_of_reference_uid or "",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        sop_instance_uids=tuple(derived_uid("ct slice", str(k)) for k in range(slices)),
        slice_positions_mm=tuple(2.5 * k for k in range(slices)),
        rescale_slopes=(1.0,) * slices,
        rescale_intercepts=(0.0,) * slices,
        description="CT",
        patient=study.patient,
    )
