"""The dose of a drug in an emulsion: fixed or by body surface, reduced by bilirubin where a rule says so.

The dose is the user's. It is held against what has been published for TACE and against caps of trials, which
are warnings to acknowledge, and against the label, which is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from emboplan import catalog as catalogue
from emboplan.catalog.status import footnote
from emboplan.catalog.tace_tables import TaceNumbers, tace_numbers
from emboplan.embolics.amounts import Number, exact, positive
from emboplan.embolics.drug_names import known_drug
from emboplan.embolics.reduction import (
    ReductionRule,
    bilirubin_reduction,
    has_reduction,
    reduction_rule,
    refuse_by_label,
)
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
    name, basis = known_drug(drug, book, numbers), DoseBasis.FIXED
    surface = None if body_surface_m2 is None else positive(body_surface_m2, "body_surface_m2")
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
            *_published(numbers, name, remaining, surface),
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
    elif not has_reduction(drug) and known:
        yield Finding(
            "no-reduction-rule",
            Severity.INFO,
            f"No reduction of {drug} by bilirubin is published here; the dose stands as entered.",
        )


def _published(
    numbers: TaceNumbers, drug: str, dose_mg: Fraction, surface: Fraction | None
) -> Iterator[Finding]:
    """Where the dose leaves what has been published; a cap of one trial is a warning to acknowledge."""
    cap_name, range_name = f"dose.{drug}.trial_cap_mg", f"dose.{drug}.published_mg_per_m2"
    if cap_name in numbers.entries:
        cap = numbers.sourced(cap_name)
        if dose_mg > exact(cap.number, "cap"):
            yield Finding(
                "above-trial-cap",
                Severity.WARNING,
                f"{float(dose_mg):g} mg of {drug} is above {cap.number:g} mg, the cap of a trial; "
                "acknowledge to go on.",
                footnote(cap),
            )
    if range_name in numbers.entries and surface is not None:
        published = numbers.sourced(range_name)
        if dose_mg / surface > exact(published.numbers[1], "published"):
            yield Finding(
                "above-published-dose",
                Severity.WARNING,
                f"{float(dose_mg / surface):.3g} mg/m2 of {drug} is above the published "
                f"{published.numbers[0]:g} to {published.numbers[1]:g} mg/m2; acknowledge to go on.",
                footnote(published),
            )
    yield from _above_label(numbers, drug, dose_mg, surface)
    if not numbers.names_in(f"dose.{drug}"):
        yield Finding(
            "no-published-dose",
            Severity.WARNING,
            f"No dose of {drug} for an emulsion is published here; the dose is the team's own.",
        )
    elif any(
        entry.status == "unverified"
        for name, entry in numbers.entries.items()
        if name.startswith(f"dose.{drug}.net")
    ):
        yield Finding(
            "unverified-drug",
            Severity.WARNING,
            f"The use of {drug} in an emulsion is unverified here; drug and dose are the team's own.",
        )


def _above_label(
    numbers: TaceNumbers, drug: str, dose_mg: Fraction, surface: Fraction | None
) -> Iterator[Finding]:
    """A dose above that of a label for the hepatic artery, which was written for another way of giving it."""
    label = numbers.entries.get(f"dose.{drug}.intra_arterial_mg_per_m2")
    if label is not None and surface is not None and dose_mg / surface > exact(label.number, "label"):
        yield Finding(
            "above-arterial-label",
            Severity.WARNING,
            f"{float(dose_mg / surface):.3g} mg/m2 of {drug} is above the {label.number:g} mg/m2 that a "
            "label gives for the hepatic artery without oil; acknowledge to go on.",
            footnote(label),
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
