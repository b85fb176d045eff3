"""Courses in which a rule is easily got wrong; every answer is worked out by hand from the guideline."""

from decimal import Decimal
from typing import Any

import pytest
from tests.response.rows import course_of, day, limits, row

import emboplan as ep
from emboplan.errors import CaseFileError
from emboplan.model.response import Course, LesionRead, ResponseOptions, Role, State, SymptomRecord
from emboplan.response.overall import non_target_state

NODE = {"organ": "lymph node"}
WINDOW = ResponseOptions(visit_window_days=21)


def overall(*rows: list[dict[str, Any]] | dict[str, Any], **more: Any) -> list[str | None]:
    flat = [r for item in rows for r in (item if isinstance(item, list) else [item])]
    answer = ep.respond(flat, **more)
    return [point.overall_point.overall for point in answer.time_points[1:]]


def test_a_node_that_is_gone_still_contributes_its_axis() -> None:
    """20 -> 8 (said to be absent) -> 12 mm: 12 is 50 % more than 8, but only 4 mm: no progression."""
    rows = [
        row(0, "N", mm=20, **NODE),
        row(60, "N", mm=8, state="absent", **NODE),
        row(120, "N", mm=12, **NODE),
    ]
    answer = ep.respond(rows)
    assert [point.overall_point.size for point in answer.time_points] == [20, 8, 12]
    assert overall(rows) == ["CR", "PR"]


@pytest.mark.parametrize("role", ["target", "non-target"])
def test_a_node_of_14_mm_is_not_gone(role: str) -> None:
    rows = [
        row(0, "L", mm=30), row(0, "N", role, mm=20, **NODE),
        row(60, "L", state="absent"), row(60, "N", role, mm=14, state="absent", **NODE),
    ]  # fmt: skip
    with pytest.raises(
        CaseFileError, match=r"found absent beside a short axis of 14 mm, expected less than 10"
    ):
        ep.respond(rows)


@pytest.mark.parametrize(("short", "expected"), [("9.9", State.ABSENT), ("10", State.PRESENT)])
def test_the_axis_of_a_non_target_node_decides(short: str, expected: State) -> None:
    read = LesionRead(day(60), "N", "lymph node", Role.NON_TARGET, State.ABSENT, short_axis_mm=Decimal(short))
    assert expected is non_target_state(read, limits().lesions)


SHOWN_AGAIN = course_of([(0, 50), (60, 0), (120, 8), (180, 8)])


def test_a_complete_response_can_be_read_again_as_partial() -> None:
    """50 -> 0 -> 8 -> 8 mm: by recurrence PD on day 120; re-read, 8 of 50 mm is partial and confirmed."""
    assert overall(SHOWN_AGAIN) == ["CR", "PD", "PD"]
    reread = ResponseOptions(reread_cr=True)
    assert overall(SHOWN_AGAIN, options=reread) == ["PR", "PR", "PR"]
    answer = ep.respond(SHOWN_AGAIN, options=reread)
    assert answer.best_with_confirmation.overall == answer.best_without_confirmation.overall == "PR"


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([0, 0, 8], ["CR", "CR", "PD"]),  # a complete response that a second one confirms is none to doubt
        ([0, 45], ["CR", "PD"]),  # 45 of 50 mm is no partial response: the first reading was right
    ],
)
def test_only_a_partial_response_next_makes_a_complete_one_be_read_again(
    sizes: list[int], expected: list[str]
) -> None:
    rows = course_of([(0, 50), *((60 * n, size) for n, size in enumerate(sizes, start=1))])
    assert overall(rows, options=ResponseOptions(reread_cr=True)) == expected


PARTIAL = course_of([(0, 40), (90, 26), (181, 26)])  # 26 of 40 mm: 35 % less


@pytest.mark.parametrize(
    "course",
    [
        {"treatment_dates": []},
        {"treatment_dates": "none"},
        {"arm": "systemic"},
        {"arm": "Systemic therapy"},
        {"treatment_dates": [day(3)]},
    ],
)
def test_without_a_second_embolization_month_3_has_an_answer(course: dict[str, Any]) -> None:
    """The control arm has no embolization, and a patient may get one only: the visit counts as it is."""
    answer = ep.respond(PARTIAL, {"randomisation_date": day(0), **course}, WINDOW, protocol="TAE-IT")
    assert [(it.category, it.counts) for it in answer.responses] == [("PR", True), ("PR", True)]


def test_an_arm_that_the_trial_does_not_have() -> None:
    course = {"randomisation_date": day(0), "arm": "systemc"}
    with pytest.raises(CaseFileError, match='course: arm: found "systemc"; did you mean "systemic"'):
        ep.respond(PARTIAL, course, WINDOW, protocol="tae-italy")


def test_four_of_eight_in_both_arms() -> None:
    """Four patients to an arm, half of them with 35 % less: 4/8, not 2/4."""
    rows, courses = [], {}
    for number in range(8):
        name, last = f"P{number}", 26 if number % 2 else 40
        rows += [{**r, "patient": name} for r in course_of([(0, 40), (90, last)])]
        course: dict[str, Any] = {"randomisation_date": day(0)}
        course |= {"treatment_dates": [day(3), day(95)]} if number < 4 else {"arm": "systemic"}
        courses[name] = course
    found = ep.respond_cohort(rows, courses, ResponseOptions(protocol="TAE-IT", visit_window_days=21))
    rate = found.rates["objective_response_month_3"]
    assert (rate.count, rate.patients) == (4, 8)


def test_a_response_after_progression_is_told() -> None:
    """40 -> 60 (PD) -> 26 mm at month 6 counts as the status there, and a reader is asked to look."""
    rows = course_of([(0, 40), (60, 60), (181, 26)])
    course = {"randomisation_date": day(0), "treatment_dates": []}
    answer = ep.respond(rows, course, WINDOW, protocol="TAE-IT")
    assert (answer.responses[1].category, answer.responses[1].counts) == ("PR", True)
    assert any("is PR, after progression on 2024-03-01" in line for line in answer.findings)


def test_a_visit_that_could_be_judged_goes_before_one_that_could_not() -> None:
    """Day 91 is month 3; day 90 was not evaluable, day 80 a partial response, both within 21 days."""
    rows = [*course_of([(0, 40), (80, 26)]), row(90, "L1", state="not-assessed")]
    course = {"randomisation_date": day(0), "treatment_dates": []}
    answer = ep.respond(rows, course, WINDOW, protocol="TAE-IT")
    assert (answer.responses[0].category, answer.responses[0].date) == ("PR", day(80))


def test_one_scan_for_two_visits_is_told() -> None:
    """Day 135 lies 44 days from month 3 and 47 from month 6: with a window of 60 days it serves both."""
    rows = course_of([(0, 40), (135, 26)])
    course = {"randomisation_date": day(0), "treatment_dates": []}
    answer = ep.respond(rows, course, ResponseOptions(visit_window_days=60), protocol="TAE-IT")
    assert any("are read from the same scan" in line for line in answer.findings)


def test_relief_of_symptoms_follows_treatment() -> None:
    """Relief on day -10 is not of the treatment on day 0; that of day 20 is, and ends on day 50."""
    symptoms = tuple(SymptomRecord(day(n), Decimal(s)) for n, s in [(-10, 1), (5, 3), (20, 1), (50, 3)])
    course = Course(first_treatment_date=day(0), symptom_baseline_severity=Decimal(3), symptoms=symptoms)
    answer = ep.respond(course_of([(-5, 40), (60, 40)]), course, protocol="RETNET")
    (found,) = [it for it in answer.endpoints.values() if "symptom" in it.id]
    assert (found.result.start_date, found.result.time_days) == (day(20), 30)


@pytest.mark.parametrize("name", ["new_therapy_date", "symptom_relief_date"])
def test_what_cannot_come_before_treatment(name: str) -> None:
    course = {"first_treatment_date": day(0), name: day(-3)}
    with pytest.raises(CaseFileError, match=rf"course: {name}: found 2023-12-29, which is before"):
        ep.respond(course_of([(-5, 40), (60, 40)]), course)


@pytest.mark.parametrize("organ", ["ascites", "pleural effusion", "leptomeningeal", "lymphangitis"])
def test_fluid_is_never_a_target(organ: str) -> None:
    rows = [row(0, "L", None, mm=20), row(0, "A", None, mm=60, organ=organ), row(60, "L", None, mm=20)]
    assert ep.respond(rows).targets == ("L",)
    chosen = [row(0, "L", mm=20), row(0, "A", mm=60, organ=organ)]
    with pytest.raises(CaseFileError, match="such disease is not measurable; make it a non-target"):
        ep.respond(chosen)


def test_the_role_of_a_bone_lesion_is_asked_for() -> None:
    rows = [row(0, "L", None, mm=20), row(0, "B", None, mm=30, organ="bone")]
    with pytest.raises(CaseFileError, match="lesion B: role: missing; a bone lesion is measurable only"):
        ep.respond(rows)
    stated = [row(0, "L", mm=20), row(0, "B", mm=30, organ="bone")]
    assert ep.respond(stated).targets == ("B", "L")
    small = [row(0, "L", None, mm=20), row(0, "B", None, mm=9, organ="bone")]  # none to choose as target
    assert ep.respond(small).targets == ("L",)


def test_all_mistakes_of_adverse_events_come_with_the_others() -> None:
    events = [{"date": day(5), "term": "fever", "grade": 6, "patient": ""}]
    with pytest.raises(CaseFileError) as caught:
        ep.respond([row(0, "L", "targt", mm=20)], adverse_events=events)
    text = "\n".join(caught.value.problems)
    assert "targt" in text
    assert "found grade 6, expected 1 to 5" in text


def test_adverse_events_of_one_patient() -> None:
    events = [{"date": day(5), "term": "fever", "grade": 2}, {"date": day(6), "term": "pain", "grade": 3}]
    course = {"first_treatment_date": day(0)}
    found = ep.respond(course_of([(0, 40)]), course, protocol="TAE-IT", adverse_events=events)
    assert found.toxicity is not None
    assert [worst.grade for worst in found.toxicity.worst.values()] == [3]


def test_hepatic_progression_with_death_competing() -> None:
    """Of 4 patients one progresses on day 100, one dies on day 50, two are censored on day 200: 1/3 of 3/4.

    On day 50 a quarter leaves by death; then a third of the three left progresses: 0.75 / 3 = 0.25.
    """
    rows, courses = [], {}
    for name, scans in {"A": [(100, 60)], "B": [], "C": [(200, 40)], "D": [(200, 40)]}.items():
        rows += [{**r, "patient": name} for r in course_of([(-5, 40), *scans])]
        courses[name] = {"first_treatment_date": day(0)} | ({"death_date": day(50)} if name == "B" else {})
    found = ep.respond_cohort(rows, courses, ResponseOptions(protocol="DEBOXA"))
    curve = found.incidence["thp"]["competing_death"]
    assert (curve.patients, curve.events, curve.competing) == (4, 1, 1)
    ((month, share),) = curve.steps
    assert month == pytest.approx(100 / 30.4375, rel=1e-12)
    assert share == pytest.approx(0.25, rel=1e-12)
    assert found.to_json()["incidence"]["thp"]["competing_death"]["events"] == 1


def test_variants_have_curves_of_their_own() -> None:
    """New therapy on day 50 censors progression on day 100, and is an event itself in the variant."""
    rows, courses = [], {}
    for name in "AB":
        rows += [{**r, "patient": name} for r in course_of([(-5, 40), (100, 60)])]
        courses[name] = {"randomisation_date": day(0)}
    courses["A"]["new_therapy_date"] = day(50)
    found = ep.respond_cohort(rows, courses, ResponseOptions(protocol="TAE-IT", visit_window_days=21))
    assert found.survival["pfs"].events == 1
    assert found.variants["pfs"]["new_therapy_counts"].events == 2
