"""The activity of a case: every model side by side, from images or from entered volumes.

The same walk as a plan's, up to the activity; what a device's label says of it goes along.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from emboplan.catalog.load import Catalog, load
from emboplan.model.case import Case
from emboplan.model.results.activity import Doses
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.workflow.dosing.voxel_dose import doses_per_gbq
from emboplan.workflow.planning.prepare import Prepared, Progress, case_at, prepare, with_series
from emboplan.workflow.planning.prescribe import prescribe
from emboplan.workflow.planning.readiness import device_label


def activity(
    case: Case | Path | str,
    *,
    catalog: Catalog | None = None,
    ct_series: str | None = None,
    progress: Progress | None = None,
) -> ActivityPlan:
    """All activity models of a case side by side, with limits, vials, uncertainty and the second calculation.

    `case` is a `Case` or the path of a case file. It needs no images: with `[volumes]` and the volumes of the
    territories, shunt and ratios entered, it is a calculation on numbers alone.

    Raises:
        InputError: something in the case cannot be used; the message says what to do.
    """
    tables = catalog or load()
    subject, prepared = prepared_case(case, tables, ct_series=ct_series, progress=progress)
    found = activity_of(subject, prepared, tables)
    label = device_label(
        subject,
        prepared.facts,
        found,
        prepared.aims.territories,
        prepared.liver,
        None if prepared.imaged is None else prepared.imaged.burden,
        catalog=tables,
    )
    findings = (
        *prepared.findings,
        *prepared.aims.findings,
        *found.findings,
        *(label.findings if label else ()),
    )
    return replace(found, findings=tuple(dict.fromkeys(findings)))


def prepared_case(
    case: Case | Path | str, catalog: Catalog, *, ct_series: str | None, progress: Progress | None
) -> tuple[Case, Prepared]:
    """A case, or the case of a file, with everything that its activity needs."""
    subject = case if isinstance(case, Case) else case_at(Path(case), catalog)
    if ct_series is not None:
        subject = with_series(subject, ct_series)
    return subject, prepare(subject, catalog, progress or (lambda _stage, _fraction: None))


def activity_of(case: Case, prepared: Prepared, catalog: Catalog) -> ActivityPlan:
    """The activity of a prepared case by every model that it asks for."""
    return prescribe(
        prepared.question(case),
        prepared.request(case),
        catalog=catalog,
        voxel_per_gbq=lambda: voxel_response(prepared),
    )


def voxel_response(prepared: Prepared) -> Mapping[str, Doses]:
    """The doses of 1 GBq to each territory on the dose map of the scan; empty without a scan."""
    imaged = prepared.imaged
    if imaged is None or imaged.regions is None:
        return {}
    return doses_per_gbq(
        imaged.anatomy,
        imaged.regions,
        prepared.aims.territories,
        prepared.numbers.physics,
        lung_g_per_ml=prepared.numbers.lung_g_per_ml,
    )
