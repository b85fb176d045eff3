"""How slices are sampled: thick ones, a step of breath, noise by dose and thickness, shares of an axis."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.model.grid import Grid
from emboplan.synthetic.drawing.raster import Bins, Sampling, shares
from emboplan.synthetic.scans.ct import noise_in_slice_hu
from emboplan.synthetic.setting.definition import PhantomDefinition


@pytest.mark.parametrize(("slice_mm", "planes"), [(0.6, 2), (3.0, 2), (5.0, 3), (8.0, 4)])
def test_no_two_planes_of_a_slice_are_farther_apart_than_2_mm(slice_mm: float, planes: int) -> None:
    sampling = Sampling(Grid((3, 4, 4), (1.0, 1.0, slice_mm), (0.0, 0.0, 10.0)), 2)
    assert planes == sampling.planes
    heights = [z for k in range(3) for z in sampling.heights_mm(k)]
    assert np.allclose(slice_mm / planes, np.diff(heights))
    assert pytest.approx(10.0 + slice_mm) == np.mean(sampling.heights_mm(1)) == sampling.middle_mm(1)
    assert pytest.approx(slice_mm / 1000) == sampling.sample_ml * planes * 4


def test_below_a_step_of_breath_the_scan_shows_the_patient_from_higher_up() -> None:
    sampling = Sampling(Grid((4, 4, 4), (1.0, 1.0, 5.0), (0.0, 0.0, 0.0)), 2, step_at_mm=8.0, step_mm=6.0)
    assert [sampling.middle_mm(k) for k in range(4)] == [6.0, 11.0, 10.0, 15.0]
    assert sampling.shown_mm(11.0) == 11.0  # seen twice: the upper place
    assert sampling.shown_mm(6.0) == 0.0


@pytest.mark.parametrize(
    ("change", "ratio"),
    [
        ({}, 1.0),
        ({"slice_mm": 0.75}, 2.0),
        ({"dose_frac": 0.25}, 2.0),
        ({"slice_mm": 6.0, "dose_frac": 0.5, "noise_ratio": 1.45}, 1.45),
    ],
)
def test_noise_goes_with_the_inverse_root_of_dose_and_thickness(
    coarse: PhantomDefinition, change: dict[str, float], ratio: float
) -> None:
    scan = dataclasses.replace(coarse.ct, **({"slice_mm": 3.0} | change))  # type: ignore[arg-type]  # floats only
    assert pytest.approx(14.0 * ratio) == noise_in_slice_hu(scan, 14.0)


@given(st.floats(-40, 40), st.floats(0.4, 9.0), st.integers(1, 40), st.floats(0.4, 9.0))
def test_shares_keep_the_sum(origin: float, step: float, count: int, other: float) -> None:
    """An axis that covers another one takes all of it, whichever has the longer steps."""
    bins = int(np.ceil(count * step / other)) + 2
    matrix = shares(origin, step, count, origin - step / 2 - other / 3, other, bins)
    assert np.allclose(1.0, matrix.sum(axis=0), atol=1e-9)


def test_shares_agree_with_the_bins_of_shorter_steps() -> None:
    by_bins = Bins.of(0.3, 1.1, 30, -2.0, 2.9).spread(np.eye(14)).T
    assert np.allclose(by_bins, shares(0.3, 1.1, 30, -2.0, 2.9, 14), atol=1e-12)
