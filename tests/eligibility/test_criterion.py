"""Protocol tables and the dictionary of facts: every mistake with its key path."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from tests.eligibility.conftest import Clinic

from emboplan.eligibility.criterion import protocol_from_table
from emboplan.eligibility.dictionary import definitions_from_table
from emboplan.errors import CatalogError
from emboplan.model.protocol import AllOf, Compares, CriterionKind, FactKind, Operator, Washout

RULE = {"fact": "creatinine", "op": "<", "limit": 2.0, "unit": "mg/dL"}
TABLE: dict[str, Any] = {
    "name": "SITE",
    "command": "site",
    "title": "A site's own protocol",
    "version": "1",
    "source": "site.txt",
    "status": "confirmed",
    "source_complete": True,
    "criterion": [
        {"id": "S-1", "kind": "inclusion", "text": "words", "source": "site.txt, page 1", "pass_when": RULE}
    ],
}


def with_rule(rule: object, **more: object) -> dict[str, Any]:
    table = deepcopy(TABLE)
    table["criterion"][0] |= {"pass_when": rule, **more}
    return table


def test_a_protocol_of_a_site(clinic: Clinic) -> None:
    protocol = protocol_from_table(TABLE, clinic.definitions)
    rule = protocol.criteria[0].pass_when
    assert isinstance(rule, Compares)
    assert (rule.operator, str(rule.limit), rule.unit) == (Operator.LESS, "2.0", "mg/dL")
    kinds = {kind: with_rule(RULE, kind=kind.value) for kind in CriterionKind}
    read = {kind: protocol_from_table(it, clinic.definitions).criteria[0].kind for kind, it in kinds.items()}
    assert read == {kind: kind for kind in CriterionKind}


def test_unit_spellings_are_the_laboratorys(clinic: Clinic) -> None:
    rule = (
        protocol_from_table(with_rule({**RULE, "unit": "µmol/l"}), clinic.definitions).criteria[0].pass_when
    )
    assert isinstance(rule, Compares)
    assert rule.unit == "umol/L"


def test_a_washout_and_a_compound_rule(clinic: Clinic) -> None:
    washout = {"given": "prior_prrt", "last": "last_prrt_date", "before_entry": {"months": 3}}
    rule = protocol_from_table(with_rule({"all": [washout, RULE]}), clinic.definitions).criteria[0].pass_when
    assert isinstance(rule, AllOf)
    assert isinstance(rule.parts[0], Washout)
    assert (rule.parts[0].months, rule.parts[0].days) == (3, 0)
    days = protocol_from_table(with_rule(WASHOUT), clinic.definitions).criteria[0].pass_when
    assert isinstance(days, Washout)
    assert (days.months, days.days) == (0, 28)


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ({**TABLE, "nmae": "x"}, "nmae: unknown key"),
        ({key: value for key, value in TABLE.items() if key != "status"}, "status: missing"),
        (
            {**TABLE, "status": "sure"},
            'status: found "sure", expected one of confirmed, to-confirm, unverified',
        ),
        ({**TABLE, "source": ""}, 'source: found "", expected text'),
        ({**TABLE, "source_complete": "no"}, 'source_complete: found "no", expected true or false'),
        ({**TABLE, "criterion": []}, "criterion: found none, expected at least one"),
        ({**TABLE, "criterion": 3}, "criterion: found 3, expected an array of tables"),
        ({**TABLE, "criterion": [3]}, "criterion[0]: found 3, expected a table"),
        ({**TABLE, "criterion": TABLE["criterion"] * 2}, 'criterion: the id "S-1" stands twice'),
        (with_rule(RULE, kind="must"), 'criterion[0].kind: found "must", expected one of inclusion'),
        (with_rule(RULE, source=None), "criterion[0].source: found nothing, expected text"),
        (with_rule(RULE, deferred_at="later"), "criterion[0].deferred_at"),
        (with_rule(RULE, limit=3), "criterion[0].limit: unknown key"),
        (with_rule(RULE, corrected="inr_after_correction"), "has another unit than creatinine"),
        (
            with_rule({"fact": "ecog", "in": [1]}, corrected="inr"),
            "criterion[0].corrected: only a criterion with a single limit can be corrected",
        ),
        (with_rule(None), "criterion[0].pass_when: found nothing, expected a table"),
        (with_rule({}), "criterion[0].pass_when: found the keys none, expected fact with is"),
        (with_rule({**RULE, "all": []}), "criterion[0].pass_when: found the keys fact, op, limit, unit, all"),
        (with_rule({**RULE, "fact": "creatinin"}), 'did you mean "creatinine"?'),
        (with_rule({**RULE, "fact": ["ecog"]}), "fact: found ['ecog'], expected the name of a fact"),
        (with_rule({**RULE, "fact": 3}), "fact: found 3, expected the name of a fact"),
        (with_rule({"fact": "ecg", "is": 1}), 'fact: found "ecg", expected the name of a fact; did you mean'),
        (with_rule(RULE, corrected="inrr"), 'criterion[0].corrected: found "inrr", expected the name of'),
        (with_rule({"fact": "ecog", "op": "<="}), "criterion[0].pass_when.limit: missing"),
        (with_rule({"fact": "ecog", "limit": 1}), "criterion[0].pass_when.op: missing"),
        (
            with_rule({"fact": "alt", "op": "<=", "limit": 200, "unit": "U/L"}),
            'criterion[0].pass_when.unit: found "U/L", expected xULN for alt',
        ),
        (
            with_rule({"fact": "largest_liver_lesion_mm", "op": ">", "limit": 1, "unit": "cm"}),
            'criterion[0].pass_when.unit: found "cm", expected mm for largest_liver_lesion_mm',
        ),
        (
            with_rule({"given": "prior_prrt", "last": "last_prrt_date", "before_entry": {"days": "x"}}),
            'criterion[0].pass_when.before_entry.days: found "x", expected a number',
        ),
        (
            with_rule(RULE, flag=[{"id": "f", "when": RULE, "text": "t", "then": 1}]),
            "criterion[0].flag[0].then: unknown key, expected one of id, when, text, unless_reason",
        ),
        (
            with_rule({**RULE, "fact": "pregnant"}),
            "pregnant is a boolean fact, expected integer or number or lab",
        ),
        (with_rule({**RULE, "op": "=<"}), 'criterion[0].pass_when.op: found "=<", expected one of'),
        (with_rule({**RULE, "limit": "2"}), 'criterion[0].pass_when.limit: found "2", expected a number'),
        (with_rule({**RULE, "unit": "g/dL"}), 'unit: found "g/dL", expected mg/dL or umol/L for creatinine'),
        (
            with_rule({"fact": "creatinine", "op": "<", "limit": 2}),
            "criterion[0].pass_when.unit: found nothing, expected mg/dL or umol/L",
        ),
        (with_rule({"fact": "inr", "op": "<", "limit": 2, "unit": "x"}), "expected none for inr"),
        (with_rule({**RULE, "preferred": "inr"}), "inr has another unit than creatinine"),
        (with_rule({"fact": "ecog"}), "expected one of is, in, or op and limit beside fact"),
        (
            with_rule({"fact": "ecog", "in": []}),
            "criterion[0].pass_when.in: found [], expected a list of answers",
        ),
        (with_rule({"fact": "pregnant", "is": "no"}), 'pregnant cannot be "no", expected true or false'),
        (with_rule({"fact": "sex", "is": "X"}), 'sex cannot be "X", expected F, M'),
        (with_rule({"fact": "ecog", "is": "1"}), 'ecog cannot be "1", expected a whole number'),
        (with_rule({"all": []}), "criterion[0].pass_when.all: found [], expected an array of rules"),
        (with_rule({"any": [RULE, 3]}), "criterion[0].pass_when.any[1]: found 3, expected a table"),
        (
            with_rule({"not": {"always": False}}),
            "criterion[0].pass_when.not.always: found False, expected true",
        ),
        (with_rule({"if": RULE}), "criterion[0].pass_when.then: missing"),
        (
            with_rule({"given": "prior_prrt", "last": "last_prrt_date", "before_entry": {"weeks": 4}}),
            "criterion[0].pass_when.before_entry.weeks: unknown key, expected one of days, months",
        ),
        (
            with_rule(
                {"given": "prior_prrt", "last": "last_prrt_date", "before_entry": {"days": 1, "months": 1}}
            ),
            "before_entry: expected one whole number of days or months",
        ),
        (
            with_rule({"given": "prior_prrt", "last": "prior_prrt", "before_entry": {"days": 1}}),
            "prior_prrt is a boolean fact, expected date",
        ),
        (with_rule(RULE, flag=[{"id": "f", "when": RULE}]), "criterion[0].flag[0].text: missing"),
    ],
)
def test_mistakes_name_their_place(clinic: Clinic, table: dict[str, Any], line: str) -> None:
    with pytest.raises(CatalogError) as caught:
        protocol_from_table(table, clinic.definitions)
    assert line in str(caught.value)


def test_all_mistakes_of_a_table_at_once(clinic: Clinic) -> None:
    with pytest.raises(CatalogError) as caught:
        protocol_from_table({**with_rule({**RULE, "op": "~"}, kind="x"), "title": 3}, clinic.definitions)
    paths = sorted(line.split(": ")[0] for line in str(caught.value).splitlines())
    assert paths == ["criterion[0].kind", "criterion[0].pass_when.op", "title"]


LAB = {"type": "lab", "meaning": "m", "unit": "g/L", "units": [{"symbol": "g/L"}]}


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ({"type": "maybe", "meaning": "m"}, 'fact.x.type: found "maybe", expected one of boolean'),
        ({"type": "boolean"}, "fact.x.meaning: missing"),
        ({"type": "boolean", "meaning": "m", "unti": "%"}, "fact.x.unti: unknown key"),
        (
            {"type": "number", "meaning": "m", "minimum": 0},
            "fact.x.range_source: missing; a range needs a source",
        ),
        ({"type": "lab", "meaning": "m"}, "fact.x.units: missing; a lab fact needs the units"),
        ({**LAB, "units": [{"symbol": "g/dL", "multiply_by": 10}]}, "fact.x.units[0].source: found nothing"),
        (
            {**LAB, "units": [{"symbol": "g/dL", "divide_by": 0, "source": "s", "status": "confirmed"}]},
            "fact.x.units[0]: found a conversion factor of 0 or less",
        ),
        ({"type": "date", "meaning": "m", "given_by": "y"}, 'speaks of the fact "y", which is not defined'),
    ],
)
def test_mistakes_in_the_dictionary(entry: dict[str, object], line: str) -> None:
    with pytest.raises(CatalogError) as caught:
        definitions_from_table({"fact": {"x": entry}})
    assert line in str(caught.value)


def test_every_fact_of_the_published_dictionary_is_defined(clinic: Clinic, shared_folder: Path) -> None:
    path = shared_folder / "facts" / "fact_dictionary.json"
    if not path.is_file():
        pytest.skip(f"dictionary of facts not found at {path}")
    kinds = {
        "date": FactKind.DATE,
        "enumerated text": FactKind.CHOICE,
        "integer": FactKind.INTEGER,
        "number": FactKind.NUMBER,
        "laboratory value with unit": FactKind.LAB,
        "boolean": FactKind.BOOLEAN,
    }
    types = json.loads(path.read_text(encoding="utf-8"))["meta"]["types"]
    expected = {name: kinds[kind] for kind, names in types.items() for name in names}
    assert expected == {name: definition.kind for name, definition in clinic.definitions.items()}


@pytest.mark.parametrize(
    ("rule", "more"),
    [
        ({"fact": "ecg", "is": 1}, {}),
        ({**RULE, "fact": "creatinin"}, {}),
        ({"fact": "ecog", "op": "<="}, {}),
        (RULE, {"corrected": "inrr"}),
        (RULE, {"text": None}),
    ],
)
def test_one_mistake_is_one_line(clinic: Clinic, rule: dict[str, Any], more: dict[str, Any]) -> None:
    with pytest.raises(CatalogError) as caught:
        protocol_from_table(with_rule(rule, **more), clinic.definitions)
    assert len(str(caught.value).splitlines()) == 1


def test_double_ids_come_in_their_order(clinic: Clinic) -> None:
    names = ["e", "b", "d", "a", "c"]
    criteria = [{**TABLE["criterion"][0], "id": name} for name in names for _ in range(2)]
    with pytest.raises(CatalogError) as caught:
        protocol_from_table({**TABLE, "criterion": criteria}, clinic.definitions)
    told = str(caught.value).splitlines()
    assert told == [f'criterion: the id "{name}" stands twice' for name in sorted(names)]


WASHOUT = {"given": "prior_prrt", "last": "last_prrt_date", "before_entry": {"days": 28}}


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ({**WASHOUT, "since": 1}, ".since: unknown key, expected one of given, last, before_entry"),
        ({**WASHOUT, "before_entry": {"days": 1.5}}, ".before_entry: expected one whole number of days or"),
        ({**WASHOUT, "before_entry": {"days": 0}}, ".before_entry: expected one whole number of days or"),
        ({**WASHOUT, "before_entry": {"months": -1}}, ".before_entry: expected one whole number of days or"),
        ({**WASHOUT, "given": "prior_prt"}, '.given: found "prior_prt", expected the name of a fact; did'),
        ({**WASHOUT, "last": "last_prt_date"}, '.last: found "last_prt_date", expected the name of a fact;'),
        ({"all": [RULE], "because": 1}, ".because: unknown key, expected one of all"),
        ({"any": 3}, ".any: found 3, expected an array of rules"),
        ({"not": RULE, "because": 1}, ".because: unknown key, expected one of not"),
        ({"if": RULE, "then": RULE, "else": RULE}, ".else: unknown key, expected one of if, then"),
        ({"always": True, "because": 1}, ".because: unknown key, expected one of always"),
        ({"fact": "ecog", "is": 1, "because": 1}, ".because: unknown key, expected one of fact, is, in"),
        ({**RULE, "because": 1}, ".because: unknown key, expected one of fact, op, limit, unit, preferred"),
        ({**RULE, "preferred": "creatinin"}, '.preferred: found "creatinin", expected the name of a fact;'),
        ({"fact": "ecog", "in": 1}, ".in: found 1, expected a list of answers"),
        ({"fact": "ecog", "is": True}, ": ecog cannot be True, expected a whole number"),
        ({"fact": "inr", "is": 1}, ": inr cannot be 1, expected a fact that is no number (use op and limit)"),
    ],
)
def test_each_shape_of_a_rule_has_its_keys(clinic: Clinic, rule: dict[str, Any], line: str) -> None:
    with pytest.raises(CatalogError) as caught:
        protocol_from_table(with_rule(rule), clinic.definitions)
    (told,) = str(caught.value).splitlines()
    assert told.startswith(f"criterion[0].pass_when{line}")


def test_a_dictionary_without_the_day_of_entry_has_no_washouts(clinic: Clinic) -> None:
    without = {name: it for name, it in clinic.definitions.items() if name != "enrolment_date"}
    with pytest.raises(
        CatalogError, match='before_entry: found "enrolment_date", expected the name of a fact'
    ):
        protocol_from_table(with_rule(WASHOUT), without)
