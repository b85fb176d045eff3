"""What is as bright as the liver beside it: heart, vena cava, spleen and gut, drawn with known borders."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.segmentation.capsule import with_lesions, without_guests
from emboplan.segmentation.gut_and_spleen import wall_of_content
from emboplan.segmentation.lungs import find_lungs
from emboplan.segmentation.neighbours import surroundings_of
from emboplan.segmentation.parenchyma import Parenchyma, denoised
from emboplan.segmentation.working import WorkingImage, working_image

SHAPE = (90, 90, 120)
EDGE_MM = 2.4
SOFT_HU = 90.0
Bools = NDArray[np.bool_]


def ball(cz: float, cy: float, cx: float, rz: float, ry: float, rx: float) -> Bools:
    z, y, x = np.ogrid[0:90, 0:90, 0:120]
    return np.asarray(((z - cz) / rz) ** 2 + ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1)


def drawn() -> tuple[WorkingImage, dict[str, Bools]]:
    """A chest over an abdomen: lungs above, a liver on the right, the heart on it, the vena cava below it."""
    z, y, x = np.ogrid[0:90, 0:90, 0:120]
    body = np.broadcast_to(((y - 45) / 43) ** 2 + ((x - 60) / 58) ** 2 <= 1, SHAPE)
    inside = np.broadcast_to(((y - 45) / 38) ** 2 + ((x - 60) / 53) ** 2 <= 1, SHAPE)
    # The vena cava runs in an open groove of the liver up to the heart.
    cava = np.broadcast_to(((y - 55) / 5) ** 2 + ((x - 50) / 5) ** 2 <= 1, SHAPE) & (z < 60)
    liver = inside & ball(34, 42, 36, 22, 28, 26) & ~cava & ((y < 53) | (x < 45))
    heart = inside & ball(72, 40, 66, 22, 20, 17) & ~liver & ~cava
    lungs = inside & (z > 52) & ~heart & ~cava & ~ball(34, 42, 36, 24, 30, 28)
    spine = np.broadcast_to(((y - 68) / 8) ** 2 + ((x - 60) / 8) ** 2 <= 1, SHAPE)
    hu = np.full(SHAPE, -1000.0)
    hu[body] = -100.0
    for soft in (liver, heart, cava):
        hu[soft] = SOFT_HU
    hu[lungs] = -850.0
    hu[spine] = 500.0
    hu += np.random.default_rng(2).normal(0, 8, SHAPE)
    grid = Grid(SHAPE, (EDGE_MM,) * 3, (0.0, 0.0, 0.0))
    work = working_image(CtImage(grid, np.round(hu).astype(np.int16)))
    return work, {
        "body": body,
        "inside": inside & ~spine,
        "liver": liver,
        "heart": heart,
        "cava": cava,
        "lungs": lungs,
    }


def theirs(work: WorkingImage, alike: Bools, truth: dict[str, Bools]) -> Bools:
    """What is said to be a neighbour's."""
    lungs, body, inside = truth["lungs"], truth["body"], truth["inside"]
    return surroundings_of(work, denoised(work), alike, lungs, body, inside).neighbours


def test_heart_and_vena_cava_as_bright_as_the_liver_are_told_by_their_place() -> None:
    work, truth = drawn()
    alike = truth["liver"] | truth["heart"] | truth["cava"]
    found = surroundings_of(
        work, denoised(work), alike, truth["lungs"], truth["body"], truth["inside"]
    ).neighbours

    def share(name: str) -> float:
        return float(np.count_nonzero(found & truth[name])) / np.count_nonzero(truth[name])

    assert share("heart") > 0.95
    assert share("cava") > 0.85
    assert share("liver") < 0.02


def test_a_vena_cava_beside_duodenum_lies_alone_in_one_of_the_livers_tissues() -> None:
    """In a liver of two tissues the duodenum that leans on the vena cava looks like the other one."""
    work, truth = drawn()
    z, y, x = np.ogrid[0:90, 0:90, 0:120]
    duodenum = (
        (((y - 52) / 9) ** 2 + ((x - 40) / 10) ** 2 + ((z - 12) / 40) ** 2 <= 1)
        & ~truth["liver"]
        & ~truth["cava"]
    )
    of_one = truth["liver"] | truth["heart"] | truth["cava"]
    alike = of_one | duodenum
    places = (truth["lungs"], truth["body"], truth["inside"])
    work = with_belly(work, duodenum, np.zeros(SHAPE, np.bool_))

    def share(known: tuple[Bools, ...]) -> float:
        found = surroundings_of(work, denoised(work), alike, *places, known).neighbours
        return float(np.count_nonzero(found & truth["cava"])) / np.count_nonzero(truth["cava"])

    assert share((of_one,)) > 0.85
    assert share(()) < 0.5


def test_without_a_spine_nothing_is_told() -> None:
    work, truth = drawn()
    none = np.zeros(SHAPE, np.bool_)
    assert not surroundings_of(work, denoised(work), truth["liver"], none, none, none).neighbours.any()


def test_a_stomach_with_walls_like_liver_goes_and_a_lesion_stays() -> None:
    """The stomach's content is as dark as the lesion; the one leans on the liver, the other lies in it."""
    liver = ball(45, 45, 45, 30, 30, 36)
    lesion = ball(45, 45, 30, 8, 8, 8)
    stomach = ball(45, 45, 92, 16, 16, 16)
    content = ball(45, 45, 92, 13, 13, 13)
    region = liver | stomach
    tissue = np.where(region, 100.0, -100.0).astype(np.float32)
    tissue[lesion | content] = 70.0
    right = np.zeros((1, 1, SHAPE[2]), np.bool_)
    right[..., :60] = True
    kept = without_guests(region, tissue, right, Parenchyma.single(100.0, 8.0), (EDGE_MM,) * 3)
    assert np.count_nonzero(kept & content) == 0
    assert np.array_equal(kept & lesion, lesion)
    assert np.count_nonzero(kept & liver) > 0.97 * np.count_nonzero(liver)


def with_belly(work: WorkingImage, soft: Bools, gas: Bools) -> WorkingImage:
    hu = work.hu.copy()
    noise = np.random.default_rng(3).normal(0, 8, SHAPE)
    hu[soft] = (SOFT_HU + noise)[soft]
    hu[gas] = -950.0
    return replace(work, hu=np.asarray(hu, np.float32))


def test_a_spleen_as_bright_as_the_liver_that_touches_it_is_told_by_its_place() -> None:
    work, truth = drawn()
    left_lobe = truth["inside"] & ball(40, 28, 74, 9, 10, 30)
    # A film of fat lies between them but for a small place.
    film = np.asarray(ndimage.binary_dilation(left_lobe)) & ~ball(40, 35, 96, 2, 3, 3)
    spleen = truth["inside"] & ball(38, 52, 98, 16, 24, 12) & ~left_lobe & ~film
    work = with_belly(work, left_lobe | spleen, np.zeros(SHAPE, np.bool_))
    liver = truth["liver"] | left_lobe
    alike = liver | truth["heart"] | truth["cava"] | spleen
    found = surroundings_of(
        work, denoised(work), alike, truth["lungs"], truth["body"], truth["inside"]
    ).neighbours
    assert np.count_nonzero(found & spleen) > 0.9 * np.count_nonzero(spleen)
    assert np.count_nonzero(found & liver) < 0.04 * np.count_nonzero(liver)


def test_a_loop_of_gut_on_the_liver_is_told_by_its_gas() -> None:
    work, truth = drawn()
    film = np.asarray(ndimage.binary_dilation(truth["liver"])) & ~ball(26, 34, 60, 2, 2, 4)
    loop = truth["inside"] & ball(26, 34, 66, 9, 9, 9) & ~truth["liver"] & ~film
    gas = truth["inside"] & ball(26, 30, 66, 5, 3, 5)
    work = with_belly(work, loop & ~gas, gas)
    alike = truth["liver"] | truth["heart"] | truth["cava"] | (loop & ~gas)
    found = surroundings_of(
        work, denoised(work), alike, truth["lungs"], truth["body"], truth["inside"]
    ).neighbours
    content = loop & ~gas
    assert np.count_nonzero(found & content) > 0.8 * np.count_nonzero(content)
    assert np.count_nonzero(found & truth["liver"]) < 0.03 * np.count_nonzero(truth["liver"])


def test_gas_below_the_lungs_is_no_lung() -> None:
    work, truth = drawn()
    froth = truth["inside"] & ball(14, 30, 70, 10, 10, 18)
    hu = work.hu.copy()
    hu[froth] = -800.0
    found = find_lungs(replace(work, hu=hu), truth["body"])
    assert not (found & froth).any()
    assert np.count_nonzero(found & truth["lungs"]) > 0.9 * np.count_nonzero(truth["lungs"])


def test_a_large_lesion_at_the_capsule_belongs_to_the_liver_and_a_kidney_does_not() -> None:
    """The lesion is wider than any closing spans and as bright as blood; the kidney touches the liver."""
    whole = ball(45, 45, 45, 34, 34, 34)
    lesion = ball(45, 30, 34, 20, 20, 20) & whole
    kidney = ball(45, 88, 45, 12, 12, 12) & ~whole
    tissue = np.full(SHAPE, -100.0, np.float32)
    tissue[whole] = 70.0
    tissue[lesion | kidney] = 130.0
    region = whole & ~lesion
    found = with_lesions(
        region, tissue, np.ones(SHAPE, np.bool_), Parenchyma.single(70.0, 7.0), (EDGE_MM,) * 3
    )
    assert np.count_nonzero(found & lesion) > 0.95 * np.count_nonzero(lesion)
    assert not (found & kidney).any()


def test_the_wall_between_what_fills_the_stomach_and_the_liver_is_no_liver() -> None:
    """Wall and liver have one CT number, and no edge parts them; what fills a stomach never touches liver."""
    spacing = (EDGE_MM,) * 3
    liver = ball(45, 45, 40, 30, 30, 30)
    content = ball(45, 45, 84, 12, 12, 12)
    layer = ball(45, 45, 84, 13, 13, 13) & ~content
    tissue = np.where(liver | layer, 100.0, -100.0).astype(np.float32)
    model = Parenchyma.single(100.0, 8.0)

    def wall(content_hu: float) -> Bools:
        tissue[content] = content_hu
        return wall_of_content(content, tissue, model, spacing)

    found = wall(20.0)
    assert np.count_nonzero(found & layer) > 0.95 * np.count_nonzero(layer)
    assert not (found & content).any()
    assert np.count_nonzero(found & liver & ~layer) < 0.01 * np.count_nonzero(liver)
    # A spleen has no wall, nor is what only borders on a bright organ wall.
    assert not wall(95.0).any()
    # Nor is a thin dark layer (fat, an edge's blur) content.
    assert not wall_of_content(layer, np.full(SHAPE, 20, np.float32), model, spacing).any()
