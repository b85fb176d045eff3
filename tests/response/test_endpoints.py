"""Times to an event: the worked patients, censoring, bounds, missed visits, symptoms."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from tests.response.rows import BASELINE, day

from emboplan.model.response import Course, SymptomRecord
from emboplan.model.results.response import Category, ScopePoint, TimePointResponse, TimeToEvent
from emboplan.response.calendar import months_later
from emboplan.response.endpoint_sets import CensorAt, Event, TimeRule
from emboplan.response.endpoints import PatientData, time_to_event

TREATED = Course(first_treatment_date=BASELINE)
START = ("first_treatment_date",)
PFS = TimeRule(START, (Event.PROGRESSION, Event.DEATH), CensorAt.LAST_ASSESSMENT)
LITERAL = replace(PFS, events=(Event.PROGRESSION,))
HPFS = TimeRule(START, (Event.HEPATIC_PROGRESSION, Event.DEATH), CensorAt.LAST_LIVER_IMAGING)
THP = replace(HPFS, events=(Event.HEPATIC_PROGRESSION,))
OS = TimeRule(START, (Event.DEATH,), CensorAt.LAST_ALIVE)
SYMPTOMS = TimeRule(("symptom_relief_date",), (Event.SYMPTOM_RETURN,), CensorAt.LAST_SYMPTOM_RECORD)


def scoped(number: int, category: str | None, *, seen: int | None = None) -> ScopePoint:
    """A judged time point; progression is dated on the day it was seen."""
    found = None if category is None else Category(category)
    when = day(number if seen is None else seen) if found is Category.PD else None
    return ScopePoint(day(number), None, None, None, None, False, found, progression_date=when)


def data(
    course: Course = TREATED, visits: Sequence[tuple[int, str, str | None]] = (), missed_from: int = 2
) -> PatientData:
    """A patient with the baseline on day 0 and these visits: day, overall, hepatic."""
    first = TimePointResponse("0", BASELINE, "mm", scoped(0, None), scoped(0, None))
    points = [first]
    points += [TimePointResponse(str(n), day(n), "mm", scoped(n, o), scoped(n, h)) for n, o, h in visits]
    return PatientData(course, tuple(points), missed_from)


def short(found: TimeToEvent) -> tuple[int | None, bool | None, str | None]:
    return found.time_days, found.event, found.event_kind or found.censor_reason


ONE = data(
    replace(TREATED, death_date=day(400)),
    [(60, "SD", "SD"), (120, "PD", "SD"), (210, "PD", "PD")],
)
TWO = data(
    replace(TREATED, death_date=day(300)),
    [(60, "SD", "SD"), (120, "PD", "SD"), (280, "PD", "SD")],
)


@pytest.mark.parametrize(
    ("rule", "patient", "expected"),
    [
        (PFS, ONE, (120, True, "progression")),
        (LITERAL, ONE, (120, True, "progression")),
        (HPFS, ONE, (210, True, "hepatic-progression")),
        (THP, ONE, (210, True, "hepatic-progression")),
        (OS, ONE, (400, True, "death")),
        (PFS, TWO, (120, True, "progression")),
        (HPFS, TWO, (300, True, "death")),
        (THP, TWO, (280, False, "last liver imaging")),
        (OS, TWO, (300, True, "death")),
    ],
)
def test_the_worked_patients(rule: TimeRule, patient: PatientData, expected: tuple[int, bool, str]) -> None:
    assert short(time_to_event(rule, patient)) == expected


def test_death_as_a_competing_event() -> None:
    found = time_to_event(replace(THP, competing=(Event.DEATH,)), TWO)
    assert (found.time_days, found.event, found.competing, found.event_kind) == (300, False, True, "death")
    other = time_to_event(replace(THP, competing=(Event.DEATH,)), ONE)
    assert (other.time_days, other.event, other.competing) == (210, True, False)


def test_the_literal_definition_does_not_name_death() -> None:
    course = replace(TREATED, death_date=day(200))
    patient = data(course, [(60, "SD", "SD"), (120, "SD", "SD")])
    assert short(time_to_event(LITERAL, patient)) == (120, False, "last adequate assessment")
    assert short(time_to_event(PFS, patient)) == (200, True, "death")


def test_a_visit_that_could_not_be_judged_is_no_adequate_one() -> None:
    patient = data(visits=[(60, "SD", "SD"), (120, "NE", "SD"), (180, "NE", "NE")])
    assert short(time_to_event(PFS, patient)) == (60, False, "last adequate assessment")
    assert short(time_to_event(HPFS, patient)) == (120, False, "last liver imaging")
    assert short(time_to_event(OS, patient)) == (180, False, "last known alive")


@pytest.mark.parametrize("rule", [PFS, LITERAL, HPFS, THP])
def test_without_a_scan_after_the_start_the_time_is_one_day(rule: TimeRule) -> None:
    found = time_to_event(rule, data())
    assert short(found) == (1, False, "no assessment after the start; day 1")
    assert found.date == day(1)


def test_without_a_scan_death_still_counts() -> None:
    patient = data(replace(TREATED, death_date=day(30)))
    assert short(time_to_event(PFS, patient)) == (30, True, "death")
    assert short(time_to_event(THP, patient))[:2] == (1, False)


def test_nothing_known_after_the_start_for_survival() -> None:
    assert time_to_event(OS, data()).time_days == 1


@pytest.mark.parametrize(
    ("rule", "course", "expected"),
    [
        (OS, replace(TREATED, death_date=day(30)), (30, True, "death")),
        (OS, replace(TREATED, last_alive_date=day(200)), (200, False, "last known alive")),
        (OS, TREATED, (1, False, "no assessment after the start; day 1")),
        (OS, replace(TREATED, last_alive_date=day(9), data_cutoff_date=day(8)), (8, False, "data cut-off")),
        (PFS, replace(TREATED, death_date=day(30)), (30, True, "death")),
        (PFS, replace(TREATED, last_alive_date=day(200)), (1, False, "no assessment after the start; day 1")),
        (HPFS, replace(TREATED, death_date=day(30)), (30, True, "death")),
        (THP, replace(TREATED, death_date=day(30)), (1, False, "no assessment after the start; day 1")),
        (PFS, replace(TREATED, new_therapy_date=day(20), death_date=day(30)),
         (1, False, "new anticancer therapy; day 1")),
    ],
)  # fmt: skip
def test_a_patient_without_any_scan(rule: TimeRule, course: Course, expected: tuple[object, ...]) -> None:
    """Not even a baseline: the course alone says when the time starts and what ends it."""
    patient = PatientData(course, (), missed_from=2)
    assert patient.baseline_date is None
    assert short(time_to_event(rule, patient)) == expected


def test_without_a_scan_and_a_start_there_is_no_time() -> None:
    died = PatientData(Course(death_date=day(30)), (), missed_from=2)
    found = time_to_event(OS, died)
    assert (found.start, found.start_date, found.time_days, found.event) == ("baseline", None, None, None)
    assert found.missing == ("baseline",)


def test_an_event_on_the_day_of_the_start() -> None:
    patient = data(replace(TREATED, death_date=BASELINE))
    assert short(time_to_event(OS, patient)) == (0, True, "death")


def test_progression_goes_before_a_death_of_the_same_day() -> None:
    patient = data(replace(TREATED, death_date=day(60)), [(60, "PD", "PD")])
    assert time_to_event(PFS, patient).event_kind == "progression"
    assert time_to_event(HPFS, patient).event_kind == "hepatic-progression"


def test_an_event_before_the_start_leaves_no_time() -> None:
    course = Course(first_tare_date=day(100))
    found = time_to_event(replace(HPFS, start=("first_tare_date",)), data(course, [(60, "PD", "PD")]))
    assert (found.time_days, found.event, found.start) == (None, None, "first_tare")
    assert found.missing == (f"first_tare: hepatic-progression on {day(60)} lies before the start",)


def test_the_first_known_start_is_taken_else_the_baseline() -> None:
    both = Course(randomisation_date=day(-10), first_treatment_date=day(-3))
    rule = replace(PFS, start=("randomisation_date", "first_treatment_date"))
    visits = [(60, "PD", "PD")]
    assert time_to_event(rule, data(both, visits)).time_days == 70
    assert time_to_event(rule, data(replace(both, randomisation_date=None), visits)).time_days == 63
    found = time_to_event(rule, data(Course(), visits))
    assert (found.start, found.start_date, found.time_days) == ("baseline", BASELINE, 60)


THERAPY = "new anticancer therapy"


@pytest.mark.parametrize(
    ("therapy", "expected"),
    [
        (200, (180, False, f"{THERAPY}; last liver imaging before it")),
        (180, (180, False, f"{THERAPY}; last liver imaging before it")),
        (179, (120, False, f"{THERAPY}; last liver imaging before it")),
        (240, (240, True, "hepatic-progression")),
        (239, (180, False, f"{THERAPY}; last liver imaging before it")),
        (20, (1, False, f"{THERAPY}; day 1")),
    ],
)
def test_new_therapy_ends_the_time_at_the_last_look_before_it(
    therapy: int, expected: tuple[int, bool, str]
) -> None:
    course = replace(TREATED, new_therapy_date=day(therapy), death_date=day(400))
    visits = [(60, "SD", "SD"), (120, "SD", "SD"), (180, "SD", "SD"), (240, "PD", "PD")]
    assert short(time_to_event(HPFS, data(course, visits))) == expected


def test_new_therapy_as_the_last_that_is_known() -> None:
    course = replace(TREATED, new_therapy_date=day(200))
    found = time_to_event(HPFS, data(course, [(60, "SD", "SD")]))
    assert short(found) == (60, False, f"{THERAPY}; last liver imaging before it")


def test_the_earliest_of_several_bounds() -> None:
    course = replace(TREATED, end_of_trial_date=day(300), data_cutoff_date=day(200), death_date=day(400))
    assert short(time_to_event(OS, data(course))) == (200, False, "data cut-off")
    turned = replace(course, end_of_trial_date=day(200), data_cutoff_date=day(300))
    assert short(time_to_event(OS, data(turned))) == (200, False, "end of trial")


def test_a_scan_on_or_before_the_start_is_none_after_it() -> None:
    late = replace(TREATED, first_treatment_date=day(60))
    assert short(time_to_event(PFS, data(late, [(30, "SD", "SD"), (60, "SD", "SD")])))[:2] == (1, False)
    assert short(time_to_event(PFS, data(late, [(60, "SD", "SD"), (61, "SD", "SD")])))[:2] == (1, False)
    assert short(time_to_event(PFS, data(late, [(60, "SD", "SD"), (62, "SD", "SD")])))[:2] == (2, False)


def test_new_therapy_as_an_event_and_for_survival() -> None:
    course = replace(TREATED, new_therapy_date=day(100), death_date=day(400))
    patient = data(course, [(60, "SD", "SD"), (120, "PD", "PD")])
    counts = replace(HPFS, events=(*HPFS.events, Event.NEW_THERAPY))
    assert short(time_to_event(counts, patient)) == (100, True, "new-therapy")
    assert short(time_to_event(OS, patient)) == (400, True, "death")


LIMITED = replace(OS, censor_at_months=30)
END = months_later(BASELINE, 30)


@pytest.mark.parametrize(
    ("death", "alive", "expected"),
    [
        (END, None, ((END - BASELINE).days, True, "death")),
        (date(2026, 7, 2), None, ((END - BASELINE).days, False, "30 months after the start")),
        (None, date(2027, 1, 1), ((END - BASELINE).days, False, "30 months after the start")),
        (None, date(2025, 1, 1), (366, False, "last known alive")),
        (None, END, ((END - BASELINE).days, False, "last known alive")),
    ],
)
def test_survival_of_30_months_at_most(
    death: date | None, alive: date | None, expected: tuple[int, bool, str]
) -> None:
    assert date(2026, 7, 1) == END
    patient = data(replace(TREATED, death_date=death, last_alive_date=alive))
    assert short(time_to_event(LIMITED, patient)) == expected


def test_progression_after_the_limit_is_censored_at_the_last_scan_before_it() -> None:
    patient = data(visits=[(60, "SD", "SD"), (900, "SD", "SD"), (950, "PD", "PD")])
    rule = replace(LITERAL, censor_at_months=30)
    assert short(time_to_event(rule, patient)) == (
        900,
        False,
        "30 months after the start; last adequate assessment before it",
    )


@pytest.mark.parametrize(
    ("name", "reason"), [("end_of_trial_date", "end of trial"), ("data_cutoff_date", "data cut-off")]
)
def test_the_end_of_the_trial_and_of_the_data(name: str, reason: str) -> None:
    course = replace(TREATED, death_date=day(500), **{name: day(200)})  # type: ignore[arg-type]  # a date
    patient = data(course, [(60, "SD", "SD"), (240, "PD", "PD")])
    assert short(time_to_event(OS, patient)) == (200, False, reason)
    assert short(time_to_event(PFS, patient)) == (60, False, f"{reason}; last adequate assessment before it")
    early = replace(course, death_date=day(200))
    assert short(time_to_event(OS, data(early))) == (200, True, "death")


def test_a_bound_that_was_not_reached_is_not_named() -> None:
    patient = data(replace(TREATED, end_of_trial_date=day(900)), [(60, "SD", "SD")])
    assert short(time_to_event(PFS, patient)) == (60, False, "last adequate assessment")
    assert short(time_to_event(OS, patient)) == (60, False, "last known alive")


@pytest.mark.parametrize(("died", "missed"), [(180, 1), (240, 1), (241, 2), (330, 2)])
def test_visits_missed_before_an_event(died: int, missed: int) -> None:
    """Visits every 90 days, the last one on day 60: due on 150, 240, 330."""
    course = replace(TREATED, death_date=day(died), assessment_interval_days=90)
    patient = data(course, [(60, "SD", "SD")])
    rule = replace(PFS, censor_missed=True)
    expected = (
        (died, True, "death")
        if missed < 2
        else (60, False, "assessments were missed before the event; last adequate assessment before it")
    )
    assert short(time_to_event(rule, patient)) == expected
    assert short(time_to_event(PFS, patient)) == (died, True, "death")


def test_the_scan_that_shows_progression_is_no_look_before_it() -> None:
    course = replace(TREATED, assessment_interval_days=60)
    patient = data(course, [(60, "SD", "SD"), (240, "PD", "PD")])
    found = time_to_event(replace(PFS, censor_missed=True), patient)
    assert short(found)[:2] == (60, False)
    regular = data(course, [(60, "SD", "SD"), (120, "SD", "SD"), (240, "PD", "PD")])
    assert short(time_to_event(replace(PFS, censor_missed=True), regular)) == (240, True, "progression")
    never = data(replace(TREATED, assessment_interval_days=60), [(240, "PD", "PD")])
    assert short(time_to_event(replace(PFS, censor_missed=True), never))[:2] == (1, False)


def test_without_an_interval_nothing_is_missed() -> None:
    patient = data(visits=[(900, "PD", "PD")])
    assert time_to_event(replace(PFS, censor_missed=True), patient).event is True


def test_the_last_day_known_alive() -> None:
    """The latest of all that is dated."""
    base = [(60, "SD", "SD")]
    assert data(TREATED, base).last_alive(BASELINE) == day(60)
    for name in ("last_alive_date", "new_therapy_date", "first_tare_date", "randomisation_date"):
        course = replace(TREATED, **{name: day(99)})  # type: ignore[arg-type]  # a date
        assert data(course, base).last_alive(BASELINE) == day(99)
    assert data(replace(TREATED, treatment_dates=(day(98),)), base).last_alive(BASELINE) == day(98)
    assert data(replace(TREATED, cycle_1_day_1_date=day(97)), base).last_alive(BASELINE) == day(97)
    assert data(replace(TREATED, first_treatment_date=day(96)), base).last_alive(BASELINE) == day(96)
    record = SymptomRecord(day(95), Decimal(1))
    assert data(replace(TREATED, symptoms=(record,)), base).last_alive(BASELINE) == day(95)
    assert data(TREATED, base).last_alive(day(61)) == day(61)
    assert PatientData(Course(), (), 2).last_alive(day(3)) == day(3)


def symptoms(*records: tuple[int, int], relief: int | None = None, before: int | None = 3) -> PatientData:
    return data(
        replace(
            TREATED,
            symptom_baseline_severity=None if before is None else Decimal(before),
            symptom_relief_date=None if relief is None else day(relief),
            symptoms=tuple(SymptomRecord(day(number), Decimal(severity)) for number, severity in records),
        )
    )


@pytest.mark.parametrize(
    ("patient", "expected"),
    [
        (symptoms((10, 3), (40, 1), (70, 2), (100, 3)), (60, True, "symptom-return")),
        (symptoms((100, 4), (40, 1)), (60, True, "symptom-return")),
        (symptoms((40, 1), (70, 2)), (30, False, "last symptom record")),
        (symptoms((40, 1)), (1, False, "no symptom record after relief; day 1")),
        (symptoms((40, 1), (50, 2), (70, 2)), (30, False, "last symptom record")),
        (symptoms((70, 2), (40, 1), (50, 2)), (30, False, "last symptom record")),
        (symptoms((60, 1), (40, 1), (90, 3)), (50, True, "symptom-return")),
        (symptoms((130, 3), (40, 1), (90, 3)), (50, True, "symptom-return")),
        (symptoms((40, 1), (90, 3), relief=60), (30, True, "symptom-return")),
        (symptoms((40, 3), (90, 1), relief=40), (50, False, "last symptom record")),
    ],
)
def test_the_symptom_relief_interval(patient: PatientData, expected: tuple[int, bool, str]) -> None:
    assert short(time_to_event(SYMPTOMS, patient)) == expected


def test_relief_begins_with_the_treatment() -> None:
    """Records before treatment are no relief, that of its day is; without treatment the first one is."""
    mild = (
        SymptomRecord(day(-5), Decimal(1)),
        SymptomRecord(day(0), Decimal(2)),
        SymptomRecord(day(9), Decimal(3)),
    )
    course = Course(symptom_baseline_severity=Decimal(3), symptoms=mild)
    assert time_to_event(SYMPTOMS, data(course)).start_date == day(-5)
    treated = data(replace(course, first_treatment_date=day(0)))
    assert (time_to_event(SYMPTOMS, treated).start_date, short(time_to_event(SYMPTOMS, treated))[0]) == (
        day(0),
        9,
    )


def test_an_interval_without_relief_or_baseline() -> None:
    never = time_to_event(SYMPTOMS, symptoms((10, 3), (40, 3)))
    assert (never.event, never.missing) == (None, ("symptom_relief_date",))
    unknown = time_to_event(SYMPTOMS, symptoms((40, 1), before=None))
    assert unknown.missing == ("symptom_relief_date",)
    half = time_to_event(SYMPTOMS, symptoms((40, 1), before=None, relief=30))
    assert (half.start_date, half.missing) == (day(30), ("symptom_baseline_severity",))


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2023, 1, 31), 1, date(2023, 2, 28)),
        (date(2024, 8, 31), 30, date(2027, 2, 28)),
        (date(2024, 12, 15), 1, date(2025, 1, 15)),
        (date(2024, 11, 15), 1, date(2024, 12, 15)),
        (date(2024, 1, 1), 24, date(2026, 1, 1)),
        (date(2024, 1, 1), 0, date(2024, 1, 1)),
    ],
)
def test_calendar_months(start: date, months: int, expected: date) -> None:
    assert months_later(start, months) == expected


def test_a_baseline_scan_after_the_start_is_no_assessment() -> None:
    late = data(replace(TREATED, first_treatment_date=day(-10)))
    assert short(time_to_event(PFS, late)) == (1, False, "no assessment after the start; day 1")
