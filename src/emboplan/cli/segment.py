"""`emboplan segment`: liver, tumours and lungs on a contrast CT or an MR, and their correction."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emboplan.cli.common import (
    CatalogOption,
    ConfirmOption,
    ForceOption,
    JsonOption,
    ModalityOption,
    OutputOption,
    QuietOption,
    SequenceOption,
    UidOption,
    print_json,
    progress_bar,
    say,
)

SeriesArgument = Annotated[
    Path,
    typer.Argument(metavar="SERIES", help="Folder of a DICOM CT or MR series, a NIfTI or an NRRD volume."),
]
LiverOption = Annotated[
    str | None, typer.Option("--liver", metavar="FILE[#LABEL]", help="Liver mask, tumours included.")
]
TumoursOption = Annotated[
    str | None, typer.Option("--tumours", metavar="FILE[#LABEL]", help="Tumour mask or label map.")
]

PhaseOption = Annotated[
    list[Path] | None,
    typer.Option("--phase", metavar="SERIES", help="Another contrast CT; its lesions are added. Repeatable."),
]
PlainOption = Annotated[
    Path | None,
    typer.Option("--plain", metavar="SERIES", help="The CT without contrast agent: tells what enhances."),
]
BackendOption = Annotated[
    str, typer.Option("--backend", metavar="NAME", help="Segmenter: builtin or totalsegmentator.")
]
RefineOption = Annotated[
    Path | None,
    typer.Option(
        "--refine",
        metavar="FOLDER",
        help="Take the contours of an earlier result, edited or not, and correct them.",
    ),
]
PLACES = "x,y,z[,r]|x,y,z:x,y,z|FILE[#LABEL]"
IncludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--include", metavar=PLACES, help="Liver that was missed: a point, box (mm, LPS) or mask. Repeatable."
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar=PLACES, help="What is no liver: a point, box or mask. Repeatable."),
]
IncludeTumourOption = Annotated[
    list[str] | None,
    typer.Option("--include-tumour", metavar=PLACES, help="A lesion that was missed. Repeatable."),
]
ExcludeTumourOption = Annotated[
    list[str] | None,
    typer.Option("--exclude-tumour", metavar=PLACES, help="A lesion that is none. Repeatable."),
]


def segment(
    series: SeriesArgument,
    output: OutputOption = None,
    liver: LiverOption = None,
    tumours: TumoursOption = None,
    phase: PhaseOption = None,
    plain: PlainOption = None,
    backend: BackendOption = "builtin",
    refine: RefineOption = None,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    include_tumour: IncludeTumourOption = None,
    exclude_tumour: ExcludeTumourOption = None,
    uid: UidOption = None,
    modality: ModalityOption = None,
    sequence: SequenceOption = None,
    confirm: ConfirmOption = None,
    force: ForceOption = False,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find liver, tumours and lungs, or take given masks; correct them; write masks, pictures and volumes."""
    from emboplan.catalog.load import load
    from emboplan.report.folder import check_writable, write_segmentation_folder
    from emboplan.report.summary import burden_lines
    from emboplan.workflow.inputs import ImageChoice
    from emboplan.workflow.segment import measured_burden, segment_series
    from emboplan.workflow.segmenting.correction_text import Asked

    folder = output or Path("segmentation")
    check_writable(folder, force=force)
    tables = load(catalog)
    with progress_bar(quiet=quiet or as_json) as progress:
        segmented = segment_series(
            series,
            liver=liver,
            tumours=tumours,
            phases=phase or (),
            plain=plain,
            backend=backend,
            refine=refine,
            asked=Asked(include or (), exclude or (), include_tumour or (), exclude_tumour or ()),
            choice=ImageChoice.told(uid, modality, sequence),
            confirmed_by=confirm,
            progress=progress,
        )
        measured = measured_burden(segmented, tables)
        write_segmentation_folder(segmented, measured, folder, force=force)
    if as_json:
        print_json(measured.to_json())
        return
    for line in burden_lines(measured):
        typer.echo(line)
    say(f"written to {folder}", quiet=quiet)
