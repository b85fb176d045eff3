"""The empiric table and the cuts for the shunt: both sides of each step, and what is printed beside them."""

import numpy as np
import pytest

from emboplan.dosimetry.models.empiric import AtEdge, empiric_activity, shunt_notes, shunt_reduction_factor
from emboplan.errors import ModelRangeError


@pytest.mark.parametrize(
    ("involvement", "expected"),
    [(0.0, 2.0), (0.249, 2.0), (0.251, 2.5), (0.499, 2.5), (0.501, 3.0), (1.0, 3.0)],
)
def test_the_table(involvement: float, expected: float) -> None:
    """Below 25 % 2.0 GBq, 25 to 50 % 2.5, above 50 % 3.0."""
    assert expected == empiric_activity(involvement_frac=involvement).administered_gbq


@pytest.mark.parametrize(
    ("edge", "at_25", "at_50"), [("middle", 2.5, 2.5), ("lower", 2.0, 2.5), ("higher", 2.5, 3.0)]
)
def test_the_edges_are_a_choice(edge: str, at_25: float, at_50: float) -> None:
    found = [empiric_activity(involvement_frac=share, at_edge=edge) for share in (0.25, 0.50)]
    assert [at_25, at_50] == [result.administered_gbq for result in found]
    assert AtEdge(edge) is found[0].at_edge
    assert all("exactly" in " ".join(result.notes) for result in found)


def test_an_edge_that_rounding_moved_is_still_the_edge() -> None:
    """0.1 + 0.15 is 0.25 in decimals, but not in binary numbers."""
    for share in (0.1 + 0.15, 1.0 - 0.75, 3 * (0.25 / 3)):
        assert empiric_activity(involvement_frac=share, at_edge="lower").administered_gbq == 2.0
        assert empiric_activity(involvement_frac=share, at_edge="higher").administered_gbq == 2.5


@pytest.mark.parametrize(
    ("shunt", "factor"),
    [
        (0.0, 1.0),
        (0.10, 1.0),
        (0.1001, 0.8),
        (0.15, 0.8),
        (0.1501, 0.6),
        (0.20, 0.6),
        (0.2001, 0.0),
        (0.9, 0.0),
    ],
)
def test_the_cut_is_strictly_above_each_step(shunt: float, factor: float) -> None:
    """Exactly 10, 15 and 20 % stay in the milder band; above 20 % nothing is given."""
    assert factor == shunt_reduction_factor(shunt)


def test_a_step_that_rounding_moved_is_still_the_step() -> None:
    assert 3 * 0.05 > 0.15
    assert shunt_reduction_factor(3 * 0.05) == 0.8


def test_the_cut_multiplies() -> None:
    found = empiric_activity(involvement_frac=0.6, lung_shunt_frac=0.16)
    assert (found.unreduced_gbq, found.factor) == (3.0, 0.6)
    assert pytest.approx(1.8, rel=1e-12) == found.administered_gbq


def test_above_the_last_step_nothing_is_given() -> None:
    found = empiric_activity(involvement_frac=0.3, lung_shunt_frac=0.22)
    assert (found.administered_gbq, found.unreduced_gbq, found.factor) == (0.0, 2.5, 0.0)
    assert any("contraindication" in note for note in found.notes)


def test_the_advice_comes_with_the_cut() -> None:
    """Ward's series from the first step on, Sangro's advice from 15 %, the contraindication above 20 %."""
    told = {shunt: " ".join(shunt_notes(shunt)) for shunt in (0.05, 0.12, 0.15, 0.18, 0.25)}
    assert told[0.05] == ""
    assert ["Ward" in text for text in told.values()] == [False, True, True, True, True]
    assert ["Sangro" in text for text in told.values()] == [False, False, True, True, True]
    assert ["contraindication" in text for text in told.values()] == [False, False, False, False, True]


def test_the_table_is_printed_as_to_be_confirmed() -> None:
    assert "confirm against the package insert" in empiric_activity(involvement_frac=0.3).notes[0]


def test_arrays_broadcast() -> None:
    found = empiric_activity(involvement_frac=np.array([[0.1], [0.6]]), lung_shunt_frac=np.array([0.0, 0.12]))
    assert [[2.0, 1.6], [3.0, pytest.approx(2.4)]] == np.asarray(found.administered_gbq).tolist()


@pytest.mark.parametrize(
    ("involvement", "shunt", "message"),
    [(30.0, 0.0, "30 % is 0.3"), (-0.1, 0.0, "involvement_frac"), (0.3, 1.0, "lung_shunt_frac is 1")],
)
def test_shares_outside_their_range_are_refused(involvement: float, shunt: float, message: str) -> None:
    with pytest.raises(ModelRangeError, match=message):
        empiric_activity(involvement_frac=involvement, lung_shunt_frac=shunt)


def test_an_unknown_side_of_the_edge_is_refused() -> None:
    with pytest.raises(ModelRangeError, match="expected one of middle, lower, higher"):
        empiric_activity(involvement_frac=0.25, at_edge="up")
