"""True doses of a digital patient: what the treatment gives to each compartment if it lodges as the MAA did.

Every compartment is even in activity and density, so that its mean dose is K times its activity over its
mass, all energy deposited where it decays. Lesions have the dose of the tumour.
"""

from __future__ import annotations

from typing import Any

from emboplan.model.products import Nuclide
from emboplan.synthetic.patient import DigitalPatient
from emboplan.synthetic.scans.pet import treated_frac
from emboplan.units import GRAMS_PER_KILOGRAM


def true_doses(patient: DigitalPatient, nuclide: Nuclide) -> dict[str, Any]:
    """Mean doses (Gy) for each GBq administered, and those of the delivered activity where there is one."""
    truth, pet = patient.truth, patient.definition.pet
    volumes, density = truth.volumes_ml, truth.liver_density_g_per_ml
    mass_g = {
        "tumour": volumes["tumour"] * density,
        "normal_liver": volumes["normal_liver"] * density,
        "liver": volumes["liver"] * density,
        "lungs": truth.lung_mass_g,
    }
    share = treated_frac(patient.field)
    share["liver"] = share["tumour"] + share["normal_liver"]
    gy = {
        name: nuclide.k_gy_kg_per_gbq * share[name] / (grams / GRAMS_PER_KILOGRAM)
        for name, grams in mass_g.items()
        if grams > 0
    }
    out: dict[str, Any] = {
        "nuclide": nuclide.name,
        "k_gy_kg_per_gbq": nuclide.k_gy_kg_per_gbq,
        "mass_g": mass_g,
        "activity_frac": {name: part for name, part in share.items() if name != "liver"},
        "gy_per_gbq": gy,
    }
    if pet.delivered_gbq > 0:
        out["delivered_gbq"] = pet.delivered_gbq
        out["delivered_gy"] = {name: value * pet.delivered_gbq for name, value in gy.items()}
    return out
