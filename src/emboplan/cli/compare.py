"""`emboplan compare`: how well a mask agrees with a reference."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emboplan.cli.common import JsonOption, print_json


def compare(
    found: Annotated[str, typer.Argument(metavar="FOUND[#LABEL]", help="The mask to judge.")],
    reference: Annotated[str, typer.Argument(metavar="REFERENCE[#LABEL]", help="The mask taken as true.")],
    series: Annotated[
        Path | None,
        typer.Option("--series", metavar="IMAGE", help="The CT or MR of the masks; DICOM masks need it."),
    ] = None,
    lesions: Annotated[
        bool, typer.Option("--lesions", help="The masks hold lesions: match them one by one too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare two masks: overlap, volume, surface distances, and lesions one by one."""
    from emboplan.report.agreement_text import agreement_lines
    from emboplan.workflow.compare import compare_files

    result = compare_files(found, reference, series=series, lesions=lesions)
    if as_json:
        print_json(result.to_json())
        return
    for line in agreement_lines(result):
        typer.echo(line)
