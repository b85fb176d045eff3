"""Prompts about the liver: bile ducts, portal vein, share of tumour, function, extent of a session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from emboplan import catalog as catalogue
from emboplan.catalog.tace_tables import burden_limits_pct, tace_numbers
from emboplan.embolics.amounts import Number, exact, not_negative
from emboplan.embolics.safety.procedure import Situation
from emboplan.errors import ModelRangeError
from emboplan.model.finding import Finding, Severity
from emboplan.units import PERCENT

BREACHES = ("bilioenteric_anastomosis", "transpapillary_stent", "sphincterotomy")
PANEL = "debiri-panel"
# The trial that takes the reader's visual estimate where one is entered.
_VISUAL = "retnet"


@dataclass(frozen=True, slots=True)
class BurdenRule:
    """One source's largest share of tumour in the liver, inclusive, and whether this patient is within it."""

    name: str
    limit_pct: float
    burden_pct: float
    within: bool


def burden_rules(
    burden_pct: Number, *, visual_pct: Number | None = None, catalog: catalogue.Catalog | None = None
) -> tuple[BurdenRule, ...]:
    """The rules of trials and of a panel on the share of tumour in the liver, compared as written.

    RETNET takes the reader's visual estimate where one is given.

    >>> [rule.name for rule in burden_rules(60) if not rule.within]
    ['captem-y90', 'tae-italy']
    """
    book = catalog or catalogue.load()
    measured = _share(burden_pct, "burden_pct")
    visual = None if visual_pct is None else _share(visual_pct, "visual_pct")
    limits = {**burden_limits_pct(book), PANEL: tace_numbers(book).number("burden.debiri_panel")}
    rules = []
    for name, limit in limits.items():
        share = visual if name == _VISUAL and visual is not None else measured
        rules.append(BurdenRule(name, limit, float(share), share <= exact(limit, "limit")))
    return tuple(rules)


def _share(value: Number, name: str) -> Fraction:
    share = not_negative(value, name)
    if share > exact(PERCENT, "percent"):
        raise ModelRangeError(f"{name} is {float(share):g}; expected 0 to 100 percent")
    return share


def liver_prompts(case: Situation) -> Iterator[Finding]:
    """All prompts about the liver."""
    if not case.procedure.embolizes:
        return
    yield from _biliary(case)
    yield from _portal(case)
    yield from _burden(case)
    yield from _laboratory(case)
    if case.procedure.uses_oil:
        yield from _bile_ducts(case)
    if case.procedure.extent == "whole-liver":
        yield case.prompt("extent", Severity.WARNING)
    if case.procedure.uses_beads:
        yield case.prompt("interval_beads", Severity.INFO)
    elif not case.procedure.uses_oil:
        yield case.prompt("interval_bland", Severity.INFO)


def _biliary(case: Situation) -> Iterator[Finding]:
    answers = [case.yes(name) for name in BREACHES]
    if any(answers):
        found = ", ".join(
            name.replace("_", " ") for name, answer in zip(BREACHES, answers, strict=True) if answer
        )
        yield case.prompt("biliary_breach", Severity.WARNING, before=f"Found: {found}.")
    elif None in answers:
        yield case.prompt("biliary_breach", Severity.WARNING, open_item=True)
    plan = case.procedure.antibiotic_plan
    breached = Severity.WARNING if any(answers) else Severity.INFO
    if plan:
        yield case.prompt("antibiotic_cover", Severity.INFO, before=f"The team's plan: {plan}.")
    else:
        yield case.prompt("antibiotic_cover", breached)


def _portal(case: Situation) -> Iterator[Finding]:
    occluded = case.yes("portal_vein_occlusion")
    if case.yes("main_portal_vein_patent") is False:
        occluded = True
    collaterals = case.yes("hepatopetal_collaterals_on_angiography")
    if occluded and collaterals is False:
        yield case.prompt("portal_vein", Severity.STOP)
    elif occluded is None or (occluded and collaterals is None):
        yield case.prompt("portal_vein", Severity.WARNING, open_item=True)
    flow, pressure = case.yes("hepatofugal_flow"), case.yes("portal_hypertension")
    if flow and pressure is not False:
        yield case.prompt("hepatofugal_flow", Severity.STOP)
    elif flow is None and pressure is not False:
        yield case.prompt("hepatofugal_flow", Severity.WARNING, open_item=True)
    if case.yes("hepatic_encephalopathy"):
        yield case.prompt("encephalopathy", Severity.STOP)
    elif case.yes("hepatic_encephalopathy") is None:
        yield case.prompt("encephalopathy", Severity.WARNING, open_item=True)


def _burden(case: Situation) -> Iterator[Finding]:
    measured = case.number("liver_tumor_burden_pct")
    visual = case.number("liver_tumor_burden_visual_pct")
    share = measured if measured is not None else visual
    if share is None:
        yield case.prompt("burden", Severity.WARNING, open_item=True)
        return
    rules = burden_rules(share, visual_pct=visual, catalog=case.book)
    passed = [rule for rule in rules if not rule.within]
    best = case.numbers.number("burden.best_results_below")
    if not passed and share < exact(best, "best"):
        return
    over = "; ".join(f"{rule.name} at most {rule.limit_pct:g} %" for rule in passed)
    said = f"Tumour is {float(share):.4g} % of the liver"
    more = f", above {over}" if over else ""
    high = f"; the best results are described below {best:g} %" if share >= exact(best, "best") else ""
    yield case.prompt("burden", Severity.WARNING, before=f"{said}{more}{high}.")


def _laboratory(case: Situation) -> Iterator[Finding]:
    """Values that one source flags; a value at its number counts."""
    flagged = []
    for name, high_is_bad in (
        ("bilirubin", True),
        ("albumin", False),
        ("creatinine", True),
        ("platelets", False),
    ):
        value, edge = case.lab(name), exact(case.numbers.number(f"high_risk.{name}"), name)
        if value is None:
            continue
        inclusive = name in ("bilirubin", "platelets")
        worse = value > edge if high_is_bad else value < edge
        if worse or (inclusive and value == edge):
            unit = case.numbers.sourced(f"high_risk.{name}").unit
            flagged.append(f"{name} {float(value):.4g} {unit}")
    if flagged:
        yield case.prompt("high_risk_labs", Severity.WARNING, before=f"Found: {', '.join(flagged)}.")


def _bile_ducts(case: Situation) -> Iterator[Finding]:
    dilated, drained = case.yes("dilated_bile_ducts"), case.yes("bile_ducts_drained")
    if dilated and drained is not True:
        yield case.prompt(
            "bile_ducts", Severity.STOP, before="The bile ducts are dilated and not known drained."
        )
    elif dilated is None:
        yield case.prompt("bile_ducts", Severity.WARNING, open_item=True)
