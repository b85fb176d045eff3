"""Patients on the limits of the protocols, in mixed units, by the command; every answer worked out by hand.

Limits of the trial documents, in the units that laboratories report: bilirubin 2.0 mg/dL is 34.2 umol/L,
creatinine 2.0 mg/dL is 176.8 umol/L, albumin 2.5 and 3.0 g/dL are 25 and 30 g/L, platelets 100,000 and
50,000 per uL are 100 and 50 10^9/L.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import run
from tests.eligibility.conftest import PATIENT

# On the admitting side of every limit that has two sides, or one step off a limit that excludes itself.
AT_THE_LIMITS = {
    "enrolment_date": "2026-03-28",
    "prior_chemotherapy": True,
    "last_chemotherapy_date": "2026-02-28",  # 28 days, and one calendar month
    "age_years": "18.01 years",
    "largest_liver_lesion_mm": "1.001 cm",
    "liver_tumor_burden_pct": "50 %",
    "liver_share_of_total_tumor_burden_pct": 50,
    "life_expectancy_months": 6.01,
    "ecog": 2,
    "ki67_pct": 20,
    "nyha_class": 2,
    "bilirubin": "34.2 umol/L",
    "alt": {"value": 200, "unit": "U/L", "uln": 40},
    "ast": "5 xULN",
    "albumin": "30 g/L",
    "platelets": "100.001 10^9/L",
    "creatinine": "176.7 umol/L",
    "inr": 1.5,
}
PROTOCOLS = ("CapTemY90", "DEBOXA", "MSK-19-125", "RETNET", "TAE-IT")


def checked(folder: Path, **changes: Any) -> dict[str, dict[str, Any]]:
    facts = {**PATIENT, **AT_THE_LIMITS, **changes}
    path = folder / "facts.json"
    path.write_text(json.dumps(facts, default=float), encoding="utf-8")
    ran = run("check", path, "--json")
    assert (ran.status, ran.err) == (0, "")
    found: dict[str, dict[str, Any]] = json.loads(ran.out)
    assert sorted(found) == sorted(PROTOCOLS)
    return found


def told(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Each protocol's failed and correctable criteria; nothing for an eligible patient."""
    lines = {
        name: " ".join(it["failed"] + [f"{c}?" for c in it["correctable"]]) for name, it in found.items()
    }
    for name, it in found.items():
        expected = "ineligible" if it["failed"] else "undetermined" if it["correctable"] else "eligible"
        assert it["verdict"] == expected, name
    return {name: line for name, line in lines.items() if line}


def test_on_the_admitting_side_of_every_limit(tmp_path: Path) -> None:
    found = checked(tmp_path)
    assert told(found) == {}
    assert found["DEBOXA"]["source_complete"] is found["MSK-19-125"]["source_complete"] is False


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"bilirubin": "34.21 umol/L"}, {"CapTemY90": "CTY-I11", "RETNET": "RET-I10"}),
        # Below 2.0 for two protocols; the Italian trial excludes above 2.0.
        ({"creatinine": "176.8 umol/L"}, {"CapTemY90": "CTY-I16", "RETNET": "RET-I09"}),
        (
            {"creatinine": "2.0001 mg/dL"},
            {"CapTemY90": "CTY-I16", "RETNET": "RET-I09", "TAE-IT": "TAE-E03c"},
        ),
        ({"albumin": "29.9 g/L"}, {"RETNET": "RET-I11"}),
        ({"albumin": "2.5 g/dL"}, {"RETNET": "RET-I11"}),
        ({"albumin": "24.9 g/L"}, {"CapTemY90": "CTY-I14", "RETNET": "RET-I11"}),
        ({"inr": 1.6}, {"CapTemY90": "CTY-I17?", "RETNET": "RET-I13?"}),
        ({"inr": 1.59}, {"RETNET": "RET-I13?"}),
        ({"inr": 1.6, "inr_after_correction": 1.55}, {"RETNET": "RET-I13"}),
        ({"platelets": "100 10^9/L"}, {"CapTemY90": "CTY-I15?"}),
        ({"platelets": "50000 /uL"}, {"CapTemY90": "CTY-I15?", "RETNET": "RET-I12?"}),
        ({"platelets": "50 10^3/uL", "platelets_after_correction": "50.1 10^9/L"}, {"CapTemY90": "CTY-I15"}),
        ({"alt": {"value": 200.1, "unit": "U/L", "uln": 40}}, {"CapTemY90": "CTY-I12"}),
        ({"ast": {"value": 3.01, "unit": "ukat/L", "uln": 0.6}}, {"CapTemY90": "CTY-I13"}),
        ({"age_years": 18}, {"CapTemY90": "CTY-I08"}),
        (
            {"age_years": 17.99},
            {"CapTemY90": "CTY-I08", "MSK-19-125": "MSK-I04", "RETNET": "RET-I01", "TAE-IT": "TAE-I10"},
        ),
        ({"age_years": 80}, {"TAE-IT": "TAE-I10"}),
        ({"age_years": 79.99}, {}),
        ({"largest_liver_lesion_mm": "1.0 cm"}, {"CapTemY90": "CTY-I03"}),
        ({"largest_liver_lesion_mm": 9.99}, {"CapTemY90": "CTY-I03", "RETNET": "RET-I03"}),
        ({"liver_tumor_burden_pct": 50.01}, {"CapTemY90": "CTY-I05", "TAE-IT": "TAE-I03"}),
        # 560.7 mL of 801.0 mL is exactly 70 %; the two volumes stand in for the percentage.
        (
            {"liver_tumor_burden_pct": None, "liver_tumor_volume_ml": 560.7, "liver_volume_ml": 801.0},
            {"CapTemY90": "CTY-I05", "TAE-IT": "TAE-I03"},
        ),
        (
            {"liver_tumor_burden_pct": None, "liver_tumor_volume_ml": 560.8, "liver_volume_ml": 801.0},
            {"CapTemY90": "CTY-I05", "TAE-IT": "TAE-I03", "RETNET": "RET-I04b"},
        ),
        ({"liver_tumor_burden_visual_pct": 70.4}, {"RETNET": "RET-I04b"}),
        # 25 % or less is no indication by itself, and nothing else is one here.
        (
            {"liver_tumor_burden_pct": 25, "liver_progression_recist11": False},
            {"RETNET": "RET-I06"},
        ),
        ({"liver_tumor_burden_pct": 25.01, "liver_progression_recist11": False}, {}),
        ({"liver_share_of_total_tumor_burden_pct": 49.99}, {"CapTemY90": "CTY-I04"}),
        ({"life_expectancy_months": 6}, {"CapTemY90": "CTY-I09", "TAE-IT": "TAE-I09"}),
        ({"ecog": 3}, {"CapTemY90": "CTY-I10", "MSK-19-125": "MSK-I03", "RETNET": "RET-I08"}),
        ({"ki67_pct": 20.1}, {"TAE-IT": "TAE-I08"}),
        ({"nyha_class": 3}, {"TAE-IT": "TAE-E03d"}),
        # 27 days: too early for all three washouts. From 1 March 28 days are no calendar month.
        (
            {"enrolment_date": "2026-03-27"},
            {"CapTemY90": "CTY-I07", "MSK-19-125": "MSK-I02", "RETNET": "RET-E02b"},
        ),
        (
            {"enrolment_date": "2026-03-29", "last_chemotherapy_date": "2026-03-01"},
            {"MSK-19-125": "MSK-I02", "RETNET": "RET-E02b"},
        ),
        # A month from 31 January ends on 28 February, 28 days later.
        ({"enrolment_date": "2026-02-28", "last_chemotherapy_date": "2026-01-31"}, {}),
        # Radiotherapy outside the liver: one trial counts 4 weeks, the site any treatment, the record none.
        (
            {"prior_radiotherapy": True, "last_radiotherapy_date": "2026-03-01"},
            {"CapTemY90": "CTY-I07", "MSK-19-125": "MSK-I02"},
        ),
        (
            {"prior_surgery": True, "last_surgery_date": "2026-03-01"},
            {"MSK-19-125": "MSK-I02", "RETNET": "RET-E02b"},
        ),
    ],
)  # fmt: skip
def test_one_step_over_a_limit(tmp_path: Path, changes: dict[str, Any], expected: dict[str, str]) -> None:
    assert told(checked(tmp_path, **changes)) == expected


def test_several_steps_over_at_once(tmp_path: Path) -> None:
    found = checked(
        tmp_path, bilirubin="2.01 mg/dL", creatinine="177 umol/L", inr=1.6, platelets="49.9 10^9/L", ecog=3
    )
    assert told(found) == {
        "CapTemY90": "CTY-I10 CTY-I11 CTY-I16 CTY-I15? CTY-I17?",
        "MSK-19-125": "MSK-I03",
        "RETNET": "RET-I08 RET-I09 RET-I10 RET-I12? RET-I13?",
        "TAE-IT": "TAE-E03c",
    }
    assert found["RETNET"]["missing"] == []  # a failure settles the verdict


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        (
            {"inr": 1.6, "prior_prrt": True},
            {
                "CapTemY90": ["inr_after_correction", "last_prrt_date"],
                "MSK-19-125": ["last_prrt_date"],
                "RETNET": ["inr_after_correction", "last_prrt_date"],
            },
        ),
        # The limit of normal is not given: the multiple is not known.
        ({"alt": "200 U/L"}, {"CapTemY90": ["alt"]}),
        # One of two contraindications alone excludes nobody; the other one must be known.
        (
            {"ce_ct_contraindicated": True, "ce_mri_contraindicated": None},
            {"CapTemY90": ["ce_mri_contraindicated"]},
        ),
        # A locoregional treatment without the answer on surgery; and it excludes from the other trials.
        (
            {
                "prior_ablation": True,
                "last_ablation_date": "2025-06-01",
                "prior_locoregional_post_surgical": None,
            },
            {"TAE-IT": ["prior_locoregional_post_surgical"]},
        ),
        (
            {"portal_vein_occlusion": True, "liver_tumor_burden_pct": None},
            {
                "CapTemY90": ["liver_tumor_burden_pct"],
                "RETNET": ["hepatopetal_collaterals_on_angiography", "liver_tumor_burden_pct"],
                "TAE-IT": ["liver_tumor_burden_pct"],
            },
        ),
        ({"sex": None, "reproductive_potential": True, "agrees_contraception": True}, {"CapTemY90": ["sex"]}),
        (
            {"sex": "F", "reproductive_potential": True, "agrees_contraception": True},
            {"CapTemY90": ["pregnancy_test_negative"]},
        ),
    ],
)
def test_what_is_missing(tmp_path: Path, changes: dict[str, Any], missing: dict[str, list[str]]) -> None:
    found = checked(tmp_path, **changes)
    assert {name: it["missing"] for name, it in found.items() if it["missing"]} == missing
    assert {name for name, it in found.items() if it["verdict"] == "undetermined"} == set(missing)
    assert {name for name, it in found.items() if it["verdict"] == "ineligible"} == set()
