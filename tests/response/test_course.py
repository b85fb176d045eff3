"""The dates of a course: what they may be, and what they may not say together."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.response.rows import day, row

from emboplan.model.response import Course
from emboplan.response.course import check_course, course_from_table
from emboplan.response.reads import Problems, reads_from_rows

READS = reads_from_rows([row(0, "A", mm=20), row(60, "A", mm=20)])


def parsed(table: dict[str, Any], as_of: date | None = None) -> tuple[Course, list[str]]:
    problems = Problems()
    course = course_from_table(table, "course", problems)
    check_course(course, READS, "course", problems, as_of=as_of)
    return course, problems.lines


def test_everything_that_a_course_can_state() -> None:
    course, lines = parsed(
        {
            "first_treatment_date": "2024-01-05",
            "treatment_dates": "2024-02-09; 2024-01-05",
            "death_date": None,
            "last_alive_date": "",
            "assessment_interval_days": "90",
            "symptom_baseline_severity": 3,
            "symptoms": [
                {"date": "2024-03-01", "severity": "2"},
                {"date": "2024-02-01", "severity": Decimal("1.5")},
            ],
        }
    )
    assert lines == []
    assert course.first_treatment_date == date(2024, 1, 5)
    assert course.treatment_dates == (date(2024, 1, 5), date(2024, 2, 9))
    assert (course.death_date, course.assessment_interval_days) == (None, 90)
    assert course.symptom_baseline_severity == 3
    assert [(r.date.month, r.severity) for r in course.symptoms] == [(2, Decimal("1.5")), (3, Decimal(2))]


def test_the_first_treatment_is_the_first_of_the_treatments() -> None:
    course, _ = parsed({"treatment_dates": ["2024-02-09", "2024-01-05"]})
    assert course.first_treatment_date == date(2024, 1, 5)


@pytest.mark.parametrize(
    ("table", "lines"),
    [
        ({"death": "2024-05-01"}, ['course: death: unknown; did you mean "death_date"?']),
        ({"death_date": "soon"}, ['course: death_date: found "soon", expected a date as YYYY-MM-DD']),
        (
            {"death_date": "2024-02-01"},
            ["course: death_date: found 2024-02-01, but a scan is dated 2024-03-01"],
        ),
        (
            {"death_date": "2024-05-01", "last_alive_date": "2024-05-02"},
            ["course: last_alive_date: found 2024-05-02, which is after death_date 2024-05-01"],
        ),
        (
            {"death_date": "2024-05-01", "treatment_dates": ["2024-06-01"]},
            [
                "course: first_treatment_date: found 2024-06-01, which is after death_date 2024-05-01",
                "course: treatment_dates: found 2024-06-01, which is after death_date 2024-05-01",
            ],
        ),
        (
            {"first_treatment_date": "2024-01-05", "treatment_dates": ["2024-01-04"]},
            ["course: treatment_dates: found 2024-01-04, which is before first_treatment_date 2024-01-05"],
        ),
        ({"treatment_dates": 5}, ["course: treatment_dates: found 5, expected a list of dates"]),
        ({"treatment_dates": ["x"]}, ['course: treatment_dates: found "x", expected a date as YYYY-MM-DD']),
        ({"symptoms": "bad"}, ['course: symptoms: found "bad", expected a list of date and severity']),
        ({"symptoms": [{"date": "2024-01-01"}]}, ["course: symptoms[1]: expected date and severity"]),
        (
            {"symptoms": [{"date": "2024-01-01", "severity": "high"}]},
            ['course: symptoms[1]: severity: found "high", expected a number in steps, or an empty cell'],
        ),
        (
            {"assessment_interval_days": 0},
            ["course: assessment_interval_days: found 0, expected a whole number of days"],
        ),
        (
            {"assessment_interval_days": "1.5"},
            ["course: assessment_interval_days: found 1.5, expected a whole number of days"],
        ),
        (
            {"assessment_interval_days": "often"},
            ['course: assessment_interval_days: found "often", expected a number in days, or an empty cell'],
        ),
        (
            {"first_treatment_date": "2024-01-05", "symptom_relief_date": "2024-01-04"},
            [
                (
                    "course: symptom_relief_date: found 2024-01-04, which is before first_treatment_date "
                    "2024-01-05; relief follows treatment"
                )
            ],
        ),
        (
            {
                "randomisation_date": "2024-01-05",
                "first_tare_date": "2024-02-05",
                "new_therapy_date": "2024-01-04",
            },
            [
                (
                    "course: new_therapy_date: found 2024-01-04, which is before randomisation_date "
                    "2024-01-05; leave out what was given earlier"
                )
            ],
        ),
    ],
)
def test_one_line_for_each_mistake(table: dict[str, Any], lines: list[str]) -> None:
    assert parsed(table)[1] == lines


@pytest.mark.parametrize(
    "table",
    [
        {"symptom_relief_date": "2024-01-04"},
        {"first_treatment_date": "2024-01-05", "symptom_relief_date": "2024-01-05"},
        {"first_treatment_date": "2024-01-05", "symptom_relief_date": "2024-03-05"},
        {"new_therapy_date": "2024-01-04"},
        {"cycle_1_day_1_date": "2024-01-05", "new_therapy_date": "2024-01-05"},
        {
            "randomisation_date": "2024-01-05",
            "first_treatment_date": "2024-02-05",
            "new_therapy_date": "2024-01-20",
        },
    ],
)
def test_what_may_stand_beside_the_start(table: dict[str, Any]) -> None:
    """On its very day, after the first of several starts, or where no start is stated."""
    assert parsed(table)[1] == []


def test_a_visit_every_day_is_a_whole_number_of_days() -> None:
    assert parsed({"assessment_interval_days": 1})[0].assessment_interval_days == 1


def test_a_symptom_without_its_day_is_left_out() -> None:
    rows = [{"date": "x", "severity": 1}, {"date": "2024-02-01", "severity": 2}]
    course, lines = parsed({"symptoms": rows})
    assert [record.severity for record in course.symptoms] == [2]
    assert lines == ['course: symptoms[1]: date: found "x", expected a date as YYYY-MM-DD']


def test_what_may_lie_after_death() -> None:
    table = {"death_date": "2024-05-01", "end_of_trial_date": "2026-01-01", "data_cutoff_date": "2025-01-01"}
    assert parsed(table)[1] == []
    assert parsed({"death_date": day(60).isoformat()})[1] == []


def test_dates_after_that_of_the_data() -> None:
    table = {"last_alive_date": "2024-06-01", "end_of_trial_date": "2026-01-01"}
    assert parsed(table, as_of=date(2024, 6, 1))[1] == []
    assert parsed(table, as_of=date(2024, 5, 31))[1] == [
        "course: last_alive_date: found 2024-06-01, which is after 2024-05-31, the day of the data"
    ]


def test_scans_after_death_come_in_their_order() -> None:
    _, lines = parsed({"death_date": "2023-12-01"})
    assert [line.rpartition(" ")[2] for line in lines] == ["2024-01-01", "2024-03-01"]


def test_treatments_without_a_first_one_are_not_compared() -> None:
    problems = Problems()
    check_course(Course(treatment_dates=(day(5),)), READS, "course", problems, as_of=None)
    assert problems.lines == []


def test_treatments_as_days_and_one_that_is_none() -> None:
    course, lines = parsed({"treatment_dates": [date(2024, 2, 9), date(2024, 1, 5)]})
    assert (course.treatment_dates, lines) == ((date(2024, 1, 5), date(2024, 2, 9)), [])
    course, lines = parsed({"treatment_dates": "2024-01-05; soon"})
    assert (course.treatment_dates, len(lines)) == ((date(2024, 1, 5),), 1)


@pytest.mark.parametrize("symptoms", [3, [3], ["x"]])
def test_symptoms_that_are_no_list_of_records(symptoms: object) -> None:
    _, (line,) = parsed({"symptoms": symptoms})
    assert "expected" in line


def test_a_wrong_record_hides_no_later_one() -> None:
    good = {"date": "2024-02-01", "severity": 2}
    course, lines = parsed({"symptoms": [3, good, {**good, "severity": "bad"}, {**good, "date": "soon"}]})
    assert [(record.date, record.severity) for record in course.symptoms] == [(date(2024, 2, 1), Decimal(2))]
    assert [line.split(":")[1] for line in lines] == [" symptoms[1]", " symptoms[3]", " symptoms[4]"]
