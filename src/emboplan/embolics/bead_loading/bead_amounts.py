"""How many vials, how much bead, how much drug on it, and whether that keeps every limit.

A limit of a label or of a formula is an error. A dose or load that is only what a trial or a test used is a
warning to acknowledge. Capacity in the laboratory is no dose: it is a ceiling that nothing may pass, and it
never decides how many vials are taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from emboplan.catalog.status import footnote
from emboplan.embolics.amounts import Number, exact, positive
from emboplan.embolics.bead_loading.bead_limits import (
    caps,
    check_caps,
    check_load,
    check_session,
    check_vial,
    own_load,
)
from emboplan.embolics.ledger import Ledger, shown
from emboplan.errors import CatalogError, ModelRangeError
from emboplan.model.embolics import LoadRecipe, quantities, quantity


@dataclass(frozen=True, slots=True)
class BeadAmounts:
    """Vials, volume of beads (mL) and drug per mL of them; None where neither source nor user says it."""

    vials: int | None
    beads_ml: float | None
    mg_per_ml_beads: float | None


@dataclass(frozen=True, slots=True)
class BeadWish:
    """What was asked for: dose (mg); vials, beads (mL) and the size of a vial (mL) where they are fixed."""

    dose_mg: Number
    vials: int | None = None
    beads_ml: Number | None = None
    vial_ml: Number | None = None


def _vial_ml(recipe: LoadRecipe, wish: BeadWish, ledger: Ledger) -> Fraction | None:
    """Beads in one vial; None where no source says it, or where the vials differ and none was chosen."""
    entry = ledger.use(recipe.product.facts, "vial.beads")
    if wish.vial_ml is not None:
        vial = positive(wish.vial_ml, "vial_ml")
        if entry is not None and vial not in [exact(volume, "vial") for volume in quantities(entry, "mL")]:
            raise ModelRangeError(
                f"vial_ml is {float(vial):g}; a vial of {recipe.product.name} holds {shown(entry)} beads "
                f"({footnote(entry)}); leave vial_ml out, or give beads_ml"
            )
        return vial
    if entry is None:
        return None
    volumes = quantities(entry, "mL")
    if len(volumes) > 1:
        if wish.beads_ml is None or wish.vials is None:
            listed = " or ".join(f"{volume:g}" for volume in volumes)
            raise ModelRangeError(
                f"{recipe.product.name}: a vial holds {listed} mL beads; say which (vial_ml, --vial)"
            )
        return None
    return exact(volumes[0], "vial")


def _planning_load(recipe: LoadRecipe, *, vial_known: bool, ledger: Ledger) -> Fraction | None:
    """The load (mg/mL) by which beads are counted where the user fixed neither vials nor beads."""
    names = (
        ("load", "load_usual", "trial_load", "tested_load")
        if vial_known
        else ("load", "load_usual", "trial_load")
    )
    if "load" in recipe.facts.unverified:
        return None
    entry = ledger.use(recipe.facts, *names)
    return None if entry is None else exact(max(quantities(entry, "mg/mL")), "load")


def bead_amounts(recipe: LoadRecipe, wish: BeadWish, ledger: Ledger) -> BeadAmounts:
    """Vials and beads for a dose, checked against every limit.

    Raises `ModelRangeError` above a limit, `CatalogError` where the number of vials would rest on a load that
    has no verified value.
    """
    dose = positive(wish.dose_mg, "dose_mg")
    vials, beads = _vials_and_beads(recipe, wish, dose, ledger)
    check_session(recipe, dose, vials, wish.vial_ml, ledger)
    if vials is not None:
        check_vial(recipe, dose, vials, ledger)
    load = None if beads is None else dose / beads
    own_load(recipe, dose, load, ledger)
    if load is not None:
        check_load(recipe, load, ledger)
    if beads is None:
        ledger.open_item(
            "beads",
            f"{recipe.product.name}: no verified volume of beads; enter yours (beads_ml), so "
            "that the load is known",
        )
    check_caps(recipe, dose, beads, ledger)
    return BeadAmounts(
        vials=vials,
        beads_ml=None if beads is None else float(beads),
        mg_per_ml_beads=None if load is None else float(load),
    )


def _entered_vials(vials: int | None) -> int | None:
    if vials is None:
        return None
    number = exact(vials, "vials")
    if number.denominator != 1 or number < 1:
        raise ModelRangeError(f"vials is {vials!r}; expected a whole number of at least 1")
    return int(number)


def _vials_and_beads(
    recipe: LoadRecipe, wish: BeadWish, dose: Fraction, ledger: Ledger
) -> tuple[int | None, Fraction | None]:
    vial = _vial_ml(recipe, wish, ledger)
    vials = _entered_vials(wish.vials)
    if wish.beads_ml is not None:
        beads = positive(wish.beads_ml, "beads_ml")
        if vial is None:
            return vials, beads
        needed = math.ceil(beads / vial)
        if vials is not None and vials < needed:
            raise ModelRangeError(
                f"{float(beads):g} mL of beads do not come out of {vials} vials of {float(vial):g} mL; "
                f"take {needed} vials"
            )
        return vials or needed, beads
    if vials is not None:
        return vials, None if vial is None else vials * vial
    doses = recipe.facts.find("vial_doses")
    if doses is not None:
        return math.ceil(dose / exact(max(quantities(doses, "mg")), "vial_doses")), None
    load = _planning_load(recipe, vial_known=vial is not None, ledger=ledger)
    if load is None:
        return _without_load(recipe, vial)
    if vial is None:
        return None, dose / load
    count = math.ceil(dose / (load * vial))
    return count, count * vial


def _without_load(recipe: LoadRecipe, vial: Fraction | None) -> tuple[None, None]:
    if vial is None and "load" not in recipe.facts.unverified:
        return None, None
    raise CatalogError(
        f"{recipe.label}: the load in mg per mL beads has no verified value; enter the vials or "
        "the volume of beads "
        "for your dose (vials or beads_ml), or give the load in a site catalogue"
    )


def most_in_session_mg(recipe: LoadRecipe) -> float | None:
    """The dose that one session may hold without an error or a trial's cap; None where nothing limits it."""
    limits = [exact(max(quantities(entry, "mg")), "cap") for entry in caps(recipe)]
    session = recipe.facts.find("session_dose")
    if session is not None:
        limits.append(exact(quantity(session, "mg"), "session_dose"))
    vials, vial = recipe.product.facts.find("session.vials"), recipe.product.facts.find("vial.beads")
    load = recipe.facts.find("load", "load_usual", "tested_load")
    if vials is not None and vial is not None and load is not None and "load" not in recipe.facts.unverified:
        beads = exact(vials.number, "vials") * exact(min(quantities(vial, "mL")), "vial")
        limits.append(beads * exact(max(quantities(load, "mg/mL")), "load"))
    return float(min(limits)) if limits else None
