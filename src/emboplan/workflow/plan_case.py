"""Plans as users call them: one door for every kind of procedure, and the table of who plans which.

Everything that differs between kinds lies behind the table. A new kind is a new line of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from emboplan.catalog.load import Catalog, load
from emboplan.errors import CaseFileError
from emboplan.model.case import Case, ProcedureKind
from emboplan.workflow.embolizing.plan_embolization import (
    plan_bland,
    plan_ctace,
    plan_deb_tace,
)
from emboplan.workflow.planning.plan_tare import DicomPlannedCase, plan_radioembolization
from emboplan.workflow.planning.prepare import Progress, case_at, with_reader, with_series
from emboplan.workflow.segment import named_reader

Planner = Callable[[Case, Catalog, Progress], DicomPlannedCase]

PLANNERS: Mapping[ProcedureKind, Planner] = MappingProxyType(
    {
        ProcedureKind.TARE: plan_radioembolization,
        ProcedureKind.DEB_TACE: plan_deb_tace,
        ProcedureKind.CTACE: plan_ctace,
        ProcedureKind.BLAND: plan_bland,
    }
)


def plan(
    case: Case | Path | str,
    *,
    catalog: Catalog | None = None,
    ct_series: str | None = None,
    confirmed_by: str | None = None,
    progress: Progress | None = None,
) -> DicomPlannedCase:
    """The plan of a case: a `Case`, the path of a case file, or a folder of images.

    The kind of its procedure says what is planned: radioembolization, or an embolization with beads, with an
    emulsion, or bland. With a folder of images alone the plan holds volumes and burden, and its findings list
    what is missing for an activity. `ct_series` names the CT series, by its UID or the end of it, where the
    folder holds several. `confirmed_by` names the reader who confirmed the contours; until then the plan is
    provisional. Both go before what the case says.

    Raises:
        InputError: something in the case or its images cannot be used; the message says what to do.
    """
    tables = catalog or load()
    subject = case if isinstance(case, Case) else case_at(Path(case), tables, any_kind=True)
    if subject.images is None:
        raise CaseFileError([f"{subject.source.name}: no [images]; {_without_images(subject)}"])
    if ct_series is not None:
        subject = with_series(subject, ct_series)
    if confirmed_by is not None:
        subject = with_reader(subject, named_reader(confirmed_by))
    return PLANNERS[subject.procedure.kind](subject, tables, progress or (lambda _stage, _fraction: None))


def _without_images(case: Case) -> str:
    """What answers without images."""
    if case.procedure.kind is ProcedureKind.TARE:
        return "`emboplan activity` computes from entered volumes"
    return "`emboplan load` works out a session without images"
