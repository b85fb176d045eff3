"""Worked numbers on response, rates, survival, the QLQ-C30 and toxicity, each by the public way to it.

Sums and categories: RECIST 1.1 (Eisenhauer 2009) with the EORTC's answers, mRECIST, EASL, PERCIST. Survival:
the tables of pointwise log-log intervals. QLQ-C30: the scoring manual with its half rule.
"""

from datetime import date, timedelta
from typing import Any

import pytest

import emboplan as ep
from emboplan.catalog import load
from emboplan.model.response import Course, ResponseOptions
from emboplan.model.results.response import Category
from emboplan.response.percist import metabolic_response
from emboplan.response.qlq_c30 import QlqScores, qlq_scores, questionnaire
from emboplan.response.rates import WILSON, disease_control_rate, rate, response_rate
from emboplan.response.survival import kaplan_meier
from emboplan.workflow.responding.respond import respond_cohort

START = date(2024, 1, 1)
ENTRIES = load().room("response")


def read(on: int, lesion: str, mm: object = None, organ: str = "liver", **more: Any) -> dict[str, Any]:
    key = "short_axis_mm" if organ == "node" else "longest_mm"
    row = {"date": START + timedelta(days=on), "lesion": lesion, "organ": organ, "role": "target", key: mm}
    return row | more


def targets(baseline: str, nadir: str, now: str) -> str | None:
    """The target response at the last visit of one lesion, measured at baseline, nadir and now."""
    rows = [read(0, "L", baseline), read(60, "L", nadir), read(120, "L", now)]
    return ep.respond(rows).time_points[-1].overall_point.target


@pytest.mark.parametrize(
    ("baseline", "nadir", "now", "expected"),
    [
        ("100", "100", "70", "PR"),
        ("100", "100", "70.1", "SD"),
        ("43", "43", "30.1", "PR"),
        ("90", "90", "63", "PR"),
        ("100", "40", "60", "PD"),
        ("50", "20", "24.9", "PR"),
        ("22", "20", "24.9", "SD"),
        ("22", "20", "25", "PD"),
        ("60", "50", "60", "PD"),
        ("60", "50", "59.9", "SD"),
    ],
)
def test_recist_target_response(baseline: str, nadir: str, now: str, expected: str) -> None:
    assert targets(baseline, nadir, now) == expected


def test_a_complete_response_with_a_sum_of_nine() -> None:
    rows = [read(0, "L", 18), read(0, "N", 16, "node"), read(60, "L", 0), read(60, "N", 9, "node")]
    point = ep.respond(rows).time_points[-1].to_json()
    assert (point["target"], point["sum_mm"]) == ("CR", 9)


def test_the_strict_and_the_carried_reading_of_the_faq() -> None:
    rows = [read(60 * visit, "L", mm) for visit, mm in enumerate((100, 70, 70, 80, 80))]
    strict = ep.respond(rows)
    carried = ep.respond(rows, options=ResponseOptions(carry_pr=True))
    assert [p.overall_point.overall for p in strict.time_points[1:]] == ["PR", "PR", "SD", "SD"]
    assert [p.overall_point.overall for p in carried.time_points[1:]] == ["PR", "PR", "PR", "PR"]
    assert strict.best_overall == carried.best_overall == "PR"


def test_hepatic_response_and_overall_progression() -> None:
    """Liver 40 + 30 to 26 + 20 is -34.3 %; a lung nodule is new."""
    rows = [read(0, "A", 40), read(0, "B", 30), read(60, "A", 26), read(60, "B", 20)]
    rows.append(read(60, "X", 8, "lung") | {"role": "new"})
    point = ep.respond(rows).time_points[-1].to_json()
    assert (point["hepatic"], point["overall"], point["hepatic_sum_mm"]) == ("PR", "PD", 46)


def viable(on: int, lesion: str, whole: int, longest: int, across: int) -> dict[str, Any]:
    return read(on, lesion, whole) | {"viable_longest_mm": longest, "viable_perpendicular_mm": across}


ENHANCING = [
    viable(0, "A", 52, 50, 40),
    viable(0, "B", 31, 30, 20),
    viable(60, "A", 50, 28, 20),
    viable(60, "B", 30, 22, 10),
]


def test_three_criteria_side_by_side() -> None:
    """80 to 50 mm viable, 2600 to 780 mm² viable, 83 to 80 mm whole."""
    points = {name: ep.respond(ENHANCING, criteria=name) for name in ("recist", "mrecist", "easl")}
    assert {n: p.time_points[-1].overall_point.overall for n, p in points.items()} == {
        "recist": "SD",
        "mrecist": "PR",
        "easl": "PR",
    }
    easl = points["easl"].time_points[-1].to_json()
    assert (easl["sum_mm2"], easl["nadir_mm2"]) == (780, 2600)
    mrecist = points["mrecist"].time_points[-1].to_json()
    assert (mrecist["sum_mm"], mrecist["nadir_mm"]) == (50, 80)
    assert points["recist"].beside["mrecist"]["overall"] == [None, "PR"]
    assert points["recist"].beside["easl"]["overall"] == [None, "PR"]


def test_easl_growth_of_exactly_a_quarter() -> None:
    rows = [viable(0, "A", 60, 50, 40), viable(60, "A", 60, 50, 50)]
    assert ep.respond(rows, criteria="easl").time_points[-1].overall_point.overall == "SD"


@pytest.mark.parametrize(("before", "after", "expected"), [("3.0", "2.0", "PMR"), ("2.0", "1.3", "SMD")])
def test_percist(before: str, after: str, expected: str) -> None:
    assert metabolic_response(before, after, ENTRIES) == expected


BEST = [Category(word) for word in ["CR"] * 2 + ["PR"] * 10 + ["SD"] * 6 + ["PD", "NE"]]


def test_rates_of_twenty_patients() -> None:
    objective = response_rate(BEST, confidence_frac=0.95)
    control = disease_control_rate(BEST, confidence_frac=0.95)
    assert (objective.count, objective.patients, objective.share_frac) == (12, 20, 0.6)
    assert [round(100 * bound, 1) for bound in objective.interval] == [36.1, 80.9]
    assert control.share_frac == 0.9
    assert [round(100 * bound, 1) for bound in control.interval] == [68.3, 98.8]
    evaluable = disease_control_rate(BEST, confidence_frac=0.95, evaluable=True)
    assert (evaluable.count, evaluable.patients, round(100 * evaluable.share_frac, 1)) == (18, 19, 94.7)
    wilson = rate(12, 20, confidence_frac=0.95, method=WILSON).interval
    assert [round(100 * bound, 1) for bound in wilson] == [38.7, 78.1]


def day(number: int) -> date:
    return START + timedelta(days=number)


FIRST = [
    *[read(on, "L", 40) for on in (0, 60, 120, 210)],
    read(120, "X", None, "lung") | {"role": "new"},
    read(210, "Y", None) | {"role": "new"},
]
SECOND = [*[read(on, "L", 40) for on in (0, 60, 120, 280)], read(120, "X", None, "lung") | {"role": "new"}]


@pytest.mark.parametrize(
    ("rows", "death", "expected"),
    [
        (FIRST, 400, {"pfs": (120, True), "hpfs": (210, True), "thp": (210, True), "os": (400, True)}),
        (SECOND, 300, {"pfs": (120, True), "hpfs": (300, True), "thp": (280, False), "os": (300, True)}),
    ],
)
def test_times_of_two_patients(
    rows: list[dict[str, Any]], death: int, expected: dict[str, tuple[int, bool]]
) -> None:
    course = Course(first_treatment_date=START, death_date=day(death))
    found = ep.respond(rows, course).endpoints
    assert {name: (e.result.time_days, e.result.event) for name, e in found.items()} == expected


def test_kaplan_meier_of_eight_subjects() -> None:
    times = [3, 5, 6, 7, 8, 10, 12, 12]
    events = [True, False, True, True, False, True, True, False]
    curve = kaplan_meier(times, events, confidence_frac=0.95)
    printed = [
        (3, 8, 1, 0.87500, 0.11693, 0.3870, 0.9814),
        (6, 6, 1, 0.72917, 0.16498, 0.2764, 0.9254),
        (7, 5, 1, 0.58333, 0.18556, 0.1802, 0.8441),
        (10, 3, 1, 0.38889, 0.20127, 0.0630, 0.7242),
        (12, 2, 1, 0.19444, 0.17039, 0.0093, 0.5634),
    ]
    assert len(curve.steps) == len(printed)
    for step, row in zip(curve.steps, printed, strict=True):
        assert (step.time, step.at_risk, step.events) == row[:3]
        assert step.survival_frac == pytest.approx(row[3], abs=5e-6)
        assert step.standard_error == pytest.approx(row[4], abs=5e-6)
        assert step.interval == pytest.approx(row[5:], abs=5e-5)
    assert curve.median == 10


def test_kaplan_meier_with_a_tie() -> None:
    times = [4.2, 6.0, 9.1, 9.1, 12.5, 14.0]
    curve = kaplan_meier(times, [True, False, True, True, False, True], confidence_frac=0.95)
    assert [round(step.survival_frac, 4) for step in curve.steps] == [0.8333, 0.4167, 0]
    assert curve.median == 9.1
    assert curve.steps[1].standard_error == pytest.approx(0.22179, abs=5e-6)


FORM = questionnaire(ENTRIES)
FILLED = dict(
    zip(
        range(1, 31),
        [
            2,
            1,
            1,
            None,
            1,
            2,
            1,
            1,
            2,
            3,
            2,
            2,
            2,
            1,
            2,
            1,
            3,
            None,
            1,
            1,
            2,
            3,
            None,
            None,
            1,
            2,
            2,
            1,
            5,
            4,
        ],
        strict=True,
    )
)


def score(*removed: int) -> QlqScores:
    return qlq_scores({item: None if item in removed else a for item, a in FILLED.items()}, FORM)


def test_a_filled_form() -> None:
    names = ["QL2", "PF2", "RF2", "EF", "CF", "SF", "FA", "NV", "PA", "DY", "SL", "AP", "CO", "DI", "FI"]
    values = [58.333, 91.667, 83.333, 50, 100, 66.667, 50, 16.667, 16.667, 0, 33.333, 33.333, 0, 66.667, 0]
    printed = dict(zip(names, values, strict=True))
    assert score().scales == pytest.approx(printed, abs=5e-4)
    assert score().summary == pytest.approx(75.0)


def test_the_form_with_answers_taken_out() -> None:
    assert (score(3, 5).scales["PF2"], score(3, 5).summary) == (None, None)
    assert score(22).scales["EF"] is None
    assert score(10).scales["FA"] is None
    assert score(7).scales["RF2"] == pytest.approx(66.667, abs=5e-4)


def adverse(patient: str, term: str, on: int, grade: int | None) -> dict[str, Any]:
    return {"patient": patient, "term": term, "date": day(on), "grade": grade}


def test_worst_grades_of_four_patients() -> None:
    """The abscess of day 200 lies after the 183 days of the Italian trial."""
    events = [
        adverse("P1", "nausea", 3, 1),
        adverse("P1", "nausea", 9, 2),
        adverse("P1", "ALT increased", 20, 3),
        adverse("P3", "pain", 10, 2),
        adverse("P3", "abscess", 200, 4),
        adverse("P4", "fatigue", 30, None),
        adverse("P4", "fever", 31, 1),
    ]
    patients = ["P1", "P2", "P3", "P4"]
    rows = [read(on, "L", 40, patient=patient) for patient in patients for on in (0, 60)]
    found = respond_cohort(
        rows,
        {patient: Course(first_treatment_date=START) for patient in patients},
        ResponseOptions(protocol="tae-italy"),
        adverse_events=events,
    ).toxicity
    assert found is not None
    assert {patient: str(grade) for patient, grade in found.worst.items()} == {
        "P1": "3",
        "P2": "0",
        "P3": "2",
        "P4": "≥1, incomplete",
    }
    table = {row.name: row for row in found.table}
    overall = table["any adverse event"]
    assert (overall.counts, overall.unknown) == ((1, 0, 1, 1, 0, 0), 1)
    assert (overall.severe.count, overall.severe.patients, overall.severe.share_frac) == (1, 4, 0.25)
    assert table["nausea"].counts == (3, 0, 1, 0, 0, 0)
    assert "abscess" not in table


def test_a_filled_form_by_the_verb() -> None:
    form = {"date": START, **{f"q{item}": answer for item, answer in FILLED.items()}}
    quality = ep.respond([read(0, "L", 40)], questionnaires=[form]).quality_of_life
    assert quality is not None
    assert quality.visits[0].scales == score().scales
    assert quality.visits[0].summary == pytest.approx(75.0)


def test_who_takes_the_products_of_whole_lesions() -> None:
    """40 x 30 + 20 x 10 = 1400 mm²; 700 mm² is exactly half, 1750 mm² exactly a quarter more."""

    def last(*sizes: tuple[object, object]) -> str | None:
        rows = [read(0, "A", 40, short_axis_mm=30), read(0, "B", 20, short_axis_mm=10)]
        rows += [
            read(60, name, long, short_axis_mm=short) for name, (long, short) in zip("AB", sizes, strict=True)
        ]
        return ep.respond(rows, criteria="who").time_points[-1].overall_point.target

    assert last((30, 20), (10, 10)) == "PR"
    assert last((30, 20), ("10.1", 10)) == "SD"
    assert last((50, 30), (25, 10)) == "SD"
    assert last((50, 30), (25, "10.1")) == "PD"
    assert last((0, 0), (0, None)) == "CR"
