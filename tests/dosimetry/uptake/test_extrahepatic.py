"""Uptake outside the liver on scans where it is known: none, a ball, spill at the margin, a weak organ."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage
from tests.dosimetry.scans import FINE_MM, GRID, SHAPE, Scan, binned, make_scan

from emboplan.dosimetry.uptake.extrahepatic import extrahepatic_uptake
from emboplan.errors import MaskError
from emboplan.model.finding import Severity
from emboplan.model.image import CountImage
from emboplan.model.results.extrahepatic import ExtrahepaticUptake

FWHM_MM = 12.0
BODY = np.ones(GRID.shape, dtype=np.float32)
STOMACH = (290.0, 120.0, 90.0)  # 60 mm to the left of the liver's edge
BACKGROUND = 0.01  # of normal liver, even over the body


def ball(centre_mm: tuple[float, float, float], radius_mm: float) -> NDArray[np.bool_]:
    z, y, x = np.meshgrid(*[(np.arange(n) + 0.5) * FINE_MM for n in SHAPE], indexing="ij")
    squares = [(axis - c) ** 2 for axis, c in zip((x, y, z), centre_mm, strict=True)]
    inside: NDArray[np.bool_] = np.sum(squares, axis=0) <= radius_mm**2
    return inside


@lru_cache(maxsize=1)
def quiet_scan() -> Scan:
    return make_scan(shunt=0.05, ratio=4.0, fwhm_mm=FWHM_MM, stated_fwhm_mm=FWHM_MM, seed=None)


@dataclass(frozen=True)
class Case:
    """A scan with a hot ball, and the ball's true share of all counts."""

    scan: Scan
    counts: CountImage
    ball: NDArray[np.float32]
    share: float


def with_ball(
    centre_mm: tuple[float, float, float], radius_mm: float, to_normal: float, *, seed: int | None = 1
) -> Case:
    """A ball of this concentration over normal liver, blurred as the scan is, on an even background."""
    scan = quiet_scan()
    normal = float((scan.counts.counts * scan.normal).sum() / scan.normal.sum())
    drawn = ball(centre_mm, radius_mm)
    sigma = FWHM_MM / np.sqrt(8 * np.log(2)) / FINE_MM
    hot = binned(ndimage.gaussian_filter(drawn.astype(np.float64), sigma)) * to_normal * normal
    expected = scan.counts.counts + hot + BACKGROUND * normal
    values = expected if seed is None else np.random.default_rng(seed).poisson(expected)
    image = CountImage(GRID, values.astype(np.float32), resolution_fwhm_mm=FWHM_MM)
    return Case(scan, image, binned(drawn), float(hot.sum() / expected.sum()))


def found(case: Case, **options: object) -> ExtrahepaticUptake:
    given_too: dict[str, object] = {"lungs": case.scan.lungs, "normal_liver": case.scan.normal, **options}
    return extrahepatic_uptake(case.counts, case.scan.liver, BODY, **given_too)  # type: ignore[arg-type]  # a test's options


@pytest.mark.parametrize("seed", [None, 1])
@pytest.mark.parametrize(
    ("shunt", "fwhm", "breathing", "ratio"),
    [(0.05, 12.0, 0.0, 4.0), (0.15, 12.0, 20.0, 4.0), (0.05, 15.0, 20.0, 10.0)],
)
def test_what_liver_and_lungs_spill_is_no_uptake(
    shunt: float, fwhm: float, breathing: float, ratio: float, seed: int | None
) -> None:
    """Blur, a breath of 20 mm and hot lesions under the capsule put counts beside the organs only."""
    scan = make_scan(
        shunt=shunt, ratio=ratio, fwhm_mm=fwhm, stated_fwhm_mm=fwhm, breathing_mm=breathing, seed=seed
    )
    uptake = extrahepatic_uptake(scan.counts, scan.liver, BODY, lungs=scan.lungs, normal_liver=scan.normal)
    assert uptake.regions == ()
    assert uptake.share_of_total_frac == 0
    assert "extrahepatic-uptake" not in {finding.id for finding in uptake.findings}


@pytest.mark.parametrize("seed", range(2))
def test_background_and_noise_are_no_uptake(seed: int) -> None:
    assert found(with_ball(STOMACH, 15.0, 0.0, seed=seed)).regions == ()


@pytest.mark.parametrize(("to_normal", "radius", "off"), [(0.3, 15.0, 0.3), (2.0, 25.0, 0.15)])
def test_a_ball_is_found_with_its_share_place_and_size(to_normal: float, radius: float, off: float) -> None:
    """Share within 10 %, centre within 2 mm; the half-height contour of a small ball runs inside it."""
    case = with_ball(STOMACH, radius, to_normal)
    uptake = found(case)
    assert len(uptake.regions) == 1
    region = uptake.regions[0]
    assert region.share_of_total_frac == pytest.approx(case.share, rel=0.1)
    # The scan's first voxel centre is at 0, the drawing's first edge is: half a voxel of 6 mm apart.
    expected_mm = [c - 3.0 for c in STOMACH]
    assert np.abs(np.subtract(region.centroid_mm, expected_mm)).max() < 2.0
    assert region.volume_ml == pytest.approx(4 / 3 * np.pi * (radius / 10) ** 3, rel=off)
    assert region.peak_to_normal_liver == pytest.approx(to_normal + BACKGROUND, rel=0.15)
    assert not region.at_margin
    warning = next(finding for finding in uptake.findings if finding.id == "extrahepatic-uptake")
    assert warning.severity is Severity.WARNING
    assert "physician" in warning.text
    assert "pertechnetate" in warning.text


def test_two_balls_are_two_regions_the_larger_first() -> None:
    case = with_ball(STOMACH, 15.0, 1.0, seed=None)
    other = with_ball((290.0, 40.0, 40.0), 10.0, 1.0, seed=None)
    both = case.counts.counts + other.counts.counts
    uptake = extrahepatic_uptake(
        CountImage(GRID, both, FWHM_MM), case.scan.liver, BODY, lungs=case.scan.lungs
    )
    assert [region.label for region in uptake.regions] == [1, 2]
    assert uptake.regions[0].share_of_total_frac > uptake.regions[1].share_of_total_frac
    assert uptake.share_of_total_frac == pytest.approx((case.share + other.share) / 2, rel=0.1)


def test_a_ball_at_the_liver_is_not_searched_for_and_that_is_said() -> None:
    case = with_ball((145.0, 125.0, 35.0), 8.0, 1.0)
    uptake = found(case)
    assert all(region.at_margin for region in uptake.regions)
    note = next(finding for finding in uptake.findings if finding.id == "extrahepatic-not-searched")
    assert "20 mm" in note.text


def test_a_weak_organ_is_found_unless_it_is_known() -> None:
    """A kidney's worth at a tenth of normal liver; given as another organ it is left out."""
    case = with_ball(STOMACH, 25.0, 0.1)
    uptake = found(case)
    assert len(uptake.regions) == 1
    assert uptake.regions[0].peak_to_normal_liver == pytest.approx(0.11, rel=0.2)
    assert found(case, other_organs=case.ball).regions == ()


def test_an_unknown_resolution_is_said() -> None:
    case = with_ball(STOMACH, 15.0, 1.0)
    image = CountImage(GRID, case.counts.counts)
    uptake = extrahepatic_uptake(image, case.scan.liver, BODY, lungs=case.scan.lungs)
    assert uptake.resolution_fwhm_mm is None
    assert len(uptake.regions) == 1
    assert "extrahepatic-resolution" in {finding.id for finding in uptake.findings}


def test_a_scan_too_poor_to_see_anything_says_so() -> None:
    """Ten counts in all: the liver itself would not be found."""
    case = with_ball(STOMACH, 15.0, 1.0, seed=None)
    poor = CountImage(GRID, case.counts.counts * np.float32(10 / case.counts.total_counts), FWHM_MM)
    uptake = extrahepatic_uptake(poor, case.scan.liver, BODY, lungs=case.scan.lungs)
    assert uptake.regions == ()
    assert "extrahepatic-not-visible" in {finding.id for finding in uptake.findings}


def test_a_body_within_the_margin_is_refused() -> None:
    case = with_ball(STOMACH, 15.0, 1.0)
    with pytest.raises(MaskError, match="no part of the body"):
        extrahepatic_uptake(case.counts, case.scan.liver, case.scan.liver)


@settings(max_examples=4, deadline=None)
@given(st.floats(0.5, 5.0), st.floats(12.0, 20.0))
def test_the_share_does_not_depend_on_how_hot_the_ball_is(to_normal: float, radius: float) -> None:
    """What is found is the ball's true share, for any ball well above background."""
    case = with_ball(STOMACH, radius, to_normal, seed=None)
    assert found(case).share_of_total_frac == pytest.approx(case.share, rel=0.1)


def test_the_json_holds_plain_values() -> None:
    content = found(with_ball(STOMACH, 15.0, 1.0)).to_json()
    assert content["regions"][0]["label"] == 1
    assert content["margin_mm"] == 20.0
