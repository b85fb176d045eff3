"""The pictures: where things are in them, and that they come out the same."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.report.conftest import LESIONS_MM, LIVER_MM, make_anatomy, make_dose

from emboplan.model.grid import Grid
from emboplan.model.mask import LabelMap, Mask
from emboplan.model.plan import PlannedCase
from emboplan.report.figures import Picture, draw_anatomy, draw_figures, largest_lesion_slices, liver_slices
from emboplan.report.panels import LESION_COLOUR, Scene, dose_bands, touching
from emboplan.report.views import Plane, Upright, position_mm

# The same patient, stored as scanners and converters store them: plain, flipped, sagittal, oblique.
FLIPPED = Grid((40, 72, 96), (4.0, 4.0, 5.0), (190.0, 144.0, -100.0), (-1, 0, 0, 0, -1, 0, 0, 0, 1))
SAGITTAL = Grid((96, 40, 72), (4.0, 5.0, 4.0), (190.0, -140.0, 95.0), (0, 0, -1, 1, 0, 0, 0, -1, 0))
COS_15, SIN_15 = np.cos(np.radians(15.0)), np.sin(np.radians(15.0))
OBLIQUE = Grid(
    (44, 80, 100), (4.0, 4.0, 5.0), (-195.0, -130.0, -140.0),
    (1, 0, 0, 0, COS_15, -SIN_15, 0, SIN_15, COS_15),
)  # fmt: skip


def _pixels(content: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def _lesion_pixels(content: bytes) -> Any:
    wanted = [int(LESION_COLOUR[k : k + 2], 16) for k in (1, 3, 5)]
    return np.argwhere(np.abs(_pixels(content) - np.array(wanted)).max(axis=-1) < 40)


@pytest.mark.parametrize(
    "grid", [None, FLIPPED, SAGITTAL, OBLIQUE], ids=["plain", "flipped", "sagittal", "oblique"]
)
def test_lesion_on_the_patients_right_is_on_the_pictures_left(grid: Grid | None) -> None:
    """The three lesions lie on the patient's right; the whole body is in the coronal picture (left 45 %)."""
    planes = next(p for p in draw_anatomy(make_anatomy(grid)) if p.name == "planes.png")
    found = _lesion_pixels(planes.content)
    width = _pixels(planes.content).shape[1]
    above_legend = found[found[:, 0] < 0.85 * _pixels(planes.content).shape[0]]
    coronal = above_legend[above_legend[:, 1] < 0.55 * width]
    assert len(coronal) > 20
    assert coronal[:, 1].max() < 0.55 * width / 2


@pytest.mark.parametrize("grid", [None, FLIPPED, SAGITTAL])
def test_pictures_do_not_depend_on_how_the_scan_is_stored(grid: Grid | None) -> None:
    """The slices shown are the same places in the patient."""
    anatomy, reference = make_anatomy(grid), make_anatomy()
    places = [position_mm(Upright.of(a.grid), Plane.AXIAL, i) for a in [anatomy] for i in liver_slices(a)]
    expected = [position_mm(Upright.of(reference.grid), Plane.AXIAL, i) for i in liver_slices(reference)]
    np.testing.assert_allclose(places, expected, atol=5.0)


def test_slices_run_from_head_to_foot_through_the_liver() -> None:
    anatomy = make_anatomy()
    places = [position_mm(Upright.of(anatomy.grid), Plane.AXIAL, i) for i in liver_slices(anatomy)]
    (_, _, z), (_, _, radius) = LIVER_MM
    assert len(places) == 12
    assert places == sorted(places, reverse=True)
    assert z - radius <= places[-1] < places[0] <= z + radius


def test_largest_lesions_are_shown_at_their_middle() -> None:
    """A sphere is widest at its centre; slices are 5 mm apart."""
    anatomy = make_anatomy()
    places = [position_mm(Upright.of(anatomy.grid), Plane.AXIAL, i) for i in largest_lesion_slices(anatomy)]
    expected = [LESIONS_MM[label][0][2] for label in (1, 2, 3)]
    np.testing.assert_allclose(places, expected, atol=5.0)


def test_dose_is_read_where_the_patient_has_it() -> None:
    """On a grid of another spacing: 160 Gy at a lesion's centre, 40 Gy in the liver, 0 outside the grid."""
    anatomy = make_anatomy()
    scene = Scene.of(anatomy, make_dose(anatomy))
    index = largest_lesion_slices(anatomy)[0]
    dose = scene.dose_at(Plane.AXIAL, index)
    x, y, _ = anatomy.grid.to_index(LESIONS_MM[1][0])
    assert pytest.approx(160.0) == dose[round(y), round(x)]
    x, y, _ = anatomy.grid.to_index((-50.0, 30.0, 5.0))
    assert pytest.approx(40.0) == dose[round(y), round(x)]
    assert dose[0, 0] < 1.0


def test_dose_bands_are_round_and_reach_the_liver_dose() -> None:
    anatomy = make_anatomy()
    scene = Scene.of(anatomy, make_dose(anatomy))
    views = [(Plane.AXIAL, largest_lesion_slices(anatomy)[0])]
    bands = dose_bands(scene, views, [scene.dose_at(*views[0])])
    assert bands[0] == 0
    assert bands[-1] >= 160.0
    assert len(bands) <= 12


def test_figures_are_the_same_bytes_twice(planned: PlannedCase[Any], pictures: tuple[Picture, ...]) -> None:
    assert pictures == draw_figures(planned)


def test_figures_name_what_they_show(bare: PlannedCase[Any], pictures: tuple[Picture, ...]) -> None:
    with_dose = [picture.name for picture in pictures]
    assert with_dose == [
        "slices.png",
        "lesions.png",
        "planes.png",
        "dose_slices.png",
        "dose_lesions.png",
        "dvh.svg",
        "dose_activity.svg",
    ]
    assert [picture.name for picture in draw_figures(bare)] == ["slices.png", "lesions.png", "planes.png"]
    assert all(picture.caption and picture.alt for picture in pictures)


def test_what_is_not_viable_is_outlined() -> None:
    """A viable part smaller than the lesions adds an outline and a word; one as large adds nothing."""
    plain = make_anatomy()
    alike = draw_anatomy(replace(plain, viable=plain.tumour))
    assert [p.content for p in alike] == [p.content for p in draw_anatomy(plain)]
    half = plain.tumour.voxels.copy()
    half[:, :, ::2] = False
    told = draw_anatomy(replace(plain, viable=Mask(plain.grid, half)))
    assert "not viable dotted" in told[0].caption
    assert told[0].content != alike[0].content


def test_a_border_between_lesions_that_touch_is_drawn() -> None:
    """One lesion cut in two shows a line through it; lesions that lie apart are named by none."""
    plain = make_anatomy()
    labels = plain.lesions.labels.copy()
    assert touching(labels[labels.shape[0] // 2]) == []
    columns = np.flatnonzero((labels == 1).any(axis=(0, 1)))
    right = (labels == 1) & (np.arange(labels.shape[2]) > columns.mean())
    labels[right] = labels.max() + 1
    section = labels[np.flatnonzero(right.any(axis=(1, 2)))[0]]
    assert touching(section) == [1, labels.max()]
    cut = draw_anatomy(replace(plain, lesions=LabelMap(plain.grid, labels)))[0]
    assert len(_lesion_pixels(cut.content)) > len(_lesion_pixels(draw_anatomy(plain)[0].content)) + 20


def test_oblique_scans_say_so() -> None:
    slices = draw_anatomy(make_anatomy(OBLIQUE))[0]
    assert "15° off the patient's axes" in slices.caption


def test_histogram_shows_few_lesions_and_all_organs(planned: PlannedCase[Any]) -> None:
    from dataclasses import replace

    from emboplan.report.histogram import curves_shown

    assert planned.plan.dose is not None
    organs, lesion = planned.plan.dose.structures[:3], planned.plan.dose.structures[3]
    many = [replace(lesion, name=f"lesion {n}", volume_ml=float(n)) for n in range(1, 10)]
    shown = [structure.name for structure in curves_shown([*organs, *many])]
    assert [o.name for o in organs] + [f"lesion {n}" for n in range(5, 10)] == shown
