"""The treated volumes of a case: which liver and which lesions each territory holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emboplan.errors import InputError, MaskError
from emboplan.model.anatomy import Anatomy
from emboplan.model.case import Territory
from emboplan.model.mask import LabelMap, Mask

WHOLE_LIVER = "whole liver"


@dataclass(frozen=True, slots=True, eq=False)
class TreatedVolume:
    """One territory: its liver, its lesions by their labels, and its normal liver, on the CT's grid.

    `viable` is the part of its lesions that takes up contrast; None where it was not told apart.
    """

    territory: Territory
    perfused: Mask
    lesions: LabelMap
    viable: Mask | None = None

    @property
    def name(self) -> str:
        """The territory's name."""
        return self.territory.name

    @property
    def labels(self) -> tuple[int, ...]:
        """The lesions inside."""
        return self.lesions.numbers

    @property
    def tumour(self) -> Mask:
        """All lesions inside as one mask."""
        return self.lesions.union

    @property
    def normal(self) -> Mask:
        """Treated liver that is no lesion; a lesion that the territory leaves out is no normal liver."""
        return self.perfused - self.tumour


def treated_volumes(
    territories: Sequence[Territory], masks: Sequence[Mask | None], anatomy: Anatomy
) -> tuple[TreatedVolume, ...]:
    """The territories of a case with their masks (None for the whole liver); without any, the whole liver.

    Raises:
        InputError: two territories have one name.
        MaskError: a territory lies outside the liver, overlaps another, or names a lesion that it does not
        hold.
    """
    names = [territory.name for territory in territories]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f'territory "{name}" is there twice; give each a name of its own')
    pairs = list(zip(territories, masks, strict=True)) or [(Territory(name=WHOLE_LIVER), None)]
    volumes = tuple(_treated_volume(territory, mask, anatomy) for territory, mask in pairs)
    taken = np.zeros(anatomy.grid.shape, dtype=np.bool_)
    for volume in volumes:
        shared = int(np.count_nonzero(taken & volume.perfused.voxels))
        if shared:
            raise MaskError(
                f'territory "{volume.name}" overlaps another by {shared * anatomy.grid.voxel_ml:.1f} mL; '
                "give territories that do not overlap"
            )
        taken |= volume.perfused.voxels
    return volumes


def numbered(masks: Sequence[Mask]) -> LabelMap:
    """Masks that do not overlap, one or more on one grid, as a label map from 1 on in their order."""
    labels = np.zeros(masks[0].grid.shape, np.uint16)
    for number, mask in enumerate(masks, start=1):
        labels[mask.voxels] = number
    return LabelMap(masks[0].grid, labels)


def _treated_volume(territory: Territory, mask: Mask | None, anatomy: Anatomy) -> TreatedVolume:
    grid = anatomy.grid
    perfused = anatomy.liver
    if mask is not None:
        perfused = mask & anatomy.liver
        if perfused.is_empty:
            raise MaskError(
                f'the mask of territory "{territory.name}" lies outside the liver; check the mask'
            )
    inside = np.where(perfused.voxels, anatomy.lesions.labels, 0).astype(np.uint16)
    if territory.tumour_labels is not None:
        present = LabelMap(grid, inside).numbers
        unknown = sorted(set(territory.tumour_labels) - set(present))
        if unknown:
            listed = ", ".join(map(str, present)) or "none"
            raise MaskError(
                f'territory "{territory.name}" holds no lesion {unknown[0]}; lesions inside it: {listed}'
            )
        left_out = ~np.isin(inside, territory.tumour_labels) & (inside > 0)
        perfused = Mask(grid, perfused.voxels & ~left_out)
        inside = np.where(left_out, 0, inside).astype(np.uint16)
    lesions = LabelMap(grid, inside)
    viable = None if anatomy.viable is None else anatomy.viable & lesions.union
    return TreatedVolume(territory, perfused, lesions, viable)
