"""Energy that leaves the grid, air and gas: shares by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emboplan.catalog import load
from emboplan.model.anatomy import Anatomy, Review
from emboplan.model.finding import Severity
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, CtImage, DensityMap, DoseMap
from emboplan.model.mask import LabelMap, Mask
from emboplan.workflow.dosing.dose_remarks import (
    air_findings,
    energy_frac,
    gas_findings,
    left_findings,
    left_frac,
    without_air,
)

GRID = Grid((4, 5, 6), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))


def lost_by_hand(values: np.ndarray, kernel: np.ndarray) -> float:
    """Every source, every offset: the energy whose place is not on the grid."""
    half = [n // 2 for n in kernel.shape]
    lost = 0.0
    for source in itertools.product(*map(range, values.shape)):
        for offset in itertools.product(*map(range, kernel.shape)):
            place = [s + o - h for s, o, h in zip(source, offset, half, strict=True)]
            if not all(0 <= p < n for p, n in zip(place, values.shape, strict=True)):
                lost += values[source] * kernel[offset]
    return float(lost / (values.sum() * kernel.sum()))


@settings(max_examples=15, deadline=None)
@given(
    st.tuples(*[st.integers(1, 4)] * 3), st.tuples(*[st.sampled_from([1, 3, 5])] * 3), st.integers(0, 1000)
)
def test_energy_beyond_the_grid_is_that_of_every_source_and_offset(
    shape: tuple[int, int, int], width: tuple[int, int, int], seed: int
) -> None:
    draw = np.random.default_rng(seed)
    values = draw.random(shape).astype(np.float32)
    grid = Grid(shape, (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))
    kernel = draw.random(width)
    expected = lost_by_hand(values.astype(float), kernel)
    assert left_frac(ActivityMap(grid, values), kernel) == pytest.approx(expected, abs=1e-6)


def test_much_energy_that_left_is_a_warning_and_little_is_not_told() -> None:
    assert left_findings(0.0005) == ()
    (small,), (large,) = left_findings(0.03), left_findings(0.43)
    assert (small.severity, large.severity) == (Severity.INFO, Severity.WARNING)
    assert large.text.startswith("43 % of the energy leaves the grid")


def test_air_outside_the_organs_gets_no_dose() -> None:
    """Two voxels of air, one of them in the liver's mask: the other is left out, with its share of energy."""
    gy = np.zeros(GRID.shape, np.float32)
    gy[0, 0, :3] = (50.0, 8000.0, 8000.0)
    density = np.full(GRID.shape, 1.0, np.float32)
    density[0, 0, 1:3] = 0.001
    liver = np.zeros(GRID.shape, np.float32)
    liver[0, 0, :2] = 1
    found, (said,) = without_air(
        DoseMap(GRID, gy, "local"), DensityMap(GRID, density), density < 0.01, [liver, None]
    )
    assert found.gy[0, 0, :3].tolist() == [50.0, 8000.0, 0.0]
    share = 8 / 66  # 50 and twice 8 in Gy g/mL
    assert energy_frac(DoseMap(GRID, gy, "local"), density, (density < 0.01) & (liver == 0)) == pytest.approx(
        share
    )
    assert said.severity is Severity.WARNING
    assert "12 % of the energy" in said.text


def test_energy_in_air_is_told_by_class_or_by_density() -> None:
    density = np.full(GRID.shape, 1.0, np.float32)
    density[0] = 0.001
    gy = np.full(GRID.shape, 1.0, np.float32)
    facts = load()
    around = DensityMap(GRID, density)
    assert air_findings(DoseMap(GRID, gy, "local"), around, facts) == ()  # 0.03 % of the energy
    gy[0] = 1000.0
    (said,) = air_findings(DoseMap(GRID, gy, "local"), around, facts)
    assert "25 % of the energy" in said.text


def test_gas_in_the_liver_mask_states_what_it_does_to_the_mean() -> None:
    """A tenth of the mask is gas with ten times the dose: 10 of 19 parts of the sum, 190 for 100 Gy."""
    liver = np.zeros(GRID.shape, np.bool_)
    liver[0, :, :4] = True
    hu = np.full(GRID.shape, 60, np.int16)
    hu[0, :2, 0] = -900
    gy = np.full(GRID.shape, 100.0, np.float32)
    gy[0, :2, 0] = 1000.0

    def anatomy(numbers: np.ndarray) -> Anatomy:
        empty = LabelMap(GRID, np.zeros(GRID.shape, np.uint16))
        return Anatomy(
            image=CtImage(GRID, numbers),
            liver=Mask(GRID, liver),
            lesions=empty,
            review=Review(backend="given"),
        )

    (said,) = gas_findings(DoseMap(GRID, gy, "auto"), anatomy(hu), load())
    assert "10 % of the liver mask is gas or lung" in said.text
    assert "holds 53 % of its dose: the mean of the liver is 190 Gy, and 100 Gy without" in said.text
    even = DoseMap(GRID, np.full(GRID.shape, 100.0, np.float32), "local")
    assert gas_findings(even, anatomy(hu), load()) == ()
    assert gas_findings(DoseMap(GRID, gy, "auto"), anatomy(np.full(GRID.shape, 60, np.int16)), load()) == ()
