"""Doubt about drawn contours: a drawn liver whose tissue is known."""

import numpy as np
import pytest

from emboplan.measure.burden import measure_burden
from emboplan.measure.doubt import Certainty, certainty, parenchyma
from emboplan.measure.surface import surface_ml_per_mm
from emboplan.model.anatomy import Anatomy, Review
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage, MrImage
from emboplan.model.mask import LabelMap, Mask

GRID = Grid((50, 60, 60), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0))
Z, Y, X = np.indices(GRID.shape)


def _ball(radius_mm: float) -> np.ndarray:
    inside: np.ndarray = radius_mm**2 >= 4.0 * ((Z - 25) ** 2 + (Y - 30) ** 2 + (X - 30) ** 2)
    return inside


LIVER = np.zeros(GRID.shape, dtype=np.bool_)
LIVER[5:45, 5:55, 5:55] = True


def _anatomy(
    tissue: np.ndarray, lesions: np.ndarray, review: Review | None = None, *, mr: bool = False
) -> Anatomy:
    noise = np.random.default_rng(3).normal(0, 5, GRID.shape)
    values = np.where(LIVER, tissue, -100) + noise
    image = MrImage(GRID, (2 * values).astype(np.float32)) if mr else CtImage(GRID, values.astype(np.int16))
    labels = LabelMap(GRID, lesions.astype(np.uint16))
    return Anatomy(image, Mask(GRID, LIVER), labels, review or Review("builtin"))


def _certainty(anatomy: Anatomy) -> Certainty:
    where = np.argwhere(anatomy.lesions.labels == 1)
    box = tuple(slice(int(a), int(b) + 1) for a, b in zip(where.min(axis=0), where.max(axis=0), strict=True))
    return certainty(anatomy, 1, box, parenchyma(anatomy))


def test_a_healthy_liver_is_like_itself() -> None:
    found = parenchyma(_anatomy(np.full(GRID.shape, 100.0), np.zeros(GRID.shape)))
    assert found is not None
    assert found.level == pytest.approx(100, abs=1.5)
    assert found.unlike_frac < 0.01


def test_missed_tumour_is_unlike_the_parenchyma() -> None:
    """A third of a box is darker by 30 HU; its rim is averaged with the rest."""
    tissue = np.where(Z < 18, 70.0, 100.0)
    found = parenchyma(_anatomy(tissue, np.zeros(GRID.shape)))
    assert found is not None
    assert found.level == pytest.approx(100, abs=1.5)
    assert found.unlike_frac == pytest.approx(13 / 40, abs=0.06)
    drawn = parenchyma(_anatomy(tissue, np.where(LIVER & (Z < 18), 1, 0)))
    assert drawn is not None
    assert drawn.unlike_frac < 0.05


@pytest.mark.parametrize(
    ("hu", "true_mm", "drawn_mm", "expected"),
    [
        (60.0, 20.0, 20.0, Certainty.CLEAR),
        (140.0, 20.0, 20.0, Certainty.CLEAR),
        (82.0, 20.0, 20.0, Certainty.FAINT),
        (60.0, 6.0, 6.0, Certainty.SMALL),
        (60.0, 30.0, 15.0, Certainty.OPEN),  # the lesion goes on
    ],
)
@pytest.mark.parametrize("mr", [False, True])
def test_certainty(hu: float, true_mm: float, drawn_mm: float, expected: Certainty, *, mr: bool) -> None:
    tissue = np.where(_ball(true_mm), hu, 100.0)
    assert _certainty(_anatomy(tissue, _ball(drawn_mm), mr=mr)) is expected


@pytest.mark.parametrize(("plane", "expected"), [(30, Certainty.CROWDED), (39, Certainty.CLEAR)])
def test_lesions_that_lie_against_each_other_are_crowded(plane: int, expected: Certainty) -> None:
    """A ball that a plane parts in two; where it takes a thin cap alone, the rest stays clear."""
    ball = _ball(20.0)
    labels = np.where(ball & (plane <= X), 2, ball.astype(np.int64))
    assert _certainty(_anatomy(np.where(ball, 60.0, 100.0), labels)) is expected


def test_without_a_known_parenchyma_every_lesion_is_open() -> None:
    assert (
        certainty(_anatomy(np.full(GRID.shape, 60.0), LIVER), 1, (slice(5, 45),) * 3, None) is Certainty.OPEN
    )
    two = np.where(X < 30, 60.0, 100.0)
    assert _certainty(_anatomy(np.where(_ball(20.0), 20.0, two), _ball(20.0))) is Certainty.OPEN


def test_the_surface_of_a_ball() -> None:
    """4 pi r2, in mL for each mm."""
    assert surface_ml_per_mm(_ball(40.0), GRID) == pytest.approx(4 * np.pi * 1.6, rel=0.05)


@pytest.mark.parametrize(
    ("review", "liver", "lesions"),
    [
        (Review("builtin"), True, True),
        (Review("totalsegmentator+builtin"), True, True),
        (Review("given"), False, False),
        (Review("builtin", "A. Reader"), False, False),
        (Review("builtin+given"), True, True),
        (Review("builtin+given", history=("liver: given", "lesions: builtin 1")), False, True),
        (Review("builtin+given", history=("liver: builtin 1", "lesions: given")), True, False),
    ],
)
def test_whose_contours_they_are(review: Review, *, liver: bool, lesions: bool) -> None:
    drawn = review.drawn
    assert (drawn.liver, drawn.lesions) == (liver, lesions)


def test_what_a_program_drew_is_less_sure_than_what_a_reader_confirmed() -> None:
    tissue = np.where(_ball(20.0), 60.0, 100.0)
    found = measure_burden(_anatomy(tissue, _ball(20.0)))
    read = measure_burden(_anatomy(tissue, _ball(20.0), Review("builtin", "A. Reader")))
    assert (found.tumour_ml, found.liver_ml) == (read.tumour_ml, read.liver_ml)
    assert found.burden_pct_interval[1] > read.burden_pct_interval[1]
    assert found.burden_pct_interval[0] <= found.burden_pct <= found.burden_pct_interval[1]
    low, high = found.lesions[0].volume_ml_interval
    assert low < found.lesions[0].volume_ml < high


@pytest.mark.parametrize(("backend", "mr"), [("totalsegmentator", False), ("builtin", True)])
def test_beyond_the_calibration_a_finding_says_so(backend: str, *, mr: bool) -> None:
    anatomy = _anatomy(np.full(GRID.shape, 100.0), np.zeros(GRID.shape), Review(backend), mr=mr)
    assert "interval-not-calibrated" in {finding.id for finding in measure_burden(anatomy).findings}
    confirmed = _anatomy(
        np.full(GRID.shape, 100.0), np.zeros(GRID.shape), Review(backend, "A. Reader"), mr=mr
    )
    assert "interval-not-calibrated" not in {it.id for it in measure_burden(confirmed).findings}
