"""Scans and CTs that miss a part of the liver: how much, and what it does to doses."""

import numpy as np
import pytest

from emboplan.errors import ModelRangeError
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, CountImage
from emboplan.model.mask import Mask
from emboplan.workflow.dosing.liver_seen import (
    beyond_ct_frac,
    is_seen,
    require_liver_seen,
    seen_findings,
    too_high_frac,
    unseen_frac,
)

CT = Grid((20, 10, 10), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))


def liver(first: int = 4, last: int = 14) -> Mask:
    """A column of equal sections over some slices of the CT."""
    voxels = np.zeros(CT.shape, np.bool_)
    voxels[first:last, 3:7, 3:7] = True
    return Mask(CT, voxels)


def scan(first_slice: int = 0, slices: int = 20) -> ActivityMap:
    """1 MBq/mL on voxels of the CT from some slice on."""
    grid = Grid((slices, 10, 10), (4.0, 4.0, 4.0), (0.0, 0.0, 4.0 * first_slice))
    return ActivityMap(grid, np.ones(grid.shape, np.float32))


def one(findings: tuple[Finding, ...], name: str) -> Finding:
    (found,) = [finding for finding in findings if finding.id == name]
    return found


def test_what_a_scan_misses_is_counted_from_the_mask() -> None:
    """A scan from the seventh slice on misses 3 of the liver's 10; the rest gets 10 / 7 of its dose."""
    assert unseen_frac(liver(), scan(7).grid) == pytest.approx(0.3)
    assert too_high_frac(0.3) == pytest.approx(10 / 7 - 1)
    assert unseen_frac(liver(), scan().grid) == 0.0
    assert is_seen(liver(), scan().grid)
    assert not is_seen(liver(), scan(7).grid)


def test_a_scan_that_misses_a_part_is_refused_or_says_by_how_much_doses_are_too_high() -> None:
    with pytest.raises(ModelRangeError, match=r"30 % of the liver lies outside.*at most 5 %.*43 % too much"):
        require_liver_seen(liver(), scan(7), allow_cut=False)
    said = one(require_liver_seen(liver(), scan(7), allow_cut=True), "dose-liver-unseen")
    assert said.severity is Severity.WARNING
    assert "too high by up to 42.9 %" in said.text


def test_below_the_bound_it_is_a_finding() -> None:
    """A quarter of a slice of ten: 2.5 % are missing."""
    shifted = Grid((20, 10, 10), (4.0, 4.0, 4.0), (0.0, 0.0, 17.0))
    image = ActivityMap(shifted, np.ones(shifted.shape, np.float32))
    assert (
        "2.5 % of the liver"
        in one(require_liver_seen(liver(), image, allow_cut=False), "dose-liver-unseen").text
    )


def test_a_liver_at_the_edge_of_the_ct_is_refused_and_is_a_lower_bound() -> None:
    cut = liver(0, 10)
    with pytest.raises(ModelRangeError, match="the CT cuts the liver: its section at the edge is 100 %"):
        require_liver_seen(cut, scan(), allow_cut=False)
    said = one(require_liver_seen(cut, scan(), allow_cut=True), "dose-liver-cut")
    assert said.severity is Severity.WARNING
    assert "lower bound" in said.text
    assert "too high by an unknown share" in said.text


def test_counts_beyond_the_ct_bound_what_is_missing() -> None:
    """Two slices of 100 voxels beneath the CT against 10 slices of 16 voxels of liver."""
    below = scan(-2, 22)
    assert beyond_ct_frac(below, liver(0, 10)) == pytest.approx(200 / 160)
    assert beyond_ct_frac(scan(), liver(0, 10)) is None
    said = one(require_liver_seen(liver(0, 10), below, allow_cut=True), "dose-liver-cut")
    assert "up to 125 %" in said.text


def test_a_touch_of_the_edge_is_said_and_a_liver_inside_is_not() -> None:
    """One voxel of sixteen in the first slice: 6 % of the largest section."""
    voxels = liver(1, 10).voxels.copy()
    voxels[0, 3, 3] = True
    said = one(require_liver_seen(Mask(CT, voxels), scan(), allow_cut=False), "dose-liver-cut")
    assert said.severity is Severity.INFO
    assert "6 % of its largest section" in said.text
    assert require_liver_seen(liver(), scan(), allow_cut=False) == ()


def test_a_plan_is_stopped_by_what_a_dose_is_refused_for() -> None:
    def said(mask: Mask, image: ActivityMap) -> list[tuple[str, Severity]]:
        counts = CountImage(image.grid, image.mbq_per_ml)
        return [(f.id, f.severity) for f in seen_findings(mask, {"whole liver": mask}, counts)]

    assert said(liver(), scan()) == []
    assert said(liver(), scan(7)) == [("dose-liver-unseen", Severity.STOP)]
    assert said(liver(0, 10), scan()) == [("dose-liver-cut", Severity.STOP)]
