"""`emboplan respond`: response of lesions over time, best response, and endpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emboplan.cli.common import (
    CatalogOption,
    ForceOption,
    JsonOption,
    OutputOption,
    QuietOption,
    print_json,
    say,
    this_day,
)


def respond(
    reads: Annotated[
        Path,
        typer.Argument(
            metavar="READS", help="Table of lesions by time point: CSV, JSON, XLSX or Parquet, one row each."
        ),
    ],
    criteria: Annotated[
        str | None,
        typer.Option("--criteria", metavar="NAME", help="recist (the default), mrecist, easl or who."),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option("--protocol", metavar="NAME", help="The protocol whose endpoints are meant.")
    ] = None,
    course: Annotated[
        Path | None,
        typer.Option("--course", metavar="FILE", help="Dates of the course: TOML, JSON, CSV."),
    ] = None,
    questionnaires: Annotated[
        Path | None,
        typer.Option(
            "--questionnaires", metavar="FILE", help="QLQ-C30 forms: date, q1 to q30; one row each."
        ),
    ] = None,
    adverse_events: Annotated[
        Path | None,
        typer.Option(
            "--adverse-events", metavar="FILE", help="Adverse events: patient, date, term, CTCAE grade."
        ),
    ] = None,
    confirmation: Annotated[
        bool | None,
        typer.Option("--confirmation/--no-confirmation", help="Whether a response must be confirmed."),
    ] = None,
    carry_pr: Annotated[
        bool, typer.Option("--carry-pr", help="Read stable disease after a confirmed PR as PR.")
    ] = False,
    reread_cr: Annotated[
        bool, typer.Option("--reread-cr", help="Read a CR that a PR follows as PR, instead of the PR as PD.")
    ] = False,
    five_mm: Annotated[
        bool, typer.Option("--five-mm", help="mRECIST: progression needs a growth of 5 mm as well.")
    ] = False,
    max_targets: Annotated[
        int | None, typer.Option("--max-targets", min=1, help="Targets in total; else 5.")
    ] = None,
    max_per_organ: Annotated[
        int | None, typer.Option("--max-targets-per-organ", min=1, help="Targets to an organ; else 2.")
    ] = None,
    min_sd_days: Annotated[
        int | None,
        typer.Option("--min-sd-days", min=0, help="Shortest time to stable disease, in days."),
    ] = None,
    visit_window: Annotated[
        int | None,
        typer.Option("--visit-window", metavar="DAYS", min=0, help="How far from its date a visit may be."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DATE", help="Day of the data: nothing may be dated after it."),
    ] = None,
    assessor: Annotated[
        str | None,
        typer.Option("--assessor", metavar="NAME", help="Who read the images; kept as a record."),
    ] = None,
    output: OutputOption = None,
    force: ForceOption = False,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Judge response per time point, the best response, and endpoints; with -o also survival curves."""
    from emboplan.catalog.load import load
    from emboplan.model.response import ResponseOptions
    from emboplan.report.response_folder import check_writable, response_lines, write_response_folder
    from emboplan.workflow.responding.respond import day_of_data, respond_cohort
    from emboplan.workflow.responding.respond_inputs import read_courses

    if output is not None:
        check_writable(output, force=force)
    options = ResponseOptions(
        criteria=criteria,
        protocol=protocol,
        max_targets=max_targets,
        max_targets_per_organ=max_per_organ,
        min_sd_interval_days=min_sd_days,
        confirmation=confirmation,
        carry_pr=carry_pr,
        reread_cr=reread_cr,
        five_mm=five_mm,
        visit_window_days=visit_window,
        as_of=None if as_of is None else day_of_data(as_of),
        assessor=assessor,
        today=this_day(),
    )
    courses = None if course is None else read_courses(course)
    answer = respond_cohort(
        reads,
        courses,
        options,
        questionnaires=questionnaires,
        adverse_events=adverse_events,
        catalog=load(catalog),
    )
    if output is not None:
        write_response_folder(answer, output, force=force)
    if as_json:
        print_json(answer.to_json_of_one() if len(answer.patients) == 1 else answer.to_json())
        return
    for line in response_lines(answer):
        typer.echo(line)
    if output is not None:
        say(f"written to {output}", quiet=quiet)
