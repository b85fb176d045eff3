"""Published goals: offered for their own device and tumour only, and none for neuroendocrine metastases."""

from itertools import product

import pytest

from emboplan.catalog import load
from emboplan.dosimetry.prescribing.goals import (
    Comparator,
    GoalUse,
    PublishedGoal,
    goal_findings,
    goal_named,
    published_goals,
)
from emboplan.errors import CatalogError, ModelRangeError
from emboplan.model.case import Intent
from emboplan.model.disease import TumourType
from emboplan.model.finding import Severity
from emboplan.model.results.activity import Quantity

DEVICES = ("therasphere", "sir-spheres", "quiremspheres")


def goals_of(tumour: str, device: str | None, intent: str | None) -> tuple[PublishedGoal, ...]:
    return published_goals(
        tumour=TumourType(tumour),
        device=device,
        intent=None if intent is None else Intent(intent),
        catalog=load(),
    )


def said(goals: tuple[PublishedGoal, ...]) -> list[str]:
    return [goal.words for goal in goals if goal.use is GoalUse.GOAL]


@pytest.mark.parametrize(
    ("tumour", "device", "intent", "expected"),
    [
        ("hcc", "therasphere", "segmentectomy", ["perfused above 400 Gy"]),
        (
            *("hcc", "therasphere", "lobectomy"),
            [
                "perfused above 150 Gy",
                "perfused from 140 to 150 Gy",
                "perfused normal at least 88 Gy",
                "tumour at least 205 Gy",
                "tumour at least 250 to 300 Gy",
            ],
        ),
        (
            *("hcc", "therasphere", "lobar"),
            ["perfused above 150 Gy", "perfused from 140 to 150 Gy", "perfused from 80 to 150 Gy"],
        ),
        ("hcc", "therasphere", "whole-liver", ["perfused from 80 to 150 Gy", "tumour at least 205 Gy"]),
        ("icc", "therasphere", "lobectomy", ["perfused from 140 to 150 Gy", "tumour at least 260 Gy"]),
        ("mcrc", "therasphere", "lobar", ["perfused from 80 to 150 Gy", "tumour at least 189 Gy"]),
        ("hcc", "sir-spheres", "segmentectomy", ["perfused above 150 Gy"]),
        (
            *("icc", "sir-spheres", "lobectomy"),
            ["perfused normal above 70 Gy", "tumour at least 100 to 120 Gy"],
        ),
        ("mcrc", "sir-spheres", "lobar", ["tumour above 100 Gy", "tumour above 40 to 60 Gy"]),
        ("hcc", "sir-spheres", "lobar", []),
        ("hcc", "quiremspheres", "lobar", ["perfused 60 Gy (printed without a sign)"]),
        (
            *("mcrc", "quiremspheres", "whole-liver"),
            ["perfused 60 Gy (printed without a sign)", "tumour above 90 Gy"],
        ),
        ("other", "therasphere", "lobar", []),
    ],
)
def test_the_rows_of_the_tables(tumour: str, device: str, intent: str, expected: list[str]) -> None:
    """EANM 2022, Tables 2 to 4."""
    assert expected == said(goals_of(tumour, device, intent))


@pytest.mark.parametrize(
    ("tumour", "device", "intent"), list(product(TumourType, (None, *DEVICES), (None, *Intent)))
)
def test_no_goal_of_another_device_or_tumour(tumour: str, device: str | None, intent: str | None) -> None:
    """Every combination has an answer; a dose of glass is never shown for resin, nor the other way."""
    for goal in goals_of(tumour, device, intent):
        assert goal.device in (None, device)
        assert goal.device is not None or goal.use is GoalUse.EVIDENCE
        assert tumour in goal.tumours
        assert intent is None or intent in goal.intents
        assert goal.source
        assert goal.words


@pytest.mark.parametrize(("device", "intent"), list(product((None, *DEVICES), (None, *Intent))))
def test_neuroendocrine_metastases_have_no_value(device: str | None, intent: str | None) -> None:
    """No goal, and the statement that there is none."""
    goals = goals_of("net", device, intent)
    assert said(goals) == []
    assert "net_no_value" in [goal.name for goal in goals]
    assert any(goal.text.startswith("No EANM value") for goal in goals)


def test_the_resin_series_is_shown_beside_a_resin_goal_only() -> None:
    """Chansanti 2017 is a finding of one small series of resin."""
    name = "net_resin_chansanti_2017"
    shown = {device for device in DEVICES if name in [goal.name for goal in goals_of("net", device, "lobar")]}
    assert shown == {"sir-spheres"}
    (series,) = [goal for goal in goals_of("net", "sir-spheres", "lobar") if goal.name == name]
    assert (series.lower_gy, series.use, series.comparator) == (None, GoalUse.EVIDENCE, Comparator.NONE)
    assert "191.3 Gy" in series.text
    with pytest.raises(ModelRangeError, match="no goal that a plan can take"):
        series.as_goal("right lobe")


def test_evidence_is_a_finding_and_says_what_it_is_not() -> None:
    findings = {finding.id: finding for finding in goal_findings(goals_of("net", "sir-spheres", "lobar"))}
    assert {finding.severity for finding in findings.values()} == {Severity.INFO}
    assert "never a default" in findings["evidence-net-resin-chansanti-2017"].text
    assert "never a limit" in findings["evidence-net-normal-liver-zuckerman"].text


def test_unverified_evidence_is_not_shown() -> None:
    for device in DEVICES:
        assert not any("72.8" in goal.words for goal in goals_of("net", device, None))


def test_a_published_goal_becomes_a_goal_of_a_plan() -> None:
    """The lower end of the printed range, at least."""
    goal = goal_named("glass_hcc_tumour_better", load()).as_goal("right lobe")
    assert (goal.territory, goal.quantity, goal.dose_gy, goal.hard) == (
        *("right lobe", Quantity.TUMOUR),
        *(250.0, False),
    )
    assert "EANM22" in goal.source


def test_names_that_are_not_there() -> None:
    with pytest.raises(CatalogError, match="no goal 'hepatic_reserve_edge'"):
        goal_named("hepatic_reserve_edge", load())
    with pytest.raises(CatalogError, match="no microsphere 'gold'"):
        goals_of("hcc", "gold", None)
