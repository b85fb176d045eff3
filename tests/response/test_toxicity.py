"""Worst grades: the window, worsening, unknown grades, and tables that add up."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.response.rows import BASELINE, day

from emboplan.errors import CaseFileError, InputError
from emboplan.model.response import AdverseEvent
from emboplan.model.results.response import WorstGrade
from emboplan.response.toxicity import (
    GradeScale,
    counted_events,
    grade_table,
    worst_grade,
    worst_grades,
)

SCALE = GradeScale(highest=5, severe=3)
STARTS = dict.fromkeys(("P1", "P2", "P3", "P4"), (BASELINE, day(183)))


def event(patient: str, term: str, on: int, grade: int | None, **more: object) -> AdverseEvent:
    return AdverseEvent(patient, term, day(on), grade, **more)  # type: ignore[arg-type]  # by keyword


def counted(*events: AdverseEvent, related_only: bool = False) -> list[tuple[str, int | None]]:
    found = counted_events(events, STARTS, SCALE, related_only=related_only)
    return [(e.term, e.grade) for e in found]


@pytest.mark.parametrize(("on", "counts"), [(-1, False), (0, True), (183, True), (184, False)])
def test_the_window(on: int, *, counts: bool) -> None:
    assert (counted(event("P1", "nausea", on, 2)) != []) is counts


@pytest.mark.parametrize(
    ("before", "inside", "counts"),
    [(1, 2, True), (2, 2, False), (3, 2, False), (None, 2, True), (1, None, True)],
)
def test_an_event_from_before_counts_only_where_it_worsens(
    before: int | None, inside: int | None, *, counts: bool
) -> None:
    found = counted(event("P1", "pain", -5, before), event("P1", "pain", 10, inside))
    assert found == ([("pain", inside)] if counts else [])


def test_another_episode_stands_for_itself() -> None:
    found = counted(event("P1", "pain", -5, 3, episode="a"), event("P1", "pain", 10, 1, episode="b"))
    assert found == [("pain", 1)]


def test_the_last_grade_before_the_window_is_the_one_to_exceed() -> None:
    rows = (event("P1", "pain", -9, 3), event("P1", "pain", -5, 1), event("P1", "pain", 10, 2))
    assert counted(*rows) == [("pain", 2)]


@pytest.mark.parametrize(
    ("grades", "expected", "text"),
    [
        ([], WorstGrade(0), "0"),
        ([1, 3, 2], WorstGrade(3), "3"),
        ([None], WorstGrade(0, incomplete=True), "≥0, incomplete"),
        ([1, None], WorstGrade(1, incomplete=True), "≥1, incomplete"),
        ([5, None], WorstGrade(5), "5"),
        ([4, None], WorstGrade(4, incomplete=True), "≥4, incomplete"),
    ],
)
def test_the_worst_of_one_patient(grades: list[int | None], expected: WorstGrade, text: str) -> None:
    found = worst_grade([event("P1", "x", n, grade) for n, grade in enumerate(grades)], SCALE)
    assert found == expected
    assert str(found) == text


def test_related_events_are_a_subset_and_not_a_filter_of_the_worst() -> None:
    """The worst of all is 3 and not related; the worst related one is 2."""
    rows = [event("P1", "pain", 1, 3, related=False), event("P1", "nausea", 2, 2, related=True)]
    related = counted_events(rows, STARTS, SCALE, related_only=True)
    assert worst_grades(related, ["P1"], SCALE) == {"P1": WorstGrade(2)}
    assert worst_grades(counted_events(rows, STARTS, SCALE), ["P1"], SCALE) == {"P1": WorstGrade(3)}


def test_all_mistakes_at_once() -> None:
    rows = [event("P9", "pain", 1, 2), event("P1", "rash", 2, 6), event("P1", "rash", 3, 0)]
    with pytest.raises(CaseFileError) as caught:
        counted_events(rows, STARTS, SCALE, related_only=True)
    lines = caught.value.problems
    assert sum("no date of first treatment" in line for line in lines) == 1
    assert sum("expected 1 to 5 or none" in line for line in lines) == 2
    assert sum("relation to treatment is not known" in line for line in lines) == 3
    with pytest.raises(CaseFileError) as caught:
        counted_events([event("P1", "rash", 2, 6)], STARTS, SCALE)
    assert len(caught.value.problems) == 1


def test_grades_of_two_versions_are_not_mixed() -> None:
    rows = [event("P1", "a", 1, 1, ctcae_version="5.0"), event("P1", "a", 2, 2, ctcae_version="4.03")]
    with pytest.raises(CaseFileError, match=r"versions 4\.03, 5\.0; grades of one version only"):
        counted_events(rows, STARTS, SCALE)
    assert counted(rows[0]) == [("a", 1)]


def test_rows_by_class_and_term() -> None:
    rows = [
        event("P1", "nausea", 1, 2, organ_class="gastrointestinal"),
        event("P1", "vomiting", 1, 3, organ_class="gastrointestinal"),
        event("P2", "rash", 1, 1),
    ]
    table = {row.name: row for row in grade_table(rows, ["P1", "P2"], SCALE, confidence_frac=0.95)}
    assert list(table) == ["any adverse event", "gastrointestinal", "nausea", "rash", "vomiting"]
    assert table["gastrointestinal"].counts == (1, 0, 0, 1, 0, 0)
    assert table["nausea"].counts == (1, 0, 1, 0, 0, 0)
    assert table["any adverse event"].counts == (0, 1, 0, 1, 0, 0)
    assert (table["any adverse event"].severe.count, table["nausea"].severe.count) == (1, 0)


def test_a_table_without_patients() -> None:
    with pytest.raises(InputError, match="at least one as denominator"):
        grade_table([], [], SCALE, confidence_frac=0.95)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(STARTS)),
            st.sampled_from(["a", "b"]),
            st.integers(-20, 200),
            st.sampled_from([None, 1, 2, 3, 4, 5]),
        ),
        max_size=12,
    )
)
def test_every_row_adds_up_to_all_patients(rows: list[tuple[str, str, int, int | None]]) -> None:
    found = counted_events([event(*row) for row in rows], STARTS, SCALE)
    for row in grade_table(found, sorted(STARTS), SCALE, confidence_frac=0.95):
        assert sum(row.counts) + row.unknown == len(STARTS)
        assert row.severe.count >= sum(row.counts[3:])
    assert all(isinstance(e.date, date) for e in found)


def test_rows_may_come_in_any_order() -> None:
    assert counted(event("P1", "pain", 10, 2), event("P1", "pain", -5, 2)) == []
    rows = [event("P1", "x", 1, 1, organ_class="skin"), event("P1", "w", 1, 1, organ_class="general")]
    names = [row.name for row in grade_table(rows, ["P1"], SCALE, confidence_frac=0.95)]
    assert names == ["any adverse event", "general", "skin", "w", "x"]


def test_an_incomplete_grade_stands_in_its_own_column() -> None:
    (overall, _) = grade_table([event("P1", "x", 1, None)], ["P1", "P2"], SCALE, confidence_frac=0.95)
    assert (overall.counts, overall.unknown) == ((1, 0, 0, 0, 0, 0), 1)


def test_a_mistake_names_its_event() -> None:
    with pytest.raises(CaseFileError) as caught:
        counted(event("P1", "nausea", 1, 6))
    (line,) = caught.value.problems
    assert line == "adverse event nausea of 2024-01-02: found grade 6, expected 1 to 5 or none"


def test_versions_are_told_in_their_order() -> None:
    told = ("6.0", "5.0", "3.0", "4.03", "4.0")
    rows = [event("P1", "a", number, 1, ctcae_version=version) for number, version in enumerate(told, 1)]
    with pytest.raises(CaseFileError, match=r"versions 3\.0, 4\.0, 4\.03, 5\.0, 6\.0; grades of one"):
        counted(*rows)


def test_a_missing_version_is_one_of_two() -> None:
    rows = [event("P1", "a", 1, 1, ctcae_version="5.0"), event("P1", "a", 2, 2)]
    with pytest.raises(CaseFileError, match=r"the CTCAE versions none, 5\.0;"):
        counted_events(rows, STARTS, SCALE)


def test_a_window_without_an_end() -> None:
    found = counted_events([event("P1", "a", 9999, 1)], {"P1": (BASELINE, None)}, SCALE)
    assert len(found) == 1
