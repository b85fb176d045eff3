"""`emboplan phantom`: digital patients with known truth."""

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
    SeedOption,
    print_json,
    progress_bar,
    say,
    table,
)

app = typer.Typer(help="Digital patients with known truth.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_phantoms(catalog: CatalogOption = None, as_json: JsonOption = False) -> None:
    """List the digital patients that can be made."""
    from emboplan.catalog.load import load
    from emboplan.workflow.phantom import phantom_descriptions

    descriptions = phantom_descriptions(load(catalog))
    if as_json:
        print_json(descriptions)
        return
    typer.echo(table(sorted(descriptions.items()), header=("name", "what it is")))


@app.command("make")
def make(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name from `emboplan phantom list`.")],
    output: OutputOption = None,
    seed: SeedOption = 1,
    force: ForceOption = False,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Make a digital patient: CT and MAA scans as DICOM, and the truth beside them."""
    from emboplan.catalog.load import load
    from emboplan.workflow.phantom import write_phantom

    folder = output or Path(name)
    with progress_bar(quiet=quiet or as_json) as progress:
        written = write_phantom(
            name, folder, seed=seed, catalog=load(catalog), force=force, progress=progress
        )
    if as_json:
        print_json(written.truth)
        return
    say(f"written to {folder}", quiet=quiet)
