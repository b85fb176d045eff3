"""Known turns, shifts, stretches and bends are found again, in the direction in which doses are carried."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813  the name its documentation uses
from scipy import ndimage
from tests.imaging.drawn_bodies import (
    GRID,
    IN_FRAME,
    Floats,
    body,
    breathing,
    ct,
    in_liver,
    liver,
    off_mm,
    seen,
    through,
    turned,
)

from emboplan.errors import ModelRangeError
from emboplan.imaging.register import Kind, Registration, Start, find_transform
from emboplan.imaging.transform import Transform
from emboplan.model.grid import Grid
from emboplan.model.image import ConcentrationImage, CountImage, CtImage
from emboplan.model.mask import Mask

FIXED = ct(through(np.eye(4)), seed=2)


@pytest.mark.parametrize(("degrees", "with_liver"), [(0.0, False), (5.0, True)])
def test_a_ct_is_brought_back(degrees: float, *, with_liver: bool) -> None:
    """Shifted by 13 mm and turned: within 1.5 mm (a third of a voxel) over the liver, noise of 20 HU."""
    true = turned(degrees, (9.0, -8.0, 5.0))
    found = find_transform(FIXED, ct(through(true)), liver=liver() if with_liver else None)
    assert off_mm(found.transform, through(true)).max() < 1.5
    assert found.turned_deg == pytest.approx(degrees, abs=1.0)
    assert found.scales == pytest.approx((1.0, 1.0, 1.0), abs=1e-6)
    assert found.matrix @ found.transform.to_moving == pytest.approx(np.eye(4), abs=1e-9)
    assert found.similarity_after > found.similarity_before


def test_the_shift_is_told_over_the_liver() -> None:
    """A shift of (9, -8, 5) mm of the patient is one of (-9, 8, -5) from the fixed to the moving image."""
    true = turned(0.0, (9.0, -8.0, 5.0))
    shift = find_transform(FIXED, ct(through(true)), liver=liver()).shift
    assert shift.vector_mm == pytest.approx((-9.0, 8.0, -5.0), abs=1.0)
    assert shift.mean_mm == pytest.approx(np.sqrt(81 + 64 + 25), abs=1.0)
    assert shift.mean_mm <= shift.percentile95_mm <= shift.largest_mm


def test_one_frame_of_reference_is_where_the_search_starts() -> None:
    found = find_transform(replace(FIXED, grid=IN_FRAME), replace(FIXED, grid=IN_FRAME))
    assert found.start is Start.FRAME
    assert found.shift.largest_mm < 0.1


def test_another_frame_of_reference_may_lie_anywhere() -> None:
    """Moved by 230 mm, and cut to the lower two thirds: found within 1.5 mm."""
    far = replace(GRID, origin_mm=(20.0, -150.0, 130.0)).cropped((slice(0, 27), slice(0, 48), slice(0, 48)))
    true = turned(0.0, (-114.0, 56.0, -208.0))
    found = find_transform(FIXED, ct(through(true), grid=far))
    assert found.start is Start.ROW
    assert off_mm(found.transform, through(true)).max() < 1.5


def test_an_mr_is_brought_onto_a_ct() -> None:
    """Other grey values and voxels, a shading across the body: within 1.5 mm on average.

    The drawn liver is nearly round, so that its turn is not asked; the digital patients' is.
    """

    def signal(places: Floats) -> Floats:
        hu = body(places)
        dark = np.select(
            [hu < -500, hu > 300, hu > 160, hu > 120, hu > 80], [5.0, 20.0, 900.0, 250.0, 500.0], 350.0
        )
        return np.asarray(dark * (1 + 0.15 * np.sin(places[..., 0] / 60)))

    true = turned(3.0, (6.0, -5.0, 4.0))
    grid = Grid((42, 54, 54), (3.6, 3.6, 3.9), (-95.0, -95.0, -79.0))
    mr = SimpleNamespace(grid=grid, signal=seen(through(true), signal, grid, noise=25.0))
    found = find_transform(FIXED, mr, liver=liver())
    assert off_mm(found.transform, through(true)).mean() < 1.5


def test_a_scan_is_brought_onto_the_liver() -> None:
    """Counts of a liver with a hot lesion, blurred to 12 mm, 15 mm off: within 2.5 mm."""

    def counts(places: Floats) -> Floats:
        lesion = ((places - (-40.0, 0.0, 10.0)) ** 2).sum(axis=-1) < 12**2
        return np.where(lesion, 4.0, in_liver(places).astype(float))

    true = turned(0.0, (10.0, -8.0, 8.0))
    blurred = np.asarray(ndimage.gaussian_filter(seen(through(true), counts, noise=0.0), 12 / 2.355 / 4))
    scan = CountImage(GRID, blurred, resolution_fwhm_mm=12.0)
    found = find_transform(FIXED, scan, liver=liver())
    assert off_mm(found.transform, through(true)).max() < 2.5
    assert found.shift.mean_mm == pytest.approx(np.sqrt(100 + 64 + 64), abs=2.5)


def test_a_stretch_is_found() -> None:
    """4 % larger in the moving image: each direction within 2.5 %, places within 1.5 mm."""
    true = np.diag([1 / 1.04, 1 / 1.04, 1 / 1.04, 1.0])
    found = find_transform(FIXED, ct(through(true)), Kind.AFFINE, liver=liver())
    assert found.scales == pytest.approx((1.04, 1.04, 1.04), abs=0.025)
    assert off_mm(found.transform, through(true)).max() < 1.5
    assert found.volume_ratio == pytest.approx((1.04**3, 1.04**3), abs=0.05)


@pytest.fixture(scope="module")
def bent() -> Registration:
    return find_transform(FIXED, ct(breathing), Kind.B_SPLINE, liver=liver())


def test_a_bend_is_found(bent: Registration) -> None:
    """Breathing of 9 mm, more than 5 mm on average: 1 mm on average over the liver is left."""
    assert off_mm(Transform.identity(), breathing).mean() > 5
    assert off_mm(bent.transform, breathing).mean() < 1.0
    assert 0 < bent.volume_ratio[0] < 1 < bent.volume_ratio[1]


def test_the_same_images_give_the_same_bits() -> None:
    moving = ct(through(turned(2.0, (4.0, 3.0, -2.0))))
    one, two = (find_transform(FIXED, moving, liver=liver()).transform.to_moving for _ in range(2))
    assert (one == two).all()


@pytest.mark.slow
def test_the_same_images_give_the_same_bend(bent: Registration) -> None:
    again = find_transform(FIXED, ct(breathing), Kind.B_SPLINE, liver=liver())
    assert (again.transform.to_moving == bent.transform.to_moving).all()
    assert again.transform.bend is not None
    assert bent.transform.bend is not None
    assert (again.transform.bend.shift_mm == bent.transform.bend.shift_mm).all()


def test_images_without_content_are_refused() -> None:
    air = CtImage(GRID, np.full(GRID.shape, -1000, np.int16))
    with pytest.raises(ModelRangeError, match="no soft tissue"):
        find_transform(air, air)
    with pytest.raises(ModelRangeError, match="same everywhere"):
        find_transform(FIXED, SimpleNamespace(grid=GRID, signal=np.ones(GRID.shape)))
    ones = ConcentrationImage(GRID, np.ones(GRID.shape, np.float32))
    nothing = ConcentrationImage(GRID, np.zeros(GRID.shape, np.float32))
    with pytest.raises(ModelRangeError, match="contour is empty"):
        find_transform(FIXED, ones, liver=Mask.empty(GRID), resolution_fwhm_mm=12.0)
    with pytest.raises(ModelRangeError, match="no activity"):
        find_transform(FIXED, nothing, liver=liver(), resolution_fwhm_mm=12.0)
    with pytest.raises(ModelRangeError, match="give liver="):
        find_transform(FIXED, ones, resolution_fwhm_mm=12.0)
    with pytest.raises(ModelRangeError, match="give resolution_fwhm_mm"):
        find_transform(FIXED, ones, liver=liver())


def test_a_search_that_goes_astray_gives_back_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images that agree already, and an optimiser that ends 25 mm off."""
    astray = sitk.Euler3DTransform()
    astray.SetTranslation((25.0, 0.0, 0.0))
    monkeypatch.setattr("emboplan.imaging.register._turned_and_shifted", lambda *_: astray)
    same = replace(FIXED, grid=IN_FRAME)
    found = find_transform(same, same)
    assert found.shift.largest_mm == 0
    assert found.similarity_after == found.similarity_before
