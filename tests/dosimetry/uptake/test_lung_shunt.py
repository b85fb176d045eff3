"""The lung dose on each scale, and the limits that belong to it."""

import pytest

from emboplan import catalog
from emboplan.dosimetry.uptake.lung_shunt import comparable_limits, entered_shunt, with_lung_dose
from emboplan.model.results.shunt import ShuntEstimate, ShuntMethod

GIVEN_KEYS = {
    "method",
    "lung_shunt_frac",
    "interval",
    "counts",
    "lung_mass_g",
    "lung_mass_source",
    "lung_dose_per_gbq_gy",
    "other_methods",
    "findings",
}


def estimate(method: ShuntMethod, frac: float) -> ShuntEstimate:
    return ShuntEstimate(method, frac, (0.0, 1.0), {}, None, "bias")


def limits(method: ShuntMethod, mass: str) -> list[str]:
    return list(comparable_limits(method, mass, catalog.load()))


def test_the_limits_in_gray_belong_to_planar_shunt_and_one_kilogram() -> None:
    for method in (ShuntMethod.PLANAR_GM, ShuntMethod.ANTERIOR):
        assert {"lung_session", "lung_cumulative"} <= set(limits(method, "default"))
        assert limits(method, "ct") == []


def test_no_limit_is_on_the_scale_of_spect_and_ct_mass() -> None:
    assert limits(ShuntMethod.SPECT_CT, "ct") == []
    assert "lung_session" not in limits(ShuntMethod.SPECT_CT, "default")
    assert "lung_session" not in limits(ShuntMethod.ENTERED, "default")


def test_the_label_warning_names_a_mass_only() -> None:
    """0.61 GBq in 1 kg: every shunt with that mass."""
    for method in ShuntMethod:
        assert "therasphere_lung_warning" in limits(method, "default")
        assert "therasphere_lung_warning" not in limits(method, "entered")


def test_unverified_limits_are_on_no_scale() -> None:
    for method in ShuntMethod:
        for mass in ("default", "ct", "entered"):
            assert not {"kr_resin_lung", "eu_glass_lung"} & set(limits(method, mass))


def test_both_scales_stand_side_by_side() -> None:
    """49.8 x 0.10 / 1 kg planar, 49.8 x 0.06 / 0.8 kg SPECT/CT, and the two mixed ones."""
    spect, planar = estimate(ShuntMethod.SPECT_CT, 0.06), estimate(ShuntMethod.PLANAR_GM, 0.10)
    shunt = with_lung_dose(spect, other_methods=[planar], ct_lung_mass_g=800.0)
    by = {(s.method.value, s.lung_mass_source): s for s in shunt.scales}
    assert by["planar-gm", "default"].lung_dose_per_gbq_gy == pytest.approx(4.98)
    assert by["spect-ct", "ct"].lung_dose_per_gbq_gy == pytest.approx(49.8 * 0.06 / 0.8)
    assert by["spect-ct", "default"].lung_dose_per_gbq_gy == shunt.lung_dose_per_gbq_gy
    assert len(by) == 4
    assert shunt.lung_mass_source == "default"


def test_an_entered_mass_is_a_scale_of_its_own() -> None:
    shunt = with_lung_dose(entered_shunt(0.05), lung_mass_g=900.0, lung_mass_source="entered")
    assert [s.lung_mass_source for s in shunt.scales] == ["default", "entered"]
    assert shunt.lung_dose_per_gbq_gy == pytest.approx(49.8 * 0.05 / 0.9)


def test_the_json_keeps_its_keys() -> None:
    content = with_lung_dose(entered_shunt(0.05)).to_json()
    assert set(content) >= GIVEN_KEYS
    assert content["scales"][0]["comparable_with"] == ["therasphere_lung_warning"]
