"""`emboplan shunt`: the result as text, as JSON and as a folder, and mistakes in one line."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.running import contents, run
from tests.workflow import cases, planar_cases
from tests.workflow.cases import BoxStudy

from emboplan.files.nifti import write_mask


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> BoxStudy:
    written = cases.write_study(tmp_path_factory.mktemp("shunt") / "study")
    planar_cases.write_views(written.folder / "planar.dcm")
    write_mask(written.folder / "lungs.nii.gz", cases.box(*cases.LUNGS))
    return written


def masks(study: BoxStudy) -> tuple[object, ...]:
    return ("--liver", study.folder / "liver.nii.gz", "--lungs", study.folder / "lungs.nii.gz")


def test_the_result_as_text_shows_each_method_with_its_bias_and_both_scales(study: BoxStudy) -> None:
    ran = run("shunt", study.folder, *masks(study))
    assert (ran.status, ran.err) == (0, "")
    assert "lung shunt  10.0 %" in ran.out
    assert "4.4 percentage points" in ran.out
    assert "1000 g (default mass); limits of this scale: lung session" in ran.out
    assert "403 g (mass from CT density); no limit of the catalogue is on this scale" in ran.out
    assert cases.PATIENT_NAME not in ran.out


def test_the_json_is_the_result_of_the_function(study: BoxStudy) -> None:
    from emboplan.workflow.shunting.shunt import lung_shunt

    ran = run(
        "shunt", study.folder, *masks(study), "--method", "planar-gm", "--lung-mass", "0.9 kg", "--json"
    )
    assert (ran.status, ran.err) == (0, "")
    expected = lung_shunt(
        study.folder,
        method="planar-gm",
        liver=str(study.folder / "liver.nii.gz"),
        lungs=str(study.folder / "lungs.nii.gz"),
        lung_mass_g=900.0,
    )
    assert json.loads(ran.out) == expected.to_json()
    assert json.loads(ran.out)["lung_mass_source"] == "entered"


def test_a_folder_holds_the_result_and_a_picture(study: BoxStudy, tmp_path: Path) -> None:
    """The same study gives the same bytes; a result is replaced only when asked to."""
    command = ("shunt", study.folder, *masks(study), "-o")
    assert run(*command, tmp_path / "a").status == 0
    assert sorted(contents(tmp_path / "a")) == ["shunt.json", "views.png"]
    with Image.open(tmp_path / "a" / "views.png") as picture:
        assert picture.width == 1080
        colours = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    assert len(np.unique(colours, axis=0)) > 10
    assert run(*command, tmp_path / "b").status == 0
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    ran = run(*command, tmp_path / "a")
    assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)
    assert run(*command, tmp_path / "a", "--force").status == 0
    (tmp_path / "a" / "mine.txt").write_text("mine", encoding="utf-8")
    ran = run(*command, tmp_path / "a", "--force")
    assert ran.status == 2
    assert "mine.txt" in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--method", "best"), 'method "best" is unknown; expected spect-ct, planar-gm, anterior'),
        (("--first-pixel", "7"), "expected x and z in mm"),
        (("--lung-mass", "900"), "expected a number and a unit of mass"),
        (("--regions", "missing.nii.gz"), "missing.nii.gz is not there"),
        (("--regions", "regions.dcm"), "expected NIfTI or NRRD"),
        (("--dome-margin", "-3"), "Invalid value for '--dome-margin'"),
        (("--dome-margin", "500", "--method", "anterior"), "too little to stand for the rest"),
        (("--scatter", "--method", "planar-gm"), "no scatter window"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    study: BoxStudy, arguments: tuple[str, ...], message: str
) -> None:
    method = () if "--method" in arguments else ("--method", "planar-gm")
    ran = run("shunt", study.folder, *masks(study), *method, *arguments)
    assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)
    assert message in ran.err


def test_a_study_without_a_scan_or_a_ct_is_refused(study: BoxStudy, tmp_path: Path) -> None:
    for arguments, message in (
        ((study.folder / "CT",), "no SPECT and no planar views"),
        ((study.folder / "planar.dcm",), "give a CT to project, or a region image"),
        ((tmp_path / "nowhere",), "is not there"),
    ):
        ran = run("shunt", *arguments)
        assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)
        assert message in ran.err


def test_the_help_names_the_ways_to_say_where_the_views_lie() -> None:
    ran = run("shunt", "--help")
    assert ran.status == 0
    for option in ("--ct", "--regions", "--first-pixel", "--dome-margin", "--method"):
        assert option in ran.out
