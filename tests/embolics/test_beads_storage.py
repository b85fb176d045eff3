"""How long loaded beads keep: hours, moments, and figures that disagree."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from emboplan.embolics.bead_loading.storage import after, may_use
from emboplan.errors import ModelRangeError
from emboplan.workflow.load import load_beads

ROME = ZoneInfo("Europe/Rome")


def test_doxorubicin_on_dc_bead() -> None:
    """14 d refrigerated, 7 d with contrast."""
    at = datetime(2026, 11, 30, 9, 0, tzinfo=ROME)
    found = load_beads(product="DC Bead", drug="doxorubicin", dose_mg=75, loaded_at=at)
    assert found.use_before == datetime(2026, 12, 14, 9, 0, tzinfo=ROME)
    assert [(row.state, row.hours, row.chosen) for row in found.storage] == [
        ("without contrast", 336, True),
        ("with contrast", 168, True),
    ]


def test_the_shorter_figure_of_hepasphere_decides() -> None:
    """24 h by the instructions for use, 15 d by a stability sheet, never after contrast."""
    at = datetime(2026, 11, 30, 9, 0, tzinfo=ROME)
    found = load_beads(product="HepaSphere", drug="doxorubicin", dose_mg=75, loaded_at=at)
    assert found.use_before == at + timedelta(days=1)
    assert [(row.state, row.hours, row.chosen) for row in found.storage] == [
        ("without contrast", 24, True),
        ("without contrast", 360, False),
        ("with contrast", 0, True),
    ]
    ours, sheet, contrast = found.storage
    assert [may_use(ours, hours) for hours in (0, 24, 24.1, 30)] == [True, True, False, False]
    assert may_use(sheet, 30)
    assert not may_use(contrast, 0)
    assert "not-after-contrast" in {finding.id for finding in found.findings}


def test_a_change_of_the_clock_moves_the_wall_clock_only() -> None:
    """24 h from Saturday noon over the end of summer time is 11:00 on Sunday."""
    at = datetime(2026, 10, 24, 12, 0, tzinfo=ROME)
    assert after(at, 24).isoformat() == "2026-10-25T11:00:00+01:00"


def test_an_end_beyond_the_calendar_is_refused() -> None:
    at = datetime(9999, 12, 31, 9, 0, tzinfo=ROME)
    with pytest.raises(ModelRangeError, match="no calendar holds; mend the moment of loading"):
        load_beads(product="DC Bead", drug="doxorubicin", dose_mg=75, loaded_at=at)


def test_a_day_passes_midnight_and_the_year() -> None:
    """HepaSphere keeps 24 h: from 23:30 on 31 December to 23:30 on 1 January."""
    at = datetime(2026, 12, 31, 23, 30, tzinfo=ROME)
    found = load_beads(product="HepaSphere 30-60", drug="doxorubicin", dose_mg=50, loaded_at=at)
    assert found.use_before == datetime(2027, 1, 1, 23, 30, tzinfo=ROME)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ModelRangeError, match="loaded_at 2026-11-30T09:00:00 has no time zone"):
        load_beads(product="DC Bead", drug="doxorubicin", dose_mg=75, loaded_at=datetime(2026, 11, 30, 9))  # noqa: DTZ001  what is refused


def test_irinotecan_is_mixed_just_before_use() -> None:
    """28 d without contrast; after contrast only a figure that does not decide."""
    found = load_beads(product="DC Bead", drug="irinotecan", dose_mg=100)
    assert [(row.state, row.hours, row.chosen) for row in found.storage] == [
        ("without contrast", 672, True),
        ("with contrast", 336, False),
    ]
