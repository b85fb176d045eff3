"""Whole courses: sums and nadirs, new lesions, the liver by itself, and the day of progression."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.response.rows import course_of, day, limits, row

from emboplan.model.results.response import ScopePoint, TimePointResponse
from emboplan.response.assess import AREA, Criterion, assess
from emboplan.response.reads import Problems, reads_from_rows
from emboplan.response.target_size import CriterionName
from emboplan.response.timeline import timeline

RECIST = Criterion(limits().lesions, limits().recist)


def judged(
    rows: list[dict[str, Any]],
    name: str = "recist",
    criterion: Criterion = RECIST,
    *,
    reread_cr: bool = False,
) -> tuple[TimePointResponse, ...]:
    problems = Problems()
    reads = reads_from_rows(rows, problems=problems)
    course = timeline(reads, CriterionName(name), limits().lesions, problems)
    problems.finish()
    assert course is not None
    return assess(course, criterion, reread_cr=True) if reread_cr else assess(course, criterion)


def overall(rows: list[dict[str, Any]], **more: Any) -> list[str | None]:
    return [point.overall_point.overall for point in judged(rows, **more)]


def hepatic(rows: list[dict[str, Any]], **more: Any) -> list[str | None]:
    return [point.hepatic_point.overall for point in judged(rows, **more)]


def last(rows: list[dict[str, Any]]) -> tuple[ScopePoint, ScopePoint]:
    point = judged(rows)[-1]
    return point.overall_point, point.hepatic_point


def test_sums_and_nadirs_of_a_course() -> None:
    """100, 40, 60: response, then progression from the nadir, though 40 % below the baseline."""
    points = [point.overall_point for point in judged(course_of([(0, 100), (60, 40), (120, 60), (180, 30)]))]
    assert [p.size for p in points] == [100, 40, 60, 30]
    assert [p.nadir for p in points] == [100, 100, 40, 40]
    assert [p.target for p in points] == [None, "PR", "PD", "PR"]
    assert [p.overall for p in points] == [None, "PR", "PD", "PR"]
    assert [p.progression_date for p in points] == [None, None, day(120), None]


def test_the_worked_case_of_the_liver() -> None:
    """Liver 40 + 30 to 26 + 20 is a decrease of 34.3 %; a nodule of the lung is new."""
    rows = [row(0, "A", mm=40), row(0, "B", mm=30), row(60, "A", mm=26), row(60, "B", mm=20)]
    rows.append(row(60, "X", "new", organ="lung", mm=8))
    assert (overall(rows)[-1], hepatic(rows)[-1]) == ("PD", "PR")


def test_a_new_lesion_of_the_liver_is_progression_of_both() -> None:
    rows = [*course_of([(0, 40), (60, 10)]), row(60, "X", "new")]
    assert (overall(rows)[-1], hepatic(rows)[-1]) == ("PD", "PD")


def test_an_equivocal_lesion_counts_from_its_first_appearance_once_it_is_certain() -> None:
    """Until then it is no new lesion; the day of progression is the first one."""
    unsure = [*course_of([(0, 40), (60, 40), (120, 40)]), row(60, "X", "new", state="equivocal")]
    assert overall(unsure) == [None, "SD", "SD"]
    certain = [*unsure, row(120, "X", "new", state="unequivocal")]
    assert overall(certain) == [None, "PD", "PD"]
    points = judged(certain)
    assert [p.overall_point.progression_date for p in points] == [None, day(60), day(60)]
    gone = [*unsure, row(120, "X", "new", state="absent")]
    assert overall(gone) == [None, "SD", "SD"]


def test_a_new_lesion_stays_one() -> None:
    rows = [*course_of([(0, 40), (60, 40), (120, 20)]), row(60, "X", "new")]
    assert overall(rows) == [None, "PD", "PD"]
    assert overall([*rows, row(120, "X", "new", state="absent")]) == [None, "PD", "PD"]


def test_days_of_a_set_of_scans() -> None:
    """Progression of the sum: the last scan of the targets. A non-target: its scan. A new lesion: its own."""

    def visit(**more: Any) -> list[dict[str, Any]]:
        return [
            row(0, "A", mm=20, time_point="0"),
            row(0, "N", "non-target", organ="lung", state="present", time_point="0"),
            row(60, "A", mm=more.get("mm", 20), time_point="1"),
            row(57, "N", "non-target", organ="lung", state=more.get("state", "present"), time_point="1"),
        ]

    assert last(visit(mm=30))[0].progression_date == day(60)
    second = [row(0, "B", mm=20, time_point="0"), row(58, "B", mm=20, time_point="1")]
    assert last([*visit(mm=30), *second])[0].progression_date == day(60)
    whole, liver = last(visit(state="progressed"))
    assert whole.progression_date == day(57)
    assert liver.progression_date is None
    assert last(visit(mm=30, state="progressed"))[0].progression_date == day(57)
    new = [*visit(mm=30), row(58, "X", "new", organ="lung", time_point="1")]
    whole, liver = last(new)
    assert whole.progression_date == day(58)
    assert liver.progression_date == day(60)
    assert (whole.date, liver.date) == (day(60), day(60))


def test_the_liver_s_last_look_is_that_of_the_liver() -> None:
    rows = [
        row(0, "A", mm=20, time_point="0"),
        row(0, "B", mm=20, organ="lung", time_point="0"),
        row(55, "A", mm=20, time_point="1"),
        row(60, "B", mm=20, organ="lung", time_point="1"),
    ]
    whole, liver = last(rows)
    assert (whole.date, liver.date) == (day(60), day(55))


def test_a_target_without_a_row_is_not_evaluable() -> None:
    rows = [row(0, "A", mm=20), row(0, "B", mm=20), row(60, "A", mm=20)]
    whole, _ = last(rows)
    assert whole.overall == "NE"
    assert whole.size is None
    assert whole.nadir == 40


def test_an_incomplete_sum_is_no_nadir() -> None:
    rows = [
        row(0, "A", mm=30),
        row(0, "B", mm=30),
        row(60, "A", mm=5),
        row(120, "A", mm=25),
        row(120, "B", mm=30),
    ]
    assert overall(rows) == [None, "NE", "SD"]


def test_no_disease_in_the_liver() -> None:
    rows = [row(0, "A", mm=20, organ="lung"), row(60, "A", mm=20, organ="lung")]
    assert (overall(rows), hepatic(rows)) == ([None, "SD"], [None, None])
    assert hepatic([*rows, row(60, "X", "new")]) == [None, "PD"]


def test_no_target_at_all() -> None:
    rows = [row(0, "N", "non-target", state="present"), row(60, "N", "non-target", state="absent")]
    assert overall(rows) == [None, "CR"]
    rows[1]["state"] = "present"
    assert overall(rows) == [None, "non-CR/non-PD"]
    assert judged(rows)[1].overall_point.size is None


def test_a_complete_response_needs_the_non_targets_too() -> None:
    rows = [*course_of([(0, 20), (60, 0), (120, 0)]), row(0, "N", "non-target", state="present")]
    rows += [row(60, "N", "non-target", state="present"), row(120, "N", "non-target", state="absent")]
    assert overall(rows) == [None, "PR", "CR"]


@pytest.mark.parametrize(
    ("target", "non_target", "new", "expected"),
    [
        ("0", "absent", False, True),
        ("0", "not-assessed", False, True),
        ("0", "present", False, False),
        ("3", "absent", False, False),
        ("0", "absent", True, False),
    ],
)
def test_whether_any_disease_was_seen(target: str, non_target: str, expected: bool, *, new: bool) -> None:
    rows = [*course_of([(0, 20), (60, target)]), row(0, "N", "non-target", state="present")]
    rows.append(row(60, "N", "non-target", state=non_target))
    if new:
        rows.append(row(60, "X", "new"))
    assert last(rows)[0].no_disease is expected


def test_recurrence_of_a_target_after_a_complete_response() -> None:
    assert overall(course_of([(0, 20), (60, 0), (120, "0.5")])) == [None, "CR", "PD"]
    nodes = [row(0, "A", mm=18), row(0, "N", mm=16, organ="node"), row(60, "A", mm=0)]
    nodes += [row(60, "N", mm=9, organ="node"), row(120, "A", mm=3), row(120, "N", mm=9, organ="node")]
    points = judged(nodes)
    assert [p.overall_point.overall for p in points] == [None, "CR", "PD"]
    assert points[1].overall_point.size == 9


@pytest.mark.parametrize(
    ("sizes", "strict", "reread"),
    [
        ([0, 8], ["CR", "PD"], ["PR", "PR"]),
        ([0, None, 8], ["CR", "NE", "PD"], ["PR", "NE", "PR"]),  # the next one that can be judged decides
        ([0, 45], ["CR", "PD"], ["CR", "PD"]),
        ([0], ["CR"], ["CR"]),
        ([0, None], ["CR", "NE"], ["CR", "NE"]),
        ([0, 0, 8], ["CR", "CR", "PD"], ["CR", "CR", "PD"]),
        ([45, 30], ["SD", "PR"], ["SD", "PR"]),  # what was no complete response is not read again
        ([30, 0, 45], ["PR", "CR", "PD"], ["PR", "CR", "PD"]),  # 45 is 15 mm more than 30
    ],
)
def test_a_complete_response_read_again(
    sizes: list[int | None], strict: list[str], reread: list[str]
) -> None:
    """A target of 50 mm at baseline; partial is 35 mm or less. After 0 mm anything is progression."""
    rows = [row(0, "A", mm=50)]
    for visit, size in enumerate(sizes, start=1):
        rows.append(row(60 * visit, "A", **({"state": "not-assessed"} if size is None else {"mm": size})))
    assert overall(rows)[1:] == strict
    again = judged(rows, reread_cr=True)[1:]
    assert [point.overall_point.overall for point in again] == reread
    assert [point.overall_point.no_disease for point in again] == [word == "CR" for word in reread]


def test_a_complete_response_that_a_second_one_confirms_is_not_read_again() -> None:
    """A node of 9 mm is gone; 12 mm are 3 mm more (no progression) and partial beside 34 mm."""
    rows = [row(0, "A", mm=18), row(0, "N", organ="node", mm=16)]
    for visit, axis in enumerate((9, 9, 12), start=1):
        rows += [row(60 * visit, "A", mm=0), row(60 * visit, "N", organ="node", mm=axis)]
    assert overall(rows)[1:] == ["CR", "CR", "PR"]
    assert [p.overall_point.overall for p in judged(rows, reread_cr=True)[1:]] == ["CR", "CR", "PR"]


def test_one_target_that_shows_again_is_progression_of_the_sum_only() -> None:
    """70 to 40 to 43 mm: a partial response by RECIST, whatever became of the small one."""
    rows = [row(0, "A", mm=50), row(0, "B", mm=20), row(60, "A", mm=40), row(60, "B", mm=0)]
    rows += [row(120, "A", mm=40), row(120, "B", mm=3)]
    assert overall(rows) == [None, "PR", "PR"]


def test_merged_lesions_are_no_complete_response() -> None:
    rows = [row(0, "A", mm=20), row(0, "B", mm=20), row(60, "A", mm=38), row(60, "B", state="merged")]
    whole, _ = last(rows)
    assert whole.size == 38
    assert whole.target == "SD"


def test_areas_by_easl() -> None:
    easl = Criterion(limits().lesions, limits().easl, AREA, reenhancement=True)

    def area(number: int, longest: float, across: float) -> dict[str, Any]:
        return row(number, "A", mm=60, viable_longest_mm=longest, viable_perpendicular_mm=across)

    rows = [area(0, 50, 40), area(60, 0, 0), area(120, 10, 2)]
    points = judged(rows, "easl", easl)
    assert [p.overall_point.overall for p in points] == [None, "CR", "PD"]
    table = points[1].to_json()
    assert (table["sum_mm"], table["sum_mm2"], table["nadir_mm2"], table["hepatic_sum_mm2"]) == (
        None,
        0,
        2000,
        0,
    )


def test_a_baseline_has_no_answers() -> None:
    table = judged(course_of([(0, 20)]))[0].to_json()
    assert (table["sum_mm"], table["nadir_mm"], table["new_lesion"]) == (20, 20, False)
    assert {table[key] for key in ("target", "non_target", "overall", "hepatic", "progression_date")} == {
        None
    }


def test_the_json_of_a_time_point() -> None:
    table = judged(course_of([(0, "20.5"), (60, 30)]))[1].to_json()
    assert table == {
        "time_point": "2024-03-01",
        "date": "2024-03-01",
        "sum_mm": 30,
        "nadir_mm": 20.5,
        "target": "PD",
        "non_target": None,
        "new_lesion": False,
        "overall": "PD",
        "hepatic": "PD",
        "hepatic_sum_mm": 30,
        "hepatic_nadir_mm": 20.5,
        "progression_date": "2024-03-01",
        "hepatic_progression_date": "2024-03-01",
    }


tenths = st.integers(0, 600).map(lambda n: str(n / 10))


@given(st.lists(st.tuples(tenths, tenths), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(visits: list[tuple[str, str]], random: Any) -> None:
    rows = [row(0, "A", mm=30), row(0, "B", mm=20)]
    for number, (one, other) in enumerate(visits, start=1):
        rows += [row(60 * number, "A", mm=one), row(60 * number, "B", mm=other)]
    turned = list(rows)
    random.shuffle(turned)
    assert judged(rows) == judged(turned)
    nadirs = [p.overall_point.nadir for p in judged(rows)]
    assert all(later <= earlier for earlier, later in pairwise(nadirs) if earlier and later)


def test_a_new_lesion_changes_nothing_before_it_appears() -> None:
    rows = [*course_of([(0, 40), (60, 40), (120, 40)]), row(120, "X", "new")]
    assert overall(rows) == [None, "SD", "PD"]


def test_without_targets_there_is_no_sum() -> None:
    rows = [row(number, "N", "non-target", state="present") for number in (0, 60)]
    assert [(p.overall_point.size, p.overall_point.nadir) for p in judged(rows)] == [(None, None)] * 2


def test_a_non_target_without_a_row_is_not_evaluable() -> None:
    rows = [*course_of([(0, 40), (60, 0)]), row(0, "N", "non-target", state="present")]
    assert (last(rows)[0].non_target, last(rows)[0].overall) == ("NE", "PR")


def test_a_lesion_that_enhances_again_counts_only_where_the_criterion_says_so() -> None:
    assert not Criterion(limits().lesions, limits().recist).reenhancement
