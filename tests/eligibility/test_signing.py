"""Who judged: the person, the day and the reasons beside an answer, and what the verdict says of them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.eligibility.conftest import PATIENT, Clinic, table

from emboplan.eligibility.columns import columns_from_table
from emboplan.eligibility.criterion import protocol_from_table
from emboplan.eligibility.evaluate import evaluate
from emboplan.eligibility.facts import parse_facts
from emboplan.eligibility.many import screen
from emboplan.eligibility.signing import parted, signature
from emboplan.errors import CaseFileError, CatalogError
from emboplan.model.patient import Fact, FactOrigin, FactValue, LabValue, PatientFacts, Signature

DAY = date(2026, 5, 18)
SIGNED = {"value": True, "by": "A. Meyer", "on": DAY}


def flags(clinic: Clinic, protocol: str, **changes: Any) -> dict[str, str]:
    return {flag.id: flag.text for flag in clinic.judge(protocol, **changes).flags}


@pytest.mark.parametrize(
    ("name", "value", "alone"),
    [
        ("inoperable", True, True),
        ("nen_type", "NET", "NET"),
        ("life_expectancy_months", 24, Decimal(24)),
        ("liver_share_of_total_tumor_burden_pct", "85 %", Decimal(85)),
        ("enrolment_date", "2026-05-20", date(2026, 5, 20)),
        ("creatinine", "90 umol/L", LabValue(Decimal(90), "umol/L")),
    ],
)
def test_any_value_may_name_who_answered(clinic: Clinic, name: str, value: object, alone: FactValue) -> None:
    facts = parse_facts({name: {"value": value, "by": " A. Meyer ", "on": "2026-05-18"}}, clinic.definitions)
    assert facts.known[name] == Fact(alone, signed=Signature("A. Meyer", DAY))


def test_a_laboratory_value_keeps_its_unit_beside_the_name(clinic: Clinic) -> None:
    raw = {"creatinine": {"value": 90, "unit": "umol/L", "by": "A", "on": DAY, "reason": "repeated"}}
    fact = parse_facts(raw, clinic.definitions).known["creatinine"]
    assert fact.signed == Signature("A", DAY, "repeated")
    assert (
        fact.value == parse_facts({"creatinine": "90 umol/L"}, clinic.definitions).known["creatinine"].value
    )


def test_a_name_beside_nothing_states_nothing(clinic: Clinic) -> None:
    assert "inoperable" not in parse_facts({"inoperable": {**SIGNED, "value": None}}, clinic.definitions)


def test_one_name_may_stand_for_all_answers(clinic: Clinic) -> None:
    raw = {
        "judged_by": "B. Rossi",
        "judged_on": "2026-05-17",
        "inoperable": SIGNED,
        "liver_dominant": True,
        "liver_mets_unresectable": {"value": True, "reason": "bilobar"},
    }
    known = parse_facts(raw, clinic.definitions).known
    assert [*known] == ["inoperable", "liver_dominant", "liver_mets_unresectable"]
    assert known["inoperable"].signed == Signature("A. Meyer", DAY)
    assert known["liver_dominant"].signed == Signature("B. Rossi", date(2026, 5, 17))
    assert known["liver_mets_unresectable"].signed == Signature("B. Rossi", date(2026, 5, 17), "bilobar")


def test_what_images_measure_is_nobodys_judgement() -> None:
    measured = Fact(value=True, origin=FactOrigin.MEASURED)
    assert measured.signed_by(Signature("A", DAY)) == measured


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ({"inoperable": {"value": True, "by": "A"}}, "inoperable: found by without on; a judgement has"),
        ({"inoperable": {"value": True, "on": DAY}}, "inoperable: found on without by; a judgement has"),
        ({"inoperable": {**SIGNED, "by": " "}}, "inoperable: found by ' ', expected text in quotes"),
        ({"inoperable": {**SIGNED, "by": 3}}, "inoperable: found by 3, expected text in quotes"),
        ({"inoperable": {**SIGNED, "reason": ""}}, "inoperable: found reason '', expected text in quotes"),
        ({"inoperable": {**SIGNED, "on": "18.5.2026"}}, "found on '18.5.2026', expected a date as YYYY"),
        ({"inoperable": {**SIGNED, "on": "2026-02-30"}}, 'found on "2026-02-30", which is no day'),
        ({"inoperable": {**SIGNED, "on": datetime(2026, 5, 18, 9)}}, "expected a date as YYYY-MM-DD"),  # noqa: DTZ001
        ({"inoperable": {**SIGNED, "on": date(2026, 5, 21)}}, "judged on 2026-05-21, which is after today"),
        ({"inoperable": {**SIGNED, "value": "maybe"}}, 'inoperable: found "maybe", expected true or false'),
        ({"inoperable": {**SIGNED, "who": 1}}, "expected true or false"),
        ({"judged_by": "A"}, "judged_by: found judged_by without judged_on; a"),
        ({"judged_by": 1, "judged_on": DAY}, "found judged_by 1, expected text in quotes"),
        ({"judged_by": "A", "judged_on": date(2026, 5, 21)}, "judged_on: judged on 2026-05-21, which"),
    ],
)  # fmt: skip
def test_mistakes_are_told(clinic: Clinic, raw: dict[str, Any], line: str) -> None:
    with pytest.raises(CaseFileError) as caught:
        parse_facts(raw, clinic.definitions, today=date(2026, 5, 20))
    (problem,) = caught.value.problems
    assert line in problem


def test_a_judgement_of_today_is_none_of_the_future(clinic: Clinic) -> None:
    assert "inoperable" in parse_facts({"inoperable": SIGNED}, clinic.definitions, today=DAY)


def test_the_verdict_keeps_who_judged(clinic: Clinic) -> None:
    found = flags(clinic, "DEBOXA", inoperable={**SIGNED, "reason": "bilobar"})
    assert found["judged-by"] == "Judged by: inoperable yes (A. Meyer, 2026-05-18: bilobar)."
    assert "judgement-unsigned" not in found


def test_a_judgement_without_a_name_decides_and_is_told(clinic: Clinic) -> None:
    """As TRIALS has it: entered by a named person with a date; the worked patients have bare answers."""
    result = clinic.judge("MSK-19-125")
    assert result.verdict == "eligible"
    found = {flag.id: flag.text for flag in result.flags}
    assert "judged-by" not in found
    assert found["judgement-unsigned"] == (
        "Judgements without the person and the day, which the protocol needs: MSK-I01 (inoperable)."
    )


def test_several_facts_of_a_criterion_are_named(clinic: Clinic) -> None:
    text = flags(clinic, "CapTemY90", active_infection={**SIGNED, "value": False})["judgement-unsigned"]
    assert "CTY-E01 (contraindication_capecitabine, contraindication_temozolomide)" in text
    assert "CTY-E09 (uncontrolled_intercurrent_illness)" in text
    assert "nen_type" not in text


def test_with_one_name_for_all_nothing_is_unsigned(clinic: Clinic) -> None:
    for protocol in clinic.protocols:
        found = flags(clinic, protocol, judged_by="A. Meyer", judged_on=DAY)
        assert "judgement-unsigned" not in found
        assert "(A. Meyer, 2026-05-18)" in found["judged-by"]


def test_a_visual_estimate_is_a_judgement_where_it_is_entered(clinic: Clinic) -> None:
    assert "RET-I04b" not in flags(clinic, "RETNET")["judgement-unsigned"]
    text = flags(clinic, "RETNET", liver_tumor_burden_visual_pct=40)["judgement-unsigned"]
    assert "RET-I04b (liver_tumor_burden_visual_pct)" in text


@pytest.mark.parametrize(
    ("fact", "criterion", "flag"),
    [
        ("liver_mets_unresectable", "TAE-I02", "written-reasons"),
        ("severe_coagulopathy", "TAE-E03a", "written-details"),
        ("severe_liver_failure", "TAE-E03b", "written-details"),
        ("other_severe_comorbidity", "TAE-E03e", "written-details"),
    ],
)
def test_written_reasons_are_asked_for_until_they_are_there(
    clinic: Clinic, fact: str, criterion: str, flag: str
) -> None:
    def raised(answer: object) -> list[str]:
        flags = clinic.judge("TAE-IT", **{fact: answer}).flags
        return [str(it.criterion) for it in flags if it.id == flag and it.criterion == criterion]

    assert raised(True) == [criterion]
    assert raised(SIGNED) == [criterion]
    assert raised({**SIGNED, "reason": "in the tumour board's letter"}) == []
    assert raised(False) == []


ROWS = {
    "patient": ["A", "B", "C", "D"],
    "inoperable": ["yes", "yes", "yes", ""],
    "inoperable_by": ["A. Meyer", "", "", "A. Meyer"],
    "inoperable_on": ["2026-05-18", "", "", "2026-05-18"],
    "liver_mets_unresectable": ["yes", "yes", "yes", "yes"],
    "liver_mets_unresectable_reason": ["", "bilobar, all segments", "", ""],
}


def test_in_a_table_names_stand_in_columns(clinic: Clinic) -> None:
    columns = columns_from_table(ROWS, clinic.definitions)
    deboxa, tae = screen(columns, [clinic.protocols["DEBOXA"], clinic.protocols["TAE-IT"]]).protocols
    own = {"judged-by", "judgement-unsigned", "written-reasons"}
    assert [own & set(row.flags) for row in deboxa.verdicts] == [
        {"judged-by"}, {"judgement-unsigned"}, {"judgement-unsigned"}, set(),
    ]  # fmt: skip
    assert ["written-reasons" in row.flags for row in tae.verdicts] == [True, False, True, True]


def test_in_a_table_one_name_may_stand_for_the_row(clinic: Clinic) -> None:
    table = {"inoperable": ["yes", "yes"], "judged_by": ["A, B", ""], "judged_on": ["2026-05-18", ""]}
    (deboxa,) = screen(columns_from_table(table, clinic.definitions), [clinic.protocols["DEBOXA"]]).protocols
    assert ["judged-by" in row.flags for row in deboxa.verdicts] == [True, False]
    assert ["judgement-unsigned" in row.flags for row in deboxa.verdicts] == [False, True]


def test_mistakes_of_a_table_name_rows_and_column(clinic: Clinic) -> None:
    rows = {
        **ROWS,
        "inoperable_on": ["2026-05-18", "2026-05-18", "", "2027-01-01"],
        "judged_by": ["A", "", "", ""],
    }
    with pytest.raises(CaseFileError) as caught:
        columns_from_table(rows, clinic.definitions, today=date(2026, 5, 20), first_row=2)
    first, second, third = caught.value.problems
    assert first.startswith(
        "row 3, column inoperable_by: found inoperable_on without inoperable_by; a judgement"
    )
    assert second.startswith(
        "row 5, column inoperable_by: judged on 2027-01-01, which is after today (2026-05-20)"
    )
    assert third.startswith(
        "row 2, column judged_by: found judged_by without judged_on; a judgement has a person"
    )


@pytest.mark.parametrize(
    ("judgement", "line"),
    [
        (["nobody"], "criterion[0].judgement: found ['nobody'], expected true, or a list out of nen_type"),
        (["nen_type", "nobody"], "criterion[0].judgement: found ['nen_type', 'nobody'], expected true, or"),
        (3, "criterion[0].judgement: found 3, expected true, or a list out of nen_type"),
        ([], "criterion[0].judgement: found [], expected true"),
        ("yes", 'found "yes", expected true, or a list'),
    ],
)
def test_a_protocol_may_list_only_facts_that_it_asks_for(
    clinic: Clinic, judgement: object, line: str
) -> None:
    protocol = table("protocols", "deboxa.toml")
    protocol["criterion"][0]["judgement"] = judgement
    with pytest.raises(CatalogError) as caught:
        protocol_from_table(protocol, clinic.definitions)
    assert line in str(caught.value)


def test_a_flag_may_ask_for_the_reasons_of_a_known_fact_only(clinic: Clinic) -> None:
    protocol = table("protocols", "deboxa.toml")
    protocol["flag"][0]["unless_reason"] = "inoperabel"
    with pytest.raises(CatalogError, match=r'flag\[0\]\.unless_reason: .* did you mean "inoperable"\?'):
        protocol_from_table(protocol, clinic.definitions)


def test_washouts_are_records_and_no_judgements(clinic: Clinic) -> None:
    """`judgement = true` on a rule with a washout names the answers beside it alone."""
    protocol = table("protocols", "msk_19_125.toml")
    washout = next(it for it in protocol["criterion"] if it["id"] == "MSK-I02")
    washout["judgement"] = True
    read = protocol_from_table(protocol, clinic.definitions)
    assert next(it.judgement for it in read.criteria if it.id == "MSK-I02") == ()
    assert PATIENT["inoperable"] is True


def test_no_part_is_no_signature() -> None:
    assert signature(None, None) is None
    assert signature(None, None, "why") == Signature(reason="why")


def test_in_a_table_reasons_alone_name_nobody(clinic: Clinic) -> None:
    table = {"inoperable": ["yes"], "inoperable_reason": ["bilobar"]}
    (deboxa,) = screen(columns_from_table(table, clinic.definitions), [clinic.protocols["DEBOXA"]]).protocols
    assert "judgement-unsigned" in deboxa.verdicts[0].flags
    assert "judged-by" not in deboxa.verdicts[0].flags


def test_in_a_table_a_name_alone_is_no_reason(clinic: Clinic) -> None:
    table = {"liver_mets_unresectable": ["yes"], "judged_by": ["A"], "judged_on": ["2026-05-18"]}
    signed = {name.replace("judged", "liver_mets_unresectable"): cells for name, cells in table.items()}
    for rows in (table, signed):
        (tae,) = screen(columns_from_table(rows, clinic.definitions), [clinic.protocols["TAE-IT"]]).protocols
        assert {"written-reasons", "judged-by"} <= set(tae.verdicts[0].flags)


def test_only_a_value_with_a_person_is_taken_apart() -> None:
    assert parted({"value": True}) == ({"value": True}, None)
    assert parted({**SIGNED, "unit": "mm"}) == ({"value": True, "unit": "mm"}, Signature("A. Meyer", DAY))


def test_reasons_alone_name_nobody(clinic: Clinic) -> None:
    found = flags(clinic, "DEBOXA", inoperable={"value": True, "reason": "bilobar"})
    assert "(inoperable)" in found["judgement-unsigned"]
    assert "judged-by" not in found


def test_what_images_measured_is_nobodys_to_sign(clinic: Clinic) -> None:
    known = parse_facts(PATIENT, clinic.definitions).known
    for origin, asked in ((FactOrigin.ENTERED, True), (FactOrigin.MEASURED, False)):
        visual = Fact(Decimal(40), origin=origin)
        facts = PatientFacts({**known, "liver_tumor_burden_visual_pct": visual})
        (text,) = [
            flag.text
            for flag in evaluate(clinic.protocols["RETNET"], facts).flags
            if flag.id == "judgement-unsigned"
        ]
        assert ("liver_tumor_burden_visual_pct" in text) is asked
