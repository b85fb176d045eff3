"""`emboplan catalog`: every constant with its source and status."""

from __future__ import annotations

from typing import Annotated

import typer

from emboplan.cli.common import CatalogOption, JsonOption, print_json, table

app = typer.Typer(
    help="Every constant with its source and status.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("list")
def list_entries(catalog: CatalogOption = None, as_json: JsonOption = False) -> None:
    """List all entries."""
    from emboplan.catalog.load import load
    from emboplan.model.serialise import to_jsonable

    entries = load(catalog).entries()
    if as_json:
        print_json(to_jsonable(entries))
        return
    rows = [(e.name, _shown(e.value), e.unit, e.status.value, e.source_text) for e in entries]
    typer.echo(table(rows, header=("name", "value", "unit", "status", "source")))


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An entry, or the beginning of its name.")],
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one entry, or all entries whose name begins so."""
    from emboplan.catalog.load import load
    from emboplan.errors import CatalogError
    from emboplan.model.serialise import to_jsonable

    tables = load(catalog)
    wanted = (name, f"{name}.")
    entries = [
        e
        for e in tables.entries()
        if any(n == wanted[0] or n.startswith(wanted[1]) for n in (e.name, e.name.partition(".")[2]))
    ]
    if not entries:
        raise CatalogError(f'no entry "{name}" in the catalogue; `emboplan catalog list` shows all names')
    if as_json:
        print_json(to_jsonable(entries))
        return
    for entry in entries:
        typer.echo(f"{entry.name} = {_shown(entry.value)} {entry.unit}")
        typer.echo(f"  status: {entry.status.value}")
        for key in entry.source:
            typer.echo(f"  source: {key}, {tables.sources[key]}")
        typer.echo(f"  place:  {entry.place}")
        if entry.note:
            typer.echo(f"  note: {entry.note}")


def _shown(value: object) -> str:
    return ", ".join(str(v) for v in value) if isinstance(value, tuple) else str(value)
