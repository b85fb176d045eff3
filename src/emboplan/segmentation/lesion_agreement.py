"""Lesions held against lesions: which were found, which were missed, and what was found without being there.

Each lesion of the reference is paired with at most one found lesion, and the other way round. Two lesions may
be a pair when their Jaccard overlap reaches a least value; of all such pairings the one with the largest sum
of overlaps counts. A reference lesion with a partner is detected, a found lesion without one is a false
positive. Two lesions that were found as one are one detected and one missed lesion, and `covered_frac` tells
that the missed one was seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from emboplan.errors import ModelRangeError
from emboplan.model.mask import LabelMap, bounding_box
from emboplan.model.serialise import fields_to_json
from emboplan.units import ML_PER_MM3

# Two equal balls overlap so much when their centres lie 1.2 radii apart: the one still points at the other.
LEAST_JACCARD = 0.1

# Edges of the size classes (mm): the sizes from which detection and volumes are usually asked for.
SIZE_EDGES_MM = (10.0, 15.0, 20.0, 30.0)


@dataclass(frozen=True, slots=True)
class LesionMatch:
    """One lesion of the reference: its label, size, and the found lesion that is its partner, if any.

    `diameter_mm` is that of a ball of the same volume. `covered_frac` is the share of the lesion inside any
    found lesion. What belongs to a partner is None without one; `volume_error_frac` is signed, of the
    reference volume.
    """

    label: int
    volume_ml: float
    diameter_mm: float
    covered_frac: float
    found_label: int | None
    found_ml: float | None
    jaccard: float | None
    volume_error_frac: float | None

    @property
    def detected(self) -> bool:
        """Whether the lesion has a partner."""
        return self.found_label is not None


@dataclass(frozen=True, slots=True)
class FalsePositive:
    """A found lesion without a partner; `outside_frac` is its share outside every reference lesion."""

    label: int
    volume_ml: float
    diameter_mm: float
    outside_frac: float


@dataclass(frozen=True, slots=True)
class SizeClass:
    """Lesions with a diameter from `low_mm` to below `high_mm` (None: no upper end).

    Reference lesions are counted by their own size, false positives by theirs. `sensitivity` is None where
    there is no reference lesion.
    """

    low_mm: float
    high_mm: float | None
    lesions: int
    detected: int
    false_positives: int

    @property
    def sensitivity(self) -> float | None:
        """Detected lesions over lesions."""
        return self.detected / self.lesions if self.lesions else None

    def to_json(self) -> dict[str, Any]:
        """The JSON fields, with the sensitivity."""
        return {**fields_to_json(self), "sensitivity": self.sensitivity}


@dataclass(frozen=True, slots=True)
class LesionAgreement:
    """All reference lesions with their partners, all false positives, and both counted by size."""

    least_jaccard: float
    matches: tuple[LesionMatch, ...]
    false_positives: tuple[FalsePositive, ...]
    size_classes: tuple[SizeClass, ...]

    @property
    def detected(self) -> int:
        """How many reference lesions have a partner."""
        return sum(match.detected for match in self.matches)

    @property
    def sensitivity(self) -> float | None:
        """Detected lesions over lesions; None without a reference lesion."""
        return self.detected / len(self.matches) if self.matches else None

    def to_json(self) -> dict[str, Any]:
        """The JSON fields, with the totals."""
        totals = {"lesions": len(self.matches), "detected": self.detected, "sensitivity": self.sensitivity}
        return {**totals, **fields_to_json(self)}


def lesion_agreement(
    found: LabelMap,
    truth: LabelMap,
    *,
    least_jaccard: float = LEAST_JACCARD,
    size_edges_mm: Sequence[float] = SIZE_EDGES_MM,
) -> LesionAgreement:
    """Which lesions of the reference were found, one to one, with their volume errors and by size.

    Raises:
        GeometryError: the two lie on different grids.
        ModelRangeError: the least overlap is not above 0 and at most 1, or the edges do not rise.
    """
    found.grid.require_same(truth.grid, "label maps to compare")
    if not 0 < least_jaccard <= 1:
        raise ModelRangeError(f"least_jaccard is {least_jaccard:g}; expected above 0 and at most 1")
    edges = [0.0, *size_edges_mm]
    if not all(low < high for low, high in pairwise(edges)):
        raise ModelRangeError(f"size_edges_mm is {tuple(size_edges_mm)}; expected rising numbers above 0")
    table = _overlaps(found, truth)
    mine, theirs = found.numbers, truth.numbers
    shared = table[np.ix_(mine, theirs)].astype(np.float64)
    in_found = table.sum(axis=1)[list(mine)].astype(np.float64)
    in_truth = table.sum(axis=0)[list(theirs)].astype(np.float64)
    overlap = shared / np.maximum(in_found[:, None] + in_truth[None, :] - shared, 1)
    partner = _partners(overlap, least_jaccard)
    voxel_ml = truth.grid.voxel_ml
    matches = []
    for column, label in enumerate(theirs):
        row = partner.get(column)
        volume = float(in_truth[column])
        matches.append(
            LesionMatch(
                label=label,
                volume_ml=volume * voxel_ml,
                diameter_mm=ball_diameter_mm(volume * voxel_ml),
                covered_frac=float(shared[:, column].sum()) / volume,
                found_label=None if row is None else mine[row],
                found_ml=None if row is None else float(in_found[row]) * voxel_ml,
                jaccard=None if row is None else float(overlap[row, column]),
                volume_error_frac=None if row is None else (float(in_found[row]) - volume) / volume,
            )
        )
    taken = set(partner.values())
    false = [
        FalsePositive(
            label=label,
            volume_ml=float(in_found[row]) * voxel_ml,
            diameter_mm=ball_diameter_mm(float(in_found[row]) * voxel_ml),
            outside_frac=1.0 - float(shared[row].sum()) / float(in_found[row]),
        )
        for row, label in enumerate(mine)
        if row not in taken
    ]
    classes = tuple(_size_class(low, high, matches, false) for low, high in pairwise([*edges, None]))
    return LesionAgreement(least_jaccard, tuple(matches), tuple(false), classes)


def ball_diameter_mm(volume_ml: float) -> float:
    """Diameter of a ball of that volume.

    >>> round(ball_diameter_mm(4 / 3 * pi), 6)  # a radius of 1 cm
    20.0
    """
    return float(2 * np.cbrt(3 * volume_ml / ML_PER_MM3 / (4 * pi)))


def _overlaps(found: LabelMap, truth: LabelMap) -> NDArray[np.int64]:
    """Shared voxels by found label (rows) and reference label (columns), 0 being no lesion."""
    rows, columns = (int(labels.max(initial=0)) + 1 for labels in (found.labels, truth.labels))
    box = bounding_box((found.labels > 0) | (truth.labels > 0))
    if box is None:
        return np.zeros((rows, columns), np.int64)
    code = found.labels[box].astype(np.int64) * columns + truth.labels[box]
    return np.bincount(code.ravel(), minlength=rows * columns).reshape(rows, columns)


def _partners(overlap: NDArray[np.float64], least: float) -> dict[int, int]:
    """Found lesion (row) by reference lesion (column), in the pairing of the largest sum of overlaps."""
    allowed = np.where(overlap >= least, overlap, 0.0)
    rows, columns = linear_sum_assignment(allowed, maximize=True)
    return {
        int(column): int(row) for row, column in zip(rows, columns, strict=True) if allowed[row, column] > 0
    }


def _size_class(
    low: float | None, high: float | None, matches: Sequence[LesionMatch], false: Sequence[FalsePositive]
) -> SizeClass:
    least, below = low or 0.0, np.inf if high is None else high
    here = [match for match in matches if least <= match.diameter_mm < below]
    return SizeClass(
        low_mm=least,
        high_mm=high,
        lesions=len(here),
        detected=sum(match.detected for match in here),
        false_positives=sum(least <= one.diameter_mm < below for one in false),
    )
