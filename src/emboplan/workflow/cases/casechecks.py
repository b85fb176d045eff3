"""What a case file must not say: contradictions between its keys, and paths that are not there.

Each is one line that names the key, what was found and what to do. The kinds of single values are checked
before, by the schema.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from emboplan.catalog.load import Catalog
from emboplan.model.case import ActivityModel, PriorKind, ProcedureKind
from emboplan.workflow.cases.administrationchecks import administration_problems
from emboplan.workflow.cases.caseschema import CaseTable, PriorTable, TerritoryTable
from emboplan.workflow.cases.casevalues import mask_source
from emboplan.workflow.cases.loadingchecks import loading_problems
from emboplan.workflow.cases.partchecks import part_keys, part_problems
from emboplan.workflow.cases.schedulechecks import schedule_problems
from emboplan.workflow.cases.unit_slips import unit_slips

IMAGE_FILES = ("ct", "maa", "maa_ct", "planar", "planar_regions", "liver", "tumours", "segments")


def contradictions(
    case: CaseTable, catalog: Catalog, *, for_calendar: bool = False, any_kind: bool = False
) -> Iterator[str]:
    """Keys that do not go together, and names that the catalogue does not know.

    A calendar (`for_calendar`) needs neither images nor volumes. All kinds of procedure go there and where
    `any_kind` is said; else only radioembolization does.
    """
    names = [territory.name for territory in case.territory]
    for double in sorted({n for n in names if names.count(n) > 1}):
        yield f'territory: "{double}" is used twice; give each territory a name of its own'
    if for_calendar and case.images is None and case.volumes is None:
        pass
    elif case.images is None:
        yield from _without_images(case)
    else:
        yield from _with_images(case)
    if not (for_calendar or any_kind) and case.procedure.kind is not ProcedureKind.TARE:
        yield (
            f'procedure.kind: found "{case.procedure.kind}"; this is done for radioembolization only: '
            f"{ProcedureKind.TARE}; `emboplan plan` takes every kind"
        )
    yield from loading_problems(case, needed=any_kind)
    yield from _names(case, catalog)
    yield from _procedure(case, catalog)
    for number, territory in enumerate(case.territory):
        yield from _territory(f"territory[{number}]", territory)
    for number, prior in enumerate(case.prior):
        where = f"prior[{number}]"
        if prior.kind is PriorKind.TARE and prior.date is None:
            yield f"{where}.date: not found; an earlier radioembolization needs its date"
        yield from _prior_drug(where, prior)
        yield from _prior_moment(case, where, prior)
    yield from unit_slips(case, catalog)
    yield from administration_problems(case, catalog.microsphere_names())
    yield from schedule_problems(case, catalog, for_calendar=for_calendar)


def _without_images(case: CaseTable) -> Iterator[str]:
    if case.limits.lung_mass == "ct":
        yield 'limits.lung_mass: found "ct" in a case without images; give a mass such as "1000 g"'
    if case.volumes is None:
        yield "images: not found; give [images], or the volumes instead: [volumes] and territory volume"
        return
    if not case.territory:
        yield "territory: not found; a case without images needs one with its volume"
    for number, territory in enumerate(case.territory):
        where = f"territory[{number}]"
        if territory.volume is None:
            yield f"{where}.volume: not found; a case without images needs the volume of each territory"
            continue
        for key in part_keys(territory):
            yield f"{where}.{key}: a case without images has no masks; give its volume alone"
        if territory.tumours != "all":
            yield f"{where}.tumours: a case without images names its lesions in lesion_volumes"
        tumour = math.fsum((territory.lesion_volumes or {}).values())
        if tumour > territory.volume:
            yield (
                f"{where}.lesion_volumes: the lesions hold {tumour:g} mL, more than the territory's "
                f"{territory.volume:g} mL; check both"
            )
    treated = math.fsum(t.volume or 0.0 for t in case.territory)
    if treated > case.volumes.liver:
        yield (
            f"volumes.liver: found {case.volumes.liver:g} mL, less than the {treated:g} mL of the "
            "territories; give the whole liver, tumours included"
        )


def _with_images(case: CaseTable) -> Iterator[str]:
    if case.volumes is not None:
        yield "volumes: found beside [images]; volumes are measured there, give one of the two"
    without = [t.name for t in case.territory if not part_keys(t)]
    if len(case.territory) > 1 and without:
        yield (
            f"territory: {', '.join(without)}: no mask (the whole liver); give each of several a mask, "
            "plane, segments or maa_threshold_frac"
        )
    yield from part_problems(case)
    for number, territory in enumerate(case.territory):
        if territory.volume is not None or territory.lesion_volumes is not None:
            yield f"territory[{number}].volume: found beside [images]; volumes are measured there"


def _names(case: CaseTable, catalog: Catalog) -> Iterator[str]:
    devices = catalog.microsphere_names()
    wanted = [
        ("procedure.device", case.procedure.device, devices),
        ("procedure.protocol", case.procedure.protocol, catalog.protocol_names()),
    ]
    wanted += [(f"territory[{n}].device", t.device, devices) for n, t in enumerate(case.territory)]
    for where, name, known in wanted:
        if name is not None and name not in known:
            yield f'{where}: found "{name}"; expected one of {", ".join(known)}'


def _procedure(case: CaseTable, catalog: Catalog) -> Iterator[str]:
    procedure = case.procedure
    if procedure.dose_coefficient is not None:
        if procedure.k_gy_kg_per_gbq is not None:
            yield "procedure.dose_coefficient: found beside k_gy_kg_per_gbq; give one of the two"
        device = procedure.device
        nuclide = catalog.nuclide(
            catalog.microsphere(device).nuclide if device in catalog.microsphere_names() else "Y-90"
        )
        if procedure.dose_coefficient not in nuclide.coefficients:
            known = ", ".join(nuclide.coefficients)
            found = procedure.dose_coefficient
            yield f'procedure.dose_coefficient: found "{found}"; {nuclide.name} has {known}'
    if ActivityModel.BSA in procedure.models and (case.patient.height is None or case.patient.weight is None):
        yield "procedure.models: the model bsa needs height and weight under [patient]"
    if case.vial is not None and case.vial.size is not None and procedure.device is None:
        yield "vial.size: a vial needs its device; give procedure.device"


def _prior_drug(where: str, prior: PriorTable) -> Iterator[str]:
    doses = [dose for dose in (prior.dose_mg_per_m2, prior.dose) if dose is not None]
    if prior.kind is PriorKind.DRUG:
        if prior.drug is None:
            yield f'{where}.drug: not found; give the name, such as "doxorubicin"'
        if len(doses) > 1:
            yield f"{where}: found dose and dose_mg_per_m2; give one of the two"
    elif prior.drug or doses or prior.doxorubicin_equivalent:
        yield f'{where}: a drug is given with kind "{prior.kind}"; write kind = "drug"'


def _prior_moment(case: CaseTable, where: str, prior: PriorTable) -> Iterator[str]:
    moment = case.procedure.treatment_time
    if prior.date is not None and moment is not None and prior.date > moment.date():
        yield (
            f"{where}.date: found {prior.date}, later than the treatment on {moment.date()}; "
            "an earlier treatment lies before it"
        )


def _territory(where: str, territory: TerritoryTable) -> Iterator[str]:
    if territory.tumour_to_normal is not None and territory.lesion_tumour_to_normal is not None:
        yield f"{where}: found tumour_to_normal and lesion_tumour_to_normal; give one of the two"
    if territory.volume is None:
        return
    lesions = set(territory.lesion_volumes or {})
    unknown = sorted(set(territory.lesion_tumour_to_normal or {}) - lesions)
    if unknown:
        yield f"{where}.lesion_tumour_to_normal: lesion {unknown[0]} is not in lesion_volumes"


def _sources(case: CaseTable) -> Iterator[tuple[str, str]]:
    for key in IMAGE_FILES:
        text = None if case.images is None else getattr(case.images, key)
        if text is not None:
            yield f"images.{key}", text
    for number, territory in enumerate(case.territory):
        if territory.mask is not None:
            yield f"territory[{number}].mask", territory.mask


def missing_paths(case: CaseTable, folder: Path) -> Iterator[str]:
    """Images and masks that are not where the file says."""
    for key, text in _sources(case):
        path = mask_source(text, folder).path
        try:
            exists = path.exists()
        except OSError:  # a name too long for the system, or a folder that may not be entered
            exists = False
        if not exists:
            yield f'{key}: "{text}" is not there; paths are relative to the case file'
