"""The result of `emboplan respond`: its folder, and the same in a few lines of text.

    response.json     the result
    time_points.csv   one row for each patient and time point
    quality_of_life.csv   one row for each questionnaire, where there are any
    adverse_events.csv    patients by worst grade, one row for each term and class, where events were given
    survival_*.svg    a curve for each endpoint, where there are several patients

The folder appears whole or not at all; an earlier result is replaced only when asked to.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from emboplan.files.atomic import atomic_folder
from emboplan.model.results.response import (
    CohortResponse,
    Endpoint,
    PatientResponse,
    QualityOfLife,
    Rate,
    TimePointResponse,
    TimeToEvent,
)
from emboplan.report.own_folder import require_own_folder
from emboplan.units import PERCENT

RESPONSE_JSON = "response.json"
TIME_POINTS_CSV = "time_points.csv"
QUALITY_CSV, EVENTS_CSV = "quality_of_life.csv", "adverse_events.csv"
CURVE = "survival_"
OURS = (RESPONSE_JSON, TIME_POINTS_CSV, QUALITY_CSV, EVENTS_CSV, f"{CURVE}*.svg")


def check_writable(folder: Path, *, force: bool) -> None:
    """Raise `OutputError` when a result could not be written; to be asked before the work."""
    require_own_folder(folder, RESPONSE_JSON, OURS, force=force)


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
        tables = {
            TIME_POINTS_CSV: time_point_rows(answer),
            QUALITY_CSV: quality_rows(answer),
            EVENTS_CSV: grade_rows(answer),
        }
        for name, rows in tables.items():
            if rows:
                (work / name).write_text(_csv(rows), encoding="utf-8", newline="")
        for name, svg in _curves(answer):
            (work / f"{CURVE}{name}.svg").write_bytes(svg)
    return folder


def _curves(answer: CohortResponse) -> Iterator[tuple[str, bytes]]:
    for name, curve in answer.survival.items():
        from emboplan.report.survival_figure import draw_survival

        found = [patient.endpoints[name] for patient in answer.patients.values()]
        times = tuple(endpoint.months for endpoint in found if endpoint.months is not None)
        yield name, draw_survival(curve, found[0].title, times=times).svg


def time_point_rows(answer: CohortResponse) -> list[dict[str, object]]:
    """One row for each patient and time point."""
    return [
        {"patient": name, **point.to_json()}
        for name, patient in answer.patients.items()
        for point in patient.time_points
    ]


def quality_rows(answer: CohortResponse) -> list[dict[str, object]]:
    """One row for each questionnaire: its scores, and their changes from the baseline."""
    rows = []
    for name, patient in answer.patients.items():
        quality = patient.quality_of_life
        for visit in () if quality is None else quality.visits:
            scores = {**visit.scales, "summary": visit.summary}
            changes = visit.changes or dict.fromkeys(scores)
            rows.append(
                {"patient": name, "date": visit.date, "in_window": visit.in_window}
                | {key: _one_digit(score) for key, score in scores.items()}
                | {f"change_{key}": _one_digit(change) for key, change in changes.items()}
            )
    return rows


def _one_digit(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def grade_rows(answer: CohortResponse) -> list[dict[str, object]]:
    """Patients by worst grade: a row for each term and class, of all events and of the related ones."""
    found = answer.toxicity
    if found is None:
        return []
    pairs = [("all", row) for row in found.table]
    pairs += [("related", row) for row in found.related_table or ()]
    rows: list[dict[str, object]] = []
    for which, row in pairs:
        counts = {f"grade_{grade}": count for grade, count in enumerate(row.counts)}
        rest = {"unknown": row.unknown, "patients": row.severe.patients, "severe": row.severe.count}
        rows.append({"events": which, "name": row.name, **counts, **rest})
    return rows


def _csv(rows: Sequence[Mapping[str, object]]) -> str:
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
    lines += _variant_lines(answer)
    lines += _toxicity_lines(answer)
    return lines + [f"note: {text}" for text in answer.findings]


def _variant_lines(answer: CohortResponse) -> list[str]:
    from emboplan.report.survival_figure import median_text

    lines = []
    for endpoint, curves in answer.variants.items():
        for name, curve in curves.items():
            counts = f"{curve.events} events in {curve.patients} patients"
            lines.append(f"{endpoint}, {name}  {median_text(curve)}; {counts}")
    for endpoint, incidences in answer.incidence.items():
        for name, found in incidences.items():
            share = f"cumulative incidence {found.share_at(float('inf')):.1%}"
            counts = f"{found.events} events, {found.competing} competing, in {found.patients} patients"
            lines.append(f"{endpoint}, {name}  {share}; {counts}")
    return lines


def _toxicity_lines(answer: CohortResponse) -> list[str]:
    found = answer.toxicity
    if found is None:
        return []
    version = f", CTCAE {found.ctcae_version}" if found.ctcae_version else ""
    lines = [f"{found.title}, {found.definition}{version}; patients by worst grade:"]
    for name, rows in (("all events", found.table), ("related events", found.related_table or ())):
        for row in rows:
            counts = "  ".join(f"{grade}: {count}" for grade, count in enumerate(row.counts))
            lines.append(
                f"  {name}, {row.name}  {counts}  unknown: {row.unknown}  severe: {_rate(row.severe)}"
            )
    if len(found.worst) == 1:
        lines.append(f"  worst grade: {next(iter(found.worst.values()))}")
    return lines


def _quality_lines(found: QualityOfLife) -> list[str]:
    lines = [f"{found.version}, {found.definition}; baseline {found.baseline_date or 'none'}"]
    for visit in found.visits:
        scores = ", ".join(
            f"{name} {'missing' if score is None else f'{score:.1f}'}" for name, score in visit.scales.items()
        )
        summary = "missing" if visit.summary is None else f"{visit.summary:.1f}"
        lines.append(f"  {visit.date}  {scores}; summary score (2016) {summary}")
        moved = {n: by for n, by in (visit.changes or {}).items() if by}
        words = visit.changes_in_words or {}
        if moved:
            told = ", ".join(f"{name} {by:+.1f} ({words[name]})" for name, by in moved.items())
            lines.append(f"    change: {told}")
    return lines


def _patient_lines(patient: PatientResponse) -> list[str]:
    lines = [f"{patient.criteria_version}, no reads"]
    if patient.time_points:
        lines = [f"{patient.criteria_version}, targets: {', '.join(patient.targets) or 'none'}"]
        lines += _time_point_lines(patient.time_points)
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
    lines += [] if patient.quality_of_life is None else _quality_lines(patient.quality_of_life)
    return lines + [f"note: {text}" for text in patient.findings]


def _time_point_lines(points: Sequence[TimePointResponse]) -> list[str]:
    unit = "mm²" if points[0].unit == "mm2" else "mm"
    header = ("date", f"sum {unit}", f"nadir {unit}", "target", "non-target", "new", "overall", "hepatic")
    rows = [header, *(_row(point) for point in points)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


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
