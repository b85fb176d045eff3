"""Several territories together, against sums done by hand."""

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.dosimetry.prescribing.combined import ALL_TERRITORIES, TerritoryPart, combined_result
from emboplan.model.products import DoseLimit, Scope
from emboplan.model.results.activity import Doses, ModelResult, Quantity


def part(
    name: str,
    *,
    gbq: float = 1.0,
    lung: float = 5.0,
    whole: float = 20.0,
    tumour: float | None = 100.0,
    ml: float = 50.0,
    session: int = 1,
    shunt: float = 0.05,
    goal_met: bool | None = True,
) -> TerritoryPart:
    lesions = MappingProxyType({} if tumour is None else {name: tumour})
    doses = Doses(tumour=tumour, perfused_normal=2 * whole, whole_normal=whole, lung=lung, lesions=lesions)
    result = ModelResult("partition", name, gbq, doses, goal_met=goal_met)
    return TerritoryPart(result, session, shunt, ml)


def limit(quantity: Quantity, value: float, *, scope: Scope = Scope.TREATMENT) -> DoseLimit:
    return DoseLimit.entered(f"{quantity}_{scope}", quantity, value, source="test", scope=scope)


def test_activities_and_doses_add_up_and_tumour_dose_is_a_mean_by_volume() -> None:
    result = combined_result([part("1", gbq=1.5, ml=30.0), part("2", gbq=0.5, tumour=60.0, ml=10.0)], (), {})
    assert (result.territory, result.model) == (ALL_TERRITORIES, "partition")
    assert result.administered_gbq == 2.0
    assert result.doses_gy.tumour == pytest.approx((100 * 30 + 60 * 10) / 40)
    assert result.doses_gy.lung == 10.0
    assert result.doses_gy.whole_normal == 40.0
    assert result.doses_gy.perfused_normal is None
    assert dict(result.doses_gy.lesions) == {"1": 100.0, "2": 60.0}


def test_a_territory_without_tumour_leaves_the_tumour_dose_alone() -> None:
    result = combined_result([part("1", ml=30.0), part("2", tumour=None, ml=0.0)], (), {})
    assert result.doses_gy.tumour == 100.0
    assert combined_result([part("1", tumour=None, ml=0.0)], (), {}).doses_gy.tumour is None


@pytest.mark.parametrize(("session", "value"), [(1, 10.0), (2, 7.0)])
def test_a_limit_per_treatment_sees_the_session_that_gives_most(session: int, value: float) -> None:
    parts = [part("1", lung=3.0), part("2", lung=7.0, session=session)]
    (check,) = combined_result(parts, [limit(Quantity.LUNG, 8.0)], {Quantity.LUNG: 100.0}).limits
    assert check.value == value
    assert check.exceeded is (session == 1)


def test_a_cumulative_limit_sees_all_sessions_and_what_was_before() -> None:
    parts = [part("1", lung=3.0), part("2", lung=7.0, session=2)]
    cumulative = limit(Quantity.LUNG, 50.0, scope=Scope.CUMULATIVE)
    (check,) = combined_result(parts, [cumulative], {Quantity.LUNG: 4.0}).limits
    assert check.value == 14.0


def test_shunt_and_lung_activity() -> None:
    parts = [part("1", gbq=2.0, shunt=0.1), part("2", gbq=1.0, shunt=0.2)]
    limits = [limit(Quantity.LUNG_SHUNT, 0.15), limit(Quantity.LUNG_ACTIVITY, 0.5)]
    shunt, activity = combined_result(parts, limits, {}).limits
    assert (shunt.value, shunt.exceeded) == (0.2, True)
    assert activity.value == pytest.approx(0.4)
    assert not activity.exceeded


def test_the_limit_of_one_territory_is_not_one_of_the_sum() -> None:
    assert combined_result([part("1"), part("2")], [limit(Quantity.PERFUSED_NORMAL, 10.0)], {}).limits == ()


@pytest.mark.parametrize(
    ("met", "expected"), [((True, True), True), ((True, False), False), ((True, None), None)]
)
def test_the_goal_is_met_when_each_is(met: tuple[bool | None, bool | None], expected: bool | None) -> None:
    parts = [part(str(n), goal_met=one) for n, one in enumerate(met)]
    assert combined_result(parts, (), {}).goal_met is expected


@given(st.lists(st.tuples(st.floats(0, 50), st.integers(1, 3)), min_size=1, max_size=6))
def test_no_session_gives_more_than_all(doses: list[tuple[float, int]]) -> None:
    """The heaviest session is at least the mean of the sessions, and at most the sum."""
    parts = [part(str(n), lung=lung, session=session) for n, (lung, session) in enumerate(doses)]
    per_treatment, cumulative = combined_result(
        parts, [limit(Quantity.LUNG, 1.0), limit(Quantity.LUNG, 1.0, scope=Scope.CUMULATIVE)], {}
    ).limits
    sessions = len({session for _, session in doses})
    assert per_treatment.value <= cumulative.value * (1 + 1e-12)
    assert per_treatment.value * sessions >= cumulative.value * (1 - 1e-12)
