"""`emboplan compare`: two mask files, as text and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from tests.cli.running import run
from tests.workflow.cases import BoxStudy

from emboplan.files import nifti
from emboplan.model.grid import Grid
from emboplan.model.mask import LabelMap, Mask

GRID = Grid((6, 10, 20), (2.0, 2.0, 2.5), (0.0, 0.0, 0.0))


def box(first: int, end: int) -> Mask:
    """2 x 4 voxels across, from a column to before another."""
    voxels = np.zeros(GRID.shape, np.bool_)
    voxels[2:4, 3:7, first:end] = True
    return Mask(GRID, voxels)


def test_two_files_are_compared(tmp_path: Path) -> None:
    """10 columns of 0.08 mL against 8 that share 6: 12 / 18 and 6 / 12, 25 % too large."""
    nifti.write_mask(tmp_path / "a.nii.gz", box(4, 14))
    nifti.write_mask(tmp_path / "b.nii.gz", box(8, 16))
    ran = run("compare", tmp_path / "a.nii.gz", tmp_path / "b.nii.gz")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[:4] == [
        "Dice                  0.6667",
        "Jaccard               0.5000",
        "volume                0.8 mL; reference 0.6 mL",
        "volume difference     +25.00 % of the reference",
    ]
    written = json.loads(run("compare", tmp_path / "a.nii.gz", tmp_path / "b.nii.gz", "--json").out)
    assert (written["jaccard"], written["volume_difference_pct"]) == (0.5, 25.0)
    assert written["surface"]["maximum_mm"] == 8.0  # four columns of 2 mm
    assert written["lesions"] is None


def test_lesions_are_compared_one_by_one(tmp_path: Path) -> None:
    """A mask of two parts is numbered; a label map keeps its numbers."""
    nifti.write_mask(tmp_path / "found.nii.gz", box(0, 6) | box(10, 12))
    labels = np.where(box(0, 6).voxels, 4, np.where(box(15, 19).voxels, 2, 0)).astype(np.uint16)
    nifti.write_labels(tmp_path / "true.nii.gz", LabelMap(GRID, labels))
    ran = run("compare", tmp_path / "found.nii.gz", tmp_path / "true.nii.gz", "--lesions")
    lines = [line.split(", ", 1)[-1] for line in ran.out.splitlines() if line.startswith("  lesion")]
    assert len(lines) == 2
    assert lines[0].endswith("missed, 0 % covered")
    assert lines[1].endswith("found as 1, volume +0.0 %")
    assert "1 of 2 found, 1 false" in ran.out


def test_dicom_masks_need_their_ct(boxes: BoxStudy, tmp_path: Path) -> None:
    """One line says so; with the CT a mask agrees with itself."""
    liver = boxes.folder / "liver.nii.gz"
    ran = run("compare", liver, tmp_path / "seg.dcm")
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert "--series" in ran.err
    same = run("compare", liver, liver, "--series", boxes.folder / "CT", "--json")
    assert json.loads(same.out)["dice"] == 1.0
