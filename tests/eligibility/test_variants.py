"""Published versions of a protocol: parameters in its rules, and mistakes in them."""

from typing import Any

import pytest
from tests.eligibility.conftest import PATIENT, Clinic, table
from tests.eligibility.test_criterion import TABLE, with_rule

from emboplan.eligibility.criterion import protocol_from_table
from emboplan.eligibility.evaluate import evaluate
from emboplan.eligibility.facts import parse_facts
from emboplan.errors import CatalogError, InputError
from emboplan.model.results.eligibility import Eligibility

VARIANT = {"name": "v", "title": "t", "source": "s", "status": "confirmed", "parameters": {"most": 3}}
RULE = {"fact": "ecog", "op": "<=", "limit": {"parameter": "most"}}


def captem(clinic: Clinic, grade: int, variant: str | None) -> Eligibility:
    protocol = protocol_from_table(table("protocols", "captem_y90.toml"), clinic.definitions, variant=variant)
    return evaluate(protocol, parse_facts({**PATIENT, "tumor_grade": grade}, clinic.definitions))


@pytest.mark.parametrize(
    ("variant", "grade", "verdict"),
    [
        (None, 2, "eligible"),
        (None, 3, "ineligible"),
        ("nci-2020-00831", 2, "eligible"),
        ("nci-2020-00831", 3, "eligible"),
        ("nci-2020-00831", 1, "ineligible"),
    ],
)
def test_the_amended_grades_only_where_they_are_asked_for(
    clinic: Clinic, variant: str | None, grade: int, verdict: str
) -> None:
    result = captem(clinic, grade, variant)
    flags = [flag.id for flag in result.flags]
    assert verdict == result.verdict
    assert (variant is not None) is ("protocol-variant" in flags)
    assert (variant is None and grade == 3) is ("grade-amended" in flags)
    assert result.protocol == "CapTemY90"


def test_a_variant_is_named_with_its_source(clinic: Clinic) -> None:
    protocol = protocol_from_table(
        table("protocols", "captem_y90.toml"), clinic.definitions, variant="nci-2020-00831"
    )
    assert protocol.variant is not None
    assert protocol.variant.source.endswith("NCI-2020-00831")
    assert protocol.variants == ("nci-2020-00831",)
    (text,) = [
        flag.text for flag in captem(clinic, 2, "nci-2020-00831").flags if flag.id == "protocol-variant"
    ]
    assert text.startswith("NCI listing, amended to grade 2 or 3 (confirmed; https://www.cancer.gov/")


def test_an_unknown_variant_names_the_known_ones(clinic: Clinic) -> None:
    with pytest.raises(InputError, match='CapTemY90 has no variant "x"; known: nci-2020-00831'):
        captem(clinic, 2, "x")
    with pytest.raises(InputError, match='SITE has no variant "x"; known: none'):
        protocol_from_table(TABLE, clinic.definitions, variant="x")


def with_parameters(**more: object) -> dict[str, Any]:
    return {**with_rule(RULE), "parameters": {"most": 2}, "variant": [VARIANT], **more}


@pytest.mark.parametrize(("variant", "ecog", "verdict"), [(None, 3, "ineligible"), ("v", 3, "eligible")])
def test_a_limit_may_be_a_parameter(clinic: Clinic, variant: str | None, ecog: int, verdict: str) -> None:
    protocol = protocol_from_table(with_parameters(), clinic.definitions, variant=variant)
    assert verdict == evaluate(protocol, parse_facts({"ecog": ecog}, clinic.definitions)).verdict


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"parameters": {}}, 'criterion[0].pass_when.limit: found the parameter "most", which is not stated'),
        ({"parameters": {}}, "variant[0].parameters.most: the protocol has no such parameter"),
        ({"parameters": 3}, "parameters: found 3, expected a table"),
        ({"variant": [VARIANT, VARIANT]}, 'variant: the name "v" stands twice'),
        ({"variant": [{**VARIANT, "source": ""}]}, 'variant[0].source: found "", expected text'),
        ({"variant": [{**VARIANT, "sources": "x"}]}, "variant[0].sources: unknown key"),
        ({"variant": [{**VARIANT, "status": "x"}]}, 'variant[0].status: found "x"'),
        ({"variant": [{**VARIANT, "parameters": 1}]}, "variant[0].parameters: found 1, expected a table"),
    ],
)
def test_mistakes_in_parameters_and_variants(clinic: Clinic, changes: dict[str, object], line: str) -> None:
    with pytest.raises(CatalogError) as caught:
        protocol_from_table(with_parameters(**changes), clinic.definitions)
    assert line in str(caught.value)


def lines(clinic: Clinic, table: dict[str, Any]) -> list[str]:
    with pytest.raises(CatalogError) as caught:
        protocol_from_table(table, clinic.definitions)
    return str(caught.value).splitlines()


def test_a_parameter_that_is_not_stated_names_those_that_are(clinic: Clinic) -> None:
    unstated = 'found the parameter "x", which is not stated; stated:'
    assert f"title: {unstated} none" in lines(clinic, {**TABLE, "title": {"parameter": "x"}})
    stated = with_parameters(title={"parameter": "x"}, parameters={"most": 2, "least": 1})
    assert f"title: {unstated} most, least" in lines(clinic, stated)
    unnamed = lines(clinic, with_rule({**RULE, "limit": {"parameter": ["most"]}}))
    assert unnamed[0].startswith("criterion[0].pass_when.limit: found the parameter \"['most']\", which")


def test_a_protocol_that_is_nothing_but_a_parameter(clinic: Clinic) -> None:
    told = lines(clinic, {"parameter": "x"})
    assert "parameter: unknown key" in "\n".join(told)
    assert "name: missing" in told
