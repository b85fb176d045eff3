"""`emboplan register`: what it writes, what it refuses to write, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813  the name its documentation uses
from tests.cli.running import contents, run
from tests.imaging.drawn_bodies import GRID, ct, in_liver, liver, seen, through, turned

from emboplan.files import nifti
from emboplan.model.grid import Grid

ALL = ["moved.nii.gz", "registration.json", "registration.png", "transform.json", "transform.tfm"]
# A turn of 2 degrees and 6 mm: within the tolerance of 10 mm.
NEAR = turned(2.0, (4.0, -3.0, 3.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CT, the same patient a little and far off, an MR and a SPECT, as NIfTI."""
    made = tmp_path_factory.mktemp("register")
    nifti.write_ct(made / "ct.nii.gz", ct(through(np.eye(4)), seed=2))
    nifti.write_ct(made / "near.nii.gz", ct(through(NEAR)))
    nifti.write_ct(made / "far.nii.gz", ct(through(turned(0.0, (0.0, 0.0, 16.0)))))
    nifti.write_mask(made / "liver.nii.gz", liver())
    hu = seen(through(NEAR))
    nifti.write_volume(made / "mr.nii.gz", np.abs(np.clip(hu, -200, 300) + 200), GRID)
    scan = Grid((20, 24, 24), (8.0, 8.0, 8.0), (-92.0, -92.0, -76.0))
    counts = seen(
        through(turned(0.0, (0.0, 0.0, 0.0))), lambda p: np.where(in_liver(p), 900.0, 0.0), scan, noise=0.0
    )
    nifti.write_volume(made / "spect.nii.gz", counts, scan)
    return made


def test_an_accepted_result_is_written_whole(folder: Path, tmp_path: Path) -> None:
    """The moved image lies on the fixed voxels and is alike; both matrices undo each other."""
    out = tmp_path / "out"
    ran = run("register", folder / "ct.nii.gz", folder / "near.nii.gz", "-o", out)
    assert (ran.status, ran.lines) == (0, [f"written to {out}"])
    assert ran.out.splitlines()[0] == "kind        rigid, CT to CT, from the best of a row of shifts"
    assert "accepted    yes" in ran.out.splitlines()
    assert list(contents(out)) == ALL
    moved = nifti.read_ct(out / "moved.nii.gz")
    assert moved.grid.is_same(GRID)
    fixed = nifti.read_ct(folder / "ct.nii.gz")
    inside = liver().voxels
    alike = np.corrcoef(moved.hu[inside].ravel(), fixed.hu[inside].ravel())[0, 1]
    before = np.corrcoef(nifti.read_ct(folder / "near.nii.gz").hu[inside].ravel(), fixed.hu[inside].ravel())[
        0, 1
    ]
    assert alike > before
    matrices = json.loads((out / "transform.json").read_text(encoding="utf-8"))
    back = np.array(matrices["moving_to_fixed"])
    assert back @ np.array(matrices["fixed_to_moving"]) == pytest.approx(np.eye(4), abs=1e-9)
    assert back @ [-30.0, -5.0, 5.0, 1.0] == pytest.approx(NEAR @ [-30.0, -5.0, 5.0, 1.0], abs=1.5)


def test_the_itk_file_takes_the_same_points_to_the_same_places(folder: Path, tmp_path: Path) -> None:
    """Read by ITK itself: fixed points go to the moving image, as the matrix does."""
    out = tmp_path / "out"
    ran = run("register", folder / "ct.nii.gz", folder / "near.nii.gz", "-o", out, "--json")
    assert ran.err == ""
    written = json.loads(ran.out)
    read = sitk.ReadTransform(str(out / "transform.tfm"))
    place = np.array([-30.0, -5.0, 5.0])
    expected = (np.array(written["fixed_to_moving"]) @ [*place, 1.0])[:3]
    assert np.array(read.TransformPoint(place.tolist())) == pytest.approx(expected, abs=1e-6)


@pytest.mark.slow
def test_a_bend_is_written_for_itk(folder: Path, tmp_path: Path) -> None:
    """No matrix says it; the file that ITK reads does."""
    bent = tmp_path / "bent"
    liver_on_it = ("--liver", folder / "liver.nii.gz")
    ran = run(
        "register",
        folder / "ct.nii.gz",
        folder / "near.nii.gz",
        "--kind",
        "bspline",
        *liver_on_it,
        "-o",
        bent,
    )
    assert ran.status == 0
    assert list(contents(bent)) == [name for name in ALL if name != "transform.json"]
    assert sitk.ReadTransform(str(bent / "transform.tfm")).GetDimension() == 3


def test_a_large_shift_is_shown_and_not_used_until_accepted(folder: Path, tmp_path: Path) -> None:
    """16 mm: picture and numbers to look at, status 2 and one line; then accepted by name."""
    out = tmp_path / "out"
    command = ("register", folder / "ct.nii.gz", folder / "far.nii.gz", "--liver", folder / "liver.nii.gz")
    ran = run(*command, "-o", out)
    assert ran.status == 2
    assert list(contents(out)) == ["registration.json", "registration.png"]
    assert ran.lines[-1].startswith("error: the registration is not accepted: the liver moved by 1")
    written = json.loads((out / "registration.json").read_text(encoding="utf-8"))
    assert (written["accepted"], written["moved_unit"]) == (False, None)
    ran = run(*command, "-o", out, "--force", "--accept-shift", "20")
    assert ran.status == 0
    assert list(contents(out)) == ALL


def test_an_mr_goes_onto_a_ct_by_the_liver(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ("register", folder / "ct.nii.gz", folder / "mr.nii.gz", "--liver", folder / "liver.nii.gz")
    ran = run(*command, "-o", out)
    assert ran.status == 2
    assert "mr.nii.gz does not say what it shows" in ran.err
    assert not out.exists()
    ran = run(*command, "--moving-is", "mr", "-o", out, "--json")
    written = json.loads(ran.out)
    assert (ran.status, written["moving"], written["moved_unit"]) == (0, "mr", "signal")
    assert written["turned_deg"] == pytest.approx(2.0, abs=1.0)


def test_a_scan_keeps_its_counts_on_the_voxels_of_the_ct(folder: Path, tmp_path: Path) -> None:
    """Counts per voxel of 64 times as many voxels: the same total."""
    out = tmp_path / "out"
    liver_on_it = ("--liver", folder / "liver.nii.gz", "--moving-is", "spect")
    ran = run("register", folder / "ct.nii.gz", folder / "spect.nii.gz", *liver_on_it, "-o", out)
    assert ran.status == 2
    assert "give --resolution" in ran.err
    ran = run(
        "register", folder / "ct.nii.gz", folder / "spect.nii.gz", *liver_on_it, "--resolution", 8, "-o", out
    )
    assert ran.status == 0, ran.err
    total, _ = nifti.read_volume(folder / "spect.nii.gz")
    moved, grid = nifti.read_volume(out / "moved.nii.gz")
    assert grid.is_same(GRID)
    assert float(moved.sum()) == pytest.approx(float(total.sum()), rel=0.02)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("none.nii.gz", "ct.nii.gz"), "none.nii.gz is not there"),
        (("ct.nii.gz", "near.nii.gz", "--kind", "demons"), "expected rigid, affine, b-spline"),
        (("ct.nii.gz", "near.nii.gz", "--fixed-is", "spect"), "cannot be the fixed image; expected CT or MR"),
        (("ct.nii.gz", "near.nii.gz", "--moving-is", "xray"), '"xray" is no kind of image'),
    ],
)
def test_mistakes_are_one_line(folder: Path, tmp_path: Path, arguments: tuple[str, ...], line: str) -> None:
    paths = [folder / a if a.endswith(".gz") else a for a in arguments]
    ran = run("register", *paths, "-o", tmp_path / "out")
    assert ran.status == 2
    assert len(ran.lines) == 1
    assert line in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_two_runs_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    runs = []
    for name in ("one", "two"):
        run("register", folder / "ct.nii.gz", folder / "near.nii.gz", "-o", tmp_path / name)
        runs.append(contents(tmp_path / name))
    assert runs[0] == runs[1]
