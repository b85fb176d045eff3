"""Which lesions may be targets, and which the rule takes."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.response.rows import BASELINE, limits

from emboplan.model.response import LesionRead, Role
from emboplan.response.reads import Problems
from emboplan.response.targets import (
    baseline_problems,
    choose_targets,
    measurable,
    size_at_baseline,
    smallest_target_mm,
)

LESIONS = limits().lesions


def lesion(name: str = "L", organ: str = "liver", **mm: Any) -> LesionRead:
    sizes = {key: Decimal(str(value)) for key, value in mm.items()}
    return LesionRead(date=BASELINE, lesion=name, organ=organ, role=None, **sizes)  # type: ignore[arg-type]  # diameters


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (lesion(longest_mm="10"), True),
        (lesion(longest_mm="9.9"), False),
        (lesion(longest_mm="10", slice_mm="5"), True),
        (lesion(longest_mm="10", slice_mm="5.1"), False),
        (lesion(longest_mm="15.9", slice_mm="8"), False),
        (lesion(longest_mm="16", slice_mm="8"), True),
        (lesion(organ="lymph node", short_axis_mm="15"), True),
        (lesion(organ="lymph node", short_axis_mm="14.9", longest_mm="30"), False),
        (lesion(organ="lymph node", longest_mm="30"), False),
        (lesion(organ="lymph node", viable_longest_mm="30"), False),
        (lesion(longest_mm="9", slice_mm="4"), False),
        (lesion(organ="lymph node", short_axis_mm="15", slice_mm="10"), True),
        (lesion(viable_longest_mm="12"), True),
        (lesion(longest_mm="9", viable_longest_mm="9"), False),
        (lesion(), False),
    ],
)
def test_measurable(read: LesionRead, *, expected: bool) -> None:
    assert measurable(read, LESIONS) is expected


def test_two_of_an_organ_and_five_in_all() -> None:
    """The largest of each organ first, then the second ones, until there are five."""
    found = [
        lesion("a", longest_mm=90),
        lesion("b", longest_mm=80),
        lesion("c", longest_mm=70),
        lesion("d", "lung", longest_mm=30),
        lesion("e", "lung", longest_mm=20),
        lesion("f", "lymph node", short_axis_mm=16),
        lesion("g", "lymph node", short_axis_mm=40),
        lesion("h", "adrenal", longest_mm=11),
    ]
    assert choose_targets(found, LESIONS) == ("a", "g", "d", "h", "b")


def test_of_equals_the_first_by_name() -> None:
    found = [lesion(name, longest_mm=20) for name in ("c", "a", "b")]
    assert choose_targets(found, LESIONS) == ("a", "b")


def test_nothing_measurable() -> None:
    assert choose_targets([lesion(longest_mm=9)], LESIONS) == ()


@given(
    st.lists(
        st.tuples(st.sampled_from(["liver", "lung", "lymph node", "bone"]), st.integers(1, 400)), max_size=12
    ),
    st.randoms(use_true_random=False),
)
def test_the_choice_keeps_to_the_limits(found: list[tuple[str, int]], random: Any) -> None:
    reads = []
    for number, (organ, tenths) in enumerate(found):
        key = "short_axis_mm" if organ == "lymph node" else "longest_mm"
        reads.append(lesion(f"{number:02}", organ, **{key: Decimal(tenths) / 10}))
    chosen = choose_targets(reads, LESIONS)
    by_name = {read.lesion: read for read in reads}
    organs = [by_name[name].organ for name in chosen]
    assert len(chosen) <= 5
    assert all(organs.count(organ) <= 2 for organ in organs)
    assert all(measurable(by_name[name], LESIONS) for name in chosen)
    # No measurable lesion of a chosen organ that was left out is larger than one that was taken.
    for read in reads:
        if read.lesion not in chosen and measurable(read, LESIONS):
            same = [by_name[name] for name in chosen if by_name[name].organ == read.organ]
            assert all((size_at_baseline(t) or 0) >= (size_at_baseline(read) or 0) for t in same)
    # Every organ with a measurable lesion has a target while there is room.
    involved = {read.organ for read in reads if measurable(read, LESIONS)}
    assert len(set(organs)) == min(5, len(involved))
    turned = list(reads)
    random.shuffle(turned)
    assert choose_targets(turned, LESIONS) == chosen


def test_the_smallest_target() -> None:
    assert smallest_target_mm(lesion(longest_mm=9), LESIONS) == 10
    assert smallest_target_mm(lesion(longest_mm=9, slice_mm=6), LESIONS) == 12
    assert smallest_target_mm(lesion(organ="lymph node"), LESIONS) == 15


@pytest.mark.parametrize(("dropped", "lines"), [(False, 1), (True, 0)])
def test_a_baseline_without_disease_unless_a_row_of_it_was_lost(lines: int, *, dropped: bool) -> None:
    problems = Problems(dropped=dropped)
    baseline_problems({}, LESIONS, problems)
    assert len(problems.lines) == lines


def test_too_many_targets_are_told_organ_by_organ() -> None:
    baseline = {
        name: [replace(lesion(name, organ, longest_mm="20"), role=Role.TARGET)]
        for name, organ in zip("ABCDEF", ["lung"] * 3 + ["liver"] * 3, strict=True)
    }
    problems = Problems()
    baseline_problems(baseline, LESIONS, problems)
    assert problems.lines == [
        "baseline: found 6 targets, expected at most 5 in total",
        "baseline: found 3 targets in the organ liver, expected at most 2",
        "baseline: found 3 targets in the organ lung, expected at most 2",
    ]
