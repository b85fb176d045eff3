"""Two image files registered: read, laid on each other, and the moving image on the fixed one's voxels.

A scan of activity needs the liver on the fixed image; where no mask is given the built-in segmentation draws
it on a CT, and a finding says so. The moving image is carried over only where the result is accepted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emboplan.catalog.load import Catalog, load
from emboplan.errors import InputError
from emboplan.imaging.moved import resampled, signal_resampled
from emboplan.imaging.transform import Transform
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import CountImage, CtImage, MrImage
from emboplan.model.mask import Mask
from emboplan.model.plan import InputDigest
from emboplan.model.serialise import to_jsonable
from emboplan.segmentation.builtin import segment_ct
from emboplan.units import PERCENT
from emboplan.workflow.inputs import load_mask, mask_file, parse_mask_source
from emboplan.workflow.provenance import digest
from emboplan.workflow.registering.accepted import Registered, register
from emboplan.workflow.registering.image_files import (
    FIXED_KINDS,
    ImageKind,
    LoadedPicture,
    Picture,
    load_picture,
)

Progress = Callable[[str, float], None]

# Counts that leave the fixed image's view with the moving image's edge: above this share they are named.
NOTABLE_LOST_FRAC = 0.01


@dataclass(frozen=True, slots=True)
class PairRequest:
    """What is asked beside the two paths.

    `kind` is ``rigid``, ``affine`` or ``b-spline``. `liver` is a mask on the fixed image, as ``FILE`` or
    ``FILE#LABEL``. `fixed_is` and `moving_is` say what volume files show. `resolution_fwhm_mm` is that of a
    scan.
    """

    kind: str = "rigid"
    liver: str | None = None
    accept_shift_mm: float | None = None
    fixed_is: ImageKind | None = None
    moving_is: ImageKind | None = None
    fixed_series: str | None = None
    moving_series: str | None = None
    resolution_fwhm_mm: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RegisteredPair:
    """The registration of two images, and the moving one on the fixed grid; None unless it is accepted."""

    result: Registered
    fixed: LoadedPicture
    moving: LoadedPicture
    liver: Mask | None
    moved: NDArray[np.float32] | NDArray[np.int16] | None
    inputs: tuple[InputDigest, ...]
    findings: tuple[Finding, ...]

    @property
    def accepted(self) -> bool:
        """Whether the result may be used."""
        return self.result.accepted

    @property
    def transform(self) -> Transform:
        """From points of the fixed image to the moving one, accepted or not: for the picture."""
        return self.result.registration.transform

    def to_json(self) -> dict[str, Any]:
        """The fields of registration.json."""
        said = (*self.fixed.findings, *self.moving.findings, *self.findings, *self.result.findings)
        return {
            "inputs": to_jsonable(self.inputs),
            "fixed": self.fixed.kind.value,
            "moving": self.moving.kind.value,
            "moved_unit": self.moving.kind.unit if self.accepted else None,
            **self.result.to_json(),
            "findings": to_jsonable(tuple(dict.fromkeys(said))),
        }


def register_files(
    fixed: Path,
    moving: Path,
    request: PairRequest | None = None,
    *,
    catalog: Catalog | None = None,
    progress: Progress | None = None,
) -> RegisteredPair:
    """Where the tissue of the image at `fixed` lies in the one at `moving`.

    Raises:
        InputError: an image or the mask cannot be used, or nothing can be registered.
    """
    wish = request or PairRequest()
    say = progress or (lambda _stage, _done: None)
    say("reading images", 0.0)
    still = load_picture(
        fixed, FIXED_KINDS, told=wish.fixed_is, series_uid=wish.fixed_series, progress=progress
    )
    other = load_picture(
        moving,
        told=wish.moving_is,
        series_uid=wish.moving_series,
        resolution_fwhm_mm=wish.resolution_fwhm_mm,
        progress=progress,
    )
    say("finding the liver", 0.2)
    liver, said = _liver(still, other, wish.liver, lambda stage, done: say(stage, 0.2 + 0.3 * done))
    _require_resolution(other, wish.resolution_fwhm_mm)
    say("registering", 0.5)
    if not isinstance(still.image, CtImage | MrImage):  # the kinds were asked for; said for the type checker
        raise InputError("the fixed image shows activity; give the CT or MR first")
    result = register(
        still.image,
        other.image,
        kind=wish.kind,
        liver=liver,
        resolution_fwhm_mm=wish.resolution_fwhm_mm,
        accept_shift_mm=wish.accept_shift_mm,
        catalog=catalog or load(),
    )
    moved: NDArray[np.float32] | NDArray[np.int16] | None = None
    lost: tuple[Finding, ...] = ()
    if result.accepted:
        say("carrying the image over", 0.85)
        moved, lost = _moved(other.image, result.transform, still.grid)
    inputs = [digest("fixed", fixed.name, still.files), digest("moving", moving.name, other.files)]
    if wish.liver is not None:
        source = parse_mask_source(wish.liver)
        inputs.append(digest("liver", str(source), [mask_file(source.path)]))
    return RegisteredPair(result, still, other, liver, moved, tuple(inputs), (*said, *lost))


def _liver(
    fixed: LoadedPicture, moving: LoadedPicture, given: str | None, progress: Progress
) -> tuple[Mask | None, tuple[Finding, ...]]:
    """The liver on the fixed image: as given, drawn where a scan needs it, else none."""
    if given is not None:
        return load_mask(parse_mask_source(given), fixed.grid), ()
    if not moving.kind.is_scan:
        text = "No liver was given: the whole image decides. The liver moves against spine and ribs."
        return None, (Finding("registration-whole-image", Severity.INFO, text),)
    if not isinstance(fixed.image, CtImage):
        raise InputError("a scan is registered to the liver's contour; give the liver on the MR (--liver)")
    text = "The liver was drawn by the built-in segmentation and confirmed by no reader; look at the picture."
    anatomy = segment_ct(fixed.image, progress=progress)
    return anatomy.liver, (*anatomy.findings, Finding("registration-contour", Severity.WARNING, text))


def _require_resolution(moving: LoadedPicture, told_mm: float | None) -> None:
    own = moving.image.resolution_fwhm_mm if isinstance(moving.image, CountImage) else None
    if moving.kind.is_scan and own is None and told_mm is None:
        raise InputError("the scan does not tell its resolution (FWHM), which decides; give --resolution")


def _moved(
    image: Picture, transform: Transform, to: Grid
) -> tuple[NDArray[np.float32] | NDArray[np.int16], tuple[Finding, ...]]:
    """The moving image's numbers on the fixed grid, in its own unit; counts that fall outside are named."""
    if isinstance(image, CtImage):
        return resampled(image, transform, to).hu, ()
    if isinstance(image, MrImage):
        return signal_resampled(image.signal, image.grid, transform, to), ()
    scan = image.concentration() if isinstance(image, CountImage) else image
    there = resampled(scan, transform, to)
    values = there.counts_per_ml
    if isinstance(image, CountImage):
        values = values * np.float32(to.voxel_ml)
    lost = 1 - there.total_counts / scan.total_counts if scan.total_counts > 0 else 0.0
    if lost <= NOTABLE_LOST_FRAC:
        return values, ()
    text = f"{lost * PERCENT:.1f} % of the scan's total lies outside the fixed image and is not in the moved."
    return values, (Finding("registration-outside", Severity.WARNING, text),)
