"""Kaplan-Meier curves with log-log intervals, medians, follow-up, and the incidence of competing events.

Subjects censored at an event time are still at risk there. The median is the first time at which the curve is
at or below one half; where it lies exactly at one half for a while, the first of these times is taken and
nothing is averaged. Its interval is where the band of the curve crosses one half.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.special import ndtri

from emboplan.errors import ModelRangeError
from emboplan.model.results.response import SurvivalCurve, SurvivalStep

HALF = 0.5
ROUNDING = (
    1e-12  # a product of survival shares is so close to the exact fraction, and never closer to another
)


def kaplan_meier(times: Sequence[float], events: Sequence[bool], *, confidence_frac: float) -> SurvivalCurve:
    """The curve of times to an event; `events` is false where the time is censored.

    Greenwood's variance; two-sided intervals on the log-log scale. An interval is None where the curve is
    zero.

    Raises:
        ModelRangeError: no subject, lists of different length, a time that is negative or no number.
    """
    _require(times, events, confidence_frac)
    z = float(ndtri(1 - (1 - confidence_frac) / 2))
    steps: list[SurvivalStep] = []
    survival, greenwood = 1.0, 0.0
    for time in sorted({t for t, event in zip(times, events, strict=True) if event}):
        at_risk = sum(t >= time for t in times)
        count = sum(bool(event) and t == time for t, event in zip(times, events, strict=True))
        survival *= 1 - count / at_risk
        error, interval = None, None
        if count < at_risk:
            greenwood += count / (at_risk * (at_risk - count))
            error = survival * math.sqrt(greenwood)
            interval = _log_log(survival, greenwood, z)
        steps.append(SurvivalStep(float(time), at_risk, count, survival, error, interval))
    return SurvivalCurve(
        patients=len(times),
        events=sum(map(bool, events)),
        steps=tuple(steps),
        censored_times=tuple(sorted(float(t) for t, e in zip(times, events, strict=True) if not e)),
        last_time=float(max(times)),
        median=_first_at_half([(step.time, step.survival_frac) for step in steps]),
        median_interval=(_crossing(steps, 0), _crossing(steps, 1)),
        median_follow_up=_follow_up(times, events),
        confidence_frac=confidence_frac,
    )


def at_risk(times: Sequence[float], ticks: Sequence[float]) -> tuple[int, ...]:
    """How many subjects are still followed just before each tick."""
    return tuple(sum(time >= tick for time in times) for tick in ticks)


def cumulative_incidence(
    times: Sequence[float], causes: Sequence[int], cause: int
) -> tuple[tuple[float, float], ...]:
    """The probability of an event of one cause by each of its times, others competing (Aalen-Johansen).

    Causes are positive numbers; 0 is censored. Where nothing competes it is 1 minus Kaplan-Meier.
    """
    _require(times, causes, HALF)
    if cause < 1:
        raise ModelRangeError(f"found the cause {cause}; expected a positive number, 0 means censored")
    curve: list[tuple[float, float]] = []
    survival, incidence = 1.0, 0.0
    for time in sorted(set(times)):
        followed = sum(t >= time for t in times)
        here = [c for t, c in zip(times, causes, strict=True) if t == time and c > 0]
        mine = here.count(cause)
        incidence += survival * mine / followed
        survival *= 1 - len(here) / followed
        if mine:
            curve.append((float(time), incidence))
    return tuple(curve)


def _require(times: Sequence[float], events: Sequence[object], confidence_frac: float) -> None:
    if not times or len(times) != len(events):
        raise ModelRangeError(
            f"found {len(times)} times and {len(events)} events; expected one of each per subject"
        )
    if not all(math.isfinite(time) and time >= 0 for time in times):
        raise ModelRangeError("found a time that is negative or no number; expected 0 or more")
    if not 0 < confidence_frac < 1:
        raise ModelRangeError(f"found a confidence of {confidence_frac}; expected one between 0 and 1")


def _log_log(survival: float, greenwood: float, z: float) -> tuple[float, float]:
    """S to the powers exp(±z sqrt(G) / ln S)."""
    width = z * math.sqrt(greenwood) / math.log(survival)
    low, high = survival ** math.exp(-width), survival ** math.exp(width)
    return low, high


def _first_at_half(steps: Sequence[tuple[float, float]]) -> float | None:
    return next((time for time, share in steps if share <= HALF + ROUNDING), None)


def _crossing(steps: Sequence[SurvivalStep], bound: int) -> float | None:
    """The first time at which that bound of the band is at or below one half; None: not reached."""
    return _first_at_half([(step.time, step.interval[bound]) for step in steps if step.interval])


def _follow_up(times: Sequence[float], events: Sequence[bool]) -> float | None:
    """The median time of follow-up: the curve of being censored."""
    steps = []
    survival = 1.0
    for time in sorted({t for t, event in zip(times, events, strict=True) if not event}):
        lost = sum(not event and t == time for t, event in zip(times, events, strict=True))
        survival *= 1 - lost / sum(t >= time for t in times)
        steps.append((float(time), survival))
    return _first_at_half(steps)


def risk_ticks(last_time: float, most: int) -> tuple[float, ...]:
    """Round times from 0 on, at most so many, that cover the curve.

    >>> risk_ticks(29.0, 7)
    (0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0)
    """
    if last_time <= 0:
        return (0.0,)
    power = 10.0 ** math.floor(math.log10(last_time / most))
    sizes = [step * power * scale for scale in (1.0, 10.0) for step in (1.0, 2.0, 3.0, 5.0)]
    size = next(size for size in sizes if math.ceil(last_time / size) < most)
    return tuple(size * number for number in range(math.ceil(last_time / size) + 1))
