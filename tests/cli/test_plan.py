"""`emboplan plan` as a user meets it: results, places that cannot be written, interruptions, equal bytes."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from tests.cli.running import contents, run
from tests.conftest import PROJECT_ROOT
from tests.workflow.cases import PATIENT_NAME, BoxStudy, case_text

EMBOPLAN = (sys.executable, "-m", "emboplan.cli.main")
SCHEMA = PROJECT_ROOT / "docs" / "schema" / "plan.schema.json"


def good(boxes: BoxStudy, name: str = "good.toml") -> Path:
    return boxes.case(case_text(images='maa = "spect.dcm"'), name)


def test_the_folder_holds_what_the_layout_promises(written: Path) -> None:
    names = {name for name, digest in contents(written).items() if digest and not name.startswith("figures/")}
    expected = {
        "plan.json",
        "segmentation.json",
        "report.html",
        "dose.nii.gz",
        "dvh.json",
        "dvh.csv",
        "masks/liver.nii.gz",
        "masks/tumours.nii.gz",
        "masks/lungs.nii.gz",
        "masks/viable.nii.gz",
        "dicom/segmentation.dcm",
        "dicom/dose.dcm",
        "dicom/plan.dcm",
    }
    assert expected == names - {"report.pdf"}
    assert [path.name for path in written.parent.iterdir()] == ["plan"]


def test_json_is_the_plan_and_nothing_else(boxes: BoxStudy, tmp_path: Path) -> None:
    ran = run("plan", good(boxes), "-o", tmp_path / "plan", "--json")
    assert (ran.status, ran.err) == (0, "")
    plan = json.loads(ran.out)
    assert plan == json.loads((tmp_path / "plan" / "plan.json").read_text(encoding="utf-8"))
    jsonschema.validate(plan, json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_the_first_line_says_provisional(boxes: BoxStudy, tmp_path: Path) -> None:
    ran = run("plan", good(boxes), "-o", tmp_path / "plan", "--quiet")
    assert ran.status == 0
    assert ran.err == ""
    first, second = ran.out.splitlines()[:2]
    assert first.startswith("PROVISIONAL: contours from the given masks")
    assert "not a medical device" in second


def test_confirm_names_the_reader(boxes: BoxStudy, tmp_path: Path) -> None:
    ran = run("plan", good(boxes), "-o", tmp_path / "plan", "--confirm", "Dr. Reader")
    assert "PROVISIONAL" not in ran.out
    assert ran.out.splitlines()[0].endswith("confirmed by Dr. Reader")
    assert "Dr. Reader" in (tmp_path / "plan" / "report.html").read_text(encoding="utf-8")


def test_a_blank_reader_is_refused(boxes: BoxStudy, tmp_path: Path) -> None:
    ran = run("plan", good(boxes), "-o", tmp_path / "plan", "--confirm", "")
    expected = ["error: the name of the confirming reader is blank; give a name, or leave it out"]
    assert (ran.status, ran.lines) == (2, expected)
    assert list(tmp_path.iterdir()) == []


def test_ineligible_is_an_answer(boxes: BoxStudy, tmp_path: Path) -> None:
    case = boxes.case(case_text(procedure='protocol = "retnet"', rest="[facts]\necog = 4"), "ineligible.toml")
    ran = run("plan", case, "-o", tmp_path / "plan", "--json")
    assert ran.status == 0
    assert json.loads(ran.out)["eligibility"]["verdict"] == "ineligible"


def test_a_folder_of_images_gets_a_plan_sheet(boxes: BoxStudy, found: None, tmp_path: Path) -> None:
    ran = run("plan", boxes.folder / "CT", "-o", tmp_path / "plan")
    assert ran.status == 0, ran.err
    assert "not computed" in ran.out
    assert "no lung shunt was entered or measured" in ran.out
    assert (tmp_path / "plan" / "report.html").exists()


def test_two_runs_give_the_same_bytes(
    boxes: BoxStudy, written: Path, tmp_path: Path, whole_report: None
) -> None:
    """Plan, report, pictures, masks, dose, DICOM segmentation, dose and plan: every file."""
    again = tmp_path / "plan"
    case = boxes.folder / "written.toml"
    assert run("plan", case, "-o", again).status == 0
    assert contents(again) == contents(written)


@pytest.mark.slow
def test_one_thread_and_another_hash_seed_give_the_same_bytes(
    boxes: BoxStudy, written: Path, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "12345",
        "OMP_NUM_THREADS": "1",
        "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
        "TZ": "Pacific/Auckland",
        "LC_ALL": "C",
    }
    command = [*EMBOPLAN, "plan", str(boxes.folder / "written.toml"), "-o", str(tmp_path / "p")]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert contents(tmp_path / "p") == contents(written)


def test_the_report_does_not_name_the_patient_of_the_images(written: Path) -> None:
    for name in ("report.html", "plan.json", "segmentation.json"):
        text = (written / name).read_text(encoding="utf-8")
        assert PATIENT_NAME.partition("^")[0] not in text


# Places


def refused_place(boxes: BoxStudy, place: object, *options: str) -> list[str]:
    ran = run("plan", good(boxes), "-o", place, *options)
    assert (ran.status, ran.out) == (2, ""), ran.err
    return ran.lines


def test_an_existing_result_needs_force(boxes: BoxStudy, existing: Path) -> None:
    before = contents(existing.parent)
    expected = f"error: {existing} holds a result already; give another folder, or --force to replace it"
    assert refused_place(boxes, existing) == [expected]
    assert contents(existing.parent) == before


def test_force_replaces_the_result(boxes: BoxStudy, existing: Path) -> None:
    (existing / "plan.json").write_text("{}")
    assert run("plan", good(boxes), "-o", existing, "--force", "--quiet").status == 0
    assert json.loads((existing / "plan.json").read_text(encoding="utf-8"))["emboplan_version"]
    assert list(existing.parent.iterdir()) == [existing]


@pytest.mark.parametrize("options", [(), ("--force",)])
def test_a_folder_of_other_files_is_never_taken(
    boxes: BoxStudy, tmp_path: Path, options: tuple[str, ...]
) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter1.tex").write_text("years of work")
    before = contents(tmp_path)
    (line,) = refused_place(boxes, folder, *options)
    assert line.startswith(f"error: {folder} holds other files")
    assert contents(tmp_path) == before


def test_a_result_with_a_note_of_the_user_is_not_replaced(boxes: BoxStudy, existing: Path) -> None:
    (existing / "remarks.txt").write_text("discuss on Monday")
    before = contents(existing.parent)
    (line,) = refused_place(boxes, existing, "--force")
    assert "also holds remarks.txt, which emboplan did not write" in line
    assert contents(existing.parent) == before


def test_a_file_in_the_place(boxes: BoxStudy, tmp_path: Path) -> None:
    (tmp_path / "plan").write_text("a file")
    place = tmp_path / "plan"
    expected = [f"error: {place} is a file; expected a folder to write to"]
    assert refused_place(boxes, place, "--force") == expected
    (line,) = refused_place(boxes, place / "below", "--force")
    assert line == f"error: {place} cannot be written to; give another folder with -o"
    assert place.read_text() == "a file"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that even root cannot write to")
@pytest.mark.parametrize("place", ["/proc/plan", "/proc/new/plan"])
def test_a_read_only_place_is_refused_before_the_work(boxes: BoxStudy, place: str) -> None:
    start = time.perf_counter()
    (line,) = refused_place(boxes, place)
    assert line.startswith("error: /proc cannot be written to")
    assert time.perf_counter() - start < 0.5


def test_a_name_too_long_for_the_system(boxes: BoxStudy, tmp_path: Path) -> None:
    (line,) = refused_place(boxes, tmp_path / ("n" * 300))
    assert line.endswith("cannot be written to (File name too long); give another folder")


def test_a_link_stands_for_the_folder_it_leads_to(boxes: BoxStudy, existing: Path, tmp_path: Path) -> None:
    link = tmp_path / "latest"
    link.symlink_to(existing)
    (existing / "plan.json").write_text("{}")
    assert run("plan", good(boxes), "-o", link, "--force").status == 0
    assert link.is_symlink()
    assert json.loads((existing / "plan.json").read_text(encoding="utf-8"))["emboplan_version"]


@pytest.mark.parametrize("step", ["report.nifti", "pydicom", "report.html"])
def test_a_full_disk_leaves_the_old_result(
    boxes: BoxStudy, existing: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The disk fills while masks, DICOM objects or the report are written."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = contents(existing.parent)
    place = {
        "report.nifti": "emboplan.report.folder.write_mask",
        "pydicom": "emboplan.dicom.write.encode.dcmwrite",
        "report.html": "emboplan.report.folder._write_report",
    }[step]
    monkeypatch.setattr(place, full)
    (line,) = refused_place(boxes, existing, "--force")
    assert line.startswith("error: ")
    assert "No space left on device" in line
    assert contents(existing.parent) == before


@pytest.fixture
def heeded_interrupts() -> Iterator[None]:
    """Programs started here heed SIGINT, even where a shell in the background made the tests ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded_interrupts")
@pytest.mark.parametrize("killed_by", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_nothing(boxes: BoxStudy, existing: Path, killed_by: signal.Signals) -> None:
    """Stopped while the result is being written: no traceback, no half folder, the old result as it was."""
    before = contents(existing.parent)
    command = [*EMBOPLAN, "plan", str(good(boxes)), "-o", str(existing), "--force"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while (
        len(list(existing.parent.iterdir())) == 1 and process.poll() is None and time.monotonic() < deadline
    ):
        time.sleep(0.005)
    process.send_signal(killed_by)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert (out, err) == ("", "interrupted; nothing was written\n")
    assert contents(existing.parent) == before


def test_a_case_in_a_folder_that_cannot_be_listed_as_images(boxes: BoxStudy, tmp_path: Path) -> None:
    """A broken link in the folder of images is passed over, as file managers leave them."""
    folder = tmp_path / "images"
    shutil.copytree(boxes.folder, folder)
    (folder / "CT" / "gone.dcm").symlink_to(tmp_path / "nowhere.dcm")
    ran = run("plan", folder / "good.toml", "-o", tmp_path / "plan")
    assert ran.status == 0, ran.err
