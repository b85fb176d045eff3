"""Volumes and burden of anatomies whose numbers are known."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emboplan.errors import GeometryError
from emboplan.measure.burden import burden_interval_pct, measure_burden
from emboplan.model.anatomy import Anatomy, Review
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage, MrImage
from emboplan.model.mask import LabelMap, Mask

GRID = Grid((30, 40, 50), (2.0, 2.0, 2.5), (0.0, 0.0, 0.0))
LIVER = np.zeros(GRID.shape, dtype=np.bool_)
LIVER[5:25, 5:35, 5:45] = True  # 20 x 30 x 40 voxels of 0.01 mL
SEGMENTATION_KEYS = {
    "liver_ml", "liver_ml_interval", "tumour_ml", "tumour_ml_interval", "viable_tumour_ml", "burden_pct",
    "burden_pct_interval", "largest_lesion_mm", "lesions", "lung_ml", "lung_mass_g", "confirmed_by",
    "backend", "backend_version", "backend_licence", "history", "corrections", "digests", "findings",
}  # fmt: skip
LESION_KEYS = {
    "label", "volume_ml", "volume_ml_interval", "longest_mm", "perpendicular_mm", "centroid_mm", "mean_hu",
    "slice_mm", "viable_ml", "viable_longest_mm", "viable_perpendicular_mm", "enhancement_hu",
}  # fmt: skip


def _anatomy(
    lesions: dict[int, tuple[slice, slice, slice]],
    *,
    confirmed_by: str | None = None,
    lungs: NDArray[np.bool_] | None = None,
    lungs_complete: bool = False,
    hu: int = 60,
) -> Anatomy:
    labels = np.zeros(GRID.shape, dtype=np.uint16)
    for label, box in lesions.items():
        labels[box] = label
    return Anatomy(
        image=CtImage(GRID, np.full(GRID.shape, hu, dtype=np.int16)),
        liver=Mask(GRID, LIVER),
        lesions=LabelMap(GRID, labels),
        review=Review("given", confirmed_by),
        lungs=None if lungs is None else Mask(GRID, lungs),
        lungs_complete=lungs_complete,
    )


CUBE = (slice(10, 14), slice(10, 20), slice(10, 20))  # 400 voxels
BAR = (slice(20, 21), slice(10, 11), slice(10, 40))  # 30 voxels, 60 mm long


def test_volumes_and_burden_by_hand() -> None:
    """240 mL of liver, 4 + 0.3 mL of tumour: 1.7917 %."""
    found = measure_burden(_anatomy({1: CUBE, 2: BAR}))
    assert found.liver_ml == pytest.approx(240.0)
    assert found.tumour_ml == pytest.approx(4.3)
    assert found.burden_pct == pytest.approx(100 * 4.3 / 240)
    assert found.largest_lesion_mm == pytest.approx(60.0)
    assert [pytest.approx(lesion.volume_ml) for lesion in found.lesions] == [4.0, 0.3]


def test_the_json_has_the_documented_keys() -> None:
    json = measure_burden(_anatomy({1: CUBE})).to_json()
    assert set(json) == SEGMENTATION_KEYS
    assert set(json["lesions"][0]) == LESION_KEYS


def test_a_healthy_liver() -> None:
    found = measure_burden(_anatomy({}, confirmed_by="A. Reader"))
    assert (found.tumour_ml, found.burden_pct, found.largest_lesion_mm, found.lesions) == (0.0, 0.0, None, ())
    assert found.viable_tumour_ml == 0.0
    assert found.tumour_ml_interval == (0.0, 0.0)
    assert found.burden_pct_interval == (0.0, 0.0)


def test_unconfirmed_contours_may_have_missed_a_lesion() -> None:
    """A sphere of 10 mm, just too small to be measurable (RECIST 1.1), holds 0.524 mL."""
    found = measure_burden(_anatomy({}))
    assert found.tumour_ml_interval == pytest.approx((0.0, math.pi / 6))
    assert found.burden_pct_interval[1] == pytest.approx(100 * math.pi / 6 / 240)


def test_intervals_hold_their_values() -> None:
    found = measure_burden(_anatomy({1: CUBE, 2: BAR}))
    for value, interval in (
        (found.liver_ml, found.liver_ml_interval),
        (found.tumour_ml, found.tumour_ml_interval),
        (found.burden_pct, found.burden_pct_interval),
    ):
        assert interval[0] < value < interval[1]


@given(st.just(0.0) | st.floats(1e-3, 500), st.floats(0, 0.9), st.floats(0, 0.1))
def test_the_burdens_interval_stays_between_0_and_100(
    tumour: float, error: float, liver_error: float
) -> None:
    liver = 500.0
    low, high = burden_interval_pct(
        tumour,
        (tumour * (1 - error), min(tumour * (1 + error), liver)),
        liver,
        (liver * (1 - liver_error), liver * (1 + liver_error)),
    )
    assert 0 <= low <= 100 * tumour / liver * (1 + 1e-12)
    assert high <= 100
    assert high >= 100 * tumour / liver * (1 - 1e-12)


def test_lung_volume_and_mass() -> None:
    """1000 voxels of 0.01 mL at -750 HU weigh 2.5 g."""
    lungs = np.zeros(GRID.shape, dtype=np.bool_)
    lungs[26:30, :25, :10] = True
    found = measure_burden(_anatomy({}, lungs=lungs, lungs_complete=True, hu=-750))
    assert found.lung_ml == pytest.approx(10.0)
    assert found.lung_mass_g == pytest.approx(2.5)


def test_cut_lungs_have_no_volume() -> None:
    lungs = np.zeros(GRID.shape, dtype=np.bool_)
    lungs[28:] = True
    found = measure_burden(_anatomy({}, lungs=lungs, lungs_complete=False))
    assert (found.lung_ml, found.lung_mass_g) == (None, None)
    assert "lungs-cut" in {finding.id for finding in found.findings}


def test_viable_tumour_is_measured_where_it_is_given() -> None:
    anatomy = _anatomy({1: CUBE})
    viable = np.zeros(GRID.shape, dtype=np.bool_)
    viable[10:12, 10:20, 10:20] = True
    assert measure_burden(anatomy, viable=Mask(GRID, viable)).viable_tumour_ml == pytest.approx(2.0)
    assert measure_burden(anatomy).viable_tumour_ml is None
    own = replace(anatomy, viable=Mask(GRID, viable & (anatomy.lesions.labels > 0)))
    assert measure_burden(own).viable_tumour_ml == pytest.approx(2.0)
    assert measure_burden(own).lesions[0].viable_ml == pytest.approx(2.0)
    other = Grid(GRID.shape, (2.0, 2.0, 3.0), (0.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="viable tumour"):
        measure_burden(anatomy, viable=Mask(other, viable))


def test_facts_for_an_eligibility_check() -> None:
    facts = measure_burden(_anatomy({1: CUBE})).facts()
    assert facts["liver_volume_ml"] == pytest.approx(240.0)
    assert facts["liver_tumor_burden_pct"] == pytest.approx(100 * 4 / 240)


def test_an_mr_has_volumes_and_no_ct_numbers() -> None:
    """Volumes are those of the same contours on a CT; signal is not called Hounsfield units."""
    on_ct = _anatomy({1: CUBE})
    on_mr = replace(on_ct, image=MrImage(GRID, np.full(GRID.shape, 60.0, np.float32)))
    found, twin = measure_burden(on_mr), measure_burden(on_ct)
    assert (found.liver_ml, found.tumour_ml) == (twin.liver_ml, twin.tumour_ml)
    assert [lesion.mean_hu for lesion in found.lesions] == [None]
    assert [lesion.mean_hu for lesion in twin.lesions] == [60.0]
    assert (found.lung_ml, found.lung_mass_g) == (None, None)
    assert sorted(found.digests) == ["lesions", "liver", "mr"]
    assert sorted(twin.digests) == ["ct", "lesions", "liver"]
