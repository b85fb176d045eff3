"""A definition that cannot be meant is refused with one clear line."""

import copy
from typing import Any

import pytest

from emboplan.errors import InputError
from emboplan.synthetic.setting.definition import Spread
from emboplan.synthetic.setting.tables import from_table


def test_the_shipped_definition_is_read(net_liver_table: dict[str, Any]) -> None:
    definition = from_table(net_liver_table)
    assert net_liver_table["name"] == definition.name
    assert Spread(5.0, 5.0) == definition.uptake.tumour_to_normal
    assert Spread(5.0, 8.0) == definition.lesions.count


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("lesions.burden", 0.2, r"unknown key lesions\.burden; expected one of count, burden_frac"),
        ("hu.blod", 40, r"hu\.blod is no tissue"),
        ("lesions.burden_frac", 1.4, r"lesions\.burden_frac is 1\.4; expected 0 to 0\.8"),
        ("lesions.burden_frac", 0.0, r"expected both to be 0, or neither"),
        ("lesions.smallest_mm", 70.0, r"lesions\.smallest_mm reaches 70"),
        ("uptake.tumour_to_normal", 0.0, r"uptake\.tumour_to_normal is 0; expected a number above 0"),
        ("uptake.lung_shunt_frac", [0.1, 1.2], r"uptake\.lung_shunt_frac is 0\.1 to 1\.2; expected 0 to 1"),
        ("uptake.lung_shunt_frac", [0.2, 0.1], r"expected the lower number first"),
        ("uptake.lung_shunt_frac", "6 %", r"uptake\.lung_shunt_frac is '6 %'; expected a finite number"),
        ("uptake.lung_shunt_frac", [1, 2, 3], r"expected a number or \[low, high\]"),
        ("ct.matrix", 12.5, r"ct\.matrix is 12\.5; expected a whole number"),
        (
            "ct.matrix",
            100000,
            r"ct\.matrix, length_mm and slice_mm ask for 1\.38e\+12 voxels; expected 2\.68e\+08",
        ),
        ("spect.matrix", 5000, r"spect\.matrix and slices ask for 2\.5e\+09 voxels"),
        ("habitus.lattice_mm", 0.3, r"habitus\.lattice_mm is 0\.3; expected 1\.5 to 10"),
        ("lesions.count", [2.5, 4], r"lesions\.count is 2\.5; expected whole numbers"),
        ("pet.moved_z_mm", 400.0, r"pet\.moved_z_mm is 400; expected -100 to 100"),
        ("ct.slice_mm", 9.0, r"ct\.slice_mm is 9; expected 0\.6 to 8"),
        ("ct.pixel_mm", 6.0, r"ct\.pixel_mm is 6; expected no more than spect\.voxel_mm, 4\.42"),
        ("liver.resection", "all", r"liver\.resection is 'all'; expected none, right, left, left lateral"),
        ("organs.ascites_mm", -1.0, r"organs\.ascites_mm is -1; expected 0 to inf"),
        ("lesions.nodule_mm", 0.0, r"lesions\.nodule_mm is 0; expected a number above 0"),
        ("mr.t1.signal.blod", 4.0, r"mr\.t1\.signal\.blod is no tissue"),
        ("mr.t1.snr", 0.0, r"mr\.t1 has a size or a signal-to-noise ratio of 0"),
        ("ct", 3, r"ct is 3; expected a table"),
        ("uptake.focus", "spleen", r"uptake\.focus is spleen, focus_frac 0; expected a place and a part"),
        ("uptake.focus_frac", 0.1, r"uptake\.focus is none, focus_frac 0\.1; expected a place and a part"),
        ("uptake.free_frac", 0.995, r"focus_frac \+ free_frac is 1\.005; expected 1 or less"),
        ("uptake.free_kidneys_frac", 0.6, r"free_outside_frac is 1\.1; expected 1 or less"),
        ("spect.corrections", "all", r"spect\.corrections is 'all'; expected attenuation\+scatter, att"),
        ("spect.shift_x_mm", -300.0, r"spect\.shift_x_mm is -300; expected -100 to 100"),
        ("spect.noise_gain", 0.0, r"spect\.noise_gain is 0; expected a number above 0"),
        ("pet.scan_s", 0.0, r"pet\.scan_s is 0; expected a number above 0"),
        ("name", "", r"name is ''; expected text"),
    ],
)
def test_refused(net_liver_table: dict[str, Any], path: str, value: object, message: str) -> None:
    table = copy.deepcopy(net_liver_table)
    *sections, key = path.split(".")
    target = table
    for section in sections:
        target = target[section]
    target[key] = value
    with pytest.raises(InputError, match=message) as caught:
        from_table(table)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "path", ["ct.matrix", "hu.liver", "hu_above_liver.spleen", "density_g_per_ml.lung", "spect"]
)
def test_missing(net_liver_table: dict[str, Any], path: str) -> None:
    table = copy.deepcopy(net_liver_table)
    *sections, key = path.split(".")
    del (table[sections[0]] if sections else table)[key]
    with pytest.raises(InputError, match=r"is missing"):
        from_table(table)


def test_an_unknown_focus_is_refused(net_liver_table: dict[str, Any]) -> None:
    table = copy.deepcopy(net_liver_table)
    table["uptake"] |= {"focus": "spleen", "focus_frac": 0.01}
    with pytest.raises(InputError, match=r"uptake\.focus is 'spleen'; expected none, stomach, duodenum"):
        from_table(table)
