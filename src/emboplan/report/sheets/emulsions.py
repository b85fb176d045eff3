"""The rows of a sheet of conventional TACE: drug, aqueous phase, oil, and what they make."""

from __future__ import annotations

from collections.abc import Iterator

from emboplan.model.products import Sourced
from emboplan.model.results.embolization import EmbolizationSession
from emboplan.model.results.emulsion import DoseBasis, DrugDose, Emulsion, OilSuspension
from emboplan.model.results.particles import ShuntRisk
from emboplan.report.sheets.figures import about, blank, entered, inner_diameter, plain_amount, sourced
from emboplan.report.sheets.values import Amount, Item
from emboplan.report.wording import SPACE
from emboplan.units import PERCENT

SHOWN = (
    *("oil.label_limit", "oil.label_limit_elderly", "emulsion.water_in_oil_from"),
    *("emulsion.oil_in_water_up_to", "reduction", "vehicle", "use_within_h"),
)


def dose_amounts(dose: DrugDose, figures: tuple[Sourced, ...]) -> Iterator[Amount]:
    """The dose as asked for and, where a rule reduced it, as it remains."""
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
    yield Item(found.aqueous_phase, plain_amount(found.aqueous_ml, "mL"))
    yield Item("iodised oil", plain_amount(found.oil_ml, "mL"))
    yield from particle_items(session)


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
    found: Emulsion, session: EmbolizationSession, inner_um: float | None
) -> Iterator[Amount]:
    """Every amount of the emulsion."""
    figures = session.figures
    yield from dose_amounts(found.dose, figures)
    strength = plain_amount(found.aqueous_mg_per_ml, "mg/mL")
    yield sourced(
        "Aqueous phase",
        f"{plain_amount(found.aqueous_ml, 'mL')} {found.aqueous_phase}, {strength}",
        (),
        computed=_volumes_from(found),
    )
    oil = about(figures, "oil.label_limit", "oil.label_limit_elderly")
    limit = f"as entered or by the ratio; held against {plain_amount(found.oil_limit_ml, 'mL')}"
    yield sourced("Iodised oil", plain_amount(found.oil_ml, "mL"), oil, computed=limit)
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
    yield from particle_amounts(session, inner_um)


def _volumes_from(found: Emulsion) -> str:
    arm = next((line.removeprefix("arm: ") for line in found.sources if line.startswith("arm: ")), "")
    return f"as entered, or as the arm states it ({arm})" if arm else "as entered, or from strength and ratio"


def suspension_amounts(
    found: OilSuspension, session: EmbolizationSession, inner_um: float | None
) -> Iterator[Amount]:
    """Every amount of a suspension in oil."""
    figures = session.figures
    if session.dose is not None:
        yield from dose_amounts(session.dose, figures)
    vehicle = about(figures, "vehicle")
    yield sourced(
        "Oil vehicle", plain_amount(found.oil_ml, "mL"), vehicle, computed="in proportion to the dose"
    )
    yield sourced("Strength", plain_amount(found.mg_per_ml, "mg/mL"), vehicle, computed="dose over vehicle")
    yield sourced("Use within", f"{found.use_within_h:g} h of mixing", about(figures, "use_within_h"))
    oil = about(figures, "oil.label_limit", "oil.label_limit_elderly")
    yield sourced("Limit of iodised oil", plain_amount(found.oil_limit_ml, "mL"), oil)
    yield from particle_amounts(session, inner_um)


def particle_amounts(session: EmbolizationSession, inner_um: float | None) -> Iterator[Amount]:
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
    others = [found.text for found in choice.fitting if found != choice.chosen]
    if others:
        text = f"also within {low:g} to {high:g} µm"
        yield sourced("Other grades that fit", ", ".join(others), (), computed=text)
    catheters = about(figures, "catheter")
    if choice.chosen.min_catheter_in is not None and catheters:
        inner = f'{choice.chosen.min_catheter_in:g}" or more'
        yield sourced("Catheter that the label asks for", inner, catheters)
    if inner_um is None:
        yield blank("Catheter, inner diameter", "in")
    else:
        yield entered("Catheter, inner diameter", inner_diameter(inner_um))
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
