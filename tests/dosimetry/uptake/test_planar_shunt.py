"""The planar lung shunt on views whose counts are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from emboplan.dosimetry.uptake.lung_shunt import (
    ScatterWindows,
    anterior_only,
    planar_geometric_mean,
    without_scatter,
)
from emboplan.errors import MaskError, ModelRangeError
from emboplan.model.image import PlanarPair

SHAPE = (8, 6)
LUNG = np.zeros(SHAPE, dtype=np.bool_)
LUNG[:4] = True
LIVER = np.zeros(SHAPE, dtype=np.bool_)
LIVER[4:] = True


def _view(lung: float, liver: float) -> NDArray[np.float32]:
    """A view with this many counts in all of each region, evenly spread."""
    view = np.zeros(SHAPE, dtype=np.float32)
    view[LUNG], view[LIVER] = lung / LUNG.sum(), liver / LIVER.sum()
    return view


PAIR = PlanarPair(_view(3200, 52000), _view(4100, 41000), pixel_mm=(4.0, 4.0))


def test_geometric_mean_of_both_views() -> None:
    """sqrt(3200 x 4100) = 3622.15 and sqrt(52000 x 41000) = 46173.6: 7.274 %."""
    estimate = planar_geometric_mean(PAIR, LUNG, LIVER)
    assert estimate.lung_shunt_frac == pytest.approx(0.0727402, abs=1e-6)
    assert estimate.method == "planar-gm"
    assert "4.4 percentage points" in estimate.known_bias


def test_anterior_view_alone() -> None:
    estimate = anterior_only(PAIR, LUNG, LIVER)
    assert estimate.lung_shunt_frac == pytest.approx(3200 / 55200, rel=1e-6)


def test_the_interval_is_that_of_counting() -> None:
    """One view: standard error f (1 - f) sqrt(1/lung + 1/liver)."""
    estimate = anterior_only(PAIR, LUNG, LIVER)
    frac = 3200 / 55200
    half = 1.959964 * frac * (1 - frac) * np.sqrt(1 / 3200 + 1 / 52000)
    assert estimate.interval == pytest.approx((frac - half, frac + half), rel=1e-5)


def test_pixels_of_both_regions_count_as_liver() -> None:
    both = LUNG | LIVER
    assert (
        anterior_only(PAIR, both, LIVER).lung_shunt_frac == anterior_only(PAIR, LUNG, LIVER).lung_shunt_frac
    )


def test_background_is_taken_off_per_pixel() -> None:
    pair = PlanarPair(PAIR.anterior + 10, PAIR.posterior + 10, pixel_mm=(4.0, 4.0))
    background = np.zeros(SHAPE, dtype=np.bool_)
    background[0, 0] = True
    lung = LUNG & ~background
    plain = anterior_only(PAIR, lung, LIVER)
    # The background pixel itself holds lung counts, so give it none in the pair that is corrected.
    view = pair.anterior.copy()
    view[0, 0] = 10
    corrected = anterior_only(
        PlanarPair(view, pair.posterior, pixel_mm=(4.0, 4.0)), lung, LIVER, background_roi=background
    )
    assert corrected.lung_shunt_frac == pytest.approx(plain.lung_shunt_frac, rel=1e-6)
    assert corrected.uncorrected_frac is not None
    assert corrected.uncorrected_frac > corrected.lung_shunt_frac


def test_dual_window_scatter_by_hand() -> None:
    """1000 counts in 28 keV with 200 in 14 keV below: 1000 - 200 / 14 x 28 / 2 = 800."""
    assert without_scatter(1000, 200, main_width_kev=28, low_width_kev=14) == 800.0
    assert without_scatter(100, 200, main_width_kev=28, low_width_kev=14) == 0.0


def test_scatter_views_are_used_where_widths_are_given() -> None:
    windows = ScatterWindows(main_width_kev=20.0, low_width_kev=10.0)
    scatter = _view(1200, 2000)
    pair = PlanarPair(PAIR.anterior, PAIR.posterior, (4.0, 4.0), None, scatter, scatter)
    estimate = anterior_only(pair, LUNG, LIVER, windows=windows)
    assert estimate.lung_shunt_frac == pytest.approx(2000 / 52000, rel=1e-5)
    with pytest.raises(ModelRangeError, match="no scatter view"):
        anterior_only(PAIR, LUNG, LIVER, windows=windows)


@pytest.mark.parametrize(
    ("lung", "liver", "message"),
    [
        (np.zeros(SHAPE, dtype=np.bool_), LIVER, "lung region is empty"),
        (LUNG, np.zeros((3, 3), dtype=np.bool_), "expected booleans of shape"),
        (LUNG, LIVER.astype(np.float32), "expected booleans"),
        (LUNG, LUNG | LIVER, "covers the whole lung"),
    ],
)
def test_unusable_regions_are_refused(
    lung: NDArray[np.bool_], liver: NDArray[np.bool_], message: str
) -> None:
    with pytest.raises(MaskError, match=message):
        planar_geometric_mean(PAIR, lung, liver)


def test_views_without_counts_are_refused() -> None:
    empty = np.zeros(SHAPE, dtype=np.float32)
    with pytest.raises(ModelRangeError, match="hold no counts"):
        planar_geometric_mean(PlanarPair(empty, empty, (4.0, 4.0)), LUNG, LIVER)
