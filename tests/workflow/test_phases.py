"""Further CT phases laid on the first one: found again where they lie, or left out."""

from dataclasses import replace

import numpy as np
import pytest
from tests.segmentation.bodies import Body, analytic_body

from emboplan.errors import InputError
from emboplan.model.anatomy import Anatomy, Review
from emboplan.model.finding import Severity
from emboplan.model.image import CtImage
from emboplan.model.mask import LabelMap
from emboplan.segmentation.phases import FUSED_ID, LIKELY_LOW_ID, ONE_PHASE_ID, burden_likely_low
from emboplan.segmentation.viable import NOT_ENHANCING_ID, WHOLE_ID
from emboplan.workflow.segmenting.phases import LEFT_OUT_ID, Phase, with_phases, with_viable

FIRST = (-75.0, 0.0, 120.0, 14.0)
SECOND = (-40.0, -25.0, 135.0, 11.0)


def _anatomy(body: Body, *, confirmed_by: str | None = None) -> Anatomy:
    labels = np.zeros(body.ct.grid.shape, np.uint16)
    for number, lesion in enumerate(body.lesions, start=1):
        labels[lesion.voxels] = number
    return Anatomy(
        image=body.ct,
        liver=body.liver,
        lesions=LabelMap(body.ct.grid, labels),
        review=Review("builtin", confirmed_by),
        findings=(burden_likely_low(),),
    )


def _moved(ct: CtImage, shift_mm: tuple[float, float, float]) -> CtImage:
    x, y, z = (a + b for a, b in zip(ct.grid.origin_mm, shift_mm, strict=True))
    return CtImage(replace(ct.grid, origin_mm=(x, y, z)), ct.hu)


@pytest.fixture(scope="module")
def one() -> Body:
    return analytic_body(lesions=(FIRST,), seed=3)


@pytest.fixture(scope="module")
def both() -> Body:
    return analytic_body(lesions=(FIRST, SECOND), seed=4)


def test_a_lesion_of_a_displaced_phase_comes_back_to_its_place(one: Body, both: Body) -> None:
    """The second scan lies 4, -3 and 5 mm off; its lesion is found within 3 mm of the truth, as large."""
    fused = with_phases(_anatomy(one, confirmed_by="A. Reader"), [_moved(both.ct, (4.0, -3.0, 5.0))])
    assert set(fused.lesions.numbers) == {1, 2}
    ids = [finding.id for finding in fused.findings]
    assert FUSED_ID in ids
    assert ONE_PHASE_ID in ids
    assert LIKELY_LOW_ID not in ids
    truth = np.argwhere(both.lesions[1].voxels).mean(axis=0)
    found = np.argwhere(fused.lesions.labels == 2)
    away = (found.mean(axis=0) - truth) * np.array(one.ct.grid.spacing_zyx_mm)
    assert float(np.linalg.norm(away)) < 3.0
    assert len(found) == pytest.approx(int(both.lesions[1].voxels.sum()), rel=0.25)
    assert fused.review.provisional
    assert fused.review.history[-1] == "fused with phase 2"
    assert fused.viable is not None


def test_a_phase_too_far_away_is_left_out(one: Body, both: Body) -> None:
    """A shift of 40 mm passes the tolerance: the contours stay as they were, with a warning."""
    before = _anatomy(one, confirmed_by="A. Reader")
    after = with_phases(before, [Phase(_moved(both.ct, (0.0, 0.0, 40.0)), "arterial")])
    assert np.array_equal(after.lesions.labels, before.lesions.labels)
    told = [finding for finding in after.findings if finding.id == LEFT_OUT_ID]
    assert [finding.severity for finding in told] == [Severity.WARNING]
    assert "arterial" in told[0].text
    assert LIKELY_LOW_ID in [finding.id for finding in after.findings]
    assert after.review == before.review


def test_an_unenhanced_phase_tells_what_enhances(one: Body) -> None:
    """Before contrast agent the lesion had the same CT number: none of it is viable."""
    hu = analytic_body(lesions=(FIRST,), seed=7).ct.hu.astype(np.float32)
    normal = one.liver.voxels & ~one.lesions[0].voxels
    hu[normal] -= 55
    plain = Phase(CtImage(one.ct.grid, np.rint(hu).astype(np.int16)), "before contrast", plain=True)
    told = with_phases(_anatomy(one), [plain])
    assert LEFT_OUT_ID not in [finding.id for finding in told.findings]
    assert told.viable is not None
    assert told.viable.is_empty
    assert NOT_ENHANCING_ID in [finding.id for finding in told.findings]
    assert LIKELY_LOW_ID in [finding.id for finding in told.findings]


def test_the_viable_part_is_told_anew(one: Body) -> None:
    """Twice is the same as once, with one finding."""
    once = with_viable(_anatomy(one))
    twice = with_viable(once)
    assert once.viable is not None
    assert twice.viable is not None
    assert np.array_equal(once.viable.voxels, twice.viable.voxels)
    assert [finding.id for finding in twice.findings].count(WHOLE_ID) == 1


def test_no_phase_leaves_the_lesions(one: Body) -> None:
    before = _anatomy(one)
    assert with_phases(before, []).lesions is before.lesions


def test_two_phases_of_one_name_are_refused(one: Body) -> None:
    with pytest.raises(InputError, match="another name"):
        with_phases(_anatomy(one), [Phase(one.ct, "late"), Phase(one.ct, "late")])
