"""The table of vials and days: one choice, a word for every colour, no day on which nothing can be used."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from tests.report.conftest import MakeRich
from tests.report.reading import plain, row, section, tables, texts

from emboplan.model.plan import Plan
from emboplan.report.compose import compose
from emboplan.report.document import Section, Table, Tone
from emboplan.report.moments import hours_between, moment_text
from emboplan.report.sections.vials import MOST_COLUMNS, MOST_ROWS

CUSTOM = tuple(3.0 + 0.5 * step for step in range(35))


@pytest.fixture(scope="module")
def vials(rich: Plan) -> Section:
    return section(compose(rich, ()), "vials")


def _matrices(part: Section) -> list[Table]:
    return [each for each in tables(part) if each.matrix]


def test_the_chosen_vial_is_marked_once_in_each_territory(vials: Section) -> None:
    for matrix in _matrices(vials):
        chosen = [(r, cell) for r in matrix.rows for cell in r if "CHOSEN" in cell.text]
        assert len(chosen) == 1
        day, cell = chosen[0][0][0], chosen[0][1]
        assert cell.picked
        assert plain(day.text) == "Thu 3 Dec 2026\n10:30 (UTC+01:00)\n88.5 h"
    cell = next(c for r in _matrices(vials)[0].rows for c in r if c.picked)
    assert plain(cell.text) == "CHOSEN\n2.66 GBq\n165 Gy\nfits"


def test_every_tone_has_its_word(vials: Section) -> None:
    words = {Tone.GOOD: "fits", Tone.CAUTION: "below goal", Tone.ALARM: "exceeds", Tone.MUTED: "not usable"}
    seen = set()
    for matrix in _matrices(vials):
        for cell in (c for r in matrix.rows for c in r[1:]):
            assert words[cell.tone] in cell.text
            seen.add(cell.tone)
    assert {Tone.GOOD, Tone.CAUTION, Tone.ALARM} <= seen


def test_an_exceeded_limit_is_named_in_the_cell_and_in_full_below(vials: Section) -> None:
    """20 GBq on the first day: 16.6 GBq give 182 Gy to the whole normal liver and 41 Gy to the lungs."""
    matrix = _matrices(vials)[0]
    cell = matrix.rows[0][-1]
    assert plain(cell.text) == "16.6 GBq\n1030 Gy\nexceeds whole normal, lungs"
    assert matrix.footnotes[cell.notes[0] - 1] == (
        "Exceeds: Whole normal liver, glass, bilirubin high or not known; Lungs, one session."
    )


def test_days_without_a_usable_vial_are_left_out(vials: Section) -> None:
    """Before calibration and after twelve days nothing can be used."""
    first, last = (plain(_matrices(vials)[0].rows[n][0].text) for n in (0, -1))
    assert first.startswith("Mon 30 Nov 2026")
    assert last.startswith("Fri 11 Dec 2026")


def test_a_day_with_some_unusable_vials_says_why(rich: Plan) -> None:
    assert rich.activity is not None
    spoilt = tuple(
        replace(r, usable=False, reason="past its shelf life", doses_gy=None, administered_gbq=None)
        if r.label_gbq == (3.0,) and not r.chosen
        else r
        for r in rich.activity.vials
    )
    part = section(compose(replace(rich, activity=replace(rich.activity, vials=spoilt)), ()), "vials")
    cell = _matrices(part)[0].rows[0][1]
    assert cell.text == "not usable"
    assert _matrices(part)[0].footnotes[cell.notes[0] - 1] == "past its shelf life"


def test_the_chosen_row_is_given_in_full(vials: Section) -> None:
    """7 GBq hold 2.8 million spheres; 2.69 GBq over them is 960 Bq."""
    full = tables(vials)[-1]
    assert row(full, "Label activity")[1] == "7 GBq at calibration"
    assert row(full, "Calibrated")[1] == (
        "Sun 29 Nov 2026, 12:00 (UTC−05:00); at the clinic Sun 29 Nov 2026, 18:00 (UTC+01:00)"
    )
    assert row(full, "After calibration")[1] == "88.5 h"
    assert row(full, "Spheres prepared")[1] == "2.80 million"
    assert row(full, "Activity of one sphere")[1] == "960 Bq"
    assert row(full, "Volume of the spheres")[1] == "0.0231 mL"


def test_many_sizes_are_cut_to_those_that_serve_and_split_to_fit(make_rich: MakeRich) -> None:
    part = section(compose(make_rich(1, vial_sizes=CUSTOM), ()), "vials")
    matrices = _matrices(part)
    assert all(len(each.header) <= 1 + MOST_COLUMNS and len(each.rows) <= MOST_ROWS for each in matrices)
    assert sum(cell.picked for each in matrices for r in each.rows for cell in r) == 1
    assert "further sizes that would not serve the plan on the chosen day are left out" in texts(part)
    shown = {cell.text for each in matrices for cell in each.header[1:]}
    on_the_day = [r for each in matrices for r in each.rows if "3\N{NO-BREAK SPACE}Dec" in r[0].text]
    fits = sum("fits" in cell.text for r in on_the_day for cell in r)
    assert fits >= len(shown) - 1  # all but the chosen size, which misses the goal


def test_without_a_choice_the_table_says_so(rich: Plan) -> None:
    assert rich.activity is not None
    rows = tuple(replace(each, chosen=False) for each in rich.activity.vials)
    part = section(compose(replace(rich, activity=replace(rich.activity, vials=rows)), ()), "vials")
    assert "No vial is chosen" in texts(part)
    assert not any("CHOSEN" in cell.text for each in tables(part) for r in each.rows for cell in r)


def test_a_vial_that_the_plan_does_not_take_is_said_to_be_only_near(rich: Plan) -> None:
    assert rich.activity is not None
    models = tuple(replace(m, administered_gbq=1.1 * m.administered_gbq) for m in rich.activity.models)
    plan = replace(rich, activity=replace(rich.activity, models=models))
    part = section(compose(plan, ()), "vials")
    assert "does not take this vial" in texts(part)
    marked = [cell.text for each in _matrices(part) for r in each.rows for cell in r if cell.picked]
    assert all(text.startswith("BEST FIT") for text in marked)
    assert len(marked) == 2
    assert "from a vial" not in texts(section(compose(plan, ()), "summary"))


def test_several_vials_together_are_one_column(rich: Plan) -> None:
    assert rich.activity is not None
    chosen = next(each for each in rich.activity.vials if each.chosen)
    both = replace(chosen, label_gbq=(3.0, 5.0), kept=None, goals_met=None, doses_gy=None)
    rows = (*(replace(each, chosen=False) for each in rich.activity.vials), both)
    part = section(compose(replace(rich, activity=replace(rich.activity, vials=rows)), ()), "vials")
    assert plain(_matrices(part)[0].header[-1].text) == "3 + 5 GBq"
    assert row(tables(part)[-1], "Label activity")[1] == "3 GBq + 5 GBq at calibration"


def test_moments_carry_weekday_and_distance_from_utc() -> None:
    moment = datetime(2026, 7, 1, 9, 5, tzinfo=ZoneInfo("America/St_Johns"))
    assert plain(moment_text(moment)) == "Wed 1 Jul 2026, 09:05 (UTC−02:30)"
    assert plain(moment_text(moment.astimezone(UTC))).endswith("11:35 (UTC+00:00)")


def test_hours_are_elapsed_hours_across_a_change_of_the_clock() -> None:
    """On 25 October 2026 Paris turns its clocks back: from noon to noon 25 hours pass."""
    paris = ZoneInfo("Europe/Paris")
    earlier, later = (datetime(2026, 10, day, 12, tzinfo=paris) for day in (24, 25))
    assert hours_between(earlier, later) == 25.0
    assert hours_between(later, earlier) == -25.0
