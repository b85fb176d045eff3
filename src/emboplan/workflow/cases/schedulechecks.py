"""What the [schedule] of a case must not say, with the rules of its protocol; one line for each mistake."""

from __future__ import annotations

from collections.abc import Iterator

from emboplan.catalog.load import Catalog
from emboplan.model.schedule import ProtocolSchedule
from emboplan.model.schedule_request import ScheduleRequest, SessionTerritory
from emboplan.scheduling.requests import problems
from emboplan.scheduling.tables import schedule_from_table
from emboplan.workflow.cases.caseschema import CaseTable
from emboplan.workflow.cases.casevalues import schedule_request, sessions_of
from emboplan.workflow.protocol_names import protocol_id


def rules_of(protocol: str, catalog: Catalog) -> ProtocolSchedule:
    """The calendar of a protocol, by the name that cases use.

    Raises:
        CatalogError: no calendar has that name.
    """
    return schedule_from_table(catalog.schedule_table(protocol_id(protocol, catalog)), catalog.sources)


def protocol_problem(protocol: str | None, catalog: Catalog) -> str | None:
    """Why there is no calendar of that protocol; None where there is one."""
    listed = ", ".join(catalog.schedule_names())
    if protocol is None:
        return f"procedure.protocol: not found; a calendar is that of a protocol: {listed}"
    if protocol_id(protocol, catalog) not in catalog.schedule_names():
        return f'procedure.protocol: found "{protocol}"; expected one of {listed}'
    return None


def schedule_problems(case: CaseTable, catalog: Catalog, *, for_calendar: bool) -> Iterator[str]:
    """The mistakes of [schedule]; without the table there is one only where a calendar is wanted."""
    if case.schedule is None and not for_calendar:
        return
    protocol = case.procedure.protocol
    wrong = protocol_problem(protocol, catalog)
    # A name that no protocol has is told once, where the other names of the case are checked.
    if wrong is not None and (protocol is None or protocol in catalog.protocol_names()):
        yield wrong
    request = ScheduleRequest() if case.schedule is None else schedule_request(case.schedule)
    rules = None if wrong is not None or protocol is None else rules_of(protocol, catalog)
    numbered = zip(case.territory, sessions_of(case), strict=True)
    territories = tuple(SessionTerritory(t.name, number, t.administered) for t, number in numbered)
    yield from problems(request, rules, territories)
