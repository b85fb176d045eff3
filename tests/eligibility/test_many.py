"""Many patients at once give the answers of one by one; mistakes in a table name their rows and columns."""

import random
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.eligibility.conftest import PATIENT, PROTOCOL_FILES, Clinic, table

from emboplan.catalog import load
from emboplan.eligibility.columns import columns_from_table
from emboplan.eligibility.criterion import protocol_from_table
from emboplan.eligibility.dictionary import definitions_from_table
from emboplan.eligibility.evaluate import evaluate
from emboplan.eligibility.facts import parse_facts
from emboplan.eligibility.many import screen
from emboplan.errors import CaseFileError, InputError
from emboplan.model.protocol import Compares, Criterion, CriterionKind, FactKind, Operator, Protocol
from emboplan.model.results.screening import STATUSES, VERDICT_HEADER, Screening

PATIENTS = 250


def random_patients(clinic: Clinic, seed: int) -> list[dict[str, Any]]:
    """The reference patient with a few answers missing, turned round, or near a limit."""
    draw = random.Random(seed)  # noqa: S311  patients of a test
    names = [name for name in clinic.definitions if name != "liver_volume_ml"]
    patients = []
    for _ in range(PATIENTS):
        facts: dict[str, Any] = dict(PATIENT)
        for name in draw.sample(names, draw.randrange(1, 9)):
            facts[name] = None if draw.random() < 0.3 else answer(draw, clinic, name)
        for kind in ("chemotherapy", "radiotherapy", "prrt", "ablation", "surgery"):
            if facts[f"prior_{kind}"] is False:
                facts.pop(f"last_{kind}_date", None)
        if "liver_tumor_volume_ml" in facts:  # volumes instead of the percentage
            facts |= {"liver_volume_ml": Decimal(1500), "liver_tumor_burden_pct": None}
        patients.append(facts)
    return patients


def answer(draw: random.Random, clinic: Clinic, name: str) -> object:
    definition = clinic.definitions[name]
    if definition.kind is FactKind.BOOLEAN:
        return draw.random() < 0.5
    if definition.kind is FactKind.CHOICE:
        return draw.choice(definition.choices)
    if definition.kind is FactKind.DATE:
        return date(2026, draw.choice([4, 5]), draw.randrange(1, 21))
    if name in ("alt", "ast"):
        return draw.choice(["5 xULN", "5.1 xULN", "38 U/L", {"value": 201, "unit": "U/L", "uln": 40}])
    if name.startswith("platelets"):
        return draw.choice(["50 10^9/L", "50001 /uL", "100 10^3/uL", "120 10^9/L"])
    labs = {"creatinine": "176.8 umol/L", "bilirubin": "34.3 umol/L", "albumin": "27 g/L"}
    if name in labs:
        return labs[name]
    if definition.kind is FactKind.INTEGER:
        return draw.randrange(int(definition.minimum or 0), int(definition.maximum or 0) + 1)
    if name.startswith("inr"):
        return draw.choice([Decimal("1.5"), Decimal("1.6"), Decimal("1.7")])
    if name == "liver_tumor_volume_ml":
        return Decimal(draw.randrange(100, 1400))
    return Decimal(draw.randrange(5, 100))


def as_table(patients: list[dict[str, Any]], clinic: Clinic) -> dict[str, list[Any]]:
    """A table as a file of text holds it: values with their units, the upper limit in a column of its own."""
    names = list(dict.fromkeys(name for facts in patients for name in facts))
    table: dict[str, list[Any]] = {name: [text(facts.get(name)) for facts in patients] for name in names}
    for name in ("alt", "ast"):
        table[f"{name}_uln"] = [
            str(facts[name]["uln"]) if isinstance(facts.get(name), dict) else "" for facts in patients
        ]
    return table


def text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return random.choice(["true", "True", "yes"]) if value else "no"  # noqa: S311  spellings of a test
    return f"{value['value']} {value['unit']}" if isinstance(value, dict) else str(value)


@pytest.mark.parametrize("stage", [None, "screening"])
@pytest.mark.parametrize("seed", [1, 2])
def test_many_at_once_answer_as_one_by_one(clinic: Clinic, seed: int, stage: str | None) -> None:
    """Every field and the status of every criterion, for patients with unknown, wrong and odd answers."""
    patients = random_patients(clinic, seed)
    screening = screen(
        columns_from_table(as_table(patients, clinic), clinic.definitions),
        list(clinic.protocols.values()),
        stage=stage,
    )
    seen = set()
    for it in screening.protocols:
        for number, facts in enumerate(patients):
            one = evaluate(clinic.protocols[it.protocol], parse_facts(facts, clinic.definitions), stage=stage)
            many = it.verdicts[number]
            for key in ("stage", "verdict", "failed", "missing", "correctable", "deferred"):
                assert getattr(one, key) == getattr(many, key), (number, key)
            assert {flag.id for flag in one.flags} == set(many.flags)
            statuses = [STATUSES[code] for code in it.statuses[number]]
            assert [c.status for c in one.criteria] == statuses
            assert [c.id for c in one.criteria] == list(it.criteria)
            seen.add((it.protocol, many.verdict.value))
    assert {verdict for _, verdict in seen} == {"eligible", "ineligible", "undetermined"}


def test_the_worked_patients_as_a_table(clinic: Clinic, worked_patients: list[dict[str, Any]]) -> None:
    table = as_table([it["facts"] for it in worked_patients], clinic)
    table["id"] = [it["id"] for it in worked_patients]
    result = screen(columns_from_table(table, clinic.definitions), list(clinic.protocols.values()))
    assert list(result.patients) == table["id"]
    for it in result.protocols:
        for patient, row in zip(worked_patients, it.verdicts, strict=True):
            expected = patient["expected"][it.protocol]
            assert expected["verdict"] == row.verdict
            for key in ("failed", "missing", "correctable", "deferred"):
                assert sorted(expected[key]) == list(getattr(row, key)), (patient["id"], it.protocol)


def small(clinic: Clinic) -> Screening:
    table: dict[str, list[Any]] = {"patient": ["A", "B"], "ecog": [1, 4], "age_years": [50, 60]}
    return screen(columns_from_table(table, clinic.definitions), [clinic.protocols["RETNET"]])


def test_the_table_of_verdicts(clinic: Clinic) -> None:
    header, first, second = small(clinic).verdict_rows()
    assert header == VERDICT_HEADER
    assert (first[0], first[1], first[4]) == ("A", "RETNET", "undetermined")
    assert second[:6] == ("B", "RETNET", "true", "pre_treatment", "ineligible", "RET-I08")
    assert second[6] == ""


def test_the_matrix_of_criteria(clinic: Clinic) -> None:
    header, first, second = small(clinic).criteria_rows()
    assert header[:2] == ("patient", "RET-I01")
    assert header[1:] == tuple(c.id for c in clinic.protocols["RETNET"].criteria)
    place = header.index("RET-I08")
    assert (first[0], first[place], second[place]) == ("A", "pass", "fail")


def test_the_result_as_json_and_its_counts(clinic: Clinic) -> None:
    result = small(clinic)
    second = result.to_json()["patients"][1]
    assert second["patient"] == "B"
    assert second["results"]["RETNET"]["failed"] == ["RET-I08"]
    assert second["results"]["RETNET"]["criteria"]["RET-I08"] == "fail"
    counts = {verdict.value: number for verdict, number in result.protocols[0].counts().items()}
    assert counts == {"eligible": 0, "ineligible": 1, "undetermined": 1}
    with pytest.raises(ValueError, match="read-only"):
        result.protocols[0].statuses[0, 0] = 1


def test_rows_of_different_stages_are_judged_each_at_its_own(clinic: Clinic) -> None:
    table = {"assessment_stage": ["screening", "pre_treatment", None]}
    facts = columns_from_table(table, clinic.definitions)
    (result,) = screen(facts, [clinic.protocols["CapTemY90"]]).protocols
    assert [len(row.deferred) for row in result.verdicts] == [2, 0, 0]
    assert ["stage-assumed" in row.flags for row in result.verdicts] == [False, False, True]
    with pytest.raises(InputError, match='found the stage "later"'):
        screen(facts, [clinic.protocols["RETNET"]], stage="later")


@pytest.mark.parametrize(
    ("table", "name", "value"),
    [
        ({"creatinine [umol/L]": ["90"]}, "creatinine", {"value": 90, "unit": "umol/L"}),
        ({"creatinine": [90.0], "creatinine_unit": ["umol/L"]}, "creatinine",
         {"value": 90.0, "unit": "umol/L"}),
        ({"creatinine": [" 90 umol/L "]}, "creatinine", "90 umol/L"),
        ({"alt": ["38 U/L"], "alt_uln": ["40"]}, "alt", {"value": 38, "unit": "U/L", "uln": 40}),
        ({"alt [U/L]": [38], "alt_uln": [40]}, "alt", {"value": 38, "unit": "U/L", "uln": 40}),
        ({"creatinine": ["90 mg/dL"], "creatinine_confirmed": ["yes"]}, "creatinine",
         {"value": 90, "unit": "mg/dL", "confirmed": True}),
        ({"pregnant": ["No"]}, "pregnant", False),
        ({"pregnant": [np.bool_(True)]}, "pregnant", True),
        ({"age_years": [np.float64(17.9)]}, "age_years", 17.9),
        ({"ecog": [np.int64(2)]}, "ecog", 2),
        ({"age_years": ["58"]}, "age_years", 58),
        ({"largest_liver_lesion_mm": ["4.2 cm"]}, "largest_liver_lesion_mm", "4.2 cm"),
        ({"enrolment_date": [datetime(2026, 5, 20)]}, "enrolment_date", "2026-05-20"),  # noqa: DTZ001  as Excel has it
        ({"enrolment_date": ["2026-05-20 00:00:00"]}, "enrolment_date", "2026-05-20"),  # as text
        ({"enrolment_date": ["2026-05-20T00:00"]}, "enrolment_date", "2026-05-20"),
        ({"sex": ["F"]}, "sex", "F"),
    ],
)  # fmt: skip
def test_cells_of_every_kind(clinic: Clinic, table: dict[str, list[Any]], name: str, value: object) -> None:
    (expected,) = parse_facts({name: value}, clinic.definitions).known.values()
    column = columns_from_table(table, clinic.definitions).column(name)
    assert expected == column.values[int(column.codes[0])]


def test_an_empty_cell_is_not_known(clinic: Clinic) -> None:
    facts = columns_from_table({"ecog": ["", None, "  ", "1"], "pregnant": [None] * 4}, clinic.definitions)
    assert facts.column("ecog").codes.tolist() == [0, 0, 0, 1]
    assert facts.column("inr").codes.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ({"creatinin": ["1"]}, 'column creatinin: unknown fact; did you mean "creatinine"?'),
        ({"ecog": ["1", "9"]}, "row 2, column ecog: found 9, expected a number from 0 to 5"),
        ({"ecog": ["9"] * 8}, "rows 1, 2, 3, 4, 5 and 3 more, column ecog: found 9"),
        (
            {"creatinine": ["90"]},
            "row 1, column creatinine: found 90 without a unit, expected mg/dL or umol/L",
        ),
        ({"creatinine [g/L]": ["90"]}, 'row 1, column creatinine [g/L]: found the unit "g/L"'),
        ({"creatinine [mg/dL]": ["90"]}, "was 90 umol/L meant?"),
        ({"creatinine [mg/dL]": ["0.9 mg/dL"]}, 'found the value "0.9 mg/dL", expected a number'),
        ({"creatinine": ["nan"]}, 'row 1, column creatinine: found "nan"'),
        ({"age_years": [float("nan")]}, "row 1, column age_years: found nan, expected a number in years"),
        ({"pregnant": ["1"]}, 'row 1, column pregnant: found "1", expected true or false'),
        ({"ecog": ["1"], "ecog [x]": ["1"]}, "column ecog [x]: the fact ecog stands in two columns"),
        (
            {"prior_prrt": ["no"], "last_prrt_date": ["2026-01-01"]},
            "row 1, last_prrt_date: found 2026-01-01, but prior_prrt is false",
        ),
        (
            {
                "liver_volume_ml": [1500, 1500],
                "liver_tumor_volume_ml": [300, 300],
                "liver_tumor_burden_pct": [20, 30],
            },
            "row 2, liver_tumor_burden_pct: found 30 %, but",
        ),
        (
            {"last_surgery_date": ["2026-07-01"]},
            "row 1, last_surgery_date: found 2026-07-01, which lies in the future",
        ),
        ({"ecog": []}, "the table has no rows"),
    ],
)
def test_mistakes_name_rows_and_columns(clinic: Clinic, table: dict[str, list[Any]], line: str) -> None:
    with pytest.raises(CaseFileError) as caught:
        columns_from_table(table, clinic.definitions, today=date(2026, 6, 1))
    assert len(caught.value.problems) == 1
    assert line in caught.value.problems[0]


def test_a_patient_has_one_row(clinic: Clinic) -> None:
    table: dict[str, list[Any]] = {"patient": ["A", "B", "A", "C"], "ecog": [0, 1, 1, 1]}
    with pytest.raises(CaseFileError) as caught:
        columns_from_table(table, clinic.definitions, first_row=2)
    assert list(caught.value.problems) == [
        "rows 2, 4, column patient: the same patient stands in each; keep one row of every patient"
    ]


def test_contradictions_are_told_in_the_order_of_rows(clinic: Clinic) -> None:
    """300 of 1500 mL are 20 %."""
    table = {
        "liver_volume_ml": [1500] * 4,
        "liver_tumor_volume_ml": [300] * 4,
        "liver_tumor_burden_pct": [40, 20, 30, 40],
    }
    with pytest.raises(CaseFileError) as caught:
        columns_from_table(table, clinic.definitions)
    assert [line.split(", but")[0] for line in caught.value.problems] == [
        "rows 1, 4, liver_tumor_burden_pct: found 40 %",
        "row 3, liver_tumor_burden_pct: found 30 %",
    ]


def test_all_mistakes_of_a_table_at_once(clinic: Clinic) -> None:
    table: dict[str, list[Any]] = {
        "patient": ["A", "B"],
        "ecogg": [1, 1],
        "inr": ["x", "1"],
        "sex": ["F", "W"],
    }
    with pytest.raises(CaseFileError) as caught:
        columns_from_table(table, clinic.definitions, first_row=2)
    assert [line.split(":")[0] for line in caught.value.problems] == [
        "column ecogg", "row 2, column inr", "row 3, column sex"
    ]  # fmt: skip


def test_an_age_is_reckoned_from_two_columns() -> None:
    """TAE-I10 asks for less than 80 years: the day before the birthday passes, the birthday fails."""
    definitions = definitions_from_table(load().fact_table())
    protocol = protocol_from_table(table("protocols", "tae_italy.toml"), definitions)
    days = {"date_of_birth": ["1946-05-21", "1946-05-20", ""], "enrolment_date": ["2026-05-20"] * 3}
    (found,) = screen(columns_from_table(days, definitions), [protocol]).protocols
    place = found.criteria.index("TAE-I10")
    assert [STATUSES[code] for code in found.statuses[:, place]] == ["pass", "fail", "unknown"]


def test_protocols_keep_their_order(clinic: Clinic) -> None:
    wanted = list(reversed(PROTOCOL_FILES))
    facts = columns_from_table({"ecog": [1]}, clinic.definitions)
    result = screen(facts, [clinic.protocols[name] for name in wanted])
    assert wanted == [it.protocol for it in result.protocols]


def test_a_stage_that_is_asked_for_is_not_assumed(clinic: Clinic) -> None:
    columns = columns_from_table({"ecog": ["1"]}, clinic.definitions)
    for stage, assumed in ((None, True), ("screening", False)):
        (found,) = screen(columns, [clinic.protocols["CapTemY90"]], stage=stage).protocols
        assert ("stage-assumed" in found.verdicts[0].flags) is assumed


def test_remarks_are_on_the_value_that_decides(clinic: Clinic) -> None:
    """A multiple of a limit of normal that is missing is told only where that value would decide."""
    after = replace(clinic.definitions["alt"], name="alt_after")
    rule = Compares(clinic.definitions["alt"], Operator.AT_MOST, Decimal(5), "xULN")
    criterion = Criterion("A", CriterionKind.INCLUSION, "words", "a test", rule, after)
    protocol = Protocol(
        "T", "t", "t", "1", "a test", "confirmed", source_complete=True, criteria=(criterion,)
    )
    definitions = {**clinic.definitions, "alt_after": after}
    table = {"alt": ["200 U/L", "200 U/L", "1 xULN"], "alt_after": ["", "1 xULN", "200 U/L"]}
    (found,) = screen(columns_from_table(table, definitions), [protocol]).protocols
    assert [row.flags for row in found.verdicts] == [("upper-limit-missing",), (), ()]
    for number, row in enumerate(found.verdicts):
        facts = parse_facts({name: cells[number] or None for name, cells in table.items()}, definitions)
        assert tuple(flag.id for flag in evaluate(protocol, facts).flags) == row.flags


@pytest.mark.parametrize(
    ("cell", "status"), [("false", "pass"), ("No", "pass"), ("TRUE", "fail"), ("yes", "fail")]
)
def test_words_for_yes_and_no(clinic: Clinic, cell: str, status: str) -> None:
    table = {"active_infection": [cell]}
    (found,) = screen(columns_from_table(table, clinic.definitions), [clinic.protocols["RETNET"]]).protocols
    assert STATUSES[found.statuses[0][found.criteria.index("RET-E03")]] == status


def test_patients_without_a_name_are_numbered_by_their_rows(clinic: Clinic) -> None:
    assert columns_from_table({"ecog": [1, 2]}, clinic.definitions, first_row=2).patients == ("2", "3")
    table: dict[str, list[Any]] = {"patient": ["A", " ", None], "ecog": [1, 2, 0]}
    assert columns_from_table(table, clinic.definitions, first_row=2).patients == ("A", "3", "4")


@pytest.mark.parametrize("name", ["case", "judged_by"])
def test_a_fact_of_that_name_goes_before_the_column_of_the_table(clinic: Clinic, name: str) -> None:
    own = replace(clinic.definitions["pregnant"], name=name)
    found = columns_from_table({name: ["yes"], "ecog": [1]}, {**clinic.definitions, name: own})
    assert found.patients == ("1",)
    assert name in found.columns
    assert found.signed_rows is None


def test_a_column_beside_a_fact_needs_the_fact(clinic: Clinic) -> None:
    for name in ("alt_uln", "creatinine_unit", "inoperable_by"):
        with pytest.raises(CaseFileError, match=f"column {name}: unknown fact"):
            columns_from_table({"ecog": ["1"], name: ["x"]}, clinic.definitions)
    with pytest.raises(CaseFileError, match="the table has no rows"):
        columns_from_table({}, clinic.definitions)


def test_a_fact_of_its_own_is_no_column_beside_another(clinic: Clinic) -> None:
    own = {**clinic.definitions, "alt_uln": replace(clinic.definitions["inr"], name="alt_uln")}
    found = columns_from_table({"alt": ["1 xULN"], "alt_uln": [4]}, own)
    assert found.columns["alt_uln"].values[1] == parse_facts({"alt_uln": 4}, own).get("alt_uln")


def test_volumes_alone_may_contradict_each_other(clinic: Clinic) -> None:
    table = {"liver_volume_ml": [1500, 1500], "liver_tumor_volume_ml": [300, 1600]}
    with pytest.raises(CaseFileError) as caught:
        columns_from_table(table, clinic.definitions, first_row=2)
    (line,) = caught.value.problems
    assert line.startswith("row 3, ")
    assert "1600" in line


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ({"ecog": ["x", "x", "1"]}, 'rows 2, 3, column ecog: found "x"'),
        ({"ecog": ["x"] * 6}, "rows 2, 3, 4, 5, 6 and 1 more, column ecog: "),
        ({"enrolment_date": [datetime(2026, 5, 20, 9)]}, "row 2, column enrolment_date: found"),  # noqa: DTZ001
        ({"ecog]x[": [1]}, "column ecog]x[: unknown fact"),
    ],
)  # fmt: skip
def test_rows_and_columns_in_messages(clinic: Clinic, table: dict[str, list[Any]], line: str) -> None:
    with pytest.raises(CaseFileError) as caught:
        columns_from_table(table, clinic.definitions, first_row=2)
    assert caught.value.problems[0].startswith(line)


def test_units_and_upper_limits_beside_an_empty_cell_state_nothing(clinic: Clinic) -> None:
    table = {"creatinine [umol/L]": ["90", ""], "alt": ["38 U/L", " "], "alt_uln": ["40", "40"]}
    found = columns_from_table(table, clinic.definitions)
    assert found.column("creatinine").codes.tolist() == found.column("alt").codes.tolist() == [1, 0]


@pytest.mark.parametrize("text", ["2", "2026-05-20 00:00"])
def test_a_choice_may_look_like_a_number_or_a_day(clinic: Clinic, text: str) -> None:
    own = {**clinic.definitions, "sex": replace(clinic.definitions["sex"], choices=("1", text))}
    assert columns_from_table({"sex": [text]}, own).column("sex").values[1] == parse_facts(
        {"sex": text}, own
    ).get("sex")


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ({"alt": [38], "alt_uln": [40]}, "row 1, column alt: found 38 without a unit, expected"),
        (
            {"alt": ["38 U/L"], "alt_uln": ["forty"]},
            'row 1, column alt: found the upper limit of normal "forty", expected a number above 0',
        ),
    ],
)
def test_mistakes_beside_a_value(clinic: Clinic, table: dict[str, list[Any]], line: str) -> None:
    with pytest.raises(CaseFileError) as caught:
        columns_from_table(table, clinic.definitions)
    (told,) = caught.value.problems
    assert told.startswith(line)
