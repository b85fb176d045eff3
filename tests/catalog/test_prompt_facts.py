"""The facts of the safety prompts beside those of trials and labels; every fact that is asked for exists."""

import re
from pathlib import Path

import emboplan.embolics
from emboplan.catalog import load
from emboplan.eligibility.dictionary import definitions_from_table

OWN = {
    "carcinoid_heart_disease",
    "echocardiography_done",
    "right_to_left_shunt",
    "dilated_bile_ducts",
    "bile_ducts_drained",
    "heart_disease",
    "cardiac_irradiation",
    "prior_cardiotoxic_therapy",
}


def test_own_facts_are_yes_or_no() -> None:
    table = load().fact_table()["fact"]
    assert set(table) >= OWN
    assert {table[name]["type"] for name in OWN} == {"boolean"}
    definitions_from_table(load().fact_table())


def test_the_prompts_ask_for_facts_that_exist() -> None:
    """Names in the modules of the prompts, read from their text: a misspelt one would never be answered."""
    known = set(load().fact_table()["fact"])
    folder = Path(str(emboplan.embolics.__file__)).parent
    asked = set()
    for file in (folder / "safety").glob("*.py"):
        text = file.read_text(encoding="utf-8")
        asked |= set(re.findall(r'case\.(?:yes|number|word|lab)\("([a-z_]+)"\)', text))
    assert len(asked) > 10
    assert asked - known == set()


def test_gemcitabine_on_callispheres_as_printed() -> None:
    """At least 40 % bound at 40 min; 191.5 mg released are 92.34 %, so that about 207 mg were bound."""
    book = load()
    start = "beads.callispheres.drugs.gemcitabine"
    assert book.number(f"{start}.loaded_at_least") == 0.4
    assert book.number(f"{start}.loading_time") == 40
    assert round(191.5 / 0.9234) == book.number(f"{start}.bound_in_vitro")
    assert book.entry(f"{start}.load").status == "unverified"
