"""Shunt and ratio through a whole plan, on scans whose truth is set."""

import copy
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from tests.workflow import cases
from tests.workflow.cases import BoxStudy, case_text

import emboplan as ep
from emboplan.files.nifti import write_ct, write_labels, write_mask, write_volume
from emboplan.synthetic.patient import digital_patient
from emboplan.synthetic.setting.tables import from_table

FWHM_MM = 14.0
FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))


def test_a_blurred_scan_is_corrected_for_its_resolution(boxes: BoxStudy, tmp_path: Path) -> None:
    """Blur lowers the ratio; with the resolution stated it comes back, and the shunt stays."""
    scan = cases.scan()
    sigma = FWHM_MM / FWHM_PER_SIGMA / np.array(scan.grid.spacing_mm)
    blurred = gaussian_filter(scan.counts.astype(np.float64), sigma, mode="constant")
    write_volume(tmp_path / "blurred.nii.gz", blurred.astype(np.float32), scan.grid)
    images = f'maa = "{tmp_path / "blurred.nii.gz"}"\nmaa_resolution = "{FWHM_MM} mm"'
    plan = ep.plan(boxes.case(case_text(images=images, territory=""))).plan
    assert plan.tumour_to_normal is not None
    read, corrected = plan.tumour_to_normal.tumour_to_normal, plan.tumour_to_normal.tumour_to_normal_corrected
    assert read < 0.9 * cases.SCAN_RATIO
    assert corrected == pytest.approx(cases.SCAN_RATIO, rel=0.05)
    assert plan.shunt is not None
    assert plan.shunt.lung_shunt_frac == pytest.approx(cases.SCAN_SHUNT, abs=0.005)
    assert plan.activity is not None
    assert plan.activity.chosen is not None
    assert plan.activity.chosen.doses_gy.perfused_normal == pytest.approx(120 / (corrected or 0.0))


def test_without_lungs_on_the_ct_no_shunt_is_measured(boxes: BoxStudy, tmp_path: Path) -> None:
    """The CT ends inside the lungs: the plan says so and asks for the shunt."""
    from emboplan.model.image import CtImage
    from emboplan.model.mask import LabelMap, Mask

    keep = (slice(0, 40), slice(None), slice(None))
    grid = cases.GRID.cropped(keep)
    write_ct(tmp_path / "ct.nii.gz", CtImage(grid, cases.ct_numbers()[keep]))
    write_mask(tmp_path / "liver.nii.gz", Mask(grid, cases.box(cases.LIVER).voxels[keep]))
    write_labels(tmp_path / "tumours.nii.gz", LabelMap(grid, cases.lesions().labels[keep]))
    text = case_text(images=f'maa = "{boxes.folder / "spect.dcm"}"', territory="").replace("CT/", "ct.nii.gz")
    plan = ep.plan(BoxStudy(tmp_path).case(text)).plan
    assert plan.shunt is None
    assert {"shunt-not-measured", "lung-shunt-missing"} <= {finding.id for finding in plan.findings}
    assert plan.activity is not None
    assert plan.activity.chosen is None


@pytest.mark.slow
@pytest.mark.parametrize(("ratio", "shunt"), [(5.0, 0.06), (3.0, 0.15)])
def test_a_digital_patient_with_noise_breath_and_blur(tmp_path: Path, ratio: float, shunt: float) -> None:
    """With true contours the shunt is found within 0.5 points or 10 %, and the dose balance closes."""
    table: dict[str, Any] = copy.deepcopy(
        tomllib.loads(
            (files("emboplan.catalog") / "data" / "phantoms" / "net-liver.toml").read_text(encoding="utf-8")
        )
    )
    table["ct"] |= {"matrix": 128, "pixel_mm": 3.2, "slice_mm": 5.0, "length_mm": 415.0}
    table["habitus"]["lattice_mm"] = 5.0
    table["spect"] |= {"matrix": 64, "slices": 50, "voxel_mm": 8.84}
    table["planar"] |= {"matrix": 128, "pixel_mm": 4.42}
    table["uptake"] |= {"tumour_to_normal": ratio, "lung_shunt_frac": shunt}
    patient = digital_patient(from_table(table), seed=3)
    truth = patient.truth
    write_ct(tmp_path / "ct.nii.gz", patient.ct)
    write_mask(tmp_path / "liver.nii.gz", truth.liver)
    write_labels(tmp_path / "tumours.nii.gz", truth.lesions)
    write_volume(tmp_path / "spect.nii.gz", patient.maa_spect.counts, patient.maa_spect.grid)
    images = f'maa = "spect.nii.gz"\nmaa_resolution = "{truth.spect_fwhm_mm:.1f} mm"'
    text = case_text(images=images, territory="").replace("CT/", "ct.nii.gz")
    plan = ep.plan(BoxStudy(tmp_path).case(text)).plan
    assert plan.shunt is not None
    assert plan.shunt.lung_shunt_frac == pytest.approx(shunt, abs=max(0.005, 0.1 * shunt))
    assert plan.tumour_to_normal is not None
    assert plan.tumour_to_normal.tumour_to_normal < ratio
    assert plan.tumour_to_normal.tumour_to_normal_corrected == pytest.approx(ratio, rel=0.15)
    assert all(check.passed for check in plan.checks)
