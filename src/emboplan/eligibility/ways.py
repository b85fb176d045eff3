"""The ways in which a rule comes to hold, as boxes: for each fact that matters, the pieces it may lie in.

A rule of "all", "any" and "not" over comparisons is turned into "any of these boxes". A box that asks more
than another one of the same rule is dropped. Three-valued logic needs nothing more: a rule holds exactly
where one of its boxes does, and a box holds only where each of its facts is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import chain

from emboplan.eligibility.domains import ABSENT, LONG_AGO, RECENT, Domain, Piece
from emboplan.eligibility.logic import HOLDS, washout_end
from emboplan.eligibility.wording import exact_limit
from emboplan.model.protocol import (
    AllOf,
    Always,
    AnyOf,
    Compares,
    Criterion,
    FactDefinition,
    IfThen,
    Is,
    Not,
    Rule,
    Washout,
)

Box = Mapping[str, frozenset[int]]

MOST_BOXES = 512
"""Beyond so many ways the ones that change most are left out; a protocol of a trial has a few dozen."""

_EVERYTHING: tuple[Box, ...] = ({},)


@dataclass(slots=True)
class Ways:
    """Turns rules into boxes over the domains of their facts; `complete` tells whether any were left out."""

    domains: Mapping[str, Domain]
    known_dates: Mapping[str, date]
    complete: bool = True

    def of_criterion(self, criterion: Criterion) -> Sequence[Box]:
        """The ways in which the criterion passes: on the value after correction where there is one."""
        rule, corrected = criterion.pass_when, criterion.corrected
        if isinstance(rule, Compares) and corrected is not None:
            after = self._number(rule, corrected, holds=True)
            before = self.both([self._absent(corrected), self._compares(rule, holds=True)])
            return _weakest([*after, *before])
        return self.of(rule, holds=True)

    def of(self, rule: Rule, *, holds: bool) -> Sequence[Box]:
        """The ways in which the rule holds, or surely does not."""
        match rule:
            case Always():
                return _EVERYTHING if holds else ()
            case Is(fact, accepted):
                return self._known(
                    fact, [(_answer(piece) in accepted) is holds for piece in self._pieces(fact)]
                )
            case Compares():
                return self._compares(rule, holds=holds)
            case Washout():
                return self._washout(rule, holds=holds)
            case AllOf(parts) | AnyOf(parts):
                ways = [self.of(part, holds=holds) for part in parts]
                return (
                    self.both(ways)
                    if isinstance(rule, AllOf) is holds
                    else _weakest(list(chain.from_iterable(ways)))
                )
            case Not(part):
                return self.of(part, holds=not holds)
            case IfThen(condition, consequence):
                if holds:
                    return _weakest([*self.of(condition, holds=False), *self.of(consequence, holds=True)])
                return self.both([self.of(condition, holds=True), self.of(consequence, holds=False)])

    def both(self, ways: Iterable[Sequence[Box]]) -> Sequence[Box]:
        """The ways in which all of these hold together."""
        together: Sequence[Box] = _EVERYTHING
        for others in ways:
            met = [box for one in together for other in others if (box := _meet(one, other)) is not None]
            together = _weakest(met)
            if len(together) > MOST_BOXES:
                together = sorted(together, key=lambda box: len(self.changed(box)))[:MOST_BOXES]
                self.complete = False
        return together

    def changed(self, box: Box) -> frozenset[str]:
        """The facts that are not yet where the box wants them."""
        return frozenset(name for name, pieces in box.items() if self.domains[name].now not in pieces)

    def _pieces(self, fact: FactDefinition) -> Sequence[Piece]:
        return self.domains[fact.name].pieces

    def _known(self, fact: FactDefinition, accepted: Sequence[bool]) -> Sequence[Box]:
        """The box of one fact: known, and in one of the accepted pieces."""
        domain = self.domains[fact.name]
        pieces = domain.which(accepted)
        if not pieces:
            return ()
        return _EVERYTHING if pieces == domain.reachable else ({fact.name: pieces},)

    def _absent(self, fact: FactDefinition) -> Sequence[Box]:
        reachable = self.domains[fact.name].reachable
        if ABSENT not in reachable:
            return ()
        return _EVERYTHING if len(reachable) == 1 else ({fact.name: frozenset({ABSENT})},)

    def _number(self, rule: Compares, fact: FactDefinition, *, holds: bool) -> Sequence[Box]:
        compare, limit = HOLDS[rule.operator], exact_limit(rule)
        return self._known(fact, [compare(*_beside(piece, limit)) is holds for piece in self._pieces(fact)])

    def _compares(self, rule: Compares, *, holds: bool) -> Sequence[Box]:
        plainly = self._number(rule, rule.fact, holds=holds)
        if rule.preferred is None:
            return plainly
        instead = self.both([self._absent(rule.preferred), plainly])
        return _weakest([*self._number(rule, rule.preferred, holds=holds), *instead])

    def _washout(self, rule: Washout, *, holds: bool) -> Sequence[Box]:
        entry = self.domains[rule.entry.name]
        last = self.known_dates.get(rule.last.name)
        if last is not None:
            end = washout_end(rule, last)
            days = [
                (piece.example >= end) is holds for piece in entry.pieces if isinstance(piece.example, date)
            ]
            return self._known(rule.entry, days)
        wanted = LONG_AGO if holds else RECENT
        dated = self.both(
            [
                self._known(rule.last, [piece == wanted for piece in (RECENT, LONG_AGO)]),
                self._known(rule.entry, [True] * len(entry.pieces)),
            ]
        )
        if not holds:
            return dated
        never = self._known(rule.given, [piece.example is False for piece in self._pieces(rule.given)])
        return _weakest([*self.both([self._absent(rule.last), never]), *dated])


def _answer(piece: Piece) -> object:
    return piece.example


def _beside(piece: Piece, limit: Fraction) -> tuple[Fraction, Fraction]:
    """Two numbers that stand to each other as any value of the piece stands to the limit, which cuts none."""
    if piece.low is not None and piece.is_point:
        return piece.low, limit
    above = piece.low is not None and piece.low >= limit
    return (limit + 1, limit) if above else (limit - 1, limit)


def _meet(one: Box, other: Box) -> Box | None:
    """The box that asks what both ask, None where they exclude each other."""
    if not other:
        return one
    met = dict(one)
    for name, pieces in other.items():
        met[name] = met[name] & pieces if name in met else pieces
        if not met[name]:
            return None
    return met


def _weakest(boxes: Sequence[Box]) -> Sequence[Box]:
    """The boxes without those that ask more than another one."""
    kept: list[Box] = []
    for box in sorted(boxes, key=len):
        if not any(_asks_no_more(other, box) for other in kept):
            kept = [other for other in kept if not _asks_no_more(box, other)]
            kept.append(box)
    return kept


def _asks_no_more(one: Box, other: Box) -> bool:
    return all(name in other and other[name] <= pieces for name, pieces in one.items())
