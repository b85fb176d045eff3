"""What would make a patient eligible: the smallest sets of facts that would have to be known, or be others.

Only what may change is proposed: a fact that is not known may be found out, a laboratory value may be
measured again, or corrected where the document allows it, a washout may be waited for, and a condition or a
decision may become another one where the dictionary of facts says so. Histology, age and history stay as they
are. A set is smallest if no part of it would do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction

from emboplan.eligibility.domains import ABSENT, Domain, answers, entry_days, last_date, numbers
from emboplan.eligibility.evaluate import evaluate
from emboplan.eligibility.flags import STAGE_FACT
from emboplan.eligibility.logic import washout_end
from emboplan.eligibility.needed import describe
from emboplan.eligibility.reading import read_number
from emboplan.eligibility.ways import Box, Ways
from emboplan.eligibility.wording import exact_limit, leaves
from emboplan.model.patient import Fact, PatientFacts
from emboplan.model.protocol import (
    Compares,
    Criterion,
    FactDefinition,
    FactKind,
    Is,
    Protocol,
    Washout,
)
from emboplan.model.results.eligibility import CriterionStatus, Verdict, WhatWouldChange

_NUMERIC = (FactKind.NUMBER, FactKind.INTEGER, FactKind.LAB)


def what_would_change(
    facts: PatientFacts, protocol: Protocol, *, stage: str | None = None
) -> WhatWouldChange:
    """The smallest sets of facts that would make this patient eligible; none where the patient is already.

    `stage` as in `evaluate`. Criteria that are deferred at that stage ask for nothing.

    Raises:
        InputError: if the stage is none of the two.
        UnitError: if a laboratory value carries a unit that its fact does not know.
    """
    result = evaluate(protocol, facts, stage=stage)
    if result.verdict is Verdict.ELIGIBLE:
        return WhatWouldChange(protocol.name, result.stage, result.verdict, (), ())
    facts = PatientFacts({**facts.known, STAGE_FACT: Fact(result.stage)})
    judged = {it.id: it.status for it in result.criteria if it.status is not CriterionStatus.DEFERRED}
    criteria = [it for it in protocol.criteria if it.id in judged]
    ways = Ways(_domains(criteria, facts), _known_dates(facts))
    each = {it.id: ways.of_criterion(it) for it in criteria}
    open_criteria = [it for it in criteria if judged[it.id] is not CriterionStatus.PASS]
    smallest = _smallest(ways, ways.both(each.values()))
    return WhatWouldChange(
        protocol=protocol.name,
        stage=result.stage,
        verdict=result.verdict,
        sets=tuple(describe(box, changed, ways, facts, open_criteria) for changed, box in smallest),
        blocked=tuple(sorted(name for name, boxes in each.items() if not boxes)),
        complete=ways.complete,
    )


def _smallest(ways: Ways, boxes: Sequence[Box]) -> list[tuple[frozenset[str], Box]]:
    """The boxes whose changes hold no other box's changes, the fewest changes first; one for each set."""
    found: dict[frozenset[str], Box] = {}
    for whole in boxes:
        changed = ways.changed(whole)
        # What is not changed lies where the box wants it: only the changes tell two boxes apart.
        box = {name: whole[name] for name in changed}
        held = found.get(changed)
        found[changed] = box if held is None else _joined(held, box)
    return sorted(
        ((changed, box) for changed, box in found.items() if not any(other < changed for other in found)),
        key=lambda item: (len(item[0]), sorted(item[0])),
    )


def _joined(one: Box, other: Box) -> Box:
    """Both boxes over the same facts as one where they differ in at most one of them, else the first."""
    differing = [name for name in one if one[name] != other[name]]
    if len(differing) != 1:
        return one
    (name,) = differing
    return {**one, name: one[name] | other[name]}


def _known_dates(facts: PatientFacts) -> dict[str, date]:
    return {name: fact.value for name, fact in facts.known.items() if isinstance(fact.value, date)}


def _domains(criteria: Sequence[Criterion], facts: PatientFacts) -> Mapping[str, Domain]:
    """The domain of every fact that the criteria ask for."""
    domains: dict[str, Domain] = {}
    kept = _kept_as_measured(criteria)
    for fact in _asked(criteria):
        if fact.kind in _NUMERIC:
            domain = numbers(fact, _now(fact, facts), list(_limits(fact, criteria)))
            if fact.name in kept and domain.now != ABSENT:
                domain = Domain(fact, domain.pieces, domain.now, frozenset({domain.now}))
            domains[fact.name] = domain
        else:
            known = facts.get(fact.name)
            domains[fact.name] = answers(fact, None if known is None else known.value)
    _after_correction(criteria, facts, domains)
    domains.update(_dates(criteria, facts))
    return domains


def _asked(criteria: Sequence[Criterion]) -> Iterator[FactDefinition]:
    for criterion in criteria:
        if criterion.corrected is not None:
            yield criterion.corrected
        for leaf in leaves(criterion.pass_when):
            yield leaf.given if isinstance(leaf, Washout) else leaf.fact
            if isinstance(leaf, Compares) and leaf.preferred is not None:
                yield leaf.preferred


def _now(fact: FactDefinition, facts: PatientFacts) -> Fraction | None:
    reading = read_number(fact, facts)
    return None if reading is None else reading.value


def _limits(fact: FactDefinition, criteria: Sequence[Criterion]) -> Iterator[Fraction]:
    """Every number that the criteria set this fact beside, in its canonical unit."""
    for criterion in criteria:
        for leaf in leaves(criterion.pass_when):
            if isinstance(leaf, Compares) and fact.name in {
                leaf.fact.name,
                leaf.preferred and leaf.preferred.name,
                criterion.corrected and criterion.corrected.name,
            }:
                yield exact_limit(leaf)
            elif isinstance(leaf, Is) and leaf.fact.name == fact.name:
                yield from (Fraction(answer) for answer in leaf.accepted if not isinstance(answer, str))


def _kept_as_measured(criteria: Sequence[Criterion]) -> set[str]:
    """Values that are corrected, not measured again: every criterion that asks for them allows correction."""
    corrected = {
        leaf.fact.name
        for it in criteria
        if it.corrected is not None
        for leaf in leaves(it.pass_when)
        if isinstance(leaf, Compares)
    }
    plainly = {
        leaf.fact.name
        for it in criteria
        if it.corrected is None
        for leaf in leaves(it.pass_when)
        if isinstance(leaf, Compares | Is)
    }
    return corrected - plainly


def _after_correction(criteria: Sequence[Criterion], facts: PatientFacts, domains: dict[str, Domain]) -> None:
    """A value after correction is asked for only where one before it is known."""
    for criterion in criteria:
        rule, after = criterion.pass_when, criterion.corrected
        if after is not None and isinstance(rule, Compares) and _now(rule.fact, facts) is None:
            domain = domains[after.name]
            if domain.now == ABSENT:
                domains[after.name] = Domain(after, domain.pieces, domain.now, frozenset({domain.now}))


def _dates(criteria: Sequence[Criterion], facts: PatientFacts) -> Mapping[str, Domain]:
    washouts = [leaf for it in criteria for leaf in leaves(it.pass_when) if isinstance(leaf, Washout)]
    known = _known_dates(facts)
    domains = {}
    for washout in washouts:
        given = facts.get(washout.given.name)
        asked = given is not None and given.value is True
        domains[washout.last.name] = last_date(washout.last, known=washout.last.name in known, asked=asked)
        ends = [
            washout_end(it, known[it.last.name])
            for it in washouts
            if it.last.name in known and it.entry.name == washout.entry.name
        ]
        domains[washout.entry.name] = entry_days(washout.entry, known.get(washout.entry.name), ends)
    return domains
