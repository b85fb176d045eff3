"""The verdict of a protocol over the facts of a patient, in three-valued logic.

Each rule holds, does not hold, or cannot be told (Kleene): "all" fails with its first failing part, "any"
passes with its first passing one, and what is not known settles nothing. A fact that is not known never
passes and never fails a criterion; the verdict names the facts that would settle it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from emboplan.eligibility.flags import REMARKS_ONLY, STAGE_FACT, criterion_flags, protocol_flags, raised
from emboplan.eligibility.logic import answer
from emboplan.eligibility.reading import read_number
from emboplan.eligibility.signing import signature_flags
from emboplan.eligibility.wording import trace
from emboplan.errors import InputError
from emboplan.model.patient import Fact, PatientFacts
from emboplan.model.protocol import Compares, Criterion, Protocol, Rule, Stage
from emboplan.model.results.eligibility import CriterionResult, CriterionStatus, Eligibility, Verdict


def evaluate(protocol: Protocol, facts: PatientFacts, *, stage: str | None = None) -> Eligibility:
    """The verdict, with the trace of every criterion.

    `stage` ("screening" or "pre_treatment") goes before the fact `assessment_stage`; where neither is known
    the stricter pre_treatment is used, at which nothing is deferred.

    Raises:
        InputError: if the stage is none of the two.
        UnitError: if a laboratory value carries a unit that its fact does not know.
    """
    known = facts.get(STAGE_FACT)
    at = stage_of(known, stage)
    facts = PatientFacts({**facts.known, STAGE_FACT: Fact(at.value)})

    flags = list(protocol_flags(protocol, stage_stated=stage is not None or known is not None))
    flags.extend(raised(protocol.flags, None, facts))
    flags.extend(signature_flags(protocol, facts))
    results: list[CriterionResult] = []
    missing: set[str] = set()
    for criterion in protocol.criteria:
        rule = _decisive_rule(criterion, facts)
        flags.extend(criterion_flags(criterion, rule, facts))
        if criterion.kind in REMARKS_ONLY:
            continue
        status, needed = _judge(criterion, facts, at)
        missing |= needed
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


def stage_of(known: Fact | None, stage: str | None) -> Stage:
    """The stage that is asked for, else the one that is known, else the stricter one."""
    written = stage if stage is not None else known.value if known is not None else Stage.PRE_TREATMENT
    if written not in tuple(Stage):
        raise InputError(f'found the stage "{written}", expected {" or ".join(Stage)}')
    return Stage(str(written))
