"""Counts, noise, resolution, decay and attenuation of the scans against statistics and closed forms."""

from typing import Any

import numpy as np
import pytest
from tests.synthetic.analytic import small

from emboplan.synthetic.analytic.case import AnalyticCase
from emboplan.synthetic.analytic.definition import PlanarSettings
from emboplan.synthetic.analytic.scans import activity_mbq, expected_views

COARSE: dict[str, Any] = {"ct__voxel_mm": [4, 4, 4], "ct__matrix": [79, 61, 51]}
SIGMAS = 5.0  # a fair draw leaves these limits once in two million


@pytest.fixture(scope="module")
def uniform() -> AnalyticCase:
    return small.case("uniform", seed=4)


@pytest.mark.parametrize("name", ["sphere", "uniform", "point", "two-territories", "decay-series"])
def test_counts_within_poisson_limits(name: str) -> None:
    for scan in small.shipped(name).spect:
        off = scan.image.total_counts - scan.expected_counts
        assert abs(off) < SIGMAS * np.sqrt(scan.expected_counts)


def test_the_expected_counts_are_those_set() -> None:
    """The blur of an object well inside the image loses nothing."""
    assert small.shipped("sphere").spect[0].expected_counts == pytest.approx(5e6, rel=1e-6)


def test_voxels_are_poisson(uniform: AnalyticCase) -> None:
    """Far inside the even cylinder: variance over mean is 1 within five standard errors."""
    image = uniform.spect[0].image
    counts = image.counts[24:41, 22:43, 22:43].astype(np.float64)
    spread = counts.var(ddof=1) / counts.mean()
    assert abs(spread - 1) < SIGMAS * np.sqrt(2 / counts.size)
    per_ml = 5e6 / uniform.truth.region("cylinder").volume_ml
    expected = per_ml * image.grid.voxel_ml
    assert abs(counts.mean() - expected) < SIGMAS * np.sqrt(expected / counts.size)


def test_ct_noise_and_numbers(uniform: AnalyticCase) -> None:
    """Mean 49 HU and 10 HU of white noise (and the rounding's 1/12) inside."""
    hu = uniform.ct.hu[20:41, 35:70, 35:70].astype(np.float64)
    assert abs(hu.mean() - 49.0) < SIGMAS * 10 / np.sqrt(hu.size)
    assert hu.std(ddof=1) == pytest.approx(np.sqrt(100 + 1 / 12), rel=SIGMAS / np.sqrt(2 * hu.size))
    along = np.corrcoef(hu[:, :, 1:].ravel(), hu[:, :, :-1].ravel())[0, 1]
    assert abs(along) < SIGMAS / np.sqrt(hu.size)


def test_partial_volume_of_the_ct_adds_up() -> None:
    """Without noise, the excess over liver summed over voxels is the tumour's volume; numbers are whole."""
    found = small.case("sphere", ct__noise_sd_hu=0, centre_mm=[3.3, 1.4, -2.2], diameter_mm=24)
    box = found.ct.hu[45:85, 45:85, 45:85].astype(np.float64)
    excess = (box - 49.0).sum() / (90.0 - 49.0) * found.ct.grid.voxel_ml
    assert excess == pytest.approx(np.pi / 6 * 2.4**3, rel=2e-3)


@pytest.mark.parametrize("centre", [(0.0, 0.0, 0.0), (1.3, -0.7, 1.9)])
def test_resolution_and_place_of_a_point(centre: tuple[float, float, float]) -> None:
    """First and second moments, no fit: the mean is the place, the width is Gaussian and voxel together."""
    found = small.case("point", seed=5, centre_mm=list(centre))
    image = found.spect[0].image
    counts = image.counts.astype(np.float64)
    number = counts.sum()
    for axis, (origin, step, at) in enumerate(
        zip(image.grid.origin_mm, image.grid.spacing_mm, centre, strict=True)
    ):
        other = tuple(a for a in range(3) if a != 2 - axis)
        profile = counts.sum(axis=other)
        place = origin + step * np.arange(profile.size)
        mean = (profile * place).sum() / number
        variance = (profile * (place - mean) ** 2).sum() / number
        sigma = found.truth.point_fwhm_in_image_mm[axis] / np.sqrt(8 * np.log(2))
        assert sigma**2 == pytest.approx(12.0**2 / (8 * np.log(2)) + 4.0**2 / 12, rel=1e-9)
        assert abs(mean - at) < SIGMAS * sigma / np.sqrt(number)
        assert variance == pytest.approx(sigma**2, rel=SIGMAS * np.sqrt(2 / number))


def test_the_map_of_a_point_keeps_activity_and_place() -> None:
    found = small.case("point", centre_mm=[1.3, -0.7, 1.9])
    assert found.activity.total_mbq == pytest.approx(10.0, rel=1e-6)
    grid = found.activity.grid
    z, y, x = np.nonzero(found.activity.mbq_per_ml)
    weight = found.activity.mbq_per_ml[z, y, x]
    place = grid.to_mm(np.stack([x, y, z], axis=1)).T @ weight / weight.sum()
    assert place == pytest.approx([1.3, -0.7, 1.9], abs=1e-5)


def test_decay() -> None:
    """Half-life 6 h: at 6, 12 and 24 h a half, a quarter and a sixteenth of the counts."""
    found = small.case("decay-series", seed=2, hours=[0, 6, 12, 24])
    means = [scan.expected_counts for scan in found.spect]
    assert [m / means[0] for m in means] == pytest.approx([1, 1 / 2, 1 / 4, 1 / 16], rel=1e-12)
    assert [s.activity_mbq for s in found.truth.scans] == pytest.approx([150, 75, 37.5, 9.375], rel=1e-12)
    for scan in found.spect:
        assert abs(scan.image.total_counts - scan.expected_counts) < SIGMAS * np.sqrt(scan.expected_counts)


@pytest.mark.parametrize(("density", "true"), [(1.06, True), (0.26, False)])
def test_geometric_mean_of_the_views(density: float, true: bool) -> None:
    """Noise-free views summed over organs against the formula of boxes; equal densities give the truth."""
    found = small.case("planar-shunt", lung_g_per_ml=density).truth
    _, shared, voxels = small.noise_free("planar-shunt", lung_g_per_ml=density)
    settings = PlanarSettings(12.0, 1e6, 300.0, 0.1538)
    front, back = expected_views(settings, voxels, activity_mbq(voxels, shared[0]))
    rows = voxels.grid.origin_mm[2] + voxels.grid.spacing_mm[2] * np.arange(front.shape[0])[::-1]
    upper = rows > 0  # lungs above, liver below
    lungs = np.sqrt(front[upper].sum() * back[upper].sum())
    liver = np.sqrt(front[~upper].sum() * back[~upper].sum())
    seen = lungs / (lungs + liver)
    assert found.planar_geometric_mean_shunt_frac == pytest.approx(seen, rel=1e-9)
    assert true == bool(abs(seen / 0.1 - 1) < 1e-9)


def test_planar_counts_within_poisson_limits() -> None:
    pair = small.case("planar-shunt", seed=3).planar
    assert pair is not None
    total = float(pair.anterior.sum(dtype=np.float64) + pair.posterior.sum(dtype=np.float64))
    assert abs(total - 2e6) < SIGMAS * np.sqrt(2e6)


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    first = small.case("nema-iec", 8, **COARSE)
    for threads in (1, 7):
        monkeypatch.setattr("os.cpu_count", lambda threads=threads: threads)
        again = small.case("nema-iec", 8, **COARSE)
        assert first.ct.hu.tobytes() == again.ct.hu.tobytes()
        assert first.activity.mbq_per_ml.tobytes() == again.activity.mbq_per_ml.tobytes()
        assert [s.image.counts.tobytes() for s in first.spect] == [
            s.image.counts.tobytes() for s in again.spect
        ]
        assert first.to_json() == again.to_json()


def test_another_seed_gives_other_noise_on_the_same_solids() -> None:
    one, two = small.shipped("sphere"), small.case("sphere", 2)
    assert one.regions.labels.tobytes() == two.regions.labels.tobytes()
    assert one.activity.mbq_per_ml.tobytes() == two.activity.mbq_per_ml.tobytes()
    assert one.ct.hu.tobytes() != two.ct.hu.tobytes()
    assert one.maa_spect.counts.tobytes() != two.maa_spect.counts.tobytes()
