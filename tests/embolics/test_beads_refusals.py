"""What a loading refuses, each with one clear sentence."""

from pathlib import Path
from typing import Any

import pytest

from emboplan import catalog
from emboplan.errors import CatalogError, InputError, ModelRangeError
from emboplan.workflow.load import load_beads

DOX: dict[str, Any] = {"product": "DC Bead", "drug": "doxorubicin", "dose_mg": 75}
OX: dict[str, Any] = {
    "product": "CalliSpheres",
    "drug": "oxaliplatin",
    "dose_mg": 100,
    "loading_efficiency": 0.8,
}


def refusal(kind: type[InputError], **wish: Any) -> str:
    with pytest.raises(kind) as caught:
        load_beads(**wish)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize(
    "diluent", ["0.9 % sodium chloride", "saline", "NaCl 0.9 %", "PBS", "Ringer's lactate", "normal saline"]
)
def test_oxaliplatin_in_chloride(diluent: str) -> None:
    message = refusal(InputError, **OX, diluent=diluent)
    assert "chloride-containing diluent" in message
    assert "use water for injection or 5 % dextrose" in message


def test_oxaliplatin_in_an_unknown_fluid_is_acknowledged() -> None:
    found = load_beads(**OX, diluent="mixture 7")
    assert "diluent-unknown" in found.to_acknowledge
    assert "diluent-unknown" not in load_beads(**OX, diluent="5 % dextrose").to_acknowledge


@pytest.mark.parametrize("dose", ["1e400", "1e-400", "nan", "inf", "-75", "0", "75 mg", ""])
def test_a_dose_that_is_no_amount(dose: str) -> None:
    """Beyond what a float holds, not a number, not above 0, or with its unit where the name has it."""
    assert refusal(ModelRangeError, **{**DOX, "dose_mg": dose}).startswith("dose_mg is ")


def test_doxorubicin_in_phosphate() -> None:
    assert "phosphate" in refusal(InputError, **DOX, diluent="phosphate-buffered saline")


def test_hepasphere_in_water_is_acknowledged() -> None:
    """It is swollen with doxorubicin made up in saline; its size depends on the salt."""
    found = load_beads(product="HepaSphere", drug="doxorubicin", dose_mg=75, diluent="water for injection")
    assert "diluent-differs" in found.to_acknowledge


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"dose_mg": 225}, "225 mg in 3 vials exceeds 150 mg and 2 vials per session"),
        ({"dose_mg": 150.1, "beads_ml": 6}, "150.1 mg in 3 vials exceeds 150 mg and 2 vials per session"),
        ({"dose_mg": 100, "vials": 3}, "100 mg in 3 vials exceeds 150 mg and 2 vials"),
        ({"dose_mg": 80, "vials": 1}, "80 mg in each vial of beads is over the capacity of 75 mg per vial"),
        ({"dose_mg": 76, "beads_ml": 2.0, "vials": 2}, "38 mg per mL beads is over capacity"),
        ({"beads_ml": 5, "vials": 2}, "do not come out of 2 vials of 2 mL; take 3 vials"),
    ],
)
def test_over_a_limit(wish: dict[str, Any], said: str) -> None:
    assert said in refusal(ModelRangeError, **{**DOX, **wish})


def test_at_a_limit_is_no_refusal() -> None:
    assert load_beads(**{**DOX, "dose_mg": 150}).vials == 2


def test_capacity_in_vitro_is_no_dose() -> None:
    """LUMI binds 204.54 mg/mL in vitro: it counts no vials, and above it nothing is loaded."""
    wish: dict[str, Any] = {"product": "LUMI", "drug": "doxorubicin", "loading_efficiency": 0.98}
    assert "no verified value" in refusal(CatalogError, **wish, dose_mg=409.08)
    assert "which is no dose" in refusal(ModelRangeError, **wish, dose_mg=409.1, vials=1)
    assert "own-load" in load_beads(**wish, dose_mg=75, vials=1).to_acknowledge


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"product": "DC Bed"}, 'no bead product "DC Bed" in the catalogue; nearest: DC Bead'),
        ({"product": "CaliSpheres"}, "nearest: CalliSpheres"),
        ({"drug": "doxorubicine"}, 'no drug "doxorubicine" in the catalogue; nearest: doxorubicin'),
        ({"drug": "oxaliplatin"}, "no loading of DC Bead with oxaliplatin"),
        ({"drug": "oxaliplatin"}, "beads listed with oxaliplatin: HepaSphere, CalliSpheres"),
        ({"drug": "cisplatin"}, "DC Bead is listed with doxorubicin, irinotecan, epirubicin, idarubicin"),
    ],
)
def test_an_unknown_pair(wish: dict[str, Any], said: str) -> None:
    assert said in refusal(CatalogError, **{**DOX, **wish})


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"dose_mg": -75}, "dose_mg is -75; expected a number above 0"),
        ({"dose_mg": 0}, "dose_mg is 0; expected a number above 0"),
        ({"dose_mg": float("nan")}, "expected a plain number"),
        ({"beads_ml": 0}, "beads_ml is 0"),
        ({"vials": 1.5}, "vials is 1.5; expected a whole number"),
        ({"vials": 0}, "vials is 0; expected a whole number"),
        ({"loading_efficiency": 85}, "expected a fraction above 0 and at most 1 (85 % is 0.85)"),
        ({"loading_efficiency": 0}, "expected a fraction above 0"),
        ({"catheter_inner_um": -1}, "catheter_inner_um is -1"),
        ({"solution_ml": 3, "solution_mg_per_ml": 20}, "75 mg in 3 mL are 25 mg/mL"),
        ({"territories": {"a": 0.5, "b": 0.4}}, "the shares of the territories make 0.9; expected 1"),
        ({"size_change_frac": -1}, "expected a fraction above -1"),
    ],
)
def test_a_number_out_of_range(wish: dict[str, Any], said: str) -> None:
    assert said in refusal(ModelRangeError, **{**DOX, **wish})


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"sizes": "200-400"}, 'DC Bead has no size "200-400" um; it has 100-300, 300-500'),
        ({"product": "DC Bead 100-300", "sizes": "300-500"}, "name says 100-300 um and sizes says 300-500"),
        ({"method": "stirring"}, "DC Bead + doxorubicin has no way of loading"),
        ({"acknowledged": ["everything"]}, '"everything" is nothing to acknowledge here'),
        ({"mixed_with": "Lipiodol"}, '"DC Bead" with iodised oil'),
        ({"protocol": "retnet", "arm": "deb"}, "is closed: the registry record marks it CLOSED"),
        ({"protocol": "retnet", "arm": "tace"}, "is ctace, not deb-tace"),
        ({"protocol": "retnet"}, "CLOSED is closed: the registry record marks it CLOSED"),
        ({"protocol": "captem-y90"}, "has no arm with the technique deb-tace"),
        ({"arm": "deb"}, "give the protocol too"),
    ],
)
def test_what_does_not_go(wish: dict[str, Any], said: str) -> None:
    assert said in refusal(InputError, **{**DOX, **wish})


def test_an_open_arm_goes_on() -> None:
    assert load_beads(**OX, protocol="deboxa").loaded_mg == 80


def test_a_bead_larger_than_the_catheter() -> None:
    """300-500 um shrink to 400 um at most: 400 um pass, 399 um do not; unloaded ones would not."""
    wish: dict[str, Any] = {**DOX, "sizes": "300-500"}
    message = refusal(ModelRangeError, **wish, catheter_inner_um=399)
    assert "is 400 um, larger than the catheter's inner diameter of 399 um" in message
    found = load_beads(**wish, catheter_inner_um=400)
    assert "catheter-unloaded" in {f.id for f in found.findings}
    assert found.catheter is not None
    assert found.catheter.largest_um == 400


def test_swollen_beads_are_compared_swollen() -> None:
    """HepaSphere 150-200 dry is 600-800 um in liquid: 533 um is too narrow."""
    wish: dict[str, Any] = {"product": "HepaSphere 150-200", "drug": "doxorubicin", "dose_mg": 75}
    assert "is 800 um" in refusal(ModelRangeError, **wish, catheter_inner_um=533.4)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({**OX, "loading_efficiency": None}, "no published efficiency found"),
        ({"product": "DC BeadM1", "drug": "irinotecan", "dose_mg": 100}, "you must enter one"),
        (
            {"product": "DC BeadM1", "drug": "doxorubicin", "dose_mg": 75, "loading_efficiency": 0.99},
            "beads_ml",
        ),
        ({"product": "LifePearl 400", "drug": "doxorubicin", "dose_mg": 75}, "no verified source"),
        ({"product": "LifePearl", "drug": "irinotecan", "dose_mg": 100}, "no verified value"),
        ({"product": "HepaSphere", "drug": "oxaliplatin", "dose_mg": 100, "loading_efficiency": 0.5}, "load"),
        ({"product": "CalliSpheres", "drug": "irinotecan", "dose_mg": 120}, "no published efficiency found"),
    ],
)
def test_an_unverified_number_is_never_a_default(wish: dict[str, Any], said: str) -> None:
    assert said in refusal(CatalogError, **wish)


def test_a_vial_that_is_not_said() -> None:
    message = refusal(ModelRangeError, product="LC Bead", drug="doxorubicin", dose_mg=37.5)
    assert "a vial holds 1 or 2 mL beads; say which" in message


def test_unverified_volumes_stay_open() -> None:
    """The 25 mg/mL of doxorubicin have no source: no volume is printed, a blank is."""
    found = load_beads(**DOX)
    assert (found.solution_ml, found.solution_mg_per_ml) == (None, None)
    assert "open-solution" in {item.id for item in found.open_items}
    assert any("____ mL (____ mg/mL)" in step for step in found.steps)


SITE = """
[sources]
OURS = "Pharmacy handbook of the department"
[beads.callispheres.vial.beads]
value = 1
unit = "mL"
source = ["OURS"]
place = "page 3"
status = "confirmed"
[beads.callispheres.drugs.oxaliplatin.loaded]
value = 0.7
unit = "1"
source = ["OURS"]
place = "page 4"
status = "confirmed"
"""


def test_a_site_catalogue_gives_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(SITE, encoding="utf-8")
    wish: dict[str, Any] = {key: value for key, value in OX.items() if key != "loading_efficiency"}
    found = load_beads(**wish, vials=2, catalog=catalog.load(path))
    assert (found.loaded_mg, found.supernatant_mg, found.drug_mg_per_ml_beads) == (70.0, 30.0, 50.0)
    assert "OURS: Pharmacy handbook of the department" in found.sources


def test_a_site_value_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(SITE.replace('unit = "mL"', 'unit = "mg"'), encoding="utf-8")
    message = refusal(CatalogError, **OX, vials=2, catalog=catalog.load(path))
    assert 'beads.callispheres.vial.beads is in "mg"; expected a value in "mL"' in message
