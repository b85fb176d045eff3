"""`emboplan dose`: the voxel dose of a SPECT, PET or activity map on its CT."""

from __future__ import annotations

from datetime import datetime
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
    UidOption,
    print_json,
    progress_bar,
    say,
)
from emboplan.cli.register import AcceptShiftOption, RegisterOption, ScanCtOption
from emboplan.cli.segment import LiverOption, TumoursOption


def dose(
    activity: Annotated[
        Path,
        typer.Argument(metavar="ACTIVITY", help="SPECT or PET series (DICOM), or a NIfTI or NRRD volume."),
    ],
    ct: Annotated[
        Path, typer.Option("--ct", metavar="CT", help="The CT: a DICOM folder, or a NIfTI or NRRD volume.")
    ],
    output: OutputOption = None,
    administered: Annotated[
        str | None,
        typer.Option(
            "--administered",
            metavar="ACTIVITY",
            help='Net administered activity, such as "2.1 GBq"; the image is scaled to it.',
        ),
    ] = None,
    shunt: Annotated[
        float | None,
        typer.Option("--shunt", metavar="FRACTION", help="Share of it that went to the lungs, such as 0.05."),
    ] = None,
    shunt_sd: Annotated[
        float | None,
        typer.Option("--shunt-sd", metavar="FRACTION", help="Standard uncertainty of the lung shunt."),
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option("--unit", metavar="UNIT", help="What the numbers mean: counts, Bq/mL or MBq/mL."),
    ] = None,
    injection_time: Annotated[
        str | None,
        typer.Option(
            "--injection-time",
            metavar="TIME",
            help="With its time zone, such as 2026-12-03T10:30:00-05:00.",
        ),
    ] = None,
    image_time: Annotated[
        str | None,
        typer.Option(
            "--image-time", metavar="TIME", help="The moment that the image's Bq/mL stand for (not for PET)."
        ),
    ] = None,
    scanner_nuclide: Annotated[
        str | None,
        typer.Option(
            "--scanner-nuclide", metavar="NAME", help="What the PET scanner was told, such as F-18."
        ),
    ] = None,
    resolution: Annotated[
        float | None,
        typer.Option("--resolution", metavar="MM", help="Resolution of the image (FWHM), if it is known."),
    ] = None,
    liver: LiverOption = None,
    tumours: TumoursOption = None,
    lungs: Annotated[
        str | None, typer.Option("--lungs", metavar="FILE[#LABEL]", help="Mask of both lungs on the CT.")
    ] = None,
    uid: UidOption = None,
    method: Annotated[
        str,
        typer.Option("--method", metavar="NAME", help="auto, local, voxel-s, voxel-s-density or transport."),
    ] = "auto",
    nuclide: Annotated[
        str, typer.Option("--nuclide", metavar="NAME", help="A beta emitter of the catalogue.")
    ] = "Y-90",
    relative_error: Annotated[
        float,
        typer.Option(
            "--relative-error",
            metavar="FRACTION",
            help="Standard error of mean doses to stop at (1 % is 0.01).",
        ),
    ] = 0.01,
    error_in: Annotated[
        str | None,
        typer.Option(
            "--in",
            metavar="STRUCTURES",
            help="Where: lesions, liver, normal-liver, lungs, or one lesion; commas between several. "
            "Default: normal liver and every lesion from 1 mL on.",
        ),
    ] = None,
    grid: Annotated[
        float | None,
        typer.Option("--grid", metavar="MM", help="Edge of the dose voxels; default the image's own grid."),
    ] = None,
    recovery: Annotated[
        str,
        typer.Option(
            "--recovery", metavar="NAME", help="Partial volume of lesions: none, published, sphere."
        ),
    ] = "none",
    registration_sd: Annotated[
        float | None,
        typer.Option(
            "--registration-sd", metavar="MM", help="Standard deviation of the offset of image and CT."
        ),
    ] = None,
    register: RegisterOption = None,
    accept_shift: AcceptShiftOption = None,
    scan_ct: ScanCtOption = None,
    bed: Annotated[bool, typer.Option("--bed", help="Also the map of BED, and BED and EQD2.")] = False,
    allow_cut_liver: Annotated[
        bool,
        typer.Option(
            "--allow-cut-liver", help="Go on where image or CT miss a part of the liver: doses are too high."
        ),
    ] = False,
    uniform_liver: Annotated[
        bool,
        typer.Option(
            "--uniform-liver", help="One density for the liver: its mean, where its mask holds gas."
        ),
    ] = False,
    seed: SeedOption = 1,
    force: ForceOption = False,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compute the dose in every voxel, with histograms, errors and what the images' accuracy does to it."""
    from emboplan.catalog.load import load
    from emboplan.report.dose_folder import check_writable, dose_lines, write_dose_folder
    from emboplan.workflow.dosing.dose import dose_method
    from emboplan.workflow.dosing.dose_engines import DoseSettings
    from emboplan.workflow.dosing.dose_request import DoseRequest
    from emboplan.workflow.dosing.dose_scan import scan_dose
    from emboplan.workflow.registering.laid_scan import LayingWish

    if output is not None:
        check_writable(output, force=force)
    request = DoseRequest(
        administered_gbq=None if administered is None else _gbq(administered),
        lung_shunt_frac=shunt,
        lung_shunt_sd=shunt_sd,
        unit=unit,
        injected_at=_moment(injection_time, "--injection-time"),
        measured_at=_moment(image_time, "--image-time"),
        scanner_nuclide=scanner_nuclide,
        resolution_fwhm_mm=resolution,
        ct_series=uid,
        liver=liver,
        tumours=tumours,
        lungs=lungs,
        settings=DoseSettings(
            method=dose_method(method), nuclide=nuclide, seed=seed, relative_error=relative_error
        ),
        error_in=None if error_in is None else error_in.split(","),
        grid_mm=grid,
        recovery=recovery,
        registration_sd_mm=registration_sd,
        with_bed=bed,
        allow_cut_liver=allow_cut_liver,
        uniform_liver=uniform_liver,
        laying=LayingWish(
            register, accept_shift, scan_ct, asked_in="--accept-shift", resolution_key="--resolution"
        ),
    )
    with progress_bar(quiet=quiet or as_json) as progress:
        found = scan_dose(activity, ct, request, catalog=load(catalog), progress=progress)
        report = found.report
        if output is not None:
            progress("writing", 0.9)
            report = write_dose_folder(found, output, force=force)
    if as_json:
        print_json(report.to_json())
        return
    for line in dose_lines(report):
        typer.echo(line)
    if output is not None:
        say(f"written to {output}", quiet=quiet)


def _gbq(text: str) -> float:
    from emboplan.units import parse_quantity

    return float(parse_quantity(text, to="GBq"))


def _moment(text: str | None, option: str) -> datetime | None:
    """A date and time with its zone."""
    from emboplan.errors import InputError

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f'{option} is "{text}"; expected a date and time such as 2026-12-03T10:30:00-05:00'
        ) from None
    if moment.utcoffset() is None:
        raise InputError(f"{option} {text} has no time zone; add one, such as -05:00 or Z")
    return moment
