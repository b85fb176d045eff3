"""Loading of beads: amounts, sizes, time, contrast, and what the steps say, against hand calculation."""

import json
from typing import Any

import pytest

from emboplan.embolics.bead_loading.contrast import contrast_volumes
from emboplan.embolics.bead_loading.loaded_share import drug_balance
from emboplan.embolics.bead_loading.sizes import changed_diameters
from emboplan.embolics.bead_loading.solution import drug_vials, strength_mg_per_ml
from emboplan.errors import CatalogError
from emboplan.model.results.loading import Loading
from emboplan.workflow.load import load_beads


def ids(found: Loading) -> set[str]:
    return {finding.id for finding in found.findings}


def text(found: Loading, key: str) -> str:
    return next(finding.text for finding in found.findings if finding.id == key)


def test_the_contract_of_load() -> None:
    """150 mg doxorubicin at 25 mg/mL: 2 vials, 37.5 mg/mL, 6 mL, 99 %, at least 2 h, 20 % smaller."""
    found = load_beads(product="DC Bead", drug="doxorubicin", dose_mg=150, solution_mg_per_ml=25).to_json()
    expected = {
        "technique": "deb",
        "product": "DC Bead",
        "drug": "doxorubicin",
        "vials": 2,
        "beads_ml": 4.0,
        "drug_mg": 150.0,
        "drug_mg_per_ml_beads": 37.5,
        "solution_ml": 6.0,
        "solution_mg_per_ml": 25.0,
        "loading_min": 120.0,
        "loaded_mg": 148.5,
        "supernatant_mg": 1.5,
        "diameter_um": [80.0, 240.0],
        "contrast_ml": [20.0, 40.0],
        "final_ml": [24.0, 44.0],
        "use_before": None,
    }
    assert expected == {key: found[key] for key in expected}
    assert {"steps", "findings", "sources", "figures"} <= set(found)
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    ("name", "product", "size"),
    [
        ("dc-bead", "DC Bead", "100-300"),
        ("DC Bead 300-500", "DC Bead", "300-500"),
        ("DC BeadM1", "DC BeadM1", "70-150"),
        ("DC Bead M1", "DC BeadM1", "70-150"),
        ("DC Bead M1 70-150 um", "DC BeadM1", "70-150"),
        ("QuadraSphere 30-60", "QuadraSphere", "30-60"),
        ("Oncozene 100", "Oncozene", "100"),
        ("callispheres-100-300", "CalliSpheres", "100-300"),
        ("LC Bead LUMI 70-150", "LC Bead LUMI", "70-150"),
        ("LUMI 70-150", "DC Bead LUMI", "70-150"),
    ],
)
def test_names_as_people_write_them(name: str, product: str, size: str) -> None:
    found = load_beads(
        product=name, drug="doxorubicin", dose_mg=20, beads_ml=1, vial_ml=2, loading_efficiency=0.9
    )
    assert (product, (size,)) == (found.product, tuple(s.size for s in found.sizes))


@pytest.mark.parametrize(
    ("dose_mg", "vials", "beads_ml"), [(37.5, 1, 2.0), (75, 1, 2.0), (75.1, 2, 4.0), (150, 2, 4.0)]
)
def test_vials_are_whole(dose_mg: float, vials: int, beads_ml: float) -> None:
    """75 mg fill one vial of 2 mL; a tenth of a milligram more takes a second one."""
    found = load_beads(product="DC Bead", drug="doxorubicin", dose_mg=dose_mg)
    assert (vials, beads_ml) == (found.vials, found.beads_ml)


def test_beads_that_the_user_fixes() -> None:
    found = load_beads(product="DC Bead", drug="doxorubicin", dose_mg=60, beads_ml=3)
    assert (found.vials, found.beads_ml, found.drug_mg_per_ml_beads) == (2, 3.0, 20.0)
    assert "below-usual-load" in ids(found)


def test_lc_bead_takes_the_figures_of_dc_bead_to_be_confirmed() -> None:
    found = load_beads(product="LC Bead", drug="doxorubicin", dose_mg=75, vial_ml=1, sizes="900-1200")
    assert (found.vials, found.beads_ml, found.drug_mg_per_ml_beads) == (2, 2.0, 37.5)
    assert found.diameter_um == (720.0, 960.0)
    assert "37.5 mg/mL" in text(found, "to-confirm")


def test_loading_time_by_size() -> None:
    """1 h was measured for 100-300 um at 2 mg/mL; else 2 h hold, and the slowest size counts."""
    wish: dict[str, Any] = {
        "product": "DC Bead",
        "drug": "doxorubicin",
        "dose_mg": 75,
        "solution_mg_per_ml": 2,
    }
    small = load_beads(**wish, sizes="100-300")
    large = load_beads(**wish, sizes="500-700")
    both = load_beads(**wish, sizes=["100-300", "500-700"])
    assert (small.loading_min, large.loading_min, both.loading_min) == (60, 120, 120)
    assert "EMB-B2: at least 2 h" in text(small, "conflict-loading-time")
    assert both.diameter_um == (80.0, 560.0)


@pytest.mark.parametrize(("strength", "minutes"), [(1.5, 60), (2, 60), (2.1, 120), (25, 120), (None, 120)])
def test_the_hour_of_a_dilute_solution_holds_for_that(strength: float | None, minutes: float) -> None:
    found = load_beads(product="DC Bead", drug="doxorubicin", dose_mg=75, solution_mg_per_ml=strength)
    assert found.loading_min == minutes
    assert ("time-of-a-dilute-solution" in ids(found)) is (minutes == 120)


def test_lumi_by_size() -> None:
    """40-90 um: 20 min and no change of size; of other sizes nothing is known."""
    wish: dict[str, Any] = {
        "product": "LUMI",
        "drug": "doxorubicin",
        "dose_mg": 75,
        "vials": 1,
        "loading_efficiency": 0.98,
    }
    small, large = load_beads(**wish, sizes="40-90"), load_beads(**wish, sizes="100-300")
    assert (small.loading_min, small.diameter_um) == (20, (40, 90))
    assert (large.loading_min, large.diameter_um) == (None, None)
    assert {"open-loading-time", "open-size-change"} <= ids(large)


def test_a_bead_may_grow() -> None:
    """Idarubicin on DC Bead: +9 %."""
    found = load_beads(product="DC Bead", drug="idarubicin", dose_mg=10)
    assert found.diameter_um == (109.0, 327.0)
    assert found.loading_min == 15


def test_a_measured_range_wins() -> None:
    """HepaSphere 30-60: hydrated 120-240 by the factor, 145-213 measured after doxorubicin."""
    found = load_beads(product="HepaSphere", drug="doxorubicin", dose_mg=75, sizes="30-60")
    assert (found.sizes[0].hydrated_um, found.diameter_um) == ((120, 240), (145, 213))


def test_hepasphere_counts_vials_by_drug() -> None:
    """150 mg at 75 mg per vial: two vials, 40 mL contrast at least, no volume of beads."""
    found = load_beads(product="HepaSphere", drug="doxorubicin", dose_mg=150)
    assert (found.vials, found.beads_ml, found.drug_vials) == (2, None, 3)
    assert (found.contrast_ml, found.final_ml) == ((40.0, None), None)
    assert found.diluent == "sodium chloride 0.9 %"
    assert found.to_acknowledge == ("above-trial-cap",)


def test_two_indications_are_both_shown() -> None:
    found = load_beads(product="HepaSphere", drug="doxorubicin", dose_mg=75)
    assert "hepatocellular carcinoma only" in text(found, "product-indication")
    assert "liver metastases" in text(found, "conflict-advice-indication")


def test_irinotecan_share_by_dose() -> None:
    """CalliSpheres: more than 80 % for 20 to 80 mg, 70 to 80 % for 100 mg."""
    shares = {
        dose: load_beads(product="CalliSpheres", drug="irinotecan", dose_mg=dose).loaded_range_mg
        for dose in (20, 80, 90, 100)
    }
    assert shares == {20: (16, 20), 80: (64, 80), 90: (63, 72), 100: (70, 80)}


def test_contrast_strips_irinotecan() -> None:
    """4 to 6 % of 96 mg."""
    found = load_beads(product="DC Bead", drug="irinotecan", dose_mg=100)
    assert "(3.84 to 5.76 mg" in text(found, "contrast-strips-drug")


def test_a_trial_cap_is_acknowledged() -> None:
    found = load_beads(product="DC Bead", drug="irinotecan", dose_mg=200)
    assert found.to_acknowledge == ("above-trial-cap",)
    again = load_beads(product="DC Bead", drug="irinotecan", dose_mg=200, acknowledged=["above-trial-cap"])
    assert again.to_acknowledge == ()
    assert "above-trial-cap" in ids(again)


def test_oxaliplatin_asks_what_is_not_known() -> None:
    """Dose and loaded share are the user's; chloride, aluminium and everything without a figure are named."""
    found = load_beads(
        product="callispheres-100-300", drug="oxaliplatin", dose_mg=100, loading_efficiency=0.8
    )
    assert (
        found.loaded_mg,
        found.supernatant_mg,
        found.solution_ml,
        found.solution_mg_per_ml,
    ) == (80, 20, None, None)
    assert found.diluent is None
    assert "100 mg are 20 mL, and no source says whether that holds on beads" in text(found, "open-solution")
    assert "5 % dextrose" in text(found, "open-diluent")
    assert "keeps 24 h" in text(found, "as-reconstituted")
    assert (found.drug_vials, found.drug_left_over_mg) == (1, 0)
    assert "chloride-in-beads" in found.to_acknowledge
    assert {"aluminium", "not-assumed-bound"} <= ids(found)
    assert {item.id for item in found.open_items} == {
        *("open-beads", "open-loading-time", "open-size-change", "open-catheter"),
        *("open-contrast", "open-storage", "open-solution", "open-diluent", "open-shipping-liquid"),
    }


def test_drug_vials_that_leave_least_over() -> None:
    """Oxaliplatin comes in 50 and 100 mg: 150 mg are three of 50, 120 mg are three of 50 with 30 left."""
    for dose, vials, left in ((150, 3, 0), (120, 3, 30), (100, 1, 0)):
        found = load_beads(product="CalliSpheres", drug="oxaliplatin", dose_mg=dose, loading_efficiency=0.8)
        assert (vials, left) == (found.drug_vials, found.drug_left_over_mg)


def test_every_number_carries_its_source() -> None:
    found = load_beads(product="DC Bead", drug="doxorubicin", dose_mg=75)
    keys = {key for figure in found.figures for key in figure.source}
    assert keys == {line.partition(":")[0] for line in found.sources}
    assert any(line.startswith("EMB-A6: Registry record NCT01332669") for line in found.sources)


def test_what_the_user_entered_is_named() -> None:
    found = load_beads(product="DC Bead", drug="doxorubicin", dose_mg=75, solution_ml=3)
    assert found.entered == ("dose_mg", "solution_ml")


def test_named_ways_of_loading() -> None:
    """Epirubicin: 60 s with vibration and 99.5 %; the usual 30 min have no share of their own."""
    wish: dict[str, Any] = {"product": "DC Bead", "drug": "epirubicin", "dose_mg": 50}
    with pytest.raises(CatalogError, match=r"no published efficiency.*method: vibration-20-s"):
        load_beads(**wish)
    soaked = load_beads(**wish, loading_efficiency=0.9)
    shaken = load_beads(**wish, method="vibration-60-s")
    assert (soaked.loading_min, soaked.loaded_mg) == (30, 45)
    assert (shaken.loading_min, shaken.loaded_mg) == (1, 49.75)
    assert "Load for 1 min, with vibration, the phosphate-buffered saline removed." in shaken.steps
    assert "Load for 30 min." in soaked.steps


def test_the_steps_hold_the_numbers() -> None:
    found = load_beads(
        product="DC Bead",
        drug="doxorubicin",
        dose_mg=75,
        solution_ml=3,
        diluent="water for injection",
        drug_vial_mg=50,
        contrast_ml=15,
    )
    assert found.steps == (
        "Take 1 vial of DC Bead (2 mL beads). Note the lot numbers.",
        "Let the beads settle and remove the liquid above them (phosphate-buffered saline).",
        "Open 2 vials of doxorubicin, 50 mg each; 25 mg are left over.",
        "Make up 75 mg doxorubicin with water for injection to 3 mL (25 mg/mL).",
        "Add the solution to the beads and mix.",
        "Load for at least 120 min.",
        "Let the beads settle and discard the liquid above them (at most 0.75 mg doxorubicin left in it).",
        "Add 15 mL non-ionic contrast; the suspension is then 17 mL.",
    )


def test_territories_share_a_session() -> None:
    found = load_beads(
        product="DC Bead",
        drug="doxorubicin",
        dose_mg=100,
        territories={"segment 5": 0.25, "segment 8": 0.75},
        contrast_ml=20,
    )
    assert [(p.territory, p.drug_mg, p.beads_ml, p.final_ml) for p in found.territories] == [
        ("segment 5", 25, 1, (6, 6)),
        ("segment 8", 75, 3, (18, 18)),
    ]


def test_the_formulas_alone() -> None:
    assert (drug_balance(100, 0.96).loaded_mg, drug_balance(100, 0.96).supernatant_mg) == (96.0, 4.0)
    assert strength_mg_per_ml(75, 3) == 25
    assert contrast_volumes(4, (5, 10)) == (20, 40)
    assert changed_diameters((100, 300), (-0.162, -0.085)) == (83.8, 274.5)
    assert (drug_vials(75, 50).vials, drug_vials(75, 50).left_over_mg) == (2, 25)
