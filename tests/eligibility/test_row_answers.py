"""Three-valued answers over columns: Kleene's tables, and which facts each row waits for."""

from itertools import product

import numpy as np
import pytest

from emboplan.eligibility.row_answers import (
    FALSE,
    TRUE,
    UNKNOWN,
    Answers,
    add,
    if_then,
    joined,
    named,
    where,
)

PAIRS = list(product((FALSE, UNKNOWN, TRUE), repeat=2))


def column(values: list[int], fact: str) -> Answers:
    truth = np.array(values)
    return Answers(truth, {fact: truth == UNKNOWN})


A = column([a for a, _ in PAIRS], "a")
B = column([b for _, b in PAIRS], "b")


def kleene(word: str, a: int, b: int) -> int:
    """The tables as they are printed: f < u < t."""
    if word == "all":
        return FALSE if FALSE in (a, b) else UNKNOWN if UNKNOWN in (a, b) else TRUE
    if word == "any":
        return TRUE if TRUE in (a, b) else UNKNOWN if UNKNOWN in (a, b) else FALSE
    return kleene("any", {FALSE: TRUE, UNKNOWN: UNKNOWN, TRUE: FALSE}[a], b)


@pytest.mark.parametrize("word", ["all", "any", "if"])
def test_the_tables(word: str) -> None:
    joins = {"all": np.minimum, "any": np.maximum}
    found = joined([A, B], joins[word]) if word in joins else if_then(A, B)
    assert found.truth.tolist() == [kleene(word, a, b) for a, b in PAIRS]
    settled = found.truth != UNKNOWN
    assert not any((marks & settled).any() for marks in found.missing.values())


def test_the_unknown_parts_of_an_open_answer_are_missing() -> None:
    found = joined([A, B], np.minimum)
    row = PAIRS.index((UNKNOWN, TRUE))
    assert [name for name, marks in found.missing.items() if marks[row]] == ["a"]
    row = PAIRS.index((UNKNOWN, UNKNOWN))
    assert [name for name, marks in found.missing.items() if marks[row]] == ["a", "b"]


def test_a_consequence_is_asked_for_only_where_the_condition_holds() -> None:
    found = if_then(A, B)
    told = {pair: [n for n, marks in found.missing.items() if marks[i]] for i, pair in enumerate(PAIRS)}
    assert told[UNKNOWN, UNKNOWN] == ["a"]
    assert told[UNKNOWN, FALSE] == ["a"]
    assert told[TRUE, UNKNOWN] == ["b"]
    assert told[FALSE, UNKNOWN] == told[UNKNOWN, TRUE] == []


def test_marks_by_name() -> None:
    marks = np.array([[True, False, True], [False, False, False]])
    assert named(marks, ["x", "y", "z"]) == [("x", "z"), ()]
    kept = {"x": np.array([True, False])}
    add(kept, {"x": np.array([False, True]), "y": np.array([True, True])})
    assert {name: rows.tolist() for name, rows in kept.items()} == {"x": [True, True], "y": [True, True]}
    only = where(np.array([False, True]), kept)
    assert {name: rows.tolist() for name, rows in only.items()} == {"x": [False, True], "y": [False, True]}
