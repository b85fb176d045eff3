"""What a reader of a calendar must know of its rules and amounts: inferences, gaps, doses that differ."""

from __future__ import annotations

from collections.abc import Iterator

from emboplan.model.finding import Finding, Severity
from emboplan.model.results.schedule import EntryStatus, Totals
from emboplan.model.schedule import ArmRule, Basis, CycleDays, Extent, Said, Technique
from emboplan.scheduling.conflicts import Calendar
from emboplan.scheduling.sessions import FIRST


def remarks(found: Calendar, arm: ArmRule, totals: Totals, device: str | None = None) -> Iterator[Finding]:
    """Findings about the rules that were used and the amounts that were stated."""
    yield from _inferences(found, arm)
    yield from _open_ends(found, arm)
    yield from _scans(found)
    yield from _events(found)
    yield from _doses(found, arm, totals)
    yield from _courses(found)
    for caution in found.rules.cautions:
        if caution.device == device:
            source = ", ".join(caution.source)
            yield Finding(f"schedule-{caution.id}", Severity.WARNING, caution.text, source)


def _info(name: str, text: str, said: Said | None = None) -> Finding:
    return Finding(f"schedule-{name}", Severity.INFO, text, "" if said is None else ", ".join(said.source))


def _warning(name: str, text: str, said: Said | None = None) -> Finding:
    source = "case file" if said is None else ", ".join(said.source)
    return Finding(f"schedule-{name}", Severity.WARNING, text, source)


def _inferences(found: Calendar, arm: ArmRule) -> Iterator[Finding]:
    rule = found.rules.sessions
    if arm.technique is not Technique.NONE:
        if rule.said.basis is Basis.INFERENCE:
            yield _info(
                "inference", f"the interval of the sessions is an inference. {rule.said.note}", rule.said
            )
        elif rule.said.note:
            yield _info("sessions", rule.said.note, rule.said)
    if arm.said.note:
        yield _info("arm", arm.said.note, arm.said)
    if arm.drug is not None and arm.drug.note:
        yield _info("drug", arm.drug.note, arm.said)
    if found.rules.cycle is not None and found.rules.cycle.said.note:
        yield _info("cycle", found.rules.cycle.said.note, found.rules.cycle.said)
    for visit in found.rules.visits:
        if visit.said.note:
            yield _info(visit.id, f"{visit.title}: {visit.said.note}", visit.said)


def _open_ends(found: Calendar, arm: ArmRule) -> Iterator[Finding]:
    rule, request = found.rules.sessions, found.request
    if arm.technique is Technique.NONE:
        yield _info("no-sessions", f"the arm {arm.id} has no embolization; visits only", arm.said)
        return
    if rule.extent is Extent.UNTIL_TREATED and not found.territories and request.sessions is None:
        yield _info(
            "number-open",
            "treatment goes on until all tumour is treated, and the case does not say in how many sessions: "
            "give territories with their session, or schedule.sessions",
            rule.said,
        )
    if not found.territories:
        yield _info("territories", "no [[territory]] in the case: what a session treats is not shown")
    timing = rule.timing
    planned = [session for session in found.sessions if session.counts]
    if isinstance(timing, CycleDays) and len(planned) == FIRST + 1 and request.later_cycle is None:
        listed = " or ".join(map(str, timing.later_cycles))
        yield _info(
            "later-cycle",
            f"session 2 may be in cycle {listed}; cycle {planned[-1].cycle} is shown "
            "(schedule.later_cycle sets another)",
            rule.said,
        )
    if isinstance(timing, CycleDays) and any(s.number > FIRST + 1 for s in planned):
        yield _warning("third-session", f"a third session: {rule.said.note}", rule.said)
    if not any(stop.ends for stop in found.rules.stops):
        yield _info("no-stop-rule", f"the document of {found.rules.name} states no rule that stops treatment")


def _scans(found: Calendar) -> Iterator[Finding]:
    stated = any(visit.kind == "imaging" for visit in found.rules.visits)
    if not stated and found.request.imaging_every is None:
        yield _info(
            "scans",
            f"{found.rules.name} gives no interval between scans; schedule.imaging_every sets the site's own",
        )


def _events(found: Calendar) -> Iterator[Finding]:
    for event in found.request.events:
        for rule in found.rules.stops:
            if rule.event != event.event or (rule.before_first_session and _treated_before(found, event.day)):
                continue
            if not rule.ends:
                yield _warning("does-not-stop", f"{event.event} on {event.day}: {rule.said.note}", rule.said)
            else:
                ended = ", ".join(rule.ends)
                note = f" {rule.said.note}" if rule.said.note else ""
                yield _warning(
                    "stopped",
                    f"{event.event} on {event.day} ends: {ended}. {rule.said.text}{note}",
                    rule.said,
                )


def _treated_before(found: Calendar, day: object) -> bool:
    return any(s.status is EntryStatus.DONE and str(s.day) <= str(day) for s in found.sessions)


def _doses(found: Calendar, arm: ArmRule, totals: Totals) -> Iterator[Finding]:
    stated = None if arm.drug is None else arm.drug.dose_mg
    if arm.drug is not None and stated is not None:
        for session in found.sessions:
            mg = session.amounts.drug_mg
            if session.counts and mg is not None and mg != stated:
                yield _warning(
                    "drug-dose",
                    f"session {session.number}: {mg:g} mg of {arm.drug.name}; the protocol: {stated:g} mg",
                    arm.said,
                )
    if not totals.planned.complete:
        what = "activity" if arm.technique is Technique.TARE else "drug dose"
        lacking = [
            str(s.number)
            for s in found.sessions
            if s.counts
            and (s.amounts.activity_gbq if arm.technique is Technique.TARE else s.amounts.drug_mg) is None
        ]
        yield _info(
            "amounts",
            f"{what} not stated for {len(lacking)} of the sessions (first: session {lacking[0]}); cumulative "
            "amounts add the others only",
        )


def _courses(found: Calendar) -> Iterator[Finding]:
    for rule in found.rules.courses:
        amount = found.request.course_mg_per_m2.get(rule.drug)
        low, high = rule.mg_per_m2
        if amount is not None and not low <= amount <= high:
            yield _warning(
                "course-dose",
                f"{rule.drug}: {amount:g} mg/m2 per {rule.per}; published: {low:g} to {high:g}",
                rule.said,
            )
