"""Intents: which goals, limits and conditions each brings."""

import json
from itertools import product

import pytest

from emboplan.catalog import load
from emboplan.dosimetry.prescribing.intents import IntentTemplate, intent_template
from emboplan.model.case import Intent
from emboplan.model.disease import TumourType
from emboplan.model.results.activity import Quantity

DEVICES = ("therasphere", "sir-spheres", "quiremspheres")
NORMAL = (Quantity.WHOLE_NORMAL, Quantity.PERFUSED_NORMAL)


def template(
    intent: str,
    *,
    tumour: str = "hcc",
    device: str | None = "therasphere",
    reserve: float | None = 0.4,
    bilirubin: float | None = 0.8,
    pretreated: bool = False,
) -> IntentTemplate:
    return intent_template(
        Intent(intent),
        tumour=TumourType(tumour),
        device=device,
        bilirubin_mg_per_dl=bilirubin,
        hepatic_reserve_frac=reserve,
        pretreated=pretreated,
        catalog=load(),
    )


def ids(found: IntentTemplate) -> set[str]:
    return {finding.id for finding in found.findings if not finding.id.startswith("evidence-")}


@pytest.mark.parametrize(
    ("intent", "remnant", "sessions", "protects"),
    [
        ("segmentectomy", False, 1, False),
        ("lobectomy", True, 1, True),
        ("lobar", False, 1, True),
        ("bilobar-sequential", False, 2, True),
        ("whole-liver", False, 1, True),
    ],
)
def test_what_an_intent_is(intent: str, remnant: bool, sessions: int, protects: bool) -> None:
    found = template(intent)
    assert (remnant, sessions) == (found.needs_future_liver_remnant, found.sessions)
    assert protects is found.limits_normal_liver
    assert protects is any(limit.quantity in NORMAL for limit in found.limits)
    assert found.description.endswith(".")


@pytest.mark.parametrize(("device", "floor_gy"), [("therasphere", 88.0), ("sir-spheres", 70.0)])
def test_a_lobectomy_must_reach_the_dose_of_hypertrophy(device: str, floor_gy: float) -> None:
    """Table 2: at least 88 Gy to the perfused normal liver (glass); Table 3: above 70 Gy (resin)."""
    (floor,) = template("lobectomy", device=device).hard
    assert (floor.quantity, floor.lower_gy, floor.device) == (Quantity.PERFUSED_NORMAL, floor_gy, device)


@pytest.mark.parametrize("intent", [intent for intent in Intent if intent is not Intent.LOBECTOMY])
def test_no_other_intent_sets_a_goal(intent: str) -> None:
    assert template(intent).hard == ()


@pytest.mark.parametrize(
    ("reserve", "has_floor", "finding"),
    [
        (0.31, True, None),
        (0.30, False, "lobectomy-low-reserve"),
        (0.20, False, "lobectomy-low-reserve"),
        (None, True, "lobectomy-reserve-unknown"),
    ],
)
def test_the_floor_asks_for_a_reserve_above_30_percent(
    reserve: float | None, has_floor: bool, finding: str | None
) -> None:
    found = template("lobectomy", reserve=reserve)
    assert has_floor is bool(found.hard)
    about_reserve = {name for name in ids(found) if name.startswith("lobectomy-")}
    assert about_reserve == (set() if finding is None else {finding})


def test_the_floor_for_a_tumour_that_its_row_does_not_name_says_so() -> None:
    found = template("lobectomy", tumour="net")
    assert len(found.hard) == 1
    assert "hypertrophy-printed-for-others" in ids(found)
    assert "hypertrophy-printed-for-others" not in ids(template("lobectomy"))


@pytest.mark.parametrize("device", ["quiremspheres", None])
def test_no_floor_where_no_source_has_one(device: str | None) -> None:
    found = template("lobectomy", device=device)
    assert found.hard == ()
    assert "no-hypertrophy-dose" in ids(found)


def test_neuroendocrine_metastases_bring_no_goal_and_say_so() -> None:
    found = template("lobar", tumour="net")
    assert found.offered == ()
    assert "evidence-net-no-value" in {finding.id for finding in found.findings}


def test_a_template_is_plain_json() -> None:
    """What the report and a script read: names, words and numbers only."""
    shown = json.loads(json.dumps(template("lobectomy").to_json()))
    assert shown["intent"] == "lobectomy"
    assert shown["hard"][0]["lower_gy"] == 88.0
    assert shown["limits"][0]["limit"]["value"] == 75.0
    assert [limit["name"] for limit in shown["warnings"]] == ["therasphere_lung_warning"]


def test_without_a_published_goal_the_user_enters_one() -> None:
    assert "no-published-goal" in ids(template("lobar", tumour="other"))
    assert "no-published-goal" not in ids(template("lobar"))


@pytest.mark.parametrize(("intent", "tumour", "device"), list(product(Intent, TumourType, (None, *DEVICES))))
def test_every_combination_has_an_answer_of_its_own_device(
    intent: str, tumour: str, device: str | None
) -> None:
    for bilirubin, reserve, pretreated in product((None, 0.8, 1.1), (None, 0.2), (False, True)):
        found = template(
            intent, tumour=tumour, device=device, bilirubin=bilirubin, reserve=reserve, pretreated=pretreated
        )
        assert {goal.device for goal in (*found.offered, *found.hard)} <= {device}
        assert {limit.device for limit in found.limits} <= {device, None}
        normal = [limit for limit in found.limits if limit.quantity in NORMAL]
        assert len(normal) == len({limit.quantity for limit in normal})
        if intent == "segmentectomy" or (tumour == "net" and device != "therasphere"):
            assert normal == []
