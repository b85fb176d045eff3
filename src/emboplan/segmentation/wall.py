"""The body wall: skin, fat, muscles and ribs around the cavity that holds the organs.

The muscles of the wall touch the liver and can be as bright as it is. How thick the wall is shows wherever
something else lies against it: lung, fat, or a rib within. The wall is followed inwards along rays from the
skin to the body's middle, and where its inner side does not show, its thickness is that of its surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.segmentation.working import Bools, Floats, WorkingImage

# Rays: so many around the body, in slices this far apart, sampled at these steps from the skin inwards.
ANGLES = 144
SLICE_MM = 4.0
STEP_MM = 1.0
DEEPEST_MM = 130.0

# Skin is thinner than this. Muscle begins where most of the next millimetres are no fat.
SKIN_MM = 4.0
RUN_MM = 4
FAT_BELOW_HU = -30.0
MOST = 0.75

# The inner side of the wall shows as fat or lung of at least this depth (thinner fat lies between muscles),
# no deeper below the outer side than this, at the back and elsewhere. In front, fat that lies as deep as at
# the back lies behind the thin edge of the liver: the liver would count as wall.
INNER_RUN_MM = 6
THICKEST_BEHIND_MM = 45.0
THICKEST_MM = 25.0

# A rib is a run of bone of at most this length along the ray; cortical bone and marrow both lie above this.
# Only the muscles of the back cover ribs by more than some centimetres; elsewhere what is as bright and
# deeper is an enhanced vessel. Behind a rib lies a thin sheet of muscle and the pleura.
BONE_HU = 170.0
RIB_MM = 28
RIB_DEPTH_MM = 30.0
RIB_DEPTH_BEHIND_MM = 80.0
BEHIND = 0.5  # sine of the angle from which on a ray runs to the back
BEHIND_RIB_MM = 1.5

# The outer side is smooth: a ray that finds none (between the two straight muscles there is hardly any) takes
# that of its neighbours.
OUTER_SLICES, OUTER_ANGLES = 3, 15

# A liver may lie so much farther out than the inner side that was found.
MARGIN_MM = 1.0

# Thickness is the lower part of what is seen around: what is thicker than its surroundings is an organ that
# lies against the wall.
AROUND_MM = 16.0
AROUND_ANGLES = 6
LOW_PERCENT = 25.0
LEAST_SEEN = 4
SMOOTH_MM, SMOOTH_ANGLES = 6.0, 2.0

Map = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Rays:
    """Tissue along rays from the skin inwards, ``values[slice, angle, depth]``, and the skin's radius."""

    levels: NDArray[np.intp]
    centre_mm: Map
    skin_mm: Map
    values: Floats


def body_wall(work: WorkingImage, tissue: Floats, body: Bools) -> Bools:
    """The wall on the working grid, all that lies outside its inner side included."""
    rays = _rays(work, tissue, body)
    outer = _outer_side(rays.values)
    inner_mm = outer + _filled(_seen_thickness(rays.values, outer))
    return _outside(work, rays, rays.skin_mm - inner_mm + MARGIN_MM)


def _rays(work: WorkingImage, tissue: Floats, body: Bools) -> _Rays:
    dz, dy, dx = work.spacing_zyx_mm
    step = max(1, round(SLICE_MM / dz))
    levels = np.arange(0, body.shape[0], step)
    angles = np.arange(ANGLES) * 2 * np.pi / ANGLES
    depth = np.arange(0, DEEPEST_MM, STEP_MM)
    rows, columns = np.arange(body.shape[1]) * dy, np.arange(body.shape[2]) * dx
    longest = np.hypot(rows[-1], columns[-1])
    radii = np.arange(0, longest, STEP_MM)
    centres, skins, values = [], [], []
    for z in levels:
        plane = body[z]
        if not plane.any():
            centre = np.array([rows.mean(), columns.mean()])
        else:
            centre = np.array(
                [np.average(rows, weights=plane.sum(axis=1)), np.average(columns, weights=plane.sum(axis=0))]
            )
        toward = np.stack([np.sin(angles), np.cos(angles)])
        at = [(centre[i] + toward[i][:, None] * radii) / (dy, dx)[i] for i in (0, 1)]
        inside = ndimage.map_coordinates(plane.astype(np.float32), at, order=1) > 1 / 2
        last = inside.shape[1] - 1 - np.argmax(inside[:, ::-1], axis=1)
        skin = np.where(inside.any(axis=1), radii[last], 0.0)
        r = np.maximum(skin[:, None] - depth, 0.0)
        at = [(centre[i] + toward[i][:, None] * r) / (dy, dx)[i] for i in (0, 1)]
        values.append(ndimage.map_coordinates(tissue[z], at, order=1))
        centres.append(centre)
        skins.append(skin)
    return _Rays(levels, np.array(centres), np.array(skins), np.asarray(values, np.float32))


def _share_ahead(mark: Bools, steps: int) -> Floats:
    """The share of the next `steps` samples that are marked."""
    total = np.cumsum(np.pad(mark, ((0, 0), (0, 0), (1, steps))), axis=2, dtype=np.float32)
    return (total[..., steps:] - total[..., :-steps])[..., : mark.shape[2]] / np.float32(steps)


def _first(mark: Bools) -> Map:
    """The first marked depth (mm) along each ray; NaN where there is none."""
    return np.where(mark.any(axis=2), np.argmax(mark, axis=2) * STEP_MM, np.nan)


def _outer_side(values: Floats) -> Map:
    """The depth at which muscle or rib begins below skin and fat; that of the skin where none does."""
    depth = np.arange(values.shape[2]) * STEP_MM
    begins = (_share_ahead(values > FAT_BELOW_HU, RUN_MM) >= MOST) & (depth >= SKIN_MM)
    begins &= values > FAT_BELOW_HU
    found = _first(begins)
    found = np.where(np.isnan(found), SKIN_MM, found)
    around = np.pad(found, ((0, 0), (OUTER_ANGLES, OUTER_ANGLES)), mode="wrap")
    smooth = ndimage.median_filter(around, (OUTER_SLICES, OUTER_ANGLES), mode="nearest")
    return np.asarray(smooth[:, OUTER_ANGLES:-OUTER_ANGLES], np.float64)


def _seen_thickness(values: Floats, outer: Map) -> Map:
    """Thickness (mm) of the wall on each ray where its inner side shows, else NaN."""
    depth = np.arange(values.shape[2]) * STEP_MM
    below = depth - outer[..., None]
    empty = values < FAT_BELOW_HU
    behind = np.sin(np.arange(ANGLES) * 2 * np.pi / ANGLES) > BEHIND
    leaves = empty & (_share_ahead(empty, INNER_RUN_MM) >= MOST) & (below > 0)
    free = _first(leaves) - outer
    free[~(free <= np.where(behind, THICKEST_BEHIND_MM, THICKEST_MM))] = np.nan
    bone = (values > BONE_HU) & (below >= 0)
    enters = _first(bone)
    beyond = ~bone & (depth > np.nan_to_num(enters, nan=np.inf)[..., None])
    # Bone of a rib ends where the next two samples are none: marrow may lie below the threshold in between.
    ends = beyond & (_share_ahead(beyond, 2) == 1)
    leaves_bone = _first(ends)
    deepest = np.where(behind, RIB_DEPTH_BEHIND_MM, RIB_DEPTH_MM)
    rib = (leaves_bone - enters <= RIB_MM) & (enters - outer <= deepest)
    return np.where(rib, leaves_bone - outer + BEHIND_RIB_MM, free)


def _filled(seen: Map) -> Map:
    """The thickness on every ray: the lower part of what is seen around it, smoothed; 0 where nothing is."""
    reach = max(1, round(AROUND_MM / SLICE_MM))
    padded = np.pad(seen, ((reach, reach), (0, 0)), constant_values=np.nan)
    around = []
    for dz in range(2 * reach + 1):
        part = padded[dz : dz + seen.shape[0]]
        around += [np.roll(part, shift, axis=1) for shift in range(-AROUND_ANGLES, AROUND_ANGLES + 1, 2)]
    stack = np.sort(np.stack(around), axis=0)  # what is not seen sorts last
    count = np.count_nonzero(~np.isnan(stack), axis=0)
    rank = np.clip((count * LOW_PERCENT / 100).astype(np.intp), 0, None)
    low = np.take_along_axis(stack, rank[None], axis=0)[0]
    known = count >= LEAST_SEEN
    weight = ndimage.gaussian_filter(
        known.astype(np.float64), (SMOOTH_MM / SLICE_MM, SMOOTH_ANGLES), mode=("nearest", "wrap")
    )
    total = ndimage.gaussian_filter(
        np.where(known, low, 0.0), (SMOOTH_MM / SLICE_MM, SMOOTH_ANGLES), mode=("nearest", "wrap")
    )
    return np.where(weight > 1e-2, total / np.maximum(weight, 1e-2), 0.0)


def _outside(work: WorkingImage, rays: _Rays, radius_mm: Map) -> Bools:
    """What lies farther from the body's middle than `radius_mm`, given by slice and angle."""
    _, dy, dx = work.spacing_zyx_mm
    nz, ny, nx = work.hu.shape
    out = np.zeros((nz, ny, nx), np.bool_)
    rows, columns = np.arange(ny)[:, None] * dy, np.arange(nx)[None] * dx
    wrapped = np.concatenate([radius_mm, radius_mm[:, :1]], axis=1)
    at = np.interp(np.arange(nz), rays.levels, np.arange(len(rays.levels)))
    for z in range(nz):
        low = int(at[z])
        high, share = min(low + 1, len(rays.levels) - 1), at[z] - low
        ring = (1 - share) * wrapped[low] + share * wrapped[high]
        cy, cx = (1 - share) * rays.centre_mm[low] + share * rays.centre_mm[high]
        angle = np.mod(np.arctan2(rows - cy, columns - cx), 2 * np.pi) * ANGLES / (2 * np.pi)
        first = np.minimum(angle.astype(np.intp), ANGLES - 1)
        limit = ring[first] + (angle - first) * (ring[first + 1] - ring[first])
        out[z] = np.hypot(rows - cy, columns - cx) > limit
    return out
