"""The treatment calendar of a case: its protocol's rules, its start and arm, and what was done so far.

The case needs no images. What depends on other parts of the case is found here: the patient's body surface,
drug given before, treatments so recent that the protocol's washout is not over, and a planned hour of
treatment on another day than the calendar's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from emboplan.catalog.load import Catalog, load
from emboplan.dosimetry.models.body_surface import BodySurfaceFormula, body_surface_m2
from emboplan.eligibility.criterion import protocol_from_table
from emboplan.eligibility.dictionary import definitions_from_table
from emboplan.eligibility.wording import leaves
from emboplan.errors import CaseFileError
from emboplan.model.case import Case, Patient, PriorKind, PriorTreatment, ProcedureKind
from emboplan.model.finding import Finding, Severity
from emboplan.model.protocol import Washout
from emboplan.model.results.schedule import Schedule
from emboplan.model.schedule import Period, ProtocolSchedule
from emboplan.model.schedule_request import ScheduleRequest, SessionTerritory
from emboplan.scheduling.doses import Body
from emboplan.scheduling.moments import Clock
from emboplan.scheduling.protocol_schedule import protocol_schedule
from emboplan.scheduling.requests import chosen_arm, problems
from emboplan.workflow.cases.casefile import read_case
from emboplan.workflow.cases.schedulechecks import protocol_problem, rules_of


def schedule(case: Case | Path | str, *, catalog: Catalog | None = None) -> Schedule:
    """The treatment calendar of a case: sessions, scans, drug days, sums of drug and activity, findings.

    `case` is a `Case` or the path of a case file with `[schedule]` and the protocol in `[procedure]`; it
    needs no images. `emboplan.scheduling.calendar.calendar_text` turns the result into an `.ics` file.

    >>> import emboplan as ep                                       # doctest: +SKIP
    >>> ep.schedule("case.toml").sessions[0].day                    # doctest: +SKIP

    Raises:
        CaseFileError: the case file has mistakes, or does not fit the protocol: an unknown protocol or arm, a
            closed arm, no start, a time without a zone, sessions out of order; one line for each.
        InputError: the hour of sessions does not exist on one of the days.
    """
    tables = catalog or load()
    subject = case if isinstance(case, Case) else read_case(Path(case), tables, for_calendar=True)
    request = subject.schedule or ScheduleRequest()
    territories = tuple(SessionTerritory(t.name, t.session, t.administered_gbq) for t in subject.territories)
    protocol = subject.procedure.protocol
    wrong = protocol_problem(protocol, tables)
    if wrong is not None or protocol is None:
        raise CaseFileError([wrong or "", *problems(request, None, territories)])
    rules = rules_of(protocol, tables)
    found = problems(request, rules, territories)
    if found:
        raise CaseFileError(found)
    return protocol_schedule(
        rules,
        request,
        territories,
        body=Body(case_surface_m2(subject), _prior(subject, rules, request)),
        device=subject.procedure.device,
        sources=tables.sources,
        findings=tuple(_findings(subject, rules, request, tables)),
    )


def case_surface_m2(case: Case) -> float | None:
    """The body surface where height and weight are known."""
    patient: Patient = case.patient
    if patient.height_cm is None or patient.weight_kg is None:
        return None
    formula = case.procedure.body_surface or BodySurfaceFormula.DUBOIS
    return float(body_surface_m2(height_cm=patient.height_cm, weight_kg=patient.weight_kg, formula=formula))


def _prior(case: Case, rules: ProtocolSchedule, request: ScheduleRequest) -> float | None:
    """The drug of the arm that earlier treatments gave, in mg/m2; None where none is recorded."""
    arm = chosen_arm(rules, request)
    drug = None if arm is None else arm.drug
    if drug is None:
        return None
    surface = case_surface_m2(case)
    given = [
        amount
        for prior in case.priors
        if prior.kind is PriorKind.DRUG
        and (prior.drug or "").strip().casefold() == drug.name.casefold()
        and (amount := _per_m2(prior, surface)) is not None
    ]
    return math.fsum(given) if given else None


def _per_m2(prior: PriorTreatment, surface_m2: float | None) -> float | None:
    """The dose of an earlier drug in mg/m2; None where it is not known, or in mg without a body surface."""
    if prior.drug_mg is None:
        return prior.drug_mg_per_m2
    return None if surface_m2 is None else prior.drug_mg / surface_m2


def _findings(
    case: Case, rules: ProtocolSchedule, request: ScheduleRequest, catalog: Catalog
) -> Iterator[Finding]:
    if request.start is None:
        return
    clock = Clock.of(request.start, request.zone)
    start = clock.day(request.start)
    yield from _washouts(case, rules.command, start, catalog)
    arm = chosen_arm(rules, request)
    dosed = (arm is not None and arm.drug is not None) or bool(request.course_mg_per_m2)
    if case_surface_m2(case) is None and dosed:
        yield Finding(
            "schedule-body-surface",
            Severity.INFO,
            "height and weight are not known: drug is not shown both in mg and in mg/m2",
        )
    kind = case.procedure.kind
    if arm is not None and kind is not ProcedureKind.TARE and kind.value != arm.technique.value:
        yield Finding(
            "schedule-kind",
            Severity.WARNING,
            f'procedure.kind is "{kind}", but the arm {arm.id} is {arm.technique}; check both',
        )
    moment = case.procedure.treatment_time
    if moment is not None:
        treated = clock.day(moment)
        days = [recorded.when for recorded in request.recorded]
        planned = protocol_days(case, rules, request)
        if treated not in planned and treated not in [clock.day(when) for when in days]:
            yield Finding(
                "schedule-treatment-time",
                Severity.WARNING,
                f"procedure.treatment_time is on {treated}, on which the calendar has no session; record the "
                "session's day in [[schedule.session]], or change one of the two",
            )


def protocol_days(case: Case, rules: ProtocolSchedule, request: ScheduleRequest) -> tuple[date, ...]:
    """The days of the sessions, for comparison with other days of the case."""
    territories = tuple(SessionTerritory(t.name, t.session) for t in case.territories)
    return tuple(session.day for session in protocol_schedule(rules, request, territories).sessions)


def _washouts(case: Case, protocol: str, start: date, catalog: Catalog) -> Iterator[Finding]:
    """Treatments so recent that, by the criteria of the protocol, the patient may not start yet."""
    if protocol not in catalog.protocol_names():
        return
    definitions = definitions_from_table(catalog.fact_table())
    criteria = protocol_from_table(catalog.protocol_table(protocol), definitions)
    for criterion in criteria.criteria:
        for leaf in leaves(criterion.pass_when):
            last = case.facts.get(leaf.last.name) if isinstance(leaf, Washout) else None
            if not isinstance(leaf, Washout) or last is None or not isinstance(last.value, date):
                continue
            period = Period(days=leaf.days, months=leaf.months)
            until = period.after(last.value)
            if start < until:
                yield Finding(
                    "schedule-washout",
                    Severity.WARNING,
                    f"{criterion.id}: {leaf.last.name} is {last.value}; with {period} after it the earliest "
                    f"entry is {until}, and the calendar starts on {start}",
                    criterion.source,
                )
