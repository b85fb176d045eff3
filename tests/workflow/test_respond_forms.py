"""Quality of life and adverse events beside the response: windows, baselines, and what is told."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.response.rows import course_of, day

import emboplan as ep
from emboplan.errors import CaseFileError, InputError
from emboplan.model.response import Course, ResponseOptions
from emboplan.model.results.response import CohortResponse, QualityOfLife, Toxicity
from emboplan.workflow.responding.respond import respond_cohort

READS = course_of([(0, 40), (60, 40)])
TREATED = Course(first_treatment_date=day(10), randomisation_date=day(5))


def form(on: int, answer: int = 1, **more: Any) -> dict[str, Any]:
    """Every item with the same answer."""
    return {"date": day(on), **{f"q{item}": answer for item in range(1, 31)}, **more}


def quality(*forms: dict[str, Any], protocol: str | None = None, course: Course = TREATED) -> QualityOfLife:
    found = ep.respond(READS, course, protocol=protocol, questionnaires=forms).quality_of_life
    assert found is not None
    return found


def test_changes_are_from_the_last_form_before_the_start() -> None:
    """All 1: best functions and no symptoms; all 2 (global: 2 of 7) a third worse."""
    found = quality(form(40, 2), form(-5, 3), form(5), form(6, 2))
    assert found.baseline_date == day(5)  # randomisation, the first start that the general set names
    assert [visit.date for visit in found.visits] == [day(-5), day(5), day(6), day(40)]
    assert [visit.changes is None for visit in found.visits] == [True, True, False, False]
    changes = found.visits[-1].changes
    words = found.visits[-1].changes_in_words
    assert changes is not None
    assert words is not None
    assert changes["PF2"] == pytest.approx(-100 / 3)
    assert changes["FA"] == pytest.approx(100 / 3)
    assert changes["QL2"] == pytest.approx(100 / 6)
    assert (words["PF2"], words["FA"], words["QL2"]) == ("large, worse", "large, worse", "moderate, better")


def test_without_a_form_before_the_start_there_is_no_change() -> None:
    answer = ep.respond(READS, TREATED, questionnaires=[form(20), form(40, 2)])
    assert answer.quality_of_life is not None
    assert answer.quality_of_life.baseline_date is None
    assert [visit.changes for visit in answer.quality_of_life.visits] == [None, None]
    assert (
        f"No questionnaire is dated on or before the start ({day(5)}): changes cannot be told."
        in answer.findings
    )


def test_a_missing_scale_has_no_change_and_no_word() -> None:
    gone = {f"q{item}": None for item in (6, 7)}
    visit = quality(form(0), form(40, 2, **gone)).visits[-1]
    assert visit.changes is not None
    assert visit.changes_in_words is not None
    assert (visit.scales["RF2"], visit.changes["RF2"], visit.summary) == (None, None, None)
    assert "RF2" not in visit.changes_in_words


def test_answers_out_of_range_are_told() -> None:
    answer = ep.respond(READS, TREATED, questionnaires=[form(0, q3=5, q29=8, q4="often")])
    assert (
        f"Questionnaire of {day(0)}: answers out of range count as missing (items 3, 4, 29)."
        in answer.findings
    )


@pytest.mark.parametrize(
    ("protocol", "inside", "outside"),
    [
        ("tae-italy", date(2024, 7, 6), date(2024, 7, 7)),  # randomised on 6 January, 6 calendar months
        ("deboxa", date(2026, 7, 11), date(2026, 7, 12)),  # first treated on 11 January, 30 calendar months
    ],
)
def test_the_windows_of_forms(protocol: str, inside: date, outside: date) -> None:
    answer = ep.respond(
        READS, TREATED, protocol=protocol,
        questionnaires=[form(0), {**form(0), "date": inside}, {**form(0), "date": outside}],
    )  # fmt: skip
    assert answer.quality_of_life is not None
    assert [visit.in_window for visit in answer.quality_of_life.visits] == [True, True, False]
    assert f"Questionnaires after the window of the protocol: {outside}." in answer.findings


def test_without_a_start_the_baseline_scan_is_one() -> None:
    assert quality(form(0), form(1), course=Course()).baseline_date == day(0)


def adverse(patient: str, on: int, grade: int | None = 2, term: str = "pain", **more: Any) -> dict[str, Any]:
    return {"patient": patient, "date": day(on), "term": term, "grade": grade, **more}


def answered(
    *events: dict[str, Any], protocol: str | None = None, courses: dict[str, Course] | None = None
) -> CohortResponse:
    rows = [{**row, "patient": patient} for patient in ("P1", "P2") for row in READS]
    given = courses or {"P1": TREATED, "P2": TREATED}
    return respond_cohort(rows, given, ResponseOptions(protocol=protocol), adverse_events=events)


def tables(*events: dict[str, Any], **how: Any) -> Toxicity:
    found = answered(*events, **how).toxicity
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("protocol", "first", "last"),
    [
        ("tae-italy", day(10), day(193)),  # 183 days from the first treatment
        ("deboxa", day(10), date(2026, 7, 11)),  # 30 calendar months from 11 January 2024
        ("retnet", day(10), date(2026, 1, 11)),
        ("msk-19-125", day(10), date(2026, 1, 11)),
    ],
)
def test_the_windows_of_events(protocol: str, first: date, last: date) -> None:
    for on, counts in ((first, True), (last, True), (date.fromordinal(last.toordinal() + 1), False),
                       (date.fromordinal(first.toordinal() - 1), False)):  # fmt: skip
        found = tables({**adverse("P1", 0), "date": on}, protocol=protocol)
        assert (found.worst["P1"].grade == 2) is counts, on
        assert found.worst["P2"].grade == 0


def test_the_control_arm_counts_from_randomisation() -> None:
    control = Course(randomisation_date=day(5))
    found = tables(
        adverse("P2", 188), adverse("P1", 9), protocol="tae-italy", courses={"P1": TREATED, "P2": control}
    )
    assert {name: worst.grade for name, worst in found.worst.items()} == {"P1": 0, "P2": 2}


@pytest.mark.parametrize("protocol", [None, "captem-y90"])
def test_without_an_end_all_later_events_count(protocol: str | None) -> None:
    found = tables(adverse("P1", 4000), adverse("P2", 9), protocol=protocol)
    assert {name: worst.grade for name, worst in found.worst.items()} == {"P1": 2, "P2": 0}
    assert found.definition == "from first treatment or randomisation on"


def test_related_events_have_a_table_of_their_own() -> None:
    found = tables(adverse("P1", 20, 3, related=False), adverse("P1", 21, 1, related=True))
    assert found.related_worst is not None
    assert found.related_table is not None
    assert (found.worst["P1"].grade, found.related_worst["P1"].grade) == (3, 1)
    assert found.related_table[0].counts == (1, 1, 0, 0, 0, 0)
    assert found.related_table[0].severe.count == 0


def test_what_is_not_stated_is_told() -> None:
    answer = answered(adverse("P1", 20), courses={"P1": TREATED, "P2": Course()})
    assert answer.toxicity is not None
    assert answer.toxicity.related_table is None
    assert [*answer.toxicity.worst] == ["P1"]
    told = " ".join(answer.findings)
    assert "The relation to treatment of 1 adverse events is not stated: there is no table of related" in told
    assert "The CTCAE version of the adverse events is not stated." in told
    assert "Without a start of treatment, not in the safety population: 1 patients." in told
    stated = tables(adverse("P1", 20, related=True, ctcae_version="5.0"))
    assert stated.ctcae_version == "5.0"
    assert "CTCAE version" not in " ".join(answered(adverse("P1", 20, ctcae_version="5.0")).findings)


def test_no_events_at_all_is_grade_0_for_everybody() -> None:
    found = tables()
    assert found.table[0].counts == (2, 0, 0, 0, 0, 0)
    assert found.related_table == found.table


def test_without_a_table_nothing_is_said_of_events() -> None:
    answer = ep.respond(READS, TREATED, protocol="tae-italy")
    assert answer.quality_of_life is None
    (asked,) = [line for line in answer.findings if "also asks for what was not given" in line]
    assert "changes in quality of life, from randomisation through 6 calendar months; worst grade" in asked
    assert asked.endswith("per patient, from first treatment or randomisation through 183 days.")
    given = respond_cohort(
        READS,
        {"": TREATED},
        ResponseOptions(protocol="tae-italy"),
        questionnaires=[form(0)],
        adverse_events=[],
    )
    assert "also asks" not in " ".join(given.patients[""].findings)


def test_mistakes_of_all_tables_at_once() -> None:
    with pytest.raises(CaseFileError) as caught:
        respond_cohort(
            [{**READS[0], "longest_mm": "x"}, READS[1]],
            {"": {"death_date": "soon"}},
            ResponseOptions(as_of=day(100)),
            questionnaires=[form(200), form(0, q31=1)],
            adverse_events=[adverse("P7", 20), {**adverse("", 200), "grade": "x"}],
        )
    told = "\n".join(caught.value.problems)
    assert (
        f"questionnaires: row 1: date: found {day(200)}, which is after {day(100)}, the day of the data"
        in told
    )
    assert f"adverse event pain: date: found {day(200)}, which is after {day(100)}" in told
    assert (
        "patient P7: has forms or adverse events, and neither reads nor a course; those are of one patient "
        "without a name"
    ) in told
    for words in ('unknown column "q31"', 'longest_mm: found "x"', "death_date: found", 'grade: found "x"'):
        assert words in told


def test_impossible_grades_and_nobody_treated() -> None:
    with pytest.raises(CaseFileError, match="found grade 6, expected 1 to 5 or none"):
        answered(adverse("P1", 20, 6))
    with pytest.raises(
        CaseFileError, match="no patient has a start of treatment; give first_treatment_date or"
    ):
        answered(adverse("P1", 20), courses={"P1": Course(), "P2": Course()})


def test_files_of_forms_and_events(tmp_path: Path) -> None:
    (tmp_path / "qol.csv").write_text("date;q1;q2\n2024-01-01;1;2\n2024-02-01;2;\n", encoding="utf-8")
    (tmp_path / "ae.json").write_text('[{"date": "2024-02-01", "term": "nausea, mild", "grade": 1}]')
    answer = respond_cohort(
        READS, {"": TREATED}, questionnaires=tmp_path / "qol.csv", adverse_events=str(tmp_path / "ae.json")
    )
    assert answer.patients[""].quality_of_life is not None
    assert answer.toxicity is not None
    assert [row.name for row in answer.toxicity.table] == ["any adverse event", "nausea, mild"]
    assert str(answer.toxicity.worst[""]) == "1"
    assert answer.to_json_of_one()["toxicity"]["worst"] == {"": {"grade": 1, "incomplete": False}}
    (tmp_path / "ae.json").write_text('{"date": "2024-02-01"}')
    with pytest.raises(InputError, match=r"ae\.json holds no table; expected a list of rows"):
        respond_cohort(READS, {"": TREATED}, adverse_events=tmp_path / "ae.json")
    (tmp_path / "ae.csv").write_text("date,term,grade\n2024-02-01,x,\n1.2.2024,x,\n", encoding="utf-8")
    with pytest.raises(CaseFileError, match=r'ae\.csv: row 3: date: found "1\.2\.2024"'):
        respond_cohort(READS, {"": TREATED}, adverse_events=tmp_path / "ae.csv")
