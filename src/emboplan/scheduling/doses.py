"""Drug and activity of the sessions, and their sums: to date, to the end of the plan, with what was before.

An amount that nobody states stays unknown. A sum adds what is stated and says whether that is all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from emboplan.model.results.schedule import (
    Amounts,
    CourseTotal,
    Cumulative,
    EntryStatus,
    Event,
    Session,
    Totals,
)
from emboplan.model.schedule import ArmRule, CourseRule, EventKind, ProtocolSchedule, Technique
from emboplan.model.schedule_request import ScheduleRequest, SessionTerritory


@dataclass(frozen=True, slots=True)
class Body:
    """The patient's body surface, and the drug (mg/m2) that earlier treatments gave; None where not known."""

    surface_m2: float | None = None
    prior_mg_per_m2: float | None = None


def course_amount(rule: CourseRule, request: ScheduleRequest) -> float | None:
    """The amount in mg/m2 that the case states for a drug by mouth, per dose or day as the rule has it."""
    return request.course_mg_per_m2.get(rule.drug)


def planned_drug_mg(arm: ArmRule, request: ScheduleRequest) -> float | None:
    """The drug of a session to come: what the case states, else what the document does."""
    if arm.drug is None:
        return None
    return request.drug_mg if request.drug_mg is not None else arm.drug.dose_mg


def with_amounts(
    sessions: Sequence[Session],
    arm: ArmRule,
    request: ScheduleRequest,
    territories: Sequence[SessionTerritory],
    body: Body,
) -> tuple[Session, ...]:
    """The sessions with their drug and activity, and the sums up to each.

    A session that was done has what was recorded of it; one to come has what is planned. Cancelled sessions,
    and those that may not be needed, add nothing.
    """
    found: list[Session] = []
    for session in sessions:
        amounts = _amounts(session, arm, request, territories, body)
        dosed = replace(session, amounts=amounts)
        found.append(dosed)
        found[-1] = replace(dosed, cumulative=cumulative(found, arm, body))
    return tuple(found)


def _amounts(
    session: Session,
    arm: ArmRule,
    request: ScheduleRequest,
    territories: Sequence[SessionTerritory],
    body: Body,
) -> Amounts:
    recorded = next((r for r in request.recorded if r.number == session.number), None)
    drug = None if recorded is None else recorded.drug_mg
    activity = None if recorded is None else recorded.activity_gbq
    if session.status is not EntryStatus.DONE:
        drug = planned_drug_mg(arm, request) if drug is None else drug
        activity = _planned_gbq(session, arm, territories) if activity is None else activity
    return Amounts(
        drug_mg=drug,
        drug_mg_per_m2=None if drug is None or body.surface_m2 is None else drug / body.surface_m2,
        activity_gbq=activity,
    )


def _planned_gbq(session: Session, arm: ArmRule, territories: Sequence[SessionTerritory]) -> float | None:
    """The activity of a session's territories, when the case states that of each."""
    if arm.technique is not Technique.TARE or not session.territories:
        return None
    stated = [t.activity_gbq for t in territories if t.name in session.territories]
    known = [activity for activity in stated if activity is not None]
    return math.fsum(known) if known and len(known) == len(stated) else None


def cumulative(sessions: Sequence[Session], arm: ArmRule, body: Body) -> Cumulative:
    """The sums over those of the sessions that count."""
    counted = [session.amounts for session in sessions if session.counts]
    drugs = [amounts.drug_mg for amounts in counted]
    activities = [amounts.activity_gbq for amounts in counted]
    drug_mg = _sum(drugs) if arm.drug is not None else None
    mg_per_m2 = None if drug_mg is None or body.surface_m2 is None else drug_mg / body.surface_m2
    with_prior = None if mg_per_m2 is None else mg_per_m2 + (body.prior_mg_per_m2 or 0.0)
    active = arm.technique is Technique.TARE
    return Cumulative(
        drug_mg=drug_mg,
        drug_mg_per_m2=mg_per_m2,
        drug_mg_per_m2_with_prior=with_prior,
        activity_gbq=_sum(activities) if active else None,
        complete=not (arm.drug is not None and None in drugs) and not (active and None in activities),
    )


def _sum(amounts: Sequence[float | None]) -> float:
    return math.fsum(amount for amount in amounts if amount is not None)


def totals(
    sessions: Sequence[Session],
    events: Sequence[Event],
    rules: ProtocolSchedule,
    arm: ArmRule,
    request: ScheduleRequest,
    body: Body,
) -> Totals:
    """What was given so far, what will have been when the plan is done, and the drugs by mouth."""
    done = [session for session in sessions if session.status is EntryStatus.DONE]
    return Totals(
        drug=None if arm.drug is None else arm.drug.name,
        prior_mg_per_m2=body.prior_mg_per_m2,
        done=cumulative(done, arm, body),
        planned=cumulative(sessions, arm, body),
        courses=tuple(
            _course_total(rule, amount, events, body.surface_m2)
            for rule in rules.courses
            if (amount := course_amount(rule, request)) is not None
        ),
    )


def _course_total(
    rule: CourseRule, amount: float, events: Sequence[Event], surface_m2: float | None
) -> CourseTotal:
    days = sum(
        (event.last_day - event.first_day).days + 1
        for event in events
        if event.kind is EventKind.DRUG
        and event.id.startswith(f"{rule.drug}-")
        and event.status is not EntryStatus.CANCELLED
    )
    a_day = rule.mg_per_m2_and_day(amount)
    return CourseTotal(
        drug=rule.drug,
        mg_per_day=None if surface_m2 is None else a_day * surface_m2,
        mg_per_m2_per_day=a_day,
        days=days,
        mg=None if surface_m2 is None else a_day * surface_m2 * days,
        mg_per_m2=a_day * days,
    )
