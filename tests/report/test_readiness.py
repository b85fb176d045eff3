"""What stands before the vial, and the draft of the directive: nothing clears itself, blanks stay blank."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.report.reading import row, section, table, texts

from emboplan.model.plan import Plan, PlannedCase
from emboplan.report.compose import compose
from emboplan.report.document import Document, Form
from emboplan.report.html import render
from emboplan.report.sections.judgement import judge
from emboplan.report.wording import cited

HOSTILE = '<script>alert("x")</script>&'


@pytest.fixture(scope="module")
def document(rich: Plan) -> Document:
    return compose(rich, ())


def test_a_failed_point_of_the_label_needs_a_physician(document: Document, rich: Plan) -> None:
    said = texts(section(document, "readiness"))
    assert "Device label TheraSphere label: 3 points, 1 outside the labelling, 1 not known." in said
    items = judge(rich).for_physician
    assert "TheraSphere label, point TS-07 is outside the labelling: Sentence of TS-07" in items
    assert "TheraSphere label: 1 point of the label could not be told (see Before the vial)." in items
    assert judge(rich).failed == ()


def test_liver_function_says_what_is_missing(document: Document) -> None:
    scores = table(section(document, "readiness"), "Liver function")
    assert row(scores, "ALBI")[1] == "−2.61, grade 1"
    assert row(scores, "Child-Pugh")[1:] == ["not known", "bilirubin 1, albumin 1", "inr, encephalopathy"]
    remnant = table(section(document, "readiness"), "Liver that no territory reaches")
    assert row(remnant, "Volume")[1] == "612 mL"


def test_uptake_elsewhere_is_for_a_physician_to_clear(document: Document, rich: Plan) -> None:
    regions = table(section(document, "readiness"), "Regions of uptake")
    assert row(regions, "1")[1:] == ["8.40", "0.40 %", "1.8", "12, −40, −85", "62"]
    assert "A physician must say what each is and clear it" in texts(section(document, "readiness"))
    assert "The scan shows 2 regions of uptake." in judge(rich).for_physician


def test_a_scan_without_regions_is_not_cleared_by_it(rich: Plan) -> None:
    assert rich.extrahepatic is not None
    plan = replace(rich, extrahepatic=replace(rich.extrahepatic, regions=(), findings=()))
    assert "This does not clear the scan" in texts(section(compose(plan, ()), "readiness"))


def test_what_was_not_looked_at_is_said(rich: Plan) -> None:
    said = texts(section(compose(replace(rich, extrahepatic=None, liver_function=None), ()), "readiness"))
    assert "it was not looked for" in said
    assert "no laboratory values were entered" in said


def test_the_directive_is_a_draft_with_its_blanks(document: Document, rich: Plan) -> None:
    assert rich.directive is not None
    part = section(document, "directive")
    assert part.new_page
    assert part is document.sections[-1]
    lines = [line for block in part.blocks if isinstance(block, Form) for line in block.lines]
    assert sum(line.value is None for line in lines) == len(rich.directive.blanks) == 7
    signature = next(line for line in lines if line.label == "Signature")
    assert signature.hint == "by an authorised person only"
    assert texts(part).startswith("DRAFT, not signed")
    assert rich.directive.note in texts(part)
    page = render(document)
    assert page.count('<dd class="blank">') == 7


def test_nothing_says_that_a_patient_may_be_treated(document: Document) -> None:
    for words in ("may treat", "may be treated", "can be treated", "safe to"):
        assert words not in repr(document).lower()


def test_hostile_texts_of_the_new_parts_stay_texts(rich: Plan) -> None:
    """Names of territories, sources and reasons come from the case file."""
    assert rich.activity is not None
    activity = rich.activity
    rows = tuple(replace(each, reason=HOSTILE, territory=HOSTILE, device=HOSTILE) for each in activity.vials)
    goals = tuple(replace(goal, territory=HOSTILE, source=HOSTILE) for goal in activity.goals)
    models = tuple(replace(model, territory=HOSTILE) for model in activity.models)
    values = tuple(replace(value, text=HOSTILE, source=HOSTILE) for value in activity.published)
    plan = replace(rich, activity=replace(activity, vials=rows, goals=goals, models=models, published=values))
    page = render(compose(plan, ()))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_plan_with_none_of_it_has_the_sections_that_it_had(planned: PlannedCase[Any]) -> None:
    """Old plans, and plans of volumes alone, gain nothing but the sentence of the plan."""
    ids = [part.id for part in compose(planned.plan, ()).sections]
    assert not {"readiness", "vials", "certainty", "second-check", "biology", "directive"} & set(ids)


def test_a_status_that_the_source_says_already_is_not_said_twice() -> None:
    once = "CPTB; confirm against the package insert in force"
    assert cited(once, "to-confirm") == once


def test_one_unit_is_shown_once(rich: Plan) -> None:
    """What was compared is the measured value rounded; in another unit both are shown."""
    assert rich.device_label is not None
    first, *rest = rich.device_label.criteria
    both = replace(first, measured="0.0975772972 GBq", compared="0.09758 GBq")
    other = replace(rest[0], measured="90 umol/L", compared="1.018 mg/dL")
    plan = replace(rich, device_label=replace(rich.device_label, criteria=(both, other)))
    label = table(section(compose(plan, ()), "readiness"), "Device label")
    assert row(label, first.id)[3] == "0.09758 GBq"
    assert row(label, rest[0].id)[3] == "90 umol/L (1.018 mg/dL)"
