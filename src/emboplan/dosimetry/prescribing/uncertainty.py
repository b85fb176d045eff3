"""How sure a plan is: each dose with its interval, each limit with the probability of exceeding it.

Two methods stand side by side. First order says which input matters; sampling says what the doses do when
the inputs move far. Where their standard deviations differ by more than a tenth, a finding says so and the
sampled interval is the one to read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.special import ndtr

from emboplan.dosimetry.arguments import Array, not_negative, positive
from emboplan.dosimetry.prescribing.plan_doses import ALL_TERRITORIES, SHARED, limited_territories
from emboplan.dosimetry.prescribing.prescription import check_limit
from emboplan.dosimetry.prescribing.uncertainty_first_order import (
    TUMOUR_MASS,
    Estimate,
    first_order,
    lesion_name,
    mean_by_mass,
    total,
)
from emboplan.dosimetry.prescribing.uncertainty_inputs import COVERAGE, KINDS, Deviates, InputUncertainty
from emboplan.dosimetry.prescribing.uncertainty_sampling import sampled
from emboplan.errors import ModelRangeError
from emboplan.model.compartments import PatientCompartments, TreatedCompartments
from emboplan.model.finding import Finding, Severity
from emboplan.model.products import DoseLimit, Scope
from emboplan.model.results.activity import Quantity
from emboplan.model.results.prescription import LimitRisk, PlanUncertainty, PrescriptionGoal, UncertainValue

# With so many draws a standard deviation is known to 0.7 % and a probability to half a percentage point, and
# a plan of three territories takes a fraction of a second.
SAMPLES = 10_000

# Any fixed seed does: it makes the same plan give the same bytes.
SEED = 20_220

# Standard deviations that differ by less agree: ten times the noise of the draws, and less than the standard
# uncertainties themselves are known to.
AGREEMENT = 0.1

# What is bounded or shown by other means than a dose.
NOT_DOSES = (Quantity.LUNG_ACTIVITY, Quantity.LUNG_SHUNT, TUMOUR_MASS)


@dataclass(frozen=True, slots=True, eq=False)
class _Both:
    """One value by both methods."""

    estimate: Estimate
    draws: Array

    @property
    def agree(self) -> bool:
        """Whether the standard deviations agree, on the scale of the first-order slopes."""
        spread = self.estimate.spread
        if spread == 0:
            return True
        values = np.log(self.draws) if self.estimate.logs else self.draws
        return abs(float(values.std()) / spread - 1.0) <= AGREEMENT

    def as_value(self, name: str, territory: str, unit: str, deviates: Deviates) -> UncertainValue:
        """The value as results carry it."""
        tail = (1.0 - COVERAGE) / 2.0
        low, high = np.quantile(self.draws, (tail, 1.0 - tail))
        return UncertainValue(
            name=name,
            territory=territory,
            value=self.estimate.value,
            unit=unit,
            standard_uncertainty=self.estimate.standard_uncertainty,
            interval=self.estimate.interval,
            sampled_interval=(float(low), float(high)),
            contributions=MappingProxyType(deviates.shares(self.estimate.slope)),
        )

    def risk(self, limit: DoseLimit, territory: str, prior: float) -> LimitRisk:
        """The probability that this value, with what earlier treatments left, exceeds the limit."""
        left = limit.limit.number - prior
        spread, value = self.estimate.spread, self.estimate.value
        if spread == 0:
            known = float(check_limit(limit, value + prior).exceeded)
            return LimitRisk(limit.name, territory, known, known)
        if not self.estimate.logs:
            probability = float(ndtr((value - left) / spread)) if left > 0 else 1.0
        else:
            probability = float(ndtr(math.log(value / left) / spread)) if left > 0 else 1.0
        return LimitRisk(limit.name, territory, probability, float(np.mean(self.draws > left)))


def dose_uncertainty(
    patient: PatientCompartments,
    *,
    administered_gbq: Mapping[str, float],
    inputs: InputUncertainty,
    limits: Sequence[DoseLimit] = (),
    samples: int = SAMPLES,
    seed: int = SEED,
) -> PlanUncertainty:
    """The doses of a plan with their 95 % intervals, and the probability of exceeding each limit.

    `administered_gbq` is the planned activity of each territory. Doses are those of each territory and, where
    there are several, of all together. A limit on what territories share (whole normal liver, lungs) is
    held against each territory alone, and against the sum: a limit for one treatment in each session, a
    cumulative one over all, with `prior_gy`. Earlier doses are taken as exact.

    What is not in it: density, the dose coefficient, uptake that is not uniform, a catheter that sits
    elsewhere than in the scan. `ModelRangeError` for unknown territories, and for an uncertainty that its
    input cannot have.
    """
    activities = _activities(patient, administered_gbq)
    deviates = Deviates.of_plan(patient, inputs)
    both = _by_both(patient, activities, inputs, deviates, samples, seed)
    sums = dict(_sums(patient, both))
    doses: list[UncertainValue] = []
    apart: list[str] = []
    for territory, values in {**both, **({ALL_TERRITORIES: sums} if len(both) > 1 else {})}.items():
        for name, value in values.items():
            if name in NOT_DOSES:
                continue
            doses.append(value.as_value(str(name), territory, "Gy", deviates))
            if not value.agree:
                apart.append(f"{name} of {territory}")
    return PlanUncertainty(
        doses=tuple(doses),
        risks=tuple(_risks(patient, both, limits)),
        inputs=MappingProxyType(inputs.listed()),
        sources=MappingProxyType({kind: text for kind, text in inputs.sources.items() if kind in KINDS}),
        samples=samples,
        seed=seed,
        agree=not apart,
        findings=tuple(_findings(inputs, apart)),
    )


def activity_interval(
    patient: PatientCompartments,
    *,
    goals: Sequence[PrescriptionGoal],
    inputs: InputUncertainty,
    samples: int = SAMPLES,
    seed: int = SEED,
) -> tuple[UncertainValue, ...]:
    """The activity (GBq) that meets each goal, with the 95 % interval that the uncertain inputs give it.

    One value for each goal, for its territory alone: the activity that would turn out right, were the inputs
    known. For a goal of each lesion it is that of the lesion with the least dose.
    """
    deviates = Deviates.of_plan(patient, inputs)
    one_gbq = {treated.territory: 1.0 for treated in patient.treated}
    both = _by_both(patient, one_gbq, inputs, deviates, samples, seed)
    found = []
    for goal in goals:
        positive(goal.dose_gy, f"goal on {goal.quantity}")
        patient.of(goal.territory)
        per_gbq = _per_gbq(goal, both[goal.territory])
        needed = _Both(
            Estimate(goal.dose_gy / per_gbq.estimate.value, -per_gbq.estimate.slope, logs=True),
            goal.dose_gy / per_gbq.draws,
        )
        found.append(needed.as_value("administered", goal.territory, "GBq", deviates))
    return tuple(found)


def _per_gbq(goal: PrescriptionGoal, values: Mapping[str, _Both]) -> _Both:
    """The dose per GBq that a goal is about."""
    if goal.each_lesion:
        lesions = [value for name, value in values.items() if str(name).startswith(lesion_name(""))]
        if lesions:
            least = min((lesion.estimate for lesion in lesions), key=lambda estimate: estimate.value)
            return _Both(least, np.minimum.reduce([lesion.draws for lesion in lesions]))
    elif goal.quantity in values and values[goal.quantity].estimate.logs:
        return values[goal.quantity]
    raise ModelRangeError(
        f'territory "{goal.territory}" has no {goal.quantity} dose above 0, so no activity reaches its goal'
    )


def _activities(patient: PatientCompartments, administered_gbq: Mapping[str, float]) -> dict[str, float]:
    names = [treated.territory for treated in patient.treated]
    if set(administered_gbq) != set(names):
        raise ModelRangeError(
            f"found activities for {', '.join(sorted(administered_gbq)) or 'no territory'}; "
            f"expected one for each of {', '.join(names)}"
        )
    return {
        name: float(not_negative(administered_gbq[name], f'administered_gbq of "{name}"')) for name in names
    }


def _by_both(
    patient: PatientCompartments,
    activities: Mapping[str, float],
    inputs: InputUncertainty,
    deviates: Deviates,
    samples: int,
    seed: int,
) -> dict[str, dict[str, _Both]]:
    if samples < 1:
        raise ModelRangeError(f"samples is {samples}; expected 1 or more")
    draws = np.random.default_rng(seed).standard_normal((len(deviates.keys), samples))
    analytic = first_order(patient, activities, inputs, deviates)
    random = sampled(patient, activities, inputs, deviates, draws)
    return {
        territory: {name: _Both(estimate, random[territory][name]) for name, estimate in values.items()}
        for territory, values in analytic.items()
    }


def _summed(parts: Sequence[_Both]) -> _Both:
    return _Both(total([part.estimate for part in parts]), np.sum([part.draws for part in parts], axis=0))


def _sums(
    patient: PatientCompartments, both: Mapping[str, Mapping[str, _Both]]
) -> Iterator[tuple[str, _Both]]:
    """The doses of all territories together."""
    values = [both[treated.territory] for treated in patient.treated]
    lesioned = [value for value in values if Quantity.TUMOUR in value]
    if lesioned:
        doses = [value[Quantity.TUMOUR] for value in lesioned]
        masses = [value[TUMOUR_MASS] for value in lesioned]
        mean = mean_by_mass([dose.estimate for dose in doses], [mass.estimate for mass in masses])
        energy = np.sum([d.draws * m.draws for d, m in zip(doses, masses, strict=True)], axis=0)
        yield Quantity.TUMOUR, _Both(mean, energy / np.sum([mass.draws for mass in masses], axis=0))
    for quantity in (Quantity.WHOLE_NORMAL, Quantity.LUNG):
        yield quantity, _summed([value[quantity] for value in values])


def _risks(
    patient: PatientCompartments, both: Mapping[str, Mapping[str, _Both]], limits: Sequence[DoseLimit]
) -> Iterator[LimitRisk]:
    for limit in limits:
        cumulative = limit.scope is Scope.CUMULATIVE
        prior = patient.prior_gy.get(limit.quantity, 0.0) if cumulative else 0.0
        members = limited_territories(limit, patient)
        for treated in members:
            values = both[treated.territory]
            if limit.quantity in values:
                yield values[limit.quantity].risk(limit, treated.territory, prior)
        if limit.quantity not in SHARED or limit.territory is not None or not members or len(both) == 1:
            continue
        # Activity to the lungs is a limit of one device; a dose that territories share counts all of them.
        counted = members if limit.quantity is Quantity.LUNG_ACTIVITY else patient.treated
        for where, names in _together(counted, cumulative=cumulative):
            yield _summed([both[name][limit.quantity] for name in names]).risk(limit, where, prior)


def _together(counted: Sequence[TreatedCompartments], *, cumulative: bool) -> Iterator[tuple[str, list[str]]]:
    """The territories that a limit looks at together: those of a session, or all."""
    sessions = sorted({treated.session for treated in counted})
    if cumulative or len(sessions) == 1:
        yield ALL_TERRITORIES, [treated.territory for treated in counted]
        return
    for session in sessions:
        yield f"session {session}", [t.territory for t in counted if t.session == session]


def _findings(inputs: InputUncertainty, apart: Sequence[str]) -> Iterator[Finding]:
    if inputs.left_out:
        names = ", ".join(KINDS[kind] for kind in inputs.left_out)
        text = f"The intervals take these as exact, for want of a sourced uncertainty: {names}."
        yield Finding("uncertainty-inputs-left-out", Severity.INFO, text)
    if apart:
        text = (
            "First order and sampling give standard deviations more than a tenth apart: read the sampled "
            f"intervals of {', '.join(apart)}."
        )
        yield Finding("uncertainty-methods-differ", Severity.WARNING, text)
