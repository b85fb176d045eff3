"""`emboplan verify`: what was delivered, by readings and by PET, against the plan."""

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
    print_json,
    progress_bar,
    say,
)
from emboplan.cli.register import AcceptShiftOption, RegisterOption, ScanCtOption


def verify(
    case: Annotated[
        Path, typer.Argument(metavar="CASE", help="Case file with the readings in [[administration]].")
    ],
    output: OutputOption = None,
    plan: Annotated[
        Path | None, typer.Option("--plan", metavar="FOLDER", help="The plan folder; else the case decides.")
    ] = None,
    delivered: Annotated[
        Path | None, typer.Option("--delivered", metavar="SERIES", help="Folder of the PET after treatment.")
    ] = None,
    uid: Annotated[
        str | None,
        typer.Option("--series", metavar="UID", help="The PET series to take, by its UID or the end of it."),
    ] = None,
    scanner_nuclide: Annotated[
        str | None,
        typer.Option(
            "--scanner-nuclide",
            metavar="NAME",
            help="What the PET scanner was told where it was not the true nuclide, such as F-18.",
        ),
    ] = None,
    lungs: Annotated[
        bool | None,
        typer.Option("--lungs-in-field/--no-lungs-in-field", help="Whether the PET shows the lungs."),
    ] = None,
    liver: Annotated[
        str | None,
        typer.Option("--liver", metavar="FILE[#LABEL]", help="Liver mask on the PET, or on --ct."),
    ] = None,
    ct: Annotated[
        Path | None, typer.Option("--ct", metavar="CT", help="The CT of the PET/CT, for the liver mask.")
    ] = None,
    register: RegisterOption = None,
    accept_shift: AcceptShiftOption = None,
    scan_ct: ScanCtOption = None,
    resolution: Annotated[
        float | None,
        typer.Option("--resolution", metavar="MM", help="Resolution of the PET (FWHM), to register it."),
    ] = None,
    force: ForceOption = False,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compare what was delivered, by the readings of the day and by PET, with the plan."""
    from emboplan.catalog.load import load
    from emboplan.errors import InputError
    from emboplan.report.delivery_folder import check_writable, delivery_lines, write_delivery_folder
    from emboplan.workflow.delivering.delivery import verified
    from emboplan.workflow.delivering.imaged_delivery import PetRequest
    from emboplan.workflow.registering.laid_scan import LayingWish

    if delivered is None and any(x is not None for x in (uid, scanner_nuclide, lungs, liver, ct)):
        raise InputError("an option for the PET was given without --delivered; give the PET series")
    if ct is not None and liver is None:
        raise InputError("--ct was given without --liver; give the liver mask that lies on it")
    if register is not None and ct is None:
        raise InputError("--register was given without --ct; give the CT to register to, with --liver on it")
    laying = LayingWish(
        register, accept_shift, scan_ct, asked_in="--accept-shift", resolution_key="--resolution"
    )
    laying.require_sense()
    if output is not None:
        check_writable(output, force=force)
    request = PetRequest(
        series_uid=uid,
        scanner_nuclide=scanner_nuclide,
        lungs_in_field=lungs,
        liver=liver,
        ct=ct,
        laying=laying,
        resolution_fwhm_mm=resolution,
    )
    with progress_bar(quiet=quiet or as_json) as progress:
        found = verified(
            case, delivered=delivered, plan=plan, pet=request, catalog=load(catalog), progress=progress
        )
    report = found.report
    if output is not None:
        write_delivery_folder(report, output, force=force, laid=found.laid)
    if as_json:
        print_json(report.to_json())
        return
    for line in delivery_lines(report):
        typer.echo(line)
    if output is not None:
        say(f"written to {output}", quiet=quiet)
