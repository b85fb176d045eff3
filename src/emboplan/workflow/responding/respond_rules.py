"""All that a patient's response is judged by: the options of the user, the protocol, and the catalogue."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from emboplan.catalog.load import Catalog
from emboplan.errors import InputError
from emboplan.model.products import Status
from emboplan.model.response import ResponseOptions
from emboplan.response.assess import AREA, Criterion
from emboplan.response.endpoint_sets import EndpointSet, endpoint_set_from_table
from emboplan.response.limits import ResponseLimits, response_limits
from emboplan.response.qlq_c30 import Questionnaire, questionnaire
from emboplan.response.reads import near
from emboplan.response.target_size import CriterionName
from emboplan.response.toxicity import GradeScale
from emboplan.units import PERCENT

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
    if options.protocol is not None and options.protocol.replace("_", "-") not in known:
        raise InputError(f'no protocol "{options.protocol}"; {near(options.protocol, known)}')
    protocol = endpoint_set_from_table(catalog.endpoint_set_table(options.protocol or GENERAL))
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
        missed_from=int(entries["statistics.missed_assessments"].number),
        days_per_month=entries["statistics.days_per_month"].number,
        confidence_frac=entries["statistics.confidence"].number / PERCENT,
        to_confirm=tuple(name for name, entry in entries.items() if entry.status is Status.TO_CONFIRM),
    )
