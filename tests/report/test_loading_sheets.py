"""The loading sheets: one session is one sheet, each figure with its source and status, room to write."""

import re
from functools import cache

import pytest
from tests.workflow.cases import BoxStudy
from tests.workflow.conftest import boxes
from tests.workflow.embolization_cases import BLAND, CTACE, DEB, OXALIPLATIN, embolization

import emboplan as ep
from emboplan.catalog import load
from emboplan.model.finding import Severity
from emboplan.model.plan import Plan
from emboplan.report import pdf
from emboplan.report.compose import compose
from emboplan.report.html import render
from emboplan.report.sections.embolization import key_numbers
from emboplan.report.sheets.build import sheets
from emboplan.report.sheets.figures import plain_amount, topic, words
from emboplan.report.sheets.page import render_sheets
from emboplan.report.sheets.values import How, SheetSet
from emboplan.report.summary import summary_lines
from emboplan.report.wording import SPACE

__all__ = ["boxes"]

KINDS = {"deb-tace": DEB, "ctace": CTACE, "bland": BLAND}
HEPASPHERE = 'product = "HepaSphere"\nsizes = ["30-60"]\ndrug = "doxorubicin"\ndrug_dose = "100 mg"'
TRAILING_ZERO = re.compile(r"\d\.\d*0\s(?:mg|mL|µm|mg/mL)\b")


@cache
def plan_of(boxes: BoxStudy, kind: str, text: str, **rest: str) -> Plan:
    return ep.plan(boxes.case(embolization(kind, text, **rest), "sheet.toml")).plan


def sheets_of(plan: Plan) -> SheetSet:
    found = sheets(plan)
    assert found is not None
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_each_session_has_a_sheet_with_room_to_write(boxes: BoxStudy, kind: str) -> None:
    page = render_sheets(sheets_of(plan_of(boxes, kind, KINDS[kind])))
    assert page.count('<article class="sheet"') == 2
    assert page.count("Lot number") == 2
    assert page.count("Checked by a second person, independently") == 2
    assert page.count("After the session") == 2
    assert page.count('class="box"') >= 10
    assert "not a medical device" in page
    assert "session 2 of 2" in page


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_has_its_source_and_status_beside_it(boxes: BoxStudy, kind: str) -> None:
    for sheet in sheets_of(plan_of(boxes, kind, KINDS[kind])).sheets:
        for row in (*sheet.amounts, *sheet.limits):
            assert row.source or row.how is How.OPEN, row.what
            assert (row.value is None) == (row.how is How.OPEN), row.what


@pytest.mark.parametrize("kind", KINDS)
def test_every_source_that_a_sheet_cites_is_spelled_out_on_it(boxes: BoxStudy, kind: str) -> None:
    for sheet in sheets_of(plan_of(boxes, kind, KINDS[kind])).sheets:
        texts = [row.source for row in (*sheet.amounts, *sheet.limits)]
        texts += [notice.source for notice in (*sheet.ask, *sheet.notes, *sheet.acknowledge)]
        cited = {key for text in texts for key in re.findall(r"EMB-[A-Z0-9-]*[A-Z0-9]", text)}
        named = {line.partition(":")[0] for line in sheet.sources}
        assert cited - named == set()


def test_what_is_open_is_a_blank_and_never_a_number(boxes: BoxStudy) -> None:
    (first, *_) = sheets_of(plan_of(boxes, "deb-tace", OXALIPLATIN)).sheets
    blanks = {row.what for row in first.amounts if row.how is How.OPEN}
    assert {"Loading time (min)", "Contrast to add (mL)", "Catheter, inner diameter (µm)"} <= blanks
    (asked,) = first.acknowledge
    assert asked.sign
    assert "chloride" in asked.text


def test_a_figure_to_confirm_says_so_in_its_row(boxes: BoxStudy) -> None:
    found = sheets_of(plan_of(boxes, "ctace", CTACE))
    page = render_sheets(found)
    row = next(row for row in found.sheets[0].amounts if row.what == "Droplets expected")
    assert row.how is How.TO_CONFIRM
    assert "TO CONFIRM on the package insert in force" in page


def test_what_a_question_rests_on_is_to_be_confirmed_too(boxes: BoxStudy) -> None:
    """The prompt on the heart is a decision of the project, to be confirmed; so is a ratio of epirubicin."""
    prior = '[[prior]]\nkind = "drug"\ndrug = "epirubicin"\ndose_mg_per_m2 = 100'
    (first, *_) = sheets_of(plan_of(boxes, "ctace", CTACE, rest=prior)).sheets
    (heart,) = [notice for notice in first.ask if "echocardiography" in notice.text]
    assert heart.source.endswith("TO CONFIRM")
    assert any("epirubicin" in line and "TO CONFIRM" in line for line in first.history)


def test_amounts_have_no_trailing_zero(boxes: BoxStudy) -> None:
    """75.0 mg is read as 750 mg where the point is missed."""
    assert (plain_amount(75.0, "mg"), plain_amount(0.75, "mL")) == (f"75{SPACE}mg", f"0.75{SPACE}mL")
    assert plain_amount(None, "mg") == "–"
    for kind, text in KINDS.items():
        for sheet in sheets_of(plan_of(boxes, kind, text)).sheets:
            shown = [row.value or "" for row in sheet.amounts] + [item.amount or "" for item in sheet.take]
            assert [value for value in shown if TRAILING_ZERO.search(value.replace(SPACE, " "))] == []


def test_figures_that_disagree_stand_beside_the_one_that_decides(boxes: BoxStudy) -> None:
    (first, *_) = sheets_of(plan_of(boxes, "deb-tace", f"{HEPASPHERE}\nvials = 2")).sheets
    rows = [(row.time, row.decides) for row in first.keeping if row.state == "Loaded, without contrast"]
    assert rows == [("24 h", True), ("15 d (360 h)", False)]
    (never,) = [row for row in first.keeping if row.state == "Loaded, with contrast"]
    assert (never.time, never.until) == ("not at all", "use at once")


def test_the_moment_of_loading_belongs_to_the_first_session(boxes: BoxStudy) -> None:
    text = f"{DEB}\nloaded_at = 2026-11-30T09:00:00+01:00"
    first, second = sheets_of(plan_of(boxes, "deb-tace", text)).sheets
    assert first.keeping[0].until is not None
    assert "14" in first.keeping[0].until
    assert second.keeping[0].until is None


def test_the_label_of_the_drug_and_of_the_bead_are_on_the_back(boxes: BoxStudy) -> None:
    (first, *_) = sheets_of(plan_of(boxes, "deb-tace", DEB)).sheets
    figures = {row.what: row.value for row in first.limits}
    assert figures["Session dose"] == "150 mg"
    assert figures["Bilirubin steps of the US label"] == f"1.2, 3, 5{SPACE}mg/dL"


def test_nothing_of_a_case_becomes_markup(boxes: BoxStudy) -> None:
    text = f'{DEB}\ncrisis_plan = "<script>alert(1)</script>"'
    page = render_sheets(sheets_of(plan_of(boxes, "deb-tace", text)))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "http-equiv" in page


def test_a_stop_stands_before_the_questions(boxes: BoxStudy) -> None:
    rest = "[facts]\ndilated_bile_ducts = true\nbile_ducts_drained = false"
    plan = plan_of(boxes, "ctace", CTACE, rest=rest)
    assert any(f.severity is Severity.STOP for f in plan.findings)
    assert sheets_of(plan).sheets[0].ask[0].weight == "STOP"


def test_a_radioembolization_has_no_sheet(boxes: BoxStudy) -> None:
    from tests.workflow.cases import case_text

    assert sheets(ep.plan(boxes.case(case_text(), "tare.toml")).plan) is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_report_holds_the_sessions(boxes: BoxStudy, kind: str) -> None:
    plan = plan_of(boxes, kind, KINDS[kind])
    page = render(compose(plan, ()))
    assert "Sessions until the whole burden is treated" in page
    assert "Before the vial" not in page
    assert "lung shunt" not in page.lower()
    assert "2 sessions" in "\n".join(summary_lines(plan))


def test_key_numbers_of_beads(boxes: BoxStudy) -> None:
    found = plan_of(boxes, "deb-tace", DEB).loading
    assert found is not None
    shown = {item.label: item.value.replace(SPACE, " ") for item in key_numbers(found)}
    assert shown["Doxorubicin"] == "150 mg"
    assert shown["Product"] == "DC Bead"


def test_a_topic_is_the_end_of_a_name() -> None:
    entry = load().entry("beads.dc-bead.drugs.doxorubicin.session_dose")
    assert (topic(entry), words(entry)) == ("session_dose", "Session dose")


@pytest.mark.slow
@pytest.mark.skipif(pdf.availability() is not None, reason="no PDF on this machine")
@pytest.mark.parametrize("kind", KINDS)
def test_one_session_is_one_sheet_of_paper(boxes: BoxStudy, kind: str) -> None:
    """Front and back: two pages for each of two sessions."""
    import weasyprint

    page = render_sheets(sheets_of(plan_of(boxes, kind, KINDS[kind])))
    assert len(weasyprint.HTML(string=page).render().pages) == 4
