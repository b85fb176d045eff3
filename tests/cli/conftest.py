"""The patient of boxes, as in the tests of the workflow, and its plan folder."""

import shutil
from pathlib import Path

import pytest
from tests.cli.running import run
from tests.workflow.cases import BoxStudy, case_text
from tests.workflow.conftest import boxes, found

__all__ = ["boxes", "existing", "found", "written"]


@pytest.fixture(scope="session")
def written(boxes: BoxStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan folder that nobody changes."""
    folder = tmp_path_factory.mktemp("written") / "plan"
    ran = run("plan", boxes.case(case_text(images='maa = "spect.dcm"'), "written.toml"), "-o", folder)
    assert ran.status == 0, ran.err
    return folder


@pytest.fixture
def existing(written: Path, tmp_path: Path) -> Path:
    """A result of one's own, in a folder with nothing beside it."""
    folder = tmp_path / "results" / "plan"
    shutil.copytree(written, folder)
    return folder


@pytest.fixture
def whole_report() -> None:
    """A test that asks for it gets the report with pictures and PDF, which take seconds."""


@pytest.fixture(autouse=True)
def quick_report(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without pictures and PDF, unless a test asks for the whole."""
    if "whole_report" not in request.fixturenames:
        monkeypatch.setattr("emboplan.report.pdf.availability", lambda: "not made in this test")
        monkeypatch.setattr("emboplan.report.figures.draw_figures", lambda _planned: ())
        monkeypatch.setattr("emboplan.report.figures.draw_anatomy", lambda _anatomy: ())
