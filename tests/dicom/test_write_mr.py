"""An MR series that is written: the validator's word, numbers and places, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest

from emboplan.dicom.write.identity import NewSeries, StudyIdentity
from emboplan.dicom.write.mr import MrTechnique, write_mr_series
from emboplan.errors import GeometryError, ModelRangeError, OutputError
from emboplan.model.grid import Grid

GRADIENT_ECHO = MrTechnique("GR", "SP", 4.0, 1.9, 12.0, 1.5, contrast_agent="gadolinium")
SPIN_ECHO = MrTechnique("SE", "SK", 4000.0, 80.0, 90.0, 1.5, echo_train_length=16)


def _signal(grid: Grid) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 4096, grid.shape).astype(np.uint16)


@pytest.mark.parametrize("technique", [GRADIENT_ECHO, SPIN_ECHO])
def test_the_validator_finds_no_error(
    tmp_path: Path,
    oblique_grid: Grid,
    study: StudyIdentity,
    new_series: NewSeries,
    dciodvfy: Callable[[Path], list[str]],
    technique: MrTechnique,
) -> None:
    paths = write_mr_series(_signal(oblique_grid), oblique_grid, tmp_path, study, new_series, technique)
    assert dciodvfy(paths[0]) + dciodvfy(paths[-1]) == []


def test_numbers_and_places_come_back(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries
) -> None:
    signal = _signal(oblique_grid)
    paths = write_mr_series(signal, oblique_grid, tmp_path, study, new_series, SPIN_ECHO)
    slices = [pydicom.dcmread(path) for path in paths]
    assert np.array_equal(signal, np.stack([s.pixel_array for s in slices]))
    assert float(slices[0].RepetitionTime) == 4000.0
    assert float(slices[0].EchoTime) == 80.0
    for k, written in enumerate(slices):
        place = np.array(written.ImagePositionPatient, dtype=float)
        assert np.allclose(oblique_grid.to_mm((0, 0, k)), place, atol=1e-5)


def test_the_same_series_has_the_same_bytes(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries
) -> None:
    first, second = (
        write_mr_series(_signal(oblique_grid), oblique_grid, tmp_path / name, study, new_series, SPIN_ECHO)
        for name in ("a", "b")
    )
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_what_cannot_be_written_is_refused(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries
) -> None:
    signal = _signal(oblique_grid).astype(np.int32)
    with pytest.raises(GeometryError, match="its grid has"):
        write_mr_series(signal[:-1], oblique_grid, tmp_path, study, new_series, SPIN_ECHO)
    with pytest.raises(ModelRangeError, match="holds 0 to 65535"):
        write_mr_series(signal - 4096, oblique_grid, tmp_path, study, new_series, SPIN_ECHO)
    (tmp_path / "other").write_text("x")
    with pytest.raises(OutputError, match="holds files already"):
        write_mr_series(signal, oblique_grid, tmp_path, study, new_series, SPIN_ECHO)
