"""Sizes of lesions: an ellipsoid's diameters are its axes, and the sizes drawn add up."""

import dataclasses

import numpy as np
import pytest

from emboplan.errors import InputError
from emboplan.synthetic.metastases.lesion_shape import Lesion, new_shape
from emboplan.synthetic.metastases.lesion_sizes import ball_of_diameter_ml, nodule_sizes_mm, sizes_mm
from emboplan.synthetic.setting.definition import PhantomDefinition, Spread


@pytest.mark.parametrize("scale", [1.0, 0.2])
def test_diameters_of_an_ellipsoid_are_its_axes(scale: float) -> None:
    """Upright: the longest is twice the long half axis, the axial one twice the longer of the others."""
    lesion = Lesion(
        np.zeros(3), scale * np.array([12.0, 15.0, 25.0]), np.eye(3), np.zeros((1, 5)), rim=False, core=False
    )
    assert pytest.approx(50.0 * scale, rel=0.01) == lesion.longest_diameter_mm()
    assert pytest.approx(30.0 * scale, rel=0.02) == lesion.longest_axial_diameter_mm()
    assert pytest.approx(4 / 3 * np.pi * 4.5 * scale**3, rel=1e-9) == lesion.volume_ml


@pytest.mark.parametrize("diameter_mm", [8.0, 40.0])
def test_a_new_shape_has_the_volume_of_its_ball(coarse: PhantomDefinition, diameter_mm: float) -> None:
    shape = new_shape(coarse.lesions, diameter_mm, np.random.default_rng(3))
    assert pytest.approx(np.pi / 6 * diameter_mm**3 / 1000, rel=1e-9) == shape.volume_ml


@pytest.mark.parametrize(("count", "total_ml"), [(6, 300.0), (1, 50.0), (30, 900.0), (5, 10.0)])
def test_sizes_add_up(coarse: PhantomDefinition, count: int, total_ml: float) -> None:
    sizes = sizes_mm(coarse.lesions, count, total_ml, np.random.default_rng(2))
    assert len(sizes) == count
    assert sizes.max() <= coarse.lesions.largest_mm
    assert pytest.approx(total_ml, rel=1e-6) == sum(ball_of_diameter_ml(size) for size in sizes)


def test_nodules_reach_the_total_and_pass_it_by_less_than_one(coarse: PhantomDefinition) -> None:
    sizes = nodule_sizes_mm(coarse.lesions, 60.0, np.random.default_rng(2))
    total = sum(ball_of_diameter_ml(size) for size in sizes)
    assert 60.0 <= total < 60.0 + ball_of_diameter_ml(10.0)
    assert 4.0 <= sizes.min() <= sizes.max() <= 10.0


def test_too_many_nodules_are_refused(coarse: PhantomDefinition) -> None:
    tiny = dataclasses.replace(coarse.lesions, nodule_mm=Spread(1.0, 2.0))
    with pytest.raises(InputError, match=r"500 mL may need 954931 nodules of 1 mm; expected at most 20000"):
        nodule_sizes_mm(tiny, 500.0, np.random.default_rng(2))
