"""Contrast to add to loaded beads, and the volume to inject.

A source gives mL per mL of beads, or a least volume per vial. The final volume is beads plus contrast; liquid
that clings to the beads is left out. Iodised oil is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from emboplan.catalog.load import Catalog
from emboplan.catalog.status import footnote
from emboplan.catalog.tace_tables import tace_numbers
from emboplan.embolics.amounts import Number, exact, positive
from emboplan.embolics.bead_loading.bead_amounts import BeadAmounts
from emboplan.embolics.compatibility import refuse_oil_as_fluid
from emboplan.embolics.ledger import Ledger, shown
from emboplan.errors import ModelRangeError
from emboplan.model.embolics import LoadRecipe, quantities
from emboplan.model.finding import Severity

Volumes = tuple[float, float | None]


def refuse_oil(recipe: LoadRecipe, fluids: Sequence[str | None], catalog: Catalog) -> None:
    """`InputError` where beads are to be mixed with iodised oil, or loaded in it."""
    for fluid in fluids:
        if fluid is not None:
            refuse_oil_as_fluid(fluid, tace_numbers(catalog), beads=recipe.product.name)


def contrast_volumes(beads_ml: Number, ml_per_ml_beads: Sequence[Number]) -> tuple[float, float]:
    """Least and most contrast (mL) for a volume of beads.

    >>> contrast_volumes(2, (5, 10))
    (10.0, 20.0)
    """
    beads = positive(beads_ml, "beads_ml")
    ratios = [positive(ratio, "contrast_ml_per_ml_beads") for ratio in ml_per_ml_beads]
    return float(beads * min(ratios)), float(beads * max(ratios))


def contrast_to_add(
    recipe: LoadRecipe, amounts: BeadAmounts, entered_ml: Number | None, ledger: Ledger
) -> Volumes | None:
    """Least and most contrast (mL): as entered, else as published; else None, with an open item."""
    facts = recipe.product.facts
    each = ledger.use(facts, "contrast.at_least")
    least = None if each is None else exact(each.number, "contrast") * (amounts.vials or 1)
    if entered_ml is not None:
        entered = positive(entered_ml, "contrast_ml")
        if least is not None and each is not None and entered < least:
            raise ModelRangeError(
                f"{float(entered):g} mL contrast is below the least of {float(least):g} mL ({footnote(each)})"
            )
        _against_published(recipe, amounts, entered, ledger)
        return float(entered), float(entered)
    if least is not None:
        return float(least), None
    ratio = ledger.use(facts, "contrast.per_ml_beads")
    if ratio is not None and amounts.beads_ml is not None:
        return contrast_volumes(amounts.beads_ml, quantities(ratio, "mL/mL"))
    ledger.open_item(
        "contrast", f"{recipe.product.name}: no verified volume of contrast; enter yours (contrast_ml)"
    )
    return None


def _against_published(recipe: LoadRecipe, amounts: BeadAmounts, entered: Fraction, ledger: Ledger) -> None:
    """Contrast of the user's own outside what is published for the beads."""
    ratio = recipe.product.facts.find("contrast.per_ml_beads")
    if ratio is None or amounts.beads_ml is None:
        return
    least, most = contrast_volumes(amounts.beads_ml, quantities(ratio, "mL/mL"))
    if exact(least, "least") <= entered <= exact(most, "most"):
        return
    ledger.note(ratio)
    text = (
        f"{recipe.product.name}: {float(entered):.5g} mL contrast for {amounts.beads_ml:.5g} mL of beads is "
        f"not the published {least:.5g} to {most:.5g} mL ({shown(ratio)})"
    )
    if entered < exact(least, "least"):
        ledger.acknowledge("contrast-below-published", text, footnote(ratio))
    else:
        ledger.say("contrast-above-published", Severity.INFO, text, footnote(ratio))


def final_volume(amounts: BeadAmounts, contrast_ml: Volumes | None) -> Volumes | None:
    """Beads plus contrast in mL (least, most); None where one of them is not known."""
    if contrast_ml is None or amounts.beads_ml is None:
        return None
    beads = exact(amounts.beads_ml, "beads_ml")
    least, most = contrast_ml
    return (
        float(beads + exact(least, "contrast_ml")),
        None if most is None else float(beads + exact(most, "contrast_ml")),
    )


def contrast_findings(recipe: LoadRecipe, loaded_mg: float, ledger: Ledger) -> None:
    """What contrast takes off the beads."""
    loss = ledger.use(recipe.facts, "contrast_loss")
    if loss is None:
        return
    least, most = (loaded_mg * share for share in quantities(loss, "1"))
    ledger.say(
        "contrast-strips-drug",
        Severity.WARNING,
        f"{recipe.label}: contrast takes drug off the beads, {shown(loss)} of it ({least:.3g} "
        f"to {most:.3g} mg; "
        f"{loss.place}); mix just before use",
        footnote(loss),
    )
