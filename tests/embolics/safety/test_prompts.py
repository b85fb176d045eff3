"""Safety prompts: which patient and plan raise which, sources on all, and never an order."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.catalog import load
from emboplan.catalog.tace_tables import source_tier, tace_numbers
from emboplan.embolics.compatibility import is_drug_eluting, refuse_material
from emboplan.embolics.fluids import holds_chloride, holds_phosphate
from emboplan.embolics.safety.liver_prompts import burden_rules
from emboplan.embolics.safety.procedure import Procedure
from emboplan.embolics.safety.prompts import safety_prompts
from emboplan.errors import InputError, ModelRangeError, UnitError
from emboplan.model.arm import ArmTechnique
from emboplan.model.finding import Finding, Severity
from emboplan.model.patient import Fact, FactValue, LabValue, PatientFacts

NUMBERS = tace_numbers(load())
BLAND, CTACE, DEB, TARE = ArmTechnique.BLAND, ArmTechnique.CTACE, ArmTechnique.DEB_TACE, ArmTechnique.TARE
CLEAR: dict[str, FactValue] = {
    "nen_type": "NET",
    "bilioenteric_anastomosis": False,
    "transpapillary_stent": False,
    "sphincterotomy": False,
    "main_portal_vein_patent": True,
    "portal_vein_occlusion": False,
    "portal_hypertension": False,
    "hepatofugal_flow": False,
    "hepatic_encephalopathy": False,
    "liver_tumor_burden_pct": Decimal(20),
    "carcinoid_heart_disease": False,
    "echocardiography_done": True,
    "right_to_left_shunt": False,
    "dilated_bile_ducts": False,
}


def facts(**changes: FactValue | None) -> PatientFacts:
    known = {**CLEAR, **changes}
    return PatientFacts({name: Fact(value) for name, value in known.items() if value is not None})


def raised(procedure: Procedure, **changes: Any) -> dict[str, Finding]:
    return {found.id: found for found in safety_prompts(facts(**changes), procedure)}


@pytest.mark.parametrize(
    ("changes", "prompt", "severity"),
    [
        ({"sphincterotomy": True}, "biliary-breach", "warning"),
        ({"transpapillary_stent": None}, "biliary-breach-open", "warning"),
        (
            {"portal_vein_occlusion": True, "hepatopetal_collaterals_on_angiography": False},
            "portal-vein",
            "stop",
        ),
        ({"main_portal_vein_patent": False}, "portal-vein-open", "warning"),
        ({"portal_vein_occlusion": None}, "portal-vein-open", "warning"),
        ({"portal_hypertension": True, "hepatofugal_flow": True}, "hepatofugal-flow", "stop"),
        ({"portal_hypertension": None, "hepatofugal_flow": None}, "hepatofugal-flow-open", "warning"),
        ({"hepatic_encephalopathy": True}, "encephalopathy", "stop"),
        ({"liver_tumor_burden_pct": Decimal("50.1")}, "burden", "warning"),
        ({"liver_tumor_burden_pct": None}, "burden-open", "warning"),
        ({"bilirubin": LabValue(Decimal("51.3"), "umol/L")}, "high-risk-labs", "warning"),
        ({"albumin": LabValue(Decimal(34), "g/L")}, "high-risk-labs", "warning"),
        ({"carcinoid_heart_disease": True}, "carcinoid-heart", "warning"),
        ({"echocardiography_done": None}, "carcinoid-heart-open", "warning"),
    ],
)
def test_facts_of_the_patient_raise_prompts(
    changes: dict[str, FactValue | None], prompt: str, severity: str
) -> None:
    assert prompt not in raised(Procedure(BLAND))
    assert severity == raised(Procedure(BLAND), **changes)[prompt].severity


@pytest.mark.parametrize(
    "changes",
    [
        {"portal_vein_occlusion": True, "hepatopetal_collaterals_on_angiography": True},
        {"portal_hypertension": False, "hepatofugal_flow": True},
        {"liver_tumor_burden_pct": Decimal(50)},
        {"bilirubin": LabValue(Decimal("2.9"), "mg/dL"), "albumin": LabValue(Decimal("3.5"), "g/dL")},
    ],
)
def test_facts_within_the_rules_raise_nothing(changes: dict[str, FactValue | None]) -> None:
    assert set(raised(Procedure(BLAND))) == set(raised(Procedure(BLAND), **changes))


@pytest.mark.parametrize(
    ("procedure", "prompt", "severity"),
    [
        (Procedure(DEB, drug="doxorubicin"), "net-deb-doxorubicin", "warning"),
        (Procedure(DEB, drug="oxaliplatin"), "net-deb-biliary", "warning"),
        (Procedure(DEB, drug="doxorubicin", protocol="retnet"), "retnet-closed", "stop"),
        (Procedure(CTACE, drug="doxorubicin", protocol="retnet"), "retnet-drug", "info"),
        (Procedure(DEB, drug="irinotecan"), "deb-abscess", "warning"),
        (Procedure(DEB, drug="irinotecan"), "interval-beads", "info"),
        (Procedure(BLAND), "interval-bland", "info"),
        (Procedure(BLAND), "octreotide", "warning"),
        (Procedure(BLAND), "antibiotic-cover", "info"),
        (Procedure(BLAND, extent="whole-liver"), "extent", "warning"),
        (Procedure(DEB, drug="oxaliplatin"), "oxaliplatin-chloride", "warning"),
        (Procedure(CTACE, drug="oxaliplatin", diluent="0.9 % NaCl"), "oxaliplatin-chloride", "stop"),
        (Procedure(CTACE, drug="oxaliplatin", diluent="5 % dextrose"), "oxaliplatin-chloride", "info"),
        (Procedure(DEB, drug="oxaliplatin"), "oxaliplatin-aluminium", "warning"),
        (Procedure(DEB, drug="oxaliplatin", needle_material="aluminum hub"), "oxaliplatin-aluminium", "stop"),
        (Procedure(DEB, drug="doxorubicin"), "doxorubicin-phosphate", "warning"),
        (Procedure(DEB, drug="doxorubicin", diluent="PBS"), "doxorubicin-phosphate", "stop"),
        (Procedure(DEB, drug="epirubicin"), "epirubicin-phosphate", "warning"),
        (Procedure(DEB, drug="doxorubicin", oil=True), "beads-oil", "stop"),
        (Procedure(CTACE, drug="doxorubicin", product="HepaSphere"), "beads-oil", "stop"),
        (Procedure(TARE, device="sir-spheres", protocol="captem-y90"), "capecitabine", "warning"),
        (Procedure(TARE, device="SIR-Spheres"), "capecitabine-open", "warning"),
    ],
)
def test_the_plan_raises_prompts(procedure: Procedure, prompt: str, severity: str) -> None:
    assert severity == raised(procedure)[prompt].severity


def test_capecitabine_is_about_one_device_only() -> None:
    found = raised(Procedure(TARE, device="therasphere", protocol="captem-y90"), prior_capecitabine=True)
    assert not any(name.startswith("capecitabine") for name in found)
    clear = raised(
        Procedure(TARE, device="sir-spheres"), prior_capecitabine=False, capecitabine_planned_after=False
    )
    assert not any(name.startswith("capecitabine") for name in clear)


@pytest.mark.parametrize("procedure", [Procedure(CTACE, drug="doxorubicin"), Procedure(TARE, maa=True)])
def test_a_right_to_left_shunt_is_asked_before_oil_and_maa(procedure: Procedure) -> None:
    assert "right-to-left-shunt-open" in raised(procedure, right_to_left_shunt=None)
    assert "right-to-left-shunt" in raised(procedure, right_to_left_shunt=True)
    assert not any(name.startswith("right-to-left") for name in raised(procedure))
    assert not any(name.startswith("right-to-left") for name in raised(Procedure(BLAND)))


def test_oil_asks_for_the_bile_ducts() -> None:
    plan = Procedure(CTACE, drug="doxorubicin")
    assert raised(plan, dilated_bile_ducts=True)["bile-ducts"].severity == Severity.STOP
    assert "bile-ducts" not in raised(plan, dilated_bile_ducts=True, bile_ducts_drained=True)
    assert "bile-ducts-open" in raised(plan, dilated_bile_ducts=None)
    assert "bile-ducts-open" not in raised(Procedure(BLAND), dilated_bile_ducts=None)


def test_the_teams_own_plan_is_printed() -> None:
    plan = Procedure(BLAND, octreotide_plan="as agreed with endocrinology", antibiotic_plan="local guideline")
    found = raised(plan)
    assert "as agreed with endocrinology" in found["octreotide"].text
    assert found["octreotide"].severity == Severity.INFO
    assert "local guideline" in found["antibiotic-cover"].text


def test_other_tumours_get_no_prompts_of_net() -> None:
    found = raised(Procedure(DEB, drug="doxorubicin"), nen_type=None, liver_tumour_type="hcc")
    assert not {"net-deb-doxorubicin", "net-deb-biliary", "octreotide", "modality"} & set(found)


def test_worked_burden() -> None:
    path = Path(__file__).resolve().parents[3] / "shared" / "reference" / "embolics_examples.json"
    if not path.is_file():
        pytest.skip(f"worked cases not found at {path}")
    case = {item["id"]: item for item in json.loads(path.read_text(encoding="utf-8"))}["burden-60"]
    names = {
        "RETNET": "retnet",
        "TAE_Italy": "tae-italy",
        "CapTemY90": "captem-y90",
        "DEBIRI_panel": "debiri-panel",
    }
    found = {rule.name: rule.within for rule in burden_rules(case["inputs"]["burden_pct"])}
    assert {names[name]: within for name, within in case["expected"].items()} == found


@given(st.decimals(0, 100, places=1), st.decimals(0, 100, places=1))
def test_more_tumour_never_satisfies_more_rules(one: Decimal, other: Decimal) -> None:
    low, high = sorted((one, other))
    assert all(a.within >= b.within for a, b in zip(burden_rules(low), burden_rules(high), strict=True))


def test_the_readers_estimate_decides_for_one_trial() -> None:
    found = {rule.name: rule.within for rule in burden_rules(40, visual_pct=75)}
    assert (found["retnet"], found["tae-italy"]) == (False, True)


TRUTHS = st.none() | st.booleans()


@given(
    st.fixed_dictionaries({name: TRUTHS for name, value in CLEAR.items() if isinstance(value, bool)}),
    st.sampled_from(list(ArmTechnique)),
    st.sampled_from(["", "doxorubicin", "oxaliplatin", "epirubicin", "irinotecan"]),
    st.booleans(),
)
def test_every_prompt_is_sourced_and_none_is_an_order(
    known: dict[str, bool | None], technique: ArmTechnique, drug: str, oil: bool
) -> None:
    """Every sentence asks or tells; the heaviest come first, and each once."""
    found = safety_prompts(facts(**known), Procedure(technique, drug=drug, oil=oil))
    assert len(found) == len({item.id for item in found})
    order = [Severity.STOP, Severity.WARNING, Severity.INFO]
    assert [order.index(item.severity) for item in found] == sorted(
        order.index(item.severity) for item in found
    )
    for item in found:
        assert item.source
        assert re.search(r"\b[Aa]sk (the|whether)\b", item.text)
        assert not re.search(r"\b(must|do not|never|give|stop)\b", item.text.lower())


@given(st.fixed_dictionaries({name: st.just(None) for name in CLEAR}), st.sampled_from([BLAND, CTACE, DEB]))
def test_nothing_known_never_counts_as_no(known: dict[str, None], technique: ArmTechnique) -> None:
    found = {item.id for item in safety_prompts(facts(**known), Procedure(technique))}
    assert {"biliary-breach-open", "portal-vein-open", "burden-open", "carcinoid-heart-open"} <= found


def test_prompts_to_confirm_say_so() -> None:
    found = raised(Procedure(BLAND), carcinoid_heart_disease=True)["carcinoid-heart"]
    assert "confirm" in found.source


def test_a_unit_that_the_dictionary_lacks_is_refused() -> None:
    with pytest.raises(UnitError, match="albumin"):
        raised(Procedure(BLAND), albumin=LabValue(Decimal(40), "stone"))


def test_a_share_above_the_whole_is_refused() -> None:
    with pytest.raises(ModelRangeError, match="expected 0 to 100"):
        burden_rules(101)


# What does not go together


@pytest.mark.parametrize(
    ("name", "chloride", "phosphate"),
    [
        ("0.9% sodium chloride", True, False),
        ("NaCl 0,9 %", True, False),
        ("Ringer's lactate", True, False),
        ("phosphate-buffered saline", True, True),
        ("PBS", True, True),
        ("5 % dextrose", False, False),
        ("water for injection", False, False),
        ("chloride-free water", False, False),
        ("dilute contrast", False, False),
    ],
)
def test_names_of_fluids(name: str, chloride: bool, phosphate: bool) -> None:
    assert (chloride, phosphate) == (holds_chloride(name), holds_phosphate(name))


@pytest.mark.parametrize(
    "name", ["DC Bead", "callispheres-100-300", "Oncozene", "LC Bead LUMI", "loaded DEB"]
)
def test_beads_that_elute(name: str) -> None:
    assert is_drug_eluting(name, load())


@pytest.mark.parametrize("name", ["", "Bead Block", "Embosphere", "Bearing nsPVA", "gelatin sponge"])
def test_particles_that_do_not(name: str) -> None:
    assert not is_drug_eluting(name, load())


def test_aluminium_is_refused_with_oxaliplatin() -> None:
    with pytest.raises(InputError, match="aluminium"):
        refuse_material("oxaliplatin", "aluminium needle", NUMBERS)
    refuse_material("oxaliplatin", "steel needle", NUMBERS)
    refuse_material("doxorubicin", "aluminium needle", NUMBERS)


def test_every_prompt_of_the_table_has_a_rule() -> None:
    """A sentence that no rule raises would never be read."""
    folder = Path(__file__).resolve().parents[3] / "src" / "emboplan" / "embolics" / "safety"
    code = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    assert [name for name in NUMBERS.names_in("prompt") if f'"{name}"' not in code] == []


def test_secondary_pages_alone_are_to_be_confirmed() -> None:
    """The tier is in the key of a source: C for a secondary page."""
    assert tuple(map(source_tier, ("EMB-A1", "EMB-B-IGHG", "EMB-C4", "RET"))) == ("A", "B", "C", "")
    for entry in NUMBERS.entries.values():
        if all(source_tier(key) == "C" for key in entry.source):
            assert entry.status != "confirmed"
