"""The Kaplan-Meier drawing: whole, the same bytes each time, and its words."""

import pytest

from emboplan.report.survival_figure import draw_survival, median_text
from emboplan.response.survival import kaplan_meier

TIMES = (3.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 12.0)
EVENTS = [True, False, True, True, False, True, True, False]
CURVE = kaplan_meier(TIMES, EVENTS, confidence_frac=0.95)


def test_the_drawing_is_an_svg_and_the_same_each_time() -> None:
    one, other = (draw_survival(CURVE, "overall survival", times=TIMES) for _ in range(2))
    assert one.svg == other.svg
    assert one.svg.rstrip().endswith(b"</svg>")
    assert one.caption == (
        "Overall survival: Kaplan-Meier curve of 8 patients with 5 events; band: 95 % log-log interval; "
        "ticks: censored times."
    )
    assert one.alt == ("Kaplan-Meier curve of overall survival: median 10 months (95 % CI 3 to not reached).")


@pytest.mark.parametrize(
    ("times", "events"),
    [((0.0,), [True]), ((0.0, 0.0), [False, False]), ((5.0,), [False]), ((2.0, 2.0), [True, True])],
)
def test_curves_of_few(times: tuple[float, ...], events: list[bool]) -> None:
    curve = kaplan_meier(times, events, confidence_frac=0.95)
    assert draw_survival(curve, "x", times=times).svg


def test_the_median_in_words() -> None:
    none = kaplan_meier([1.0], [False], confidence_frac=0.95)
    assert median_text(none) == "median not reached"
    assert median_text(CURVE, "weeks") == "median 10 weeks (95 % CI 3 to not reached)"
