"""`emboplan burden`: volumes, burden with its interval, and lesions, without writing files."""

from __future__ import annotations

import typer

from emboplan.cli.common import JsonOption, QuietOption, print_json, progress_bar
from emboplan.cli.segment import ConfirmOption, LiverOption, SeriesArgument, TumoursOption, UidOption


def burden(
    series: SeriesArgument,
    liver: LiverOption = None,
    tumours: TumoursOption = None,
    uid: UidOption = None,
    confirm: ConfirmOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Measure liver and tumour volume, the tumour burden and each lesion."""
    from emboplan.measure.burden import measure_burden
    from emboplan.report.summary import burden_lines
    from emboplan.workflow.segment import segment_series

    with progress_bar(quiet=quiet or as_json) as progress:
        segmented = segment_series(
            series, liver=liver, tumours=tumours, series_uid=uid, confirmed_by=confirm, progress=progress
        )
        measured = measure_burden(segmented.anatomy)
    if as_json:
        print_json(measured.to_json())
        return
    for line in burden_lines(measured):
        typer.echo(line)
