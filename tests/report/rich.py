"""An invented plan with every part of activity planning filled: two territories, two sessions of one device.

The numbers are consistent where a reader would check them (doses are linear in the activity, vials decay with
64.1 h) and otherwise invented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from emboplan.model.finding import Finding, Severity
from emboplan.model.results.activity import Doses, LimitCheck, ModelResult, Quantity
from emboplan.model.results.activity_plan import ActivityPlan, BiologicalDose, PublishedValue
from emboplan.model.results.prescription import (
    GoalOutcome,
    LimitRisk,
    PlanUncertainty,
    Price,
    SecondCheck,
    SecondValue,
    UncertainValue,
    VialAlternative,
)

TORONTO, PARIS = ZoneInfo("America/Toronto"), ZoneInfo("Europe/Paris")
CALIBRATION = datetime(2026, 11, 29, 12, 0, tzinfo=TORONTO)  # a Sunday
SIZES = (3.0, 5.0, 7.0, 10.0, 15.0, 20.0)
HALF_LIFE_H = 64.1
DAYS = 12
TREATMENT_DAY = 4  # days after the calibration
MODELS = ("partition", "multi", "single", "bsa", "empiric", "artery-specific", "voxel")
WHOLE = "glass_whole_normal_high_bilirubin"
TERRITORIES = ("right lobe", "left lobe", "segment 4")
# Gy for one GBq in each territory: tumour, perfused normal, whole normal, perfused, lung.
PER_GBQ = {"right lobe": (62.0, 17.0, 11.0, 24.0, 2.5), "left lobe": (95.0, 31.0, 9.0, 40.0, 2.5)}
PER_GBQ["segment 4"] = (310.0, 88.0, 7.5, 130.0, 2.5)
RESIDUAL_FRAC = 0.01


def _doses(territory: str, gbq: float) -> Doses:
    tumour, perfused_normal, whole, perfused, lung = (gbq * gy for gy in PER_GBQ[territory])
    return Doses(
        tumour=tumour, perfused_normal=perfused_normal, whole_normal=whole, perfused=perfused, lung=lung,
        lesions={"1": 1.2 * tumour, "2": 0.7 * tumour},
    )  # fmt: skip


def _limits(doses: Doses) -> tuple[LimitCheck, ...]:
    lung, whole = doses.lung or 0.0, doses.whole_normal or 0.0
    return (
        LimitCheck(
            "lung_session", Quantity.LUNG, lung, 30.0, "Gy", exceeded=False, probability=2e-5,
            derived_with="planar shunt and 1 kg lung mass", source="VR30 (30 Gy)", status="to-confirm",
        ),
        LimitCheck(
            "lung_cumulative", Quantity.LUNG, lung + 4.0, 50.0, "Gy", exceeded=False, probability=2e-6,
            derived_with="planar shunt and 1 kg lung mass", source="VR41", status="to-confirm",
        ),
        LimitCheck(
            WHOLE, Quantity.WHOLE_NORMAL, whole, 50.0, "Gy", exceeded=False, below=True, probability=0.43,
            derived_with="multi-compartment dosimetry of glass; mean over the whole normal liver",
            source="EANM22 (Table 2)", status="confirmed",
        ),
        LimitCheck(
            "therasphere_lung_activity", Quantity.LUNG_ACTIVITY, 0.11, 0.61, "GBq", exceeded=False,
            probability=0.0, derived_with="administered activity times shunt; no lung mass", source="TSBS",
            status="confirmed",
        ),
    )  # fmt: skip


def _models(territories: Sequence[str], given: Mapping[str, float]) -> tuple[ModelResult, ...]:
    alone = len(territories) == 1
    results = []
    for place, model in enumerate(MODELS):
        for territory in territories:
            gbq = given[territory] * (1.0 + 0.13 * place)
            doses = _doses(territory, gbq)
            doses = doses if model in ("partition", "multi") else replace(doses, lesions={})
            if model in ("single", "bsa", "empiric"):
                doses = Doses(perfused=doses.perfused, lung=doses.lung)
            limits = _limits(doses) if alone and model in ("partition", "multi") else ()
            if model == "voxel":
                limits = (
                    LimitCheck(
                        "glass_perfused_normal_low_reserve", Quantity.PERFUSED_NORMAL, 131.0, 120.0, "Gy",
                        exceeded=True, derived_with="single territory", source="EANM22 (Table 2)",
                    ),
                )  # fmt: skip
            results.append(
                ModelResult(
                    model, territory, gbq, doses, limits,
                    interval_gbq=(0.8 * gbq, 1.25 * gbq) if model == "partition" else None,
                    prepared_gbq=gbq / (1 - RESIDUAL_FRAC),
                    binding=WHOLE if place < 2 else None,
                    goal_met={0: True, 1: False}.get(place),
                )
            )  # fmt: skip
    return tuple(results)


def vial_table(
    territory: str, *, sizes: Sequence[float] = SIZES, chosen_gbq: float = 7.0
) -> tuple[VialAlternative, ...]:
    """Each size on each day: what it gives, and whether it fits a plan of 150 Gy within 50 Gy and 30 Gy."""
    rows = []
    treatment = datetime(2026, 11, 29, 10, 30, tzinfo=PARIS)
    for day in range(DAYS + 2):
        moment = treatment + timedelta(days=day)
        hours = (moment.timestamp() - CALIBRATION.timestamp()) / 3600
        for size in sizes:
            row = VialAlternative(territory, "therasphere", (size,), CALIBRATION, moment, usable=False)
            if not 0 <= hours <= 24 * DAYS:
                reason = "before calibration" if hours < 0 else "past its shelf life"
                rows.append(replace(row, reason=reason))
                continue
            prepared = size * 2 ** (-hours / HALF_LIFE_H)
            given = prepared * (1 - RESIDUAL_FRAC)
            doses = _doses(territory, given)
            over = [WHOLE] if (doses.whole_normal or 0.0) >= 50 else []
            over += ["lung_session"] if (doses.lung or 0.0) > 30 else []
            rows.append(
                replace(
                    row, usable=True, prepared_gbq=prepared, drawn_frac=1.0, administered_gbq=given,
                    spheres=size * 4e5, activity_per_sphere_bq=prepared * 1e9 / (size * 4e5),
                    sphere_volume_ml=size * 3.3e-3, doses_gy=doses, kept=not over,
                    goals_met=(doses.tumour or 0.0) >= 150, exceeded=tuple(over),
                    chosen=day == TREATMENT_DAY and size == chosen_gbq,
                )
            )  # fmt: skip
    return tuple(rows)


def _uncertainty(territories: Sequence[str], given: Mapping[str, float], total: Doses) -> PlanUncertainty:
    values = []
    for territory in (*territories, *(["all territories"] if len(territories) > 1 else [])):
        doses = total if territory == "all territories" else _doses(territory, given[territory])
        for quantity in (Quantity.TUMOUR, Quantity.PERFUSED_NORMAL, Quantity.WHOLE_NORMAL, Quantity.LUNG):
            gy = doses.of(quantity)
            if gy is None:
                continue
            shares = {
                "lung_shunt_abs": 0.9 if quantity is Quantity.LUNG else 0.02,
                "tumour_to_normal_common_frac": 0.0 if quantity is Quantity.LUNG else 0.55,
                "lesion_volume_frac": 0.0 if quantity is Quantity.LUNG else 0.25,
                "normal_volume_frac": 0.0 if quantity is Quantity.LUNG else 0.08,
                "calibration_frac": 0.1,
            }
            values.append(
                UncertainValue(
                    quantity.value, territory, gy, "Gy", 0.15 * gy, (0.75 * gy, 1.34 * gy),
                    (0.74 * gy, 1.36 * gy), {kind: share for kind, share in shares.items() if share},
                )
            )  # fmt: skip
        if territory != "all territories":
            values += [
                UncertainValue(f"lesion {label}", territory, gy, "Gy", 0.2 * gy, (0.7 * gy, 1.5 * gy), None)
                for label, gy in doses.lesions.items()
            ]
    where = "all territories" if len(territories) > 1 else territories[0]
    return PlanUncertainty(
        doses=tuple(values),
        risks=(LimitRisk("lung_session", where, 2e-5, 0.0), LimitRisk(WHOLE, where, 0.43, 0.44)),
        inputs={
            "lung_shunt_abs: right lobe": 0.012, "tumour_to_normal_common_frac": 0.18,
            "lesion_volume_frac: 1": 0.05, "lesion_volume_frac: 2": 0.11, "calibration_frac": 0.058,
        },
        sources={
            "lung_shunt_abs": "interval of the shunt measured",
            "tumour_to_normal_common_frac": "interval of the ratio measured",
            "lesion_volume_frac": "contour half a voxel off",
            "calibration_frac": "DECAL; PROJECT",
        },
        samples=10_000, seed=20_220, agree=True,
        findings=(
            Finding(
                "uncertainty-inputs-left-out", Severity.INFO,
                "The intervals take these as exact, for want of a sourced uncertainty: lung mass, residual.",
            ),
        ),
    )  # fmt: skip


def _second(territories: Sequence[str], given: Mapping[str, float], *, passed: bool) -> SecondCheck:
    values = []
    for territory in territories:
        doses = _doses(territory, given[territory])
        for quantity in (Quantity.TUMOUR, Quantity.WHOLE_NORMAL, Quantity.LUNG):
            gy = doses.of(quantity) or 0.0
            values.append(SecondValue(quantity.value, territory, "Gy", gy, gy * (1 + 1e-13), 1e-13))
        values.append(SecondValue("dose coefficient", territory, "Gy kg/GBq", 49.8, 49.76, 0.0008))
    text = "right lobe: tumour differs by 1.2 %."
    findings = () if passed else (Finding("second-check-failed", Severity.STOP, text),)
    return SecondCheck(1e-13 if passed else 0.012, passed, 0.005, tuple(values), findings)


def activity_plan(
    territories: Sequence[str] = TERRITORIES[:2], *, passed: bool = True, vial_sizes: Sequence[float] = SIZES
) -> ActivityPlan:
    """A plan of one to three territories with every value; the vial of the first is chosen."""
    tables = [vial_table(t, sizes=vial_sizes, chosen_gbq=vial_sizes[2]) for t in territories]
    chosen = [next(row for row in table if row.chosen) for table in tables]
    given = {row.territory: row.administered_gbq or 0.0 for row in chosen}
    models = _models(territories, given)
    if len(territories) == 1:
        total = models[0]
    else:
        parts = [_doses(territory, gbq) for territory, gbq in given.items()]
        whole, lung = sum(d.whole_normal or 0 for d in parts), sum(d.lung or 0 for d in parts)
        doses = Doses(tumour=140.0, whole_normal=whole, lung=lung)
        total = ModelResult(
            "partition", "all territories", sum(given.values()), doses, _limits(doses), binding=WHOLE
        )
    reached = {territory: _doses(territory, gbq).tumour or 0.0 for territory, gbq in given.items()}
    goals = tuple(
        GoalOutcome(t, Quantity.TUMOUR, 150.0, gy, gy >= 150, "own series, 2025") for t, gy in reached.items()
    )
    return ActivityPlan(
        models=models,
        chosen=total,
        binding=WHOLE,
        k_gy_kg_per_gbq=49.8,
        k_name="default",
        price=Price(WHOLE, "Gy", Quantity.TUMOUR, 3.42, 12.1),
        vials=tuple(row for table in tables for row in table),
        second_check=_second(territories, given, passed=passed),
        findings=(
            Finding(
                "tumour-goal-entered", Severity.INFO,
                "right lobe: the tumour goal of 150 Gy is the user's (own series, 2025); no EANM value "
                "exists for neuroendocrine metastases.", "EANM22 (tables 2 to 4)",
            ),
        ),
        goals=goals,
        slack={"lung_session": 24.1, WHOLE: 0.0, "therasphere_lung_activity": 0.5},
        uncertainty=_uncertainty(territories, given, total.doses_gy),
        biological=tuple(
            BiologicalDose(
                structure, territory, gy, 1.4 * gy, 1.1 * gy, ratio, hours, "3DOS; MGH", status
            )
            for territory in territories
            for structure, gy, ratio, hours, status in (
                ("tumour", 150.0, 10.0, 1.5, "confirmed"),
                ("perfused_normal", 41.0, 2.5, 2.5, "to-confirm"),
            )
        ),
        published=(
            PublishedValue(
                "evidence", "tumour",
                "NET metastases, glass: ROC threshold in one series. A single centre; no default.",
                "NET", "to-confirm",
            ),
            PublishedValue(
                "goal", "perfused_normal", "perfused normal at least 88 Gy (hypertrophy)", "EANM22",
                "confirmed",
            ),
        ),
    )  # fmt: skip
