"""The result of `emboplan dose`: its folder, and the same in a few lines of text.

    dose.json            method, account of the activity, errors, accuracy, metrics, findings
    dvh.json, dvh.csv    dose-volume histograms
    dose.nii.gz          absorbed dose in Gy
    registration.json    how the image was registered to the CT, where that was asked for
    dose_error.nii.gz    its standard error in Gy, where the method is statistical
    bed.nii.gz           BED in Gy, where it was asked for
    figures/             the dose over the CT, and the histogram
    dicom/               dose and the plan object that it refers to, where the CT came as DICOM

The folder appears whole or not at all; an earlier result is replaced only when asked to.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from emboplan.files.atomic import atomic_folder
from emboplan.files.nifti import write_dose, write_volume
from emboplan.model.finding import Finding
from emboplan.model.results.dvh import DvhSet, StructureDvh
from emboplan.model.serialise import to_jsonable
from emboplan.report.folder import (
    DICOM,
    DOSE,
    DVH_CSV,
    DVH_JSON,
    FIGURES,
    REGISTRATION_JSON,
    histogram_csv,
)
from emboplan.report.own_folder import require_own_folder
from emboplan.report.wording import SPACE, percent, quantity
from emboplan.workflow.dosing.dose_report import DoseReport
from emboplan.workflow.dosing.dose_scan import ScanDose

DOSE_JSON, DOSE_ERROR, BED = "dose.json", "dose_error.nii.gz", "bed.nii.gz"
OURS = (
    DOSE_JSON,
    DVH_JSON,
    DVH_CSV,
    DOSE,
    DOSE_ERROR,
    BED,
    REGISTRATION_JSON,
    f"{FIGURES}/*.png",
    f"{FIGURES}/*.svg",
    f"{DICOM}/*.dcm",
)


def check_writable(folder: Path, *, force: bool) -> None:
    """Raise `OutputError` when a result could not be written; to be asked before the long work."""
    require_own_folder(folder, DOSE_JSON, OURS, force=force)


def write_dose_folder(found: ScanDose, folder: Path, *, force: bool) -> DoseReport:
    """Write maps, histograms, pictures and DICOM; the report as written, with findings about the writing.

    Raises:
        OutputError: the folder exists, or cannot be written; what was there is untouched.
    """
    check_writable(folder, force=force)
    with atomic_folder(folder, DOSE_JSON, force=force) as work:
        write_dose(work / DOSE, found.dose)
        errors = found.dose.standard_error_gy
        if errors is not None and errors.any():
            write_volume(work / DOSE_ERROR, errors, found.dose.grid)
        if found.bed is not None:
            write_volume(work / BED, found.bed.gy, found.bed.grid)
        report = replace(found.report, findings=(*found.report.findings, *_write_dicom(found, work)))
        histograms = DvhSet(report.structures)
        _write_json(work / DVH_JSON, histograms)
        (work / DVH_CSV).write_text(histogram_csv(histograms), encoding="utf-8")
        _write_json(work / DOSE_JSON, report)
        if found.laid is not None:
            _write_json(work / REGISTRATION_JSON, found.laid.to_json())
        _draw(found, work)
    return report


def _write_json(path: Path, value: object) -> None:
    text = json.dumps(to_jsonable(value), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _write_dicom(found: ScanDose, work: Path) -> tuple[Finding, ...]:
    if found.source is None:
        return ()
    from emboplan.report.dicom_objects import write_dose_and_plan

    (work / DICOM).mkdir()
    findings = write_dose_and_plan(found.report, found.dose, found.source, work / DICOM, date="")
    if not any((work / DICOM).iterdir()):
        (work / DICOM).rmdir()
    return findings


def _draw(found: ScanDose, work: Path) -> None:
    from emboplan.report.figures import draw_dose
    from emboplan.report.histogram import draw_histogram
    from emboplan.report.panels import figure_style
    from emboplan.report.registration_figure import draw_laid

    (work / FIGURES).mkdir()
    for picture in draw_dose(found.anatomy, found.dose, "Absorbed dose over slices of the liver"):
        (work / FIGURES / picture.name).write_bytes(picture.content)
    if found.laid is not None:
        picture = draw_laid(found.laid.ct, found.laid.shown, liver=found.laid.liver)
        (work / FIGURES / picture.name).write_bytes(picture.content)
    if found.report.structures:
        with figure_style():
            drawing = draw_histogram(found.report.structures)
        (work / FIGURES / "dvh.svg").write_bytes(drawing.svg)


def dose_lines(report: DoseReport) -> list[str]:
    """Method, activity, the structures with their errors, and what was noticed."""
    account = report.activity
    lines = [f"method      {report.method}, {report.nuclide}{_ways(report)}"]
    lines.append(
        f"activity    {quantity(account.in_map_gbq, 'GBq')} in the map, {account.source}"
        + "".join(f"; {name} {quantity(gbq, 'GBq')}" for name, gbq in account.region_gbq.items())
    )
    sure = {} if report.image_accuracy is None else {s.name: s for s in report.image_accuracy.structures}
    for one in report.structures:
        line = _structure_line(one)
        if one.name in sure:
            line += f", images ± {percent(sure[one.name].relative)}"
        lines.append(line + ("" if one.quantifiable else "  (not quantifiable)"))
    lines += [
        f"{one.name:<14} BED {quantity(one.mean_bed_gy, 'Gy')}, EQD2 {quantity(one.mean_eqd2_gy, 'Gy')} "
        f"(alpha/beta {quantity(one.alpha_beta_gy, 'Gy')})"
        for one in report.bed
    ]
    said = dict.fromkeys((finding.severity.value, finding.text) for finding in report.findings)
    lines += [f"{weight}: {text}" for weight, text in said]
    return [line.replace(SPACE, " ") for line in lines]


def _ways(report: DoseReport) -> str:
    if not report.histories:
        return ""
    return f"; {percent(report.transported_frac)} of the activity transported, {report.histories} electrons"


def _structure_line(one: StructureDvh) -> str:
    error = ""
    if one.mean_gy_standard_error > 0 and one.mean_gy > 0:
        error = f" ± {percent(one.mean_gy_standard_error / one.mean_gy, digits=2)}"
    return (
        f"{one.name:<14} {quantity(one.volume_ml, 'mL')}: mean {quantity(one.mean_gy, 'Gy')}{error}, "
        f"D95 {quantity(one.d95_gy, 'Gy')}, D50 {quantity(one.d50_gy, 'Gy')}"
    )
