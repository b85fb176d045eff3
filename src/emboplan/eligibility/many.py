"""The verdicts of many patients at once: the same answers as one by one, in a fraction of the time.

Each comparison of a protocol is asked once for each different answer that the table holds, by the same
function that answers for one patient; "all", "any", "not" and "if ... then" then work on whole columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from emboplan.eligibility.columns import Column, FactColumns
from emboplan.eligibility.evaluate import stage_of
from emboplan.eligibility.flags import REMARKS_ONLY, STAGE_FACT, number_flags, protocol_flags
from emboplan.eligibility.logic import answer
from emboplan.eligibility.row_answers import (
    FALSE,
    TRUE,
    UNKNOWN,
    Answers,
    Rows,
    Truths,
    add,
    if_then,
    joined,
    named,
    where,
)
from emboplan.eligibility.signing import SIGNED_BY, UNSIGNED
from emboplan.eligibility.wording import leaves
from emboplan.model.patient import Fact, PatientFacts
from emboplan.model.protocol import (
    AllOf,
    Always,
    AnyOf,
    Compares,
    Criterion,
    FlagRule,
    IfThen,
    Is,
    Not,
    Protocol,
    Rule,
    Stage,
    Washout,
)
from emboplan.model.results.eligibility import CriterionStatus, Verdict
from emboplan.model.results.screening import STATUSES, PatientVerdict, ProtocolScreening, Screening

_TOLD = {False: FALSE, None: UNKNOWN, True: TRUE}
_CODE = {status: code for code, status in enumerate(STATUSES)}


def screen(facts: FactColumns, protocols: Sequence[Protocol], *, stage: str | None = None) -> Screening:
    """The verdict of each protocol for each patient; `stage` as in `evaluate`.

    Raises:
        InputError: if the stage is none of the two.
    """
    return Screening(facts.patients, tuple(_screen(facts, it, stage) for it in protocols))


def _screen(facts: FactColumns, protocol: Protocol, stage: str | None) -> ProtocolScreening:
    rows = len(facts.patients)
    facts, stages, stated = _staged(facts, stage)
    asked = _Columns(facts)
    judged = [it for it in protocol.criteria if it.kind not in REMARKS_ONLY]
    statuses = np.empty((rows, len(judged)), np.uint8)
    missing: dict[str, Rows] = {}
    flags: list[tuple[str, Rows]] = list(asked.protocol_flags(protocol, stated))
    flags.extend(asked.signature_flags(protocol))
    for criterion in protocol.criteria:
        flags.extend(asked.criterion_flags(criterion))
    for number, criterion in enumerate(judged):
        status, needed = asked.judge(criterion, stages)
        statuses[:, number] = status
        add(missing, needed)
    verdicts = _verdicts(statuses)
    undetermined = np.array([verdict is Verdict.UNDETERMINED for verdict in verdicts])
    ids = sorted(it.id for it in judged)
    order = [next(n for n, it in enumerate(judged) if it.id == name) for name in ids]
    lists = {
        status: named(statuses[:, order] == _CODE[status], ids)
        for status in (CriterionStatus.FAIL, CriterionStatus.CORRECTABLE, CriterionStatus.DEFERRED)
    }
    names = sorted(missing)
    needed_facts = named(
        np.stack([missing[name] & undetermined for name in names], axis=1)
        if names
        else np.zeros((rows, 0), np.bool_),
        names,
    )
    raised = named(np.stack([rows for _, rows in flags], axis=1), [name for name, _ in flags])
    return ProtocolScreening(
        protocol=protocol.name,
        source_complete=protocol.source_complete,
        criteria=tuple(it.id for it in judged),
        statuses=statuses,
        verdicts=tuple(
            PatientVerdict(
                stage=stages[row].value,
                verdict=verdicts[row],
                failed=lists[CriterionStatus.FAIL][row],
                missing=needed_facts[row],
                correctable=lists[CriterionStatus.CORRECTABLE][row],
                deferred=lists[CriterionStatus.DEFERRED][row],
                flags=tuple(dict.fromkeys(raised[row])),
            )
            for row in range(rows)
        ),
    )


def _staged(facts: FactColumns, stage: str | None) -> tuple[FactColumns, list[Stage], Rows]:
    """The facts with the stage at which each row is judged, these stages, and whether each was stated."""
    column = facts.column(STAGE_FACT)
    known = [stage_of(it, stage) for it in column.values]
    stages = [known[code] for code in column.codes.tolist()]
    staged = Column(tuple(Fact(it.value) for it in known), column.codes)
    stated = column.codes > 0 if stage is None else np.full(len(stages), fill_value=True)
    return replace(facts, columns={**facts.columns, STAGE_FACT: staged}), stages, stated


def _verdicts(statuses: NDArray[np.uint8]) -> list[Verdict]:
    fails: Rows = np.any(statuses == _CODE[CriterionStatus.FAIL], axis=1)
    open_ones = [_CODE[CriterionStatus.UNKNOWN], _CODE[CriterionStatus.CORRECTABLE]]
    unsettled: Rows = np.any(np.isin(statuses, open_ones), axis=1)
    return [
        Verdict.INELIGIBLE if failed else Verdict.UNDETERMINED if unknown else Verdict.ELIGIBLE
        for failed, unknown in zip(fails.tolist(), unsettled.tolist(), strict=True)
    ]


@dataclass(slots=True)
class _Columns:
    """Asks rules of whole columns; an answer to a comparison is kept for the next rule that asks it."""

    facts: FactColumns
    kept: dict[Rule, Answers] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return len(self.facts.patients)

    def answers(self, rule: Rule) -> Answers:
        """Whether the rule holds in each row."""
        match rule:
            case Always():
                return Answers(np.full(self.rows, TRUE), {})
            case Is() | Compares() | Washout():
                if rule not in self.kept:
                    self.kept[rule] = self.leaf(rule)
                return self.kept[rule]
            case AllOf(parts):
                return joined([self.answers(part) for part in parts], np.minimum)
            case AnyOf(parts):
                return joined([self.answers(part) for part in parts], np.maximum)
            case Not(part):
                inner = self.answers(part)
                return Answers(TRUE - inner.truth, inner.missing)
            case IfThen(condition, consequence):
                return if_then(self.answers(condition), self.answers(consequence))

    def leaf(self, rule: Is | Compares | Washout) -> Answers:
        """The answer of the one-by-one engine for each different combination of the facts of a comparison."""
        combinations, place = self.facts.together(_names(rule))
        told = [answer(rule, PatientFacts(known)) for known in combinations]
        truth = np.array([_TOLD[it.holds] for it in told])[place]
        asked = sorted({name for it in told for name in it.missing})
        return Answers(truth, {name: np.array([name in it.missing for it in told])[place] for name in asked})

    def judge(self, criterion: Criterion, stages: Sequence[Stage]) -> tuple[Truths, dict[str, Rows]]:
        """The status of a criterion in each row, as codes, and the facts that would settle it."""
        plain, after = self.answers(criterion.pass_when), self.after_correction(criterion)
        decided = np.zeros(self.rows, np.bool_) if after is None else after.truth != UNKNOWN
        truth = plain.truth if after is None else np.where(decided, after.truth, plain.truth)
        deferred = np.array([stage is criterion.deferred_at for stage in stages])
        may_correct = (truth == FALSE) & ~decided & (criterion.corrected is not None)
        status = np.select(
            [deferred, truth == TRUE, truth == UNKNOWN, may_correct],
            [
                _CODE[it]
                for it in (
                    CriterionStatus.DEFERRED,
                    CriterionStatus.PASS,
                    CriterionStatus.UNKNOWN,
                    CriterionStatus.CORRECTABLE,
                )
            ],
            _CODE[CriterionStatus.FAIL],
        )
        missing = where((truth == UNKNOWN) & ~deferred, plain.missing)
        if criterion.corrected is not None:
            add(missing, {criterion.corrected.name: may_correct & ~deferred})
        return status, missing

    def after_correction(self, criterion: Criterion) -> Answers | None:
        rule, corrected = criterion.pass_when, criterion.corrected
        if corrected is None or not isinstance(rule, Compares):
            return None
        return self.answers(replace(rule, fact=corrected))

    # Flags.

    def protocol_flags(self, protocol: Protocol, stated: Rows) -> list[tuple[str, Rows]]:
        """The flags of the protocol itself, which its rows share but for what they state."""
        every = [
            (flag.id, np.full(self.rows, fill_value=True))
            for flag in protocol_flags(protocol, stage_stated=True)
        ]
        assumed = [
            (flag.id, ~stated)
            for flag in protocol_flags(protocol, stage_stated=False)
            if flag.id not in [name for name, _ in every]
        ]
        return [*every, *assumed, *self.raised(protocol.flags)]

    def raised(self, rules: Sequence[FlagRule]) -> list[tuple[str, Rows]]:
        flags = []
        for rule in rules:
            holds = self.answers(rule.when).truth == TRUE
            reasoned = (
                None if rule.unless_reason is None else self.facts.reasoned.get(rule.unless_reason.name)
            )
            flags.append((rule.id, holds if reasoned is None else holds & ~reasoned))
        return flags

    def signature_flags(self, protocol: Protocol) -> list[tuple[str, Rows]]:
        """In which rows somebody is named for a judgement, and in which nobody for one of them."""
        nobody = np.zeros(self.rows, np.bool_)
        everyone = nobody if self.facts.signed_rows is None else self.facts.signed_rows
        signed, unsigned = nobody, nobody
        for name in {name for criterion in protocol.criteria for name in criterion.judgement}:
            known = self.facts.column(name).codes > 0
            by_name = self.facts.signed.get(name, nobody) | everyone
            signed, unsigned = signed | (known & by_name), unsigned | (known & ~by_name)
        return [(SIGNED_BY, signed), (UNSIGNED, unsigned)]

    def criterion_flags(self, criterion: Criterion) -> list[tuple[str, Rows]]:
        """The remarks on one criterion: its own rules, and what is to be said of its numbers."""
        flags = []
        rule = criterion.pass_when
        if criterion.kind in REMARKS_ONLY:
            flags.append((criterion.kind.value, self.answers(rule).truth != TRUE))
        flags += self.raised(criterion.flags)
        after = self.after_correction(criterion)
        for leaf in leaves(rule):
            if isinstance(leaf, Compares):
                marks = self.number_flags(criterion, leaf)
                if after is not None and criterion.corrected is not None:
                    decided = after.truth != UNKNOWN
                    later = self.number_flags(criterion, replace(leaf, fact=criterion.corrected))
                    marks = [(name, it & ~decided) for name, it in marks]
                    marks += [(name, it & decided) for name, it in later]
                flags += marks
        return flags

    def number_flags(self, criterion: Criterion, leaf: Compares) -> list[tuple[str, Rows]]:
        combinations, place = self.facts.together(_names(leaf))
        said = [
            {flag.id for flag in number_flags(criterion, leaf, leaf, PatientFacts(known))}
            for known in combinations
        ]
        ids = sorted(set().union(*said))
        return [(name, np.array([name in it for it in said])[place]) for name in ids]


def _names(rule: Is | Compares | Washout) -> list[str]:
    """The facts that a comparison looks at."""
    if isinstance(rule, Washout):
        return [rule.given.name, rule.last.name, rule.entry.name]
    asked = [rule.fact]
    if isinstance(rule, Compares) and rule.preferred is not None:
        asked.append(rule.preferred)
    return [name for fact in asked for name in (fact.name, *(fact.share or ()), *(fact.completed or ()))]
