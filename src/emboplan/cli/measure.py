"""`emboplan burden`: volumes, burden with its interval, and lesions, without writing files."""

from __future__ import annotations

import typer

from emboplan.cli.common import (
    CatalogOption,
    ConfirmOption,
    JsonOption,
    ModalityOption,
    QuietOption,
    SequenceOption,
    UidOption,
    print_json,
    progress_bar,
)
from emboplan.cli.segment import LiverOption, SeriesArgument, TumoursOption


def burden(
    series: SeriesArgument,
    liver: LiverOption = None,
    tumours: TumoursOption = None,
    uid: UidOption = None,
    modality: ModalityOption = None,
    sequence: SequenceOption = None,
    confirm: ConfirmOption = None,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Measure liver and tumour volume, the tumour burden and each lesion."""
    from emboplan.catalog.load import load
    from emboplan.report.summary import burden_lines
    from emboplan.workflow.inputs import ImageChoice
    from emboplan.workflow.segment import measured_burden, segment_series

    tables = load(catalog)
    with progress_bar(quiet=quiet or as_json) as progress:
        segmented = segment_series(
            series,
            liver=liver,
            tumours=tumours,
            choice=ImageChoice.told(uid, modality, sequence),
            confirmed_by=confirm,
            progress=progress,
        )
        measured = measured_burden(segmented, tables)
    if as_json:
        print_json(measured.to_json())
        return
    for line in burden_lines(measured):
        typer.echo(line)
