"""Parts of the liver that do not look like the rest, drawn with known borders, and organs that only touch."""

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.segmentation.bodies import analytic_body

from emboplan.model.image import CtImage
from emboplan.segmentation.body import find_body
from emboplan.segmentation.liver import find_liver, fine_image
from emboplan.segmentation.lobes import Beside, beside, taken_by_gut
from emboplan.segmentation.lungs import find_lungs
from emboplan.segmentation.parenchyma import Parenchyma
from emboplan.segmentation.plausible import doubtful_neighbour
from emboplan.segmentation.working import working_image

SHAPE = (60, 70, 90)
EDGE_MM = 2.5
LIVER_HU = 100.0
Bools = NDArray[np.bool_]


def ball(cz: float, cy: float, cx: float, radius: float) -> Bools:
    z, y, x = np.ogrid[0:60, 0:70, 0:90]
    return np.asarray((z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 <= radius**2)


ORGAN = ball(30, 35, 32, 25)


def looked_at(found: Bools, other: Bools, other_hu: float) -> Beside:
    """What is said of `other` beside what was `found`, where both lie in the basin and all else is fat."""
    tissue = np.full(SHAPE, -100, np.float32)
    tissue[found] = LIVER_HU
    tissue[other] = other_hu
    right = np.arange(SHAPE[2])[None, None] < SHAPE[2] // 2
    every = np.ones(SHAPE, np.bool_)
    model = Parenchyma.single(LIVER_HU, 7.0)
    return beside(found, tissue, found | other, every, right, model, (EDGE_MM,) * 3)


def test_the_darker_half_of_a_liver_is_its_lobe() -> None:
    behind = ORGAN & (np.arange(SHAPE[1])[None, :, None] > 38)
    told = looked_at(ORGAN & ~behind, behind, LIVER_HU - 35)
    assert np.array_equal(told.lobes | told.lesions, behind)


def test_a_kidney_and_a_loop_of_bowel_that_touch_the_liver_are_none() -> None:
    kidney = ball(20, 60, 50, 11) & ~ORGAN
    told = looked_at(ORGAN, kidney, LIVER_HU + 70)
    assert not (told.lobes | told.lesions).any()
    loop = np.zeros(SHAPE, np.bool_)
    loop[2:12, 30:40, 30:85] = True
    loop[2:12, 5:65, 75:85] = True
    told = looked_at(ORGAN, loop & ~ORGAN, LIVER_HU - 40)
    assert not (told.lobes | told.lesions).any()


def test_a_round_lesion_at_the_capsule_is_taken_and_one_that_merely_touches_is_named() -> None:
    embraced = ball(30, 35, 53, 8)
    told = looked_at(ORGAN & ~embraced, embraced, LIVER_HU + 45)
    assert np.array_equal(told.lesions, embraced)
    leaning = ball(30, 35, 64, 12) & ~ORGAN
    told = looked_at(ORGAN, leaning, LIVER_HU + 45)
    assert not (told.lobes | told.lesions).any()
    assert 0.9 < told.doubtful_ml / (np.count_nonzero(leaning) * EDGE_MM**3 / 1000) <= 1
    assert [f.id for f in doubtful_neighbour(told.doubtful_ml)] == ["segmentation.liver-neighbour"]
    assert doubtful_neighbour(0.0) == ()


def gut_at(gut: Bools) -> tuple[Bools, float]:
    """What of `gut`, as dark as a lesion, is taken back for the liver, and what (mL) may be of it."""
    tissue = np.full(SHAPE, -100, np.float32)
    tissue[ORGAN & ~gut] = LIVER_HU
    tissue[gut] = LIVER_HU - 50
    return taken_by_gut(ORGAN & ~gut, tissue, gut, Parenchyma.single(LIVER_HU, 7.0), (EDGE_MM,) * 3)


def test_a_lesion_that_was_flooded_from_the_stomach_beside_it_is_taken_back() -> None:
    """No edge parts the two; a waist does. The stomach's surface is hardly the liver's, the lesion's half."""
    lesion = ball(30, 35, 53, 8)
    stomach = ball(30, 35, 74, 14)
    taken, doubtful_ml = gut_at(lesion | stomach)
    assert doubtful_ml == 0
    assert np.count_nonzero(taken & lesion) > 0.95 * np.count_nonzero(lesion)
    assert np.count_nonzero(taken & stomach & ~lesion) < 0.05 * np.count_nonzero(stomach)


def test_a_stomach_that_presses_into_the_liver_stays_and_is_named_where_it_presses_far() -> None:
    taken, doubtful_ml = gut_at(ball(30, 35, 66, 12))
    assert not taken.any()
    assert doubtful_ml == 0
    far = ball(30, 35, 59, 12)
    taken, doubtful_ml = gut_at(far)
    assert not taken.any()
    assert doubtful_ml == pytest.approx(np.count_nonzero(far) * EDGE_MM**3 / 1000, rel=0.01)


def test_a_model_widens_to_the_middle_half_of_other_tissue() -> None:
    tissue = np.arange(40.0, 81.0, dtype=np.float32)
    wide = Parenchyma.single(100.0, 7.0).widened(tissue)
    assert (wide.low_hu, wide.high_hu, wide.mode_hu) == (50.0, 100.0, 100.0)


@pytest.mark.slow
def test_a_liver_whose_back_is_darkened_is_found_as_a_whole() -> None:
    """Arms beside the body darken what lies between them: here the back third by 35 HU."""
    made = analytic_body(noise_hu=8.0)
    hu = made.ct.hu.copy()
    behind = made.liver.voxels & (np.arange(hu.shape[1])[None, :, None] > 82)
    hu[behind] -= 35
    ct = CtImage(made.ct.grid, hu)
    work = working_image(ct)
    body = find_body(work)
    found = find_liver(work, fine_image(ct), body, find_lungs(work, body)).region
    truth, dark = work.down(made.liver.voxels), work.down(behind)
    shared = np.count_nonzero(found & truth)
    assert 2 * shared / (np.count_nonzero(found) + np.count_nonzero(truth)) > 0.95
    assert np.count_nonzero(found & dark) > 0.95 * np.count_nonzero(dark)
