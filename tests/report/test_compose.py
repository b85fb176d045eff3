"""What the document says, and what it must never say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.report.conftest import MakePlanned

from emboplan.model.finding import Finding, Severity
from emboplan.model.plan import PlannedCase
from emboplan.report.compose import compose
from emboplan.report.document import Bullets, Cell, Document, Footnotes, Section, Table
from emboplan.report.sections.judgement import findings_of, judge
from emboplan.report.summary import burden_lines, eligibility_lines, summary_lines


def _section(document: Document, id_: str) -> Section:
    return next(section for section in document.sections if section.id == id_)


def _tables(document: Document, id_: str) -> list[Table]:
    return [block for block in _section(document, id_).blocks if isinstance(block, Table)]


def _row(table: Table, label: str) -> tuple[Cell, ...]:
    return next(row for row in table.rows if row[0].text == label)


@pytest.fixture(scope="module")
def document(planned: PlannedCase[Any]) -> Document:
    return compose(planned.plan, ())


def test_first_line_is_provisional_until_a_reader_confirms(document: Document, make: MakePlanned) -> None:
    expected = "PROVISIONAL: contours by the built-in segmentation, not confirmed by a reader"
    assert expected == document.banners[0].text
    confirmed = compose(make(confirmed_by="Dr A. Reader").plan, ())
    assert confirmed.banners[0].text == "Contours confirmed by Dr A. Reader"


def test_second_line_says_that_it_is_no_medical_device(document: Document) -> None:
    assert document.banners[1].text.startswith("Research software, not a medical device")


def test_summary_counts_failed_checks_and_open_items(document: Document, planned: PlannedCase[Any]) -> None:
    """One limit is exceeded; open are the contours, a fact, a criterion and two warnings."""
    first = _section(document, "summary").blocks[0]
    assert isinstance(first, Bullets)
    assert first.lead == "1 computed check failed; 5 items need a physician."
    assert first.items == ("Whole normal liver: 30.3 Gy exceeds the limit of 30.25 Gy.",)
    assert len(judge(planned.plan).for_physician) == 5


def test_unconfirmed_contours_are_one_item_with_a_protocol_too(planned: PlannedCase[Any]) -> None:
    """The protocol's flag about them says no more than the item that every provisional plan has."""
    assert planned.plan.eligibility is not None
    assert "provisional" in {flag.id for flag in planned.plan.eligibility.flags}
    items = judge(planned.plan).for_physician
    assert len([item for item in items if "contours" in item]) == 1


def test_a_plan_without_failures_still_needs_a_physician(planned: PlannedCase[Any]) -> None:
    plan = replace(planned.plan, activity=None, eligibility=None, tumour_to_normal=None)
    assert judge(plan).headline == "No computed check failed; 2 items need a physician."


def test_a_stop_is_a_failed_check(bare: PlannedCase[Any]) -> None:
    stop = Finding("x", Severity.STOP, "The liver is cut off by the field of view.")
    plan = replace(bare.plan, findings=(stop,))
    assert (stop.text,) == judge(plan).failed
    assert stop == findings_of(plan)[0]


def test_findings_are_listed_once_and_the_weightiest_first(planned: PlannedCase[Any]) -> None:
    """A finding of a part that the plan repeats is not printed twice."""
    repeated = replace(planned.plan, findings=planned.plan.findings + planned.plan.burden.findings)
    ids = [finding.id for finding in findings_of(repeated)]
    assert ids == ["burden-borderline", "ratio-bias", "no-net-threshold", "lungs-cut"]


def test_nothing_says_that_a_patient_may_be_treated(document: Document) -> None:
    assert "may treat" not in repr(document)
    assert "may be treated" not in repr(document)


def test_limits_show_value_method_source_and_status(document: Document) -> None:
    table = next(t for t in _tables(document, "activity") if t.caption == "Limits")
    row = _row(table, "Lungs, one session")
    assert [cell.text for cell in row[2:5]] == ["5.72\N{NO-BREAK SPACE}Gy", "30\N{NO-BREAK SPACE}Gy", "kept"]
    assert row[5].text == "planar lung shunt and a lung mass of 1 kg"
    note = table.footnotes[row[0].notes[0] - 1]
    assert note == "van Roekel, thesis, p. 30; confirm against the package insert in force"
    assert _row(table, "Whole normal liver")[4].text == "EXCEEDED"


def test_fractions_are_shown_as_percent(document: Document) -> None:
    table = _tables(document, "uptake")[0]
    assert _row(table, "Entered by the user")[1].text == "5.00\N{NO-BREAK SPACE}%"
    assert _row(table, "Entered by the user")[4].text == "used"
    planar = _row(table, "Planar, geometric mean")
    assert "reads high" in table.footnotes[planar[0].notes[0] - 1]


def test_entered_and_measured_ratio_stand_together(document: Document) -> None:
    table = _tables(document, "uptake")[1]
    assert table.rows[0][1].text == "5"
    measured = _row(table, "All lesions, measured")
    assert [cell.text for cell in measured[1:]] == ["3.42", "4.71", "4.20 to 5.30"]
    assert "not quantifiable" in table.footnotes[_row(table, "Lesion 3")[0].notes[0] - 1]


def test_open_criteria_come_before_those_that_pass(document: Document) -> None:
    rows = _tables(document, "eligibility")[0].rows
    assert [row[0].text for row in rows] == ["CTY-I13", "CTY-I14", "CTY-I01", "CTY-I09"]
    assert rows[3][2].text == "≤ 2.0 mg/dL"


def test_sections_follow_what_the_plan_has(document: Document, bare: PlannedCase[Any]) -> None:
    full = ["summary", "findings", "anatomy", "eligibility", "uptake", "activity", "dose"]
    assert [*full, "checks", "record", "sources"] == [section.id for section in document.sections]
    short = [section.id for section in compose(bare.plan, ()).sections]
    assert short == ["summary", "findings", "anatomy", "record", "sources"]


def test_same_footnote_gets_the_same_number() -> None:
    notes = Footnotes()
    assert [notes.number(text) for text in ("a", "b", "a", "")] == [(1,), (2,), (1,), ()]
    assert notes.texts == ("a", "b")


def test_viable_tumour_is_shown_where_it_was_told(planned: PlannedCase[Any]) -> None:
    """Columns for each lesion, a row of the volumes, and a line in the terminal; none of it otherwise."""
    burden = planned.plan.burden
    told = tuple(
        replace(lesion, viable_ml=lesion.volume_ml / 2, viable_longest_mm=30.0,
                viable_perpendicular_mm=20.0, enhancement_hu=-31.0)
        for lesion in burden.lesions
    )  # fmt: skip
    with_viable = replace(burden, lesions=told, viable_tumour_ml=burden.tumour_ml / 2)
    volumes, lesions = _tables(compose(replace(planned.plan, burden=with_viable), ()), "anatomy")
    assert _row(volumes, "Viable tumour")
    columns = [cell.text for cell in lesions.header]
    assert columns.index("Enhancement (HU)") == columns.index("Viable (mL)") + 3
    assert lesions.rows[0][columns.index("Enhancement (HU)")].text == "\N{MINUS SIGN}31"
    assert len(lesions.rows[0]) == len(columns)
    assert any(line.startswith("viable") for line in burden_lines(with_viable))
    assert not any(line.startswith("viable") for line in burden_lines(burden))
    untold = _tables(compose(planned.plan, ()), "anatomy")[1]
    assert "Viable (mL)" not in [cell.text for cell in untold.header]


def test_terminal_lines_say_the_same(planned: PlannedCase[Any]) -> None:
    lines = summary_lines(planned.plan)
    assert lines[0].startswith("PROVISIONAL")
    assert "1 computed check failed; 5 items need a physician." in lines
    assert any(line.startswith("Activity to administer") and "2.31 GBq" in line for line in lines)
    assert "3 lesions" in burden_lines(planned.plan.burden)
    assert planned.plan.eligibility is not None
    assert eligibility_lines(planned.plan.eligibility)[0] == "CapTemY90: undetermined"


def test_a_limit_that_a_finding_names_is_counted_once(planned: PlannedCase[Any]) -> None:
    plan = planned.plan
    assert plan.activity is not None
    assert plan.activity.chosen is not None
    over = next(limit for limit in plan.activity.chosen.limits if limit.exceeded)
    said = Finding(f"limit-exceeded-{over.name}", Severity.STOP, "The limit is exceeded.")
    failed = judge(replace(plan, findings=(*plan.findings, said))).failed
    assert len(failed) == len(judge(plan).failed)
    assert "The limit is exceeded." in failed
