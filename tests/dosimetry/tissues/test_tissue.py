"""Density and material from a CT and its masks, on phantoms whose tissue is known."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from emboplan.dosimetry.tissues.density import HuCurve, density_from_hu
from emboplan.dosimetry.tissues.tissue import ct_coverage, tissue_map, with_mean_density
from emboplan.dosimetry.tissues.tissue_classes import MATERIALS, denoised
from emboplan.errors import GeometryError, MaskError, ModelRangeError
from emboplan.model.finding import Finding
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.model.mask import Mask
from emboplan.model.tissue import TissueMap

NOISE_HU = 25.0
GRID = Grid(shape=(40, 80, 80), spacing_mm=(2.0, 2.0, 3.0), origin_mm=(-79.0, -79.0, -58.5))
AIR_G_PER_ML = 0.001205
CAP_G_PER_ML = 1.06

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Phantom:
    """CT numbers without noise, and where each tissue lies."""

    hu: NDArray[np.float32]
    parts: dict[str, Bools]

    def ct(self, seed: int | None = None) -> CtImage:
        noise = 0.0 if seed is None else np.random.default_rng(seed).normal(0, NOISE_HU, self.hu.shape)
        return CtImage(GRID, np.rint(np.maximum(self.hu + noise, -1024)).astype(np.int16))

    def mask(self, name: str) -> Mask:
        return Mask(GRID, self.parts[name])


def _phantom(liver_hu: float = 60.0, aorta_hu: float = 320.0) -> Phantom:
    """A body of fat and muscle with liver, lung above it, a vertebra and an aorta that touches it."""
    index = np.moveaxis(np.indices(GRID.shape), 0, -1)[..., ::-1]
    x, y, z = np.moveaxis(GRID.to_mm(index), -1, 0)

    def cylinder(cx: float, cy: float, r: float) -> Bools:
        return np.asarray((x - cx) ** 2 + (y - cy) ** 2 <= r * r)

    liver = ((x + 15) / 35) ** 2 + ((y + 15) / 30) ** 2 + ((z + 20) / 36) ** 2 <= 1
    parts = {
        "fat": cylinder(0, 0, 74),
        "muscle": cylinder(0, 0, 64),
        "lung": cylinder(-10, -15, 40) & (z > 0),
        "liver": liver,
        "aorta": cylinder(14, 17, 10),
        "bone": cylinder(0, 42, 19),
        "cortex": cylinder(0, 42, 19) & ~cylinder(0, 42, 15),
    }
    hu = np.full(GRID.shape, -1000.0)
    numbers = (-100.0, 45.0, -750.0, liver_hu, aorta_hu, 200.0, 700.0)
    for name, value in zip(parts, numbers, strict=True):
        hu[parts[name]] = value
    later = list(parts)
    alone = {
        name: parts[name]
        & ~np.logical_or.reduce([parts[n] for n in later[at + 1 :]] or [parts["fat"] & False])
        for at, name in enumerate(later)
    }
    alone["air"] = ~parts["fat"]
    alone["bone"] = parts["bone"]
    return Phantom(hu.astype(np.float32), alone)


PHANTOM = _phantom()
CLASS_OF = {
    "air": "air",
    "fat": "adipose",
    "muscle": "muscle",
    "lung": "lung",
    "liver": "liver",
    "aorta": "blood",
    "bone": "bone_compact",
}


def _is(tissue: TissueMap, name: str) -> Bools:
    return np.asarray(tissue.material == tissue.materials.index(name))


def _ids(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.id for finding in findings}


@pytest.mark.parametrize("part", CLASS_OF)
def test_each_tissue_of_a_ct_without_noise_has_its_class(part: str) -> None:
    """The median rounds sharp corners, and the aorta's rim at the spine may be bone: 10 % are edges."""
    tissue, _ = tissue_map(PHANTOM.ct(), liver=PHANTOM.mask("liver"), lungs=PHANTOM.mask("lung"))
    assert float(_is(tissue, CLASS_OF[part])[PHANTOM.parts[part]].mean()) > 0.9


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_does_not_change_classes_voxel_by_voxel(seed: int) -> None:
    """25 HU move less than 1 % of the voxels, where fat (-100) is 0.8 deviations from lung (-120)."""
    quiet, _ = tissue_map(PHANTOM.ct(), liver=PHANTOM.mask("liver"))
    noisy, _ = tissue_map(PHANTOM.ct(seed), liver=PHANTOM.mask("liver"))
    assert float(np.mean(quiet.material != noisy.material)) < 0.01


@pytest.mark.parametrize("liver_hu", [30.0, 60.0, 110.0, 180.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_liver_is_liver_and_never_denser_than_the_cap(liver_hu: float, seed: int) -> None:
    """With contrast agent or without; its mean is that of the curve up to the cap."""
    phantom = _phantom(liver_hu)
    tissue, _ = tissue_map(phantom.ct(seed), liver=phantom.mask("liver"))
    liver = phantom.parts["liver"]
    assert _is(tissue, "liver")[liver].all()
    assert float(tissue.g_per_ml[liver].max()) <= np.float32(CAP_G_PER_ML)
    expected = min(float(density_from_hu(liver_hu)), CAP_G_PER_ML)
    assert float(tissue.g_per_ml[liver].mean()) == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize("aorta_hu", [180.0, 250.0, 350.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_an_enhanced_vessel_beside_the_spine_is_blood(aorta_hu: float, seed: int) -> None:
    """Only what lies within the rim of the bone (3 mm along each axis, one voxel of doubt) may be bone."""
    phantom = _phantom(aorta_hu=aorta_hu)
    tissue, _ = tissue_map(phantom.ct(seed))
    aorta = phantom.parts["aorta"]
    apart = distance_transform_edt(~phantom.parts["bone"], GRID.spacing_zyx_mm) > 5.0
    assert float(apart[aorta].mean()) > 0.7
    assert not _is(tissue, "bone_compact")[aorta & apart].any()
    assert float(tissue.g_per_ml[aorta & _is(tissue, "blood")].max()) <= np.float32(CAP_G_PER_ML)


def test_marrow_inside_dense_bone_is_bone() -> None:
    """Spongy bone of 200 HU would be a vessel by its number alone; the shell around it tells."""
    tissue, _ = tissue_map(PHANTOM.ct(1))
    assert float(_is(tissue, "bone_compact")[PHANTOM.parts["bone"]].mean()) > 0.97


def test_a_vessel_mask_wins_over_the_ct_number() -> None:
    tissue, _ = tissue_map(PHANTOM.ct(1), vessels=PHANTOM.mask("bone"))
    assert _is(tissue, "blood")[PHANTOM.parts["bone"]].all()


def test_a_soft_tissue_mask_wins_over_the_ct_number_and_the_liver_over_it() -> None:
    both = Mask(GRID, PHANTOM.parts["liver"] | PHANTOM.parts["aorta"])
    tissue, _ = tissue_map(PHANTOM.ct(1), liver=PHANTOM.mask("liver"), soft_tissue=[both])
    assert _is(tissue, "muscle")[PHANTOM.parts["aorta"]].all()
    assert _is(tissue, "liver")[PHANTOM.parts["liver"]].all()


def test_lung_keeps_the_density_of_its_ct_number() -> None:
    tissue, _ = tissue_map(PHANTOM.ct(1))
    expected = 0.00121 + 0.0010297 * 250
    assert float(tissue.g_per_ml[PHANTOM.parts["lung"]].mean()) == pytest.approx(expected, rel=0.005)


def test_a_scanners_curve_is_used() -> None:
    curve = HuCurve(hu=(-1000, 0, 1000), g_per_ml=(0.002, 0.9, 1.5))
    tissue, _ = tissue_map(PHANTOM.ct(), liver=PHANTOM.mask("liver"), curve=curve)
    assert float(np.median(tissue.g_per_ml[PHANTOM.parts["liver"]])) == pytest.approx(0.936)


@pytest.mark.parametrize("spacing", [(4.0, 4.0, 6.0), (5.0, 4.0, 7.5), (1.0, 1.0, 1.5)])
def test_another_grid_over_the_same_space_keeps_the_mass(spacing: tuple[float, float, float]) -> None:
    ct = PHANTOM.ct(1)
    native, _ = tissue_map(ct)
    other, findings = tissue_map(ct, grid=GRID.with_spacing(spacing))
    assert "tissue.beyond-ct" not in _ids(findings)

    def grams(tissue: TissueMap) -> float:
        return float(tissue.g_per_ml.sum(dtype=np.float64)) * tissue.grid.voxel_ml

    assert grams(other) == pytest.approx(grams(native), rel=1e-5)


def test_a_coarse_voxel_has_the_class_of_most_of_it_and_the_mean_density() -> None:
    """Blocks of 2 x 2 x 2 voxels, counted directly."""
    ct = PHANTOM.ct(1)
    native, _ = tissue_map(ct, liver=PHANTOM.mask("liver"))
    coarse, _ = tissue_map(ct, liver=PHANTOM.mask("liver"), grid=GRID.with_spacing((4.0, 4.0, 6.0)))
    blocks = native.material.reshape(20, 2, 40, 2, 40, 2).transpose(0, 2, 4, 1, 3, 5).reshape(20, 40, 40, 8)
    counts = np.stack([(blocks == place).sum(axis=-1) for place in range(len(MATERIALS))], axis=-1)
    assert (coarse.material == counts.argmax(axis=-1)).all()
    means = native.g_per_ml.reshape(20, 2, 40, 2, 40, 2).mean(axis=(1, 3, 5), dtype=np.float64)
    assert coarse.g_per_ml == pytest.approx(means, abs=2e-6)


@settings(max_examples=8, deadline=None)
@given(st.permutations([0, 1, 2]), st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_a_dose_grid_with_turned_axes_sees_the_same_tissue(
    order: list[int], flips: tuple[bool, bool, bool]
) -> None:
    """The axes of the grid are names; a voxel at the same place holds the same."""
    ct = PHANTOM.ct(1)
    plain, _ = tissue_map(ct, grid=GRID.with_spacing((4.0, 4.0, 6.0)))
    axes = plain.grid.axes[:, order] * np.where(flips, -1, 1)
    if np.linalg.det(axes) < 0:
        axes[:, 0] *= -1
    counts = np.array(plain.grid.shape[::-1])
    signs = axes.sum(axis=0)
    start = [(counts[order[k]] - 1 if signs[k] < 0 else 0) for k in range(3)]
    origin = plain.grid.to_mm([start[order.index(axis)] for axis in range(3)])
    spacing = [plain.grid.spacing_mm[k] for k in order]
    turned = Grid(
        shape=(int(counts[order[2]]), int(counts[order[1]]), int(counts[order[0]])),
        spacing_mm=(spacing[0], spacing[1], spacing[2]),
        origin_mm=tuple(origin),
        direction=tuple(axes.ravel()),
    )
    found, _ = tissue_map(ct, grid=turned)
    index = np.moveaxis(np.indices(turned.shape), 0, -1)[..., ::-1]
    at = np.rint(plain.grid.to_index(turned.to_mm(index))).astype(int)
    assert (found.material == plain.material[at[..., 2], at[..., 1], at[..., 0]]).all()


def test_a_grid_beyond_the_ct_is_air_there_and_says_so() -> None:
    wide = replace(GRID, origin_mm=(-79.0, -79.0, -58.5 + 60.0))
    tissue, findings = tissue_map(PHANTOM.ct(), grid=wide)
    assert "tissue.beyond-ct" in _ids(findings)
    assert _is(tissue, "air")[20:].all()
    assert tissue.g_per_ml[20:] == pytest.approx(AIR_G_PER_ML, rel=1e-5)


def test_the_coverage_is_the_share_of_each_voxel_inside_the_ct() -> None:
    """A grid that starts half a voxel before the CT, and one as large again after it."""
    line = Grid(shape=(1, 1, 4), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))
    shifted = replace(line, origin_mm=(2.5, 0.0, 0.0))
    assert ct_coverage(line, shifted).ravel() == pytest.approx([1.0, 0.5, 0.0, 0.0])


def test_a_grid_elsewhere_is_refused() -> None:
    far = replace(GRID, origin_mm=(5000.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="does not meet the CT"):
        tissue_map(PHANTOM.ct(), grid=far)


def test_a_liver_outside_the_dose_grid_is_recorded() -> None:
    low = GRID.cropped((slice(0, 10), slice(0, 80), slice(0, 80)))
    _, findings = tissue_map(PHANTOM.ct(), liver=PHANTOM.mask("liver"), grid=low)
    assert "tissue.liver-outside-grid" in _ids(findings)


def test_a_ct_that_cuts_the_liver_is_recorded() -> None:
    box = (slice(12, 40), slice(0, 80), slice(0, 80))
    part = CtImage(GRID.cropped(box), PHANTOM.ct().hu[box])
    liver = Mask(part.grid, PHANTOM.parts["liver"][box])
    assert "tissue.liver-cut" in _ids(tissue_map(part, liver=liver)[1])
    assert "tissue.liver-cut" not in _ids(tissue_map(PHANTOM.ct(), liver=PHANTOM.mask("liver"))[1])


def test_padding_is_air_and_recorded() -> None:
    hu = PHANTOM.ct().hu.astype(np.int16)
    hu[0] = -3024
    tissue, findings = tissue_map(CtImage(GRID, hu))
    assert "tissue.padding" in _ids(findings)
    assert tissue.g_per_ml[0] == pytest.approx(AIR_G_PER_ML)


def test_a_liver_mask_that_reaches_into_lung_is_recorded_and_keeps_the_cts_density() -> None:
    parts = PHANTOM.parts
    index_z = np.arange(GRID.shape[0])[:, None, None]
    mask = Mask(GRID, parts["liver"] | (parts["lung"] & (index_z < 26)))
    tissue, findings = tissue_map(PHANTOM.ct(), liver=mask)
    assert "tissue.gas-in-liver" in _ids(findings)
    assert float(np.median(tissue.g_per_ml[mask.voxels & parts["lung"]])) < 0.3


Change = Callable[[NDArray[np.float32]], NDArray[np.floating]]
WRONG_UNITS: dict[str, tuple[Change, str]] = {
    "all zero": (lambda hu: hu * 0, "from 0 to 0"),
    "0 to 1": (lambda hu: (hu + 1000) / 2000, "Hounsfield"),
    "unsigned, offset 1024": (lambda hu: np.maximum(hu + 1024, 0), "intercept"),
    "unsigned, offset 1000, no air": (lambda hu: np.maximum(hu, -200) + 1000, "intercept"),
}


@pytest.mark.parametrize("case", WRONG_UNITS)
def test_numbers_that_are_not_hounsfield_units_are_refused_without_masks(case: str) -> None:
    change, message = WRONG_UNITS[case]
    wrong = CtImage(GRID, change(PHANTOM.ct().hu.astype(np.float32)).astype(np.float32))
    with pytest.raises(ModelRangeError, match=message):
        tissue_map(wrong)


@pytest.mark.parametrize("change", [lambda hu: hu + 300, lambda hu: hu - 200, lambda hu: hu * 10])
def test_a_liver_of_impossible_numbers_is_refused(change: Change) -> None:
    wrong = CtImage(GRID, change(PHANTOM.ct().hu.astype(np.float32)).astype(np.float32))
    with pytest.raises(ModelRangeError, match="middle CT number of the liver"):
        tissue_map(wrong, liver=PHANTOM.mask("liver"))


def test_lungs_thinner_than_air_are_refused() -> None:
    """A slope of 2: the liver of 120 HU is still one, lungs of -1500 HU are not."""
    wrong = CtImage(GRID, 2 * PHANTOM.ct().hu.astype(np.float32))
    with pytest.raises(ModelRangeError, match="middle CT number of the lungs is -1500, thinner than air"):
        tissue_map(wrong, liver=PHANTOM.mask("liver"), lungs=PHANTOM.mask("lung"))


WRONG_SLOPES: dict[str, tuple[Change, str]] = {
    "twice": (lambda hu: 2 * hu, "lie below -1100"),
    "ten times": (lambda hu: 10 * hu, "lie below -1100"),
    "intercept applied twice": (lambda hu: hu - 1024, "lie below -1100"),
    "half of the stored values": (lambda hu: (hu + 1024) / 2 - 1024, "where fat and soft tissue begin"),
}


@pytest.mark.parametrize("seed", [None, 1])
@pytest.mark.parametrize("case", WRONG_SLOPES)
def test_a_wrong_slope_or_intercept_is_refused_without_masks(case: str, seed: int | None) -> None:
    """With noise and without: padding is one number, a plateau of scaled air has lung or noise beside it."""
    change, message = WRONG_SLOPES[case]
    wrong = change(PHANTOM.ct(seed).hu.astype(np.float32)).astype(np.float32)
    with pytest.raises(ModelRangeError, match=message):
        tissue_map(CtImage(GRID, wrong))


def test_half_of_all_numbers_is_recorded_without_masks() -> None:
    """Air at -500: it might be a part of an image with lung in it."""
    wrong = CtImage(GRID, (PHANTOM.ct().hu / 2).astype(np.float32))
    assert "tissue.no-air" in _ids(tissue_map(wrong)[1])


def test_tissue_that_is_all_dense_is_recorded() -> None:
    """Ten times the numbers, cut off at air."""
    wrong = CtImage(GRID, np.maximum(10 * PHANTOM.ct(1).hu, -1000).astype(np.float32))
    assert "tissue.no-soft-tissue" in _ids(tissue_map(wrong)[1])


@pytest.mark.parametrize(("inside_hu", "around_hu"), [(0, -1000), (-100, -1000), (-750, 45), (700, -1000)])
def test_a_phantom_of_one_tissue_is_used(inside_hu: int, around_hu: int) -> None:
    """Water, fat or bone in air, lung in muscle."""
    hu = np.full(GRID.shape, around_hu, np.int16)
    hu[10:30, 20:60, 20:60] = inside_hu
    tissue, _ = tissue_map(CtImage(GRID, hu))
    assert float(tissue.g_per_ml[20, 40, 40]) == pytest.approx(
        min(float(density_from_hu(inside_hu)), 1.5), rel=0.1
    )


def test_a_noisy_ct_with_padding_passes() -> None:
    """60 HU of noise in air, and the corners beyond the scanner's circle at -2000."""
    noise = np.random.default_rng(2).normal(0, 60, GRID.shape)
    hu = PHANTOM.hu + noise
    index = np.moveaxis(np.indices(GRID.shape), 0, -1)[..., ::-1]
    x, y, _ = np.moveaxis(GRID.to_mm(index), -1, 0)
    hu[x**2 + y**2 > 79**2] = -2000
    assert "tissue.padding" in _ids(tissue_map(CtImage(GRID, np.rint(hu).astype(np.int16)))[1])


def test_lungs_that_hold_no_gas_are_refused() -> None:
    with pytest.raises(ModelRangeError, match="lungs"):
        tissue_map(PHANTOM.ct(), lungs=PHANTOM.mask("muscle"))


def test_a_crop_without_air_is_used_and_recorded() -> None:
    box = (slice(10, 16), slice(30, 40), slice(26, 40))
    hu = PHANTOM.ct(1).hu[box].astype(np.int16)
    assert "tissue.no-air" in _ids(tissue_map(CtImage(GRID.cropped(box), hu))[1])


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(MaskError, match="liver mask is empty"):
        tissue_map(PHANTOM.ct(), liver=Mask.empty(GRID))


def test_a_mask_on_another_grid_is_refused() -> None:
    other = Mask.empty(GRID.with_spacing((4.0, 4.0, 6.0)))
    with pytest.raises(GeometryError, match="CT and lungs"):
        tissue_map(PHANTOM.ct(), lungs=other)


def test_a_dose_grid_of_large_voxels_is_refused() -> None:
    with pytest.raises(ModelRangeError, match="at most 10 mm"):
        tissue_map(PHANTOM.ct(), grid=GRID.with_spacing((4.0, 4.0, 12.0)))


def test_a_structure_of_one_density_keeps_its_mass() -> None:
    tissue, _ = tissue_map(PHANTOM.ct(1))
    lung = PHANTOM.mask("lung")
    found = with_mean_density(tissue, [lung])
    inside = found.g_per_ml[lung.voxels]
    assert float(np.ptp(inside)) == 0.0
    before = float(tissue.g_per_ml[lung.voxels].mean(dtype=np.float64))
    assert float(inside[0]) == pytest.approx(before, rel=1e-6)
    assert (found.g_per_ml[~lung.voxels] == tissue.g_per_ml[~lung.voxels]).all()


def test_structures_of_one_density_must_not_overlap_or_be_empty() -> None:
    tissue, _ = tissue_map(PHANTOM.ct())
    with pytest.raises(MaskError, match="overlap"):
        with_mean_density(tissue, [PHANTOM.mask("lung"), PHANTOM.mask("lung")])
    with pytest.raises(MaskError, match="empty"):
        with_mean_density(tissue, [Mask.empty(GRID)])


def test_the_median_leaves_a_straight_edge_in_place_and_most_noise_behind() -> None:
    """A step of 800 HU keeps its place; two rounds leave less than 7 HU of 25."""
    step = np.where(np.arange(20) < 9, -750, 50) * np.ones((20, 20, 1))
    assert (denoised(step.astype(np.int16), (1.0, 1.0, 1.0)) == step).all()
    noise = np.random.default_rng(4).normal(0, NOISE_HU, (30, 30, 30)).astype(np.float32)
    assert float(denoised(noise, (2.0, 2.0, 2.0)).std()) < 7


def test_thick_slices_are_not_mixed() -> None:
    """A single slice of 5 mm stays, since its neighbours are other tissue."""
    hu = np.zeros((5, 8, 8), np.int16)
    hu[2] = 300
    assert (denoised(hu, (5.0, 1.0, 1.0)) == hu).all()
