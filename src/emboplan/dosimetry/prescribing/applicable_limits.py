"""Which limits a plan is held against: those the user entered, and the catalogue's where it has one.

An entered limit takes the place of the catalogue's on the same quantity. The catalogue's limits on normal
liver are rows of EANM 2022, each for a device, tumours and intents, some only for a bilirubin, a hepatic
reserve or a pretreated liver. Of several rows on one quantity the strictest holds; what is not known is taken
as the worse case and told. Resin and Ho-166 have no row or footnote that covers neuroendocrine metastases, so
that their limit on normal liver must be entered. A segmentectomy has no limit on normal liver. Limits on the
whole normal liver count earlier treatments: they were derived without any.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from emboplan.catalog import Catalog
from emboplan.errors import CatalogError, ModelRangeError
from emboplan.model.case import Intent, Limits
from emboplan.model.disease import TumourType
from emboplan.model.finding import Finding, Severity
from emboplan.model.products import DoseLimit, Scope, Status
from emboplan.model.results.activity import Quantity

GLASS = "therasphere"
RESIN = "sir-spheres"
ENTERED = "entered in the case"
TABLES = "EANM22 (tables 2 to 4)"

NORMAL_LIVER = (Quantity.WHOLE_NORMAL, Quantity.PERFUSED_NORMAL)

TUMOUR_WORDS = {
    TumourType.NET: "neuroendocrine metastases",
    TumourType.HCC: "hepatocellular carcinoma",
    TumourType.ICC: "intrahepatic cholangiocarcinoma",
    TumourType.MCRC: "metastases of colorectal cancer",
    TumourType.OTHER: "this disease",
}


@dataclass(frozen=True, slots=True)
class ApplicableLimits:
    """The limits of a plan in the order of showing, and what a reader must know of the choice.

    `warnings` are doses above which a label warns; they hold no plan back.
    """

    limits: tuple[DoseLimit, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[DoseLimit, ...] = ()

    @property
    def protects_normal_liver(self) -> bool:
        """Whether any limit bounds the dose of normal liver."""
        return any(limit.quantity in NORMAL_LIVER for limit in self.limits)


@dataclass(frozen=True, slots=True)
class _Question:
    """Whom limits are sought for; None is not known."""

    device: str | None
    tumour: TumourType
    intent: Intent | None
    bilirubin_mg_per_dl: float | None
    hepatic_reserve_frac: float | None
    pretreated: bool


def applicable_limits(
    entered: Limits,
    *,
    device: str | None,
    bilirubin_mg_per_dl: float | None,
    catalog: Catalog,
    tumour: TumourType = TumourType.NET,
    intent: Intent | None = None,
    hepatic_reserve_frac: float | None = None,
    pretreated: bool = False,
) -> ApplicableLimits:
    """The limits for a device (its key in the catalogue, or None), a tumour, an intent and a liver.

    None is what is not known. `hepatic_reserve_frac` is the share (0 to 1) of liver function that stays
    untreated. `pretreated` stands for a liver that was treated before or is compromised. Without an intent
    the rows of every intent count. Source: EANM 2022, Tables 2 to 4, and the labels.

    Raises:
        ModelRangeError: a bilirubin that is not positive, or a reserve outside 0 to 1.
    """
    _check_liver(bilirubin_mg_per_dl, hepatic_reserve_frac)
    question = _Question(device, tumour, intent, bilirubin_mg_per_dl, hepatic_reserve_frac, pretreated)
    strictest, findings = _normal_liver(question, entered, catalog)
    limits: list[DoseLimit] = []

    def take(name: str, quantity: Quantity, value_gy: float | None, default: DoseLimit | None) -> None:
        found = default if value_gy is None else DoseLimit.entered(name, quantity, value_gy, source=ENTERED)
        if found is not None:
            scope = Scope.CUMULATIVE if name in ("whole_normal", "lung_cumulative") else found.scope
            limits.append(replace(found, scope=scope))

    for quantity, value_gy in _entered_normal(entered).items():
        take(quantity.value, quantity, value_gy, strictest.get(quantity))
    for name, value_gy in (
        ("lung_session", entered.lung_session_gy),
        ("lung_cumulative", entered.lung_cumulative_gy),
    ):
        take(name, Quantity.LUNG, value_gy, catalog.limit(name))
    warnings: list[DoseLimit] = []
    if device == GLASS:
        limits.append(catalog.limit("therasphere_lung_activity"))
        warnings.append(catalog.limit("therasphere_lung_warning"))
    if device == RESIN:
        limits.append(catalog.limit("sir_spheres_lung_shunt"))
    found = ApplicableLimits(tuple(limits), tuple(findings), tuple(warnings))
    if found.protects_normal_liver:
        return found
    return replace(found, findings=(*found.findings, _nothing_protects(question)))


def _check_liver(bilirubin_mg_per_dl: float | None, hepatic_reserve_frac: float | None) -> None:
    if bilirubin_mg_per_dl is not None and not (
        math.isfinite(bilirubin_mg_per_dl) and bilirubin_mg_per_dl > 0
    ):
        raise ModelRangeError(f"bilirubin is {bilirubin_mg_per_dl} mg/dL; expected a positive number")
    if hepatic_reserve_frac is not None and not 0 <= hepatic_reserve_frac <= 1:
        raise ModelRangeError(
            f"hepatic reserve is {hepatic_reserve_frac}; expected a fraction from 0 to 1 (30 % is 0.30)"
        )


def _entered_normal(entered: Limits) -> Mapping[Quantity, float | None]:
    return {
        Quantity.PERFUSED_NORMAL: entered.perfused_normal_gy,
        Quantity.WHOLE_NORMAL: entered.whole_normal_gy,
    }


def _normal_liver(
    question: _Question, entered: Limits, catalog: Catalog
) -> tuple[Mapping[Quantity, DoseLimit], list[Finding]]:
    """The strictest row on each quantity for which nothing was entered, and what to tell of the choice."""
    strictest: dict[Quantity, DoseLimit] = {}
    findings: list[Finding] = []
    for quantity, value_gy in _entered_normal(entered).items():
        if value_gy is not None:
            continue
        rows = list(_rows(question, quantity, catalog))
        holding = [(catalog.limit(name), holds) for name, holds in rows if holds is not False]
        if not holding:
            continue
        least, holds = min(holding, key=lambda row: row[0].limit.number)
        strictest[quantity] = least
        if holds is None:
            findings.append(_unknown(least, _when(least.name, catalog), catalog))
        elif loosened := [limit for limit, _ in holding if limit.limit.number > least.limit.number]:
            findings.append(_strictest(least, loosened))
    return strictest, findings


def _rows(question: _Question, quantity: Quantity, catalog: Catalog) -> Iterator[tuple[str, bool | None]]:
    """The limits whose row covers the question, and whether their liver is this one (None: not known)."""
    for name, table in catalog.dose_tables("limits").items():
        if "tumours" not in table or table["status"] == Status.UNVERIFIED:
            continue
        covers = (
            table["quantity"] == quantity
            and table["device"] == question.device
            and question.tumour in table["tumours"]
            and (question.intent is None or question.intent in table["intents"])
        )
        if covers:
            yield name, _is_this_liver(question, table, catalog)


def _when(name: str, catalog: Catalog) -> str | None:
    when: str | None = catalog.dose_tables("limits")[name].get("when")
    return when


def _is_this_liver(question: _Question, table: Mapping[str, Any], catalog: Catalog) -> bool | None:
    """Whether the row's condition on the liver holds; None: not known, and the row is the worse case."""
    when = table.get("when")
    if when is None:
        return True
    if when in ("bilirubin-high", "bilirubin-low"):
        if question.bilirubin_mg_per_dl is None:
            return None if when == "bilirubin-high" else False
        threshold = catalog.sourced("bilirubin.whole_normal_threshold").number
        return (question.bilirubin_mg_per_dl >= threshold) is (when == "bilirubin-high")
    if when == "reserve-low":
        if question.hepatic_reserve_frac is None:
            return None
        return question.hepatic_reserve_frac <= catalog.sourced("goals.hepatic_reserve_edge").number
    if when in ("compromised", "not-compromised"):
        return question.pretreated is (when == "compromised")
    raise CatalogError(f"limits.toml: when is {when!r}; expected a condition of bilirubin, reserve or liver")


def _unknown(limit: DoseLimit, when: str | None, catalog: Catalog) -> Finding:
    if when == "reserve-low":
        text = (
            "The hepatic reserve is not known: the EANM limit on the perfused normal liver for a low reserve "
            f"({limit.limit.number:g} Gy) is used. Enter the reserve, or a limit of your own."
        )
        return Finding("hepatic-reserve-unknown", Severity.WARNING, text, limit.limit.source_text)
    text = (
        "Bilirubin is not known: the lower EANM limit on the whole normal liver "
        f"({limit.limit.number:g} Gy) is used. Enter bilirubin, or a limit of your own."
    )
    source = catalog.sourced("bilirubin.whole_normal_threshold").source_text
    return Finding("bilirubin-unknown", Severity.WARNING, text, source)


def _strictest(least: DoseLimit, others: Sequence[DoseLimit]) -> Finding:
    said = ", ".join(f"{limit.limit.number:g} Gy ({limit.condition})" for limit in others)
    text = (
        f"The table prints several limits on the {least.quantity.replace('_', ' ')} liver for this plan. The "
        f"strictest, {least.limit.number:g} Gy ({least.condition}), is used; it also prints {said}."
    )
    return Finding("strictest-normal-liver-limit", Severity.INFO, text, least.limit.source_text)


def _nothing_protects(question: _Question) -> Finding:
    if question.intent is Intent.SEGMENTECTOMY:
        text = (
            "Segmentectomy: no limit holds for the normal liver inside, which is given up. "
            "Make sure that the liver outside is enough."
        )
        return Finding("segmentectomy-no-normal-liver-limit", Severity.INFO, text, TABLES)
    subject = (
        "without a device"
        if question.device is None
        else f"for {question.device} and {TUMOUR_WORDS[question.tumour]}"
    )
    aim = "" if question.intent is None else f" ({question.intent.value})"
    text = (
        f"No limit on normal liver has a source {subject}{aim}: enter one under [limits], "
        "or the plan has none."
    )
    return Finding("no-normal-liver-limit", Severity.WARNING, text, TABLES)
