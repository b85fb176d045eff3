"""A SPECT moved out of its place, registered by the plan: shunt, ratio and dose as on the unmoved one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from tests.imaging.drawn_bodies import turned
from tests.workflow import cases
from tests.workflow.cases import BoxStudy, case_text

import emboplan as ep
from emboplan.dicom.write.ct import write_ct_series
from emboplan.dicom.write.identity import NewSeries, derived_uid
from emboplan.dicom.write.nm import EnergyWindow, tc99m_maa, write_spect
from emboplan.errors import GeometryError, InputError
from emboplan.files.nifti import write_labels, write_mask
from emboplan.imaging.transform import Transform
from emboplan.model.grid import Grid
from emboplan.model.image import CountImage, CtImage
from emboplan.model.plan import PlannedCase
from emboplan.workflow.registering.laid_scan import LayingWish, laid_grid, lay_scan

FWHM_MM = 12.0
FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))
WINDOW = EnergyWindow("photopeak", 126.0, 154.0)
OTHER_FRAME = derived_uid("another frame")

# Where the table of the other scan had moved the patient: a turn and a shift.
MOVED = turned(3.0, (9.0, -7.0, 6.0))


def carried(grid: Grid, matrix: Any, frame: str | None = OTHER_FRAME) -> Grid:
    """A grid whose tissue a matrix carries elsewhere."""
    x, y, z = matrix[:3, :3] @ np.array(grid.origin_mm) + matrix[:3, 3]
    axes = tuple((matrix[:3, :3] @ grid.axes).ravel())
    return replace(grid, origin_mm=(x, y, z), direction=axes, frame_of_reference_uid=frame)


def blurred() -> CountImage:
    """The scan of the boxes as a camera sees it."""
    scan = cases.scan()
    sigma = FWHM_MM / FWHM_PER_SIGMA / np.array(scan.grid.spacing_mm)
    counts = gaussian_filter(scan.counts.astype(np.float64), sigma, mode="constant")
    return replace(scan, counts=np.asarray(counts, np.float32))


def spect(path: Path, grid: Grid) -> Path:
    """The same counts on another grid, as DICOM with its own frame of reference."""
    series = NewSeries(derived_uid("moved", str(grid.frame_of_reference_uid)), "MAA SPECT")
    image = CountImage(grid, blurred().counts, None, True, True)
    return write_spect(image, path, cases.study(), series, tc99m_maa(WINDOW))


def planned(boxes: BoxStudy, scan: Path, more: str = "") -> PlannedCase[Any]:
    images = f'maa = "{scan}"\nmaa_resolution = "{FWHM_MM} mm"\n{more}'
    return ep.plan(boxes.case(case_text(images=images, territory=""), f"{scan.stem}.toml"))


def ids(planned: PlannedCase[Any]) -> set[str]:
    return {finding.id for finding in planned.plan.findings}


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return spect(tmp_path_factory.mktemp("moved") / "moved.dcm", carried(cases.SCAN_GRID, MOVED))


@pytest.fixture(scope="module")
def unmoved(boxes: BoxStudy, tmp_path_factory: pytest.TempPathFactory) -> PlannedCase[Any]:
    return planned(boxes, spect(tmp_path_factory.mktemp("lies") / "lies.dcm", cases.SCAN_GRID))


def test_a_grid_goes_where_a_turn_and_a_shift_lay_it() -> None:
    """What a matrix carried away comes back to its place, in the frame of reference of the CT."""
    away = carried(cases.SCAN_GRID, MOVED)
    back = laid_grid(away, Transform(MOVED), cases.GRID)
    assert back.is_same(cases.SCAN_GRID)
    assert back.frame_of_reference_uid == cases.FRAME
    stretched = MOVED.copy()
    stretched[:3, :3] *= 1.1
    with pytest.raises(GeometryError, match="only a turn and a shift"):
        laid_grid(away, Transform(stretched), cases.GRID)


def test_without_the_key_a_moved_scan_is_left_out(boxes: BoxStudy, moved: Path) -> None:
    found = planned(boxes, moved)
    (said,) = [f.text for f in found.plan.findings if f.id == "spect-not-registered"]
    assert 'register = "rigid" under [images]' in said
    assert found.plan.shunt is None
    assert found.laid is None


def test_a_registered_scan_measures_what_the_unmoved_one_does(
    boxes: BoxStudy, moved: Path, unmoved: PlannedCase[Any]
) -> None:
    """13 mm and 3 degrees off: shunt within 0.5 points, ratio and tumour dose within 5 %."""
    found = planned(boxes, moved, 'register = "rigid"\naccept_shift = "2 cm"')
    assert "scan-registered" in ids(found)
    assert not ids(found) & {"spect-not-registered", "scan-registration-refused"}
    here, there = numbers(found), numbers(unmoved)
    assert here.pop("shunt") == pytest.approx(there.pop("shunt"), abs=0.005)
    assert here.pop("ratio") == pytest.approx(there.pop("ratio"), rel=0.05)
    for name, gy in there.items():
        assert here[name] == pytest.approx(gy, rel=0.06), name


def numbers(planned: PlannedCase[Any]) -> dict[str, float]:
    """The shunt, the corrected ratio, and the mean dose of each structure."""
    plan: Any = planned.plan
    return {
        "shunt": plan.shunt.lung_shunt_frac,
        "ratio": plan.tumour_to_normal.tumour_to_normal_corrected,
        **{one.name: one.mean_gy for one in plan.dose.structures},
    }


def test_no_count_is_lost_and_the_shift_is_told(boxes: BoxStudy, moved: Path) -> None:
    """The voxels keep their counts; the words name the shift and who accepted it."""
    found = planned(boxes, moved, 'register = "rigid"\naccept_shift = "20 mm"')
    assert found.spect is not None
    assert found.spect.total_counts == pytest.approx(blurred().total_counts, rel=1e-4)
    assert found.spect.grid.frame_of_reference_uid == cases.FRAME
    (said,) = [f.text for f in found.plan.findings if f.id == "scan-registered"]
    assert "up to 20 mm by accept_shift of the case" in said
    assert found.registration is not None
    assert found.registration["accepted"] is True
    written = json.loads(json.dumps(found.registration))
    shift = np.array(written["fixed_to_moving"]) @ [-100.0, -20.0, -20.0, 1.0]
    assert shift == pytest.approx(MOVED @ [-100.0, -20.0, -20.0, 1.0], abs=2.0)


def test_a_shift_above_the_tolerance_is_not_used_unasked(boxes: BoxStudy, moved: Path) -> None:
    found = planned(boxes, moved, 'register = "rigid"')
    (said,) = [f for f in found.plan.findings if f.id == "scan-registration-refused"]
    assert said.severity == "warning"
    assert "more than the tolerance of 10 mm" in said.text
    assert found.plan.shunt is None
    assert found.plan.dose is None
    assert found.registration is not None
    assert found.registration["accepted"] is False
    assert found.laid is not None


def test_a_scan_in_the_frame_of_the_ct_is_left_where_it_is(
    boxes: BoxStudy, unmoved: PlannedCase[Any], tmp_path: Path
) -> None:
    found = planned(boxes, spect(tmp_path / "lies.dcm", cases.SCAN_GRID), 'register = "rigid"')
    assert "scan-in-frame" in ids(found)
    assert found.plan.shunt == unmoved.plan.shunt


def test_a_threshold_is_drawn_on_the_registered_scan(
    boxes: BoxStudy, moved: Path, unmoved: PlannedCase[Any]
) -> None:
    """The same territory as on the unmoved scan within 3 % of its volume; refused on one elsewhere."""
    volumes = []
    where = f'maa_resolution = "{FWHM_MM} mm"\nregister = "rigid"\naccept_shift = "2 cm"'
    lies = spect(moved.parent / "lies.dcm", cases.SCAN_GRID)
    for scan in (moved, lies):
        text = case_text(images=f'maa = "{scan}"\n{where}', territory="maa_threshold_frac = 0.4")
        found = ep.plan(boxes.case(text, f"hot-{scan.stem}.toml"))
        assert "territory-threshold" in ids(found)
        ((_, mask),) = found.territories.items()
        volumes.append(mask.volume_ml)
    assert 50 < volumes[1] < 500
    assert volumes[0] == pytest.approx(volumes[1], rel=0.03)
    text = case_text(images=f'maa = "{moved}"', territory="maa_threshold_frac = 0.4")
    with pytest.raises(InputError, match="none that lies on the CT; register it"):
        ep.plan(boxes.case(text, "hot-elsewhere.toml"))
    assert unmoved.territories == {}


def test_without_a_resolution_nothing_can_be_registered(boxes: BoxStudy, moved: Path) -> None:
    text = case_text(images=f'maa = "{moved}"\nregister = "rigid"', territory="")
    with pytest.raises(InputError, match="give maa_resolution under"):
        ep.plan(boxes.case(text, "unresolved.toml"))


def test_the_scan_follows_its_own_ct(boxes: BoxStudy, moved: Path, tmp_path: Path) -> None:
    """The CT taken with the scan is registered; no resolution is needed, and the place is found better."""
    series = NewSeries(derived_uid("the scan's own CT"), "low dose")
    noise = np.random.default_rng(4).normal(0, 20, cases.GRID.shape)
    own = CtImage(carried(cases.GRID, MOVED), (cases.ct_numbers() + noise).astype(np.int16))
    write_ct_series(own, tmp_path / "own", cases.study(), series)
    images = f'maa = "{moved}"\nmaa_ct = "{tmp_path / "own"}"\nregister = "rigid"\naccept_shift = "2 cm"'
    found = ep.plan(boxes.case(case_text(images=images, territory=""), "own.toml"))
    assert found.registration is not None
    assert found.registration["decided_by"] == "the scan's own CT"
    shift = np.array(found.registration["fixed_to_moving"]) @ [-100.0, -20.0, -20.0, 1.0]
    assert shift == pytest.approx(MOVED @ [-100.0, -20.0, -20.0, 1.0], abs=1.0)
    assert found.plan.shunt is not None
    assert "maa ct" in {one.role for one in found.plan.inputs}
    other = replace(own, grid=replace(own.grid, frame_of_reference_uid="1.2.3"))
    scan = CountImage(carried(cases.SCAN_GRID, MOVED), blurred().counts)
    with pytest.raises(InputError, match="taken with the scan"):
        lay_scan(scan, found.anatomy.ct, found.anatomy.liver, LayingWish("rigid"), own_ct=other)


def test_wishes_without_sense_are_refused() -> None:
    with pytest.raises(InputError, match="turned and shifted only"):
        LayingWish("b-spline").require_sense()
    with pytest.raises(InputError, match="without a registration"):
        LayingWish(accept_shift_mm=5.0).require_sense()


@pytest.mark.slow
def test_a_digital_patient_whose_scan_was_taken_elsewhere(tmp_path: Path) -> None:
    """Turned by 3 degrees and moved by 13 mm: shunt within 0.5 points, ratio within 5 % of the unmoved."""
    patient: Any = ep.phantom("net-liver", seed=3, ct__matrix=128, ct__pixel_mm=3.0, slice_mm=6)
    truth = patient.truth
    scan = patient.maa_spect
    write_mask(tmp_path / "liver.nii.gz", truth.liver)
    write_labels(tmp_path / "tumours.nii.gz", truth.lesions)
    study = cases.study()
    write_ct_series(patient.ct, tmp_path / "CT", study, NewSeries(derived_uid("ct"), "CT"))
    found = []
    for name, grid in (("lies", scan.grid), ("moved", carried(scan.grid, MOVED))):
        path = tmp_path / f"{name}.dcm"
        image = replace(scan, grid=grid)
        series = NewSeries(derived_uid("digital", name), "MAA SPECT")
        write_spect(image, path, study, series, tc99m_maa(WINDOW))
        images = (
            f'maa = "{path}"\nmaa_resolution = "{scan.resolution_fwhm_mm} mm"\n'
            'register = "rigid"\naccept_shift = "25 mm"'
        )
        found.append(ep.plan(BoxStudy(tmp_path).case(case_text(images=images, territory=""), f"{name}.toml")))
    lies, moved = (one.plan for one in found)
    assert {f.id for f in moved.findings} >= {"scan-registered"}
    assert moved.shunt is not None
    assert lies.shunt is not None
    assert moved.shunt.lung_shunt_frac == pytest.approx(lies.shunt.lung_shunt_frac, abs=0.005)
    assert moved.tumour_to_normal is not None
    assert lies.tumour_to_normal is not None
    assert moved.tumour_to_normal.tumour_to_normal == pytest.approx(
        lies.tumour_to_normal.tumour_to_normal, rel=0.05
    )
