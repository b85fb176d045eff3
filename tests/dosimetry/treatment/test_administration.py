"""Delivered activity, residual and flags against hand reckoning and published cases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.dosimetry.treatment.administration import (
    activity_at_gbq,
    check_receipt,
    evaluate_administration,
    relative_difference_frac,
    removed_gbq,
    residual_frac,
)
from emboplan.dosimetry.treatment.supply import own_vial
from emboplan.errors import ModelRangeError
from emboplan.model.finding import Severity
from emboplan.model.results.administration import Administration, AdministrationRecord, Reading

NOON = datetime(2026, 12, 3, 12, tzinfo=UTC)
HALF_LIFE = 64.1


def reading(value: float, hours: float = 0.0, unit: str = "GBq", **more: Any) -> Reading:
    return Reading(
        value,
        unit,
        NOON + timedelta(hours=hours),
        **{"instrument": "chamber 1", "geometry": "jar", **more},
    )


def record(**change: Any) -> AdministrationRecord:
    base: dict[str, Any] = {
        "device": "therasphere",
        "prescribed_gbq": 2.0,
        "injection_time": NOON,
        "before": reading(2.04),
        "after": reading(0.04),
        "stasis": False,
    }
    return AdministrationRecord(**{**base, **change})


def ids(result: Administration) -> list[str]:
    return [finding.id for finding in result.findings]


def test_delivered_is_before_less_after_at_the_moment_of_injection() -> None:
    """2.95 GBq 2.2 h before the injection and 0.039 left at it: 2.95 x 2^(-2.2/64.1) - 0.039 = 2.84165."""
    result = evaluate_administration(
        record(prescribed_gbq=2.84165, before=reading(2.95, -2.2), after=reading(0.039))
    )
    assert result.delivered_gbq == pytest.approx(2.8416484, rel=1e-7)
    assert result.residual_gbq == pytest.approx(0.039, rel=1e-12)
    assert result.delivered_frac == pytest.approx(1.0, abs=1e-5)
    assert result.findings == ()


def test_a_late_reading_of_the_residual_is_decayed_back() -> None:
    """0.05 GBq read one half-life after the injection were 0.1 at it: 5 % of 2 GBq."""
    result = evaluate_administration(record(before=reading(2.0), after=reading(0.05, HALF_LIFE)))
    assert result.residual_frac == pytest.approx(0.05, rel=1e-12)
    assert result.delivered_gbq == pytest.approx(1.9, rel=1e-12)


def test_dose_rates_give_the_share_and_the_assay_the_activity() -> None:
    """82 and 4 uSv/h with a background of 2: 2/80 stayed. The assay held 2.4 GBq at injection."""
    result = evaluate_administration(
        record(
            before=reading(82, -1, "uSv/h", background=2.0),
            after=reading(4, -1 + 1e-9, "uSv/h", background=2.0),
            injection_time=NOON - timedelta(hours=1),
            assay=reading(2.4, -1),
            prescribed_gbq=2.34,
        )
    )
    assert result.basis == "own assay"
    assert result.residual_frac == pytest.approx(0.025)
    assert result.delivered_gbq == pytest.approx(2.34)
    assert result.findings == ()


def test_the_label_is_the_last_resort_for_glass() -> None:
    """4 GBq at calibration are 2 GBq one half-life later."""
    vial = own_vial("therasphere", label_gbq=4.0, calibration_time=NOON - timedelta(hours=HALF_LIFE))
    result = evaluate_administration(
        record(vial=vial, before=reading(100, 0, "uSv/h"), after=reading(1, 0, "uSv/h"))
    )
    assert result.basis == "label"
    assert result.label_at_injection_gbq == pytest.approx(2.0)
    assert result.delivered_gbq == pytest.approx(1.98)


def test_a_resin_dose_comes_from_the_draw() -> None:
    """3.0 before and 1.8 after the draw, an hour before injection: 1.2 x 2^(-1/64.1) at injection."""
    result = evaluate_administration(
        record(
            device="sir-spheres",
            prescribed_gbq=1.15,
            draw_before=reading(3.0, -1),
            draw_after=reading(1.8, -1),
            before=reading(50, -0.5, "uSv/h"),
            after=reading(1, 0.5, "uSv/h"),
        )
    )
    assert result.basis == "dose draw"
    assert result.drawn_at_injection_gbq == pytest.approx(1.2 * 2 ** (-1 / 64.1), rel=1e-12)
    assert result.residual_frac == pytest.approx(0.02 * 2 ** (1 / 64.1), rel=1e-12)


def test_a_resin_label_says_nothing_of_the_dose_drawn() -> None:
    vial = own_vial("sir-spheres", label_gbq=3.0, calibration_time=NOON)
    with pytest.raises(ModelRangeError, match="the readings of the dose draw"):
        evaluate_administration(
            record(device="sir-spheres", vial=vial, before=reading(50, 0, "cps"), after=reading(1, 0, "cps"))
        )


@pytest.mark.parametrize(
    ("assay", "flagged"), [(3.3, False), (2.7, False), (3.31, True), (2.69, True), (3.72, True)]
)
def test_label_and_assay_are_both_kept(assay: float, flagged: bool) -> None:
    """Beyond +/- 10 % of 3 GBq is flagged; 3.72 for nominal 3 was published (Med Phys 2012;39:3856)."""
    vial = own_vial("therasphere", label_gbq=3.0, calibration_time=NOON - timedelta(hours=HALF_LIFE))
    result = evaluate_administration(record(vial=vial, assay=reading(assay, -HALF_LIFE)))
    assert result.label_at_injection_gbq == pytest.approx(1.5)
    assert result.assay_at_injection_gbq == pytest.approx(assay / 2)
    assert result.assay_relative_difference_frac == pytest.approx(assay / 3 - 1)
    assert ("assay-off-label" in ids(result)) is flagged


def test_receipt_is_compared_at_the_moment_of_the_assay() -> None:
    """4 GBq at calibration are 2 one half-life later; 2.25 measured then are 12.5 % more."""
    vial = own_vial("therasphere", label_gbq=4.0, calibration_time=NOON - timedelta(hours=HALF_LIFE))
    check = check_receipt(vial, reading(2.25))
    assert (check.label_at_assay_gbq, check.assay_gbq) == (2.0, 2.25)
    assert check.relative_difference_frac == pytest.approx(0.125)
    assert [finding.id for finding in check.findings] == ["assay-off-label"]
    assert check_receipt(vial, reading(2.2)).findings == ()


def test_published_calibration_discrepancy() -> None:
    """3.72 measured for nominal 3.0 is +24 % of the label; the printed 19 % is of the measured value."""
    assert relative_difference_frac(measured_gbq=3.72, expected_gbq=3.0) == pytest.approx(0.24)


@pytest.mark.parametrize(
    ("prescribed", "delivered", "expected"),
    [
        (27.6, 14.5, True),  # mCi, ENS 55617: -47 %
        (11.9, 9.2, True),  # mCi, ENS 49450: -22.5 %
        (1.33, 0.798, True),  # GBq, ENS 48699: -40 %
        (0.5, 0.41, False),  # GBq, ENS 56097: -18 %
        (0.5, 0.386, True),  # GBq, ENS 56097: -22.8 %
        (2.0, 1.6, True),  # exactly 20 % is flagged
        (2.0, 1.61, False),
        (2.0, 2.4, True),
        (2.0, 2.39, False),
    ],
)
def test_twenty_percent(prescribed: float, delivered: float, expected: bool) -> None:
    result = evaluate_administration(
        record(prescribed_gbq=prescribed, before=reading(delivered + 0.1), after=reading(0.1))
    )
    assert result.outside_tolerance is expected
    assert ("delivered-off-prescribed" in ids(result)) is expected
    assert ("delivered-off-intended" in ids(result)) is (not expected)
    if expected:
        (finding,) = (each for each in result.findings if each.id == "delivered-off-prescribed")
        assert finding.severity is Severity.STOP
        assert "confirm" in finding.source


def test_within_ten_percent_says_nothing() -> None:
    assert ids(evaluate_administration(record(before=reading(1.84)))) == []


def test_stasis_is_shown_and_the_flag_stays() -> None:
    """Stasis is a documented exception, but one was put down to it and still reported."""
    result = evaluate_administration(record(before=reading(1.0), stasis=True))
    (finding,) = result.findings
    assert (finding.id, finding.severity) == ("delivered-off-prescribed", Severity.WARNING)
    assert "Stasis was recorded" in finding.text
    assert "a person must judge" in finding.text
    assert result.outside_tolerance


def test_stasis_must_be_recorded() -> None:
    assert ids(evaluate_administration(record(stasis=None))) == ["stasis-not-recorded"]


@pytest.mark.parametrize(("image", "flagged"), [(2.2, False), (1.8, False), (2.21, True), (1.5, True)])
def test_image_total_against_delivered(image: float, flagged: bool) -> None:
    """2 GBq delivered; the image is taken one half-life later, with half the activity."""
    result = evaluate_administration(record(image_total=reading(image / 2, HALF_LIFE)))
    assert result.image_total_at_injection_gbq == pytest.approx(image)
    assert result.image_relative_difference_frac == pytest.approx(image / 2 - 1)
    assert ids(result) == (["image-off-delivered"] if flagged else [])


def test_other_instrument_or_geometry_is_flagged() -> None:
    result = evaluate_administration(
        record(after=reading(0.04, instrument="chamber 2"), before=reading(2.04, geometry=""))
    )
    assert ids(result) == ["instrument-changed", "geometry-not-recorded"]


def test_an_expired_vial_is_flagged() -> None:
    vial = own_vial("therasphere", label_gbq=20.0, calibration_time=NOON - timedelta(days=12, hours=2))
    (finding,) = evaluate_administration(record(vial=vial)).findings
    assert (finding.id, finding.severity) == ("vial-expired", Severity.STOP)
    assert "2.0 h before the injection" in finding.text


def test_units_of_activity_mix() -> None:
    """54 mCi are 1.998 GBq."""
    assert activity_at_gbq(reading(54, unit="mCi"), NOON, half_life_h=HALF_LIFE) == pytest.approx(1.998)
    share = residual_frac(reading(2.0), reading(40, unit="MBq"), half_life_h=HALF_LIFE)
    assert share == pytest.approx(0.02)


def test_holmium_decays_with_its_own_half_life() -> None:
    result = evaluate_administration(
        record(device="quiremspheres", prescribed_gbq=4.0, before=reading(8.0, -26.8), after=reading(0.0))
    )
    assert result.delivered_gbq == pytest.approx(4.0, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"after": reading(2.1)}, "times the one before"),
        ({"after": reading(0.04, -1)}, "is earlier than the injection"),
        ({"before": reading(2.0, 1)}, "the injection .* is earlier than the reading before"),
        ({"after": reading(1, unit="cps")}, "before is in GBq, the one after in cps"),
        ({"before": reading(0.0), "after": reading(0.0)}, "0 after background"),
        ({"assay": reading(80, unit="uSv/h")}, "is no activity"),
        (
            {"before": reading(9, unit="cps"), "after": reading(1, unit="cps")},
            "needs the vial's label or an own assay",
        ),
    ],
)
def test_readings_that_cannot_be_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelRangeError, match=message):
        evaluate_administration(record(**change))


def test_a_draw_cannot_add_activity() -> None:
    with pytest.raises(ModelRangeError, match="above the one before"):
        removed_gbq(reading(1.0), reading(1.1), NOON, half_life_h=HALF_LIFE)


@given(
    st.floats(0.05, 20),
    st.floats(0, 0.9),
    st.floats(0, 48),
    st.floats(0, 48),
    st.sampled_from(["GBq", "MBq", "mCi"]),
)
def test_delivered_and_residual_make_the_prepared(
    prepared: float, share: float, early_h: float, late_h: float, unit: str
) -> None:
    """Readings made from a known residual, at other moments and in any unit, give it back."""
    per = {"GBq": 1.0, "MBq": 1000.0, "mCi": 1000 / 37}[unit]
    before = reading(prepared * 2 ** (early_h / 64.1), -early_h)
    after = reading(prepared * share * 2 ** (-late_h / 64.1) * per, late_h, unit)
    result = evaluate_administration(record(prescribed_gbq=prepared, before=before, after=after))
    # Moments are kept to the microsecond: 1e-8 of an hour, 1e-10 of a half-life.
    assert result.residual_frac == pytest.approx(share, rel=1e-8, abs=1e-12)
    assert result.delivered_gbq + result.residual_gbq == pytest.approx(result.prepared_gbq, rel=1e-12)
    assert result.prepared_gbq == pytest.approx(prepared, rel=1e-8)


def test_the_result_keeps_the_readings_as_taken() -> None:
    base = record(before=reading(55.0, unit="mCi"))
    json = evaluate_administration(replace(base, stasis=True)).to_json()
    assert json["record"]["before"]["value"] == 55.0
    assert json["record"]["before"]["unit"] == "mCi"
    assert json["record"]["before"]["taken_at"] == "2026-12-03T12:00:00+00:00"
