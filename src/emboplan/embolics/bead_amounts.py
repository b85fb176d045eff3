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
from emboplan.embolics.ledger import Ledger, shown
from emboplan.errors import CatalogError, ModelRangeError
from emboplan.model.embolics import LoadRecipe, quantities, quantity
from emboplan.model.finding import Severity
from emboplan.model.products import Sourced


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
    if wish.vial_ml is not None:
        return positive(wish.vial_ml, "vial_ml")
    entry = ledger.use(recipe.product.facts, "vial.beads")
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
    _check_session(recipe, dose, vials, ledger)
    if vials is not None:
        _check_vial(recipe, dose, vials, ledger)
    load = None if beads is None else dose / beads
    if load is not None:
        _check_load(recipe, load, ledger)
    if beads is None:
        ledger.open_item(
            "beads",
            f"{recipe.product.name}: no verified volume of beads; enter yours (beads_ml), so "
            "that the load is known",
        )
    _check_caps(recipe, dose, beads, ledger)
    return BeadAmounts(
        vials=vials,
        beads_ml=None if beads is None else float(beads),
        mg_per_ml_beads=None if load is None else float(load),
    )


def _entered_vials(vials: int | None) -> int | None:
    if vials is None:
        return None
    if isinstance(vials, bool) or vials != int(vials) or vials < 1:
        raise ModelRangeError(f"vials is {vials!r}; expected a whole number of at least 1")
    return int(vials)


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


def _check_session(recipe: LoadRecipe, dose: Fraction, vials: int | None, ledger: Ledger) -> None:
    """Dose and vials against what a session may hold."""
    most_mg = ledger.use(recipe.facts, "session_dose")
    most_vials = ledger.use(recipe.product.facts, "session.vials")
    too_much = most_mg is not None and dose > exact(quantity(most_mg, "mg"), "session_dose")
    too_many = most_vials is not None and vials is not None and vials > most_vials.number
    if not (too_much or too_many):
        return
    limits = [f"{quantity(most_mg, 'mg'):g} mg"] if most_mg is not None else []
    limits += [f"{most_vials.number:g} vials"] if most_vials is not None else []
    found = f"{float(dose):g} mg" + (
        "" if vials is None else f" in {vials} {'vial' if vials == 1 else 'vials'}"
    )
    by = most_mg or most_vials
    raise ModelRangeError(
        f"{recipe.label}: {found} exceeds {' and '.join(limits)} per session "
        f"({'' if by is None else footnote(by)}); divide the dose over sessions"
    )


def _check_vial(recipe: LoadRecipe, dose: Fraction, vials: int, ledger: Ledger) -> None:
    """The dose in each vial of beads."""
    each = dose / vials
    limit = ledger.use(recipe.facts, "vial_dose")
    if limit is not None and each > exact(quantity(limit, "mg"), "vial_dose"):
        raise ModelRangeError(
            f"{recipe.label}: {float(each):g} mg in each vial of beads is over the capacity of "
            f"{quantity(limit, 'mg'):g} mg per vial ({footnote(limit)}); take more vials"
        )
    used = ledger.use(recipe.facts, "vial_doses")
    if used is not None and each > exact(max(quantities(used, "mg")), "vial_doses"):
        ledger.acknowledge(
            "vial-dose-above-published",
            f"{recipe.label}: {float(each):g} mg in each vial of beads is above the published {shown(used)}",
            footnote(used),
        )


def _check_load(recipe: LoadRecipe, load: Fraction, ledger: Ledger) -> None:
    """The load in mg per mL beads."""
    for name, what in (
        ("load", "the load"),
        ("capacity_in_vitro", "the capacity in vitro, which is no dose,"),
    ):
        limit = ledger.use(recipe.facts, name)
        if limit is not None and load > exact(quantity(limit, "mg/mL"), name):
            raise ModelRangeError(
                f"{recipe.label}: {float(load):g} mg per mL beads is over capacity: {what} of {shown(limit)} "
                f"({footnote(limit)}); take more beads or less drug"
            )
    if "load" in recipe.facts.unverified:
        ledger.acknowledge(
            "own-load",
            f"{recipe.label}: no load with a source; {float(load):g} mg per mL beads is your own",
            "as entered",
        )
    # Where a label, a protocol or a trial has a load, the one of a laboratory test decides nothing.
    if recipe.facts.find("load", "load_usual", "trial_load") is None:
        _over(recipe, load, "tested_load", "mg/mL", "the load of the published test", ledger)
    _over(recipe, load, "trial_load", "mg/mL", "the load of a trial", ledger)
    _over(recipe, load, "load_usual", "mg/mL", "the usual load", ledger)


def _over(recipe: LoadRecipe, found: Fraction, name: str, unit: str, what: str, ledger: Ledger) -> None:
    entry = recipe.facts.find(name)
    if entry is None or found <= exact(max(quantities(entry, unit)), name):
        return
    ledger.note(entry)
    ledger.acknowledge(
        f"above-{name.replace('_', '-')}",
        f"{recipe.label}: {float(found):g} {unit} is above {shown(entry)}, {what}",
        footnote(entry),
    )


def _check_caps(recipe: LoadRecipe, dose: Fraction, beads: Fraction | None, ledger: Ledger) -> None:
    """Caps that trials used; each is a warning to acknowledge."""
    for entry in caps(recipe):
        ledger.note(entry)
        cap = exact(max(quantities(entry, "mg")), "cap")
        if dose > cap:
            ledger.acknowledge(
                "above-trial-cap",
                f"{recipe.label}: {float(dose):g} mg is above {float(cap):g} mg per "
                "embolization, the cap of a trial",
                footnote(entry),
            )
    early = recipe.facts.find("session_dose_early")
    if early is not None and dose > exact(quantity(early, "mg"), "session_dose_early"):
        ledger.note(early)
        ledger.say(
            "above-early-disease",
            Severity.INFO,
            f"{recipe.label}: {float(dose):g} mg is above {shown(early)} ({early.place})",
            footnote(early),
        )
    used = recipe.facts.find("session_dose_used")
    if used is not None and dose > exact(max(quantities(used, "mg")), "session_dose_used"):
        ledger.note(used)
        ledger.acknowledge(
            "above-published-session",
            f"{recipe.label}: {float(dose):g} mg is above the published {shown(used)} per session",
            footnote(used),
        )
    if beads is not None:
        _over(recipe, beads, "trial_beads", "mL", "the beads of a trial", ledger)
    usual = recipe.facts.find("load_usual")
    if (
        beads is not None
        and usual is not None
        and dose / beads < exact(min(quantities(usual, "mg/mL")), "load")
    ):
        ledger.say(
            "below-usual-load",
            Severity.INFO,
            f"{recipe.label}: {float(dose / beads):g} mg per mL beads is below the usual {shown(usual)}",
            footnote(usual),
        )


def caps(recipe: LoadRecipe) -> tuple[Sourced, ...]:
    """The caps on a session's dose that trials used with this drug on beads."""
    found = (recipe.facts.find("trial_cap"), recipe.drug.facts.find("bead_cap"))
    return tuple(entry for entry in found if entry is not None)


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
