"""Cases derived by hand from the published figures: every bead, several drugs, sizes, limits and sums.

Each expected number is a line of arithmetic on a figure of the sources, written in the case's name or beside
it.
"""

from typing import Any

import pytest

from emboplan.embolics.amounts import Number
from emboplan.embolics.bead_loading.beads import BeadRequest
from emboplan.embolics.emulsions.emulsion import emulsion
from emboplan.embolics.emulsions.infusion import arterial_dose, oil_suspension
from emboplan.embolics.safety.cumulative import cumulative_anthracycline
from emboplan.errors import InputError, ModelRangeError
from emboplan.model.results.drug_history import DrugAmount
from emboplan.model.results.emulsion import DropletType
from emboplan.workflow.load import load_bead_sessions, load_beads

BEADS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "two vials at the ceiling: 150/4 mg per mL, 150/25 mL, 99 %, minus 20 %, 5 to 10 mL contrast per mL": (
        {"product": "DC Bead 300-500", "drug": "doxorubicin", "dose_mg": 150, "solution_mg_per_ml": 25},
        {
            "vials": 2,
            "beads_ml": 4.0,
            "drug_mg_per_ml_beads": 37.5,
            "solution_ml": 6.0,
            "loaded_mg": 148.5,
            "supernatant_mg": 1.5,
            "diameter_um": (240.0, 400.0),
            "contrast_ml": (20.0, 40.0),
            "final_ml": (24.0, 44.0),
        },
    ),
    "a tenth of a milligram over one vial takes two: 75.1/4": (
        {"product": "dcbead", "drug": "Adriamycin", "dose_mg": "75.1"},
        {"vials": 2, "drug_mg_per_ml_beads": 18.775},
    ),
    "four vials of 1 mL are the 4 mL of the ceiling": (
        {"product": "LC Bead 500-700", "drug": "doxorubicin", "dose_mg": 150, "vial_ml": 1},
        {"vials": 4, "beads_ml": 4.0, "diameter_um": (400.0, 560.0)},
    ),
    "M1: 100 mg on 2 mL in 2 h; the share is one's own, 91 % of 100 mg": (
        {"product": "DC Bead M1", "drug": "irinotecan", "dose_mg": 100, "loading_efficiency": 0.91},
        {"beads_ml": 2.0, "vials": None, "loaded_mg": 91.0, "supernatant_mg": 9.0, "loading_min": 120.0},
    ),
    "LUMI 40-90: 20 min, no change of size, 2 mL in a vial": (
        {
            "product": "LC Bead LUMI 40-90",
            "drug": "doxorubicin",
            "dose_mg": 75,
            "vials": 1,
            "loading_efficiency": 0.98,
        },
        {"beads_ml": 2.0, "loading_min": 20.0, "diameter_um": (40.0, 90.0), "loaded_mg": 73.5},
    ),
    "HepaSphere: 110 mg need 2 vials of 75 mg, 3 of 50 mg drug, and 40 mL contrast at least": (
        {"product": "HepaSphere 30-60", "drug": "doxorubicin", "dose_mg": 110},
        {
            "vials": 2,
            "drug_vials": 3,
            "drug_left_over_mg": 40.0,
            "contrast_ml": (40.0, None),
            "diameter_um": (145.0, 213.0),
            "diluent": "sodium chloride 0.9 %",
        },
    ),
    "TANDEM: 150 mg on 3 mL are 50 mg/mL; 100 um less 9 %": (
        {"product": "Embozene TANDEM 100", "drug": "doxorubicin", "dose_mg": 150, "beads_ml": 3},
        {"drug_mg_per_ml_beads": 50.0, "diameter_um": (91.0, 91.0), "loaded_mg": 148.5},
    ),
    "Oncozene takes the figures of TANDEM: irinotecan at least 95 % in 1 h, the same size": (
        {"product": "Oncozene 75", "drug": "irinotecan", "dose_mg": 80, "beads_ml": 2},
        {"loaded_mg": 76.0, "supernatant_mg": 4.0, "loading_min": 60.0, "diameter_um": (75.0, 75.0)},
    ),
    "LifePearl: 200 um less 9 %, at least 95 % of 100 mg": (
        {"product": "LifePearl 200", "drug": "irinotecan", "dose_mg": 100, "beads_ml": 2},
        {"diameter_um": (182.0, 182.0), "loaded_mg": 95.0, "supernatant_mg": 5.0},
    ),
    "LifePearl with idarubicin: 200 um less 5 %, 15 min": (
        {"product": "lifepearl-200", "drug": "idarubicin", "dose_mg": 10, "beads_ml": 2},
        {"diameter_um": (190.0, 190.0), "loaded_mg": 9.9, "loading_min": 15.0},
    ),
    "CalliSpheres with 60 mg irinotecan: more than 80 %, 10 mg/mL, 8.5 to 16.2 % smaller": (
        {"product": "CalliSpheres 100-300", "drug": "irinotecan", "dose_mg": 60},
        {"loaded_mg": 48.0, "supernatant_mg": 12.0, "solution_ml": 6.0, "diameter_um": (83.8, 274.5)},
    ),
    "CalliSpheres with 100 mg irinotecan: 70 to 80 %": (
        {"product": "CalliSpheres 300-500", "drug": "irinotecan", "dose_mg": 100},
        {
            "loaded_range_mg": (70.0, 80.0),
            "supernatant_range_mg": (20.0, 30.0),
            "diameter_um": (251.4, 457.5),
        },
    ),
    "CalliSpheres with oxaliplatin: a third bound of one's own, the rest unknown": (
        {"product": "callispheres-50-150", "drug": "L-OHP", "dose_mg": 150, "loading_efficiency": "0.3"},
        {
            "loaded_mg": 45.0,
            "supernatant_mg": 105.0,
            "solution_ml": None,
            "loading_min": None,
            "contrast_ml": None,
            "beads_ml": None,
            "vials": None,
            "diameter_um": None,
        },
    ),
    "epirubicin with vibration for 30 s: 99.02 % of 50 mg": (
        {"product": "DC Bead", "drug": "epirubicin", "dose_mg": 50, "method": "vibration-30-s"},
        {"loaded_mg": 49.51, "supernatant_mg": 0.49, "loading_min": 0.5, "vials": 1},
    ),
}


@pytest.mark.parametrize(("wish", "expected"), BEADS.values(), ids=BEADS)
def test_beads(wish: dict[str, Any], expected: dict[str, Any]) -> None:
    found = load_beads(**wish)
    assert expected == {name: getattr(found, name) for name in expected}


@pytest.mark.parametrize(
    ("wish", "loaded_um"),
    [
        ({"product": "DC Bead", "drug": "idarubicin", "dose_mg": 10}, 327.0),  # 300 plus 9 %
        ({"product": "DC Bead 300-500", "drug": "doxorubicin", "dose_mg": 75}, 400.0),  # 500 less 20 %
        ({"product": "TANDEM 100", "drug": "doxorubicin", "dose_mg": 50, "beads_ml": 1}, 91.0),
        ({"product": "HepaSphere 30-60", "drug": "doxorubicin", "dose_mg": 50}, 213.0),
        ({"product": "HepaSphere 50-100", "drug": "doxorubicin", "dose_mg": 50}, 400.0),  # 100 times 4
    ],
)
def test_a_catheter_as_wide_as_the_bead_passes_and_one_a_tenth_narrower_not(
    wish: dict[str, Any], loaded_um: float
) -> None:
    found = load_beads(**wish, catheter_inner_um=loaded_um)
    assert found.catheter is not None
    assert found.catheter.largest_um == loaded_um
    with pytest.raises(
        ModelRangeError, match=rf"{loaded_um:g} um, larger than the catheter's inner diameter"
    ):
        load_beads(**wish, catheter_inner_um=loaded_um - 0.1)


def test_two_territories_over_sessions() -> None:
    """300 mg at 60 and 40 %: 180 mg in two sessions of 90, 120 mg in one; 99 % of all is loaded."""
    course = load_bead_sessions(
        BeadRequest("DC Bead", "doxorubicin", 300, territories={"right": "0.6", "left": "0.4"})
    )
    assert [(s.loading.territories[0].territory, s.loading.drug_mg) for s in course.sessions] == [
        ("right", 90.0),
        ("right", 90.0),
        ("left", 120.0),
    ]
    assert (course.loaded_mg, course.supernatant_mg) == (297.0, 3.0)


@pytest.mark.parametrize("rule", ["us-label", "eu-smpc"])
@pytest.mark.parametrize(
    ("bilirubin", "dose_mg"),
    [("1.19", 90), ("1.2", 45), ("3.0", 45), ("3.05", 22.5), ("3.1", 22.5), ("5.0", 22.5)],
)
def test_bilirubin_by_either_label(rule: str, bilirubin: str, dose_mg: float) -> None:
    """50 mg/m2 on 1.8 m2 are 90 mg: full below 1.2 mg/dL, half up to 3.0, a quarter above."""
    found = emulsion(
        drug="doxorubicin",
        dose_mg_per_m2=50,
        body_surface_m2="1.8",
        age_years=60,
        bilirubin_mg_per_dl=bilirubin,
        reduction_rule=rule,
        oil_ml=10,
        aqueous_ml=5,
    )
    assert found.drug_mg == dose_mg
    assert (found.aqueous_mg_per_ml, found.emulsion_mg_per_ml) == (dose_mg / 5, dose_mg / 15)
    assert found.droplet is DropletType.WATER_IN_OIL


@pytest.mark.parametrize(
    ("age", "oil", "limit"),
    [(65, 15, None), (66, 10, None), (66, "10.01", 10), (40, "15.01", 15), (None, 15, None), (None, 16, 15)],
)
def test_oil_by_age(age: Number | None, oil: Number, limit: int | None) -> None:
    """15 mL in adults, 10 mL over 65 years; without an age the limit of adults, and a finding above 10."""
    wish: dict[str, Any] = {"drug": "doxorubicin", "dose_mg": 50, "aqueous_ml": 10, "age_years": age}
    if limit is not None:
        with pytest.raises(ModelRangeError, match=f"above the {limit} mL of its label"):
            emulsion(**wish, oil_ml=oil)
        return
    found = emulsion(**wish, oil_ml=oil)
    assert found.emulsion_ml == float(oil) + 10
    assert ("age-open" in {f.id for f in found.findings}) is (age is None)


def test_an_arm_allows_what_the_label_does_not_up_to_its_own_most() -> None:
    """RETNET: 10 to 20 mL; 18 mL at 70 years is to be acknowledged, 20.5 mL is an error."""
    wish: dict[str, Any] = {"drug": "doxorubicin", "dose_mg": 50, "protocol": "retnet", "age_years": 70}
    found = emulsion(**wish, oil_ml=18)
    assert "oil-above-label" in {f.id for f in found.findings}
    assert (found.emulsion_ml, found.emulsion_mg_per_ml) == (28.0, 50 / 28)
    with pytest.raises(ModelRangeError, match="above the 10 mL of its label"):
        emulsion(**wish, oil_ml="20.5")


def test_drugs_in_the_artery() -> None:
    """Cisplatin 65 mg/m2 at 70 mL per 100 mg; epirubicin 60 mg/m2 in 20 mL; on 1.73 m2."""
    cisplatin = arterial_dose(drug="cisplatin", body_surface_m2="1.73")
    epirubicin = arterial_dose(drug="epirubicin", body_surface_m2="1.73")
    assert (cisplatin.dose_mg, cisplatin.volume_ml) == (112.45, 78.715)
    assert (epirubicin.dose_mg, epirubicin.volume_ml) == (103.8, 20.0)


def test_miriplatin_in_its_oil() -> None:
    """70 mg in 3.5 mL: 120 mg in 6 mL; 300 mg are 15 mL, and 301 mg pass the label of the oil."""
    found = oil_suspension(drug="miriplatin", dose_mg=120)
    assert (found.oil_ml, found.mg_per_ml, found.use_within_h) == (6.0, 20.0, 1.0)
    assert oil_suspension(drug="miriplatin", dose_mg=300).oil_ml == 15.0
    with pytest.raises(ModelRangeError, match=r"15\.05 mL of iodised oil"):
        oil_suspension(drug="miriplatin", dose_mg=301)


def test_anthracyclines_in_mg_and_in_mg_per_m2() -> None:
    """200 mg/m2, 90 mg epirubicin (ratio 1) and 75 mg on 1.8 m2 make 291.67; of 400 are left 195 mg."""
    found = cumulative_anthracycline(
        given=[DrugAmount("doxorubicin", mg_per_m2=200), DrugAmount("epirubicin", mg=90)],
        planned=[DrugAmount("doxorubicin", mg=75)],
        body_surface_m2="1.8",
        session_mg=75,
        prior_cardiotoxic_therapy=True,
    )
    assert found.given_mg_per_m2 == 250.0
    assert found.total_mg_per_m2 == pytest.approx(250 + 75 / 1.8)
    assert (found.limit_mg_per_m2, found.remaining_mg, found.full_sessions) == (400.0, 195.0, 2)


@pytest.mark.parametrize(("planned", "refused"), [(50, False), (51, True)])
def test_idarubicin_counts_five_times(planned: int, refused: bool) -> None:
    """100 mg/m2 before are 500 of doxorubicin: 50 more reach 550, 51 pass it."""
    wish: dict[str, Any] = {
        "given": [DrugAmount("idarubicin", mg_per_m2=100)],
        "planned": [DrugAmount("doxorubicin", mg_per_m2=planned)],
    }
    if refused:
        with pytest.raises(ModelRangeError, match=r"551 mg/m2 .* limit of 550"):
            cumulative_anthracycline(**wish)
    else:
        assert cumulative_anthracycline(**wish).remaining_mg_per_m2 == 0


@pytest.mark.parametrize("dose", [19, 101])
def test_a_share_is_not_carried_beyond_the_doses_that_were_studied(dose: float) -> None:
    """CalliSpheres with irinotecan: 20 to 100 mg were studied."""
    with pytest.raises(InputError, match="no published efficiency found"):
        load_beads(product="CalliSpheres 300-500", drug="irinotecan", dose_mg=dose)
