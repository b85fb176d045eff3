"""Both planar methods against bodies whose attenuation is known, and what no planar shunt may depend on."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emboplan.dosimetry.uptake.planar_measure import planar_estimates
from emboplan.dosimetry.uptake.planar_regions import PlanarRegions
from emboplan.errors import MaskError, ModelRangeError
from emboplan.model.finding import Severity
from emboplan.model.image import PlanarPair
from emboplan.model.results.shunt import ShuntMethod

SHAPE = (60, 40)
PIXEL = (5.0, 5.0)
MU_PER_CM = 0.15  # about water at 140 keV; any number serves here
BODY_CM = 22.0
LUNG, LIVER = np.zeros(SHAPE, np.bool_), np.zeros(SHAPE, np.bool_)
LUNG[10:30, 4:36] = True
LIVER[30:50, 4:24] = True
REGIONS = PlanarRegions(LUNG, LIVER)


@dataclass(frozen=True)
class Organ:
    """A slab: its counts without attenuation, the depth of its middle from the front, its thickness."""

    counts: float
    depth_cm: float
    thick_cm: float

    def seen(self, depth_cm: float) -> float:
        """Counts seen through this much body and the slab: e^(-mu d) sinh(mu t / 2) / (mu t / 2)."""
        half = MU_PER_CM * self.thick_cm / 2
        return self.counts * float(np.exp(-MU_PER_CM * depth_cm) * np.sinh(half) / half)


def pair(lung: Organ, liver: Organ, scale: float = 1.0) -> PlanarPair:
    """The slabs as both cameras see them, evenly spread over their regions."""
    sides = []
    for front in (True, False):
        view = np.zeros(SHAPE, np.float32)
        for organ, region in ((lung, LUNG), (liver, LIVER)):
            depth = organ.depth_cm if front else BODY_CM - organ.depth_cm
            view[region] = scale * organ.seen(depth) / np.count_nonzero(region)
        sides.append(view)
    return PlanarPair(sides[0], sides[1], PIXEL)


def fractions(views: PlanarPair) -> tuple[float, float]:
    gm, anterior = planar_estimates(views, REGIONS)
    return gm.lung_shunt_frac, anterior.lung_shunt_frac


@pytest.mark.parametrize("depth_cm", [6.0, 9.0, 14.0])
def test_depth_cancels_in_the_geometric_mean(depth_cm: float) -> None:
    """Two slabs of one thickness: the true shunt of 5 %, wherever in the body each lies."""
    views = pair(Organ(5e4, 11.0, 10.0), Organ(95e4, depth_cm, 10.0))
    gm, anterior = fractions(views)
    assert gm == pytest.approx(0.05, rel=1e-6)
    expected = 0.05 / (0.05 + 0.95 * np.exp(-MU_PER_CM * (depth_cm - 11.0)))
    assert anterior == pytest.approx(expected, rel=1e-6)


def test_thickness_does_not_cancel() -> None:
    """sinh(mu t/2)/(mu t/2) stays: the thicker organ is overrated."""
    lung, liver = Organ(5e4, 11.0, 14.0), Organ(95e4, 9.0, 6.0)
    factor = np.sinh(1.05) / 1.05 / (np.sinh(0.45) / 0.45)
    assert fractions(pair(lung, liver))[0] == pytest.approx(0.05 * factor / (0.05 * factor + 0.95), rel=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.01, 0.5), st.floats(0.1, 10.0))
def test_the_scale_of_the_counts_does_not_matter(shunt: float, scale: float) -> None:
    lung, liver = Organ(1e6 * shunt, 11.0, 14.0), Organ(1e6 * (1 - shunt), 9.0, 6.0)
    assert fractions(pair(lung, liver, scale)) == pytest.approx(fractions(pair(lung, liver)), rel=1e-5)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.01, 0.5), st.floats(4.0, 18.0))
def test_the_geometric_mean_does_not_know_front_from_back(shunt: float, depth_cm: float) -> None:
    views = pair(Organ(1e6 * shunt, 11.0, 14.0), Organ(1e6 * (1 - shunt), depth_cm, 6.0))
    swapped = PlanarPair(views.posterior, views.anterior, PIXEL)
    assert fractions(swapped)[0] == pytest.approx(fractions(views)[0], rel=1e-9)


def test_the_interval_holds_regions_that_lie_off() -> None:
    """10 mm to the feet, two rows of twenty of liver fall into the lung region: far more than noise."""
    views = pair(Organ(5e4, 11.0, 10.0), Organ(95e4, 11.0, 10.0))
    gm, _ = planar_estimates(views, REGIONS)
    moved = (5e4 * 18 / 20 + 95e4 * 2 / 20) / (5e4 * 18 / 20 + 95e4)
    assert gm.interval is not None
    assert gm.interval[1] == pytest.approx(moved, rel=0.05)
    assert gm.interval[0] == 0.0


def spilled(views: PlanarPair, share: float) -> PlanarPair:
    """A share of the liver's counts moved to the four rows of lung above it, over the liver's columns."""
    sides: list[NDArray[np.float32]] = []
    for view in (views.anterior, views.posterior):
        out = view.astype(np.float64)
        counts = out[LIVER].sum() * share
        out[LIVER] *= 1 - share
        out[26:30, 4:24] += counts / 80
        sides.append(out.astype(np.float32))
    return PlanarPair(sides[0], sides[1], PIXEL)


def test_spill_at_the_dome_is_taken_back_by_a_margin() -> None:
    """5 % of the liver above the dome nearly doubles the shunt; a margin of 20 mm leaves it out."""
    true = pair(Organ(5e4, 11.0, 10.0), Organ(95e4, 11.0, 10.0))
    views = spilled(true, 0.05)
    assert fractions(views)[0] == pytest.approx(0.0975, rel=1e-4)
    gm, anterior = planar_estimates(views, REGIONS, dome_margin_mm=20.0)
    assert gm.lung_shunt_frac == pytest.approx(0.05, rel=1e-4)
    assert anterior.lung_shunt_frac == pytest.approx(0.05, rel=1e-4)
    assert gm.uncorrected_frac == pytest.approx(0.0975, rel=1e-4)
    assert gm.counts["margin_mm"] == 20.0
    whole = gm.counts["lung_anterior"] + gm.counts["liver_anterior"]
    assert whole == pytest.approx(float(views.anterior.sum()), rel=1e-6)


def test_the_share_near_the_liver_is_a_number_and_a_finding() -> None:
    """Four rows over 20 columns, and the corner beside them, of 640 pixels; a warning where liver spills."""
    true = pair(Organ(5e4, 11.0, 10.0), Organ(95e4, 11.0, 10.0))
    even, _ = planar_estimates(true, REGIONS)
    assert even.counts["lung_near_liver_frac"] == pytest.approx(even.counts["lung_near_liver_area_frac"])
    assert 80 / 640 < even.counts["lung_near_liver_area_frac"] < 96 / 640
    finding = next(f for f in even.findings if f.id == "planar-dome-spill")
    assert finding.severity is Severity.INFO
    hot, _ = planar_estimates(spilled(true, 0.05), REGIONS)
    assert hot.counts["lung_near_liver_frac"] > 0.5
    finding = next(f for f in hot.findings if f.id == "planar-dome-spill")
    assert finding.severity is Severity.WARNING
    kept, _ = planar_estimates(spilled(true, 0.05), REGIONS, dome_margin_mm=20.0)
    finding = next(f for f in kept.findings if f.id == "planar-dome-spill")
    assert "approximation" in finding.text


def test_thickness_weighs_what_is_inferred() -> None:
    """A lung twice as thick in its lowest four rows, uniform per mL: the margin gives all of it back."""
    thick = np.where(LUNG, 50.0, 0.0).astype(np.float32)
    thick[26:30] *= 2
    view = thick / thick.sum() * 5e4
    view[LIVER] = 95e4 / np.count_nonzero(LIVER)
    views = PlanarPair(view, view, PIXEL)
    regions = PlanarRegions(LUNG, LIVER, lung_mm=thick)
    gm, _ = planar_estimates(views, regions, dome_margin_mm=20.0)
    assert gm.lung_shunt_frac == pytest.approx(0.05, rel=1e-5)
    by_area, _ = planar_estimates(views, REGIONS, dome_margin_mm=20.0)
    assert by_area.lung_shunt_frac < 0.05


def test_a_shunt_of_zero_is_never_silent() -> None:
    """No lung counts: 0 %, with a warning, and an upper bound of two counts over the liver's."""
    view = np.zeros(SHAPE, np.float32)
    view[LIVER] = 10.0
    for estimate in planar_estimates(PlanarPair(view, view, PIXEL), REGIONS):
        assert estimate.lung_shunt_frac == 0.0
        warning = next(f for f in estimate.findings if f.id == "shunt-no-lung-counts")
        assert warning.severity is Severity.WARNING
        assert estimate.interval is not None
        assert estimate.interval[1] >= 1.95 / 4000


def test_both_methods_come_by_name() -> None:
    views = pair(Organ(5e4, 11.0, 10.0), Organ(95e4, 11.0, 10.0))
    gm, anterior = planar_estimates(views, REGIONS)
    assert (gm.method, anterior.method) == (ShuntMethod.PLANAR_GM, ShuntMethod.ANTERIOR)
    assert "posterior" not in " ".join(anterior.counts)


def test_a_margin_that_leaves_no_lung_is_refused() -> None:
    views = pair(Organ(5e4, 11.0, 10.0), Organ(95e4, 11.0, 10.0))
    with pytest.raises(MaskError, match="too little to stand for the rest"):
        planar_estimates(views, REGIONS, dome_margin_mm=200.0)
    with pytest.raises(ModelRangeError, match="dome_margin_mm"):
        planar_estimates(views, REGIONS, dome_margin_mm=-1.0)
