"""The dose on beads by the label: 1.2 and 3.0 mg/dL are its steps, 5 mg/dL and Child-Pugh C its end."""

import pytest

from emboplan.embolics.bead_loading.bead_dose import bead_dose
from emboplan.errors import ModelRangeError


@pytest.mark.parametrize(
    ("bilirubin", "left"), [(1.1, 75.0), (1.2, 37.5), (3.0, 37.5), (3.1, 18.75), (5.0, 18.75)]
)
def test_the_reduction_is_applied_when_asked_for(bilirubin: float, left: float) -> None:
    found = bead_dose(drug="doxorubicin", dose_mg=75, bilirubin_mg_per_dl=bilirubin, rule="us-label")
    assert found.dose_mg == left
    assert found.requested_mg == 75.0


@pytest.mark.parametrize(("bilirubin", "asks"), [(1.1, []), (1.2, ["systemic-reduction"])])
def test_else_it_is_a_question(bilirubin: float, asks: list[str]) -> None:
    found = bead_dose(drug="doxorubicin", dose_mg=75, bilirubin_mg_per_dl=bilirubin)
    assert found.dose_mg == 75.0
    assert [finding.id for finding in found.findings] == asks
    assert found.reduction is None


def test_a_drug_without_a_table_is_not_reduced() -> None:
    found = bead_dose(drug="irinotecan", dose_mg=100, bilirubin_mg_per_dl=4, rule="us-label")
    assert (found.dose_mg, [f.id for f in found.findings]) == (100.0, ["no-reduction-rule"])


def test_no_bilirubin_is_an_open_item() -> None:
    assert [f.id for f in bead_dose(drug="doxorubicin", dose_mg=75).findings] == ["bilirubin-open"]


def test_by_surface() -> None:
    assert bead_dose(drug="epirubicin", dose_mg_per_m2=50, body_surface_m2="1.8").dose_mg == 90.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dose_mg": 75, "bilirubin_mg_per_dl": 5.1}, "not to give doxorubicin above 5"),
        ({"dose_mg": 75, "child_pugh_class": "C"}, "Child-Pugh class is C"),
        ({"dose_mg": 75, "dose_mg_per_m2": 50}, "both"),
        ({}, "neither"),
        ({"dose_mg_per_m2": 50}, "without a body surface"),
        ({"dose_mg": -1}, "above 0"),
    ],
)
def test_refused(given: dict[str, float], message: str) -> None:
    with pytest.raises(ModelRangeError, match=message):
        bead_dose(drug="doxorubicin", **given)  # type: ignore[arg-type]  # wrong values are the point
