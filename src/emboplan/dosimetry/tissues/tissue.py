"""From a CT and its masks to what electrons meet: density and material of every voxel of the dose grid.

Densities come from the CT numbers as they are, so that averaging over a larger voxel keeps the mass; in soft
tissue they come from numbers without noise and are capped, so that contrast agent is no density. Materials
are told on the CT's own voxels; a larger voxel gets the one that fills most of it. Cone-beam CT is not
calibrated and must not be given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emboplan import catalog as catalogue
from emboplan.dosimetry.tissues.ct_check import ct_findings, require_hounsfield
from emboplan.dosimetry.tissues.density import HuCurve, density_of_image
from emboplan.dosimetry.tissues.fine_grid import require_fine
from emboplan.dosimetry.tissues.tissue_classes import (
    AIR,
    MATERIALS,
    SOFT,
    Structures,
    classes,
    denoised,
)
from emboplan.errors import GeometryError, MaskError
from emboplan.imaging.resample import mask_occupancy, resample_concentration
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import ConcentrationImage, CtImage
from emboplan.model.mask import Box, Mask
from emboplan.model.tissue import TissueMap
from emboplan.units import PERCENT

# The CT is used this far beyond the dose grid, so that a bone at its edge is still seen as a whole.
MARGIN_MM = 30.0

# Shares of the volume below this are rounding of positions.
NEGLIGIBLE_FRAC = 1e-4


def tissue_map(
    ct: CtImage,
    *,
    liver: Mask | None = None,
    lungs: Mask | None = None,
    vessels: Mask | None = None,
    soft_tissue: Sequence[Mask] = (),
    curve: HuCurve | None = None,
    grid: Grid | None = None,
    catalog: catalogue.Catalog | None = None,
) -> tuple[TissueMap, tuple[Finding, ...]]:
    """Density and material on `grid` (by default the CT's), and what to know about them.

    Masks lie on the CT's grid. A voxel of `liver`, `vessels` or `soft_tissue` is that tissue whatever its CT
    number (the earlier wins), with at most the catalogue's density cap; `lungs` only help to tell lung from
    fat. `curve` is the scanner's calibration, by default the catalogue's curve. On another grid the mass is
    kept, and the part of a voxel beyond the CT is air: see `ct_coverage`.

    `ModelRangeError` for numbers that are not Hounsfield units and voxels that are too large; `GeometryError`
    where grid and CT do not meet. Class limits: ``tissues.ct_class`` in the catalogue, decisions of the
    project.
    """
    numbers = catalog or catalogue.load()
    for mask, what in ((liver, "liver"), (lungs, "lungs"), (vessels, "vessels")):
        if mask is not None:
            ct.grid.require_same(mask.grid, f"CT and {what}")
    for mask in soft_tissue:
        ct.grid.require_same(mask.grid, "CT and soft tissue")
    to = ct.grid if grid is None else grid
    require_fine(to, numbers)
    require_hounsfield(ct, liver, lungs, numbers)
    findings = ct_findings(ct, liver, numbers)
    known = Structures(
        liver=None if liver is None else liver.voxels,
        vessels=None if vessels is None else vessels.voxels,
        soft_tissue=tuple(mask.voxels for mask in soft_tissue),
        lungs=None if lungs is None else lungs.voxels,
    )
    if ct.grid.is_same(to):
        density, found = _native(ct, known, curve, numbers)
        return TissueMap(to, density, found, MATERIALS), tuple(findings)
    coverage = ct_coverage(ct.grid, to)
    findings += _coverage_findings(coverage, liver, to)
    box = _used(ct.grid, to)
    part = CtImage(ct.grid.cropped(box), ct.hu[box])
    density, found = _native(part, known.inside(box), curve, numbers)
    air = np.float32(numbers.number("ct_density.air"))
    carried, _ = resample_concentration(ConcentrationImage(part.grid, density), to)
    filled = carried.counts_per_ml + (1 - coverage) * air
    return TissueMap(
        to, np.maximum(filled, air), _majority(part.grid, found, coverage, to), MATERIALS
    ), tuple(findings)


def ct_coverage(ct: Grid, grid: Grid) -> NDArray[np.float32]:
    """The share (0 to 1) of each voxel of `grid` that lies inside the CT; tissue beyond it is not known."""
    whole = replace(
        ct,
        shape=(1, 1, 1),
        spacing_mm=ct.size_mm,
        origin_mm=tuple(ct.to_mm([(n - 1) / 2 for n in ct.shape[::-1]])),
    )
    return mask_occupancy(Mask(whole, np.ones(whole.shape, np.bool_)), grid)


def with_mean_density(tissue: TissueMap, structures: Sequence[Mask]) -> TissueMap:
    """The same map with one density inside each structure: its mean, so that its mass stays.

    For structures that a case declares uniform. `structures` lie on the map's grid and must not overlap.
    """
    density = np.array(tissue.g_per_ml)
    taken = np.zeros(tissue.grid.shape, np.bool_)
    for mask in structures:
        tissue.grid.require_same(mask.grid, "tissue map and structure")
        if mask.is_empty:
            raise MaskError("a structure of one density is empty on the dose grid; leave it out")
        if (taken & mask.voxels).any():
            raise MaskError("the structures overlap; each voxel may belong to one of them only")
        taken |= mask.voxels
        density[mask.voxels] = density[mask.voxels].mean(dtype=np.float64)
    return TissueMap(tissue.grid, density, tissue.material, tissue.materials)


def _native(
    ct: CtImage, known: Structures, curve: HuCurve | None, numbers: catalogue.Catalog
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Densities and classes on the CT's own voxels."""
    smooth = denoised(ct.hu, ct.grid.spacing_zyx_mm)
    found = classes(ct.hu, smooth, ct.grid, known, numbers)
    density = density_of_image(ct.hu, curve=curve, catalog=numbers)
    soft = np.isin(found, SOFT)
    cap = np.float32(numbers.number("density.soft_tissue_cap"))
    density[soft] = np.minimum(density_of_image(smooth[soft], curve=curve, catalog=numbers), cap)
    return density, found


def _used(ct: Grid, to: Grid) -> Box:
    """The box of CT voxels that the dose grid and a margin need."""
    last = np.array(to.shape[::-1]) - 1 / 2
    corners = [[x, y, z] for x in (-1 / 2, last[0]) for y in (-1 / 2, last[1]) for z in (-1 / 2, last[2])]
    index = ct.to_index(to.to_mm(corners))
    margin = MARGIN_MM / np.array(ct.spacing_mm)
    low = np.clip(np.floor(index.min(axis=0) - margin).astype(int), 0, None)
    high = np.clip(np.ceil(index.max(axis=0) + margin).astype(int) + 1, None, ct.shape[::-1])
    if (high <= low).any():
        raise GeometryError(
            "the dose grid does not meet the CT; check that both are of the same patient frame"
        )
    return slice(low[2], high[2]), slice(low[1], high[1]), slice(low[0], high[0])


def _majority(
    native: Grid, found: NDArray[np.uint8], coverage: NDArray[np.float32], to: Grid
) -> NDArray[np.uint8]:
    """The class that fills most of each voxel; beyond the CT is air, ties go to the first."""
    best = np.full(to.shape, AIR, np.uint8)
    most = np.zeros(to.shape, np.float32)
    for place in range(len(MATERIALS)):
        here = found == place
        share = mask_occupancy(Mask(native, here), to) if here.any() else np.zeros(to.shape, np.float32)
        if place == AIR:
            share = share + (1 - coverage)
        wins = share > most + np.float32(NEGLIGIBLE_FRAC)
        best[wins] = place
        most[wins] = share[wins]
    return best


def _coverage_findings(coverage: NDArray[np.float32], liver: Mask | None, to: Grid) -> list[Finding]:
    found = []
    inside = float(coverage.mean(dtype=np.float64))
    if inside <= 0:
        raise GeometryError(
            "the dose grid does not meet the CT; check that both are of the same patient frame"
        )
    if 1 - inside > NEGLIGIBLE_FRAC:
        text = (
            f"{PERCENT * (1 - inside):.2g} % of the dose grid lies beyond the CT and is taken as air; "
            "activity there has no tissue around it."
        )
        found.append(Finding("tissue.beyond-ct", Severity.WARNING, text))
    if liver is not None:
        share = float(mask_occupancy(liver, to).sum(dtype=np.float64)) * to.voxel_ml / liver.volume_ml
        if 1 - share > NEGLIGIBLE_FRAC:
            text = f"{PERCENT * (1 - share):.2g} % of the liver lies outside the dose grid and gets no dose."
            found.append(Finding("tissue.liver-outside-grid", Severity.WARNING, text))
    return found
