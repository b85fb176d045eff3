"""`emboplan segment` and `emboplan burden` with given masks."""

import json
from pathlib import Path

from tests.cli.running import contents, run
from tests.workflow.cases import BoxStudy


def masks(boxes: BoxStudy) -> tuple[object, ...]:
    return ("--liver", boxes.folder / "liver.nii.gz", "--tumours", boxes.folder / "tumours.nii.gz")


def test_both_commands_measure_the_same(boxes: BoxStudy, tmp_path: Path) -> None:
    ct = boxes.folder / "CT"
    ran = run("segment", ct, *masks(boxes), "-o", tmp_path / "s", "--json")
    assert (ran.status, ran.err) == (0, "")
    segmented = json.loads(ran.out)
    assert segmented["burden_pct"] == 9.1
    measured = json.loads(run("burden", ct, *masks(boxes), "--json").out)
    assert measured == segmented
    written = json.loads((tmp_path / "s" / "segmentation.json").read_text(encoding="utf-8"))
    assert written | {"findings": []} == segmented | {"findings": []}


def test_provisional_until_confirmed(boxes: BoxStudy) -> None:
    ct = boxes.folder / "CT"
    assert run("burden", ct, *masks(boxes)).out.startswith("PROVISIONAL: contours not confirmed")
    ran = run("burden", ct, *masks(boxes), "--confirm", "Dr. Reader")
    assert ran.out.startswith("Contours confirmed by Dr. Reader")
    ran = run("burden", ct, *masks(boxes), "--confirm", " ")
    assert (ran.status, len(ran.lines)) == (2, 1)


def test_a_plan_is_not_replaced_by_a_segmentation_without_force(boxes: BoxStudy, existing: Path) -> None:
    before = contents(existing.parent)
    ran = run("segment", boxes.folder / "CT", *masks(boxes), "-o", existing)
    assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)
    assert contents(existing.parent) == before


def test_what_reading_noticed_is_in_the_result(boxes: BoxStudy, tmp_path: Path) -> None:
    """A note in the folder is passed over, and the result says so."""
    import shutil

    shutil.copytree(boxes.folder / "CT", tmp_path / "CT")
    (tmp_path / "CT" / "README").write_text("notes\n")
    ran = run("burden", tmp_path / "CT", *masks(boxes), "--json")
    assert "ignored-files" in [finding["id"] for finding in json.loads(ran.out)["findings"]]
