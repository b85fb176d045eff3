"""Volumes, activities, ratio and shunt of the cases against hand calculation and their noise-free maps."""

from typing import Any

import numpy as np
import pytest
from tests.synthetic.analytic import small

from emboplan.errors import InputError
from emboplan.synthetic.analytic.scans import activity_mbq

SMALL: dict[str, Any] = {"ct__voxel_mm": [4, 4, 4], "ct__matrix": [33, 33, 33]}


def test_a_ball_in_a_ball() -> None:
    """20 mm in 110 mm at five to one, by hand: 4/3 pi r^3 and shares of 150 MBq."""
    truth = small.shipped("sphere").truth
    tumour, liver = truth.region("tumour"), truth.region("liver")
    tumour_ml, whole_ml = 4 / 3 * np.pi * 1.0**3, 4 / 3 * np.pi * 5.5**3
    assert tumour.volume_ml == pytest.approx(tumour_ml, rel=1e-12)
    assert liver.volume_ml == pytest.approx(whole_ml - tumour_ml, rel=1e-12)
    assert liver.solid_ml == pytest.approx(whole_ml, rel=1e-12)
    assert truth.burden_frac == pytest.approx(tumour_ml / whole_ml, rel=1e-12)
    per_ml = 150.0 / (whole_ml - tumour_ml + 5 * tumour_ml)
    assert liver.mbq_per_ml == pytest.approx(per_ml, rel=1e-12)
    assert tumour.activity_mbq == pytest.approx(5 * per_ml * tumour_ml, rel=1e-12)
    assert truth.tumour_to_normal == pytest.approx(5.0, rel=1e-12)
    # local deposition: K A / m, 1 GBq of treatment, K 50, 1.06 g/mL
    assert tumour.local_gy == pytest.approx(
        50 * (tumour.activity_mbq / 150) / (tumour_ml * 1.06e-3), rel=1e-12
    )


def test_spheres_of_the_iec_phantom() -> None:
    """Pi d^3 / 6 of 37 to 10 mm, as printed for the phantom: 26.52, 11.49, 5.57, 2.57, 1.15, 0.52 mL."""
    truth = small.shipped("nema-iec").truth
    volumes = [r.volume_ml for r in truth.regions if r.role == "tumour"]
    assert volumes == pytest.approx([26.52, 11.49, 5.575, 2.572, 1.150, 0.5236], abs=0.005)
    assert truth.tumour_to_normal == pytest.approx(8.0, rel=1e-12)
    distances = [np.hypot(*r.centre_mm[:2]) for r in truth.regions if r.role == "tumour"]
    assert distances == pytest.approx([57.25] * 6)


@pytest.mark.parametrize("name", small.NAMES)
def test_activities_of_the_noise_free_map(name: str) -> None:
    """The map holds each injection's activity, and its lungs and lesions theirs, to 1e-9."""
    scene, shared, voxels = small.noise_free(name)
    for one in shared:
        mbq = activity_mbq(voxels, one)
        assert float(mbq.sum()) == pytest.approx(one.injection.injected_mbq, rel=1e-9)
        for region, filled, held in zip(scene.regions, voxels.filled, one.regions_mbq, strict=True):
            if (
                region.parent is not None
                and held > 0
                and not any(r.parent is not None and scene.regions[r.parent] is region for r in scene.regions)
            ):
                pure = filled.share == 1
                if pure.any():
                    values = mbq[filled.box][pure] / voxels.grid.voxel_ml
                    assert values == pytest.approx(held / region.own_ml, rel=1e-9)


def test_ratio_on_pure_voxels_of_the_map() -> None:
    """The concentration in a voxel full of tumour over one full of liver is what was set, to 1e-9."""
    _, shared, voxels = small.noise_free("sphere", tumour_to_normal=7.3)
    mbq = activity_mbq(voxels, shared[0])
    liver, tumour = voxels.filled[1], voxels.filled[2]
    far = np.zeros(voxels.grid.shape, bool)
    far[liver.box] = liver.share == 1
    far[tumour.box] &= tumour.share == 0
    inside = np.zeros(voxels.grid.shape, bool)
    inside[tumour.box] = tumour.share == 1
    ratio = mbq[inside].mean() / mbq[far].mean()
    assert ratio == pytest.approx(7.3, rel=1e-9)
    assert np.ptp(mbq[inside]) <= 1e-12 * mbq.max()


def test_shunt_on_the_map() -> None:
    """Activity in voxels of the lungs over all of it, boxes on voxel faces, to 1e-9."""
    _, shared, voxels = small.noise_free("planar-shunt", lung_shunt_frac=0.17)
    mbq = activity_mbq(voxels, shared[0])
    lungs = np.zeros(voxels.grid.shape, bool)
    for n in (2, 3):
        lungs[voxels.filled[n].box] |= voxels.filled[n].share > 0
    assert mbq[lungs].sum() / mbq.sum() == pytest.approx(0.17, rel=1e-9)


def test_each_territory_has_its_own_ratio_and_shunt() -> None:
    truth = small.shipped("two-territories").truth
    right, left = truth.injections
    assert (right.tumour_to_normal, left.tumour_to_normal) == pytest.approx((6.0, 3.0), rel=1e-9)
    assert (right.lung_shunt_frac, left.lung_shunt_frac) == pytest.approx((0.06, 0.03), rel=1e-9)
    assert set(right.activity_mbq) & set(left.activity_mbq) == {"right lung", "left lung"}
    assert truth.lung_shunt_frac == pytest.approx((110 * 0.06 + 60 * 0.03) / 170, rel=1e-9)
    lungs = [r for r in truth.regions if r.role == "lungs"]
    assert truth.lung_mass_g == pytest.approx(0.26 * np.pi / 6 * (120 + 110) * 150 * 180 / 1000, rel=1e-12)
    # all of the lungs' dose comes from both treatments: 2 GBq x 6 % + 1 GBq x 3 %, K 50
    assert lungs[0].local_gy == pytest.approx(50 * 0.15 / (truth.lung_mass_g / 1000), rel=1e-9)


def test_densities_and_places_of_layers() -> None:
    truth = small.shipped("slab").truth
    layers = [r for r in truth.regions if r.shape == "layers"]
    assert [r.g_per_ml for r in layers] == [1.06, 0.26, 1.85, 0.001205]
    assert [r.centre_mm[0] for r in layers] == [-50.0, 0.0, 40.0, 60.0]
    assert [r.volume_ml for r in layers] == pytest.approx([400.0, 600.0, 200.0, 200.0])
    assert [r.mask_ml for r in layers] == pytest.approx([400.0, 600.0, 200.0, 200.0])


def test_a_seed_moves_what_may_move() -> None:
    places = {
        small.case("sphere", seed, **SMALL, jitter_mm=2.0).truth.region("tumour").centre_mm for seed in (1, 2)
    }
    assert len(places) == 2
    assert max(abs(v) for place in places for v in place) <= 2.0
    assert small.shipped("sphere").truth.region("tumour").centre_mm == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("sphere", {"diametre_mm": 20}, r"^sphere has no setting 'diametre_mm'; did you mean diameter_mm\?$"),
        ("sphere", {"nonsense": 20}, r"^sphere has no setting 'nonsense'; it has diameter_mm, centre_mm"),
        ("sphere", {"voxel_mm": 20}, r"several settings 'voxel_mm'; name one: ct\.voxel_mm, spect\.voxel_mm"),
        ("sphere", {"diameter_mm": 0.5}, r"^tumour is 0\.5 mm across, less than a CT voxel of 1 mm"),
        ("sphere", {"diameter_mm": -5}, r"region\[3\]\.diameter_mm is -5; expected more than 0"),
        ("sphere", {"diameter_mm": "20 mm"}, r"set\.diameter_mm is '20 mm'; expected a finite number"),
        ("sphere", {"diameter_mm": float("nan")}, r"set\.diameter_mm is nan; expected a finite number"),
        ("sphere", {"diameter_mm": True}, r"set\.diameter_mm is True; expected a finite number"),
        ("sphere", {"centre_mm": [50, 0, 0]}, r"^tumour leaves liver by 5 mm; make it smaller"),
        ("sphere", {"centre_mm": [50, 0]}, r"centre_mm has 2 numbers; expected three, x, y, z"),
        ("sphere", {"centre_mm": 3}, r"centre_mm is 3\.0; expected a list of numbers"),
        ("sphere", {"liver_diameter_mm": 130}, r"^liver leaves water by 2\.5 mm"),
        (
            "sphere",
            {"ct.matrix": [51, 51, 51]},
            r"^water reaches from -62\.5 to 62\.5 mm, the image from -25\.5",
        ),
        ("sphere", {"ct.matrix": [51.5, 51, 51]}, r"ct\.matrix holds 51\.5; expected whole numbers"),
        ("sphere", {"ct.noise_sd_hu": -1}, r"ct\.noise_sd_hu is -1; expected 0 or more"),
        ("sphere", {"tumour_to_normal": -1}, r"relative\.tumour is -1; expected 0 or more"),
        ("nema-iec", {"diameters_mm": [60] * 6}, r"overlap by 2\.75 mm; make them smaller or move one"),
        ("nema-iec", {"diameters_mm": []}, r"diameters_mm is \[\]; expected a list of numbers"),
        ("nema-iec", {"diameters_mm": [120]}, r"leaves body by|overlap by"),
        (
            "slab",
            {"thicknesses_mm": [40, 60, 20]},
            r"has 3 numbers; expected one for each of \['liver', 'lung'",
        ),
        ("slab", {"thicknesses_mm": [40, 80, 20, 20]}, r"leaves block by"),
        ("planar-shunt", {"lung_shunt_frac": 1.2}, r"lung_shunt_frac is 1\.2; expected 0 to 1"),
        ("planar-shunt", {"injected_mbq": 0}, r"injected_mbq is 0; expected more than 0"),
        ("decay-series", {"hours": [0, -1]}, r"spect\.hours is -1; expected 0 or more"),
        ("point", {"centre_mm": [500, 0, 0]}, r"^point lies outside water; move it inside$"),
        ("point", {"supersampling": 2}, r"several settings 'supersampling'"),
        ("point", {"ct.supersampling": 0}, r"ct\.supersampling is 0; expected 1 or more"),
        ("point", {"spect.supersampling": 99}, r"spect\.supersampling is 99; expected 16 or less"),
        ("point", {"ct.matrix": [999, 999, 999]}, r"ct\.matrix makes 9\.97e\+08 voxels; expected at most"),
        ("decay-series", {"hours": [0, 3, 3]}, r"spect\.hours names a time twice"),
    ],
)
def test_what_cannot_be_made_is_one_clear_line(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        small.case(name, **settings)
    assert "\n" not in str(caught.value)


def test_a_negative_seed() -> None:
    with pytest.raises(InputError, match="seed is -1; expected a whole number of 0 to 9007199254740992"):
        small.case("point", seed=-1)
