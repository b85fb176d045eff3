"""Maps of effect: the formulas of `radiobiology` in every voxel."""

import numpy as np
import pytest

from emboplan.dosimetry import radiobiology
from emboplan.dosimetry.histograms.bed_map import Effect, EffectMap, bed_map, eqd2_map, per_voxel
from emboplan.dosimetry.histograms.dvh import dvh
from emboplan.errors import GeometryError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import DoseMap
from emboplan.model.mask import Mask

GRID = Grid((2, 3, 4), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0))
DOSE = DoseMap(
    GRID, np.linspace(0, 230, 24).reshape(GRID.shape).astype(np.float32), "made", np.full(GRID.shape, 2.0)
)
LIVER = {"alpha_beta_gy": 2.5, "repair_half_time_h": 2.5, "half_life_h": 64.1}


def test_bed_and_eqd2_by_hand() -> None:
    """D (1 + G D / 2.5) with G = 2.5 / 66.6; EQD2 is that over 1.8."""
    effect = bed_map(DOSE, **LIVER)
    g = 2.5 / 66.6
    dose = DOSE.gy.astype(np.float64)
    assert effect.effect is Effect.BED
    assert effect.gy == pytest.approx(dose * (1 + g * dose / 2.5), rel=1e-6)
    assert eqd2_map(effect, alpha_beta_gy=2.5).gy == pytest.approx(effect.gy / 1.8, rel=1e-6)


def test_the_error_is_that_of_the_slope() -> None:
    """A difference of 0.01 Gy in the dose, times 200, is what an error of 2 Gy makes."""
    effect = bed_map(DOSE, **LIVER)
    up = np.asarray(radiobiology.bed(DOSE.gy.astype(np.float64) + 0.005, **LIVER))
    down = np.asarray(radiobiology.bed(np.maximum(DOSE.gy.astype(np.float64) - 0.005, 0), **LIVER))
    assert effect.standard_error_gy is not None
    assert effect.standard_error_gy.reshape(-1)[1:] == pytest.approx(
        ((up - down) * 200).reshape(-1)[1:], rel=1e-3
    )


def test_tissues_have_their_own_parameters() -> None:
    voxels = np.zeros(GRID.shape, dtype=np.bool_)
    voxels[1] = True
    alpha_beta = per_voxel(GRID, 2.5, {Mask(GRID, voxels): 10.0})
    effect = bed_map(DOSE, alpha_beta_gy=alpha_beta, repair_half_time_h=2.0, half_life_h=64.0)
    for layer, value in ((0, 2.5), (1, 10.0)):
        expected = radiobiology.bed(
            DOSE.gy[layer], alpha_beta_gy=value, repair_half_time_h=2.0, half_life_h=64.0
        )
        assert effect.gy[layer] == pytest.approx(np.asarray(expected), rel=1e-6)


def test_a_map_of_effect_has_a_histogram() -> None:
    effect = bed_map(DOSE, **LIVER)
    everywhere = Mask(GRID, np.ones(GRID.shape, dtype=np.bool_))
    assert dvh(effect, everywhere).mean_gy == pytest.approx(float(effect.gy.mean()), rel=1e-6)


def test_unusable_maps_are_refused() -> None:
    with pytest.raises(ModelRangeError, match="negative"):
        EffectMap(GRID, np.full(GRID.shape, -1.0), Effect.BED, "made")
    with pytest.raises(GeometryError, match="shape"):
        bed_map(DOSE, alpha_beta_gy=np.ones((2, 2)), repair_half_time_h=2.0)
    with pytest.raises(ModelRangeError, match="alpha_beta"):
        bed_map(DOSE, alpha_beta_gy=0.0, repair_half_time_h=2.0)
    converted = eqd2_map(bed_map(DOSE, **LIVER), alpha_beta_gy=2.5)
    with pytest.raises(ModelRangeError, match="BED"):
        eqd2_map(converted, alpha_beta_gy=2.5)
