"""The solution of the drug: strength, volume, diluent, and the vials of drug that it takes.

Strength, volume and diluent come from the user or from what is published for the pair; else they stay open,
and how the drug itself is reconstituted is only a hint. A diluent that does not go with the drug is refused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from emboplan.catalog.embolics import drug_names
from emboplan.catalog.load import Catalog
from emboplan.catalog.status import footnote
from emboplan.catalog.tace_tables import TaceNumbers, tace_numbers
from emboplan.embolics.amounts import Number, exact, plain_name, positive
from emboplan.embolics.compatibility import refuse_diluent
from emboplan.embolics.fluids import diluent_is_known, holds_chloride, holds_phosphate
from emboplan.embolics.ledger import Ledger
from emboplan.errors import ModelRangeError
from emboplan.model.embolics import Drug, LoadRecipe, quantities, quantity
from emboplan.model.products import Sourced


@dataclass(frozen=True, slots=True)
class Solution:
    """Volume (mL) and strength (mg/mL) of the drug's solution, and its diluent; None where not known."""

    volume_ml: float | None
    mg_per_ml: float | None
    diluent: str | None


@dataclass(frozen=True, slots=True)
class DrugVials:
    """Vials of drug to open, the mg in each, and what is left over; None where the vial is not known."""

    vials: int | None
    vial_mg: float | None
    left_over_mg: float | None


def strength_mg_per_ml(drug_mg: Number, volume_ml: Number) -> float:
    """The strength of a solution.

    >>> strength_mg_per_ml(50, 10)
    5.0
    """
    return float(positive(drug_mg, "dose_mg") / positive(volume_ml, "solution_ml"))


def drug_vials(dose_mg: Number, vial_mg: Number) -> DrugVials:
    """Whole vials for a dose, and what is left over.

    >>> drug_vials(75, 50)
    DrugVials(vials=2, vial_mg=50.0, left_over_mg=25.0)
    """
    dose, vial = positive(dose_mg, "dose_mg"), positive(vial_mg, "drug_vial_mg")
    count = math.ceil(dose / vial)
    return DrugVials(count, float(vial), float(count * vial - dose))


def choose_vials(recipe: LoadRecipe, dose_mg: Number, vial_mg: Number | None, ledger: Ledger) -> DrugVials:
    """The vials of drug: of the size entered, else of the published size that leaves least over."""
    if vial_mg is not None:
        return drug_vials(dose_mg, vial_mg)
    entry = ledger.use(recipe.facts, "drug_vial") or ledger.use(recipe.drug.facts, "vials")
    if entry is None:
        return DrugVials(None, None, None)
    choices = [drug_vials(dose_mg, vial) for vial in quantities(entry, "mg")]
    return min(choices, key=lambda choice: (choice.left_over_mg, choice.vials))


def bead_solution(
    recipe: LoadRecipe,
    dose_mg: Number,
    volume_ml: Number | None,
    mg_per_ml: Number | None,
    ledger: Ledger,
) -> tuple[float | None, float | None]:
    """Volume (mL) and strength (mg/mL) of the solution; both None, with an open item, where neither is known.

    Raises `ModelRangeError` where a volume and a strength are entered that contradict each other.
    """
    dose = positive(dose_mg, "dose_mg")
    if volume_ml is not None:
        volume = positive(volume_ml, "solution_ml")
        if mg_per_ml is not None and positive(mg_per_ml, "solution_mg_per_ml") * volume != dose:
            raise ModelRangeError(
                f"{float(dose):g} mg in {float(volume):g} mL are {float(dose / volume):g} mg/mL, and "
                f"solution_mg_per_ml is {float(exact(mg_per_ml, 'solution_mg_per_ml')):g}; give "
                "one of the two"
            )
        return float(volume), float(dose / volume)
    if mg_per_ml is not None:
        strength = positive(mg_per_ml, "solution_mg_per_ml")
        return float(dose / strength), float(strength)
    entry = ledger.use(recipe.facts, "solution")
    if entry is None:
        ledger.open_item(
            "solution",
            f"{recipe.label}: no verified volume or strength of the solution; enter yours (solution_ml or "
            f"solution_mg_per_ml){_as_reconstituted(recipe, dose)}",
        )
        return None, None
    strength = exact(quantity(entry, "mg/mL"), "solution")
    return float(dose / strength), float(strength)


def reconstituted(drug: Drug, drug_mg: Number) -> Solution | None:
    """The powder of a drug made up by its own label; None where the label is not known.

    It says nothing of the solution that beads are loaded with.
    """
    entry, fluid = drug.facts.find("reconstitution.strength"), drug.facts.find("reconstitution.diluent")
    if entry is None:
        return None
    strength = exact(quantity(entry, "mg/mL"), "strength")
    volume = positive(drug_mg, "dose_mg") / strength
    return Solution(float(volume), float(strength), None if fluid is None else fluid.text)


def _as_reconstituted(recipe: LoadRecipe, dose: Fraction) -> str:
    """A hint: how the drug itself is made up."""
    made, entry = reconstituted(recipe.drug, dose), recipe.drug.facts.find("reconstitution.strength")
    if made is None or entry is None:
        return ""
    return (
        f"; as reconstituted by its label {recipe.drug.name} is {made.mg_per_ml:g} mg/mL, so that "
        f"{float(dose):g} mg are {made.volume_ml:.4g} mL, and no source says whether that holds on beads "
        f"({footnote(entry)})"
    )


def choose_diluent(
    recipe: LoadRecipe, entered: str | None, numbers: TaceNumbers, ledger: Ledger
) -> str | None:
    """The diluent: the one entered, else the published one; `InputError` if it does not go with the drug."""
    published = ledger.use(recipe.facts, "diluent")
    own = recipe.drug.facts.find("reconstitution.diluent")
    if entered is None:
        return _published_diluent(recipe, published, own, numbers, ledger)
    if not plain_name(entered):
        raise ModelRangeError(f"diluent is {entered!r}; expected the name of a fluid, or leave it out")
    refuse_diluent(recipe.drug.name, entered, numbers)
    if own is not None and not diluent_is_known(entered):
        ledger.acknowledge(
            "diluent-unknown", f'"{entered}" is not known to be free of chloride', "as entered"
        )
    elif holds_phosphate(entered):
        slow = recipe.drug.facts.find("slow_in") or recipe.product.facts.find("vial.liquid")
        ledger.acknowledge(
            "phosphate-diluent",
            f'{recipe.label}: "{entered}" holds phosphate, which beads are freed of before loading',
            "" if slow is None else footnote(slow),
        )
    elif published is not None and holds_chloride(published.text) != holds_chloride(entered):
        ledger.acknowledge(
            "diluent-differs",
            f'{recipe.label} is published with {published.text}; "{plain_name(entered)}" was '
            "entered, and the "
            "swelling and loading of the bead depend on it",
            footnote(published),
        )
    return entered


def _published_diluent(
    recipe: LoadRecipe, published: Sourced | None, own: Sourced | None, numbers: TaceNumbers, ledger: Ledger
) -> str | None:
    """The published diluent, which a site may have laid over ours; an open item where there is none."""
    if published is not None:
        refuse_diluent(recipe.drug.name, published.text, numbers)
        return published.text
    hint = (
        ""
        if own is None
        else f"; {recipe.drug.name} itself is reconstituted with {own.text} ({footnote(own)})"
    )
    ledger.open_item("diluent", f"{recipe.label}: no diluent with a source; enter yours (diluent){hint}")
    return None


def check_mixture(recipe: LoadRecipe, mixed_with: str | None, catalog: Catalog, ledger: Ledger) -> None:
    """What the loaded beads are mixed with: `InputError` if the drug does not bear it."""
    if mixed_with is None:
        return
    refuse_diluent(recipe.drug.name, mixed_with, tace_numbers(catalog))
    others = [name for name in drug_names(catalog) if name in plain_name(mixed_with)]
    if others:
        ledger.acknowledge(
            "mixed-with-drug",
            f"{recipe.label}: no source says what mixing the loaded beads with {', '.join(others)} does",
            "as entered",
        )
    if recipe.drug.facts.find("reconstitution.diluent") is not None and not diluent_is_known(mixed_with):
        ledger.open_item(
            "mixed-with",
            f'{recipe.label}: whether "{mixed_with}" is free of chloride is not known; settle it',
        )
