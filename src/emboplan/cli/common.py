"""What all commands share: their common options, the progress bar, and how a result is shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from datetime import date

Progress = Callable[[str, float], None]

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no messages.")]
CatalogOption = Annotated[
    Path | None, typer.Option("--catalog", metavar="FILE", help="A site's own catalogue, laid over ours.")
]
OutputOption = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="DIR", help="Folder to write the result to.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an existing result.")]
ConfirmOption = Annotated[
    str | None, typer.Option("--confirm", metavar="NAME", help="Reader who confirmed the contours.")
]
UidOption = Annotated[
    str | None,
    typer.Option("--series", metavar="UID", help="The series to take, by its UID or the end of it."),
]
ModalityOption = Annotated[
    str | None,
    typer.Option("--modality", metavar="ct|mr", help="What the image is; DICOM tells, other files are CT."),
]
SequenceOption = Annotated[
    str | None,
    typer.Option(
        "--sequence",
        metavar="t1-post|t2",
        help="An MR of this sequence, where its name does not tell.",
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of everything random.")]


def this_day() -> date:
    """The calendar day of this computer, for dates of the future; the library itself has no clock."""
    from datetime import datetime

    return datetime.now().astimezone().date()


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Progress]:
    """A callback (stage, fraction) that draws a bar on a terminal and does nothing in a pipe."""
    if quiet or not sys.stderr.isatty():
        yield lambda _stage, _fraction: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description:<34}"), BarColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda stage, fraction: bar.update(task, description=stage, completed=fraction)


def say(text: str, *, quiet: bool) -> None:
    """A message on standard error."""
    if not quiet:
        sys.stderr.write(text + "\n")


def print_json(result: Any) -> None:
    """A result as JSON on standard output; signs that it cannot carry are written as JSON escapes."""
    everything = (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    sys.stdout.write(json.dumps(result, indent=2, ensure_ascii=not everything, allow_nan=False) + "\n")


def table(rows: Sequence[tuple[str, ...]], header: tuple[str, ...]) -> str:
    """Rows as plain aligned text, the same on a terminal and in a pipe."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    head = "  ".join(cell.ljust(width) for cell, width in zip(header, widths, strict=True)).rstrip()
    return "\n".join([head, "  ".join("-" * width for width in widths), *lines])
