"""Kaplan-Meier by hand, against SciPy's own, and its edges."""

import math
import warnings
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from emboplan.errors import ModelRangeError
from emboplan.model.results.response import SurvivalCurve
from emboplan.response.survival import at_risk, cumulative_incidence, kaplan_meier, risk_ticks

TIMES = [3, 5, 6, 7, 8, 10, 12, 12]
EVENTS = [True, False, True, True, False, True, True, False]
subjects = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=25)


def curve(times: Sequence[float], events: Sequence[bool]) -> SurvivalCurve:
    return kaplan_meier(times, events, confidence_frac=0.95)


def test_numbers_at_risk_and_events() -> None:
    steps = curve(TIMES, EVENTS).steps
    assert [(s.time, s.at_risk, s.events) for s in steps] == [
        (3, 8, 1),
        (6, 6, 1),
        (7, 5, 1),
        (10, 3, 1),
        (12, 2, 1),
    ]


def test_the_interval_of_the_median() -> None:
    """By hand from the printed band: its lower bound is below one half from 3 on, its upper one never."""
    found = curve(TIMES, EVENTS)
    assert found.median == 10
    assert found.median_interval == (3, None)


def test_both_ends_of_the_median() -> None:
    """Ten events at 1 to 10: S(t) = 1 - t/10, and the band by the formula crosses one half at 2 and 8.

    Lower bound at 1: 0.9^exp(1.96 sqrt(1/90)/0.10536) = 0.473; at t = 7 the upper one is 0.5778, at 8 0.4748.
    """
    found = curve([float(t) for t in range(1, 11)], [True] * 10)
    assert found.median == 5
    assert found.median_interval == (1, 8)


def test_a_curve_that_is_exactly_one_half_for_a_while() -> None:
    """The first time is taken; nothing is averaged. In floats 2/3 x 3/4 is just above one half."""
    assert curve([1.0, 2.0, 3.0, 4.0], [True, True, False, False]).median == 2
    assert curve([1, 2, 3, 4, 5, 6], [True, True, True, False, False, False]).median == 3


def test_a_curve_that_stays_above_one_half() -> None:
    found = curve([1, 2, 3], [True, False, False])
    assert found.median is None
    assert found.median_interval == (1, None)


def test_no_event_and_all_events() -> None:
    none = curve([2, 5], [False, False])
    assert (none.steps, none.median, none.last_time, none.events) == ((), None, 5, 0)
    assert none.median_follow_up == 2
    every = curve([2, 2], [True, True])
    assert every.steps[0].survival_frac == 0
    assert every.steps[0].interval is None
    assert every.steps[0].standard_error is None
    assert every.median_follow_up is None


def test_the_curve_between_its_steps() -> None:
    found = curve(TIMES, EVENTS)
    assert found.survival_at(2.9) == 1
    assert found.survival_at(3) == 0.875
    assert found.survival_at(9.9) == pytest.approx(0.58333, abs=5e-6)
    assert found.survival_at(99) == pytest.approx(0.19444, abs=5e-6)


def test_follow_up_by_the_reverse_curve() -> None:
    """Censored at 5 (7 left), 8 (4 left), 12 (2 left): 6/7, 6/7 x 3/4 = 0.643, x 1/2 = 0.321: median 12."""
    assert curve(TIMES, EVENTS).median_follow_up == 12
    assert curve(TIMES, EVENTS).censored_times == (5, 8, 12)


@given(subjects)
def test_against_scipy(found: list[tuple[int, bool]]) -> None:
    times = [float(time) for time, _ in found]
    events = [event for _, event in found]
    if not any(events):
        return
    ours = curve(times, events)
    here, later = ([t for t, e in found if e is wanted] for wanted in (True, False))
    data: Any = stats.CensoredData(uncensored=here, right=later)
    theirs: Any = stats.ecdf(data).sf
    for step in ours.steps:
        assert step.survival_frac == pytest.approx(float(theirs.evaluate(step.time)), abs=1e-12)
    with warnings.catch_warnings():  # SciPy says where its formula is undefined
        warnings.simplefilter("ignore")
        band = theirs.confidence_interval(0.95, method="log-log")
    for step in ours.steps:
        if step.interval is not None and step.survival_frac > 0:
            low, high = (float(side.evaluate(step.time)) for side in (band.low, band.high))
            if math.isfinite(low) and math.isfinite(high):
                assert step.interval == pytest.approx((low, high), abs=1e-9)


@given(subjects)
def test_the_curve_never_rises_and_lies_in_its_band(found: list[tuple[int, bool]]) -> None:
    ours = curve([float(t) for t, _ in found], [e for _, e in found])
    last = 1.0
    for step in ours.steps:
        assert 0 <= step.survival_frac <= last
        last = step.survival_frac
        if step.interval is not None:
            assert step.interval[0] <= step.survival_frac <= step.interval[1]


@pytest.mark.parametrize(
    ("times", "events", "confidence"),
    [
        ([], [], 0.95),
        ([1.0], [], 0.95),
        ([-1.0], [True], 0.95),
        ([1.0, -1.0], [True, True], 0.95),
        ([1.0, math.nan], [True, True], 0.95),
        ([math.nan], [True], 0.95),
        ([math.inf], [True], 0.95),
        ([1.0], [True], 1.0),
        ([1.0], [True], 0.0),
    ],
)
def test_what_is_refused(times: list[float], events: list[bool], confidence: float) -> None:
    with pytest.raises(ModelRangeError, match=r"found .*; expected|expected one of each"):
        kaplan_meier(times, events, confidence_frac=confidence)


def test_time_zero_is_a_time() -> None:
    assert curve([0, 1], [True, True]).steps[0].survival_frac == 0.5


def test_numbers_at_risk_below_a_plot() -> None:
    assert at_risk(TIMES, [0, 3, 3.5, 12, 13]) == (8, 8, 7, 2, 0)


def test_incidence_of_competing_events() -> None:
    """Four subjects: cause 1 at 1, cause 2 at 2, censored at 3, cause 1 at 4.

    By hand: 1/4; the curve is then 3/4 and 3/4 x 2/3 = 1/2; at 4 one is left: 1/4 + 1/2 = 3/4.
    """
    assert cumulative_incidence([1, 2, 3, 4], [1, 2, 0, 1], 1) == ((1, 0.25), (4, 0.75))
    assert cumulative_incidence([1, 2, 3, 4], [1, 2, 0, 1], 2) == ((2, 0.25),)
    with pytest.raises(ModelRangeError, match="0 means censored"):
        cumulative_incidence([1.0], [1], 0)


@given(subjects)
def test_without_competition_the_incidence_is_the_rest_of_the_curve(found: list[tuple[int, bool]]) -> None:
    times = [float(t) for t, _ in found]
    steps = curve(times, [e for _, e in found]).steps
    incidence = cumulative_incidence(times, [int(e) for _, e in found], 1)
    assert [time for time, _ in incidence] == [step.time for step in steps]
    assert [share for _, share in incidence] == pytest.approx([1 - step.survival_frac for step in steps])


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (29.0, (0, 5, 10, 15, 20, 25, 30)),
        (30.0, (0, 5, 10, 15, 20, 25, 30)),
        (0.0, (0,)),
        (7.0, (0, 2, 4, 6, 8)),
        (6.0, (0, 1, 2, 3, 4, 5, 6)),
        (18.0, (0, 3, 6, 9, 12, 15, 18)),
        (60.0, (0, 10, 20, 30, 40, 50, 60)),
        (70.0, (0, 20, 40, 60, 80)),
        (170.0, (0, 30, 60, 90, 120, 150, 180)),
        (600.0, (0, 100, 200, 300, 400, 500, 600)),
        (0.7, (0, 0.2, 0.4, 0.6, 0.8)),
    ],
)
def test_ticks_are_round_and_cover_the_curve(last: float, expected: tuple[float, ...]) -> None:
    assert risk_ticks(last, 7) == pytest.approx(expected)


def test_subjects_may_come_in_any_order() -> None:
    found = curve([8.0, 5.0, 1.0, 16.0], [False, True, False, False])
    assert found.censored_times == (1, 8, 16)


def test_follow_up_counts_those_who_are_lost_alone() -> None:
    """At 1 one of four is lost, at 2 both that are left; an event is no loss. Later times come later."""
    assert curve([1, 1, 2, 2], [True, False, False, False]).median_follow_up == 2
    assert curve([8.0, 1.0], [False, False]).median_follow_up == 1


@pytest.mark.parametrize(("times", "causes"), [([-1.0], [1]), ([1.0, 2.0], [1]), ([], []), ([math.nan], [0])])
def test_the_incidence_refuses_what_the_curve_refuses(times: list[float], causes: list[int]) -> None:
    with pytest.raises(ModelRangeError):
        cumulative_incidence(times, causes, 1)
