"""PET to activity at a moment, against hand reckoning and a worked example."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.dosimetry.uptake.pet_activity import activity_at, frame_mean_frac
from emboplan.errors import GeometryError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.pet import DecayCorrection, PetFrame, PetImage, PetNuclide

INJECTION = datetime(2026, 12, 3, 15, 30, tzinfo=UTC)
SCAN = INJECTION + timedelta(hours=20)
GRID = Grid((2, 2, 3), (4.0, 5.0, 2.0), (0.0, 0.0, 0.0))
Y90 = PetNuclide("Y-90", 64.1, 31.86e-6)
F18 = PetNuclide("F-18", 1.83, 0.967)


def image(bq_per_ml: Any = 2e6, **changes: Any) -> PetImage:
    correction = changes.pop("decay_correction", DecayCorrection.START)
    moment = {
        DecayCorrection.START: SCAN,
        DecayCorrection.ADMIN: INJECTION,
        DecayCorrection.NONE: None,
    }[correction]
    base: dict[str, Any] = {
        "grid": GRID,
        "bq_per_ml": np.full(GRID.shape, bq_per_ml),
        "decay_correction": correction,
        "corrected_to": moment,
        "frames": (PetFrame(SCAN, 1200.0), PetFrame(SCAN, 1200.0)),
        "nuclide": Y90,
    }
    return PetImage(**{**base, **changes})


def ids(findings: Any) -> list[str]:
    return [finding.id for finding in findings]


def test_the_worked_example_of_start() -> None:
    """DER-PET: 2.0 MBq/mL 20 h after injection is 2.48287646 at it; 117.45188 Gy with K 49.67, 1.05 g/mL."""
    found = activity_at(image(), INJECTION, nuclide=Y90)
    assert found.mbq_per_ml.flat[0] == pytest.approx(2.48287646, rel=1e-6)
    assert found.mbq_per_ml.flat[0] * 49.67 / 1.05 == pytest.approx(117.45187987, rel=1e-4)
    assert found.findings == ()


def test_admin_needs_no_further_factor() -> None:
    found = activity_at(image(decay_correction=DecayCorrection.ADMIN), INJECTION, nuclide=Y90)
    np.testing.assert_array_equal(found.mbq_per_ml, np.full(GRID.shape, 2.0, np.float32))


def test_uncorrected_values_are_means_over_their_own_frame() -> None:
    """Frames of one half-life: the mean is 1/(2 ln 2) of the start. The second begins 64.1 h later."""
    frames = tuple(PetFrame(SCAN + timedelta(hours=64.1 * k), 64.1 * 3600) for k in (0, 1))
    pet = image(decay_correction=DecayCorrection.NONE, frames=frames)
    found = activity_at(pet, SCAN, nuclide=Y90)
    assert found.mbq_per_ml[0].max() == pytest.approx(2.0 * 2 * math.log(2), rel=1e-6)
    assert found.mbq_per_ml[1].max() == pytest.approx(2.0 * 4 * math.log(2), rel=1e-6)


def test_the_three_corrections_of_one_scan_agree() -> None:
    """A frame of 20 minutes, 20 h after the injection of 3 MBq/mL, as each correction would write it."""
    x = math.log(2) * (1 / 3) / 64.1
    at_scan = 3.0 * 2 ** (-20 / 64.1)
    written = {
        DecayCorrection.ADMIN: 3.0,
        DecayCorrection.START: at_scan,
        DecayCorrection.NONE: at_scan * (1 - math.exp(-x)) / x,
    }
    for correction, value in written.items():
        found = activity_at(image(value * 1e6, decay_correction=correction), INJECTION, nuclide=Y90)
        assert found.mbq_per_ml.max() == pytest.approx(3.0, rel=1e-6), correction


def test_a_scanner_told_f18_is_undone_in_yield_and_decay() -> None:
    """A frame of 20 minutes written as F-18: counts over 0.967 and corrected with 1.83 h, to the start.

    Truth 3 MBq/mL at the scan's start. Positrons 3e6 x 31.86e-6 x mean; the scanner divides by 0.967 and
    corrects its frame.
    """

    def mean(half_life: float) -> float:
        x = math.log(2) / 3 / half_life
        return (1 - math.exp(-x)) / x

    written = 3e6 * mean(64.1) * 31.86e-6 / 0.967 / mean(1.83)
    pet = image(written, nuclide=F18)
    found = activity_at(pet, SCAN, nuclide=Y90, scanner=F18)
    assert found.mbq_per_ml.max() == pytest.approx(3.0, rel=1e-6)
    assert ids(found.findings) == ["pet-scanner-nuclide"]
    assert "3.035e+04" in found.findings[0].text


def test_a_stated_decay_factor_is_what_is_divided_out() -> None:
    """The file says 1.25: 1 Bq/mL was 0.8 uncorrected, times 0.967/31.86e-6, over the mean of Y-90."""
    frames = tuple(PetFrame(SCAN, 0.0, 1.25) for _ in range(2))
    found = activity_at(image(1.0, nuclide=F18, frames=frames), SCAN, nuclide=Y90, scanner=F18)
    assert found.mbq_per_ml.max() == pytest.approx(0.8 * 0.967 / 31.86, rel=1e-6)
    assert "pet-decay-factor" in ids(found.findings)


def test_the_numbers_of_the_header_go_before_the_catalogue() -> None:
    """A header of F-18 with a fraction of 0.97 was divided by 0.97, whatever the tables say."""
    frames = tuple(PetFrame(SCAN, 0.0, 1.0) for _ in range(2))
    pet = image(1.0, nuclide=PetNuclide("F-18", 1.83, 0.97), frames=frames)
    found = activity_at(pet, SCAN, nuclide=Y90, scanner=PetNuclide("F-18", None, 0.967))
    assert found.mbq_per_ml.max() == pytest.approx(0.97 / 31.86, rel=1e-6)


def test_a_header_that_names_another_nuclide_than_the_user_is_said() -> None:
    found = activity_at(image(nuclide=PetNuclide("Ga-68")), SCAN, nuclide=Y90, scanner=F18)
    assert ids(found.findings) == ["pet-scanner-nuclide", "pet-scanner-nuclide-header"]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (F18, "names the nuclide F-18, but Y-90 was given; nothing is corrected unseen"),
        (PetNuclide("Ge-68", None, None), "names the nuclide Ge-68"),
        (PetNuclide("Y-90", 1.83, None), "half-life of 1.83 h, but that of Y-90 is 64.1 h"),
        (PetNuclide("", 270.9 * 24, None), "half-life of 6502 h"),
        (PetNuclide("Y-90", 64.1, 0.967), "positron yield of 0.967, but that of Y-90 is 3.186e-05"),
    ],
)
def test_another_nuclide_in_the_header_stops(header: PetNuclide, words: str) -> None:
    with pytest.raises(ModelRangeError, match=words):
        activity_at(image(nuclide=header), INJECTION, nuclide=Y90)


@pytest.mark.parametrize("half_life_h", [64.0, 64.04, 64.2, 64.5])
def test_every_published_half_life_of_the_nuclide_is_taken(half_life_h: float) -> None:
    pet = image(nuclide=PetNuclide("Y-90", half_life_h, 3.2e-5))
    assert activity_at(pet, SCAN, nuclide=Y90).findings == ()


def test_a_header_without_a_nuclide_is_taken_and_said() -> None:
    found = activity_at(image(nuclide=PetNuclide()), SCAN, nuclide=Y90)
    assert ids(found.findings) == ["pet-nuclide-unknown"]


def test_a_decay_factor_of_another_half_life_is_noticed() -> None:
    """1.065 over 20 minutes is F-18's, under a header of Y-90."""
    frames = tuple(PetFrame(SCAN, 1200.0, 1.065) for _ in range(2))
    found = activity_at(image(frames=frames), SCAN, nuclide=Y90)
    assert ids(found.findings) == ["pet-decay-factor"]


@pytest.mark.parametrize(
    ("pet", "scanner", "words"),
    [
        (
            image(decay_correction=DecayCorrection.NONE, frames=(PetFrame(None, 1.0),) * 2),
            None,
            "slice 1 of the PET has no acquisition time",
        ),
        (
            image(decay_correction=DecayCorrection.NONE, frames=(PetFrame(SCAN, None),) * 2),
            None,
            "no frame duration",
        ),
        (image(nuclide=PetNuclide("Ge-68")), PetNuclide("Ge-68"), "positron yield of Ge-68 is in neither"),
        (
            image(nuclide=PetNuclide("F-18")),
            PetNuclide("F-18", None, 0.967),
            "neither its decay factors nor the half-life of F-18",
        ),
    ],
)
def test_what_the_correction_lacks_is_named(pet: PetImage, scanner: PetNuclide | None, words: str) -> None:
    with pytest.raises(ModelRangeError, match=words):
        activity_at(pet, SCAN, nuclide=Y90, scanner=scanner)


def test_negative_values_count_in_sums_and_are_none_in_a_map() -> None:
    """11 voxels of 1 MBq/mL and one of -1, 0.04 mL each: 0.4 MBq in sum, 0.44 in the map."""
    values = np.full(GRID.shape, 1e6)
    values[0, 0, 0] = -1e6
    found = activity_at(image(bq_per_ml=values), SCAN, nuclide=Y90)
    assert found.total_gbq() == pytest.approx(0.4e-3, rel=1e-6)
    assert found.to_map().total_mbq == pytest.approx(0.44, rel=1e-6)
    assert ids(found.findings) == ["pet-negative"]


def test_a_structure_counts_the_share_of_each_voxel() -> None:
    """Half of each of 12 voxels of 0.04 mL at 2 MBq/mL."""
    found = activity_at(image(), SCAN, nuclide=Y90)
    assert found.total_gbq(np.full(GRID.shape, 0.5, np.float32)) == pytest.approx(0.48e-3, rel=1e-6)
    with pytest.raises(GeometryError, match="bring both to one grid"):
        found.total_gbq(np.ones((1, 2, 3), np.float32))


@given(st.floats(0, 1e-6))
def test_a_short_frame_has_the_activity_of_its_start(duration_h: float) -> None:
    assert frame_mean_frac(duration_h, 64.1) == pytest.approx(1.0, abs=1e-7)


@given(st.floats(1e-3, 500), st.floats(0.1, 500))
def test_the_mean_over_a_frame_is_its_integral(duration_h: float, half_life_h: float) -> None:
    """Against the decays counted: A0 T/ln2 (1 - 2^(-d/T)) over d."""
    decays = half_life_h / math.log(2) * -math.expm1(-math.log(2) * duration_h / half_life_h)
    assert frame_mean_frac(duration_h, half_life_h) == pytest.approx(decays / duration_h, rel=1e-12)


@given(st.floats(-200, 200))
def test_any_moment_and_back(hours: float) -> None:
    """The total at another moment, decayed back by hand, is the total at the scan."""
    there = activity_at(image(), SCAN + timedelta(hours=hours), nuclide=Y90).total_gbq()
    back = there * 2 ** (hours / 64.1)
    assert back == pytest.approx(activity_at(image(), SCAN, nuclide=Y90).total_gbq(), rel=1e-6)
