"""Three-valued logic, calendar months and washouts, on rules made by hand."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.eligibility.logic import Answer, answer, months_after, washout_end
from emboplan.errors import InputError
from emboplan.model.patient import Fact, FactValue, PatientFacts
from emboplan.model.protocol import (
    AllOf,
    Always,
    AnyOf,
    Compares,
    FactDefinition,
    FactKind,
    IfThen,
    Is,
    Not,
    Operator,
    Rule,
    Washout,
)

A, B = (FactDefinition(name, FactKind.BOOLEAN, "a test") for name in "ab")
RULE_A, RULE_B = Is(A, (True,)), Is(B, (True,))
TRUTHS = (True, None, False)


def facts(a: bool | None, b: bool | None) -> PatientFacts:
    return PatientFacts({name: Fact(value) for name, value in (("a", a), ("b", b)) if value is not None})


def holds(rule: Rule, a: bool | None, b: bool | None) -> bool | None:
    return answer(rule, facts(a, b)).holds


def test_kleene_and() -> None:
    expected = [True, None, False, None, None, False, False, False, False]
    assert expected == [holds(AllOf((RULE_A, RULE_B)), a, b) for a in TRUTHS for b in TRUTHS]


def test_kleene_or() -> None:
    expected = [True, True, True, True, None, None, True, None, False]
    assert expected == [holds(AnyOf((RULE_A, RULE_B)), a, b) for a in TRUTHS for b in TRUTHS]


def test_kleene_not() -> None:
    assert [holds(Not(RULE_A), a, None) for a in TRUTHS] == [False, None, True]


def test_kleene_implication() -> None:
    expected = [True, None, False, True, None, None, True, True, True]
    assert expected == [holds(IfThen(RULE_A, RULE_B), a, b) for a in TRUTHS for b in TRUTHS]


def test_always() -> None:
    assert answer(Always(), PatientFacts()) == Answer(holds=True)


@given(a=st.sampled_from(TRUTHS), b=st.sampled_from(TRUTHS))
def test_de_morgan(a: bool | None, b: bool | None) -> None:
    either = answer(Not(AnyOf((RULE_A, RULE_B))), facts(a, b))
    assert either == answer(AllOf((Not(RULE_A), Not(RULE_B))), facts(a, b))


@given(a=st.sampled_from(TRUTHS), b=st.sampled_from(TRUTHS))
def test_learning_a_fact_never_overturns_an_answer(a: bool | None, b: bool | None) -> None:
    for rule in (AllOf((RULE_A, RULE_B)), AnyOf((RULE_A, RULE_B)), IfThen(RULE_A, RULE_B)):
        before = holds(rule, a, b)
        if before is not None:
            told = [
                holds(rule, x, y)
                for x in TRUTHS[::2]
                for y in TRUTHS[::2]
                if a in (None, x) and b in (None, y)
            ]
            assert {before} == set(told)


@pytest.mark.parametrize("number", [0, 1])
def test_a_comparison_turned_round_turns_what_it_decides(number: int) -> None:
    """ "not (a and x >= 1)" where a holds: it turns with x, whichever way x answers."""
    compares = Compares(FactDefinition("x", FactKind.NUMBER, "a test"), Operator.AT_LEAST, Decimal(1))
    rule = Not(AllOf((RULE_A, compares)))
    known = PatientFacts({"a": Fact(value=True), "x": Fact(Decimal(number))})
    assert answer(rule, known) == Answer(holds=number == 0)
    assert answer(rule, known, inverted=compares) == Answer(holds=number == 1)


def test_missing_names_what_would_settle() -> None:
    both = frozenset("ab")
    assert both == answer(AllOf((RULE_A, RULE_B)), facts(None, None)).missing
    assert frozenset("b") == answer(AllOf((RULE_A, RULE_B)), facts(True, None)).missing
    assert frozenset() == answer(AllOf((RULE_A, RULE_B)), facts(False, None)).missing
    assert both == answer(AnyOf((RULE_A, RULE_B)), facts(None, None)).missing
    assert frozenset("b") == answer(AnyOf((RULE_A, RULE_B)), facts(False, None)).missing
    assert frozenset() == answer(AnyOf((RULE_A, RULE_B)), facts(True, None)).missing
    assert frozenset("a") == answer(IfThen(RULE_A, RULE_B), facts(None, None)).missing
    assert frozenset("b") == answer(IfThen(RULE_A, RULE_B), facts(True, None)).missing


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        (date(2026, 4, 20), 1, date(2026, 5, 20)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2026, 12, 1), 12, date(2027, 12, 1)),
        (date(2026, 5, 20), 0, date(2026, 5, 20)),
    ],
)
def test_calendar_months(start: date, months: int, expected: date) -> None:
    assert expected == months_after(start, months)


GIVEN = FactDefinition("given", FactKind.BOOLEAN, "a test")
LAST, ENTRY_DAY = (FactDefinition(name, FactKind.DATE, "a test") for name in ("last", "entry"))


def washout(*, days: int = 0, months: int = 0) -> Washout:
    return Washout(GIVEN, LAST, ENTRY_DAY, days, months)


def test_the_end_of_a_washout() -> None:
    """28 days after 22 April are 20 May; one calendar month after 31 January ends with February."""
    assert washout_end(washout(days=28), date(2026, 4, 22)) == date(2026, 5, 20)
    assert washout_end(washout(months=1), date(2026, 1, 31)) == date(2026, 2, 28)


@pytest.mark.parametrize("span", [{"days": 1}, {"months": 1}])
def test_a_washout_beyond_the_last_year_ends_with_it(span: dict[str, int]) -> None:
    assert washout_end(washout(**span), date(9999, 12, 31)) == date.max


EARLY, LATE, ENTRY = date(2026, 4, 22), date(2026, 4, 23), date(2026, 5, 20)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, Answer(None, frozenset({"given"}))),
        ({"entry": ENTRY}, Answer(None, frozenset({"given"}))),
        ({"given": False}, Answer(holds=True)),
        ({"given": True}, Answer(None, frozenset({"last", "entry"}))),
        ({"given": True, "entry": ENTRY}, Answer(None, frozenset({"last"}))),
        ({"given": True, "last": EARLY}, Answer(None, frozenset({"entry"}))),
        ({"last": EARLY, "entry": ENTRY}, Answer(holds=True)),
        ({"given": True, "last": EARLY, "entry": ENTRY}, Answer(holds=True)),
        ({"given": True, "last": LATE, "entry": ENTRY}, Answer(holds=False)),
    ],
)
def test_a_washout_of_28_days(known: dict[str, FactValue], expected: Answer) -> None:
    """22 April is 28 days before 20 May, 23 April is 27; a date says that the treatment was given."""
    facts = PatientFacts({name: Fact(value) for name, value in known.items()})
    assert expected == answer(washout(days=28), facts)


@pytest.mark.parametrize("wrong", ["last", "entry"])
def test_a_washout_without_dates_is_refused(wrong: str) -> None:
    known = {"last": Fact(EARLY), "entry": Fact(ENTRY), wrong: Fact("soon")}
    with pytest.raises(InputError, match=r"last, entry: found .*soon.*; expected dates"):
        answer(washout(days=28), PatientFacts(known))
