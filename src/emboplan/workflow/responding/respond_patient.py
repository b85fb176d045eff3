"""The response of one patient: time points, best response, endpoints, and the other criteria beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from emboplan.model.response import Course, LesionRead, State
from emboplan.model.results.response import (
    BestResponse,
    Category,
    Endpoint,
    PatientResponse,
    TimePointResponse,
)
from emboplan.response.assess import assess
from emboplan.response.best_response import (
    Assessed,
    best_confirmed,
    best_unconfirmed,
    carry_partial_response,
)
from emboplan.response.endpoint_sets import EndpointRule, Scope, WindowRule
from emboplan.response.endpoints import BASELINE, PatientData, time_to_event
from emboplan.response.limits import BestLimits
from emboplan.response.reads import Problems
from emboplan.response.target_size import CriterionName
from emboplan.response.timeline import Timeline, timeline
from emboplan.response.visits import visit_remarks, visit_response
from emboplan.workflow.responding.respond_rules import ResponseRules

NO_READS = "No reads: counted as NE, by intention to treat."


def patient_response(
    lesions: Timeline | None,
    reads: Sequence[LesionRead],
    course: Course,
    rules: ResponseRules,
    still_asked: Sequence[WindowRule] = (),
) -> PatientResponse:
    """Judge a patient's lesions; `reads` are the rows that `lesions` was made from.

    Without `lesions` there are no reads: the best response is NE, and the times end by the course alone.
    `still_asked` is what the protocol asks for beside them and nobody gave.
    """
    points: tuple[TimePointResponse, ...] = ()
    if lesions is not None:
        points = assess(lesions, rules.judging(rules.criterion), reread_cr=rules.options.reread_cr)
    if rules.options.carry_pr:
        points = _carried(points, rules.limits.best)
    data = PatientData(course, points, rules.missed_from)
    endpoints = {rule.id: _endpoint(rule, data, rules) for rule in rules.protocol.endpoints}
    confirmed, unconfirmed = (_best(points, rules, confirmed=value) for value in (True, False))
    best = confirmed if rules.confirmation else unconfirmed
    start = next(iter(endpoints.values())).result.start_date
    visits = tuple(
        visit_response(
            rule,
            data,
            start or data.baseline_date,
            window_d=rules.options.visit_window_days,
            best=lambda chosen: _best(chosen, rules, confirmed=rules.confirmation),
        )
        for rule in rules.protocol.responses
    )
    return PatientResponse(
        criteria=rules.criterion.value,
        criteria_version=rules.judging(rules.criterion).changes.version,
        protocol=rules.protocol.name if rules.options.protocol else None,
        settings=_settings(rules),
        baseline_date=data.baseline_date,
        targets=() if lesions is None else lesions.targets,
        time_points=points,
        best_overall=best.overall,
        best_hepatic=best.hepatic,
        best_with_confirmation=confirmed,
        best_without_confirmation=unconfirmed,
        responses=visits,
        endpoints=endpoints,
        beside=_beside(reads, rules),
        findings=(
            *_findings(data, endpoints, rules, still_asked),
            *visit_remarks(rules.protocol.responses, visits, data),
            *_to_confirm(reads, rules),
            *(() if lesions is None else lesions.findings),
        ),
    )


def _endpoint(rule: EndpointRule, data: PatientData, rules: ResponseRules) -> Endpoint:
    result = time_to_event(rule.rule, data)
    return Endpoint(
        id=rule.id,
        title=rule.title,
        definition=rule.definition,
        place=rule.place,
        status=rule.status,
        time_frame_months=rule.time_frame_months,
        result=result,
        months=None if result.time_days is None else result.time_days / rules.days_per_month,
        variants={name: time_to_event(variant, data) for name, variant in rule.variants.items()},
    )


def _assessed(points: Sequence[TimePointResponse], scope: Scope) -> list[Assessed]:
    judged = [(p, p.hepatic_point if scope is Scope.HEPATIC else p.overall_point) for p in points]
    return [
        Assessed(p.date, point.overall, no_disease=point.no_disease)
        for p, point in judged
        if point.overall is not None
    ]


def _best(points: Sequence[TimePointResponse], rules: ResponseRules, *, confirmed: bool) -> BestResponse:
    """The best response over the time points, of which the first is the baseline; NE without any."""
    if not points:
        return BestResponse(Category.NE, Category.NE)
    baseline, limits = points[0].date, rules.limits.best
    found: dict[Scope, Category] = {}
    for scope in Scope:
        assessed = _assessed(points, scope)
        best = best_confirmed if confirmed else best_unconfirmed
        found[scope] = best(assessed, baseline, limits, reread_cr=rules.options.reread_cr)
    hepatic = found[Scope.HEPATIC] if _assessed(points, Scope.HEPATIC) or len(points) == 1 else None
    return BestResponse(found[Scope.OVERALL], hepatic)


def _carried(points: Sequence[TimePointResponse], limits: BestLimits) -> tuple[TimePointResponse, ...]:
    """The time points with stable disease after a confirmed partial response read as partial."""
    carried = list(points)
    for scope in Scope:
        field = "hepatic_point" if scope is Scope.HEPATIC else "overall_point"
        judged = [number for number, p in enumerate(carried) if getattr(p, field).overall is not None]
        categories = carry_partial_response(_assessed(carried, scope), limits)
        for number, category in zip(judged, categories, strict=True):
            point = replace(getattr(carried[number], field), overall=category)
            carried[number] = replace(carried[number], **{field: point})
    return tuple(carried)


def _beside(reads: Sequence[LesionRead], rules: ResponseRules) -> dict[str, dict[str, Any]]:
    """The other criteria on the same reads, where these have what they need; for comparison, never mixed."""
    found = {}
    for name in CriterionName:
        if name is rules.criterion:
            continue
        lesions = timeline(reads, name, rules.limits.lesions, Problems(), as_of=rules.options.last_day)
        viable = any(read.viable_longest_mm is not None for read in reads)
        needs_viable = name in (CriterionName.MRECIST, CriterionName.EASL)
        if lesions is None or not lesions.targets or (needs_viable and not viable):
            continue
        points = assess(lesions, rules.judging(name), reread_cr=rules.options.reread_cr)
        best = _best(points, rules, confirmed=rules.confirmation)
        found[name.value] = {
            "best_overall": best.overall,
            "best_hepatic": best.hepatic,
            "overall": [point.overall_point.overall for point in points],
            "hepatic": [point.hepatic_point.overall for point in points],
        }
    return found


def _settings(rules: ResponseRules) -> dict[str, Any]:
    lesions, best, options = rules.limits.lesions, rules.limits.best, rules.options
    return {
        "max_targets": lesions.max_targets,
        "max_targets_per_organ": lesions.max_targets_per_organ,
        "min_sd_interval_days": best.min_sd_interval_d,
        "confirmation": rules.confirmation,
        "confirmation_interval_days": best.confirmation_interval_d,
        "carry_pr": options.carry_pr,
        "reread_cr": options.reread_cr,
        "five_mm": options.five_mm or rules.criterion is CriterionName.RECIST,
        "visit_window_days": options.visit_window_days,
        "days_per_month": rules.days_per_month,
        "as_of": options.as_of,
        "assessor": options.assessor,
    }


def _findings(
    data: PatientData,
    endpoints: Mapping[str, Endpoint],
    rules: ResponseRules,
    still_asked: Sequence[WindowRule],
) -> tuple[str, ...]:
    lines = []
    counted = [endpoint.id for endpoint in endpoints.values() if endpoint.result.start == BASELINE]
    first, baseline = data.course.first_treatment_date, data.baseline_date
    if baseline is None:
        lines.append(NO_READS)
    if counted:
        end = "count from the baseline scan" if baseline else "cannot be told without a baseline scan"
        lines.append(f"The course states no start of {', '.join(counted)}: these times {end}.")
    if first is not None and baseline is not None and first < baseline:
        lines.append(f"The baseline scan ({baseline}) is later than the first treatment ({first}).")
    if rules.criterion in (CriterionName.MRECIST, CriterionName.EASL):
        lines.append(
            f"{rules.limits.mrecist.version} and {rules.limits.easl.version} were made for hepatocellular "
            "carcinoma; they hold for lesions that enhance in the arterial phase at baseline. Oil of an "
            "earlier chemoembolization hides enhancement on CT: prefer MRI."
        )
    if rules.options.protocol and rules.protocol.note:
        lines.append(f"{rules.protocol.name}: {rules.protocol.note}")
    if rules.options.protocol and still_asked:
        also = "; ".join(f"{rule.title}, {rule.definition}" for rule in still_asked)
        lines.append(f"{rules.protocol.name} also asks for what was not given: {also}.")
    return tuple(lines)


def _to_confirm(reads: Sequence[LesionRead], rules: ResponseRules) -> tuple[str, ...]:
    """The numbers that were used here and are still to be confirmed, in one line."""
    if not reads:
        return ()
    best, lesions, options = rules.limits.best, rules.limits.lesions, rules.options
    used = {
        "best.min_sd_interval": f"stable disease from day {best.min_sd_interval_d} on"
        if options.min_sd_interval_days is None
        else "",
        "best.confirmation_interval": f"{best.confirmation_interval_d} days to a confirmation"
        if rules.confirmation
        else "",
        "recist.too_small": f"{float(lesions.too_small_mm):g} mm for what is too small to measure"
        if any(read.state is State.TOO_SMALL for read in reads)
        else "",
        "mrecist.progression_absolute": "mRECIST without an absolute growth"
        if rules.criterion is CriterionName.MRECIST and not options.five_mm
        else "",
    }
    texts = [text for name, text in used.items() if text and name in rules.to_confirm]
    return (f"Confirm against the guideline in force: {'; '.join(texts)}.",) if texts else ()
