"""The sessions of an embolization: from the calendar of its protocol where the case has one, else by number.

Each territory is treated once, so that the sessions end when the whole burden is treated; a calendar that
fixes how many sessions there are is followed beyond that. Sessions that were done count as given drug.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from emboplan.catalog.load import Catalog
from emboplan.embolics.drug_names import plain_drug
from emboplan.errors import CaseFileError, InputError
from emboplan.model.arm import ArmTechnique
from emboplan.model.case import Case
from emboplan.model.results.drug_history import DrugAmount
from emboplan.model.results.schedule import EntryStatus, Schedule, Session
from emboplan.model.schedule import ArmRule, Extent
from emboplan.scheduling.requests import chosen_arm
from emboplan.workflow.cases.schedulechecks import protocol_problem, rules_of
from emboplan.workflow.embolizing.parts import Part
from emboplan.workflow.schedule_case import schedule


@dataclass(frozen=True, slots=True)
class PlannedSession:
    """One session to come: its number, its day where there is a calendar, and what it treats."""

    number: int
    day: date | None
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """The sessions to come, those that were done, and the drug that these gave."""

    planned: tuple[PlannedSession, ...]
    done: tuple[PlannedSession, ...] = ()
    given: tuple[DrugAmount, ...] = ()
    schedule: Schedule | None = None


def groups_of(parts: Sequence[Part]) -> dict[int, tuple[Part, ...]]:
    """The territories of each session, by its number."""
    numbers = sorted({part.session for part in parts})
    return {number: tuple(part for part in parts if part.session == number) for number in numbers}


def plain_course(case: Case, parts: Sequence[Part]) -> Course:
    """The sessions by their numbers; only a single one has a day, that of the planned treatment.

    Raises:
        CaseFileError: the numbers of the sessions leave a gap.
    """
    groups = groups_of(parts)
    if list(groups) != list(range(1, len(groups) + 1)):
        found = ", ".join(map(str, groups))
        where = f"{case.source.name}: territory.session"
        raise CaseFileError([f"{where}: found {found}; number the sessions from 1 without a gap"])
    moment = case.procedure.treatment_time
    first = None if moment is None else moment.date()
    return Course(tuple(PlannedSession(n, first if n == 1 else None, group) for n, group in groups.items()))


def scheduled_course(
    case: Case,
    parts: Sequence[Part],
    *,
    technique: ArmTechnique,
    drug: str | None,
    doses_mg: Sequence[float | None],
    catalog: Catalog,
) -> Course:
    """The sessions by the calendar of the protocol; `doses_mg` are those of the groups, for its sums.

    Raises:
        CaseFileError: the case does not fit the protocol.
        InputError: the arm is of another technique, or no session is left to plan.
    """
    request = case.schedule
    protocol = case.procedure.protocol
    wrong = protocol_problem(protocol, catalog)
    if request is None or protocol is None or wrong is not None:
        raise CaseFileError([f"{case.source.name}: {wrong or 'schedule: not found'}"])
    rules = rules_of(protocol, catalog)
    arm = chosen_arm(rules, request)
    if arm is not None and arm.technique.value != technique.value:
        raise InputError(
            f'the arm "{arm.id}" of {protocol} is {arm.technique}, but the procedure is "{technique}"; '
            "choose an arm that fits (schedule.arm), or another kind"
        )
    same = set(doses_mg)
    if request.drug_mg is None and len(same) == 1 and _gives(arm, drug):
        request = replace(request, drug_mg=same.pop())
    found = schedule(replace(case, schedule=request), catalog=catalog)
    planned: list[PlannedSession] = []
    done: list[PlannedSession] = []
    fixed = request.sessions is not None or rules.sessions.extent is Extent.FIXED
    for session, is_done in _wanted(found, parts, fixed=fixed):
        (done if is_done else planned).append(session)
    if not planned:
        raise InputError(
            f"no session of {protocol} is left to plan; mend [schedule], or ask `emboplan schedule` for the "
            "calendar"
        )
    amounts = {session.number: session.amounts.drug_mg for session in found.sessions}
    given = [
        DrugAmount(drug, mg=mg, label=f"session {session.number}, {session.day}, done")
        for session in done
        if drug is not None and (mg := amounts[session.number]) is not None
    ]
    return Course(tuple(planned), tuple(done), tuple(given), found)


def _gives(arm: ArmRule | None, drug: str | None) -> bool:
    """Whether the arm gives this drug."""
    if arm is None or arm.drug is None or drug is None:
        return False
    return plain_drug(arm.drug.name) == plain_drug(drug)


def _wanted(found: Schedule, parts: Sequence[Part], *, fixed: bool) -> Iterator[tuple[PlannedSession, bool]]:
    """The sessions that are done, and those to come until every territory is treated, or all where fixed."""
    left = {part.name for part in parts}
    for session in found.sessions:
        treated = _treated(session, parts)
        planned = PlannedSession(session.number, session.day, treated)
        if session.status is EntryStatus.DONE:
            yield planned, True
        elif session.status is EntryStatus.PLANNED and (left or fixed):
            yield planned, False
        else:
            continue
        left -= {part.name for part in treated}


def _treated(session: Session, parts: Sequence[Part]) -> tuple[Part, ...]:
    """The territories that a session of the calendar names; all where it names none."""
    if not session.territories:
        return tuple(parts)
    return tuple(part for part in parts if part.name in session.territories)
