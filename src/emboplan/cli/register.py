"""`emboplan register`: one image onto another, with the picture to look at before its result is used."""

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

RegisterOption = Annotated[
    str | None,
    typer.Option(
        "--register",
        metavar="rigid",
        help="Register an image that lies outside the CT's frame of reference to the CT first.",
    ),
]
AcceptShiftOption = Annotated[
    float | None,
    typer.Option(
        "--accept-shift", metavar="MM", help="Accept a mean shift up to this, after a look at the picture."
    ),
]
ScanCtOption = Annotated[
    Path | None,
    typer.Option("--scan-ct", metavar="CT", help="The CT taken with the image: it is registered instead."),
]


def register(
    fixed: Annotated[
        Path, typer.Argument(metavar="FIXED", help="CT or MR that stays: DICOM, NIfTI or NRRD.")
    ],
    moving: Annotated[
        Path, typer.Argument(metavar="MOVING", help="CT, MR, SPECT or PET that is laid on it.")
    ],
    output: OutputOption = None,
    kind: Annotated[str, typer.Option("--kind", metavar="NAME", help="rigid, affine or bspline.")] = "rigid",
    liver: Annotated[
        str | None,
        typer.Option(
            "--liver", metavar="FILE[#LABEL]", help="Liver on the fixed image: it alone decides then."
        ),
    ] = None,
    accept_shift: AcceptShiftOption = None,
    resolution: Annotated[
        float | None,
        typer.Option("--resolution", metavar="MM", help="Resolution of the SPECT or PET (FWHM)."),
    ] = None,
    fixed_is: Annotated[
        str | None,
        typer.Option("--fixed-is", metavar="KIND", help="What a NIfTI or NRRD volume shows: ct or mr."),
    ] = None,
    moving_is: Annotated[
        str | None,
        typer.Option("--moving-is", metavar="KIND", help="The same: ct, mr, spect (counts) or pet (per mL)."),
    ] = None,
    fixed_uid: Annotated[
        str | None,
        typer.Option("--fixed-series", metavar="UID", help="The series to take, by its UID or its end."),
    ] = None,
    moving_uid: Annotated[
        str | None, typer.Option("--moving-series", metavar="UID", help="The same for the moving image.")
    ] = None,
    force: ForceOption = False,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Lay one image on another: similarity, shift, a picture, and the moved image where it is accepted."""
    from emboplan.catalog.load import load
    from emboplan.report.register_folder import check_writable, register_lines, write_register_folder
    from emboplan.workflow.registering.file_pair import PairRequest, register_files
    from emboplan.workflow.registering.image_files import image_kind

    folder = output or Path("registration")
    check_writable(folder, force=force)
    request = PairRequest(
        kind="b-spline" if kind == "bspline" else kind,
        liver=liver,
        accept_shift_mm=accept_shift,
        fixed_is=None if fixed_is is None else image_kind(fixed_is),
        moving_is=None if moving_is is None else image_kind(moving_is),
        fixed_series=fixed_uid,
        moving_series=moving_uid,
        resolution_fwhm_mm=resolution,
    )
    with progress_bar(quiet=quiet or as_json) as progress:
        found = register_files(fixed, moving, request, catalog=load(catalog), progress=progress)
        progress("writing", 0.95)
        write_register_folder(found, folder, force=force)
    if as_json:
        print_json(found.to_json())
    else:
        for line in register_lines(found):
            typer.echo(line)
    say(f"written to {folder}", quiet=quiet or as_json)
    # Picture and numbers are there to be looked at; nothing that could be used is. The reasons are one line.
    found.result.require_accepted()
