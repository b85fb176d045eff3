"""Which vials there are: printed sizes, the bounds of what is supplied, and the label that a day needs."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.dosimetry.decay import decay
from emboplan.dosimetry.treatment.supply import (
    is_drawn,
    label_needed_gbq,
    largest_label_gbq,
    own_vial,
    standard_vials,
)
from emboplan.errors import ModelRangeError
from emboplan.model.products import Status
from emboplan.model.results.vials import VialKind

NOON = datetime(2026, 11, 29, 17, tzinfo=UTC)


def test_glass_comes_in_six_sizes() -> None:
    vials = standard_vials("therasphere", calibration_time=NOON)
    assert [vial.label_gbq for vial in vials] == [3, 5, 7, 10, 15, 20]
    assert {vial.expires_at for vial in vials} == {NOON + timedelta(days=12)}
    # The sizes are printed in the insert; that the vials last 12 days is to be confirmed.
    assert {vial.note for vial in vials} == {"shelf life: confirm against the package insert in force"}


def test_custom_sizes_are_the_half_steps_between() -> None:
    """3 to 20 GBq in steps of 0.5 are 35 sizes, six of them standard; all others are to be confirmed."""
    vials = standard_vials("therasphere", calibration_time=NOON, custom=True)
    assert [vial.label_gbq for vial in vials] == [3 + 0.5 * i for i in range(35)]
    custom = [vial for vial in vials if vial.kind is VialKind.CUSTOM]
    assert len(custom) == 29
    assert {vial.status for vial in custom} == {Status.TO_CONFIRM}
    assert custom[0].note.startswith("size and shelf life")


def test_resin_comes_in_one_size_for_a_day() -> None:
    (vial,) = standard_vials("sir-spheres", calibration_time=NOON)
    assert (vial.label_gbq, vial.expires_at, vial.note) == (3.0, NOON + timedelta(hours=24), "")
    assert vial.status is Status.CONFIRMED


def test_holmium_has_a_range_and_no_shelf_life() -> None:
    vials = standard_vials("quiremspheres", calibration_time=NOON)
    assert [vial.label_gbq for vial in vials] == [6, 12]
    assert {vial.expires_at for vial in vials} == {None}
    assert "expiry not checked" in vials[0].note
    timed = standard_vials("quiremspheres", calibration_time=NOON, shelf_life_h=72)
    assert timed[0].expires_at == NOON + timedelta(hours=72)


def test_resin_labels_reach_ten_percent_above() -> None:
    """3.0 GBq +/- 10 %: 3.3 is a label, 3.31 is not."""
    assert largest_label_gbq("sir-spheres") == pytest.approx(3.3)
    assert own_vial("sir-spheres", label_gbq=3.3, calibration_time=NOON).kind is VialKind.OWN
    with pytest.raises(ModelRangeError, match=r"largest SIR-Spheres vial is 3\.3 GBq"):
        own_vial("sir-spheres", label_gbq=3.31, calibration_time=NOON)


def test_an_activity_in_millicurie_is_above_any_vial() -> None:
    with pytest.raises(ModelRangeError, match="label_gbq is 81; the largest TheraSphere vial is 20 GBq"):
        own_vial("therasphere", label_gbq=81, calibration_time=NOON)


def test_only_glass_is_given_whole() -> None:
    assert [is_drawn(name) for name in ("therasphere", "sir-spheres", "quiremspheres")] == [False, True, True]


def test_label_needed_one_half_life_later_is_twice_the_prepared() -> None:
    """1.9 GBq administered of 2 GBq prepared, 64.1 h after calibration: 4 GBq on the label."""
    label = label_needed_gbq(
        "therasphere",
        administered_gbq=1.9,
        residual_frac=0.05,
        calibration_time=NOON,
        treatment_time=NOON + timedelta(hours=64.1),
    )
    assert label == pytest.approx(4.0, rel=1e-12)


def test_holmium_decays_with_its_own_half_life() -> None:
    label = label_needed_gbq(
        "quiremspheres",
        administered_gbq=4.0,
        residual_frac=0.0,
        calibration_time=NOON,
        treatment_time=NOON + timedelta(hours=26.8),
    )
    assert label == pytest.approx(8.0, rel=1e-12)


def test_a_label_above_any_vial_is_refused() -> None:
    with pytest.raises(ModelRangeError, match="treat earlier"):
        label_needed_gbq(
            "therasphere",
            administered_gbq=6.0,
            residual_frac=0.0,
            calibration_time=NOON,
            treatment_time=NOON + timedelta(hours=2 * 64.1),
        )


@given(st.floats(0.1, 1.0), st.floats(0, 0.5), st.floats(0, 100))
def test_the_label_decays_back_to_what_was_wanted(wanted: float, residual: float, hours: float) -> None:
    label = label_needed_gbq(
        "therasphere",
        administered_gbq=wanted,
        residual_frac=residual,
        calibration_time=NOON,
        treatment_time=NOON + timedelta(hours=hours),
    )
    # Times are kept to the microsecond, 1e-8 of an hour.
    assert wanted == pytest.approx(decay(label, hours) * (1 - residual), rel=1e-9)
