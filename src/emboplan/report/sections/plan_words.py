"""The plan in sentences: what is given where, from which vial at which hour, what binds, and its price."""

from __future__ import annotations

from emboplan.model.case import ActivityModel
from emboplan.model.results.activity import Doses, LimitCheck, ModelResult, Quantity
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.model.results.prescription import Objective, Price, VialAlternative
from emboplan.report.moments import moment_text
from emboplan.report.wording import SPACE, exact, mid, name, number, quantity
from emboplan.units import PERCENT

GOAL, VIAL, ENTERED, RULE = "goal", "vial", "entered", "rule"

# The limit on one treatment; every other limit on a dose counts earlier treatments where there are any.
SESSION = "lung_session"

# Activities that differ by less are one, written twice with ten digits.
SAME_ACTIVITY = 1e-6

_OBJECTIVES = {
    Objective.MEET_GOAL: "reach the goals at the least dose to the whole normal liver",
    Objective.MAXIMISE_TUMOUR: "reach the largest mean tumour dose within the limits",
    Objective.MAXIMISE_MINIMUM: "give the lesion that gets least as much as the limits allow",
}
_ORGANS = ("whole normal liver", "perfused normal liver", "lungs")
_UNITS = {"Gy": "gray", "GBq": "GBq", "1": "percentage point"}


def parts_of(plan: ActivityPlan) -> tuple[ModelResult, ...]:
    """The results of the plan's own model, one for each territory; empty without a choice."""
    if plan.chosen is None:
        return ()
    return tuple(m for m in plan.models if m.model == plan.chosen.model) or (plan.chosen,)


def model_words(result: ModelResult) -> str:
    """A model as it follows "by the": most names hold no word for what they are."""
    words = mid(name(result.model))
    return words if words.endswith("model") else f"{words} model"


def earlier_gy(check: LimitCheck, doses: Doses) -> float | None:
    """What earlier treatments add to the value of a limit on all treatments (Gy); None for nothing."""
    dose = doses.of(check.quantity)
    if dose is None or check.name == SESSION or check.value <= dose * (1 + SAME_ACTIVITY):
        return None
    return check.value - dose


def tells_tumour_apart(result: ModelResult) -> bool:
    """Whether a model's tumour dose is its own: the single compartment has one mean for everything."""
    return result.model != ActivityModel.SINGLE


def chosen_vials(plan: ActivityPlan) -> tuple[VialAlternative, ...]:
    """The chosen row of each territory that has one."""
    return tuple(row for row in plan.vials if row.chosen)


def objective_words(plan: ActivityPlan) -> str:
    """What the plan strives for."""
    return _OBJECTIVES[plan.objective]


def plan_sentences(plan: ActivityPlan) -> str:
    """The plan in a few sentences, empty without a chosen activity."""
    parts = parts_of(plan)
    if not parts:
        return ""
    by_territory = {row.territory: row for row in chosen_vials(plan)}
    vials = [by_territory.get(part.territory) for part in parts]
    vials = [v if v and takes_vial(p, v) else None for p, v in zip(parts, vials, strict=True)]
    moments = {_moments(row) for row in vials}
    alike = len(moments) == 1
    given = [_given(part, row, timed=not alike) for part, row in zip(parts, vials, strict=True)]
    text = f"The plan by the {model_words(parts[0])}: {'; '.join(given)}"
    text += f", {moments.pop()}." if alike and all(vials) else "."
    decided = decided_words(plan)
    return f"{text} {decided}" if decided else text


def takes_vial(part: ModelResult, row: VialAlternative) -> bool:
    """Whether the plan's own activity is what this vial gives, and not only near it."""
    given = row.administered_gbq
    return given is not None and abs(given - part.administered_gbq) <= SAME_ACTIVITY * part.administered_gbq


def _given(part: ModelResult, row: VialAlternative | None, *, timed: bool) -> str:
    text = f"{part.territory} {quantity(part.administered_gbq, 'GBq')} administered"
    if row is None:
        return text
    text += f" from {label_words(row)}"
    return f"{text}, {_moments(row)}" if timed else text


def _moments(row: VialAlternative | None) -> str:
    """When a vial is calibrated and when it is given; empty without one."""
    if row is None:
        return ""
    return f"calibrated {moment_text(row.calibration_time)}, given {moment_text(row.treatment_time)}"


def label_words(row: VialAlternative) -> str:
    """The vial or vials by their labels."""
    sizes = " + ".join(f"{exact(size)}{SPACE}GBq" for size in row.label_gbq)
    return f"{'a vial' if len(row.label_gbq) == 1 else 'vials'} of {sizes}"


def decided_words(plan: ActivityPlan) -> str:
    """What holds the plan where it is, with its price; empty where nothing is known to."""
    if plan.binding is None:
        return ""
    if plan.binding == ENTERED:
        return "The activity was entered, not computed."
    if plan.binding == RULE:
        return "The activity is that of the model's own rule, which knows no dose goal and no dose limit."
    apart = plan.chosen is None or tells_tumour_apart(plan.chosen)
    price = "" if plan.price is None else f"{price_words(plan.price, tumour_apart=apart)}."
    if plan.binding == GOAL:
        return f"What decides is the dose goal{': ' + price if price else '.'}"
    if plan.binding == VIAL:
        return f"What decides is the choice of vials{': ' + price if price else '.'}"
    if plan.price is not None and plan.price.of == plan.binding:
        return f"What binds: {price}"
    return f"What binds is the limit on {limited(plan.binding)}{': ' + price if price else '.'}"


def price_words(price: Price, *, tumour_apart: bool = True) -> str:
    """What the next unit of the binding limit would buy, or what the goal's next gray would cost.

    Without `tumour_apart` the model's tumour dose is that of all that is treated, and is not named.
    """
    unit, symbol, factor = _UNITS.get(price.unit, price.unit), price.unit, 1.0
    if price.unit == "1":
        symbol, factor = "percentage points", PERCENT
    named = tumour_apart or price.buys is not Quantity.TUMOUR
    bought = f"{mid(name(price.buys.value))} dose" if named else "dose"
    dose = f"{quantity(abs(price.gy_per_unit) / factor, 'Gy', 2)} of {bought}"
    far = "" if price.up_to is None else f", up to +{number(price.up_to * factor, 2)}{SPACE}{symbol}"
    if price.of == GOAL:
        return f"one more {unit} of the goal would cost {dose}{far}"
    verb = "buy" if price.gy_per_unit >= 0 else "cost"
    return f"one more {unit} of the limit on {limited(price.of)} would {verb} {dose}{far}"


def organ_of(limit: str) -> str:
    """What a limit is on, without the condition that it holds under; its name where that is no organ."""
    organ = mid(name(limit)).partition(", ")[0]
    return organ if organ in _ORGANS else name(limit)


def limited(limit: str) -> str:
    """What a limit is on, as it follows "the limit on"."""
    organ, _, rest = mid(name(limit)).partition(", ")
    if organ not in _ORGANS:
        return f"“{name(limit)}”"
    return f"the {organ} ({rest})" if rest else f"the {organ}"
