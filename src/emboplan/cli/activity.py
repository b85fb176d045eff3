"""`emboplan activity`: all activity models of a case side by side, with limits, vials and checks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emboplan.cli.common import (
    CatalogOption,
    JsonOption,
    QuietOption,
    UidOption,
    print_json,
    progress_bar,
)


def activity(
    case: Annotated[
        Path,
        typer.Argument(metavar="CASE", help="Case file (TOML), with images or with volumes entered."),
    ],
    uid: UidOption = None,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compute the activity by every model: doses, limits, vials by day, uncertainty, second calculation."""
    from emboplan.catalog.load import load
    from emboplan.report.activity_text import activity_lines
    from emboplan.workflow.planning.activity_plan import activity as compute

    with progress_bar(quiet=quiet or as_json) as progress:
        plan = compute(case, catalog=load(catalog), ct_series=uid, progress=progress)
    if as_json:
        print_json(plan.to_json())
        return
    for line in activity_lines(plan):
        typer.echo(line)
