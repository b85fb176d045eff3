"""Which limits a plan is held against, read against the tables of EANM 2022 and the labels."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.catalog import load
from emboplan.dosimetry.prescribing.applicable_limits import (
    NORMAL_LIVER,
    ApplicableLimits,
    applicable_limits,
)
from emboplan.errors import ModelRangeError
from emboplan.model.case import Intent, Limits
from emboplan.model.disease import TumourType
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


def normal_of(
    tumour: str,
    device: str,
    intent: str | None,
    *,
    bilirubin: float | None = 0.8,
    reserve: float | None = 0.5,
    pretreated: bool = False,
    entered: Limits | None = None,
) -> tuple[dict[str, float], set[str]]:
    """The catalogue's limits on normal liver in Gy by quantity, and the findings."""
    found = applicable_limits(
        entered or Limits(),
        device=device,
        tumour=TumourType(tumour),
        intent=None if intent is None else Intent(intent),
        bilirubin_mg_per_dl=bilirubin,
        hepatic_reserve_frac=reserve,
        pretreated=pretreated,
        catalog=load(),
    )
    values = {it.quantity.value: it.limit.number for it in found.limits if it.quantity in NORMAL_LIVER}
    return values, {finding.id for finding in found.findings}


@pytest.mark.parametrize(
    ("tumour", "device", "intent", "liver", "expected"),
    [
        ("hcc", "therasphere", "lobectomy", {}, {"whole_normal": 75.0}),
        ("hcc", "therasphere", "lobectomy", {"bilirubin": 1.1}, {"whole_normal": 50.0}),
        ("hcc", "therasphere", "lobar", {}, {"whole_normal": 75.0}),
        (
            *("hcc", "therasphere", "lobar", {"reserve": 0.29}),
            {"perfused_normal": 120.0, "whole_normal": 75.0},
        ),
        ("hcc", "therasphere", "bilobar-sequential", {}, {"whole_normal": 90.0}),
        ("hcc", "therasphere", "whole-liver", {"bilirubin": 2.0}, {"whole_normal": 50.0}),
        ("icc", "therasphere", "whole-liver", {}, {"whole_normal": 75.0}),
        ("mcrc", "therasphere", "lobar", {"bilirubin": None}, {"whole_normal": 50.0}),
        ("net", "therasphere", "lobar", {}, {"whole_normal": 90.0}),
        ("other", "therasphere", "lobar", {"bilirubin": 1.1}, {"whole_normal": 50.0}),
        ("hcc", "sir-spheres", "lobar", {}, {"perfused_normal": 40.0}),
        ("hcc", "sir-spheres", "lobar", {"pretreated": True}, {"perfused_normal": 40.0}),
        ("mcrc", "sir-spheres", "whole-liver", {}, {"perfused_normal": 40.0}),
        ("icc", "sir-spheres", "bilobar-sequential", {"pretreated": True}, {"perfused_normal": 30.0}),
        ("hcc", "sir-spheres", "lobectomy", {}, {}),
        ("net", "sir-spheres", "lobar", {}, {}),
        ("icc", "quiremspheres", "lobar", {}, {"whole_normal": 60.0}),
        ("mcrc", "quiremspheres", "whole-liver", {}, {"whole_normal": 40.0}),
        ("net", "quiremspheres", "lobar", {}, {}),
    ],
)
def test_normal_liver_by_tumour_device_and_intent(
    tumour: str, device: str, intent: str, liver: dict[str, Any], expected: dict[str, float]
) -> None:
    """EANM 2022, Tables 2 to 4; of several rows the strictest."""
    found, _ = normal_of(tumour, device, intent, **liver)
    assert expected == found


@pytest.mark.parametrize("device", ["therasphere", "sir-spheres", "quiremspheres"])
def test_a_segmentectomy_has_no_limit_on_normal_liver(device: str) -> None:
    assert normal_of("hcc", device, "segmentectomy") == ({}, {"segmentectomy-no-normal-liver-limit"})
    entered = Limits(perfused_normal_gy=200)
    assert normal_of("hcc", device, "segmentectomy", entered=entered) == ({"perfused_normal": 200.0}, set())


def test_an_unknown_reserve_is_taken_as_low_and_told() -> None:
    found, findings = normal_of("hcc", "therasphere", "lobar", reserve=None)
    assert found["perfused_normal"] == 120.0
    assert "hepatic-reserve-unknown" in findings


def test_several_printed_limits_are_told() -> None:
    """HCC, unilobar, bilirubin below 1.1 mg/dL: 75 Gy by the row, 90 Gy by the footnote."""
    assert normal_of("hcc", "therasphere", "lobar")[1] == {"strictest-normal-liver-limit"}
    assert normal_of("net", "therasphere", "lobar")[1] == set()


def test_without_an_intent_the_rows_of_all_count() -> None:
    assert normal_of("hcc", "sir-spheres", None, pretreated=True)[0] == {"perfused_normal": 30.0}
    assert normal_of("icc", "quiremspheres", None)[0] == {"whole_normal": 40.0}


@pytest.mark.parametrize(("device", "warned"), [("therasphere", [30.0]), ("sir-spheres", []), (None, [])])
def test_the_warning_of_the_glass_label_holds_no_plan_back(device: str | None, warned: list[float]) -> None:
    """TheraSphere: pneumonitis seen above 30 Gy in one treatment."""
    found = limits_of(device)
    assert warned == [limit.limit.number for limit in found.warnings]
    assert "therasphere_lung_warning" not in [limit.name for limit in found.limits]


def test_a_site_lays_its_limit_over_a_row(tmp_path: Path) -> None:
    """The number is the site's; for whom it holds stays as printed."""
    entry = 'value = 80\nunit = "Gy"\nsource = "PROJECT"\nplace = "own"\nstatus = "confirmed"\n'
    path = tmp_path / "site.toml"
    path.write_text(f"[limits.glass_whole_normal_low_bilirubin]\n{entry}", encoding="utf-8")
    found = applicable_limits(
        Limits(), device="therasphere", bilirubin_mg_per_dl=0.8, intent=Intent.LOBAR, catalog=load(path)
    )
    assert [limit.limit.number for limit in by_quantity(found, "whole_normal")] == [80.0]


@pytest.mark.parametrize(
    ("bilirubin", "reserve", "message"),
    [(0.0, 0.5, "bilirubin is 0.0 mg/dL"), (float("nan"), 0.5, "bilirubin is nan"), (1, 30, "reserve is 30")],
)
def test_a_liver_that_cannot_be(bilirubin: float, reserve: float, message: str) -> None:
    with pytest.raises(ModelRangeError, match=message):
        normal_of("net", "therasphere", "lobar", bilirubin=bilirubin, reserve=reserve)


@given(
    bilirubin=st.one_of(st.none(), st.floats(0.1, 10)),
    reserve=st.one_of(st.none(), st.floats(0, 1)),
    tumour=st.sampled_from(TumourType),
    device=st.sampled_from(["therasphere", "sir-spheres", "quiremspheres"]),
    intent=st.sampled_from([None, *Intent]),
    pretreated=st.booleans(),
)
def test_a_worse_liver_never_has_a_looser_limit(
    bilirubin: float | None,
    reserve: float | None,
    tumour: str,
    device: str,
    intent: str | None,
    pretreated: bool,
) -> None:
    """What is not known, a high bilirubin, no reserve and an earlier treatment only tighten."""
    found, _ = normal_of(tumour, device, intent, bilirubin=bilirubin, reserve=reserve, pretreated=pretreated)
    worst, _ = normal_of(tumour, device, intent, bilirubin=None, reserve=None, pretreated=True)
    for quantity, value_gy in found.items():
        assert worst[quantity] <= value_gy
