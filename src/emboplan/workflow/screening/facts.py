"""Facts that images give, facts that the plan itself uses, and what is said where two of them disagree.

Facts come from a person, and from images through a measured burden; where both say something, the entered one
decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from emboplan.catalog.load import Catalog
from emboplan.eligibility.dictionary import definitions_from_table
from emboplan.errors import InputError
from emboplan.model.case import PriorKind, PriorTreatment
from emboplan.model.finding import Finding, Severity
from emboplan.model.patient import Fact, FactOrigin, LabValue, PatientFacts
from emboplan.model.results.burden import Burden
from emboplan.model.results.eligibility import Flag

# The image facts that segmentation.json fills, with the key of the value and of its interval.
FACTS_FROM_SEGMENTATION = {
    "liver_volume_ml": ("liver_ml", "liver_ml_interval"),
    "liver_tumor_volume_ml": ("tumour_ml", "tumour_ml_interval"),
    "liver_tumor_burden_pct": ("burden_pct", "burden_pct_interval"),
    "largest_liver_lesion_mm": ("largest_lesion_mm", None),
}

PROVISIONAL = Flag(
    "provisional",
    None,
    "Facts were measured on contours that no reader has confirmed; the verdict is provisional.",
)


def measured_facts(burden: Burden) -> dict[str, Fact]:
    """The image facts of a measured burden, with their intervals, as exact decimals of the shown digits."""
    return facts_of_segmentation(burden.to_json())


def facts_of_segmentation(segmentation: Mapping[str, Any]) -> dict[str, Fact]:
    """The image facts that the content of a ``segmentation.json`` states.

    Raises:
        InputError: a value is no number, or an interval is not two.
    """
    facts = {}
    for name, (key, interval_key) in FACTS_FROM_SEGMENTATION.items():
        value = segmentation.get(key)
        if value is None:
            continue
        bounds = segmentation.get(interval_key) if interval_key else None
        exact, interval = _decimal(value, key), _interval(bounds, f"{key}_interval")
        if interval is not None and not interval[0] <= exact <= interval[1]:
            found = f"found {interval[0]} to {interval[1]} around {exact}"
            raise InputError(
                f"{interval_key}: {found}; expected the lower end, then the upper one, around it"
            )
        facts[name] = Fact(exact, FactOrigin.MEASURED, interval)
    return facts


def _decimal(value: object, key: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InputError(f"{key}: found {value!r}; expected a number")
    return value if isinstance(value, Decimal) else Decimal(repr(float(value)))


def _interval(bounds: object, key: str) -> tuple[Decimal, Decimal] | None:
    if bounds is None:
        return None
    if not isinstance(bounds, list | tuple) or len(bounds) != len(("low", "high")):
        raise InputError(f"{key}: found {bounds!r}; expected two numbers, the lower and the upper end")
    return (_decimal(bounds[0], key), _decimal(bounds[1], key))


def bilirubin_mg_per_dl(facts: PatientFacts, catalog: Catalog) -> float | None:
    """Total bilirubin in mg/dL, None where it is not known."""
    fact = facts.get("bilirubin")
    if fact is None or not isinstance(fact.value, LabValue):
        return None
    unit = definitions_from_table(catalog.fact_table())["bilirubin"].lab_unit(fact.value.unit)
    return (
        None
        if unit is None
        else float(fact.value.value * Decimal(unit.factor.numerator) / unit.factor.denominator)
    )


def disagreements(entered: PatientFacts, measured: Mapping[str, Fact], catalog: Catalog) -> Iterator[str]:
    """One sentence for each entered number that lies outside the interval that the images give.

    One volume alone, beside a measured other one, makes no percentage: the measured percentage stands then.
    """
    definitions = definitions_from_table(catalog.fact_table())
    shares = [it for it in definitions.values() if it.share is not None and it.name not in entered]
    alone = {
        name: it.name
        for it in shares
        if it.share is not None and it.name in measured and any(name not in entered for name in it.share)
        for name in it.share
    }
    for name, found in measured.items():
        fact = entered.get(name)
        if fact is None or not isinstance(fact.value, Decimal) or not isinstance(found.value, Decimal):
            continue
        low, high = found.interval or (found.value, found.value)
        if not low <= fact.value <= high:
            unit = definitions[name].unit or ""
            yield (
                f"{name}: {fact.value} {unit} was entered, the images give {float(found.value):.4g} {unit}; "
                + (
                    f"{alone[name]} stays the measured one."
                    if name in alone
                    else "the entered value decides."
                )
            )


# The fact that an earlier treatment of a case answers with yes.
FACTS_OF_PRIORS = {PriorKind.TARE: "prior_radioembolization", PriorKind.PRRT: "prior_prrt"}


def prior_facts(priors: Sequence[PriorTreatment]) -> dict[str, Fact]:
    """What the earlier treatments of a case answer, where the facts themselves do not."""
    kinds = {prior.kind for prior in priors}
    return {name: Fact(value=True) for kind, name in FACTS_OF_PRIORS.items() if kind in kinds}


def fact_findings(entered: PatientFacts, burden: Burden, catalog: Catalog) -> Iterator[Finding]:
    """One finding for each entered number that the images measure differently."""
    for sentence in disagreements(entered, measured_facts(burden), catalog):
        yield Finding("fact-disagrees", Severity.WARNING, sentence)


def uses_measured(facts: PatientFacts) -> bool:
    """Whether any fact is a measured one that nobody entered."""
    return any(fact.origin is FactOrigin.MEASURED for fact in facts.known.values())
