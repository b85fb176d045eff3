"""What another shunt, ratio, goal, limit or activity would change: quick answers on a prepared case.

Images are read and measured once; each change then starts from numbers. An answer has the same models, limits
and second calculation as a plan; the table of vials and the intervals, which take longer, are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from emboplan.catalog.load import Catalog, load
from emboplan.dosimetry.arguments import fraction, not_negative, positive
from emboplan.errors import ModelRangeError
from emboplan.model.case import Case, DoseGoal
from emboplan.model.products import Sourced, Status
from emboplan.model.results.activity import Doses
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.model.results.prescription import Objective
from emboplan.workflow.planning.activity_plan import prepared_case, voxel_response
from emboplan.workflow.planning.prescribe import prescribe
from emboplan.workflow.planning.request import Request
from emboplan.workflow.planning.side_by_side import ENTERED, Question
from emboplan.workflow.planning.treated import TerritoryInput

# Whose a value is that was only tried.
TRIED = "what-if"


@dataclass(frozen=True, slots=True, eq=False)
class WhatIf:
    """A prepared case that may be changed; every change gives a new one, and `plan` its activities."""

    question: Question
    request: Request
    catalog: Catalog
    voxel_per_gbq: Callable[[], Mapping[str, Doses]]

    @property
    def plan(self) -> ActivityPlan:
        """The activities, doses and limits as things stand."""
        return prescribe(
            self.question, self.request, catalog=self.catalog, voxel_per_gbq=self.voxel_per_gbq, quick=True
        )

    def changed(
        self,
        *,
        territory: str | None = None,
        lung_shunt_frac: float | None = None,
        tumour_to_normal: float | None = None,
        tumour_goal_gy: float | None = None,
        perfused_goal_gy: float | None = None,
        administered_gbq: float | None = None,
        limits: Mapping[str, float] | None = None,
        objective: Objective | str | None = None,
    ) -> WhatIf:
        """The same case with something else in one territory, or in all where none is named.

        `tumour_to_normal` replaces the ratios of single lesions too. `administered_gbq` is an activity that
        is given, not chosen; a new goal makes it chosen again. `limits` are new values of limits in force, by
        name, in their own units.

        Raises:
            ModelRangeError: no such territory or limit, or a value out of its range.
        """
        names = [t.name for t in self.question.territories]
        if territory is not None and territory not in names:
            raise ModelRangeError(f'no territory "{territory}"; there are: {", ".join(names)}')
        change = _Change(
            lung_shunt_frac=_checked(lung_shunt_frac, "lung_shunt_frac", fraction),
            tumour_to_normal=_checked(tumour_to_normal, "tumour_to_normal", positive),
            tumour_goal_gy=_checked(tumour_goal_gy, "tumour_goal_gy", positive),
            perfused_goal_gy=_checked(perfused_goal_gy, "perfused_goal_gy", positive),
            administered_gbq=_checked(administered_gbq, "administered_gbq", not_negative),
        )
        question = replace(
            self.question,
            territories=tuple(
                change.of(t) if territory in (None, t.name) else t for t in self.question.territories
            ),
        )
        if limits:
            question = _with_limits(question, limits)
        if objective is not None:
            question = replace(question, objective=Objective(objective))
        return replace(self, question=question)


@dataclass(frozen=True, slots=True)
class _Change:
    """New values of a territory; None leaves one as it is."""

    lung_shunt_frac: float | None
    tumour_to_normal: float | None
    tumour_goal_gy: float | None
    perfused_goal_gy: float | None
    administered_gbq: float | None

    def of(self, territory: TerritoryInput) -> TerritoryInput:
        """A territory with the new values."""
        own = territory.territory
        if self.tumour_goal_gy is not None or self.perfused_goal_gy is not None:
            own = replace(own, administered_gbq=None)
        if self.tumour_goal_gy is not None:
            each = own.tumour_goal is not None and own.tumour_goal.each_lesion
            own = replace(own, tumour_goal=DoseGoal(self.tumour_goal_gy, TRIED, each))
        if self.perfused_goal_gy is not None:
            own = replace(own, perfused_goal=DoseGoal(self.perfused_goal_gy, TRIED))
        if self.administered_gbq is not None:
            own = replace(own, administered_gbq=self.administered_gbq)
        if self.lung_shunt_frac is not None:
            own = replace(own, lung_shunt_frac=self.lung_shunt_frac)
            territory = replace(territory, lung_shunt_frac=self.lung_shunt_frac)
        if self.tumour_to_normal is not None:
            own = replace(own, tumour_to_normal=self.tumour_to_normal, lesion_ratios=MappingProxyType({}))
            territory = replace(
                territory, tumour_to_normal=self.tumour_to_normal, lesion_ratios=MappingProxyType({})
            )
        return replace(territory, territory=own)


def _checked(value: float | None, name: str, check: Callable[[Any, str], Any]) -> float | None:
    return None if value is None else float(check(value, name))


def _with_limits(question: Question, values: Mapping[str, float]) -> Question:
    known = {limit.name for limit in question.limits.limits}
    unknown = sorted(values.keys() - known)
    if unknown:
        raise ModelRangeError(f"no limit {unknown[0]!r} is in force; in force: {', '.join(sorted(known))}")
    limits = tuple(
        replace(limit, limit=_tried(limit.limit, values[limit.name])) if limit.name in values else limit
        for limit in question.limits.limits
    )
    return replace(question, limits=replace(question.limits, limits=limits))


def _tried(limit: Sourced, value: float) -> Sourced:
    number = float(positive(value, limit.name))
    return replace(limit, value=number, source=(TRIED,), place=TRIED, status=Status.CONFIRMED, origin=ENTERED)


def what_if(
    case: Case | Path | str,
    *,
    catalog: Catalog | None = None,
    ct_series: str | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> WhatIf:
    """A case read and measured once, to be asked what changes would do.

    >>> import emboplan as ep                                                      # doctest: +SKIP
    >>> asked = ep.what_if("case.toml")                                            # doctest: +SKIP
    >>> asked.changed(territory="right lobe", tumour_to_normal=4.0).plan.chosen    # doctest: +SKIP

    Raises:
        InputError: something in the case cannot be used; the message says what to do.
    """
    tables = catalog or load()
    subject, prepared = prepared_case(case, tables, ct_series=ct_series, progress=progress)
    found: dict[str, Doses] = {}

    def once() -> Mapping[str, Doses]:
        if not found:
            found.update(voxel_response(prepared))
        return found

    return WhatIf(prepared.question(subject), prepared.request(subject), tables, once)
