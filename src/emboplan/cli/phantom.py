"""`emboplan phantom`: digital patients and analytic cases with known truth."""

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

app = typer.Typer(
    help="Digital patients and analytic cases with known truth.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("list")
def list_phantoms(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Show what can be set of this phantom.")
    ] = None,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the phantoms that can be made, or what can be set of one."""
    from emboplan.catalog.load import load
    from emboplan.workflow.phantom import phantom_descriptions, phantom_settings

    tables = load(catalog)
    shown = phantom_descriptions(tables) if name is None else phantom_settings(name, tables)
    if as_json:
        print_json(shown)
        return
    header = ("name", "what it is") if name is None else ("setting", "value")
    rows: list[tuple[str, str]] = []
    for key, value in shown.items():
        if isinstance(value, dict):
            rows += [(f"{key}={choice}", what) for choice, what in value.items()]
    rows += [(key, str(value)) for key, value in sorted(shown.items()) if not isinstance(value, dict)]
    typer.echo(table(rows, header=header))


@app.command("make")
def make(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name from `emboplan phantom list`.")],
    output: OutputOption = None,
    seed: SeedOption = 1,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, such as diameter_mm=30."),
    ] = None,
    force: ForceOption = False,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Make a phantom: CT and MAA scans as DICOM, and the truth beside them."""
    from emboplan.catalog.load import load
    from emboplan.workflow.phantom import write_any_phantom
    from emboplan.workflow.phantoms.phantom_settings import parse_settings

    folder = output or Path(name)
    with progress_bar(quiet=quiet or as_json) as progress:
        truth = write_any_phantom(
            name,
            folder,
            seed=seed,
            catalog=load(catalog),
            force=force,
            progress=progress,
            settings=parse_settings(settings or ()),
        )
    if as_json:
        print_json(truth)
        return
    say(f"written to {folder}", quiet=quiet)
