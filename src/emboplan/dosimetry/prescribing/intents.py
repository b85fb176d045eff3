"""Intents as templates: what a treatment is for decides its goals, its limits and what must be known first.

A template offers; it sets nothing but the floor of a lobectomy, without which the other lobe would not grow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emboplan.catalog import Catalog
from emboplan.dosimetry.prescribing.applicable_limits import TUMOUR_WORDS, applicable_limits
from emboplan.dosimetry.prescribing.goals import (
    GoalUse,
    PublishedGoal,
    goal_findings,
    goal_named,
    published_goals,
)
from emboplan.errors import CatalogError
from emboplan.model.case import Intent, Limits
from emboplan.model.disease import TumourType
from emboplan.model.finding import Finding, Severity
from emboplan.model.products import DoseLimit
from emboplan.model.results.activity import Quantity
from emboplan.model.serialise import fields_to_json


@dataclass(frozen=True, slots=True)
class IntentTemplate:
    """What an intent brings to a plan.

    `offered` are the published goals that the user may take, `hard` those that a plan must reach (the floor
    of the perfused normal liver in a lobectomy). `limits` are the catalogue's, before the user enters any;
    `warnings` are doses above which a label warns. `sessions` is the least number of sessions. `findings`
    hold the evidence and what is missing.
    """

    intent: Intent
    title: str
    description: str
    offered: tuple[PublishedGoal, ...]
    hard: tuple[PublishedGoal, ...]
    limits: tuple[DoseLimit, ...]
    limits_normal_liver: bool
    needs_future_liver_remnant: bool
    sessions: int
    warnings: tuple[DoseLimit, ...] = ()
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


def intent_template(
    intent: Intent,
    *,
    tumour: TumourType,
    device: str | None,
    bilirubin_mg_per_dl: float | None,
    catalog: Catalog,
    hepatic_reserve_frac: float | None = None,
    pretreated: bool = False,
) -> IntentTemplate:
    """The template of an intent for a tumour, a device and a liver; None is what is not known.

    Source: EANM 2022, Tables 2 to 4. The floor of a lobectomy is printed for hepatocellular carcinoma (glass)
    and for hepatocellular carcinoma, cholangiocarcinoma and colorectal metastases (resin); the template asks
    it of every tumour, since it is about the normal liver, and says so.
    """
    table = _table(intent, catalog)
    published = published_goals(tumour=tumour, device=device, intent=intent, catalog=catalog)
    applicable = applicable_limits(
        Limits(),
        device=device,
        tumour=tumour,
        intent=intent,
        bilirubin_mg_per_dl=bilirubin_mg_per_dl,
        hepatic_reserve_frac=hepatic_reserve_frac,
        pretreated=pretreated,
        catalog=catalog,
    )
    floor, floor_findings = _floor(table, tumour, device, hepatic_reserve_frac, catalog)
    hard = () if floor is None else (floor,)
    names = {goal.name for goal in hard}
    offered = tuple(g for g in published if g.use is GoalUse.GOAL and g.name not in names)
    findings = (
        *goal_findings(published),
        *_no_goal(offered, tumour, device),
        *floor_findings,
        *applicable.findings,
    )
    return IntentTemplate(
        intent=intent,
        title=table["title"],
        description=table["description"],
        offered=offered,
        hard=hard,
        limits=applicable.limits,
        limits_normal_liver=table["limits_normal_liver"],
        needs_future_liver_remnant=table["future_liver_remnant"],
        sessions=table["sessions"],
        warnings=applicable.warnings,
        findings=findings,
    )


def _table(intent: Intent, catalog: Catalog) -> Mapping[str, Any]:
    tables = catalog.intent_table()
    table: Mapping[str, Any] | None = tables.get(intent.value)
    if table is None:
        raise CatalogError(f"intents.toml: has no intent {intent.value!r}; every intent needs a table")
    return table


def _no_goal(offered: tuple[PublishedGoal, ...], tumour: TumourType, device: str | None) -> Iterator[Finding]:
    """Neuroendocrine metastases have a statement of their own in the catalogue."""
    if offered or tumour is TumourType.NET:
        return
    subject = "without a device" if device is None else f"for {device} and {TUMOUR_WORDS[tumour]}"
    text = f"No published goal {subject} with this intent: enter a goal of your own with its source."
    yield Finding("no-published-goal", Severity.INFO, text, "EANM22 (tables 2 to 4)")


def _floor(
    table: Mapping[str, Any],
    tumour: TumourType,
    device: str | None,
    hepatic_reserve_frac: float | None,
    catalog: Catalog,
) -> tuple[PublishedGoal | None, list[Finding]]:
    """The dose that the perfused normal liver must reach, where the intent has one, and what to tell."""
    if "floor" not in table:
        return None, []
    if device not in table["floor"]:
        subject = "without a device" if device is None else f"for {device}"
        text = f"No dose for hypertrophy has a source {subject}: enter hypertrophy_goal with its source."
        return None, [Finding("no-hypertrophy-dose", Severity.WARNING, text, "EANM22 (tables 2 to 4)")]
    goal = goal_named(table["floor"][device], catalog)
    if goal.quantity is not Quantity.PERFUSED_NORMAL:
        raise CatalogError(f"intents.toml: floor {goal.name} is about {goal.quantity}, not the normal liver")
    edge = catalog.sourced("goals.hepatic_reserve_edge")
    percent = f"{edge.number:.0%}".replace("%", " %")
    if hepatic_reserve_frac is not None and hepatic_reserve_frac <= edge.number:
        text = (
            f"The hepatic reserve is {hepatic_reserve_frac:.1%}; the table asks for more than {percent} in a "
            f"lobectomy. The floor ({goal.words}) is not set. A physician must decide."
        )
        return None, [Finding("lobectomy-low-reserve", Severity.WARNING, text, goal.source)]
    findings = []
    if hepatic_reserve_frac is None:
        text = (
            f"The table asks for a hepatic reserve above {percent} in a lobectomy, and it is not known. "
            "Enter it, or the future liver remnant."
        )
        findings.append(Finding("lobectomy-reserve-unknown", Severity.WARNING, text, goal.source))
    if tumour not in goal.tumours:
        printed = ", ".join(TUMOUR_WORDS[kind] for kind in goal.tumours)
        text = (
            f"The floor of the perfused normal liver ({goal.words}) is printed for {printed}. Its use for "
            f"{TUMOUR_WORDS[tumour]} is a reading of this project, since it is about the normal liver."
        )
        findings.append(Finding("hypertrophy-printed-for-others", Severity.INFO, text, goal.source))
    return goal, findings
