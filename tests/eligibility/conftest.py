"""The shipped dictionary and protocols, and a patient who meets every stated criterion of all of them."""

import json
import os
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from emboplan.eligibility.criterion import protocol_from_table
from emboplan.eligibility.dictionary import definitions_from_table
from emboplan.eligibility.evaluate import evaluate
from emboplan.eligibility.facts import parse_facts
from emboplan.model.protocol import FactDefinitions, Protocol
from emboplan.model.results.eligibility import Eligibility

DATA = files("emboplan.catalog") / "data"
PROTOCOL_FILES = {
    "DEBOXA": "deboxa",
    "CapTemY90": "captem_y90",
    "TAE-IT": "tae_italy",
    "MSK-19-125": "msk_19_125",
    "RETNET": "retnet",
}

YES = [
    "biopsy_proven", "liver_metastases_present", "liver_mets_unresectable", "inoperable",
    "not_surgical_candidate", "liver_dominant", "main_portal_vein_patent",
    "liver_progression_recist11", "requires_systemic_therapy_start_or_change", "informed_consent",
    "recovered_from_prior_toxicities",
]  # fmt: skip
NO = [
    "portal_vein_occlusion", "portal_hypertension", "hepatofugal_flow", "hepatic_encephalopathy",
    "symptoms_uncontrolled_by_ssa", "planned_other_concomitant_therapy",
    "on_other_investigational_agent", "reproductive_potential", "pregnant", "lactating",
    "contraindication_capecitabine", "contraindication_temozolomide", "ce_ct_contraindicated",
    "ce_mri_contraindicated", "iodinated_contrast_absolute_contraindication",
    "severe_allergy_procedural_agents", "uncorrectable_bleeding_diathesis",
    "severe_pvd_precluding_catheterization", "bilioenteric_anastomosis", "transpapillary_stent",
    "sphincterotomy", "active_infection", "uncontrolled_intercurrent_illness",
    "excessive_hepatopulmonary_shunt", "nontarget_embolization_unavoidable", "severe_coagulopathy",
    "severe_liver_failure", "unstable_ischemic_heart_disease", "other_severe_comorbidity",
    "brain_metastasis", "spinal_cord_metastasis", "lung_mets_with_respiratory_impairment",
    "symptomatic_vertebral_lesions", "prior_transarterial_embolization", "prior_radioembolization",
    "prior_other_hepatic_arterial_therapy", "prior_hepatic_radiation",
    "prior_locoregional_post_surgical", "prior_chemotherapy", "prior_radiotherapy", "prior_prrt",
    "prior_ablation", "prior_surgery",
]  # fmt: skip
PATIENT: Mapping[str, object] = {
    **dict.fromkeys(YES, True),
    **dict.fromkeys(NO, False),
    "enrolment_date": "2026-05-20",
    "assessment_stage": "pre_treatment",
    "sex": "F",
    "age_years": 58,
    "nen_type": "NET",
    "primary_site": "gep",
    "tumor_grade": 2,
    "differentiation": "well",
    "ki67_pct": 8,
    "largest_liver_lesion_mm": 42,
    "liver_tumor_burden_pct": 35,
    "liver_share_of_total_tumor_burden_pct": 85,
    "life_expectancy_months": 24,
    "ecog": 1,
    "nyha_class": 0,
    "bilirubin": {"value": Decimal("0.8"), "unit": "mg/dL"},
    "alt": {"value": 38, "unit": "U/L", "uln": 40},
    "ast": {"value": 35, "unit": "U/L", "uln": 40},
    "albumin": {"value": 4, "unit": "g/dL"},
    "platelets": {"value": 210_000, "unit": "/uL"},
    "creatinine": {"value": Decimal("0.9"), "unit": "mg/dL"},
    "inr": 1,
}


class Clinic:
    """The shipped tables, and a short way to judge a patient who differs from the reference patient."""

    def __init__(self) -> None:
        self.definitions: FactDefinitions = definitions_from_table(table("facts.toml"))
        self.protocols: dict[str, Protocol] = {
            name: protocol_from_table(table("protocols", f"{file}.toml"), self.definitions)
            for name, file in PROTOCOL_FILES.items()
        }

    def judge(self, protocol: str, **changes: Any) -> Eligibility:
        """The verdict; `without` names facts to leave out, `stage` is handed on, the rest are facts."""
        stage, without = changes.pop("stage", None), changes.pop("without", "").split()
        raw = {name: value for name, value in {**PATIENT, **changes}.items() if name not in without}
        return evaluate(self.protocols[protocol], parse_facts(raw, self.definitions), stage=stage)

    def status(self, criterion: str, **changes: Any) -> str:
        """The status of one criterion, whichever protocol it belongs to; `changes` as for `judge`."""
        protocol = next(
            name for name, it in self.protocols.items() if criterion in {entry.id for entry in it.criteria}
        )
        results = self.judge(protocol, **changes).criteria
        return next(result.status.value for result in results if result.id == criterion)


def table(*place: str) -> dict[str, Any]:
    """A shipped table, parsed as the standard library parses it."""
    return tomllib.loads(DATA.joinpath(*place).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def clinic() -> Clinic:
    return Clinic()


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The folder that holds the real images, the reference results and the trial documents."""
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("EMBOPLAN_SHARED_DATA", default)).parent


@pytest.fixture(scope="session")
def worked_patients(shared_folder: Path) -> list[dict[str, Any]]:
    """Twelve worked patients with the expected result of each protocol."""
    path = shared_folder / "reference" / "eligibility_examples.json"
    if not path.is_file():
        pytest.skip(f"worked patients not found at {path}")
    examples: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)[
        "vignettes"
    ]
    return examples


@pytest.fixture(scope="session")
def trial_documents(shared_folder: Path) -> Path:
    path = shared_folder / "facts" / "trial_documents"
    if not path.is_dir():
        pytest.skip(f"trial documents not found at {path}")
    return path
