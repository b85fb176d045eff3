"""Which limits a plan is held against, read against the tables of EANM 2022 and the labels."""

import pytest

from emboplan.catalog import load
from emboplan.dosimetry.prescribing.applicable_limits import ApplicableLimits, applicable_limits
from emboplan.model.case import Limits
from emboplan.model.products import DoseLimit, Scope


def limits_of(
    device: str | None, *, bilirubin_mg_per_dl: float | None = 0.8, entered: Limits | None = None
) -> ApplicableLimits:
    return applicable_limits(
        entered or Limits(), device=device, bilirubin_mg_per_dl=bilirubin_mg_per_dl, catalog=load()
    )


def by_quantity(found: ApplicableLimits, quantity: str) -> list[DoseLimit]:
    return [limit for limit in found.limits if limit.quantity == quantity]


@pytest.mark.parametrize(("bilirubin", "allowed_gy"), [(0.8, 90.0), (1.09, 90.0), (1.1, 50.0), (2.0, 50.0)])
def test_glass_by_bilirubin(bilirubin: float, allowed_gy: float) -> None:
    """EANM 2022, Table 2: below 50 Gy from 1.1 mg/dL, below 90 Gy under it."""
    found = limits_of("therasphere", bilirubin_mg_per_dl=bilirubin)
    (limit,) = by_quantity(found, "whole_normal")
    assert (limit.limit.number, limit.below, limit.scope) == (allowed_gy, True, Scope.CUMULATIVE)
    assert found.findings == ()


def test_glass_without_bilirubin_takes_the_stricter_limit_and_says_so() -> None:
    found = limits_of("therasphere", bilirubin_mg_per_dl=None)
    assert by_quantity(found, "whole_normal")[0].limit.number == 50.0
    assert [finding.id for finding in found.findings] == ["bilirubin-unknown"]


def test_glass_has_the_activity_of_its_label() -> None:
    """TheraSphere: contraindicated above 0.61 GBq (16.5 mCi) to the lungs."""
    (limit,) = by_quantity(limits_of("therasphere"), "lung_activity")
    assert limit.limit.number == 0.61


def test_resin_has_the_shunt_of_its_label_and_no_limit_on_normal_liver() -> None:
    """SIR-Spheres: contraindicated above a shunt of 20 %; no row of EANM 2022 covers NET metastases."""
    found = limits_of("sir-spheres")
    assert by_quantity(found, "lung_shunt")[0].limit.number == 0.20
    assert not found.protects_normal_liver
    assert [finding.id for finding in found.findings] == ["no-normal-liver-limit"]
    assert "sir-spheres" in found.findings[0].text


@pytest.mark.parametrize("device", [None, "therasphere", "sir-spheres", "quiremspheres"])
def test_lungs_are_limited_for_every_device(device: str | None) -> None:
    """30 Gy in one treatment, 50 Gy over all."""
    scopes = {limit.scope: limit.limit.number for limit in by_quantity(limits_of(device), "lung")}
    assert scopes == {Scope.TREATMENT: 30.0, Scope.CUMULATIVE: 50.0}


@pytest.mark.parametrize("device", ["therasphere", "sir-spheres"])
def test_an_entered_limit_takes_the_place_of_the_catalogue(device: str) -> None:
    entered = Limits(perfused_normal_gy=70, whole_normal_gy=40, lung_session_gy=20, lung_cumulative_gy=35)
    found = limits_of(device, bilirubin_mg_per_dl=None, entered=entered)
    assert found.findings == ()
    values = {limit.name: limit.limit.number for limit in found.limits if limit.limit.origin == "entered"}
    assert values == {
        "perfused_normal": 70.0,
        "whole_normal": 40.0,
        "lung_session": 20.0,
        "lung_cumulative": 35.0,
    }
    scopes = {limit.name: limit.scope for limit in found.limits}
    assert scopes["whole_normal"] is Scope.CUMULATIVE
    assert scopes["lung_cumulative"] is Scope.CUMULATIVE
    assert scopes["lung_session"] is Scope.TREATMENT


def test_a_limit_on_the_perfused_liver_protects_a_plan_without_a_device() -> None:
    found = limits_of(None, entered=Limits(perfused_normal_gy=70))
    assert found.protects_normal_liver
    assert found.findings == ()
    assert "without a device" in limits_of(None).findings[0].text
