"""How much two images tell of each other once a transform lays the one on the other.

The measure is the symmetric uncertainty of their grey values, 2 I / (H1 + H2): the mutual information in
share of what both could tell, 0 for images that know nothing of each other and 1 where either follows from
the other. Unlike mutual information it does not grow with the variety of the images, so that one number can
be asked of all pairs. It is computed apart from the search that maximises the mutual information.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813  the name its documentation uses
from numpy.typing import NDArray

from emboplan.imaging.transform import Transform

BINS = 32  # as the search uses; enough for soft tissue, few enough that each holds many voxels


@dataclass(frozen=True, slots=True)
class Likeness:
    """The symmetric uncertainty (0 to 1), and the share of the asked region that the moving image shows."""

    similarity: float
    seen_frac: float


def likeness(fixed: Any, moving: Any, transform: Transform, region: Any = None) -> Likeness:
    """How alike two SimpleITK images are under a transform, over a region of the fixed one or all of it."""
    asked = np.ones(fixed.GetSize()[::-1], np.bool_) if region is None else sitk.GetArrayFromImage(region) > 0
    outside = np.float32(np.nan)
    laid = sitk.Resample(
        sitk.Cast(moving, sitk.sitkFloat32), fixed, transform.to_sitk(), sitk.sitkLinear, float(outside)
    )
    values = sitk.GetArrayFromImage(laid)
    both = asked & np.isfinite(values)
    if not both.any():
        return Likeness(0.0, 0.0)
    seen = float(both.sum()) / float(asked.sum())
    return Likeness(symmetric_uncertainty(sitk.GetArrayFromImage(fixed)[both], values[both]), seen)


def symmetric_uncertainty(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Mutual information of two lists of values over the mean of their entropies, from a joint histogram.

    >>> symmetric_uncertainty(np.arange(32.0), -2 * np.arange(32.0))
    1.0
    """
    joint = np.histogram2d(a, b, bins=BINS)[0]
    share = joint / joint.sum()
    first, second, together = (_entropy(part) for part in (share.sum(axis=1), share.sum(axis=0), share))
    if first + second == 0:
        return 0.0
    return round(max(0.0, 2 * (first + second - together) / (first + second)), 12)


def _entropy(share: NDArray[np.float64]) -> float:
    held = share[share > 0]
    return float(-(held * np.log(held)).sum())
