"""The protocols' endpoints, as their documents have them, and mistakes in a table."""

from typing import Any

import pytest

from emboplan.catalog import load
from emboplan.errors import CatalogError
from emboplan.response.endpoint_sets import EndpointRule, EndpointSet, endpoint_set_from_table


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
