"""Drugs for the hepatic artery without an emulsion: by body surface, or in an oil vehicle.

Doses are those of the Japanese labels for the hepatic artery. The team may enter a smaller one.
"""

from __future__ import annotations

from emboplan import catalog as catalogue
from emboplan.catalog.status import footnote
from emboplan.catalog.tace_tables import tace_numbers
from emboplan.embolics.amounts import Number, drug_name, exact, positive
from emboplan.embolics.body_surface import plausible_surface
from emboplan.embolics.emulsions.oil_limit import oil_findings, oil_limit
from emboplan.embolics.sound import require_sound
from emboplan.errors import ModelRangeError
from emboplan.model.results.emulsion import ArterialDose, OilSuspension


def arterial_dose(
    *,
    drug: str,
    body_surface_m2: Number,
    dose_mg_per_m2: Number | None = None,
    catalog: catalogue.Catalog | None = None,
) -> ArterialDose:
    """Dose, volume, time of infusion and weeks of rest of a drug in the hepatic artery.

    Cisplatin: 65 mg/m2, 100 mg in 70 mL, 20 to 40 minutes, rest of 4 to 6 weeks. Epirubicin: 60 mg/m2 in
    about 20 mL, every 3 to 4 weeks. `dose_mg_per_m2` is the label's unless it is given.

    Raises:
        ModelRangeError: a drug without such a label, a dose above it, a number that is not above 0.
    """
    book = catalog or catalogue.load()
    require_sound(book)
    numbers = tace_numbers(book)
    name = drug_name(drug)
    label = numbers.entries.get(f"dose.{name}.intra_arterial_mg_per_m2")
    if label is None:
        raise ModelRangeError(
            f"no label dose of {name} for the hepatic artery is published here; expected cisplatin or "
            "epirubicin"
        )
    per_m2 = (
        exact(label.number, "label") if dose_mg_per_m2 is None else positive(dose_mg_per_m2, "dose_mg_per_m2")
    )
    if per_m2 > exact(label.number, "label"):
        raise ModelRangeError(
            f"{float(per_m2):g} mg/m2 of {name} is above the {label.number:g} mg/m2 of its label "
            f"({label.source_text}); take no more than the label"
        )
    mass = per_m2 * (plausible_surface(body_surface_m2, numbers) or 0)
    strength = numbers.entries.get(f"dose.{name}.intra_arterial_mg_per_ml")
    if strength is not None:
        mg, ml = (exact(number, "strength") for number in strength.numbers)
        volume = mass * ml / mg
    else:
        strength = numbers.sourced(f"dose.{name}.intra_arterial_ml")
        volume = exact(strength.number, "volume")
    timed = f"dose.{name}.infusion_min"
    return ArterialDose(
        drug=name,
        dose_mg=float(mass),
        dose_mg_per_m2=float(per_m2),
        volume_ml=float(volume),
        infusion_min=numbers.pair(timed) if timed in numbers.entries else None,
        rest_weeks=numbers.pair(f"dose.{name}.interval_weeks"),
        sources=(f"dose: {footnote(label)}", f"volume: {footnote(strength)}"),
    )


def oil_suspension(
    *,
    drug: str,
    dose_mg: Number,
    age_years: Number | None = None,
    catalog: catalogue.Catalog | None = None,
) -> OilSuspension:
    """Volume of the oil vehicle for a drug that is suspended in it: miriplatin, 70 mg in 3.5 mL.

    Raises:
        ModelRangeError: another drug, a dose that is not above 0, a volume above the label of iodised oil.
    """
    book = catalog or catalogue.load()
    require_sound(book)
    numbers = tace_numbers(book)
    name = drug_name(drug)
    vehicle = numbers.entries.get(f"dose.{name}.vehicle")
    if vehicle is None:
        raise ModelRangeError(f"{name} has no oil vehicle of its own; expected miriplatin, or use emulsion")
    mass = positive(dose_mg, "dose_mg")
    mg, ml = (exact(number, "vehicle") for number in vehicle.numbers)
    hours = numbers.sourced(f"dose.{name}.use_within_h")
    return OilSuspension(
        drug=name,
        dose_mg=float(mass),
        oil_ml=float(mass * ml / mg),
        mg_per_ml=float(mg / ml),
        use_within_h=hours.number,
        oil_limit_ml=oil_limit(numbers, age_years).number,
        findings=tuple(oil_findings(numbers, mass * ml / mg, age_years, None)),
        sources=(f"vehicle: {footnote(vehicle)}", f"use within: {footnote(hours)}"),
    )
