"""What must hold for every bead, drug and dose: mass balance, volumes, limits, moments."""

import math
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emboplan import catalog
from emboplan.catalog.embolics import bead_names, drug_names, find_bead
from emboplan.embolics.bead_loading.beads import BeadRequest
from emboplan.errors import InputError
from emboplan.model.results.loading import Loading
from emboplan.workflow.load import load_bead_sessions, load_beads

PAIRS = [
    (bead, drug) for bead in bead_names(catalog.load()) for drug in find_bead(catalog.load(), bead)[0].drugs
]
DOSES = st.decimals(min_value=1, max_value=400, places=1)
SHARES = st.one_of(st.none(), st.decimals(min_value="0.01", max_value=1, places=2))
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


def attempt(**wish: Any) -> Loading | None:
    """The loading, or None where it is refused with one line."""
    try:
        return load_beads(**wish)
    except InputError as error:
        return None if len(str(error).splitlines()) == 1 else pytest.fail(str(error))


@quick
@given(pair=st.sampled_from(PAIRS), dose=DOSES, share=SHARES, beads=st.sampled_from([None, 1, 2, 3, 4]))
def test_nothing_is_lost(pair: tuple[str, str], dose: Any, share: Any, beads: int | None) -> None:
    """Loaded and left over make what was added, at both ends of a range; parts make the whole."""
    found = attempt(
        product=pair[0], drug=pair[1], dose_mg=dose, loading_efficiency=share, beads_ml=beads, vial_ml=2
    )
    if found is None:
        return
    added = pytest.approx(float(dose), rel=1e-12)
    assert added == found.loaded_mg + found.supernatant_mg
    assert added == found.loaded_range_mg[0] + found.supernatant_range_mg[1]
    assert added == found.loaded_range_mg[1] + found.supernatant_range_mg[0]
    assert 0 <= found.supernatant_mg < found.drug_mg
    assert added == math.fsum(part.drug_mg for part in found.territories)
    if found.beads_ml is not None and found.drug_mg_per_ml_beads is not None:
        assert added == found.beads_ml * found.drug_mg_per_ml_beads
    if found.solution_ml is not None and found.solution_mg_per_ml is not None:
        assert added == found.solution_ml * found.solution_mg_per_ml


@quick
@given(pair=st.sampled_from(PAIRS), dose=DOSES, contrast=st.decimals(min_value=1, max_value=60, places=1))
def test_volumes_add_up(pair: tuple[str, str], dose: Any, contrast: Any) -> None:
    wish: dict[str, Any] = {
        "product": pair[0],
        "drug": pair[1],
        "dose_mg": dose,
        "loading_efficiency": 0.9,
        "beads_ml": 2,
    }
    found = attempt(**wish, contrast_ml=contrast, vial_ml=2)
    if found is None:
        return
    assert found.final_ml is not None
    least, most = found.final_ml
    assert least == most == pytest.approx(2 + float(contrast))
    published = attempt(**wish, vial_ml=2)
    if published is not None and published.contrast_ml is not None and published.final_ml is not None:
        assert published.final_ml[0] == pytest.approx(2 + published.contrast_ml[0])


@quick
@given(
    pair=st.sampled_from(PAIRS),
    dose=st.decimals(min_value=1, max_value=2000, places=1),
    share=st.decimals(min_value="0.1", max_value="0.9", places=2),
)
def test_no_session_is_over_its_limits(pair: tuple[str, str], dose: Any, share: Any) -> None:
    """A divided dose gives all of it, in sessions that keep 150 mg, 75 mg a vial and 2 vials."""
    territories = {"right": share, "left": 1 - share}
    request = BeadRequest(pair[0], pair[1], dose, loading_efficiency=0.9, vial_ml=2, territories=territories)
    try:
        course = load_bead_sessions(request)
    except InputError:
        return
    assert pytest.approx(float(dose), rel=1e-9) == math.fsum(s.loading.drug_mg for s in course.sessions)
    assert pytest.approx(float(dose), rel=1e-9) == course.loaded_mg + course.supernatant_mg
    for session in course.sessions:
        loading = session.loading
        if loading.product in ("DC Bead", "LC Bead"):
            assert loading.vials is not None
            assert loading.vials <= 2
            if loading.drug == "doxorubicin":
                assert loading.drug_mg <= 150
                assert loading.drug_mg / loading.vials <= 75 * (1 + 1e-12)


@quick
@given(pair=st.sampled_from(PAIRS), dose=DOSES, factor=st.sampled_from([2, 3]))
def test_more_drug_never_means_fewer_vials(pair: tuple[str, str], dose: Any, factor: int) -> None:
    wish: dict[str, Any] = {"product": pair[0], "drug": pair[1], "loading_efficiency": 0.9, "vial_ml": 2}
    one, more = attempt(**wish, dose_mg=dose), attempt(**wish, dose_mg=dose * factor)
    if one is not None and more is not None and one.vials is not None and more.vials is not None:
        assert one.vials <= more.vials


MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1))  # noqa: DTZ001  the zone is drawn too
ZONES = st.sampled_from(["Europe/Rome", "America/New_York", "Asia/Seoul", "UTC"])


@quick
@given(pair=st.sampled_from(PAIRS), zone=ZONES, moment=MOMENTS)
def test_expiry_counts_elapsed_hours(pair: tuple[str, str], zone: str, moment: datetime) -> None:
    """Whatever the clock does in between."""
    loaded_at = moment.replace(tzinfo=ZoneInfo(zone))
    found = attempt(
        product=pair[0],
        drug=pair[1],
        dose_mg=10,
        loading_efficiency=0.9,
        beads_ml=2,
        vial_ml=2,
        loaded_at=loaded_at,
    )
    for row in () if found is None else found.storage:
        if not row.chosen or row.hours == 0:
            assert row.use_before is None
            continue
        assert row.use_before is not None
        assert row.use_before.timestamp() - loaded_at.timestamp() == pytest.approx(3600 * row.hours)


def test_every_drug_of_a_bead_is_a_drug() -> None:
    assert {drug for _, drug in PAIRS} <= set(drug_names(catalog.load()))


@pytest.mark.parametrize(("bead", "drug"), PAIRS)
def test_every_pair_loads_with_numbers_entered(bead: str, drug: str) -> None:
    """No pair of the catalogue is a dead end for a user who knows the numbers."""
    found = load_beads(
        product=bead,
        drug=drug,
        dose_mg=10,
        loading_efficiency=0.9,
        beads_ml=2,
        vial_ml=2,
        vials=1,
        contrast_ml=20,
    )
    assert (found.loaded_mg, found.supernatant_mg) == (9.0, 1.0)
