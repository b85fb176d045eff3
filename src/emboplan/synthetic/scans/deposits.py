"""Activity beside liver, lungs and background: a focus in a neighbouring organ, and free technetium.

A focus lies in the voxels of an organ within a ball around a place of the atlas; before the liver, at the
falciform ligament, it lies in the fat there. Free technetium lies in stomach and kidneys. Both are even over
whole CT voxels, and are shared out to the nuclear grid by the exact overlap of the voxels, so that sums are
those that were set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import InputError
from emboplan.model.grid import Grid
from emboplan.model.mask import Mask
from emboplan.synthetic.body.anatomy import PatientDrawing
from emboplan.synthetic.body.gut import DUODENUM_PATH, STOMACH_PATH
from emboplan.synthetic.drawing.raster import shares
from emboplan.synthetic.setting.definition import Uptake

F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

STOMACH, BOWEL, KIDNEYS, GALLBLADDER = "stomach", "bowel", "kidneys", "gallbladder"
FALCIFORM = "falciform"
# The structure that a focus lies in, and the atlas place (x, y, z) next to which it lies: where arteries of
# the liver reach its neighbours.
FOCUS_PLACES: dict[str, tuple[str, tuple[float, float, float]]] = {
    "stomach": (STOMACH, STOMACH_PATH[-2][:3]),
    "duodenum": (BOWEL, DUODENUM_PATH[2][:3]),
    "gallbladder": (GALLBLADDER, (-46.0, -40.0, -112.0)),
}
FALCIFORM_PLACE = (10.0, -50.0, -72.0)  # where the round ligament enters the liver
BEFORE_LIVER_MM = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Deposits:
    """What lies beside: activity (MBq) per voxel of the nuclear grid, and the focus on the CT's grid."""

    focus_mbq: F64 | None = None
    free_mbq: F64 | None = None
    focus: Mask | None = None

    @property
    def total_mbq(self) -> F64 | None:
        """All of it; None where there is none."""
        if self.focus_mbq is None or self.free_mbq is None:
            return self.focus_mbq if self.free_mbq is None else self.free_mbq
        return self.focus_mbq + self.free_mbq


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where things are on the CT: body, liver, lungs, and other structures with their numbers and names."""

    body: Mask
    liver: Mask
    lungs: Mask
    others: NDArray[np.uint8]
    names: dict[int, str]

    def structure(self, name: str) -> Bool:
        """The voxels of another structure."""
        number = next(n for n, known in self.names.items() if known == name)
        out: Bool = self.others == number
        return out


def place_deposits(
    uptake: Uptake, mbq: dict[str, float], places: Places, nuclear: Grid, drawn: PatientDrawing
) -> Deposits:
    """The deposits of a definition with the activities `mbq`, by `focus`, `free_stomach`, `free_kidneys`.

    Raises `InputError` where the patient has no such organ.
    """
    focus, focus_mbq = None, None
    if uptake.focus_frac > 0:
        focus = Mask(places.body.grid, _focus(uptake, places, drawn))
        focus_mbq = mbq["focus"] * spread(focus.voxels, focus.grid, nuclear)
    free: F64 | None = None
    if uptake.free_frac > 0:
        free = np.zeros(nuclear.shape)
        for key, name in (("free_stomach", STOMACH), ("free_kidneys", KIDNEYS)):
            free += mbq[key] * spread(places.structure(name), places.body.grid, nuclear)
    return Deposits(focus_mbq, free, focus)


def spread(voxels: Bool, fine: Grid, coarse: Grid) -> F64:
    """Which part of a mask lies in each voxel of a coarser grid of the same axes; the parts sum to 1."""
    out = voxels.astype(np.float64)
    for axis in range(3):
        n = 2 - axis  # array axis of x, y, z
        matrix = shares(
            fine.origin_mm[axis], fine.spacing_mm[axis], fine.shape[n],
            coarse.origin_mm[axis], coarse.spacing_mm[axis], coarse.shape[n],
        )  # fmt: skip
        out = np.moveaxis(np.tensordot(matrix, out, axes=(1, n)), 0, n)
    total = float(out.sum())
    if total <= 0:
        raise InputError(
            "phantom: an organ with activity lies outside the SPECT; raise spect.matrix or slices"
        )
    return out / total


def _focus(uptake: Uptake, places: Places, drawn: PatientDrawing) -> Bool:
    """The voxels of the focus."""
    grid = places.body.grid
    if uptake.focus == FALCIFORM:
        organ = places.body.voxels & ~places.liver.voxels & ~places.lungs.voxels & (places.others == 0)
        centre = _before_liver(places.liver, _shown(FALCIFORM_PLACE, drawn))
    else:
        name, place = FOCUS_PLACES[uptake.focus]
        organ = places.structure(name)
        if not organ.any():
            raise InputError(
                f"phantom: uptake.focus is {uptake.focus}, and this patient has none; choose another"
            )
        near = np.argwhere(organ)[:, ::-1]
        apart = np.linalg.norm(grid.to_mm(near) - _shown(place, drawn), axis=1)
        centre = grid.to_mm(near[int(apart.argmin())])
    inside: Bool = organ & _ball(grid, centre, uptake.focus_mm / 2)
    if not inside.any():
        raise InputError(
            f"phantom: a focus of {uptake.focus_mm:g} mm finds no room ({uptake.focus}); raise focus_mm"
        )
    return inside


def _shown(atlas: tuple[float, float, float], drawn: PatientDrawing) -> F64:
    """Where on the scan an atlas place is seen."""
    x, y, z = drawn.drawing.lattice.warp.to_patient(np.array(atlas))
    return np.array([x, y, drawn.sampling.shown_mm(float(z))])


def _before_liver(liver: Mask, place: F64) -> F64:
    """A point in front of the liver, in the column and slice with liver that are nearest to a place."""
    columns = np.argwhere(liver.voxels.any(axis=1))
    middle = np.stack([columns[:, 1], np.zeros(len(columns)), columns[:, 0]], axis=1)
    away = (liver.grid.to_mm(middle) - place)[:, [0, 2]]
    z, x = columns[int((away**2).sum(axis=1).argmin())]
    y = int(liver.voxels[z, :, x].argmax())
    point: F64 = liver.grid.to_mm((x, y, z)) - np.array([0.0, BEFORE_LIVER_MM, 0.0])
    return point


def _ball(grid: Grid, centre: F64, radius_mm: float) -> Bool:
    """Voxels whose centre lies in a ball."""
    (dx, dy, dz), (ox, oy, oz) = grid.spacing_mm, grid.origin_mm
    nz, ny, nx = grid.shape
    x = (ox + dx * np.arange(nx) - centre[0])[None, None, :]
    y = (oy + dy * np.arange(ny) - centre[1])[None, :, None]
    z = (oz + dz * np.arange(nz) - centre[2])[:, None, None]
    return np.asarray(x**2 + y**2 + z**2 <= radius_mm**2)
