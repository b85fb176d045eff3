"""What is said of a loading beside its amounts: the chemistry, the size that was measured, the instructions.

Nothing here changes a number. What a person must settle is to be acknowledged or open; the rest is a remark.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from emboplan.catalog.status import footnote
from emboplan.embolics.amounts import exact, plain_number
from emboplan.embolics.fluids import holds_chloride
from emboplan.embolics.ledger import Ledger, shown
from emboplan.model.embolics import LoadRecipe, quantity
from emboplan.model.finding import Severity


def chemistry(recipe: LoadRecipe, ledger: Ledger) -> None:
    """Warnings on the liquid of the beads and on drugs that do not bind as others do."""
    needs = recipe.drug.facts.find("reconstitution.diluent")
    if needs is not None:
        ledger.note(needs)
        liquid = recipe.product.facts.find("vial.liquid")
        fluid = "the liquid that the beads are shipped in" if liquid is None else liquid.text
        known = "may hold" if liquid is None or not holds_chloride(liquid.text) else "holds"
        ledger.acknowledge(
            "chloride-in-beads",
            f"{recipe.drug.name} takes no chloride, and {fluid} {known} it: settle whether the "
            "beads are fit for it",
            footnote(needs),
        )
        ledger.say(
            "aluminium",
            Severity.WARNING,
            f"{recipe.drug.name}: no needle or set with aluminium parts",
            footnote(needs),
        )
        ledger.say(
            "as-reconstituted",
            Severity.INFO,
            f"{recipe.drug.name} as reconstituted{_keeps(recipe)}",
            footnote(needs),
        )
    if recipe.product.facts.find("vial.liquid") is None and not recipe.product.is_dry:
        ledger.open_item(
            "shipping-liquid",
            f"{recipe.product.name}: no source says in which liquid the beads are shipped; settle whether "
            "it is removed before loading",
        )
    neutral = ledger.use(recipe.facts, "neutral")
    if neutral is not None:
        ledger.say(
            "not-assumed-bound", Severity.WARNING, f"{recipe.label}: {neutral.text}", footnote(neutral)
        )
    slow = ledger.use(recipe.drug.facts, "slow_in")
    if slow is not None:
        ledger.say(
            "slow-in-buffer",
            Severity.INFO,
            f"{slow.text} {slow.place}: remove it before loading",
            footnote(slow),
        )


def _keeps(recipe: LoadRecipe) -> str:
    """How the drug itself is made up and how long that keeps, which says nothing of the loaded beads."""
    facts = recipe.drug.facts
    strength, hours = facts.find("reconstitution.strength"), facts.find("reconstitution.storage")
    made = "" if strength is None else f", {shown(strength)} ({strength.place})"
    keeps = "" if hours is None else f": the vial keeps {shown(hours)} ({hours.place})"
    return f"{made}{keeps}"


# Figures of a laboratory that are taken over to the loading.
_MEASURED = MappingProxyType(
    {
        "loaded": "the loaded share",
        "loaded_at_least": "the loaded share",
        "size_change": "the change of size",
        "loading_time": "the loading time",
        "contrast_loss": "what contrast takes off",
    }
)


def measured_on(recipe: LoadRecipe, sizes: Sequence[str], ledger: Ledger) -> None:
    """A warning where figures of one size are used for another."""
    tested = recipe.facts.find("measured_on")
    if tested is None:
        return
    others = [size for size in sizes if size != tested.text]
    used = {
        _MEASURED[name]: None
        for figure in ledger.figures
        if (name := figure.name.rpartition(".")[2]) in _MEASURED and set(figure.source) <= set(tested.source)
    }
    if others and used:
        ledger.say(
            "measured-on-other-size",
            Severity.WARNING,
            f"{recipe.label}: measured on {tested.text} um: {', '.join(used)}; loaded are "
            f"{', '.join(others)} um",
            footnote(tested),
        )


def vials_and_sizes(recipe: LoadRecipe, sizes: Sequence[str], vials: int | None, ledger: Ledger) -> None:
    """A warning where there are more sizes than vials: a vial holds beads of one size."""
    if vials is not None and len(sizes) > vials:
        ledger.say(
            "fewer-vials-than-sizes",
            Severity.WARNING,
            f"{recipe.label}: {', '.join(sizes)} um are {len(sizes)} sizes, and a vial holds one; "
            f"{vials} {'vial is' if vials == 1 else 'vials are'} taken: take more vials, or fewer sizes",
        )


def first_fill(recipe: LoadRecipe, volume_ml: float | None, vials: int | None, ledger: Ledger) -> None:
    """A warning to acknowledge where a vial's part of the solution is less than what goes into it first."""
    fill = recipe.facts.find("first_fill")
    if fill is None or volume_ml is None:
        return
    each = exact(volume_ml, "solution_ml") / (vials or 1)
    if each < exact(quantity(fill, "mL"), "first_fill"):
        ledger.note(fill)
        ledger.acknowledge(
            "solution-below-first-fill",
            f"{recipe.label}: {plain_number(float(each))} mL of solution for each vial of beads are less "
            f"than the {shown(fill)} that go into it first ({fill.place})",
            footnote(fill),
        )


def advice(recipe: LoadRecipe, ledger: Ledger) -> None:
    """What the instructions and papers say of the product."""
    for name in recipe.product.facts.verified:
        if name.startswith("advice.") or name == "contraindications":
            entry = ledger.use(recipe.product.facts, name)
            if entry is not None:
                topic = name.removeprefix("advice.").replace("_", " ")
                ledger.say(
                    f"product-{topic.replace(' ', '-')}",
                    Severity.INFO,
                    f"{recipe.product.name}, {topic}: {shown(entry)}",
                    footnote(entry),
                )
