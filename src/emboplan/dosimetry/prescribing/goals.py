"""Published dose goals: what the tables print for a tumour, a device and an intent.

A goal of one device is never offered for another. Goals are offered with their source, never set: a plan
strives for what its user enters. Neuroendocrine metastases have no row in the tables of EANM 2022; for them
the catalogue has the statement that there is none, and evidence to read beside the user's own goal. Evidence
never becomes a goal or a limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from emboplan.catalog import Catalog
from emboplan.errors import CatalogError, ModelRangeError
from emboplan.model.case import Intent
from emboplan.model.disease import TumourType
from emboplan.model.finding import Finding, Severity
from emboplan.model.products import Sourced, Status
from emboplan.model.results.activity import Quantity
from emboplan.model.results.prescription import PrescriptionGoal
from emboplan.model.serialise import fields_to_json

ROOM = "goals"


class Comparator(StrEnum):
    """How a dose relates to the printed number.

    ``about``: the number is printed without a sign; ``none``: there is no number.
    """

    AT_LEAST = "at-least"
    ABOVE = "above"
    BELOW = "below"
    WITHIN = "within"
    ABOUT = "about"
    NONE = "none"


class GoalUse(StrEnum):
    """What a published value may be used for: taken as a goal, or only read beside one."""

    GOAL = "goal"
    EVIDENCE = "evidence"


_SAID = {
    Comparator.AT_LEAST: "at least {} Gy",
    Comparator.ABOVE: "above {} Gy",
    Comparator.BELOW: "below {} Gy",
    Comparator.WITHIN: "from {} Gy",
    Comparator.ABOUT: "{} Gy (printed without a sign)",
}


@dataclass(frozen=True, slots=True)
class PublishedGoal:
    """One published value: the quantity it is about, the dose or range, for whom, who says so, how sure.

    `lower_gy` and `upper_gy` are equal where one number is printed, and None for evidence, which is `text`
    alone. `device` None is a statement that speaks of no device. `level_of_evidence` is what the table
    prints, empty where our record of it has none. `tumours` and `intents` are those of the printed row.
    """

    name: str
    quantity: Quantity
    comparator: Comparator
    lower_gy: float | None
    upper_gy: float | None
    use: GoalUse
    device: str | None
    tumours: tuple[TumourType, ...]
    intents: tuple[Intent, ...]
    source: str
    status: Status
    derived_with: str
    level_of_evidence: str = ""
    condition: str = ""
    footnotes: tuple[str, ...] = ()
    text: str = ""

    @property
    def words(self) -> str:
        """The value in words, such as "tumour at least 250 to 300 Gy", or the evidence as it stands."""
        if self.lower_gy is None or self.upper_gy is None:
            return self.text
        one = self.lower_gy == self.upper_gy
        number = f"{self.lower_gy:g}" if one else f"{self.lower_gy:g} to {self.upper_gy:g}"
        return f"{self.quantity.replace('_', ' ')} {_SAID[self.comparator].format(number)}"

    def as_goal(self, territory: str, *, hard: bool = False) -> PrescriptionGoal:
        """The goal of a plan in one territory: the lower end of the printed dose, at least.

        Raises:
            ModelRangeError: evidence and upper bounds are no goals.
        """
        if self.use is not GoalUse.GOAL or self.lower_gy is None or self.comparator is Comparator.BELOW:
            raise ModelRangeError(
                f"{self.name} is no goal that a plan can take ({self.words}); enter a goal with its source"
            )
        return PrescriptionGoal(territory, self.quantity, self.lower_gy, self.source, hard=hard)

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


def published_goals(
    *, tumour: TumourType, device: str | None, intent: Intent | None, catalog: Catalog
) -> tuple[PublishedGoal, ...]:
    """What is published for this tumour, device and intent, in the order of the tables.

    `intent` None takes the rows of every intent. Without a device there are no goals, since doses of
    different devices are not on one scale; statements that speak of no device remain. Unverified entries are
    left out.

    Raises:
        CatalogError: the catalogue does not know the device, or a goal of it is not well formed.
    """
    _known_device(device, catalog)
    goals = (
        _goal(name, table, catalog.entry(f"{ROOM}.{name}"))
        for name, table in catalog.dose_tables(ROOM).items()
        if "tumours" in table and table["status"] != Status.UNVERIFIED
    )
    return tuple(
        goal
        for goal in goals
        if goal.device in (None, device) and tumour in goal.tumours and (not intent or intent in goal.intents)
    )


def goal_named(name: str, catalog: Catalog) -> PublishedGoal:
    """One published goal by its name in the catalogue."""
    tables = catalog.dose_tables(ROOM)
    if name not in tables or "tumours" not in tables[name]:
        raise CatalogError(f"the catalogue has no goal {name!r}; see its table of goals")
    return _goal(name, tables[name], catalog.sourced(f"{ROOM}.{name}"))


def goal_findings(goals: Sequence[PublishedGoal]) -> tuple[Finding, ...]:
    """The evidence among the published values, to show beside the goals that a user entered."""
    return tuple(
        Finding(f"evidence-{goal.name.replace('_', '-')}", Severity.INFO, _with_notes(goal), goal.source)
        for goal in goals
        if goal.use is GoalUse.EVIDENCE
    )


def _with_notes(goal: PublishedGoal) -> str:
    return " ".join((goal.text, *goal.footnotes))


def _known_device(device: str | None, catalog: Catalog) -> None:
    if device is not None and device not in catalog.microsphere_names():
        known = ", ".join(catalog.microsphere_names())
        raise CatalogError(f"the catalogue has no microsphere {device!r}; it has {known}")


def _goal(name: str, table: dict[str, Any], entry: Sourced) -> PublishedGoal:
    try:
        use = GoalUse(table.get("use", GoalUse.GOAL))
        lower, upper = _ends(entry, use)
        return PublishedGoal(
            name=name,
            quantity=Quantity(table["quantity"]),
            comparator=Comparator(table.get("comparator", Comparator.NONE)),
            lower_gy=lower,
            upper_gy=upper,
            use=use,
            device=table.get("device"),
            tumours=tuple(TumourType(tumour) for tumour in table["tumours"]),
            intents=tuple(Intent(intent) for intent in table["intents"]),
            source=entry.source_text,
            status=entry.status,
            derived_with=table["derived_with"],
            level_of_evidence=table.get("evidence", ""),
            condition=table.get("condition", ""),
            footnotes=tuple(table.get("footnotes", ())),
            text=_evidence(entry) if use is GoalUse.EVIDENCE else "",
        )
    except KeyError as error:
        raise CatalogError(f"goals.toml: {name}: has no {error.args[0]}; every goal needs one") from error
    except ValueError as error:
        raise CatalogError(f"goals.toml: {name}: {error}") from error


def _evidence(entry: Sourced) -> str:
    return f"{entry.text}. {entry.note}" if entry.note else entry.text


def _ends(entry: Sourced, use: GoalUse) -> tuple[float | None, float | None]:
    if use is GoalUse.EVIDENCE:
        return None, None
    if not isinstance(entry.value, tuple):
        return entry.number, entry.number
    lower, upper = entry.numbers
    if not 0 < lower < upper:
        raise CatalogError(f"{entry.name} is {entry.value!r}; expected a lower and an upper end above 0")
    return lower, upper
