"""Rows of questionnaires and adverse events: what is read, and every mistake in them."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from emboplan.model.response import AdverseEvent, Form
from emboplan.response.form_rows import events_from_rows, forms_from_rows
from emboplan.response.reads import Problems

ITEMS = tuple(range(1, 31))
DAY = date(2024, 1, 1)


def forms(*rows: dict[str, Any]) -> tuple[tuple[Form, ...], list[str]]:
    problems = Problems()
    found = forms_from_rows(rows, ITEMS, [f"row {n}" for n, _ in enumerate(rows, 1)], problems)
    return found, problems.lines


def events(*rows: dict[str, Any]) -> tuple[tuple[AdverseEvent, ...], list[str]]:
    problems = Problems()
    found = events_from_rows(rows, [f"row {n}" for n, _ in enumerate(rows, 1)], problems)
    return found, problems.lines


@pytest.mark.parametrize("name", ["q7", "Q7", "7", "q07", "item 7", "q_7", "item-07"])
def test_names_of_items(name: str) -> None:
    (form,), lines = forms({"date": "2024-01-01", name: "2"})
    assert (form.answers, lines) == ({7: Decimal(2)}, [])


@pytest.mark.parametrize(
    ("cell", "answer"),
    [("3", Decimal(3)), (" 4 ", Decimal(4)), (3, 3), ("", None), (None, None), ("often", "often")],
)
def test_answers_stay_as_given(cell: object, answer: object) -> None:
    """What an item does not take is for the scoring to leave out and to tell."""
    (form,), lines = forms({"date": DAY, "patient": " P1 ", "q2": cell})
    assert (form, lines) == (Form("P1", DAY, {2: answer}, "row 1"), [])


def test_items_in_their_order_and_only_those_of_the_row() -> None:
    backwards = {f"q{item}": 1 for item in reversed(ITEMS)}
    found, _ = forms({"date": DAY, **backwards}, {"date": date(2024, 2, 1), "q2": 1})
    assert [[*form.answers] for form in found] == [[*ITEMS], [2]]


def test_a_comma_in_an_answer_is_a_mistake() -> None:
    """It may stand for a decimal point or part two answers; a comma in words is none of a number."""
    _, (line,) = forms({"date": DAY, "q2": "1,5", "q3": "often, at night"})
    assert line == (
        'row 1: q2: found "1,5", a number with a comma; write the decimal point as a point, and nothing '
        "between thousands"
    )


def test_mistakes_of_forms_all_at_once() -> None:
    found, lines = forms(
        {"date": DAY, "q1": 1, "q31": 1, "1": 2, "datum": "x"},
        {"date": "1.2.2024", "q1": 1},
        {"date": " ", "q1": 1},
        {"date": DAY, "q1": 3},
    )
    assert len(found) == 2
    assert lines == [
        'questionnaires: unknown column "datum"; did you mean "date"?',
        'questionnaires: unknown column "q31"; did you mean "q3"?',
        "questionnaires: the item 1 stands in two columns; keep one",
        'row 2: date: found "1.2.2024", expected a date as YYYY-MM-DD',
        "row 3: date: missing; every row needs one",
        "row 4: found 2 forms of the same patient on 2024-01-01; keep one",
    ]


def test_an_event_in_full() -> None:
    row = {
        "patient": 3.0,
        "date": "2024-01-05",
        "term": " nausea ",
        "grade": "2",
        "organ_class": "gastrointestinal",
        "episode": 1.0,
        "related": "Yes",
        "ctcae_version": "5.0",
    }
    (event,), lines = events(row)
    expected = AdverseEvent("3", "nausea", date(2024, 1, 5), 2, "gastrointestinal", "1", True, "5.0")
    assert (event, lines) == (expected, [])


@pytest.mark.parametrize(
    ("cell", "grade"),
    [("3", 3), (3, 3), (3.0, 3), (Decimal("3.0"), 3), ("", None), (None, None), ("Unknown", None)],
)
def test_grades(cell: object, grade: int | None) -> None:
    (event,), lines = events({"date": DAY, "term": "x", "grade": cell})
    assert (event.grade, lines) == (grade, [])


@pytest.mark.parametrize(
    ("cell", "related"),
    [("no", False), ("TRUE", True), ("false", False), (False, False), ("", None), (None, None)],
)
def test_relation_to_treatment(cell: object, *, related: bool | None) -> None:
    (event,), lines = events({"date": DAY, "term": "x", "related": cell})
    assert (event.related, lines) == (related, [])


def test_mistakes_of_events_all_at_once() -> None:
    found, lines = events(
        {"date": DAY, "term": "x", "grade": "2.5", "related": "maybe", "gade": 1},
        {"date": "", "term": "", "grade": True},
        {"date": DAY, "term": "x", "grade": "severe", "related": 2},
    )
    assert [event.grade for event in found] == [None, None]
    assert lines == [
        'adverse events: unknown column "gade"; did you mean "grade"?',
        'row 1: grade: found "2.5", expected a whole number, or nothing where it is not known',
        'row 1: related: found "maybe", expected yes or no, or nothing where it is not known',
        "row 2: date: missing; every row needs one",
        "row 2: term: missing; every row needs one",
        "row 2: grade: found True, expected a whole number, or nothing where it is not known",
        'row 3: grade: found "severe", expected a whole number, or nothing where it is not known',
        "row 3: related: found 2, expected yes or no, or nothing where it is not known",
    ]


def test_an_unknown_item_is_told_and_not_kept() -> None:
    (form,), lines = forms({"date": DAY, "q1": 1, "q31": 1})
    assert (form.answers, len(lines)) == ({1: 1}, 1)


def test_lines_come_in_the_order_of_names_and_items() -> None:
    names = ("zeta", "alpha", "mid", "beta", "yotta")
    twice = {name: 1 for item in (8, 1) for name in (f"q{item}", f"item {item}")}
    _, lines = forms({"date": DAY, **dict.fromkeys(names, 1), **twice})
    told = [line.partition("unknown column ")[2].partition(";")[0] for line in lines]
    assert told == [*(f'"{name}"' for name in sorted(names)), "", ""]
    assert [line.partition(": ")[2] for line in lines[-2:]] == [
        "the item 1 stands in two columns; keep one",
        "the item 8 stands in two columns; keep one",
    ]
    _, lines = events({"date": DAY, "term": "x", **dict.fromkeys(names, 1)})
    assert [line.split('"')[1] for line in lines] == sorted(names)


def test_three_forms_of_a_day_are_told_at_the_last_one() -> None:
    _, lines = forms(*({"date": DAY, "patient": "P", "q1": answer} for answer in (1, 2, 3)))
    assert lines == ["row 3: found 3 forms of the same patient on 2024-01-01; keep one"]


def test_blanks_around_a_cell_do_not_count() -> None:
    (form,), lines = forms({"date": " 2024-01-01 ", "q1": " often ", "q2": "  "})
    assert (form.date, form.answers, lines) == (DAY, {1: "often", 2: None}, [])


def test_an_event_needs_its_day_and_its_term() -> None:
    assert events({"date": DAY, "term": ""}) == ((), ["row 1: term: missing; every row needs one"])
    assert events({"date": "", "term": "x"}) == ((), ["row 1: date: missing; every row needs one"])


def test_a_number_as_a_name_keeps_its_digits() -> None:
    (event,), _ = events({"date": DAY, "term": "x", "patient": 1.5, "episode": 2.0})
    assert (event.patient, event.episode) == ("1.5", "2")


def test_every_row_has_its_place() -> None:
    with pytest.raises(ValueError, match=r"argument 2 is longer"):
        forms_from_rows([{"date": DAY}], ITEMS, [], Problems())
    with pytest.raises(ValueError, match=r"argument 2 is longer"):
        events_from_rows([{"date": DAY, "term": "x"}], [], Problems())
