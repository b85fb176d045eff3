"""What one GBq administered to each territory does: the linear response that prescriptions are made of.

Doses are linear in the activity, so that the doses of a plan are the activities times these responses, summed
over territories where structures are shared (whole normal liver, lungs).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from emboplan.dosimetry.models.compartment import lung_dose, multi_compartment
from emboplan.model.compartments import PatientCompartments, TreatedCompartments
from emboplan.model.results.activity import Doses
from emboplan.units import GRAMS_PER_KILOGRAM


def responses(patient: PatientCompartments) -> Mapping[str, Doses]:
    """The doses of 1 GBq administered to each territory alone, by the territory's name."""
    return MappingProxyType({treated.territory: response(treated, patient) for treated in patient.treated})


def response(treated: TreatedCompartments, patient: PatientCompartments) -> Doses:
    """The doses of 1 GBq administered to one territory."""
    lung = float(
        lung_dose(
            administered_gbq=1.0,
            lung_shunt_frac=treated.lung_shunt_frac,
            lung_mass_g=patient.lung_mass_g,
            k_gy_kg_per_gbq=treated.k_gy_kg_per_gbq,
        )
    )
    labels = sorted(treated.lesion_masses_g)
    if treated.normal_mass_g == 0:
        return replace(_tumour_only(treated, labels), lung=lung)
    per_kg = treated.k_gy_kg_per_gbq * (1.0 - treated.lung_shunt_frac) * GRAMS_PER_KILOGRAM
    if not labels:
        normal = per_kg / treated.normal_mass_g
        whole = per_kg / patient.whole_normal_mass_g
        return Doses(perfused_normal=normal, whole_normal=whole, perfused=normal, lung=lung)
    found = multi_compartment(
        lesion_masses_g=[treated.lesion_masses_g[label] for label in labels],
        tumour_to_normal=[treated.tumour_to_normal[label] for label in labels],
        normal_mass_g=treated.normal_mass_g,
        administered_gbq=1.0,
        lung_shunt_frac=treated.lung_shunt_frac,
        lung_mass_g=patient.lung_mass_g,
        whole_normal_mass_g=patient.whole_normal_mass_g,
        k_gy_kg_per_gbq=treated.k_gy_kg_per_gbq,
    )
    return Doses(
        tumour=float(found.tumour_gy),
        perfused_normal=float(found.normal_gy),
        whole_normal=None if found.whole_normal_gy is None else float(found.whole_normal_gy),
        perfused=float(found.mean_gy),
        lung=lung,
        lesions=_by_label(labels, [float(dose) for dose in found.lesions_gy]),
    )


def _tumour_only(treated: TreatedCompartments, labels: list[int]) -> Doses:
    """A territory without normal liver: the lesions share everything by mass and ratio."""
    weighted_g = sum(treated.lesion_masses_g[n] * treated.tumour_to_normal[n] for n in labels)
    per_ratio = treated.k_gy_kg_per_gbq * (1.0 - treated.lung_shunt_frac) * GRAMS_PER_KILOGRAM / weighted_g
    mean = per_ratio * weighted_g / treated.tumour_mass_g
    each = [per_ratio * treated.tumour_to_normal[label] for label in labels]
    return Doses(tumour=mean, whole_normal=0.0, perfused=mean, lesions=_by_label(labels, each))


def _by_label(labels: list[int], doses: list[float]) -> Mapping[str, float]:
    return MappingProxyType({str(label): dose for label, dose in zip(labels, doses, strict=True)})
