"""Fluids and materials as people write them: chloride and oil are found, their absence only where it is said.

EMBOLICS: oxaliplatin bears no chloride at all and no aluminium; beads and iodised oil are not mixed.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.catalog import load
from emboplan.catalog.tace_tables import tace_numbers
from emboplan.embolics.compatibility import is_drug_eluting, refuse_diluent, refuse_material
from emboplan.embolics.emulsions.emulsion import emulsion
from emboplan.embolics.fluids import diluent_is_known, holds_chloride, holds_oil
from emboplan.errors import InputError
from emboplan.workflow.load import load_beads

NUMBERS = tace_numbers(load())
SALTY = (
    *(
        "5 % glucose in 0.45 % sodium chloride, free of preservatives",
        "salt water 0.9 %",
        "dextrose 5 % in NS",
    ),
    *("0.9 % sodium chloride, free of preservative", "0.9 % sodium chloride free of preservatives", "N/S"),
    *("n.s.", "D5NS", "D5 1/2NS", "Na Cl 0.9 %", "NaCl", "normal saline", "Hartmann's", "lactated Ringer's"),
    *("LR", "D5LR", "KCl in dextrose", "not chloride-free", "not free of chloride", "PBS", "Cl-", "NSS"),
    *("sodium chloride 0.9 %, preservative-free", "0.9 % sodium chloride free", "physiological solution"),
)
FREE = (
    *("chloride-free water", "water for injection", "5 % dextrose", "D5W", "glucose 5 %, free of chloride"),
    *("chloride\N{NON-BREAKING HYPHEN}free 5 % dextrose", "5 % dextrose, preservative-free", "sterile water"),
)
OILS = (
    "Lipiodol",
    "ethiodized poppyseed",
    "Lipiodized",
    "Ethiodol",
    "Lipidol",
    "poppy-seed oil",
    "LIPIODOL UF",
)


@st.composite
def disguised(draw: st.DrawFn, names: tuple[str, ...]) -> str:
    """A name with other capitals, other spaces and words around it."""
    name = draw(st.sampled_from(names))
    case = draw(st.sampled_from([str.lower, str.upper, str.title]))
    front = draw(st.sampled_from(["", "10 mL ", "sterile ", "diluted in "]))
    behind = draw(st.sampled_from(["", " (bag)", ", free of preservatives", " 100 mL", " for infusion"]))
    return front + case(name).replace(" ", draw(st.sampled_from([" ", "  ", "\N{NO-BREAK SPACE}"]))) + behind


@given(fluid=disguised(SALTY))
def test_chloride_is_found_however_it_is_written(fluid: str) -> None:
    assert holds_chloride(fluid)
    assert not diluent_is_known(fluid)
    with pytest.raises(InputError, match="chloride-containing diluent"):
        refuse_diluent("oxaliplatin", fluid, NUMBERS)


@pytest.mark.parametrize("fluid", FREE)
def test_water_and_sugar_are_known(fluid: str) -> None:
    assert not holds_chloride(fluid)
    assert diluent_is_known(fluid)


@pytest.mark.parametrize(
    "fluid", ["mixture 7", "iohexol", "glucose with electrolytes", "tap water", "contrast"]
)
def test_what_is_not_recognised_is_not_called_safe(fluid: str) -> None:
    assert not diluent_is_known(fluid)


@given(fluid=disguised(OILS))
def test_oil_is_found_however_it_is_written(fluid: str) -> None:
    assert holds_oil(fluid)


@pytest.mark.parametrize("fluid", ["iohexol", "iodixanol", "iodinated contrast", "coils", "water", "foil"])
def test_other_fluids_are_no_oil(fluid: str) -> None:
    assert not holds_oil(fluid)


OX: dict[str, Any] = {
    "product": "CalliSpheres",
    "drug": "oxaliplatin",
    "dose_mg": 100,
    "loading_efficiency": 0.8,
}
DOX: dict[str, Any] = {"product": "DC Bead", "drug": "doxorubicin", "dose_mg": 75}
CTACE: dict[str, Any] = {"drug": "doxorubicin", "dose_mg": 50, "oil_ml": 10, "aqueous_ml": 10}


@given(fluid=disguised(SALTY), key=st.sampled_from(["diluent", "mixed_with"]))
def test_oxaliplatin_on_beads_never_meets_chloride(fluid: str, key: str) -> None:
    with pytest.raises(InputError, match="chloride-containing"):
        load_beads(**{**OX, key: fluid})


@given(fluid=disguised(SALTY), key=st.sampled_from(["aqueous_phase", "mixed_with"]))
def test_oxaliplatin_in_an_emulsion_never_meets_chloride(fluid: str, key: str) -> None:
    with pytest.raises(InputError, match="chloride-containing"):
        emulsion(**{**CTACE, "drug": "oxaliplatin", key: fluid})


def test_an_unknown_fluid_with_oxaliplatin_is_open() -> None:
    assert "open-mixed-with" in {f.id for f in load_beads(**OX, mixed_with="iohexol").open_items}
    found = emulsion(
        **{**CTACE, "drug": "oxaliplatin", "aqueous_phase": "5 % dextrose"}, mixed_with="iohexol"
    )
    assert "chloride-open" in {f.id for f in found.findings}


@given(fluid=disguised(OILS), key=st.sampled_from(["diluent", "mixed_with"]))
def test_beads_never_meet_oil(fluid: str, key: str) -> None:
    with pytest.raises(InputError, match="with iodised oil"):
        load_beads(**{**DOX, key: fluid})


@given(fluid=disguised(OILS))
def test_oil_is_no_aqueous_phase(fluid: str) -> None:
    with pytest.raises(InputError, match="is an oil and cannot be the aqueous phase"):
        emulsion(**CTACE, aqueous_phase=fluid)


@pytest.mark.parametrize(
    "product",
    [
        *("drug-loaded microspheres", "doxorubicin beads", "DC Beads", "CaliSpheres", "HepaSpheres", "DEBs"),
        *(
            "preloaded beads",
            "loadable spheres",
            "drug\N{NON-BREAKING HYPHEN}eluting",
            "Oncozene",
            "LC Bead LUMI",
        ),
    ],
)
def test_beads_that_carry_a_drug_never_meet_the_oil(product: str) -> None:
    for key in ("mixed_with", "particles_after"):
        with pytest.raises(InputError, match="with iodised oil"):
            emulsion(**{**CTACE, key: product})


@pytest.mark.parametrize("product", ["Embosphere", "Bead Block", "Embozene", "HydroPearl", "Contour PVA"])
def test_particles_without_a_drug_may_follow_the_oil(product: str) -> None:
    assert not is_drug_eluting(product, load())


@pytest.mark.parametrize(
    "material",
    ["aluminium", "Aluminum hub", "Al hub", "alu needle", "not aluminium-free", "aluminised steel"],
)
def test_aluminium_is_found(material: str) -> None:
    with pytest.raises(InputError, match="holds aluminium, not allowed with oxaliplatin"):
        refuse_material("Oxaliplatin", material, NUMBERS)
    refuse_material("irinotecan", material, NUMBERS)


@pytest.mark.parametrize(
    "material", ["aluminium-free steel", "steel, free of aluminium", "aluminum free needle", "steel", ""]
)
def test_a_needle_without_aluminium_goes(material: str) -> None:
    refuse_material("oxaliplatin", material, NUMBERS)
