"""The result of `emboplan respond`: its folder, and the same in a few lines of text.

    response.json     the result
    time_points.csv   one row for each patient and time point
    survival_*.svg    a curve for each endpoint, where there are several patients

The folder appears whole or not at all; an earlier result is replaced only when asked to.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

from emboplan.errors import OutputError
from emboplan.files.atomic import atomic_folder, require_writable
from emboplan.model.results.response import (
    CohortResponse,
    Endpoint,
    PatientResponse,
    Rate,
    TimePointResponse,
    TimeToEvent,
)
from emboplan.report.folder import LEFT_BY_FILE_MANAGERS
from emboplan.units import PERCENT

RESPONSE_JSON = "response.json"
TIME_POINTS_CSV = "time_points.csv"
CURVE = "survival_"


def check_writable(folder: Path, *, force: bool) -> None:
    """Raise `OutputError` when a result could not be written; to be asked before the work."""
    require_writable(folder, RESPONSE_JSON, force=force)
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        ours = path.name in (RESPONSE_JSON, TIME_POINTS_CSV) or path.name.startswith(CURVE)
        if not ours and path.name not in LEFT_BY_FILE_MANAGERS:
            raise OutputError(
                f"{folder} also holds {path.name}, which emboplan did not write; move it, "
                "or give another folder"
            )


def write_response_folder(answer: CohortResponse, folder: Path, *, force: bool) -> Path:
    """Write the result, its table of time points, and its curves.

    Raises:
        OutputError: the folder exists, or cannot be written; what was there is untouched.
    """
    check_writable(folder, force=force)
    with atomic_folder(folder, RESPONSE_JSON, force=force) as work:
        content = answer.to_json_of_one() if len(answer.patients) == 1 else answer.to_json()
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        (work / RESPONSE_JSON).write_text(text + "\n", encoding="utf-8")
        (work / TIME_POINTS_CSV).write_text(_csv(answer), encoding="utf-8", newline="")
        for name, svg in _curves(answer):
            (work / f"{CURVE}{name}.svg").write_bytes(svg)
    return folder


def _curves(answer: CohortResponse) -> Iterator[tuple[str, bytes]]:
    for name, curve in answer.survival.items():
        from emboplan.report.survival_figure import draw_survival

        found = [patient.endpoints[name] for patient in answer.patients.values()]
        times = tuple(endpoint.months for endpoint in found if endpoint.months is not None)
        yield name, draw_survival(curve, found[0].title, times=times).svg


def _csv(answer: CohortResponse) -> str:
    rows = [
        {"patient": name, **point.to_json()}
        for name, patient in answer.patients.items()
        for point in patient.time_points
    ]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def response_lines(answer: CohortResponse) -> list[str]:
    """Time points, best response and endpoints of each patient; rates and medians of several."""
    lines: list[str] = []
    several = len(answer.patients) > 1
    for name, patient in answer.patients.items():
        lines += [f"patient {name}"] if several else []
        lines += _patient_lines(patient)
    for name, rate in answer.rates.items():
        lines.append(f"{name}  {_rate(rate)}")
    for name, curve in answer.survival.items():
        from emboplan.report.survival_figure import median_text

        lines.append(f"{name}  {median_text(curve)}; {curve.events} events in {curve.patients} patients")
    return lines + [f"note: {text}" for text in answer.findings]


def _patient_lines(patient: PatientResponse) -> list[str]:
    unit = "mm²" if patient.time_points[0].unit == "mm2" else "mm"
    lines = [f"{patient.criteria_version}, targets: {', '.join(patient.targets) or 'none'}"]
    header = ("date", f"sum {unit}", f"nadir {unit}", "target", "non-target", "new", "overall", "hepatic")
    rows = [header, *(_row(point) for point in patient.time_points)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    lines += [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    confirmed = "confirmed" if patient.settings["confirmation"] else "without confirmation"
    hepatic = patient.best_hepatic or "none: no liver disease"
    lines.append(f"best response ({confirmed}): overall {patient.best_overall}, hepatic {hepatic}")
    for name, other in patient.beside.items():
        best = f"overall {other['best_overall']}, hepatic {other['best_hepatic']}"
        lines.append(f"beside it, by {name}: {best}")
    for answer in patient.responses:
        said = {True: "yes", False: "no", None: f"not told; missing: {', '.join(answer.missing)}"}
        lines.append(f"{answer.id}  {said[answer.counts]} ({answer.definition})")
    lines += [_endpoint(endpoint) for endpoint in patient.endpoints.values()]
    return lines + [f"note: {text}" for text in patient.findings]


def _row(point: TimePointResponse) -> tuple[str, ...]:
    whole = point.overall_point
    if whole.overall is None and whole.target is None and not whole.new_lesion:
        answers = ("", "", "", "baseline", "baseline")
    else:
        new = "yes" if whole.new_lesion else "no"
        answers = (
            whole.target or "-",
            whole.non_target or "-",
            new,
            whole.overall or "-",
            point.hepatic_point.overall or "-",
        )
    sizes = ("-" if size is None else f"{size:g}" for size in (whole.size, whole.nadir))
    return (point.date.isoformat(), *sizes, *answers)


def _endpoint(endpoint: Endpoint) -> str:
    return f"{endpoint.id}  {_time(endpoint.result)} ({endpoint.title}, {endpoint.definition})"


def _time(result: TimeToEvent) -> str:
    if result.time_days is None:
        return f"not told; missing: {', '.join(result.missing)}"
    days = f"{result.time_days} days"
    if result.event:
        return f"{days}, event: {result.event_kind}"
    return f"{days}, censored: {result.censor_reason}"


def _rate(rate: Rate) -> str:
    low, high = (PERCENT * bound for bound in rate.interval)
    share = f"{PERCENT * rate.share_frac:.1f} %"
    interval = f"{PERCENT * rate.confidence_frac:g} % CI {low:.1f} to {high:.1f} %"
    return f"{rate.count}/{rate.patients} = {share} ({interval})"
