"""`emboplan segment`, `burden`, `compare` and `plan` on an MR of a drawn body with a known liver."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from tests.cli.running import Ran, run
from tests.segmentation.drawn_mr import LESION, T1, twin, write_mr
from tests.workflow import cases

from emboplan.files.nifti import read_mask, write_labels, write_mask, write_volume
from emboplan.model.image import MrSequence
from emboplan.model.mask import LabelMap, Mask

NAME = "T1 VIBE fs post contrast portal"
TRUE = twin(T1, MrSequence.T1_POST)
GRID = TRUE.mr.grid
LIVER_ML = TRUE.liver.sum() * GRID.voxel_ml
LESION_ML = TRUE.lesion.sum() * GRID.voxel_ml
WATER = (-16.0, -40.0, 60.0)  # centre of the drawn gallbladder


def point(*mm: float) -> str:
    return ",".join(f"{v:g}" for v in mm)


def record(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "segmentation.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The MR as DICOM in ``MR``, as NIfTI, and true masks."""
    folder = tmp_path_factory.mktemp("images")
    write_mr(folder / "MR", TRUE.mr, NAME)
    write_volume(folder / "mr.nii.gz", np.rint(TRUE.mr.signal), GRID)
    write_mask(folder / "liver.nii.gz", Mask(GRID, TRUE.liver))
    write_labels(folder / "tumours.nii.gz", LabelMap(GRID, TRUE.lesion.astype(np.uint16)))
    write_labels(folder / "none.nii.gz", LabelMap(GRID, np.zeros(GRID.shape, np.uint16)))
    return folder


@pytest.fixture(scope="module")
def found(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a segmentation of the DICOM series; nobody changes it."""
    folder = tmp_path_factory.mktemp("found") / "s"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("emboplan.report.figures.draw_anatomy", lambda _anatomy: ())
        ran = run("segment", images / "MR", "-o", folder)
    assert ran.status == 0, ran.err
    return folder


def masks(images: Path, lesions: str = "tumours.nii.gz") -> tuple[object, ...]:
    return ("--liver", images / "liver.nii.gz", "--tumours", images / lesions)


def ok(ran: Ran) -> dict[str, Any]:
    assert ran.status == 0, ran.err
    result: dict[str, Any] = json.loads(ran.out)
    return result


def test_the_folder_of_an_mr(found: Path) -> None:
    """Liver and lesion within their bounds; no number of a CT; a SEG that refers to the MR's slices."""
    result = record(found)
    assert result["liver_ml"] == pytest.approx(LIVER_ML, rel=0.05)
    assert result["tumour_ml"] == pytest.approx(LESION_ML, rel=0.1)
    assert [lesion["mean_hu"] for lesion in result["lesions"]] == [None]
    assert (result["lung_ml"], result["lung_mass_g"]) == (None, None)
    assert set(result["digests"]) == {"mr", "liver", "lesions"}
    assert "segmentation.mr" in [finding["id"] for finding in result["findings"]]
    assert sorted(path.name for path in (found / "masks").iterdir()) == ["liver.nii.gz", "tumours.nii.gz"]
    seg = pydicom.dcmread(found / "dicom" / "segmentation.dcm")
    references = seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert {one.ReferencedSOPClassUID for one in references} == {"1.2.840.10008.5.1.4.1.1.4"}
    assert [one.SegmentLabel for one in seg.SegmentSequence] == ["Liver", "Lesion 1"]


def test_a_file_needs_the_word_that_it_is_an_mr(images: Path, found: Path) -> None:
    """The same voxels as a file and as a series give the same liver."""
    ran = run("burden", images / "mr.nii.gz")
    assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)
    assert "--modality mr" in ran.err
    result = ok(run("burden", images / "mr.nii.gz", "--sequence", "t1-post", "--json"))
    assert result["digests"] == record(found)["digests"]


def test_given_masks_are_measured(images: Path) -> None:
    result = ok(run("burden", images / "MR", *masks(images), "--json", "--confirm", "Dr. Reader"))
    assert result["liver_ml"] == pytest.approx(LIVER_ML)
    assert result["burden_pct"] == pytest.approx(100 * LESION_ML / LIVER_ML)
    assert (result["backend"], result["confirmed_by"]) == ("given", "Dr. Reader")


def test_masks_on_an_mr_are_compared(images: Path, found: Path) -> None:
    """A DICOM segmentation of the MR is read on the MR's grid."""
    seg = f"{found / 'dicom' / 'segmentation.dcm'}#Liver"
    result = ok(run("compare", seg, images / "liver.nii.gz", "--series", images / "MR", "--json"))
    assert result["dice"] > 0.95


def test_a_result_is_taken_up_again(images: Path, found: Path, tmp_path: Path) -> None:
    """Without a change all stays; a lesion pointed at goes."""
    again = ok(run("segment", images / "MR", "--refine", found, "-o", tmp_path / "a", "--json"))
    assert again["digests"] == record(found)["digests"]
    less = ok(
        run(
            *("segment", images / "MR", "--refine", found, "-o", tmp_path / "b", "--json"),
            *("--exclude-tumour", point(*LESION[:3])),
        )
    )
    assert (less["lesions"], less["tumour_ml"]) == ([], 0.0)
    assert less["liver_ml"] == again["liver_ml"]


def test_results_of_ct_and_mr_are_not_mixed(images: Path, found: Path, tmp_path: Path) -> None:
    """An MR's result does not go with a CT on the same grid, nor with another MR."""
    hu = np.where(TRUE.mr.signal > 40, 50, -1000).astype(np.int16)
    write_volume(tmp_path / "ct.nii.gz", hu, GRID)
    ran = run("segment", tmp_path / "ct.nii.gz", "--refine", found, "-o", tmp_path / "a")
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "no result of this CT but of an image of another kind" in ran.err
    write_volume(tmp_path / "mr.nii.gz", TRUE.mr.signal + 1, GRID)
    ran = run("segment", tmp_path / "mr.nii.gz", "--modality", "mr", "--refine", found, "-o", tmp_path / "a")
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "is the result of another MR" in ran.err


def test_a_missed_lesion_is_grown_from_a_point(images: Path, tmp_path: Path) -> None:
    """The ball of 16 mm radius by one point, whatever the scanner's scale is."""
    result = ok(
        run(
            *("segment", images / "MR", *masks(images, "none.nii.gz"), "-o", tmp_path / "s", "--json"),
            *("--include-tumour", point(*LESION[:3])),
        )
    )
    assert result["tumour_ml"] == pytest.approx(LESION_ML, rel=0.1)


def test_a_point_in_plain_liver_is_no_lesion(images: Path, tmp_path: Path) -> None:
    """The message speaks of signal and not of Hounsfield units."""
    ran = run(
        *("segment", images / "MR", *masks(images, "none.nii.gz"), "-o", tmp_path / "s"),
        *("--include-tumour", point(-40.0, 30.0, 85.0)),
    )
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "nothing stands out at the point" in ran.err
    assert "% of the liver's signal" in ran.err
    assert "HU" not in ran.err
    ran = run("segment", images / "MR", *masks(images), "-o", tmp_path / "s", "--include", "900,0,0")
    assert "outside the MR; the MR has x from" in ran.err


def test_what_is_no_liver_is_left_out_by_a_point(images: Path, tmp_path: Path) -> None:
    """A liver drawn over the gallbladder loses it."""
    z, y, x = np.ogrid[0 : GRID.shape[0], 0 : GRID.shape[1], 0 : GRID.shape[2]]
    (dx, dy, dz), (x0, y0, z0) = GRID.spacing_mm, GRID.origin_mm
    radii = (22.0, 22.0, 28.0)
    water = sum(
        ((at * d + first - c) / r) ** 2
        for at, d, first, c, r in zip((x, y, z), (dx, dy, dz), (x0, y0, z0), WATER, radii, strict=True)
    )
    drawn = TRUE.liver | np.asarray(water <= 1)
    write_mask(tmp_path / "liver.nii.gz", Mask(GRID, drawn))
    ok(
        run(
            *("segment", images / "MR", "--liver", tmp_path / "liver.nii.gz"),
            *("--tumours", images / "tumours.nii.gz", "-o", tmp_path / "s", "--json"),
            *("--exclude", point(*WATER)),
        )
    )
    left = read_mask(tmp_path / "s" / "masks" / "liver.nii.gz", None, GRID).voxels
    assert (left & ~TRUE.liver).sum() < 0.05 * (drawn & ~TRUE.liver).sum()
    assert (TRUE.liver & ~left).sum() < 0.01 * TRUE.liver.sum()


def test_what_needs_a_ct_refuses_an_mr(images: Path, tmp_path: Path) -> None:
    """A plan on a folder, on a case file, and a segmenter for CTs."""
    shutil.copytree(images / "MR", tmp_path / "CT")
    (tmp_path / "case.toml").write_text(cases.case_text(masks=False))
    for command in (("plan", tmp_path / "CT"), ("plan", tmp_path / "case.toml")):
        ran = run(*command, "-o", tmp_path / "p")
        assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)
        assert "CT holds an MR and no CT; this needs a CT" in ran.err
    ran = run("segment", images / "MR", "--backend", "totalsegmentator", "-o", tmp_path / "s")
    assert ran.lines == [
        "error: totalsegmentator draws on a CT only; leave --backend out, or give masks of the MR"
    ]
    ran = run("segment", images / "MR", "--modality", "ct", "-o", tmp_path / "s")
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "no CT series found" in ran.err
