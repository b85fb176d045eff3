"""`emboplan check`: facts of a patient against trial protocols, or against the label of a device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emboplan.cli.common import CatalogOption, JsonOption, print_json

if TYPE_CHECKING:
    from emboplan.workflow.label_check import LabelCheck

LABEL_ANSWERS = {
    "eligible": "nothing found outside it",
    "ineligible": "outside it; a physician must clear each point",
    "undetermined": "not settled",
}


def check(
    facts: Annotated[
        Path,
        typer.Argument(metavar="FACTS", help="Facts (TOML or JSON), or a case file with a [facts] table."),
    ],
    protocol: Annotated[
        str | None,
        typer.Option("--protocol", metavar="NAME", help="A protocol's name, or all (the default)."),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            "--label",
            metavar="DEVICE",
            help="Check a device's label instead: therasphere, sir-spheres or quiremspheres.",
        ),
    ] = None,
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
    """Check eligibility: eligible, ineligible or undetermined, with each criterion.

    With --label: whether the patient is within the labelling of a device, point by point.
    """
    from emboplan.catalog.load import load
    from emboplan.errors import InputError
    from emboplan.model.serialise import to_jsonable
    from emboplan.report.summary import eligibility_lines
    from emboplan.workflow.check import ALL, check_file
    from emboplan.workflow.label_check import check_label_file

    if label is not None:
        if protocol is not None:
            raise InputError("--protocol and --label were both given; give one of them")
        checked = check_label_file(facts, label, stage=stage, burden=burden, catalog=load(catalog))
        if as_json:
            print_json(checked.to_json())
            return
        for line in _label_lines(checked):
            typer.echo(line)
        return
    wanted = protocol or ALL
    results = check_file(facts, wanted, stage=stage, burden=burden, catalog=load(catalog))
    if as_json:
        print_json(to_jsonable(results if wanted == ALL else next(iter(results.values()))))
        return
    for result in results.values():
        for line in eligibility_lines(result):
            typer.echo(line)


def _label_lines(checked: LabelCheck) -> list[str]:
    """The answers of a label and of its indication, each with what does not pass."""
    from emboplan.report.summary import eligibility_lines

    lines = []
    for result in (checked.label, checked.indication):
        if result is not None:
            lines.append(f"Label of {result.protocol}: {LABEL_ANSWERS[result.verdict.value]}")
            lines += eligibility_lines(result)[1:]
    return lines
