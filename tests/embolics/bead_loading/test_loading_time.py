"""The loading time in the words of its source, and a time of the user's own against it."""

from pathlib import Path
from typing import Any

import pytest

from emboplan import catalog
from emboplan.embolics.bead_loading.steps import minutes_text
from emboplan.model.results.loading import Loading
from emboplan.workflow.load import load_beads

DOX: dict[str, Any] = {"product": "DC Bead", "drug": "doxorubicin", "dose_mg": 75}
SHORT = "loading-time-below-published"


def load_step(found: Loading) -> str:
    (step,) = [step for step in found.steps if step.startswith("Load for")]
    return step


def test_at_least_two_hours_are_said_as_the_source_says() -> None:
    """EMB-B2: at least 2 h."""
    assert load_step(load_beads(**DOX, solution_mg_per_ml=25)) == "Load for at least 120 min."


def test_the_measured_hour_of_a_dilute_solution_is_no_bound() -> None:
    assert load_step(load_beads(**DOX, solution_mg_per_ml=2)) == "Load for 60 min."


def test_the_bound_goes_with_its_own_figure_alone(tmp_path: Path) -> None:
    """A site's 30 min are 30 min, not "at least" them."""
    path = tmp_path / "site.toml"
    path.write_text(
        '[sources]\nSITE = "Pharmacy sheet"\n[beads.dc-bead.drugs.doxorubicin.loading_time]\nvalue = 0.5\n'
        'unit = "h"\nsource = ["SITE"]\nplace = "p"\nstatus = "confirmed"\n',
        encoding="utf-8",
    )
    assert load_step(load_beads(**DOX, catalog=catalog.load(path))) == "Load for 30 min."


def test_seconds_are_said_as_seconds() -> None:
    """EMB-B6: 20 s with vibration."""
    found = load_beads(product="DC Bead", drug="epirubicin", dose_mg=50, method="vibration-20-s")
    assert load_step(found).startswith("Load for 20 s, with vibration")
    assert [minutes_text(value) for value in (0.5, 0.999999, 1, 1.5)] == ["30 s", "60 s", "1 min", "1.5 min"]


@pytest.mark.parametrize(
    ("wish", "asked"),
    [
        ({"loading_min": 5}, True),
        ({"loading_min": "119.9"}, True),
        ({"loading_min": 120}, False),
        ({"loading_min": 180}, False),
        ({"loading_min": 60, "solution_mg_per_ml": 2}, False),
        ({"loading_min": 59, "solution_mg_per_ml": 2}, True),
        ({"loading_min": 60, "solution_mg_per_ml": 2, "sizes": "500-700"}, True),
    ],
)
def test_a_time_below_the_published_is_acknowledged(wish: dict[str, Any], asked: bool) -> None:
    found = load_beads(**DOX, **wish)
    assert (SHORT in found.to_acknowledge) is asked
    assert found.loading_min == float(wish["loading_min"])


def test_a_time_of_ones_own_stands_where_none_is_published() -> None:
    found = load_beads(
        product="CalliSpheres", drug="oxaliplatin", dose_mg=100, loading_efficiency=0.5, loading_min=10
    )
    assert SHORT not in found.to_acknowledge
    assert load_step(found) == "Load for 10 min."
