"""The calendar of one patient from the rules of a protocol and what the case says.

Rules and case in, `Schedule` out: sessions with days, territories and amounts, all other entries, the rules
that stop treatment, totals, and findings. Nothing is read or written, and no clock is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from emboplan.errors import CaseFileError
from emboplan.model.finding import Finding
from emboplan.model.results.schedule import Schedule, Session
from emboplan.model.schedule import ProtocolSchedule, Technique
from emboplan.model.schedule_request import ScheduleRequest, SessionTerritory
from emboplan.scheduling.conflicts import Calendar, conflicts
from emboplan.scheduling.doses import Body, totals, with_amounts
from emboplan.scheduling.events import all_events
from emboplan.scheduling.moments import Clock
from emboplan.scheduling.remarks import remarks
from emboplan.scheduling.requests import chosen_arm, problems
from emboplan.scheduling.sessions import plan_sessions


def protocol_schedule(
    rules: ProtocolSchedule,
    request: ScheduleRequest,
    territories: Sequence[SessionTerritory] = (),
    *,
    body: Body | None = None,
    device: str | None = None,
    sources: Mapping[str, str] | None = None,
    findings: Sequence[Finding] = (),
) -> Schedule:
    """The calendar of a patient.

    `body` holds body surface and earlier drug where known; `device` is the product in use; `sources` says
    what the source keys of the rules stand for; `findings` are those of the caller, put first.

    >>> from datetime import date
    >>> from emboplan import catalog
    >>> from emboplan.scheduling.tables import schedule_from_table
    >>> shipped = catalog.load()
    >>> rules = schedule_from_table(shipped.schedule_table("deboxa"), shipped.sources)
    >>> found = protocol_schedule(rules, ScheduleRequest(start=date(2026, 1, 5), sessions=3))
    >>> [str(session.day) for session in found.sessions]
    ['2026-01-05', '2026-02-09', '2026-03-16']

    Raises:
        CaseFileError: the case and the protocol do not fit; one line for each mistake.
        InputError: the hour of sessions does not exist on one of the days.
    """
    found = problems(request, rules, territories)
    arm = chosen_arm(rules, request)
    if found or arm is None or request.start is None:
        raise CaseFileError(found)
    clock = Clock.of(request.start, request.zone)
    start, known = clock.day(request.start), body or Body()
    sessions: tuple[Session, ...] = ()
    if arm.technique is not Technique.NONE:
        planned = plan_sessions(rules, request, start, territories, clock=clock)
        sessions = with_amounts(planned, arm, request, territories, known)
    events = all_events(rules, request, start, sessions, clock=clock, body_surface_m2=known.surface_m2)
    sums = totals(sessions, events, rules, arm, request, known)
    seen = Calendar(rules, request, start, clock, sessions, events, territories)
    said = [arm.said, *(event.said for event in events), *(rule.said for rule in rules.stops)]
    keys = sorted({key for words in said for key in words.source})
    names = sources or {}
    return Schedule(
        protocol=rules.name,
        arm=arm.id,
        arm_title=arm.title,
        start=start,
        start_is=rules.start,
        zone=None if clock.zone is None else clock.zone.key,
        session_hours=request.session_hours,
        issued=request.issued or start,
        revision=request.revision,
        sessions=sessions,
        events=events,
        stop_rules=rules.stops,
        totals=sums,
        findings=(*findings, *conflicts(seen), *remarks(seen, arm, sums, device)),
        sources={key: names[key] for key in keys if key in names},
    )
