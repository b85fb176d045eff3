"""The door for reads: what a row may say, and the line that each mistake gets."""

import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.response.rows import row

from emboplan.errors import CaseFileError
from emboplan.model.response import LIVER, LYMPH_NODE, LesionRead, Role, State
from emboplan.response.reads import Problems, reads_from_rows, shown

NOON = datetime(2024, 2, 3, 12)  # noqa: DTZ001  a spreadsheet knows no time zones


def one(**cells: Any) -> LesionRead:
    (found,) = reads_from_rows([row(0, "L1", **cells)])
    return found


def problems(*rows: dict[str, Any]) -> list[str]:
    with pytest.raises(CaseFileError) as caught:
        reads_from_rows(rows)
    return list(caught.value.problems)


def test_a_row_of_text_as_in_a_csv() -> None:
    found = one(mm=" 30.10 ", short_axis_mm="", state="")
    assert (found.longest_mm, found.short_axis_mm, found.state) == (Decimal("30.10"), None, None)
    assert (found.date, found.organ, found.role) == (date(2024, 1, 1), LIVER, Role.TARGET)
    assert found.where == "row 1, lesion L1"
    assert found.sound


@pytest.mark.parametrize("value", [30.1, "30.1", Decimal("30.1")])
def test_a_decimal_stays_exact(value: object) -> None:
    assert one(mm=value).longest_mm == Decimal("30.1")


@pytest.mark.parametrize(
    "value", [date(2024, 2, 3), NOON.replace(hour=0), "2024-02-03", "2024-02-03 00:00:00"]
)
def test_a_day_however_it_is_stored(value: object) -> None:
    assert one(date=value).date == date(2024, 2, 3)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("absent", State.ABSENT),
        ("Disappeared", State.ABSENT),
        ("too_small", State.TOO_SMALL),
        ("too small to measure", State.TOO_SMALL),
        ("NOT ASSESSED", State.NOT_ASSESSED),
        ("NE", State.NOT_ASSESSED),
    ],
)
def test_states_as_readers_write_them(word: str, expected: State) -> None:
    assert one(state=word).state is expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("CR", State.ABSENT),
        ("non-CR/non-PD", State.PRESENT),
        ("PD", State.PROGRESSED),
        ("NE", State.NOT_ASSESSED),
    ],
)
def test_the_guideline_s_own_words_for_non_targets(word: str, expected: State) -> None:
    assert one(role="non_target", state=word).state is expected


@pytest.mark.parametrize(
    ("organ", "expected"),
    [
        ("Liver", LIVER),
        ("liver segment 4", LIVER),
        ("hepatic", LIVER),
        ("node", LYMPH_NODE),
        ("mediastinal lymph nodes", LYMPH_NODE),
        ("hepatic node", LYMPH_NODE),
        ("Lung", "lung"),
        ("left-adrenal", "left adrenal"),
    ],
)
def test_organs(organ: str, expected: str) -> None:
    assert one(organ=organ).organ == expected


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        ({"state": "abscent"}, 'row 1, lesion L1: state: found "abscent"; did you mean "absent"?'),
        (
            {"state": "progressed"},
            (
                'row 1, lesion L1: state: found "progressed", which no target lesion has; expected '
                "measured, absent, too-small, not-assessed, split, merged"
            ),
        ),
        ({"role": "tarjet"}, 'row 1, lesion L1: role: found "tarjet"; did you mean "target"?'),
        ({"role": "x"}, 'row 1, lesion L1: role: found "x"; expected one of target, non-target, new'),
        ({"organ": "livr"}, 'row 1, lesion L1: organ: found "livr"; did you mean "liver"?'),
        (
            {"date": "2024-02-30"},
            'row 1, lesion L1: date: found "2024-02-30", which is no day of the calendar',
        ),
        ({"date": "1.2.2024"}, 'row 1, lesion L1: date: found "1.2.2024", expected a date as YYYY-MM-DD'),
        (
            {"date": NOON},
            "row 1, lesion L1: date: found 2024-02-03 12:00:00, expected a date as YYYY-MM-DD",
        ),
        ({"date": None}, "row 1: date: missing; every row needs one"),
        ({"lesion": " "}, "row 1: lesion: missing; every row needs one"),
        ({"organ": ""}, "row 1: organ: missing; every row needs one"),
        (
            {"mm": "NaN"},
            'row 1, lesion L1: longest_mm: found "NaN", expected a number in mm, or an empty cell',
        ),
        (
            {"mm": math.nan},
            "row 1, lesion L1: longest_mm: found nan, expected a number in mm, or an empty cell",
        ),
        (
            {"mm": math.inf},
            "row 1, lesion L1: longest_mm: found inf, expected a number in mm, or an empty cell",
        ),
        ({"mm": True}, "row 1, lesion L1: longest_mm: found True, expected a number in mm, or an empty cell"),
        (
            {"mm": "30,1"},
            (
                'row 1, lesion L1: longest_mm: found "30,1", a number with a comma; write the decimal point '
                "as a point, and nothing between thousands"
            ),
        ),
        ({"mm": "-1"}, "row 1, lesion L1: longest_mm: found -1, expected 0 mm or more"),
        (
            {"mm": 20, "short_axis_mm": 21},
            "row 1, lesion L1: short_axis_mm: found 21, which is more than longest_mm 20",
        ),
        (
            {"mm": 20, "viable_longest_mm": "20.1"},
            "row 1, lesion L1: viable_longest_mm: found 20.1, which is more than longest_mm 20",
        ),
        (
            {"viable_longest_mm": 9, "viable_perpendicular_mm": 10},
            "row 1, lesion L1: viable_perpendicular_mm: found 10, which is more than viable_longest_mm 9",
        ),
        (
            {"mm": 4, "state": "too-small"},
            "row 1, lesion L1: state: found too-small beside a diameter; give one of them",
        ),
        (
            {"mm": 0, "state": "not-assessed"},
            "row 1, lesion L1: state: found not-assessed beside a diameter; give one of them",
        ),
        (
            {"mm": 4, "state": "absent"},
            "row 1, lesion L1: state: found absent beside a diameter above 0 mm; give one of them",
        ),
        ({"longest": 4}, 'columns: unknown column "longest"; did you mean "longest_mm"?'),
    ],
)
def test_one_line_for_each_mistake(cells: dict[str, Any], line: str) -> None:
    assert [line] == problems(
        row(0, "L1") | row(0, "L1", **cells) if "lesion" not in cells else row(0, "L1") | cells
    )


def test_all_mistakes_of_a_table_at_once() -> None:
    lines = problems(row(0, "L1", mm="NaN"), row(0, "L2", state="gonne"), row(0, "L3", date="today"))
    assert [line.partition(",")[0] for line in lines] == ["row 1", "row 2", "row 3"]


def test_a_column_that_is_nowhere_is_told_once() -> None:
    assert problems({"lesion": "A"}, {"lesion": "B"}) == [
        "columns: no column date; every row needs one",
        "columns: no column organ; every row needs one",
    ]


def test_a_cell_that_only_some_rows_have() -> None:
    partly = {"date": "2024-01-01", "lesion": "A"}
    assert problems(row(0, "L1"), partly) == ["row 2: organ: missing; every row needs one"]


def test_an_empty_table() -> None:
    assert problems() == ["reads: found no rows; expected one for each lesion and time point"]


def test_what_is_no_contradiction() -> None:
    assert one(mm=0, state="absent").state is State.ABSENT
    assert one(organ="node", short_axis_mm=4, state="absent").state is State.ABSENT
    assert one(mm=20, short_axis_mm=20).short_axis_mm == 20


def test_a_row_that_can_be_placed_is_kept_though_a_cell_is_wrong() -> None:
    """What other rows say can then be checked without mistaking it for missing."""
    found = Problems()
    reads = reads_from_rows([row(0, "L1", mm="x"), row(0, "L2", mm=9)], problems=found)
    assert [(read.lesion, read.sound) for read in reads] == [("L1", False), ("L2", True)]
    assert not found.dropped
    undated = Problems()
    reads_from_rows([row(0, "L1", date="x")], problems=undated)
    assert undated.dropped
    nowhere = Problems()
    assert reads_from_rows([{"lesion": "L1"}], problems=nowhere) == ()
    assert nowhere.dropped


def test_names_and_places() -> None:
    reads = reads_from_rows([row(0, "L1") | {"lesion": 1.0, "time_point": 0}], where=["reads.csv: line 2"])
    assert (reads[0].lesion, reads[0].time_point) == ("1", "0")
    assert reads[0].where == "reads.csv: line 2, lesion 1"


def test_a_mistake_in_a_row_without_a_lesion_names_the_row() -> None:
    assert problems(row(0, " ", date="x")) == [
        "row 1: lesion: missing; every row needs one",
        'row 1: date: found "x", expected a date as YYYY-MM-DD',
    ]


@pytest.mark.parametrize("cells", [{"lesion": ""}, {"organ": None}, {"role": "tarjet"}])
def test_a_row_that_cannot_be_placed_is_left_out_and_remembered(cells: dict[str, Any]) -> None:
    found = Problems()
    assert reads_from_rows([row(0, "L1", mm=9) | cells], problems=found) == ()
    assert (len(found.lines), found.dropped) == (1, True)


def test_what_was_dropped_before_stays_dropped() -> None:
    found = Problems(dropped=True)
    reads_from_rows([row(0, "L1")], problems=found)
    assert found.dropped
    assert not Problems().dropped


def test_a_state_without_a_role_may_be_any() -> None:
    """The role may be chosen later."""
    for state in (State.ABSENT, State.PRESENT):
        found = one(role=None, state=state.value)
        assert (found.role, found.state) == (None, state)


def test_numbers_as_names() -> None:
    names = [read.lesion for read in reads_from_rows([row(0, "") | {"lesion": it} for it in (1.0, 1.5, 2)])]
    assert names == ["1", "1.5", "2"]


def test_every_row_has_its_place() -> None:
    for rows in ([row(0, "L1"), row(0, "L2")], [{"lesion": "L1"}, {"lesion": "L2"}]):
        with pytest.raises(ValueError, match=r"argument 2 is (shorter|longer)"):
            reads_from_rows(rows, where=["here"])


def test_nothing_in_words() -> None:
    assert [shown(None), shown("x"), shown(2)] == ["nothing", '"x"', "2"]
