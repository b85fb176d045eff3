"""Particles: grades within the wanted sizes, catheters, shunts, end points, and volumes with their basis."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from emboplan.embolics.end_points import NAMES, end_point, end_point_reached, end_points
from emboplan.embolics.particles import particles
from emboplan.errors import CatalogError, InputError, ModelRangeError
from emboplan.model.finding import Severity
from emboplan.model.results.particles import ParticleGrade

EDGES = st.integers(20, 1200)
BOX = (ParticleGrade(40, 120), ParticleGrade(100, 300), ParticleGrade(300, 500), ParticleGrade(500, 700))


def grade(name: str) -> ParticleGrade:
    low, high = name.split("-")
    return ParticleGrade(float(low), float(high))


def test_worked_catheter_of_pva() -> None:
    """500-710 µm needs 0.024 inches: 0.021 is refused, 0.024 goes."""
    path = Path(__file__).resolve().parents[3] / "shared" / "reference" / "embolics_examples.json"
    if not path.is_file():
        pytest.skip(f"worked cases not found at {path}")
    cases = {case["id"]: case for case in json.loads(path.read_text(encoding="utf-8"))}
    case = cases["nspva-catheter"]
    size, least = case["inputs"]["size_um"], case["expected"]["min_id_in"]
    with pytest.raises(ModelRangeError, match=f'catheter of {least}" or more, found 0.021"'):
        particles(
            product=case["product"],
            target_um=tuple(size),
            catheter_inner_diameter_in=case["inputs"]["catheter_id_in"],
        )
    found = particles(product=case["product"], target_um=tuple(size), catheter_inner_diameter_in=least)
    assert (tuple(size), least) == ((found.chosen.min_um, found.chosen.max_um), found.chosen.min_catheter_in)


def test_an_arm_of_a_trial_gives_the_sizes() -> None:
    """RETNET has 50-500 µm: 45-150 and 500-710 lie partly outside; 150-250 is the smallest within."""
    found = particles(product="Bearing nsPVA", protocol="retnet")
    assert [item.text for item in found.fitting] == ["150-250 µm", "250-355 µm", "355-500 µm"]
    assert found.chosen.text == "150-250 µm"
    assert {"45-150 µm", "500-710 µm", "710-1000 µm", "1000-1180 µm"} == {r.grade.text for r in found.refused}


def test_the_smallest_grade_without_distal_particles_is_offered_first() -> None:
    found = particles(product="spheres", grades=BOX, target_um=(40, 700), shunt="none")
    assert grade("100-300") == found.chosen
    assert "100 µm" in found.reason


def test_an_open_shunt_offers_the_largest_and_stops() -> None:
    found = particles(product="spheres", grades=BOX, target_um=(40, 700), shunt="present")
    assert grade("500-700") == found.chosen
    assert Severity.STOP in {finding.severity for finding in found.findings}
    closed = particles(product="spheres", grades=BOX, target_um=(40, 700), shunt="occluded")
    assert grade("100-300") == closed.chosen
    assert Severity.STOP not in {finding.severity for finding in closed.findings}


def test_a_shunt_not_answered_is_an_open_item() -> None:
    found = particles(product="spheres", grades=BOX, target_um=(40, 700))
    assert "shunt-not-answered" in {finding.id for finding in found.findings}


def test_small_particles_are_told() -> None:
    found = particles(product="Embosphere", target_um=(40, 120), shunt="none")
    assert "distal-particles" in {finding.id for finding in found.findings}


def test_a_size_at_the_end_of_the_name_keeps_that_grade() -> None:
    found = particles(product="bearing-355-500", target_um=(50, 1000))
    assert [grade("355-500").text] == [item.text for item in found.fitting]


@given(
    st.lists(st.tuples(EDGES, EDGES), min_size=1, max_size=6), st.tuples(EDGES, EDGES), st.integers(100, 1300)
)
def test_what_fits_lies_within_the_sizes_and_the_catheter(
    box: list[tuple[int, int]], target: tuple[int, int], inner_um: int
) -> None:
    """Every grade is either fitting or refused with a reason, by brute force over the box."""
    grades = [ParticleGrade(min(size), max(size)) for size in box]
    low, high = sorted(target)
    within = [g for g in grades if low <= g.min_um and g.max_um <= high and g.max_um <= inner_um]
    asked: dict[str, Any] = {
        "product": "spheres",
        "grades": grades,
        "target_um": (low, high),
        "catheter_inner_diameter_in": f"{inner_um / 25400:.12f}",
    }
    assume(all(abs(g.max_um - inner_um) > 1 for g in grades))
    if not within:
        with pytest.raises(ModelRangeError, match="no grade of spheres fits"):
            particles(**asked)
        return
    found = particles(**asked)
    assert sorted(within, key=lambda g: (g.min_um, g.max_um)) == list(found.fitting)
    assert len(grades) == len(found.fitting) + len(found.refused)
    assert all(item.reason for item in found.refused)
    assert found.chosen in found.fitting


# End points


def test_stasis_counts_heartbeats_and_seconds() -> None:
    """2 to 5 heartbeats at 75 per minute are 1.6 to 4 seconds."""
    found = end_point("stasis", heart_rate_per_min=75)
    assert (found.heartbeats, found.seconds) == ((2.0, 5.0), (1.6, 4.0))


def test_every_end_point_is_defined_and_sourced() -> None:
    found = end_points()
    assert tuple(item.name for item in found) == NAMES
    assert all(item.definition and item.source for item in found)
    by_name = {item.name: item for item in found}
    assert by_name["gelatin_sponge"].heartbeats == (3.0, 5.0)
    assert "confirm" in by_name["gelatin_sponge"].source
    assert by_name["near_stasis"].heartbeats is None


@pytest.mark.parametrize(("beats", "said"), [(1, "short of"), (2, "at"), (5, "at"), (6, "beyond")])
def test_where_a_count_of_heartbeats_is(beats: int, said: str) -> None:
    assert said == end_point_reached("stasis", heartbeats=beats)


# Volumes


def test_without_figures_one_vial_is_the_estimate() -> None:
    found = particles(product="Embosphere", target_um=(40, 120)).expected_volume
    assert (found.spheres_ml, found.vials) == ((1.0, 2.0), (1.0, 1.0))
    assert "no number of vials in a session is published" in found.basis


def test_the_users_vials_make_a_range() -> None:
    """2 to 4 vials of 1 to 2 mL hold 2 to 8 mL."""
    found = particles(product="Embosphere", target_um=(40, 120), vials=(2, 4)).expected_volume
    assert found.spheres_ml == (2.0, 8.0)
    assert "user's own" in found.basis


def test_the_users_volume_per_tumour_makes_a_range() -> None:
    """0.5 to 1 mL for 100 mL of tumour is 1.25 to 2.5 mL for 250."""
    found = particles(
        product="Embosphere",
        target_um=(40, 120),
        tumour_ml=250,
        spheres_ml_per_100_ml_tumour=(0.5, 1),
    ).expected_volume
    assert found.spheres_ml == (1.25, 2.5)


def test_json_is_plain() -> None:
    found = particles(product="Embosphere", target_um=(40, 120)).to_json()
    assert found["technique"] == "bland"
    assert json.loads(json.dumps(found)) == found


# Refusals


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target_um": None}, "the wanted sizes are not known"),
        ({"target_um": (300, 100)}, "expected the smaller number first"),
        ({"target_um": (0, 100)}, "expected a number above 0"),
        ({"target_um": (40, 600), "protocol": "retnet"}, "outside the 50 to 500 µm of retnet"),
        ({"target_um": (800, 900)}, "not within 800-900 µm"),
        ({"catheter_inner_diameter_in": 0.001}, "larger than the catheter"),
        ({"catheter_inner_diameter_in": -1}, "catheter_inner_diameter_in is -1"),
        ({"shunt": "maybe"}, "expected one of none, unknown, present, occluded"),
        ({"end_point": "feeling"}, "expected one of stasis"),
        ({"spheres_ml_per_100_ml_tumour": (1, 2)}, "give tumour_ml"),
        ({"vials": (3, 1)}, "expected the smaller number first"),
        ({"protocol": "tae-italy", "technique": "ctace"}, "no arm with the technique ctace"),
        ({"protocol": "retnet", "technique": "deb-tace"}, "is closed"),
        ({"product": "Embozene", "grades": None}, "unverified in the catalogue; give its grades"),
        ({"product": "Lipiodol", "grades": None}, "Lipiodol is no particle and has no sizes"),
        ({"product": "Bead Block", "grades": None}, "unverified in the catalogue; give its grades"),
        ({"product": "embosphere-300-500", "grades": None}, "has no grade 300-500 µm"),
    ],
)
def test_refusals_say_what_to_do(change: dict[str, Any], words: str) -> None:
    asked: dict[str, Any] = {"product": "spheres", "grades": BOX, "target_um": (40, 700), **change}
    with pytest.raises(InputError, match=words) as caught:
        particles(**asked)
    assert "\n" not in str(caught.value)


def test_an_unknown_product_is_refused_with_the_nearest() -> None:
    with pytest.raises(CatalogError, match="nearest"):
        particles(product="Embosfere", target_um=(40, 120))


def test_an_end_point_without_heartbeats_is_judged_by_eye() -> None:
    with pytest.raises(ModelRangeError, match="counts no heartbeats"):
        end_point_reached("near-stasis", heartbeats=3)
