"""Corrections applied to a liver and its lesions: points, boxes and masks, taken in or left out.

The liver is corrected first, then the lesions; of each, what is taken in comes before what is left out, so
that the order of giving them decides nothing between these four. Lesions keep their numbers, new ones get the
next. Lesions stay inside the liver: what is left out of it goes with them. Every correction becomes a finding
and a record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.errors import InputError, MaskError
from emboplan.model.correction import Box, Correction, CorrectionRecord, Part, Point
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import CtImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.segmentation.correction_places import digest_of, place_of, reach_mm, require_inside, voxels_in
from emboplan.segmentation.lesion_points import grown_lesion, lesion_at
from emboplan.segmentation.liver_points import piece_to_add, piece_to_remove
from emboplan.segmentation.point_pieces import Around, around
from emboplan.segmentation.working import Bools, Floats

# So many voxels of normal liver are enough for its level; more only take time.
LEVEL_VOXELS = 200_000


@dataclass(frozen=True, slots=True)
class ImageWords:
    """What messages call an image, and the unit of its numbers."""

    image: str
    unit: str


WORDS_OF_CT = ImageWords("CT", "HU")


@dataclass(frozen=True, slots=True, eq=False)
class Corrected:
    """Liver and lesions after the corrections, what was done as findings, and as records to repeat it."""

    liver: Mask
    lesions: LabelMap
    findings: tuple[Finding, ...]
    records: tuple[CorrectionRecord, ...]


def correct(
    ct: CtImage,
    liver: Mask,
    lesions: LabelMap,
    corrections: Sequence[Correction],
    words: ImageWords = WORDS_OF_CT,
) -> Corrected:
    """Liver and lesions on `ct` with the corrections applied.

    A point of the liver changes what belongs to it within 30 mm, one of a lesion within 50 mm, or within the
    point's own radius. Boxes and masks are taken as they are; of lesions that are taken in, the part that
    lies in the liver. `words` name an image of another kind whose numbers were made to be like those of a CT.

    Raises:
        InputError: a position outside the image, a point at which nothing can be taken in or left out.
        GeometryError: a mask lies on another grid.
        MaskError: no liver is left.
    """
    for name, given in (("liver", liver), ("lesions", lesions)):
        ct.grid.require_same(given.grid, f"{words.image} and {name}")
    require_inside(ct.grid, corrections, words.image)
    work = _Work(ct, liver.voxels.copy(), lesions.labels.copy(), words)
    for correction in sorted(corrections, key=_rank):
        work.apply(correction)
    if not work.liver.any():
        raise MaskError("the corrections leave no liver; leave out less")
    return Corrected(
        Mask(ct.grid, work.liver),
        LabelMap(ct.grid, work.labels),
        tuple(work.findings),
        tuple(work.records),
    )


def _rank(correction: Correction) -> tuple[bool, bool]:
    return (correction.part is Part.TUMOUR, not correction.include)


class _Work:
    """The arrays that corrections change one after the other, and what is said about it."""

    def __init__(self, ct: CtImage, liver: Bools, labels: NDArray[np.uint16], words: ImageWords) -> None:
        self.ct, self.liver, self.labels, self.words = ct, liver, labels, words
        self.findings: list[Finding] = []
        self.records: list[CorrectionRecord] = []
        self.scene: Around | None = None

    def apply(self, correction: Correction) -> None:
        """One correction, with its finding and its record."""
        liver, lesions = int(np.count_nonzero(self.liver)), int(np.count_nonzero(self.labels))
        self.scene = None
        step = {
            (Part.LIVER, True): self._add_liver,
            (Part.LIVER, False): self._remove_liver,
            (Part.TUMOUR, True): self._add_lesions,
            (Part.TUMOUR, False): self._remove_lesions,
        }[correction.part, correction.include]
        changed, said = step(correction)
        counts = (int(np.count_nonzero(self.liver)) - liver, int(np.count_nonzero(self.labels)) - lesions)
        ml = counts[correction.part is Part.TUMOUR] * self.ct.grid.voxel_ml
        self._say(correction, abs(ml), said)
        self._warn(correction, changed)
        lost_ml = -counts[1] * self.ct.grid.voxel_ml
        if correction.part is Part.LIVER and lost_ml > 0:
            text = (
                f"{lost_ml:.1f} mL of lesions lay in the liver that was left out at {place_of(correction)}, "
                "and went with it."
            )
            self.findings.append(Finding("segmentation.lesions-left-out", Severity.WARNING, text))
        self.records.append(
            CorrectionRecord(
                option=correction.option,
                value=correction.text,
                added_ml=max(0.0, ml),
                removed_ml=max(0.0, -ml),
                sha256=digest_of(correction.shape),
            )
        )

    def _say(self, correction: Correction, ml: float, said: str) -> None:
        verb = "Added" if correction.include else "Removed"
        what = "of liver" if correction.part is Part.LIVER else f"of lesions{said}"
        text = f"{verb} {ml:.1f} mL {what} at {place_of(correction)}."
        self.findings.append(Finding("segmentation.corrected", Severity.INFO, text))

    def _warn(self, correction: Correction, changed: Bools) -> None:
        """A point that changed nothing, or was stopped by its reach."""
        if not changed.any():
            text = f"The correction at {place_of(correction)} changed nothing."
            self.findings.append(Finding("segmentation.correction-without-effect", Severity.WARNING, text))
            return
        point = correction.shape
        if not isinstance(point, Point) or point.radius_mm is not None:
            return
        if self.scene is not None and self.scene.stopped(changed[self.scene.box]):
            reach = self.scene.reach_mm
            text = (
                f"The correction at {place_of(correction)} was stopped {reach:.0f} mm from its point; look "
                "at its border, and give another point, a radius, a box or a mask."
            )
            self.findings.append(Finding("segmentation.correction-at-reach", Severity.WARNING, text))

    def _scene(self, correction: Correction, point: Point) -> Around:
        self.scene = around(self.ct, point.centre_mm, reach_mm(correction.part, point), self.words.unit)
        return self.scene

    def _given(self, correction: Correction) -> Bools:
        """The voxels of a box or a mask."""
        shape = correction.shape
        if isinstance(shape, Box):
            return voxels_in(self.ct.grid, shape)
        if isinstance(shape, Point):
            raise TypeError("a point has no voxels of its own")
        self.ct.grid.require_same(shape.grid, f"{self.words.image} and {correction.text}")
        return shape.voxels if isinstance(shape, Mask) else shape.labels > 0

    def _usual_hu(self) -> Floats:
        """CT numbers of normal liver, an even sample of it."""
        values = self.ct.hu[self.liver & (self.labels == 0)]
        if not values.size:
            values = self.ct.hu[self.liver]
        step = max(1, values.size // LEVEL_VOXELS)
        return np.asarray(values[::step], np.float32)

    def _add_liver(self, correction: Correction) -> tuple[Bools, str]:
        changed = np.zeros_like(self.liver)
        point = correction.shape
        if not isinstance(point, Point):
            changed = self._given(correction) & ~self.liver
        elif not self._holds(self.liver, point):
            scene = self._scene(correction, point)
            changed[scene.box] = piece_to_add(scene, self.liver[scene.box], place_of(correction))
        apart = changed.any() and not (ndimage.binary_dilation(changed) & self.liver).any()
        self.liver |= changed
        if apart:
            text = f"What was added at {place_of(correction)} does not touch the liver."
            self.findings.append(Finding("segmentation.correction-apart", Severity.WARNING, text))
        return changed, ""

    def _remove_liver(self, correction: Correction) -> tuple[Bools, str]:
        changed = np.zeros_like(self.liver)
        point = correction.shape
        if isinstance(point, Point):
            scene = self._scene(correction, point)
            changed[scene.box] = piece_to_remove(
                scene,
                self.liver[scene.box],
                self._usual_hu(),
                place_of(correction),
                bounded=point.radius_mm is not None,
            )
        else:
            changed = self._given(correction) & self.liver
        self.liver &= ~changed
        self.labels[changed] = 0
        return changed, ""

    def _add_lesions(self, correction: Correction) -> tuple[Bools, str]:
        before = self.labels > 0
        point = correction.shape
        if isinstance(point, Point):
            if self._holds(before, point):
                return np.zeros_like(before), ""
            scene = self._scene(correction, point)
            normal = (self.liver & ~before)[scene.box]
            found = grown_lesion(scene, normal, self.liver[scene.box], self._usual_hu(), place_of(correction))
            parts = np.zeros(self.labels.shape, np.uint16)
            parts[scene.box] = found
        else:
            given = self._given(correction)
            if not (given & self.liver).any():
                raise InputError(
                    f"the lesion {place_of(correction)} lies outside the liver; take the liver in "
                    "there first, with --include"
                )
            parts = self._numbered(correction, given & self.liver & ~before)
        taken = int(self.labels.max())
        new = parts > 0
        self.labels[new] = parts[new] + np.uint16(taken)
        numbers = [int(n) for n in np.unique(self.labels[new])]
        return new, f" (lesion {', '.join(map(str, numbers))})" if numbers else ""

    def _numbered(self, correction: Correction, inside: Bools) -> NDArray[np.uint16]:
        """A box or one mask as one lesion for each connected part, a label map by its own numbers."""
        shape = correction.shape
        if isinstance(shape, LabelMap) and len(shape.numbers) > 1:
            numbers = np.zeros(int(shape.labels.max()) + 1, np.uint16)
            present = np.unique(shape.labels[inside])
            numbers[present] = np.arange(1, present.size + 1)
            return np.where(inside, numbers[shape.labels], np.uint16(0))
        labels, _ = ndimage.label(inside, structure=np.ones((3, 3, 3)))
        return np.asarray(labels, np.uint16)

    def _remove_lesions(self, correction: Correction) -> tuple[Bools, str]:
        changed = np.zeros_like(self.liver)
        point = correction.shape
        if isinstance(point, Point):
            scene = self._scene(correction, point)
            labels = self.labels[scene.box]
            number = lesion_at(scene, labels)
            if number is None:
                raise InputError(
                    f"no lesion lies at the point {place_of(correction)}, so that none can be left out"
                )
            changed = self.labels == number
            if point.radius_mm is not None:
                near = np.zeros_like(changed)
                near[scene.box] = scene.near
                changed &= near
            self.scene = None  # a lesion goes as a whole, however far it reaches
        else:
            changed = self._given(correction) & (self.labels > 0)
        numbers = [int(n) for n in np.unique(self.labels[changed])]
        self.labels[changed] = 0
        return changed, f" (lesion {', '.join(map(str, numbers))})" if numbers else ""

    def _holds(self, region: Bools, point: Point) -> bool:
        x, y, z = (round(float(v)) for v in self.ct.grid.to_index(point.centre_mm))
        nz, ny, nx = region.shape
        return bool(region[min(max(z, 0), nz - 1), min(max(y, 0), ny - 1), min(max(x, 0), nx - 1)])
