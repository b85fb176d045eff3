"""What a dose on beads is held against: session, vial, load and the caps of trials.

A limit of a label or of a formula is an error. A dose or load that is only what a trial or a test used is a
warning to acknowledge; so is one that no source has a figure for. Capacity in the laboratory is a ceiling.
"""

from __future__ import annotations

from fractions import Fraction

from emboplan.catalog.status import footnote
from emboplan.embolics.amounts import Number, exact, plain_number
from emboplan.embolics.ledger import Ledger, shown
from emboplan.errors import ModelRangeError
from emboplan.model.embolics import LoadRecipe, quantities, quantity
from emboplan.model.finding import Severity
from emboplan.model.products import Sourced


def check_session(
    recipe: LoadRecipe, dose: Fraction, vials: int | None, vial_ml: Number | None, ledger: Ledger
) -> None:
    """Dose and vials against what a session may hold; smaller vials count by their volume of beads."""
    most_mg = ledger.use(recipe.facts, "session_dose")
    most_vials = ledger.use(recipe.product.facts, "session.vials")
    most_beads = recipe.product.facts.find("session.beads")
    too_much = most_mg is not None and dose > exact(quantity(most_mg, "mg"), "session_dose")
    too_many = most_vials is not None and vials is not None and vials > most_vials.number
    if too_many and vials is not None and vial_ml is not None and most_beads is not None:
        ledger.note(most_beads)
        too_many = vials * exact(vial_ml, "vial_ml") > exact(quantity(most_beads, "mL"), "session.beads")
    if not (too_much or too_many):
        return
    limits = [f"{quantity(most_mg, 'mg'):g} mg"] if most_mg is not None else []
    held = f" of {quantity(most_beads, 'mL') / most_vials.number:g} mL" if most_beads and most_vials else ""
    own_size = held if vial_ml is not None else ""
    limits += [f"{most_vials.number:g} vials{own_size}"] if most_vials is not None else []
    found = f"{float(dose):g} mg" + (
        ""
        if vials is None
        else f" in {vials:g} {'vial' if vials == 1 else 'vials'}"
        + ("" if vial_ml is None else f" of {float(exact(vial_ml, 'vial_ml')):g} mL")
    )
    by = most_mg or most_vials
    raise ModelRangeError(
        f"{recipe.label}: {found} exceeds {' and '.join(limits)} per session "
        f"({'' if by is None else footnote(by)}); divide the dose over sessions"
    )


def check_vial(recipe: LoadRecipe, dose: Fraction, vials: int, ledger: Ledger) -> None:
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


def own_load(recipe: LoadRecipe, dose: Fraction, load: Fraction | None, ledger: Ledger) -> None:
    """A load, or a dose on an unknown volume of beads, that no source has a figure for."""
    facts = recipe.facts
    by_vial = facts.find("vial_dose", "vial_doses") is not None
    unverified = "load" in facts.unverified and load is not None
    none_known = facts.find("load", "load_usual", "trial_load", "tested_load") is None and not by_vial
    studied = load is None and bool(facts.under("bands"))
    if not unverified and (not none_known or studied):
        return
    own = (
        f"{plain_number(float(dose))} mg on beads of unknown volume"
        if load is None
        else f"{plain_number(float(load))} mg per mL beads"
    )
    ledger.acknowledge("own-load", f"{recipe.label}: no load with a source; {own} is your own", "as entered")


def check_load(recipe: LoadRecipe, load: Fraction, ledger: Ledger) -> None:
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
        f"{recipe.label}: {plain_number(float(found))} {unit} is above {shown(entry)}, {what}",
        footnote(entry),
    )


def check_caps(recipe: LoadRecipe, dose: Fraction, beads: Fraction | None, ledger: Ledger) -> None:
    """Caps that trials used; each is a warning to acknowledge."""
    for entry in caps(recipe):
        ledger.note(entry)
        cap = exact(max(quantities(entry, "mg")), "cap")
        if dose > cap:
            ledger.acknowledge(
                "above-trial-cap",
                f"{recipe.label}: {plain_number(float(dose))} mg is above {float(cap):g} mg per "
                "embolization, the cap of a trial",
                footnote(entry),
            )
    early = recipe.facts.find("session_dose_early")
    if early is not None and dose > exact(quantity(early, "mg"), "session_dose_early"):
        ledger.note(early)
        ledger.say(
            "above-early-disease",
            Severity.INFO,
            f"{recipe.label}: {plain_number(float(dose))} mg is above {shown(early)} ({early.place})",
            footnote(early),
        )
    used = recipe.facts.find("session_dose_used")
    if used is not None and dose > exact(max(quantities(used, "mg")), "session_dose_used"):
        ledger.note(used)
        ledger.acknowledge(
            "above-published-session",
            f"{recipe.label}: {plain_number(float(dose))} mg is above the published {shown(used)} per "
            "session",
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
            f"{recipe.label}: {plain_number(float(dose / beads))} mg per mL beads is below the usual "
            f"{shown(usual)}",
            footnote(usual),
        )


def caps(recipe: LoadRecipe) -> tuple[Sourced, ...]:
    """The caps on a session's dose that trials used with this drug on beads."""
    found = (recipe.facts.find("trial_cap"), recipe.drug.facts.find("bead_cap"))
    return tuple(entry for entry in found if entry is not None)
