"""What is said beside the amounts: what a figure was measured on, loads that nobody published, own names."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from emboplan.catalog import load
from emboplan.embolics.ledger import shown
from emboplan.errors import InputError, ModelRangeError
from emboplan.model.products import Status
from emboplan.model.results.loading import Loading
from emboplan.workflow.load import load_beads

DOX: dict[str, Any] = {"product": "DC Bead", "drug": "doxorubicin", "dose_mg": 75}
OX: dict[str, Any] = {
    "product": "CalliSpheres",
    "drug": "oxaliplatin",
    "dose_mg": 100,
    "loading_efficiency": 0.8,
}
AT = datetime(2026, 11, 30, 9, 0, tzinfo=ZoneInfo("Europe/Rome"))


def ids(found: Loading) -> set[str]:
    return {finding.id for finding in found.findings}


def text(found: Loading, key: str) -> str:
    return next(finding.text for finding in found.findings if finding.id == key)


@pytest.mark.parametrize("product", ["DC Bead", "LC Bead", "LUMI", "LC Bead LUMI"])
def test_the_shipping_liquid_is_removed(product: str) -> None:
    """Beads of this kind are shipped in buffered saline, in which doxorubicin precipitates."""
    found = load_beads(
        product=product, drug="doxorubicin", dose_mg=50, vial_ml=2, vials=1, loading_efficiency=0.9
    )
    assert "remove the liquid above them" in found.steps[1]
    assert "phosphate-buffered saline" in found.steps[1]


@pytest.mark.parametrize("product", ["CalliSpheres", "LifePearl", "Oncozene"])
def test_a_liquid_that_no_source_names_is_open(product: str) -> None:
    found = load_beads(
        product=product, drug="doxorubicin", dose_mg=40, beads_ml=2, loading_efficiency=0.9, sizes=None
    )
    assert "open-shipping-liquid" in ids(found)
    assert "____" in found.steps[1]


@pytest.mark.parametrize(
    ("product", "drug", "tested", "other"),
    [
        ("DC Bead", "doxorubicin", "100-300", "500-700"),
        ("LifePearl", "irinotecan", "200", "100"),
        ("Embozene TANDEM", "idarubicin", "100", "40"),
        ("HepaSphere", "doxorubicin", "30-60", "150-200"),
    ],
)
def test_the_size_that_a_figure_was_measured_on(product: str, drug: str, tested: str, other: str) -> None:
    """In-vitro table of four products: each has the size that stands beside it."""
    wish: dict[str, Any] = {"product": product, "drug": drug, "dose_mg": 10, "vials": 1, "beads_ml": 2}
    assert "measured-on-other-size" not in ids(load_beads(**wish, sizes=tested))
    said = text(load_beads(**wish, sizes=other), "measured-on-other-size")
    assert f"measured on {tested} um: the loaded share" in said
    assert said.endswith(f"loaded are {other} um")


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({**OX, "beads_ml": 0.02}, "5000 mg per mL beads is your own"),
        (OX, "100 mg on beads of unknown volume is your own"),
        (
            {"product": "Oncozene 40", "drug": "irinotecan", "dose_mg": 100, "beads_ml": 0.1},
            "1000 mg per mL beads",
        ),
        (
            {"product": "CalliSpheres", "drug": "irinotecan", "dose_mg": 100, "beads_ml": 0.1},
            "1000 mg per mL beads",
        ),
    ],
)
def test_a_load_that_no_source_has_is_acknowledged(wish: dict[str, Any], said: str) -> None:
    found = load_beads(**wish)
    assert "own-load" in found.to_acknowledge
    assert said in text(found, "own-load")


def test_a_published_load_is_not_the_users_own() -> None:
    assert "own-load" not in load_beads(**DOX).to_acknowledge


@pytest.mark.parametrize(
    ("product", "drug"),
    [("LifePearl", "doxorubicin"), ("LifePearl", "irinotecan"), ("Embozene TANDEM", "irinotecan")],
)
def test_what_a_laboratory_saw_is_no_expiry(product: str, drug: str) -> None:
    """Two weeks without change in vitro: printed as that, with no moment to use the beads before."""
    found = load_beads(product=product, drug=drug, dose_mg=75, beads_ml=2, loaded_at=AT)
    (row,) = found.storage
    assert (row.hours, row.use_before, row.chosen) == (336, None, False)
    assert row.conditions.endswith("in vitro, not a label")
    assert {"open-storage"} <= ids(found)
    assert found.use_before is None


def test_not_at_all_has_no_moment() -> None:
    """HepaSphere is never stored after contrast."""
    found = load_beads(product="HepaSphere", drug="doxorubicin", dose_mg=75, loaded_at=AT)
    assert [row.use_before for row in found.storage if row.state == "with contrast"] == [None]


def test_notes_and_marks_travel_with_the_figures() -> None:
    figures = {
        f.name.partition(".")[2]: f
        for f in load_beads(product="LifePearl 100", drug="doxorubicin", dose_mg=75, beads_ml=2).figures
    }
    assert figures["lifepearl.sizes.100"].status is Status.TO_CONFIRM
    assert shown(figures["lifepearl.sizes.100"]) == "100 um"
    assert figures["lifepearl.drugs.doxorubicin.loaded_at_least"].note == "in vitro, not a label"
    assert figures["lifepearl.drugs.doxorubicin.size_change"].note == "in vitro, not a label"
    trial = load_beads(product="TANDEM 100", drug="doxorubicin", dose_mg=151, beads_ml=3)
    assert "The record names no brand." in {figure.note for figure in trial.figures}


def test_laboratory_figures_say_so() -> None:
    """The table of four products is reference data, not a label."""
    laboratory = {"EMB-B1", "EMB-B3", "EMB-B5"}
    for entry in load().entries():
        own = entry.name.startswith("beads.") and ".drugs." in entry.name and "measured_on" not in entry.name
        if own and entry.source and set(entry.source) <= laboratory and entry.status is Status.CONFIRMED:
            assert entry.note.startswith("in vitro"), entry.name


def test_a_product_keeps_the_name_that_was_ordered() -> None:
    """QuadraSphere has its own vial (25 mg) and its own indication; what it shares is to be confirmed."""
    found = load_beads(product="QuadraSphere 30-60", drug="doxorubicin", dose_mg=75)
    assert found.steps[0].startswith("Take 1 vial of QuadraSphere (25 mg dry beads in each)")
    assert "hypervascular" in text(found, "product-indication")
    shared = {f.name: f.status for f in found.figures if f.name.startswith("beads.hepasphere")}
    assert set(shared.values()) == {Status.TO_CONFIRM}


def test_several_vials_divide_the_solution() -> None:
    """150 mg in 6 mL over two vials: 3 mL with 75 mg into each."""
    found = load_beads(**{**DOX, "dose_mg": 150}, solution_ml=6, sizes=["100-300", "300-500"])
    assert any("2 equal parts, 3 mL (75 mg) for each vial of beads" in step for step in found.steps)
    hepa = load_beads(product="HepaSphere", drug="doxorubicin", dose_mg=150)
    assert any("Put 10 mL of a part into each vial" in step for step in hepa.steps)


def test_smaller_vials_count_by_their_beads() -> None:
    """LC Bead of 1 mL: four of them are the 4 mL of two vials of 2 mL; a fifth is too much."""
    wish: dict[str, Any] = {"product": "LC Bead", "drug": "doxorubicin", "vial_ml": 1}
    assert load_beads(**wish, dose_mg=150).vials == 4
    with pytest.raises(
        ModelRangeError, match="5 vials of 1 mL exceeds 150 mg and 2 vials of 2 mL per session"
    ):
        load_beads(**wish, dose_mg=150, vials=5)


@pytest.mark.parametrize(
    ("contrast", "asks"), [(10, ()), (20, ()), (9.9, ("contrast-below-published",)), (25, ())]
)
def test_contrast_of_ones_own(contrast: float, asks: tuple[str, ...]) -> None:
    """2 mL of beads take 10 to 20 mL."""
    found = load_beads(**DOX, contrast_ml=contrast)
    assert found.to_acknowledge == asks
    assert ("contrast-above-published" in ids(found)) is (contrast > 20)


@pytest.mark.parametrize("drug", ["irinotecan", "epirubicin"])
def test_phosphate_is_asked_about(drug: str) -> None:
    """It slows epirubicin, and is removed before any loading of these beads."""
    found = load_beads(
        product="DC Bead", drug=drug, dose_mg=50, diluent="phosphate-buffered saline", loading_efficiency=0.9
    )
    assert "phosphate-diluent" in found.to_acknowledge


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"vials": float("nan")}, "vials is nan; expected a plain number"),
        ({"vials": float("inf")}, "vials is inf; expected a plain number"),
        ({"drug": None}, "drug is None; expected the name of a drug"),
        ({"product": " "}, "product is ' '; expected the name of a product"),
        ({"size_change_frac": 5}, "size_change_frac is 5; expected a fraction above -1 and at most 1"),
        ({"vial_ml": 100}, "vial_ml is 100; a vial of DC Bead holds 2 mL beads"),
        ({"diluent": ""}, "diluent is ''; expected the name of a fluid"),
    ],
)
def test_a_slip_is_one_clear_line(wish: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        load_beads(**{**DOX, **wish})
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_beads_mixed_with_another_drug_are_asked_about() -> None:
    assert "mixed-with-drug" in load_beads(**DOX, mixed_with="cisplatin 10 mg").to_acknowledge
    assert "mixed-with-drug" not in load_beads(**DOX, mixed_with="iohexol").to_acknowledge


@pytest.mark.parametrize(
    ("dose", "solution", "said", "asked"),
    [
        (50, 8, "Put all of it into the beads, wait 10 min.", True),
        (50, 10, "Put all of it into the beads, wait 10 min.", False),
        (50, 20, "Put 10 mL of it into the beads, wait 10 min, then combine with the rest.", False),
        (100, 15, "Put all of a part into each vial, wait 10 min.", True),
        (100, 40, "Put 10 mL of a part into each vial, wait 10 min, then combine each vial", False),
    ],
)
def test_no_step_takes_more_solution_than_there_is(
    dose: float, solution: float, said: str, asked: bool
) -> None:
    """EMB-A10: 10 mL into each vial of dry beads, then the rest; 100 mg are two vials."""
    found = load_beads(product="HepaSphere 30-60", drug="doxorubicin", dose_mg=dose, solution_ml=solution)
    (step,) = [step for step in found.steps if "Put" in step]
    assert said in step
    assert ("solution-below-first-fill" in found.to_acknowledge) is asked


@pytest.mark.parametrize(("dose", "warned"), [(75, True), (150, False)])
def test_a_vial_holds_one_size(dose: float, warned: bool) -> None:
    """75 mg are one vial of 2 mL, 150 mg two."""
    found = load_beads(**{**DOX, "dose_mg": dose, "sizes": ["100-300", "300-500"]})
    assert ("fewer-vials-than-sizes" in ids(found)) is warned
