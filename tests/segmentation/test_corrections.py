"""Corrections on bodies whose livers and lesions are known: local, recorded, and never a silent guess."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.segmentation.bodies import Body, analytic_body

from emboplan.errors import GeometryError, InputError, MaskError
from emboplan.model.correction import Box, Correction, Part, Point, Shape
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.segmentation.correction_places import voxels_in
from emboplan.segmentation.corrections import Corrected, correct

BIG, SMALL = (-60.0, -5.0, 120.0, 15.0), (-80.0, 10.0, 90.0, 10.0)


@cache
def body() -> Body:
    return analytic_body(lesions=(BIG, SMALL))


@cache
def places() -> NDArray[np.float64]:
    """The position of each voxel, (z, y, x, 3)."""
    grid = body().ct.grid
    z, y, x = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij")
    return grid.to_mm(np.stack([x, y, z], axis=-1))


def ball(x: float, y: float, z: float, radius: float) -> NDArray[np.bool_]:
    return np.asarray(((places() - np.array([x, y, z])) ** 2).sum(axis=-1) <= radius**2)


def one(part: Part, include: bool, shape: Shape) -> Correction:
    return Correction(part, include, shape, "as asked")


def corrected(
    liver: NDArray[np.bool_], *corrections: Correction, labels: NDArray[np.uint16] | None = None
) -> Corrected:
    grid = body().ct.grid
    lesions = LabelMap.empty(grid) if labels is None else LabelMap(grid, labels)
    return correct(body().ct, Mask(grid, liver), lesions, corrections)


def numbered() -> NDArray[np.uint16]:
    first, second = body().lesions
    return np.where(first.voxels, 1, np.where(second.voxels, 2, 0)).astype(np.uint16)


def overlap(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float(2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b)))


def test_a_point_brings_back_a_missed_piece_of_liver() -> None:
    """A bite of 25 mm at the capsule comes back up to 5 % of it, and less than 2 mL of anything else."""
    truth = body().liver.voxels
    bite = truth & ball(-110, -5, 120, 25)
    done = corrected(truth & ~bite, one(Part.LIVER, True, Point((-110.0, -5.0, 120.0))))
    back = done.liver.voxels
    assert np.count_nonzero(back & bite) >= 0.95 * np.count_nonzero(bite)
    assert np.count_nonzero(back & ~truth) * body().ct.grid.voxel_ml < 2
    (record,) = done.records
    assert record.added_ml == pytest.approx(
        np.count_nonzero(back & ~(truth & ~bite)) * body().ct.grid.voxel_ml
    )
    assert (record.option, record.value, record.removed_ml) == ("include", "as asked", 0.0)
    assert f"Added {record.added_ml:.1f} mL of liver at (-110.0, -5.0, 120.0) mm." in done.findings[0].text


def test_a_point_takes_out_what_is_of_another_density() -> None:
    """A ball of fat beside the liver that was taken for liver goes whole, and no true liver with it."""
    truth = body().liver.voxels
    leak = ball(15, -20, 110, 18) & ~truth
    done = corrected(truth | leak, one(Part.LIVER, False, Point((16.0, -20.0, 110.0))))
    assert overlap(done.liver.voxels, truth) > 0.999


def test_a_point_takes_out_what_hangs_on_a_neck() -> None:
    """Two balls of one density, joined by a bridge of 8 mm: the point's ball goes, the other stays."""
    grid = Grid((60, 60, 90), (1.5, 1.5, 1.5), (0.0, 0.0, 0.0))
    z, y, x = np.ogrid[:60, :60, :90]
    near = (x - 25) ** 2 + (y - 30) ** 2 + (z - 30) ** 2 <= 18**2
    far = (x - 58) ** 2 + (y - 30) ** 2 + (z - 30) ** 2 <= 12**2
    bridge = ((y - 30) ** 2 + (z - 30) ** 2 <= 2.6**2) & (x > 25) & (x < 58)
    liver = near | far | bridge
    ct = CtImage(grid, np.where(liver, 110, -100).astype(np.int16))
    point = Point((58 * 1.5, 45.0, 45.0))
    done = correct(ct, Mask(grid, liver), LabelMap.empty(grid), [one(Part.LIVER, False, point)])
    assert not (done.liver.voxels & far & ~bridge & ~near).any()
    assert np.count_nonzero(near & ~done.liver.voxels) < 0.01 * np.count_nonzero(near)


def test_liver_that_nothing_parts_is_not_cut_by_chance() -> None:
    """In the middle of the organ a point says nothing; with a radius it says a ball."""
    truth = body().liver.voxels
    middle = (-90.0, -30.0, 120.0)
    with pytest.raises(InputError, match="nothing parts the tissue"):
        corrected(truth, one(Part.LIVER, False, Point(middle)))
    done = corrected(truth, one(Part.LIVER, False, Point(middle, 12.0)))
    gone = truth & ~done.liver.voxels
    assert not (gone & ~ball(*middle, 12.0)).any()
    assert np.count_nonzero(gone) > 0.5 * np.count_nonzero(ball(*middle, 12.0))


@pytest.mark.parametrize(("which", "centre"), [(0, BIG), (1, SMALL)])
def test_a_point_grows_a_missed_lesion(which: int, centre: tuple[float, ...]) -> None:
    """From a point beside its middle, within 15 % of its volume and mostly where it is."""
    x, y, z, _ = centre
    done = corrected(body().liver.voxels, one(Part.TUMOUR, True, Point((x + 2, y - 2, z))))
    truth = body().lesions[which]
    assert done.lesions.union.volume_ml == pytest.approx(truth.volume_ml, rel=0.15)
    assert overlap(done.lesions.labels > 0, truth.voxels) > 0.93
    assert done.lesions.numbers == (1,)


def test_a_new_lesion_gets_the_next_number_and_leaves_the_others() -> None:
    labels = np.where(body().lesions[1].voxels, 7, 0).astype(np.uint16)
    done = corrected(body().liver.voxels, one(Part.TUMOUR, True, Point(BIG[:3])), labels=labels)
    assert done.lesions.numbers == (7, 8)
    assert np.array_equal(done.lesions.labels == 7, labels == 7)


def test_no_lesion_where_nothing_stands_out() -> None:
    with pytest.raises(InputError, match=r"nothing stands out .* 1\d\d HU against 1\d\d HU"):
        corrected(body().liver.voxels, one(Part.TUMOUR, True, Point((-60.0, 30.0, 100.0))))


def test_no_lesion_outside_the_liver() -> None:
    with pytest.raises(InputError, match="outside the liver; take the liver in there first"):
        corrected(body().liver.voxels, one(Part.TUMOUR, True, Point((60.0, 0.0, 100.0))))
    shape = Box((60.0, 0.0, 100.0), (70.0, 10.0, 110.0))
    with pytest.raises(InputError, match="outside the liver; take the liver in there first"):
        corrected(body().liver.voxels, one(Part.TUMOUR, True, shape))


def test_a_point_drops_the_lesion_that_it_lies_in() -> None:
    done = corrected(body().liver.voxels, one(Part.TUMOUR, False, Point(SMALL[:3])), labels=numbered())
    assert done.lesions.numbers == (1,)
    assert np.array_equal(done.lesions.labels == 1, body().lesions[0].voxels)
    assert "lesion 2" in done.findings[0].text
    with pytest.raises(InputError, match="no lesion lies at the point"):
        corrected(body().liver.voxels, one(Part.TUMOUR, False, Point(SMALL[:3])))


def test_a_radius_drops_a_part_of_a_lesion() -> None:
    x, y, z, _ = BIG
    done = corrected(
        body().liver.voxels, one(Part.TUMOUR, False, Point((x + 10, y, z), 6.0)), labels=numbered()
    )
    gone = (numbered() > 0) & (done.lesions.labels == 0)
    assert gone.any()
    assert not (gone & ~ball(x + 10, y, z, 6.0)).any()


def test_boxes_are_taken_as_they_are() -> None:
    """A box of 20 x 10 x 12 voxels outside the liver: 2400 voxels of 0.012 mL."""
    grid = body().ct.grid
    first, last = grid.to_mm([120, 60, 30]), grid.to_mm([139, 69, 41])
    box = Box(tuple(last), tuple(first))
    truth = body().liver.voxels.copy()
    truth[30:42, 60:70, 120:140] = False
    done = corrected(truth, one(Part.LIVER, True, box))
    assert done.records[0].added_ml == pytest.approx(28.8)
    assert np.array_equal(done.liver.voxels[30:42, 60:70, 120:140], np.ones((12, 10, 20), np.bool_))
    again = corrected(done.liver.voxels, one(Part.LIVER, False, box))
    assert np.array_equal(again.liver.voxels, truth)


def test_masks_are_taken_as_they_are() -> None:
    truth, grid = body().liver.voxels, body().ct.grid
    bite = truth & ball(-110, -5, 120, 25)
    done = corrected(truth & ~bite, one(Part.LIVER, True, Mask(grid, bite)))
    assert np.array_equal(done.liver.voxels, truth)
    assert done.records[0].sha256 is not None
    other = Grid((5, 5, 5), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="as asked"):
        corrected(truth, one(Part.LIVER, True, Mask(other, np.ones((5, 5, 5), np.bool_))))


def test_lesions_go_with_the_liver_that_they_lie_in() -> None:
    grid = body().ct.grid
    cut = Mask(grid, ball(*BIG[:3], 20.0))
    done = corrected(body().liver.voxels, one(Part.LIVER, False, cut), labels=numbered())
    assert done.lesions.numbers == (2,)
    assert [f.id for f in done.findings] == ["segmentation.corrected", "segmentation.lesions-left-out"]


def test_a_lesion_mask_is_cut_to_the_liver_and_numbered() -> None:
    """Two balls, one half outside: two lesions, nothing outside the liver."""
    grid = body().ct.grid
    given_mask = Mask(grid, ball(-126, -5, 120, 12) | ball(-60, 30, 120, 8))
    done = corrected(body().liver.voxels, one(Part.TUMOUR, True, given_mask))
    assert done.lesions.numbers == (1, 2)
    assert np.array_equal(done.lesions.labels > 0, given_mask.voxels & body().liver.voxels)


def test_a_label_map_keeps_its_lesions_apart() -> None:
    """Two touching lesions of one file stay two."""
    labels = np.zeros(body().ct.grid.shape, np.uint16)
    labels[ball(-60, 30, 120, 8)] = 4
    labels[ball(-60, 40, 120, 8) & (labels == 0)] = 9
    done = corrected(body().liver.voxels, one(Part.TUMOUR, True, LabelMap(body().ct.grid, labels)))
    assert np.array_equal(done.lesions.labels == 1, labels == 4)
    assert np.array_equal(done.lesions.labels == 2, labels == 9)


def test_all_points_outside_are_told_at_once() -> None:
    far = [one(Part.LIVER, True, Point((900.0, 0.0, 0.0))), one(Part.TUMOUR, False, Point((0.0, 0.0, -90.0)))]
    with pytest.raises(
        InputError, match=r"as asked, as asked: outside the CT; the CT has x from -179 to 179"
    ):
        corrected(body().liver.voxels, *far)


def test_a_box_without_a_voxel_is_told() -> None:
    """Between two voxel centres of the x axis, 2 mm apart."""
    box = Box((0.2, 0.0, 50.0), (0.6, 30.0, 80.0))
    with pytest.raises(InputError, match="no voxel of the CT lies in the box"):
        corrected(body().liver.voxels, one(Part.LIVER, False, box))


def test_a_box_on_an_oblique_grid_holds_the_voxels_whose_centres_lie_in_it() -> None:
    """Against a plain loop over all voxels of a grid turned by 30 degrees."""
    c, s = np.cos(np.radians(30)), np.sin(np.radians(30))
    grid = Grid((6, 9, 11), (2.0, 3.0, 5.0), (10.0, -4.0, 7.0), (c, -s, 0.0, s, c, 0.0, 0.0, 0.0, 1.0))
    low, high = (8.0, -1.0, 12.0), (19.0, 12.0, 27.0)
    expected = np.zeros(grid.shape, np.bool_)
    for z, y, x in np.ndindex(grid.shape):
        at = grid.to_mm([x, y, z])
        expected[z, y, x] = all(a <= v <= b for a, v, b in zip(low, at, high, strict=True))
    assert expected.any()
    assert np.array_equal(voxels_in(grid, Box(high, low)), expected)


def test_thick_slices_and_a_small_radius_change_one_voxel() -> None:
    """Slices of 8 mm, a point between two of them, a radius of 2 mm: the nearest voxels, and no more."""
    grid = Grid((20, 40, 40), (2.0, 2.0, 8.0), (0.0, 0.0, 0.0))
    liver = np.zeros(grid.shape, np.bool_)
    liver[4:16, 8:32, 8:32] = True
    ct = CtImage(grid, np.where(liver, 100, -100).astype(np.int16))
    point = Point((40.0, 40.0, 83.5), 2.0)
    done = correct(ct, Mask(grid, liver), LabelMap.empty(grid), [one(Part.LIVER, False, point)])
    assert np.array_equal(np.argwhere(liver & ~done.liver.voxels), [[10, 20, 20]])


def test_positions_of_another_convention_are_recognised() -> None:
    """The body's grid moved to the patient's left: mirrored positions miss it."""
    grid = Grid((20, 20, 20), (2.0, 2.0, 2.0), (100.0, 100.0, 0.0))
    ct = CtImage(grid, np.full(grid.shape, 100, np.int16))
    liver = Mask(grid, np.ones(grid.shape, np.bool_))
    point = Point((-110.0, -110.0, 10.0))
    with pytest.raises(InputError, match="change the sign of x and y of RAS positions"):
        correct(ct, liver, LabelMap.empty(grid), [one(Part.LIVER, False, point)])


def test_no_liver_left_is_refused() -> None:
    box = Box((-300.0, -300.0, -10.0), (300.0, 300.0, 400.0))
    with pytest.raises(MaskError, match="leave no liver"):
        corrected(body().liver.voxels, one(Part.LIVER, False, box))


def test_air_is_no_liver() -> None:
    with pytest.raises(InputError, match="lies in air"):
        corrected(body().liver.voxels, one(Part.LIVER, True, Point((-100.0, 0.0, 230.0))))


def test_a_point_in_the_liver_adds_nothing_and_says_so() -> None:
    done = corrected(body().liver.voxels, one(Part.LIVER, True, Point((-90.0, -30.0, 120.0))))
    assert np.array_equal(done.liver.voxels, body().liver.voxels)
    assert done.findings[-1].id == "segmentation.correction-without-effect"


def test_a_piece_that_the_reach_ends_is_said() -> None:
    """Most of the organ is missing: 30 mm around the point come, and a warning."""
    truth = body().liver.voxels
    rest = truth & ball(-60, -5, 60, 22)
    done = corrected(rest, one(Part.LIVER, True, Point((-90.0, -30.0, 120.0))))
    assert "segmentation.correction-at-reach" in [f.id for f in done.findings]
    assert not (done.liver.voxels & ~rest & ~ball(-90, -30, 120, 30.001)).any()


@settings(max_examples=20)
@given(
    st.tuples(st.floats(-150, 60), st.floats(-90, 80), st.floats(5, 240)), st.floats(0.5, 30), st.booleans()
)
def test_no_point_changes_anything_beyond_its_radius(
    centre: tuple[float, float, float], radius: float, include: bool
) -> None:
    """Whatever the point: either a clear refusal, or a change in its ball, of the asked kind."""
    truth = body().liver.voxels
    try:
        done = corrected(truth, one(Part.LIVER, include, Point(centre, radius)))
    except (InputError, MaskError):
        return
    changed = done.liver.voxels ^ truth
    # The voxel that holds the point may always change: its centre is half a diagonal away at most.
    bound = max(radius, float(np.linalg.norm(body().ct.grid.spacing_mm)) / 2) + 1e-3
    assert (np.linalg.norm(places()[changed] - np.array(centre), axis=1) <= bound).all()
    assert not (changed & (truth if include else ~truth)).any()
