"""The size of a target from its reads: gone, too small, split, merged, not looked at."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from tests.response.rows import BASELINE, limits

from emboplan.model.response import LesionRead, Role, State
from emboplan.response.target_size import CriterionName, Measure, TargetSize, measure_of, target_size

LESIONS = limits().lesions


def read(organ: str = "liver", state: State | None = None, **mm: Any) -> LesionRead:
    sizes = {key: Decimal(str(value)) for key, value in mm.items()}
    return LesionRead(date=BASELINE, lesion="A", organ=organ, role=Role.TARGET, state=state, **sizes)  # type: ignore[arg-type]  # diameters


def of(measure: Measure, *reads: LesionRead) -> TargetSize:
    return target_size("A", reads, measure, LESIONS)


@pytest.mark.parametrize(
    ("lesion", "size", "gone"),
    [
        (read(longest_mm="3.2"), "3.2", False),
        (read(longest_mm="0"), "0", True),
        (read(state=State.ABSENT), "0", True),
        (read(state=State.ABSENT, short_axis_mm="9.9"), "0", True),
        (read(state=State.TOO_SMALL), "5", False),
        (read(state=State.NOT_ASSESSED), None, False),
        (read(state=State.MERGED), "0", False),
        (read(), None, False),
    ],
)
def test_longest_diameters(lesion: LesionRead, size: str | None, *, gone: bool) -> None:
    expected = TargetSize("A", False, None if size is None else Fraction(size), gone)
    assert of(Measure.LONGEST, lesion) == expected


@pytest.mark.parametrize(
    ("lesion", "size", "gone"),
    [
        (read("lymph node", short_axis_mm="9.9", longest_mm=20), "9.9", True),
        (read("lymph node", short_axis_mm="10", longest_mm=20), "10", False),
        (read("lymph node", state=State.TOO_SMALL), "5", True),
        (read("lymph node", state=State.ABSENT), "0", True),
        (read("lymph node", state=State.ABSENT, short_axis_mm="9.9"), "9.9", True),
        (read("lymph node", state=State.MERGED, short_axis_mm="9.9"), "0", False),
        (read("lymph node", state=State.NOT_ASSESSED), None, False),
    ],
)
def test_short_axes_of_nodes(lesion: LesionRead, size: str | None, *, gone: bool) -> None:
    expected = TargetSize("A", True, None if size is None else Fraction(size), gone)
    assert of(Measure.SHORT_AXIS, lesion) == expected


def test_parts_of_a_split_lesion_are_added() -> None:
    parts = (read(longest_mm=12, state=State.SPLIT), read(longest_mm="8.5", state=State.SPLIT))
    assert of(Measure.LONGEST, *parts).size == Fraction("20.5")
    missing = (*parts, read(state=State.NOT_ASSESSED))
    assert of(Measure.LONGEST, *missing).size is None


def test_no_row_is_not_assessed() -> None:
    assert of(Measure.LONGEST) == TargetSize("A", node=False, size=None, gone=False)


@pytest.mark.parametrize(
    ("lesion", "size", "gone"),
    [
        (read(viable_longest_mm=28, viable_perpendicular_mm=20), 560, False),
        (read(viable_longest_mm=0), 0, True),
        (read(viable_longest_mm=28), None, False),
        (read(viable_perpendicular_mm=28), None, False),
        (read(state=State.TOO_SMALL), 25, False),
        (read(state=State.ABSENT), 0, True),
    ],
)
def test_viable_areas(lesion: LesionRead, size: int | None, *, gone: bool) -> None:
    found = of(Measure.VIABLE_AREA, lesion)
    assert (found.size, found.gone, found.node) == (size, gone, False)


def test_a_viable_part_that_is_gone_from_a_lesion_that_is_not() -> None:
    found = of(Measure.VIABLE, read(longest_mm=30, viable_longest_mm=0))
    assert found == TargetSize("A", node=False, size=Fraction(0), gone=True)


@pytest.mark.parametrize(
    ("criterion", "lesion", "expected"),
    [
        ("recist", read(longest_mm=20, viable_longest_mm=10), Measure.LONGEST),
        ("recist", read("lymph node", short_axis_mm=20), Measure.SHORT_AXIS),
        ("mrecist", read(longest_mm=20, viable_longest_mm=10), Measure.VIABLE),
        ("mrecist", read(longest_mm=20, viable_longest_mm=0), Measure.LONGEST),
        ("mrecist", read(longest_mm=20), Measure.VIABLE),
        ("mrecist", read("lymph node", short_axis_mm=20, viable_longest_mm=20), Measure.SHORT_AXIS),
        ("easl", read(longest_mm=20), Measure.VIABLE_AREA),
        ("easl", read("lymph node", short_axis_mm=20), Measure.VIABLE_AREA),
        ("who", read(longest_mm=20, viable_longest_mm=0), Measure.AREA),
        ("who", read("lymph node", short_axis_mm=20), Measure.AREA),
    ],
)
def test_what_is_measured(criterion: str, lesion: LesionRead, expected: Measure) -> None:
    assert measure_of(CriterionName(criterion), lesion) is expected


def test_each_measure_takes_its_own_diameters() -> None:
    """30 x 20 mm in all, 12 x 7 mm of it viable."""
    lesion = read(longest_mm=30, short_axis_mm=20, viable_longest_mm=12, viable_perpendicular_mm=7)
    sizes = {measure: of(measure, lesion).size for measure in Measure}
    assert sizes == {
        Measure.LONGEST: 30,
        Measure.SHORT_AXIS: 20,
        Measure.VIABLE: 12,
        Measure.VIABLE_AREA: 84,
        Measure.AREA: 600,
    }


def test_what_was_not_assessed_has_no_size_whatever_stands_beside_it() -> None:
    assert of(Measure.LONGEST, read(state=State.NOT_ASSESSED, longest_mm=30)).size is None
