"""The second calculation: a plan recomputed on its own way, number by number, and a verdict.

Nothing of the plan's own path is used: neither its formulas nor its catalogue, its masses or its optimiser.
Every stated dose, the activity, what is prepared for it and what the vials hold are compared; the energy of
the stated doses must balance; limits and goals must hold as stated; and no better plan may exist. A
difference above the tolerance, or a number that the plan does not state, stops the plan.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from emboplan.dosimetry.prescribing.second_energy import (
    Recomputed,
    Sum,
    bounded_sums,
    coefficient_from_energy,
    decays,
    energy_per_decay_j,
    goal_value,
    recompute,
    spoken_of,
    vial_at_treatment,
)
from emboplan.dosimetry.prescribing.second_optimum import (
    MOST_TERRITORIES,
    best_of_several,
    single_activity,
)
from emboplan.dosimetry.prescribing.second_rules import rule_activity_gbq
from emboplan.model.finding import Finding, Severity
from emboplan.model.results.activity import Doses, Quantity
from emboplan.model.results.prescription import SecondCheck, SecondValue
from emboplan.model.second_check_input import CheckedPlan, CheckedTerritory
from emboplan.units import GRAMS_PER_KILOGRAM

# Stated doses times masses give back the energy of the decays to what sums of a few products lose.
ENERGY_TOLERANCE = 1e-9

# A value this close to its limit or goal may be stated either way: the plan stays a millionth below a limit
# that is too much itself.
ON_THE_LIMIT = 2e-6

ALL = "all territories"
COEFFICIENT = "dose coefficient"
ENERGY = "energy of the stated doses"

QUANTITIES = (
    Quantity.TUMOUR,
    Quantity.PERFUSED_NORMAL,
    Quantity.PERFUSED,
    Quantity.WHOLE_NORMAL,
    Quantity.LUNG,
)


def second_check(
    plan: CheckedPlan, *, tolerance: float, coefficient_tolerance: float | Mapping[str, float]
) -> SecondCheck:
    """The plan recomputed, with the largest relative difference of a dose or activity.

    `tolerance` bounds every relative difference, `coefficient_tolerance` (one number, or one by territory)
    that of the dose coefficient in use from half-life and mean energy, which is listed but not counted in the
    largest difference: named coefficients differ among themselves. The best plan is looked for where the plan
    has an objective, with up to four territories.
    """
    recomputed = {t.territory: recompute(t, plan, t.administered_gbq) for t in plan.territories}
    missing: list[str] = []
    values = [value for t in plan.territories for value in _doses(t, recomputed[t.territory], missing)]
    values += _totals(plan, recomputed, missing)
    values += [value for t in plan.territories for value in _activities(t, missing)]
    ones = {t.territory: recompute(t, plan, 1.0) for t in plan.territories}
    sums = bounded_sums(plan, ones)
    values += _best(plan, ones, sums)
    coefficients = [
        _compared(COEFFICIENT, t.territory, "Gy kg/GBq", t.k_gy_kg_per_gbq, coefficient_from_energy(t))
        for t in plan.territories
    ]
    energies = [_energy(t, plan) for t in plan.territories if not missing]
    # The last comparison is turned round so that a difference that is no number fails too.
    failed = [value for value in values if not value.relative_difference <= tolerance]
    findings = [
        *_failed(failed, tolerance),
        *_unbalanced(energies),
        *_coefficient_findings(coefficients, coefficient_tolerance),
        *_statements(plan, recomputed, sums, missing),
        *_short_vials(plan, tolerance),
        *_incomplete(missing),
        *_not_searched(plan),
    ]
    return SecondCheck(
        relative_difference=max((value.relative_difference for value in values), default=0.0),
        passed=not any(finding.severity is Severity.STOP for finding in findings),
        tolerance=tolerance,
        values=(*values, *energies, *coefficients),
        findings=tuple(findings),
    )


def _compared(name: str, territory: str, unit: str, planned: float, again: float) -> SecondValue:
    larger = max(abs(planned), abs(again))
    difference = 0.0 if larger == 0 else abs(planned - again) / larger
    return SecondValue(name, territory, unit, planned, again, difference)


def _doses(territory: CheckedTerritory, again: Recomputed, missing: list[str]) -> Iterator[SecondValue]:
    name, stated = territory.territory, territory.doses
    for quantity in QUANTITIES:
        yield from _pair(quantity, name, stated.of(quantity), again.of(quantity), missing)
    yield from _lesions(name, stated, again.lesions, missing)


def _lesions(
    where: str, stated: Doses, again: Mapping[int, float], missing: list[str]
) -> Iterator[SecondValue]:
    labels = {str(label): dose for label, dose in again.items()}
    for label in dict.fromkeys([*labels, *stated.lesions]):
        yield from _pair(f"lesion {label}", where, stated.lesions.get(label), labels.get(label), missing)


def _pair(
    name: str, where: str, planned: float | None, again: float | None, missing: list[str]
) -> Iterator[SecondValue]:
    """Two numbers side by side; one without the other is noted, unless it is 0."""
    if planned is not None and again is not None:
        yield _compared(str(name), where, "Gy", planned, again)
    elif planned or again:
        missing.append(f"{name} of {where} ({'not stated' if planned is None else 'stated without volume'})")


def _totals(
    plan: CheckedPlan, recomputed: Mapping[str, Recomputed], missing: list[str]
) -> Iterator[SecondValue]:
    """Doses of several territories together, as shares of energy in the organ."""
    if len(plan.territories) == 1:
        return
    if plan.total is None:
        missing.append(f"doses of {ALL} (not stated)")
        return
    grams = {
        t.territory: math.fsum(t.lesions_ml.values()) * t.tumour_density_g_per_ml for t in plan.territories
    }
    energy = math.fsum(grams[name] * (again.tumour or 0.0) for name, again in recomputed.items())
    tumour_g = math.fsum(grams.values())
    tumour = energy / tumour_g if tumour_g else None
    whole = math.fsum(again.whole_normal for again in recomputed.values())
    lung = math.fsum(again.lung for again in recomputed.values())
    yield from _pair(Quantity.TUMOUR, ALL, plan.total.tumour, tumour, missing)
    yield from _pair(Quantity.WHOLE_NORMAL, ALL, plan.total.whole_normal, whole, missing)
    yield from _pair(Quantity.LUNG, ALL, plan.total.lung, lung, missing)
    lesions = {label: dose for again in recomputed.values() for label, dose in again.lesions.items()}
    yield from _lesions(ALL, plan.total, lesions, missing)


def _activities(territory: CheckedTerritory, missing: list[str]) -> Iterator[SecondValue]:
    """A rule's activity, what is prepared for the one that reaches the patient, and what the vials hold."""
    name = territory.territory
    if territory.rule is not None:
        again = rule_activity_gbq(territory, territory.rule)
        yield _compared("administered by the rule", name, "GBq", territory.administered_gbq, again)
    if territory.prepared_gbq is not None:
        reaching = territory.prepared_gbq - territory.prepared_gbq * territory.residual_frac
        yield _compared("prepared less residual", name, "GBq", territory.administered_gbq, reaching)
    elif territory.vials:
        missing.append(f"activity to prepare for {name} (not stated)")
    for number, vial in enumerate(territory.vials, 1):
        again = vial_at_treatment(vial, territory.half_life_h)
        yield _compared(f"vial {number} at treatment", name, "GBq", vial.at_treatment_gbq, again)


def _best(plan: CheckedPlan, ones: Mapping[str, Recomputed], sums: Sequence[Sum]) -> Iterator[SecondValue]:
    """The activity by another method; of several territories, the plan's aim beside the best there is."""
    if plan.objective is None:
        return
    if len(plan.territories) == 1:
        territory = plan.territories[0]
        again = single_activity(plan, sums)
        # Nothing that bounds the activity: no activity is right.
        planned = territory.administered_gbq
        yield _compared("administered", territory.territory, "GBq", planned, 0.0 if again is None else again)
    elif len(plan.territories) <= MOST_TERRITORIES:
        planned_gbq = {t.territory: t.administered_gbq for t in plan.territories}
        best = best_of_several(plan, ones, sums, planned_gbq)
        if best is not None:
            yield _compared(f"best {best.name}", ALL, best.unit, best.planned, best.best)


def _energy(territory: CheckedTerritory, plan: CheckedPlan) -> SecondValue:
    """The energy (J) that the stated doses leave, beside that of the decays."""
    stated = territory.doses
    gram_gray = [
        territory.normal_ml * territory.normal_density_g_per_ml * (stated.perfused_normal or 0.0),
        plan.lung_mass_g * (stated.lung or 0.0),
    ]
    gram_gray += [
        volume * territory.tumour_density_g_per_ml * stated.lesions.get(str(label), 0.0)
        for label, volume in territory.lesions_ml.items()
    ]
    released = decays(territory.administered_gbq, territory.half_life_h) * energy_per_decay_j(territory)
    left = math.fsum(gram_gray) / GRAMS_PER_KILOGRAM
    return _compared(ENERGY, territory.territory, "J", left, released)


def _failed(failed: Sequence[SecondValue], tolerance: float) -> Iterator[Finding]:
    if failed:
        listed = "; ".join(
            f"{v.name} of {v.territory}: {v.planned:.6g} planned, {v.recomputed:.6g} {v.unit} recomputed"
            for v in failed
        )
        text = f"The second calculation differs by more than {tolerance:.2%}: {listed}. Do not use the plan."
        yield Finding("second-check-failed", Severity.STOP, text)


def _unbalanced(energies: Sequence[SecondValue]) -> Iterator[Finding]:
    names = [value.territory for value in energies if not value.relative_difference <= ENERGY_TOLERANCE]
    if names:
        text = (
            f"The stated doses of {', '.join(names)} do not add up to the energy of the administered "
            "activity. Do not use the plan."
        )
        yield Finding("second-check-energy", Severity.STOP, text)


def _coefficient_findings(
    coefficients: Sequence[SecondValue], tolerance: float | Mapping[str, float]
) -> Iterator[Finding]:
    for value in coefficients:
        bound = tolerance[value.territory] if isinstance(tolerance, Mapping) else tolerance
        if not value.relative_difference <= bound:
            text = (
                f"The dose coefficient {value.planned:g} Gy kg/GBq of {value.territory} is "
                f"{value.relative_difference:.2%} from the {value.recomputed:.4g} that half-life and mean "
                f"energy give; expected at most {bound:.2%}. Check the coefficient."
            )
            yield Finding("second-check-coefficient", Severity.STOP, text)


def _statements(
    plan: CheckedPlan, recomputed: Mapping[str, Recomputed], sums: Sequence[Sum], missing: list[str]
) -> Iterator[Finding]:
    """Limits and goals that do not hold as the plan states them."""
    administered = {t.territory: t.administered_gbq for t in plan.territories}
    pairs = [(one.limit.name, one.value(administered), one.limit.limit.number) for one in sums]
    for limit in plan.limits:
        if limit.quantity is Quantity.LUNG_SHUNT:
            number = limit.limit.number
            pairs += [(limit.name, t.lung_shunt_frac, number) for t in spoken_of(limit, plan)]
    surely = {name for name, value, bound in pairs if value > bound * (1 + ON_THE_LIMIT)}
    perhaps = {name for name, value, bound in pairs if value >= bound * (1 - ON_THE_LIMIT)}
    stated = set(plan.exceeded)
    wrong = [f"limit {name} is exceeded and stated as kept" for name in sorted(surely - stated)]
    wrong += [f"limit {name} is kept and stated as exceeded" for name in sorted(stated - perhaps)]
    if plan.goals:
        shares = [goal_value(goal, recomputed[goal.territory]) / goal.dose_gy for goal in plan.goals]
        if plan.goals_met is None:
            missing.append("whether the goals are met (not stated)")
        elif plan.goals_met and min(shares) < 1 - ON_THE_LIMIT:
            wrong.append("a goal is not met and stated as met")
        elif not plan.goals_met and min(shares) > 1 + ON_THE_LIMIT:
            wrong.append("all goals are met and stated as not met")
    if wrong:
        text = f"The second calculation finds otherwise than the plan states: {'; '.join(wrong)}."
        yield Finding("second-check-statements", Severity.STOP, text)


def _short_vials(plan: CheckedPlan, tolerance: float) -> Iterator[Finding]:
    for territory in plan.territories:
        if territory.vials and territory.prepared_gbq is not None:
            held = math.fsum(vial_at_treatment(vial, territory.half_life_h) for vial in territory.vials)
            if territory.prepared_gbq > held * (1 + tolerance):
                text = (
                    f"{territory.territory}: {territory.prepared_gbq:.4g} GBq are to be prepared, the vials "
                    f"hold {held:.4g} GBq at the treatment."
                )
                yield Finding("second-check-vials", Severity.STOP, text)


def _incomplete(missing: Sequence[str]) -> Iterator[Finding]:
    if missing:
        text = f"The second calculation has nothing to compare with: {'; '.join(missing)}."
        yield Finding("second-check-incomplete", Severity.STOP, text)


def _not_searched(plan: CheckedPlan) -> Iterator[Finding]:
    if plan.objective is not None and len(plan.territories) > MOST_TERRITORIES:
        text = (
            f"The second calculation compares every dose and limit, but looks for a better plan with up to "
            f"{MOST_TERRITORIES} territories only."
        )
        yield Finding("second-check-not-searched", Severity.INFO, text)
