"""What counts as response: the best one in time, or the one at a visit."""

from dataclasses import replace

import pytest
from tests.response.rows import BASELINE, day
from tests.response.test_endpoints import TREATED, data

from emboplan.model.response import Course
from emboplan.model.results.response import BestResponse, Category, TimePointResponse
from emboplan.response.calendar import months_later
from emboplan.response.endpoint_sets import ResponseRule, Scope
from emboplan.response.endpoints import PatientData
from emboplan.response.visits import visit_remarks, visit_response

OBJECTIVE = (Category.CR, Category.PR)
THIRD = ResponseRule("m3", Scope.OVERALL, OBJECTIVE, "", at_month=3, before_second_treatment=True)
SIXTH = ResponseRule("m6", Scope.HEPATIC, OBJECTIVE, "", at_month=6)
# Three months after the baseline is day 91 (2024 is a leap year), six months day 182.
DUE = (months_later(BASELINE, 3) - BASELINE).days


def best(points: object) -> BestResponse:
    raise AssertionError("a visit needs no best response")


def at(rule: ResponseRule, patient: PatientData, window: int | None = 14) -> tuple[object, ...]:
    found = visit_response(rule, patient, BASELINE, window_d=window, best=best)
    return (found.category, found.counts, None if found.date is None else (found.date - BASELINE).days)


def treated(*days: int) -> PatientData:
    visits = [(80, "PR", "SD"), (95, "SD", "SD"), (180, "SD", "PR"), (300, "CR", "CR")]
    return data(replace(TREATED, treatment_dates=tuple(day(number) for number in days)), visits)


def test_the_visit_nearest_to_its_date() -> None:
    assert DUE == 91
    assert at(THIRD, treated(0, 100)) == ("SD", False, 95)
    assert at(SIXTH, treated(0)) == ("PR", True, 180)


def test_month_3_is_read_before_the_second_treatment() -> None:
    assert at(THIRD, treated(0, 94)) == ("PR", True, 80)
    assert at(THIRD, treated(0, 95)) == ("SD", False, 95)
    assert at(THIRD, treated(90, 0)) == ("PR", True, 80)
    assert at(THIRD, treated(0)) == ("SD", False, 95)


def test_the_window_is_closed_at_both_ends() -> None:
    assert at(THIRD, treated(0, 85), 11) == ("PR", True, 80)
    assert at(THIRD, treated(0, 85), 10) == ("NE", False, None)
    assert at(SIXTH, treated(0), 2) == ("PR", True, 180)
    assert at(SIXTH, treated(0), 1) == ("NE", False, None)


SCANNED = [(80, "PR", "PR")]


def test_without_a_scan_in_the_window_the_days_of_treatment_do_not_matter() -> None:
    """Day 80 lies 11 days before month 3. Nobody can have been judged on a scan that there is not."""
    assert at(THIRD, data(TREATED, SCANNED), 10) == ("NE", False, None)
    assert at(THIRD, data(), 14) == ("NE", False, None)
    nobody = visit_response(THIRD, PatientData(Course(), (), 2), None, window_d=14, best=best)
    assert (nobody.category, nobody.counts, nobody.date, nobody.missing) == ("NE", False, None, ())


@pytest.mark.parametrize(
    ("rule", "patient", "window", "missing"),
    [
        (THIRD, treated(0), None, ("visit_window_days",)),
        (THIRD, data(), None, ("visit_window_days",)),
        (THIRD, data(TREATED, SCANNED), 11, ("treatment_dates",)),
        (THIRD, data(TREATED, SCANNED), None, ("visit_window_days", "treatment_dates")),
        (SIXTH, data(TREATED, SCANNED), None, ("visit_window_days",)),
    ],
)
def test_what_is_missing(
    rule: ResponseRule, patient: PatientData, window: int | None, missing: tuple[str, ...]
) -> None:
    found = visit_response(rule, patient, BASELINE, window_d=window, best=best)
    assert (found.counts, found.missing) == (None, missing)


def test_the_best_response_within_a_time() -> None:
    """The baseline always goes with it, and the last day belongs to the time."""
    seen: list[list[int]] = []

    def kept(points: object) -> BestResponse:
        assert isinstance(points, tuple)
        seen.append([(p.date - BASELINE).days for p in points if isinstance(p, TimePointResponse)])
        return BestResponse(Category.CR, Category.SD)

    rule = ResponseRule("dcr", Scope.HEPATIC, (Category.SD,), "", within_months=3)
    visits = [(60, "SD", "SD"), (91, "SD", "SD"), (92, "SD", "SD")]
    found = visit_response(rule, data(TREATED, visits), BASELINE, window_d=None, best=kept)
    assert (found.category, found.counts) == ("SD", True)
    whole = replace(rule, scope=Scope.OVERALL, within_months=None)
    answer = visit_response(whole, data(TREATED, visits), BASELINE, window_d=None, best=kept)
    assert (answer.category, answer.counts) == ("CR", False)
    visit_response(rule, data(TREATED, visits[2:]), BASELINE, window_d=None, best=kept)
    assert seen == [[0, 60, 91], [0, 60, 91, 92], [0]]


def test_month_6_is_read_whatever_the_treatments() -> None:
    assert at(SIXTH, treated(0, 91)) == ("PR", True, 180)


def test_the_baseline_is_no_visit() -> None:
    assert at(THIRD, data(replace(TREATED, treatment_dates=(day(0),))), 200) == ("NE", False, None)


def test_the_baseline_stays_even_where_it_is_late() -> None:
    """The two years were over before the baseline: no visit counts, the baseline scan is still there."""
    rule = ResponseRule("dcr", Scope.OVERALL, OBJECTIVE, "", within_months=24)
    seen: list[int] = []

    def kept(points: object) -> BestResponse:
        seen.extend((point.date - BASELINE).days for point in points)  # type: ignore[attr-defined]  # time points
        return BestResponse(Category.NE, None)

    visit_response(rule, treated(0), day(-2000), window_d=None, best=kept)
    assert seen == [0]


def test_the_best_response_of_nobody_s_scans() -> None:
    rule = ResponseRule("dcr", Scope.OVERALL, OBJECTIVE, "", within_months=24)
    found = visit_response(
        rule,
        PatientData(Course(), (), 2),
        None,
        window_d=None,
        best=lambda _: BestResponse(Category.NE, None),
    )
    assert (found.category, found.counts) == ("NE", False)


def remarks(patient: PatientData, *rules: ResponseRule, window: int = 14) -> list[str]:
    answers = [visit_response(rule, patient, BASELINE, window_d=window, best=best) for rule in rules]
    return list(visit_remarks(rules, answers, patient))


ANY_ARM = replace(THIRD, before_second_treatment=False)


def test_a_response_after_progression_names_the_first_one() -> None:
    late = data(TREATED, [(40, "PD", "SD"), (60, "PD", "PD"), (95, "PR", "SD"), (180, "SD", "PR")])
    assert remarks(late, ANY_ARM, SIXTH) == [
        f"{visit} is PR, after progression on {day(first)}. It counts, as the status at the visit; "
        "have it looked at."
        for visit, first in ((f"m3: the status on {day(95)}", 40), (f"m6: the status on {day(180)}", 60))
    ]


def test_what_needs_no_remark() -> None:
    """No response, progression after the visit, none at all, and visits that nobody came to."""
    assert remarks(data(TREATED, [(40, "PD", "PD"), (95, "SD", "SD")]), ANY_ARM) == []
    assert remarks(data(TREATED, [(95, "PR", "PR"), (120, "PD", "PD")]), ANY_ARM) == []
    assert remarks(data(TREATED, [(95, "PR", "PR")]), ANY_ARM) == []
    assert remarks(data(TREATED, [(20, "PR", "PR")]), ANY_ARM, SIXTH) == []
    assert remarks(data(TREATED, [(95, "PR", "PR"), (180, "PR", "PR")]), ANY_ARM, SIXTH) == []


def test_a_scan_that_serves_three_visits() -> None:
    """Day 137 lies 46 days from month 3, 15 from month 5 and 45 from month 6."""
    fifth = replace(SIXTH, id="m5", at_month=5)
    assert remarks(data(TREATED, [(137, "SD", "SD")]), ANY_ARM, fifth, SIXTH, window=46) == [
        f"m3 and {name} are read from the same scan of {day(137)}; declare a shorter visit window."
        for name in ("m5", "m6")
    ]
