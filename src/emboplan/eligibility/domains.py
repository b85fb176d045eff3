"""What each fact may come to be: its values cut into the few pieces that a protocol's rules can tell apart.

A number is cut at the limits that the protocol compares it with, a date of study entry at the days on which
washouts end. A piece is addressed by its index; `ABSENT` stands for a fact that is not known. A known fact
may reach another piece only where the dictionary says that it may change; a date of entry only a later one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

from emboplan.model.patient import FactValue, LabValue
from emboplan.model.protocol import Change, FactDefinition, FactKind

ABSENT = -1

RECENT, LONG_AGO = 0, 1
"""The pieces of a last date that is not known: not yet, and long enough before entry."""

ANY_DAY = date(2000, 1, 1)
"""An example of a date of entry where no washout tells one day from another."""

NEARBY = 10
"""An example beyond the last limit lies a tenth of it off, not anywhere."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Values that no rule tells apart: a single answer, or the numbers or days between two bounds.

    `low` and `high` are in the canonical unit, None where there is no bound; a piece of one number has both
    the same. `example` is a value of it.
    """

    example: FactValue
    low: Fraction | None = None
    high: Fraction | None = None

    @property
    def is_point(self) -> bool:
        """Whether it is one number."""
        return self.low is not None and self.low == self.high


@dataclass(frozen=True, slots=True)
class Domain:
    """The pieces of one fact, where it is now, and which pieces it may come to."""

    fact: FactDefinition
    pieces: tuple[Piece, ...]
    now: int
    reachable: frozenset[int]

    def which(self, accepted: Sequence[bool]) -> frozenset[int]:
        """The reachable pieces among the accepted ones."""
        return frozenset(index for index, holds in enumerate(accepted) if holds) & self.reachable


def answers(fact: FactDefinition, now: FactValue | None) -> Domain:
    """The domain of a yes-or-no fact or of a choice."""
    values: list[FactValue] = [False, True] if fact.kind is FactKind.BOOLEAN else [*fact.choices]
    if now is not None and now not in values:
        values.append(now)
    pieces = tuple(Piece(value) for value in values)
    return _domain(fact, pieces, ABSENT if now is None else values.index(now))


def numbers(fact: FactDefinition, now: Fraction | None, limits: Sequence[Fraction]) -> Domain:
    """The domain of a number, cut at the limits; `now` is in the canonical unit."""
    low, high = _bounds(fact)
    pieces: list[Piece] = []
    for left, right in pairwise([None, *sorted(set(limits)), None]):
        if left is not None and _within(left, low, high) and _may_be(fact, left):
            pieces.append(Piece(_number(fact, left), left, left))
        between = _between(fact, left, right, low, high)
        if between is not None:
            pieces.append(Piece(_number(fact, between), left, right))
    position = ABSENT
    if now is not None:
        holding = [index for index, piece in enumerate(pieces) if _holds(piece, now)]
        if not holding:  # a confirmed value beyond what is plausible
            pieces.append(Piece(_number(fact, now), now, now))
        position = holding[0] if holding else len(pieces) - 1
    return _domain(fact, tuple(pieces), position)


def entry_days(fact: FactDefinition, now: date | None, ends: Sequence[date]) -> Domain:
    """The domain of the date of study entry, cut where washouts end; it can only be put off."""
    days = sorted(set(ends))
    starts = [days[0] - timedelta(days=1), *days] if days else [now or ANY_DAY]
    pieces = tuple(Piece(day) for day in starts)
    if now is None:
        return _domain(fact, pieces, ABSENT)
    position = sum(day <= now for day in days)
    later = range(position, len(pieces)) if fact.change is Change.WAIT else [position]
    return Domain(fact, pieces, position, frozenset(later))


def last_date(fact: FactDefinition, *, known: bool, asked: bool) -> Domain:
    """The domain of a date of last treatment: kept where it is known, open where it is asked for."""
    pieces = (Piece(ANY_DAY), Piece(date.min))
    if known:
        return Domain(fact, pieces, LONG_AGO, frozenset({LONG_AGO}))
    reachable = frozenset({RECENT, LONG_AGO, ABSENT}) if asked else frozenset({ABSENT})
    return Domain(fact, pieces, ABSENT, reachable)


def _domain(fact: FactDefinition, pieces: tuple[Piece, ...], now: int) -> Domain:
    every = frozenset(range(len(pieces)))
    if now == ABSENT:
        return Domain(fact, pieces, now, every | {ABSENT})
    return Domain(fact, pieces, now, frozenset({now}) if fact.change is Change.FIXED else every)


def _bounds(fact: FactDefinition) -> tuple[Fraction | None, Fraction | None]:
    """The narrowest bounds that the definition gives: possible, and plausible."""
    lows = [fact.minimum, fact.plausible[0] if fact.plausible else None]
    highs = [fact.maximum, fact.plausible[1] if fact.plausible else None]
    low = max((Fraction(bound) for bound in lows if bound is not None), default=None)
    high = min((Fraction(bound) for bound in highs if bound is not None), default=None)
    return low, high


def _within(value: Fraction, low: Fraction | None, high: Fraction | None) -> bool:
    return (low is None or low <= value) and (high is None or value <= high)


def _may_be(fact: FactDefinition, value: Fraction) -> bool:
    return fact.kind is not FactKind.INTEGER or value.denominator == 1


def _between(
    fact: FactDefinition,
    left: Fraction | None,
    right: Fraction | None,
    low: Fraction | None,
    high: Fraction | None,
) -> Fraction | None:
    """A number strictly between the two limits and within the bounds, None where there is none."""
    start = max((bound for bound in (left, low) if bound is not None), default=None)
    end = min((bound for bound in (right, high) if bound is not None), default=None)
    start_open, end_open = start == left, end == right
    if start is not None and end is not None and (start > end or (start == end and (start_open or end_open))):
        return None
    if fact.kind is FactKind.INTEGER:
        return _whole_between(start, end, start_open=start_open, end_open=end_open)
    if start is None:
        return Fraction(0) if end is None else end - 1
    if end is None:
        return start + 1
    middle = (start + end) / 2
    if left is not None and right is None:
        return min(middle, start + abs(start) / NEARBY if start else middle)
    if right is not None and left is None:
        return max(middle, end - abs(end) / NEARBY if end else middle)
    return middle


def _whole_between(
    start: Fraction | None, end: Fraction | None, *, start_open: bool, end_open: bool
) -> Fraction | None:
    if start is None:
        return Fraction(0 if end is None else ceil(end) - 1 if end_open else floor(end))
    first = floor(start) + 1 if start_open else ceil(start)
    fits = end is None or first < end or (first == end and not end_open)
    return Fraction(first) if fits else None


def _holds(piece: Piece, value: Fraction) -> bool:
    if piece.is_point:
        return value == piece.low
    return (piece.low is None or piece.low < value) and (piece.high is None or value < piece.high)


def _number(fact: FactDefinition, value: Fraction) -> FactValue:
    """The number as the fact takes it; limits and means of limits have few digits and stay exact."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return LabValue(exact, fact.unit or "") if fact.kind is FactKind.LAB else exact
