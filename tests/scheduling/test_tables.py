"""The shipped rules against the trial documents, and refusals of tables with mistakes."""

from __future__ import annotations

import copy
import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from tests.scheduling.cases import rules

from emboplan.catalog.load import load
from emboplan.errors import CatalogError
from emboplan.model.schedule import Basis, Period
from emboplan.scheduling.tables import schedule_from_table

DOCUMENTS = {"DBX": "deboxa", "CTY": "captem_y90", "TAE-IT": "tae_italy", "MSK": "msk_19_125"}
DOCUMENTS["RET"] = "retnet_nct02724540"


def test_every_protocol_has_a_calendar() -> None:
    assert load().schedule_names() == load().protocol_names()


@pytest.mark.parametrize("name", load().schedule_names())
def test_names_agree_with_the_criteria(name: str) -> None:
    criteria, calendar = load().protocol_table(name), load().schedule_table(name)
    assert (criteria["name"], criteria["command"]) == (calendar["name"], calendar["command"])


@pytest.mark.parametrize("name", load().schedule_names())
def test_the_words_stand_in_the_documents(name: str, shared_data: Path) -> None:
    """Every sentence that is said to be a document's is there, apart from white space and list marks."""
    folder = shared_data.parent / "facts" / "trial_documents"
    if not folder.is_dir():
        pytest.skip(f"trial documents not found at {folder}")

    def plain(text: str) -> str:
        return re.sub(r"[\s|:;,]+", " ", text).casefold().strip(" .")

    schedule = rules(name)
    said = [a.said for a in schedule.arms] + [v.said for v in schedule.visits]
    said += [s.said for s in schedule.stops] + [schedule.sessions.said]
    for words in said:
        document = DOCUMENTS.get(words.source[0])
        if words.basis is Basis.PUBLISHED or document is None:
            continue
        text = plain((folder / f"{document}.txt").read_text(encoding="utf-8"))
        parts = [plain(part) for part in re.split(r"[;:]", words.text)]
        assert [part for part in parts if part not in text] == []


def test_the_numbers_of_the_documents() -> None:
    """5 weeks; 28 days, day 7, cycles 2, 3 and 4; 0 and 3 months; monthly, as an inference."""
    assert rules("deboxa").sessions.timing.period.days == 5 * 7  # type: ignore[union-attr]  # an interval
    captem = rules("captem-y90")
    timing = captem.sessions.timing
    assert (timing.day, timing.first_cycle, timing.later_cycles) == (7, 2, (3, 4))  # type: ignore[union-attr]
    assert captem.cycle is not None
    assert captem.cycle.length == Period(days=28)
    assert [(c.first_day, c.last_day, c.mg_per_m2) for c in captem.courses] == [
        (1, 14, (600.0, 750.0)),
        (10, 14, (150.0, 200.0)),
    ]
    assert rules("tae-italy").sessions.timing.periods == (Period(), Period(months=3))  # type: ignore[union-attr]
    for name in ("retnet", "msk-19-125"):
        session = rules(name).sessions
        assert session.timing.period == Period(months=1)  # type: ignore[union-attr]  # an interval
        assert session.said.basis is Basis.INFERENCE
        assert [arm.id for arm in rules(name).arms if arm.closed] == ["deb"]


@pytest.mark.parametrize("name", load().protocol_names())
def test_a_closed_arm_is_said_to_be_closed_in_one_place(name: str) -> None:
    """The protocol says it with its reason; the own file of the calendar says nothing."""
    reasons = {
        arm["id"]: arm["closed_because"] for arm in load().protocol_table(name)["arm"] if "closed" in arm
    }
    assert reasons == {arm.id: arm.closed for arm in rules(name).arms if arm.closed}
    raw = files("emboplan.catalog") / "data" / "schedules" / f"{name.replace('-', '_')}.toml"
    stated = tomllib.loads(raw.read_text(encoding="utf-8"))["arm"]
    assert [key for arm in stated for key in arm if "closed" in key] == []
    open_arms = {arm["id"] for arm in load().protocol_table(name)["arm"] if "closed" not in arm}
    assert {arm.id for arm in rules(name).arms if not open_arms & {arm.id, *arm.also}} == {*reasons}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda t: t.pop("start"), "schedule.start"),
        (lambda t: t["sessions"].update(status="unverified"), "sessions.status: found 'unverified'"),
        (lambda t: t["sessions"].update(source="NOBODY"), "sessions.source: found 'NOBODY'"),
        (lambda t: t["sessions"].update(every={"days": -1}), "sessions.every: found {'days': -1}"),
        (lambda t: t["sessions"].pop("follow_up"), "sessions.follow_up"),
        (lambda t: t["stop"][0].update(ends=["all"]), "one of sessions, courses, visits"),
        (lambda t: t["visit"][0].update(id="follow-up-end"), "each id once"),
        (lambda t: t["arm"][0].update(extra=1), "found 'extra'"),
        (lambda t: t.update(arm=[]), "at least one arm"),
    ],
)
def test_a_mistake_in_a_table_is_named(change: Any, line: str) -> None:
    table = copy.deepcopy(dict(load().schedule_table("deboxa")))
    change(table)
    with pytest.raises(CatalogError) as caught:
        schedule_from_table(table, load().sources)
    assert line in str(caught.value)
