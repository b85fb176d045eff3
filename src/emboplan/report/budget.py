"""The uncertainty budget: which input brings how much of each dose's variance, as bars of one length.

Every kind of input has a letter, a colour and a hatching of its own, in every report the same.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from emboplan.dosimetry.prescribing.uncertainty_inputs import KINDS
from emboplan.model.results.prescription import PlanUncertainty, UncertainValue
from emboplan.report.drawing import Drawing
from emboplan.report.wording import count, mid, name, number
from emboplan.units import PERCENT

BUDGET = "uncertainty.svg"
WIDTH_INCHES, BAR_INCHES, FOOT_INCHES, HEAD_INCHES = 7.2, 0.27, 0.95, 0.22
LEGIBLE_SHARE = 0.06  # a smaller part of a bar has no room for its letter
LESION = "lesion "
MOST_BARS = 26  # as many as stand on one page with the caption

# Okabe and Ito's colours, lightened so that letters stay legible on them; hatching tells them apart in grey.
COLOURS = ("#f2b48a", "#8fc7ea", "#8fd3bd", "#f3dd8a", "#e3b8d0", "#b9d7a8", "#c9c9c9", "#f6c65b", "#a9b4e0")
HATCHES = ("", "////", "....", "\\\\\\\\", "xx", "--", "", "||", "oo")
LETTERS = "ABCDEFGHI"


def draw_budget(sure: PlanUncertainty) -> Drawing | None:
    """The figure; None where no dose has an uncertain input."""
    values = [v for v in sure.doses if v.contributions and not v.name.startswith(LESION)]
    if not values:
        return None
    left_out = max(0, len(values) - MOST_BARS)
    values = values[-MOST_BARS:]  # the doses of all territories together come last
    kinds = [kind for kind in KINDS if any(value.contributions.get(kind) for value in values)]
    kinds += sorted({kind for value in values for kind in value.contributions} - set(KINDS))
    height = HEAD_INCHES + BAR_INCHES * len(values) + FOOT_INCHES
    figure = Figure(figsize=(WIDTH_INCHES, height))
    FigureCanvasSVG(figure)
    axes = figure.add_axes((0.36, FOOT_INCHES / height, 0.53, BAR_INCHES * len(values) / height))
    for row, value in enumerate(values):
        start = 0.0
        for kind in kinds:
            share = value.contributions.get(kind, 0.0)
            if share > 0:
                colour, hatch, letter = _look(kind)
                axes.barh(
                    row, PERCENT * share, left=PERCENT * start, height=0.72, color=colour, hatch=hatch,
                    edgecolor="#ffffff", linewidth=0.8,
                )  # fmt: skip
            if share >= LEGIBLE_SHARE:
                axes.text(
                    PERCENT * (start + share / 2), row, letter, ha="center", va="center_baseline",
                    fontweight="bold", bbox={"boxstyle": "round,pad=0.12", "fc": "#ffffff", "ec": "none"},
                )  # fmt: skip
            start += share
        axes.text(PERCENT * 1.02, row, _spread(value), va="center_baseline", ha="left")
    axes.set_yticks(range(len(values)), [f"{value.territory}: {mid(name(value.name))}" for value in values])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.set_xlim(0.0, PERCENT)
    axes.set_xlabel("share of the variance (%)", labelpad=2.0)
    axes.tick_params(axis="y", length=0.0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    _legend(figure, kinds)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    caption = (
        "Uncertainty budget: what share of each dose's variance every input brings (first order). At the "
        "end of each bar the standard uncertainty of the dose, as a share of the dose."
    )
    if left_out:
        caption += f" {count(left_out, 'further dose')} in plan.json only."
    return Drawing(buffer.getvalue(), caption, f"Uncertainty budget. {_said(values)}")


def _look(kind: str) -> tuple[str, str, str]:
    """Colour, hatching and letter of an input, by its place among all known kinds."""
    known: Mapping[str, int] = {each: place for place, each in enumerate(KINDS)}
    place = known.get(kind, len(COLOURS) - 1)
    return COLOURS[place % len(COLOURS)], HATCHES[place % len(HATCHES)], LETTERS[place % len(LETTERS)]


def _spread(value: UncertainValue) -> str:
    if value.value == 0:
        return ""
    return f"± {number(PERCENT * value.standard_uncertainty / abs(value.value), 2)} %"


def _said(values: Sequence[UncertainValue]) -> str:
    """The largest contribution of each dose."""
    parts = []
    for value in values:
        kind, share = max(value.contributions.items(), key=lambda item: item[1])
        where = f"{mid(name(value.name))} of {value.territory}"
        parts.append(f"{where}: most from {KINDS.get(kind, kind)}, {number(PERCENT * share, 2)} %")
    return "; ".join(parts) + "."


def _legend(figure: Figure, kinds: Sequence[str]) -> None:
    handles = []
    for kind in kinds:
        colour, hatch, _ = _look(kind)
        handles.append(Patch(facecolor=colour, hatch=hatch, edgecolor="#ffffff"))
    labels = [f"{_look(kind)[-1]}  {KINDS.get(kind, kind)}" for kind in kinds]
    figure.legend(
        handles, labels, loc="lower center", ncols=2, frameon=False, borderaxespad=0.2, fontsize=6.5,
        columnspacing=2.0,
    )  # fmt: skip
