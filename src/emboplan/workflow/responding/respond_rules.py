"""All that a patient's response is judged by: the options of the user, the protocol, and the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from emboplan.catalog.load import Catalog
from emboplan.errors import InputError
from emboplan.model.arm import ArmTechnique
from emboplan.model.products import Status
from emboplan.model.response import Course, ResponseOptions
from emboplan.response.assess import AREA, Criterion
from emboplan.response.endpoint_sets import EndpointSet, endpoint_set_from_table
from emboplan.response.limits import ResponseLimits, response_limits
from emboplan.response.qlq_c30 import Questionnaire, questionnaire
from emboplan.response.reads import Problems, near
from emboplan.response.target_size import CriterionName
from emboplan.response.toxicity import GradeScale
from emboplan.units import PERCENT
from emboplan.workflow.protocol_names import protocol_id

# The set of endpoints where no protocol is named.
GENERAL = "general"


@dataclass(frozen=True, slots=True)
class ResponseRules:
    """All that a patient is judged by."""

    options: ResponseOptions
    protocol: EndpointSet
    general: EndpointSet
    questionnaire: Questionnaire
    grades: GradeScale
    criterion: CriterionName
    limits: ResponseLimits
    confirmation: bool
    arms: tuple[Mapping[str, str], ...]
    missed_from: int
    days_per_month: float
    confidence_frac: float
    to_confirm: tuple[str, ...]

    def judging(self, name: CriterionName) -> Criterion:
        """How one of the criteria judges."""
        lesions = self.limits.lesions
        if name is CriterionName.EASL:
            return Criterion(lesions, self.limits.easl, AREA, reenhancement=True)
        if name is CriterionName.WHO:
            return Criterion(lesions, self.limits.who, AREA)
        if name is CriterionName.MRECIST:
            absolute = self.limits.recist.absolute_mm if self.options.five_mm else Fraction(0)
            changes = self.limits.mrecist
            return Criterion(lesions, replace(changes, absolute_mm=max(changes.absolute_mm, absolute)))
        return Criterion(lesions, self.limits.recist)


def response_rules(options: ResponseOptions, catalog: Catalog) -> ResponseRules:
    """The rules by these options; `InputError` names a protocol or criterion that is not known."""
    entries = catalog.room("response")
    known = [name for name in catalog.endpoint_set_names() if name != GENERAL]
    chosen = None if options.protocol is None else protocol_id(options.protocol, catalog)
    if chosen is not None and chosen not in known:
        raise InputError(f'no protocol "{options.protocol}"; {near(chosen.casefold(), known)}')
    protocol = endpoint_set_from_table(catalog.endpoint_set_table(chosen or GENERAL))
    name = options.criteria or protocol.criterion
    if name not in tuple(CriterionName):
        raise InputError(f'no criteria "{name}"; {near(name, CriterionName)}')
    limits = response_limits(entries)
    lesions = replace(
        limits.lesions,
        max_targets=options.max_targets or limits.lesions.max_targets,
        max_targets_per_organ=options.max_targets_per_organ or limits.lesions.max_targets_per_organ,
    )
    best = limits.best
    if options.min_sd_interval_days is not None:
        best = replace(best, min_sd_interval_d=options.min_sd_interval_days)
    confirmation = protocol.confirmation if options.confirmation is None else options.confirmation
    return ResponseRules(
        options=options,
        protocol=protocol,
        general=endpoint_set_from_table(catalog.endpoint_set_table(GENERAL)),
        questionnaire=questionnaire(entries),
        grades=GradeScale(
            highest=int(entries["ctcae.highest_grade"].number),
            severe=int(entries["ctcae.severe_grade"].number),
        ),
        criterion=CriterionName(name),
        limits=replace(limits, lesions=lesions, best=best),
        confirmation=confirmation,
        arms=_arms(chosen, catalog),
        missed_from=int(entries["statistics.missed_assessments"].number),
        days_per_month=entries["statistics.days_per_month"].number,
        confidence_frac=entries["statistics.confidence"].number / PERCENT,
        to_confirm=tuple(name for name, entry in entries.items() if entry.status is Status.TO_CONFIRM),
    )


def _arms(protocol: str | None, catalog: Catalog) -> tuple[Mapping[str, str], ...]:
    """Id, name and technique of each arm of the protocol."""
    if protocol is None or protocol not in catalog.protocol_names():
        return ()
    arms = catalog.protocol_table(protocol).get("arm", [])
    return tuple({key: str(arm[key]) for key in ("id", "name", "technique")} for arm in arms)


def of_arm(course: Course, where: str, rules: ResponseRules, problems: Problems) -> Course:
    """The course with what its arm says of it: without treatments by the plan in an arm that has none.

    An arm that the protocol does not have is added to `problems`.
    """
    if not course.arm or not rules.arms:
        return course
    named = {arm[key].casefold(): arm for arm in rules.arms for key in ("name", "id")}
    arm = named.get(course.arm.strip().casefold())
    if arm is None:
        ids = [it["id"] for it in rules.arms]
        problems.add(f"{where}: arm", f'found "{course.arm}"; {near(course.arm.casefold(), ids)}')
        return course
    systemic = arm["technique"] == ArmTechnique.SYSTEMIC.value
    if systemic and course.treatment_dates is None and course.first_treatment_date is None:
        return replace(course, treatment_dates=())
    return course
