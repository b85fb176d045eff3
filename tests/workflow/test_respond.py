"""The verb: settings, protocols, several patients, and what is beside the answer."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.response.rows import course_of, day, row

import emboplan as ep
from emboplan.errors import CaseFileError, InputError
from emboplan.model.response import Course, ResponseOptions
from emboplan.workflow.responding.respond import respond_cohort

SHRINKS = course_of([(0, 100), (60, 60), (100, 60), (160, 75)])


def test_the_settings_are_stored_with_the_answer() -> None:
    answer = ep.respond(SHRINKS, options=ResponseOptions(assessor="reader 1"))
    assert answer.criteria_version == "RECIST 1.1"
    assert answer.baseline_date == day(0)
    settings = dict(answer.settings)
    assert settings == {
        "max_targets": 5,
        "max_targets_per_organ": 2,
        "min_sd_interval_days": 42,
        "confirmation": False,
        "confirmation_interval_days": 28,
        "carry_pr": False,
        "reread_cr": False,
        "five_mm": True,
        "visit_window_days": None,
        "days_per_month": 30.4375,
        "as_of": None,
        "assessor": "reader 1",
    }


def test_the_best_response_follows_the_protocol_s_confirmation() -> None:
    single = course_of([(0, 100), (60, 60), (120, 75)])
    assert ep.respond(single).best_overall == "PR"
    deboxa = ep.respond(single, protocol="deboxa")
    assert (deboxa.best_overall, deboxa.best_hepatic, deboxa.protocol) == ("SD", "SD", "DEBOXA")
    assert (deboxa.best_with_confirmation.overall, deboxa.best_without_confirmation.overall) == ("SD", "PR")
    relaxed = ResponseOptions(protocol="deboxa", confirmation=False)
    assert ep.respond(single, options=relaxed).best_overall == "PR"
    assert ep.respond(SHRINKS, protocol="deboxa").best_overall == "PR"


def test_options_change_the_limits() -> None:
    three = [row(number, name, mm=20) for number in (0, 30) for name in "ABC"]
    with pytest.raises(CaseFileError, match="3 targets in the organ liver"):
        ep.respond(three)
    answer = ep.respond(three, options=ResponseOptions(max_targets_per_organ=3, min_sd_interval_days=30))
    assert answer.best_overall == "SD"
    assert answer.settings["max_targets_per_organ"] == 3
    with pytest.raises(CaseFileError, match="3 targets, expected at most 2 in total"):
        ep.respond(three, options=ResponseOptions(max_targets_per_organ=3, max_targets=2))
    longer = ResponseOptions(max_targets_per_organ=3, min_sd_interval_days=31)
    assert ep.respond(three, options=longer).best_overall == "NE"


def test_the_absolute_rule_of_mrecist_is_an_option() -> None:
    rows = [row(number, "A", mm=40, viable_longest_mm=mm) for number, mm in ((0, 20), (60, 24))]
    assert ep.respond(rows, criteria="mrecist").time_points[-1].overall_point.overall == "PD"
    asked = ResponseOptions(criteria="mrecist", five_mm=True)
    assert ep.respond(rows, options=asked).time_points[-1].overall_point.overall == "SD"
    assert ep.respond(rows, options=asked).settings["five_mm"] is True


def test_a_complete_response_read_again() -> None:
    """The targets are gone and a node of 12 mm comes back: progression at that visit, or partial response."""
    rows = [row(0, "A", mm=18), row(0, "N", mm=16, organ="node")]
    rows += [row(60, "A", mm=0), row(60, "N", mm=9, organ="node")]
    rows += [row(120, "A", mm=0), row(120, "N", mm=12, organ="node")]
    assert ep.respond(rows).best_with_confirmation.overall == "SD"
    again = ep.respond(rows, options=ResponseOptions(reread_cr=True))
    assert again.best_with_confirmation.overall == "PR"


def test_carrying_is_of_each_scope_by_itself() -> None:
    rows = [*course_of([(0, 100), (60, 70), (120, 70), (180, 80)]), row(180, "X", "new", organ="lung")]
    carried = ep.respond(rows, options=ResponseOptions(carry_pr=True)).time_points
    assert [p.overall_point.overall for p in carried] == [None, "PR", "PR", "PD"]
    assert [p.hepatic_point.overall for p in carried] == [None, "PR", "PR", "PR"]


def test_other_criteria_stand_beside_only_where_they_can_be_told() -> None:
    assert ep.respond(SHRINKS).beside == {}
    rows = [row(number, "A", mm=40, viable_longest_mm=mm) for number, mm in ((0, 20), (60, 10))]
    assert set(ep.respond(rows).beside) == {"mrecist"}
    beside = ep.respond(rows, criteria="mrecist").beside
    assert beside["recist"] == {
        "best_overall": "SD",
        "best_hepatic": "SD",
        "overall": [None, "SD"],
        "hepatic": [None, "SD"],
    }


def test_findings() -> None:
    set_by_hand = ResponseOptions(min_sd_interval_days=56)
    late = ep.respond(SHRINKS, {"first_treatment_date": day(-1).isoformat()}, set_by_hand)
    assert late.findings == (f"The baseline scan ({day(0)}) is later than the first treatment ({day(-1)}).",)
    assert ep.respond(SHRINKS, {"first_treatment_date": day(0)}, set_by_hand).findings == ()
    none = ep.respond(SHRINKS, None, set_by_hand)
    assert none.findings == (
        "The course states no start of os, pfs, hpfs, thp: these times count from the baseline scan.",
    )
    named = ep.respond(SHRINKS, {"first_treatment_date": day(0)}, protocol="deboxa").findings
    assert named[0].startswith("DEBOXA: The document says RECIST without a version: 1.1 is taken.")
    rows = [row(0, "A", mm=40, viable_longest_mm=20)]
    assert any("hepatocellular carcinoma" in line for line in ep.respond(rows, criteria="mrecist").findings)


def test_numbers_to_confirm_are_said_to_be() -> None:
    treated = {"first_treatment_date": day(0)}
    assert ep.respond(SHRINKS, treated).findings == (
        "Confirm against the guideline in force: stable disease from day 42 on.",
    )
    rows = [row(0, "A", mm=40, viable_longest_mm=20), row(60, "A", state="too-small")]
    options = ResponseOptions(criteria="mrecist", confirmation=True)
    assert ep.respond(rows, treated, options).findings[-1] == (
        "Confirm against the guideline in force: stable disease from day 42 on; 28 days to a confirmation; "
        "5 mm for what is too small to measure; mRECIST without an absolute growth."
    )
    asked = ResponseOptions(criteria="mrecist", five_mm=True, min_sd_interval_days=42)
    assert ep.respond(SHRINKS[:1], treated, ResponseOptions(min_sd_interval_days=42)).findings == ()
    assert "absolute" not in ep.respond(rows, treated, asked).findings[-1]


def test_only_a_baseline() -> None:
    answer = ep.respond(course_of([(0, 20)]))
    assert (answer.best_overall, answer.best_hepatic) == ("NE", "NE")
    assert answer.endpoints["pfs"].result.time_days == 1
    assert (answer.evaluable, answer.to_json()["evaluable"]) == (False, False)
    assert ep.respond(SHRINKS).to_json()["evaluable"] is True


def test_no_disease_in_the_liver() -> None:
    answer = ep.respond([row(0, "A", mm=20, organ="lung"), row(60, "A", mm=20, organ="lung")])
    assert (answer.best_overall, answer.best_hepatic) == ("SD", None)


def test_responses_of_the_italian_trial() -> None:
    """Randomised at baseline, scans at month 3 and 6, second embolization after the first of them."""
    rows = course_of([(0, 100), (90, 60), (180, 90)])
    course = {"randomisation_date": day(0), "treatment_dates": [day(5), day(95)]}
    options = ResponseOptions(protocol="tae-italy", visit_window_days=14)
    third, sixth = ep.respond(rows, course, options).responses
    assert (third.category, third.counts, third.date) == ("PR", True, day(90))
    assert (sixth.category, sixth.counts) == ("PD", False)
    without = ep.respond(rows, course, protocol="tae-italy").responses[0]
    assert (without.counts, without.missing) == (None, ("visit_window_days",))


def test_disease_control_of_deboxa_within_two_years() -> None:
    rows = course_of([(0, 100), (30, 100), (740, 60), (780, 60)])
    found = {r.id: r for r in ep.respond(rows, {"first_treatment_date": day(0)}, protocol="deboxa").responses}
    assert (found["dcr"].category, found["dcr"].counts) == ("NE", False)
    assert ep.respond(rows, protocol="deboxa").best_hepatic == "PR"


def test_months() -> None:
    """365.25 days are 12 months; so are 30.4375 x 4 = 121.75 days four."""
    found = ep.respond(course_of([(0, 20), (487, 40)])).endpoints["pfs"]
    assert (found.result.time_days, found.months) == (487, 16)


def cohort() -> list[dict[str, Any]]:
    sizes = {"P1": (100, 60), "P2": (100, 100), "P3": (100, 130), "P4": (100, 0)}
    return [
        row(number, "A", mm=mm, patient=patient)
        for patient, pair in sizes.items()
        for number, mm in zip((0, 60), pair, strict=True)
    ]


def test_rates_and_curves_of_several_patients() -> None:
    answer = respond_cohort(cohort())
    assert {name: p.best_overall for name, p in answer.patients.items()} == {
        "P1": "PR",
        "P2": "SD",
        "P3": "PD",
        "P4": "CR",
    }
    assert (answer.rates["orr"].count, answer.rates["orr"].patients) == (2, 4)
    assert (answer.rates["dcr"].count, answer.rates["dcr_evaluable"].patients) == (3, 4)
    curve = answer.survival["pfs"]
    assert (curve.patients, curve.events) == (4, 1)
    assert curve.steps[0].survival_frac == 0.75
    assert answer.findings == ()
    assert json.dumps(answer.to_json())


def test_one_not_evaluable_patient_is_no_responder_and_not_evaluable() -> None:
    rows = [*cohort(), row(0, "A", mm=20, patient="P5"), row(60, "A", state="NE", patient="P5")]
    rates = respond_cohort(rows).rates
    assert (rates["orr"].patients, rates["orr_evaluable"].patients) == (5, 4)
    assert rates["orr_evaluable"].count == 2


def test_courses_by_patient() -> None:
    death = Course(first_treatment_date=day(0), death_date=day(90))
    answer = respond_cohort(cohort(), {"P2": death, "P3": {"death_date": day(70)}})
    assert answer.survival["os"].events == 2
    assert answer.patients["P2"].endpoints["pfs"].result.event_kind == "death"
    with pytest.raises(CaseFileError, match="course: no reads are of this patient"):
        respond_cohort(cohort(), {"": death})


def test_patients_without_an_answer_are_left_out_and_said_so() -> None:
    courses = {"P1": {"randomisation_date": day(0), "treatment_dates": [day(0)]}}
    options = ResponseOptions(protocol="tae-italy", visit_window_days=60)
    findings = respond_cohort(cohort(), courses, options).findings
    assert findings == (
        "objective_response_month_3: left out 3 patients without an answer",
        "objective_response_month_6: 4 patients could not be judged and count as no response",
    )
    symptoms = respond_cohort(cohort(), {}, ResponseOptions(protocol="retnet")).findings
    assert symptoms == ("symptom_relief: left out 4 patients without a time",)


def test_mistakes_of_all_patients_at_once() -> None:
    rows = cohort()
    rows[1]["longest_mm"] = "NaN"
    rows[4]["longest_mm"] = 5
    with pytest.raises(CaseFileError) as caught:
        respond_cohort(rows, {"P2": {"death": 1}})
    assert [line.partition(",")[0].partition(":")[0] for line in caught.value.problems] == [
        "row 2",
        "course of P2",
        "patient P3",
    ]


def test_one_patient_is_asked_for() -> None:
    with pytest.raises(InputError, match=r"found several patients \(P1, P2, P3 ...\)"):
        ep.respond(cohort())
    alone = [line for line in cohort() if line["patient"] == "P1"]
    assert ep.respond(alone, {"death_date": day(90)}).endpoints["os"].result.event is True


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"criteria": "recist1"}, 'no criteria "recist1"; did you mean "recist"?'),
        ({"protocol": "retnett"}, 'no protocol "retnett"; did you mean "retnet"?'),
        ({"protocol": "general"}, 'no protocol "general"'),
    ],
)
def test_names_that_are_not_known(more: dict[str, str], words: str) -> None:
    with pytest.raises(InputError) as caught:
        ep.respond(SHRINKS, **more)  # type: ignore[arg-type]  # by keyword
    assert words in str(caught.value)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = (json.dumps(respond_cohort(cohort()).to_json()) for _ in range(2))
    assert one == other
    assert ep.respond(SHRINKS).to_json()["endpoints"]["pfs"]["time_months"] == pytest.approx(160 / 30.4375)
