"""The draft of the written directive, filled from the plan, and after treatment from what was delivered.

The items are those of the licensing guidance for microspheres, followed by the list of permanent implants
before and after treatment; that both hold is to be confirmed, and the draft says so. Signature, date of
signature and the statement on stasis are left to a person.
"""

from __future__ import annotations

from emboplan import catalog
from emboplan.catalog.status import footnote
from emboplan.dosimetry.arguments import not_negative, positive
from emboplan.dosimetry.treatment.spheres import product
from emboplan.model.directive import DirectiveItem, PlannedTreatment, Stage, WrittenDirective
from emboplan.model.products import Microsphere
from emboplan.model.results.administration import Administration

NOTE = (
    "Draft. It is no written directive until an authorised person has checked every item, filled the blanks "
    "and signed it. The list of items is to be confirmed against the guidance in force."
)

AFTER_ITEMS = ("treatment site", "number of sources", "total source strength", "date")


def _gbq(activity_gbq: float) -> str:
    return f"{activity_gbq:.4g} GBq"


def _activity(planned: PlannedTreatment) -> str | None:
    parts = []
    if planned.administered_gbq is not None:
        parts.append(f"{_gbq(float(positive(planned.administered_gbq, 'administered_gbq')))} administered")
    if planned.dose_gy is not None:
        parts.append(f"{float(positive(planned.dose_gy, 'dose_gy')):.3g} Gy to the {planned.dose_of}")
    return "; ".join(parts) or None


def _elsewhere(planned: PlannedTreatment) -> str | None:
    lungs = []
    if planned.lung_limit_gy is not None:
        lungs.append(f"{float(not_negative(planned.lung_limit_gy, 'lung_limit_gy')):.3g} Gy")
    if planned.lung_limit_gbq is not None:
        lungs.append(_gbq(float(not_negative(planned.lung_limit_gbq, "lung_limit_gbq"))))
    sites = [f"lungs: {' and '.join(lungs)}"] if lungs else []
    sites += [f"{site}: {allowed}" for site, allowed in planned.other_sites]
    return "; ".join(sites) or None


def _before(planned: PlannedTreatment, device: Microsphere) -> list[DirectiveItem]:
    activity = planned.administered_gbq
    filled: dict[str, str | None] = {
        "patient": planned.patient,
        "treatment site": planned.treatment_site,
        "radionuclide with physical form": f"{device.nuclide}, {device.material} microspheres",
        "device": device.name,
        "dose or activity": _activity(planned),
        "maximum dose or activity to the lungs and other sites": _elsewhere(planned),
        "total source strength": None if activity is None else _gbq(activity),
    }
    items = [DirectiveItem(name, Stage.BEFORE, value or None) for name, value in filled.items()]
    person = ("termination by stasis", "signature", "date")
    return items + [DirectiveItem(name, Stage.BEFORE, only_a_person=True) for name in person]


def _after(
    planned: PlannedTreatment, delivered: Administration | None, spheres: float | None
) -> list[DirectiveItem]:
    filled: dict[str, str | None] = dict.fromkeys(AFTER_ITEMS)
    if delivered is not None:
        given = _gbq(delivered.delivered_gbq)
        filled["treatment site"] = planned.treatment_site or None
        filled["total source strength"] = f"{given} ({delivered.delivered_frac:.1%} of the prescribed)"
        filled["date"] = delivered.record.injection_time.isoformat()
        if spheres is not None:
            count = float(positive(spheres, "spheres")) * (1 - delivered.residual_frac)
            filled["number of sources"] = f"{count:.3g} microspheres"
    items = [DirectiveItem(name, Stage.AFTER, value) for name, value in filled.items()]
    return [*items, DirectiveItem("signature", Stage.AFTER, only_a_person=True)]


def draft_directive(
    planned: PlannedTreatment,
    *,
    delivered: Administration | None = None,
    spheres_prepared: float | None = None,
    device: Microsphere | None = None,
    site: catalog.Catalog | None = None,
) -> WrittenDirective:
    """The draft of the written directive for a planned treatment; blank where the plan does not know.

    After treatment `delivered` and `spheres_prepared` (the spheres put up for the patient, the residual
    included) fill the items of the second part. `device` and `site` are a site's own product and catalogue.
    """
    device = product(planned.device) if device is None else device
    entries = catalog.load() if site is None else site
    names = ("microsphere_items", "implant_before", "implant_after")
    lists = [entries.sourced(f"administration.directive.{name}") for name in names]
    return WrittenDirective(
        items=(*_before(planned, device), *_after(planned, delivered, spheres_prepared)),
        note=NOTE,
        source="; ".join(footnote(entry) for entry in lists),
    )
