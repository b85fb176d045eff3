"""The territories of an embolization as numbers: volumes, the doses that they are given, and their shares.

A session's amounts are divided by tumour volume. Where a territory of it holds no tumour, they are divided by
treated liver instead, and a finding says so. Doses of territories that the case states go before both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from emboplan.embolics.amounts import exact
from emboplan.errors import CaseFileError
from emboplan.model.case import Case
from emboplan.model.finding import Finding, Severity
from emboplan.model.loading_request import AskedDose, LoadingRequest
from emboplan.workflow.planning.territories import TreatedVolume

Shares = Mapping[str, Fraction]


@dataclass(frozen=True, slots=True)
class Part:
    """A territory: treated liver (lesions included) and tumour in mL, its session, its own dose or None."""

    name: str
    session: int
    perfused_ml: float
    tumour_ml: float
    dose: AskedDose | None = None


def parts_of(volumes: Sequence[TreatedVolume]) -> tuple[Part, ...]:
    """The territories of a case in numbers."""
    return tuple(
        Part(
            volume.name,
            volume.territory.session,
            volume.perfused.volume_ml,
            volume.tumour.volume_ml,
            volume.territory.drug_dose,
        )
        for volume in volumes
    )


def tumour_ml(parts: Sequence[Part]) -> float:
    """The tumour in all of them."""
    return math.fsum(part.tumour_ml for part in parts)


def session_dose(case: Case, parts: Sequence[Part]) -> AskedDose | None:
    """The dose of the session that treats these territories; None where the case states none.

    Raises:
        CaseFileError: the doses of its territories are partly in mg and partly in mg/m2.
    """
    own = [part.dose for part in parts if part.dose is not None]
    if not own:
        return _plan_dose(case)
    if len({dose.per_m2 for dose in own}) > 1:
        raise CaseFileError(
            [f"{case.source.name}: territory.drug_dose: found mg and mg/m2 in one session; give one kind"]
        )
    total = sum((exact(dose.amount, "drug_dose") for dose in own), Fraction(0))
    return AskedDose(float(total), own[0].per_m2)


def _plan_dose(case: Case) -> AskedDose | None:
    request = case.loading or LoadingRequest()
    if request.drug_dose is not None:
        return request.drug_dose
    if case.schedule is not None and case.schedule.drug_mg is not None:
        return AskedDose(case.schedule.drug_mg)
    return None


def shares_of(parts: Sequence[Part]) -> Shares:
    """What each territory gets of its session, as exact fractions that make 1."""
    doses = {part.name: exact(part.dose.amount, "drug_dose") for part in parts if part.dose is not None}
    if len(doses) < len(parts):
        by_tumour = all(part.tumour_ml > 0 for part in parts)
        doses = {
            part.name: exact(part.tumour_ml if by_tumour else part.perfused_ml, "volume") for part in parts
        }
    whole = sum(doses.values(), Fraction(0))
    return {name: dose / whole for name, dose in doses.items()}


def part_findings(parts: Sequence[Part]) -> tuple[Finding, ...]:
    """Territories without tumour, and what follows for the shares."""
    empty = [part.name for part in parts if part.tumour_ml <= 0]
    if not empty:
        return ()
    listed = ", ".join(f'"{name}"' for name in empty)
    shared = ""
    if len(parts) > 1 and any(part.dose is None for part in parts):
        shared = "; the session is divided by treated liver instead of by tumour"
    text = f"No tumour is known in the territory {listed}{shared}. Check the contours, or leave it out."
    return (Finding("no-tumour-in-territory", Severity.WARNING, text),)
