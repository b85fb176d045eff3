"""How much iodised oil: the limit of its label by age, and the arm of a trial that exceeds it.

Above the label's limit is an error. One trial's arm allows more than the label; within such an arm the
volume is a warning to acknowledge, and the arm is not blocked.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from emboplan.catalog.status import footnote
from emboplan.catalog.tace_tables import ArmNumbers, TaceNumbers
from emboplan.embolics.amounts import Number, exact, not_negative
from emboplan.errors import ModelRangeError
from emboplan.model.finding import Finding, Severity
from emboplan.model.products import Sourced


def oil_limit(numbers: TaceNumbers, age_years: Number | None) -> Sourced:
    """The label's limit in mL: 10 above 65 years, else 15; without an age, that of adults."""
    if age_years is not None:
        age = not_negative(age_years, "age_years")
        if age > exact(numbers.number("oil.elderly_above"), "age"):
            return numbers.sourced("oil.label_limit_elderly")
    return numbers.sourced("oil.label_limit")


def oil_findings(
    numbers: TaceNumbers, oil_ml: Fraction, age_years: Number | None, arm: ArmNumbers | None
) -> Iterator[Finding]:
    """Findings on the volume of oil of one session.

    Raises:
        ModelRangeError: above the label's limit, outside an arm that allows it.
    """
    limit = oil_limit(numbers, age_years)
    if oil_ml > exact(limit.number, "limit"):
        yield _above(numbers, oil_ml, limit, arm)
    elif age_years is None and oil_ml > exact(numbers.number("oil.label_limit_elderly"), "limit"):
        elderly = numbers.sourced("oil.label_limit_elderly")
        yield Finding(
            "age-open",
            Severity.WARNING,
            f"The age is not given: above {numbers.number('oil.elderly_above'):g} years the label's limit is "
            f"{elderly.number:g} mL of oil, and {float(oil_ml):g} mL are planned.",
            footnote(elderly),
        )
    if arm is not None and arm.oil_ml is not None and not _within(oil_ml, arm.oil_ml):
        low, high = arm.oil_ml
        yield Finding(
            "outside-arm-oil",
            Severity.WARNING,
            f"{float(oil_ml):g} mL of oil is not the {low:g} to {high:g} mL of {arm.protocol}, {arm.arm}.",
            arm.source,
        )


def _within(oil_ml: Fraction, span: tuple[float, float]) -> bool:
    return exact(span[0], "oil") <= oil_ml <= exact(span[1], "oil")


def _above(numbers: TaceNumbers, oil_ml: Fraction, limit: Sourced, arm: ArmNumbers | None) -> Finding:
    evidence = numbers.sourced("oil.above_limit")
    if arm is None or arm.oil_ml is None or oil_ml > exact(arm.oil_ml[1], "oil"):
        raise ModelRangeError(
            f"{float(oil_ml):g} mL of iodised oil is above the {limit.number:g} mL of its label "
            f"({limit.source_text}); take less oil, or name the protocol whose arm states this volume"
        )
    return Finding(
        "oil-above-label",
        Severity.WARNING,
        f"{float(oil_ml):g} mL of iodised oil is above the {limit.number:g} mL of its label; "
        f"{arm.protocol}, {arm.arm}, allows {arm.oil_ml[0]:g} to {arm.oil_ml[1]:g} mL; acknowledge to go on. "
        f"{evidence.text}",
        f"{footnote(limit)}; {arm.source}; {footnote(evidence)}",
    )
