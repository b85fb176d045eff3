"""Images: a grid, an array and a meaning.

An array that means Hounsfield units cannot be handed where a dose is expected. Every image copies its
array in, makes it contiguous and read-only, and checks its shape and its values once; functions trust it
from then on. `CountImage` holds counts per voxel and must become a concentration before it is resampled
(`CountImage.concentration`), so that a finer grid cannot multiply activity.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from emboplan.errors import GeometryError, ModelRangeError
from emboplan.model.grid import Grid

# Above the densest element: a unit was mistaken.
DENSEST_G_PER_ML = 25.0


def frozen_array(values: ArrayLike, grid: Grid, dtype: DTypeLike, what: str) -> NDArray[np.generic]:
    """A read-only, contiguous copy of `values`, checked for the grid's shape and for finite numbers."""
    array = np.array(values, dtype=dtype, order="C", copy=True)
    if array.shape != grid.shape:
        raise GeometryError(f"{what} has shape {array.shape}; its grid has {grid.shape} (z, y, x)")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ModelRangeError(f"{what} holds values that are not finite; mend the image first")
    array.setflags(write=False)
    return array


def _amounts(values: ArrayLike, grid: Grid, what: str) -> NDArray[np.float32]:
    """`values` as a checked array of single-precision numbers of 0 or more."""
    # What single precision cannot hold becomes infinite, and is refused as such.
    with np.errstate(over="ignore"):
        array = frozen_array(values, grid, np.float32, what).view(np.float32)
    _non_negative(array, what)
    return array


def _non_negative(array: NDArray[np.float32], what: str) -> None:
    if array.size and float(array.min()) < 0:
        raise ModelRangeError(
            f"{what} holds negative values (lowest {float(array.min()):.4g}); expected 0 or more"
        )


class Modality(StrEnum):
    """The images that contours can lie on."""

    CT = "ct"
    MR = "mr"


@dataclass(frozen=True, slots=True, eq=False)
class CtImage:
    """CT numbers in HU: int16 where the scanner's numbers are whole, float32 otherwise."""

    modality: ClassVar[Modality] = Modality.CT

    grid: Grid
    hu: NDArray[np.int16] | NDArray[np.float32]

    def __post_init__(self) -> None:
        """Keep whole numbers as int16: half the memory of float32, and exact."""
        dtype = np.int16 if np.asarray(self.hu).dtype == np.int16 else np.float32
        object.__setattr__(self, "hu", frozen_array(self.hu, self.grid, dtype, "CT"))

    @property
    def values(self) -> NDArray[np.int16] | NDArray[np.float32]:
        """The numbers, for what does not ask what they mean: pictures and fingerprints."""
        return self.hu


class MrSequence(StrEnum):
    """The MR sequences whose looks are known."""

    T1_POST = "t1-post"
    T2 = "t2"


@dataclass(frozen=True, slots=True, eq=False)
class MrImage:
    """MR signal in the scanner's own numbers, which have no scale; `sequence` is None where not known."""

    modality: ClassVar[Modality] = Modality.MR

    grid: Grid
    signal: NDArray[np.float32]
    sequence: MrSequence | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        object.__setattr__(self, "signal", frozen_array(self.signal, self.grid, np.float32, "MR signal"))

    @property
    def values(self) -> NDArray[np.float32]:
        """The numbers, for what does not ask what they mean: pictures and fingerprints."""
        return self.signal


@dataclass(frozen=True, slots=True, eq=False)
class ConcentrationImage:
    """Counts per millilitre: what may be resampled."""

    grid: Grid
    counts_per_ml: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Check the values."""
        object.__setattr__(
            self, "counts_per_ml", _amounts(self.counts_per_ml, self.grid, "count concentration")
        )

    @property
    def total_counts(self) -> float:
        """Counts in the whole image."""
        return float(self.counts_per_ml.sum(dtype=np.float64)) * self.grid.voxel_ml


@dataclass(frozen=True, slots=True, eq=False)
class CountImage:
    """Counts per voxel of a SPECT or PET image, with its resolution where it is known."""

    grid: Grid
    counts: NDArray[np.float32]
    resolution_fwhm_mm: float | None = None
    attenuation_corrected: bool | None = None
    scatter_corrected: bool | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        object.__setattr__(self, "counts", _amounts(self.counts, self.grid, "count image"))

    @property
    def total_counts(self) -> float:
        """Counts in the whole image."""
        return float(self.counts.sum(dtype=np.float64))

    def concentration(self) -> ConcentrationImage:
        """The same image as counts per millilitre."""
        return ConcentrationImage(self.grid, self.counts / np.float32(self.grid.voxel_ml))


@dataclass(frozen=True, slots=True, eq=False)
class ActivityMap:
    """Activity concentration in MBq/mL at the moment of injection."""

    grid: Grid
    mbq_per_ml: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Check the values."""
        object.__setattr__(self, "mbq_per_ml", _amounts(self.mbq_per_ml, self.grid, "activity map"))

    @property
    def total_mbq(self) -> float:
        """Activity in the whole map."""
        return float(self.mbq_per_ml.sum(dtype=np.float64)) * self.grid.voxel_ml


@dataclass(frozen=True, slots=True, eq=False)
class DensityMap:
    """Mass density in g/mL."""

    grid: Grid
    g_per_ml: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Check the values."""
        object.__setattr__(self, "g_per_ml", _amounts(self.g_per_ml, self.grid, "density map"))
        highest = float(self.g_per_ml.max(initial=0))
        if highest > DENSEST_G_PER_ML:
            raise ModelRangeError(
                f"density map holds up to {highest:.4g} g/mL, more than any matter; give g/mL, not kg/m3"
            )


@dataclass(frozen=True, slots=True, eq=False)
class DoseMap:
    """Absorbed dose in Gy to complete decay, and its statistical standard error (zero where exact)."""

    grid: Grid
    gy: NDArray[np.float32]
    method: str
    standard_error_gy: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        object.__setattr__(self, "gy", _amounts(self.gy, self.grid, "dose map"))
        error = (
            np.zeros(self.grid.shape, np.float32)
            if self.standard_error_gy is None
            else self.standard_error_gy
        )
        object.__setattr__(self, "standard_error_gy", _amounts(error, self.grid, "dose error"))


@dataclass(frozen=True, slots=True, eq=False)
class PlanarPair:
    """Anterior and posterior views of one acquisition, both ``(row, column)`` as seen from the front.

    The posterior view is mirrored on reading, so that a column is the same place in both. Rows run from
    head to foot. `background` views hold the lower (scatter) window where one was recorded.
    """

    anterior: NDArray[np.float32]
    posterior: NDArray[np.float32]
    pixel_mm: tuple[float, float]
    duration_s: float | None = None
    scatter_anterior: NDArray[np.float32] | None = field(default=None)
    scatter_posterior: NDArray[np.float32] | None = field(default=None)

    def __post_init__(self) -> None:
        """Check that all views have one shape and hold counts."""
        shape = np.asarray(self.anterior).shape
        if len(shape) != 2:
            raise GeometryError(f"a planar view has shape {shape}; expected (rows, columns)")
        for name in ("anterior", "posterior", "scatter_anterior", "scatter_posterior"):
            view = getattr(self, name)
            if view is None:
                continue
            array = np.array(view, dtype=np.float32, order="C", copy=True)
            if array.shape != shape:
                raise GeometryError(f"planar views differ: anterior has {shape}, {name} has {array.shape}")
            _non_negative(array, f"{name} view")
            array.setflags(write=False)
            object.__setattr__(self, name, array)
