"""All sessions of an embolization, made by its technique, with the sums and prompts over them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from emboplan.catalog.load import Catalog
from emboplan.embolics.acknowledgement import require_known, to_acknowledge
from emboplan.embolics.safety.procedure import Procedure
from emboplan.embolics.safety.prompts import safety_prompts
from emboplan.errors import CaseFileError, InputError
from emboplan.model.case import Case
from emboplan.model.disease import TumourType
from emboplan.model.finding import Finding, Severity
from emboplan.model.loading_request import LoadingRequest
from emboplan.model.patient import Fact, PatientFacts
from emboplan.model.results.drug_history import DrugAmount
from emboplan.model.results.embolization import (
    EmbolizationPlan,
    EmbolizationSession,
    TeamPlans,
    TreatedTerritory,
)
from emboplan.model.results.schedule import Schedule
from emboplan.units import PERCENT
from emboplan.workflow.embolizing.ask import Made, Person, SessionAsk, Technique
from emboplan.workflow.embolizing.course import (
    Course,
    PlannedSession,
    groups_of,
    plain_course,
    scheduled_course,
)
from emboplan.workflow.embolizing.drug_sums import DrugSums, drug_sums
from emboplan.workflow.embolizing.parts import Part, part_findings, session_dose, shares_of, tumour_ml
from emboplan.workflow.embolizing.trial_arm import arm_findings

# A session that treats more than this share of the liver treats all of it: masks of territories leave a rim.
WHOLE_LIVER_FRAC = 0.99
# Tumour outside every territory that is less than this share of it is the edge of masks, not tumour left out.
RIM_FRAC = 0.005


@dataclass(frozen=True, slots=True)
class Situation:
    """What a plan of an embolization starts from, beside the case."""

    parts: tuple[Part, ...]
    liver_ml: float
    tumour_ml: float
    person: Person
    facts: PatientFacts


def plan_sessions(
    case: Case, technique: Technique, found: Situation, catalog: Catalog
) -> tuple[EmbolizationPlan, Schedule | None]:
    """The sessions with their amounts, and the calendar where the case has one.

    Raises:
        InputError: a session is over a limit, an arm is closed, something is missing; the message says which.
    """
    said = case.loading or LoadingRequest()
    procedure = case.procedure
    against_arm = arm_findings(procedure.protocol, technique.name, said.drug, catalog)
    course = _course(case, technique, found, catalog)
    by_session = _made(case, technique, found, course.planned, catalog)
    first = by_session[0]
    own_ratio = said.doxorubicin_equivalent
    planned = [
        DrugAmount(item.drug, mg=item.drug_mg, label=_label(session), doxorubicin_equivalent=own_ratio)
        for session, item in zip(course.planned, by_session, strict=True)
        if item.drug is not None and item.drug_mg is not None
    ]
    sums = drug_sums(
        planned,
        [replace(amount, doxorubicin_equivalent=own_ratio) for amount in course.given],
        case.priors,
        body_surface_m2=found.person.body_surface_m2,
        facts=found.facts,
        catalog=catalog,
    )
    acknowledged = said.acknowledged
    sessions = tuple(_sessions(course, by_session, sums, found, acknowledged))
    own = to_acknowledge(against_arm)
    asked = [*own, *(key for item in by_session for key in item.to_acknowledge)]
    require_known(acknowledged, asked)
    treated = {part.name: part.tumour_ml for s in (*course.done, *course.planned) for part in s.parts}
    untreated = max(found.tumour_ml - math.fsum(treated.values()), 0.0)
    plan = EmbolizationPlan(
        technique=technique.name,
        protocol=procedure.protocol,
        product=first.product,
        drug=first.drug,
        drug_mg=_total([item.drug_mg for item in by_session]),
        loaded_mg=_total([None if m.loading is None else m.loading.loaded_mg for m in by_session]),
        supernatant_mg=_total([None if m.loading is None else m.loading.supernatant_mg for m in by_session]),
        body_surface_m2=found.person.body_surface_m2,
        catheter_inner_um=said.catheter_inner_um,
        sessions=sessions,
        tumour_ml=found.tumour_ml,
        untreated_tumour_ml=untreated if untreated > RIM_FRAC * found.tumour_ml else 0.0,
        anthracycline=sums.anthracycline,
        drug_totals=sums.totals,
        team_plans=TeamPlans(said.octreotide_plan, said.antibiotic_plan, said.crisis_plan),
        prompts=_prompts(case, technique, found, course, catalog),
        findings=(*against_arm, *sums.findings),
        to_acknowledge=tuple(dict.fromkeys(key for key in asked if key not in acknowledged)),
        acknowledged=acknowledged,
        acknowledged_by=said.acknowledged_by,
        bilirubin_mg_per_dl=found.person.bilirubin_mg_per_dl,
    )
    return replace(plan, findings=(*plan.findings, *_left_out(plan))), course.schedule


def _course(case: Case, technique: Technique, found: Situation, catalog: Catalog) -> Course:
    """The sessions, by the calendar of the protocol where the case has one."""
    if case.schedule is None:
        return plain_course(case, found.parts)
    groups = [PlannedSession(number, None, parts) for number, parts in groups_of(found.parts).items()]
    return scheduled_course(
        case,
        found.parts,
        technique=technique.name,
        drug=None if case.loading is None else case.loading.drug,
        doses_mg=[item.drug_mg for item in _made(case, technique, found, groups, catalog)],
        catalog=catalog,
    )


def _made(
    case: Case,
    technique: Technique,
    found: Situation,
    sessions: Sequence[PlannedSession],
    catalog: Catalog,
) -> list[Made]:
    """What each session takes; where there are several, a refusal says in which one it is."""
    made = []
    for place, session in enumerate(sessions):
        try:
            made.append(technique.make(_ask(case, found, session.parts, catalog, first=place == 0)))
        except CaseFileError:
            raise
        except InputError as error:
            if len(sessions) == 1:
                raise
            raise type(error)(f"session {session.number}: {error}") from error
    return made


def _ask(case: Case, found: Situation, parts: Sequence[Part], catalog: Catalog, *, first: bool) -> SessionAsk:
    return SessionAsk(
        loading=case.loading or LoadingRequest(),
        person=found.person,
        dose=session_dose(case, parts),
        shares=shares_of(parts),
        tumour_ml=tumour_ml(parts),
        first=first,
        protocol=case.procedure.protocol,
        catalog=catalog,
    )


def _label(session: PlannedSession) -> str:
    return f"session {session.number}" + ("" if session.day is None else f", {session.day}")


def _total(values: Sequence[float | None]) -> float | None:
    """The sum, or None where a part does not apply."""
    known = [value for value in values if value is not None]
    return math.fsum(known) if len(known) == len(values) else None


def _sessions(
    course: Course,
    made: Sequence[Made],
    sums: DrugSums,
    found: Situation,
    acknowledged: Sequence[str],
) -> Iterator[EmbolizationSession]:
    reached = {part.name: part.tumour_ml for session in course.done for part in session.parts}
    to_dates = sums.to_date or (None,) * len(made)
    for session, item, to_date in zip(course.planned, made, to_dates, strict=True):
        reached |= {part.name: part.tumour_ml for part in session.parts}
        yield EmbolizationSession(
            session=session.number,
            day=session.day,
            territories=_territories(session.parts, item, found),
            tumour_ml=tumour_ml(session.parts),
            burden_to_date_frac=_share(math.fsum(reached.values()), found.tumour_ml),
            dose=item.dose,
            drug_mg=item.drug_mg,
            sizes=item.sizes,
            loading=item.loading,
            emulsion=item.emulsion,
            suspension=item.suspension,
            particles=item.particles,
            anthracycline_to_date_mg_per_m2=to_date,
            findings=tuple(dict.fromkeys((*part_findings(session.parts), *item.findings))),
            to_acknowledge=tuple(
                dict.fromkeys(key for key in item.to_acknowledge if key not in acknowledged)
            ),
            figures=tuple({figure.name: figure for figure in item.figures}.values()),
            entered=item.entered,
        )


def _territories(parts: Sequence[Part], item: Made, found: Situation) -> tuple[TreatedTerritory, ...]:
    shares = shares_of(parts)
    return tuple(
        TreatedTerritory(
            territory=part.name,
            perfused_ml=part.perfused_ml,
            tumour_ml=part.tumour_ml,
            burden_frac=_share(part.tumour_ml, found.tumour_ml),
            share_frac=float(shares[part.name]),
            drug_mg=item.by_territory_mg.get(part.name),
        )
        for part in parts
    )


def _share(part: float, whole: float) -> float:
    """A part of a whole; masks cut in another order may pass it by the last bits."""
    return min(part / whole, 1.0) if whole > 0 else 0.0


def _prompts(
    case: Case, technique: Technique, found: Situation, course: Course, catalog: Catalog
) -> tuple[Finding, ...]:
    """The questions to the team that this patient and this treatment raise."""
    said = case.loading or LoadingRequest()
    most = max(math.fsum(part.perfused_ml for part in s.parts) for s in course.planned)
    whole = found.liver_ml > 0 and most > WHOLE_LIVER_FRAC * found.liver_ml
    procedure = Procedure(
        technique=technique.name,
        drug=said.drug or "",
        product=said.product or "",
        diluent=said.diluent or "",
        needle_material=said.needle_material or "",
        protocol=case.procedure.protocol or "",
        extent="whole-liver" if whole else "",
        maa=case.images is not None and case.images.maa is not None,
        octreotide_plan=said.octreotide_plan or "",
        antibiotic_plan=said.antibiotic_plan or "",
    )
    return safety_prompts(_with_tumour(found.facts, case), procedure, catalog=catalog)


def _with_tumour(facts: PatientFacts, case: Case) -> PatientFacts:
    """The facts with the tumour of the procedure, where no fact names it and it is said not to be a NET."""
    kind = case.procedure.tumour_type
    if kind is TumourType.NET or "liver_tumour_type" in facts or "nen_type" in facts:
        return facts
    return PatientFacts({**facts.known, "liver_tumour_type": Fact(kind.value)})


def _left_out(plan: EmbolizationPlan) -> Iterator[Finding]:
    """Tumour that no session treats."""
    if plan.untreated_tumour_ml > 0:
        share = PERCENT * plan.untreated_tumour_ml / plan.tumour_ml
        yield Finding(
            "untreated-tumour",
            Severity.WARNING,
            f"{plan.untreated_tumour_ml:.3g} mL of tumour ({share:.3g} % of it) lie in no territory: these "
            "sessions do not treat the whole burden.",
        )
