"""`emboplan dose`: text, JSON and folder for a patient of boxes with doses by hand, and mistakes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.running import contents, run
from tests.workflow import cases
from tests.workflow.cases import BoxStudy

from emboplan.catalog import load
from emboplan.files.nifti import read_volume, write_mask, write_volume
from emboplan.model.grid import Grid

K = load().nuclide("Y-90").k_gy_kg_per_gbq
LIVER_G_PER_ML = load().number("density.liver")
GBQ = 2.0
SHUNT = 0.05

# Voxels of 10 mm, each of eight of the CT's: every box is whole voxels.
COARSE = Grid((26, 28, 32), (10.0, 10.0, 10.0), (-157.5, -137.5, -97.5), frame_of_reference_uid=cases.FRAME)


def coarse(*slices: tuple[slice, ...]) -> np.ndarray[Any, Any]:
    """Boxes of the CT on the coarse grid."""
    fine = cases.box(*slices).voxels.astype(np.float64)
    return np.asarray(fine.reshape(26, 2, 28, 2, 32, 2).mean(axis=(1, 3, 5)))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> BoxStudy:
    written = cases.write_study(tmp_path_factory.mktemp("dose") / "study")
    folder = written.folder
    write_mask(folder / "lungs.nii.gz", cases.box(*cases.LUNGS))
    liver, tumours, lungs = coarse(cases.LIVER), coarse(*cases.LESIONS), coarse(*cases.LUNGS)
    mbq_per_ml = liver + 4 * tumours + 0.02 * lungs
    write_volume(folder / "mbq.nii.gz", mbq_per_ml.astype(np.float32), COARSE)
    write_volume(folder / "bq.nii.gz", (1e6 * mbq_per_ml).astype(np.float32), COARSE)
    return written


def masks(study: BoxStudy) -> tuple[object, ...]:
    folder = study.folder
    return (
        "--ct", folder / "CT", "--liver", folder / "liver.nii.gz",
        "--tumours", folder / "tumours.nii.gz", "--lungs", folder / "lungs.nii.gz",
    )  # fmt: skip


def administered(study: BoxStudy, *more: object) -> tuple[object, ...]:
    return (
        "dose", study.folder / "mbq.nii.gz", *masks(study),
        "--administered", f"{GBQ} GBq", "--shunt", SHUNT, *more,
    )  # fmt: skip


def result(*arguments: object) -> dict[str, Any]:
    ran = run(*arguments, "--json")
    assert (ran.status, ran.err) == (0, "")
    found: dict[str, Any] = json.loads(ran.out)
    return found


def structure(found: dict[str, Any], name: str) -> dict[str, Any]:
    (one,) = [s for s in found["structures"] if s["name"] == name]
    return dict(one)


def test_local_doses_are_those_of_a_hand_calculation(study: BoxStudy) -> None:
    """1.9 GBq in 909 mL of normal liver and 91 mL of tumour with five times the concentration."""
    found = result(*administered(study, "--method", "local"))
    concentration = 1000 * GBQ * (1 - SHUNT) / (cases.NORMAL_ML + 5 * sum(cases.LESION_ML))
    lung_ml = structure(found, "lungs")["volume_ml"]
    expected = {
        "normal liver": K * concentration / LIVER_G_PER_ML,
        "all tumours": 5 * K * concentration / LIVER_G_PER_ML,
        "lungs": K * 1000 * GBQ * SHUNT / (lung_ml * load().number("density.lung")),
    }
    for name, gy in expected.items():
        assert structure(found, name)["mean_gy"] == pytest.approx(gy, rel=2e-3), name
    account = found["activity"]
    assert (account["source"], account["administered_gbq"]) == ("administered", GBQ)
    assert account["in_map_gbq"] == pytest.approx(GBQ, rel=1e-6)
    assert account["region_gbq"] == {
        "liver": pytest.approx(GBQ * (1 - SHUNT)),
        "lungs": pytest.approx(GBQ * SHUNT),
    }
    assert (found["method"], found["relative_error"], found["histories"]) == ("local", None, 0)
    assert {f["id"] for f in found["findings"]} >= {"dose-local-deposition"}


def test_auto_says_its_shares_and_its_errors(study: BoxStudy) -> None:
    found = result(*administered(study, "--relative-error", 0.01, "--in", "lesions,normal-liver"))
    assert found["method"] == "auto"
    assert found["convolved_frac"] + found["transported_frac"] == pytest.approx(1.0)
    assert [mean["name"] for mean in found["run_means"]] == ["tumour 1", "tumour 2", "normal liver"]
    for mean in found["run_means"]:
        assert mean["standard_error_gy"] <= 0.01 * mean["mean_gy"]
        assert structure(found, mean["name"])["mean_gy_standard_error"] <= 0.015 * mean["mean_gy"]
    assert found["reached"] is True


def test_units_are_what_they_say(study: BoxStudy) -> None:
    """The same concentration in MBq/mL and Bq/mL; two half-lives after the injection four times as much."""
    options = (*masks(study), "--method", "local")
    mbq = result("dose", study.folder / "mbq.nii.gz", *options, "--unit", "MBq/mL")
    bq = result("dose", study.folder / "bq.nii.gz", *options, "--unit", "Bq/mL")
    assert structure(mbq, "liver")["mean_gy"] == pytest.approx(structure(bq, "liver")["mean_gy"], rel=1e-6)
    assert mbq["activity"]["source"] == "measured"
    assert mbq["activity"]["image_gbq"] == pytest.approx(mbq["activity"]["in_map_gbq"])
    later = result(
        "dose", study.folder / "bq.nii.gz", *options, "--unit", "Bq/mL",
        "--injection-time", "2026-12-03T10:30:00-05:00", "--image-time", "2026-12-08T23:42:00+00:00",
    )  # fmt: skip
    hours = 5 * 24 + 8.2
    factor = 2 ** (hours / load().nuclide("Y-90").half_life_h)
    assert later["activity"]["decay_factor"] == pytest.approx(factor)
    ratio = structure(later, "liver")["mean_gy"] / structure(bq, "liver")["mean_gy"]
    assert ratio == pytest.approx(factor, rel=1e-6)


def test_a_finer_grid_keeps_the_activity(study: BoxStudy) -> None:
    found = result(*administered(study, "--method", "local", "--grid", 5))
    assert found["voxel_spacing_mm"] == [5.0, 5.0, 5.0]
    assert found["activity"]["in_map_gbq"] == pytest.approx(GBQ, rel=1e-6)


def test_bed_is_dose_with_its_formula(study: BoxStudy) -> None:
    """Uniform normal liver: D (1 + G D / (alpha/beta)), alpha/beta and repair of the catalogue."""
    from emboplan import bed

    found = result(*administered(study, "--method", "local", "--bed"))
    (row,) = [one for one in found["bed"] if one["name"] == "normal liver"]
    expected = bed(
        structure(found, "normal liver")["d50_gy"],
        alpha_beta_gy=row["alpha_beta_gy"],
        repair_half_time_h=row["repair_half_time_h"],
    )
    assert row["d50_bed_gy"] == pytest.approx(expected, rel=1e-3)
    assert row["mean_eqd2_gy"] == pytest.approx(row["mean_bed_gy"] / (1 + 2 / row["alpha_beta_gy"]))


def test_image_accuracy_and_recovery_are_parts_of_the_result(study: BoxStudy) -> None:
    found = result(
        *administered(study, "--method", "local", "--registration-sd", 4, "--resolution", 12),
        "--recovery", "sphere", "--shunt-sd", 0.01,
    )  # fmt: skip
    accuracy = {one["name"]: one for one in found["image_accuracy"]["structures"]}
    assert set(accuracy) == {"normal liver", "tumour 1", "tumour 2", "lungs"}
    assert accuracy["lungs"]["shunt_gy"] == pytest.approx(accuracy["lungs"]["mean_gy"] * 0.01 / SHUNT)
    assert accuracy["tumour 2"]["shift_gy"] > 0
    raised = {one["name"]: one for one in found["recovery"]["lesions"]}
    assert raised["tumour 2"]["recovery_frac"] < raised["tumour 1"]["recovery_frac"] < 1
    assert found["activity"]["in_map_gbq"] == pytest.approx(GBQ, rel=1e-5)
    assert structure(found, "tumour 2")["quantifiable"] is True


def test_a_folder_holds_the_result(study: BoxStudy, tmp_path: Path) -> None:
    """Twice the same bytes; replaced only when asked to."""
    command = administered(study, "--method", "transport", "--relative-error", 0.05, "--bed", "-o")
    ran = run(*command, tmp_path / "a")
    assert ran.status == 0, ran.err
    names = {name for name in contents(tmp_path / "a") if "." in name}
    assert names == {
        "dose.json", "dvh.json", "dvh.csv", "dose.nii.gz", "dose_error.nii.gz", "bed.nii.gz",
        "figures/dose_slices.png", "figures/dose_lesions.png", "figures/dvh.svg",
        "dicom/dose.dcm", "dicom/plan.dcm",
    }  # fmt: skip
    written = json.loads((tmp_path / "a" / "dose.json").read_text())
    histograms = json.loads((tmp_path / "a" / "dvh.json").read_text())
    assert histograms == {"structures": written["structures"]}
    gy, grid = read_volume(tmp_path / "a" / "dose.nii.gz")
    assert grid.is_same(COARSE)
    assert float(gy.max()) > 100
    text = "".join(path.read_text() for path in (tmp_path / "a").glob("*.json"))
    assert cases.PATIENT_NAME not in text
    assert run(*command, tmp_path / "b").status == 0
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    ran = run(*command, tmp_path / "a")
    assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)
    (tmp_path / "a" / "mine.txt").write_text("mine", encoding="utf-8")
    ran = run(*command, tmp_path / "a", "--force")
    assert ran.status == 2
    assert "mine.txt" in ran.err


def test_the_text_shows_method_activity_and_doses(study: BoxStudy) -> None:
    ran = run(*administered(study, "--method", "voxel-s"))
    assert (ran.status, ran.err) == (0, "")
    assert "method      voxel-s, Y-90" in ran.out
    assert "2.00 GBq in the map, administered; liver 1.90 GBq; lungs 0.100 GBq" in ran.out
    assert "tumour 1" in ran.out


def test_a_spect_series_is_taken_as_counts(study: BoxStudy) -> None:
    found = result(
        "dose", study.folder / "spect.dcm", *masks(study), "--administered", "2 GBq", "--method", "local"
    )
    assert found["activity"]["image_gbq"] is None
    assert {f["id"] for f in found["findings"]} >= {"dose-no-shunt"}
    assert found["activity"]["region_gbq"] == {"liver": pytest.approx(2.0)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--unit", "kBq"), 'unit "kBq" is unknown; expected counts, Bq/mL, MBq/mL'),
        ((), "does not say how much activity there is"),
        (("--unit", "counts"), "counts do not say how much"),
        (("--unit", "MBq/mL", "--shunt", "0.05"), "goes with an administered activity"),
        (("--administered", "2.1"), "expected a number and a unit of activity"),
        (("--administered", "2 GBq", "--shunt", "5"), "lung shunt"),
        (
            ("--administered", "2 GBq", "--shunt", "0.05", "--shunt-sd", "5"),
            "uncertainty of the lung shunt is 5",
        ),
        (("--administered", "2 GBq", "--grid", "0.05"), "GiB of memory; expected at most"),
        (("--administered", "2 GBq", "--method", "mc"), 'method "mc" is unknown'),
        (("--administered", "2 GBq", "--nuclide", "X-1"), "X-1"),
        (("--administered", "2 GBq", "--recovery", "sphere"), "needs the resolution"),
        (("--administered", "2 GBq", "--recovery", "best"), 'recovery "best" is unknown'),
        (("--administered", "2 GBq", "--in", "spleen"), 'structure "spleen" is unknown'),
        (("--administered", "2 GBq", "--grid", "12"), "expected at most 10 mm"),
        (("--administered", "2 GBq", "--liver", "EMPTY"), "empty"),
        (("--unit", "Bq/mL", "--injection-time", "2026-12-03T10:30:00"), "has no time zone"),
        (("--unit", "Bq/mL", "--injection-time", "yesterday"), "expected a date and time"),
        (("--unit", "Bq/mL", "--injection-time", "2026-12-03T10:30:00Z"), "time of the image"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    study: BoxStudy, arguments: tuple[str, ...], message: str
) -> None:
    given = [str(study.folder / "empty.nii.gz") if word == "EMPTY" else word for word in arguments]
    ran = run("dose", study.folder / "mbq.nii.gz", *masks(study), *given)
    assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1), ran.err
    assert message in ran.err


def _changed(study: BoxStudy, tmp_path: Path, change: float) -> Path:
    values, grid = read_volume(study.folder / "mbq.nii.gz")
    values = values.copy()
    values[10, 10, 10] = change
    write_volume(tmp_path / "odd.nii.gz", values, grid)
    return tmp_path / "odd.nii.gz"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1.0, "activity concentration (MBq/mL) is -1; expected 0 or more"),
        (np.nan, "1 values that are not finite"),
        (np.inf, "not finite"),
    ],
)
def test_activity_that_is_none_is_refused(
    study: BoxStudy, tmp_path: Path, value: float, message: str
) -> None:
    """The reader of NIfTI files makes 0 of what is no number: it must not pass."""
    ran = run("dose", _changed(study, tmp_path, value), *masks(study), "--unit", "MBq/mL")
    assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)
    assert message in ran.err


def test_activity_outside_the_ct_is_refused(study: BoxStudy, tmp_path: Path) -> None:
    """An image that lies 300 mm beside the patient, and one of another frame."""
    values, grid = read_volume(study.folder / "mbq.nii.gz")
    beside = Grid(grid.shape, grid.spacing_mm, (140.0, -137.5, -97.5))
    write_volume(tmp_path / "beside.nii.gz", values, beside)
    ran = run("dose", tmp_path / "beside.nii.gz", *masks(study), "--unit", "MBq/mL")
    assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)


def write_part(folder: Path, first: int, last: int) -> tuple[object, ...]:
    """The CT and its masks from one slice to another; the liver's box takes slices 6 to 26."""
    x, y, z = cases.GRID.origin_mm
    numbers = cases.ct_numbers()[first:last]
    cut = Grid(numbers.shape, cases.GRID.spacing_mm, (x, y, z + 5.0 * first))
    write_volume(folder / "ct.nii.gz", numbers, cut)
    for name, one in (("liver", cases.box(cases.LIVER)), ("lungs", cases.box(*cases.LUNGS))):
        write_volume(folder / f"{name}.nii.gz", one.voxels[first:last].astype(np.uint8), cut)
    write_volume(folder / "tumours.nii.gz", cases.lesions().labels[first:last], cut)
    names = ("ct", "liver", "tumours", "lungs")
    return tuple(word for name in names for word in (f"--{name}", folder / f"{name}.nii.gz"))


def test_a_ct_that_cuts_the_liver_is_refused_or_said(study: BoxStudy, tmp_path: Path) -> None:
    """A CT from slice 10 on holds four fifths of the liver, which would get the activity of all of it."""
    command = (
        "dose", study.folder / "mbq.nii.gz", *write_part(tmp_path, 10, 52),
        "--administered", "2 GBq", "--shunt", "0.05", "--method", "local",
    )  # fmt: skip
    ran = run(*command)
    assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)
    assert "the CT cuts the liver: its section at the edge is 100 %" in ran.err
    found = result(*command, "--allow-cut-liver")
    said = {f["id"]: f["text"] for f in found["findings"]}
    assert said.keys() >= {"tissue.liver-cut", "dose-alignment-unknown", "dose-liver-cut"}
    # Beyond the CT: 200 mL of liver at 1 MBq/mL against 800 mL and four times the 91 mL of lesions in it.
    assert f"up to {100 * 200 / (800 + 4 * 91):.3g} %" in said["dose-liver-cut"]


def test_an_image_that_misses_a_part_of_the_liver_is_refused_or_said(study: BoxStudy, tmp_path: Path) -> None:
    """Without the image's first 5 slices 2 of the liver's 10 are missing: the rest gets 25 % too much."""
    values, grid = read_volume(study.folder / "mbq.nii.gz")
    x, y, z = grid.origin_mm
    part = Grid((21, 28, 32), grid.spacing_mm, (x, y, z + 50.0), frame_of_reference_uid=cases.FRAME)
    write_volume(tmp_path / "part.nii.gz", values[5:], part)
    command = ("dose", tmp_path / "part.nii.gz", *administered(study, "--method", "local")[2:])
    ran = run(*command)
    assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)
    assert "20 % of the liver lies outside the activity image; expected at most 5 %" in ran.err
    found = result(*command, "--allow-cut-liver")
    said = {f["id"]: f["text"] for f in found["findings"]}
    assert "too high by up to 25 %" in said["dose-liver-unseen"]


def test_activity_beside_the_ct_gives_no_dose_and_is_in_no_sum(study: BoxStudy, tmp_path: Path) -> None:
    """20 MBq in the slice of the image that lies beneath a CT from slice 2 on."""
    values, grid = read_volume(study.folder / "mbq.nii.gz")
    values = values.copy()
    values[0, 14, 16] = 20.0
    write_volume(tmp_path / "stray.nii.gz", values, grid)
    command = (
        "dose", tmp_path / "stray.nii.gz", *write_part(tmp_path, 2, 52), "--unit", "MBq/mL",
    )  # fmt: skip
    for method in ("local", "voxel-s-density"):
        found = result(*command, "--method", method)
        assert found["activity"]["outside_ct_gbq"] == pytest.approx(0.02)
        assert found["activity"]["in_map_gbq"] == pytest.approx(values.sum(dtype=float) / 1000 - 0.02)
        assert run(*command, "--method", method, "-o", tmp_path / method).status == 0
        gy, _ = read_volume(tmp_path / method / "dose.nii.gz")
        assert float(gy[0].max()) == 0.0
        assert float(gy.max()) < 300.0


def test_gas_in_the_liver_mask_is_said_and_can_be_evened_out(study: BoxStudy, tmp_path: Path) -> None:
    """A tenth of the liver's box is gas: much dose in hardly any mass, unless the liver has one density."""
    numbers = cases.ct_numbers()
    numbers[6:26, 14:16, 12:32] = -980
    write_volume(tmp_path / "ct.nii.gz", numbers, cases.GRID)
    command = (
        "dose", study.folder / "mbq.nii.gz", "--ct", tmp_path / "ct.nii.gz", *masks(study)[2:],
        "--administered", "2 GBq", "--shunt", "0.05", "--method", "voxel-s-density",
    )  # fmt: skip
    gassy, even = result(*command), result(*command, "--uniform-liver")
    assert {f["id"] for f in gassy["findings"]} >= {"tissue.gas-in-liver", "dose-gas-in-liver"}
    assert "dose-gas-in-liver" not in {f["id"] for f in even["findings"]}
    # The energy over nine tenths of the mass, less what leaves the box.
    whole = 1000 * GBQ * (1 - SHUNT) * K / (cases.LIVER_ML * 1.06 * 0.9)
    assert 0.85 * whole < structure(even, "liver")["mean_gy"] < whole
    assert structure(gassy, "liver")["mean_gy"] > 2 * whole


def test_a_ct_of_the_wrong_slope_is_refused(study: BoxStudy, tmp_path: Path) -> None:
    """Twice every number: the reader takes lungs of -1600 HU for padding, and their mask tells."""
    write_volume(tmp_path / "ct.nii.gz", 2 * cases.ct_numbers(), cases.GRID)
    ran = run(
        "dose", study.folder / "mbq.nii.gz", "--ct", tmp_path / "ct.nii.gz", *masks(study)[2:],
        "--administered", "2 GBq", "--shunt", "0.05", "--method", "local",
    )  # fmt: skip
    assert (ran.status, ran.out) == (2, "")
    assert "rescale slope" in ran.err


def test_numbers_that_are_no_hounsfield_units_are_refused(study: BoxStudy, tmp_path: Path) -> None:
    """The stored values of a scanner: 1024 too high everywhere."""
    write_volume(tmp_path / "ct.nii.gz", cases.ct_numbers() + np.int16(1024), cases.GRID)
    options = ["--ct", tmp_path / "ct.nii.gz", *masks(study)[2:]]
    ran = run("dose", study.folder / "mbq.nii.gz", *options, "--administered", "2 GBq", "--shunt", "0.05")
    assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)
    assert "Hounsfield units" in ran.err
