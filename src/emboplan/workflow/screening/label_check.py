"""Device labels as checks: a patient's facts against the contraindications and indication of a device.

Labels are tables of criteria as trial protocols are, and the same engine answers them: pass, fail or unknown.
A patient outside a label may still be treated by a physician's decision, so that a failed check is a finding
that a physician must clear; it changes no verdict of a trial. Some facts follow from others (no ascites means
none that is evident); only what nobody entered is concluded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from emboplan.catalog.load import Catalog, load
from emboplan.eligibility.criterion import ENTRY_FACT, protocol_from_table
from emboplan.eligibility.dictionary import definitions_from_table
from emboplan.eligibility.evaluate import evaluate
from emboplan.eligibility.facts import parse_facts
from emboplan.errors import InputError
from emboplan.model.disease import TumourType
from emboplan.model.finding import Finding, Severity
from emboplan.model.patient import Fact, FactOrigin, FactValue, PatientFacts
from emboplan.model.protocol import CriterionKind, Protocol
from emboplan.model.results.eligibility import (
    CriterionResult,
    CriterionStatus,
    Eligibility,
    Flag,
    Verdict,
)
from emboplan.model.serialise import to_jsonable
from emboplan.units import PERCENT
from emboplan.workflow.screening.check import read_facts, with_segmentation

# A device's indication is a table of its own, named after the device.
INDICATION = "-us-indication"

# Significant digits of a computed number that is compared exactly: an activity solved for a limit gives the
# limit back only to the last bits, and must not fail its own check by them.
SHARED_DIGITS = 9


@dataclass(frozen=True, slots=True)
class _Implied:
    """What follows from an answer: where `fact` has one of `answers`, `then` has `value`."""

    fact: str
    answers: tuple[FactValue, ...]
    then: str
    value: FactValue


_IMPLIED = (
    _Implied("nen_type", ("NET",), "liver_tumour_type", value="net"),
    _Implied("nen_type", ("NEC", "MiNEN"), "liver_tumour_type", value="other"),
    _Implied("ascites", ("none",), "ascites_clinically_evident", value=False),
    _Implied("severe_liver_failure", (True,), "liver_failure", value=True),
    _Implied("portal_vein_thrombosis_type_4", (True,), "portal_vein_thrombosis", value=True),
    _Implied(
        "severe_pvd_precluding_catheterization",
        (True,),
        "hepatic_artery_catheterization_contraindicated",
        value=True,
    ),
)


@dataclass(frozen=True, slots=True)
class LabelCheck:
    """The contraindications of a device, its indication where a source states one, and what they give."""

    label: Eligibility
    indication: Eligibility | None
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        plain = {"label": self.label, "indication": self.indication, "findings": self.findings}
        json: dict[str, Any] = to_jsonable(plain)
        return json


def label_facts(
    *,
    lung_shunt_frac: float | None = None,
    administered_gbq: float | None = None,
    lung_activity_gbq: float | None = None,
    tumour_burden_pct: float | None = None,
    largest_lesion_mm: float | None = None,
    lesion_count: int | None = None,
    tumour: TumourType | None = None,
) -> dict[str, Fact]:
    """Measured facts for `check_label`, from what images and plan say; None is not known.

    The activity that reaches the lungs is the administered one times the shunt, unless it is given.
    """
    if lung_activity_gbq is None and lung_shunt_frac is not None and administered_gbq is not None:
        lung_activity_gbq = administered_gbq * lung_shunt_frac
    numbers = {
        "lung_shunt_pct": None if lung_shunt_frac is None else lung_shunt_frac * PERCENT,
        "lung_activity_gbq": lung_activity_gbq,
        "liver_tumor_burden_pct": tumour_burden_pct,
        "largest_liver_lesion_mm": largest_lesion_mm,
        "liver_lesion_count": lesion_count,
    }
    facts: dict[str, FactValue] = {
        name: Decimal(f"{value:.{SHARED_DIGITS}g}") for name, value in numbers.items() if value is not None
    }
    if tumour is not None:
        facts["liver_tumour_type"] = tumour.value
    return {name: Fact(value, FactOrigin.MEASURED) for name, value in facts.items()}


def check_label(
    facts: PatientFacts | Mapping[str, object],
    device: str,
    *,
    measured: Mapping[str, Fact] | None = None,
    stage: str | None = None,
    treatment_date: date | None = None,
    today: date | None = None,
    catalog: Catalog | None = None,
) -> Eligibility:
    """The answer of one device label, such as ``therasphere``, on a patient's facts.

    Args:
        facts: checked facts, or a plain table of names and values; what it does not name is not known.
        device: a name of `Catalog.label_names`.
        measured: facts that images and plan give (see `label_facts`); an entered fact goes before them.
        stage: ``screening`` leaves what only the simulation tells for later; ``pre_treatment`` asks for all.
        treatment_date: washouts are counted back from it; from the date of study entry unless given.
        today: dates after it are refused; the library has no clock, so that none is unless it is given.
        catalog: the catalogue in use; the shipped one unless given.

    A label is read point by point: `missing` of the result names the facts of every point that could not be
    told, also where others fail. A device without label text has no criteria: its answer is undetermined and
    says so.

    Raises:
        CaseFileError: the table of facts has mistakes; the message holds one line for each.
        InputError: no device has that name.
    """
    tables = catalog or load()
    names = tables.label_names()
    if device not in names:
        raise InputError(f'no device label "{device}"; known: {", ".join(names)}')
    definitions = definitions_from_table(tables.fact_table())
    known = facts if isinstance(facts, PatientFacts) else parse_facts(facts, definitions, today=today)
    known = _concluded(known.with_measured(measured or {}))
    if treatment_date is not None:
        known = PatientFacts({**known.known, ENTRY_FACT: Fact(treatment_date)})
    table = tables.label_table(device)
    if "criterion" not in table:
        return _without_criteria(table, known, stage)
    protocol = protocol_from_table(table, definitions)
    result = evaluate(protocol, known, stage=stage)
    return replace(result, missing=_missing(protocol, result, known, stage))


def check_device(
    facts: PatientFacts | Mapping[str, object],
    device: str,
    *,
    measured: Mapping[str, Fact] | None = None,
    stage: str | None = None,
    treatment_date: date | None = None,
    today: date | None = None,
    catalog: Catalog | None = None,
) -> LabelCheck:
    """The label of a device and, where a source states one, its indication. Arguments as `check_label`."""
    tables = catalog or load()
    definitions = definitions_from_table(tables.fact_table())
    known = facts if isinstance(facts, PatientFacts) else parse_facts(facts, definitions, today=today)

    def answer(name: str) -> Eligibility:
        return check_label(
            known, name, measured=measured, stage=stage, treatment_date=treatment_date, catalog=tables
        )

    label = answer(device)
    named = device + INDICATION
    indication = answer(named) if named in tables.label_names() else None
    findings = label_findings(label) + (() if indication is None else indication_findings(indication))
    return LabelCheck(label, indication, findings)


def check_label_file(
    path: Path,
    device: str,
    *,
    stage: str | None,
    burden: Path | None,
    catalog: Catalog,
    today: date | None = None,
) -> LabelCheck:
    """The label of a device on a file of facts, with what a ``segmentation.json`` adds; `today` as above."""
    facts = read_facts(path, catalog, today=today)
    flags: tuple[Flag, ...] = ()
    if burden is not None:
        facts, flags = with_segmentation(facts, burden, catalog)
    result = check_device(facts, device, stage=stage, catalog=catalog)
    return replace(result, label=replace(result.label, flags=result.label.flags + flags))


def label_findings(result: Eligibility) -> tuple[Finding, ...]:
    """A warning for each check that fails, one finding for all that could not be told, and label warnings."""
    if not result.criteria:
        text = (
            f"{result.protocol}: no label text with a named source is at hand, so that nothing of its label "
            "was checked. Read the package insert in force; a physician must clear it."
        )
        return (Finding("no-device-label-text", Severity.WARNING, text),)
    return (*_outside(result), *_unknown(result), *_advisories(result))


def indication_findings(result: Eligibility) -> tuple[Finding, ...]:
    """One warning where an approved indication is not met, or one finding for what could not be told."""
    failed = _failed(result)
    if not failed:
        return tuple(_unknown(result))
    said = " ".join(_said(criterion) for criterion in failed)
    text = (
        f"{result.protocol}: outside the approved indication, of which these points do not hold: {said} "
        "A physician must clear it."
    )
    return (Finding("outside-device-indication", Severity.WARNING, text, failed[0].source),)


def _failed(result: Eligibility) -> list[CriterionResult]:
    return [criterion for criterion in result.criteria if criterion.status is CriterionStatus.FAIL]


def _said(criterion: CriterionResult) -> str:
    """The sentence of a criterion, with what was found."""
    found = f" (found: {criterion.measured})" if criterion.measured else ""
    return f"{criterion.text.rstrip('.')}{found}."


def _outside(result: Eligibility) -> Iterator[Finding]:
    for criterion in _failed(result):
        text = (
            f"{result.protocol}: outside the device labelling: {_said(criterion)} A physician must clear it."
        )
        yield Finding(f"outside-device-label-{criterion.id}", Severity.WARNING, text, criterion.source)


def _unknown(result: Eligibility) -> Iterator[Finding]:
    unknown = [it.id for it in result.criteria if it.status is CriterionStatus.UNKNOWN]
    if unknown:
        text = (
            f"{result.protocol}: could not be checked: {', '.join(unknown)}. "
            f"Facts that would tell: {', '.join(result.missing)}."
        )
        yield Finding("device-label-unknown", Severity.INFO, text)


def _advisories(result: Eligibility) -> Iterator[Finding]:
    for flag in result.flags:
        if flag.id == CriterionKind.ADVISORY:
            yield Finding(f"device-label-{flag.criterion}", Severity.INFO, f"{result.protocol}: {flag.text}")


def _concluded(facts: PatientFacts) -> PatientFacts:
    """The facts, and what follows from them where nobody said otherwise."""
    known = dict(facts.known)
    for rule in _IMPLIED:
        said = facts.get(rule.fact)
        if said is not None and said.value in rule.answers:
            known.setdefault(rule.then, Fact(rule.value, said.origin))
    return PatientFacts(known)


def _missing(
    protocol: Protocol, result: Eligibility, facts: PatientFacts, stage: str | None
) -> tuple[str, ...]:
    """The facts that would tell each point that is not known; the engine names them only where none fails."""
    unknown = {it.id for it in result.criteria if it.status is CriterionStatus.UNKNOWN}
    asked = tuple(criterion for criterion in protocol.criteria if criterion.id in unknown)
    return evaluate(replace(protocol, criteria=asked), facts, stage=stage).missing


def _without_criteria(table: Mapping[str, Any], facts: PatientFacts, stage: str | None) -> Eligibility:
    """The answer of a label whose text nobody has: nothing is judged, and nothing is admitted."""
    protocol = Protocol(
        name=table["name"],
        command=table["command"],
        title=table["title"],
        version=table["version"],
        source=table["source"],
        status=table["status"],
        source_complete=False,
        criteria=(),
    )
    result = evaluate(protocol, facts, stage=stage)
    text = f"{protocol.title}. Nothing was checked; read the package insert in force."
    flags = (Flag("source-incomplete", None, text),)
    return replace(result, verdict=Verdict.UNDETERMINED, flags=flags)
