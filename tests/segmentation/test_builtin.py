"""The built-in segmentation on an analytic body: volumes against the formula, given masks, bad input."""

from collections.abc import Callable
from dataclasses import replace
from math import pi

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.segmentation.bodies import Body, analytic_body

from emboplan.errors import GeometryError, MaskError, SegmentationError
from emboplan.model.anatomy import Anatomy
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.segmentation.agreement import dice
from emboplan.segmentation.body import segment_body
from emboplan.segmentation.builtin import segment_ct
from emboplan.segmentation.lungs import segment_lungs
from emboplan.segmentation.plausible import small_liver, vast_lesion

# x, y, z, radius in mm: one deep inside, one at the capsule on the right (its surface reaches the liver's).
LESIONS = ((-50.0, -10.0, 110.0, 20.0), (-106.0, -5.0, 130.0, 14.0))


@pytest.fixture(scope="module")
def body() -> Body:
    return analytic_body(lesions=LESIONS)


@pytest.fixture(scope="module")
def found(body: Body) -> Anatomy:
    return segment_ct(body.ct)


def test_liver_with_its_tumours_is_found(body: Body, found: Anatomy) -> None:
    """Dice of 0.95: half a working voxel all around a liver of this size makes 0.97."""
    assert dice(found.liver, body.liver) >= 0.95
    assert pytest.approx(body.liver.volume_ml, rel=0.04) == found.liver.volume_ml


def test_the_tumour_at_the_capsule_is_liver(body: Body, found: Anatomy) -> None:
    capsule = body.lesions[1].voxels
    assert np.count_nonzero(found.liver.voxels & capsule) >= 0.95 * np.count_nonzero(capsule)


def test_lesions_have_the_volume_of_their_balls(found: Anatomy) -> None:
    """4/3 pi r^3, within the 15 % that a lesion of 20 mm and more may differ; the larger is number 1."""
    volumes = [found.lesions.mask(n).volume_ml for n in found.lesions.numbers]
    expected = [4 / 3 * pi * r**3 / 1000 for *_, r in LESIONS]
    assert [pytest.approx(v, rel=0.15) for v in expected] == volumes


def test_lungs_are_found_and_known_to_be_cut(body: Body, found: Anatomy) -> None:
    assert found.lungs is not None
    assert dice(found.lungs, body.lungs) >= 0.95
    assert not found.lungs_complete
    assert "segmentation.lungs-cut" in {f.id for f in found.findings}


def test_an_unreviewed_result_is_provisional(body: Body, found: Anatomy) -> None:
    assert found.review.provisional
    assert found.review.backend == "builtin"


def test_a_liver_without_lesions_has_none() -> None:
    found = segment_ct(analytic_body(seed=2).ct)
    assert found.lesions.numbers == ()


def test_the_order_of_the_axes_does_not_matter(body: Body, found: Anatomy) -> None:
    """The same patient stored from head to foot and from left to right: the same voxels, bit for bit."""
    grid = body.ct.grid
    nz, _, nx = grid.shape
    turned = replace(
        grid,
        origin_mm=tuple(grid.to_mm([nx - 1, 0, nz - 1])),
        direction=(-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0),
    )
    again = segment_ct(CtImage(turned, body.ct.hu[::-1, :, ::-1]))
    assert np.array_equal(found.liver.voxels, again.liver.voxels[::-1, :, ::-1])
    assert np.array_equal(found.lesions.labels, again.lesions.labels[::-1, :, ::-1])


def test_progress_runs_from_zero_to_one(body: Body) -> None:
    told: list[tuple[str, float]] = []
    lesions = LabelMap.empty(body.ct.grid)
    segment_ct(
        body.ct, liver=body.liver, lesions=lesions, progress=lambda stage, done: told.append((stage, done))
    )
    fractions = [done for _, done in told]
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert sorted(fractions) == fractions


def test_given_masks_are_taken_as_they_are(body: Body) -> None:
    lesions = LabelMap(body.ct.grid, body.lesions[0].voxels.astype(np.uint8))
    found = segment_ct(body.ct, liver=body.liver, lesions=lesions, confirmed_by="a reader")
    assert np.array_equal(body.liver.voxels, found.liver.voxels)
    assert np.array_equal(lesions.labels, found.lesions.labels)
    assert found.review.backend == "given"
    assert not found.review.provisional


def test_given_lesions_outside_the_found_liver_are_added_to_it(body: Body) -> None:
    """The reader drew tumour where the program saw none: the reader is right."""
    voxels = body.lesions[0].voxels.copy()
    z, y, x = (int(v) for v in np.argwhere(body.liver.voxels).mean(axis=0))
    voxels[z, y, 5:x] = True
    lesions = LabelMap(body.ct.grid, voxels.astype(np.uint8))
    found = segment_ct(body.ct, lesions=lesions)
    assert not (voxels & ~found.liver.voxels).any()
    assert found.review.backend == "builtin+given"
    assert "segmentation.lesions-added-to-liver" in {f.id for f in found.findings}


def test_given_lesions_a_little_outside_a_given_liver_are_clipped(body: Body) -> None:
    lesions = LabelMap(body.ct.grid, body.lesions[0].voxels.astype(np.uint8))
    cut = body.liver.voxels.copy()
    z = int(np.flatnonzero(body.lesions[0].voxels.any(axis=(1, 2)))[-1])
    cut[z:] = False
    found = segment_ct(body.ct, liver=Mask(body.ct.grid, cut), lesions=lesions)
    assert "segmentation.lesions-clipped" in {f.id for f in found.findings}
    assert not (found.lesions.union.voxels & ~cut).any()


def test_given_masks_that_contradict_each_other_are_refused(body: Body) -> None:
    lesions = LabelMap(body.ct.grid, body.lesions[0].voxels.astype(np.uint8))
    with pytest.raises(MaskError, match="outside the liver"):
        segment_ct(
            body.ct, liver=Mask(body.ct.grid, body.liver.voxels & ~body.lesions[0].voxels), lesions=lesions
        )


def test_a_given_mask_on_another_grid_is_refused(body: Body) -> None:
    other = Grid((5, 5, 5), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="different grids"):
        segment_ct(body.ct, liver=Mask(other, np.ones((5, 5, 5), np.bool_)))


SPOILED: dict[str, tuple[Callable[[NDArray[np.int16]], NDArray[np.int16]], str]] = {
    "upside down": (lambda hu: hu[::-1], "upside down|no liver"),
    "mirrored": (lambda hu: hu[:, :, ::-1], "mirrored|no liver"),
    "turned over": (lambda hu: hu[:, ::-1], "turned over"),
    "five slices": (lambda hu: hu[30:35], "5 axial slices"),
    "MR given as CT": (lambda hu: (np.clip(hu, -1000, 1000) + 1000) // 3, "Hounsfield"),
    "not rescaled": (lambda hu: hu + 1024, "Hounsfield"),
    "air only": (lambda hu: np.full_like(hu, -1000), "no body"),
    "constant": (np.zeros_like, "Hounsfield"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_no_upper_abdomen_is_refused(name: str, body: Body) -> None:
    """One clear line instead of a confident wrong number."""
    spoil, says = SPOILED[name]
    hu = np.ascontiguousarray(spoil(body.ct.hu.astype(np.int16)))
    grid = Grid(hu.shape, body.ct.grid.spacing_mm, body.ct.grid.origin_mm)
    with pytest.raises(SegmentationError, match=says) as caught:
        segment_ct(CtImage(grid, hu))
    assert "\n" not in str(caught.value)


def test_a_body_without_a_liver_is_refused(body: Body) -> None:
    """Fat where the liver was: nothing thick lies on the right."""
    hu = body.ct.hu.copy()
    hu[body.liver.voxels] = -100
    with pytest.raises(SegmentationError, match=r"no liver|left"):
        segment_ct(CtImage(body.ct.grid, hu))


def test_the_public_steps_agree_with_the_whole(body: Body, found: Anatomy) -> None:
    outline = segment_body(body.ct)
    assert found.body is not None
    assert found.lungs is not None
    assert np.array_equal(found.body.voxels, outline.voxels)
    assert dice(found.lungs, segment_lungs(body.ct, outline).mask) > 0.999


def test_below_the_lungs_ribs_tell_the_upper_abdomen(body: Body, found: Anatomy) -> None:
    """Without lungs a slab is refused; four rods of bone, two on each side, make it an upper abdomen."""
    assert found.lungs is not None
    top = int(np.flatnonzero(found.lungs.voxels.any(axis=(1, 2)))[0])
    whole = body.ct.grid
    grid = whole.cropped((slice(0, top), slice(0, whole.shape[1]), slice(0, whole.shape[2])))
    hu = body.ct.hu[:top].copy()
    with pytest.raises(SegmentationError, match="neither lungs, nor ribs"):
        segment_ct(CtImage(grid, hu))
    assert found.body is not None
    rows = np.flatnonzero(found.body.voxels.any(axis=(0, 2)))
    width = max(1, round(6 / grid.spacing_mm[0]))
    for row in (int(np.quantile(rows, q)) for q in (0.45, 0.6)):
        inside = np.flatnonzero(found.body.voxels[top // 2, row])
        for column in (inside[0] + 2, inside[-1] - 2 - width):
            hu[:, row : row + width, column : column + width] = 500
    again = segment_ct(CtImage(grid, hu))
    assert dice(again.liver, Mask(grid, body.liver.voxels[:top])) > 0.9


def test_a_lesion_as_large_as_a_part_of_the_liver_is_named() -> None:
    """From a fifth of the liver on; with its volume and share."""
    (said,) = vast_lesion(224.0, 749.0)
    assert said.id == "segmentation.lesion-vast"
    assert said.severity == "warning"
    assert "224 mL" in said.text
    assert "30 %" in said.text
    assert vast_lesion(300.0, 1501.0) == vast_lesion(0.0, 0.0) == ()


def test_a_small_liver_may_be_a_part_of_one() -> None:
    (said,) = small_liver(590.0)
    assert said.id == "segmentation.liver-small"
    assert "590 mL" in said.text
    assert small_liver(1200.0) == ()
