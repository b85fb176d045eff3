"""Phases, variants, kernels and single settings: what they change, and what is refused."""

from typing import Any

import numpy as np
import pytest

from emboplan.errors import InputError
from emboplan.synthetic.setting.definition import Spread
from emboplan.synthetic.setting.tables import from_table
from emboplan.synthetic.setting.variants import definition_of, overlays


def test_without_settings_it_is_the_table(net_liver_table: dict[str, Any]) -> None:
    assert from_table(net_liver_table) == definition_of(net_liver_table, {})


def test_every_overlay_can_be_made_and_says_what_it_is(net_liver_table: dict[str, Any]) -> None:
    for kind, named in overlays(net_liver_table).items():
        for name, what in named.items():
            assert what
            assert definition_of(net_liver_table, {kind: name}).name == "net-liver"


def test_variants_join_and_a_setting_has_the_last_word(net_liver_table: dict[str, Any]) -> None:
    chosen = definition_of(
        net_liver_table,
        {
            "variant": "ascites+fatty",
            "phase": "arterial",
            "kernel": "sharp",
            "ascites_mm": 3.0,
            "count": (2, 4),
        },
    )
    assert Spread(3.0, 3.0) == chosen.organs.ascites_mm
    assert Spread(30.0, 80.0) == chosen.hu["liver"]
    assert Spread(190.0, 270.0) == chosen.hu_above_liver["aorta"]
    assert chosen.ct.noise_ratio == net_liver_table["kernel"]["sharp"]["ct"]["noise_ratio"]
    assert Spread(2.0, 4.0) == chosen.lesions.count


def test_a_section_can_be_named_without_a_dot(net_liver_table: dict[str, Any]) -> None:
    """As a keyword of Python must be."""
    assert definition_of(net_liver_table, {"spect__counts": 3e6}).spect.counts == 3e6


def test_the_table_is_left_as_it_was(net_liver_table: dict[str, Any]) -> None:
    before = repr(net_liver_table)
    definition_of(net_liver_table, {"variant": "massive", "burden_frac": 0.5})
    assert before == repr(net_liver_table)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"burdn_frac": 0.2}, r"unknown parameter burdn_frac; expected burden_frac"),
        ({"counts": 4.0}, r"counts could be spect\.counts, planar\.counts; say which"),
        ({"phase": "arteriel"}, r"phase 'arteriel' is unknown; expected arterial"),
        ({"variant": "fatty+huge"}, r"variant 'huge' is unknown; expected"),
        ({"variant": 3}, r"variant is 3; expected a name"),
        ({"burden_frac": 0.95}, r"lesions\.burden_frac is 0\.95; expected 0 to 0\.8"),
        ({"burden_frac": "a lot"}, r"lesions\.burden_frac is 'a lot'; expected a finite number"),
        ({"slice_mm": 12}, r"ct\.slice_mm is 12; expected 0\.6 to 8"),
        ({"name.x": 1}, r"unknown parameter name\.x"),
    ],
)
def test_refused_in_one_line(
    net_liver_table: dict[str, Any], settings: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        definition_of(net_liver_table, settings)
    assert "\n" not in str(caught.value)


def test_an_overlay_with_an_unknown_key_is_refused(net_liver_table: dict[str, Any]) -> None:
    table = net_liver_table | {"variant": {"odd": {"liver": {"colour": 1}}}}
    with pytest.raises(InputError, match=r"variant\.odd sets liver\.colour, which is unknown"):
        definition_of(table, {"variant": "odd"})


def test_a_burden_brings_as_many_lesions_as_it_needs(net_liver_table: dict[str, Any]) -> None:
    """Balls of 60 mm hold 113 mL: five hold the 20 % that are set, not 60 % of a liver of 1900 mL."""
    few = definition_of(net_liver_table, {"burden_frac": 0.10}).lesions.count
    many = definition_of(net_liver_table, {"burden_frac": 0.60}).lesions.count
    fixed = definition_of(net_liver_table, {"burden_frac": 0.60, "count": 12}).lesions.count
    assert Spread(5.0, 8.0) == few
    assert many.low * np.pi / 6 * 6.0**3 > 0.6 * 1900
    assert Spread(12.0, 12.0) == fixed


def test_no_burden_means_no_lesions(net_liver_table: dict[str, Any]) -> None:
    assert Spread(0.0, 0.0) == definition_of(net_liver_table, {"burden_frac": 0}).lesions.count


@pytest.mark.parametrize(
    "settings",
    [
        {"phase": "arterial", "kernel": "sharp"},
        {"slice_mm": 1.0, "dose_frac": 0.5, "noise_sd_hu": 20.0},
        {"variant": "noisy+after-treatment+breath-mismatch", "spect.counts": 1e6, "lung_shunt_frac": 0.1},
        {"corrections": "none", "moved_x_mm": 5.0, "attenuation_cm2_per_g": 0.15, "mr": None},
    ],
)
def test_two_scans_of_a_patient_share_the_anatomy(
    net_liver_table: dict[str, Any], settings: dict[str, object]
) -> None:
    assert definition_of(net_liver_table, {}).anatomy == definition_of(net_liver_table, settings).anatomy


@pytest.mark.parametrize(
    "settings",
    [
        {"burden_frac": 0.1},
        {"variant": "fatty"},
        {"variant": "noisy+ascites"},
        {"ct.matrix": 256},
        {"variant": "breath-step"},
    ],
)
def test_another_body_has_another_anatomy(
    net_liver_table: dict[str, Any], settings: dict[str, object]
) -> None:
    assert definition_of(net_liver_table, {}).anatomy != definition_of(net_liver_table, settings).anatomy


def test_variants_join_in_any_order(net_liver_table: dict[str, Any]) -> None:
    """The resection decides the liver's size, whichever is typed first."""
    one, other = (
        definition_of(net_liver_table, {"variant": names})
        for names in ("right-hepatectomy+ascites", "ascites+right-hepatectomy")
    )
    assert one.liver == other.liver
    assert Spread(700.0, 950.0) == one.liver.volume_ml
    assert one.organs.ascites_mm.low > 0
    assert one.anatomy == other.anatomy
