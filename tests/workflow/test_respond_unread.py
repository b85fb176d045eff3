"""Patients who have a course and no reads: NE, in every denominator, with the times of the course."""

from pathlib import Path
from typing import Any

import pytest
from tests.response.rows import course_of, day
from tests.workflow.test_respond import cohort

import emboplan as ep
from emboplan.errors import CaseFileError
from emboplan.model.response import Course, ResponseOptions
from emboplan.model.results.response import CohortResponse, PatientResponse
from emboplan.report.response_folder import response_lines, time_point_rows, write_response_folder
from emboplan.workflow.responding.respond import respond_cohort

TREATED = Course(first_treatment_date=day(0))
DIED = {"first_treatment_date": day(0), "death_date": day(30)}
NO_READS = "No reads: counted as NE, by intention to treat."


def times(patient: PatientResponse, name: str) -> tuple[object, ...]:
    found = patient.endpoints[name].result
    return found.time_days, found.event, found.event_kind or found.censor_reason


def with_p5(course: object = DIED, **more: Any) -> CohortResponse:
    """The four patients PR, SD, PD and CR, and one who was never scanned."""
    return respond_cohort(cohort(), {"P5": course}, ResponseOptions(**more))  # type: ignore[dict-item]  # any


def test_who_was_treated_and_never_read_is_no_response() -> None:
    """PR and CR are 2 of the 5 treated, with SD 3 of 5; of the 4 who could be judged 2 and 3."""
    answer = with_p5()
    shares = {name: (rate.count, rate.patients) for name, rate in answer.rates.items()}
    assert shares == {"orr": (2, 5), "orr_evaluable": (2, 4), "dcr": (3, 5), "dcr_evaluable": (3, 4)}
    assert "orr: 1 patients could not be judged and count as no response" in answer.findings
    assert [patient.evaluable for patient in answer.patients.values()] == [True, True, True, True, False]


def test_what_is_said_of_the_patient() -> None:
    patient = with_p5().patients["P5"]
    assert (patient.best_overall, patient.best_hepatic) == ("NE", "NE")
    for best in (patient.best_with_confirmation, patient.best_without_confirmation):
        assert (best.overall, best.hepatic) == ("NE", "NE")
    assert (patient.baseline_date, patient.targets, patient.time_points) == (None, (), ())
    assert [(it.id, it.category, it.counts) for it in patient.responses] == [
        ("orr", "NE", False),
        ("dcr", "NE", False),
    ]
    assert patient.beside == {}
    assert patient.findings == (NO_READS,)
    written = patient.to_json()
    assert (written["evaluable"], written["baseline_date"], written["time_points"]) == (False, None, [])


def test_the_times_are_those_of_the_course() -> None:
    """Death on day 30 ends all but the time to hepatic progression, where it competes."""
    patient = with_p5().patients["P5"]
    assert times(patient, "os") == (30, True, "death")
    assert times(patient, "pfs") == (30, True, "death")
    assert times(patient, "hpfs") == (30, True, "death")
    assert times(patient, "thp") == (1, False, "no assessment after the start; day 1")
    competing = patient.endpoints["thp"].variants["competing_death"]
    assert (competing.time_days, competing.event, competing.competing) == (30, False, True)
    alive = with_p5({"first_treatment_date": day(0), "last_alive_date": day(200)}).patients["P5"]
    assert times(alive, "os") == (200, False, "last known alive")
    assert times(alive, "pfs") == (1, False, "no assessment after the start; day 1")


def test_late_death_after_missed_visits() -> None:
    """Visits are due every 90 days and none came before day 400: the sensitivity analysis ends at day 1."""
    course = {**DIED, "death_date": day(400), "assessment_interval_days": 90}
    pfs = with_p5(course).patients["P5"].endpoints["pfs"]
    assert (pfs.result.time_days, pfs.result.event) == (400, True)
    missed = pfs.variants["missed_assessments"]
    assert (missed.time_days, missed.event) == (1, False)


def test_the_patient_is_in_the_curves() -> None:
    """P3 progressed on day 60 and P5 died on day 30: 4/5, then 3/4 of it are left."""
    curve = with_p5().survival["pfs"]
    assert (curve.patients, curve.events) == (5, 2)
    assert [step.survival_frac for step in curve.steps] == pytest.approx([0.8, 0.6])


def test_a_start_that_only_the_baseline_could_give() -> None:
    """CapTem counts from day 1 of cycle 1, which the course does not state."""
    answer = with_p5(protocol="captem-y90")
    patient = answer.patients["P5"]
    assert patient.endpoints["hpfs"].result.missing == ("baseline",)
    assert times(patient, "hpfs") == (None, None, None)
    assert (
        "The course states no start of hpfs: these times cannot be told without a baseline scan."
    ) in patient.findings
    assert "hpfs: left out 1 patients without a time" in answer.findings
    assert (answer.survival["hpfs"].patients, answer.rates["orr"].patients) == (4, 5)


def test_a_course_without_any_start() -> None:
    patient = with_p5({"death_date": day(30)}).patients["P5"]
    assert [endpoint.result.missing for endpoint in patient.endpoints.values()] == [("baseline",)] * 4


@pytest.mark.parametrize("name", ["deboxa", "retnet", "msk-19-125", "tae-italy"])
def test_every_protocol_has_an_answer(name: str) -> None:
    course = Course(
        first_treatment_date=day(0), randomisation_date=day(0), treatment_dates=(day(0),), death_date=day(30)
    )
    patient = with_p5(course, protocol=name, visit_window_days=21).patients["P5"]
    assert {(it.category, it.counts) for it in patient.responses} == {("NE", False)}
    event = {"os", "pfs", "hpfs"} & set(patient.endpoints)
    literal = {"pfs"} if name == "deboxa" else set()  # its document does not name death
    assert event
    for endpoint in event - literal:
        assert times(patient, endpoint) == (30, True, "death")
    for endpoint in event & literal:
        assert times(patient, endpoint) == (1, False, "no assessment after the start; day 1")


def test_a_visit_is_missed_whatever_the_days_of_treatment() -> None:
    """The rate at month 3 is of all who were randomised: one of two with a response, and one never seen."""
    rows = [{**row, "patient": name} for name, mm in (("A", 60), ("B", 100)) for row in
            course_of([(0, 100), (90, mm)])]  # fmt: skip
    courses: dict[str, dict[str, object]] = {
        name: {"randomisation_date": day(0), "treatment_dates": [day(2)]} for name in "AB"
    }
    courses["C"] = {"randomisation_date": day(0), "first_treatment_date": day(2), "death_date": day(9)}
    options = ResponseOptions(protocol="tae-italy", visit_window_days=21)
    rate = respond_cohort(rows, courses, options).rates["objective_response_month_3"]
    assert (rate.count, rate.patients) == (1, 3)
    undeclared = respond_cohort(rows, courses, ResponseOptions(protocol="tae-italy"))
    assert undeclared.rates == {}


def test_a_misspelt_name_is_seen() -> None:
    courses = dict.fromkeys(("P1", "P2", "P3", "P44"), TREATED)
    answer = respond_cohort(cohort(), courses)
    assert answer.findings[0] == "no reads: counted as NE: P44; reads and no course: P4"
    courses["P4"] = TREATED
    assert respond_cohort(cohort(), courses).findings[0] == "no reads: counted as NE: P44"
    courses["P10"] = TREATED
    assert respond_cohort(cohort(), courses).findings[0] == "no reads: counted as NE: P10, P44"
    assert respond_cohort(cohort(), {"P1": TREATED}).findings == ()


def test_names_written_in_two_ways_are_a_mistake() -> None:
    """No course has reads and there is one for everybody: the same four people, or four others."""
    numbers = dict.fromkeys("1234", TREATED)
    with pytest.raises(CaseFileError) as caught:
        respond_cohort(cohort(), numbers)
    assert caught.value.problems == tuple(
        f"course of {name}: no reads are of this patient; the table has P1, P2, P3, P4" for name in "1234"
    )
    assert len(respond_cohort(cohort(), dict.fromkeys("123", TREATED)).patients) == 7
    with pytest.raises(CaseFileError, match="course of P9: no reads are of this patient; the table has no"):
        respond_cohort(course_of([(0, 40)]), {"P9": TREATED})
    with pytest.raises(CaseFileError, match="course of P9: no reads are of this patient; the table has no"):
        respond_cohort(course_of([(0, 40)]), {"": TREATED, "P9": TREATED})


def test_a_course_that_says_nothing_counts_nobody() -> None:
    with pytest.raises(CaseFileError) as caught:
        respond_cohort(cohort(), {"P1": TREATED, "P9": {"death_date": ""}})
    assert caught.value.problems == (
        "course of P9: no reads are of this patient; the table has P1, P2, P3, P4",
    )
    with pytest.raises(CaseFileError) as caught:
        respond_cohort(cohort(), {"P1": TREATED, "P9": {"death_date": "soon"}})
    assert caught.value.problems == ('course of P9: death_date: found "soon", expected a date as YYYY-MM-DD',)


def test_nobody_is_without_reads_while_a_row_could_not_be_placed() -> None:
    rows = [*cohort(), {**cohort()[0], "patient": "P9", "date": "soon"}]
    with pytest.raises(CaseFileError) as caught:
        respond_cohort(rows, {"P9": {}})
    assert len(caught.value.problems) == 1


def test_one_patient_alone() -> None:
    """A table with no rows is an answer where a course says whose it is."""
    answer = ep.respond([], DIED)
    assert (answer.best_overall, answer.evaluable, answer.findings) == ("NE", False, (NO_READS,))
    assert times(answer, "os") == (30, True, "death")
    with pytest.raises(CaseFileError, match="found no rows; expected one for each lesion"):
        ep.respond([])
    with pytest.raises(CaseFileError, match="course: no reads are of this patient; the table has no patient"):
        ep.respond([], {})


def test_courses_alone() -> None:
    answer = respond_cohort([], {"P1": TREATED, "P2": DIED})
    assert [patient.best_overall for patient in answer.patients.values()] == ["NE", "NE"]
    assert (answer.rates["orr"].count, answer.rates["orr"].patients) == (0, 2)
    assert answer.findings[0] == "no reads: counted as NE: P1, P2"
    with pytest.raises(CaseFileError, match="course: no reads are of this patient; the table has no patient"):
        respond_cohort([], {"": TREATED, "P2": DIED})


def test_forms_and_adverse_events_count_without_reads() -> None:
    """P5 has grade 3: 1 of the 2 treated. The form of day 0 is the baseline of the one of day 20."""
    forms = [
        {"patient": "P5", "date": day(n), **{f"q{i}": a for i in range(1, 31)}} for n, a in ((0, 1), (20, 2))
    ]
    events = [{"patient": "P5", "date": day(9), "term": "pain", "grade": 3}]
    courses: dict[str, Any] = {"P1": TREATED, "P5": DIED}
    answer = respond_cohort(cohort(), courses, questionnaires=forms, adverse_events=events)
    quality = answer.patients["P5"].quality_of_life
    assert quality is not None
    assert quality.baseline_date == day(0)
    assert [visit.in_window for visit in quality.visits] == [True, True]
    assert answer.toxicity is not None
    assert (answer.toxicity.table[0].severe.count, answer.toxicity.table[0].severe.patients) == (1, 2)


def test_forms_without_any_start() -> None:
    form = {"patient": "P5", "date": day(0), **{f"q{item}": 1 for item in range(1, 31)}}
    patient = respond_cohort(cohort(), {"P5": {"death_date": day(30)}}, questionnaires=[form]).patients["P5"]
    quality = patient.quality_of_life
    assert quality is not None
    assert (quality.baseline_date, quality.visits[0].in_window, quality.visits[0].changes) == (
        None,
        None,
        None,
    )
    told = "No start of the questionnaires is known: neither changes nor the window can be told."
    assert told in patient.findings
    assert not any("after the window" in line or "on or before" in line for line in patient.findings)


def test_the_text_and_the_folder(tmp_path: Path) -> None:
    answer = with_p5()
    lines = response_lines(answer)
    first = lines.index("patient P5")
    assert lines[first + 1 : first + 3] == [
        "RECIST 1.1, no reads",
        "best response (without confirmation): overall NE, hepatic NE",
    ]
    assert f"note: {NO_READS}" in lines
    assert "note: no reads: counted as NE: P5; reads and no course: P1, P2, P3, P4" in lines
    assert {row["patient"] for row in time_point_rows(answer)} == {"P1", "P2", "P3", "P4"}
    folder = write_response_folder(
        respond_cohort([], {"P1": TREATED, "P2": DIED}), tmp_path / "out", force=False
    )
    assert not (folder / "time_points.csv").exists()
