"""Calibration, expiry and days of treatment against calendars and UTC hours counted by hand."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan import catalog
from emboplan.dosimetry.decay import hours_between
from emboplan.dosimetry.treatment.calibration import (
    calibration_after,
    calibration_before,
    calibrations_covering,
    expiry,
    on_the_clock,
    shelf_life_hours,
    treatment_days,
)
from emboplan.errors import CatalogError, ModelRangeError
from emboplan.model.products import Microsphere

NEW_YORK = ZoneInfo("America/New_York")
BERLIN = ZoneInfo("Europe/Berlin")


def test_the_sunday_before_and_after_a_thursday() -> None:
    """3 December 2026 is a Thursday; noon in New York is 17:00 UTC in winter."""
    thursday = datetime(2026, 12, 3, 10, 30, tzinfo=NEW_YORK)
    assert calibration_before("therasphere", thursday) == datetime(2026, 11, 29, 17, tzinfo=UTC)
    assert calibration_after("therasphere", thursday) == datetime(2026, 12, 6, 17, tzinfo=UTC)


def test_noon_is_local_on_both_sides_of_daylight_saving() -> None:
    """Sunday 8 March 2026, noon New York: daylight time since 02:00, so 16:00 UTC; the week before 17:00."""
    monday = datetime(2026, 3, 9, 9, tzinfo=BERLIN)
    found = calibration_before("therasphere", monday)
    assert found == datetime(2026, 3, 8, 16, tzinfo=UTC)
    assert calibration_before("therasphere", found - timedelta(seconds=1)) == datetime(
        2026, 3, 1, 17, tzinfo=UTC
    )


def test_the_moment_itself_is_before() -> None:
    noon = datetime(2026, 11, 29, 12, tzinfo=NEW_YORK)
    assert calibration_before("therasphere", noon) == noon
    assert calibration_after("therasphere", noon) == noon + timedelta(weeks=1)


def test_sunday_elsewhere_is_not_sunday_in_new_york() -> None:
    """Sunday 08:00 in Tokyo is still Saturday evening in New York."""
    tokyo = datetime(2026, 11, 29, 8, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert calibration_before("therasphere", tokyo) == datetime(2026, 11, 22, 17, tzinfo=UTC)


def _site(folder: Path, name: str, value: str) -> Microsphere:
    file = folder / "ours.toml"
    file.write_text(
        f'[microspheres.therasphere.{name}]\nvalue = "{value}"\nunit = "text"\nsource = ["TSPI"]\n'
        'place = "tried"\nstatus = "confirmed"\n'
    )
    return catalog.load(file).microsphere("therasphere")


def test_a_site_can_set_another_hour(tmp_path: Path) -> None:
    """18:00 in New York on Sunday 29 November is 23:00 UTC."""
    device = _site(tmp_path, "calibration_clock", "18:00")
    found = calibration_before(device, datetime(2026, 12, 3, tzinfo=UTC))
    assert found == datetime(2026, 11, 29, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value"),
    [("calibration_weekday", "sunday"), ("calibration_clock", "noon"), ("calibration_zone", "Eastern")],
)
def test_a_sites_mistakes_are_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(CatalogError, match=f"therasphere.{name} is '{value}'"):
        calibration_before(_site(tmp_path, name, value), datetime(2026, 12, 3, tzinfo=UTC))


@pytest.mark.parametrize("device", ["sir-spheres", "quiremspheres"])
def test_a_product_without_a_sourced_calibration_asks_for_it(device: str) -> None:
    with pytest.raises(ModelRangeError, match="enter the calibration_time"):
        calibration_before(device, datetime(2026, 12, 3, tzinfo=UTC))


def test_shelf_lives() -> None:
    assert shelf_life_hours("therasphere") == 288.0
    assert shelf_life_hours("sir-spheres") == 24.0
    assert shelf_life_hours("quiremspheres") is None


def test_expiry_counts_elapsed_hours() -> None:
    """288 h after Sunday 1 March 2026 12:00 EST is 13 March 17:00 UTC: 13:00 on the clock, daylight time."""
    end = expiry(datetime(2026, 3, 1, 12, tzinfo=NEW_YORK), 288.0)
    assert end.isoformat() == "2026-03-13T13:00:00-04:00"


def test_two_calibrations_serve_a_wednesday() -> None:
    """Wednesday is day 3 of this Sunday and day 10 of the last; Saturday is day 6 and day 13, past 12."""
    wednesday = datetime(2026, 12, 2, 9, tzinfo=NEW_YORK)
    assert calibrations_covering("therasphere", wednesday) == (
        datetime(2026, 11, 22, 12, tzinfo=NEW_YORK),
        datetime(2026, 11, 29, 12, tzinfo=NEW_YORK),
    )
    saturday = datetime(2026, 12, 5, 9, tzinfo=NEW_YORK)
    assert calibrations_covering("therasphere", saturday) == (datetime(2026, 11, 29, 12, tzinfo=NEW_YORK),)
    assert len(calibrations_covering("therasphere", saturday, shelf_life_h=14 * 24)) == 2


def test_the_hour_of_the_clinic_is_kept_over_the_end_of_daylight_saving() -> None:
    """New York leaves daylight time on 1 November 2026: 09:00 is 13:00 UTC the day before, then 14:00."""
    start = datetime(2026, 10, 31, 9, tzinfo=NEW_YORK)
    days = treatment_days(start, first=start, last=start + timedelta(days=2))
    assert [day.astimezone(UTC).hour for day in days] == [13, 14, 14]
    assert [day.hour for day in days] == [9, 9, 9]
    assert hours_between(days[0], days[1]) == 25.0


def test_over_the_start_of_daylight_saving_a_day_has_23_hours() -> None:
    start = datetime(2026, 3, 7, 9, tzinfo=NEW_YORK)
    days = treatment_days(start, first=start, last=start + timedelta(days=1))
    assert hours_between(days[0], days[1]) == 23.0


def test_an_offset_alone_needs_the_zone_by_name() -> None:
    """With -04:00 alone the clock does not change; with the zone named it does."""
    start = datetime(2026, 10, 31, 9, tzinfo=timezone(timedelta(hours=-4)))
    last = start + timedelta(days=2)
    assert [d.astimezone(UTC).hour for d in treatment_days(start, first=start, last=last)] == [13, 13, 13]
    named = treatment_days(start, first=start, last=last, zone="America/New_York")
    # 09:00 of the last day is 14:00 UTC, an hour after `last`.
    assert [d.astimezone(UTC).hour for d in named] == [13, 14]


def test_a_clock_time_that_the_change_leaves_out_moves_on() -> None:
    """02:30 does not exist in New York on 8 March 2026."""
    found = on_the_clock(datetime(2026, 3, 8).date(), datetime(2026, 3, 8, 2, 30).time(), NEW_YORK)  # noqa: DTZ001  a date and a clock time
    assert found.isoformat() == "2026-03-08T03:30:00-04:00"


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  bounds
def test_every_moment_lies_between_two_sunday_noons(moment: datetime) -> None:
    first, then = calibration_before("therasphere", moment), calibration_after("therasphere", moment)
    assert first.astimezone(UTC) <= moment < then.astimezone(UTC)
    assert hours_between(first, then) in (167.0, 168.0, 169.0)
    for each in (first, then):
        local = each.astimezone(NEW_YORK)
        assert (local.strftime("%A"), local.hour, local.minute) == ("Sunday", 12, 0)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(BERLIN)),  # noqa: DTZ001  bounds
    st.integers(1, 20),
)
def test_days_lie_within_the_shelf_life(moment: datetime, days: int) -> None:
    first = datetime(2026, 6, 1, 3, tzinfo=UTC)
    last = first + timedelta(days=days)
    found = treatment_days(moment, first=first, last=last)
    assert all(first <= each.astimezone(UTC) <= last for each in found)
    assert days <= len(found) <= days + 1


def test_bad_moments_are_refused() -> None:
    naive = datetime(2026, 12, 3, 10)  # noqa: DTZ001  the case tried
    aware = naive.replace(tzinfo=UTC)
    for call in (
        lambda: calibration_before("therasphere", naive),
        lambda: expiry(naive, 24.0),
        lambda: treatment_days(naive, first=aware, last=aware),
    ):
        with pytest.raises(ModelRangeError, match="has no time zone"):
            call()
    with pytest.raises(ModelRangeError, match="swap"):
        treatment_days(aware, first=aware, last=aware - timedelta(days=1))
    with pytest.raises(CatalogError, match="IANA"):
        treatment_days(aware, first=aware, last=aware, zone="Mars/Olympus")
