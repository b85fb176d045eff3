"""What a reader of a verdict must know beside it: remarks of a protocol, of a criterion, and on a number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from emboplan.eligibility.logic import answer
from emboplan.eligibility.reading import plain, read_number
from emboplan.eligibility.wording import deciding, exact_limit, leaves
from emboplan.model.patient import LabValue, PatientFacts
from emboplan.model.protocol import (
    Compares,
    Criterion,
    CriterionKind,
    FlagRule,
    Protocol,
    Rule,
    Stage,
)
from emboplan.model.results.eligibility import Flag

STAGE_FACT = "assessment_stage"

REMARKS_ONLY = (CriterionKind.ADVISORY, CriterionKind.PROCESS)
"""Kinds that are no part of a verdict."""


def protocol_flags(protocol: Protocol, *, stage_stated: bool) -> Iterator[Flag]:
    """What is to be said of every verdict of this protocol."""
    if protocol.variant is not None:
        it = protocol.variant
        yield Flag(
            "protocol-variant", None, f"{it.title} ({it.status}; {it.source}), not the document itself."
        )
    if not protocol.source_complete:
        yield Flag(
            "source-incomplete",
            None,
            "The document does not state all criteria of the trial. The verdict covers the stated ones only: "
            '"eligible" reads "meets all stated criteria; source incomplete".',
        )
    if not stage_stated and any(criterion.deferred_at for criterion in protocol.criteria):
        yield Flag("stage-assumed", None, f"{STAGE_FACT} is not known; {Stage.PRE_TREATMENT} was assumed.")


def raised(rules: Sequence[FlagRule], criterion: str | None, facts: PatientFacts) -> Iterator[Flag]:
    """A flag for each rule that holds, unless the reasons that it asks for are written."""
    for rule in rules:
        if answer(rule.when, facts).holds and not has_reason(rule, facts):
            yield Flag(rule.id, criterion, rule.text)


def has_reason(rule: FlagRule, facts: PatientFacts) -> bool:
    """Whether the reasons that the flag asks for are written beside its fact."""
    fact = None if rule.unless_reason is None else facts.get(rule.unless_reason.name)
    return fact is not None and fact.signed is not None and fact.signed.reason is not None


def criterion_flags(criterion: Criterion, rule: Rule, facts: PatientFacts) -> Iterator[Flag]:
    """The remarks on one criterion; `rule` is the one that decides, on a value after correction or before."""
    if criterion.kind in REMARKS_ONLY and not answer(rule, facts).holds:
        yield Flag(criterion.kind.value, criterion.id, criterion.text)
    yield from raised(criterion.flags, criterion.id, facts)
    for leaf in leaves(rule):
        if isinstance(leaf, Compares):
            yield from number_flags(criterion, rule, leaf, facts)


def number_flags(criterion: Criterion, rule: Rule, leaf: Compares, facts: PatientFacts) -> Iterator[Flag]:
    """Remarks on one number: near its limit, without a limit of normal, or read in two ways that disagree."""
    fact, reading = deciding(leaf, facts)
    limit = f"{leaf.operator} {plain(leaf.limit)} {leaf.unit or ''}".rstrip()
    known = facts.get(fact.name)
    if reading is None and known is not None and isinstance(known.value, LabValue):
        yield Flag(
            "upper-limit-missing",
            criterion.id,
            f"{fact.name} is in {known.value.unit} without the laboratory's upper limit of normal (uln).",
        )
    if reading is not None and reading.interval is not None:
        low, high = reading.interval
        decides = answer(rule, facts).holds != answer(rule, facts, inverted=leaf).holds
        if low <= exact_limit(leaf) <= high and decides:
            yield Flag(
                "borderline",
                criterion.id,
                f"{fact.name} is {float(reading.value):.1f} with a 95 % interval from {float(low):.1f} to "
                f"{float(high):.1f}, which holds the limit ({limit}); the verdict stands.",
            )
    if fact is not leaf.fact and reading is not None:
        other = read_number(leaf.fact, facts)
        computed = replace(leaf, preferred=None)
        if other is not None and answer(leaf, facts).holds != answer(computed, facts).holds:
            yield Flag(
                "visual-burden",
                criterion.id,
                f"{fact.name} ({reading.shown}) was used; it falls on the other side "
                f"of the limit ({limit}) than {leaf.fact.name} ({other.shown}).",
            )
