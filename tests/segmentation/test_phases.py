"""Lesions of several phases as one set, on balls whose places are known."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emboplan.catalog.load import load
from emboplan.model.finding import Severity
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.segmentation.phases import (
    FUSED_ID,
    LIKELY_LOW_ID,
    ONE_PHASE_ID,
    PhaseLesions,
    burden_likely_low,
    fuse_phases,
)

GRID = Grid((30, 50, 50), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0))
LIVER = Mask(GRID, np.ones(GRID.shape, np.bool_))
Ball = tuple[float, float, float, float]


def _ball(x: float, y: float, z: float, radius: float) -> NDArray[np.bool_]:
    k, j, i = np.ogrid[0:30, 0:50, 0:50]
    return np.asarray((2 * i - x) ** 2 + (2 * j - y) ** 2 + (2 * k - z) ** 2 <= radius**2)


def _phase(name: str, *balls: Ball, contrast_hu: float = -40.0, noise_hu: float = 10.0) -> PhaseLesions:
    labels = np.zeros(GRID.shape, np.uint16)
    for number, ball in enumerate(balls, start=1):
        labels[_ball(*ball)] = number
    hu = 100 + np.random.default_rng(5).normal(0, noise_hu, GRID.shape) + np.where(labels > 0, contrast_hu, 0)
    return PhaseLesions(name, CtImage(GRID, np.rint(hu).astype(np.int16)), LabelMap(GRID, labels))


def test_a_lesion_of_two_phases_is_one() -> None:
    fused = fuse_phases(LIVER, [_phase("first", (40, 50, 30, 12)), _phase("second", (43, 50, 30, 12))])
    assert [one.phases for one in fused.seen] == [("first", "second")]
    assert [one.id for one in fused.findings] == [FUSED_ID]


@settings(max_examples=20, deadline=None)
@given(st.floats(-6, 6), st.floats(-6, 6), st.floats(-4, 4))
def test_a_displaced_phase_makes_no_lesion_larger(dx: float, dy: float, dz: float) -> None:
    """The fused volume is that of one of the two contours; a union would grow with the displacement."""
    first = _phase("first", (40, 50, 30, 12))
    second = _phase("second", (40 + dx, 50 + dy, 30 + dz, 12), contrast_hu=-80.0)
    fused = fuse_phases(LIVER, [first, second])
    volumes = [int((phase.lesions.labels > 0).sum()) for phase in (first, second)]
    assert int((fused.lesions.labels > 0).sum()) in volumes
    assert len(fused.seen) == 1


def test_a_lesion_of_the_second_phase_alone_is_added_and_said() -> None:
    fused = fuse_phases(
        LIVER, [_phase("first", (30, 30, 30, 12)), _phase("arterial", (30, 30, 30, 12), (70, 70, 30, 9))]
    )
    assert [(one.label, one.phases) for one in fused.seen] == [(1, ("first", "arterial")), (2, ("arterial",))]
    assert np.array_equal(fused.lesions.labels == 2, _ball(70, 70, 30, 9))
    told = next(one for one in fused.findings if one.id == ONE_PHASE_ID)
    assert told.severity is Severity.WARNING
    assert "2 (" in told.text


def test_the_clearer_contour_is_taken() -> None:
    """A rim that only the second phase shows: there the lesion stands out four times as much."""
    first = _phase("first", (40, 50, 30, 9), contrast_hu=-15.0)
    second = _phase("second", (40, 50, 30, 13), contrast_hu=60.0)
    fused = fuse_phases(LIVER, [first, second])
    assert fused.seen[0].contour_of == "second"
    assert np.array_equal(fused.lesions.labels > 0, _ball(40, 50, 30, 13))
    swapped = fuse_phases(LIVER, [second, first])
    assert np.array_equal(swapped.lesions.labels > 0, _ball(40, 50, 30, 13))


def test_one_contour_over_two_lesions_replaces_neither() -> None:
    first = _phase("first", (30, 50, 30, 10), (54, 50, 30, 10))
    second = _phase("second", (42, 50, 30, 22), contrast_hu=-90.0)
    fused = fuse_phases(LIVER, [first, second])
    assert np.array_equal(fused.lesions.labels > 0, first.lesions.labels > 0)
    assert [one.phases for one in fused.seen] == [("first", "second")] * 2


def test_neighbours_stay_apart() -> None:
    """Two lesions 26 mm apart, each seen on another phase, are two."""
    fused = fuse_phases(LIVER, [_phase("first", (30, 50, 30, 10)), _phase("second", (56, 50, 30, 10))])
    assert len(fused.seen) == 2


def test_lesions_outside_the_liver_are_none() -> None:
    liver = Mask(GRID, _ball(40, 50, 30, 25))
    fused = fuse_phases(liver, [_phase("first"), _phase("second", (80, 80, 30, 8))])
    assert fused.seen == ()


def test_the_burden_of_one_phase_says_that_it_is_low() -> None:
    """The numbers are those of the catalogue, with their status."""
    found = burden_likely_low()
    assert (found.id, found.severity) == (LIKELY_LOW_ID, Severity.INFO)
    assert "44 %" in found.text
    assert "43 %" in found.text
    assert load().sourced(found.source).status.value in found.text
