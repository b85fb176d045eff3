"""A loading held against the liver: the label of doxorubicin stops above 5 mg/dL and in Child-Pugh C."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.embolics.bead_loading.bead_session import LiverFunction
from emboplan.embolics.bead_loading.beads import BeadRequest
from emboplan.errors import InputError, ModelRangeError
from emboplan.workflow.load import load_bead_sessions, load_beads

DOX: dict[str, Any] = {"product": "DC Bead", "drug": "doxorubicin", "dose_mg": 75}


@given(bilirubin=st.floats(0, 60))
def test_the_steps_of_the_label(bilirubin: float) -> None:
    """Full below 1.2, to acknowledge up to 5, refused above."""
    if bilirubin > 5:
        with pytest.raises(ModelRangeError, match="not to give doxorubicin"):
            load_beads(**DOX, bilirubin_mg_per_dl=bilirubin)
        return
    found = load_beads(**DOX, bilirubin_mg_per_dl=bilirubin)
    assert found.drug_mg == 75
    assert found.to_acknowledge == (() if bilirubin < 1.2 else ("systemic-reduction",))


def test_child_pugh_c_is_refused() -> None:
    with pytest.raises(ModelRangeError, match="Child-Pugh class is C"):
        load_beads(**DOX, child_pugh_class="C")


def test_a_liver_that_is_not_known_is_open() -> None:
    assert "bilirubin-open" in {f.id for f in load_beads(**DOX).findings}
    irinotecan = load_beads(product="DC Bead", drug="irinotecan", dose_mg=100)
    assert "bilirubin-open" not in {f.id for f in irinotecan.findings}


def test_the_question_can_be_acknowledged() -> None:
    found = load_beads(**DOX, bilirubin_mg_per_dl=2, acknowledged=["systemic-reduction"])
    assert found.to_acknowledge == ()
    assert "systemic-reduction" in {f.id for f in found.findings}
    keys = {key for figure in found.figures for key in figure.source}
    assert keys == {line.partition(":")[0] for line in found.sources}
    with pytest.raises(InputError, match="is nothing to acknowledge here"):
        load_beads(**DOX, bilirubin_mg_per_dl=1, acknowledged=["systemic-reduction"])


def test_a_course_is_held_against_the_liver_too() -> None:
    """An id that one of two sessions asks for is no slip."""
    request = BeadRequest(
        "DC Bead",
        "irinotecan",
        180,
        territories={"right": 120 / 180, "left": 60 / 180},
        acknowledged=["above-trial-cap"],
    )
    course = load_bead_sessions(request, session_of={"right": 1, "left": 2})
    assert [s.loading.to_acknowledge for s in course.sessions] == [(), ()]
    with pytest.raises(ModelRangeError, match="not to give doxorubicin"):
        load_bead_sessions(
            BeadRequest("DC Bead", "doxorubicin", 300), liver=LiverFunction(bilirubin_mg_per_dl=6)
        )
