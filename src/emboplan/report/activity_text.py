"""The activity of a case as plain text lines: what a terminal shows.

The report says the same at length; here a line is one fact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from emboplan.model.finding import Finding, Severity
from emboplan.model.results.activity import ModelResult, Quantity
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.model.results.prescription import VialAlternative
from emboplan.report.sections.plan_words import (
    decided_words,
    earlier_gy,
    limited,
    model_words,
    tells_tumour_apart,
)
from emboplan.report.wording import SPACE, apart, chance, count, in_unit, number

DOSES = (
    (Quantity.TUMOUR, "tumour"),
    (Quantity.PERFUSED_NORMAL, "perfused normal"),
    (Quantity.WHOLE_NORMAL, "whole normal"),
    (Quantity.PERFUSED, "perfused"),
    (Quantity.LUNG, "lung"),
)

Rows = Sequence[tuple[str, ...]]


def activity_lines(plan: ActivityPlan) -> Iterator[str]:
    """Models side by side, what decides, limits, vials, the second calculation and the findings."""
    known = f" ({plan.k_name})" if plan.k_name else ""
    yield f"dose coefficient K = {plan.k_gy_kg_per_gbq:g} Gy kg/GBq{known}; activities are administered ones"
    if plan.models:
        yield ""
        yield from _aligned(*_models(plan))
    if plan.chosen is not None:
        yield ""
        yield from _decision(plan, plan.chosen)
        yield from _limits(plan.chosen)
    usable = [row for row in plan.vials if row.usable]
    if usable:
        yield ""
        yield from _vials(usable)
    if plan.second_check is not None:
        passed = "agrees" if plan.second_check.passed else "DISAGREES"
        yield ""
        yield (
            f"second calculation {passed}: largest relative difference "
            f"{plan.second_check.relative_difference:.1e} (tolerance {plan.second_check.tolerance:g})"
        )
    yield ""
    yield from _findings(plan.findings)


def _models(plan: ActivityPlan) -> tuple[Rows, tuple[str, ...]]:
    rows = []
    for model in plan.models:
        interval = model.interval_gbq
        rows.append(
            (
                model.model,
                model.territory,
                f"{model.administered_gbq:.4g}",
                "" if interval is None else f"{interval[0]:.3g} to {interval[1]:.3g}",
                *(_dose(model, quantity) for quantity, _ in DOSES),
                {True: "yes", False: "NO", None: ""}[model.goal_met],
            )
        )
    return rows, (
        "model",
        "territory",
        "GBq",
        "for the goal, 95 %",
        *(f"{word} Gy" for _, word in DOSES),
        "goal met",
    )


def _dose(model: ModelResult, quantity: Quantity) -> str:
    """A dose; no tumour dose by a model that does not tell the tumour from the rest."""
    dose = model.doses_gy.of(quantity)
    told = quantity is not Quantity.TUMOUR or tells_tumour_apart(model)
    return f"{dose:.4g}" if dose is not None and told else ""


def _aligned(rows: Rows, header: tuple[str, ...]) -> Iterator[str]:
    widths = [max(len(row[n]) for row in (header, *rows)) for n in range(len(header))]
    for row in (header, *rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _decision(plan: ActivityPlan, chosen: ModelResult) -> Iterator[str]:
    prepared = "" if chosen.prepared_gbq is None else f", prepared {chosen.prepared_gbq:.4g} GBq"
    yield f"plan: {chosen.administered_gbq:.4g} GBq by the {model_words(chosen)}{prepared}"
    decided = decided_words(plan)
    if decided:
        yield _plain(f"  {decided}")


def _limits(chosen: ModelResult) -> Iterator[str]:
    for check in chosen.limits:
        mark = "EXCEEDED" if check.exceeded else "kept"
        likely = "" if check.probability is None else f", chance to exceed {chance(check.probability)}"
        (value, unit), (bound, _) = in_unit(check.value, check.unit), in_unit(check.limit, check.unit)
        shown, limit = apart(value, bound)
        bounded = "below" if check.below else "at most"
        before = earlier_gy(check, chosen.doses_gy)
        earlier = "" if before is None else f" ({number(before)} {unit} of it earlier)"
        yield _plain(
            f"limit on {limited(check.name)}: {shown} {unit}{earlier}, {bounded} {limit} {unit}: "
            f"{mark}{likely}"
        )


def _plain(text: str) -> str:
    """A line for a terminal: there a space that does not break is none the better."""
    return text.replace(SPACE, " ")


def _vials(rows: Sequence[VialAlternative]) -> Iterator[str]:
    chosen = [row for row in rows if row.chosen]
    fitting = [row for row in rows if row.kept and row.goals_met is not False and not row.chosen]
    if not chosen and not fitting:
        yield f"vials: none of {len(rows)} keeps every limit and meets the goals"
        return
    day = chosen[0].treatment_time if chosen else fitting[0].treatment_time
    shown = [*chosen, *(row for row in fitting if row.treatment_time == day)]
    yield f"vials on {day:%A %Y-%m-%d %H:%M} that keep every limit and meet the goals (* chosen)"
    yield from _aligned(
        [
            (
                "*" if row.chosen else "",
                row.territory,
                " + ".join(f"{label:g}" for label in row.label_gbq),
                row.calibration_time.isoformat(timespec="minutes"),
                _number(row.administered_gbq),
                _number(None if row.doses_gy is None else row.doses_gy.tumour or row.doses_gy.perfused),
                "" if row.spheres is None else f"{row.spheres:.2e}",
            )
            for row in shown
        ],
        ("", "territory", "label GBq", "calibrated", "GBq", "tumour Gy", "spheres"),
    )

    others = len(fitting) + len(chosen) - len(shown)
    if others:
        yield f"and {others} on other days (--json shows all {len(rows)})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    """Stops and warnings in full; a count of the rest."""
    for severity in (Severity.STOP, Severity.WARNING):
        for finding in findings:
            if finding.severity is severity:
                yield f"{severity.value}: {finding.text}"
    remarks = sum(finding.severity is Severity.INFO for finding in findings)
    needing = len(findings) - remarks
    stops = sum(finding.severity is Severity.STOP for finding in findings)
    checked = "no computed check failed" if stops == 0 else f"{count(stops, 'computed check')} failed"
    need = "item needs" if needing == 1 else "items need"
    yield f"{checked}; {needing} {need} a physician; {count(remarks, 'remark')} (--json shows all)"
