"""The rows of a sheet of conventional TACE: drug, aqueous phase, oil, and what they make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from emboplan.model.products import Sourced
from emboplan.model.results.embolization import EmbolizationPlan, EmbolizationSession
from emboplan.model.results.emulsion import DoseBasis, DrugDose, Emulsion, OilSuspension, ParticlesAfter
from emboplan.model.results.particles import ShuntRisk
from emboplan.report.sheets.figures import (
    ENTERED_SOURCE,
    about,
    blank,
    entered,
    figure,
    inner_diameter,
    plain_amount,
    sourced,
)
from emboplan.report.sheets.values import Amount, How, Item
from emboplan.report.wording import SPACE
from emboplan.units import PERCENT

# What an emulsion calls its aqueous phase where nobody names the fluid.
UNNAMED_PHASE = "drug solution"


def bilirubin_amount(bilirubin_mg_per_dl: float | None) -> Amount:
    """The patient's bilirubin, by which a dose is reduced or not given; a blank where it is not known."""
    what = "Total bilirubin of the patient"
    if bilirubin_mg_per_dl is None:
        return blank(what, "mg/dL")
    return entered(what, plain_amount(bilirubin_mg_per_dl, "mg/dL"))


def dose_amounts(
    dose: DrugDose, figures: tuple[Sourced, ...], bilirubin_mg_per_dl: float | None
) -> Iterator[Amount]:
    """The bilirubin, the dose as asked for and, where a rule reduced it, as it remains."""
    yield bilirubin_amount(bilirubin_mg_per_dl)
    by = "" if dose.basis is DoseBasis.FIXED else " by body surface"
    yield entered(f"Dose of {dose.drug} asked for{by}", plain_amount(dose.requested_mg, "mg"))
    if dose.reduction is not None:
        found = dose.reduction
        bilirubin = f"{found.bilirubin_mg_per_dl:g} mg/dL"
        edges = tuple(entry for entry in figures if "edges" in entry.name or "remaining" in entry.name)
        yield sourced(
            f"Dose of {dose.drug} to give",
            plain_amount(dose.dose_mg, "mg"),
            edges,
            computed=f"{found.label} at bilirubin {bilirubin}",
        )


def emulsion_items(found: Emulsion, session: EmbolizationSession) -> Iterator[Item]:
    """What is taken from the shelf."""
    yield Item(found.drug, f"{plain_amount(found.drug_mg, 'mg')}: ____ vials of ____ mg")
    fluid = found.aqueous_phase if _phase_is_named(found, session) else "diluent ________"
    yield Item(fluid, plain_amount(found.aqueous_ml, "mL"))
    yield Item("iodised oil", plain_amount(found.oil_ml, "mL"))
    if session.particles is None and found.particles_after is not None:
        yield Item(f"{_after(found.particles_after)}; product ________", None)
    yield from particle_items(session)


def _phase_is_named(found: Emulsion, session: EmbolizationSession) -> bool:
    return found.aqueous_phase != UNNAMED_PHASE or "diluent" in session.entered


def _after(particles: ParticlesAfter) -> str:
    if particles.size_um is None:
        return particles.product
    low, high = particles.size_um
    return f"{particles.product}, {low:g} to {high:g}{SPACE}µm"


def suspension_items(found: OilSuspension, session: EmbolizationSession) -> Iterator[Item]:
    """What is taken from the shelf for a drug with an oil vehicle of its own."""
    yield Item(found.drug, plain_amount(found.dose_mg, "mg"))
    yield Item("oil vehicle of the drug", plain_amount(found.oil_ml, "mL"))
    yield from particle_items(session)


def particle_items(session: EmbolizationSession) -> Iterator[Item]:
    """The particles, how many are expected, and the contrast that they are mixed with."""
    if session.particles is None:
        return
    choice = session.particles
    expected = choice.expected_volume
    amount = None
    if expected.spheres_ml is not None:
        low, high = expected.spheres_ml
        span = plain_amount(low, "mL") if low == high else f"{low:g} to {plain_amount(high, 'mL')}"
        amount = f"{span} of spheres, an estimate"
    elif expected.vials is not None:
        amount = f"{expected.vials[0]:g} vials, an estimate"
    yield Item(f"{choice.product} {choice.chosen.text}", amount)


def emulsion_amounts(
    found: Emulsion, session: EmbolizationSession, plan: EmbolizationPlan
) -> Iterator[Amount]:
    """Every amount of the emulsion."""
    figures = session.figures
    yield from dose_amounts(found.dose, figures, plan.bilirubin_mg_per_dl)
    if not _phase_is_named(found, session):
        yield blank("Diluent of the drug")
    yield _aqueous(found, session)
    yield _oil(found, session)
    yield sourced("Oil : aqueous", f"{found.oil_to_aqueous:.3g} : 1", (), computed="from the two volumes")
    droplets = about(figures, "emulsion.water_in_oil_from", "emulsion.oil_in_water_up_to")
    yield sourced("Droplets expected", found.droplet_basis, droplets)
    yield sourced(
        "Emulsion in all",
        f"{plain_amount(found.emulsion_ml, 'mL')} of {plain_amount(found.emulsion_mg_per_ml, 'mg/mL')}",
        (),
        computed="oil plus aqueous phase; dose over it",
    )
    for part in found.territories if len(found.territories) > 1 else ():
        yield sourced(
            f"Into {part.territory}",
            f"{plain_amount(part.emulsion_ml, 'mL')}, {plain_amount(part.drug_mg, 'mg')}",
            (),
            computed=f"{part.share_frac * PERCENT:.3g}{SPACE}% of the session, by tumour or as entered",
        )
    for entry in about(figures, "emulsion.injection"):
        yield sourced("Injection rate", figure(entry), (entry,))
    if session.particles is None and found.particles_after is not None:
        after = found.particles_after
        arm = _arm(found)
        yield Amount(
            "Particles after it", _after(after), arm or ENTERED_SOURCE, How.CONFIRMED if arm else How.ENTERED
        )
    yield from particle_amounts(session, plan)


def emulsion_steps(found: Emulsion) -> tuple[str, str]:
    """The two steps of mixing, with the amounts as the rows have them."""
    phase = f"{plain_amount(found.aqueous_ml, 'mL')} {found.aqueous_phase}"
    strength = plain_amount(found.aqueous_mg_per_ml, "mg/mL")
    mixed = plain_amount(found.emulsion_mg_per_ml, "mg/mL")
    oil = f"{plain_amount(found.oil_ml, 'mL')} iodised oil (oil : aqueous {found.oil_to_aqueous:.3g} : 1)"
    return (
        f"{plain_amount(found.drug_mg, 'mg')} {found.drug} in {phase}: {strength}.",
        f"Emulsify with {oil}: {plain_amount(found.emulsion_ml, 'mL')} in all, {mixed}.",
    )


def _arm(found: Emulsion) -> str:
    """The trial's arm with its source; empty without one."""
    lead = "arm: "
    return next((line.removeprefix(lead) for line in found.sources if line.startswith(lead)), "")


def _aqueous(found: Emulsion, session: EmbolizationSession) -> Amount:
    """The aqueous phase and where its volume comes from."""
    strength = plain_amount(found.aqueous_mg_per_ml, "mg/mL")
    value = f"{plain_amount(found.aqueous_ml, 'mL')} {found.aqueous_phase}, {strength}"
    said = session.entered
    if "aqueous_ml" in said:
        return entered("Aqueous phase", value)
    if "solution_mg_per_ml" in said:
        return sourced("Aqueous phase", value, (), computed="dose over the strength entered")
    if "oil_ml" in said and "oil_to_aqueous" in said:
        return sourced("Aqueous phase", value, (), computed="oil over the ratio entered")
    return Amount("Aqueous phase", value, _arm(found), How.CONFIRMED)


def _oil(found: Emulsion, session: EmbolizationSession) -> Amount:
    """The oil, where its volume comes from, and the label that it was held against."""
    limit = about(session.figures, "oil.label_limit", "oil.label_limit_elderly")
    held = f"held against {plain_amount(found.oil_limit_ml, 'mL')}"
    is_entered = "oil_ml" in session.entered
    how_much = ENTERED_SOURCE if is_entered else "aqueous phase times the ratio entered"
    row = sourced("Iodised oil", plain_amount(found.oil_ml, "mL"), limit, computed=f"{how_much}; {held}")
    return replace(row, how=How.ENTERED) if is_entered and row.how is How.COMPUTED else row


def suspension_amounts(
    found: OilSuspension, session: EmbolizationSession, plan: EmbolizationPlan
) -> Iterator[Amount]:
    """Every amount of a suspension in oil."""
    figures = session.figures
    if session.dose is not None:
        yield from dose_amounts(session.dose, figures, plan.bilirubin_mg_per_dl)
    vehicle = about(figures, "vehicle")
    yield sourced(
        "Oil vehicle", plain_amount(found.oil_ml, "mL"), vehicle, computed="in proportion to the dose"
    )
    yield sourced("Strength", plain_amount(found.mg_per_ml, "mg/mL"), vehicle, computed="dose over vehicle")
    yield sourced("Use within", f"{found.use_within_h:g} h of mixing", about(figures, "use_within_h"))
    oil = about(figures, "oil.label_limit", "oil.label_limit_elderly")
    yield sourced("Limit of iodised oil", plain_amount(found.oil_limit_ml, "mL"), oil)
    yield from particle_amounts(session, plan)


def particle_amounts(session: EmbolizationSession, plan: EmbolizationPlan) -> Iterator[Amount]:
    """Size, catheter, end point and expected volume of particles."""
    choice = session.particles
    if choice is None:
        return
    figures = session.figures
    low, high = choice.target_um
    sizes = about(figures, "sizes")
    grade = f"{choice.chosen.text} first; {choice.reason}"
    if sizes:
        yield sourced("Particles", grade, sizes)
    else:
        yield entered("Particles", grade)
    vial = about(figures, "vial.dry", "vial.beads")
    for entry in vial:
        yield sourced("In a vial", figure(entry), (entry,))
    others = [found.text for found in choice.fitting if found != choice.chosen]
    if others:
        text = f"also within {low:g} to {high:g} µm"
        yield sourced("Other grades that fit", ", ".join(others), (), computed=text)
    catheters = about(figures, "catheter")
    least = None
    if choice.chosen.min_catheter_in is not None and catheters:
        least = f'{choice.chosen.min_catheter_in:g}" or more'
        yield sourced("Catheter that the label asks for", least, catheters)
    if plan.catheter_inner_um is None:
        yield blank("Catheter, inner diameter", "in")
    else:
        asked = f"as the label asks, {least}" if least else f"largest {choice.chosen.max_um:g}{SPACE}µm"
        verdict = f"wide enough for {choice.chosen.text} ({asked})"
        inner = inner_diameter(plan.catheter_inner_um)
        yield entered("Catheter, inner diameter", f"{inner}: {verdict}")
    ends = about(figures, "end_point")
    end = choice.end_point
    seconds = "" if end.seconds is None else f" ({end.seconds[0]:.3g} to {end.seconds[1]:.3g} s at the pulse)"
    yield sourced("End point", f"{end.definition}{seconds}", ends)
    if choice.shunt is ShuntRisk.UNKNOWN:
        yield blank("Arterioportal or hepatic venous shunt")
    else:
        yield entered("Arterioportal or hepatic venous shunt", choice.shunt.value)
    yield sourced("Expected volume", _expected(session), (), computed=choice.expected_volume.basis)


def _expected(session: EmbolizationSession) -> str:
    expected = session.particles.expected_volume if session.particles is not None else None
    if expected is None or (expected.spheres_ml is None and expected.vials is None):
        return "the end point decides"
    if expected.spheres_ml is None:
        return f"{expected.vials[0]:g} vials" if expected.vials else ""
    low, high = expected.spheres_ml
    return plain_amount(low, "mL") if low == high else f"{low:g} to {plain_amount(high, 'mL')}"
