"""Goals, limits and label facts: first, last and odd rows against the printed tables, and their words."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from emboplan.catalog import load
from emboplan.eligibility.dictionary import definitions_from_table
from emboplan.errors import CatalogError
from emboplan.model.case import Intent
from emboplan.model.disease import TumourType
from emboplan.model.products import Status

HCC, ICC, MCRC = ("hcc",), ("icc",), ("mcrc",)
ALL = tuple(Intent)
BOTH = ("bilobar-sequential", "whole-liver")
GLASS, RESIN, HOLMIUM = "therasphere", "sir-spheres", "quiremspheres"

# EANM 2022, Tables 2 to 4, row by row: device, tumours, intents, quantity, comparator, value in Gy.
ROWS: dict[str, tuple[str, Sequence[str], Sequence[str], str, str, float | tuple[float, float]]] = {
    "glass_hcc_segmentectomy": (GLASS, HCC, ("segmentectomy",), "perfused", "above", 400),
    "glass_hcc_lobe_above_150": (GLASS, HCC, ("lobectomy", "lobar"), "perfused", "above", 150),
    "glass_hcc_lobe": (GLASS, HCC, ("lobectomy", "lobar"), "perfused", "within", (140, 150)),
    "glass_hcc_unilobar": (GLASS, HCC, ("lobar",), "perfused", "within", (80, 150)),
    "glass_hcc_bilobar": (GLASS, HCC, BOTH, "perfused", "within", (80, 150)),
    "glass_hypertrophy": (GLASS, HCC, ("lobectomy",), "perfused_normal", "at-least", 88),
    "glass_hcc_tumour": (GLASS, HCC, ("lobectomy", *BOTH), "tumour", "at-least", 205),
    "glass_hcc_tumour_better": (GLASS, HCC, ("lobectomy",), "tumour", "at-least", (250, 300)),
    "glass_icc_mcrc_segmentectomy": (GLASS, ICC + MCRC, ("segmentectomy",), "perfused", "above", 400),
    "glass_icc_mcrc_lobectomy": (GLASS, ICC + MCRC, ("lobectomy",), "perfused", "within", (140, 150)),
    "glass_icc_mcrc_else": (GLASS, ICC + MCRC, ("lobar", *BOTH), "perfused", "within", (80, 150)),
    "glass_icc_tumour": (GLASS, ICC, ALL, "tumour", "at-least", 260),
    "glass_mcrc_tumour": (GLASS, MCRC, ALL, "tumour", "at-least", 189),
    "resin_segmentectomy": (RESIN, HCC + ICC + MCRC, ("segmentectomy",), "perfused", "above", 150),
    "resin_hypertrophy": (RESIN, HCC + ICC + MCRC, ("lobectomy",), "perfused_normal", "above", 70),
    "resin_hcc_icc_tumour": (RESIN, HCC + ICC, ("lobectomy",), "tumour", "at-least", (100, 120)),
    "resin_mcrc_tumour_lobectomy": (RESIN, MCRC, ("lobectomy",), "tumour", "above", 100),
    "resin_mcrc_complete": (RESIN, MCRC, ALL, "tumour", "above", 100),
    "resin_mcrc_partial": (RESIN, MCRC, ALL, "tumour", "above", (40, 60)),
    "holmium_perfused": (HOLMIUM, HCC + ICC + MCRC, ALL, "perfused", "about", 60),
    "holmium_icc_tumour": (HOLMIUM, ICC, ALL, "tumour", "above", 150),
    "holmium_mcrc_tumour": (HOLMIUM, MCRC, ALL, "tumour", "above", 90),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_goal_is_the_printed_row(name: str) -> None:
    table = load().dose_tables("goals")[name]
    device, tumours, intents, quantity, comparator, value = ROWS[name]
    assert (device, list(tumours), list(intents)) == (table["device"], table["tumours"], table["intents"])
    assert (quantity, comparator) == (table["quantity"], table["comparator"])
    assert value == (tuple(table["value"]) if isinstance(table["value"], list) else table["value"])
    assert (table["source"], table["status"], table["unit"]) == (["EANM22"], "confirmed", "Gy")


def test_no_goal_is_there_beside_the_printed_rows() -> None:
    """What has a number and is about a tumour is a row of the three tables."""
    tables = load().dose_tables("goals")
    goals = {name for name, table in tables.items() if table.get("use") != "evidence" and "tumours" in table}
    assert set(ROWS) == goals


def test_the_printed_levels_of_evidence() -> None:
    """Table 2: LOE 3 of the glass segmentectomy; Table 3: LOE 4 of the resin one."""
    tables = load().dose_tables("goals")
    levels = {name: table["evidence"] for name, table in tables.items() if "evidence" in table}
    assert levels == {"glass_hcc_segmentectomy": "3", "resin_segmentectomy": "4"}
    assert "only for patients like those of DOSISPHERE" in tables["glass_hcc_lobe_above_150"]["footnotes"][0]


# The limits of the same tables: device, tumours, intents, quantity, Gy, condition on the liver.
LIMITS: dict[str, tuple[str, Sequence[str], Sequence[str], str, float, str | None]] = {
    "glass_whole_normal_high_bilirubin": (
        *(GLASS, tuple(TumourType), ALL[1:], "whole_normal", 50.0, "bilirubin-high"),
    ),
    "glass_whole_normal_low_bilirubin": (
        *(GLASS, tuple(TumourType), ALL[1:], "whole_normal", 90.0, "bilirubin-low"),
    ),
    "glass_whole_normal_hcc": (GLASS, HCC, ("lobectomy", "lobar"), "whole_normal", 75.0, None),
    "glass_whole_normal_icc_mcrc": (GLASS, ICC + MCRC, ALL[1:], "whole_normal", 75.0, None),
    "glass_perfused_normal_low_reserve": (GLASS, HCC, ("lobar",), "perfused_normal", 120.0, "reserve-low"),
    "resin_perfused_normal_unilobar": (RESIN, HCC + ICC + MCRC, ("lobar",), "perfused_normal", 40.0, None),
    "resin_perfused_normal_bilobar": (
        *(RESIN, HCC + ICC + MCRC, BOTH, "perfused_normal", 40.0, "not-compromised"),
    ),
    "resin_perfused_normal_bilobar_compromised": (
        *(RESIN, HCC + ICC + MCRC, BOTH, "perfused_normal", 30.0, "compromised"),
    ),
    "holmium_whole_normal": (HOLMIUM, HCC + ICC + MCRC, ("lobectomy", "lobar"), "whole_normal", 60.0, None),
    "holmium_whole_normal_bilobar": (HOLMIUM, HCC + ICC + MCRC, BOTH, "whole_normal", 40.0, None),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_the_printed_row(name: str) -> None:
    device, tumours, intents, quantity, value, when = LIMITS[name]
    table, limit = load().dose_tables("limits")[name], load().limit(name)
    assert (set(tumours), set(intents)) == (set(table["tumours"]), set(table["intents"]))
    assert (device, quantity, value, True) == (limit.device, limit.quantity, limit.limit.number, limit.below)
    assert when == table.get("when")


def test_no_row_is_for_resin_or_holmium_in_neuroendocrine_metastases() -> None:
    """Only the footnote of the glass table speaks of patients without hepatocellular carcinoma."""
    rows = load().dose_tables("limits").values()
    devices = {table["device"] for table in rows if "net" in table.get("tumours", ())}
    assert devices == {GLASS}


def test_no_normal_liver_limit_is_for_a_segmentectomy() -> None:
    for name, table in load().dose_tables("limits").items():
        assert "segmentectomy" not in table.get("intents", ()), name


@pytest.mark.parametrize("room", ["goals", "limits"])
def test_every_word_is_one_that_is_known(room: str) -> None:
    """Tumours, intents and devices are spelled as the model spells them; each Gy says how it was derived."""
    tables = load().dose_tables(room)
    for name, table in tables.items():
        assert set(table.get("tumours", ())) <= set(TumourType), name
        assert set(table.get("intents", ())) <= set(Intent), name
        assert table.get("device") in (None, *load().microsphere_names()), name
        assert table["unit"] != "Gy" or table["derived_with"], name


def test_unverified_evidence_is_listed_and_no_more() -> None:
    """Below 72.8 Gy no response: one abstract, not verified."""
    entry = load().entry("goals.net_resin_chansanti_2017_no_response")
    assert entry.status is Status.UNVERIFIED
    with pytest.raises(CatalogError, match="no verified value"):
        load().sourced("goals.net_resin_chansanti_2017_no_response")


def test_the_label_and_the_limit_name_one_activity_and_one_shunt() -> None:
    """0.61 GBq and 20 % stand in the limits and in the labels."""
    glass = {it["id"]: it for it in load().label_table("therasphere")["criterion"]}
    resin = {it["id"]: it for it in load().label_table("sir-spheres")["criterion"]}
    assert load().number("limits.therasphere_lung_activity") == glass["TS-C01"]["pass_when"]["limit"]
    assert 100 * load().number("limits.sir_spheres_lung_shunt") == resin["SIR-C04"]["pass_when"]["limit"]


def test_label_facts_stand_beside_those_of_the_trials() -> None:
    definitions = definitions_from_table(load().fact_table())
    assert {"ecog", "bilirubin", "pao2_mmhg", "last_capecitabine_date"} <= set(definitions)
    assert definitions["pao2_mmhg"].unit == "mmHg"
    assert definitions["sao2_pct"].maximum == Decimal(100)


def test_every_intent_has_a_table() -> None:
    tables = load().intent_table()
    assert set(Intent) <= set(tables)
    assert {name: tables[name]["sessions"] for name in Intent if tables[name]["sessions"] > 1} == {
        "bilobar-sequential": 2
    }


@pytest.mark.parametrize("ask", ["dose_tables", "label_table"])
def test_an_unknown_table_is_one_clear_error(ask: str) -> None:
    with pytest.raises(CatalogError, match="the catalogue has no"):
        getattr(load(), ask)("no-such-thing")
