"""`emboplan demo`: the shipped digital patient, planned and checked against its known truth."""

from __future__ import annotations

from pathlib import Path

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

PHANTOM = "net-liver"


def demo(
    output: OutputOption = None,
    seed: SeedOption = 1,
    force: ForceOption = False,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Build the digital patient, plan it, and compare the answer with the truth."""
    from emboplan.catalog.load import load
    from emboplan.model.serialise import to_jsonable
    from emboplan.report.folder import check_writable, write_plan_folder
    from emboplan.workflow.phantom import write_phantom
    from emboplan.workflow.plan_case import plan as run_plan
    from emboplan.workflow.verify_phantom import compare_with_truth

    folder = output or Path("demo")
    patient, result = folder / "patient", folder / "plan"
    check_writable(result, force=force)
    tables = load(catalog)
    with progress_bar(quiet=quiet or as_json) as progress:
        say(f"making the digital patient {PHANTOM} in {patient}", quiet=quiet or as_json)
        written_patient = write_phantom(
            PHANTOM, patient, seed=seed, catalog=tables, force=force, progress=progress
        )
        say("planning it", quiet=quiet or as_json)
        planned = run_plan(written_patient.case, catalog=tables, progress=progress)
        written = write_plan_folder(planned, result, force=force, progress=progress)
    comparisons = compare_with_truth(planned, written_patient.patient.truth)
    passed = all(c.passed is not False for c in comparisons)
    if as_json:
        print_json({"passed": passed, "report": str(written.report), "comparisons": to_jsonable(comparisons)})
    else:
        rows = [(c.text, c.found, c.truth, c.tolerance, c.verdict) for c in comparisons]
        typer.echo(table(rows, header=("compared with the truth", "found", "truth", "tolerance", "")))
        typer.echo("the plan agrees with the truth" if passed else "the plan does NOT agree with the truth")
        say(f"report: {written.report}", quiet=quiet)
    if not passed:
        raise typer.Exit(code=1)
