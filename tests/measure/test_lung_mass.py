"""Lung mass from CT numbers."""

import pytest

from emboplan.errors import MaskError, ModelRangeError
from emboplan.measure.lung_mass import lung_mass_g


def test_each_voxel_weighs_by_its_ct_number() -> None:
    """1 mL each at -700 and -900 HU: 0.3 + 0.1 g."""
    assert lung_mass_g([-700, -900], voxel_ml=1.0) == pytest.approx(0.4)


def test_air_and_noise_below_it_weigh_nothing_and_vessels_no_more_than_tissue() -> None:
    assert lung_mass_g([-1000, -1100, 400], voxel_ml=1.0) == pytest.approx(1.1)


def test_no_lung_and_broken_numbers_are_refused() -> None:
    with pytest.raises(MaskError, match="empty"):
        lung_mass_g([], voxel_ml=1.0)
    with pytest.raises(ModelRangeError, match="not all finite"):
        lung_mass_g([float("nan")], voxel_ml=1.0)
