"""Dose against activity: how tumour and normal liver grow with each gigabecquerel, and where limits lie.

One row for each territory, tumour on the left and normal liver on the right, so that the small doses of the
liver keep a scale of their own. Doses are linear in the activity: every line runs through the chosen point.
Lines differ by colour and by dashes.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from emboplan.model.results.activity import LimitCheck, ModelResult, Quantity
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.report.drawing import Drawing
from emboplan.report.wording import SPACE, count, exact, number

DOSE_LINES = "dose_activity.svg"
WIDTH_INCHES, ROW_INCHES, FOOT_INCHES = 7.2, 1.75, 0.62  # the text width of an A4 page; a legend of two lines
MOST_ROWS = 5  # as many as stand on one page with the caption
BEYOND = 1.35  # the axis ends so far beyond the chosen activity
FARTHEST = 2.5  # a limit met later than at so many times the chosen activity is left to the table
HEAD_ROOM = 1.08
SAME = 1e-3  # doses that agree to a permille are one line
WASH = 0.18

# Okabe and Ito's colours, as in the other figures.
TUMOUR, LEAST, PERFUSED, WHOLE, INK = "#d55e00", "#cc79a7", "#0072b2", "#009e73", "#000000"
SOLID: tuple[float, ...] = ()
LIMIT_DASHES, GOAL_DASHES, CHOSEN_DASHES = (5, 2), (1, 1.2), (8, 2, 1.5, 2)


@dataclass(frozen=True, slots=True)
class _Line:
    """A dose at the chosen activity, how it is drawn, and its interval there."""

    quantity: Quantity | None
    label: str
    gy: float
    colour: str
    dashes: tuple[float, ...]
    interval: tuple[float, float] | None = None


def draw_dose_lines(plan: ActivityPlan) -> Drawing | None:
    """The figure of a plan; None without a chosen activity or without any dose to draw."""
    chosen = plan.chosen
    if chosen is None:
        return None
    parts = [model for model in plan.models if model.model == chosen.model] or [chosen]
    several = len(parts) > 1
    shown = [*parts, chosen] if several else parts
    rows = [
        (part, _left(plan, part), _right(plan, part, whole_too=part is chosen or not several))
        for part in shown
    ]
    rows = [row for row in rows if row[0].administered_gbq > 0 and (row[1] or row[2])]
    if not rows:
        return None
    left_out = max(0, len(rows) - MOST_ROWS)
    rows = [*rows[: MOST_ROWS - 1], rows[-1]] if left_out else rows
    height = ROW_INCHES * len(rows) + FOOT_INCHES
    figure = Figure(figsize=(WIDTH_INCHES, height))
    FigureCanvasSVG(figure)
    for place, (part, left, right) in enumerate(rows):
        top = 1.0 - place * ROW_INCHES / height
        bottom, tall = top - 0.82 * ROW_INCHES / height, 0.62 * ROW_INCHES / height
        end = _end_gbq(part, right)
        for x, lines, what in ((0.07, left, "tumour"), (0.57, right, "normal liver")):
            axes = figure.add_axes((x, bottom, 0.41, tall))
            _panel(axes, plan, part, lines, end)
            axes.set_title(f"{part.territory}: {what}", loc="left", fontsize=7.5, parse_math=False)
            axes.set_xlabel("administered (GBq)", labelpad=1.0)
    _legend(figure, [line for _, left, right in rows for line in (*left, *right)])
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    together = " In the last row all territories grow in proportion." if several else ""
    caption = (
        "Mean dose (Gy) against administered activity (GBq). The upright line is the chosen activity. The "
        f"band is the 95{SPACE}% interval of the dose, where it is known.{together} Limits beyond the range "
        "shown are in the table of limits."
    )
    if left_out:
        caption += f" {count(left_out, 'further territory', 'further territories')} in the tables only."
    return Drawing(buffer.getvalue(), caption, f"Mean dose against activity. {_said(rows)}")


def _said(rows: Sequence[tuple[ModelResult, list[_Line], list[_Line]]]) -> str:
    return " ".join(
        f"{part.territory}, at {number(part.administered_gbq)} GBq: "
        + ", ".join(f"{line.label} {number(line.gy)} Gy" for line in (*left, *right))
        + "."
        for part, left, right in rows
    )


def _left(plan: ActivityPlan, part: ModelResult) -> list[_Line]:
    """The tumour, and the lesion with the least dose where it differs; else the perfused volume."""
    doses = part.doses_gy
    if doses.tumour is None:
        if doses.perfused is None:
            return []
        bounds = _interval(plan, part, Quantity.PERFUSED)
        return [_Line(Quantity.PERFUSED, "perfused volume", doses.perfused, TUMOUR, SOLID, bounds)]
    bounds = _interval(plan, part, Quantity.TUMOUR)
    lines = [_Line(Quantity.TUMOUR, "tumour, mean", doses.tumour, TUMOUR, SOLID, bounds)]
    least = min(doses.lesions.values(), default=doses.tumour)
    if least < doses.tumour * (1 - SAME):
        lines.append(_Line(None, "lesion with the least dose", least, LEAST, (4, 1.5)))
    return lines


def _right(plan: ActivityPlan, part: ModelResult, *, whole_too: bool) -> list[_Line]:
    """The perfused normal liver and, where the row is all that is treated, the whole normal liver."""
    doses = part.doses_gy
    perfused, whole = doses.perfused_normal, doses.whole_normal if whole_too else None
    lines = []
    if whole is not None:
        bounds = _interval(plan, part, Quantity.WHOLE_NORMAL)
        one = perfused is not None and abs(perfused - whole) <= SAME * whole
        label = "whole normal liver (all perfused)" if one else "whole normal liver"
        lines.append(_Line(Quantity.WHOLE_NORMAL, label, whole, WHOLE, (6, 1.5, 1.5, 1.5), bounds))
        if one:
            return lines
    if perfused is not None:
        bounds = _interval(plan, part, Quantity.PERFUSED_NORMAL)
        label = "perfused normal liver"
        lines.append(_Line(Quantity.PERFUSED_NORMAL, label, perfused, PERFUSED, SOLID, bounds))
    return lines


def _interval(plan: ActivityPlan, part: ModelResult, quantity: Quantity) -> tuple[float, float] | None:
    if plan.uncertainty is None:
        return None
    for value in plan.uncertainty.doses:
        if value.territory == part.territory and value.name == quantity.value:
            return value.interval
    return None


def _bounds(part: ModelResult, line: _Line) -> list[tuple[LimitCheck, float]]:
    """The limits on a line with the dose at which each is met, earlier treatments taken off."""
    found = []
    for limit in part.limits:
        same = limit.quantity == line.quantity or (
            limit.quantity is Quantity.PERFUSED_NORMAL and line.label.endswith("(all perfused)")
        )
        earlier = limit.value - line.gy
        # A limit for one session looks at less than the sum of sessions: it is no line of this panel.
        if same and limit.unit == "Gy" and earlier > -SAME * line.gy:
            found.append((limit, limit.limit - max(earlier, 0.0)))
    return found


def _end_gbq(part: ModelResult, right: Sequence[_Line]) -> float:
    """Where the axis of activity ends: beyond the choice, and beyond the first limit if that is near."""
    chosen = part.administered_gbq
    met = [chosen * at / line.gy for line in right if line.gy > 0 for _, at in _bounds(part, line)]
    near = [gbq for gbq in met if chosen < gbq <= FARTHEST * chosen]
    return max(BEYOND * chosen, HEAD_ROOM * min(near, default=0.0))


def _panel(axes: Axes, plan: ActivityPlan, part: ModelResult, lines: Sequence[_Line], end: float) -> None:
    chosen = part.administered_gbq
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlim(0.0, end)
    if not lines:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no dose by this model", transform=axes.transAxes, ha="center")
        return
    tallest = max(max((line.gy, *(line.interval or ()))) for line in lines) * end / chosen
    marks: dict[tuple[float, str], list[str]] = {}
    for line in lines:
        for limit, at in _bounds(part, line):
            if 0 < at <= tallest:
                below = "below " if limit.below else ""
                marks.setdefault((at, line.colour), []).append(f"limit {below}{exact(limit.limit)} Gy")
        axes.plot([0.0, end], [0.0, line.gy * end / chosen], color=line.colour, lw=1.4, dashes=line.dashes)
        axes.plot([chosen], [line.gy], marker="o", markersize=3.5, color=line.colour, linestyle="none")
        if line.interval is not None:
            low, high = (bound * end / chosen for bound in line.interval)
            axes.fill_between([0.0, end], [0.0, low], [0.0, high], color=line.colour, alpha=WASH, linewidth=0)
    for (at, colour), names in marks.items():
        axes.axhline(at, color=colour, lw=0.9, dashes=LIMIT_DASHES)
        _say(axes, " · ".join(dict.fromkeys(names)), at)
    for goal in plan.goals:
        if goal.territory == part.territory and goal.quantity in {line.quantity for line in lines}:
            axes.axhline(goal.goal_gy, color=INK, lw=0.9, dashes=GOAL_DASHES)
            _say(axes, f"goal {exact(goal.goal_gy)} Gy", goal.goal_gy)
            tallest = max(tallest, goal.goal_gy)
    axes.axvline(chosen, color=INK, lw=0.9, dashes=CHOSEN_DASHES)
    axes.set_ylim(0.0, HEAD_ROOM * tallest)
    axes.grid(visible=True, color="#e4e4e4", linewidth=0.4)
    axes.tick_params(length=2.0, pad=1.5)
    axes.set_ylabel("Gy", rotation=0, labelpad=6.0)


def _say(axes: Axes, text: str, at: float) -> None:
    axes.annotate(
        text, (0.0, at), xytext=(3.0, 1.5), textcoords="offset points", fontsize=6.0, va="bottom", ha="left"
    )


def _legend(figure: Figure, lines: Sequence[_Line]) -> None:
    handles: dict[str, Line2D | Patch] = {}
    for line in lines:
        handle = Line2D([], [], color=line.colour, lw=1.4)
        handle.set_dashes(line.dashes or (None, None))
        handles.setdefault(line.label, handle)
    for label, dashes in (("limit", LIMIT_DASHES), ("goal", GOAL_DASHES), ("chosen activity", CHOSEN_DASHES)):
        handle = Line2D([], [], color="#555555" if label == "limit" else INK, lw=0.9)
        handle.set_dashes(dashes)
        handles[label] = handle
    if any(line.interval is not None for line in lines):
        handles["95 % interval"] = Patch(color="#888888", alpha=2 * WASH, linewidth=0)
    figure.legend(
        list(handles.values()), list(handles), loc="lower center", ncols=4, frameon=False,
        borderaxespad=0.2, handlelength=4.0, columnspacing=1.4, fontsize=6.5,
    )  # fmt: skip
