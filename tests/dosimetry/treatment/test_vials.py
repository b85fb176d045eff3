"""The table of vials and days against the printed decay table and hours counted by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan import catalog
from emboplan.dosimetry.treatment.calibration import treatment_days
from emboplan.dosimetry.treatment.supply import own_vial, standard_vials
from emboplan.dosimetry.treatment.vials import require_usable, vial_on_day, vials_on_days
from emboplan.errors import ModelRangeError

NEW_YORK = ZoneInfo("America/New_York")
SUNDAY = datetime(2026, 11, 29, 12, tzinfo=NEW_YORK)


def test_glass_on_each_day_is_the_inserts_table() -> None:
    """Each printed fraction of the insert, read off a 10 GBq vial; day 12 is still within the shelf life."""
    product = catalog.load().microsphere("therasphere")
    vial = own_vial("therasphere", label_gbq=10.0, calibration_time=SUNDAY)
    printed = zip(product.fact("decay_hours").numbers, product.fact("decay_fraction").numbers, strict=True)
    for hours, left in printed:
        at = SUNDAY.astimezone(UTC) + timedelta(hours=hours)
        cell = vial_on_day(vial, treatment_time=at, residual_frac=0.0)
        assert cell.activity_at_treatment_gbq == pytest.approx(10 * left, abs=0.005)
        assert cell.usable is (hours >= 0)


@pytest.mark.parametrize(
    ("days", "activity", "per_sphere"), [(1, 2.3142545, 1928.545), (5, 0.81954077, 682.951)]
)
def test_a_3_gbq_vial_after_days(days: int, activity: float, per_sphere: float) -> None:
    """3 x 2^(-24/64.1) and 3 x 2^(-120/64.1) GBq on 1.2 million spheres."""
    vial = own_vial("therasphere", label_gbq=3.0, calibration_time=SUNDAY)
    cell = vial_on_day(vial, treatment_time=SUNDAY + timedelta(days=days), residual_frac=0.0)
    assert cell.activity_at_treatment_gbq == pytest.approx(activity, rel=1e-7)
    assert cell.activity_per_sphere_bq == pytest.approx(per_sphere, rel=1e-6)
    assert cell.spheres == pytest.approx(1.2e6)


@pytest.mark.parametrize(
    ("calibration", "treatment", "hours"),
    [
        # New York goes to daylight time on 8 March 2026 at 02:00: Sunday 1 March noon to Monday 9 March 09:00
        # are 7 x 24 + 21 hours on the clock and one fewer in truth.
        (datetime(2026, 3, 1, 12, tzinfo=NEW_YORK), datetime(2026, 3, 9, 9, tzinfo=NEW_YORK), 188.0),
        # It leaves it on 1 November 2026: Sunday 25 October noon EDT (16:00 UTC) to Monday 2 November 09:00
        # EST (14:00 UTC) are 190 hours.
        (datetime(2026, 10, 25, 12, tzinfo=NEW_YORK), datetime(2026, 11, 2, 9, tzinfo=NEW_YORK), 190.0),
        # Noon in New York in winter is 18:00 in Berlin: Monday 09:00 there is 15 hours later.
        (SUNDAY, datetime(2026, 11, 30, 9, tzinfo=ZoneInfo("Europe/Berlin")), 15.0),
    ],
)
def test_hours_over_clock_changes_and_zones(calibration: datetime, treatment: datetime, hours: float) -> None:
    vial = own_vial("therasphere", label_gbq=5.0, calibration_time=calibration)
    cell = vial_on_day(vial, treatment_time=treatment, residual_frac=0.0)
    assert cell.hours_after_calibration == hours
    assert cell.activity_at_treatment_gbq == pytest.approx(5 * 2 ** (-hours / 64.1), rel=1e-12)


def test_one_half_life_leaves_exactly_half_less_the_residual() -> None:
    vial = own_vial("quiremspheres", label_gbq=8.0, calibration_time=SUNDAY)
    cell = vial_on_day(vial, treatment_time=SUNDAY + timedelta(hours=26.8), residual_frac=0.25)
    assert (cell.activity_at_treatment_gbq, cell.administered_gbq) == (4.0, 3.0)


def test_the_table_has_both_weeks_and_all_sizes() -> None:
    """A Wednesday can use this week's and last week's calibration: twelve rows, all usable."""
    wednesday = datetime(2026, 12, 2, 9, tzinfo=NEW_YORK)
    table = vials_on_days("therasphere", treatment_times=[wednesday], residual_frac=0.01)
    assert len(table) == 12
    assert all(cell.usable for cell in table)
    # 3 days less 3 hours after this week's Sunday noon.
    assert {cell.hours_after_calibration for cell in table} == {69.0, 69.0 + 168.0}


def test_a_day_outside_the_shelf_life_is_a_row_with_its_reason() -> None:
    days = [SUNDAY + timedelta(days=d) for d in (-1, 0, 12, 13)]
    table = vials_on_days(
        "therasphere", treatment_times=days, residual_frac=0.0, calibration_times=[SUNDAY], custom=True
    )
    assert len(table) == 4 * 35
    assert [row.reason for row in table[::35]] == ["before calibration", "", "", "expired"]
    assert [row.usable for row in table[::35]] == [False, True, True, False]
    # Friday 11 December noon is the last moment; a second later the vial has expired.
    late = days[2] + timedelta(seconds=1)
    (row, *_) = vials_on_days(
        "therasphere", treatment_times=[late], residual_frac=0.0, calibration_times=[SUNDAY]
    )
    assert row.reason == "expired"


def test_the_days_of_a_shelf_life_make_a_table() -> None:
    """At 09:00 each day from Monday 30 November to Friday 11 December: twelve days, all usable."""
    vial = own_vial("therasphere", label_gbq=5.0, calibration_time=SUNDAY)
    assert vial.expires_at is not None
    days = treatment_days(SUNDAY.replace(hour=9), first=SUNDAY, last=vial.expires_at)
    table = vials_on_days("therasphere", treatment_times=days, residual_frac=0.0, vials=[vial])
    assert [cell.hours_after_calibration for cell in table] == [21.0 + 24 * i for i in range(12)]
    assert all(cell.usable for cell in table)


def test_resin_needs_a_calibration_time() -> None:
    with pytest.raises(ModelRangeError, match="SIR-Spheres has no calibration time with a source"):
        vials_on_days("sir-spheres", treatment_times=[SUNDAY], residual_frac=0.0)


def test_resin_is_drawn_as_a_share_of_the_vial() -> None:
    """0.95 GBq administered at 5 % residual are 1 GBq of the 3: a third of the vial and of its spheres."""
    table = vials_on_days(
        "sir-spheres",
        treatment_times=[SUNDAY],
        residual_frac=0.05,
        calibration_times=[SUNDAY],
        wanted_administered_gbq=0.95,
    )
    (cell,) = table
    assert cell.share_of_vial_frac == pytest.approx(1 / 3)
    assert cell.spheres == pytest.approx(44e6 / 3)
    assert cell.administered_gbq == pytest.approx(0.95)
    assert cell.usable


def test_a_vial_that_holds_too_little_is_a_row() -> None:
    (cell,) = vials_on_days(
        "sir-spheres",
        treatment_times=[SUNDAY + timedelta(hours=24)],
        residual_frac=0.0,
        calibration_times=[SUNDAY],
        wanted_administered_gbq=2.5,
    )
    # 3 GBq x 0.771 a day later.
    assert (cell.usable, cell.reason) == (False, "holds too little")
    assert cell.administered_gbq == pytest.approx(2.314, abs=5e-4)


@pytest.mark.parametrize(
    ("device", "label", "hours", "wanted", "message"),
    [
        ("therasphere", 3.0, 288.1, None, "expired 2026-12-11T12:00:00-05:00, before the injection"),
        ("therasphere", 3.0, -1.0, None, "before its calibration"),
        ("sir-spheres", 3.0, 1.0, 2.99, r"gives at most 2\.968 GBq"),
    ],
)
def test_a_vial_that_was_asked_for_must_be_usable(
    device: str, label: float, hours: float, wanted: float | None, message: str
) -> None:
    vial = own_vial(device, label_gbq=label, calibration_time=SUNDAY)
    cell = vial_on_day(
        vial,
        treatment_time=SUNDAY.astimezone(UTC) + timedelta(hours=hours),
        residual_frac=0.0,
        wanted_administered_gbq=wanted,
    )
    with pytest.raises(ModelRangeError, match=message) as caught:
        require_usable(cell)
    assert "\n" not in str(caught.value)


def test_use_before_calibration_is_the_users_choice() -> None:
    vial = own_vial("sir-spheres", label_gbq=3.0, calibration_time=SUNDAY)
    at = SUNDAY - timedelta(hours=6)
    cell = vial_on_day(vial, treatment_time=at, residual_frac=0.0, before_calibration_h=6.0)
    assert require_usable(cell) is cell
    assert cell.activity_at_treatment_gbq == pytest.approx(3 * 2 ** (6 / 64.1))


@given(
    st.sampled_from(["therasphere", "sir-spheres", "quiremspheres"]),
    st.floats(-48, 300),
    st.floats(0, 0.9),
    st.floats(0.01, 3),
)
def test_share_and_residual_conserve(device: str, hours: float, residual: float, wanted: float) -> None:
    """Administered + residual = prepared = spheres x activity of one; decay back gives the label."""
    vial = standard_vials(device, calibration_time=SUNDAY)[0]
    cell = vial_on_day(
        vial,
        treatment_time=SUNDAY.astimezone(UTC) + timedelta(hours=hours),
        residual_frac=residual,
        wanted_administered_gbq=wanted,
    )
    share = 1.0 if cell.share_of_vial_frac is None else cell.share_of_vial_frac
    assert 0 < share <= 1
    prepared = cell.activity_at_treatment_gbq * share
    assert cell.prepared_gbq == pytest.approx(prepared, rel=1e-12)
    assert cell.administered_gbq + prepared * residual == pytest.approx(prepared, rel=1e-12)
    assert cell.spheres * cell.activity_per_sphere_bq == pytest.approx(prepared * 1e9, rel=1e-12)
    half_life = {"quiremspheres": 26.8}.get(device, 64.1)
    back = cell.activity_at_treatment_gbq * 2 ** (cell.hours_after_calibration / half_life)
    assert vial.label_gbq == pytest.approx(back, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"treatment_times": [datetime(2026, 12, 2, 9)]}, "treatment_time 2026-12-02T09:00:00 has no"),  # noqa: DTZ001  the case tried
        ({"residual_frac": 1.0}, "residual_frac is 1"),
        ({"residual_frac": 5.0}, "5 % is 0.05"),
        ({"spheres": 1e6}, "vials of several sizes"),
        ({"half_life_h": 0.0}, "half_life_h"),
    ],
)
def test_bad_input_is_refused(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"treatment_times": [SUNDAY], "residual_frac": 0.01, **change}
    with pytest.raises(ModelRangeError, match=message):
        vials_on_days("therasphere", **arguments)
