"""The result folder: whole or not at all, never somebody else's files, readable again."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from emboplan.dicom.read.common import PatientStudy, SeriesHeader
from emboplan.errors import OutputError
from emboplan.files.nifti import read_labels, read_mask
from emboplan.model.plan import Plan, PlannedCase
from emboplan.report import folder as room
from emboplan.report.folder import check_writable, read_plan, write_plan_folder, write_segmentation_folder
from emboplan.report.schema import plan_schema, schema_text

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def written(planned: PlannedCase[Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("result") / "plan"
    write_plan_folder(planned, path, force=False)
    return path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the pictures and the PDF where a test is about files alone."""
    monkeypatch.setattr("emboplan.report.figures.draw_figures", lambda _planned: ())
    monkeypatch.setattr("emboplan.report.pdf.availability", lambda: "no PDF in this test")


def _content(path: Path) -> dict[str, bytes]:
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_folder_holds_what_the_documentation_lists(written: Path) -> None:
    names = set(_content(written)) - {"report.pdf"}
    assert {
        "plan.json", "segmentation.json", "report.html", "dvh.json", "dvh.csv", "dose.nii.gz",
        "masks/liver.nii.gz", "masks/tumours.nii.gz", "masks/lungs.nii.gz",
        "figures/slices.png", "figures/lesions.png", "figures/planes.png", "figures/dose_slices.png",
        "figures/dose_lesions.png", "figures/dvh.svg", "figures/dose_activity.svg",
    } == names  # fmt: skip
    assert not [p for p in written.parent.iterdir() if p != written]


def test_same_plan_gives_the_same_bytes(written: Path, planned: PlannedCase[Any], tmp_path: Path) -> None:
    write_plan_folder(planned, tmp_path / "again", force=False)
    assert _content(written) == _content(tmp_path / "again")


def test_masks_come_back_as_they_were(written: Path, planned: PlannedCase[Any]) -> None:
    liver = read_mask(written / "masks" / "liver.nii.gz", grid=planned.anatomy.grid)
    assert (liver.voxels == planned.anatomy.liver.voxels).all()
    lesions = read_labels(written / "masks" / "tumours.nii.gz", grid=planned.anatomy.grid)
    assert (lesions.labels == planned.anatomy.lesions.labels).all()


def test_histogram_table_equals_its_json(written: Path) -> None:
    structures = json.loads((written / "dvh.json").read_text())["structures"]
    expected = [
        (s["name"], dose, share)
        for s in structures
        for dose, share in zip(s["cumulative"]["dose_gy"], s["cumulative"]["volume_frac"], strict=True)
    ]
    with (written / "dvh.csv").open(newline="") as file:
        rows = [(r["structure"], float(r["dose_gy"]), float(r["volume_frac"])) for r in csv.DictReader(file)]
    assert expected == rows


def test_plan_json_fits_the_published_schema(written: Path, bare: PlannedCase[Any], quick: None) -> None:
    jsonschema.Draft202012Validator.check_schema(plan_schema())
    jsonschema.validate(read_plan(written), plan_schema())
    short = written.parent.parent / "bare"
    write_plan_folder(bare, short, force=True)
    jsonschema.validate(read_plan(short), plan_schema())


def test_published_schema_is_the_one_of_the_types() -> None:
    """Run `python -m emboplan.report.schema > docs/schema/plan.schema.json` when this fails."""
    published = (PROJECT / "docs" / "schema" / "plan.schema.json").read_text(encoding="utf-8")
    assert schema_text() == published


def test_top_level_of_plan_json_is_documented(written: Path) -> None:
    documented = [
        "emboplan_version",
        "catalogue_digest",
        "inputs",
        "settings",
        "patient",
        "anatomy",
        "burden",
        "eligibility",
        "shunt",
        "activity",
        "dose",
        "loading",
        "schedule",
        "findings",
        "provisional",
        "checks",
    ]
    assert set(documented) <= set(read_plan(written))


@pytest.mark.usefixtures("quick")
def test_existing_result_needs_force(planned: PlannedCase[Any], tmp_path: Path) -> None:
    path = tmp_path / "plan"
    write_plan_folder(planned, path, force=False)
    before = _content(path)
    with pytest.raises(OutputError, match="--force"):
        write_plan_folder(planned, path, force=False)
    with pytest.raises(OutputError, match="--force"):
        check_writable(path, force=False)
    assert before == _content(path)


@pytest.mark.usefixtures("quick")
def test_force_replaces_the_whole_result(
    planned: PlannedCase[Any], bare: PlannedCase[Any], tmp_path: Path
) -> None:
    """Nothing of the old result stays: a dose next to a plan without dose would mislead."""
    path = tmp_path / "plan"
    write_plan_folder(planned, path, force=False)
    write_plan_folder(bare, path, force=True)
    assert "dose.nii.gz" not in _content(path)
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", ["notes.txt", "masks/mine.txt", "images/scan.dcm"])
def test_force_never_removes_other_peoples_files(
    planned: PlannedCase[Any], tmp_path: Path, name: str
) -> None:
    path = tmp_path / "plan"
    write_plan_folder(planned, path, force=False)
    (path / name).parent.mkdir(exist_ok=True)
    (path / name).write_text("mine")
    before = _content(path)
    with pytest.raises(OutputError, match="did not write"):
        write_plan_folder(planned, path, force=True)
    assert before == _content(path)


@pytest.mark.usefixtures("quick")
def test_a_folder_of_other_files_is_refused_even_with_force(
    planned: PlannedCase[Any], tmp_path: Path
) -> None:
    (tmp_path / "thesis.docx").write_text("mine")
    with pytest.raises(OutputError, match="holds other files"):
        write_plan_folder(planned, tmp_path, force=True)
    assert _content(tmp_path) == {"thesis.docx": b"mine"}


@pytest.mark.parametrize("failing", ["_write_masks", "_write_histograms", "_write_json", "_write_report"])
@pytest.mark.usefixtures("quick")
def test_a_failure_midway_leaves_the_old_result(
    planned: PlannedCase[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = tmp_path / "plan"
    write_plan_folder(planned, path, force=False)
    before = _content(path)

    def full_disk(*_args: object, **_kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(room, failing, full_disk)
    with pytest.raises(OutputError, match="No space left on device"):
        write_plan_folder(planned, path, force=True)
    assert before == _content(path)
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.usefixtures("quick")
def test_an_interruption_leaves_nothing_behind(
    planned: PlannedCase[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_args: object, **_kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(room, "_write_report", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_plan_folder(planned, tmp_path / "plan", force=False)
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_place_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_args: object, **_kwargs: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    with pytest.raises(OutputError, match="Read-only file system"):
        check_writable(tmp_path / "plan", force=False)


def test_without_pango_the_plan_says_how_to_get_the_pdf(
    planned: PlannedCase[Any], tmp_path: Path, quick: None
) -> None:
    result = write_plan_folder(planned, tmp_path / "plan", force=False)
    assert result.report_pdf is None
    findings = {finding["id"]: finding["text"] for finding in read_plan(result.path)["findings"]}
    assert findings["pdf-unavailable"] == "There is no report.pdf: no PDF in this test."
    assert "pdf-unavailable" in [finding.id for finding in result.plan.findings]
    assert "There is no report.pdf" in result.report.read_text(encoding="utf-8")


def test_reading_something_else_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"holds no plan\.json"):
        read_plan(tmp_path)
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(OutputError, match="is not JSON"):
        read_plan(tmp_path)
    (tmp_path / "plan.json").write_text("{}")
    with pytest.raises(OutputError, match="is not a plan of emboplan"):
        read_plan(tmp_path)


@pytest.mark.usefixtures("quick")
def test_segmentation_folder_has_masks_volumes_and_pictures(
    planned: PlannedCase[Any], tmp_path: Path
) -> None:
    path = tmp_path / "segmentation"
    write_segmentation_folder(replace(planned, source=None), planned.plan.burden, path, force=False)
    assert planned.plan.burden.to_json() == json.loads((path / "segmentation.json").read_text())
    assert {"figures/slices.png", "masks/liver.nii.gz"} <= set(_content(path))
    write_plan_folder(planned, path, force=True)
    assert (path / "plan.json").is_file()


def _header(planned: PlannedCase[Any], *, date: str = "20261129", frame: str = "1.2.3") -> SeriesHeader:
    slices = planned.anatomy.grid.shape[0]
    return SeriesHeader(
        modality="CT", study_uid="1.2.3.1", series_uid="1.2.3.2", frame_of_reference_uid=frame,
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        sop_instance_uids=tuple(f"1.2.3.2.{k + 1}" for k in range(slices)),
        slice_positions_mm=tuple(-100.0 + 5.0 * k for k in range(slices)),
        rescale_slopes=(1.0,) * slices, rescale_intercepts=(0.0,) * slices, description="",
        patient=PatientStudy(patient_id="NET-001", study_date=date),
    )  # fmt: skip


@pytest.mark.usefixtures("quick")
def test_dicom_ct_gives_dicom_objects(planned: PlannedCase[Any], tmp_path: Path) -> None:
    """Read back by the DICOM library: a dose of 160 Gy, and four structures and the lungs."""
    import pydicom

    path = tmp_path / "plan"
    write_plan_folder(replace(planned, source=_header(planned)), path, force=False)
    assert {p.name for p in (path / "dicom").iterdir()} == {"segmentation.dcm", "dose.dcm", "plan.dcm"}
    dose = pydicom.dcmread(path / "dicom" / "dose.dcm")
    assert float(dose.pixel_array.max() * dose.DoseGridScaling) == pytest.approx(160.0, rel=1e-4)
    plan = pydicom.dcmread(path / "dicom" / "plan.dcm")
    assert dose.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID == plan.SOPInstanceUID
    segments = pydicom.dcmread(path / "dicom" / "segmentation.dcm").SegmentSequence
    assert [s.SegmentLabel for s in segments] == ["Liver", "Lesion 1", "Lesion 2", "Lesion 3", "Lungs"]


@pytest.mark.usefixtures("quick")
def test_a_ct_that_allows_no_dicom_objects_costs_a_finding_not_the_plan(
    planned: PlannedCase[Any], tmp_path: Path
) -> None:
    """Without a frame of reference a dose would hang in the air; no half of it is left behind."""
    path = tmp_path / "plan"
    result = write_plan_folder(replace(planned, source=_header(planned, frame="")), path, force=False)
    assert "dicom-unavailable" in [finding.id for finding in result.plan.findings]
    assert not (path / "dicom" / "dose.dcm").exists()
    assert not (path / "dicom" / "plan.dcm").exists()


@pytest.mark.usefixtures("quick")
def test_everything_that_planning_computes_fits_the_schema(
    planned: PlannedCase[Any], rich: Plan, tmp_path: Path
) -> None:
    """Moments are written with their distance from UTC."""
    path = tmp_path / "plan"
    write_plan_folder(replace(planned, plan=rich), path, force=False)
    content = read_plan(path)
    jsonschema.validate(content, plan_schema(), format_checker=jsonschema.FormatChecker())
    chosen = next(row for row in content["activity"]["vials"] if row["chosen"])
    assert chosen["calibration_time"] == "2026-11-29T12:00:00-05:00"
    assert chosen["treatment_time"] == "2026-12-03T10:30:00+01:00"
