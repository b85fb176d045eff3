"""Best response: the printed tables with and without confirmation, the shortest stable disease, carrying."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.response.rows import BASELINE, day, limits

from emboplan.model.results.response import Category
from emboplan.response.best_response import (
    Assessed,
    best_confirmed,
    best_unconfirmed,
    carry_partial_response,
)

LIMITS = limits().best
categories = st.sampled_from(list(Category))
courses = st.lists(st.tuples(st.integers(1, 400), categories), max_size=7, unique_by=lambda pair: pair[0])


def points(*visits: tuple[int, str]) -> list[Assessed]:
    return [Assessed(day(number), Category(word)) for number, word in visits]


def unconfirmed(*visits: tuple[int, str]) -> Category:
    return best_unconfirmed(points(*visits), BASELINE, LIMITS)


def confirmed(*visits: tuple[int, str], reread_cr: bool = False) -> Category:
    return best_confirmed(points(*visits), BASELINE, LIMITS, reread_cr=reread_cr)


def test_the_limits_in_use() -> None:
    """Four weeks to a confirmation; six weeks to stable disease, the lower end of what is typical."""
    assert (LIMITS.confirmation_interval_d, LIMITS.min_sd_interval_d) == (28, 42)


@pytest.mark.parametrize(
    ("visits", "expected"),
    [
        ([], "NE"),
        ([(60, "CR"), (120, "SD")], "CR"),
        ([(60, "SD"), (120, "PR")], "PR"),
        ([(60, "PR"), (120, "CR"), (180, "PD")], "CR"),
        ([(60, "SD"), (120, "PD"), (180, "CR")], "SD"),
        ([(60, "PD"), (120, "CR")], "PD"),
        ([(42, "SD")], "SD"),
        ([(41, "SD")], "NE"),
        ([(41, "SD"), (80, "PD")], "PD"),
        ([(42, "SD"), (80, "PD")], "SD"),
        ([(41, "SD"), (50, "SD")], "SD"),
        ([(20, "PR")], "PR"),
        ([(20, "CR")], "CR"),
        ([(60, "NE")], "NE"),
        ([(60, "NE"), (120, "PD")], "PD"),
        ([(60, "NE"), (120, "SD")], "SD"),
        ([(60, "non-CR/non-PD")], "non-CR/non-PD"),
        ([(41, "non-CR/non-PD")], "NE"),
        ([(60, "non-CR/non-PD"), (120, "CR")], "CR"),
        ([(60, "non-CR/non-PD"), (120, "PD")], "non-CR/non-PD"),
    ],
)
def test_without_confirmation(visits: list[tuple[int, str]], expected: str) -> None:
    assert unconfirmed(*visits) == expected


@pytest.mark.parametrize(
    ("first", "following", "met", "not_met"),
    [
        ("CR", "CR", "CR", "CR"),
        ("CR", "PR", "SD", "PD"),
        ("CR", "SD", "SD", "PD"),
        ("CR", "PD", "SD", "PD"),
        ("CR", "NE", "SD", "NE"),
        ("PR", "CR", "PR", "PR"),
        ("PR", "PR", "PR", "PR"),
        ("PR", "SD", "SD", "SD"),
        ("PR", "PD", "SD", "PD"),
        ("PR", "NE", "SD", "NE"),
        ("NE", "NE", "NE", "NE"),
    ],
)
def test_the_table_with_confirmation(first: str, following: str, met: str, not_met: str) -> None:
    """Where the first assessment is late enough for stable disease, and where it is not."""
    assert confirmed((60, first), (100, following)) == met
    assert confirmed((30, first), (70, following)) == not_met


def test_a_complete_response_that_is_read_again_as_partial() -> None:
    assert confirmed((60, "CR"), (100, "PR"), reread_cr=True) == "PR"
    assert confirmed((60, "CR"), (100, "NE"), (140, "PR"), reread_cr=True) == "PR"
    assert confirmed((60, "CR"), (100, "PR"), (140, "PR"), reread_cr=True) == "PR"
    assert confirmed((60, "CR"), (100, "SD"), reread_cr=True) == "SD"
    assert confirmed((60, "CR"), (100, "CR"), (140, "PR"), reread_cr=True) == "CR"
    # Only the complete response right before the partial one is in doubt, and only while it stands alone.
    assert confirmed((60, "PR"), (80, "CR"), (90, "PR"), reread_cr=True) == "PR"


def test_without_confirmation_too_it_is_read_again_on_request_only() -> None:
    visits = points((60, "CR"), (100, "PR"))
    assert best_unconfirmed(visits, BASELINE, LIMITS) == "CR"
    assert best_unconfirmed(visits, BASELINE, LIMITS, reread_cr=True) == "PR"
    stable = points((60, "CR"), (100, "SD"))
    assert best_unconfirmed(stable, BASELINE, LIMITS, reread_cr=True) == "CR"


@pytest.mark.parametrize(("second", "expected"), [(87, "SD"), (88, "PR")])
def test_four_weeks_between(second: int, expected: str) -> None:
    assert confirmed((60, "PR"), (second, "PR")) == expected


@pytest.mark.parametrize(("second", "expected"), [(87, "PR"), (88, "CR")])
def test_four_weeks_between_complete_responses(second: int, expected: str) -> None:
    """A complete response too early to confirm one confirms a partial one before it."""
    assert confirmed((40, "PR"), (60, "CR"), (second, "CR")) == expected


@pytest.mark.parametrize("between", ["SD", "NE"])
def test_what_may_lie_between_two_partial_responses(between: str) -> None:
    assert confirmed((60, "PR"), (90, between), (120, "PR")) == "PR"


def test_nothing_after_progression_confirms() -> None:
    assert confirmed((60, "PR"), (90, "PD"), (120, "PR")) == "SD"


def test_disease_after_a_complete_response_is_progression_there() -> None:
    assert confirmed((60, "CR"), (90, "SD"), (120, "CR")) == "SD"
    assert confirmed((60, "CR"), (90, "CR"), (120, "PR")) == "CR"


def test_a_time_point_without_disease_is_no_recurrence() -> None:
    """Targets still gone, non-targets not looked at: PR by the table, which confirms a partial response."""
    visits = points((60, "CR"), (100, "PR"))
    visits[1] = Assessed(visits[1].date, Category.PR, no_disease=True)
    assert best_confirmed(visits, BASELINE, LIMITS) == "PR"
    later = [*visits, Assessed(day(140), Category.CR)]
    assert best_confirmed(later, BASELINE, LIMITS) == "CR"


def test_non_target_disease_that_stays() -> None:
    assert confirmed((60, "non-CR/non-PD")) == "non-CR/non-PD"
    assert confirmed((30, "non-CR/non-PD")) == "NE"


def test_the_printed_answer_of_the_faq() -> None:
    """70, 70, 80, 80 of 100: PR, PR, SD, SD by the formula; all PR once the response is confirmed."""
    visits = points((60, "PR"), (120, "PR"), (180, "SD"), (240, "SD"))
    assert carry_partial_response(visits, LIMITS) == ["PR", "PR", "PR", "PR"]
    assert best_confirmed(visits, BASELINE, LIMITS) == "PR"
    assert best_unconfirmed(visits, BASELINE, LIMITS) == "PR"


def test_what_is_not_carried() -> None:
    unconfirmed_pr = points((60, "PR"), (120, "SD"), (180, "PR"))
    assert carry_partial_response(unconfirmed_pr, LIMITS) == ["PR", "SD", "PR"]
    too_soon = points((60, "PR"), (87, "PR"), (120, "SD"))
    assert carry_partial_response(too_soon, LIMITS) == ["PR", "PR", "SD"]
    ended = points((60, "PR"), (120, "PR"), (180, "PD"), (240, "SD"))
    assert carry_partial_response(ended, LIMITS) == ["PR", "PR", "PD", "SD"]
    missed = points((60, "PR"), (120, "PR"), (180, "NE"), (240, "SD"))
    assert carry_partial_response(missed, LIMITS) == ["PR", "PR", "NE", "PR"]


@given(courses)
def test_confirmation_never_makes_it_better(visits: list[tuple[int, Category]]) -> None:
    order = list(Category)
    assessed = [Assessed(day(number), category) for number, category in visits]
    strict = best_confirmed(assessed, BASELINE, LIMITS)
    lenient = best_unconfirmed(assessed, BASELINE, LIMITS)
    if strict in ("CR", "PR", "SD"):
        assert order.index(lenient) <= order.index(strict)


@given(courses, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(visits: list[tuple[int, Category]], random: object) -> None:
    assessed = [Assessed(day(number), category) for number, category in visits]
    turned = list(reversed(assessed))
    assert best_confirmed(assessed, BASELINE, LIMITS) == best_confirmed(turned, BASELINE, LIMITS)
    assert best_unconfirmed(assessed, BASELINE, LIMITS) == best_unconfirmed(turned, BASELINE, LIMITS)
    assert carry_partial_response(assessed, LIMITS) == carry_partial_response(turned, LIMITS)


def test_against_a_second_way_for_all_short_courses() -> None:
    """Three visits of every kind, 60 days apart, by a rule written out for pairs."""

    def plain(words: tuple[str, ...]) -> str:
        kept: list[str] = []
        for word in words:
            recurs = "CR" in kept and word in ("PR", "SD")
            kept.append("PD" if recurs else word)
            if kept[-1] == "PD":
                break
        if kept.count("CR") > 1:
            return "CR"
        if sum(word in ("CR", "PR") for word in kept) > 1:
            return "PR"
        for best, of in (("SD", ("CR", "PR", "SD")), ("non-CR/non-PD", ("non-CR/non-PD",)), ("PD", ("PD",))):
            if any(word in of for word in kept):
                return best
        return "NE"

    for words in itertools.product([str(category) for category in Category], repeat=3):
        visits = [(60 * number, word) for number, word in enumerate(words, start=1)]
        assert confirmed(*visits) == plain(words), words


def test_a_response_that_was_read_again_confirms_no_complete_one() -> None:
    """The first CR is read as PR; the last one stands alone."""
    visits = [(60, "CR"), (100, "PR"), (160, "CR")]
    assert confirmed(*visits, reread_cr=True) == "PR"
