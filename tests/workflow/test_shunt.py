"""The lung shunt of a study, by every method, on scans and views whose shunt is set."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.workflow import cases, planar_cases
from tests.workflow.cases import BoxStudy
from tests.workflow.planar_cases import FIRST_PIXEL_MM, TRUE_SHUNT

from emboplan.dicom.read.nuclear import PlanarSeries
from emboplan.errors import DicomError, InputError
from emboplan.files import nrrd
from emboplan.files.nifti import write_ct, write_labels, write_mask
from emboplan.model.anatomy import Anatomy, Review
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage, PlanarPair
from emboplan.model.mask import LabelMap, Mask
from emboplan.model.results.shunt import LungShunt, ShuntEstimate
from emboplan.workflow.shunting.shunt import lung_shunt


def anatomy(*, complete: bool = True, frame: str | None = cases.FRAME) -> Anatomy:
    grid = replace(cases.GRID, frame_of_reference_uid=frame)

    def moved(mask: Mask) -> Mask:
        return Mask(grid, mask.voxels)

    return Anatomy(
        image=CtImage(grid, cases.ct_numbers()),
        liver=moved(cases.box(cases.LIVER)),
        lesions=LabelMap.empty(grid),
        review=Review("given", "reader"),
        lungs=moved(cases.box(*cases.LUNGS)),
        body=moved(cases.box(cases.BODY)),
        lungs_complete=complete,
    )


def ids(estimate: ShuntEstimate) -> set[str]:
    return {finding.id for finding in estimate.findings}


def by_method(shunt: LungShunt) -> dict[str, ShuntEstimate]:
    return {one.method.value: one for one in (shunt.estimate, *shunt.other_methods)}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> BoxStudy:
    """SPECT, planar views, CT and masks of the boxes in one folder."""
    written = cases.write_study(tmp_path_factory.mktemp("shunt") / "study")
    planar_cases.write_views(written.folder / "planar.dcm", planar_cases.pair(scatter=True))
    write_mask(written.folder / "lungs.nii.gz", cases.box(*cases.LUNGS))
    return written


def masks(study: BoxStudy) -> dict[str, Any]:
    return {"liver": str(study.folder / "liver.nii.gz"), "lungs": str(study.folder / "lungs.nii.gz")}


def test_all_methods_stand_side_by_side_on_all_scales(study: BoxStudy) -> None:
    """A tenth of the counts lies in the lungs; the lungs are 2016 mL of -800 HU, 403.2 g."""
    shunt = lung_shunt(study.folder, **masks(study))
    assert shunt.estimate.method == "spect-ct"
    assert [other.method.value for other in shunt.other_methods] == ["planar-gm", "anterior"]
    for estimate in by_method(shunt).values():
        assert estimate.lung_shunt_frac == pytest.approx(TRUE_SHUNT, rel=0.01)
        assert estimate.known_bias
    scales = {(s.method.value, s.lung_mass_source): s for s in shunt.scales}
    planar, spect = scales["planar-gm", "default"], scales["spect-ct", "ct"]
    assert planar.lung_dose_per_gbq_gy == pytest.approx(49.8 * planar.lung_shunt_frac)
    assert spect.lung_mass_g == pytest.approx(0.2 * cases.LUNGS_ML)
    assert spect.lung_dose_per_gbq_gy == pytest.approx(49.8 * spect.lung_shunt_frac / 0.4032)
    assert "lung_session" in planar.comparable_with
    assert spect.comparable_with == ()


def test_a_method_can_be_asked_for(study: BoxStudy) -> None:
    shunt = lung_shunt(study.folder, method="anterior", lung_mass_g="ct", **masks(study))
    assert shunt.estimate.method == "anterior"
    assert "spect-ct" in by_method(shunt)
    assert shunt.lung_mass_source == "ct"
    assert shunt.lung_mass_g == pytest.approx(403.2)
    assert lung_shunt(study.folder, lung_mass_g=900.0, **masks(study)).lung_mass_source == "entered"


def test_scatter_is_taken_off_by_the_windows_of_the_file(study: BoxStudy) -> None:
    """The cloud adds a fifth of all counts, evenly: the plain ratio reads high, the corrected one true."""
    corrected = by_method(lung_shunt(study.folder, method="planar-gm", **masks(study)))["planar-gm"]
    assert corrected.uncorrected_frac is not None
    assert corrected.uncorrected_frac > TRUE_SHUNT + 0.01
    said = next(f.text for f in corrected.findings if f.id == "planar-scatter")
    assert "108 to 126 keV" in said
    plain = lung_shunt(study.folder, method="planar-gm", scatter=False, **masks(study))
    assert plain.lung_shunt_frac == corrected.uncorrected_frac


def test_scatter_that_was_not_recorded_cannot_be_insisted_on() -> None:
    with pytest.raises(InputError, match="no scatter window"):
        lung_shunt(planar_cases.pair(), ct=anatomy(), scatter=True)


def test_the_place_of_the_views_is_found_and_said() -> None:
    shunt = lung_shunt(planar_cases.pair(), ct=anatomy())
    assert shunt.estimate.method == "planar-gm"
    assert shunt.lung_shunt_frac == pytest.approx(TRUE_SHUNT, rel=0.02)
    text = next(f.text for f in shunt.findings if f.id == "planar-placement")
    assert "fit the counts best" in text


def test_the_place_can_be_given_or_read_from_the_header() -> None:
    given = lung_shunt(planar_cases.pair(), ct=anatomy(), first_pixel_mm=FIRST_PIXEL_MM)
    assert given.lung_shunt_frac == pytest.approx(TRUE_SHUNT, rel=1e-3)
    assert "as entered" in next(f.text for f in given.findings if f.id == "planar-placement")
    series = PlanarSeries(planar_cases.pair(), None, None, (), FIRST_PIXEL_MM, cases.FRAME)
    read = lung_shunt(series, ct=anatomy())
    assert read.lung_shunt_frac == given.lung_shunt_frac
    assert "by their header" in next(f.text for f in read.findings if f.id == "planar-placement")
    elsewhere = lung_shunt(series, ct=anatomy(frame="1.2.3"))
    assert "fit the counts best" in next(f.text for f in elsewhere.findings if f.id == "planar-placement")


def test_a_place_off_the_liver_is_refused() -> None:
    with pytest.raises(InputError, match="lie outside the planar views"):
        lung_shunt(planar_cases.pair(), ct=anatomy(), first_pixel_mm=(1000.0, 1000.0))


def test_a_scan_whose_lungs_hold_no_counts_says_so() -> None:
    shunt = lung_shunt(planar_cases.pair(0.0), ct=anatomy(), first_pixel_mm=FIRST_PIXEL_MM)
    assert shunt.lung_shunt_frac == 0.0
    assert "shunt-no-lung-counts" in ids(shunt.estimate)
    spect = cases.scan()
    dark = spect.counts.copy()
    dark[14:] = 0
    shunt = lung_shunt(replace(spect, counts=dark), ct=anatomy())
    assert "shunt-no-lung-counts" in ids(shunt.estimate)


def region_picture() -> np.ndarray[Any, np.dtype[np.uint16]]:
    picture = np.zeros(planar_cases.SHAPE, np.uint16)
    picture[10 + 52 - 48 : 10 + 52 - 30, 6 + 12 : 6 + 52] = 1
    picture[10 + 52 - 26 : 10 + 52 - 6, 6 + 12 : 6 + 32] = 2
    picture[60:, 70:] = 3
    return picture


def write_regions(path: Path, picture: Any, *, coronal: bool = False) -> Path:
    rows, columns = picture.shape
    write = nrrd.write_labels if path.suffix == ".nrrd" else write_labels
    if not coronal:
        grid = Grid((1, rows, columns), (5.0, 5.0, 5.0), (0.0, 0.0, 0.0))
        write(path, LabelMap(grid, picture[None]))
        return path
    z = FIRST_PIXEL_MM[1] - 5.0 * (rows - 1)
    grid = Grid((rows, 1, columns), (5.0, 5.0, 5.0), (FIRST_PIXEL_MM[0], 0.0, z))
    write(path, LabelMap(grid, picture[::-1][:, None]))
    return path


@pytest.mark.parametrize("coronal", [False, True])
@pytest.mark.parametrize("name", ["r.nii.gz", "r.nrrd"])
def test_regions_that_were_drawn_need_no_ct(tmp_path: Path, name: str, coronal: bool) -> None:
    path = write_regions(tmp_path / name, region_picture(), coronal=coronal)
    shunt = lung_shunt(planar_cases.pair(), regions=path)
    assert shunt.lung_shunt_frac == pytest.approx(TRUE_SHUNT, rel=1e-3)
    assert [s.lung_mass_source for s in shunt.scales] == ["default", "default"]
    assert "planar-mirrored" not in ids(shunt.estimate)


def test_regions_drawn_on_the_posterior_view_are_mirrored(tmp_path: Path) -> None:
    path = write_regions(tmp_path / "r.nii.gz", region_picture()[:, ::-1])
    behind = lung_shunt(planar_cases.pair(), regions=path, regions_from_behind=True)
    assert behind.lung_shunt_frac == pytest.approx(TRUE_SHUNT, rel=1e-3)
    with pytest.raises(InputError, match="the liver region holds no counts"):
        lung_shunt(planar_cases.pair(), regions=path)
    clean = planar_cases.pair()
    hazy = PlanarPair(clean.anterior + 1, clean.posterior + 1, clean.pixel_mm)
    wrong = lung_shunt(hazy, regions=path, background=False)
    assert "planar-mirrored" in ids(wrong.estimate)


def test_a_drawn_background_is_taken_off(tmp_path: Path) -> None:
    """Ten counts on every pixel; the background region holds nothing else."""
    path = write_regions(tmp_path / "r.nii.gz", region_picture())
    clean = planar_cases.pair()
    hazy = PlanarPair(clean.anterior + 10, clean.posterior + 10, clean.pixel_mm)
    assert lung_shunt(hazy, regions=path).lung_shunt_frac == pytest.approx(TRUE_SHUNT, rel=1e-3)
    assert lung_shunt(hazy, regions=path, background=False).lung_shunt_frac > TRUE_SHUNT
    picture = region_picture()
    picture[picture == 3] = 0
    bare = write_regions(tmp_path / "bare.nii.gz", picture)
    with pytest.raises(InputError, match="no background region"):
        lung_shunt(hazy, regions=bare, background=True)


def test_regions_of_another_size_are_refused(tmp_path: Path) -> None:
    path = write_regions(tmp_path / "r.nii.gz", region_picture()[:, 1:])
    with pytest.raises(InputError, match="72 x 79 pixels"):
        lung_shunt(planar_cases.pair(), regions=path)
    write_labels(tmp_path / "v.nii.gz", cases.lesions())
    with pytest.raises(InputError, match="picture of one slice"):
        lung_shunt(planar_cases.pair(), regions=tmp_path / "v.nii.gz")


def test_what_cannot_be_measured_is_said_beside_what_can(study: BoxStudy) -> None:
    """The CT cuts the lungs: SPECT/CT and projected regions are out; without others it is an error."""
    with pytest.raises(InputError, match="does not show the whole lungs"):
        lung_shunt(study.folder, ct=anatomy(complete=False))
    with pytest.raises(InputError, match="no lung shunt by spect-ct: "):
        lung_shunt(study.folder, ct=anatomy(frame="1.2.3"), method="spect-ct")
    shunt = lung_shunt(study.folder, ct=anatomy(frame="1.2.3"))
    assert shunt.estimate.method == "planar-gm"
    assert "shunt-not-measured" in ids(shunt.estimate)


def test_errors_say_what_is_missing(study: BoxStudy, tmp_path: Path) -> None:
    with pytest.raises(InputError, match='method "planar" is unknown; expected spect-ct'):
        lung_shunt(study.folder, method="planar")
    with pytest.raises(InputError, match="give a CT to project"):
        lung_shunt(planar_cases.pair())
    with pytest.raises(InputError, match="a SPECT needs a CT"):
        lung_shunt(cases.scan())
    with pytest.raises(InputError, match="the study holds a SPECT"):
        lung_shunt(cases.scan(), ct=anatomy(), method="planar-gm")
    with pytest.raises(InputError, match="lung mass"):
        lung_shunt(cases.scan(), ct=anatomy(), lung_mass_g="light")
    with pytest.raises(DicomError, match="no SPECT and no planar views"):
        lung_shunt(study.folder / "CT")
    with pytest.raises(InputError, match="give a CT to project"):
        lung_shunt(planar_cases.write_views(tmp_path / "views.dcm"))


def test_masks_are_taken_and_what_is_missing_is_segmented(study: BoxStudy, found: None) -> None:
    ct = study.folder / "CT"
    given = lung_shunt(study.folder / "spect.dcm", ct=ct, **masks(study))
    assert "shunt-contours" not in ids(given.estimate)
    half = lung_shunt(study.folder / "spect.dcm", ct=ct, liver=masks(study)["liver"])
    assert half.lung_shunt_frac == pytest.approx(given.lung_shunt_frac, rel=0.01)
    assert "shunt-contours" in ids(half.estimate)


def test_given_lungs_that_reach_the_end_of_the_ct_are_cut(study: BoxStudy, tmp_path: Path) -> None:
    keep = (slice(0, 40), slice(None), slice(None))
    grid = cases.GRID.cropped(keep)
    write_ct(tmp_path / "ct.nii.gz", CtImage(grid, cases.ct_numbers()[keep]))
    write_mask(tmp_path / "liver.nii.gz", Mask(grid, cases.box(cases.LIVER).voxels[keep]))
    write_mask(tmp_path / "lungs.nii.gz", Mask(grid, cases.box(*cases.LUNGS).voxels[keep]))
    with pytest.raises(InputError, match="does not show the whole lungs"):
        lung_shunt(
            study.folder / "spect.dcm",
            ct=tmp_path / "ct.nii.gz",
            liver=str(tmp_path / "liver.nii.gz"),
            lungs=str(tmp_path / "lungs.nii.gz"),
        )
