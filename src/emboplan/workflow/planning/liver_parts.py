"""The parts of the liver that a case names: a mask, one side of a plane, segments, or where the counts are.

All end as masks on the CT's grid. Segments come from a label map of Couinaud's numbers, whoever drew it; what
of the liver it leaves bare goes to the nearest segment, and is said. A threshold is on the scan's
concentration, between voxels linear, as a share of its maximum in the liver; cold tumour inside what is
perfused belongs to it, so that holes are filled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.errors import InputError, MaskError
from emboplan.files import nifti, nrrd
from emboplan.imaging.moved import signal_resampled
from emboplan.imaging.resample import mask_occupancy
from emboplan.imaging.transform import Transform
from emboplan.model.anatomy import Anatomy
from emboplan.model.case import CuttingPlane, ImageSources, Territory
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import CountImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.units import PERCENT

SEGMENTS = 8
WHOLE_VOXEL = 1 / 2  # share of a voxel from which it counts as liver, as a mask has it

# Two programs draw the surface of a liver a voxel apart; a larger share that no segment covers says that the
# map was cut, or belongs to another image.
NOTABLE_BARE_FRAC = 0.1

# Names of single masks in a folder, as segmentation programs write them.
SEGMENT_FILE = "liver_segment_{}"


def part_masks(
    territories: Sequence[Territory],
    given: Sequence[Mask | None],
    anatomy: Anatomy,
    scan: CountImage | None,
    segments: LabelMap | None,
) -> tuple[tuple[Mask | None, ...], tuple[Finding, ...]]:
    """A mask for each territory, None for the whole liver; `given` are those that came as masks.

    `scan` is a SPECT that may be used on the CT, None where there is none.

    Raises:
        MaskError: a part holds nothing of the liver.
        InputError: a threshold without a scan, segments without their map.
    """
    found: list[Mask | None] = []
    findings: list[Finding] = []
    said_of_map = False
    for territory, mask in zip(territories, given, strict=True):
        part = mask
        if territory.plane is not None:
            part = beyond_plane(anatomy.liver, territory.plane)
        elif territory.segments:
            part, said = _of_segments(territory, segments, anatomy.liver)
            findings += () if said_of_map else said
            said_of_map = True
        elif territory.maa_threshold_frac is not None:
            part, said = _above_threshold(territory.name, territory.maa_threshold_frac, scan, anatomy)
            findings += said
        if part is not None and part is not mask and part.is_empty:
            raise MaskError(f'territory "{territory.name}" holds nothing of the liver; check what draws it')
        found.append(part)
    return tuple(found), tuple(findings)


def beyond_plane(liver: Mask, plane: CuttingPlane) -> Mask:
    """The voxels of the liver whose middles lie on the side to which the plane's normal points."""
    box = liver.box()
    grid = liver.grid.cropped(box)
    axes = [np.arange(n, dtype=np.float64) for n in grid.shape]
    # The distance from the plane is linear in the index along each axis.
    step = np.array(plane.normal) @ grid.axes * np.array(grid.spacing_mm)
    start = float(np.array(plane.normal) @ (np.array(grid.origin_mm) - np.array(plane.point_mm)))
    distance = (
        start
        + step[2] * axes[0][:, None, None]
        + step[1] * axes[1][None, :, None]
        + step[0] * axes[2][None, None, :]
    )
    voxels = np.zeros(liver.grid.shape, np.bool_)
    voxels[box] = liver.voxels[box] & (distance >= 0)
    return Mask(liver.grid, voxels)


def load_segments(path: Path, grid: Grid) -> LabelMap:
    """Couinaud's segments on the CT's grid: a label map of 1 to 8, or a folder with a mask for each.

    The files of a folder are named ``liver_segment_1.nii.gz`` and so on, as TotalSegmentator's task
    ``liver_segments`` names them; its label map has the same numbers.

    Raises:
        InputError: no such file, or labels that are no segments.
        GeometryError: it lies on another grid.
    """
    if path.is_dir():
        return _from_folder(path, grid)
    is_nrrd = path.name.lower().endswith(nrrd.SUFFIXES)
    labels = nrrd.read_labels(path, grid) if is_nrrd else nifti.read_labels(path, grid)
    _require_segments(path, labels.numbers)
    return labels


def _from_folder(path: Path, grid: Grid) -> LabelMap:
    labels = np.zeros(grid.shape, np.uint16)
    for number in range(1, SEGMENTS + 1):
        for suffix in nifti.SUFFIXES:
            file = path / f"{SEGMENT_FILE.format(number)}{suffix}"
            if file.is_file():
                labels[nifti.read_labels(file, grid).labels > 0] = number
    found = LabelMap(grid, labels)
    if not found.numbers:
        raise InputError(
            f"{path.name} holds no mask of a segment; expected files named "
            f"{SEGMENT_FILE.format(1)}.nii.gz to {SEGMENT_FILE.format(SEGMENTS)}.nii.gz, or give a label map"
        )
    return found


def _require_segments(path: Path, numbers: Sequence[int]) -> None:
    strange = [number for number in numbers if number > SEGMENTS]
    if strange or not numbers:
        held = ", ".join(map(str, numbers[: SEGMENTS + 1])) or "none"
        raise InputError(
            f"{path.name} holds the labels {held}; expected Couinaud's segments, numbered 1 to {SEGMENTS}"
        )


def _of_segments(
    territory: Territory, segments: LabelMap | None, liver: Mask
) -> tuple[Mask, tuple[Finding, ...]]:
    if segments is None:
        raise InputError(
            f'territory "{territory.name}" is made of segments, and no map of them was given; '
            "give segments under [images]"
        )
    missing = sorted(set(territory.segments) - set(segments.numbers))
    if missing:
        held = ", ".join(map(str, segments.numbers))
        raise MaskError(
            f'territory "{territory.name}" names segment {missing[0]}, which the map lacks; it holds {held}'
        )
    numbers = _nearest(segments.labels, liver)
    part = Mask(liver.grid, liver.voxels & np.isin(numbers, territory.segments))
    return part, tuple(_about_map(segments, liver))


def _nearest(labels: NDArray[np.uint16], liver: Mask) -> NDArray[np.uint16]:
    """The segment of each voxel of the liver: its own, or that of the nearest voxel which has one."""
    box = liver.box(margin=1)
    inside = labels[box]
    if not inside.any():
        raise MaskError("the map of segments does not touch the liver; check that both are of one CT")
    spacing = liver.grid.spacing_zyx_mm
    place = ndimage.distance_transform_edt(
        inside == 0, sampling=spacing, return_distances=False, return_indices=True
    )
    filled = np.zeros_like(labels)
    filled[box] = inside[tuple(place)]
    return filled


def _about_map(segments: LabelMap, liver: Mask) -> Iterator[Finding]:
    bare = int(np.count_nonzero(liver.voxels & (segments.labels == 0))) / liver.voxel_count
    if bare > 0:
        weight = Severity.WARNING if bare > NOTABLE_BARE_FRAC else Severity.INFO
        text = (
            f"{bare * PERCENT:.2g} % of the liver lies in no segment of the map and was counted to the "
            "nearest one."
        )
        yield Finding("segments-bare", weight, text)


def _above_threshold(
    name: str, share: float, scan: CountImage | None, anatomy: Anatomy
) -> tuple[Mask, tuple[Finding, ...]]:
    if scan is None:
        raise InputError(
            f'territory "{name}" is drawn by a threshold on the SPECT, and there is none that lies on '
            'the CT; register it (register = "rigid" under [images]), or give a mask'
        )
    liver = anatomy.liver
    inside = mask_occupancy(liver, scan.grid) >= WHOLE_VOXEL
    values = scan.concentration().counts_per_ml
    highest = float(values[inside].max(initial=0.0))
    if highest <= 0:
        raise MaskError("the SPECT shows no counts in the liver; no territory can be drawn on it")
    box = liver.box(margin=1)
    grid = liver.grid.cropped(box)
    read = signal_resampled(values, scan.grid, Transform.identity(), grid)
    hot = (read >= share * highest) & liver.voxels[box]
    voxels = np.zeros(liver.grid.shape, np.bool_)
    voxels[box] = ndimage.binary_fill_holes(hot) & liver.voxels[box]
    part = Mask(liver.grid, voxels)
    _, pieces = ndimage.label(voxels[box])
    of_liver = part.volume_ml / liver.volume_ml
    text = (
        f"{name}: drawn where the SPECT reaches {share * PERCENT:.3g} % of its maximum in the liver: "
        f"{part.volume_ml:.0f} mL, {of_liver * PERCENT:.0f} % of the liver, in {pieces} "
        f"piece{'' if pieces == 1 else 's'}. The threshold decides the volume; look at the picture."
    )
    return part, (Finding("territory-threshold", Severity.WARNING, text),)


def segments_of(territories: Sequence[Territory], images: ImageSources, grid: Grid) -> LabelMap | None:
    """The map of segments of a case; None where no territory needs it."""
    if images.segments is None or not any(territory.segments for territory in territories):
        return None
    return load_segments(images.segments, grid)
