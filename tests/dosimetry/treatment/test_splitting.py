"""Several vials, a drawn dose, and boluses: sums by hand, brute force, and conservation."""

from datetime import UTC, datetime, timedelta
from itertools import combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.dosimetry.treatment.splitting import boluses, draw_dose, split_vials
from emboplan.dosimetry.treatment.supply import own_vial
from emboplan.errors import ModelRangeError

NOON = datetime(2026, 11, 29, 17, tzinfo=UTC)
SIZES = (3, 5, 7, 10, 15, 20)


def test_eight_gbq_are_five_and_three() -> None:
    """At calibration without residual: no single vial is within 5 % of 8; 5 + 3 is exact."""
    found = split_vials(
        "therasphere",
        wanted_administered_gbq=8.0,
        treatment_time=NOON,
        residual_frac=0.0,
        tolerance_frac=0.05,
        calibration_times=[NOON],
    )
    assert [[cell.vial.label_gbq for cell in each.cells] for each in found] == [[3, 5]]
    assert found[0].spheres == pytest.approx(8 * 4e5)
    assert found[0].relative_difference_frac == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("most", [1, 2, 3])
@pytest.mark.parametrize("wanted", [2.6, 10.2, 13.0, 16.9])
def test_combinations_are_those_of_brute_force(wanted: float, most: int) -> None:
    """Half a day later, 1 % residual, within 5 %; every multiset of the six sizes, tried one by one."""
    factor = 2 ** (-12 / 64.1) * 0.99
    expected = {
        chosen
        for count in range(1, most + 1)
        for chosen in combinations_with_replacement(SIZES, count)
        if abs(sum(chosen) * factor / wanted - 1) <= 0.05
    }
    found = split_vials(
        "therasphere",
        wanted_administered_gbq=wanted,
        treatment_time=NOON + timedelta(hours=12),
        residual_frac=0.01,
        tolerance_frac=0.05,
        most_vials=most,
        calibration_times=[NOON],
    )
    labels = [tuple(cell.vial.label_gbq for cell in each.cells) for each in found]
    assert set(labels) == expected
    assert len(labels) == len(expected)
    counts = [len(each) for each in labels]
    assert counts == sorted(counts)


def test_fewer_spheres_come_first_among_equals() -> None:
    """One half-life on, a vial of 8 GBq holds what a fresh one of 4 does, on twice the spheres."""
    fresh = own_vial("therasphere", label_gbq=4.0, calibration_time=NOON)
    old = own_vial("therasphere", label_gbq=8.0, calibration_time=NOON - timedelta(hours=64.1))
    found = split_vials(
        "therasphere",
        wanted_administered_gbq=4.0,
        treatment_time=NOON,
        residual_frac=0.0,
        tolerance_frac=0.0,
        most_vials=1,
        vials=[old, fresh],
    )
    assert [each.cells[0].vial.label_gbq for each in found] == [4.0, 8.0]


def test_no_near_sum_is_no_combination() -> None:
    found = split_vials(
        "therasphere",
        wanted_administered_gbq=4.0,
        treatment_time=NOON,
        residual_frac=0.0,
        tolerance_frac=0.01,
        calibration_times=[NOON],
    )
    assert found == ()


def test_above_all_vials_is_an_error() -> None:
    """Two vials of 20 GBq give 40; 41 is 2.4 % above, more than the tolerance of 1 %."""
    with pytest.raises(ModelRangeError, match="above what 2 of the TheraSphere vials can give"):
        split_vials(
            "therasphere",
            wanted_administered_gbq=41.0,
            treatment_time=NOON,
            residual_frac=0.0,
            tolerance_frac=0.01,
            calibration_times=[NOON],
        )


def test_all_expired_is_an_error() -> None:
    with pytest.raises(ModelRangeError, match=r"no TheraSphere vial can be used .* \(expired\)"):
        split_vials(
            "therasphere",
            wanted_administered_gbq=1.0,
            treatment_time=NOON + timedelta(days=13),
            residual_frac=0.0,
            tolerance_frac=0.1,
            calibration_times=[NOON],
        )


def test_too_many_combinations_are_refused() -> None:
    with pytest.raises(ModelRangeError, match="allow fewer vials"):
        split_vials(
            "therasphere",
            wanted_administered_gbq=10.0,
            treatment_time=NOON,
            residual_frac=0.0,
            tolerance_frac=0.1,
            most_vials=8,
            calibration_times=[NOON],
            custom=True,
        )


def test_four_gbq_of_resin_are_two_vials_of_two() -> None:
    (found,) = split_vials(
        "sir-spheres",
        wanted_administered_gbq=4.0,
        treatment_time=NOON,
        residual_frac=0.0,
        tolerance_frac=0.0,
        calibration_times=[NOON],
    )
    assert [cell.share_of_vial_frac for cell in found.cells] == pytest.approx([2 / 3, 2 / 3])
    assert found.administered_gbq == pytest.approx(4.0, rel=1e-12)
    assert found.spheres == pytest.approx(44e6 * 4 / 3)


def test_resin_above_the_allowed_vials_is_an_error() -> None:
    with pytest.raises(ModelRangeError, match="the largest gives 3 GBq"):
        split_vials(
            "sir-spheres",
            wanted_administered_gbq=6.1,
            treatment_time=NOON,
            residual_frac=0.0,
            tolerance_frac=0.2,
            calibration_times=[NOON],
        )


def test_draw_a_dose_of_resin() -> None:
    """1.2 GBq administered at 4 % residual are 1.25 prepared; 6 h after calibration the vial holds 2.8115."""
    vial = own_vial("sir-spheres", label_gbq=3.0, calibration_time=NOON)
    drawn = draw_dose(
        vial, wanted_administered_gbq=1.2, treatment_time=NOON + timedelta(hours=6), residual_frac=0.04
    )
    assert drawn.prepared_gbq == pytest.approx(1.25, rel=1e-12)
    assert drawn.share_of_vial_frac == pytest.approx(1.25 / 2.8115, rel=1e-4)


@pytest.mark.parametrize(
    ("device", "hours", "wanted", "message"),
    [
        ("sir-spheres", 25.0, 1.0, "expired"),
        ("sir-spheres", -1.0, 1.0, "before its calibration"),
        ("sir-spheres", 0.0, 3.1, "less than asked for"),
        ("sir-spheres", 0.0, 0.0, "expected a number above 0"),
        ("therasphere", 0.0, 1.0, "given by the whole vial"),
    ],
)
def test_a_draw_that_cannot_be_is_refused(device: str, hours: float, wanted: float, message: str) -> None:
    vial = own_vial(device, label_gbq=3.0, calibration_time=NOON)
    at = NOON + timedelta(hours=hours)
    with pytest.raises(ModelRangeError, match=message):
        draw_dose(vial, wanted_administered_gbq=wanted, treatment_time=at, residual_frac=0.0)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=6), st.floats(0.1, 2.5), st.floats(0, 0.15))
def test_boluses_conserve(weights: list[float], wanted: float, residual: float) -> None:
    vial = own_vial("sir-spheres", label_gbq=3.0, calibration_time=NOON)
    cell = draw_dose(vial, wanted_administered_gbq=wanted, treatment_time=NOON, residual_frac=residual)
    parts = boluses(cell, shares=[weight / sum(weights) for weight in weights])
    assert sum(part.administered_gbq for part in parts) == pytest.approx(wanted, rel=1e-12)
    assert sum(part.prepared_gbq for part in parts) == pytest.approx(cell.prepared_gbq, rel=1e-12)
    assert sum(part.spheres for part in parts) == pytest.approx(cell.spheres, rel=1e-12)
    assert sum(part.sphere_volume_ml for part in parts) == pytest.approx(cell.sphere_volume_ml, rel=1e-12)


@given(st.floats(0.1, 12.0), st.floats(0, 0.2), st.floats(0, 24))
def test_splitting_resin_conserves(wanted: float, residual: float, hours: float) -> None:
    (found,) = split_vials(
        "sir-spheres",
        wanted_administered_gbq=wanted,
        treatment_time=NOON + timedelta(hours=hours),
        residual_frac=residual,
        tolerance_frac=0.0,
        most_vials=10,
        calibration_times=[NOON],
    )
    assert found.administered_gbq == pytest.approx(wanted, rel=1e-9)
    assert all(cell.usable for cell in found.cells)
    holds = 3 * 2 ** (-hours / 64.1) * (1 - residual)
    assert wanted <= holds * len(found.cells) * (1 + 1e-9)
    assert wanted > holds * (len(found.cells) - 1) * (1 - 1e-9)


def test_shares_must_make_a_whole() -> None:
    vial = own_vial("sir-spheres", label_gbq=3.0, calibration_time=NOON)
    cell = draw_dose(vial, wanted_administered_gbq=1.0, treatment_time=NOON, residual_frac=0.0)
    with pytest.raises(ModelRangeError, match=r"sum to 0\.9"):
        boluses(cell, shares=[0.5, 0.4])
    with pytest.raises(ModelRangeError, match="above 0"):
        boluses(cell, shares=[1.0, 0.0])
    assert sum(part.prepared_gbq for part in boluses(cell, shares=[0.333] * 3)) == pytest.approx(1.0)
