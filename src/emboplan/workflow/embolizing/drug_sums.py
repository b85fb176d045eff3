"""What the patient has had and will have had: anthracyclines against their limit, and every drug by session.

Earlier drugs of the case and sessions that were done come first. A planned session that passes the limit is
an error. Without a body surface a mass cannot be held against the limit, which is an open item and no pass;
what is known in mg/m2 counts all the same. A sum that passes the limit on the largest body surface that there
is passes it on every smaller one, and is refused too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from emboplan.catalog.load import Catalog
from emboplan.catalog.tace_tables import tace_numbers
from emboplan.embolics.body_surface import surface_bounds
from emboplan.embolics.drug_names import plain_drug
from emboplan.embolics.safety.cumulative import cumulative_anthracycline, drug_totals
from emboplan.errors import ModelRangeError
from emboplan.model.case import PriorKind, PriorTreatment
from emboplan.model.finding import Finding, Severity
from emboplan.model.patient import PatientFacts
from emboplan.model.results.drug_history import AnthracyclineHistory, DrugAmount, DrugTotal

_ANTHRACYCLINES = "anthracycline.equivalent"
# Facts that settle the lower limit by themselves; the first of a group may be answered with no.
HEART = ("heart_disease", "carcinoid_heart_disease", "unstable_ischemic_heart_disease")


@dataclass(frozen=True, slots=True)
class DrugSums:
    """The sums over all sessions and before; `to_date` is the anthracycline up to each planned amount."""

    anthracycline: AnthracyclineHistory | None
    totals: tuple[DrugTotal, ...]
    to_date: tuple[float | None, ...]
    findings: tuple[Finding, ...]


def earlier_drugs(priors: Sequence[PriorTreatment]) -> tuple[DrugAmount, ...]:
    """The drugs of earlier treatments whose dose is known."""
    return tuple(
        DrugAmount(
            prior.drug or "",
            mg=prior.drug_mg,
            mg_per_m2=prior.drug_mg_per_m2,
            label=prior.date or "before",
            doxorubicin_equivalent=prior.doxorubicin_equivalent,
        )
        for prior in priors
        if prior.kind is PriorKind.DRUG and _has_dose(prior)
    )


def _has_dose(prior: PriorTreatment) -> bool:
    return prior.drug_mg_per_m2 is not None or prior.drug_mg is not None


def drug_sums(
    planned: Sequence[DrugAmount],
    given: Sequence[DrugAmount],
    priors: Sequence[PriorTreatment],
    *,
    body_surface_m2: float | None,
    facts: PatientFacts,
    catalog: Catalog,
) -> DrugSums:
    """All sums of a plan.

    Raises:
        ModelRangeError: a planned session passes the cumulative limit of anthracyclines.
    """
    before = (*earlier_drugs(priors), *given)
    findings = list(_open_doses(priors))
    counted = tace_numbers(catalog).names_in(_ANTHRACYCLINES)
    concerned = [
        a
        for a in (*before, *planned)
        if a.doxorubicin_equivalent is not None or plain_drug(a.drug) in counted
    ]
    summed = partial(
        cumulative_anthracycline,
        heart_disease=_any_yes(facts, HEART),
        cardiac_irradiation=_yes(facts, "cardiac_irradiation"),
        prior_cardiotoxic_therapy=_yes(facts, "prior_cardiotoxic_therapy"),
        catalog=catalog,
    )
    history = None
    if concerned and body_surface_m2 is None and any(a.mg is not None for a in concerned):
        known = summed(given=[a for a in before if a.mg is None])
        session = [a for a in planned if a in concerned]
        _refuse_if_reached(known, session)
        _refuse_on_every_body(before, session, summed, surface_bounds(tace_numbers(catalog))[1])
        findings += (_no_surface(known), *known.findings)
    elif concerned or before:
        last = planned[-1] if planned and plain_drug(planned[-1].drug) == "doxorubicin" else None
        history = summed(
            given=before,
            planned=planned,
            body_surface_m2=body_surface_m2,
            session_mg=None if last is None else last.mg,
        )
        findings += history.findings if concerned else _unknown_drugs(history)
        history = history if concerned else None
    return DrugSums(
        history,
        drug_totals(given=before, planned=planned, body_surface_m2=body_surface_m2),
        tuple(_to_date(history, len(planned))),
        tuple(findings),
    )


def _unknown_drugs(history: AnthracyclineHistory) -> Iterator[Finding]:
    """Drugs that the catalogue does not know: one of them may be an anthracycline by another name."""
    return (finding for finding in history.findings if finding.id == "drug-not-known")


def _refuse_if_reached(known: AnthracyclineHistory, planned: Sequence[DrugAmount]) -> None:
    """`ModelRangeError` where what was given has reached the limit, so that a dose of any body passes it."""
    if planned and known.remaining_mg_per_m2 <= 0:
        raise ModelRangeError(
            f"{planned[0].label or planned[0].drug}: {known.given_mg_per_m2:g} mg/m2 of anthracycline have "
            f"been given before; the limit is {known.limit_mg_per_m2:g} mg/m2 ({known.limit_reason}; "
            f"{_limit_source(known)}), and any dose passes it; choose a treatment without one"
        )


def _refuse_on_every_body(
    before: Sequence[DrugAmount],
    planned: Sequence[DrugAmount],
    summed: Callable[..., AnthracyclineHistory],
    largest_m2: Fraction,
) -> None:
    """`ModelRangeError` for the first session whose sum passes the limit even on the largest body surface."""
    for count, session in enumerate(planned, start=1):
        least = summed(given=[*before, *planned[:count]], body_surface_m2=largest_m2)
        if least.total_mg_per_m2 > least.limit_mg_per_m2:
            raise ModelRangeError(
                f"{session.label or session.drug}: {least.total_mg_per_m2:.4g} mg/m2 of anthracycline to "
                f"date on a body surface of {float(largest_m2):g} m2, more on any that a patient has (height "
                f"and weight are not known), is above the limit of {least.limit_mg_per_m2:g} mg/m2 "
                f"({least.limit_reason}; {_limit_source(least)}); plan less"
            )


def _limit_source(known: AnthracyclineHistory) -> str:
    lead = "limit: "
    return next(source.removeprefix(lead) for source in known.sources if source.startswith(lead))


def _to_date(history: AnthracyclineHistory | None, sessions: int) -> Iterator[float | None]:
    """The running sum at each planned session; None where its drug does not count."""
    amounts = [] if history is None else [a.to_date_mg_per_m2 for a in history.amounts if a.planned]
    return iter(amounts if len(amounts) == sessions else [None] * sessions)


def _yes(facts: PatientFacts, name: str) -> bool | None:
    fact = facts.get(name)
    return fact.value if fact is not None and isinstance(fact.value, bool) else None


def _any_yes(facts: PatientFacts, names: Sequence[str]) -> bool | None:
    """Yes where one is yes; the answer to the first, which asks for every such disease, otherwise."""
    return True if any(_yes(facts, name) for name in names) else _yes(facts, names[0])


def _open_doses(priors: Sequence[PriorTreatment]) -> Iterator[Finding]:
    for prior in priors:
        if prior.kind is PriorKind.DRUG and not _has_dose(prior):
            text = (
                f"How much {prior.drug} was given before is not known and was not counted: an open item. "
                "Enter dose_mg_per_m2 or dose of the prior treatment."
            )
            yield Finding("prior-drug-open", Severity.WARNING, text)


def _no_surface(known: AnthracyclineHistory) -> Finding:
    had = f"{known.given_mg_per_m2:g} mg/m2 are known to be given before; " if known.given_mg_per_m2 else ""
    text = (
        f"The cumulative dose of anthracyclines was not checked: {had}the limit is "
        f"{known.limit_mg_per_m2:g} mg/m2, and doses in mg cannot be held against it, because height and "
        "weight are not known, an open item. Enter both under [patient]."
    )
    return Finding("anthracycline-open", Severity.WARNING, text, _limit_source(known))
