"""`emboplan schedule`: the treatment calendar of a case, as a table, as JSON and as an `.ics` file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emboplan.cli.common import (
    CatalogOption,
    ForceOption,
    JsonOption,
    OutputOption,
    QuietOption,
    print_json,
    say,
    table,
)

if TYPE_CHECKING:
    from emboplan.model.results.schedule import Cumulative, Event, Schedule, Session

SCHEDULE_JSON, SCHEDULE_ICS = "schedule.json", "schedule.ics"


def schedule(
    case: Annotated[
        Path, typer.Argument(metavar="CASE", help="Case file (TOML) with [schedule]; images are not needed.")
    ],
    output: OutputOption = None,
    case_id: Annotated[
        str | None,
        typer.Option("--case-id", metavar="TEXT", help="Identifier to put into the calendar's entries."),
    ] = None,
    force: ForceOption = False,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Make the treatment calendar: sessions, dates, territories, cumulative drug and activity.

    With -o the folder gets schedule.json and schedule.ics. No identifier of the patient is written unless
    --case-id gives one.
    """
    from emboplan.catalog.load import load
    from emboplan.files.atomic import atomic_folder, require_writable
    from emboplan.scheduling.calendar import calendar_text
    from emboplan.workflow.schedule_case import schedule as compute

    if output is not None:
        require_writable(output, SCHEDULE_JSON, force=force)
    found = compute(case, catalog=load(catalog))
    if output is not None:
        text = calendar_text(found, case_id=case_id)
        with atomic_folder(output, SCHEDULE_JSON, force=force) as work:
            content = json.dumps(found.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
            (work / SCHEDULE_JSON).write_bytes(content.encode("utf-8") + b"\n")
            (work / SCHEDULE_ICS).write_bytes(text.encode("utf-8"))
    if as_json:
        print_json(found.to_json())
        return
    for line in schedule_lines(found):
        typer.echo(line)
    if output is not None:
        say(f"calendar: {output / SCHEDULE_ICS}", quiet=quiet)
    if output is not None and case_id is None:
        say(
            "without --case-id, calendars of two patients with the same protocol, arm and start have the "
            "same identifiers; do not put both into one calendar",
            quiet=quiet,
        )


def schedule_lines(found: Schedule) -> Iterator[str]:
    """The calendar as plain text: sessions, the other entries, sums, rules that stop it, findings."""
    yield f"{found.protocol}, {found.arm_title}"
    yield f"start: {found.start} ({found.start_is})" + (f", {found.zone}" if found.zone else "")
    yield ""
    if found.sessions:
        header = ("session", "date", "day", "status", "territories", "drug", "activity", "cumulative")
        yield table([_row(session) for session in found.sessions], header)
        yield ""
    others = [event for event in found.events if event.kind != "session"]
    if others:
        yield table([_entry(event) for event in others], ("from", "to", "what", "basis"))
        yield ""
    done, planned = found.totals.done, found.totals.planned
    if found.sessions:
        yield f"given so far: {_sum(done)}; with all planned sessions: {_sum(planned)}"
    for course in found.totals.courses:
        milligrams = "" if course.mg is None else f", {course.mg:.0f} mg"
        yield f"{course.drug}: {course.days} days listed, {course.mg_per_m2:g} mg/m2{milligrams}"
    for rule in found.stop_rules:
        what = "all tumour treated" if rule.event is None else rule.event
        ends = ", ".join(rule.ends) or "nothing, as written"
        yield f"stop rule: {what} ends {ends} [{', '.join(rule.said.source)}; {rule.said.basis}]"
    for finding in found.findings:
        source = f" [{finding.source}]" if finding.source else ""
        yield f"{finding.severity}: {finding.text}{source}"


def _row(session: Session) -> tuple[str, ...]:
    from emboplan.model.results.schedule import WEEKDAYS

    amounts = session.amounts
    hour = "" if session.at is None else f" {session.at:%H:%M}"
    return (
        str(session.number),
        f"{session.day}{hour}",
        WEEKDAYS[session.day.weekday()],
        session.status,
        ", ".join(session.territories) or "-",
        "-" if amounts.drug_mg is None else f"{amounts.drug_mg:g} mg",
        "-" if amounts.activity_gbq is None else f"{amounts.activity_gbq:.3g} GBq",
        "-" if session.cumulative is None or not session.counts else _sum(session.cumulative),
    )


def _entry(event: Event) -> tuple[str, ...]:
    what = event.title + (" (any day)" if event.anywhere else "")
    if event.status == "cancelled":
        what += " (cancelled)"
    return str(event.first_day), str(event.last_day), what, event.said.basis


def _sum(amounts: Cumulative) -> str:
    parts = []
    if amounts.drug_mg is not None:
        parts.append(f"{amounts.drug_mg:g} mg")
    if amounts.drug_mg_per_m2 is not None:
        parts.append(f"{amounts.drug_mg_per_m2:.1f} mg/m2")
        if amounts.drug_mg_per_m2_with_prior != amounts.drug_mg_per_m2:
            parts.append(f"{amounts.drug_mg_per_m2_with_prior:.1f} mg/m2 with earlier treatment")
    if amounts.activity_gbq is not None:
        parts.append(f"{amounts.activity_gbq:.3g} GBq")
    if not parts:
        return "-"
    return ", ".join(parts) + ("" if amounts.complete else " (not all stated)")
