"""Tables of beads, drugs and embolics: spot checks against the printed sources, and what they may not do."""

import pytest

from emboplan import catalog
from emboplan.catalog.embolics import (
    bead_names,
    drug_names,
    embolic_names,
    find_bead,
    find_drug,
    find_embolic,
    load_recipe,
)
from emboplan.embolics.catheter import particle_catheter
from emboplan.errors import CatalogError, InputError
from emboplan.model.embolics import quantities, quantity
from emboplan.model.products import Sourced, Status

# First, last and odd rows of each table, as the sources print them.
PRINTED = {
    "beads.dc-bead.sizes.100-300": ((100.0, 300.0), "um", "confirmed"),
    "beads.dc-bead.drugs.doxorubicin.load": (37.5, "mg/mL", "confirmed"),
    "beads.dc-bead.drugs.doxorubicin.session_dose": (150.0, "mg", "confirmed"),
    "beads.dc-bead.drugs.doxorubicin.solution": (25.0, "mg/mL", "unverified"),
    "beads.dc-bead.drugs.irinotecan.loaded": (0.96, "1", "confirmed"),
    "beads.dc-bead.drugs.epirubicin.methods.vibration-60-s.loaded": (0.995, "1", "confirmed"),
    "beads.dc-bead.drugs.epirubicin.session_dose_used": ((25.0, 100.0), "mg", "to-confirm"),
    "beads.dc-bead.drugs.idarubicin.size_change": (0.09, "1", "confirmed"),
    "beads.lc-bead.sizes.900-1200": ((900.0, 1200.0), "um", "confirmed"),
    "beads.dc-beadm1.drugs.doxorubicin.load": (37.5, "mg/mL", "unverified"),
    "beads.dc-beadm1.drugs.irinotecan.trial_cap": (100.0, "mg", "confirmed"),
    "beads.dc-bead-lumi.drugs.doxorubicin.capacity_in_vitro": (204.54, "mg/mL", "confirmed"),
    "beads.hepasphere.contrast.at_least": (20.0, "mL", "confirmed"),
    "beads.hepasphere.drugs.doxorubicin.diameters.30-60": ((145.0, 213.0), "um", "confirmed"),
    "beads.hepasphere.drugs.doxorubicin.storage.without_contrast": (24.0, "h", "confirmed"),
    "beads.tandem.drugs.doxorubicin.trial_load": (50.0, "mg/mL", "confirmed"),
    "beads.lifepearl.sizes.100": ((100.0, 100.0), "um", "to-confirm"),
    "beads.lifepearl.drugs.doxorubicin.size_change": (-0.24, "1", "confirmed"),
    "beads.callispheres.vial.beads": ("no figure", "text", "unverified"),
    "beads.callispheres.drugs.oxaliplatin.loaded": ("no figure", "text", "unverified"),
    "drugs.oxaliplatin.vials": ((50.0, 100.0), "mg", "confirmed"),
    "drugs.doxorubicin.reconstitution.strength": (25.0, "mg/mL", "unverified"),
    "embolics.embosphere.vial.total": (5.0, "mL", "confirmed"),
    "embolics.bearing.catheter.500-710": (0.024, "in", "confirmed"),
    "embolics.hydropearl.sizes.1100": ((1025.0, 1175.0), "um", "confirmed"),
    "embolics.contour.sizes.any": ("no figure", "text", "unverified"),
}


@pytest.mark.parametrize("name", PRINTED)
def test_spot_check(name: str) -> None:
    entry = catalog.load().entry(name)
    assert PRINTED[name] == (entry.value, entry.unit, entry.status)


def test_all_products_and_drugs_are_there() -> None:
    tables = catalog.load()
    assert set(bead_names(tables)) == {
        *(
            "dc-bead",
            "lc-bead",
            "dc-beadm1",
            "dc-bead-lumi",
            "hepasphere",
            "tandem",
            "lifepearl",
            "callispheres",
            "quadrasphere",
            "oncozene",
            "lc-bead-lumi",
        ),
    }
    assert set(drug_names(tables)) == {
        *("doxorubicin", "irinotecan", "epirubicin", "idarubicin"),
        *("oxaliplatin", "cisplatin", "miriplatin", "mitomycin", "gemcitabine"),
    }
    assert {
        "embosphere",
        "embozene",
        "bead-block",
        "contour",
        "bearing",
        "gelatin-sponge",
        "lipiodol",
    } <= set(embolic_names(tables))


def test_what_rests_on_secondary_pages_is_to_be_confirmed() -> None:
    """A statement whose only source is a secondary page is never confirmed."""
    for entry in catalog.load().entries():
        if entry.source and all(key.startswith("EMB-C") for key in entry.source):
            assert entry.status is not Status.CONFIRMED, entry.name


def test_recommended_load_and_capacity_are_different_facts() -> None:
    tables = catalog.load()
    product, _ = find_bead(tables, "LUMI")
    facts = load_recipe(tables, product, find_drug(tables, "doxorubicin")).facts
    assert "load" in facts.unverified
    assert quantity(facts.verified["capacity_in_vitro"], "mg/mL") == 204.54


def test_conflicting_figures_are_both_kept() -> None:
    """24 h and 15 d of HepaSphere; 1 h and 2 h of DC Bead."""
    tables = catalog.load()
    hepa, _ = find_bead(tables, "HepaSphere")
    facts = load_recipe(tables, hepa, find_drug(tables, "doxorubicin")).facts
    others = [quantity(entry, "d") for entry in facts.others("storage.without_contrast")]
    assert (quantity(facts.verified["storage.without_contrast"], "d"), others) == (1.0, [15.0])


@pytest.mark.parametrize(
    ("name", "product", "size"),
    [
        ("Bearing 500-710", "Bearing nsPVA", "500-710"),
        ("gelfoam", "gelatin sponge", None),
        ("Contour PVA", "Contour", None),
    ],
)
def test_embolics_are_found_by_name(name: str, product: str, size: str | None) -> None:
    embolic, found = find_embolic(catalog.load(), name)
    assert (product, size) == (embolic.name, found)


def test_a_table_is_asked_by_its_name() -> None:
    with pytest.raises(CatalogError, match='no embolic "Embosfere" in the catalogue; nearest: Embosphere'):
        find_embolic(catalog.load(), "Embosfere")
    with pytest.raises(CatalogError, match="no table 'spheres'"):
        catalog.load().group_table("spheres")


@pytest.mark.parametrize(
    ("size", "inner_um", "fits"), [("500-710", 609.6, True), ("500-710", 609.5, False), ("45-150", 150, True)]
)
def test_particles_and_catheters(size: str, inner_um: float, fits: bool) -> None:
    """0.024 in are 609.6 um; without a figure on the label the largest particle counts."""
    embolic, _ = find_embolic(catalog.load(), "Bearing")
    assert particle_catheter(embolic, size, inner_um).compatible is fits


def test_a_size_that_particles_do_not_have() -> None:
    embolic, _ = find_embolic(catalog.load(), "Bearing")
    with pytest.raises(InputError, match="Bearing nsPVA has no size 100-300; sizes in um: 45-150"):
        particle_catheter(embolic, "100-300", 500)


def entry(value: float | tuple[float, ...], unit: str) -> Sourced:
    return Sourced("x", value, unit, ("PROJECT",), "here", Status.CONFIRMED)


def test_units_are_converted_or_refused() -> None:
    assert [quantity(entry(2.0, "d"), unit) for unit in ("h", "min", "s")] == [48, 2880, 172800]
    assert quantity(entry(20.0, "s"), "min") == pytest.approx(1 / 3)
    assert quantities(entry((0.02, 0.024), "in"), "um") == pytest.approx((508, 609.6))
    for unit in ("mL", "h", "mg/mL"):
        with pytest.raises(CatalogError, match=f'x is in "mg"; expected a value in "{unit}"'):
            quantity(entry(1.0, "mg"), unit)
