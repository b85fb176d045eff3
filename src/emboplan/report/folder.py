"""The layout of a result folder: written whole or not at all, and read again.

    plan.json               every number of the plan
    segmentation.json       volumes, burden, lesions
    report.html, report.pdf the same for people
    loading.html, .pdf      the loading sheets of an embolization
    figures/                the pictures of the report
    masks/                  liver, tumours (numbered), lungs and territories (numbered) as NIfTI
    registration.json       how the scan was registered to the CT, accepted or not
    dose.nii.gz             absorbed dose in Gy
    dvh.json, dvh.csv       dose-volume histograms
    dicom/                  segmentation, dose and plan objects, where the CT came as DICOM

Nothing else knows these names. An existing result is replaced only when asked to, and only when the folder
holds nothing but what was written here.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from emboplan import __version__
from emboplan.dicom.read.common import SeriesHeader
from emboplan.errors import OutputError
from emboplan.files.atomic import atomic_folder
from emboplan.files.nifti import write_dose, write_labels, write_mask
from emboplan.model.anatomy import Anatomy
from emboplan.model.finding import Finding, Severity
from emboplan.model.mask import Mask
from emboplan.model.plan import DoseSummary, Plan, PlannedCase
from emboplan.model.results.burden import Burden
from emboplan.model.results.dvh import DvhSet
from emboplan.model.serialise import to_jsonable
from emboplan.report import pdf
from emboplan.report.own_folder import require_own_folder
from emboplan.workflow.planning.territories import numbered

Progress = Callable[[str, float], None]

PLAN_JSON, SEGMENTATION_JSON = "plan.json", "segmentation.json"
REPORT_HTML, REPORT_PDF = "report.html", "report.pdf"
LOADING_HTML, LOADING_PDF = "loading.html", "loading.pdf"
REGISTRATION_JSON = "registration.json"
DVH_JSON, DVH_CSV, DOSE = "dvh.json", "dvh.csv", "dose.nii.gz"
FIGURES, MASKS, DICOM = "figures", "masks", "dicom"

# Both kinds of result have it, so that a plan may take the place of a segmentation.
MARKER = SEGMENTATION_JSON

OURS = (
    PLAN_JSON,
    SEGMENTATION_JSON,
    REPORT_HTML,
    REPORT_PDF,
    LOADING_HTML,
    LOADING_PDF,
    DVH_JSON,
    DVH_CSV,
    DOSE,
    REGISTRATION_JSON,
    f"{FIGURES}/*.png",
    f"{FIGURES}/*.svg",
    f"{MASKS}/*.nii.gz",
    f"{DICOM}/*.dcm",
)


@dataclass(frozen=True, slots=True)
class PlanFolder:
    """Where the result is, and the plan as written (with findings about the writing itself).

    `sheets` are the loading sheets, None for a plan without any.
    """

    path: Path
    plan: Plan
    report: Path
    report_pdf: Path | None
    sheets: Path | None = None


class Contoured(Protocol):
    """What a segmentation folder is written from."""

    @property
    def anatomy(self) -> Anatomy:
        """The contours on their CT."""

    @property
    def source(self) -> SeriesHeader | None:
        """The CT's DICOM header, where it came as DICOM."""


def check_writable(folder: Path, *, force: bool) -> None:
    """Raise `OutputError` when a result could not be written; to be asked before the long work."""
    require_own_folder(folder, MARKER, OURS, force=force)


def write_plan_folder(
    planned: PlannedCase[SeriesHeader], folder: Path, *, force: bool, progress: Progress | None = None
) -> PlanFolder:
    """Write everything a plan has to show.

    Raises:
        OutputError: the folder exists, or cannot be written; what was there is untouched.
    """
    tell = progress or _silent
    check_writable(folder, force=force)
    plan = planned.plan
    with atomic_folder(folder, MARKER, force=force) as work:
        tell("writing masks", 0.0)
        _write_masks(planned.anatomy, work)
        _write_territories(planned.territories, work)
        if planned.registration is not None:
            _write_json(work / REGISTRATION_JSON, planned.registration)
        if planned.dose is not None:
            write_dose(work / DOSE, planned.dose)
        if plan.dose is not None:
            _write_histograms(plan.dose, work)
        tell("writing DICOM objects", 0.2)
        notes = _write_dicom(planned, work)
        missing = pdf.availability()
        if missing is not None:
            notes += (Finding("pdf-unavailable", Severity.INFO, f"There is no report.pdf: {missing}."),)
        plan = replace(plan, findings=plan.findings + notes)
        _write_json(work / PLAN_JSON, plan)
        _write_json(work / SEGMENTATION_JSON, plan.burden)
        _write_report(planned, plan, work, with_pdf=missing is None, tell=tell)
    tell("written", 1.0)
    return PlanFolder(
        folder,
        plan,
        folder / REPORT_HTML,
        None if missing else folder / REPORT_PDF,
        None if plan.loading is None else folder / LOADING_HTML,
    )


def write_segmentation_folder(contoured: Contoured, burden: Burden, folder: Path, *, force: bool) -> Path:
    """Write contours, pictures and volumes of a segmentation. Errors as `write_plan_folder`."""
    from emboplan.report.figures import draw_anatomy

    check_writable(folder, force=force)
    with atomic_folder(folder, MARKER, force=force) as work:
        _write_masks(contoured.anatomy, work)
        _write_pictures(draw_anatomy(contoured.anatomy), work)
        findings: tuple[Finding, ...] = ()
        if contoured.source is not None:
            findings = _write_contours(contoured.anatomy, contoured.source, work, date="")
        _write_json(work / SEGMENTATION_JSON, replace(burden, findings=burden.findings + findings))
    return folder


def read_plan(folder: Path) -> dict[str, Any]:
    """The content of plan.json of a plan folder.

    Raises:
        OutputError: there is none, or it is not a plan.
    """
    path = folder / PLAN_JSON
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise OutputError(
            f"{folder} holds no {PLAN_JSON}; expected a folder written by `emboplan plan`"
        ) from error
    except OSError as error:
        raise OutputError(f"{path} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise OutputError(f"{path} is not JSON; write the plan again") from error
    if not isinstance(content, dict) or "emboplan_version" not in content:
        raise OutputError(f"{path} is not a plan of emboplan (no emboplan_version); write the plan again")
    return content


def histogram_csv(summary: DoseSummary | DvhSet) -> str:
    """The cumulative histograms as rows of structure, dose in Gy and share of the volume."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("structure", "dose_gy", "volume_frac"))
    for structure in DvhSet(summary.structures).to_json()["structures"]:
        curve = structure["cumulative"]
        rows.writerows(
            (structure["name"], dose, share)
            for dose, share in zip(curve["dose_gy"], curve["volume_frac"], strict=True)
        )
    return text.getvalue()


def _silent(_stage: str, _fraction: float) -> None:
    """No progress."""


def _write_json(path: Path, value: object) -> None:
    text = json.dumps(to_jsonable(value), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _write_masks(anatomy: Anatomy, work: Path) -> None:
    (work / MASKS).mkdir()
    write_mask(work / MASKS / "liver.nii.gz", anatomy.liver)
    write_labels(work / MASKS / "tumours.nii.gz", anatomy.lesions)
    if anatomy.lungs is not None:
        write_mask(work / MASKS / "lungs.nii.gz", anatomy.lungs)
    if anatomy.viable is not None:
        write_mask(work / MASKS / "viable.nii.gz", anatomy.viable)


def _write_territories(territories: Mapping[str, Mask], work: Path) -> None:
    """Territories that are not the whole liver, numbered in the order of the case."""
    if territories:
        write_labels(work / MASKS / "territories.nii.gz", numbered(list(territories.values())))


def _write_histograms(summary: DoseSummary, work: Path) -> None:
    _write_json(work / DVH_JSON, DvhSet(summary.structures))
    (work / DVH_CSV).write_text(histogram_csv(summary), encoding="utf-8")


def _write_dicom(planned: PlannedCase[SeriesHeader], work: Path) -> tuple[Finding, ...]:
    source = planned.source
    if source is None:
        return ()
    from emboplan.report.dicom_objects import object_date, write_dose_and_plan

    date = object_date(planned.plan.settings.treatment_time, source)
    findings = _write_contours(planned.anatomy, source, work, date=date)
    if planned.dose is not None:
        findings += write_dose_and_plan(planned.plan, planned.dose, source, work / DICOM, date=date)
    if not any((work / DICOM).iterdir()):
        (work / DICOM).rmdir()
    return findings


def _write_contours(anatomy: Anatomy, source: SeriesHeader, work: Path, *, date: str) -> tuple[Finding, ...]:
    from emboplan.report.dicom_objects import write_contours

    (work / DICOM).mkdir()
    return write_contours(anatomy, source, work / DICOM, version=__version__, date=date)


def _write_pictures(pictures: tuple[Any, ...], work: Path) -> None:
    (work / FIGURES).mkdir()
    for picture in pictures:
        (work / FIGURES / picture.name).write_bytes(picture.content)


def _write_report(
    planned: PlannedCase[SeriesHeader], plan: Plan, work: Path, *, with_pdf: bool, tell: Progress
) -> None:
    from emboplan.report.compose import compose
    from emboplan.report.figures import draw_figures
    from emboplan.report.html import render

    tell("drawing figures", 0.4)
    from emboplan.report.registration_figure import draw_laid
    from emboplan.report.territory_figure import draw_territories

    pictures = draw_figures(planned)
    if planned.territories:
        pictures += (draw_territories(planned.anatomy, planned.territories),)
    if planned.laid is not None:
        pictures += (draw_laid(planned.anatomy.image, planned.laid, liver=planned.anatomy.liver),)
    _write_pictures(pictures, work)
    page = render(compose(plan, pictures))
    (work / REPORT_HTML).write_text(page, encoding="utf-8")
    if with_pdf:
        tell("printing the report", 0.7)
        (work / REPORT_PDF).write_bytes(pdf.render_pdf(page))
    _write_sheets(plan, work, with_pdf=with_pdf)


def _write_sheets(plan: Plan, work: Path, *, with_pdf: bool) -> None:
    """The loading sheets, where the plan prepares something in a pharmacy."""
    from emboplan.report.sheets.build import sheets
    from emboplan.report.sheets.page import render_sheets

    found = sheets(plan)
    if found is None:
        return
    page = render_sheets(found)
    (work / LOADING_HTML).write_text(page, encoding="utf-8")
    if with_pdf:
        (work / LOADING_PDF).write_bytes(pdf.render_pdf(page))
