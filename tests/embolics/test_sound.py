"""Figures of a site: each slip of a sign, a digit or an order is refused by name, and ours are sound."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan import catalog
from emboplan.catalog.load import Catalog
from emboplan.embolics.emulsions.emulsion import emulsion
from emboplan.embolics.particles import particles
from emboplan.embolics.sound import require_sound, unsound
from emboplan.errors import CatalogError, InputError
from emboplan.model.products import Sourced, Status
from emboplan.workflow.load import load_beads

ENTRY = (
    '[{name}]\nvalue = {value}\nunit = "{unit}"\nsource = ["SITE"]\nplace = "sheet 4"\nstatus = "confirmed"\n'
)
OXALIPLATIN = "beads.callispheres.drugs.oxaliplatin"
DOXORUBICIN = "beads.dc-bead.drugs.doxorubicin"


def site(folder: Path, name: str, value: str, unit: str) -> Catalog:
    path = folder / "site.toml"
    entry = ENTRY.format(name=name, value=value, unit=unit)
    path.write_text(f'[sources]\nSITE = "Pharmacy sheet"\n{entry}', encoding="utf-8")
    return catalog.load(path)


def test_our_own_figures_are_sound() -> None:
    book = catalog.load()
    entries = [e for room in ("beads", "drugs", "embolics", "tace") for e in book.room(room).values()]
    assert [(entry.name, said) for entry in entries if (said := unsound(entry)) is not None] == []
    require_sound(book)


@pytest.mark.parametrize(
    ("name", "value", "unit", "said"),
    [
        (f"{OXALIPLATIN}.loaded", "1.6", "1", "is 1.6; expected a fraction of at most 1 (85 % is 0.85)"),
        (f"{OXALIPLATIN}.loaded", "-0.6", "1", "is -0.6; expected a number above 0"),
        (f"{OXALIPLATIN}.loaded", "0", "1", "is 0; expected a number above 0"),
        (f"{OXALIPLATIN}.loading_time", "-30", "min", "is -30 min; expected a number above 0"),
        (f"{DOXORUBICIN}.load", "0", "mg/mL", "is 0 mg/mL; expected a number above 0"),
        (f"{DOXORUBICIN}.size_change", "-1.5", "1", "expected a fraction above -1 and at most 1"),
        (f"{DOXORUBICIN}.storage.without_contrast", "-1", "d", "is -1 d; expected 0 or more"),
        ("beads.dc-bead.vial.beads", "-2", "mL", "is -2 mL; expected a number above 0"),
        ("beads.dc-bead.session.vials", "2.5", "1", "is 2.5; expected a whole number"),
        ("beads.dc-bead.sizes.100-300", "[300, 100]", "um", "is 300, 100 um; expected the smaller number"),
        ("beads.dc-bead.sizes.100-300", "[100, 200, 300]", "um", "expected one number, or the smaller and"),
        ("tace.reduction.us_label.edges_mg_per_dl", "[3, 1.2, 5]", "mg/dL", "expected the smaller number"),
        (
            "tace.reduction.us_label.remaining",
            "[1, 0.25, 0.5]",
            "1",
            "expected shares that fall as bilirubin",
        ),
        ("tace.oil.label_limit", "-15", "mL", "is -15 mL; expected a number above 0"),
        ("embolics.bearing.catheter.500-710", "0", "in", "is 0 in; expected a number above 0"),
    ],
)
def test_a_slip_in_a_site_figure_is_refused_by_name(
    tmp_path: Path, name: str, value: str, unit: str, said: str
) -> None:
    book = site(tmp_path, name, value, unit)
    for made in (
        lambda: load_beads(product="DC Bead", drug="doxorubicin", dose_mg=75, catalog=book),
        lambda: emulsion(drug="doxorubicin", dose_mg=50, oil_ml=10, aqueous_ml=10, catalog=book),
        lambda: particles(product="Bearing", target_um=(100, 500), catalog=book),
    ):
        with pytest.raises(CatalogError) as caught:
            made()
        assert f"{name} {said}" in str(caught.value) or (
            name in str(caught.value) and said in str(caught.value)
        )
        assert str(caught.value).startswith("site file: ")
        assert "mend the site catalogue" in str(caught.value)


def test_a_site_may_fill_every_gap_of_a_pair(tmp_path: Path) -> None:
    """Oxaliplatin on CalliSpheres: 100 mg at 5 mg/mL are 20 mL, of which 35 % is bound, in 30 min."""
    path = tmp_path / "site.toml"
    facts = (("solution", "5", "mg/mL"), ("loaded", "0.35", "1"), ("loading_time", "30", "min"))
    texts = [ENTRY.format(name=f"{OXALIPLATIN}.{name}", value=v, unit=u) for name, v, u in facts]
    texts.append(ENTRY.format(name=f"{OXALIPLATIN}.diluent", value='"5 % dextrose"', unit="text"))
    texts.append(ENTRY.format(name=f"{OXALIPLATIN}.storage.without_contrast", value="6", unit="h"))
    path.write_text('[sources]\nSITE = "Pharmacy sheet"\n' + "".join(texts), encoding="utf-8")
    found = load_beads(
        product="CalliSpheres 100-300", drug="oxaliplatin", dose_mg=100, catalog=catalog.load(path)
    )
    assert (found.solution_ml, found.loading_min, found.diluent) == (20.0, 30.0, "5 % dextrose")
    assert (found.loaded_mg, found.supernatant_mg) == (35.0, 65.0)
    assert [(row.state, row.hours) for row in found.storage] == [("without contrast", 6.0)]


def test_a_site_diluent_that_harms_the_drug_is_refused(tmp_path: Path) -> None:
    book = site(tmp_path, f"{OXALIPLATIN}.diluent", '"sodium chloride 0.9 %"', "text")
    with pytest.raises(InputError, match="chloride-containing diluent"):
        load_beads(
            product="CalliSpheres", drug="oxaliplatin", dose_mg=100, loading_efficiency=0.5, catalog=book
        )


@given(st.floats(0.001, 1), st.sampled_from(("loaded", "loaded_at_least", "eluted", "contrast_loss")))
def test_a_share_is_sound_and_its_percent_is_not(share: float, name: str) -> None:
    def entry(value: float) -> Sourced:
        return Sourced(
            f"beads.x.drugs.y.{name}", value, "1", ("SITE",), "p", Status.CONFIRMED, origin="site file"
        )

    assert unsound(entry(share)) is None
    assert unsound(entry(1 + share)) is not None
    assert unsound(entry(-share)) is not None
