"""The dose of a drug in an emulsion: fixed or by body surface, reduced by bilirubin where a rule says so.

The dose is the user's. It is held against what has been published for TACE and against caps of trials, which
are warnings to acknowledge, and against the label, which is an error.
"""

from __future__ import annotations

from collections.abc import Iterator

from emboplan import catalog as catalogue
from emboplan.catalog.status import footnote
from emboplan.catalog.tace_tables import TaceNumbers, tace_numbers
from emboplan.embolics.amounts import Number, exact, positive
from emboplan.embolics.body_surface import plausible_surface
from emboplan.embolics.drug_names import known_drug
from emboplan.embolics.emulsions.published_dose import published_findings
from emboplan.embolics.emulsions.reduction import (
    ReductionRule,
    bilirubin_reduction,
    has_reduction,
    reduction_rule,
    refuse_by_label,
    without_rule,
)
from emboplan.embolics.sound import require_sound
from emboplan.errors import ModelRangeError
from emboplan.model.finding import Finding, Severity
from emboplan.model.results.emulsion import BilirubinReduction, DoseBasis, DrugDose


def drug_dose(
    *,
    drug: str,
    dose_mg: Number | None = None,
    dose_mg_per_m2: Number | None = None,
    body_surface_m2: Number | None = None,
    bilirubin_mg_per_dl: Number | None = None,
    child_pugh_class: str | None = None,
    rule: ReductionRule | str = ReductionRule.US_LABEL,
    catalog: catalogue.Catalog | None = None,
) -> DrugDose:
    """The dose in mg, from a fixed mass or from mg/m2 and body surface, less the reduction by bilirubin.

    Raises:
        ModelRangeError: no dose or two of them, mg/m2 without body surface, a number that is not above 0, or
            doxorubicin at a bilirubin or Child-Pugh class at which its label says not to give it.
    """
    book = catalog or catalogue.load()
    numbers = tace_numbers(book)
    require_sound(book)
    name, basis = known_drug(drug, book, numbers), DoseBasis.FIXED
    surface = plausible_surface(body_surface_m2, numbers)
    if (dose_mg is None) == (dose_mg_per_m2 is None):
        found = "neither dose_mg nor" if dose_mg is None else "both dose_mg and"
        raise ModelRangeError(f"found {found} dose_mg_per_m2 of {name}; expected one of them")
    if dose_mg is not None:
        requested = positive(dose_mg, "dose_mg")
    else:
        basis = DoseBasis.BODY_SURFACE
        if surface is None:
            raise ModelRangeError(
                f"the dose of {name} is in mg/m2 without a body surface; give body_surface_m2"
            )
        requested = positive(dose_mg_per_m2 or 0, "dose_mg_per_m2") * surface
    rule, reduction = reduction_rule(rule), None
    if has_reduction(name):
        refuse_by_label(numbers, bilirubin_mg_per_dl, child_pugh_class)
        if bilirubin_mg_per_dl is not None:
            reduction = bilirubin_reduction(
                drug=name, bilirubin_mg_per_dl=bilirubin_mg_per_dl, rule=rule, catalog=book
            )
    remaining = requested if reduction is None else requested * exact(reduction.remaining_frac, "remaining")
    return DrugDose(
        drug=name,
        requested_mg=float(requested),
        dose_mg=float(remaining),
        basis=basis,
        dose_mg_per_m2=None if surface is None else float(remaining / surface),
        body_surface_m2=None if surface is None else float(surface),
        reduction=reduction,
        findings=(
            *_reduction_findings(name, reduction, known=bilirubin_mg_per_dl is not None),
            *without_rule(numbers, name, bilirubin_mg_per_dl, child_pugh_class),
            *published_findings(numbers, name, remaining, surface),
        ),
        sources=_sources(numbers, name, reduction),
    )


def _reduction_findings(drug: str, reduction: BilirubinReduction | None, *, known: bool) -> Iterator[Finding]:
    if reduction is not None and reduction.remaining_frac < 1:
        yield Finding(
            "dose-reduced",
            Severity.INFO,
            f"The dose of {drug} is {reduction.label} at bilirubin {reduction.bilirubin_mg_per_dl:g} mg/dL.",
            reduction.source,
        )
    elif has_reduction(drug) and not known:
        yield Finding(
            "bilirubin-open",
            Severity.WARNING,
            f"Bilirubin is not given: whether {drug} is to be reduced, or not given at all, is an open item.",
        )


def _sources(numbers: TaceNumbers, drug: str, reduction: BilirubinReduction | None) -> tuple[str, ...]:
    lines = [f"dose of {drug}: as entered"]
    for key, words in (
        ("published_mg", "published dose"),
        ("published_mg_per_m2", "published dose by surface"),
    ):
        entry = numbers.entries.get(f"dose.{drug}.{key}")
        if entry is not None:
            value = entry.value if isinstance(entry.value, tuple) else (entry.value,)
            span = " to ".join(f"{number:g}" for number in value)
            lines.append(f"{words}: {span} {entry.unit}: {footnote(entry)}")
    if reduction is not None:
        lines.append(f"reduction by bilirubin: {reduction.source}")
    return tuple(lines)
