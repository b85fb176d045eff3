"""The published schema of protocol files: it is the code's own, and says of files what the validator says."""

import json
import runpy
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.eligibility.conftest import PROTOCOL_FILES, Clinic, table
from tests.eligibility.test_criterion import RULE, TABLE, with_rule

from emboplan.eligibility import schema
from emboplan.eligibility.criterion import protocol_from_table
from emboplan.eligibility.schema import protocol_schema, schema_text
from emboplan.errors import CatalogError

PUBLISHED = Path(__file__).parents[2] / "docs" / "schema" / "protocol.schema.json"
CHECKER = jsonschema.Draft202012Validator(protocol_schema())


def test_the_published_schema_is_the_one_of_the_code() -> None:
    jsonschema.Draft202012Validator.check_schema(protocol_schema())
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text()


@pytest.mark.parametrize("file", PROTOCOL_FILES.values())
def test_the_shipped_protocols_fit_the_schema(file: str) -> None:
    assert [error.json_path for error in CHECKER.iter_errors(table("protocols", f"{file}.toml"))] == []


@pytest.mark.parametrize("file", ["therasphere", "sir_spheres", "therasphere_us_indication"])
def test_the_device_labels_fit_the_schema(file: str) -> None:
    assert files("emboplan.catalog").joinpath("data", "device_labels", f"{file}.toml").is_file()
    assert [error.json_path for error in CHECKER.iter_errors(table("device_labels", f"{file}.toml"))] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {**TABLE, "nmae": "x"},
        {key: value for key, value in TABLE.items() if key != "title"},
        {**TABLE, "source_complete": "yes"},
        {**TABLE, "criterion": []},
        with_rule({}),
        with_rule({**RULE, "op": "=<"}),
        with_rule({**RULE, "limit": "2"}),
        with_rule({"fact": "ecog"}),
        with_rule({"fact": "ecog", "in": []}),
        with_rule({"all": []}),
        with_rule({"if": RULE}),
        with_rule({"always": False}),
        with_rule({"given": "prior_prrt", "last": "last_prrt_date", "before_entry": {"weeks": 4}}),
        with_rule(RULE, kind="must"),
        with_rule(RULE, deferred_at="later"),
        {**TABLE, "arm": [{"id": "a"}]},
    ],
)
def test_schema_and_validator_refuse_the_same(clinic: Clinic, wrong: dict[str, Any]) -> None:
    assert list(CHECKER.iter_errors(json.loads(json.dumps(wrong))))
    with pytest.raises(CatalogError):
        protocol_from_table(wrong, clinic.definitions)


def test_the_module_prints_the_schema_when_it_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(schema.__file__), run_name="__main__")
    assert capsys.readouterr().out == schema_text()
    runpy.run_path(str(schema.__file__), run_name="imported")
    assert capsys.readouterr().out == ""
