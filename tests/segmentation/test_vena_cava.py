"""The vena cava as bright as the liver, on courses that are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.segmentation.landmarks import Spine
from emboplan.segmentation.vena_cava import VenaCava, vena_cava
from emboplan.segmentation.working import WorkingImage, working_image

SHAPE = (60, 70, 90)
EDGE_MM = 2.4
LIVER_FROM = 24  # the lowest slice in which liver touches the vena cava
LIVER_TO = 52
Bools = NDArray[np.bool_]
z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]


def work() -> WorkingImage:
    return working_image(CtImage(Grid(SHAPE, (EDGE_MM,) * 3, (0.0, 0.0, 0.0)), np.zeros(SHAPE, np.int16)))


def spine() -> Spine:
    """Its front on row 48, its middle on column 50."""
    return Spine(np.full(SHAPE[0], 50.0), np.full(SHAPE[0], 48.0))


def cava(lean: float = 0.0, radius: float = 5.0) -> Bools:
    """A tube of that radius (voxels) right of the spine, leaning forward by that many voxels a slice."""
    row = 44 - lean * np.maximum(z - LIVER_FROM, 0)
    return np.asarray((y - row) ** 2 + (x - 42) ** 2 <= radius**2)


def liver_behind(groove: float) -> Bools:
    """Liver to the right of a column; the vena cava lies in its groove."""
    return np.broadcast_to((x < groove) & (y > 4) & (y < 56) & (z >= LIVER_FROM) & (z < LIVER_TO), SHAPE)


def found_in(alike: Bools, above: int | None) -> VenaCava:
    return vena_cava(work(), alike, spine(), above)


@given(lean=st.floats(0.0, 0.5), radius=st.floats(4.0, 5.5), groove=st.integers(37, 43))
@settings(deadline=None, max_examples=25)
def test_it_is_followed_along_the_livers_back(lean: float, radius: float, groove: int) -> None:
    """No edge parts it from the liver, which covers up to half of it."""
    truth = cava(lean, radius)
    found = found_in(truth | liver_behind(groove), LIVER_TO + 3)
    levels = np.arange(LIVER_FROM, LIVER_TO)
    for level in levels:
        rows, columns = np.nonzero(found.tube[level])
        true_rows, true_columns = np.nonzero(truth[level])
        off = np.hypot(rows.mean() - true_rows.mean(), columns.mean() - true_columns.mean())
        assert off * EDGE_MM < 4.0
    assert np.count_nonzero(found.tube & truth) > 0.97 * np.count_nonzero(truth)
    # The tube is a disc of its section and two millimetres around it, no more.
    assert np.count_nonzero(found.tube) < 1.6 * np.count_nonzero(truth)
    assert not (found.sure & ~(truth | liver_behind(groove))).any()


def test_a_caudate_lobe_beside_it_does_not_lead_it_away() -> None:
    truth = cava(0.2)
    caudate = (y - 33) ** 2 + (x - 49) ** 2 + ((z - 38) / 1.5) ** 2 <= 7**2
    found = found_in(truth | liver_behind(40) | caudate, LIVER_TO + 3)
    assert np.count_nonzero(found.tube & truth) > 0.95 * np.count_nonzero(truth)
    assert np.count_nonzero(found.tube & caudate & ~truth) < 0.1 * np.count_nonzero(caudate)


def test_where_liver_is_all_around_it_it_is_a_vessel_of_the_liver() -> None:
    truth = cava()
    found = found_in(truth | liver_behind(60), LIVER_TO + 3)
    inner = slice(LIVER_FROM + 2, LIVER_TO - 2)
    assert not found.tube[inner].any()
    assert np.count_nonzero(found.tube[:LIVER_FROM] & truth[:LIVER_FROM]) > 0.97 * truth[:LIVER_FROM].sum()


def test_a_course_that_runs_into_other_tissue_ends_there() -> None:
    """Duodenum that lies alone before the spine passes for it; it ends below the liver."""
    loop = cava() & (z < LIVER_FROM - 4)
    found = found_in(loop | liver_behind(40), LIVER_TO + 3)
    assert found.seen > 0
    assert not found.tube[LIVER_FROM + 2 :].any()


@pytest.mark.parametrize("side", [20, 70])
def test_a_tube_off_its_place_is_none(side: int) -> None:
    tube = np.broadcast_to((y - 44) ** 2 + (x - side) ** 2 <= 25, SHAPE)
    found = found_in(tube, None)
    assert not found.tube.any()
    assert not found.sure.any()
    assert found.seen == 0


def test_a_view_that_ends_with_its_last_section_needs_no_course() -> None:
    truth = cava()[:LIVER_FROM]
    grid = Grid(truth.shape, (EDGE_MM,) * 3, (0.0, 0.0, 0.0))
    ends = working_image(CtImage(grid, np.zeros(truth.shape, np.int16)))
    found = vena_cava(ends, truth, spine(), None)
    assert found.seen == LIVER_FROM
    assert np.array_equal(found.sure, truth)
