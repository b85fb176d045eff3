"""`emboplan plan`: a case file of any kind of procedure, or a folder of images, into a plan folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emboplan.cli.common import (
    CatalogOption,
    ConfirmOption,
    ForceOption,
    JsonOption,
    OutputOption,
    QuietOption,
    UidOption,
    print_json,
    progress_bar,
    say,
)


def plan(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="Case file (TOML), or a folder of images.")],
    output: OutputOption = None,
    force: ForceOption = False,
    uid: UidOption = None,
    confirm: ConfirmOption = None,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Plan a case: volumes, burden, protocol; activity and dose, or beads, emulsion and particles; report."""
    from emboplan.catalog.load import load
    from emboplan.model.serialise import to_jsonable
    from emboplan.report.folder import check_writable, write_plan_folder
    from emboplan.report.summary import summary_lines
    from emboplan.workflow.plan_case import plan as run_plan

    folder = output or Path("plan")
    check_writable(folder, force=force)
    with progress_bar(quiet=quiet or as_json) as progress:
        planned = run_plan(
            case, catalog=load(catalog), ct_series=uid, confirmed_by=confirm, progress=progress
        )
        written = write_plan_folder(planned, folder, force=force, progress=progress)
    if as_json:
        print_json(to_jsonable(written.plan))
        return
    for line in summary_lines(written.plan):
        typer.echo(line)
    say(f"report: {written.report}", quiet=quiet)
    if written.sheets is not None:
        say(f"loading sheets: {written.sheets}", quiet=quiet)
