"""A plan of a digital patient against its known truth: what was found, what is true, and how far apart.

The plan enters the true tumour-to-normal ratio, so that its partition doses can be held against those of the
true volumes and the true shunt; the ratio measured on the scan is shown beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from emboplan.dosimetry.models.compartment import Partition, partition
from emboplan.model.mask import LabelMap
from emboplan.model.plan import Plan, PlannedCase, SourceT
from emboplan.synthetic.truth import PhantomTruth
from emboplan.units import PERCENT

# How close a plan must come to the truth of a digital patient. Volumes: about what repeated contours of
# experts differ by. Shunt and doses: small beside the uncertainty of any patient's.
LIVER_REL = 0.03
BURDEN_POINTS = 2.0
LESION_REL = 0.15
SHUNT_POINTS = 0.5
SHUNT_REL = 0.10
DOSE_REL = 0.05

# Lesions below this diameter are a few voxels wide: found or not, their volume is no test.
TESTED_LESION_MM = 20.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """One quantity: found and true as shown, the tolerance, and whether the difference keeps within it.

    `passed` is None for a quantity that is shown and not tested.
    """

    text: str
    found: str
    truth: str
    difference: float
    tolerance: str
    passed: bool | None

    @property
    def verdict(self) -> str:
        """The outcome in one word."""
        return {True: "ok", False: "FAILED", None: "shown"}[self.passed]


def compare_with_truth(planned: PlannedCase[SourceT], truth: PhantomTruth) -> tuple[Comparison, ...]:
    """The comparisons of liver, burden, lesions, shunt, ratio and partition doses."""
    plan = planned.plan
    return (
        *_volumes(plan, truth),
        *_lesions(planned.anatomy.lesions, truth),
        *_shunt(plan, truth),
        *_ratio(plan, truth),
        *_doses(plan, truth),
    )


def _relative(text: str, found: float, true: float, unit: str, allowed: float) -> Comparison:
    off = found / true - 1
    return Comparison(
        text=text,
        found=f"{found:.4g} {unit}",
        truth=f"{true:.4g} {unit}",
        difference=off,
        tolerance=f"{off * PERCENT:+.1f} % of ±{allowed * PERCENT:.0f} %",
        passed=abs(off) <= allowed,
    )


def _points(text: str, found_pct: float, true_pct: float, allowed: float) -> Comparison:
    off = found_pct - true_pct
    return Comparison(
        text=text,
        found=f"{found_pct:.2f} %",
        truth=f"{true_pct:.2f} %",
        difference=off,
        tolerance=f"{off:+.2f} of ±{allowed:.2g} points",
        passed=abs(off) <= allowed,
    )


def _volumes(plan: Plan, truth: PhantomTruth) -> Iterator[Comparison]:
    yield _relative("liver volume", plan.burden.liver_ml, truth.volumes_ml["liver"], "mL", LIVER_REL)
    yield _points("tumour burden", plan.burden.burden_pct, truth.burden_frac * PERCENT, BURDEN_POINTS)


def _lesions(found: LabelMap, truth: PhantomTruth) -> Iterator[Comparison]:
    """Each true lesion against the found one that covers most of it."""
    found.grid.require_same(truth.lesions.grid, "found and true lesions")
    sizes = np.bincount(found.labels.ravel())
    for lesion in truth.lesion_table:
        covered = np.bincount(found.labels[truth.lesions.labels == lesion.number], minlength=sizes.size)
        covered[0] = 0
        best = int(covered.argmax())
        found_ml = float(sizes[best]) * found.grid.voxel_ml if covered[best] else 0.0
        text = f"lesion {lesion.number} of {lesion.longest_axial_diameter_mm:.0f} mm"
        compared = _relative(text, found_ml, lesion.volume_ml, "mL", LESION_REL)
        yield compared if lesion.longest_axial_diameter_mm >= TESTED_LESION_MM else _shown(compared)
    true_at = truth.lesions.labels > 0
    extra = [n for n in found.numbers if not (true_at & (found.labels == n)).any()]
    extra_ml = sum(float(sizes[n]) for n in extra) * found.grid.voxel_ml
    yield Comparison("false lesions", f"{len(extra)} ({extra_ml:.1f} mL)", "0", len(extra), "", None)


def _shown(compared: Comparison) -> Comparison:
    return Comparison(
        compared.text, compared.found, compared.truth, compared.difference, compared.tolerance, None
    )


def _shunt(plan: Plan, truth: PhantomTruth) -> Iterator[Comparison]:
    if plan.shunt is None:
        yield Comparison("lung shunt", "none", f"{truth.lung_shunt_frac:.2%}", 0.0, "", passed=False)
        return
    true_pct = truth.lung_shunt_frac * PERCENT
    allowed = max(SHUNT_POINTS, SHUNT_REL * true_pct)
    yield _points("lung shunt", plan.shunt.lung_shunt_frac * PERCENT, true_pct, allowed)


def _ratio(plan: Plan, truth: PhantomTruth) -> Iterator[Comparison]:
    measured = plan.tumour_to_normal
    if measured is None:
        return
    for text, value in (
        ("tumour-to-normal as read on the SPECT", measured.tumour_to_normal),
        ("tumour-to-normal corrected for resolution", measured.tumour_to_normal_corrected),
    ):
        if value is not None:
            compared = _relative(text, value, truth.tumour_to_normal, "", DOSE_REL)
            yield Comparison(
                text,
                f"{value:.2f}",
                f"{truth.tumour_to_normal:.2f}",
                compared.difference,
                f"bias {compared.difference * PERCENT:+.0f} %",
                None,
            )


def _doses(plan: Plan, truth: PhantomTruth) -> Iterator[Comparison]:
    chosen = None if plan.activity is None else plan.activity.chosen
    if chosen is None or chosen.model != "partition":
        yield Comparison("partition doses", "none", "", 0.0, "", passed=False)
        return
    true = _true_partition(plan, truth, chosen.administered_gbq)
    for text, found, expected in (
        ("tumour dose, partition model", chosen.doses_gy.tumour, true.tumour_gy),
        ("normal-liver dose, partition model", chosen.doses_gy.perfused_normal, true.normal_gy),
    ):
        yield _relative(text, found or 0.0, float(expected), "Gy", DOSE_REL)


def _true_partition(plan: Plan, truth: PhantomTruth, administered_gbq: float) -> Partition:
    """What the administered activity of the plan gives in the true masses, with the true shunt and ratio."""
    density = truth.liver_density_g_per_ml
    return partition(
        tumour_mass_g=truth.volumes_ml["tumour"] * density,
        normal_mass_g=truth.volumes_ml["normal_liver"] * density,
        tumour_to_normal=truth.tumour_to_normal,
        administered_gbq=administered_gbq,
        lung_shunt_frac=truth.lung_shunt_frac,
        k_gy_kg_per_gbq=plan.settings.k_gy_kg_per_gbq,
    )
