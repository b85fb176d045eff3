"""Doses of several sessions: sums, registrations, and what is not covered."""

import math
from dataclasses import replace

import numpy as np
import pytest

from emboplan.dosimetry import radiobiology
from emboplan.dosimetry.histograms.accumulation import Session, accumulate_bed, accumulate_dose
from emboplan.errors import GeometryError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import DoseMap

GRID = Grid((8, 9, 10), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0), frame_of_reference_uid="1.2.3")
RNG = np.random.default_rng(5)
FIRST = DoseMap(
    GRID, RNG.uniform(0, 100, GRID.shape).astype(np.float32), "transport", np.full(GRID.shape, 3.0)
)
SECOND = DoseMap(
    GRID, RNG.uniform(0, 50, GRID.shape).astype(np.float32), "transport", np.full(GRID.shape, 4.0)
)
SLOPE = (20.0, 1.0, -0.5, 0.7)  # Gy, and Gy/mm along x, y, z


def _slope(grid: Grid) -> DoseMap:
    places = grid.to_mm(np.moveaxis(np.indices(grid.shape)[::-1], 0, -1))
    return DoseMap(grid, (SLOPE[0] + places @ SLOPE[1:]).clip(0).astype(np.float32), "made")


def test_doses_on_one_grid_add() -> None:
    """Errors of 3 and 4 Gy that are independent make 5 Gy."""
    found = accumulate_dose([Session(FIRST), Session(SECOND)])
    assert found.total.gy == pytest.approx(FIRST.gy + SECOND.gy, rel=1e-6)
    assert found.total.standard_error_gy == pytest.approx(np.full(GRID.shape, 5.0))
    assert found.covered.voxels.all()
    assert found.uncovered_frac == (0.0, 0.0)
    assert found.total.method == "sum of sessions: transport"


def test_bed_adds_session_by_session() -> None:
    """Less than the BED of the sum wherever both sessions gave dose; each nuclide with its own half-life."""
    sessions = [Session(FIRST, half_life_h=64.1), Session(SECOND, half_life_h=26.8)]
    found = accumulate_bed(sessions, alpha_beta_gy=2.5, repair_half_time_h=2.5)
    expected = sum(
        np.asarray(
            radiobiology.bed(s.dose.gy, half_life_h=s.half_life_h, alpha_beta_gy=2.5, repair_half_time_h=2.5)
        )
        for s in sessions
    )
    assert found.total.gy == pytest.approx(expected, rel=1e-5)
    same = accumulate_bed([Session(FIRST), Session(SECOND)], alpha_beta_gy=2.5, repair_half_time_h=2.5)
    whole = np.asarray(radiobiology.bed(FIRST.gy + SECOND.gy, alpha_beta_gy=2.5, repair_half_time_h=2.5))
    assert (same.total.gy < whole).all()


def test_another_grid_is_interpolated() -> None:
    """A linear dose is itself on any grid inside its own."""
    wide = Grid((20, 20, 20), (3.0, 3.0, 2.5), (-8.0, -8.0, -5.0), frame_of_reference_uid="1.2.3")
    inner = Grid((6, 6, 6), (4.0, 4.0, 4.0), (4.3, 3.1, 2.9), frame_of_reference_uid="1.2.3")
    found = accumulate_dose([Session(_slope(wide))], inner)
    assert found.total.gy == pytest.approx(_slope(inner).gy, rel=1e-4)


def test_a_registered_session_lies_where_its_transform_puts_it() -> None:
    """A patient turned by 90 degrees and shifted: the same tissue has the same dose."""
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    shift = np.array([40.0, 5.0, -3.0])
    to_reference = np.eye(4)
    to_reference[:3, :3], to_reference[:3, 3] = turn, shift
    reference = _slope(replace(GRID, shape=(6, 6, 6), origin_mm=(8.0, 8.0, 8.0)))
    own = Grid((24, 24, 24), (3.0, 3.0, 3.0), (-30.0, -20.0, -10.0), frame_of_reference_uid="9.9")
    places = own.to_mm(np.moveaxis(np.indices(own.shape)[::-1], 0, -1)) @ turn.T + shift
    session = DoseMap(own, (SLOPE[0] + places @ SLOPE[1:]).clip(0).astype(np.float32), "made")
    with pytest.raises(GeometryError, match="frames of reference"):
        accumulate_dose([Session(reference), Session(session)])
    found = accumulate_dose([Session(reference), Session(session, to_reference)])
    covered = found.covered.voxels
    assert covered.mean() > 0.9
    assert found.total.gy[covered] == pytest.approx(2 * reference.gy[covered], rel=1e-3)


def test_what_a_session_does_not_reach_is_said() -> None:
    """The second map covers the upper half along x only."""
    half = GRID.cropped((slice(0, 8), slice(0, 9), slice(5, 10)))
    part = DoseMap(half, np.full(half.shape, 10.0, np.float32), "made")
    found = accumulate_dose([Session(FIRST), Session(part)])
    assert found.uncovered_frac == pytest.approx((0.0, 0.5))
    assert not found.covered.voxels[..., :5].any()
    assert found.covered.voxels[..., 5:].all()
    assert found.total.gy[..., 5:] == pytest.approx(FIRST.gy[..., 5:] + 10.0, rel=1e-5)
    away = DoseMap(replace(half, origin_mm=(500.0, 0.0, 0.0)), part.gy, "made")
    with pytest.raises(GeometryError, match="does not reach"):
        accumulate_dose([Session(FIRST), Session(away)])


def test_only_rigid_transforms_are_taken() -> None:
    scaled = np.diag([1.1, 1.0, 1.0, 1.0])
    mirrored = np.diag([-1.0, 1.0, 1.0, 1.0])
    for wrong in (scaled, mirrored, np.eye(3), np.full((4, 4), math.nan)):
        with pytest.raises(GeometryError, match="transform"):
            Session(FIRST, wrong)
    with pytest.raises(ModelRangeError, match="no session"):
        accumulate_dose([])


def _flat(uid: str | None, shift_mm: float = 0.0) -> DoseMap:
    grid = Grid((4, 4, 4), (4.0, 4.0, 4.0), (shift_mm, 0.0, 0.0), frame_of_reference_uid=uid)
    return DoseMap(grid, np.ones(grid.shape, np.float32), "local")


def test_maps_without_a_frame_of_reference_are_added_with_a_finding() -> None:
    """Neither the same numbers nor an overlap say that two patients' positions are one place."""
    for other in (_flat(None), _flat(None, 2.0)):
        (said,) = accumulate_dose([Session(_flat("1.2")), Session(other)]).findings
        assert said.id == "accumulation-alignment-unknown"
        assert "session 2" in said.text
    assert accumulate_dose([Session(_flat("1.2")), Session(_flat("1.2", 2.0))]).findings == ()
    assert accumulate_dose([Session(_flat("1.2")), Session(_flat(None), np.eye(4))]).findings == ()
    both = accumulate_bed(
        [Session(_flat(None)), Session(_flat(None))], alpha_beta_gy=2.5, repair_half_time_h=1.5
    )
    assert [f.id for f in both.findings] == ["accumulation-alignment-unknown"]
