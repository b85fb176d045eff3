"""What is asked of the dose of a scan, checked before anything is read, and the grid of the dose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from emboplan.dosimetry.arguments import fraction, positive
from emboplan.errors import InputError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.workflow.dosing.dose_engines import DoseSettings
from emboplan.workflow.registering.laid_scan import LayingWish

RECOVERIES = ("none", "published", "sphere")

# What transport, histograms and BED take at their peak beyond what the imports take: under 1 GiB for 256
# voxels cubed is the bar that is tested.
BYTES_PER_VOXEL = 64
BYTES_PER_GIB = 1 << 30
# The grid of a large CT, and 8 GiB.
MOST_VOXELS = 1 << 27
VOXELS_PER_MILLION = 1e6


@dataclass(frozen=True, slots=True)
class DoseRequest:
    """What is asked beside the images. Masks are ``FILE`` or ``FILE#LABEL`` on the CT.

    `administered_gbq` scales the image to the net administered (or planned) activity, of which
    `lung_shunt_frac` went to the lungs; without it the image must say how much there is. `error_in` names
    structures (``lesions``, ``liver``, ``normal-liver``, ``lungs``, ``lesion 2``); None is every lesion from
    1 mL on and the normal liver. `grid_mm` is the edge of the dose voxels, None for the image's own grid.
    `allow_cut_liver` goes on where image or CT miss a part of the liver whose whole activity is placed.
    `uniform_liver` gives the liver one density, its mean, where its mask holds gas.
    `laying` says how an image outside the CT's frame of reference is brought there; by default not at all.
    """

    administered_gbq: float | None = None
    lung_shunt_frac: float | None = None
    lung_shunt_sd: float | None = None
    unit: str | None = None
    injected_at: datetime | None = None
    measured_at: datetime | None = None
    scanner_nuclide: str | None = None
    resolution_fwhm_mm: float | None = None
    ct_series: str | None = None
    liver: str | None = None
    tumours: str | None = None
    lungs: str | None = None
    settings: DoseSettings = field(default_factory=DoseSettings)
    error_in: Sequence[str] | None = None
    grid_mm: float | None = None
    recovery: str = "none"
    registration_sd_mm: float | None = None
    with_bed: bool = False
    allow_cut_liver: bool = False
    uniform_liver: bool = False
    laying: LayingWish = field(default_factory=LayingWish)


def dose_grid(image: Grid, edge_mm: float | None) -> Grid:
    """The image's own grid, or one of cubes of this edge that covers it and starts at the same corner.

    `ModelRangeError` for more voxels than the memory of a computer holds.
    """
    if edge_mm is None:
        _require_room(image.shape, image.spacing_mm)
        return image
    edge = float(positive(edge_mm, "grid"))
    # Sizes that differ by rounding get no further layer of voxels.
    nx, ny, nz = (max(1, math.ceil(size / edge - 1e-6)) for size in image.size_mm)
    _require_room((nz, ny, nx), (edge, edge, edge))
    corner = image.to_mm([edge / (2 * d) - 1 / 2 for d in image.spacing_mm])
    x, y, z = (float(v) for v in corner)
    return replace(image, shape=(nz, ny, nx), spacing_mm=(edge, edge, edge), origin_mm=(x, y, z))


def _require_room(shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> None:
    count = math.prod(shape)
    if count > MOST_VOXELS:
        size = " x ".join(f"{side:g}" for side in spacing_mm)
        needed, most = (n * BYTES_PER_VOXEL / BYTES_PER_GIB for n in (count, MOST_VOXELS))
        raise ModelRangeError(
            f"a dose grid of {size} mm has {count / VOXELS_PER_MILLION:.4g} million voxels, about "
            f"{needed:.3g} GiB of memory; expected at most {MOST_VOXELS / VOXELS_PER_MILLION:.4g} million "
            f"({most:.3g} GiB): give a coarser grid (--grid)"
        )


def require_sense(wish: DoseRequest) -> None:
    """`InputError` where wishes are unknown, contradict each other or are no numbers of their kind."""
    wish.laying.require_sense()
    if wish.recovery not in RECOVERIES:
        raise InputError(f'recovery "{wish.recovery}" is unknown; expected {", ".join(RECOVERIES)}')
    if wish.administered_gbq is not None:
        positive(wish.administered_gbq, "administered activity (GBq)")
    elif wish.lung_shunt_frac is not None:
        raise InputError(
            "a lung shunt goes with an administered activity; give that too, or neither: "
            "an absolute image shows what is in the lungs"
        )
    if wish.lung_shunt_frac is not None:
        fraction(wish.lung_shunt_frac, "lung shunt")
    if wish.lung_shunt_sd is not None and wish.lung_shunt_frac is None:
        raise InputError("the uncertainty of the lung shunt goes with a lung shunt; give both")
    if wish.lung_shunt_sd is not None:
        fraction(wish.lung_shunt_sd, "standard uncertainty of the lung shunt")
