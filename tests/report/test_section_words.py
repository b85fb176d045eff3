"""Words of the sections that a physician would stumble over, on plans made for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.report import rich

from emboplan.model.results.activity import Doses
from emboplan.report.document import Paragraph
from emboplan.report.sections.directive import _list_source
from emboplan.report.sections.limits import limits
from emboplan.report.sections.plan_words import decided_words, plan_sentences
from emboplan.report.sections.uptake import _used_ratios
from emboplan.report.wording import SPACE, TO_CONFIRM


def test_a_regulation_is_confirmed_against_no_package_insert() -> None:
    source = f"NRC (items); {TO_CONFIRM}; NRC (before); {TO_CONFIRM}"
    assert _list_source(source) == "NRC (items); NRC (before); to be confirmed against the rules in force"
    assert _list_source("NRC (items)") == "NRC (items)"


def test_earlier_treatments_are_named_beside_the_limits() -> None:
    texts = [b.text for b in limits(rich.activity_plan()) if isinstance(b, Paragraph)]
    (told,) = [text for text in texts if text.startswith("Earlier")]
    assert told.replace(SPACE, " ") == (
        "Earlier treatments are in these values: 4.00 Gy of the lungs (all treatments)."
    )


def test_a_ratio_taken_from_the_scan_is_that_of_the_doses() -> None:
    plan = rich.activity_plan(("right lobe",))
    doses = Doses(tumour=150.0, perfused_normal=30.0, lesions={"1": 120.0, "2": 180.0})
    chosen = replace(plan.models[0], doses_gy=doses)
    plan = replace(plan, models=(chosen,), chosen=chosen)
    assert dict(_used_ratios(plan, [])) == pytest.approx(
        {"Lesion 1, right lobe, used": 4.0, "Lesion 2, right lobe, used": 6.0}
    )
    assert _used_ratios(plan, ["tumour to normal, right lobe"]) == []
    assert _used_ratios(plan, ["tumour to normal, right lobe, lesion 1"]) == []


def test_a_model_is_called_a_model_once() -> None:
    plan = rich.activity_plan()
    assert plan_sentences(plan).startswith("The plan by the partition model: ")
    as_multi = [replace(model, model="multi") for model in plan.models if model.model == "partition"]
    assert plan.chosen is not None
    other = replace(plan, models=tuple(as_multi), chosen=replace(plan.chosen, model="multi"))
    assert plan_sentences(other).startswith("The plan by the multi-compartment model: ")


def test_a_rule_decides_without_a_goal() -> None:
    plan = replace(rich.activity_plan(), binding="rule")
    assert "knows no dose goal and no dose limit" in decided_words(plan)


def test_the_single_compartment_s_price_names_no_tumour() -> None:
    plan = rich.activity_plan(("right lobe",))
    assert plan.chosen is not None
    single = replace(plan, chosen=replace(plan.chosen, model="single"))
    assert "tumour" in decided_words(plan)
    assert "tumour" not in decided_words(single)
