"""Image folders that cannot be used: one line on standard error, status 2, no name, nothing written."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from tests.cli.running import contents, run
from tests.workflow import cases
from tests.workflow.cases import BoxStudy, case_text

Spoil = Callable[[Path], None]
CHANGED = slice(10, 20)


def files(ct: Path) -> list[Path]:
    return sorted(path for path in ct.iterdir() if path.is_file())


def each(ct: Path, which: slice, **values: object) -> None:
    """Set attributes in some files."""
    for path in files(ct)[which]:
        dataset = pydicom.dcmread(path)
        for name, value in values.items():
            setattr(dataset, name, value)
        dataset.save_as(path)


def nothing_in_it(ct: Path) -> None:
    for path in files(ct):
        path.unlink()


def only_notes(ct: Path) -> None:
    nothing_in_it(ct)
    (ct / "README").write_text("Secret Name, come back on Monday\n" * 20)


def two_series(ct: Path) -> None:
    cases.write_ct(ct / "arterial", "arterial")


def two_orientations(ct: Path) -> None:
    each(ct, CHANGED, ImageOrientationPatient=[1, 0, 0, 0, 0, -1])


def two_sizes(ct: Path) -> None:
    each(ct, CHANGED, Rows=28, PixelData=bytes(2 * 28 * 64))


def two_patients(ct: Path) -> None:
    each(ct, CHANGED, PatientID="SECRET-18")


def two_frames(ct: Path) -> None:
    each(ct, CHANGED, FrameOfReferenceUID="1.2.3")


def missing_slice(ct: Path) -> None:
    files(ct)[20].unlink()


def duplicate_slice(ct: Path) -> None:
    shutil.copy(files(ct)[20], ct / "copy.dcm")


def text_named_dcm(ct: Path) -> None:
    (ct / "notes.dcm").write_text("Secret Name\n" * 50)


def truncated_pixels(ct: Path) -> None:
    path = files(ct)[20]
    path.write_bytes(path.read_bytes()[:-3000])


def truncated_header(ct: Path) -> None:
    path = files(ct)[20]
    path.write_bytes(path.read_bytes()[:400])


def empty_file(ct: Path) -> None:
    files(ct)[20].write_bytes(b"")


def magnetic_resonance(ct: Path) -> None:
    each(ct, slice(None), Modality="MR", SOPClassUID="1.2.840.10008.5.1.4.1.1.4")


VENOUS = "portal venous (CT, 52 axial images, UID ends in 15507639)"
SPOILT: dict[Spoil, str] = {
    only_notes: "no DICOM file in CT (1 other files); give the folder of a series",
    two_series: (
        "2 CT series fit; name one by its UID or the end of it, or give a folder with only one: "
        f"arterial (CT, 52 axial images, UID ends in 20890114); {VENOUS}"
    ),
    two_orientations: (
        "slices of 2 orientations in one series, such as slice_0001.dcm at (-160.0, -140.0, -100.0) mm and "
        "slice_0011.dcm at (-160.0, -140.0, -50.0) mm; separate them and give one orientation"
    ),
    two_sizes: (
        "slices of different sizes in one series (64 x 28, 64 x 56 pixels); give a folder with one volume"
    ),
    two_patients: "slices of 2 patients in one series; give a folder with one series",
    two_frames: "slices of 2 frames of reference in one series; give a folder with one series",
    missing_slice: (
        "1 slice is missing between -5.00 and 5.00 mm (the step is 5 mm); fetch the whole series again"
    ),
    duplicate_slice: (
        "copy.dcm and slice_0021.dcm lie at the same position 0.00 mm; remove the duplicate, or separate the "
        "two volumes and give one"
    ),
    text_named_dcm: "notes.dcm is not a DICOM file; remove it from the folder or give another",
    truncated_pixels: ("slice_0021.dcm is a damaged or truncated DICOM file; copy it again from its source"),
    truncated_header: "slice_0021.dcm is DICOM without a modality; remove it from the folder",
    empty_file: "slice_0021.dcm is not a DICOM file; remove it from the folder or give another",
}


@pytest.fixture
def ct(boxes: BoxStudy, tmp_path: Path) -> Path:
    """A copy of the CT to spoil."""
    folder = tmp_path / "images" / "CT"
    shutil.copytree(boxes.folder / "CT", folder)
    return folder


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__)
def test_one_line_for_every_command(ct: Path, existing: Path, spoil: Spoil) -> None:
    spoil(ct)
    before = contents(existing.parent)
    case = ct.parent / "case.toml"
    case.write_text(case_text(masks=False))
    for command in (
        ("plan", case, "-o", existing, "--force"),
        ("plan", ct, "-o", existing, "--force", "--json"),
        ("segment", ct, "-o", existing, "--force"),
        ("burden", ct, "--json"),
    ):
        ran = run(*command)
        assert (ran.status, ran.out, ran.lines) == (2, "", [f"error: {SPOILT[spoil]}"]), command
        assert "secret" not in ran.err.lower()
    assert contents(existing.parent) == before


def test_a_ct_that_calls_itself_an_mr(ct: Path, existing: Path) -> None:
    """A plan needs a CT; a segmentation takes the MR and finds numbers that no MR has."""
    magnetic_resonance(ct)
    before = contents(existing.parent)
    case = ct.parent / "case.toml"
    case.write_text(case_text(masks=False))
    found = VENOUS.replace("(CT", "(MR")
    for images in (case, ct):
        ran = run("plan", images, "-o", existing, "--force")
        assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)
        assert ran.lines[0].startswith("error: CT holds an MR and no CT; this needs a CT")
        assert ran.lines[0].endswith(f"found: {found}")
    for ran in (run("segment", ct, "-o", existing, "--force"), run("burden", ct)):
        assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)
        assert "of the values are negative" in ran.err
        assert "a CT given as MR?" in ran.err
    assert contents(existing.parent) == before


def test_an_empty_folder(ct: Path, existing: Path) -> None:
    nothing_in_it(ct)
    before = contents(existing.parent)
    ran = run("plan", ct, "-o", existing, "--force")
    assert ran.lines == ["error: CT: an empty folder; give a case file or a folder of images"]
    ran = run("segment", ct, "-o", existing, "--force")
    assert ran.lines == ["error: CT is an empty folder; give the folder of a DICOM series"]
    assert contents(existing.parent) == before


def test_a_series_is_named_by_the_end_of_its_uid(ct: Path, found: None) -> None:
    two_series(ct)
    ran = run("burden", ct, "--series", "20890114")
    assert ran.status == 0, ran.err
    ran = run("burden", ct, "--series", "7")
    expected = (
        'error: no CT or MR series with a UID that ends in "7" found; the folder holds: '
        f"arterial (CT, 52 axial images, UID ends in 20890114); {VENOUS}"
    )
    assert (ran.status, ran.lines) == (2, [expected])


def test_a_mask_of_another_grid(boxes: BoxStudy, existing: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    from emboplan.files.nifti import write_mask
    from emboplan.model.mask import Mask

    before = contents(existing.parent)
    liver = cases.box(cases.LIVER)
    write_mask(
        tmp_path / "shifted.nii.gz",
        Mask(replace(liver.grid, origin_mm=(-150.0, -140.0, -100.0)), liver.voxels),
    )
    command = ("--liver", tmp_path / "shifted.nii.gz", "-o", existing, "--force")
    ran = run("segment", boxes.folder / "CT", *command)
    expected = (
        "error: shifted.nii.gz lies on another grid: 64 x 56 x 52 voxels of 5 x 5 x 5 mm at "
        "(-150.0, -140.0, -100.0); expected 64 x 56 x 52 voxels of 5 x 5 x 5 mm at (-160.0, -140.0, -100.0); "
        "resample the mask to the CT, or draw it on this CT"
    )
    assert (ran.status, ran.lines) == (2, [expected])
    assert contents(existing.parent) == before
