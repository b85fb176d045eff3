"""Rows and columns as scaled arrays: the call of HiGHS, and what makes its answer exact.

Rows are scaled to sides near 1 and columns to values near 1, by powers of two, so that tolerances mean the
same for grams and kilograms and nothing is rounded. After the solver, the rows that the answer lies on are
solved as equations in plain arithmetic, and every row is checked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

# The smallest tolerance that HiGHS takes, on rows scaled to 1: the answer is made exact afterwards.
SOLVER_TOLERANCE = 1e-10

# A row counts as one that the answer lies on when it is this close, on rows scaled to 1: well above the
# solver's tolerance, well below any difference that could be read or drawn.
ON_THE_ROW = 1e-8

# The same where the first does not lead to an exact answer: HiGHS leaves coefficients below 1e-9 out, so that
# it may stop this far beside a row that holds one.
NEAR_THE_ROW = 1e-6

# What plain sums of a few products lose; a row that is broken by less is kept.
ROUNDING = 1e-12

# An answer that breaks a row by more than this is a fault of the solver or of ours, and no answer. Upper
# sides of plain sums are kept exactly; drawing an answer under one may cost other rows this much.
BROKEN = 1e-7


@dataclass(eq=False, slots=True)
class Scaled:
    """A program as arrays: each column is its value over its scale, each row is multiplied by its scale."""

    matrix: Array
    row_lower: Array
    row_upper: Array
    lower: Array
    upper: Array
    row_scale: Array
    column_scale: Array

    @classmethod
    def of(
        cls, matrix: Array, rows: tuple[Array, Array], columns: tuple[Array, Array], yes_no: Sequence[bool]
    ) -> Scaled:
        """From the coefficients, the lower and upper sides of rows and of columns, and the 0 or 1 columns."""
        by_row, by_column = _scales(matrix, *rows, yes_no)
        return cls(
            matrix * by_row[:, None] * by_column,
            rows[0] * by_row,
            rows[1] * by_row,
            columns[0] / by_column,
            columns[1] / by_column,
            by_row,
            by_column,
        )


def _scales(matrix: Array, low: Array, high: Array, yes_no: Sequence[bool]) -> tuple[Array, Array]:
    """Powers of two that bring the sides of rows, then the coefficients of columns, near 1.

    Rows whose sides are 0 follow the columns that other rows have scaled; columns that only such rows hold
    follow them.
    """
    size = np.abs(matrix)
    sides = np.maximum(*(np.where(np.isfinite(side), np.abs(side), 0.0) for side in (low, high)))
    rows = _inverse(sides)
    columns = np.where(yes_no, 1.0, _inverse((size * rows[:, None]).max(axis=0, initial=0.0)))
    rows = np.where(sides > 0, rows, _inverse((size * columns).max(axis=1, initial=0.0)))
    rows = np.where(rows > 0, rows, _inverse(size.max(axis=1, initial=0.0)))
    columns = np.where(columns > 0, columns, _inverse((size * rows[:, None]).max(axis=0, initial=0.0)))
    return _power_of_two(rows), _power_of_two(columns)


def _inverse(values: Array) -> Array:
    """One over each value, and 0 for 0."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)


def _power_of_two(values: Array) -> Array:
    exponents = np.log2(values, out=np.zeros_like(values), where=values > 0)
    return np.asarray(2.0 ** np.round(exponents), dtype=np.float64)


def _sides(arrays: Scaled) -> tuple[Flags, Flags, Flags]:
    """Rows with an upper side, with a lower one, and with one value only."""
    equal = arrays.row_lower == arrays.row_upper
    return np.isfinite(arrays.row_upper) & ~equal, np.isfinite(arrays.row_lower) & ~equal, equal


def highs(arrays: Scaled, cost: Array, yes_no: NDArray[np.int64] | None = None) -> Any:
    """SciPy's result of the least cost; a vertex where no column is yes or no."""
    above, below, equal = _sides(arrays)
    problem = {
        "A_ub": np.concatenate([arrays.matrix[above], -arrays.matrix[below]]),
        "b_ub": np.concatenate([arrays.row_upper[above], -arrays.row_lower[below]]),
        "A_eq": arrays.matrix[equal],
        "b_eq": arrays.row_upper[equal],
        "bounds": np.column_stack([arrays.lower, arrays.upper]),
    }
    solver: Any = linprog
    if yes_no is not None:
        options = {"presolve": False, "mip_rel_gap": 0.0}
        return solver(cost, **problem, method="highs", integrality=yes_no, options=options)
    options = {
        "presolve": False,
        "primal_feasibility_tolerance": SOLVER_TOLERANCE,
        "dual_feasibility_tolerance": SOLVER_TOLERANCE,
    }
    return solver(cost, **problem, method="highs-ds", options=options)


def row_and_column_multipliers(result: Any, arrays: Scaled) -> tuple[Array, Array]:
    """How the cost changes with each row's side and each column's bound: negative for an upper one."""
    above, below, equal = _sides(arrays)
    rows = np.zeros(len(equal))
    inequalities = np.asarray(result.ineqlin.marginals, dtype=np.float64)
    count = int(above.sum())
    rows[above] += inequalities[:count]
    rows[below] -= inequalities[count:]
    rows[equal] = result.eqlin.marginals
    return rows, np.asarray(result.lower.marginals + result.upper.marginals, dtype=np.float64)


def in_force(arrays: Scaled, scaled: Array, near: float = ON_THE_ROW) -> tuple[Flags, Array, Flags, Array]:
    """Which rows the answer lies on, the nearer side of each row; which columns are at a bound, and which."""
    at = arrays.matrix @ scaled
    over, under = np.abs(at - arrays.row_upper), np.abs(at - arrays.row_lower)
    high, low = np.abs(scaled - arrays.upper), np.abs(scaled - arrays.lower)
    return (
        np.minimum(over, under) <= near,
        np.where(over <= under, arrays.row_upper, arrays.row_lower),
        np.minimum(high, low) <= near,
        np.where(high < low, arrays.upper, arrays.lower),
    )


def exact_answer(arrays: Scaled, scaled: Array) -> Array:
    """The answer put on the rows and bounds in force; as it was if that breaks a row more."""
    best = scaled
    for near in (ON_THE_ROW, NEAR_THE_ROW):
        on, sides, held, bounds = in_force(arrays, scaled, near)
        exact = np.where(held, bounds, scaled)
        if on.any() and not held.all():
            rows = arrays.matrix[on]
            for _ in range(2):  # the second round takes off what rounding left in the first
                exact[~held] += np.linalg.lstsq(rows[:, ~held], sides[on] - rows @ exact, rcond=None)[0]
        if _excess(arrays, exact) <= ROUNDING:
            return exact
        best = min(best, exact, key=lambda answer: _excess(arrays, answer))
    return best


def _excess(arrays: Scaled, scaled: Array) -> float:
    """By how much the worst row or bound is broken, on rows scaled to 1; 0 where none is."""
    at = arrays.matrix @ scaled
    parts = (at - arrays.row_upper, arrays.row_lower - at, scaled - arrays.upper, arrays.lower - scaled)
    return max(0.0, *(float(part.max(initial=0.0)) for part in parts))


def checked_answer(arrays: Scaled, scaled: Array) -> Array:
    """The answer within every bound, drawn under the upper side of every plain sum, and checked.

    A plain sum has no negative coefficient: its columns are made smaller by the share that is too much.
    Raises `RuntimeError` if a row is broken by more than rounding.
    """
    values = np.clip(scaled, arrays.lower, arrays.upper)
    loose = (arrays.lower < arrays.upper) & (arrays.lower >= 0)
    for row, side in zip(arrays.matrix, arrays.row_upper, strict=True):
        used = (row > 0) & loose
        part, over = float(row[used] @ values[used]), float(row @ values) - side
        if over > ROUNDING * side and part > over and not (row < 0).any():
            values[used] *= (part - over) / part
    if _excess(arrays, values) > BROKEN:
        raise RuntimeError("the linear program's answer breaks one of its rows; no answer is given")
    return values


def reach(arrays: Scaled, scaled: Array, move: Array, rate: Array) -> float:
    """The first step at which a row or bound that is not in force comes into force; infinite if none does."""
    on, _, held, _ = in_force(arrays, scaled)
    at, speed = arrays.matrix @ scaled, arrays.matrix @ move - rate
    gaps = np.concatenate(
        [
            (arrays.row_upper - at)[~on],
            (at - arrays.row_lower)[~on],
            (arrays.upper - scaled)[~held],
            (scaled - arrays.lower)[~held],
        ]
    )
    speeds = np.concatenate([speed[~on], -speed[~on], move[~held], -move[~held]])
    nearing = speeds > ROUNDING * float(np.abs(rate).max(initial=0.0))
    return float((gaps[nearing] / speeds[nearing]).min(initial=math.inf))
