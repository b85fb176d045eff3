"""The PET after a treatment, of a digital patient: a DICOM series in a study of its own, and its truth."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from emboplan.catalog.load import Catalog
from emboplan.dicom.write.pt import write_pet_series, y90_microspheres
from emboplan.model.pet import DecayCorrection, PetFrame, PetImage
from emboplan.synthetic.patient import DigitalPatient
from emboplan.synthetic.scans.pet import PetScan, PositronSource, pet_scan
from emboplan.units import UNITS
from emboplan.workflow.delivering.imaged_delivery import pet_nuclide
from emboplan.workflow.phantoms.study import PhantomStudy

TREATMENT = "Y-90"
TREATED_AT = datetime(2026, 12, 3, 10, 30, tzinfo=timezone(timedelta(hours=-5)))  # as the case file has it
BQ_PER_GBQ = float(UNITS["GBq"].factor / UNITS["Bq"].factor)


def write_pet(patient: DigitalPatient, folder: Path, study: PhantomStudy, catalog: Catalog) -> dict[str, Any]:
    """Scan the patient after the delivered activity, write the series, and return what is true of it."""
    pet = patient.definition.pet
    known = pet_nuclide(TREATMENT, catalog)
    source = PositronSource(TREATMENT, catalog.nuclide(TREATMENT).half_life_h, known.positron_yield or 0.0)
    scan = pet_scan(patient, source)
    start = TREATED_AT + timedelta(hours=pet.hours_after)
    image = PetImage(
        grid=scan.grid,
        bq_per_ml=scan.bq_per_ml,
        decay_correction=DecayCorrection.START,
        corrected_to=start,
        frames=(PetFrame(start, pet.scan_s),) * scan.grid.shape[0],
        nuclide=known,
        administered_at=TREATED_AT,
    )
    own = replace(study, key=f"{study.key}/after treatment", moment=start)
    write_pet_series(
        image, folder, own.identity, own.series(1, f"{TREATMENT} PET"), y90_microspheres(pet.delivered_gbq)
    )
    return _truth(scan, start, pet.scan_s)


def _truth(scan: PetScan, start: datetime, scan_s: float) -> dict[str, Any]:
    liver_z = scan.registration_shift_mm[2] + scan.liver_higher_mm
    true = float(scan.true_bq_per_ml.sum(dtype=float)) * scan.grid.voxel_ml / BQ_PER_GBQ
    return {
        "nuclide": scan.source.nuclide,
        "half_life_h": scan.source.half_life_h,
        "positrons_per_decay": scan.source.positrons_per_decay,
        "administered_at": TREATED_AT.isoformat(),
        "scan_start": start.isoformat(),
        "scan_s": scan_s,
        "delivered_gbq": scan.delivered_gbq,
        "decay_factor": scan.decay_factor,
        "activity_at_start_gbq": true,
        "expected_true_coincidences": scan.expected_trues,
        "expected_background": scan.expected_background,
        "total_sd_gbq": scan.total_sd_bq / BQ_PER_GBQ,
        "fwhm_mm": scan.resolution_fwhm_mm,
        "registration": {
            "shift_mm": list(scan.registration_shift_mm),
            "liver_shift_mm": [*scan.registration_shift_mm[:2], liver_z],
        },
    }
