"""Viable tumour on balls of known zones, and on digital patients whose zones are known."""

import tomllib
from importlib.resources import files

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.errors import GeometryError, SegmentationError
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.segmentation.agreement import dice, relative_volume_difference_pct
from emboplan.segmentation.viable import NOT_ENHANCING_ID, WHOLE_ID, viable_tumour
from emboplan.synthetic.patient import make_patient

GRID = Grid((40, 60, 60), (1.5, 1.5, 2.0), (0.0, 0.0, 0.0))
MIDDLE_MM = (44.0, 44.0, 39.0)
LIVER_HU, PLAIN_LIVER_HU, BLUR_MM = 105.0, 55.0, 0.8


def _ball(radius_mm: float, at_mm: tuple[float, float, float] = MIDDLE_MM) -> NDArray[np.bool_]:
    z, y, x = np.ogrid[0:40, 0:60, 0:60]
    dx, dy, dz = GRID.spacing_mm
    away = (x * dx - at_mm[0]) ** 2 + (y * dy - at_mm[1]) ** 2 + (z * dz - at_mm[2]) ** 2
    return np.asarray(away <= radius_mm**2)


def _ct(
    zones: list[tuple[NDArray[np.bool_], float]],
    *,
    noise_hu: float = 12.0,
    seed: int = 1,
    blur_mm: float = BLUR_MM,
) -> CtImage:
    hu = np.full(GRID.shape, LIVER_HU)
    for zone, level in zones:
        hu[zone] = level
    hu = ndimage.gaussian_filter(hu, [blur_mm / d for d in GRID.spacing_zyx_mm])
    hu += np.random.default_rng(seed).normal(0, noise_hu, GRID.shape)
    return CtImage(GRID, np.rint(hu).astype(np.int16))


def _liver() -> Mask:
    return Mask(GRID, np.ones(GRID.shape, np.bool_))


def _told(ct: CtImage, lesion: NDArray[np.bool_], plain: CtImage | None = None) -> NDArray[np.bool_]:
    return viable_tumour(ct, _liver(), LabelMap(GRID, lesion.astype(np.uint16)), plain=plain)[0].voxels


def _error_ml(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return (int(found.sum()) - int(truth.sum())) * GRID.voxel_ml


@pytest.mark.parametrize("core_mm", [8.0, 12.0, 17.0])
@pytest.mark.parametrize("noise_hu", [8.0, 18.0])
def test_a_liquid_core(core_mm: float, noise_hu: float) -> None:
    """A core near water in a ball of 20 mm radius: its volume to 12 %, to a rim as thin as 3 mm."""
    lesion, core = _ball(20.0), _ball(core_mm)
    found = _told(_ct([(lesion, 75.0), (core, 15.0)], noise_hu=noise_hu), lesion)
    core_ml = float(core.sum()) * GRID.voxel_ml
    assert abs(_error_ml(found, lesion & ~core)) < 0.12 * core_ml
    assert 2 * (found & lesion & ~core).sum() / (found.sum() + (lesion & ~core).sum()) > 0.94


def test_a_core_that_is_less_dark() -> None:
    """20 HU below a viable part that itself is below the liver: found behind a wall of 8 mm."""
    lesion, core = _ball(20.0), _ball(12.0)
    found = _told(_ct([(lesion, 80.0), (core, 60.0)]), lesion)
    assert abs(_error_ml(found, lesion & ~core)) < 0.2 * float(core.sum()) * GRID.voxel_ml


def test_a_bright_rim_makes_no_core() -> None:
    """Tumour that enhances less behind an enhancing rim of 3 mm is no necrosis on one phase."""
    lesion, inside = _ball(20.0), _ball(17.0)
    found = _told(_ct([(lesion, 95.0), (inside, 72.0)]), lesion)
    assert (lesion & ~found).sum() < 0.01 * lesion.sum()


def test_fat_beside_the_capsule_makes_no_core() -> None:
    """A lesion at the surface of the liver, whose last voxels are darkened by fat: all of it viable."""
    lesion = _ball(15.0)
    liver = np.ones(GRID.shape, np.bool_)
    liver[:, :, 33:] = False
    inside = lesion & liver
    ct = _ct([(lesion, 80.0), (~liver, -100.0)], blur_mm=2.0)
    found, _ = viable_tumour(ct, Mask(GRID, liver), LabelMap(GRID, inside.astype(np.uint16)))
    assert (inside & ~found.voxels).sum() < 0.01 * inside.sum()


def test_dense_calcification_goes() -> None:
    lesion, calcium = _ball(18.0), _ball(5.0, (48.0, 44.0, 40.0))
    found = _told(_ct([(lesion, 75.0), (calcium, 400.0)]), lesion)
    assert not (found & _ball(4.0, (48.0, 44.0, 40.0))).any()
    assert abs(_error_ml(found, lesion & ~calcium)) < 0.4 * float(calcium.sum()) * GRID.voxel_ml


@pytest.mark.parametrize("level_hu", [60.0, 95.0, 130.0])
@pytest.mark.parametrize("noise_hu", [8.0, 12.0, 16.0, 20.0])
def test_an_even_lesion_is_viable_as_a_whole(noise_hu: float, level_hu: float) -> None:
    """2 % of a homogeneous lesion at most is taken for something else.

    Of 120 more, drawn by chance, one lost 8 %: the grain of a noise of 18 HU made a dark heap.
    """
    seed = round(10 * noise_hu + level_hu)
    lesion = _ball(18.0)
    found = _told(_ct([(lesion, level_hu)], noise_hu=noise_hu, seed=seed), lesion)
    assert not (found & ~lesion).any()
    assert (lesion & ~found).sum() <= 0.02 * lesion.sum()


@pytest.mark.xfail(
    strict=True, reason="grain that lies in a dark heap is taken for a core: 2.5 % of the lesion"
)
def test_grain_in_a_heap_is_no_core() -> None:
    """A draw of noise on which the bound above does not hold: a known defect."""
    lesion = _ball(18.0)
    found = _told(_ct([(lesion, 60.0)], noise_hu=17.0, seed=177), lesion)
    assert (lesion & ~found).sum() <= 0.02 * lesion.sum()


def test_what_is_said_of_an_even_lesion_is_said_once() -> None:
    two = _ball(12.0).astype(np.uint16) + 2 * _ball(8.0, (12.0, 12.0, 20.0)).astype(np.uint16)
    _, findings = viable_tumour(_ct([(two > 0, 70.0)]), _liver(), LabelMap(GRID, two))
    assert [one.id for one in findings] == [WHOLE_ID]
    assert "every lesion" in findings[0].text


def test_small_lesions_are_not_split() -> None:
    """Below the measurable diameter of 10 mm nothing is asked."""
    lesion, core = _ball(4.8), _ball(3.0)
    assert np.array_equal(_told(_ct([(lesion, 75.0), (core, 0.0)], noise_hu=4.0), lesion), lesion)


def test_an_unenhanced_phase_tells_what_enhances() -> None:
    """A core as bright as the viable part before contrast agent, on both sides of it: a thin viable shell."""
    lesion, core = _ball(20.0), _ball(16.0)
    plain = _ct([(np.ones(GRID.shape, np.bool_), PLAIN_LIVER_HU), (lesion, 45.0)], noise_hu=10.0, seed=2)
    found = _told(_ct([(lesion, 80.0), (core, 45.0)], noise_hu=10.0), lesion, plain)
    assert abs(_error_ml(found, lesion & ~core)) < 0.1 * float(core.sum()) * GRID.voxel_ml


def test_a_lesion_that_does_not_enhance_has_no_viable_part() -> None:
    lesion = _ball(15.0)
    plain = _ct([(np.ones(GRID.shape, np.bool_), PLAIN_LIVER_HU), (lesion, 40.0)], seed=2)
    mask, findings = viable_tumour(
        _ct([(lesion, 40.0)]), _liver(), LabelMap(GRID, lesion.astype(np.uint16)), plain=plain
    )
    assert mask.is_empty
    assert [one.id for one in findings] == [NOT_ENHANCING_ID]


def test_no_lesion() -> None:
    mask, findings = viable_tumour(_ct([]), _liver(), LabelMap(GRID, np.zeros(GRID.shape, np.uint16)))
    assert mask.is_empty
    assert findings == ()


def test_the_same_bytes_twice() -> None:
    lesion = _ball(20.0)
    ct = _ct([(lesion, 75.0), (_ball(9.0), 30.0)])
    assert np.array_equal(_told(ct, lesion), _told(ct, lesion))


def test_refusals() -> None:
    ct, lesions = _ct([]), LabelMap(GRID, _ball(10.0).astype(np.uint16))
    with pytest.raises(SegmentationError, match="liver mask is empty"):
        viable_tumour(ct, Mask.empty(GRID), lesions)
    other = Grid(GRID.shape, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="unenhanced CT"):
        viable_tumour(ct, _liver(), lesions, plain=CtImage(other, np.zeros(GRID.shape, np.int16)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "phase", "slice_mm", "noise_hu"),
    [(24, "portal-venous", 5.0, 14.0), (25, "late", 1.5, 14.0), (22, "arterial", 3.0, 20.0)],
)
def test_digital_patients(seed: int, phase: str, slice_mm: float, noise_hu: float) -> None:
    """Lesions from the truth, cores 20 to 50 HU below the viable part: its volume to 3 %, core Dice 0.7."""
    table = tomllib.loads(
        (files("emboplan.catalog") / "data" / "phantoms" / "net-liver.toml").read_text(encoding="utf-8")
    )
    table["ct"] |= {"matrix": 256, "pixel_mm": 1.56}
    table["spect"] |= {"matrix": 64, "slices": 50, "voxel_mm": 8.84}
    table["planar"] |= {"matrix": 128, "pixel_mm": 4.42}
    made = make_patient(
        table,
        seed,
        {"phase": phase, "slice_mm": slice_mm, "noise_sd_hu": noise_hu, "burden_frac": 0.2, "core_frac": 0.7,
         "core_below_lesion_hu": [20.0, 50.0]},
    )  # fmt: skip
    truth = made.truth
    found, _ = viable_tumour(made.ct, truth.liver, truth.lesions)
    core, told = truth.lesions.union - truth.viable, truth.lesions.union - found
    assert abs(relative_volume_difference_pct(found, truth.viable)) < 3.0
    assert dice(found, truth.viable) > dice(truth.lesions.union, truth.viable)
    assert dice(told, core) > 0.7
