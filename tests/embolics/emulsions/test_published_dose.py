"""A dose in an emulsion is held against what is published, with and without a body surface.

EMBOLICS 9.1: doxorubicin 10 to 60 mg (C4) and 50 to 75 mg/m2 (C11); epirubicin at most 75 mg in a trial
(A39); cisplatin 65 mg/m2 in the artery (A27); mitomycin: used, without a dose.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.embolics.acknowledgement import to_acknowledge
from emboplan.embolics.bead_loading.bead_dose import bead_dose
from emboplan.embolics.emulsions.dosing import drug_dose
from emboplan.embolics.safety.cumulative import cumulative_anthracycline
from emboplan.errors import ModelRangeError
from emboplan.model.results.drug_history import DrugAmount


def ids(**wish: Any) -> set[str]:
    return {finding.id for finding in drug_dose(**wish).findings}


def asks(**wish: Any) -> tuple[str, ...]:
    return to_acknowledge(drug_dose(**wish).findings)


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"drug": "doxorubicin", "dose_mg": 60}, ()),
        ({"drug": "doxorubicin", "dose_mg": 61}, ("above-published-dose",)),
        ({"drug": "doxorubicin", "dose_mg": 500}, ("above-published-dose",)),
        # 135 mg at 1.8 m2 are the published 75 mg/m2.
        ({"drug": "doxorubicin", "dose_mg": 135, "body_surface_m2": 1.8}, ()),
        ({"drug": "doxorubicin", "dose_mg": 136, "body_surface_m2": 1.8}, ("above-published-dose",)),
        ({"drug": "epirubicin", "dose_mg": 75}, ()),
        ({"drug": "epirubicin", "dose_mg": 76}, ("above-trial-cap",)),
        ({"drug": "cisplatin", "dose_mg": 500}, ("above-arterial-label", "no-published-dose")),
        ({"drug": "cisplatin", "dose_mg": 117, "body_surface_m2": 1.8}, ("no-published-dose",)),
        ({"drug": "mitomycin", "dose_mg": 10}, ("no-published-dose",)),
        ({"drug": "mitomycin", "dose_mg": 1000}, ("no-published-dose",)),
        ({"drug": "idarubicin", "dose_mg": 10}, ("no-published-dose",)),
        ({"drug": "miriplatin", "dose_mg": 70}, ()),
    ],
)
def test_every_dose_is_held_against_something(wish: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert asks(**wish, bilirubin_mg_per_dl=1) == expected


@pytest.mark.parametrize(("drug", "dose"), [("doxorubicin", 50), ("cisplatin", 100)])
def test_without_a_surface_the_range_per_surface_is_open(drug: str, dose: float) -> None:
    assert "surface-open" in ids(drug=drug, dose_mg=dose)
    assert "surface-open" not in ids(drug=drug, dose_mg=dose, body_surface_m2=1.8)


def test_one_of_two_published_ranges_is_a_remark() -> None:
    """100 mg are above 10 to 60 mg; at 1.8 m2 they are 55.6 mg/m2, within 50 to 75."""
    found = drug_dose(drug="doxorubicin", dose_mg=100, body_surface_m2=1.8, bilirubin_mg_per_dl=1)
    assert [f.id for f in found.findings] == ["above-one-published-dose"]


@given(
    surface=st.one_of(
        st.floats(5.001, 1e6), st.floats(1e-6, 0.199), st.sampled_from([17.3, 24.4, 0.0187, 168.0])
    )
)
def test_a_surface_that_no_patient_has_is_refused(surface: float) -> None:
    """17.3 and 24.4 m2 come of a height or weight in another unit."""
    wishes: list[dict[str, Any]] = [{"dose_mg": 50}, {"dose_mg_per_m2": 50}]
    for wish in wishes:
        for dose in (drug_dose, bead_dose):
            with pytest.raises(ModelRangeError, match=r"expected 0\.2 to 5 m2"):
                dose(drug="doxorubicin", body_surface_m2=surface, **wish)
    with pytest.raises(ModelRangeError, match=r"expected 0\.2 to 5 m2"):
        cumulative_anthracycline(given=[DrugAmount("doxorubicin", mg=50)], body_surface_m2=surface)


@given(surface=st.floats(0.25, 3.5))
def test_a_surface_of_a_patient_goes(surface: float) -> None:
    found = drug_dose(drug="doxorubicin", dose_mg_per_m2=50, body_surface_m2=surface)
    assert found.dose_mg == pytest.approx(50 * surface)


@pytest.mark.parametrize("dose", [drug_dose, bead_dose])
@pytest.mark.parametrize(
    ("liver", "found"),
    [
        ({"bilirubin_mg_per_dl": 9}, ("liver-without-rule",)),
        ({"child_pugh_class": "c"}, ("liver-without-rule",)),
        ({"bilirubin_mg_per_dl": 5, "child_pugh_class": "B"}, ()),
    ],
)
def test_a_drug_without_a_rule_at_a_bad_liver_is_asked(
    dose: Any, liver: dict[str, Any], found: tuple[str, ...]
) -> None:
    """The label of doxorubicin stops above 5 mg/dL and in Child-Pugh C; epirubicin has no rule here."""
    answer = dose(drug="epirubicin", dose_mg=50, **liver)
    assert to_acknowledge(answer.findings) == found
    if not found:
        assert "no-reduction-rule" in {f.id for f in answer.findings}


@pytest.mark.parametrize(
    ("name", "counted"),
    [("Adriamycin", 100.0), ("doxorubicin HCl", 100.0), ("Farmorubicin", 100.0), ("Zavedos", 500.0)],
)
def test_names_of_trade_count(name: str, counted: float) -> None:
    found = cumulative_anthracycline(given=[DrugAmount(name, mg_per_m2=100)])
    assert found.total_mg_per_m2 == counted


@pytest.mark.parametrize(
    "name", ["pegylated liposomal doxorubicin", "Caelyx", "liposomal doxorubicin", "pirarubicin"]
)
def test_an_anthracycline_without_a_ratio_asks_for_one(name: str) -> None:
    """All anthracyclines count; these have no published ratio."""
    with pytest.raises(ModelRangeError, match="give doxorubicin_equivalent"):
        cumulative_anthracycline(given=[DrugAmount(name, mg_per_m2=100)])
    own = cumulative_anthracycline(given=[DrugAmount(name, mg_per_m2=100, doxorubicin_equivalent=1)])
    assert own.total_mg_per_m2 == 100


def test_only_what_was_held_against_is_named() -> None:
    """75 mg are above 60 mg; whether they are above 75 mg/m2 needs the surface. 15 mg never are."""
    found = {f.id: f.text for f in drug_dose(drug="doxorubicin", dose_mg=75).findings}
    assert "mg/m2" not in found["above-published-dose"]
    assert "surface-open" in found
    assert "surface-open" not in ids(drug="doxorubicin", dose_mg=15)
