"""`emboplan shunt`: the lung shunt fraction of an MAA study, by every method that it allows."""

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
from emboplan.cli.segment import LiverOption


def shunt(
    series: Annotated[
        Path, typer.Argument(metavar="SERIES", help="Folder or file of the MAA SPECT, planar views, or both.")
    ],
    output: OutputOption = None,
    ct: Annotated[
        Path | None, typer.Option("--ct", metavar="CT", help="The CT; else the one in the folder of SERIES.")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            "--method", metavar="NAME", help="spect-ct, planar-gm or anterior; else the first there is."
        ),
    ] = None,
    liver: LiverOption = None,
    lungs: Annotated[
        str | None, typer.Option("--lungs", metavar="FILE[#LABEL]", help="Mask of both lungs on the CT.")
    ] = None,
    regions: Annotated[
        Path | None,
        typer.Option(
            "--regions", metavar="FILE", help="Label image on the views: 1 lung, 2 liver, 3 background."
        ),
    ] = None,
    from_behind: Annotated[
        bool, typer.Option("--regions-from-behind", help="The regions were drawn on the posterior view.")
    ] = False,
    first_pixel: Annotated[
        str | None,
        typer.Option(
            "--first-pixel", metavar="X,Z", help="Place of the views' first pixel on the CT, in mm."
        ),
    ] = None,
    scatter: Annotated[
        bool | None,
        typer.Option("--scatter/--no-scatter", help="Take scatter off (default: where it was recorded)."),
    ] = None,
    background: Annotated[
        bool | None,
        typer.Option(
            "--background/--no-background", help="Take background off (default: where it is drawn)."
        ),
    ] = None,
    dome_margin: Annotated[
        float, typer.Option("--dome-margin", metavar="MM", min=0, help="Leave out lung so near to the liver.")
    ] = 0.0,
    resolution: Annotated[
        float | None,
        typer.Option("--resolution", metavar="MM", help="Resolution of the SPECT (FWHM), if it is known."),
    ] = None,
    lung_mass: Annotated[
        str | None,
        typer.Option("--lung-mass", metavar="MASS", help='Such as "900 g", or ct; default 1000 g.'),
    ] = None,
    force: ForceOption = False,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Measure the lung shunt on SPECT/CT and planar views, and the lung dose per GBq on each scale."""
    from emboplan.catalog.load import load
    from emboplan.report.shunt_folder import check_writable, shunt_lines, write_shunt_folder
    from emboplan.workflow.shunting.planar_scan import PlanarRequest
    from emboplan.workflow.shunting.shunt import measure_lung_shunt, shunt_method
    from emboplan.workflow.shunting.shunt_inputs import ShuntRequest

    if output is not None:
        check_writable(output, force=force)
    request = ShuntRequest(
        method=None if method is None else shunt_method(method),
        liver=liver,
        lungs=lungs,
        planar=PlanarRequest(
            regions=regions,
            from_behind=from_behind,
            first_pixel_mm=None if first_pixel is None else _place(first_pixel),
            background=background,
            scatter=scatter,
            dome_margin_mm=dome_margin,
        ),
        resolution_fwhm_mm=resolution,
        lung_mass_g=None if lung_mass is None else _mass(lung_mass),
    )
    with progress_bar(quiet=quiet or as_json) as progress:
        measured = measure_lung_shunt(series, ct, request, catalog=load(catalog), progress=progress)
        if output is not None:
            write_shunt_folder(measured, output, force=force)
    if as_json:
        print_json(measured.shunt.to_json())
        return
    for line in shunt_lines(measured.shunt):
        typer.echo(line)
    if output is not None:
        say(f"written to {output}", quiet=quiet)


def _place(text: str) -> tuple[float, float]:
    """Two numbers, as in ``-280.7,275``."""
    from emboplan.errors import InputError

    try:
        x, z = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f'--first-pixel is "{text}"; expected x and z in mm, as in -280.7,275') from None
    return (x, z)


def _mass(text: str) -> float | str:
    """A mass in grams, or the word for the mass from CT."""
    from emboplan.units import parse_quantity
    from emboplan.workflow.shunting.shunt import FROM_CT

    return FROM_CT if text.strip().lower() == FROM_CT else float(parse_quantity(text, to="g"))
