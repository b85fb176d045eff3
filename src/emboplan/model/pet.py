"""A PET image as its files tell it: concentrations, the clock of each slice, and the nuclide of the scanner.

The numbers are what the scanner wrote, with its own decay correction and its own branching ratio. What they
mean at the moment of injection is worked out elsewhere, from the true nuclide. Values may be negative where
the reconstruction made them so: clipping them would raise every sum.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import GeometryError, ModelRangeError
from emboplan.model.finding import Finding
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, frozen_array
from emboplan.model.results.vials import require_zone
from emboplan.units import MBQ_PER_GBQ

Volume = NDArray[np.float32]


class DecayCorrection(StrEnum):
    """To which moment the scanner corrected for decay: start of the scan, administration, or not at all."""

    START = "START"
    ADMIN = "ADMIN"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class PetFrame:
    """When one slice was acquired, for how long, and the factor that the scanner corrected its decay with."""

    start: datetime | None = None
    duration_s: float | None = None
    decay_factor: float | None = None

    def __post_init__(self) -> None:
        if self.start is not None:
            require_zone(self.start, "start")


@dataclass(frozen=True, slots=True)
class PetNuclide:
    """A nuclide as a PET sees it; `name` is empty and numbers are None where they are not known.

    `positron_yield` is the number of positrons per decay.
    """

    name: str = ""
    half_life_h: float | None = None
    positron_yield: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PetImage:
    """Activity concentration in Bq/mL ``(z, y, x)`` as written, with one frame for each slice.

    `corrected_to` is the moment that the values stand for; None where decay was not corrected.
    `administered_at` is the administration as the header has it, None where it does not tell.
    """

    grid: Grid
    bq_per_ml: Volume
    decay_correction: DecayCorrection
    corrected_to: datetime | None
    frames: tuple[PetFrame, ...]
    nuclide: PetNuclide = field(default_factory=PetNuclide)
    administered_at: datetime | None = None

    def __post_init__(self) -> None:
        values = frozen_array(self.bq_per_ml, self.grid, np.float32, "PET").view(np.float32)
        object.__setattr__(self, "bq_per_ml", values)
        if len(self.frames) != self.grid.shape[0]:
            raise GeometryError(f"PET has {self.grid.shape[0]} slices and {len(self.frames)} frames")
        if (self.corrected_to is None) is not (self.decay_correction is DecayCorrection.NONE):
            raise ModelRangeError(
                f"a PET with decay correction {self.decay_correction} and the moment {self.corrected_to}; "
                "expected a moment for START and ADMIN, none for NONE"
            )
        if self.corrected_to is not None:
            require_zone(self.corrected_to, "corrected_to")


@dataclass(frozen=True, slots=True, eq=False)
class PetActivity:
    """Activity concentration in MBq/mL ``(z, y, x)`` at one moment, negative values as reconstructed."""

    grid: Grid
    mbq_per_ml: Volume
    moment: datetime
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        values = frozen_array(self.mbq_per_ml, self.grid, np.float32, "PET activity").view(np.float32)
        object.__setattr__(self, "mbq_per_ml", values)
        require_zone(self.moment, "moment")

    def total_gbq(self, share: Volume | None = None) -> float:
        """The activity in the whole image, or in a structure by the share of each voxel that it fills."""
        if share is None:
            total = float(self.mbq_per_ml.sum(dtype=np.float64))
        elif share.shape != self.grid.shape:
            raise GeometryError(
                f"the structure has shape {share.shape}, the PET {self.grid.shape}; bring both to one grid"
            )
        else:
            total = float((self.mbq_per_ml.astype(np.float64) * share).sum())
        return total * self.grid.voxel_ml / MBQ_PER_GBQ

    def to_map(self) -> ActivityMap:
        """The same as a map of activity, for doses: negative values become 0."""
        return ActivityMap(self.grid, np.maximum(self.mbq_per_ml, 0))
