"""The burden is exact: by formula for a ball in a ball, by counting the paint for lesions that overlap."""

import numpy as np
import pytest

from emboplan.errors import InputError
from emboplan.model.grid import Grid
from emboplan.synthetic.drawing.layers import BlobLayer, Layer, becomes_table
from emboplan.synthetic.drawing.raster import Sampling, paint_slice, painted_parts
from emboplan.synthetic.metastases.lesion_burden import numbered, scaled_to_burden
from emboplan.synthetic.metastases.lesion_shape import Lesion

SAMPLING = Sampling(Grid((40, 90, 90), (1.4, 1.4, 3.0), (-62.3, -62.3, -58.5)), 2)
ORGAN, TUMOUR = 1, 2
RADIUS_MM = 55.0
NO_WAVES = np.zeros((1, 5))


def lesion(
    centre: tuple[float, ...], semi: tuple[float, ...], waves: np.ndarray = NO_WAVES, looks: int = 1
) -> Lesion:
    return Lesion(np.array(centre), np.array(semi), np.eye(3), waves, rim=False, core=False, looks=looks)


def blob(shape: Lesion, becomes: np.ndarray) -> Layer:
    return BlobLayer(
        shape.centre_mm,
        shape.reach_mm,
        np.ascontiguousarray(shape.to_ball),
        shape.waves,
        np.ones(1),
        becomes[None],
    )


ORGAN_LAYER = blob(lesion((0.0, 0.0, 0.0), (RADIUS_MM,) * 3), becomes_table(ORGAN))
PARTS = painted_parts([ORGAN_LAYER], SAMPLING, ORGAN)


def painted_burden(lesions: list[Lesion]) -> tuple[int, int]:
    """Samples of tumour and of the whole organ, by painting both."""
    layers = [ORGAN_LAYER, *(blob(one, becomes_table(TUMOUR, over=(ORGAN,))) for one in lesions)]
    counts = np.zeros(256, np.int64)
    for k in range(SAMPLING.grid.shape[0]):
        counts += np.bincount(paint_slice(layers, SAMPLING, k).ravel(), minlength=256)
    return int(counts[TUMOUR]), int(counts[TUMOUR] + counts[ORGAN])


@pytest.mark.parametrize("burden", [0.02, 0.2, 0.8])
def test_a_ball_in_a_ball_has_the_radius_of_the_formula(burden: float) -> None:
    """Volumes go with the cube of radii: r = R b^(1/3), to the fineness of the samples."""
    (found,) = scaled_to_burden([lesion((0, 0, 0), (30.0,) * 3)], burden, PARTS, SAMPLING)
    assert pytest.approx(RADIUS_MM * burden ** (1 / 3), rel=2e-3) == found.semi_mm[0]


@pytest.mark.parametrize("burden", [0.03, 0.35, 0.8])
def test_overlapping_and_clipped_lesions_fill_the_burden_to_one_sample(burden: float) -> None:
    waves = np.array([[3.0, 0, 0, 0.4, 0.05], [0, 2.0, 2.0, 1.0, 0.04]])
    lesions = [
        lesion((20, 0, 5), (30, 24, 22), waves),
        lesion((-5, 8, 0), (25, 25, 28), waves),
        lesion((-40, -10, -10), (22, 20, 30), waves),
        lesion((3, -38, 30), (14, 16, 12), waves),
    ]
    tumour, whole = painted_burden(scaled_to_burden(lesions, burden, PARTS, SAMPLING))
    assert abs(tumour - burden * whole) <= 1


def test_lesions_that_cannot_reach_the_burden_are_refused() -> None:
    with pytest.raises(InputError, match=r"1 lesions cannot be made to fill 50%"):
        scaled_to_burden([lesion((0, 0, 0), (3.0,) * 3)], 0.5, PARTS, SAMPLING)


def test_without_lesions_there_is_nothing_to_scale() -> None:
    assert scaled_to_burden([], 0.0, PARTS, SAMPLING) == []


def test_lesions_of_the_same_looks_keep_their_own_numbers() -> None:
    """Two balls far apart and two that touch, all of one look: a voxel belongs to the nearer one."""
    lesions = [lesion((x, 0.0, 0.0), (9.0,) * 3) for x in (-30.0, 0.0, 17.0)]
    looks = np.zeros(SAMPLING.grid.shape, np.uint8)
    z, y, x = np.indices(looks.shape)
    place = [x * 1.4 - 62.3, y * 1.4 - 62.3, z * 3.0 - 58.5]
    distance = np.array(
        [np.sqrt((place[0] - one.centre_mm[0]) ** 2 + place[1] ** 2 + place[2] ** 2) for one in lesions]
    )
    looks[distance.min(axis=0) <= 9.0] = 1
    expected = np.where(looks > 0, distance.argmin(axis=0) + 1, 0)
    assert np.array_equal(expected, numbered(looks, lesions, SAMPLING, most=2))
