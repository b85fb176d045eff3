"""What two or more facts say against each other, on definitions made by hand."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from emboplan.eligibility.agreement import contradictions, contradictions_of, related
from emboplan.model.patient import Fact, FactValue
from emboplan.model.protocol import FactDefinition, FactKind

BORN, ENTRY = date(1968, 5, 21), date(2026, 5, 20)


def fact(kind: str, **keys: Any) -> FactDefinition:
    return FactDefinition("x", FactKind(kind), "a test", **keys)


def said(definition: FactDefinition, **known: FactValue) -> list[str]:
    facts = {name: Fact(value) for name, value in known.items()}
    return contradictions_of(definition, facts, None)


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (fact("number"), ()),
        (fact("number", share=("part", "whole")), ("x", "part", "whole")),
        (fact("number", completed=("born", "entry")), ("x", "born", "entry")),
        (fact("date"), ("x",)),
        (fact("date", given_by="given"), ("x", "given")),
        (fact("date", not_after="entry"), ("x", "entry")),
        (fact("date", given_by="given", not_after="entry"), ("x", "given", "entry")),
    ],
)
def test_facts_that_must_agree(definition: FactDefinition, expected: tuple[str, ...]) -> None:
    """A date alone must still agree with the calendar."""
    assert expected == related(definition)


def test_what_is_not_known_contradicts_nothing() -> None:
    for definition in (
        fact("number"),
        fact("number", completed=("born", "entry")),
        fact("date", given_by="given", not_after="entry", earliest=ENTRY),
    ):
        assert said(definition, born=BORN, entry=ENTRY, given=False) == []


def test_a_date_after_another_and_of_a_treatment_that_was_not_given() -> None:
    definition = fact("date", given_by="given", not_after="entry")
    late = date(2026, 5, 21)
    assert said(definition, x=late, given=False, entry=ENTRY) == [
        "x: found 2026-05-21, but given is false; correct one of them",
        "x: found 2026-05-21, which is after entry 2026-05-20; correct one of them",
    ]
    assert said(definition, x=late, given=True) == []


@pytest.mark.parametrize("known", [{"x": "soon", "entry": ENTRY}, {"x": ENTRY, "entry": "soon"}])
def test_what_is_no_date_lies_after_nothing(known: dict[str, FactValue]) -> None:
    assert said(fact("date", not_after="entry"), **known) == []


@pytest.mark.parametrize(
    ("known", "line"),
    [
        ({"x": Decimal("57.9")}, None),
        ({"x": Decimal(58)}, "x: found 58, but born and entry make 57; correct one of them"),
        ({"x": Decimal("56.9")}, "x: found 56.9, but born and entry make 57; correct one of them"),
        ({"x": "old"}, None),
        ({"x": Decimal(58), "born": "then"}, None),
    ],
)
def test_an_age_is_the_one_completed(known: dict[str, FactValue], line: str | None) -> None:
    """58 years are complete on 21 May, the day after entry."""
    definition = fact("number", completed=("born", "entry"))
    assert ([] if line is None else [line]) == said(definition, **{"born": BORN, "entry": ENTRY} | known)


@pytest.mark.parametrize(
    ("known", "line"),
    [
        ({}, None),
        ({"x": "much"}, None),
        ({"x": Decimal(40)}, None),
        (
            {"x": Decimal(41)},
            "x: found 41 %, but part 400.0 and whole 1000.0 make 40.00 %; correct one of them",
        ),
        (
            {"part": Decimal(2000)},
            "whole: found part 2000 and whole 1000.0; expected a volume above 0 that holds the other",
        ),
        ({"part": Decimal("1000.0")}, None),
    ],
)
def test_a_percentage_is_that_of_its_volumes(known: dict[str, FactValue], line: str | None) -> None:
    definition = fact("number", share=("part", "whole"))
    volumes: dict[str, FactValue] = {"part": Decimal("400.0"), "whole": Decimal("1000.0")}
    assert ([] if line is None else [line]) == said(definition, **volumes | known)


@pytest.mark.parametrize(
    ("part", "percentage", "agrees"),
    [("517.673", 34, True), ("517.674", 34, False), ("532.322", 36, True), ("532.321", 36, False)],
)
def test_the_ends_of_what_rounding_may_do_agree(part: str, percentage: int, agrees: bool) -> None:
    """517.6725 of 1500.5 mL are 34.5 %, 532.3225 of 1499.5 mL 35.5 %: rounded to even, 34 and 36."""
    definition = fact("number", share=("part", "whole"))
    told = said(definition, x=Decimal(percentage), part=Decimal(part), whole=Decimal(1500))
    assert agrees is (told == [])


def test_a_number_is_no_date_of_the_future() -> None:
    assert contradictions_of(fact("number"), {"x": Fact(Decimal(1))}, ENTRY) == []


def test_every_definition_is_asked() -> None:
    own = {"x": fact("date", not_after="entry"), "y": fact("number", share=("part", "whole"))}
    known = {name: Fact(Decimal(1)) for name in ("part", "whole")}
    known |= {"part": Fact(Decimal(2)), "x": Fact(ENTRY), "entry": Fact(BORN)}
    assert [line.split(":")[0] for line in contradictions(known, own)] == ["x", "whole"]
