"""What rows say together: baseline, time points, roles that stay, and every mistake at once."""

from datetime import date
from typing import Any

import pytest
from tests.response.rows import course_of, day, limits, row

from emboplan.errors import CaseFileError
from emboplan.model.response import Role
from emboplan.response.reads import Problems, reads_from_rows
from emboplan.response.target_size import CriterionName
from emboplan.response.timeline import Timeline, timeline


def read(
    rows: list[dict[str, Any]], criterion: CriterionName = CriterionName.RECIST, as_of: date | None = None
) -> Timeline:
    problems = Problems()
    reads = reads_from_rows(rows, problems=problems)
    found = timeline(reads, criterion, limits().lesions, problems, as_of=as_of)
    problems.finish()
    assert found is not None
    return found


def lines(rows: list[dict[str, Any]], **more: Any) -> list[str]:
    with pytest.raises(CaseFileError) as caught:
        read(rows, **more)
    return list(caught.value.problems)


def test_rows_of_one_date_are_one_time_point() -> None:
    found = read([row(60, "B", mm=11), row(0, "B", mm=12), row(0, "A", mm=20), row(60, "A", mm=19)])
    assert found.baseline.date == day(0)
    assert [point.date for point in found.follow_ups] == [day(60)]
    assert found.targets == ("A", "B")
    assert found.findings == ()


def test_named_time_points_may_span_days() -> None:
    rows = [
        row(0, "A", mm=20, time_point="1"),
        row(3, "B", mm=20, organ="lung", time_point="1"),
        row(60, "A", mm=20, time_point="2"),
        row(58, "B", mm=20, organ="lung", time_point="2"),
    ]
    found = read(rows)
    assert (found.baseline.date, found.follow_ups[0].date) == (day(3), day(60))
    assert found.follow_ups[0].label == "2"


def test_a_lesion_without_a_row_is_not_assessed_and_said_so() -> None:
    rows = [row(0, "A", mm=20), row(0, "N", "non-target", state="present"), row(60, "A", mm=20)]
    assert read(rows).findings == (f"{day(60)}: no row for N; taken as not assessed at this time point",)


def test_roles_are_chosen_where_no_row_states_one() -> None:
    rows = [row(0, name, None, mm=mm) for name, mm in (("A", 30), ("B", 40), ("C", 20), ("D", 9))]
    rows += [row(60, "A", None, mm=30), row(60, "X", "new")]
    found = read(rows)
    assert found.targets == ("A", "B")
    assert tuple(found.non_targets) == ("C", "D")
    assert found.findings[0] == (
        "No row states a role: the largest measurable lesions were taken as targets (B, A)."
    )


def test_roles_are_chosen_at_the_whole_first_visit() -> None:
    """Its scans may have several dates, where rows name their visit."""
    rows = [row(0, "A", None, mm=20, time_point="1"), row(3, "B", None, mm=30, time_point="1")]
    rows += [row(60, "A", None, mm=20, time_point="2"), row(60, "B", None, mm=30, time_point="2")]
    for given in (rows, rows[::-1], [rows[2], *rows[:2], rows[3]]):
        found = read(given)
        assert found.targets == ("A", "B")
        assert found.findings[0].endswith("(B, A).")


def test_roles_are_chosen_by_the_sizes_of_the_first_visit_alone() -> None:
    """At the first visit B and C are the largest, at the second one A and C."""
    sizes = {"1": {"A": 20, "B": 30, "C": 25}, "2": {"A": 60, "B": 12, "C": 25}}
    rows = [
        row(60 * int(visit), name, None, mm=mm, time_point=visit)
        for visit in ("2", "1")
        for name, mm in sizes[visit].items()
    ]
    assert read(rows).targets == ("B", "C")
    dated = [{**it, "time_point": ""} for it in rows]
    assert read(dated).targets == ("B", "C")


def test_a_new_lesion_stays_new_where_roles_are_chosen() -> None:
    rows = [row(0, "A", None, mm=20), row(60, "A", None, mm=20), row(60, "X", "new")]
    assert [it.lesion for it in read(rows).follow_ups[0].with_role(Role.NEW)] == ["X"]


def test_without_a_measurable_lesion_the_finding_says_so() -> None:
    rows = [row(0, "A", None, mm=9), row(60, "A", None, mm=9)]
    assert read(rows).findings[0].endswith("(none, since no lesion is measurable).")


def test_a_target_that_is_wrong_by_itself_is_told_once() -> None:
    rows = [row(0, "A", state="too-small", longest_mm=20), row(60, "A", mm=20)]
    assert lines(rows) == ["row 1, lesion A: state: found too-small beside a diameter; give one of them"]


PLACE = "row 1, lesion A"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [row(0, "A", mm="9.9")],
            [f"{PLACE}: longest_mm: found 9.9 mm, expected 10 mm or more for a target; make it a non-target"],
        ),
        (
            [row(0, "A", organ="node", mm="14.9")],
            [
                (
                    f"{PLACE}: short_axis_mm: found 14.9 mm, expected 15 mm or more for a node as target; "
                    "make it a non-target"
                )
            ],
        ),
        (
            [row(0, "A", mm="15", slice_mm=8)],
            [f"{PLACE}: longest_mm: found 15 mm, expected 16 mm or more for a target; make it a non-target"],
        ),
        (
            [row(0, "A")],
            [f"{PLACE}: longest_mm: found nothing at baseline; a target needs a measurement above 0"],
        ),
        (
            [row(0, "A", state="absent")],
            [f"{PLACE}: state: found absent at baseline; a target must be measured there"],
        ),
        (
            [row(0, "A", "new")],
            [
                f"{PLACE}: role: found new at the first time point, which is the baseline",
                "baseline: missing; the first time point has no target and no non-target lesion",
            ],
        ),
        (
            [row(0, name, mm=20) for name in "ABC"],
            ["baseline: found 3 targets in the organ liver, expected at most 2"],
        ),
        (
            [
                row(0, f"{organ}{n}", mm=20, organ=organ)
                for organ in ("liver", "lung", "bone")
                for n in (1, 2)
            ],
            ["baseline: found 6 targets, expected at most 5 in total"],
        ),
        (
            [row(0, f"{side}{n}", mm=20, organ=f"{side} node") for side in ("neck", "hilar") for n in (1, 2)],
            ["baseline: found 4 targets in the organ lymph node, expected at most 2"],
        ),
        (
            [row(0, "A", mm=20), row(60, "B", mm=20)],
            [
                (
                    f"row 2, lesion B: is a target lesion without a row at baseline ({day(0)}); add it, "
                    "or give it the role new"
                )
            ],
        ),
        (
            [row(0, "A", mm=20), row(60, "A", mm=20), row(60, "A", mm=21)],
            [
                (
                    f"row 3, lesion A: stands twice at {day(60)} (row 2 too); keep one row, "
                    "or give each part of a lesion that has split the state split"
                )
            ],
        ),
        (
            [row(0, "A", mm=20), row(60, "A", "non-target", state="present")],
            [f"row 2, lesion A: role: found non-target, but it is target on {day(0)}"],
        ),
        (
            [row(0, "A", mm=20), row(60, "A", mm=20, organ="lung")],
            [f'row 2, lesion A: organ: found "lung", but it is "liver" on {day(0)}'],
        ),
        (
            [row(0, "A", mm=20), row(60, "A")],
            ["row 2, lesion A: longest_mm: missing; give it, or the state absent, too-small or not-assessed"],
        ),
        (
            [row(0, "A", mm=20), row(60, "A", state="merged")],
            [
                (
                    "row 2, lesion A: state: found merged, but no other target of the liver was measured on "
                    f"{day(60)}"
                )
            ],
        ),
        (
            [row(0, "A", mm=20), row(60, "A", None, mm=20)],
            ["row 2, lesion A: role: missing; expected target, non-target or new"],
        ),
        (
            [row(0, "A", None, mm=20), row(60, "B", None, mm=20)],
            ["row 2, lesion B: role: missing, and the lesion is not at baseline; is it new?"],
        ),
        (
            [row(0, "A", mm=20, time_point="1"), row(60, "A", mm=20)],
            ["row 2, lesion A: time_point: missing; other rows name theirs"],
        ),
        (
            [row(0, "A", mm=20, time_point="2"), row(60, "A", mm=20, time_point="1")],
            [f"time point 2: is dated {day(0)}, before time point 1 ({day(60)})"],
        ),
        (
            [
                row(0, "A", mm=20, time_point="a"),
                row(60, "B", mm=20, time_point="a"),
                row(60, "A", mm=20, time_point="b"),
            ],
            [f"time point b: begins on {day(60)}, not after the last scan of a ({day(60)})"],
        ),
    ],
)
def test_one_line_for_each_mistake(rows: list[dict[str, Any]], expected: list[str]) -> None:
    assert expected == lines(rows)


@pytest.mark.parametrize("role", ["target", "non-target"])
def test_a_node_is_gone_below_the_size_of_a_normal_one(role: str) -> None:
    """10 mm is not normal, 9.9 mm is; a node without a state may have any size."""
    first = [row(0, "L", mm=20), row(0, "N", role, organ="node", mm=20), row(60, "L", mm=20)]
    (line,) = lines([*first, row(60, "N", role, organ="node", mm=10, state="absent")])
    assert line == (
        "row 4, lesion N: state: found absent beside a short axis of 10 mm, expected less than 10 mm for a "
        "node that is gone; give one of them"
    )
    for more in ({"mm": "9.9", "state": "absent"}, {"state": "absent"}, {"mm": 10}):
        assert len(read([*first, row(60, "N", role, organ="node", **more)]).follow_ups) == 1


def test_a_lesion_that_is_gone_beside_a_short_axis_is_told_once() -> None:
    rows = [row(0, "L", mm=20), row(60, "L", short_axis_mm=12, state="absent")]
    assert lines(rows) == [
        "row 2, lesion L: state: found absent beside a diameter above 0 mm; give one of them"
    ]


def test_time_points_may_not_overlap() -> None:
    rows = [row(number, "A", mm=20, time_point=name) for number, name in ((0, "a"), (55, "b"))]
    rows += [row(number, "B", mm=20, time_point=name) for number, name in ((60, "a"), (120, "b"))]
    assert lines(rows) == [f"time point b: begins on {day(55)}, not after the last scan of a ({day(60)})"]


def test_names_of_time_points_need_no_numbers() -> None:
    rows = [row(number, "A", mm=20, time_point=name) for number, name in ((0, "9"), (60, "week 8"))]
    assert [point.label for point in read(rows).follow_ups] == ["week 8"]


def test_one_part_of_a_split_lesion_without_its_state() -> None:
    rows = [row(0, "A", mm=20), row(60, "A", mm=9, state="split"), row(60, "A", mm=9)]
    assert [line.partition(":")[0] for line in lines(rows)] == ["row 3, lesion A"]
    rows[2]["state"] = "split"
    assert len(read(rows).follow_ups[0].of("A")) == 2


def test_a_missing_role_hides_no_other_mistake() -> None:
    rows = [row(0, "A", mm=5), row(60, "A", None, mm=20)]
    assert [line.partition(":")[0] for line in lines(rows)] == ["row 2, lesion A", "row 1, lesion A"]


def test_limits_themselves_are_allowed() -> None:
    rows = [row(0, "A", mm=10), row(0, "B", mm=10), row(0, "N", organ="node", mm=15)]
    rows += [row(0, "P", mm=16, organ="lung", slice_mm=8), row(0, "Q", mm=10, organ="lung")]
    assert read(rows).targets == ("A", "B", "N", "P", "Q")


def test_a_day_after_that_of_the_data() -> None:
    rows = course_of([(0, 20), (60, 20)])
    assert read(rows, as_of=day(60)).follow_ups
    assert lines(rows, as_of=day(59)) == [
        f"row 2, lesion L1: date: found {day(60)}, which is after {day(59)}, the day of the data"
    ]


def test_mistakes_of_rows_and_of_their_company_come_together() -> None:
    """A row with a wrong diameter is there; it is not told to be missing as well."""
    rows = [row(0, "A", mm="NaN"), row(0, "B", mm=5), row(60, "A", mm=20), row(60, "B", mm=20)]
    assert [line.partition(":")[0] for line in lines(rows)] == ["row 1, lesion A", "row 2, lesion B"]


def test_a_row_that_cannot_be_placed_makes_nothing_missing() -> None:
    rows = [row(0, "A", mm=20), row(0, "B", mm=20) | {"date": "x"}, row(60, "A", mm=20), row(60, "B", mm=20)]
    assert lines(rows) == ['row 2, lesion B: date: found "x", expected a date as YYYY-MM-DD']


@pytest.mark.parametrize(
    ("criterion", "cells", "line"),
    [
        (
            CriterionName.EASL,
            {"mm": 20, "viable_longest_mm": 15},
            (
                "row 1, lesion A: viable_longest_mm and viable_perpendicular_mm: found nothing at baseline; "
                "a target needs a measurement above 0"
            ),
        ),
        (
            CriterionName.EASL,
            {"mm": 20, "viable_longest_mm": 0},
            (
                "row 1, lesion A: viable_longest_mm and viable_perpendicular_mm: found 0 at baseline; "
                "a target needs a measurement above 0"
            ),
        ),
    ],
)
def test_what_a_criterion_needs(criterion: CriterionName, cells: dict[str, Any], line: str) -> None:
    assert lines([row(0, "A", **cells)], criterion=criterion) == [line]


def test_mrecist_asks_whether_anything_enhances() -> None:
    assert lines([row(0, "A", mm=20)], criterion=CriterionName.MRECIST) == [
        (
            "row 1, lesion A: viable_longest_mm: found nothing at baseline; give it, or 0 for a target that "
            "is measured whole since nothing enhances"
        )
    ]


def test_mrecist_measures_a_lesion_without_enhancement_whole() -> None:
    rows = [row(0, "A", mm=20, viable_longest_mm=15), row(0, "B", mm=20, viable_longest_mm=0)]
    found = read(rows, CriterionName.MRECIST)
    assert dict(found.measures) == {"A": "viable_longest_mm", "B": "longest_mm"}
    assert found.findings == ("Nothing enhances in B at baseline: measured whole.",)
    assert read(rows).findings == ()


def test_with_a_problem_there_is_no_course() -> None:
    problems = Problems()
    reads = reads_from_rows([row(0, "A", mm=5)], problems=problems)
    assert timeline(reads, CriterionName.RECIST, limits().lesions, problems) is None
    assert timeline((), CriterionName.RECIST, limits().lesions, Problems()) is None


def test_lesions_come_in_the_order_of_their_names() -> None:
    rows = [
        row(0, name, mm=20, organ=organ) for name, organ in (("B", "lung"), ("C", "bone"), ("A", "liver"))
    ]
    rows += [row(0, name, "non-target", state="present") for name in ("N2", "N3", "N1")]
    rows += [row(60, "B", mm=20, organ="lung"), *(row(60, name, "new") for name in ("Y", "X"))]
    found = read(rows)
    assert found.targets == ("A", "B", "C")
    assert [*found.non_targets] == ["N1", "N2", "N3"]
    assert [it.lesion for it in found.follow_ups[0].with_role(Role.NEW)] == ["X", "Y"]
    assert found.findings == (
        f"{day(60)}: no row for A, C, N1, N2, N3; taken as not assessed at this time point",
    )


def test_a_role_and_an_organ_are_those_of_the_first_day_whatever_the_order_of_rows() -> None:
    rows = [row(60, "A", "non-target", state="present", organ="lung"), row(0, "A", mm=20)]
    assert lines(rows) == [
        f"row 1, lesion A: role: found non-target, but it is target on {day(0)}",
        f'row 1, lesion A: organ: found "lung", but it is "liver" on {day(0)}',
    ]


def test_a_lesion_merges_only_within_its_organ() -> None:
    rows = [row(0, "A", mm=20), row(0, "B", mm=20, organ="lung")]
    rows += [row(60, "A", state="merged"), row(60, "B", mm=20, organ="lung")]
    assert lines(rows) == [
        (f"row 3, lesion A: state: found merged, but no other target of the liver was measured on {day(60)}")
    ]


def test_the_other_part_of_a_merged_lesion_may_be_in_a_row_that_cannot_be_placed() -> None:
    rows = [row(0, "A", mm=20), row(0, "B", mm=20), row(60, "A", state="merged")]
    rows.append(row(60, "B", mm=30) | {"date": "x"})
    assert lines(rows) == ['row 4, lesion B: date: found "x", expected a date as YYYY-MM-DD']


def test_a_wrong_diameter_is_not_told_to_be_missing_as_well() -> None:
    rows = [row(0, "A", mm=20), row(60, "A", mm="NaN")]
    assert [line.partition(":")[2].partition(",")[0] for line in lines(rows)] == [' longest_mm: found "NaN"']


def test_where_everything_enhances_nothing_is_measured_whole() -> None:
    assert read([row(0, "A", mm=20, viable_longest_mm=15)], CriterionName.MRECIST).findings == ()


def test_time_points_of_the_same_number_are_in_order() -> None:
    rows = [row(number, "A", mm=20, time_point=name) for number, name in ((0, "1"), (60, "01"))]
    assert [point.label for point in read(rows).follow_ups] == ["01"]
