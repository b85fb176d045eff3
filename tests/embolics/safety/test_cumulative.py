"""Cumulative doses: a worked case, sums over sessions, ratios, limits, and each refusal."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from emboplan.embolics.safety.cumulative import cumulative_anthracycline, drug_totals
from emboplan.errors import ModelRangeError
from emboplan.model.finding import Severity
from emboplan.model.results.drug_history import DrugAmount

MASSES = st.lists(st.integers(0, 80).map(float), max_size=5)


def dox(*masses: float) -> list[DrugAmount]:
    return [DrugAmount("doxorubicin", mg=mass, label=f"session {n}") for n, mass in enumerate(masses, 1)]


def test_worked_case() -> None:
    path = Path(__file__).resolve().parents[3] / "shared" / "reference" / "embolics_examples.json"
    if not path.is_file():
        pytest.skip(f"worked cases not found at {path}")
    case = {item["id"]: item for item in json.loads(path.read_text(encoding="utf-8"))}["dox-cumulative"]
    inputs, expected = case["inputs"], case["expected"]
    found = cumulative_anthracycline(
        given=[DrugAmount("doxorubicin", mg_per_m2=inputs["prior_mg_m2"])],
        body_surface_m2=inputs["bsa_m2"],
        session_mg=inputs["session_mg"],
    )
    assert inputs["limit_mg_m2"] == found.limit_mg_per_m2
    assert expected["remaining_mg_m2"] == found.remaining_mg_per_m2
    assert expected["remaining_mg"] == found.remaining_mg
    assert expected["full_sessions"] == found.full_sessions


@given(MASSES, MASSES, st.decimals("1.2", "2.6", places=2))
def test_sessions_sum(given_: list[float], planned: list[float], surface: Decimal) -> None:
    """The sums agree with a plain sum; what is left and what was used make the limit."""
    assume(sum(given_) + sum(planned) <= 550 * surface)
    found = cumulative_anthracycline(
        given=dox(*given_), planned=dox(*planned), body_surface_m2=surface, prior_cardiotoxic_therapy=False
    )
    per_m2 = [mass / float(surface) for mass in (*given_, *planned)]
    assert found.total_mg_per_m2 == pytest.approx(sum(per_m2), abs=1e-9)
    assert found.total_mg_per_m2 == pytest.approx(found.given_mg_per_m2 + found.planned_mg_per_m2, abs=1e-9)
    assert found.limit_mg_per_m2 == pytest.approx(found.total_mg_per_m2 + found.remaining_mg_per_m2)
    running = [amount.to_date_mg_per_m2 for amount in found.amounts]
    assert running == sorted(running)
    assert running == pytest.approx([sum(per_m2[: n + 1]) for n in range(len(per_m2))], abs=1e-9)


@given(st.integers(1, 990).map(float), st.integers(5, 200))
def test_full_sessions_are_the_most_that_fit(given_: float, session: int) -> None:
    """One session more would pass the limit; so many, planned, do not."""
    found = cumulative_anthracycline(given=dox(given_), body_surface_m2="1.8", session_mg=session)
    assert found.full_sessions is not None
    again = cumulative_anthracycline(
        given=dox(given_), planned=dox(*[session] * found.full_sessions), body_surface_m2="1.8"
    )
    assert again.total_mg_per_m2 <= 550
    with pytest.raises(ModelRangeError, match="above the limit of 550"):
        cumulative_anthracycline(
            given=dox(given_), planned=dox(*[session] * (found.full_sessions + 1)), body_surface_m2="1.8"
        )


@pytest.mark.parametrize(
    ("drug", "ratio"),
    [("doxorubicin", 1), ("Epirubicin", 1), ("daunorubicin", 1), ("idarubicin", 5), ("mitoxantrone", 10.5)],
)
def test_equivalents(drug: str, ratio: float) -> None:
    """The larger of the published ratios: the Children's Oncology Group's rules, and Feijen 2019, Table 3."""
    found = cumulative_anthracycline(given=[DrugAmount(drug, mg_per_m2=10)])
    assert 10 * ratio == found.total_mg_per_m2
    if drug != "doxorubicin":
        assert any("confirm" in line for line in found.sources)


def test_all_anthracyclines_count_together() -> None:
    """100 of doxorubicin, 100 of epirubicin and 12 of idarubicin times 5 are 260 mg/m2."""
    had = [
        DrugAmount("doxorubicin", mg_per_m2=100),
        DrugAmount("epirubicin", mg_per_m2=100),
        DrugAmount("idarubicin", mg_per_m2=12),
        DrugAmount("irinotecan", mg=100),
    ]
    found = cumulative_anthracycline(given=had)
    assert (found.total_mg_per_m2, found.remaining_mg_per_m2) == (260.0, 290.0)
    assert len(found.amounts) == 3


def test_the_users_ratio_goes_first() -> None:
    had = [DrugAmount("epirubicin", mg_per_m2=100, doxorubicin_equivalent=0.8)]
    found = cumulative_anthracycline(given=had)
    assert found.total_mg_per_m2 == 80.0
    assert any("as entered" in line for line in found.sources)


@pytest.mark.parametrize(
    ("answers", "limit"),
    [
        ({}, 550),
        ({"heart_disease": False, "cardiac_irradiation": False, "prior_cardiotoxic_therapy": False}, 550),
        ({"heart_disease": True}, 400),
        ({"cardiac_irradiation": True}, 400),
        ({"prior_cardiotoxic_therapy": True}, 400),
        ({"heart_disease": True, "prior_cardiotoxic_therapy": True}, 400),
    ],
)
def test_limits(answers: dict[str, Any], limit: float) -> None:
    found = cumulative_anthracycline(given=[], **answers)
    assert limit == found.limit_mg_per_m2
    assert (not answers) == ("heart-open" in {finding.id for finding in found.findings})


def test_at_the_limit_is_not_above_it() -> None:
    found = cumulative_anthracycline(planned=[DrugAmount("doxorubicin", mg_per_m2=550)])
    assert found.remaining_mg_per_m2 == 0.0


def test_a_limit_that_was_passed_before_stops() -> None:
    found = cumulative_anthracycline(given=[DrugAmount("doxorubicin", mg_per_m2=600)])
    assert found.remaining_mg_per_m2 == 0.0
    assert Severity.STOP in {finding.severity for finding in found.findings}


def test_a_drug_that_is_not_known_is_told() -> None:
    found = cumulative_anthracycline(given=[DrugAmount("adriablastin", mg_per_m2=100)])
    assert "drug-not-known" in {finding.id for finding in found.findings}


@given(MASSES, MASSES)
def test_totals_of_a_drug(given_: list[float], planned: list[float]) -> None:
    assume(given_ or planned)
    (found,) = drug_totals(given=dox(*given_), planned=dox(*planned), body_surface_m2=2)
    assert (sum(given_), sum(planned)) == (found.given_mg, found.planned_mg)
    assert sum(given_) + sum(planned) == found.total_mg
    assert found.total_mg is not None
    assert found.total_mg_per_m2 == pytest.approx(found.total_mg / 2)
    assert found.total_mg == found.sessions[-1].to_date_mg


def test_totals_keep_drugs_apart_and_do_not_guess() -> None:
    had = [DrugAmount("irinotecan", mg=100, label="1"), DrugAmount("irinotecan", mg_per_m2=50, label="2")]
    (found,) = drug_totals(given=had, planned=())
    assert (found.total_mg, found.total_mg_per_m2) == (None, None)
    assert [session.to_date_mg for session in found.sessions] == [100.0, None]
    names = [total.drug for total in drug_totals(given=[*had, DrugAmount("mitomycin", mg=10)])]
    assert names == ["irinotecan", "mitomycin"]


def test_json_is_plain() -> None:
    found = cumulative_anthracycline(given=dox(75), body_surface_m2=1.8, session_mg=75).to_json()
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"given": dox(75)}, "75 mg without a body surface; give body_surface_m2"),
        ({"given": dox(-1), "body_surface_m2": 1.8}, "mg is -1; expected 0 or more"),
        ({"given": [DrugAmount("doxorubicin")]}, "found neither mg nor mg_per_m2"),
        ({"given": [DrugAmount("doxorubicin", mg=1, mg_per_m2=1)]}, "found both mg and mg_per_m2"),
        ({"given": [DrugAmount("pirarubicin", mg_per_m2=50)]}, "give doxorubicin_equivalent of your own"),
        ({"body_surface_m2": 0}, "body_surface_m2 is 0"),
        ({"session_mg": 0, "body_surface_m2": 1.8}, "session_mg is 0"),
        (
            {"planned": [DrugAmount("doxorubicin", mg_per_m2=551, label="session 1")]},
            "session 1: 551 mg/m2 of anthracycline to date is above the limit of 550 mg/m2",
        ),
        (
            {"planned": [DrugAmount("doxorubicin", mg_per_m2=401)], "heart_disease": True},
            "above the limit of 400 mg/m2",
        ),
    ],
)
def test_refusals_say_what_to_do(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelRangeError, match=words):
        cumulative_anthracycline(**asked)
