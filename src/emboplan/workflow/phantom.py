"""Phantoms: digital patients and analytic cases, as objects, or as a folder with images and truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emboplan.catalog.load import Catalog, load
from emboplan.errors import InputError
from emboplan.files.atomic import atomic_folder
from emboplan.synthetic.analytic.case import AnalyticCase, analytic_case
from emboplan.synthetic.analytic.definition import AnalyticDefinition, is_analytic
from emboplan.synthetic.analytic.settings import with_settings
from emboplan.synthetic.analytic.tables import from_table
from emboplan.synthetic.analytic.truth import Physics
from emboplan.synthetic.patient import DigitalPatient, digital_patient
from emboplan.synthetic.setting.variants import definition_of, overlays
from emboplan.workflow.phantoms.analytic_folder import write_analytic_folder
from emboplan.workflow.phantoms.beta_doses import kernel_doses
from emboplan.workflow.phantoms.patient_folder import CASE, TRUTH, write_patient_folder

Progress = Callable[[str, float], None]

TRACER, TREATMENT = "Tc-99m", "Y-90"


@dataclass(frozen=True, slots=True)
class WrittenPhantom:
    """A digital patient, and the folder it was written to."""

    patient: DigitalPatient
    folder: Path
    case: Path
    truth: dict[str, Any]


def phantom(
    name: str,
    *,
    seed: int = 1,
    catalog: Catalog | None = None,
    progress: Progress | None = None,
    **settings: object,
) -> DigitalPatient | AnalyticCase:
    """The phantom of that name with its truth, without files: a digital patient, or an analytic case.

    `settings` change the definition: ``phantom("net-liver", burden_frac=0.35)``,
    ``phantom("sphere", diameter_mm=20)``; `emboplan phantom list NAME` shows them. The same name, seed and
    settings give the same bytes; another seed gives another patient, or other noise on the same solids.

    Raises:
        InputError: no phantom or setting has that name, or the phantom cannot be made.
    """
    tables = catalog or load()
    table = tables.phantom(name)
    if is_analytic(table):
        return _case(_analytic(table, settings), seed, tables, progress)
    return digital_patient(definition_of(table, settings), seed, progress=progress)


def phantom_descriptions(catalog: Catalog) -> dict[str, str]:
    """What there is to make, by name."""
    return {name: str(catalog.phantom(name).get("description", "")) for name in catalog.phantom_names()}


def phantom_settings(name: str, catalog: Catalog) -> dict[str, Any]:
    """What can be set of a phantom, by the name of the setting, with the values of its definition.

    Phases, kernels and variants have a table of their names, each with what it is in words.
    """
    table = catalog.phantom(name)
    if is_analytic(table):
        return dict(table["set"])
    out: dict[str, Any] = {kind: choices for kind, choices in overlays(table).items() if choices}
    for section, values in table.items():
        if isinstance(values, Mapping) and section not in out:
            out |= {
                f"{section}.{key}": value for key, value in values.items() if not isinstance(value, Mapping)
            }
    return out


def write_phantom(
    name: str,
    folder: Path,
    *,
    seed: int,
    catalog: Catalog,
    force: bool = False,
    progress: Progress | None = None,
    settings: Mapping[str, object] | None = None,
    mr: bool = False,
) -> WrittenPhantom:
    """Make a digital patient and write its study, its truth and a case file; the folder appears whole.

    With `mr` its MR series are written too.

    Raises:
        InputError: the phantom is none of a patient, or cannot be made.
        OutputError: the folder cannot be written.
    """
    table = catalog.phantom(name)
    if is_analytic(table):
        raise InputError(f"{name} is an analytic case; make it with write_any_phantom")
    definition = definition_of(table, settings or {})
    with atomic_folder(folder, TRUTH, force=force) as work:
        patient = digital_patient(definition, seed, progress=progress)
        _say(progress, "writing DICOM")
        truth = write_patient_folder(patient, work, catalog, mr=mr)
    return WrittenPhantom(patient, folder, folder / CASE, truth)


def write_any_phantom(
    name: str,
    folder: Path,
    *,
    seed: int,
    catalog: Catalog,
    force: bool = False,
    progress: Progress | None = None,
    settings: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """Make a phantom of any kind and write its folder; returns what stands in ``truth.json``.

    Raises:
        InputError: no phantom or setting has that name, or the phantom cannot be made.
        OutputError: the folder cannot be written.
    """
    table = catalog.phantom(name)
    if not is_analytic(table):
        written = write_phantom(
            name,
            folder,
            seed=seed,
            catalog=catalog,
            force=force,
            progress=progress,
            settings=settings,
            mr=True,
        )
        return written.truth
    definition = _analytic(table, settings or {})
    with atomic_folder(folder, TRUTH, force=force) as work:
        case = _case(definition, seed, catalog, progress)
        _say(progress, "writing DICOM")
        write_analytic_folder(case, definition, work, catalog)
    return case.to_json()


def _say(progress: Progress | None, stage: str) -> None:
    if progress is not None:
        progress(stage, 0.0)


def _analytic(table: Mapping[str, Any], settings: Mapping[str, object]) -> AnalyticDefinition:
    return from_table(with_settings(table, settings))


def _case(
    definition: AnalyticDefinition, seed: int, catalog: Catalog, progress: Progress | None
) -> AnalyticCase:
    treatment = catalog.nuclide(TREATMENT)
    physics = Physics(catalog.nuclide(TRACER).half_life_h, TREATMENT, treatment.k_gy_kg_per_gbq)
    case = analytic_case(definition, seed, physics, progress=progress)
    return replace(case, truth=replace(case.truth, kernel_doses=kernel_doses(case.truth)))
