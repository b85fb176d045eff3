"""Linear programs, against hand calculations and against every corner of small ones."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.dosimetry.prescribing.program import (
    Aim,
    Column,
    Outcome,
    Program,
    Row,
    direction,
    solve,
)

# Answers are put on their rows in plain arithmetic: only the last bits differ from a second method.
EXACT = 1e-9

AB = (Column("a"), Column("b"))


def test_two_activities_by_hand() -> None:
    """10 a + 15 b <= 30 and 3 a <= 6: the best of 2 a + b is a = 2, b = 10/15, by both rows."""
    program = Program(AB, (Row("r", {"a": 10, "b": 15}, upper=30), Row("s", {"a": 3}, upper=6)))
    solution = solve(program, [Aim({"a": 2, "b": 1})])
    assert solution.outcome is Outcome.OPTIMAL
    assert dict(solution.values) == pytest.approx({"a": 2.0, "b": 2 / 3}, rel=1e-14)
    assert dict(solution.multipliers[0]) == pytest.approx({"r": 1 / 15, "s": (2 - 10 / 15) / 3}, rel=1e-12)


def test_no_answer_is_a_value() -> None:
    rows = (Row("at most", {"a": 1}, upper=2), Row("at least", {"a": 1}, lower=3))
    assert solve(Program(AB, rows), [Aim({"a": 1})]).outcome is Outcome.INFEASIBLE
    assert solve(Program(AB, rows[:1]), [Aim({"b": 1})]).outcome is Outcome.UNBOUNDED


def test_a_later_aim_only_chooses_among_the_best() -> None:
    """a + b = 4 is best for the first aim; of these the second takes the least a, the row a >= 1 stops it."""
    rows = (Row("sum", {"a": 1, "b": 1}, upper=4), Row("floor", {"a": 1}, lower=1))
    aims = [Aim({"a": 1, "b": 1}), Aim({"a": 1}, maximise=False)]
    solution = solve(Program(AB, rows), aims)
    assert dict(solution.values) == {"a": 1.0, "b": 3.0}
    assert [set(m) for m in solution.multipliers] == [{"sum"}, {"floor"}]


def test_a_second_aim_of_little_weight_takes_nothing_from_the_first() -> None:
    """The second aim would gain a million times what the first loses; it may not."""
    rows = (Row("r", {"a": 1, "b": 1}, upper=1),)
    aims = [Aim({"a": 1, "b": 1 - 1e-6}), Aim({"b": 1e6})]
    assert dict(solve(Program(AB, rows), aims).values) == {"a": 1.0, "b": 0.0}


def test_yes_or_no() -> None:
    """Of 1.5 and 2.5 only the smaller fits under 2, although half of each would do better."""
    columns = (*AB, Column("y", 0, 1, yes_no=True), Column("z", 0, 1, yes_no=True))
    rows = (
        Row("a", {"a": 1, "y": -1.5, "z": -2.5}, lower=0, upper=0),
        Row("one", {"y": 1, "z": 1}, upper=1),
        Row("most", {"a": 1}, upper=2),
        Row("b", {"a": 1, "b": 1}, upper=2),
    )
    solution = solve(Program(columns, rows), [Aim({"a": 1}), Aim({"b": 1})])
    assert dict(solution.values) == pytest.approx({"a": 1.5, "b": 0.5, "y": 1, "z": 0}, abs=1e-12)
    most = Row("few", {"a": 1}, lower=1.6)
    assert solve(Program(columns, (*rows, most)), [Aim({"a": 1})]).outcome is Outcome.INFEASIBLE


def test_a_choice_that_only_the_solvers_tolerance_allows_is_not_taken() -> None:
    """2 breaks the row by two parts in ten million: below the solver's tolerance, above ours."""
    columns = (Column("a"), Column("y", 0, 1, yes_no=True), Column("z", 0, 1, yes_no=True))
    rows = (
        Row("a", {"a": 1, "y": -2, "z": -1}, lower=0, upper=0),
        Row("one", {"y": 1, "z": 1}, lower=1, upper=1),
        Row("most", {"a": 1}, upper=2 * (1 - 2e-7)),
    )
    assert solve(Program(columns, rows), [Aim({"a": 1})]).values["a"] == 1.0


def test_direction_and_reach_by_hand() -> None:
    """With r moved by t, b = (30 + t - 20)/15 grows by 1/15; at b = 1 (t = 5) the row b <= 1 stops it."""
    rows = (
        Row("r", {"a": 10, "b": 15}, upper=30),
        Row("s", {"a": 3}, upper=6),
        Row("b", {"b": 1}, upper=1),
    )
    program = Program(AB, rows)
    found = direction(program, solve(program, [Aim({"a": 2, "b": 1})]).values, {"r": 1.0})
    assert found is not None
    assert dict(found[0]) == pytest.approx({"a": 0.0, "b": 1 / 15}, abs=1e-14)
    assert found[1] == pytest.approx(5.0, rel=1e-12)


def test_where_too_many_rows_meet_there_is_no_one_direction() -> None:
    rows = (Row("r", {"a": 1}, upper=2), Row("s", {"a": 1}, upper=2))
    program = Program(AB[:1], rows)
    values = solve(program, [Aim({"a": 1})]).values
    assert direction(program, values, {"r": 1.0}) is None
    both = direction(program, values, {"r": 1.0, "s": 1.0})
    assert both is not None
    assert dict(both[0]) == pytest.approx({"a": 1.0})


@pytest.mark.parametrize(
    ("columns", "rows"),
    [((Column("a"), Column("a")), ()), ((Column("a"),), (Row("r", {"b": 1.0}, upper=1),))],
)
def test_names_are_checked(columns: tuple[Column, ...], rows: tuple[Row, ...]) -> None:
    with pytest.raises(ValueError, match="name"):
        Program(columns, rows)


def corners(matrix: np.ndarray, sides: np.ndarray) -> list[np.ndarray]:
    """Every corner of {x >= 0, matrix x <= sides}, by solving each choice of rows."""
    size = matrix.shape[1]
    rows, ends = np.vstack([matrix, np.eye(size)]), np.concatenate([sides, np.zeros(size)])
    found = []
    for choice in itertools.combinations(range(len(rows)), size):
        part = rows[list(choice)]
        if np.linalg.cond(part) > 1e8:
            continue
        x = np.linalg.solve(part, ends[list(choice)])
        if (x >= -1e-9).all() and (matrix @ x <= sides * (1 + 1e-9) + 1e-12).all():
            found.append(x)
    return found


coefficient = st.floats(0.1, 50)


@st.composite
def bounded(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    size, count = draw(st.integers(1, 3)), draw(st.integers(1, 6))
    matrix = np.array([[draw(coefficient) for _ in range(size)] for _ in range(count)])
    sides = np.array([draw(st.floats(0.5, 100)) for _ in range(count)])
    return matrix, sides, np.array([draw(st.floats(0.1, 10)) for _ in range(size)])


def program_of(matrix: np.ndarray, sides: np.ndarray) -> Program:
    names = [str(n) for n in range(matrix.shape[1])]
    rows = [
        Row(f"r{n}", dict(zip(names, row, strict=True)), upper=side)
        for n, (row, side) in enumerate(zip(matrix.tolist(), sides.tolist(), strict=True))
    ]
    return Program(tuple(Column(name) for name in names), tuple(rows))


@given(bounded(), st.sampled_from([1e-6, 1.0, 1e6]))
def test_best_of_all_corners(case: tuple[np.ndarray, np.ndarray, np.ndarray], scale: float) -> None:
    """The best corner, whatever the unit of the rows and of the sides; no row is broken beyond rounding."""
    matrix, sides, gain = case
    best = max(float(gain @ x) for x in corners(matrix, sides))
    aim = Aim({str(n): g for n, g in enumerate(gain.tolist())})
    solution = solve(program_of(matrix, sides * scale), [aim])
    x = np.array(list(solution.values.values()))
    assert float(gain @ x) == pytest.approx(best * scale, rel=EXACT)
    assert (matrix @ x <= sides * scale * (1 + EXACT)).all()


@given(bounded())
def test_multipliers_times_sides_are_the_value(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """Strong duality: without other bounds than 0, the value hangs on the sides alone."""
    matrix, sides, gain = case
    aim = Aim({str(n): g for n, g in enumerate(gain.tolist())})
    solution = solve(program_of(matrix, sides), [aim])
    value = float(gain @ np.array(list(solution.values.values())))
    held = solution.multipliers[0]
    total = math.fsum(held.get(f"r{n}", 0.0) * side for n, side in enumerate(sides.tolist()))
    # Multipliers below 1e-9 of the aim are left out, so that the sum may miss that much.
    assert total == pytest.approx(value, rel=1e-6)
