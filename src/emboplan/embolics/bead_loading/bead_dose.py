"""The dose of a drug on beads in the patient: by mass or by body surface, and what the label says of it.

The systemic label of doxorubicin reduces its dose by bilirubin, and says at which bilirubin and in which
Child-Pugh class it is not given at all. The second holds for beads too, as an error. The reduction is applied
when it is asked for; else it is a warning to acknowledge, because no source carries it over to beads (a
decision of this project).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from emboplan import catalog as catalogue
from emboplan.catalog.tace_tables import tace_numbers
from emboplan.embolics.amounts import Number, exact, plain_number, positive
from emboplan.embolics.body_surface import plausible_surface
from emboplan.embolics.drug_names import known_drug
from emboplan.embolics.emulsions.reduction import (
    ReductionRule,
    bilirubin_reduction,
    has_reduction,
    refuse_by_label,
    without_rule,
)
from emboplan.embolics.sound import require_sound
from emboplan.errors import ModelRangeError
from emboplan.model.finding import Finding, Severity
from emboplan.model.results.emulsion import BilirubinReduction, DoseBasis, DrugDose

NOT_REDUCED = "systemic-reduction"


def bead_dose(
    *,
    drug: str,
    dose_mg: Number | None = None,
    dose_mg_per_m2: Number | None = None,
    body_surface_m2: Number | None = None,
    bilirubin_mg_per_dl: Number | None = None,
    child_pugh_class: str | None = None,
    rule: ReductionRule | str | None = None,
    catalog: catalogue.Catalog | None = None,
) -> DrugDose:
    """The dose in mg of one session on beads; a `rule` is whose reduction is applied, None for none.

    Raises:
        ModelRangeError: no dose or two of them, mg/m2 without body surface, a number that is not above 0, or
            doxorubicin at a bilirubin or Child-Pugh class at which its label says not to give it.

    >>> bead_dose(drug="doxorubicin", dose_mg=75, bilirubin_mg_per_dl=2, rule="us-label").dose_mg
    37.5
    """
    book = catalog or catalogue.load()
    numbers = tace_numbers(book)
    require_sound(book)
    name = known_drug(drug, book, numbers)
    surface = plausible_surface(body_surface_m2, numbers)
    requested, basis = _requested(name, dose_mg, dose_mg_per_m2, surface)
    reduction: BilirubinReduction | None = None
    if has_reduction(name):
        refuse_by_label(numbers, bilirubin_mg_per_dl, child_pugh_class)
        if bilirubin_mg_per_dl is not None:
            reduction = bilirubin_reduction(
                drug=name,
                bilirubin_mg_per_dl=bilirubin_mg_per_dl,
                rule=rule or ReductionRule.US_LABEL,
                catalog=book,
            )
    applied = reduction if rule is not None else None
    remaining = requested if applied is None else requested * exact(applied.remaining_frac, "remaining")
    return DrugDose(
        drug=name,
        requested_mg=float(requested),
        dose_mg=float(remaining),
        basis=basis,
        dose_mg_per_m2=None if surface is None else float(remaining / surface),
        body_surface_m2=None if surface is None else float(surface),
        reduction=applied,
        findings=(
            *_findings(name, requested, reduction, applied=applied is not None),
            *without_rule(numbers, name, bilirubin_mg_per_dl, child_pugh_class),
        ),
        sources=(
            f"dose of {name}: as entered",
            *(() if applied is None else (f"reduction by bilirubin: {applied.source}",)),
        ),
    )


def _requested(
    drug: str, dose_mg: Number | None, dose_mg_per_m2: Number | None, surface: Fraction | None
) -> tuple[Fraction, DoseBasis]:
    if (dose_mg is None) == (dose_mg_per_m2 is None):
        found = "neither dose_mg nor" if dose_mg is None else "both dose_mg and"
        raise ModelRangeError(f"found {found} dose_mg_per_m2 of {drug}; expected one of them")
    if dose_mg is not None:
        return positive(dose_mg, "dose_mg"), DoseBasis.FIXED
    if surface is None:
        raise ModelRangeError(
            f"the dose of {drug} is in mg/m2 without a body surface; give height and weight, or a dose in mg"
        )
    return positive(dose_mg_per_m2 or 0, "dose_mg_per_m2") * surface, DoseBasis.BODY_SURFACE


def _findings(
    drug: str, requested: Fraction, reduction: BilirubinReduction | None, *, applied: bool
) -> Iterator[Finding]:
    if not has_reduction(drug):
        return
    if reduction is None:
        yield Finding(
            "bilirubin-open",
            Severity.WARNING,
            f"Bilirubin is not given: whether {drug} is to be reduced, or not given at all, is an open item.",
        )
        return
    if reduction.remaining_frac == 1:
        return
    at = f"at bilirubin {reduction.bilirubin_mg_per_dl:g} mg/dL"
    if applied:
        yield Finding(
            "dose-reduced", Severity.INFO, f"The dose of {drug} is {reduction.label} {at}.", reduction.source
        )
        return
    left = requested * exact(reduction.remaining_frac, "remaining")
    yield Finding(
        NOT_REDUCED,
        Severity.WARNING,
        f"{plain_number(float(requested))} mg of {drug} are planned {at}; the systemic label leaves "
        f"{plain_number(float(left))} mg of it, and no source says whether that holds on beads; "
        "acknowledge to go on.",
        reduction.source,
    )
