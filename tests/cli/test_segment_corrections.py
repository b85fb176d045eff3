"""`emboplan segment` with corrections, and results taken up again after other programs edited them.

The boxes have hand-worked volumes: a liver of 1000 mL with lesions of 64 and 27 mL, voxels of 0.125 mL.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813  the name its documentation uses
from pydicom.sr.codedict import codes
from tests.cli.running import Ran, contents, run
from tests.workflow.cases import GRID, BoxStudy, ct_numbers, write_ct

from emboplan.files.nifti import write_ct as write_nifti_ct
from emboplan.model.image import CtImage

# The corner of the box liver that lies first, and one voxel's edge.
X0, Y0, Z0 = (float(v) for v in GRID.to_mm((12, 14, 6)))
LESION_1 = ",".join(f"{v:g}" for v in GRID.to_mm((18, 22, 14)))


def box_text(first: tuple[int, int, int], last: tuple[int, int, int]) -> str:
    """A box between two voxels (x, y, z), both inside."""
    return ":".join(",".join(f"{v:g}" for v in GRID.to_mm(index)) for index in (first, last))


def masks(boxes: BoxStudy) -> tuple[object, ...]:
    return ("--liver", boxes.folder / "liver.nii.gz", "--tumours", boxes.folder / "tumours.nii.gz")


def record(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "segmentation.json").read_text(encoding="utf-8"))
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [finding["id"] for finding in found["findings"]]


@pytest.fixture(scope="module")
def confirmed(boxes: BoxStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result that a reader confirmed; nobody changes it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("emboplan.report.figures.draw_anatomy", lambda _anatomy: ())
        folder = tmp_path_factory.mktemp("confirmed") / "s"
        ran = run("segment", boxes.folder / "CT", *masks(boxes), "--confirm", "Dr. Reader", "-o", folder)
        assert ran.status == 0, ran.err
    return folder


@pytest.fixture
def earlier(confirmed: Path, tmp_path: Path) -> Path:
    """A copy of it, to be edited."""
    return Path(shutil.copytree(confirmed, tmp_path / "earlier"))


def refine(boxes: BoxStudy, folder: Path, *more: object, ct: Path | None = None) -> Ran:
    out = folder.parent / "refined"
    return run("segment", ct or boxes.folder / "CT", "--refine", folder, *more, "-o", out, "--json")


def test_corrections_are_made_said_and_recorded(boxes: BoxStudy, tmp_path: Path) -> None:
    """A slab of 20 x 20 x 2 voxels less: 100 mL; a lesion less: 64 mL."""
    slab = box_text((12, 14, 24), (31, 33, 25))
    out = tmp_path / "s"
    ran = run(
        *("segment", boxes.folder / "CT", *masks(boxes), "-o", out, "--json"),
        *("--exclude", slab, "--exclude-tumour", LESION_1),
    )
    assert ran.status == 0, ran.err
    found = json.loads(ran.out)
    assert (found["liver_ml"], found["tumour_ml"]) == (900.0, 27.0)
    assert [(c["option"], c["value"], c["removed_ml"]) for c in found["corrections"]] == [
        ("exclude", slab, 100.0),
        ("exclude-tumour", LESION_1, 64.0),
    ]
    assert ids(found).count("segmentation.corrected") == 2
    assert (found["backend"], found["history"]) == (
        "given",
        ["liver and lesions: given", "corrected 2 times"],
    )
    again = [word for c in found["corrections"] for word in (f"--{c['option']}", c["value"])]
    repeated = run("segment", boxes.folder / "CT", *masks(boxes), "-o", tmp_path / "t", "--json", *again)
    assert json.loads(repeated.out)["digests"] == found["digests"]


def test_negative_positions_are_values_and_not_options(boxes: BoxStudy, tmp_path: Path) -> None:
    ran = run("burden", boxes.folder / "CT", *masks(boxes))
    assert ran.status == 0
    ran = run(
        *("segment", boxes.folder / "CT", *masks(boxes), "-o", tmp_path / "s"),
        *("--exclude", "-100,-70,-70:-96,-66,-66"),
    )
    assert ran.status == 0, ran.err


def test_a_point_outside_is_one_line(boxes: BoxStudy, tmp_path: Path) -> None:
    ran = run(
        *("segment", boxes.folder / "CT", *masks(boxes), "-o", tmp_path / "s"),
        *("--include", "900,0,0", "--include", "0,900,0"),
    )
    assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)
    assert "900,0,0, 0,900,0: outside the CT; the CT has x from -160 to 155" in ran.err
    assert not (tmp_path / "s").exists()


def test_a_missing_backend_is_one_line(
    boxes: BoxStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOTALSEG_WEIGHTS_PATH", raising=False)
    ran = run("segment", boxes.folder / "CT", "--backend", "totalsegmentator", "-o", tmp_path / "s")
    assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)


def test_nothing_edited_keeps_everything(boxes: BoxStudy, earlier: Path) -> None:
    before = contents(earlier)
    found = json.loads(refine(boxes, earlier).out)
    old = record(earlier)
    for key in (
        "liver_ml",
        "tumour_ml",
        "lesions",
        "confirmed_by",
        "backend",
        "history",
        "digests",
        "lung_ml",
    ):
        assert found[key] == old[key], key
    assert found["confirmed_by"] == "Dr. Reader"
    assert contents(earlier) == before


def test_a_correction_ends_a_confirmation(boxes: BoxStudy, earlier: Path) -> None:
    """Until the reader confirms again."""
    found = json.loads(refine(boxes, earlier, "--exclude-tumour", LESION_1).out)
    assert found["confirmed_by"] is None
    assert "segmentation.confirmation-lapsed" in ids(found)
    assert found["history"][-2:] == ["confirmed by Dr. Reader", "corrected"]
    found = json.loads(
        refine(boxes, earlier, "--exclude-tumour", LESION_1, "--confirm", "Dr. Other", "--force").out
    )
    assert found["confirmed_by"] == "Dr. Other"
    assert "segmentation.confirmation-lapsed" not in ids(found)
    assert found["history"][-1] == "confirmed by Dr. Other"


def test_corrections_add_up(boxes: BoxStudy, earlier: Path, tmp_path: Path) -> None:
    """Refined twice: both corrections are in the record, and both took effect."""
    one, two = tmp_path / "one", tmp_path / "two"
    ct = boxes.folder / "CT"
    assert run("segment", ct, "--refine", earlier, "--exclude-tumour", LESION_1, "-o", one).status == 0
    slab = box_text((12, 14, 24), (31, 33, 25))
    assert run("segment", ct, "--refine", one, "--exclude", slab, "-o", two).status == 0
    found = record(two)
    assert [c["option"] for c in found["corrections"]] == ["exclude-tumour", "exclude"]
    assert (found["liver_ml"], found["tumour_ml"]) == (900.0, 27.0)


def edit(path: Path, to: Path, first: tuple[int, int, int], last: tuple[int, int, int], value: int) -> None:
    """What a viewer does: read, set a box of voxels (x, y, z), write."""
    image = sitk.ReadImage(str(path))
    array = sitk.GetArrayFromImage(image)
    array[first[2] : last[2] + 1, first[1] : last[1] + 1, first[0] : last[0] + 1] = value
    changed = sitk.GetImageFromArray(array)
    changed.CopyInformation(image)
    sitk.WriteImage(changed, str(to))


@pytest.mark.parametrize("name", ["liver.nii.gz", "liver.nrrd", "liver-edited.nii"])
def test_a_liver_edited_elsewhere_comes_back(boxes: BoxStudy, earlier: Path, name: str) -> None:
    """16 voxels of 0.125 mL less, saved under the old name or beside it."""
    edit(earlier / "masks/liver.nii.gz", earlier / "masks" / name, (12, 14, 6), (13, 15, 9), 0)
    found = json.loads(refine(boxes, earlier).out)
    assert (found["liver_ml"], found["tumour_ml"]) == (998.0, 91.0)
    assert found["confirmed_by"] is None
    assert found["history"][-1] == f"edited elsewhere: masks/{name}"


def test_lesions_edited_elsewhere_come_back_with_their_numbers(boxes: BoxStudy, earlier: Path) -> None:
    """A third lesion of 8 voxels, half of it outside the liver: the liver grows by 4."""
    edit(earlier / "masks/tumours.nii.gz", earlier / "masks/tumours.nii.gz", (31, 14, 6), (32, 15, 7), 5)
    found = json.loads(refine(boxes, earlier).out)
    assert (found["liver_ml"], found["tumour_ml"]) == (1000.5, 92.0)
    assert [lesion["label"] for lesion in found["lesions"]] == [1, 2, 5]
    assert "segmentation.lesions-added-to-liver" in ids(found)


def test_a_liver_cut_through_a_lesion_takes_it_along(boxes: BoxStudy, earlier: Path) -> None:
    """The liver loses a plane of 20 x 20 voxels of which 64 are lesion 1."""
    edit(earlier / "masks/liver.nii.gz", earlier / "masks/liver.nii.gz", (12, 14, 10), (31, 33, 10), 0)
    found = json.loads(refine(boxes, earlier).out)
    assert found["liver_ml"] == 950.0
    assert found["tumour_ml"] == 91.0 - (64 + 36) * 0.125
    assert "segmentation.lesions-left-out" in ids(found)


def test_a_segmentation_object_edited_elsewhere_comes_back(boxes: BoxStudy, earlier: Path) -> None:
    """highdicom reads the object, three voxels of a lesion are wiped out, and pydicom writes it."""
    path = earlier / "dicom/segmentation.dcm"
    dataset = pydicom.dcmread(path)
    frames = dataset.pixel_array.copy()
    segment = hd.seg.segread(path)
    (number,) = segment.get_segment_numbers(segment_label="Lesion 1")
    groups = dataset.PerFrameFunctionalGroupsSequence
    own = [k for k, g in enumerate(groups) if _segment(g) == number]
    assert frames[own[0]].sum() == 64
    frames[own[0], 18, 14:17] = 0
    bits = np.packbits(frames.ravel(), bitorder="little").tobytes()
    dataset.PixelData = bits + b"\0" * (len(bits) % 2)
    dataset.save_as(path)
    found = json.loads(refine(boxes, earlier).out)
    assert (found["liver_ml"], found["tumour_ml"]) == (1000.0, 91.0 - 3 * 0.125)
    assert found["history"][-1] == "edited elsewhere: dicom/segmentation.dcm"


def test_a_segmentation_object_of_another_program_comes_back(boxes: BoxStudy, earlier: Path) -> None:
    """highdicom writes a new object with names like ours: the liver smaller by a plane, a third lesion."""
    path = earlier / "dicom/segmentation.dcm"
    slices = sorted(
        (pydicom.dcmread(file) for file in (boxes.folder / "CT").iterdir()),
        key=lambda one: float(one.ImagePositionPatient[2]),
    )
    liver = sitk.GetArrayFromImage(sitk.ReadImage(str(earlier / "masks/liver.nii.gz"))) > 0
    tumours = sitk.GetArrayFromImage(sitk.ReadImage(str(earlier / "masks/tumours.nii.gz")))
    liver[25] = False
    tumours[20:22, 20:22, 20:22] = 3
    arrays = np.stack([liver, tumours == 1, tumours == 2, tumours == 3], axis=-1)
    algorithm = hd.AlgorithmIdentificationSequence(
        name="viewer", family=codes.cid7162.ArtificialIntelligence, version="1"
    )
    new = hd.seg.Segmentation(
        source_images=slices,
        pixel_array=arrays,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[
            hd.seg.SegmentDescription(
                segment_number=number,
                segment_label=label,
                segmented_property_category=codes.SCT.AnatomicalStructure,
                segmented_property_type=codes.SCT.Liver,
                algorithm_type="SEMIAUTOMATIC",
                algorithm_identification=algorithm,
            )
            for number, label in enumerate(("Liver", "Lesion 1", "Lesion 2", "Lesion 3"), start=1)
        ],
        series_instance_uid=hd.UID(),
        series_number=77,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="viewer",
        manufacturer_model_name="viewer",
        software_versions="1",
        device_serial_number="1",
    )
    new.save_as(path)
    found = json.loads(refine(boxes, earlier).out)
    assert (found["liver_ml"], found["tumour_ml"]) == (950.0, 92.0)
    assert [lesion["label"] for lesion in found["lesions"]] == [1, 2, 3]


def _segment(group: Any) -> int:
    return int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber)


def test_a_slicer_segmentation_comes_back_by_its_names(boxes: BoxStudy, earlier: Path) -> None:
    """Liver and lesions in one file of named segments; a name without a number gets the next one."""
    liver = sitk.GetArrayFromImage(sitk.ReadImage(str(earlier / "masks/liver.nii.gz")))
    tumours = sitk.GetArrayFromImage(sitk.ReadImage(str(earlier / "masks/tumours.nii.gz")))
    tumours[8, 16, 14:16] = 3
    reference = sitk.ReadImage(str(earlier / "masks/tumours.nii.gz"))
    labels = sitk.GetImageFromArray(np.where(tumours > 0, tumours + 1, liver).astype(np.uint8))
    labels.CopyInformation(reference)
    for segment, (name, value) in enumerate([("Lesion 1", 2), ("Lesion 2", 3), ("tumour", 4)]):
        labels.SetMetaData(f"Segment{segment}_Name", name)
        labels.SetMetaData(f"Segment{segment}_LabelValue", str(value))
    sitk.WriteImage(labels, str(earlier / "Segmentation.seg.nrrd"))
    found = json.loads(refine(boxes, earlier).out)
    assert [lesion["label"] for lesion in found["lesions"]] == [1, 2, 3]
    assert (found["liver_ml"], found["tumour_ml"]) == (1000.0, 91.25)


def test_two_edits_that_differ_are_refused(boxes: BoxStudy, earlier: Path) -> None:
    for name, last in (("liver.nii.gz", 13), ("liver.nrrd", 14)):
        edit(earlier / "masks/liver.nii.gz", earlier / "masks" / name, (12, 14, 6), (last, 15, 9), 0)
    ran = refine(boxes, earlier)
    assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)
    assert "two different liver" in ran.err
    assert "keep one" in ran.err


def test_another_ct_is_refused(boxes: BoxStudy, earlier: Path, tmp_path: Path) -> None:
    """The same grid with other voxels, and another grid."""
    write_ct(tmp_path / "other", "arterial", ct_numbers() + np.int16(1))
    ran = refine(boxes, earlier, ct=tmp_path / "other")
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "result of another CT: its voxels differ" in ran.err
    old = record(earlier)
    del old["digests"]  # as an older version wrote it
    (earlier / "segmentation.json").write_text(json.dumps(old))
    write_nifti_ct(tmp_path / "cut.nii.gz", CtImage(GRID.cropped(np.s_[0:40, :, :]), ct_numbers()[:40]))
    ran = refine(boxes, earlier, ct=tmp_path / "cut.nii.gz")
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "result of another CT" in ran.err


def test_the_same_ct_in_another_format_is_the_same_ct(boxes: BoxStudy, earlier: Path, tmp_path: Path) -> None:
    write_nifti_ct(tmp_path / "ct.nii.gz", CtImage(GRID, ct_numbers()))
    ran = refine(boxes, earlier, ct=tmp_path / "ct.nii.gz")
    assert ran.status == 0, ran.err
    assert json.loads(ran.out)["confirmed_by"] == "Dr. Reader"


def test_refine_takes_its_own_contours_only(boxes: BoxStudy, earlier: Path, tmp_path: Path) -> None:
    ran = refine(boxes, earlier, *masks(boxes))
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "--refine takes the contours of an earlier result" in ran.err
    ran = refine(boxes, tmp_path)
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "holds no segmentation.json" in ran.err
    (earlier / "segmentation.json").write_text("{")
    assert "is not JSON" in refine(boxes, earlier).err
    (earlier / "segmentation.json").write_text("[]")
    assert "is no result of" in refine(boxes, earlier).err
    (earlier / "segmentation.json").write_text(
        '{"backend": "builtin", "findings": [{"id": "segmentation.x"}]}'
    )
    assert "was changed by hand" in refine(boxes, earlier).err


def test_a_result_may_be_refined_in_its_place(boxes: BoxStudy, earlier: Path) -> None:
    ran = run(
        *("segment", boxes.folder / "CT", "--refine", earlier, "--exclude-tumour", LESION_1),
        *("-o", earlier, "--force"),
    )
    assert ran.status == 0, ran.err
    assert record(earlier)["tumour_ml"] == 27.0
