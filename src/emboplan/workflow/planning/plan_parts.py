"""What every plan says alike, whatever the procedure: its anatomy, and the protocol's verdict."""

from __future__ import annotations

from dataclasses import replace

from emboplan.catalog.load import Catalog
from emboplan.model.anatomy import Anatomy
from emboplan.model.case import Case
from emboplan.model.patient import PatientFacts
from emboplan.model.plan import AnatomySummary
from emboplan.model.results.eligibility import Eligibility
from emboplan.workflow.screening.check import check
from emboplan.workflow.screening.facts import PROVISIONAL, uses_measured


def eligibility_of(
    case: Case, facts: PatientFacts, catalog: Catalog, *, provisional: bool
) -> Eligibility | None:
    """The verdict of the case's protocol; None without one."""
    if case.procedure.protocol is None:
        return None
    result = check(facts, case.procedure.protocol, catalog=catalog)
    flags = (PROVISIONAL,) if provisional and uses_measured(facts) else ()
    return replace(result, flags=result.flags + flags)


def anatomy_summary(anatomy: Anatomy) -> AnatomySummary:
    """The CT that was planned on, and who drew the contours."""
    nz, ny, nx = anatomy.grid.shape
    return AnatomySummary(
        ct_size_voxels=(nx, ny, nz),
        ct_spacing_mm=anatomy.grid.spacing_mm,
        backend=anatomy.review.backend,
        confirmed_by=anatomy.review.confirmed_by,
        lungs_complete=anatomy.lungs_complete,
        body_ml=None if anatomy.body is None else anatomy.body.volume_ml,
        backend_version=anatomy.review.backend_version,
        backend_licence=anatomy.review.backend_licence,
        history=anatomy.review.history,
    )
