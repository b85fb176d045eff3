"""The catalogue: spot checks against the printed sources, refusals, and a site's own file."""

import textwrap
from pathlib import Path

import pytest

from emboplan import catalog
from emboplan.catalog.entries import collect, parse_toml
from emboplan.catalog.status import footnote
from emboplan.errors import CatalogError
from emboplan.model.products import Scope, Status
from emboplan.model.results.activity import Quantity

# Spot checks: first, last and odd rows of each table, as the sources print them.
PRINTED = {
    "nuclides.Y-90.half_life": (64.1, "h", "confirmed"),
    "nuclides.Y-90.mean_energy": (0.933, "MeV", "confirmed"),
    "nuclides.Y-90.dose_coefficient": (49.8, "Gy kg/GBq", "confirmed"),
    "nuclides.Y-90.coefficients.ddep-49_38": (49.38, "Gy kg/GBq", "to-confirm"),
    "nuclides.Ho-166.half_life": (26.8, "h", "confirmed"),
    "nuclides.Ho-166.dose_coefficient": (15.87, "Gy kg/GBq", "confirmed"),
    "nuclides.Tc-99m.photon_energy": (140.511, "keV", "confirmed"),
    "microspheres.therasphere.diameter_um": ((20.0, 30.0), "um", "confirmed"),
    "microspheres.therasphere.vials": ((3.0, 5.0, 7.0, 10.0, 15.0, 20.0), "GBq", "confirmed"),
    "microspheres.therasphere.shelf_life": (12.0, "d", "to-confirm"),
    "microspheres.therasphere.spheres_per_gbq": (4.0e5, "1/GBq", "confirmed"),
    "microspheres.sir-spheres.median_diameter": (32.5, "um", "confirmed"),
    "microspheres.sir-spheres.shelf_life": (24.0, "h", "confirmed"),
    "microspheres.sir-spheres.calibration_time": ("no figure", "text", "unverified"),
    "microspheres.quiremspheres.whole_liver_activity": (3780.0, "MBq/kg", "confirmed"),
    "microspheres.quiremspheres.label_text": ("no label text with a named source", "text", "unverified"),
    "limits.lung_session": (30.0, "Gy", "to-confirm"),
    "limits.therasphere_lung_activity": (0.61, "GBq", "confirmed"),
    "limits.eu_glass_lung": (25.0, "Gy", "unverified"),
    "limits.holmium_whole_normal_bilobar": (40.0, "Gy", "confirmed"),
    "tissues.density.lung": (0.26, "g/mL", "confirmed"),
    "reference.lung_mass.default": (1000.0, "g", "confirmed"),
    "reference.lung_shunt.planar_gm_bias": (4.4, "percentage points", "confirmed"),
    "reference.bilirubin.whole_normal_threshold": (1.1, "mg/dL", "confirmed"),
}


@pytest.mark.parametrize("name", PRINTED)
def test_spot_check(name: str) -> None:
    entry = catalog.load().entry(name)
    assert PRINTED[name] == (entry.value, entry.unit, entry.status)


def test_every_entry_has_source_place_and_status() -> None:
    entries = catalog.load().entries()
    assert len(entries) == len({entry.name for entry in entries})
    for entry in entries:
        assert entry.source, entry.name
        assert entry.place, entry.name
        assert entry.status in set(Status), entry.name


def test_one_y90_record() -> None:
    """64.1 h and 0.933 MeV give 49.765 Gy kg/GBq, of which the setting is the rounded value."""
    nuclide = catalog.load().nuclide("Y-90")
    assert pytest.approx(nuclide.derived_gy_kg_per_gbq, abs=5e-4) == 49.765
    assert 49.8 == round(nuclide.derived_gy_kg_per_gbq, 1) == nuclide.k_gy_kg_per_gbq


@pytest.mark.parametrize(
    ("k", "name"), [(49.8, "default"), (49.67, "eanm-49_67"), (50.0, "rounded-50"), (49.9, None)]
)
def test_a_coefficient_is_named_or_unknown(k: float, name: str | None) -> None:
    assert name == catalog.load().nuclide("Y-90").coefficient_name(k)


def test_ho166_agrees_with_the_makers_rule() -> None:
    """3780 MBq/kg for 60 Gy."""
    nuclide = catalog.load().nuclide("Ho-166")
    rule = catalog.load().number("microspheres.quiremspheres.whole_liver_activity")
    assert pytest.approx(nuclide.k_gy_kg_per_gbq * rule / 1000, abs=0.05) == 60.0
    assert nuclide.k_gy_kg_per_gbq == pytest.approx(nuclide.derived_gy_kg_per_gbq, rel=1e-3)


def test_tc99m_is_only_imaged() -> None:
    nuclide = catalog.load().nuclide("Tc-99m")
    assert nuclide.half_life_h == 6.0067
    with pytest.raises(CatalogError, match="only imaged"):
        _ = nuclide.k_gy_kg_per_gbq


def test_a_limit_says_what_it_was_derived_with() -> None:
    limit = catalog.load().limit("lung_cumulative")
    assert (limit.limit.number, limit.quantity, limit.scope) == (50.0, Quantity.LUNG, Scope.CUMULATIVE)
    assert "planar shunt and 1 kg" in limit.derived_with
    assert "confirm against the package insert" in footnote(limit.limit)


def test_glass_limits_depend_on_bilirubin_and_stay_below() -> None:
    high, low = (catalog.load().limit(f"glass_whole_normal_{kind}_bilirubin") for kind in ("high", "low"))
    assert (high.limit.number, low.limit.number) == (50.0, 90.0)
    assert high.below
    assert low.below
    assert any("1.1 mg/dL" in note for note in high.footnotes)


def test_unverified_values_are_listed_but_never_a_default() -> None:
    tables = catalog.load()
    assert tables.entry("limits.kr_resin_lung").status == Status.UNVERIFIED
    with pytest.raises(CatalogError, match="no verified value"):
        tables.limit("kr_resin_lung")
    with pytest.raises(CatalogError, match="no verified value"):
        tables.number("limits.eu_glass_lung")
    with pytest.raises(CatalogError, match="no verified value"):
        tables.microsphere("quiremspheres").fact("shelf_life")
    assert "sir_spheres_lung_dose" not in tables.limit_names("sir-spheres")


def test_limits_of_another_device_are_not_offered() -> None:
    names = catalog.load().limit_names("sir-spheres")
    assert "sir_spheres_lung_shunt" in names
    assert "lung_session" in names
    assert not any(name.startswith(("glass", "therasphere", "holmium")) for name in names)


@pytest.mark.parametrize("ask", ["nuclide", "microsphere", "limit", "protocol_table", "phantom", "entry"])
def test_an_unknown_name_is_one_clear_error(ask: str) -> None:
    with pytest.raises(CatalogError, match="the catalogue has no"):
        getattr(catalog.load(), ask)("no-such-thing")


ENTRY = {"value": "3", "unit": '"Gy"', "source": '"A"', "place": '"page 1"', "status": '"confirmed"'}


def _room(**changes: str | None) -> str:
    lines = {**ENTRY, **changes}
    return "[group.thing]\n" + "\n".join(f"{key} = {text}" for key, text in lines.items() if text is not None)


@pytest.mark.parametrize("key", ENTRY)
def test_an_entry_without_one_of_its_parts_is_refused(key: str) -> None:
    """The message names the file and the path of keys."""
    with pytest.raises(CatalogError, match=rf"room\.toml: group\.thing.*{key}"):
        collect(parse_toml(_room(**{key: None}), "room.toml"), "room", {"A": "a source"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": '"sure"'}, "status is 'sure'"),
        ({"source": '"B"'}, "not in the table of sources"),
        ({"source": "[]"}, "source is"),
        ({"place": '""'}, "place is ''"),
        ({"value": "nan"}, "finite"),
        ({"value": "[1, true]"}, "finite numbers"),
        ({"value": '"three"'}, "does not fit unit"),
        ({"colour": '"red"'}, "unknown key 'colour'"),
    ],
)
def test_a_broken_entry_is_refused(change: dict[str, str], message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        collect(parse_toml(_room(**change), "room.toml"), "room", {"A": "a source"})


def test_a_bare_number_is_refused() -> None:
    with pytest.raises(CatalogError, match=r"room\.toml: group\.weight.*outside an entry"):
        collect(parse_toml("[group]\nweight = 3\n", "room.toml"), "room", {})


def _site(folder: Path, text: str) -> Path:
    path = folder / "site.toml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


SITE = """
    [sources]
    OURS = "local protocol, version 3"
    [limits.lung_session]
    value = 25
    unit = "Gy"
    source = "OURS"
    place = "page 2"
    status = "confirmed"
"""


def test_a_site_lays_its_values_over_ours(tmp_path: Path) -> None:
    ours, site = catalog.load(), catalog.load(_site(tmp_path, SITE))
    limit = site.limit("lung_session")
    assert (limit.limit.number, limit.limit.origin, limit.limit.source) == (25.0, "site file", ("OURS",))
    assert ours.limit("lung_session").derived_with == limit.derived_with
    assert ours.limit("lung_session").limit.number == 30.0
    assert ours.number("density.liver") == site.number("density.liver")
    assert ours.digest != site.digest


def test_a_site_may_settle_what_is_unverified(tmp_path: Path) -> None:
    text = SITE.replace("lung_session", "sir_spheres_lung_dose")
    assert catalog.load(_site(tmp_path, text)).limit("sir_spheres_lung_dose").limit.number == 25.0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("limits.lung_session", "limits.lung_sesion", "unknown name"),
        ("limits.lung_session", "limit.lung_session", "unknown table"),
        ('unit = "Gy"', 'unit = "mGy"', "unit is 'mGy'"),
        ('source = "OURS"', 'source = "THEIRS"', "not in the table of sources"),
        ('place = "page 2"', "", "has no place"),
        ("value = 25", "value = ", "not readable as TOML"),
        ('status = "confirmed"', 'status = "confirmed"\nlimit = 3', "unknown key"),
        ("value = 25", "value = [25, 30]", "expected one number"),
    ],
)
def test_a_broken_site_file_is_one_clear_error(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        catalog.load(_site(tmp_path, SITE.replace(old, new)))


def test_a_site_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"site\.toml: cannot be read"):
        catalog.load(tmp_path / "site.toml")


def test_the_digest_is_stable() -> None:
    assert catalog.Catalog().digest == catalog.Catalog().digest
    assert len(catalog.load().digest) == 64


def test_every_limit_that_may_be_a_default_can_be_built() -> None:
    tables = catalog.load()
    for device in (None, *tables.microsphere_names()):
        for name in tables.limit_names(device):
            assert name == tables.limit(name).name


def test_microspheres_name_a_nuclide_of_the_catalogue() -> None:
    tables = catalog.load()
    for name in tables.microsphere_names():
        assert tables.microsphere(name).nuclide in tables.nuclide_names()


@pytest.mark.parametrize("written", ["captem-y90", "captem_y90"])
def test_protocols_answer_to_either_spelling(written: str) -> None:
    assert "captem-y90" in catalog.load().protocol_names()
    assert catalog.load().protocol_table(written)["name"] == "CapTemY90"


def test_a_nuclide_without_half_life_is_refused_in_words() -> None:
    """Fluorine is there for the clock of a PET, not to treat with."""
    with pytest.raises(CatalogError, match="no half-life of F-18"):
        catalog.load().nuclide("F-18")


def test_half_life_energy_and_coefficient_of_a_site_must_belong_together(tmp_path: Path) -> None:
    """60 h with our 0.933 MeV give 46.58 Gy kg/GBq: with our 49.8 methods would contradict each other."""
    site = tmp_path / "site.toml"
    site.write_text(
        textwrap.dedent(
            """
            [sources]
            OURS = "Handbook"

            [nuclides.Y-90.half_life]
            value = 60.0
            unit = "h"
            source = ["OURS"]
            place = "table 1"
            status = "confirmed"
            """
        ),
        encoding="utf-8",
    )
    with pytest.raises(CatalogError, match=r"49\.8 Gy kg/GBq does not follow .* which give 46\.58; change"):
        catalog.load(site).nuclide("Y-90")
