"""The dictionary of facts: what its entries come to be, and a line for each mistake."""

from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from emboplan.eligibility.dictionary import definitions_from_table
from emboplan.errors import CatalogError
from emboplan.model.protocol import Change, FactDefinition, LabUnit

NUMBER = {"type": "number", "meaning": "m"}
SAID = {"source": "s", "status": "confirmed"}


def one(entry: dict[str, Any]) -> FactDefinition:
    return definitions_from_table({"fact": {"x": entry}})["x"]


def lines(entry: dict[str, Any]) -> list[str]:
    with pytest.raises(CatalogError) as caught:
        one(entry)
    return str(caught.value).splitlines()


def lab(*units: dict[str, Any]) -> dict[str, Any]:
    return {"type": "lab", "meaning": "m", "unit": "g/L", "units": list(units)}


def test_an_entry_with_nothing_but_its_type() -> None:
    found = one(NUMBER)
    assert (found.plausible, found.earliest, found.days_ahead) == (None, None, 0)
    assert (found.minimum, found.maximum, found.share, found.change) == (None, None, None, Change.FIXED)


def test_an_entry_in_full() -> None:
    found = one(
        NUMBER
        | {"minimum": 0, "maximum": 9, "range_source": "s", "change": "repeat", "earliest": date(1990, 1, 1)}
        | {"plausible": {"minimum": 1, "maximum": 8, "source": "s"}, "days_ahead": 3}
    )
    assert (found.minimum, found.maximum) == (Decimal(0), Decimal(9))
    assert found.plausible == (Decimal(1), Decimal(8))
    assert (found.earliest, found.days_ahead, found.change) == (date(1990, 1, 1), 3, Change.REPEAT)


def test_units_and_their_factors() -> None:
    half = {"symbol": "a", "multiply_by": Decimal("0.5"), **SAID}
    tenth = {"symbol": "b", "divide_by": 10, "also": ["c"], **SAID}
    whole = {"symbol": "d", "divide_by": 1, **SAID}
    upper = {"symbol": "e", "per_upper_limit": True, **SAID}
    assert one(lab(half, tenth, whole, upper)).lab_units == (
        LabUnit("a", Fraction(1, 2)),
        LabUnit("b", Fraction(1, 10), also=("c",)),
        LabUnit("d", Fraction(1)),
        LabUnit("e", Fraction(1), per_upper_limit=True),
    )


def test_years_are_those_between_the_date_and_the_other_one_it_names() -> None:
    entries = {
        "age": NUMBER,
        "born": {"type": "date", "meaning": "m", "completes": {"years": "age", "on": "entry"}},
        "entry": {"type": "date", "meaning": "m"},
    }
    found = definitions_from_table({"fact": entries})
    assert {name: it.completed for name, it in found.items()} == {
        "age": ("born", "entry"),
        "born": None,
        "entry": None,
    }


def test_what_is_no_table_is_told_once() -> None:
    with pytest.raises(CatalogError) as caught:
        definitions_from_table({"fact": {"x": 3}})
    told = str(caught.value).splitlines()
    assert told.count("fact.x: found 3, expected a table") == 1


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        (NUMBER | {"maximum": 1}, "range_source: missing; a range needs a source"),
        (NUMBER | {"change": "perhaps"}, 'change: found "perhaps", expected one of '),
        (NUMBER | {"earliest": "1990"}, "earliest: found 1990, expected a date as YYYY-MM-DD"),
        (NUMBER | {"earliest": datetime(1990, 1, 1)}, "earliest: found 1990-01-01 00:00:00, expected a date"),  # noqa: DTZ001
        (NUMBER | {"plausible": {"minimum": 1, "maximum": 2}}, "plausible.source: found nothing, expected"),
        (NUMBER | {"plausible": {"minimum": 1, "source": "s"}}, "plausible.maximum: missing"),
        (
            NUMBER | {"plausible": {"minimum": 1, "maximum": 2, "source": "s", "unit": "x"}},
            "plausible.unit: unknown key, expected one of minimum, maximum, source",
        ),
        (NUMBER | {"type": "date", "not_after": "y"}, 'speaks of the fact "y", which is not defined'),
        (NUMBER | {"share": {"part": "x", "whole": "y"}}, 'speaks of the fact "y", which is not defined'),
        (NUMBER | {"completes": {"years": "y", "on": "x"}}, 'speaks of the fact "y", which is not defined'),
        (NUMBER | {"completes": {"years": "x", "on": "y"}}, 'speaks of the fact "y", which is not defined'),
        (NUMBER | {"share": {"part": "x"}}, "share.whole: missing"),
        (NUMBER | {"completes": {"years": "x", "on": " "}}, 'completes.on: found " ", expected text'),
        (
            NUMBER | {"share": {"part": "x", "whole": "x", "unit": "mL"}},
            "share.unit: unknown key, expected one of part, whole",
        ),
        (NUMBER | {"not_after": ""}, 'not_after: found "", expected text'),
        (lab({"symbol": "g/L", "factor": 2}), "units[0].factor: unknown key, expected one of symbol, also"),
        (lab({"also": ["g"]}), "units[0].symbol: missing"),
        (lab({"symbol": "g", "divide_by": 2, "source": "s"}), "units[0].status: found nothing, expected"),
        (lab({"symbol": "g", "multiply_by": 0, **SAID}), "units[0]: found a conversion factor of 0 or less"),
        (lab({"symbol": "g", "multiply_by": -1, **SAID}), "units[0]: found a conversion factor of 0 or less"),
        (lab({"symbol": "g", "divide_by": 0, **SAID}), "units[0]: found a conversion factor of 0 or less"),
    ],
)
def test_one_line_for_each_mistake(entry: dict[str, Any], line: str) -> None:
    (told,) = lines(entry)
    assert told.removeprefix("fact.x: ").removeprefix("fact.x.").startswith(line)
