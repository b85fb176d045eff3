"""The protocols' endpoints, as their documents have them, and mistakes in a table."""

from datetime import date
from typing import Any

import pytest

from emboplan.catalog import load
from emboplan.errors import CatalogError
from emboplan.model.response import Course
from emboplan.response.endpoint_sets import (
    EndpointRule,
    EndpointSet,
    ResponseRule,
    Scope,
    WindowRule,
    endpoint_set_from_table,
)


def of(name: str) -> EndpointSet:
    return endpoint_set_from_table(load().endpoint_set_table(name))


def endpoint(name: str, which: str) -> EndpointRule:
    return next(rule for rule in of(name).endpoints if rule.id == which)


def test_the_protocols_are_those_of_the_catalogue() -> None:
    assert set(load().endpoint_set_names()) == {*load().protocol_names(), "general"}


@pytest.mark.parametrize("name", load().endpoint_set_names())
def test_every_set_is_sourced(name: str) -> None:
    found = of(name)
    assert found.source
    assert set(found.source) <= set(load().sources)
    assert found.status == "confirmed"
    assert all(rule.place and rule.title for rule in found.endpoints)
    assert all(rule.place for rule in found.responses)


@pytest.mark.parametrize(
    ("protocol", "which", "start", "events", "censor", "limit", "frame"),
    [
        ("deboxa", "os", "first_treatment_date", ["death"], "last-alive", 30, 30),
        ("deboxa", "pfs", "first_treatment_date", ["progression"], "last-assessment", 30, 30),
        ("deboxa", "thp", "first_treatment_date", ["hepatic-progression"], "last-liver-imaging", None, None),
        (
            *("captem-y90", "hpfs", "cycle_1_day_1_date", ["hepatic-progression", "death"]),
            *("last-liver-imaging", None, None),
        ),
        ("tae-italy", "pfs", "randomisation_date", ["progression", "death"], "last-assessment", None, 24),
        ("tae-italy", "os", "randomisation_date", ["death"], "last-alive", None, 36),
        (
            *("retnet", "hpfs", "first_treatment_date", ["hepatic-progression", "death"]),
            *("last-liver-imaging", None, 24),
        ),
        (
            *("msk-19-125", "hpfs", "first_treatment_date", ["hepatic-progression", "death"]),
            *("last-liver-imaging", None, 24),
        ),
        (
            *("retnet", "symptom_relief", "symptom_relief_date", ["symptom-return"]),
            *("last-symptom-record", None, 24),
        ),
    ],
)
def test_endpoints_as_the_documents_have_them(
    protocol: str,
    which: str,
    start: str,
    events: list[str],
    censor: str,
    limit: int | None,
    frame: int | None,
) -> None:
    found = endpoint(protocol, which)
    assert found.rule.start == (start,)
    assert list(found.rule.events) == events
    assert (found.rule.censor, found.rule.censor_at_months) == (censor, limit)
    assert found.time_frame_months == frame


def test_variants() -> None:
    pfs = endpoint("deboxa", "pfs").variants
    assert list(pfs) == ["death_counts", "new_therapy_counts", "missed_assessments"]
    assert list(pfs["death_counts"].events) == ["progression", "death"]
    assert pfs["death_counts"].censor_at_months == 30
    assert pfs["missed_assessments"].censor_missed
    assert list(endpoint("deboxa", "thp").variants["competing_death"].competing) == ["death"]
    assert endpoint("captem-y90", "hpfs").variants["from_first_tare"].start == ("first_tare_date",)
    assert endpoint("captem-y90", "hpfs").status == "to-confirm"


def test_responses_as_the_documents_have_them() -> None:
    dcr, orr = of("deboxa").responses
    assert (dcr.scope, dcr.within_months, list(dcr.counts)) == ("hepatic", 24, ["CR", "PR", "SD"])
    assert list(orr.counts) == ["CR", "PR"]
    third, sixth = of("tae-italy").responses
    assert (third.at_month, third.before_second_treatment) == (3, True)
    assert (sixth.at_month, sixth.before_second_treatment) == (6, False)
    assert of("deboxa").confirmation
    assert not any(of(name).confirmation for name in ("captem-y90", "tae-italy", "retnet", "general"))


@pytest.mark.parametrize(
    ("protocol", "which", "start", "months", "days"),
    [
        ("deboxa", "questionnaire", ("first_treatment_date",), 30, None),
        ("deboxa", "toxicity", ("first_treatment_date",), 30, None),
        ("tae-italy", "questionnaire", ("randomisation_date",), 6, None),
        ("tae-italy", "toxicity", ("first_treatment_date", "randomisation_date"), None, 183),
        ("retnet", "toxicity", ("first_treatment_date",), 24, None),
        ("msk-19-125", "toxicity", ("first_treatment_date",), 24, None),
    ],
)
def test_windows_as_the_documents_have_them(
    protocol: str, which: str, start: tuple[str, ...], months: int | None, days: int | None
) -> None:
    found = getattr(of(protocol), which)
    assert (found.start, found.within_months, found.within_days) == (start, months, days)
    assert found.place


def test_what_a_document_does_not_ask_for() -> None:
    assert of("captem-y90").questionnaire is of("captem-y90").toxicity is None
    assert of("retnet").questionnaire is of("msk-19-125").questionnaire is None


def test_definitions_in_a_line() -> None:
    assert endpoint("deboxa", "os").definition == (
        "from first treatment to death; else censored at last alive, at 30 months at the latest"
    )
    assert endpoint("general", "pfs").definition == (
        "from randomisation or first treatment to progression or death; else censored at last assessment"
    )
    dcr = of("deboxa").responses[0]
    assert dcr.definition == "hepatic best response within 24 months is CR or PR or SD"
    assert of("tae-italy").responses[0].definition == "overall response at month 3 is CR or PR"


def test_an_unknown_protocol() -> None:
    with pytest.raises(CatalogError, match="no endpoint 'retnets'; it has captem-y90, deboxa"):
        load().endpoint_set_table("retnets")
    assert load().endpoint_set_table("tae_italy")["name"] == "TAE-IT"


def table(**more: Any) -> dict[str, Any]:
    rule = {"id": "x", "title": "x", "start": ["first_treatment_date"], "events": ["death"]}
    rule |= {"censor": "last-alive", "place": "x"}
    top: dict[str, Any] = {"name": "T", "criteria": "recist", "confirmation": False, "source": ["RET"]}
    return top | {"status": "confirmed", "endpoint": [rule | more]}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"events": ["dead"]}, "'dead' is not a valid Event"),
        ({"start": ["birth_date"]}, "start 'birth_date' is no date of the course"),
        ({"start": []}, "endpoint x needs start and events"),
        ({"events": []}, "endpoint x needs start and events"),
        ({"start": "first_treatment_date"}, "expected a list of words"),
        ({"censor": "never"}, "'never' is not a valid CensorAt"),
        ({"censor_at_months": 0}, "censor_at_months is 0, expected a whole number of months"),
        ({"time_frame_months": 1.5}, "time_frame_months is 1.5, expected a whole number of months"),
        ({"censor_at_months": True}, "censor_at_months is True"),
        ({"variant": {}}, "variant is no list of tables"),
        ({"start": ["death_dates"]}, "start 'death_dates' is no date of the course"),
    ],
)
def test_mistakes_in_a_table(more: dict[str, Any], words: str) -> None:
    with pytest.raises(CatalogError, match="endpoints of T: ") as caught:
        endpoint_set_from_table(table(**more))
    assert words in str(caught.value)


def test_a_missing_key() -> None:
    broken = table()
    del broken["criteria"]
    with pytest.raises(CatalogError, match="endpoints of T: no criteria"):
        endpoint_set_from_table(broken)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"start": ["birth_date"]}, "start 'birth_date' is no date of the course"),
        ({"start": []}, "toxicity needs a start, and months or days, not both"),
        ({"within_months": 6, "within_days": 183}, "toxicity needs a start, and months or days, not both"),
        ({"within_days": 0}, "within_days is 0, expected a whole number of days"),
        ({"within_months": True}, "within_months is True, expected a whole number of months"),
    ],
)
def test_mistakes_in_a_window(more: dict[str, Any], words: str) -> None:
    window = {"title": "x", "start": ["first_treatment_date"], "place": "x"}
    with pytest.raises(CatalogError) as caught:
        endpoint_set_from_table(table() | {"toxicity": window | more})
    assert words in str(caught.value)


def test_a_window_is_a_table_with_its_words() -> None:
    with pytest.raises(CatalogError, match="toxicity is no table"):
        endpoint_set_from_table(table() | {"toxicity": "two years"})
    with pytest.raises(CatalogError, match="no place"):
        endpoint_set_from_table(table() | {"questionnaire": {"title": "x", "start": ["death_date"]}})


FIRST = ("randomisation_date", "first_treatment_date")


@pytest.mark.parametrize(
    ("more", "words", "end"),
    [
        ({"within_days": 183}, "through 183 days", date(2024, 8, 1)),
        ({"within_months": 1}, "through 1 calendar months", date(2024, 2, 29)),
        ({}, "on", None),
    ],
)
def test_a_window_has_an_end_in_days_or_in_months(more: dict[str, int], words: str, end: date | None) -> None:
    """After 31 January of a leap year 29 + 31 + 30 + 31 + 30 + 31 days end with July; one more makes 183."""
    window = WindowRule("x", FIRST, "x", **more)
    assert window.definition == f"from randomisation or first treatment {words}"
    assert window.last_day(date(2024, 1, 31)) == end


def test_a_window_starts_with_the_first_day_that_is_known() -> None:
    window = WindowRule("x", FIRST, "x")
    both = Course(first_treatment_date=date(2024, 2, 1), randomisation_date=date(2024, 3, 1))
    assert window.start_of(both) == date(2024, 3, 1)
    assert window.start_of(Course(first_treatment_date=date(2024, 2, 1))) == date(2024, 2, 1)
    assert window.start_of(Course()) is None


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"variant": ["x"]}, "variant is no list of tables"),
        ({"events": 5}, "found 5, expected a list of words"),
    ],
)
def test_lists_of_something_else(more: dict[str, Any], words: str) -> None:
    with pytest.raises(CatalogError) as caught:
        endpoint_set_from_table(table(**more))
    assert words in str(caught.value)


def test_what_a_table_leaves_out() -> None:
    top = table(censor_at_months=1) | {
        "response": [{"id": "x", "scope": "overall", "counts": ["CR"], "place": "x"}]
    }
    found = endpoint_set_from_table(top)
    (rule,), (response,) = found.endpoints, found.responses
    assert (rule.rule.censor_missed, rule.rule.competing, rule.rule.censor_at_months) == (False, (), 1)
    assert not response.before_second_treatment
    assert not ResponseRule("x", Scope.OVERALL, (), "x").before_second_treatment
