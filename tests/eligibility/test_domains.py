"""What facts may come to be: pieces by hand, and against every value that lies in them."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.eligibility.domains import (
    ABSENT,
    ANY_DAY,
    Domain,
    Piece,
    answers,
    entry_days,
    last_date,
    numbers,
)
from emboplan.model.patient import LabValue
from emboplan.model.protocol import Change, FactDefinition, FactKind


def fact(kind: FactKind = FactKind.NUMBER, change: Change = Change.REPEAT, **more: Any) -> FactDefinition:
    return FactDefinition("x", kind, "a test", change=change, **more)


def cut(definition: FactDefinition, *limits: str, now: str | None = None) -> Domain:
    return numbers(definition, None if now is None else Fraction(now), [Fraction(it) for it in limits])


def said(domain: Domain) -> list[tuple[str, str, str]]:
    """Example and bounds of each piece, as text."""
    return [(str(it.example), str(it.low or "-"), str(it.high or "-")) for it in domain.pieces]


def test_a_number_is_cut_at_its_limits() -> None:
    found = cut(fact(), "2", "1", "2")
    assert said(found) == [
        ("0", "-", "1"), ("1", "1", "1"), ("1.5", "1", "2"), ("2", "2", "2"), ("3", "2", "-")
    ]  # fmt: skip
    assert (found.now, set(found.reachable)) == (ABSENT, {0, 1, 2, 3, 4, ABSENT})
    assert len(found.reachable) == 6
    assert said(cut(fact())) == [("0", "-", "-")]


@pytest.mark.parametrize(
    ("bounds", "limits", "examples"),
    [
        # A tenth beyond the outer limits, but no further than half way to the bound.
        ({"plausible": (Decimal("0.5"), Decimal(10))}, ["1", "2"], ["0.9", "1", "1.5", "2", "2.2"]),
        ({"minimum": Decimal(-4), "maximum": Decimal(8)}, ["0"], ["-2", "0", "4"]),
        ({"minimum": Decimal(-9), "maximum": Decimal(9)}, ["-2"], ["-2.2", "-2", "-1.8"]),
        # The narrower one of what is possible and what is plausible.
        ({"minimum": Decimal(0), "plausible": (Decimal(1), Decimal(8)), "maximum": Decimal(9)},
         ["1.2", "7.8"], ["1.1", "1.2", "4.5", "7.8", "7.9"]),
        ({"minimum": Decimal(1), "plausible": (Decimal(0), Decimal(9)), "maximum": Decimal(8)},
         ["1.2", "7.8"], ["1.1", "1.2", "4.5", "7.8", "7.9"]),
        # One bound alone.
        ({"minimum": Decimal(3)}, ["5"], ["4.5", "5", "6"]),
        ({"maximum": Decimal(8)}, ["5"], ["4", "5", "5.5"]),
        ({"minimum": Decimal(3)}, [], ["4"]),
        ({"maximum": Decimal(3)}, [], ["2"]),
        ({"minimum": Decimal(2), "maximum": Decimal(8)}, [], ["5"]),
        # Limits at a bound and beyond it.
        ({"minimum": Decimal(1)}, ["1"], ["1", "2"]),
        ({"maximum": Decimal(1)}, ["1"], ["0", "1"]),
        ({"minimum": Decimal(1), "maximum": Decimal(3)}, ["1", "3"], ["1", "2", "3"]),
        ({"maximum": Decimal(3)}, ["5"], ["2"]),
        ({"minimum": Decimal(3)}, ["1"], ["4"]),
        ({"minimum": Decimal(0), "maximum": Decimal(3)}, ["5"], ["2.7"]),
        ({"minimum": Decimal(5), "maximum": Decimal(10)}, ["2"], ["5.5"]),
        ({"minimum": Decimal(0), "maximum": Decimal(0)}, ["0.5"], ["0"]),
        ({"minimum": Decimal(2), "maximum": Decimal(2)}, ["1", "3"], ["2"]),
        ({"minimum": Decimal(2), "maximum": Decimal(2)}, ["2"], ["2"]),
    ],
)  # fmt: skip
def test_examples_lie_between_the_bounds(
    bounds: dict[str, Any], limits: list[str], examples: list[str]
) -> None:
    assert [str(it.example) for it in cut(fact(**bounds), *limits).pieces] == examples


@pytest.mark.parametrize(
    ("bounds", "limits", "examples"),
    [
        ({"minimum": Decimal(1), "maximum": Decimal(3)}, ["1", "2"], ["1", "2", "3"]),
        ({"minimum": Decimal(0), "maximum": Decimal(5)}, ["2"], ["0", "2", "3"]),
        ({"minimum": Decimal(0), "maximum": Decimal(3)}, ["1", "3"], ["0", "1", "2", "3"]),
        ({}, [], ["0"]),
        ({}, ["4"], ["3", "4", "5"]),
        ({}, ["1.5"], ["1", "2"]),  # half a point is no whole number
        ({"maximum": Decimal("2.5")}, [], ["2"]),
        ({"maximum": Decimal(3)}, [], ["3"]),
        ({"minimum": Decimal("0.5")}, [], ["1"]),
        ({"minimum": Decimal("0.2"), "maximum": Decimal("0.8")}, [], []),
    ],
)
def test_a_whole_number_stays_one(bounds: dict[str, Any], limits: list[str], examples: list[str]) -> None:
    assert [str(it.example) for it in cut(fact(FactKind.INTEGER, **bounds), *limits).pieces] == examples


def test_where_a_number_is_now() -> None:
    places = {now: cut(fact(), "1", "2", now=now).now for now in ("0", "1", "1.5", "2", "3")}
    assert places == {"0": 0, "1": 1, "1.5": 2, "2": 3, "3": 4}
    assert cut(fact(), "1", now="0").reachable == {0, 1, 2}
    assert cut(fact(change=Change.FIXED), "1", now="0").reachable == {0}


@pytest.mark.parametrize("now", ["3", "5"])
def test_a_confirmed_value_below_what_is_plausible_lies_on_its_side_of_a_limit(now: str) -> None:
    """The limit 5 lies below the bound: of its pieces only the one above it is there, which holds neither."""
    found = cut(fact(plausible=(Decimal(10), Decimal(20))), "5", now=now)
    assert said(found)[found.now] == (now, now, now)


def test_a_confirmed_value_beyond_what_is_plausible_is_a_piece_of_its_own() -> None:
    """The limit 7 lies beyond the bound, so that its piece is not there."""
    found = cut(fact(maximum=Decimal(5)), "1", "7", now="8")
    assert said(found)[-1] == ("8", "8", "8")
    assert (found.now, found.reachable) == (len(found.pieces) - 1, frozenset(range(len(found.pieces))))


def test_a_laboratory_value_is_in_its_canonical_unit() -> None:
    found = cut(fact(FactKind.LAB, unit="g/dL"), "2")
    assert [it.example for it in found.pieces] == [LabValue(Decimal(n), "g/dL") for n in (1, 2, 3)]
    assert cut(fact(FactKind.LAB)).pieces[0].example == LabValue(Decimal(0), "")


bound = st.none() | st.integers(-6, 6).map(Decimal)


@given(
    kind=st.sampled_from([FactKind.NUMBER, FactKind.INTEGER]),
    low=bound,
    high=bound,
    limits=st.lists(st.integers(-12, 12).map(lambda it: Fraction(it, 2)), max_size=4),
)
def test_every_value_lies_in_the_one_piece_that_answers_as_it_does(
    kind: FactKind, low: Decimal | None, high: Decimal | None, limits: Sequence[Fraction]
) -> None:
    """Quarters from -20 to 20, with which each limit is compared."""

    def told(value: Fraction) -> tuple[int, ...]:
        return tuple((value > it) - (value < it) for it in limits)

    found = numbers(fact(kind, minimum=low, maximum=high), None, limits).pieces
    step = 1 if kind is FactKind.INTEGER else 4
    values = [Fraction(n, step) for n in range(-20 * step, 20 * step + 1)]
    values = [it for it in values if (low is None or low <= it) and (high is None or it <= high)]
    examples = [Fraction(str(piece.example)) for piece in found]
    assert {told(it) for it in examples} == {told(it) for it in values}
    assert len({told(it) for it in examples}) == len(examples)
    assert all((low is None or low <= it) and (high is None or it <= high) for it in examples)


def test_without_bounds_a_piece_is_no_point() -> None:
    assert not Piece(Decimal(0)).is_point
    assert not Piece(Decimal(0), None, Fraction(1)).is_point
    assert not Piece(Decimal(2), Fraction(1), Fraction(3)).is_point
    assert Piece(Decimal(1), Fraction(1), Fraction(1)).is_point


def test_answers_of_a_question_and_of_a_choice() -> None:
    unknown = answers(fact(FactKind.BOOLEAN), None)
    assert ([it.example for it in unknown.pieces], unknown.now) == ([False, True], ABSENT)
    assert unknown.reachable == {0, 1, ABSENT}
    choice = fact(FactKind.CHOICE, choices=("a", "b"))
    known = answers(choice, "b")
    assert ([it.example for it in known.pieces], known.now, set(known.reachable)) == (["a", "b"], 1, {0, 1})
    odd = answers(choice, "c")
    assert ([it.example for it in odd.pieces], odd.now) == (["a", "b", "c"], 2)
    assert answers(fact(FactKind.BOOLEAN, Change.FIXED), True).reachable == {1}
    assert unknown.which([False, True]) == {1}


ENDS = [date(2026, 3, 1), date(2026, 2, 1), date(2026, 3, 1)]
STARTS = [date(2026, 1, 31), date(2026, 2, 1), date(2026, 3, 1)]


@pytest.mark.parametrize(
    ("now", "place"),
    [
        (date(2026, 1, 31), 0), (date(2026, 2, 1), 1), (date(2026, 2, 28), 1), (date(2026, 3, 1), 2),
        (date(2026, 4, 1), 2),
    ],
)  # fmt: skip
def test_a_day_of_entry_can_only_be_put_off(now: date, place: int) -> None:
    found = entry_days(fact(FactKind.DATE, Change.WAIT), now, ENDS)
    assert [it.example for it in found.pieces] == STARTS
    assert (found.now, found.reachable) == (place, frozenset(range(place, 3)))
    assert entry_days(fact(FactKind.DATE, Change.FIXED), now, ENDS).reachable == {place}


def test_a_day_of_entry_that_is_not_known_may_be_any() -> None:
    found = entry_days(fact(FactKind.DATE, Change.WAIT), None, ENDS)
    assert (found.now, set(found.reachable)) == (ABSENT, {0, 1, 2, ABSENT})
    free = entry_days(fact(FactKind.DATE, Change.WAIT), None, [])
    assert [it.example for it in free.pieces] == [ANY_DAY]
    kept = entry_days(fact(FactKind.DATE, Change.WAIT), ENDS[0], [])
    assert ([it.example for it in kept.pieces], kept.now, set(kept.reachable)) == ([ENDS[0]], 0, {0})


@pytest.mark.parametrize(
    ("known", "asked", "now", "reachable"),
    [
        (True, False, 1, {1}),
        (True, True, 1, {1}),
        (False, True, ABSENT, {0, 1, ABSENT}),
        (False, False, ABSENT, {ABSENT}),
    ],
)
def test_a_last_day_is_open_where_it_is_asked_for(
    now: int, reachable: set[int], *, known: bool, asked: bool
) -> None:
    found = last_date(fact(FactKind.DATE), known=known, asked=asked)
    assert (len(found.pieces), found.now, set(found.reachable)) == (2, now, reachable)


def test_days_of_entry_come_in_their_order() -> None:
    days = [date(2026, month, 1) for month in (5, 2, 9, 3, 12, 7, 4)]
    found = entry_days(fact(FactKind.DATE, Change.WAIT), None, days)
    assert [it.example for it in found.pieces] == [date(2026, 1, 31), *sorted(days)]
