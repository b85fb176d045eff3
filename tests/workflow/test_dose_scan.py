"""The dose of a scan: PET by its clock, the digital patient by its truth."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from tests.dicom.make_pet import write_pet
from tests.workflow import cases
from tests.workflow.cases import BoxStudy

import emboplan as ep
from emboplan.catalog import load
from emboplan.errors import DicomError, GeometryError, InputError, ModelRangeError
from emboplan.files.nifti import write_ct, write_labels, write_mask, write_volume
from emboplan.model.case import DoseMethod
from emboplan.model.grid import Grid
from emboplan.workflow.dosing.dose_engines import DoseSettings, computed_dose
from emboplan.workflow.dosing.dose_reading import histograms
from emboplan.workflow.dosing.dose_request import DoseRequest, dose_grid
from emboplan.workflow.dosing.dose_scan import ScanDose, scan_dose

LOCAL = DoseSettings(method=DoseMethod.LOCAL)
INJECTED = datetime.fromisoformat("2026-12-03T10:30:00-05:00")

# The PET of the tests stands for 4 December, 06:30, 20 hours later.
HOURS = 20.0


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> BoxStudy:
    written = cases.write_study(tmp_path_factory.mktemp("scan") / "study")
    write_mask(written.folder / "lungs.nii.gz", cases.box(*cases.LUNGS))
    return written


def masks(study: BoxStudy) -> dict[str, str]:
    return {name: str(study.folder / f"{name}.nii.gz") for name in ("liver", "tumours", "lungs")}


def pet(folder: Path, **changes: object) -> Path:
    """A PET on the voxels of the boxes' scan: 2 MBq/mL in the liver, decayed by 20 hours."""
    fine = cases.box(cases.LIVER).voxels.astype(np.float64)
    share = fine.reshape(26, 2, 28, 2, 32, 2).mean(axis=(1, 3, 5))
    x, y, z = cases.SCAN_GRID.origin_mm
    bq_per_ml = 2e6 * 2 ** (-HOURS / load().nuclide("Y-90").half_life_h)
    stored = np.round(share * 20_000).astype(np.uint16)
    options: dict[str, object] = {
        "PixelSpacing": [10.0, 10.0],
        "FrameOfReferenceUID": cases.FRAME,
        "SliceThickness": 10.0,
    }
    per_slice = {k: {"ImagePositionPatient": [x, y, z + 10.0 * k]} for k in range(26)}
    return write_pet(
        folder,
        stored,
        (bq_per_ml / 20_000,) * 26,
        per_slice=per_slice,
        positions_mm=tuple(z + 10.0 * k for k in range(26)),
        **(options | changes),
    )


def of_pet(study: BoxStudy, folder: Path, **options: object) -> ScanDose:
    wish = DoseRequest(settings=LOCAL, **masks(study), **options)  # type: ignore[arg-type]  # as named there
    return scan_dose(folder, study.folder / "CT", wish)


def test_a_pet_is_brought_to_the_injection(study: BoxStudy, tmp_path: Path) -> None:
    """2 MBq/mL at injection in 1.03 g/mL are 2 K / 1.03 Gy."""
    found = of_pet(study, pet(tmp_path / "pet"), injected_at=INJECTED).report
    liver = next(one for one in found.structures if one.name == "liver")
    nuclide = load().nuclide("Y-90")
    assert liver.mean_gy == pytest.approx(2 * nuclide.k_gy_kg_per_gbq / 1.03, rel=2e-3)
    assert found.activity.decay_factor == pytest.approx(2 ** (HOURS / nuclide.half_life_h), rel=1e-4)
    assert found.activity.in_map_gbq == pytest.approx(2.0, rel=1e-3)
    assert found.activity.source == "measured"


def test_a_pet_scaled_to_an_administered_activity_needs_no_clock(study: BoxStudy, tmp_path: Path) -> None:
    """Only the pattern counts; what the image reads stands beside it."""
    found = of_pet(
        study, pet(tmp_path / "pet"), administered_gbq=3.0, lung_shunt_frac=0.0, injected_at=INJECTED
    ).report
    assert found.activity.region_gbq == {"liver": pytest.approx(3.0)}
    assert found.activity.image_gbq == pytest.approx(2.0, rel=1e-3)
    (said,) = [f for f in found.findings if f.id == "dose-image-total"]
    assert "-33.3 %" in said.text


def test_a_pet_of_another_nuclide_or_frame_is_refused(study: BoxStudy, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nuclide"):
        of_pet(study, pet(tmp_path / "a"), injected_at=INJECTED, scanner_nuclide="nonsense")
    with pytest.raises(GeometryError, match="do not share a frame of reference"):
        of_pet(study, pet(tmp_path / "b", FrameOfReferenceUID="1.2.3"), injected_at=INJECTED)
    with pytest.raises(InputError, match="in Bq/mL by its header"):
        of_pet(study, pet(tmp_path / "c"), injected_at=INJECTED, unit="counts")


def test_a_folder_with_spect_and_pet_needs_a_choice(study: BoxStudy, tmp_path: Path) -> None:
    folder = pet(tmp_path / "both")
    cases.write_scan(folder / "spect.dcm")
    with pytest.raises(DicomError, match="SPECT and PET series fit"):
        of_pet(study, folder, administered_gbq=2.0)


def test_a_dose_grid_covers_the_image_from_the_same_corner() -> None:
    image = Grid((5, 6, 7), (4.0, 4.0, 3.0), (10.0, 20.0, 30.0))
    found = dose_grid(image, 5.0)
    assert found.shape == (3, 5, 6)
    corner = [-0.5, -0.5, -0.5]
    assert found.to_mm(corner) == pytest.approx(image.to_mm(corner))
    assert all(mine >= theirs for mine, theirs in zip(found.size_mm, image.size_mm, strict=True))
    assert dose_grid(image, None) is image
    with pytest.raises(InputError, match="grid"):
        dose_grid(image, 0.0)


@pytest.mark.parametrize(("image", "edge"), [((8, 8, 8), 0.005), ((1000, 600, 600), None)])
def test_a_grid_beyond_any_memory_is_refused(image: tuple[int, int, int], edge: float | None) -> None:
    """8 voxels of 4 mm in steps of 0.005 mm are 6400 cubed: 262 144 million voxels."""
    with pytest.raises(
        ModelRangeError, match=r"million voxels, about .* GiB.*expected at most 134\.2 million"
    ):
        dose_grid(Grid(image, (4.0, 4.0, 4.0), (0.0, 0.0, 0.0)), edge)


def test_the_error_of_a_structure_is_that_of_its_own_mean() -> None:
    """A large structure has the run's error in share of the mean, a small one the jackknife's of its batches.

    The histogram of shares looks between voxels; its mean is near that of whole voxels, and not the same.
    """
    grid = Grid((12, 12, 12), (5.0, 5.0, 5.0), (0.0, 0.0, 0.0))
    mbq = np.zeros(grid.shape, np.float32)
    mbq[3:9, 3:9, 3:9] = 1.0
    large, small = (np.zeros(grid.shape, np.float32) for _ in range(2))
    large[1:11, 1:11, 2:10] = 1.0
    large[1:11, 1:11, 10] = 0.4
    small[4:7, 4:7, 4:7] = 1.0
    small[4:7, 4:7, 7] = 0.5
    shares = {"large": large, "small": small}
    found = computed_dose(
        ep.ActivityMap(grid, mbq),
        ep.DensityMap(grid, np.full(grid.shape, 1.04, np.float32)),
        DoseSettings(
            method=DoseMethod.TRANSPORT, relative_error=0.05, most_histories=64_000, keep_batches=True
        ),
        structures=shares,
    )
    run = {mean.name: mean for mean in found.means}
    read = {one.name: one for one in histograms(found, shares, None)}
    assert read["large"].standard_errors is None
    assert read["large"].mean_gy_standard_error / read["large"].mean_gy == pytest.approx(
        run["large"].relative_error
    )
    own = read["small"].standard_errors
    assert own is not None
    assert read["small"].mean_gy_standard_error == own.mean_gy
    assert own.mean_gy == pytest.approx(run["small"].standard_error_gy, rel=0.2)


@pytest.mark.slow
def test_the_digital_patient_gets_the_dose_of_its_truth(tmp_path: Path) -> None:
    """The true map in MBq/mL, on the true CT and masks: energy over mass, 48 Gy for 1 MBq/mL in liver.

    The whole liver's mean by local deposition against the mean of the true concentration; 3 % for voxels that
    the liver fills in part. `auto` deposits the same energy in all, less what leaves the liver.
    """
    patient = ep.phantom("net-liver", seed=1)
    assert isinstance(patient, ep.DigitalPatient)
    truth = patient.truth
    write_ct(tmp_path / "ct.nii.gz", patient.ct)
    write_mask(tmp_path / "liver.nii.gz", truth.liver)
    write_labels(tmp_path / "tumours.nii.gz", truth.lesions)
    write_mask(tmp_path / "lungs.nii.gz", truth.lungs)
    write_volume(tmp_path / "activity.nii.gz", truth.activity.mbq_per_ml, truth.activity.grid)
    options = {name: str(tmp_path / f"{name}.nii.gz") for name in ("liver", "tumours", "lungs")}
    gbq = truth.activity_mbq["liver"] / 1000 if "liver" in truth.activity_mbq else 0.1
    found = {
        method: scan_dose(
            tmp_path / "activity.nii.gz",
            tmp_path / "ct.nii.gz",
            DoseRequest(
                administered_gbq=gbq,
                lung_shunt_frac=0.05,
                settings=DoseSettings(method=method),
                **options,  # type: ignore[arg-type]  # paths of masks
            ),
        ).report
        for method in (DoseMethod.LOCAL, DoseMethod.AUTO)
    }
    for report in found.values():
        assert report.activity.in_map_gbq == pytest.approx(gbq, rel=1e-5)
    local, auto = (
        {one.name: one.mean_gy for one in found[method].structures}
        for method in (DoseMethod.LOCAL, DoseMethod.AUTO)
    )
    expected = 1000 * gbq * 0.95 * load().nuclide("Y-90").k_gy_kg_per_gbq / (1.03 * truth.liver.volume_ml)
    assert local["liver"] == pytest.approx(expected, rel=0.03)
    assert 0.85 < auto["liver"] / local["liver"] < 1.02
    assert found[DoseMethod.AUTO].reached
