"""`emboplan plan`, `dose` and `verify` with an image that lies elsewhere: registered where asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from tests.cli.running import contents, run
from tests.dicom.make_pet import write_pet
from tests.workflow import cases
from tests.workflow.administered import case_text as delivered_case
from tests.workflow.cases import BoxStudy, case_text
from tests.workflow.test_laid_scan import FWHM_MM, FWHM_PER_SIGMA, MOVED, carried, spect

from emboplan.files.nifti import read_labels, write_mask

# Sideways and upwards, no turn: what a PET of axial slices can be written in.
SHIFT = (9.0, -6.0, 12.0)
TO_MAP = ("--administered", "2 GBq", "--shunt", 0.05, "--method", "local")
ACCEPT = ("--register", "rigid", "--resolution", FWHM_MM, "--accept-shift", 25)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> BoxStudy:
    written = cases.write_study(tmp_path_factory.mktemp("elsewhere") / "study")
    write_mask(written.folder / "lungs.nii.gz", cases.box(*cases.LUNGS))
    spect(written.folder / "moved.dcm", carried(cases.SCAN_GRID, MOVED))
    spect(written.folder / "lies.dcm", cases.SCAN_GRID)
    pet(written.folder / "pet", SHIFT)
    return written


def pet(folder: Path, shift: tuple[float, float, float], **changes: str) -> Path:
    """About 2 GBq of Y-90 in the liver of the boxes, lesions twice as hot, on slices that a table moved."""
    fine = cases.box(cases.LIVER).voxels.astype(np.float64)
    fine[cases.lesions().labels > 0] = 2.0
    share = fine.reshape(26, 2, 28, 2, 32, 2).mean(axis=(1, 3, 5)) / 2
    share = gaussian_filter(share, FWHM_MM / FWHM_PER_SIGMA / 10.0)
    x, y, z = np.array(cases.SCAN_GRID.origin_mm) + shift
    bq_per_ml = 4e6 * 2 ** (-20 / 64.1)
    per_slice = {k: {"ImagePositionPatient": [float(x), float(y), float(z + 10.0 * k)]} for k in range(26)}
    return write_pet(
        folder,
        np.round(share * 20_000).astype(np.uint16),
        (bq_per_ml / 20_000,) * 26,
        per_slice=per_slice,
        positions_mm=tuple(float(z + 10.0 * k) for k in range(26)),
        PixelSpacing=[10.0, 10.0],
        SliceThickness=10.0,
        **changes,
    )


def masks(study: BoxStudy) -> tuple[object, ...]:
    given: tuple[object, ...] = ("--ct", study.folder / "CT")
    for name in ("liver", "tumours", "lungs"):
        given += (f"--{name}", study.folder / f"{name}.nii.gz")
    return given


def doses(ran: Any) -> dict[str, float]:
    assert ran.status == 0, ran.err
    return {one["name"]: one["mean_gy"] for one in json.loads(ran.out)["structures"]}


def test_a_dose_of_a_moved_scan_is_that_of_the_unmoved(study: BoxStudy, tmp_path: Path) -> None:
    """Normal liver and lesions within 6 %; the folder holds picture and numbers of the registration."""
    out = tmp_path / "out"
    moved = ("dose", study.folder / "moved.dcm", *masks(study), *TO_MAP)
    ran = run(*moved)
    assert ran.status == 2
    assert "let it be registered (--register rigid)" in ran.err
    found = doses(run(*moved, *ACCEPT, "-o", out, "--json"))
    lies = doses(run("dose", study.folder / "lies.dcm", *masks(study), *TO_MAP, "--json"))
    for name, gy in lies.items():
        assert found[name] == pytest.approx(gy, rel=0.06), name
    assert {"registration.json", "figures/registration.png"} <= set(contents(out))
    assert json.loads((out / "registration.json").read_text(encoding="utf-8"))["accepted"] is True
    said = json.loads((out / "dose.json").read_text(encoding="utf-8"))["findings"]
    (words,) = [one["text"] for one in said if one["id"] == "scan-registered"]
    assert "up to 25 mm by --accept-shift" in words


def test_a_dose_is_refused_where_the_result_is_not_accepted(study: BoxStudy, tmp_path: Path) -> None:
    ran = run(
        "dose", study.folder / "moved.dcm", *masks(study), *TO_MAP, "-o", tmp_path / "out",
        "--register", "rigid", "--resolution", FWHM_MM,
    )  # fmt: skip
    assert ran.status == 2
    assert "more than the tolerance of 10 mm" in ran.err
    assert "`emboplan register` draws the picture" in ran.err
    assert not (tmp_path / "out").exists()
    ran = run("dose", study.folder / "moved.dcm", *masks(study), *TO_MAP, "--register", "affine")
    assert "turned and shifted only" in ran.err
    ran = run("dose", study.folder / "moved.dcm", *masks(study), *TO_MAP, "--accept-shift", 20)
    assert "without a registration" in ran.err


def test_the_liver_of_a_pet_is_found_where_it_was_moved_to(study: BoxStudy, tmp_path: Path) -> None:
    """The liver of a PET 16 mm away holds what that of one in the CT's frame does, within 2 %."""
    case = tmp_path / "case.toml"
    case.write_text(delivered_case(), encoding="utf-8")
    given = ("--liver", study.folder / "liver.nii.gz", "--ct", study.folder / "CT", "--lungs-in-field")
    lies = pet(tmp_path / "lies", (0.0, 0.0, 0.0), FrameOfReferenceUID=cases.FRAME)
    expected = json.loads(run("verify", case, "--delivered", lies, *given, "--json").out)["image"]["liver"]
    moved, out = ("verify", case, "--delivered", study.folder / "pet", *given), tmp_path / "out"
    ran = run(*moved)
    assert ran.status == 2
    assert "let the PET be registered (--register rigid)" in ran.err
    ran = run(*moved, *ACCEPT, "-o", out, "--json")
    assert ran.status == 0, ran.err
    held = json.loads(ran.out)["image"]["liver"]["total_gbq"]
    assert held == pytest.approx(expected["total_gbq"], rel=0.02)
    assert held > 1.5
    assert set(contents(out)) == {
        "delivery.json", "figures", "figures/registration.png", "registration.json",
    }  # fmt: skip


@pytest.mark.slow
def test_a_pet_is_left_out_of_the_liver_where_the_result_is_not_accepted(
    study: BoxStudy, tmp_path: Path
) -> None:
    """The readings stand; no liver is compared, and it is said why."""
    case = tmp_path / "case.toml"
    case.write_text(delivered_case(), encoding="utf-8")
    pet_of = ("verify", case, "--delivered", study.folder / "pet")
    given = ("--liver", study.folder / "liver.nii.gz", "--ct", study.folder / "CT", "--lungs-in-field")
    ran = run(*pet_of, *given, "--register", "rigid", "--resolution", FWHM_MM, "--json")
    assert ran.status == 0
    report = json.loads(ran.out)
    assert report["image"]["liver"] is None
    assert "scan-registration-refused" in {one["id"] for one in report["findings"]}
    ran = run(*pet_of, "--register", "rigid")
    assert "--register was given without --ct" in ran.err


@pytest.mark.slow
def test_dicom_says_what_it_shows(study: BoxStudy, tmp_path: Path) -> None:
    """A SPECT and a PET on the CT, from DICOM: counts and Bq/mL are told, and the place is found."""
    liver = ("--liver", study.folder / "liver.nii.gz", "--resolution", FWHM_MM, "--accept-shift", 25)
    for name, kind, unit in (("moved.dcm", "spect", "counts per voxel"), ("pet", "pet", "Bq/mL")):
        ran = run(
            "register", study.folder / "CT", study.folder / name, *liver, "-o", tmp_path / kind, "--json"
        )
        assert ran.status == 0, ran.err
        written = json.loads(ran.out)
        assert (written["fixed"], written["moving"], written["moved_unit"]) == ("ct", kind, unit)
        shift = np.array(written["fixed_to_moving"]) @ [-52.5, -20.0, -20.0, 1.0]
        true = (
            MOVED @ [-52.5, -20.0, -20.0, 1.0] if kind == "spect" else [*np.add(SHIFT, [-52.5, -20, -20]), 1]
        )
        assert shift == pytest.approx(true, abs=2.0)


def test_a_plan_folder_shows_registration_and_territories(study: BoxStudy, tmp_path: Path) -> None:
    """Both halves by plane: numbered masks, a picture of them, and one of the registration."""
    images = f'maa = "moved.dcm"\nmaa_resolution = "{FWHM_MM} mm"\nregister = "rigid"\naccept_shift = "20 mm"'
    text = case_text(images=images, territory="").partition("[[territory]]")[0]
    goal = 'tumour_goal = { dose = "120 Gy", source = "site" }'
    for name, side in (("right lobe", "right"), ("left lobe", "left")):
        points = "[[-52.5, 0, 0], [-52.5, 10, 0], [-52.5, 0, 10]]"
        text += f'[[territory]]\nname = "{name}"\nplane = {{ points = {points}, side = "{side}" }}\n{goal}\n'
    out = tmp_path / "plan"
    ran = run("plan", study.case(text, "both.toml"), "-o", out, "--json")
    assert ran.status == 0, ran.err
    written = set(contents(out))
    assert {"registration.json", "figures/registration.png", "figures/territories.png"} <= written
    assert "masks/territories.nii.gz" in written
    labels = read_labels(out / "masks" / "territories.nii.gz")
    assert [labels.mask(n).volume_ml for n in labels.numbers] == pytest.approx([500.0, 500.0])
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "1 right lobe, 2 left lobe" in page
    again = json.loads((out / "registration.json").read_text(encoding="utf-8"))
    assert again["decided_by"] == "the liver's contour"
