"""Curves of a cohort for the variants of its endpoints: Kaplan-Meier, or incidence where events compete."""

from __future__ import annotations

from collections.abc import Mapping

from emboplan.model.results.response import IncidenceCurve, PatientResponse, SurvivalCurve, TimeToEvent
from emboplan.response.survival import cumulative_incidence, kaplan_meier
from emboplan.workflow.responding.respond_rules import ResponseRules

OF_INTEREST, COMPETING = 1, 2

Curves = dict[str, dict[str, SurvivalCurve]]
Incidences = dict[str, dict[str, IncidenceCurve]]


def variant_curves(
    patients: Mapping[str, PatientResponse], rules: ResponseRules
) -> tuple[Curves, Incidences]:
    """The curves of the variants by endpoint and variant, those with competing events apart; months."""
    curves: Curves = {}
    incidences: Incidences = {}
    for endpoint in rules.protocol.endpoints:
        for name, variant in endpoint.variants.items():
            found = [patient.endpoints[endpoint.id].variants[name] for patient in patients.values()]
            told = [result for result in found if result.time_days is not None]
            if told and variant.competing:
                incidences.setdefault(endpoint.id, {})[name] = _incidence(told, rules)
            elif told:
                events = [bool(result.event) for result in told]
                curves.setdefault(endpoint.id, {})[name] = kaplan_meier(
                    _months(told, rules), events, confidence_frac=rules.confidence_frac
                )
    return curves, incidences


def _incidence(told: list[TimeToEvent], rules: ResponseRules) -> IncidenceCurve:
    causes = [COMPETING if it.competing else OF_INTEREST if it.event else 0 for it in told]
    return IncidenceCurve(
        patients=len(told),
        events=causes.count(OF_INTEREST),
        competing=causes.count(COMPETING),
        steps=cumulative_incidence(_months(told, rules), causes, OF_INTEREST),
    )


def _months(told: list[TimeToEvent], rules: ResponseRules) -> list[float]:
    return [it.time_days / rules.days_per_month for it in told if it.time_days is not None]
