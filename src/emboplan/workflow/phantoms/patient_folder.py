"""A digital patient as a folder that a clinic could have exported, with the truth beside it.

The folder holds the CT as a DICOM series, MR series of the same patient where they are asked for, the
99mTc-MAA SPECT and planar views and the PET after a treatment as DICOM, true masks as a DICOM segmentation,
as a structure set and as NIfTI, ``truth.json``, and a case file that is ready to plan.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

from emboplan.catalog.load import Catalog
from emboplan.dicom.write.ct import write_ct_series
from emboplan.dicom.write.mr import MrTechnique, write_mr_series
from emboplan.dicom.write.nm import Acquisition, EnergyWindow, tc99m_maa, write_planar, write_spect
from emboplan.dicom.write.seg import SegmentLabel
from emboplan.errors import CatalogError
from emboplan.files.nifti import write_labels, write_mask
from emboplan.model.mask import Mask
from emboplan.model.serialise import to_jsonable
from emboplan.synthetic.patient import DigitalPatient
from emboplan.synthetic.scans.mr import mr_image
from emboplan.synthetic.setting.definition import MrSequence, PhantomDefinition
from emboplan.workflow.phantoms.pet_folder import TREATMENT, write_pet
from emboplan.workflow.phantoms.study import PhantomStudy, TrueContours, segment_label
from emboplan.workflow.phantoms.true_doses import true_doses

TRUTH = "truth.json"
CASE = "case.toml"
SEGMENTS, STRUCTURES = "segmentation.dcm", "structures.dcm"
MOST_SEGMENTS = 50  # lesions with a segment each: more make an object of gigabytes that no viewer opens
TEMPLATE = "net-liver"  # the case file of every patient of this family that has none of its own


PHASE = "portal-venous"  # of a CT for which no other was chosen
# Words of a sequence's description that say how it was acquired.
SPIN_ECHO, CONTRAST = "spin echo", "post contrast"


def write_patient_folder(
    patient: DigitalPatient, folder: Path, catalog: Catalog, *, mr: bool = False
) -> dict[str, Any]:
    """Write everything of a patient into an empty folder; returns what stands in ``truth.json``.

    With `mr` the MR sequences of the definition are made and written too.
    """
    definition = patient.definition
    told = "".join(f"/{key}={value}" for key, value in sorted(definition.settings.items()))
    study = PhantomStudy(patient.name, patient.seed, f"{patient.name}/{patient.seed}{told}")
    phase = definition.settings.get("phase", PHASE).replace("-", " ")
    ct_series = study.series(1, f"CT {phase}")
    slices = write_ct_series(patient.ct, folder / "CT", study.identity, ct_series)
    nuclear = folder / "MAA"
    nuclear.mkdir()
    acquisition = _acquisition(definition)
    write_spect(
        patient.maa_spect,
        nuclear / "spect.dcm",
        study.identity,
        study.series(2, "Tc-99m MAA SPECT"),
        acquisition,
    )
    write_planar(
        patient.planar,
        nuclear / "planar.dcm",
        study.identity,
        study.series(3, "Tc-99m MAA planar"),
        acquisition,
    )
    contours = TrueContours.over(patient.ct, slices, study, ct_series)
    contours.write_segments(
        _segments(patient, catalog), folder / SEGMENTS, study.series(99, "True segmentation")
    )
    contours.write_structures(
        _segments(patient, catalog), folder / STRUCTURES, study.series(98, "True structures")
    )
    if mr:
        _write_mr(patient, folder / "MR", study)
    masks = folder / "masks"
    masks.mkdir()
    write_mask(masks / "liver.nii.gz", patient.truth.liver)
    write_labels(masks / "tumours.nii.gz", patient.truth.lesions)
    write_mask(masks / "lungs.nii.gz", patient.truth.lungs)
    write_labels(masks / "segments.nii.gz", patient.truth.segments)
    if patient.truth.focus is not None:
        write_mask(masks / "focus.nii.gz", patient.truth.focus)
    truth: dict[str, Any] = {
        "phantom": patient.name,
        "seed": patient.seed,
        "settings": dict(definition.settings),
        **to_jsonable(patient.truth.truth_dict()),
        "doses": to_jsonable(true_doses(patient, catalog.nuclide(TREATMENT))),
    }
    if definition.pet.delivered_gbq > 0:
        truth["pet"] = to_jsonable(write_pet(patient, folder / "PET", study, catalog))
    (folder / TRUTH).write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")
    (folder / CASE).write_text(_case_file(patient, catalog), encoding="utf-8")
    return truth


def _write_mr(patient: DigitalPatient, folder: Path, study: PhantomStudy) -> None:
    for number, (name, sequence) in enumerate(patient.definition.mr.items(), start=1):
        image = mr_image(patient.definition, patient.drawn, name, patient.seed)
        write_mr_series(
            image.signal,
            image.grid,
            folder / name,
            study.identity,
            study.series(20 + number, f"MR {sequence.description}"),
            _technique(sequence),
        )


def _technique(sequence: MrSequence) -> MrTechnique:
    spin = SPIN_ECHO in sequence.description.lower()
    return MrTechnique(
        "SE" if spin else "GR",
        "SK" if spin else "SP",
        sequence.repetition_ms,
        sequence.echo_ms,
        sequence.flip_deg,
        sequence.field_t,
        contrast_agent="gadolinium" if CONTRAST in sequence.description.lower() else "",
    )


def _segments(patient: DigitalPatient, catalog: Catalog) -> Iterator[tuple[SegmentLabel, Mask]]:
    """The structures one after the other, so that only one full mask is held at a time."""
    truth = patient.truth
    yield segment_label(catalog, "liver"), truth.liver
    numbers = truth.lesions.numbers
    if len(numbers) > MOST_SEGMENTS:
        yield segment_label(catalog, "lesion", "Lesions"), truth.lesions.union
        numbers = ()
    for number in numbers:
        yield segment_label(catalog, "lesion", f"Lesion {number}"), truth.lesions.mask(number)
    yield segment_label(catalog, "lungs"), truth.lungs


def _acquisition(definition: PhantomDefinition) -> Acquisition:
    peak, scatter = definition.windows.photopeak_kev, definition.windows.scatter_kev
    return tc99m_maa(
        EnergyWindow("photopeak", peak.low, peak.high),
        EnergyWindow("scatter", scatter.low, scatter.high),
        definition.uptake.injected_mbq,
    )


def _case_file(patient: DigitalPatient, catalog: Catalog) -> str:
    truth = patient.truth
    try:
        template = catalog.case_template(patient.name)
    except CatalogError:
        template = catalog.case_template(TEMPLATE)
    return Template(template).substitute(
        seed=patient.seed,
        spect_fwhm_mm=f"{truth.spect_fwhm_mm:.1f}",
        liver_density=f"{truth.liver_density_g_per_ml:g}",
        tumour_to_normal=f"{truth.tumour_to_normal:g}",
    )
