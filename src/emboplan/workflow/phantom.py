"""Digital patients: as objects, or as a folder that a clinic could have exported, with the truth beside it.

The folder holds the CT as a DICOM series, the 99mTc-MAA SPECT and planar views as DICOM, the true masks as
NIfTI, ``truth.json``, and a case file that is ready to plan.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from emboplan.catalog.load import Catalog, load
from emboplan.dicom.read.common import PatientStudy
from emboplan.dicom.write.ct import write_ct_series
from emboplan.dicom.write.identity import NewSeries, StudyIdentity, derived_uid
from emboplan.dicom.write.nm import Acquisition, EnergyWindow, tc99m_maa, write_planar, write_spect
from emboplan.files.atomic import atomic_folder
from emboplan.files.nifti import write_labels, write_mask
from emboplan.model.serialise import to_jsonable
from emboplan.synthetic.definition import PhantomDefinition
from emboplan.synthetic.patient import DigitalPatient, digital_patient
from emboplan.synthetic.tables import from_table

Progress = Callable[[str, float], None]

TRUTH = "truth.json"
CASE = "case.toml"

# A digital patient has no birthday and no examination; its objects carry this date, so that they are complete
# and the same each time.
STUDY_DATE, STUDY_TIME = "20260101", "120000"


@dataclass(frozen=True, slots=True)
class WrittenPhantom:
    """A digital patient, and the folder it was written to."""

    patient: DigitalPatient
    folder: Path
    case: Path
    truth: dict[str, Any]


def phantom(
    name: str, *, seed: int = 1, catalog: Catalog | None = None, progress: Progress | None = None
) -> DigitalPatient:
    """The digital patient of that name: CT, SPECT, planar views and truth, without files.

    The same name and seed give the same patient; another seed another one.

    Raises:
        InputError: no phantom has that name, or the patient cannot be made.
    """
    return digital_patient(_definition(name, catalog or load()), seed, progress=progress)


def phantom_descriptions(catalog: Catalog) -> dict[str, str]:
    """What there is to make, by name."""
    return {name: _definition(name, catalog).description for name in catalog.phantom_names()}


def write_phantom(
    name: str,
    folder: Path,
    *,
    seed: int,
    catalog: Catalog,
    force: bool = False,
    progress: Progress | None = None,
) -> WrittenPhantom:
    """Make a digital patient and write its study, its truth and a case file; the folder appears whole."""
    definition = _definition(name, catalog)
    with atomic_folder(folder, TRUTH, force=force) as work:
        patient = digital_patient(definition, seed, progress=progress)
        if progress is not None:
            progress("writing DICOM", 0.0)
        _write_images(definition, patient, work)
        masks = work / "masks"
        masks.mkdir()
        write_mask(masks / "liver.nii.gz", patient.truth.liver)
        write_labels(masks / "tumours.nii.gz", patient.truth.lesions)
        write_mask(masks / "lungs.nii.gz", patient.truth.lungs)
        truth = {"phantom": name, "seed": seed, **to_jsonable(patient.truth.truth_dict())}
        (work / TRUTH).write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")
        (work / CASE).write_text(_case_file(name, patient, catalog), encoding="utf-8")
    return WrittenPhantom(patient, folder, folder / CASE, truth)


def _definition(name: str, catalog: Catalog) -> PhantomDefinition:
    return from_table(catalog.phantom(name))


def _write_images(definition: PhantomDefinition, patient: DigitalPatient, folder: Path) -> None:
    key = f"{patient.name}/{patient.seed}"
    identity = StudyIdentity(
        derived_uid(key, "study"),
        PatientStudy(
            patient_name=f"Phantom^{patient.name}",
            patient_id=f"{patient.name}-{patient.seed}",
            patient_sex="O",
            study_date=STUDY_DATE,
            study_time=STUDY_TIME,
            study_id=str(patient.seed),
        ),
    )

    def series(number: int, description: str) -> NewSeries:
        return NewSeries(derived_uid(key, description), description, number)

    write_ct_series(patient.ct, folder / "CT", identity, series(1, "CT portal venous"))
    nuclear = folder / "MAA"
    nuclear.mkdir()
    acquisition = _acquisition(definition)
    write_spect(
        patient.maa_spect, nuclear / "spect.dcm", identity, series(2, "Tc-99m MAA SPECT"), acquisition
    )
    write_planar(
        patient.planar, nuclear / "planar.dcm", identity, series(3, "Tc-99m MAA planar"), acquisition
    )


def _acquisition(definition: PhantomDefinition) -> Acquisition:
    peak, scatter = definition.windows.photopeak_kev, definition.windows.scatter_kev
    return tc99m_maa(
        EnergyWindow("photopeak", peak.low, peak.high),
        EnergyWindow("scatter", scatter.low, scatter.high),
        definition.uptake.injected_mbq,
    )


def _case_file(name: str, patient: DigitalPatient, catalog: Catalog) -> str:
    truth = patient.truth
    return Template(catalog.case_template(name)).substitute(
        seed=patient.seed,
        spect_fwhm_mm=f"{truth.spect_fwhm_mm:.1f}",
        liver_density=f"{truth.liver_density_g_per_ml:g}",
        tumour_to_normal=f"{truth.tumour_to_normal:g}",
    )
