"""A dose divided over sessions and territories, each session within its limits.

Without a plan of the user's, every territory has its own session, so that both lobes are never treated on one
day, and a territory whose part is more than a session holds has several equal ones. The limit of a session is
that of the label, or the cap that trials used where that is lower.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from emboplan.catalog.load import Catalog
from emboplan.embolics.amounts import exact, positive
from emboplan.embolics.bead_loading.bead_amounts import most_in_session_mg
from emboplan.embolics.bead_loading.bead_session import LiverFunction, load_for_liver
from emboplan.embolics.bead_loading.beads import (
    SHARES_TOGETHER,
    WHOLE,
    BeadRequest,
    load_session,
    request_recipe,
)
from emboplan.errors import InputError, ModelRangeError
from emboplan.model.results.loading import Loading, LoadingCourse, SessionLoading

Portions = list[tuple[Fraction, Mapping[str, float]]]

# More sessions than any course of a patient has: a dose that needs them has slipped a unit or digits.
MOST_SESSIONS = 50


def load_course(
    request: BeadRequest,
    catalog: Catalog,
    *,
    sessions: int | None = None,
    session_of: Mapping[str, int] | None = None,
    liver: LiverFunction | None = None,
) -> LoadingCourse:
    """The whole dose of `request`, divided; `dose_mg` and the fixed volumes are those of the whole course.

    Args:
        request: the whole dose, with the share of each territory. Vials, beads and volumes that it fixes
        hold for
            every session.
        catalog: the sourced tables.
        sessions: how many equal sessions a dose without territories is divided into; else as few as fit.
        session_of: the session of each territory, counted from 1; else each has its own.
        liver: what is known of the liver; None leaves the dose in the patient out.

    Raises:
        ModelRangeError: a session over its limits, or sessions that do not fit the territories.
    """
    recipe, _ = request_recipe(request, catalog)
    dose = positive(request.dose_mg, "dose_mg")
    most = most_in_session_mg(recipe)
    portions = _portions(request, dose, most, sessions, session_of)
    asks = [replace(request, dose_mg=part, territories=shares, acknowledged=()) for part, shares in portions]
    made = [
        load_session(ask, catalog) if liver is None else load_for_liver(ask, liver, catalog) for ask in asks
    ]
    _require_asked(request, made)
    loadings = tuple(
        SessionLoading(number, _settled(loading, request)) for number, loading in enumerate(made, start=1)
    )
    return LoadingCourse(
        product=recipe.product.name,
        drug=recipe.drug.name,
        drug_mg=float(dose),
        loaded_mg=math.fsum(s.loading.loaded_mg for s in loadings),
        supernatant_mg=math.fsum(s.loading.supernatant_mg for s in loadings),
        sessions=loadings,
    )


def _require_asked(request: BeadRequest, made: Sequence[Loading]) -> None:
    """`InputError` for an id that no session asks to acknowledge."""
    asked = dict.fromkeys(key for loading in made for key in loading.to_acknowledge)
    for key in request.acknowledged:
        if key not in asked:
            listed = ", ".join(asked) or "nothing"
            raise InputError(f'"{key}" is nothing to acknowledge here; to acknowledge: {listed}')


def _settled(loading: Loading, request: BeadRequest) -> Loading:
    """A session less what has been acknowledged for the course."""
    left = tuple(key for key in loading.to_acknowledge if key not in request.acknowledged)
    return replace(loading, to_acknowledge=left)


def _portions(
    request: BeadRequest,
    dose: Fraction,
    most: float | None,
    sessions: int | None,
    session_of: Mapping[str, int] | None,
) -> Portions:
    shares = {name: positive(share, f"share of {name}") for name, share in request.territories.items()}
    total = sum(shares.values(), Fraction(0))
    if abs(total - 1) > SHARES_TOGETHER:
        raise ModelRangeError(f"the shares of the territories make {float(total):g}; expected 1")
    doses = {name: dose * share / total for name, share in shares.items()}
    if session_of is not None:
        return _as_told(doses, session_of)
    if sessions is not None:
        if dict(request.territories) != dict(WHOLE):
            raise ModelRangeError("sessions was given with territories; say the session of each (session_of)")
        if sessions < 1 or sessions != int(sessions):
            raise ModelRangeError(f"sessions is {sessions!r}; expected a whole number of at least 1")
        _require_few(sessions, "as entered")
        return [(dose / sessions, WHOLE)] * sessions
    found: Portions = []
    for name, part in doses.items():
        count = 1 if most is None else math.ceil(part / exact(most, "most"))
        _require_few(count + len(found), f"for {float(dose):g} mg")
        found += [(part / count, {name: 1.0})] * count
    return found


def _require_few(count: int, why: str) -> None:
    """`ModelRangeError` for more sessions than a course has."""
    if count > MOST_SESSIONS:
        raise ModelRangeError(
            f"{Decimal(count):.4g} sessions ({why}); expected at most {MOST_SESSIONS}, against slips; "
            "check the dose and its unit"
        )


def _as_told(doses: Mapping[str, Fraction], session_of: Mapping[str, int]) -> Portions:
    """The sessions that the user made of the territories."""
    missing = [name for name in doses if name not in session_of]
    unknown = [name for name in session_of if name not in doses]
    if missing or unknown:
        raise ModelRangeError(
            f"session_of: {(missing + unknown)[0]!r} stands in only one of the two lists of territories"
        )
    numbers = sorted(set(session_of.values()))
    if numbers != list(range(1, len(numbers) + 1)):
        raise ModelRangeError(f"session_of has the sessions {numbers}; expected 1, 2, ... without a gap")
    found: Portions = []
    for number in numbers:
        own = {name: dose for name, dose in doses.items() if session_of[name] == number}
        part = sum(own.values(), Fraction(0))
        found.append((part, {name: float(dose / part) for name, dose in own.items()}))
    return found
