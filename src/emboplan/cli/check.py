"""`emboplan check`: facts of a patient against trial protocols."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emboplan.cli.common import CatalogOption, JsonOption, print_json


def check(
    facts: Annotated[
        Path,
        typer.Argument(metavar="FACTS", help="Facts (TOML or JSON), or a case file with a [facts] table."),
    ],
    protocol: Annotated[
        str, typer.Option("--protocol", metavar="NAME", help="A protocol's name, or all.")
    ] = "all",
    stage: Annotated[
        str | None, typer.Option("--stage", metavar="STAGE", help="screening or pre_treatment.")
    ] = None,
    burden: Annotated[
        Path | None,
        typer.Option("--burden", metavar="FILE", help="segmentation.json that fills the image facts."),
    ] = None,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check eligibility: eligible, ineligible or undetermined, with each criterion."""
    from emboplan.catalog.load import load
    from emboplan.model.serialise import to_jsonable
    from emboplan.report.summary import eligibility_lines
    from emboplan.workflow.check import check_file

    results = check_file(facts, protocol, stage=stage, burden=burden, catalog=load(catalog))
    if as_json:
        print_json(to_jsonable(results if protocol == "all" else next(iter(results.values()))))
        return
    for result in results.values():
        for line in eligibility_lines(result):
            typer.echo(line)
