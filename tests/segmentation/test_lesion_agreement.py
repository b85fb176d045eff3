"""Lesions against lesions: pairs, misses, false positives and sizes, on boxes whose voxels can be counted."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from emboplan.errors import GeometryError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.mask import LabelMap
from emboplan.segmentation.lesion_agreement import LesionAgreement, ball_diameter_mm, lesion_agreement

GRID = Grid((4, 10, 40), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
Box = tuple[int, int]  # first and last + 1 along x; y and z are 0 to 4


def rows(*boxes: Box, grid: Grid = GRID) -> LabelMap:
    """Boxes of 4 x 4 voxels across, numbered from 1."""
    labels = np.zeros(grid.shape, np.uint16)
    for number, (first, end) in enumerate(boxes, start=1):
        labels[:4, :4, first:end] = number
    return LabelMap(grid, labels)


def test_a_shifted_lesion_is_detected_with_its_volume_error() -> None:
    """10 columns against 8 that share 6: Jaccard 6 / 12, volume 20 % too small, 60 % covered."""
    (one,) = lesion_agreement(rows((4, 12)), rows((0, 10))).matches
    assert (one.found_label, one.jaccard) == (1, 0.5)
    assert one.volume_error_frac == pytest.approx(-0.2)
    assert one.covered_frac == 0.6


def test_a_found_lesion_elsewhere_is_false_and_the_true_one_missed() -> None:
    result = lesion_agreement(rows((20, 30)), rows((0, 10)))
    assert (result.detected, result.sensitivity) == (0, 0.0)
    assert [(one.label, one.outside_frac) for one in result.false_positives] == [(1, 1.0)]


def test_two_lesions_found_as_one_are_one_detected_and_one_covered() -> None:
    """10 and 6 columns found as 16: overlaps 10/16 and 6/16; the larger is the pair, the other is covered."""
    result = lesion_agreement(rows((0, 16)), rows((0, 10), (10, 16)))
    assert [match.detected for match in result.matches] == [True, False]
    assert [match.covered_frac for match in result.matches] == [1.0, 1.0]
    assert result.false_positives == ()


def test_one_lesion_found_as_two_is_one_pair_and_one_false_positive() -> None:
    """The second half lies wholly inside the lesion, and still counts as one lesion too many."""
    result = lesion_agreement(rows((0, 6), (6, 10)), rows((0, 10)))
    assert result.matches[0].found_label == 1
    assert [(one.label, one.outside_frac) for one in result.false_positives] == [(2, 0.0)]


def test_the_pairing_is_the_best_as_a_whole_not_the_first() -> None:
    """Found 1 overlaps A by 4/10; found 2 overlaps A by 6/14 and B by 4/16.

    The largest single overlap, 2 with A, would leave both others alone: 0.43 against 0.40 + 0.25.
    """
    result = lesion_agreement(rows((0, 4), (4, 14)), rows((0, 10), (10, 20)))
    assert [match.found_label for match in result.matches] == [1, 2]


def test_an_overlap_below_the_least_makes_no_pair() -> None:
    """10 and 10 columns that share 1: 1/19, below 0.1; allowed at 0.05."""
    found, truth = rows((9, 19)), rows((0, 10))
    assert lesion_agreement(found, truth).detected == 0
    assert lesion_agreement(found, truth, least_jaccard=0.05).detected == 1


def test_sensitivity_by_size_class() -> None:
    """Balls of the volume of 4 x 4 x 2 and 4 x 4 x 20 voxels: 3.9 and 8.5 mm; the small one is missed."""
    result = lesion_agreement(
        rows((10, 30), (34, 40)), rows((0, 2), (10, 30)), size_edges_mm=(4.0, 8.0)
    )  # the false one has 96 voxels: 5.7 mm
    found = [(c.low_mm, c.high_mm, c.lesions, c.sensitivity, c.false_positives) for c in result.size_classes]
    assert found == [(0.0, 4.0, 1, 0.0, 0), (4.0, 8.0, 0, None, 1), (8.0, None, 1, 1.0, 0)]
    assert result.to_json()["size_classes"][0]["sensitivity"] == 0.0


def test_the_diameter_of_a_ball() -> None:
    """V = pi d^3 / 6; 10 mm are 0.5236 mL."""
    assert ball_diameter_mm(pi * 10**3 / 6 / 1000) == pytest.approx(10.0)


def test_labels_need_not_be_in_a_row() -> None:
    labels = np.zeros(GRID.shape, np.uint16)
    labels[:2, :2, :5], labels[:2, :2, 20:25] = 7, 300
    one = lesion_agreement(LabelMap(GRID, labels), LabelMap(GRID, labels))
    assert [(m.label, m.found_label, m.jaccard) for m in one.matches] == [(7, 7, 1.0), (300, 300, 1.0)]


def test_nothing_against_nothing() -> None:
    result = lesion_agreement(LabelMap.empty(GRID), LabelMap.empty(GRID))
    assert (result.matches, result.false_positives, result.sensitivity) == ((), (), None)


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ModelRangeError, match="least_jaccard is 0"):
        lesion_agreement(rows((0, 3)), rows((0, 3)), least_jaccard=0.0)
    with pytest.raises(ModelRangeError, match="rising"):
        lesion_agreement(rows((0, 3)), rows((0, 3)), size_edges_mm=(20.0, 10.0))
    other = Grid(GRID.shape, (2.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="different grids"):
        lesion_agreement(rows((0, 3)), rows((0, 3), grid=other))


def labelled(values: NDArray[np.uint16]) -> LabelMap:
    return LabelMap(Grid(values.shape, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)), values)


SMALL = arrays(np.uint16, (2, 3, 4), elements=st.integers(0, 3))


def best_by_trying(found: LabelMap, truth: LabelMap, least: float) -> float:
    """The largest sum of overlaps over all one-to-one pairings, by trying each."""

    def overlap(a: int, b: int) -> float:
        x, y = found.labels == a, truth.labels == b
        value = float(np.count_nonzero(x & y) / np.count_nonzero(x | y))
        return value if value >= least else 0.0

    def best(mine: tuple[int, ...], theirs: tuple[int, ...]) -> float:
        if not mine:
            return 0.0
        rest = mine[1:]
        tries = [best(rest, theirs)]
        tries += [overlap(mine[0], b) + best(rest, tuple(t for t in theirs if t != b)) for b in theirs]
        return max(tries)

    return best(found.numbers, truth.numbers)


@given(SMALL, SMALL)
def test_any_label_maps_are_paired_best_and_counted_once(
    a: NDArray[np.uint16], b: NDArray[np.uint16]
) -> None:
    """Against all pairings; each lesion is a pair's, missed or false, and the size classes count all."""
    found, truth = labelled(a), labelled(b)
    result: LesionAgreement = lesion_agreement(found, truth)
    assert sum(m.jaccard or 0.0 for m in result.matches) == pytest.approx(best_by_trying(found, truth, 0.1))
    partners = [m.found_label for m in result.matches if m.found_label is not None]
    assert len(set(partners)) == len(partners)
    assert sorted([*partners, *(one.label for one in result.false_positives)]) == list(found.numbers)
    assert [m.label for m in result.matches] == list(truth.numbers)
    assert sum(c.lesions for c in result.size_classes) == len(result.matches)
    assert sum(c.false_positives for c in result.size_classes) == len(result.false_positives)
    back = lesion_agreement(truth, found)
    assert sum(m.jaccard or 0.0 for m in back.matches) == pytest.approx(
        sum(m.jaccard or 0.0 for m in result.matches)
    )
