"""The verdict of a protocol over the facts of a patient, in three-valued logic.

Each rule holds, does not hold, or cannot be told (Kleene): "all" fails with its first failing part, "any"
passes with its first passing one, and what is not known settles nothing. A fact that is not known never
passes and never fails a criterion; the verdict names the facts that would settle it.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from operator import eq, ge, gt, le, lt

from emboplan.eligibility.reading import plain, read_number
from emboplan.eligibility.wording import deciding, exact_limit, leaves, trace
from emboplan.errors import InputError
from emboplan.model.patient import Fact, LabValue, PatientFacts
from emboplan.model.protocol import (
    AllOf,
    Always,
    AnyOf,
    Compares,
    Criterion,
    CriterionKind,
    FlagRule,
    IfThen,
    Is,
    Not,
    Operator,
    Protocol,
    Rule,
    Stage,
    Washout,
)
from emboplan.model.results.eligibility import CriterionResult, CriterionStatus, Eligibility, Flag, Verdict

STAGE_FACT = "assessment_stage"

_HOLDS = {
    Operator.LESS: lt,
    Operator.AT_MOST: le,
    Operator.EQUAL: eq,
    Operator.AT_LEAST: ge,
    Operator.MORE: gt,
}
_REMARKS_ONLY = (CriterionKind.ADVISORY, CriterionKind.PROCESS)
_MONTHS_PER_YEAR = 12


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a rule holds (None: cannot be told), and then the names of the facts that would tell."""

    holds: bool | None
    missing: frozenset[str] = frozenset()


_YES, _NO = Answer(holds=True), Answer(holds=False)


def evaluate(protocol: Protocol, facts: PatientFacts, *, stage: str | None = None) -> Eligibility:
    """The verdict, with the trace of every criterion.

    `stage` ("screening" or "pre_treatment") goes before the fact `assessment_stage`; where neither is known
    the stricter pre_treatment is used, at which nothing is deferred.

    Raises:
        InputError: if the stage is none of the two.
        UnitError: if a laboratory value carries a unit that its fact does not know.
    """
    known = facts.get(STAGE_FACT)
    written = stage if stage is not None else known.value if known is not None else Stage.PRE_TREATMENT
    if written not in tuple(Stage):
        raise InputError(f'found the stage "{written}", expected {" or ".join(Stage)}')
    at = Stage(str(written))
    facts = PatientFacts({**facts.known, STAGE_FACT: Fact(at.value)})

    flags = list(_protocol_flags(protocol, facts, stage_stated=stage is not None or known is not None))
    results: list[CriterionResult] = []
    missing: set[str] = set()
    for criterion in protocol.criteria:
        flags.extend(_criterion_flags(criterion, facts))
        if criterion.kind in _REMARKS_ONLY:
            continue
        status, needed = _judge(criterion, facts, at)
        missing |= needed
        rule = _decisive_rule(criterion, facts)
        said = trace(rule, facts)
        corrected = (
            f" ({rule.fact.name})" if rule is not criterion.pass_when and isinstance(rule, Compares) else ""
        )
        results.append(
            CriterionResult(
                id=criterion.id,
                status=status,
                measured=said.measured and said.measured + corrected,
                compared=said.compared,
                operator=said.operator,
                limit=said.limit,
                text=criterion.text,
                source=criterion.source,
            )
        )
    verdict = _verdict([result.status for result in results])
    return Eligibility(
        protocol=protocol.name,
        source_complete=protocol.source_complete,
        stage=at.value,
        verdict=verdict,
        failed=_ids(results, CriterionStatus.FAIL),
        missing=tuple(sorted(missing)) if verdict is Verdict.UNDETERMINED else (),
        correctable=_ids(results, CriterionStatus.CORRECTABLE),
        deferred=_ids(results, CriterionStatus.DEFERRED),
        flags=tuple(flags),
        criteria=tuple(results),
    )


def answer(rule: Rule, facts: PatientFacts, *, inverted: Compares | None = None) -> Answer:
    """Whether the rule holds for these facts; `inverted` is a comparison whose outcome is turned round."""

    def ask(part: Rule) -> Answer:
        return answer(part, facts, inverted=inverted)

    match rule:
        case Always():
            return _YES
        case Is(fact, accepted):
            known = facts.get(fact.name)
            if known is None:
                return Answer(None, frozenset({fact.name}))
            return Answer(known.value in accepted)
        case Compares(fact, operator, _, _, _):
            _, reading = deciding(rule, facts)
            if reading is None:
                return Answer(None, frozenset({fact.name}))
            holds = bool(_HOLDS[operator](reading.value, exact_limit(rule)))
            return Answer(holds is not (rule is inverted))
        case Washout():
            return _washed_out(rule, facts)
        case AllOf(parts):
            return _all([ask(part) for part in parts])
        case AnyOf(parts):
            return _not(_all([_not(ask(part)) for part in parts]))
        case Not(part):
            return _not(ask(part))
        case IfThen(condition, consequence):
            return _if_then(ask(condition), ask(consequence))


def months_after(start: date, months: int) -> date:
    """The same day so many calendar months later, or the last day of a month that has no such day.

    >>> months_after(date(2026, 1, 31), 1)
    datetime.date(2026, 2, 28)
    """
    years, month = divmod(start.month - 1 + months, _MONTHS_PER_YEAR)
    year, month = start.year + years, month + 1
    return date(year, month, min(start.day, calendar.monthrange(year, month)[1]))


def washout_end(rule: Washout, last: date) -> date:
    """The first day of entry that is late enough after a treatment that ended on `last`."""
    try:
        return months_after(last, rule.months) + timedelta(days=rule.days)
    except (OverflowError, ValueError):  # beyond the last year of the calendar
        return date.max


def _not(part: Answer) -> Answer:
    return Answer(None if part.holds is None else not part.holds, part.missing)


def _all(parts: Sequence[Answer]) -> Answer:
    if any(part.holds is False for part in parts):
        return _NO
    open_parts = [part.missing for part in parts if part.holds is None]
    return Answer(None, frozenset().union(*open_parts)) if open_parts else _YES


def _if_then(condition: Answer, consequence: Answer) -> Answer:
    """As "not condition, or consequence"; until the condition can be told, only its own facts are missing."""
    if condition.holds is False or consequence.holds is True:
        return _YES
    return consequence if condition.holds is True else condition


def _washed_out(rule: Washout, facts: PatientFacts) -> Answer:
    """Never given, or long enough ago; a date says by itself that the treatment was given."""
    given, last, entry = (facts.get(fact.name) for fact in (rule.given, rule.last, rule.entry))
    if last is None:
        if given is None:
            return Answer(None, frozenset({rule.given.name}))
        if given.value is False:
            return _YES
    unknown = {fact.name for fact, known in ((rule.last, last), (rule.entry, entry)) if known is None}
    if last is None or entry is None:
        return Answer(None, frozenset(unknown))
    if not isinstance(last.value, date) or not isinstance(entry.value, date):
        raise InputError(
            f"{rule.last.name}, {rule.entry.name}: found {last.value}, {entry.value}; expected dates"
        )
    return Answer(entry.value >= washout_end(rule, last.value))


def _decisive_rule(criterion: Criterion, facts: PatientFacts) -> Rule:
    """The rule of the criterion, on the value after correction where one is recorded."""
    rule, corrected = criterion.pass_when, criterion.corrected
    if isinstance(rule, Compares) and corrected is not None and read_number(corrected, facts) is not None:
        return replace(rule, fact=corrected)
    return rule


def _judge(criterion: Criterion, facts: PatientFacts, stage: Stage) -> tuple[CriterionStatus, frozenset[str]]:
    if criterion.deferred_at is stage:
        return CriterionStatus.DEFERRED, frozenset()
    rule = _decisive_rule(criterion, facts)
    result = answer(rule, facts)
    if result.holds is None:
        return CriterionStatus.UNKNOWN, result.missing
    if result.holds:
        return CriterionStatus.PASS, frozenset()
    if criterion.corrected is not None and rule is criterion.pass_when:
        return CriterionStatus.CORRECTABLE, frozenset({criterion.corrected.name})
    return CriterionStatus.FAIL, frozenset()


def _verdict(statuses: Sequence[CriterionStatus]) -> Verdict:
    if CriterionStatus.FAIL in statuses:
        return Verdict.INELIGIBLE
    if CriterionStatus.UNKNOWN in statuses or CriterionStatus.CORRECTABLE in statuses:
        return Verdict.UNDETERMINED
    return Verdict.ELIGIBLE


def _ids(results: Sequence[CriterionResult], status: CriterionStatus) -> tuple[str, ...]:
    return tuple(sorted(result.id for result in results if result.status is status))


def _protocol_flags(protocol: Protocol, facts: PatientFacts, *, stage_stated: bool) -> Iterator[Flag]:
    if not protocol.source_complete:
        yield Flag(
            "source-incomplete",
            None,
            "The document does not state all criteria of the trial. The verdict covers the stated ones only: "
            '"eligible" reads "meets all stated criteria; source incomplete".',
        )
    if not stage_stated and any(criterion.deferred_at for criterion in protocol.criteria):
        yield Flag("stage-assumed", None, f"{STAGE_FACT} is not known; {Stage.PRE_TREATMENT} was assumed.")
    yield from _raised(protocol.flags, None, facts)


def _raised(rules: Sequence[FlagRule], criterion: str | None, facts: PatientFacts) -> Iterator[Flag]:
    for rule in rules:
        if answer(rule.when, facts).holds:
            yield Flag(rule.id, criterion, rule.text)


def _criterion_flags(criterion: Criterion, facts: PatientFacts) -> Iterator[Flag]:
    rule = _decisive_rule(criterion, facts)
    if criterion.kind in _REMARKS_ONLY and not answer(rule, facts).holds:
        yield Flag(criterion.kind.value, criterion.id, criterion.text)
    yield from _raised(criterion.flags, criterion.id, facts)
    for leaf in leaves(rule):
        if isinstance(leaf, Compares):
            yield from _number_flags(criterion, rule, leaf, facts)


def _number_flags(criterion: Criterion, rule: Rule, leaf: Compares, facts: PatientFacts) -> Iterator[Flag]:
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
    if leaf.preferred is not None and fact is leaf.preferred:
        other = read_number(leaf.fact, facts)
        computed = replace(leaf, preferred=None)
        if other is not None and answer(leaf, facts).holds != answer(computed, facts).holds:
            yield Flag(
                "visual-burden",
                criterion.id,
                f"{fact.name} ({reading.shown if reading else ''}) was used; it falls on the other side "
                f"of the limit ({limit}) than {leaf.fact.name} ({other.shown}).",
            )
