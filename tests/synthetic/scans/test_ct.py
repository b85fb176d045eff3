"""The CT's noise and sharpness against what was set."""

import dataclasses

import numpy as np
import pytest

from emboplan.synthetic.scans.ct import SliceFilter, to_hu
from emboplan.synthetic.setting.definition import PhantomDefinition


def test_noise_has_the_standard_deviation_set(coarse: PhantomDefinition) -> None:
    """On an empty slice, to 1 % (65 536 pixels, correlated over a few)."""
    scan = dataclasses.replace(coarse.ct, matrix=256, pixel_mm=0.78)
    noise = SliceFilter(scan, 14.0).apply(np.zeros((256, 256), np.float32), np.random.default_rng(1))
    assert pytest.approx(14.0, rel=0.01) == noise.std()
    assert abs(noise.mean()) < 1e-3


def test_noise_spectrum_peaks_where_set(coarse: PhantomDefinition) -> None:
    """The mean power by frequency is highest at the peak set, within its broad top."""
    scan = dataclasses.replace(coarse.ct, matrix=256, pixel_mm=0.78, noise_peak_per_mm=0.2)
    power = np.zeros((256, 129))
    rng = np.random.default_rng(1)
    for _ in range(20):
        power += (
            np.abs(np.fft.rfft2(SliceFilter(scan, 14.0).apply(np.zeros((256, 256), np.float32), rng))) ** 2
        )
    f = np.hypot(np.fft.fftfreq(256, 0.78)[:, None], np.fft.rfftfreq(256, 0.78)[None])
    rings = [power[(f >= a) & (f < a + 0.02)].mean() for a in np.arange(0, 0.6, 0.02)]
    assert pytest.approx(0.2, abs=0.04) == 0.02 * int(np.argmax(rings)) + 0.01


def test_kernel_blurs_an_edge_by_the_width_set(coarse: PhantomDefinition) -> None:
    """The derivative of an edge response is the line spread: its second moment is the Gaussian's."""
    scan = dataclasses.replace(coarse.ct, matrix=256, pixel_mm=0.5, kernel_fwhm_mm=3.0)
    edge = np.zeros((256, 256), np.float32)
    edge[:, 64:192] = 100.0
    row = SliceFilter(scan, 0.0).apply(edge, np.random.default_rng(1))[128]
    spread = np.diff(row[:128].astype(np.float64))
    place = 0.5 * np.arange(127)
    middle = (spread * place).sum() / spread.sum()
    sigma = np.sqrt((spread * (place - middle) ** 2).sum() / spread.sum())
    assert pytest.approx(3.0 / (2 * np.sqrt(2 * np.log(2))), rel=0.01) == sigma


def test_numbers_stop_at_air() -> None:
    assert to_hu(np.array([-1030.2, -999.4, 39.6], np.float32), -1000.0).tolist() == [-1000, -999, 40]
