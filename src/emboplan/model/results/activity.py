"""Activity and what it does: the answer of each dose model, checked against its limits.

One `ModelResult` is one model in one territory: the administered activity, the doses that it gives, and each
limit with the value it meets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from emboplan.model.finding import Finding
from emboplan.model.serialise import fields_to_json, to_jsonable


class Quantity(StrEnum):
    """What a dose, a goal or a limit is about; no two of them share a scale."""

    TUMOUR = "tumour"
    PERFUSED_NORMAL = "perfused_normal"
    WHOLE_NORMAL = "whole_normal"
    PERFUSED = "perfused"
    LUNG = "lung"
    LUNG_ACTIVITY = "lung_activity"
    LUNG_SHUNT = "lung_shunt"


def _no_lesions() -> Mapping[str, float]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Doses:
    """Mean absorbed doses in Gy; None where the model says nothing about the structure.

    `perfused` is the mean over the whole treated volume, tumours included. `whole_normal` counts liver that
    no territory reaches as 0 Gy. `lesions` is keyed by the lesion's label.
    """

    tumour: float | None = None
    perfused_normal: float | None = None
    whole_normal: float | None = None
    perfused: float | None = None
    lung: float | None = None
    lesions: Mapping[str, float] = field(default_factory=_no_lesions)

    def of(self, quantity: Quantity) -> float | None:
        """The dose of one quantity, None where the model gives none."""
        values = {
            Quantity.TUMOUR: self.tumour,
            Quantity.PERFUSED_NORMAL: self.perfused_normal,
            Quantity.WHOLE_NORMAL: self.whole_normal,
            Quantity.PERFUSED: self.perfused,
            Quantity.LUNG: self.lung,
        }
        return values.get(quantity)

    def scaled(self, factor: float) -> Doses:
        """All doses times `factor`: doses are linear in the activity."""

        def times(value: float | None) -> float | None:
            return None if value is None else value * factor

        return Doses(
            tumour=times(self.tumour),
            perfused_normal=times(self.perfused_normal),
            whole_normal=times(self.whole_normal),
            perfused=times(self.perfused),
            lung=times(self.lung),
            lesions=MappingProxyType({label: dose * factor for label, dose in self.lesions.items()}),
        )

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class LimitCheck:
    """A value beside its limit, with the method that the limit was derived with.

    `unit` is ``Gy``, ``GBq`` or ``1``; the JSON keys carry it (`value_gy`, `value_gbq`, `value_frac`).
    `probability` is that of exceeding, None until uncertainties are propagated. `below` says that the limit
    itself is already too much ("stay below").
    """

    name: str
    quantity: Quantity
    value: float
    limit: float
    unit: str
    exceeded: bool
    probability: float | None = None
    below: bool = False
    derived_with: str = ""
    source: str = ""
    status: str = ""
    origin: str = ""

    def to_json(self) -> dict[str, Any]:
        """The JSON fields, with the unit in the keys of the value and the limit."""
        key = {"Gy": "gy", "GBq": "gbq", "1": "frac"}[self.unit]
        plain = {
            "name": self.name,
            "quantity": self.quantity,
            f"value_{key}": self.value,
            f"limit_{key}": self.limit,
            "exceeded": self.exceeded,
            "probability": self.probability,
            "below": self.below,
            "derived_with": self.derived_with,
            "source": self.source,
            "status": self.status,
            "origin": self.origin,
        }
        json: dict[str, Any] = to_jsonable(plain)
        return json


@dataclass(frozen=True, slots=True)
class ModelResult:
    """One dose model in one territory: administered activity, doses and limits.

    `prepared_gbq` is what the vial must hold at injection when a share stays behind as residual. `ceilings`
    says for each limit (and the goal) which administered activity would just meet it; `binding` is the one
    that decided `administered_gbq`.
    """

    model: str
    territory: str
    administered_gbq: float
    doses_gy: Doses
    limits: tuple[LimitCheck, ...] = ()
    interval_gbq: tuple[float, float] | None = None
    prepared_gbq: float | None = None
    binding: str | None = None
    goal_met: bool | None = None
    ceilings_gbq: Mapping[str, float] = field(default_factory=_no_lesions)
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)
