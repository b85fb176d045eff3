"""The words of a needed change: what a fact is, what it would have to be, and how it may come to be so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction

from emboplan.eligibility.domains import ABSENT, ANY_DAY, RECENT, Domain, Piece
from emboplan.eligibility.logic import months_after
from emboplan.eligibility.reading import plain, read_number, show_beside, with_unit
from emboplan.eligibility.ways import Box, Ways
from emboplan.eligibility.wording import leaves, span
from emboplan.model.patient import FactValue, LabValue, PatientFacts
from emboplan.model.protocol import Change, Compares, Criterion, FactDefinition, FactKind, Washout
from emboplan.model.results.eligibility import How, NeededFact


def describe(
    box: Box, changed: frozenset[str], ways: Ways, facts: PatientFacts, criteria: Sequence[Criterion]
) -> tuple[NeededFact, ...]:
    """The changes of one box, by name of the fact; `criteria` are those that do not pass as it stands."""
    entry = _entry(box, ways, criteria)
    return tuple(_needed(ways.domains[name], box[name], facts, criteria, entry) for name in sorted(changed))


def _entry(box: Box, ways: Ways, criteria: Sequence[Criterion]) -> Mapping[str, date]:
    """The earliest date of entry that the box allows, by the name of its fact."""
    days = {}
    for washout in _washouts(criteria):
        name = washout.entry.name
        domain = ways.domains[name]
        pieces = box.get(name)
        if pieces is None:
            if name in ways.known_dates:
                days[name] = ways.known_dates[name]
        else:
            example = domain.pieces[min(pieces)].example
            if isinstance(example, date) and example != ANY_DAY:
                days[name] = example
    return days


def _needed(
    domain: Domain,
    pieces: frozenset[int],
    facts: PatientFacts,
    criteria: Sequence[Criterion],
    entry: Mapping[str, date],
) -> NeededFact:
    fact = domain.fact
    allowed = [domain.pieces[index] for index in sorted(pieces)]
    concerned = [it for it in criteria if fact.name in _names(it)]
    text, example = _demand(domain, pieces, allowed, facts, concerned, entry)
    return NeededFact(
        fact=fact.name,
        how=_how(domain, concerned),
        now=_now(fact, facts),
        needed=text,
        criteria=tuple(sorted(it.id for it in concerned)),
        example=example,
    )


def _how(domain: Domain, concerned: Sequence[Criterion]) -> How:
    if any(it.corrected is not None and it.corrected.name == domain.fact.name for it in concerned):
        return How.CORRECT
    if domain.now == ABSENT:
        return How.FIND_OUT
    changes = {
        Change.REPEAT: How.REPEAT,
        Change.WAIT: How.WAIT,
        Change.TREAT: How.TREAT,
        Change.DECIDE: How.DECIDE,
    }
    return changes[domain.fact.change]


def _names(criterion: Criterion) -> set[str]:
    names = set() if criterion.corrected is None else {criterion.corrected.name}
    for leaf in leaves(criterion.pass_when):
        if isinstance(leaf, Washout):
            names |= {leaf.given.name, leaf.last.name, leaf.entry.name}
        else:
            names.add(leaf.fact.name)
            if isinstance(leaf, Compares) and leaf.preferred is not None:
                names.add(leaf.preferred.name)
    return names


def _washouts(criteria: Sequence[Criterion]) -> list[Washout]:
    return [leaf for it in criteria for leaf in leaves(it.pass_when) if isinstance(leaf, Washout)]


def _now(fact: FactDefinition, facts: PatientFacts) -> str | None:
    known = facts.get(fact.name)
    if fact.kind in (FactKind.NUMBER, FactKind.INTEGER, FactKind.LAB):
        reading = read_number(fact, facts)
        if reading is not None:
            return reading.shown
        if known is None or not isinstance(known.value, LabValue):
            return None
        return f"{plain(known.value.value)} {known.value.unit}, without the upper limit of normal"
    return None if known is None else _said(known.value)


def _said(value: FactValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _demand(
    domain: Domain,
    pieces: frozenset[int],
    allowed: Sequence[Piece],
    facts: PatientFacts,
    concerned: Sequence[Criterion],
    entry: Mapping[str, date],
) -> tuple[str, FactValue]:
    """What would do, in words, and a value that would."""
    fact = domain.fact
    washouts = [it for it in _washouts(concerned) if fact.name in (it.given.name, it.last.name)]
    if fact.kind is FactKind.DATE and washouts:
        return _last_date(washouts, entry, recent=pieces == {RECENT})
    if fact.kind is FactKind.DATE:
        first = allowed[0].example
        return (f"{first} or later" if first != ANY_DAY else "its date"), first
    if fact.kind in (FactKind.BOOLEAN, FactKind.CHOICE):
        said = " or ".join(_said(piece.example) for piece in allowed)
        if washouts and allowed[0].example is False:
            said += f"; or yes, with {washouts[0].last.name} {_ago(washouts, entry)}"
        return said, allowed[0].example
    return _numbers(domain, pieces, facts), _example(domain, pieces)


def _last_date(
    washouts: Sequence[Washout], entry: Mapping[str, date], *, recent: bool
) -> tuple[str, FactValue]:
    if recent:
        begins = entry.get(washouts[0].entry.name, ANY_DAY)
        return f"less than {span(washouts[0])} before {washouts[0].entry.name}", begins
    # Without a known entry the example fits the one that is proposed for it.
    day = _latest(washouts, {washouts[0].entry.name: ANY_DAY, **entry})
    return _ago(washouts, entry), day or ANY_DAY


def _ago(washouts: Sequence[Washout], entry: Mapping[str, date]) -> str:
    spans = " and ".join(dict.fromkeys(span(it) for it in washouts))
    day = _latest(washouts, entry)
    before = f"at least {spans} before {washouts[0].entry.name}"
    return before if day is None else f"{day} or earlier ({before} {entry[washouts[0].entry.name]})"


def _latest(washouts: Sequence[Washout], entry: Mapping[str, date]) -> date | None:
    """The last day of treatment that is long enough before entry, for all of the washouts."""
    begins = entry.get(washouts[0].entry.name)
    if begins is None:
        return None
    day = begins
    for it in washouts:
        latest = months_after(begins - timedelta(days=it.days), -it.months)
        # A month that has no such day ends on its last one, so that some later days do as well.
        while months_after(latest + timedelta(days=1), it.months) + timedelta(days=it.days) <= begins:
            latest += timedelta(days=1)
        day = min(day, latest)
    return day


def _numbers(domain: Domain, pieces: frozenset[int], facts: PatientFacts) -> str:
    """The numbers that would do, as one or more ranges."""
    runs: list[list[int]] = []
    for index in sorted(pieces):
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return " or ".join(_run(domain, run, facts) for run in runs)


def _run(domain: Domain, run: Sequence[int], facts: PatientFacts) -> str:
    first, last = domain.pieces[run[0]], domain.pieces[run[-1]]
    if len(run) == 1 and first.is_point and first.low is not None:
        return _amount(domain.fact, first.low, facts)
    parts = []
    if first.low is not None:
        parts.append(f"{'>=' if first.is_point else '>'} {_amount(domain.fact, first.low, facts)}")
    if last.high is not None:
        parts.append(f"{'<=' if last.is_point else '<'} {_amount(domain.fact, last.high, facts)}")
    return " and ".join(parts) or "any value"


def _amount(fact: FactDefinition, value: Fraction, facts: PatientFacts) -> str:
    """A limit in the unit of the fact, and in the unit that the patient's value was reported in."""
    text = with_unit(show_beside(value, value), fact.unit)
    known = facts.get(fact.name)
    if known is None or not isinstance(known.value, LabValue):
        return text
    lab = known.value
    unit = fact.lab_unit(lab.unit)
    if unit is None or (unit.factor == 1 and not unit.per_upper_limit):
        return text
    if not unit.per_upper_limit:
        own = value / unit.factor
    elif lab.upper_limit_of_normal is not None:
        own = value * Fraction(lab.upper_limit_of_normal)
    else:
        return text
    return f"{text} ({show_beside(own, own)} {lab.unit})"


def _example(domain: Domain, pieces: frozenset[int]) -> FactValue:
    """A value that would do; one off the limit where there is one."""
    allowed = [domain.pieces[index] for index in sorted(pieces)]
    piece = next((it for it in allowed if not it.is_point), allowed[0])
    return piece.example
