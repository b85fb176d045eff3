"""A dose divided over sessions and territories."""

from collections.abc import Mapping

import pytest

from emboplan.embolics.amounts import Number
from emboplan.embolics.bead_loading.beads import WHOLE, BeadRequest
from emboplan.errors import ModelRangeError
from emboplan.workflow.load import load_bead_sessions

RIGHT_LEFT: Mapping[str, Number] = {"right lobe": 0.75, "left lobe": 0.25}


def test_as_few_sessions_as_the_ceiling_allows() -> None:
    """400 mg at 150 mg a session: three equal sessions."""
    course = load_bead_sessions(BeadRequest("DC Bead", "doxorubicin", 400))
    assert [s.loading.drug_mg for s in course.sessions] == pytest.approx([400 / 3] * 3)
    assert [course.loaded_mg, course.supernatant_mg] == pytest.approx([396, 4])


def test_each_territory_has_its_session() -> None:
    """300 mg: 225 mg right is over 150 mg, so two of 112.5 mg; 75 mg left is one."""
    course = load_bead_sessions(BeadRequest("DC Bead", "doxorubicin", 300, territories=RIGHT_LEFT))
    assert [(s.session, s.loading.territories[0].territory, s.loading.drug_mg) for s in course.sessions] == [
        (1, "right lobe", 112.5),
        (2, "right lobe", 112.5),
        (3, "left lobe", 75),
    ]


def test_a_trial_cap_divides_too() -> None:
    """Irinotecan: 200 mg are two embolizations of 100 mg, with nothing to acknowledge."""
    course = load_bead_sessions(BeadRequest("DC Bead", "irinotecan", 200))
    assert [(s.loading.drug_mg, s.loading.to_acknowledge) for s in course.sessions] == [(100, ()), (100, ())]


def test_sessions_as_told() -> None:
    request = BeadRequest("DC Bead", "doxorubicin", 100, territories=RIGHT_LEFT)
    course = load_bead_sessions(request, session_of={"right lobe": 1, "left lobe": 1})
    (session,) = course.sessions
    assert [(p.territory, p.drug_mg) for p in session.loading.territories] == [
        ("right lobe", 75),
        ("left lobe", 25),
    ]


@pytest.mark.parametrize(
    ("dose", "sessions", "session_of", "said"),
    [
        (400, 2, None, "200 mg in 3 vials exceeds 150 mg and 2 vials per session"),
        (1e9, None, None, "6.667e+6 sessions (for 1e+09 mg); expected at most 50, against slips"),
        (100, 51, None, "51 sessions (as entered); expected at most 50, against slips"),
        (100, 0, None, "sessions is 0; expected a whole number of at least 1"),
        (100, None, {"right lobe": 1}, "stands in only one of the two lists"),
        (100, None, {"right lobe": 1, "left lobe": 3}, "expected 1, 2, ... without a gap"),
    ],
)
def test_a_division_that_does_not_go(
    dose: float, sessions: int | None, session_of: dict[str, int] | None, said: str
) -> None:
    territories = WHOLE if session_of is None else RIGHT_LEFT
    request = BeadRequest("DC Bead", "doxorubicin", dose, territories=territories)
    with pytest.raises(ModelRangeError) as caught:
        load_bead_sessions(request, sessions=sessions, session_of=session_of)
    assert said in str(caught.value)
