"""Metabolic response by PERCIST 1.0 from the hottest lesion's SULpeak: the rule alone.

Not validated for PET of somatostatin receptors, and most well differentiated neuroendocrine tumours take up
little FDG: no command offers it. What a lesion must exceed to be measurable, and the growth of its volume,
are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction

from emboplan.errors import ModelRangeError
from emboplan.model.products import Sourced
from emboplan.response.limits import exact
from emboplan.units import PERCENT


class MetabolicCategory(StrEnum):
    """Partial response, stable disease, or progression of the metabolism."""

    PMR = "PMR"
    SMD = "SMD"
    PMD = "PMD"


def metabolic_response(baseline_sul: str, sul: str, entries: Mapping[str, Sourced]) -> MetabolicCategory:
    """The category of a change of SULpeak; values as decimal text, such as ``"3.0"``, since limits are exact.

    Raises:
        ModelRangeError: a value that is no number, or a baseline of 0.
    """
    try:
        before, after = Fraction(baseline_sul), Fraction(sul)
    except ValueError as error:
        raise ModelRangeError(f"found {error}; expected SULpeak as decimal text") from error
    if before <= 0 or after < 0:
        raise ModelRangeError(f"found SULpeak {baseline_sul} and {sul}; expected a baseline above 0")
    share = Fraction(int(PERCENT))
    decrease, increase = (exact(entries[f"percist.{n}"]) / share for n in ("decrease", "increase"))
    step = exact(entries["percist.absolute"])
    if before - after >= decrease * before and before - after >= step:
        return MetabolicCategory.PMR
    if after - before > increase * before and after - before > step:
        return MetabolicCategory.PMD
    return MetabolicCategory.SMD
