"""Shares of patients with exact intervals: objective response, disease control, severe toxicity.

The interval is that of Clopper and Pearson. All treated patients are the denominator: one who could not be
judged is no responder. The evaluable patients alone are a secondary version.
"""

from __future__ import annotations

from collections.abc import Sequence

from scipy.stats import binomtest

from emboplan.errors import ModelRangeError
from emboplan.model.results.response import Category, Rate

RESPONDS = (Category.CR, Category.PR)
CONTROLLED = (*RESPONDS, Category.SD)
EXACT, WILSON = "exact", "wilson"


def rate(count: int, patients: int, *, confidence_frac: float, method: str = EXACT) -> Rate:
    """`count` of `patients` with its two-sided interval, ``exact`` (Clopper-Pearson) or ``wilson``.

    Raises:
        ModelRangeError: there are no patients, or more are counted than there are.

    >>> tuple(round(bound, 3) for bound in rate(12, 20, confidence_frac=0.95).interval)
    (0.361, 0.809)
    """
    if patients < 1 or not 0 <= count <= patients:
        raise ModelRangeError(f"found {count} of {patients} patients; expected 0 to n of at least one")
    if method not in (EXACT, WILSON):
        raise ModelRangeError(f'found the method "{method}"; expected {EXACT} or {WILSON}')
    if not 0 < confidence_frac < 1:
        raise ModelRangeError(f"found a confidence of {confidence_frac}; expected one between 0 and 1")
    test = binomtest(count, patients)
    if method == EXACT:
        found = test.proportion_ci(confidence_level=confidence_frac, method="exact")
    else:
        found = test.proportion_ci(confidence_level=confidence_frac, method="wilson")
    return Rate(count, patients, count / patients, (float(found.low), float(found.high)), confidence_frac)


def response_rate(best: Sequence[Category], *, confidence_frac: float, evaluable: bool = False) -> Rate:
    """The objective response rate: complete and partial responses, of all patients or the evaluable ones."""
    return _rate_of(best, RESPONDS, confidence_frac, evaluable=evaluable)


def disease_control_rate(
    best: Sequence[Category], *, confidence_frac: float, evaluable: bool = False
) -> Rate:
    """The disease control rate: responses and stable disease."""
    return _rate_of(best, CONTROLLED, confidence_frac, evaluable=evaluable)


def _rate_of(
    best: Sequence[Category], counted: Sequence[Category], confidence_frac: float, *, evaluable: bool
) -> Rate:
    judged = [category for category in best if not (evaluable and category is Category.NE)]
    count = sum(category in counted for category in judged)
    return rate(count, len(judged), confidence_frac=confidence_frac)
