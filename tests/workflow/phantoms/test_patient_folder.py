"""A digital patient's folder, read back with our readers and held against the truth beside it."""

import json
import os
import subprocess
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emboplan.catalog import load
from emboplan.dicom.index import index_folder
from emboplan.dicom.read.nuclear import read_planar, read_spect
from emboplan.dicom.read.pet import read_pet
from emboplan.dicom.read.rtstruct import read_structure, structure_names
from emboplan.dicom.read.seg import read_seg_labels
from emboplan.dosimetry.uptake.pet_activity import activity_at
from emboplan.model.pet import PetNuclide
from emboplan.synthetic.patient import DigitalPatient
from emboplan.workflow.inputs import load_ct, load_lesions, load_mask, parse_mask_source
from emboplan.workflow.phantom import write_phantom
from emboplan.workflow.phantoms.pet_folder import TREATED_AT

COARSE: dict[str, object] = {
    "ct.matrix": 128, "ct.pixel_mm": 3.2, "slice_mm": 5.0, "length_mm": 415.0, "lattice_mm": 5.0,
    "spect.matrix": 64, "slices": 50, "voxel_mm": 8.84, "planar.matrix": 128, "planar.pixel_mm": 4.42,
}  # fmt: skip
SCANS = "focus-stomach+free-technetium+breath-mismatch+after-treatment"
SHIFT = (6.0, -4.0, 3.0)
SETTINGS = COARSE | {
    "phase": "arterial", "variant": SCANS, "shift_x_mm": 6.0, "shift_y_mm": -4.0, "shift_z_mm": 3.0
}  # fmt: skip
Truth = dict[str, Any]
K = 49.8  # Gy kg/GBq of Y-90


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DigitalPatient]:
    folder = tmp_path_factory.mktemp("patient") / "p"
    written = write_phantom("net-liver", folder, seed=3, catalog=load(), settings=SETTINGS)
    return folder, written.patient


@pytest.fixture(scope="module")
def truth(made: tuple[Path, DigitalPatient]) -> Truth:
    told: Truth = json.loads((made[0] / "truth.json").read_text())
    return told


def test_the_ct_is_named_by_its_phase(made: tuple[Path, DigitalPatient]) -> None:
    assert load_ct(made[0] / "CT").header.description == "CT arterial"  # type: ignore[union-attr]  # a series


def test_structures_segments_and_masks_are_the_same(made: tuple[Path, DigitalPatient]) -> None:
    """Three files say the same, voxel by voxel: two kinds of DICOM and NIfTI."""
    folder, patient = made
    grid = patient.ct.grid
    segments = read_seg_labels(folder / "segmentation.dcm", grid)
    names = structure_names(folder / "structures.dcm")
    assert set(names) == set(segments)
    for name in names:
        assert np.array_equal(
            read_structure(folder / "structures.dcm", name, grid).voxels, segments[name].voxels
        )
    liver = load_mask(parse_mask_source(str(folder / "masks" / "liver.nii.gz")), grid)
    assert np.array_equal(liver.voxels, segments["Liver"].voxels)
    lesions = load_lesions(parse_mask_source(str(folder / "masks" / "tumours.nii.gz")), grid)
    for number in lesions.numbers:
        assert np.array_equal(lesions.mask(number).voxels, segments[f"Lesion {number}"].voxels)


def test_volumes_burden_and_diameters_by_counting(made: tuple[Path, DigitalPatient], truth: Truth) -> None:
    """Voxels of the written masks; no shape is less long than the ball of its volume, nor than its voxels."""
    folder, patient = made
    grid = patient.ct.grid
    lesions = load_lesions(parse_mask_source(str(folder / "masks" / "tumours.nii.gz")), grid)
    liver = load_mask(parse_mask_source(str(folder / "masks" / "liver.nii.gz")), grid)
    assert truth["volumes_ml"]["liver"] == pytest.approx(liver.volume_ml, rel=0.01)
    assert truth["burden_frac"] == pytest.approx(lesions.union.volume_ml / liver.volume_ml, abs=0.01)
    assert truth["burden_frac"] == pytest.approx(
        truth["volumes_ml"]["tumour"] / truth["volumes_ml"]["liver"], rel=2e-9
    )
    for lesion in truth["lesions"]:
        where = grid.to_mm(np.argwhere(lesions.labels == lesion["number"])[:, ::-1])
        across = np.linalg.norm(where[:, None] - where[None], axis=2).max()
        diagonal = float(np.linalg.norm(grid.spacing_mm))
        assert abs(lesion["longest_diameter_mm"] - across) < 1.5 * diagonal
        assert np.abs(np.array(lesion["centre_mm"]) - where.mean(axis=0)).max() < diagonal


def test_activities_ratio_and_shunt_hang_together(truth: Truth) -> None:
    """Numbers in the file have ten digits: quotients of four of them are good to 2e-9."""
    mbq, volumes = truth["activity_mbq"], truth["volumes_ml"]
    assert sum(mbq.values()) == pytest.approx(truth["injected_mbq"], rel=2e-9)
    liver = mbq["tumour"] + mbq["normal_liver"]
    ratio = mbq["tumour"] / volumes["tumour"] / (mbq["normal_liver"] / volumes["normal_liver"])
    assert ratio == pytest.approx(truth["tumour_to_normal"], rel=2e-9)
    assert mbq["lungs"] / (mbq["lungs"] + liver) == pytest.approx(truth["lung_shunt_frac"], rel=2e-9)
    assert mbq["focus"] == pytest.approx(0.01 * 150.0)
    assert truth["focus"]["place"] == "stomach"


def test_counts_of_the_written_scans_are_poisson(made: tuple[Path, DigitalPatient]) -> None:
    folder, _ = made
    series = {s.description: s for s in index_folder(folder / "MAA").series}
    spect = read_spect(series["Tc-99m MAA SPECT"]).image
    assert abs(spect.total_counts - 6e6) < 5 * np.sqrt(6e6) + 2e-5 * 6e6  # the step of stored numbers
    pair = read_planar(series["Tc-99m MAA planar"])
    assert abs(float(pair.anterior.sum() + pair.posterior.sum()) - 1.5e6) < 5 * np.sqrt(1.5e6)


def test_the_written_spect_is_shifted_as_the_truth_says(
    made: tuple[Path, DigitalPatient], truth: Truth
) -> None:
    """The middle of all counts lies off that of the true map by the shift; the liver's part is higher still.

    All that moves holds the share f of the activity, so that the middle moves by the shift and f times the
    mismatch; to a tenth of a millimetre, which 6 million counts and half a metre of background allow.
    """
    folder, patient = made
    series = index_folder(folder / "MAA").series
    spect = read_spect(next(s for s in series if s.description.endswith("SPECT"))).image
    mbq = truth["activity_mbq"]
    inside = sum(value for name, value in mbq.items() if name != "free_outside")
    moving = (inside - mbq["lungs"] - mbq["background"]) / inside
    registration = truth["registration"]
    assert registration["shift_mm"] == list(SHIFT)
    higher = registration["liver_shift_mm"][2] - SHIFT[2]
    assert 8.0 <= higher <= 16.0
    expected = np.array(SHIFT) + np.array([0, 0, moving * higher])
    found = _middle(spect.grid, spect.counts) - _middle(
        patient.truth.activity.grid, patient.truth.activity.mbq_per_ml
    )
    assert np.abs(found - expected).max() < 0.3


def _middle(grid, values) -> np.ndarray:  # type: ignore[no-untyped-def]  # a grid and its array
    weights = values.astype(np.float64)
    index = [
        (weights.sum(axis=tuple(a for a in range(3) if a != axis)) * np.arange(weights.shape[axis])).sum()
        / weights.sum()
        for axis in (2, 1, 0)
    ]
    return np.asarray(grid.to_mm(index))


def test_doses_are_k_times_activity_over_mass(made: tuple[Path, DigitalPatient], truth: Truth) -> None:
    """Tissue at 1.06 g/mL; activity shared as the MAA in liver, lungs and focus; 2 GBq were delivered."""
    doses, mbq = truth["doses"], truth["activity_mbq"]
    given = {name: mbq[name] for name in ("tumour", "normal_liver", "lungs", "focus")}
    whole = sum(given.values())
    for name in ("tumour", "normal_liver"):
        kg = truth["volumes_ml"][name] * 1.06 / 1000
        assert doses["gy_per_gbq"][name] == pytest.approx(K * given[name] / whole / kg, rel=1e-9)
    lungs_kg = truth["lung_mass_g"] / 1000
    assert doses["gy_per_gbq"]["lungs"] == pytest.approx(K * given["lungs"] / whole / lungs_kg)
    liver_kg = truth["volumes_ml"]["liver"] * 1.06 / 1000
    assert doses["delivered_gy"]["liver"] == pytest.approx(
        2 * K * (given["tumour"] + given["normal_liver"]) / whole / liver_kg
    )


def test_the_written_pet_holds_what_was_delivered(made: tuple[Path, DigitalPatient], truth: Truth) -> None:
    """Read and brought to the treatment by the program's own decay: 2 GBq within five standard deviations."""
    folder, _ = made
    image = read_pet(index_folder(folder / "PET").choose({"PT"}, None)).image
    told = truth["pet"]
    assert image.administered_at == datetime.fromisoformat(told["administered_at"])
    assert image.corrected_to == datetime.fromisoformat(told["scan_start"])
    at_treatment = activity_at(image, TREATED_AT, nuclide=PetNuclide("Y-90", 64.1, 31.86e-6))
    sd_gbq = told["total_sd_gbq"] / told["decay_factor"]
    assert abs(at_treatment.total_gbq() - 2.0) < 5 * sd_gbq + 1e-3
    assert told["activity_at_start_gbq"] == pytest.approx(2.0 * 2 ** (-20 / 64.1), rel=1e-6)
    case = tomllib.loads((folder / "case.toml").read_text())
    assert case["procedure"]["treatment_time"] == TREATED_AT


def test_every_object_passes_the_standard(made: tuple[Path, DigitalPatient]) -> None:
    validator = Path("/usr/bin/dciodvfy")
    if not validator.exists():
        pytest.skip("dciodvfy is not installed")
    objects = [p for p in made[0].rglob("*.dcm") if p.name in ("slice_0001.dcm",) or "slice" not in p.name]
    assert len(objects) == 6
    for path in objects:
        ran = subprocess.run([validator, "-new", path], capture_output=True, text=True, check=False)
        assert [line for line in ran.stderr.splitlines() if line.startswith("Error")] == []


@pytest.mark.slow
def test_many_lesions_are_one_segment(tmp_path: Path) -> None:
    """A miliary liver has hundreds: one segment, one structure, and all of them numbered in NIfTI."""
    settings = COARSE | {"variant": "miliary"}
    patient = write_phantom("net-liver", tmp_path / "m", seed=5, catalog=load(), settings=settings).patient
    grid = patient.ct.grid
    assert len(patient.truth.lesions.numbers) > 100
    for source in ("segmentation.dcm#Lesions", "structures.dcm#Lesions"):
        found = load_mask(parse_mask_source(str(tmp_path / "m" / source)), grid)
        assert np.array_equal(patient.truth.lesions.union.voxels, found.voxels)
    names = structure_names(tmp_path / "m" / "structures.dcm")
    assert names == ("Liver", "Lesions", "Lungs")


@pytest.mark.slow
def test_the_folder_has_the_same_bytes_on_any_number_of_threads(
    made: tuple[Path, DigitalPatient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = made
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    again = tmp_path / "again"
    write_phantom("net-liver", again, seed=3, catalog=load(), settings=SETTINGS)
    one, two = (
        {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}
        for root in (folder, again)
    )
    assert one == two
