"""How much of a dose of doxorubicin remains at a bilirubin, by the systemic labels, applied by extension.

The US label prints "50 %" and "75 %" under dosage modification; they are reductions, so that a half and a
quarter remain, as the EU text says in words. Above the last edge of the US label, and in Child-Pugh C, the
drug is not to be given: that is an error whichever rule is chosen, since a label limits it.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from emboplan import catalog as catalogue
from emboplan.catalog.status import footnote
from emboplan.catalog.tace_tables import TaceNumbers, tace_numbers
from emboplan.embolics.amounts import Number, exact, not_negative
from emboplan.embolics.drug_names import plain_drug
from emboplan.errors import ModelRangeError
from emboplan.model.finding import Finding, Severity
from emboplan.model.results.emulsion import BilirubinReduction
from emboplan.units import PERCENT

DRUG = "doxorubicin"
# Asked of a drug without a rule where the label of doxorubicin says not to give that drug.
NO_RULE_AT_STOP = "liver-without-rule"


class ReductionRule(StrEnum):
    """Whose table is used."""

    US_LABEL = "us-label"
    EU_SMPC = "eu-smpc"


def reduction_rule(name: str) -> ReductionRule:
    """The rule of that name; `ModelRangeError` lists the known ones."""
    try:
        return ReductionRule(name)
    except ValueError as error:
        raise ModelRangeError(
            f"reduction_rule is {name!r}; expected one of {', '.join(ReductionRule)}"
        ) from error


def has_reduction(drug: str) -> bool:
    """Whether a table of reductions is known for the drug: doxorubicin alone has one."""
    return plain_drug(drug) == DRUG


def child_pugh(written: str | None) -> str | None:
    """The Child-Pugh class as a capital; `ModelRangeError` for anything but A, B or C."""
    if written is None:
        return None
    plain = written.strip().upper()
    if plain not in ("A", "B", "C"):
        raise ModelRangeError(f"child_pugh_class is {written!r}; expected A, B or C")
    return plain


def without_rule(
    numbers: TaceNumbers, drug: str, bilirubin: Number | None, child_pugh_class: str | None
) -> Iterator[Finding]:
    """What is said of a drug that no table reduces, held against the steps of doxorubicin's label.

    From the first step it is a warning. Where the label of doxorubicin says not to give that drug, the
    warning is one to acknowledge.
    """
    grade = child_pugh(child_pugh_class)
    level = None if bilirubin is None else not_negative(bilirubin, "bilirubin_mg_per_dl")
    if has_reduction(drug) or (level is None and grade is None):
        return
    edges = numbers.sourced("reduction.us_label.edges_mg_per_dl")
    stop = numbers.sourced("reduction.us_label.child_pugh_stop")
    first, last = exact(edges.numbers[0], "edge"), exact(edges.numbers[-1], "edge")
    found = " and ".join(
        [
            *([] if level is None else [f"bilirubin is {float(level):g} mg/dL"]),
            *([] if grade is None else [f"Child-Pugh class is {grade}"]),
        ]
    )
    if (level is not None and level > last) or grade == stop.text:
        yield Finding(
            NO_RULE_AT_STOP,
            Severity.WARNING,
            f"{found}: no rule for {drug} is published here, and the label of {DRUG} says not to give {DRUG} "
            f"above {float(last):g} mg/dL or in Child-Pugh {stop.text}; the team decides; acknowledge to go "
            "on.",
            footnote(stop),
        )
    elif level is not None:
        yield Finding(
            "no-reduction-rule",
            Severity.WARNING if level >= first else Severity.INFO,
            f"No reduction of {drug} by bilirubin is published here; the dose stands as entered "
            f"(bilirubin {float(level):g} mg/dL).",
        )


def bilirubin_reduction(
    *,
    drug: str,
    bilirubin_mg_per_dl: Number,
    rule: ReductionRule | str = ReductionRule.US_LABEL,
    child_pugh_class: str | None = None,
    catalog: catalogue.Catalog | None = None,
) -> BilirubinReduction:
    """The share of a dose that remains at a total bilirubin in mg/dL, compared as written.

    Below 1.2 mg/dL all of it, from 1.2 to 3.0 a half, above 3.0 a quarter. Between 3.0 and 3.1, which the
    label leaves open, the lower dose is used.

    Raises:
        ModelRangeError: bilirubin above 5 mg/dL or Child-Pugh C, where the US label says not to give the
            drug; a drug without a table.

    >>> bilirubin_reduction(drug="doxorubicin", bilirubin_mg_per_dl="4.0").label
    'reduced 75%'
    """
    if not has_reduction(drug):
        raise ModelRangeError(
            f"no reduction of {drug} by bilirubin is published here; only {DRUG} has one, the team decides"
        )
    chosen = reduction_rule(rule)
    numbers = tace_numbers(catalog or catalogue.load())
    bilirubin = not_negative(bilirubin_mg_per_dl, "bilirubin_mg_per_dl")
    refuse_by_label(numbers, bilirubin, child_pugh_class)
    group = f"reduction.{chosen.value.replace('-', '_')}"
    edges = numbers.sourced(f"{group}.edges_mg_per_dl")
    remaining = numbers.sourced(f"{group}.remaining")
    full_below, half_up_to = (exact(edge, "edge") for edge in edges.numbers[:2])
    step = 0 if bilirubin < full_below else 1 if bilirubin <= half_up_to else 2
    left = remaining.numbers[step]
    return BilirubinReduction(
        rule=chosen,
        bilirubin_mg_per_dl=float(bilirubin),
        remaining_frac=left,
        label="full" if left == 1 else f"reduced {(1 - left) * PERCENT:g}%",
        source=f"{footnote(edges)}; systemic label, applied by extension",
    )


def refuse_by_label(numbers: TaceNumbers, bilirubin: Number | None, child_pugh_class: str | None) -> None:
    """`ModelRangeError` where the US label of doxorubicin says not to give it."""
    edges = numbers.sourced("reduction.us_label.edges_mg_per_dl")
    stop = numbers.sourced("reduction.us_label.child_pugh_stop")
    highest = exact(edges.numbers[-1], "edge")
    if bilirubin is not None and exact(bilirubin, "bilirubin_mg_per_dl") > highest:
        raise ModelRangeError(
            f"bilirubin is {float(exact(bilirubin, 'bilirubin')):g} mg/dL; the label says not to give "
            f"{DRUG} above {float(highest):g} mg/dL ({stop.source_text}); choose a treatment without it"
        )
    if child_pugh(child_pugh_class) == stop.text:
        raise ModelRangeError(
            f"Child-Pugh class is {stop.text}; the label says not to give {DRUG} ({stop.source_text}); "
            "choose a treatment without it"
        )
