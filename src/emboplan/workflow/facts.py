"""Facts that the plan itself uses, and what it says where an entered fact and the images disagree."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from emboplan.catalog.load import Catalog
from emboplan.eligibility.dictionary import definitions_from_table
from emboplan.model.finding import Finding, Severity
from emboplan.model.patient import LabValue, PatientFacts
from emboplan.model.results.burden import Burden
from emboplan.workflow.check import measured_facts


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


def fact_findings(entered: PatientFacts, burden: Burden, catalog: Catalog) -> Iterator[Finding]:
    """One finding for each entered number that the images measure differently; the entered one decides."""
    definitions = definitions_from_table(catalog.fact_table())
    for name, measured in measured_facts(burden).items():
        fact = entered.get(name)
        if fact is None or not isinstance(fact.value, Decimal) or not isinstance(measured.value, Decimal):
            continue
        low, high = measured.interval or (measured.value, measured.value)
        if low <= fact.value <= high:
            continue
        unit = definitions[name].unit or ""
        text = (
            f"{name}: {fact.value} {unit} was entered, the images give {float(measured.value):.4g} {unit}; "
            "the entered value decides."
        )
        yield Finding("fact-disagrees", Severity.WARNING, text)
