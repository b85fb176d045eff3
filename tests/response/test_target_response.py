"""The category of the targets: the printed order CR, PD, PR, SD, and its exact limits."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.response.rows import limits, past, size

from emboplan.model.results.response import Category
from emboplan.response.target_response import Past, target_response, total
from emboplan.response.target_size import TargetSize

RECIST = limits().recist
tenths = st.integers(min_value=1, max_value=2000).map(lambda n: Fraction(n, 10))


def recist(now: str, baseline: str, nadir: str) -> Category:
    return target_response([size(now)], past(baseline, nadir), RECIST)


@pytest.mark.parametrize(
    ("baseline", "nadir", "now", "expected"),
    [
        ("100", "100", "70", "PR"),
        ("100", "100", "70.1", "SD"),
        ("100", "100", "69.9", "PR"),
        ("43", "43", "30.1", "PR"),
        ("90", "90", "63", "PR"),
        ("100", "40", "60", "PD"),
        ("50", "20", "24.9", "PR"),
        ("22", "20", "24.9", "SD"),
        ("22", "20", "25", "PD"),
        ("60", "50", "60", "PD"),
        ("60", "50", "59.9", "SD"),
        # exactly 5 mm with more than 20 %, and exactly 20 % with more than 5 mm, each a tenth below and at it
        ("24", "24", "28.9", "SD"),
        ("24", "24", "29", "PD"),
        ("30", "30", "35.9", "SD"),
        ("30", "30", "36", "PD"),
        # 20 % and 5 mm at once
        ("25", "25", "30", "PD"),
        ("25", "25", "29.9", "SD"),
        # growth is judged against the nadir even where the sum is below the baseline
        ("200", "50", "60", "PD"),
        ("200", "50", "59.9", "PR"),
    ],
)
def test_the_sum_against_its_limits(baseline: str, nadir: str, now: str, expected: str) -> None:
    assert recist(now, baseline, nadir) == expected


def test_a_node_of_normal_size_is_gone_and_still_counts() -> None:
    """Liver 18 and node 16, then liver 0 and node 9: complete response with a sum of 9 mm."""
    now = [size("0", lesion="L"), size("9", lesion="N", node=True, gone=True)]
    assert target_response(now, past("34", "34"), RECIST) == "CR"
    assert total(now) == 9


def test_one_target_left_is_no_complete_response() -> None:
    now = [size("0", lesion="A"), size("3", lesion="B")]
    assert target_response(now, past("40", "40"), RECIST) == "PR"


def test_a_target_that_was_not_measured_makes_the_sum_not_evaluable() -> None:
    now = [size("20", lesion="A"), size(None, lesion="B")]
    assert target_response(now, past("60", "50"), RECIST) == "NE"
    assert total(now) is None


@pytest.mark.parametrize(("measured", "expected"), [("60", "PD"), ("59.9", "NE")])
def test_progression_of_the_measured_targets_alone(measured: str, expected: str) -> None:
    now = [size(measured, lesion="A"), size(None, lesion="B")]
    assert target_response(now, past("60", "50"), RECIST) == expected


def test_all_gone_but_one_not_measured_is_not_evaluable() -> None:
    now = [size("0", lesion="A"), size(None, lesion="B", gone=False)]
    assert target_response(now, past("60", "50"), RECIST) == "NE"


@pytest.mark.parametrize("now", ["0.1", "4", "60"])
def test_a_target_that_comes_back_after_all_were_gone(now: str) -> None:
    """The nadir is 0, so that no percentage of it exists."""
    assert recist(now, "60", "0") == "PD"


def test_a_node_that_stays_normal_is_no_recurrence() -> None:
    now = [size("0", lesion="A"), size("6", lesion="N", node=True, gone=True)]
    assert target_response(now, past("40", "0", cleared=True), RECIST) == "CR"
    missed = [size(None, lesion="A", gone=False), size("6", lesion="N", node=True, gone=True)]
    assert target_response(missed, past("40", "0"), RECIST) == "NE"


def test_after_a_nadir_of_nothing_one_lesion_back_is_enough() -> None:
    now = [size("3", lesion="A"), size("6", lesion="N", node=True, gone=True)]
    assert target_response(now, past("40", "0"), RECIST) == "PD"


def test_a_lesion_that_comes_back_beside_a_normal_node() -> None:
    """After a complete response with a sum of 9 mm, 3 mm are recurrence though 12 mm are no PD."""
    now = [size("3", lesion="L"), size("9", lesion="N", node=True, gone=True)]
    assert target_response(now, past("34", "9", cleared=True), RECIST) == "PD"
    assert target_response(now, past("34", "9", cleared=False), RECIST) == "PR"


def test_a_node_that_grows_after_a_complete_response_keeps_to_the_sum() -> None:
    now = [size("0", lesion="L"), size("12", lesion="N", node=True, gone=False)]
    assert target_response(now, past("34", "9", cleared=True), RECIST) == "PR"
    grown = [size("0", lesion="L"), size("14", lesion="N", node=True, gone=False)]
    assert target_response(grown, past("34", "9", cleared=True), RECIST) == "PD"


def test_mrecist_has_no_absolute_rule_unless_asked_for() -> None:
    """20 to 24 mm is 20 % and 4 mm."""
    viable = limits().mrecist
    assert target_response([size("24")], past("20", "20"), viable) == "PD"
    assert target_response([size("23.9")], past("20", "20"), viable) == "SD"
    five = replace(viable, absolute_mm=RECIST.absolute_mm)
    assert target_response([size("24")], past("20", "20"), five) == "SD"


@pytest.mark.parametrize(
    ("now", "expected"), [("2500", "SD"), ("2500.1", "PD"), ("1000", "PR"), ("1000.1", "SD"), ("0", "CR")]
)
def test_easl_areas(now: str, expected: str) -> None:
    """More than 25 % is progression, and exactly 25 % is not; at least 50 % is a response."""
    assert target_response([size(now)], past("2000", "2000"), limits().easl) == expected


def test_easl_has_no_absolute_rule() -> None:
    assert target_response([size("2.51")], past("2", "2"), limits().easl) == "PD"
    assert target_response([size("2.5")], past("2", "2"), limits().easl) == "SD"


def test_new_enhancement_of_a_treated_lesion_is_progression_by_easl_alone() -> None:
    now = [size("10", lesion="A"), size("500", lesion="B")]
    silent = past("3000", "600", silent=frozenset({"A"}))
    assert target_response(now, silent, limits().easl, reenhancement=True) == "PD"
    assert target_response(now, silent, limits().easl) == "PR"
    gone = [size("0", lesion="A"), size("550", lesion="B")]
    assert target_response(gone, silent, limits().easl, reenhancement=True) == "PR"
    missed = [size(None, lesion="A"), size("550", lesion="B")]
    assert target_response(missed, silent, limits().easl, reenhancement=True) == "NE"
    other = past("3000", "600", silent=frozenset({"C"}))
    assert target_response(now, other, limits().easl, reenhancement=True) == "PR"


def test_the_past_after_a_time_point() -> None:
    start = past("60", "60")
    after = start.after([size("0", lesion="A"), size("20", lesion="B")])
    assert after == past("60", "20", silent=frozenset({"A"}))
    assert after.after([size("0", lesion="A"), size(None, lesion="B")]).nadir == 20
    assert after.after([size("0", lesion="A"), size("30", lesion="B")]).nadir == 20
    gone = after.after([size("0", lesion="A"), size("0", lesion="B")])
    assert gone.cleared
    assert gone.nadir == 0
    assert gone.after([size("5", lesion="A"), size("0", lesion="B")]).cleared


def test_what_is_silent_is_of_size_0_and_gone() -> None:
    """A merged lesion is of size 0 without being gone; a normal node is gone without being of size 0."""
    merged, node = size("0", lesion="M", gone=False), size("9", lesion="N", node=True, gone=True)
    assert past("60", "60").after([merged, node]).silent == frozenset()


@given(st.lists(st.lists(st.one_of(st.none(), tenths), min_size=3, max_size=3), min_size=1, max_size=6))
def test_the_nadir_never_rises_and_the_baseline_stays(visits: list[list[Fraction | None]]) -> None:
    now = Past(Fraction(100), Fraction(100))
    for visit in visits:
        targets = [TargetSize(str(n), node=False, size=s, gone=s == 0) for n, s in enumerate(visit)]
        later = now.after(targets)
        assert later.nadir <= now.nadir
        assert later.baseline == now.baseline
        assert later.silent >= now.silent
        now = later


@given(baseline=tenths, nadir=tenths, now=tenths)
def test_the_formulas_in_whole_tenths(baseline: Fraction, nadir: Fraction, now: Fraction) -> None:
    """The same rule in integers: ten times PD and PR without any fraction."""
    nadir = min(nadir, baseline)
    b, n, s = (int(10 * value) for value in (baseline, nadir, now))
    expected = "PD" if 5 * s >= 6 * n and s - n >= 50 else "PR" if 10 * s <= 7 * b else "SD"
    found = target_response(
        [TargetSize("A", node=False, size=now, gone=False)], Past(baseline, nadir), RECIST
    )
    assert found == expected


@given(st.permutations(["A", "B", "C", "D"]), st.lists(tenths, min_size=4, max_size=4), tenths)
def test_the_order_of_targets_does_not_matter(
    order: list[str], sizes: list[Fraction], nadir: Fraction
) -> None:
    table = dict(zip("ABCD", sizes, strict=True))
    history = Past(Fraction(150), min(nadir, Fraction(150)))
    one = [TargetSize(name, node=False, size=table[name], gone=False) for name in "ABCD"]
    other = [TargetSize(name, node=False, size=table[name], gone=False) for name in order]
    assert target_response(one, history, RECIST) == target_response(other, history, RECIST)


@given(tenths, tenths)
def test_a_complete_response_is_a_partial_one_by_its_sum(baseline: Fraction, nadir: Fraction) -> None:
    """Nothing left is a decrease of 100 %."""
    assert RECIST.responds(Fraction(0), baseline)
    assert not RECIST.progresses(Fraction(0), nadir)
