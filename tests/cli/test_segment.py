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


def test_the_viable_part_is_written_and_measured(boxes: BoxStudy, tmp_path: Path) -> None:
    """Lesions of one number throughout are viable as a whole, and a line says so."""
    out = tmp_path / "s"
    ran = run("segment", boxes.folder / "CT", *masks(boxes), "-o", out)
    assert ran.status == 0, ran.err
    assert (out / "masks" / "viable.nii.gz").is_file()
    found = json.loads((out / "segmentation.json").read_text(encoding="utf-8"))
    assert found["viable_tumour_ml"] == found["tumour_ml"]
    assert [one["viable_ml"] for one in found["lesions"]] == [one["volume_ml"] for one in found["lesions"]]
    assert [one["id"] for one in found["findings"]].count("segmentation.viable-whole") == 1
    assert any(line.startswith("viable") for line in ran.out.splitlines())


def test_another_phase_that_is_the_same_series(boxes: BoxStudy, tmp_path: Path) -> None:
    """It is taken or left out with a reason, never silently; the lesions of the first stay."""
    ct = boxes.folder / "CT"
    ran = run("segment", ct, *masks(boxes), "--phase", ct, "-o", tmp_path / "s", "--json")
    assert ran.status == 0, ran.err
    found = json.loads(ran.out)
    ids = {one["id"] for one in found["findings"]}
    assert ids & {"segmentation.phases-fused", "segmentation.phase-left-out"}
    assert found["tumour_ml"] == 91.0
