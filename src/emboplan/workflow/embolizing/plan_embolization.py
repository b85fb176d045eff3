"""The plan of an embolization without radiation: one walk from images to the amounts of each session.

images -> contours -> burden -> eligibility
                   -> territories -> sessions -> drug, particles, prompts -> plan
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

import emboplan
from emboplan.catalog.load import Catalog
from emboplan.dicom.read.common import SeriesHeader
from emboplan.errors import CaseFileError
from emboplan.model.case import Case
from emboplan.model.finding import Finding, Severity
from emboplan.model.patient import PatientFacts
from emboplan.model.plan import Plan, PlannedCase, Settings, UsedNumber
from emboplan.model.results.embolization import EmbolizationPlan, EmbolizationSession
from emboplan.model.results.liver_function import LiverFunction
from emboplan.workflow.cases.unit_slips import body_slips
from emboplan.workflow.embolizing.ask import Person, Technique
from emboplan.workflow.embolizing.balances import balances
from emboplan.workflow.embolizing.bland import BLAND
from emboplan.workflow.embolizing.ctace import CTACE
from emboplan.workflow.embolizing.deb import DEB
from emboplan.workflow.embolizing.parts import Part, parts_of
from emboplan.workflow.embolizing.sessions import Situation, plan_sessions
from emboplan.workflow.planning.plan_parts import anatomy_summary, eligibility_of
from emboplan.workflow.planning.prepare import Contoured, Progress, contoured
from emboplan.workflow.planning.readiness import liver_function
from emboplan.workflow.planning.rule_models import LiverVolumes
from emboplan.workflow.planning.settings import (
    ENTERED,
    ENTERED_STATUS,
    cited_sources,
    used_number,
)
from emboplan.workflow.planning.territories import treated_volumes
from emboplan.workflow.provenance import software_versions
from emboplan.workflow.schedule_case import case_surface_m2
from emboplan.workflow.screening.facts import bilirubin_mg_per_dl, fact_findings

# The class of Child-Pugh in which a label forbids a drug, the last of A, B, C.
WORST_CLASS = "C"


def plan_deb_tace(case: Case, catalog: Catalog, progress: Progress) -> PlannedCase[SeriesHeader]:
    """The plan of an embolization with drug-eluting beads."""
    return _plan(case, DEB, catalog, progress)


def plan_ctace(case: Case, catalog: Catalog, progress: Progress) -> PlannedCase[SeriesHeader]:
    """The plan of a conventional TACE."""
    return _plan(case, CTACE, catalog, progress)


def plan_bland(case: Case, catalog: Catalog, progress: Progress) -> PlannedCase[SeriesHeader]:
    """The plan of an embolization without a drug."""
    return _plan(case, BLAND, catalog, progress)


def _plan(
    case: Case, technique: Technique, catalog: Catalog, progress: Progress
) -> PlannedCase[SeriesHeader]:
    """The plan, whatever the technique.

    Raises:
        InputError: something in the case, its images or its amounts cannot be used.
    """
    if case.images is None:
        raise CaseFileError([f"{case.source.name}: no [images]"])
    slips = list(body_slips(case.patient.height_cm, case.patient.weight_kg, catalog))
    if slips:
        raise CaseFileError([f"{case.source.name}: {line}" for line in slips])
    seen = contoured(case, case.images, catalog, progress)
    anatomy, burden = seen.anatomy, seen.burden
    volumes = treated_volumes(case.territories, seen.loaded.territory_masks, anatomy)
    parts = parts_of(volumes)
    tumour = burden_ml(seen)
    function = _function(case, seen.facts, parts, LiverVolumes(anatomy.liver.volume_ml, tumour), catalog)
    progress("working out the sessions", 0.7)
    found = Situation(
        parts=parts,
        liver_ml=anatomy.liver.volume_ml,
        tumour_ml=tumour,
        person=_person(case, seen.facts, function, catalog),
        facts=seen.facts,
    )
    loading, calendar = plan_sessions(case, technique, found, catalog)
    findings = (
        *seen.loaded.findings,
        *anatomy.findings,
        *burden.findings,
        *fact_findings(case.facts, burden, catalog),
        *_class_differs(seen.facts, function),
        *_not_entered(case),
        *loading.findings,
        *(finding for session in loading.sessions for finding in session.findings),
        *loading.prompts,
        *(() if calendar is None else calendar.findings),
    )
    provisional = anatomy.review.provisional
    plan = Plan(
        emboplan_version=emboplan.__version__,
        catalogue_digest=catalog.digest,
        inputs=seen.loaded.digests,
        settings=_settings(case, loading, findings, catalog),
        patient=case.patient,
        anatomy=anatomy_summary(anatomy),
        burden=burden,
        eligibility=eligibility_of(case, seen.facts, catalog, provisional=provisional),
        shunt=None,
        tumour_to_normal=None,
        activity=None,
        dose=None,
        loading=loading,
        schedule=calendar,
        findings=tuple(dict.fromkeys(findings)),
        provisional=provisional,
        checks=balances(loading),
        liver_function=function,
    )
    return PlannedCase(
        plan=plan,
        anatomy=anatomy,
        spect=seen.loaded.scan,
        source=seen.loaded.header,
        territories={volume.name: volume.perfused for volume in volumes if volume.territory.is_drawn},
        laid=None if seen.laid is None else seen.laid.shown,
        registration=None if seen.laid is None else seen.laid.to_json(),
    )


def burden_ml(seen: Contoured) -> float:
    """The tumour inside the liver, as the territories count it."""
    return (seen.anatomy.lesions.union & seen.anatomy.liver).volume_ml


def _function(
    case: Case, facts: PatientFacts, parts: Sequence[Part], liver: LiverVolumes, catalog: Catalog
) -> LiverFunction:
    normal = sum(part.perfused_ml - part.tumour_ml for part in parts)
    left = max(liver.liver_ml - liver.tumour_ml - normal, 0.0)
    return liver_function(case, facts, left, liver, catalog=catalog)


def _person(case: Case, facts: PatientFacts, function: LiverFunction, catalog: Catalog) -> Person:
    """What doses go by; where the entered Child-Pugh class and that of its items differ, the worse one.

    Raises:
        CaseFileError: one of the two is class C, in which a label forbids a drug, and the other is not.
    """
    entered, computed = _entered_class(facts), function.child_pugh_class
    if entered and computed and entered != computed and WORST_CLASS in (entered, computed):
        where = f"{case.source.name}: facts.child_pugh_class"
        raise CaseFileError(
            [f'{where}: found "{entered}", but {_items(function)} make class {computed}; mend one of them']
        )
    return Person(
        body_surface_m2=case_surface_m2(case),
        age_years=_age(case, facts),
        bilirubin_mg_per_dl=bilirubin_mg_per_dl(facts, catalog),
        child_pugh_class=max(filter(None, (entered, computed)), default=None),
    )


def _entered_class(facts: PatientFacts) -> str | None:
    entered = facts.get("child_pugh_class")
    return entered.value.strip().upper() if entered is not None and isinstance(entered.value, str) else None


def _items(function: LiverFunction) -> str:
    items = ", ".join(f"{name} {points}" for name, points in function.child_pugh_items)
    return f"the points of its items ({items})"


def _class_differs(facts: PatientFacts, function: LiverFunction) -> Iterator[Finding]:
    """An entered Child-Pugh class that its own items contradict."""
    entered, computed = _entered_class(facts), function.child_pugh_class
    if entered and computed and entered != computed:
        text = (
            f"Child-Pugh class {entered} is entered, but {_items(function)} make class {computed}. The worse "
            "of the two is used; settle which holds before the session."
        )
        yield Finding("child-pugh-differs", Severity.STOP, text, function.child_pugh_source)


def _age(case: Case, facts: PatientFacts) -> float | None:
    """The age in years, of the patient or of the facts."""
    fact = facts.get("age_years")
    if case.patient.age_years is not None or fact is None or not isinstance(fact.value, Decimal):
        return case.patient.age_years
    return float(fact.value)


def _not_entered(case: Case) -> Iterator[Finding]:
    """What the case leaves open that no image can tell."""
    if case.procedure.protocol is None:
        text = "No protocol was entered, so that eligibility is not checked."
        yield Finding("protocol-missing", Severity.INFO, text)
    if case.schedule is None:
        text = "No calendar was entered ([schedule] with a protocol): the team chooses the days."
        yield Finding("schedule-missing", Severity.INFO, text)


def _settings(
    case: Case, loading: EmbolizationPlan, findings: Sequence[Finding], catalog: Catalog
) -> Settings:
    procedure = case.procedure
    moment = procedure.treatment_time
    numbers = tuple(_numbers(loading))
    texts = [
        *(number.source for number in numbers),
        *(finding.source for finding in findings),
        *(line for session in loading.sessions for line in _session_sources(session)),
        *(() if loading.anthracycline is None else loading.anthracycline.sources),
    ]
    return Settings(
        kind=procedure.kind.value,
        protocol=procedure.protocol,
        intent=None if procedure.intent is None else procedure.intent.value,
        device=None,
        models=(),
        k_gy_kg_per_gbq=None,
        treatment_time=None if moment is None else moment.isoformat(),
        numbers=numbers,
        software=software_versions(),
        sources=cited_sources(texts, catalog),
    )


def _numbers(loading: EmbolizationPlan) -> Iterator[UsedNumber]:
    """The body surface, and every single number of the catalogue that a session goes by."""
    if loading.body_surface_m2 is not None:
        text = f"height and weight {ENTERED}"
        yield UsedNumber("body surface", loading.body_surface_m2, "m2", text, ENTERED_STATUS)
    figures = {entry.name: entry for session in loading.sessions for entry in session.figures}
    for entry in figures.values():
        if isinstance(entry.value, float | int) and not isinstance(entry.value, bool):
            yield used_number(entry, entry.name.replace(".", " ").replace("_", " "))


def _session_sources(session: EmbolizationSession) -> Iterator[str]:
    yield from (f"{entry.source_text} {entry.note.rstrip('.')}" for entry in session.figures)
    if session.emulsion is not None:
        yield from session.emulsion.sources
