"""Checks of an embolization's plan by itself: what is added comes out again, and parts make the whole.

The formulas balance exactly, so that only rounding may be left.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from emboplan.model.plan import Check
from emboplan.model.results.embolization import EmbolizationPlan, EmbolizationSession

BALANCE = 1e-9


def balances(plan: EmbolizationPlan) -> tuple[Check, ...]:
    """Each balance of each session, then that of all sessions."""
    checks = [check for session in plan.sessions for check in _of_session(session)]
    if plan.drug_mg is not None:
        masses = [session.drug_mg or 0.0 for session in plan.sessions]
        checks.append(
            _check("sessions-balance", "drug of all sessions against the plan's", masses, plan.drug_mg)
        )
    return tuple(checks)


def _of_session(session: EmbolizationSession) -> Iterator[Check]:
    name = f"session {session.session}"
    if session.loading is not None:
        parts = [session.loading.loaded_mg, session.loading.supernatant_mg]
        yield _check(
            "drug-balance", f"{name}: loaded and left over against added", parts, session.loading.drug_mg
        )
    if session.emulsion is not None:
        found = session.emulsion
        parts = [found.oil_ml, found.aqueous_ml]
        yield _check(
            "volume-balance", f"{name}: oil and aqueous phase against emulsion", parts, found.emulsion_ml
        )
    if session.drug_mg is not None:
        parts = [part.drug_mg or 0.0 for part in session.territories]
        yield _check("territory-balance", f"{name}: drug of territories against all", parts, session.drug_mg)
    if session.sizes and session.drug_mg is not None:
        parts = [part.drug_mg for part in session.sizes]
        yield _check("size-balance", f"{name}: drug of sizes against all", parts, session.drug_mg)


def _check(name: str, text: str, parts: list[float], whole: float) -> Check:
    off = abs(math.fsum(parts) / whole - 1)
    return Check(name, f"{text}, relative difference", off, BALANCE, off <= BALANCE)
