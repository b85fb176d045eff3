"""The lines of `emboplan activity`: every number with its unit, no identifier of the program."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.report import rich

from emboplan.model.results.activity import Doses
from emboplan.report.activity_text import activity_lines


def text(territories: tuple[str, ...] = rich.TERRITORIES[:2]) -> str:
    return "\n".join(activity_lines(rich.activity_plan(territories)))


def test_no_identifier_is_shown() -> None:
    shown = text()
    assert not re.search(r"[a-z]_[a-z]", shown)
    assert "limit on “TheraSphere: activity in the lungs”: 0.110 GBq, at most 0.61 GBq: kept" in shown
    assert "chance to exceed below 0.1 %" in shown
    assert "\N{NO-BREAK SPACE}" not in shown


def test_what_binds_and_its_price_are_a_sentence() -> None:
    assert (
        "What binds: one more gray of the limit on the whole normal liver (glass, bilirubin high or not "
        "known) would buy 3.4 Gy of tumour dose, up to +12 Gy." in text()
    )


def test_earlier_treatments_are_told_apart() -> None:
    (line,) = [line for line in text().splitlines() if line.startswith("limit on the lungs (all")]
    assert "(4.00 Gy of it earlier), at most 50 Gy: kept" in line


def test_a_value_just_above_its_limit_reads_so() -> None:
    plan = rich.activity_plan(("right lobe",))
    assert plan.chosen is not None
    limit = replace(plan.chosen.limits[0], value=30.004, exceeded=True, probability=0.9999)
    shown = "\n".join(activity_lines(replace(plan, chosen=replace(plan.chosen, limits=(limit,)))))
    assert "30.004 Gy" in shown
    assert "at most 30 Gy: EXCEEDED, chance to exceed above 99.9 %" in shown


def test_the_single_compartment_claims_no_tumour_dose() -> None:
    plan = rich.activity_plan(("right lobe",))
    doses = Doses(tumour=48.4, perfused_normal=48.4, whole_normal=29.3, perfused=48.4, lung=2.9)
    single = replace(plan.models[0], model="single", doses_gy=doses)
    rows = [line for line in activity_lines(replace(plan, models=(single,))) if line.startswith("single")]
    assert [row.count("48.4") for row in rows] == [2]
