"""A Kaplan-Meier curve as a drawing: steps, the band of its interval, censored times, numbers at risk."""

from __future__ import annotations

import io

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from emboplan.model.results.response import SurvivalCurve
from emboplan.report.drawing import Drawing
from emboplan.report.panels import figure_style
from emboplan.response.survival import at_risk, risk_ticks
from emboplan.units import PERCENT

SIZE_INCHES = (7.2, 3.6)  # the text width of an A4 page, and half a hand high
CURVE_COLOUR = "#0072b2"  # of Okabe and Ito's colours
MAX_TICKS = 8  # numbers at risk below each, which stay apart from one another
ABOVE = 1.02  # a little room above the curve's start, and behind its end
NUMBERS_BELOW = -36  # points from the axis down to the numbers at risk
WORDS_BEFORE = -14  # points from the axis to the end of the words before them


def draw_survival(
    curve: SurvivalCurve, title: str, *, times: tuple[float, ...], unit: str = "months"
) -> Drawing:
    """The curve with its band and marks; `times` are those of all subjects, for the numbers at risk."""
    with figure_style():
        figure = Figure(figsize=SIZE_INCHES)
        FigureCanvasSVG(figure)
        axes = figure.add_axes((0.085, 0.26, 0.89, 0.71))
        _draw_curve(axes, curve)
        ticks = risk_ticks(curve.last_time, MAX_TICKS)
        axes.set_xlim(0.0, ABOVE * ticks[-1] if ticks[-1] > 0 else 1.0)
        axes.set_ylim(0.0, ABOVE)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xlabel(f"time ({unit})")
        axes.set_ylabel(title)
        axes.grid(visible=True, color="#dddddd", linewidth=0.5)
        axes.spines[["top", "right"]].set_visible(False)
        _write_numbers(axes, ticks, at_risk(times, ticks))
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return Drawing(buffer.getvalue(), _caption(curve, title), _alternative(curve, title, unit))


def _draw_curve(axes: Axes, curve: SurvivalCurve) -> None:
    x, y = [0.0], [1.0]
    low, high = [1.0], [1.0]
    for step in curve.steps:
        x.append(step.time)
        y.append(step.survival_frac)
        bounds = step.interval or (step.survival_frac, step.survival_frac)
        low.append(bounds[0])
        high.append(bounds[1])
    if curve.last_time > x[-1]:
        x.append(curve.last_time)
        for values in (y, low, high):
            values.append(values[-1])
    axes.fill_between(x, low, high, step="post", color=CURVE_COLOUR, alpha=0.15, linewidth=0)
    axes.step(x, y, where="post", color=CURVE_COLOUR, linewidth=1.3)
    marks = [curve.survival_at(time) for time in curve.censored_times]
    axes.plot(curve.censored_times, marks, "|", color=CURVE_COLOUR, markersize=7.0)


def _write_numbers(axes: Axes, ticks: tuple[float, ...], counts: tuple[int, ...]) -> None:
    """The numbers at risk in a line below the ticks."""
    for tick, count in zip(ticks, counts, strict=True):
        axes.annotate(
            str(count),
            (tick, 0.0),
            (0, NUMBERS_BELOW),
            textcoords="offset points",
            ha="center",
            xycoords=("data", "axes fraction"),
        )
    axes.annotate(
        "at risk",
        (0.0, 0.0),
        (WORDS_BEFORE, NUMBERS_BELOW),
        "axes fraction",
        textcoords="offset points",
        ha="right",
    )


def _median(curve: SurvivalCurve, unit: str) -> str:
    if curve.median is None:
        return "median not reached"
    low, high = ("not reached" if bound is None else f"{bound:.3g}" for bound in curve.median_interval)
    return f"median {curve.median:.3g} {unit} ({PERCENT * curve.confidence_frac:g} % CI {low} to {high})"


def _caption(curve: SurvivalCurve, title: str) -> str:
    return (
        f"{title[:1].upper()}{title[1:]}: Kaplan-Meier curve of {curve.patients} patients with "
        f"{curve.events} events; band: {PERCENT * curve.confidence_frac:g} % log-log interval; "
        "ticks: censored times."
    )


def _alternative(curve: SurvivalCurve, title: str, unit: str) -> str:
    return f"Kaplan-Meier curve of {title}: {_median(curve, unit)}."


def median_text(curve: SurvivalCurve, unit: str = "months") -> str:
    """The median with its interval, in words."""
    return _median(curve, unit)
