"""Registration as a user asks for it: a transform, what was noticed, and whether it may be used unseen.

A result is not accepted where tissue moved by more than the tolerance of the catalogue, until the caller
names a shift to accept; and never where the images do not tell of each other, where the moving one shows too
little, or where the result is no better than what the coordinates said. Nothing else decides: look at the
picture too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emboplan.catalog.load import Catalog, load
from emboplan.errors import InputError, ModelRangeError
from emboplan.imaging.register import Kind, Registration, find_transform
from emboplan.imaging.register_images import Shown, SignalImage
from emboplan.imaging.transform import Transform
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import CtImage
from emboplan.model.mask import Mask
from emboplan.units import PERCENT

TOLERANCE = "registration.tolerance"

# Around the liver two images of one digital patient (CT, MR, SPECT) told 0.32 and more of each other in every
# trial; legs, mirrored and upturned bodies 0.08 and less, another patient's CT 0.15. Over whole images air
# alone makes any two bodies alike: one patient 0.44 and more, another patient 0.27.
LEAST_SIMILARITY = {"liver": 0.15, "image": 0.30}

# With less of the asked region in view, most of what is claimed is not seen.
LEAST_SEEN_FRAC = 0.5

# The similarity of images that lay on each other already changes by this much through interpolation alone.
SAME_SIMILARITY = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Registered:
    """A registration, the tolerance it was held against, what was noticed, and whether it is accepted.

    `accepted` is True where the result may be used without a further word; otherwise `findings` say why not.
    """

    registration: Registration
    over: str
    tolerance_mm: float
    accept_shift_mm: float | None
    accepted: bool
    findings: tuple[Finding, ...]

    @property
    def transform(self) -> Transform:
        """From points of the fixed image to the moving one; `InputError` if not accepted."""
        self.require_accepted()
        return self.registration.transform

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The 4 x 4 matrix from the moving image to the fixed one; `InputError` if not accepted."""
        self.require_accepted()
        return self.registration.matrix

    def require_accepted(self) -> None:
        """Raise `InputError` with the reasons where the result was not accepted."""
        if not self.accepted:
            reasons = "; ".join(f.text for f in self.findings if f.severity is not Severity.INFO)
            raise InputError(f"the registration is not accepted: {reasons}")

    def to_json(self) -> dict[str, Any]:
        """The JSON fields: all but the coefficients of a bend."""
        found = self.registration
        return {
            "kind": found.kind.value,
            "start": found.start.value,
            "accepted": self.accepted,
            "tolerance_mm": self.tolerance_mm,
            "accept_shift_mm": self.accept_shift_mm,
            "over": self.over,
            "shift_mm": list(found.shift.vector_mm),
            "mean_shift_mm": found.shift.mean_mm,
            "percentile95_shift_mm": found.shift.percentile95_mm,
            "largest_shift_mm": found.shift.largest_mm,
            "turned_deg": found.turned_deg,
            "scales": list(found.scales),
            "volume_ratio": list(found.volume_ratio),
            "similarity_before": found.similarity_before,
            "similarity_after": found.similarity_after,
            "seen_frac": found.seen_frac,
            "fixed_to_moving": found.transform.to_moving.tolist(),
            "findings": [{"id": f.id, "severity": f.severity.value, "text": f.text} for f in self.findings],
        }


def register(
    fixed: CtImage | SignalImage,
    moving: Shown,
    *,
    kind: Kind | str = Kind.RIGID,
    liver: Mask | None = None,
    resolution_fwhm_mm: float | None = None,
    accept_shift_mm: float | None = None,
    catalog: Catalog | None = None,
) -> Registered:
    """Where the tissue of `fixed` lies in `moving`: CT or MR onto each other, or a scan onto a CT's liver.

    `kind` is ``rigid``, ``affine`` or ``b-spline``. `liver`, on the grid of `fixed`, makes the liver alone
    decide; a scan of activity needs it, and its resolution where it does not tell it. An MR is anything with
    a `grid` and a `signal`. A mean shift above the catalogue's ``registration.tolerance`` is accepted only up
    to `accept_shift_mm`.

    Raises:
        ModelRangeError: an image shows nothing, the two do not overlap, or the bend folds.
        InputError: no such kind.
    """
    try:
        wanted = Kind(kind)
    except ValueError:
        raise InputError(f"kind is {kind!r}; expected {', '.join(Kind)}") from None
    if accept_shift_mm is not None and not (np.isfinite(accept_shift_mm) and accept_shift_mm >= 0):
        raise ModelRangeError(f"accept_shift_mm is {accept_shift_mm:g}; expected 0 or more")
    tolerance = (catalog or load()).number(TOLERANCE)
    found = find_transform(fixed, moving, wanted, liver=liver, resolution_fwhm_mm=resolution_fwhm_mm)
    over = "liver" if liver is not None else "image"
    findings = (*_doubts(found, over), *_shift_findings(found, over, tolerance, accept_shift_mm))
    return Registered(
        registration=found,
        over=over,
        tolerance_mm=tolerance,
        accept_shift_mm=accept_shift_mm,
        accepted=all(finding.severity is Severity.INFO for finding in findings),
        findings=findings,
    )


def _doubts(found: Registration, over: str) -> Iterator[Finding]:
    """What no word of the caller can accept."""
    least = LEAST_SIMILARITY[over]
    if found.similarity_after < least:
        yield Finding(
            "registration-unlike",
            Severity.STOP,
            f"the images tell little of each other (similarity {found.similarity_after:.2f}, expected at "
            f"least {least:g}); check that both show one patient and region, the same side up",
        )
    if found.seen_frac < LEAST_SEEN_FRAC:
        yield Finding(
            "registration-unseen",
            Severity.STOP,
            f"the moving image shows {found.seen_frac * PERCENT:.0f} % of the {over} and its surroundings; "
            f"expected at least {LEAST_SEEN_FRAC * PERCENT:.0f} %",
        )
    gained = found.similarity_after - found.similarity_before
    if gained < -SAME_SIMILARITY:
        yield Finding(
            "registration-worse",
            Severity.STOP,
            f"the result is less alike ({found.similarity_after:.2f}) than the images as they lie "
            f"({found.similarity_before:.2f}); use them as they are, or give the liver contour",
        )
    elif gained < SAME_SIMILARITY:
        yield Finding(
            "registration-no-gain",
            Severity.INFO,
            "the images lay on each other already as well as the result lays them",
        )


def _shift_findings(
    found: Registration, over: str, tolerance_mm: float, accept_mm: float | None
) -> Iterator[Finding]:
    shift = found.shift
    if shift.mean_mm <= tolerance_mm:
        return
    accepted = accept_mm is not None and shift.mean_mm <= accept_mm
    text = (
        f"the {over} moved by {shift.mean_mm:.1f} mm on average (95 % of it by up to "
        f"{shift.percentile95_mm:.1f} mm), more than the tolerance of {tolerance_mm:g} mm"
    )
    ask = f"accepted up to {accept_mm:g} mm" if accepted else "look at the images, then accept such a shift"
    yield Finding(
        "registration-shift",
        Severity.INFO if accepted else Severity.WARNING,
        f"{text}; {ask}",
        TOLERANCE,
    )
