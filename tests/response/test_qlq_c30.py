"""The QLQ-C30: each item in its scale, the half rule at its edge, invalid answers, changes."""

import math
from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.catalog import load
from emboplan.errors import ModelRangeError
from emboplan.response.qlq_c30 import change_in_words, changes, qlq_scores, questionnaire

FORM = questionnaire(load().room("response"))
FUNCTIONAL = {"PF2": range(1, 6), "RF2": (6, 7), "EF": range(21, 25), "CF": (20, 25), "SF": (26, 27)}
SYMPTOM = {
    "FA": (10, 12, 18),
    "NV": (14, 15),
    "PA": (9, 19),
    "DY": (8,),
    "SL": (11,),
    "AP": (13,),
    "CO": (16,),
    "DI": (17,),
    "FI": (28,),
}
BEST = dict.fromkeys(range(1, 29), 1) | {29: 7, 30: 7}
WORST = dict.fromkeys(range(1, 29), 4) | {29: 1, 30: 1}
answers = st.fixed_dictionaries(
    {item: st.one_of(st.none(), st.integers(1, 4 if item < 29 else 7)) for item in range(1, 31)}
)


def scores(filled: Mapping[int, object]) -> Mapping[str, float | None]:
    return qlq_scores(filled, FORM).scales


def test_every_item_is_in_exactly_one_scale() -> None:
    items = sorted(item for scale in FORM.scales for item in scale.items)
    assert items == list(range(1, 31))
    assert len(FORM.scales) == 15


def test_the_best_and_the_worst_form() -> None:
    best, worst = qlq_scores(BEST, FORM), qlq_scores(WORST, FORM)
    for name in (*FUNCTIONAL, "QL2"):
        assert (best.scales[name], worst.scales[name]) == (100, 0)
    for name in SYMPTOM:
        assert (best.scales[name], worst.scales[name]) == (0, 100)
    assert (best.summary, worst.summary) == (100, 0)


@pytest.mark.parametrize(("name", "items"), [*FUNCTIONAL.items(), *SYMPTOM.items()])
def test_one_step_of_each_item_moves_its_scale_alone(name: str, items: tuple[int, ...]) -> None:
    """One answer from 1 to 2 is a third of the range, shared by the items of the scale."""
    step = 100 / 3 / len(items)
    for item in items:
        moved = scores(BEST | {item: 2})
        assert moved[name] == pytest.approx(100 - step if name in FUNCTIONAL else step)
        assert {n: s for n, s in moved.items() if n != name} == {
            n: s for n, s in scores(BEST).items() if n != name
        }


def test_the_global_scale_has_six_steps() -> None:
    assert scores(BEST | {29: 6})["QL2"] == pytest.approx(100 - 100 / 12)


@pytest.mark.parametrize(
    ("name", "missing", "scored"),
    [
        ("PF2", (1, 2), True),
        ("PF2", (1, 2, 3), False),
        ("EF", (21, 22), True),
        ("EF", (21, 22, 23), False),
        ("FA", (10,), True),
        ("FA", (10, 12), False),
        ("RF2", (6,), True),
        ("RF2", (6, 7), False),
        ("QL2", (29,), True),
        ("DY", (8,), False),
    ],
)
def test_the_half_rule(name: str, missing: tuple[int, ...], *, scored: bool) -> None:
    filled = {item: answer for item, answer in BEST.items() if item not in missing}
    assert (scores(filled)[name] is not None) is scored
    summary = qlq_scores(filled, FORM).summary
    assert (summary is not None) is (scored or name in ("QL2", "FI"))


def test_the_summary_leaves_out_global_health_and_finance() -> None:
    filled = {item: answer for item, answer in BEST.items() if item not in (28, 29, 30)}
    assert qlq_scores(filled, FORM).summary == 100
    assert qlq_scores(BEST | {28: 4, 29: 1, 30: 1}, FORM).summary == 100
    assert qlq_scores(BEST | {8: 4}, FORM).summary == pytest.approx(1200 / 13)


@pytest.mark.parametrize("answer", [0, 5, -1, 2.5, "2", True, math.nan, Decimal("NaN"), math.inf])
def test_an_invalid_answer_counts_as_missing(answer: object) -> None:
    found = qlq_scores(BEST | {8: answer}, FORM)
    assert found.scales["DY"] is None
    assert found.invalid_items == (8,)


@pytest.mark.parametrize("answer", [2, 2.0, Decimal(2)])
def test_a_whole_number_however_it_is_stored(answer: object) -> None:
    found = qlq_scores(BEST | {8: answer}, FORM)
    assert found.scales["DY"] == pytest.approx(100 / 3)
    assert found.invalid_items == ()


def test_seven_is_valid_for_the_global_items_only() -> None:
    assert qlq_scores(BEST | {28: 7}, FORM).invalid_items == (28,)
    assert qlq_scores(BEST | {29: 8}, FORM).invalid_items == (29,)
    assert qlq_scores(BEST | {1: None}, FORM).invalid_items == ()


def test_an_item_that_the_form_does_not_have() -> None:
    with pytest.raises(ModelRangeError, match="item 31; the form has the items 1 to 30"):
        qlq_scores({31: 1}, FORM)


def test_changes_need_both() -> None:
    before = qlq_scores(BEST, FORM)
    after = qlq_scores({**BEST, 8: 2, 11: None}, FORM)
    found = changes(before, after)
    assert found["DY"] == pytest.approx(100 / 3)
    assert found["SL"] is None
    assert found["summary"] is None
    assert found["PF2"] == 0


@pytest.mark.parametrize(
    ("scale", "change", "expected"),
    [
        ("PF2", 4.9, "none"),
        ("PF2", 5.0, "small, better"),
        ("PF2", -9.9, "small, worse"),
        ("PF2", 10.0, "moderate, better"),
        ("QL2", -20.0, "moderate, worse"),
        ("QL2", 20.1, "large, better"),
        ("PA", 12.0, "moderate, worse"),
        ("PA", -25.0, "large, better"),
        ("summary", 6.0, "small, better"),
    ],
)
def test_a_change_in_words(scale: str, change: float, expected: str) -> None:
    assert change_in_words(scale, change, FORM) == expected


@given(answers)
def test_scores_lie_between_0_and_100(filled: dict[int, int | None]) -> None:
    found = qlq_scores(filled, FORM)
    for score in (*found.scales.values(), found.summary):
        assert score is None or 0 <= score <= 100


def test_the_version_and_the_json() -> None:
    found = qlq_scores(BEST, FORM).to_json()
    assert found["version"] == "QLQ-C30 version 3.0"
    assert found["scales"]["PF2"] == 100


def test_items_are_told_in_their_order() -> None:
    with pytest.raises(ModelRangeError, match="found the item 35"):
        qlq_scores({40: 1, 35: 1}, FORM)
    assert qlq_scores({29: 9, 3: 9, 1: 1}, FORM).invalid_items == (3, 29)


def test_no_change_where_one_of_the_two_is_missing() -> None:
    full, empty = qlq_scores(dict.fromkeys(range(1, 31), 1), FORM), qlq_scores({}, FORM)
    for before, after in ((full, empty), (empty, full)):
        assert set(changes(before, after).values()) == {None}
