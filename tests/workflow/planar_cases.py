"""Planar views of the patient of boxes: sums along the line of sight, without attenuation.

Liver and lungs do not overlap from the front, so that the geometric mean and the anterior view give the true
shunt. Views begin away from the CT's corner, as a camera's do.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tests.workflow import cases

from emboplan.dicom.write.identity import NewSeries, derived_uid
from emboplan.dicom.write.nm import EnergyWindow, tc99m_maa, write_planar
from emboplan.model.image import PlanarPair

PIXEL_MM = (5.0, 5.0)
SHAPE = (72, 80)
# x and z of the first pixel: 6 columns to the right of the CT's first voxel, 10 rows above its last.
FIRST_PIXEL_MM = (-190.0, 205.0)
TRUE_SHUNT = 0.1
PHOTOPEAK, SCATTER = EnergyWindow("photopeak", 126.0, 154.0), EnergyWindow("scatter", 108.0, 126.0)


def projection(lung_share: float = TRUE_SHUNT, counts: float = 2e6) -> NDArray[np.float64]:
    """Counts ``(row, column)`` of one view."""
    per_voxel = np.zeros(cases.GRID.shape)
    for mask, share in ((cases.box(cases.LIVER), 1 - lung_share), (cases.box(*cases.LUNGS), lung_share)):
        per_voxel[mask.voxels] = counts * share / mask.voxel_count
    through = per_voxel.sum(axis=1)[::-1]  # rows from head to foot
    out = np.zeros(SHAPE)
    out[10 : 10 + through.shape[0], 6 : 6 + through.shape[1]] = through
    return out


def pair(lung_share: float = TRUE_SHUNT, *, scatter: bool = False) -> PlanarPair:
    """Both views; with scatter each has a fifth of its photopeak more, which the lower window shows.

    The windows are 28 and 18 keV wide: 0.2 = (low / 18) x 28 / 2, so that low is 0.2 x 18 / 14.
    """
    primary = projection(lung_share)
    if not scatter:
        view = np.rint(primary).astype(np.float32)
        return PlanarPair(view, view, PIXEL_MM)
    cloud = np.full(SHAPE, 0.2 * primary.sum() / primary.size)
    main = np.rint(primary + cloud).astype(np.float32)
    low = np.rint(cloud * 18 / 14).astype(np.float32)
    return PlanarPair(main, main, PIXEL_MM, None, low, low)


def write_views(path: Path, views: PlanarPair | None = None) -> Path:
    """The views as DICOM."""
    series = NewSeries(derived_uid("views of the boxes"), "MAA planar")
    given = pair() if views is None else views
    scatter = None if given.scatter_anterior is None else SCATTER
    return write_planar(given, path, cases.study(), series, tc99m_maa(PHOTOPEAK, scatter))
