"""Dose against activity and the uncertainty budget: drawn where there is something to draw, and only then."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from tests.report.conftest import MakeRich

from emboplan.model.plan import Plan, PlannedCase
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.model.results.prescription import UncertainValue
from emboplan.report.budget import draw_budget
from emboplan.report.compose import compose
from emboplan.report.dose_lines import draw_dose_lines
from emboplan.report.figures import Picture, draw_figures
from emboplan.report.html import render
from emboplan.report.panels import figure_style


def _activity(plan: Plan) -> ActivityPlan:
    assert plan.activity is not None
    return plan.activity


def test_each_territory_and_their_sum_is_described_in_words(rich: Plan) -> None:
    """For those who cannot see it: 2.66 GBq times 62 Gy/GBq is 165 Gy, the least lesion has 0.7 of it."""
    drawing = draw_dose_lines(_activity(rich))
    assert drawing is not None
    assert "right lobe, at 2.66 GBq: tumour, mean 165 Gy, lesion with the least dose 116 Gy" in drawing.alt
    assert "all territories, at 5.32 GBq" in drawing.alt
    assert "all territories grow in proportion" in drawing.caption


def test_many_territories_are_cut_to_a_page(rich: Plan) -> None:
    activity = _activity(rich)
    partition = [model for model in activity.models if model.model == "partition"]
    many = tuple(replace(partition[0], territory=f"part {n}") for n in range(9))
    drawing = draw_dose_lines(replace(activity, models=many))
    assert drawing is not None
    assert "5 further territories in the tables only" in drawing.caption
    assert "all territories" in drawing.alt


def test_nothing_is_drawn_without_an_activity_or_a_dose(rich: Plan) -> None:
    activity = _activity(rich)
    assert draw_dose_lines(replace(activity, chosen=None)) is None
    sure = activity.uncertainty
    assert sure is not None
    assert draw_budget(replace(sure, doses=())) is None


def test_the_budget_names_the_largest_contribution(rich: Plan) -> None:
    sure = _activity(rich).uncertainty
    assert sure is not None
    drawing = draw_budget(sure)
    assert drawing is not None
    assert "lungs of right lobe: most from lung shunt, 90 %" in drawing.alt
    assert "tumour of left lobe: most from tumour-to-normal ratio, common to all lesions, 55 %" in drawing.alt


def test_a_budget_of_many_doses_is_cut_to_a_page(rich: Plan) -> None:
    sure = _activity(rich).uncertainty
    assert sure is not None
    one = UncertainValue("tumour", "part", 100.0, "Gy", 10.0, (80.0, 120.0), None, {"calibration_frac": 1.0})
    drawing = draw_budget(replace(sure, doses=(one,) * 40))
    assert drawing is not None
    assert "14 further doses in plan.json only" in drawing.caption


@pytest.mark.parametrize("name", ["$right$ lobe", "a_b^c", "Lappen \\alpha"])
def test_names_of_territories_are_drawn_as_they_are(make_rich: MakeRich, name: str) -> None:
    """No name is read as mathematics."""
    activity = _activity(make_rich(1))
    models = tuple(replace(model, territory=name) for model in activity.models)
    sure = activity.uncertainty
    assert sure is not None
    doses = tuple(replace(value, territory=name) for value in sure.doses)
    with figure_style():
        assert draw_dose_lines(replace(activity, models=models, chosen=models[0])) is not None
        assert draw_budget(replace(sure, doses=doses)) is not None


def test_the_page_holds_both_drawings_with_names_of_their_own(planned: PlannedCase[Any], rich: Plan) -> None:
    """Drawings inside one page must not share identifiers; the same plan gives the same bytes."""
    case = replace(planned, plan=rich, dose=None)
    first, again = (_drawn(draw_figures(case)) for _ in range(2))
    assert first == again
    assert {"dose_activity.svg", "uncertainty.svg"} <= {picture.name for picture in first}
    page = render(compose(rich, first))
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    used = set(re.findall(r'href="#([^"]+)"', page)) | set(re.findall(r"url\(#([^)]+)\)", page))
    assert used <= set(ids)


def _drawn(pictures: tuple[Picture, ...]) -> tuple[Picture, ...]:
    return tuple(picture for picture in pictures if picture.name.endswith(".svg"))
