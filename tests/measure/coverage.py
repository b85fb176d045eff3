"""What the calibration of intervals and its test share: what a found lesion shows, and the verdict."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

COVERAGE = 0.95
LEVEL = 0.01  # of the binomial test
LEAST_SHARE = 0.5  # of the smaller of two lesions, to be the same one


def shown_ml(
    found: NDArray[np.uint16], truth: NDArray[np.integer[Any]], true_ml: Mapping[int, float]
) -> dict[int, float]:
    """The true volume behind each found lesion; a false one is left out.

    A true lesion belongs to the found one that holds most of it, if they share half of the smaller of the
    two. A found lesion that joins several is held against their sum.
    """
    classes = max(true_ml, default=0) + 1
    pairs = np.bincount(
        (found.astype(np.int64) * classes + truth).ravel(), minlength=classes * (int(found.max()) + 1)
    )
    shared = pairs.reshape(-1, classes)
    of_found, of_truth = shared.sum(axis=1), shared.sum(axis=0)
    behind: dict[int, float] = {}
    for label, volume in true_ml.items():
        if len(shared) < 2 or of_truth[label] == 0:
            continue
        best = int(shared[1:, label].argmax()) + 1
        if shared[best, label] >= LEAST_SHARE * min(of_found[best], of_truth[label]):
            behind[best] = behind.get(best, 0.0) + volume
    return behind


def compatible(inside: int, intervals: int) -> bool:
    """Whether so many true values inside are what 95 % intervals give (binomial test at 1 %)."""
    return intervals == 0 or bool(binomtest(inside, intervals, COVERAGE).pvalue >= LEVEL)
