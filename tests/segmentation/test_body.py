"""The body on a CT: what is none is refused, with what to do where it is an MR."""

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.segmentation.drawn_mr import T1, twin

from emboplan.errors import SegmentationError
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.segmentation.body import segment_body

GRID = Grid((24, 50, 70), (5.0, 5.0, 5.0), (0.0, 0.0, 0.0))


def trunk() -> NDArray[np.bool_]:
    """An ellipse of 300 by 200 mm on every slice."""
    y, x = np.ogrid[:50, :70]
    section = ((x - 34.5) / 30) ** 2 + ((y - 24.5) / 20) ** 2 <= 1
    return np.broadcast_to(section, GRID.shape).copy()


def test_the_trunk_is_the_body() -> None:
    """The ellipse, without the table of one voxel's thickness beside it."""
    hu = np.where(trunk(), 50, -1000)
    hu[:, 48, 5:65] = 200
    assert np.array_equal(segment_body(CtImage(GRID, hu.astype(np.int16))).voxels, trunk())


def test_an_mr_given_as_ct_is_told_how_to_name_it() -> None:
    """Its air is near 0, and not near -1000."""
    mr = twin(T1, None).mr
    with pytest.raises(
        SegmentationError, match=r"no air near -1000; .*an MR\? name it with --modality mr\)$"
    ):
        segment_body(CtImage(mr.grid, mr.signal))


def test_an_mr_with_padding_is_told_how_to_name_it() -> None:
    """Around the signal stands a number that looks like air; the body is far too bright for a CT."""
    signal = np.where(trunk(), 700, -1000).astype(np.int16)
    text = r"only 0 % of the body .* not Hounsfield units.*an MR\? name it with --modality mr\)$"
    with pytest.raises(SegmentationError, match=text):
        segment_body(CtImage(GRID, signal))
