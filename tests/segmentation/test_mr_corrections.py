"""Corrections on MR: those of a CT in percent of the parenchyma, told in words of an MR."""

import re

import numpy as np
import pytest
from tests.segmentation.drawn_mr import LESION, T1, twin

from emboplan.errors import EmboplanError, GeometryError, InputError, MaskError
from emboplan.model.correction import Box, Correction, Part, Point, Shape
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage, MrImage, MrSequence
from emboplan.model.mask import LabelMap, Mask
from emboplan.segmentation.corrections import correct
from emboplan.segmentation.mr.corrections import correct_mr, in_percent

DRAWN = twin(T1, MrSequence.T1_POST)
GRID = DRAWN.mr.grid
LIVER, NONE = Mask(GRID, DRAWN.liver), LabelMap.empty(GRID)
SMALL = Grid((5, 5, 5), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))


def one(part: Part, include: bool, shape: Shape) -> Correction:
    return Correction(part, include, shape, "as asked")


def signal_as_ct() -> CtImage:
    """The same numbers as CT numbers."""
    return in_percent(DRAWN.mr, LIVER, NONE)


def test_the_parenchyma_lies_at_100_percent() -> None:
    """Its median, without what is known as a lesion; whatever the scanner's scale is."""
    lesions = LabelMap(GRID, DRAWN.lesion.astype(np.uint16))
    values = in_percent(DRAWN.mr, LIVER, lesions).hu
    assert float(np.median(values[DRAWN.liver & ~DRAWN.lesion])) == pytest.approx(100.0, rel=1e-5)
    dark = MrImage(GRID, np.zeros(GRID.shape, np.float32), MrSequence.T2)
    with pytest.raises(InputError, match="gives no signal on the MR"):
        in_percent(dark, LIVER, NONE)


def test_a_lesion_grows_as_on_a_ct() -> None:
    """The same voxels, and those of the drawn ball within 15 %."""
    point = one(Part.TUMOUR, True, Point(LESION[:3]))
    done = correct_mr(DRAWN.mr, LIVER, NONE, [point])
    on_ct = correct(signal_as_ct(), LIVER, NONE, [point])
    assert np.array_equal(done.lesions.labels, on_ct.lesions.labels)
    assert done.lesions.union.voxel_count == pytest.approx(int(DRAWN.lesion.sum()), rel=0.15)


@pytest.mark.parametrize(
    ("correction", "error", "on_mr", "on_ct"),
    [
        (
            one(Part.TUMOUR, True, Point((-40.0, 30.0, 85.0))),
            InputError,
            r"stands out .* 10\d (% of the liver's signal) against 1?\d\d \1 in normal liver; .* of \d+ \1;",
            r"stands out .* 10\d HU against 1?\d\d HU in normal liver; .* of \d+ HU;",
        ),
        (
            one(Part.LIVER, True, Point((900.0, 0.0, 0.0))),
            InputError,
            "as asked: outside the MR; the MR has x from",
            "as asked: outside the CT; the CT has x from",
        ),
        (
            one(Part.LIVER, True, Box((0.1, 0.0, 50.0), (0.2, 30.0, 80.0))),
            InputError,
            "as asked: no voxel of the MR lies in the box; the MR has x from",
            "as asked: no voxel of the CT lies in the box; the CT has x from",
        ),
        (
            one(Part.LIVER, True, Mask(SMALL, np.ones(SMALL.shape, np.bool_))),
            GeometryError,
            "MR and as asked",
            "CT and as asked",
        ),
        (
            one(Part.LIVER, False, Box((-300.0, -300.0, -10.0), (300.0, 300.0, 400.0))),
            MaskError,
            "leave no liver",
            "leave no liver",
        ),
    ],
    ids=["plain liver", "point outside", "empty box", "another grid", "no liver left"],
)
def test_messages_name_the_image_and_its_unit(
    correction: Correction, error: type[EmboplanError], on_mr: str, on_ct: str
) -> None:
    """Nothing of a CT is said of an MR, and nothing of an MR of a CT."""
    with pytest.raises(error, match=on_mr) as of_mr:
        correct_mr(DRAWN.mr, LIVER, NONE, [correction])
    assert not re.search(r"\b(CT|HU)\b", str(of_mr.value))
    with pytest.raises(error, match=on_ct) as of_ct:
        correct(signal_as_ct(), LIVER, NONE, [correction])
    assert not re.search(r"\bMR\b|%", str(of_ct.value))


def test_contours_on_another_grid_are_refused() -> None:
    other = LabelMap.empty(SMALL)
    with pytest.raises(GeometryError, match="MR and lesions"):
        correct_mr(DRAWN.mr, LIVER, other, [])
    with pytest.raises(GeometryError, match="CT and lesions"):
        correct(signal_as_ct(), LIVER, other, [])
