"""Many patients at once give the answers of one by one; mistakes in a table name their rows and columns."""

import random
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.eligibility.conftest import PATIENT, PROTOCOL_FILES, Clinic

from emboplan.eligibility.columns import columns_from_table
from emboplan.eligibility.evaluate import evaluate
from emboplan.eligibility.facts import parse_facts
from emboplan.eligibility.many import screen
from emboplan.errors import CaseFileError, InputError
from emboplan.model.protocol import FactKind
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


def test_protocols_keep_their_order(clinic: Clinic) -> None:
    wanted = list(reversed(PROTOCOL_FILES))
    facts = columns_from_table({"ecog": [1]}, clinic.definitions)
    result = screen(facts, [clinic.protocols[name] for name in wanted])
    assert wanted == [it.protocol for it in result.protocols]
