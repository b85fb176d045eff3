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
from emboplan.report.sheets.figures import plain_amount, same_digits, topic, words
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
    assert page.count('<article class="sheet') == 2
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
    assert all(asked.sign for asked in first.acknowledge)
    assert any("chloride" in asked.text for asked in first.acknowledge)


def test_a_figure_to_confirm_says_so_in_its_row(boxes: BoxStudy) -> None:
    found = sheets_of(plan_of(boxes, "ctace", CTACE))
    page = render_sheets(found)
    row = next(row for row in found.sheets[0].amounts if row.what == "Droplets expected")
    assert row.how is How.UNSURE
    assert How.UNSURE.value in page


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


@pytest.mark.parametrize(
    ("text", "time", "how"),
    [
        (DEB, "at least 120 min", How.CONFIRMED),
        (DEB.replace('"3 mL"', '"40 mL"'), "60 min", How.CONFIRMED),
        (
            f'{DEB}\nloading_time = "0.5 min"',
            "30 s",
            How.ENTERED,
        ),
    ],
)
def test_the_loading_time_is_said_as_its_source_says_it(
    boxes: BoxStudy, text: str, time: str, how: How
) -> None:
    """EMB-B2: at least 2 h; EMB-B1: 1 h in 2 mg/mL, of which 75 mg in 40 mL are less; else one's own."""
    (first, *_) = sheets_of(plan_of(boxes, "deb-tace", text)).sheets
    (row,) = [row for row in first.amounts if row.what == "Loading time"]
    assert ((row.value or "").replace(SPACE, " "), row.how) == (time, how)
    assert "Loading time is" not in {row.what for row in first.limits}


def test_a_time_below_the_published_stands_in_the_frame_on_the_front(boxes: BoxStudy) -> None:
    (first, *_) = sheets_of(plan_of(boxes, "deb-tace", f'{DEB}\nloading_time = "20 min"')).sheets
    (asked,) = first.acknowledge
    assert asked.sign
    assert "shorter than the published 2 h" in asked.text


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


def test_the_days_between_sessions_are_for_the_report(boxes: BoxStudy) -> None:
    """A sheet is of one session."""
    plan = plan_of(boxes, "deb-tace", DEB)
    assert "interval-beads" in {finding.id for finding in plan.findings}
    assert "Between sessions" not in render_sheets(sheets_of(plan))


def test_a_stop_stands_on_the_front(boxes: BoxStudy) -> None:
    rest = "[facts]\ndilated_bile_ducts = true\nbile_ducts_drained = false"
    plan = plan_of(boxes, "ctace", CTACE, rest=rest)
    assert any(f.severity is Severity.STOP for f in plan.findings)
    sheet = sheets_of(plan).sheets[0]
    (stop,) = sheet.stops
    assert (stop.weight, stop.sign) == ("STOP", True)
    assert "bile ducts are dilated" in stop.text
    assert "STOP" not in {notice.weight for notice in sheet.ask}
    page = render_sheets(sheets_of(plan))
    assert page.index("bile ducts are dilated") < page.index("1. Take") < page.index("6. After the session")


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


FULL = {
    "beads": ("deb-tace", DEB),
    "dry beads": ("deb-tace", f"{HEPASPHERE}\nvials = 2"),
    "shared figures": ("deb-tace", f"{DEB.replace('DC Bead', 'LC Bead')}\nvial = '2 mL'"),
    "much open": ("deb-tace", OXALIPLATIN),
    "emulsion": ("ctace", f'{CTACE}\nproduct = "Bearing 150-250"'),
    "particles": ("bland", BLAND),
}


@pytest.mark.slow
@pytest.mark.skipif(pdf.availability() is not None, reason="no PDF on this machine")
@pytest.mark.parametrize("name", FULL)
def test_one_session_is_one_sheet_of_paper(boxes: BoxStudy, name: str) -> None:
    """Front and back: two pages for each of two sessions, and none of them blank."""
    import weasyprint

    kind, text = FULL[name]
    page = render_sheets(sheets_of(plan_of(boxes, kind, text)))
    assert len(weasyprint.HTML(string=page).render().pages) == 4


@pytest.mark.parametrize("name", FULL)
def test_no_figure_of_a_session_is_left_off_its_sheet(boxes: BoxStudy, name: str) -> None:
    """Each stands in a row, in the table of keeping, or in words in a finding."""
    kind, text = FULL[name]
    plan = plan_of(boxes, kind, text)
    assert plan.loading is not None
    for session, sheet in zip(plan.loading.sessions, sheets_of(plan).sheets, strict=True):
        rows = {name for row in (*sheet.amounts, *sheet.limits) for name in row.rests}
        elsewhere = {e.name for e in session.figures if e.unit == "text" or "storage." in e.name}
        assert {entry.name for entry in session.figures} - rows - elsewhere == set()


@pytest.mark.parametrize("kind", KINDS)
def test_bilirubin_is_on_the_front_and_a_blank_where_it_is_missing(boxes: BoxStudy, kind: str) -> None:
    said, missing = (sheets_of(plan_of(boxes, kind, KINDS[kind], **rest)) for rest in ({}, {"rest": ""}))
    row = said.sheets[0].amounts[0]
    assert (row.value, row.how) == (f"0.8{SPACE}mg/dL", How.ENTERED)
    row = missing.sheets[0].amounts[0]
    assert ("bilirubin" in row.what, row.value, row.how) == (True, None, How.OPEN)


def test_a_size_to_confirm_is_marked_and_a_note_is_printed(boxes: BoxStudy) -> None:
    """LifePearl of 100 um is known from a news page; its loaded share was measured in vitro."""
    text = 'product = "LifePearl 100"\ndrug = "doxorubicin"\ndrug_dose = "75 mg"\nbeads = "2 mL"'
    (first, *_) = sheets_of(plan_of(boxes, "deb-tace", text)).sheets
    rows = {row.what: row for row in first.amounts}
    assert rows[f"Size 100{SPACE}µm once loaded"].how is How.UNSURE
    assert "in vitro, not a label" in rows["Loaded on the beads"].source


def test_an_insert_is_named_only_where_one_says_it(boxes: BoxStudy) -> None:
    """LC Bead takes its figures from DC Bead: from a manual those, from papers the others."""
    text = f"{DEB.replace('DC Bead', 'LC Bead')}\nvial = '2 mL'"
    (first, *_) = sheets_of(plan_of(boxes, "deb-tace", text)).sheets
    rows = {row.what: row.how for row in first.amounts}
    assert rows["Drug per mL of beads"] is How.TO_CONFIRM
    assert rows["Loading time"] is How.UNSURE


def test_beads_say_when_to_stop_and_what_to_do_about_a_shunt(boxes: BoxStudy) -> None:
    (first, *_) = sheets_of(plan_of(boxes, "deb-tace", DEB)).sheets
    rows = {row.what: row for row in first.amounts}
    assert "used up first, stop" in (rows["End point"].value or "")
    assert rows["End point"].source.startswith("EMB-B2")
    assert "occluded first" in (rows["Shunt, before beads"].value or "")
    assert rows["Shunt, before beads"].source.startswith("EMB-A6")


def test_what_was_acknowledged_stays_in_sight_with_who_did(boxes: BoxStudy) -> None:
    text = (
        'product = "DC Bead"\ndrug = "irinotecan"\ndrug_dose = "150 mg"\nacknowledged = ["above-trial-cap"]'
    )
    (plain, *_) = sheets_of(plan_of(boxes, "deb-tace", text)).sheets
    (settled,) = plain.acknowledged
    assert "150 mg" in settled.text
    assert settled.text.endswith("by whom is not said.")
    assert "acknowledge to go on" not in settled.text
    named = sheets_of(plan_of(boxes, "deb-tace", f'{text}\nacknowledged_by = "Dr Rossi, 20 November"'))
    assert named.sheets[0].acknowledged[0].text.endswith("Acknowledged by Dr Rossi, 20 November.")
    assert "Acknowledged by Dr Rossi" in render_sheets(named)


def test_an_emulsion_without_a_fluid_has_a_blank_for_it(boxes: BoxStudy) -> None:
    (open_one, *_) = sheets_of(plan_of(boxes, "ctace", CTACE)).sheets
    assert "Diluent of the drug" in {row.what for row in open_one.amounts if row.how is How.OPEN}
    assert "diluent ________" in {item.what for item in open_one.take}
    (named, *_) = sheets_of(plan_of(boxes, "ctace", f'{CTACE}\ndiluent = "dilute contrast"')).sheets
    assert "dilute contrast" in {item.what for item in named.take}
    assert "Diluent of the drug" not in {row.what for row in named.amounts}


def test_an_entered_volume_is_told_from_one_by_the_ratio(boxes: BoxStudy) -> None:
    by_ratio = CTACE.replace('aqueous = "10 mL"', "oil_to_aqueous = 2")
    said, reckoned = (
        {row.what: row for row in sheets_of(plan_of(boxes, "ctace", text)).sheets[0].amounts}
        for text in (CTACE, by_ratio)
    )
    assert (said["Aqueous phase"].how, reckoned["Aqueous phase"].how) == (How.ENTERED, How.COMPUTED)
    assert reckoned["Aqueous phase"].source == "oil over the ratio entered"
    assert said["Iodised oil"].how is How.ENTERED
    assert (said["Injection rate"].value, said["Injection rate"].how) == ("1 mL/min", How.UNSURE)


def test_the_particles_of_a_trial_are_taken_and_sourced(boxes: BoxStudy) -> None:
    (first, *_) = sheets_of(plan_of(boxes, "ctace", CTACE, procedure='protocol = "retnet"')).sheets
    assert any("50 to 500" in item.what for item in first.take)
    (row,) = [row for row in first.amounts if row.what == "Particles after it"]
    assert "retnet" in row.source


def test_particles_say_what_a_vial_holds_and_whether_the_catheter_is_wide_enough(boxes: BoxStudy) -> None:
    rows = {row.what: row for row in sheets_of(plan_of(boxes, "bland", BLAND)).sheets[0].amounts}
    assert (rows["In a vial"].value, rows["In a vial"].source[:7]) == ("100 mg", "EMB-A19")
    assert "wide enough for 150-250" in (rows["Catheter, inner diameter"].value or "")


def test_a_dose_given_before_is_printed_without_a_body_surface(boxes: BoxStudy) -> None:
    prior = '[[prior]]\nkind = "drug"\ndrug = "epirubicin"\ndose_mg_per_m2 = 100'
    (first, *_) = sheets_of(plan_of(boxes, "deb-tace", DEB, person="", rest=prior)).sheets
    assert f"epirubicin: 100{SPACE}mg/m² before this plan." in first.history
    assert any("was not checked" in notice.text for notice in first.open_items)


def test_questions_without_an_answer_are_named_on_the_front(boxes: BoxStudy) -> None:
    (first, *_) = sheets_of(plan_of(boxes, "ctace", CTACE)).sheets
    (line,) = [notice for notice in first.open_items if "asked on the back" in notice.weight]
    assert "portal vein" in line.text
    assert "right to left shunt" in line.text


def test_an_amount_has_the_same_digits_all_over_a_sheet(boxes: BoxStudy) -> None:
    """50 mg/m2 of 1.72717 m2 are 86.3588 mg: 86.359 in rows and in steps."""
    text = CTACE.replace('"50 mg"', '"50 mg/m2"')
    page = render_sheets(sheets_of(plan_of(boxes, "ctace", text))).replace(SPACE, " ")
    assert page.count("86.359 mg") >= 3
    assert "86.3588" not in page
    assert same_digits("86.3588 mg, doi 10.12345/6") == "86.359 mg, doi 10.12345/6"
