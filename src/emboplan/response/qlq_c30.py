"""Scores of the QLQ-C30 version 3.0, from answers by item number; the wording is not needed.

The raw score of a scale is the mean of its answered items, where at least half of them are answered;
otherwise the scale is missing. Functional scales are turned round, so that 100 is the best function; 100 of a
symptom scale is the worst symptom. An answer out of the item's range counts as missing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

from emboplan.errors import ModelRangeError
from emboplan.model.products import Sourced
from emboplan.model.serialise import fields_to_json
from emboplan.response.limits import exact
from emboplan.units import PERCENT

ROOM = "qlq_c30"
BEST = Fraction(int(PERCENT))


class ScaleKind(StrEnum):
    """What a high score means: good health, good function, or a bad symptom."""

    GLOBAL = "global"
    FUNCTIONAL = "functional"
    SYMPTOM = "symptom"


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale: its items, and the lowest and the highest answer that they take."""

    name: str
    kind: ScaleKind
    items: tuple[int, ...]
    lowest: int
    highest: int


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """The scales, the share of items that must be answered, and what the summary score leaves out."""

    version: str
    scales: tuple[Scale, ...]
    needed_frac: Fraction
    left_out: frozenset[str]
    change_points: tuple[Fraction, Fraction, Fraction]

    @property
    def item_ranges(self) -> Mapping[int, tuple[int, int]]:
        """The lowest and the highest answer of each item."""
        return {item: (s.lowest, s.highest) for s in self.scales for item in s.items}


@dataclass(frozen=True, slots=True)
class QlqScores:
    """Scores from 0 to 100 by scale, None where missing; the summary score; the items with invalid answers.

    The summary score (Giesinger 2016) is later than the manual. It is None unless all its scales are there.
    """

    version: str
    scales: Mapping[str, float | None]
    summary: float | None
    invalid_items: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


def questionnaire(entries: Mapping[str, Sourced]) -> Questionnaire:
    """The questionnaire as the catalogue's table on response states it."""
    scales = []
    for kind in ScaleKind:
        answers = "global" if kind is ScaleKind.GLOBAL else "usual"
        lowest, highest = (int(number) for number in entries[f"{ROOM}.answers.{answers}"].numbers)
        prefix = f"{ROOM}.{kind}."
        for key, entry in entries.items():
            if key.startswith(prefix):
                items = tuple(int(item) for item in entry.numbers)
                scales.append(Scale(key.removeprefix(prefix), kind, items, lowest, highest))
    small, moderate, large = (exact(entries[f"{ROOM}.change.{n}"]) for n in ("small", "moderate", "large"))
    return Questionnaire(
        version=entries[f"{ROOM}.version"].text,
        scales=tuple(scales),
        needed_frac=exact(entries[f"{ROOM}.half_rule"]) / BEST,
        left_out=frozenset(entries[f"{ROOM}.left_out_of_summary"].text.split(", ")),
        change_points=(small, moderate, large),
    )


def qlq_scores(answers: Mapping[int, object], form: Questionnaire) -> QlqScores:
    """The scores of one filled form; an item that is absent or None is not answered.

    Raises:
        ModelRangeError: an item number that the form does not have.
    """
    ranges = form.item_ranges
    unknown = sorted(item for item in answers if item not in ranges)
    if unknown:
        raise ModelRangeError(f"found the item {unknown[0]}; the form has the items 1 to {max(ranges)}")
    valid: dict[int, int] = {}
    invalid: list[int] = []
    for item, answer in sorted(answers.items()):
        number = _answer(answer, *ranges[item])
        if number is not None:
            valid[item] = number
        elif answer is not None:
            invalid.append(item)
    scores = {scale.name: _score(scale, valid, form.needed_frac) for scale in form.scales}
    return QlqScores(
        version=form.version,
        scales={name: None if score is None else float(score) for name, score in scores.items()},
        summary=_summary(scores, form),
        invalid_items=tuple(invalid),
    )


def changes(before: QlqScores, after: QlqScores) -> dict[str, float | None]:
    """Follow-up minus baseline for each scale that both have, and for the summary."""
    pairs = {name: (before.scales[name], after.scales[name]) for name in before.scales}
    pairs["summary"] = (before.summary, after.summary)
    return {name: None if a is None or b is None else b - a for name, (a, b) in pairs.items()}


def change_in_words(scale: str, change: float, form: Questionnaire) -> str:
    """A change as it is often read: none, small, moderate or large, for better or for worse."""
    small, moderate, large = form.change_points
    size = abs(change)
    if size < small:
        return "none"
    word = "large" if size > large else "moderate" if size >= moderate else "small"
    symptom = any(s.name == scale and s.kind is ScaleKind.SYMPTOM for s in form.scales)
    return f"{word}, {'better' if (change > 0) is not symptom else 'worse'}"


def _answer(value: object, lowest: int, highest: int) -> int | None:
    """A whole number in the item's range, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if not math.isfinite(value) or not lowest <= value <= highest:
        return None
    return int(value) if value == int(value) else None


def _score(scale: Scale, answers: Mapping[int, int], needed_frac: Fraction) -> Fraction | None:
    given = [answers[item] for item in scale.items if item in answers]
    if not given or len(given) < needed_frac * len(scale.items):
        return None
    above = Fraction(sum(given), len(given)) - scale.lowest
    share = above / (scale.highest - scale.lowest)
    return BEST * (1 - share if scale.kind is ScaleKind.FUNCTIONAL else share)


def _summary(scores: Mapping[str, Fraction | None], form: Questionnaire) -> float | None:
    parts = []
    for scale in form.scales:
        score = scores[scale.name]
        if scale.name in form.left_out:
            continue
        if score is None:
            return None
        parts.append(BEST - score if scale.kind is ScaleKind.SYMPTOM else score)
    return float(sum(parts, Fraction(0)) / len(parts))
