"""`emboplan check`: facts of one patient or of many against trial protocols, or against a device's label."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emboplan.cli.common import CatalogOption, ForceOption, JsonOption, OutputOption, print_json, this_day

if TYPE_CHECKING:
    from datetime import date

    from emboplan.catalog.load import Catalog
    from emboplan.workflow.screening.label_check import LabelCheck

LABEL_ANSWERS = {
    "eligible": "nothing found outside it",
    "ineligible": "outside it; a physician must clear each point",
    "undetermined": "not settled",
}


def check(
    facts: Annotated[
        Path,
        typer.Argument(
            metavar="FACTS",
            help="Facts (TOML or JSON), a case file with a [facts] table, or a table of patients "
            "(CSV, XLSX, Parquet).",
        ),
    ],
    protocol: Annotated[
        str | None,
        typer.Option("--protocol", metavar="NAME", help="A protocol's name, or all (the default)."),
    ] = None,
    protocol_file: Annotated[
        Path | None,
        typer.Option("--protocol-file", metavar="FILE", help="A protocol of your own (TOML)."),
    ] = None,
    variant: Annotated[
        str | None,
        typer.Option("--variant", metavar="NAME", help="A published version that differs from the document."),
    ] = None,
    arm: Annotated[
        str | None,
        typer.Option(
            "--arm", metavar="NAME", help="Show the procedure of an arm too; a closed one is refused."
        ),
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
    what_if: Annotated[
        bool, typer.Option("--what-if", help="Say what would make the patient eligible.")
    ] = False,
    output: OutputOption = None,
    force: ForceOption = False,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check eligibility: eligible, ineligible or undetermined, with each criterion.

    With a table of patients: a table of verdicts and a matrix of criteria. With --label: whether the patient
    is within the labelling of a device, point by point.
    """
    from emboplan.catalog.load import load
    from emboplan.files.row_tables import TABLE_SUFFIXES
    from emboplan.workflow.screening.check import ALL

    given = {
        "--label": label,
        "--protocol": protocol,
        "--protocol-file": protocol_file,
        "--arm": arm,
        "--variant": variant,
        "--burden": burden,
        "--what-if": what_if or None,
        "-o": output,
    }
    tables, today = load(catalog), this_day()
    if label is not None:
        _refuse_beside(given, "--label", "--protocol --protocol-file --arm --variant --what-if -o")
        _check_label(facts, label, stage, burden, today, tables, as_json=as_json)
        return
    _refuse_beside(given, "--protocol", "--protocol-file")
    wanted = protocol_file or protocol or ALL
    if facts.suffix.lower() in TABLE_SUFFIXES:
        _refuse_beside(given, None, "--burden --what-if --arm")
        _check_table(
            facts, wanted, stage, variant, today, tables, output=output, force=force, as_json=as_json
        )
        return
    _refuse_beside(given, None, "-o")
    _check_patient(
        facts, wanted, arm, what_if=what_if, as_json=as_json,
        options={"stage": stage, "variant": variant, "today": today, "catalog": tables}, burden=burden,
    )  # fmt: skip


def _refuse_beside(given: dict[str, Any], option: str | None, others: str) -> None:
    """Raise where an option stands beside one that it does not go with."""
    from emboplan.errors import InputError

    for other in others.split():
        if given[other] is None:
            continue
        if option is None:
            raise InputError(f"{other} does not go with this kind of FACTS; leave it out")
        if given[option] is not None:
            raise InputError(f"{other} and {option} were both given; give one of them")


def _check_patient(
    facts: Path,
    wanted: str | Path,
    arm: str | None,
    *,
    what_if: bool,
    as_json: bool,
    options: dict[str, Any],
    burden: Path | None,
) -> None:
    from emboplan.errors import InputError
    from emboplan.report.summary import arm_lines, change_lines, eligibility_lines
    from emboplan.workflow.protocol_file import arm as open_arm
    from emboplan.workflow.screening.check import ALL, changes_of_file, check_file

    if wanted == ALL and (arm is not None or options["variant"] is not None):
        raise InputError("--arm and --variant belong to one protocol; name it with --protocol")
    chosen = None
    if arm is not None:
        chosen = open_arm(wanted, arm, variant=options["variant"], catalog=options["catalog"])
    results = check_file(facts, wanted, burden=burden, **options)
    changes = changes_of_file(facts, wanted, burden=burden, **options) if what_if else {}
    if as_json:
        plain = {name: result.to_json() for name, result in results.items()}
        for name, answer in changes.items():
            said = answer.to_json()
            plain[name]["what_would_change"] = {key: said[key] for key in ("sets", "blocked", "complete")}
        print_json(plain if wanted == ALL else next(iter(plain.values())))
        return
    for name, result in results.items():
        for line in eligibility_lines(result) + (change_lines(changes[name]) if what_if else []):
            typer.echo(line)
        for line in arm_lines(name, chosen) if chosen is not None else []:
            typer.echo(line)


def _check_table(
    table: Path,
    wanted: str | Path,
    stage: str | None,
    variant: str | None,
    today: date,
    catalog: Catalog,
    *,
    output: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    from emboplan.report.summary import screening_lines
    from emboplan.workflow.screening.check import ALL
    from emboplan.workflow.screening.check_table import check_table, write_screening

    if wanted == ALL and variant is not None:
        _refuse_beside({"--variant": variant}, None, "--variant")
    screening = check_table(table, wanted, stage=stage, variant=variant, today=today, catalog=catalog)
    written = () if output is None else write_screening(screening, output, force=force)
    if as_json:
        print_json(screening.to_json())
        return
    for line in screening_lines(screening):
        typer.echo(line)
    for path in written:
        typer.echo(f"written: {path}")


def _check_label(
    facts: Path,
    label: str,
    stage: str | None,
    burden: Path | None,
    today: date,
    catalog: Catalog,
    *,
    as_json: bool,
) -> None:
    from emboplan.workflow.screening.label_check import check_label_file

    checked = check_label_file(facts, label, stage=stage, burden=burden, catalog=catalog, today=today)
    if as_json:
        print_json(checked.to_json())
        return
    for line in _label_lines(checked):
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
