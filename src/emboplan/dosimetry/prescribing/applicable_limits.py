"""Which limits a plan is held against: those the user entered, and the catalogue's where it has one.

An entered limit takes the place of the catalogue's on the same quantity. For glass the limit on the whole
normal liver depends on bilirubin (EANM 2022, Table 2); without a bilirubin the lower one is used. For resin
and Ho-166 the tables have no row or footnote that covers neuroendocrine metastases, so that a limit on
normal liver must be entered. Limits on the normal liver count earlier treatments: they were derived without
any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from emboplan.catalog import Catalog
from emboplan.model.case import Limits
from emboplan.model.finding import Finding, Severity
from emboplan.model.products import DoseLimit, Scope
from emboplan.model.results.activity import Quantity

GLASS = "therasphere"
RESIN = "sir-spheres"
ENTERED = "entered in the case"


@dataclass(frozen=True, slots=True)
class ApplicableLimits:
    """The limits of a plan in the order of showing, and what a reader must know of the choice."""

    limits: tuple[DoseLimit, ...]
    findings: tuple[Finding, ...]

    @property
    def protects_normal_liver(self) -> bool:
        """Whether any limit bounds the dose of normal liver."""
        return any(limit.quantity in NORMAL_LIVER for limit in self.limits)


NORMAL_LIVER = (Quantity.WHOLE_NORMAL, Quantity.PERFUSED_NORMAL)


def applicable_limits(
    entered: Limits, *, device: str | None, bilirubin_mg_per_dl: float | None, catalog: Catalog
) -> ApplicableLimits:
    """The limits for a device (its key in the catalogue, or None) and a bilirubin (None where not known)."""
    limits: list[DoseLimit] = []
    findings: list[Finding] = []

    def take(
        name: str, quantity: Quantity, value_gy: float | None, default: Callable[[], DoseLimit | None]
    ) -> None:
        found = default() if value_gy is None else DoseLimit.entered(name, quantity, value_gy, source=ENTERED)
        if found is not None:
            scope = Scope.CUMULATIVE if name in ("whole_normal", "lung_cumulative") else found.scope
            limits.append(replace(found, scope=scope))

    def whole_normal() -> DoseLimit | None:
        limit, finding = _whole_normal(device, bilirubin_mg_per_dl, entered, catalog)
        if finding is not None:
            findings.append(finding)
        return limit

    take("perfused_normal", Quantity.PERFUSED_NORMAL, entered.perfused_normal_gy, lambda: None)
    take("whole_normal", Quantity.WHOLE_NORMAL, entered.whole_normal_gy, whole_normal)
    take("lung_session", Quantity.LUNG, entered.lung_session_gy, lambda: catalog.limit("lung_session"))
    take(
        "lung_cumulative", Quantity.LUNG, entered.lung_cumulative_gy, lambda: catalog.limit("lung_cumulative")
    )
    if device == GLASS:
        limits.append(catalog.limit("therasphere_lung_activity"))
    if device == RESIN:
        limits.append(catalog.limit("sir_spheres_lung_shunt"))
    return ApplicableLimits(tuple(limits), tuple(findings))


def _whole_normal(
    device: str | None, bilirubin_mg_per_dl: float | None, entered: Limits, catalog: Catalog
) -> tuple[DoseLimit | None, Finding | None]:
    if device == GLASS:
        high = catalog.limit("glass_whole_normal_high_bilirubin")
        low = catalog.limit("glass_whole_normal_low_bilirubin")
        threshold = catalog.sourced("bilirubin.whole_normal_threshold")
        if bilirubin_mg_per_dl is None:
            text = (
                "Bilirubin is not known: the lower EANM limit on the whole normal liver "
                f"({high.limit.number:g} Gy) is used. Enter bilirubin, or a limit of your own."
            )
            return high, Finding("bilirubin-unknown", Severity.WARNING, text, threshold.source_text)
        return (high if bilirubin_mg_per_dl >= threshold.number else low), None
    if entered.perfused_normal_gy is not None:
        return None, None
    subject = "without a device" if device is None else f"for {device} and this disease"
    text = f"No limit on normal liver has a source {subject}: enter one under [limits], or the plan has none."
    return None, Finding("no-normal-liver-limit", Severity.WARNING, text, "EANM22 (tables 2 to 4)")
