"""A linear program with named columns and rows, solved by HiGHS and checked in plain arithmetic.

Several aims are taken in order: the second chooses among the answers that are best for the first, and so
on. Columns may be yes or no (0 or 1). The solver's answer is put exactly on the rows that hold it, so that a
limit is met to the last bits and not to the solver's tolerance; a program without an answer says so as a
value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np

from emboplan.dosimetry.prescribing.scaled import (
    SOLVER_TOLERANCE,
    Array,
    Scaled,
    checked_answer,
    exact_answer,
    highs,
    in_force,
    reach,
    row_and_column_multipliers,
)

# Answers with yes-or-no columns count as equally good within this share of the aim: HiGHS takes a column for
# whole when it is within a millionth, so closer differences are not seen.
EQUALLY_GOOD = 1e-7

# HiGHS ends a search when the bound is within a millionth of the best, absolute: aims are enlarged by this,
# so that the millionth lies below EQUALLY_GOOD.
ENLARGED = 2.0**7

# A multiplier below this, on rows and aims scaled to 1, is the solver's rounding and holds nothing back.
NO_MULTIPLIER = 1e-9

# A step along which the rows in force do not stay in force to this share is no direction of the answer.
SAME_DIRECTION = 1e-9


class Outcome(StrEnum):
    """Whether a program has an answer."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"


@dataclass(frozen=True, slots=True)
class Column:
    """A number to be found, between its bounds; a `yes_no` one is 0 or 1."""

    name: str
    lower: float = 0.0
    upper: float = math.inf
    yes_no: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A sum of coefficients times columns that lies between `lower` and `upper`."""

    name: str
    coefficients: Mapping[str, float]
    lower: float = -math.inf
    upper: float = math.inf


@dataclass(frozen=True, slots=True)
class Aim:
    """A sum of coefficients times columns that is made as large as can be, or as small."""

    coefficients: Mapping[str, float]
    maximise: bool = True


@dataclass(frozen=True, slots=True)
class Program:
    """Columns and rows; every name is there once."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        names = {column.name for column in self.columns}
        if len(names) < len(self.columns) or len({row.name for row in self.rows}) < len(self.rows):
            raise ValueError("two columns or two rows have one name; give each its own")
        for row in self.rows:
            if not row.coefficients.keys() <= names:
                raise ValueError(f"row {row.name} names a column that is not there")

    def with_columns(self, values: Mapping[str, float]) -> Program:
        """The same program with some columns held at a value."""
        held = [
            replace(c, lower=values[c.name], upper=values[c.name], yes_no=False) if c.name in values else c
            for c in self.columns
        ]
        return Program(tuple(held), self.rows)

    def moved(self, rates: Mapping[str, float], step: float) -> Program:
        """The same program with the bounds of some rows moved by `step` times their rate."""
        rows = [
            replace(r, lower=r.lower + step * rates[r.name], upper=r.upper + step * rates[r.name])
            if r.name in rates
            else r
            for r in self.rows
        ]
        return Program(self.columns, tuple(rows))


@dataclass(frozen=True, slots=True)
class Solution:
    """The answer: each column's value, and what holds each aim back.

    `multipliers` has one mapping for each aim: by row or column, how much the aim changes for one unit of its
    bound (positive where a larger bound makes the aim's value larger). Rows that an earlier aim already holds
    in place are left out of later ones.
    """

    outcome: Outcome
    values: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    multipliers: tuple[Mapping[str, float], ...] = ()


def _scaled(program: Program) -> Scaled:
    places = {column.name: n for n, column in enumerate(program.columns)}
    matrix = np.zeros((len(program.rows), len(places)))
    for n, row in enumerate(program.rows):
        for name, value in row.coefficients.items():
            matrix[n, places[name]] = value
    rows = np.array([[row.lower for row in program.rows], [row.upper for row in program.rows]])
    columns = np.array([[c.lower for c in program.columns], [c.upper for c in program.columns]])
    yes_no = [column.yes_no for column in program.columns]
    return Scaled.of(matrix, (rows[0], rows[1]), (columns[0], columns[1]), yes_no)


def solve(program: Program, aims: Sequence[Aim]) -> Solution:
    """The answer that is best for the first aim, among these best for the second, and so on.

    The same program gives the same answer, bit for bit. Raises `RuntimeError` if the solver fails or its
    answer breaks a row.
    """
    if not any(column.yes_no for column in program.columns):
        return _solve_continuous(program, aims)
    cuts: list[Row] = []
    while True:
        choice = _choose(Program(program.columns, (*program.rows, *cuts)), aims)
        if isinstance(choice, Outcome):
            return Solution(choice)
        solution = _solve_continuous(program.with_columns(choice), aims)
        if solution.outcome is not Outcome.INFEASIBLE:
            return solution
        # The choice kept the rows only within the solver's tolerance for whole numbers: it is not one.
        ones = sum(choice.values())
        cuts.append(Row(f"not again {len(cuts)}", {n: 2 * v - 1 for n, v in choice.items()}, upper=ones - 1))


def _choose(program: Program, aims: Sequence[Aim]) -> Outcome | Mapping[str, float]:
    """The yes-or-no columns of the best answer, each 0 or 1."""
    if not aims:
        raise ValueError("no aim was given; expected at least one")
    whole = [column.yes_no for column in program.columns]
    relaxed = _scaled(program)
    # Where not even parts of the choices keep the rows, the quick solver knows that no choice does.
    if _outcome(highs(relaxed, np.zeros(len(whole)))) is Outcome.INFEASIBLE:
        return Outcome.INFEASIBLE
    rows = list(program.rows)
    result: Any = None
    arrays = _scaled(program)
    for n, aim in enumerate(aims):
        arrays = _scaled(Program(program.columns, tuple(rows)))
        cost, size = _cost(program, arrays, aim)
        found = highs(arrays, cost * ENLARGED, np.array(whole, dtype=np.int64))
        outcome = _outcome(found)
        if outcome is not Outcome.OPTIMAL:
            if n == 0:
                return outcome
            break  # what the solver found for the aim before it cannot follow: that answer stands
        result = found
        best = float(cost @ result.x) * size
        slack = EQUALLY_GOOD * max(abs(best), size * SOLVER_TOLERANCE)
        value = -best if aim.maximise else best
        side = {"lower": value - slack} if aim.maximise else {"upper": value + slack}
        rows.append(Row(f"aim {n}", aim.coefficients, **side))
    values = result.x * arrays.column_scale
    return {c.name: float(round(v)) for c, v in zip(program.columns, values, strict=True) if c.yes_no}


def _solve_continuous(program: Program, aims: Sequence[Aim]) -> Solution:
    arrays = _scaled(program)
    asked = replace(arrays)  # the sides before any is held, for the check at the end
    names = [*(row.name for row in program.rows), *(column.name for column in program.columns)]
    held_rows, held_columns = np.zeros(len(program.rows), bool), arrays.lower == arrays.upper
    multipliers: list[Mapping[str, float]] = []
    scaled = np.zeros(len(program.columns))
    for aim in aims:
        cost, size = _cost(program, arrays, aim)
        result = highs(arrays, cost)
        outcome = _outcome(result)
        if outcome is not Outcome.OPTIMAL:
            return Solution(outcome)
        scaled = np.asarray(result.x, dtype=np.float64)
        rows, columns = row_and_column_multipliers(result, arrays)
        new_rows = (np.abs(rows) > NO_MULTIPLIER) & ~held_rows
        new_columns = (np.abs(columns) > NO_MULTIPLIER) & ~held_columns
        # On every best answer the rows and bounds with a multiplier are in force: hold them there.
        side = np.where(rows < 0, arrays.row_upper, arrays.row_lower)
        arrays.row_lower = np.where(new_rows, side, arrays.row_lower)
        arrays.row_upper = np.where(new_rows, side, arrays.row_upper)
        side = np.where(columns < 0, arrays.upper, arrays.lower)
        arrays.lower = np.where(new_columns, side, arrays.lower)
        arrays.upper = np.where(new_columns, side, arrays.upper)
        sign = -size if aim.maximise else size
        original = np.concatenate([rows * arrays.row_scale, columns / arrays.column_scale]) * sign
        shown = np.concatenate([new_rows, new_columns])
        multipliers.append(
            MappingProxyType({n: float(v) for n, v, s in zip(names, original, shown, strict=True) if s})
        )
        held_rows, held_columns = held_rows | new_rows, held_columns | new_columns
        if multipliers[-1] and _settled(arrays):
            break
    scaled = checked_answer(asked, exact_answer(asked, scaled))
    values = {c.name: float(v) for c, v in zip(program.columns, scaled * arrays.column_scale, strict=True)}
    return Solution(Outcome.OPTIMAL, MappingProxyType(values), tuple(multipliers))


def _settled(arrays: Scaled) -> bool:
    """Whether the sides that are held leave no column open, so that further aims cannot change the answer."""
    rows = arrays.matrix[arrays.row_lower == arrays.row_upper][:, arrays.lower != arrays.upper]
    equations, unknowns = rows.shape
    return unknowns == 0 or bool(equations >= unknowns and np.linalg.matrix_rank(rows) == unknowns)


def _cost(program: Program, arrays: Scaled, aim: Aim) -> tuple[Array, float]:
    """The aim as a cost to be made small, scaled to a largest coefficient of 1, and its scale."""
    plain = np.array([aim.coefficients.get(column.name, 0.0) for column in program.columns])
    cost = plain * arrays.column_scale
    size = float(np.abs(cost).max(initial=0.0)) or 1.0
    return (-cost if aim.maximise else cost) / size, size


def _outcome(result: Any) -> Outcome:
    known = {0: Outcome.OPTIMAL, 2: Outcome.INFEASIBLE, 3: Outcome.UNBOUNDED}
    if result.status not in known:
        raise RuntimeError(f"the linear program was not solved: {result.message}")
    return known[result.status]


def direction(
    program: Program, values: Mapping[str, float], rates: Mapping[str, float]
) -> tuple[Mapping[str, float], float] | None:
    """How the answer moves when the bounds of some rows move at these rates, and how far that holds.

    The rows in force stay in force. None where they cannot all, or where they leave the answer open. The
    second value is the step at which another row or bound comes into force; infinite where none does.
    """
    arrays = _scaled(program)
    scaled = np.array([values[column.name] for column in program.columns]) / arrays.column_scale
    rate = np.array([rates.get(row.name, 0.0) for row in program.rows]) * arrays.row_scale
    on, _, held, _ = in_force(arrays, scaled)
    rows = arrays.matrix[on]
    move = np.zeros(len(scaled))
    if not held.all():
        found, _, rank, _ = np.linalg.lstsq(rows[:, ~held], rate[on], rcond=None)
        if rank < len(move) - held.sum():
            return None
        move[~held] = found
    size = float(np.abs(rate).max(initial=0.0))
    if np.abs(rows @ move - rate[on]).max(initial=0.0) > SAME_DIRECTION * size:
        return None
    named = {c.name: float(v) for c, v in zip(program.columns, move * arrays.column_scale, strict=True)}
    return MappingProxyType(named), reach(arrays, scaled, move, rate)
