"""Lesions on MR in a block of liver: many of them do not hide each other, and what is said of them."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.segmentation.drawn_mr import T1, twin

from emboplan.model.image import MrSequence
from emboplan.segmentation.mr.findings import SURE_SCORE_ML, findings_about, lesion_findings
from emboplan.segmentation.mr.lesions import find_mr_lesions
from emboplan.segmentation.mr.level import Leveled
from emboplan.segmentation.mr.working import mr_working_image

SHAPE, EDGE_MM = (50, 66, 66), 2.5
PITCH, RADIUS = 16, 7.5  # voxels: balls of 37 mm, 4/3 pi 7.5^3 / 16^3 = 43 % of the block


def balls() -> NDArray[np.bool_]:
    """A lattice of balls, two voxels and more from the block's faces."""
    z, y, x = (np.abs((np.arange(n) - 1) % PITCH - PITCH / 2 + 0.5) for n in SHAPE)
    inside = z[:, None, None] ** 2 + y[:, None] ** 2 + x**2 <= RADIUS**2
    rim = np.zeros(SHAPE, np.bool_)
    rim[1:-1, 1:-1, 1:-1] = True
    return np.asarray(inside & rim)


def block(lesions: NDArray[np.bool_], percent: float, sequence: MrSequence) -> Leveled:
    """A block of liver at 100 % with lesions at another, grain of 4 %."""
    tissue = np.where(lesions, percent, 100.0) + np.random.default_rng(3).normal(0, 4, SHAPE)
    work = replace(
        mr_working_image(twin(T1, None).mr),
        hu=tissue.astype(np.float32),
        spacing_zyx_mm=(EDGE_MM, EDGE_MM, EDGE_MM),
    )
    return Leveled(work, work.hu, np.ones(SHAPE, np.bool_), 5.0, sequence, 100.0, 25.0, 400.0)


@pytest.mark.parametrize(("percent", "sequence"), [(62.0, MrSequence.T1_POST), (190.0, MrSequence.T2)])
def test_many_lesions_do_not_hide_each_other(percent: float, sequence: MrSequence) -> None:
    """Two fifths of the liver are tumour: its noise is still that of the parenchyma."""
    true = balls()
    assert true.mean() > 0.38
    image = block(true, percent, sequence)
    found = find_mr_lesions(image, np.ones(SHAPE, np.bool_), np.full(SHAPE, 100.0, np.float32)) > 0
    inner = (slice(4, -4),) * 3
    assert found[inner].sum() == pytest.approx(true[inner].sum(), rel=0.1)
    assert (found & true)[inner].sum() > 0.9 * true[inner].sum()


@pytest.mark.parametrize(("apart", "count"), [(14, 2), (10, 1)])
def test_lesions_that_touch_are_parted_at_a_narrow_waist(apart: int, count: int) -> None:
    """Two balls of 7.5 voxels: by Pythagoras their waist has 0.36 of that at 14 voxels, 0.75 at 10."""
    z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    first = (z - 24) ** 2 + (y - 32) ** 2 + (x - 20) ** 2 <= RADIUS**2
    second = (z - 24) ** 2 + (y - 32) ** 2 + (x - 20 - apart) ** 2 <= RADIUS**2
    image = block(first | second, 62.0, MrSequence.T1_POST)
    found = find_mr_lesions(image, np.ones(SHAPE, np.bool_), np.full(SHAPE, 100.0, np.float32))
    assert set(np.unique(found)) == set(range(count + 1))
    assert (found > 0).sum() == pytest.approx((first | second).sum(), rel=0.05)


def test_plain_liver_has_no_lesion() -> None:
    none = np.zeros(SHAPE, np.bool_)
    for sequence in MrSequence:
        image = block(none, 100.0, sequence)
        assert not find_mr_lesions(image, ~none, np.full(SHAPE, 100.0, np.float32)).any()


def ids(found: tuple[object, ...]) -> list[str]:
    return [getattr(one, "id", "") for one in found]


def test_much_tumour_is_said_to_be_likely_low() -> None:
    """A third of the liver inside it, or an eighth of its surface; not a small lesion in the middle."""
    image, liver = block(np.zeros(SHAPE, np.bool_), 100.0, MrSequence.T1_POST), np.zeros(SHAPE, np.bool_)
    liver[5:45, 5:61, 5:61] = True
    small, large, flat = (np.zeros(SHAPE, np.bool_) for _ in range(3))
    small[20:30, 25:40, 25:40] = True
    large[10:40, 10:52, 15:50] = True
    flat[5:8, 5:61, 5:61] = True
    assert large.sum() / liver.sum() == pytest.approx(0.35, abs=0.01)
    low, rims = "segmentation.mr-burden-likely-low", "segmentation.mr-t1-rims"
    assert ids(lesion_findings(image, liver, small)) == [rims]
    assert ids(lesion_findings(image, liver, large)) == [rims, low]
    assert ids(lesion_findings(image, liver, flat)) == [rims, low]
    on_t2 = replace(image, sequence=MrSequence.T2)
    assert ids(lesion_findings(on_t2, liver, small)) == []
    assert ids(lesion_findings(on_t2, liver, large)) == [low]
    assert ids(lesion_findings(image, liver, np.zeros(SHAPE, np.bool_))) == []


def test_an_unsure_level_is_said() -> None:
    """Where little tissue of one signal told the liver; not in a liver that was given."""
    liver = np.zeros(SHAPE, np.bool_)
    liver[5:45] = True
    image, unsure = block(~liver, 100.0, MrSequence.T2), "segmentation.mr-level-unsure"
    for score, expected in ((SURE_SCORE_ML - 1, True), (SURE_SCORE_ML + 1, False), (None, False)):
        found = findings_about(replace(image, score_ml=score), liver, MrSequence.T2)
        assert (unsure in ids(found)) is expected
