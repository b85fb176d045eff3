"""Phantoms as objects and as folders: what is written reads back as what was made."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import emboplan as ep
from emboplan.catalog import load
from emboplan.dicom.index import index_folder
from emboplan.dicom.read.nuclear import read_planar, read_spect
from emboplan.dicom.read.seg import read_seg_labels
from emboplan.errors import InputError, OutputError
from emboplan.synthetic.analytic.case import AnalyticCase
from emboplan.workflow.inputs import load_ct, load_lesions, load_mask, parse_mask_source
from emboplan.workflow.phantom import phantom_settings, write_any_phantom

TERRITORIES: dict[str, object] = {"ct.matrix": [108, 84, 114], "ct.voxel_mm": [3, 3, 3]}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, AnalyticCase]:
    folder = tmp_path_factory.mktemp("phantom") / "two-territories"
    write_any_phantom("two-territories", folder, seed=4, catalog=load(), settings=TERRITORIES)
    made = ep.phantom("two-territories", seed=4, **TERRITORIES)  # type: ignore[arg-type]  # settings by name
    assert isinstance(made, AnalyticCase)
    return folder, made


def test_the_ct_reads_back(written: tuple[Path, AnalyticCase]) -> None:
    folder, made = written
    ct = load_ct(folder / "CT").image
    assert np.array_equal(ct.hu, made.ct.hu)
    assert ct.grid.is_same(made.ct.grid)


def test_each_injection_has_its_scan(written: tuple[Path, AnalyticCase]) -> None:
    folder, made = written
    index = index_folder(folder / "MAA")
    found = {s.description: read_spect(s).image for s in index.series}
    assert set(found) == {"SPECT right territory", "SPECT left territory"}
    for scan in made.spect:
        image = found[f"SPECT {scan.name}"]
        assert np.array_equal(image.counts, scan.image.counts)
        assert image.attenuation_corrected


def test_masks_and_segments_agree(written: tuple[Path, AnalyticCase]) -> None:
    folder, made = written
    grid = made.ct.grid
    segments = read_seg_labels(folder / "segmentation.dcm", grid)
    tumours = [r.name for r in made.truth.regions if r.role == "tumour"]
    assert set(segments) == {"Liver", "Lungs", *tumours}
    for name in tumours:
        assert np.array_equal(segments[name].voxels, made.mask(name).voxels)
    liver = load_mask(parse_mask_source(str(folder / "masks" / "liver.nii.gz")), grid)
    assert np.array_equal(liver.voxels, segments["Liver"].voxels)
    lesions = load_lesions(parse_mask_source(str(folder / "masks" / "tumours.nii.gz")), grid)
    assert np.array_equal(lesions.labels, made.lesions.labels)


def test_burden_set_is_burden_measured(written: tuple[Path, AnalyticCase]) -> None:
    """The program's own measurement on the true masks; voxels of 3 mm round a 30 mm ball by some percent."""
    _, made = written
    anatomy = ep.segment(made.ct, liver=made.liver, lesions=made.lesions)
    burden = ep.burden(anatomy)
    assert made.truth.burden_frac is not None
    assert burden.burden_pct == pytest.approx(100 * made.truth.burden_frac, rel=0.01)
    assert burden.liver_ml == pytest.approx(made.truth.volumes_ml["liver"], rel=0.005)


@pytest.mark.slow
def test_the_plan_of_two_territories_is_that_of_the_formula(written: tuple[Path, AnalyticCase]) -> None:
    """120 Gy to the tumours of each: activity in proportion to the truth's dose; masks of whole voxels."""
    folder, made = written
    chosen = ep.plan(folder / "case.toml").plan.activity
    assert chosen is not None
    given = sum(
        120.0 / made.truth.region(tumour).local_gy * injection.administered_gbq
        for injection, tumour in zip(
            made.truth.injections, ("right tumour 50 mm", "left tumour 30 mm"), strict=True
        )
    )
    assert chosen.chosen is not None
    assert chosen.chosen.administered_gbq == pytest.approx(given, rel=0.01)


def test_the_case_file_goes_with_the_masks(written: tuple[Path, AnalyticCase]) -> None:
    """Territories are their lobe with its tumours, and make up the liver."""
    folder, made = written
    sides = [
        load_mask(parse_mask_source(str(folder / "masks" / f"{side}_territory.nii.gz")), made.ct.grid)
        for side in ("right", "left")
    ]
    assert not (sides[0].voxels & sides[1].voxels).any()
    assert np.array_equal(sides[0].voxels | sides[1].voxels, made.liver.voxels)
    case = (folder / "case.toml").read_text()
    assert "tumour_to_normal = 6 " in case
    assert "lung_shunt_frac = 0.03" in case


def test_truth_json_is_the_truth(written: tuple[Path, AnalyticCase]) -> None:
    folder, made = written
    truth = json.loads((folder / "truth.json").read_text())
    assert truth == made.to_json()
    assert truth["settings"]["right_to_normal"] == 6.0
    assert [i["lung_shunt_frac"] for i in truth["injections"]] == pytest.approx([0.06, 0.03], rel=1e-9)


def test_the_same_folder_has_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_any_phantom("point", tmp_path / name, seed=2, catalog=load())
    one, two = (_contents(tmp_path / name) for name in ("one", "two"))
    assert len(one) > 50
    assert one == two


def _contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_scans_of_a_decay_series_say_when(tmp_path: Path) -> None:
    """24 h after noon of the first day is noon of the next."""
    write_any_phantom("decay-series", tmp_path / "d", seed=1, catalog=load(), settings={"hours": [0, 6, 24]})
    headers = sorted((tmp_path / "d" / "MAA").glob("*.dcm"))
    assert len(headers) == 3
    moments = [_moment(path) for path in headers]
    assert moments == [("20260101", "120000"), ("20260101", "180000"), ("20260102", "120000")]


def _moment(path: Path) -> tuple[str, str]:
    import pydicom

    header = pydicom.dcmread(path, stop_before_pixels=True)
    return str(header.SeriesDate), str(header.SeriesTime)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy is not installed")
@pytest.mark.parametrize("name", ["planar-shunt", "decay-series", "point"])
def test_every_object_passes_the_standard(tmp_path: Path, name: str) -> None:
    write_any_phantom(name, tmp_path / name, seed=1, catalog=load())
    objects = [p for p in (tmp_path / name).rglob("*.dcm") if p.name not in _middle_slices()]
    assert len(objects) > 2
    for path in objects:
        said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False).stderr
        assert [line for line in said.splitlines() if line.startswith("Error")] == []


def _middle_slices() -> set[str]:
    return {f"slice_{n:04d}.dcm" for n in range(3, 400)}


def test_planar_views_read_back_and_give_the_shunt_of_the_formula(tmp_path: Path) -> None:
    write_any_phantom("planar-shunt", tmp_path / "p", seed=6, catalog=load())
    made = ep.phantom("planar-shunt", seed=6)
    assert isinstance(made, AnalyticCase)
    assert made.planar is not None
    pair = read_planar(tmp_path / "p" / "MAA" / "planar.dcm")
    assert np.array_equal(pair.anterior, made.planar.anterior)
    assert np.array_equal(pair.posterior, made.planar.posterior)


def test_a_folder_is_not_overwritten(tmp_path: Path) -> None:
    write_any_phantom("point", tmp_path / "p", seed=1, catalog=load())
    with pytest.raises(OutputError, match="holds a result already"):
        write_any_phantom("point", tmp_path / "p", seed=1, catalog=load())


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="tumour leaves liver"):
        write_any_phantom("sphere", tmp_path / "p", seed=1, catalog=load(), settings={"diameter_mm": 300})
    assert list(tmp_path.iterdir()) == []


def test_settings_are_listed_with_their_values() -> None:
    shown = phantom_settings("sphere", load())
    assert shown["diameter_mm"] == 20.0
    assert "lesions.burden_frac" in phantom_settings("net-liver", load())


def test_an_unknown_region_names_those_there_are() -> None:
    made = ep.phantom("point")
    assert isinstance(made, AnalyticCase)
    with pytest.raises(InputError, match="no region 'liver'; it has water"):
        made.mask("liver")
