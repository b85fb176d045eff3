"""Emulsions: worked cases, what must hold of every mixture, limits, and each refusal in one sentence."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from emboplan.catalog import load
from emboplan.catalog.tace_tables import tace_numbers
from emboplan.embolics.emulsions.emulsion import emulsion
from emboplan.embolics.emulsions.infusion import arterial_dose, oil_suspension
from emboplan.embolics.emulsions.reduction import bilirubin_reduction
from emboplan.errors import CatalogError, EmboplanError, InputError, ModelRangeError
from emboplan.model.results.emulsion import DropletType, Emulsion

MIXED: dict[str, Any] = {"drug": "doxorubicin", "dose_mg": 50, "aqueous_ml": 10, "oil_ml": 10}
DOSES = st.decimals("0.1", "200", places=1)
VOLUMES = st.decimals("0.1", "10", places=1)
BILIRUBINS = st.decimals("0", "5", places=2)


def ids(found: Emulsion) -> set[str]:
    return {finding.id for finding in found.findings}


@pytest.fixture(scope="module")
def examples() -> dict[str, Any]:
    path = Path(__file__).resolve().parents[3] / "shared" / "reference" / "embolics_examples.json"
    if not path.is_file():
        pytest.skip(f"worked cases not found at {path}")
    return {case["id"]: case for case in json.loads(path.read_text(encoding="utf-8"))}


# Worked cases


def test_worked_emulsion_of_a_trial(examples: dict[str, Any]) -> None:
    case = examples["retnet-emulsion"]
    given_, expected = case["inputs"], case["expected"]
    for place, oil_ml in enumerate(given_["oil_ml"]):
        found = emulsion(
            drug="doxorubicin",
            dose_mg=given_["dox_mg"],
            aqueous_ml=given_["aqueous_ml"],
            oil_ml=oil_ml,
            protocol="retnet",
        )
        assert expected["aqueous_mg_per_ml"] == found.aqueous_mg_per_ml
        assert expected["oil_to_aqueous"][place] == found.oil_to_aqueous
        assert expected["total_ml"][place] == found.emulsion_ml
        assert expected["emulsion_mg_per_ml"][place] == round(found.emulsion_mg_per_ml, 2)


def test_worked_dose_by_body_surface(examples: dict[str, Any]) -> None:
    case = examples["ctace-bsa"]
    for per_m2, expected in zip(case["inputs"]["mg_per_m2"], case["expected"]["dox_mg"], strict=True):
        found = emulsion(
            drug="doxorubicin",
            dose_mg_per_m2=per_m2,
            body_surface_m2=case["inputs"]["bsa_m2"],
            aqueous_ml=10,
            oil_ml=10,
        )
        assert expected == found.drug_mg


@pytest.mark.parametrize("name", ["dox-bili-1.0", "dox-bili-4.0"])
def test_worked_reductions(examples: dict[str, Any], name: str) -> None:
    case = examples[name]
    found = emulsion(
        drug="doxorubicin",
        dose_mg=case["inputs"]["base_mg"],
        bilirubin_mg_per_dl=case["inputs"]["bilirubin_mg_dl"],
        aqueous_ml=10,
        oil_ml=10,
    )
    assert case["expected"]["dose_mg"] == found.drug_mg
    assert found.dose.reduction is not None
    assert case["expected"]["label"] == found.dose.reduction.label


def test_worked_cisplatin_in_the_artery(examples: dict[str, Any]) -> None:
    case = examples["cisplatin-ia"]
    found = arterial_dose(drug="cisplatin", body_surface_m2=case["inputs"]["bsa_m2"])
    expected = case["expected"]
    assert (expected["dose_mg"], expected["volume_ml"]) == (found.dose_mg, found.volume_ml)
    assert (expected["infusion_min"], expected["rest_weeks"]) == (
        list(found.infusion_min or ()),
        list(found.rest_weeks),
    )


def test_epirubicin_in_the_artery_by_hand() -> None:
    """60 mg/m2 at 1.7 m2 are 102 mg, in about 20 mL, every 3 to 4 weeks."""
    found = arterial_dose(drug="epirubicin", body_surface_m2=1.7)
    assert (found.dose_mg, found.volume_ml, found.infusion_min) == (102.0, 20.0, None)
    assert found.rest_weeks == (3.0, 4.0)


def test_miriplatin_by_hand() -> None:
    """70 mg in 3.5 mL are 20 mg/mL; 100 mg need 5 mL."""
    found = oil_suspension(drug="miriplatin", dose_mg=100, age_years=50)
    assert (found.oil_ml, found.mg_per_ml, found.use_within_h) == (5.0, 20.0, 1.0)


# What holds of every mixture


@given(DOSES, VOLUMES, VOLUMES)
def test_volumes_add_up_and_the_mass_is_in_the_aqueous_phase(dose: Any, water: Any, oil: Any) -> None:
    found = emulsion(drug="epirubicin", dose_mg=dose, aqueous_ml=water, oil_ml=oil)
    assert found.emulsion_ml == pytest.approx(found.oil_ml + found.aqueous_ml, rel=1e-12)
    assert found.drug_mg == pytest.approx(found.aqueous_mg_per_ml * found.aqueous_ml, rel=1e-12)
    assert found.drug_mg == pytest.approx(found.emulsion_mg_per_ml * found.emulsion_ml, rel=1e-12)
    assert found.oil_ml == pytest.approx(found.oil_to_aqueous * found.aqueous_ml, rel=1e-12)


@given(DOSES, VOLUMES, VOLUMES)
def test_every_way_to_say_the_volumes_gives_the_same_emulsion(dose: Any, water: Any, oil: Any) -> None:
    """Ratio and concentration of one emulsion, given back, make the same one."""
    first = emulsion(drug="cisplatin", dose_mg=dose, aqueous_ml=water, oil_ml=oil)
    assume(first.oil_to_aqueous * first.aqueous_ml <= 15)
    again = emulsion(
        drug="cisplatin",
        dose_mg=dose,
        drug_concentration_mg_per_ml=first.aqueous_mg_per_ml,
        oil_to_aqueous=first.oil_to_aqueous,
        age_years=40,
    )
    assert first.emulsion_ml == pytest.approx(again.emulsion_ml, rel=1e-9)
    third = emulsion(drug="cisplatin", dose_mg=dose, oil_ml=oil, oil_to_aqueous=first.oil_to_aqueous)
    assert first.aqueous_ml == pytest.approx(third.aqueous_ml, rel=1e-9)


@given(DOSES, st.dictionaries(st.sampled_from("abcde"), st.integers(0, 500), min_size=1))
def test_territories_add_up_to_the_emulsion(dose: Any, tumours: dict[str, int]) -> None:
    assume(sum(tumours.values()) > 0)
    found = emulsion(drug="mitomycin", dose_mg=dose, aqueous_ml=7, oil_ml=9, territory_tumour_ml=tumours)
    assert found.oil_ml == pytest.approx(sum(part.oil_ml for part in found.territories), rel=1e-9)
    assert found.aqueous_ml == pytest.approx(sum(part.aqueous_ml for part in found.territories), rel=1e-9)
    assert found.drug_mg == pytest.approx(sum(part.drug_mg for part in found.territories), rel=1e-9)
    for part in found.territories:
        assert part.emulsion_ml == pytest.approx(part.oil_ml + part.aqueous_ml, abs=1e-9)


@given(BILIRUBINS, BILIRUBINS, st.sampled_from(["us-label", "eu-smpc"]))
def test_more_bilirubin_never_leaves_more_drug(one: Any, other: Any, rule: str) -> None:
    low, high = sorted((one, other))
    shares = [
        bilirubin_reduction(drug="doxorubicin", bilirubin_mg_per_dl=value, rule=rule).remaining_frac
        for value in (low, high)
    ]
    assert shares[0] >= shares[1]
    assert set(shares) <= {1.0, 0.5, 0.25}


@pytest.mark.parametrize(
    ("bilirubin", "share"),
    [("1.19", 1.0), ("1.2", 0.5), ("3.0", 0.5), ("3.01", 0.25), ("3.1", 0.25), ("5.0", 0.25)],
)
def test_edges_of_the_label(bilirubin: str, share: float) -> None:
    """The gap between 3.0 and 3.1 has the lower dose; 50 % and 75 % are reductions, not what remains."""
    for rule in ("us-label", "eu-smpc"):
        found = bilirubin_reduction(drug="doxorubicin", bilirubin_mg_per_dl=bilirubin, rule=rule)
        assert share == found.remaining_frac


def test_a_salt_is_reduced_like_its_drug() -> None:
    found = emulsion(**{**MIXED, "drug": "Doxorubicin hydrochloride"}, bilirubin_mg_per_dl=4)
    assert (found.drug, found.drug_mg) == ("doxorubicin", 12.5)


# Droplets


@pytest.mark.parametrize(
    ("oil_ml", "droplet"),
    [
        (5, DropletType.OIL_IN_WATER),
        (10, DropletType.OIL_IN_WATER),
        (15, DropletType.UNDETERMINED),
    ],
)
def test_droplets_by_the_ratio(oil_ml: float, droplet: DropletType) -> None:
    """Measured at 1:1 (16 % water-in-oil) and at 2:1 (70 %); nothing is said between."""
    assert droplet == emulsion(**{**MIXED, "oil_ml": oil_ml}).droplet


def test_water_in_oil_from_two_to_one() -> None:
    found = emulsion(drug="doxorubicin", dose_mg="0.3", aqueous_ml="0.3", oil_ml="0.6")
    assert found.droplet == DropletType.WATER_IN_OIL
    assert "confirm against the package insert" in " ".join(found.sources)


# Limits and what is told


@pytest.mark.parametrize(("age", "most"), [(None, 15), (65, 15), (66, 10), (80, 10)])
def test_oil_up_to_the_label(age: float | None, most: float) -> None:
    assert most == emulsion(**{**MIXED, "oil_ml": most}, age_years=age).oil_limit_ml
    with pytest.raises(ModelRangeError, match=f"above the {most} mL of its label"):
        emulsion(**{**MIXED, "oil_ml": most + 0.1}, age_years=age)


def test_a_trials_arm_above_the_label_is_a_warning() -> None:
    assert "oil-above-label" in ids(emulsion(**{**MIXED, "oil_ml": 20}, protocol="retnet"))
    assert "oil-above-label" in ids(emulsion(**{**MIXED, "oil_ml": 11}, protocol="retnet", age_years=70))
    assert "oil-above-label" not in ids(emulsion(**{**MIXED, "oil_ml": 15}, protocol="retnet"))
    with pytest.raises(ModelRangeError, match="above the 15 mL"):
        emulsion(**{**MIXED, "oil_ml": 20.5}, protocol="retnet")


def test_an_arm_fills_in_what_it_states_in_one_number() -> None:
    found = emulsion(drug="doxorubicin", dose_mg=50, oil_ml=12, protocol="retnet")
    assert (found.aqueous_ml, found.aqueous_phase) == (10.0, "dilute contrast")
    assert found.particles_after is not None
    assert found.particles_after.size_um == (50.0, 500.0)


def test_leaving_an_arm_is_told() -> None:
    found = emulsion(drug="doxorubicin", dose_mg=40, oil_ml=8, protocol="retnet")
    assert {"outside-arm-dose", "outside-arm-oil"} <= ids(found)
    assert "outside-arm-drug" in ids(emulsion(drug="epirubicin", dose_mg=40, oil_ml=12, protocol="retnet"))


def test_a_cap_of_one_trial_is_a_warning() -> None:
    assert "above-trial-cap" not in ids(emulsion(drug="epirubicin", dose_mg=75, aqueous_ml=5, oil_ml=5))
    assert "above-trial-cap" in ids(emulsion(drug="epirubicin", dose_mg=76, aqueous_ml=5, oil_ml=5))


@pytest.mark.parametrize(
    ("drug", "per_m2", "finding"),
    [
        ("doxorubicin", 75, "above-published-dose"),
        ("epirubicin", 60, "above-arterial-label"),
        ("cisplatin", 65, "above-arterial-label"),
    ],
)
def test_doses_above_what_is_published_are_told(drug: str, per_m2: float, finding: str) -> None:
    asked: dict[str, Any] = {"drug": drug, "body_surface_m2": 1, "aqueous_ml": 10, "oil_ml": 10}
    assert finding not in ids(emulsion(**asked, dose_mg_per_m2=per_m2))
    assert finding in ids(emulsion(**asked, dose_mg_per_m2=per_m2 + 0.1))


def test_what_is_not_known_is_an_open_item() -> None:
    assert {"bilirubin-open"} <= ids(emulsion(**MIXED))
    assert {"age-open"} <= ids(emulsion(**{**MIXED, "oil_ml": 12}))
    assert {"no-published-dose"} <= ids(emulsion(drug="idarubicin", dose_mg=5, aqueous_ml=5, oil_ml=5))
    assert {"unverified-drug"} <= ids(emulsion(drug="streptozotocin", dose_mg=5, aqueous_ml=5, oil_ml=5))


def test_json_has_the_fields_of_the_command() -> None:
    found = emulsion(**MIXED).to_json()
    keys = {"technique", "oil_ml", "aqueous_ml", "oil_to_aqueous", "drug_mg", "emulsion_ml"}
    assert keys | {"emulsion_mg_per_ml", "steps", "findings", "sources"} <= set(found)
    assert json.loads(json.dumps(found)) == found


# Refusals


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dose_mg": -1}, "dose_mg is -1; expected a number above 0"),
        ({"dose_mg": 0}, "expected a number above 0"),
        ({"dose_mg": float("nan")}, "expected a plain number"),
        ({"dose_mg": None}, "found neither dose_mg nor dose_mg_per_m2"),
        ({"dose_mg_per_m2": 50}, "found both dose_mg and dose_mg_per_m2"),
        ({"dose_mg": None, "dose_mg_per_m2": 50}, "give body_surface_m2"),
        ({"oil_ml": -2}, "oil_ml is -2"),
        ({"oil_ml": None}, "the volume of oil is not known"),
        ({"aqueous_ml": None}, "the aqueous volume is not known"),
        ({"oil_to_aqueous": 3}, "leave one of them out"),
        ({"drug_concentration_mg_per_ml": 7}, "leave one of them out"),
        ({"bilirubin_mg_per_dl": "5.01"}, "the label says not to give doxorubicin above 5 mg/dL"),
        ({"bilirubin_mg_per_dl": 6, "reduction_rule": "eu-smpc"}, "not to give doxorubicin"),
        ({"child_pugh_class": "C"}, "Child-Pugh class is C"),
        ({"child_pugh_class": "D"}, "expected A, B or C"),
        ({"reduction_rule": "mine"}, "expected one of us-label, eu-smpc"),
        ({"territory_tumour_ml": {"right": 0}}, "no tumour volume"),
        ({"aqueous_phase": "phosphate-buffered saline"}, "holds phosphate, not allowed with doxorubicin"),
        ({"drug": "oxaliplatin", "aqueous_phase": "0.9% sodium chloride"}, "chloride-containing diluent"),
        ({"drug": "oxaliplatin", "aqueous_phase": "normal saline"}, "chloride-containing diluent"),
        ({"mixed_with": "DC Bead 100-300"}, "drug-eluting beads with iodised oil"),
        ({"particles_after": "CalliSpheres"}, "drug-eluting beads with iodised oil"),
        ({"particles_after": "QuadraSphere"}, "drug-eluting beads with iodised oil"),
        ({"protocol": "deboxa"}, "no arm with the technique ctace"),
        ({"protocol": "retnet", "particles_after_um": (40, 120)}, "outside the 50-500 µm of retnet"),
        ({"drug": "miriplatin"}, "leave out oil, aqueous phase and ratio"),
        ({"drug": "doxorubcin"}, "nearest: doxorubicin"),
        ({"drug": " "}, "expected the name of a drug"),
    ],
)
def test_refusals_say_what_to_do(change: dict[str, Any], words: str) -> None:
    with pytest.raises(EmboplanError, match=words) as caught:
        emulsion(**{**MIXED, **change})
    assert isinstance(caught.value, InputError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: arterial_dose(drug="doxorubicin", body_surface_m2=1.8), "no label dose of doxorubicin"),
        (lambda: arterial_dose(drug="cisplatin", body_surface_m2=0), "body_surface_m2 is 0"),
        (
            lambda: arterial_dose(drug="cisplatin", body_surface_m2=1.8, dose_mg_per_m2=66),
            "above the 65 mg/m2 of its label",
        ),
        (lambda: oil_suspension(drug="cisplatin", dose_mg=50), "no oil vehicle"),
        (lambda: oil_suspension(drug="miriplatin", dose_mg=301), "above the 15 mL of its label"),
        (lambda: bilirubin_reduction(drug="epirubicin", bilirubin_mg_per_dl=2), "only doxorubicin has one"),
        (lambda: bilirubin_reduction(drug="doxorubicin", bilirubin_mg_per_dl=-1), "expected 0 or more"),
    ],
)
def test_refusals_of_the_neighbours(call: Any, words: str) -> None:
    with pytest.raises(ModelRangeError, match=words):
        call()


@pytest.mark.parametrize("name", ["dose.doxorubicin.bands_mg_per_m2", "oil.us_total"])
def test_unverified_numbers_are_no_default(name: str) -> None:
    with pytest.raises(CatalogError, match="no verified value"):
        tace_numbers(load()).sourced(name)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"particles_after_um": (float("nan"), 100)}, "expected a plain number"),
        ({"particles_after_um": (500, 100)}, "particles_after_um is 500 to 100; expected the smaller first"),
        ({"aqueous_phase": " "}, "aqueous_phase is ' '; expected the name of a fluid"),
    ],
)
def test_a_slip_in_an_emulsion_is_one_clear_line(wish: dict[str, Any], said: str) -> None:
    with pytest.raises(EmboplanError) as caught:
        emulsion(drug="doxorubicin", dose_mg=50, oil_ml=10, aqueous_ml=10, **wish)
    assert said in str(caught.value)
