"""A scan that lies elsewhere, brought onto the CT of a case: when, by what, and what is said of it.

A scan in the CT's frame of reference is left alone. Another one is turned and shifted, no more: its voxels
keep their values and get another place, so that no count is lost or smeared, and masks come to the voxels as
they always do. What decides is the liver's contour, or the CT that was taken with the scan, where there is
one: two CTs tell more of each other than uptake tells of a contour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from emboplan.catalog.load import Catalog
from emboplan.errors import GeometryError, InputError
from emboplan.imaging.transform import Transform
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, CountImage, CtImage
from emboplan.model.mask import Mask
from emboplan.workflow.registering.accepted import Registered, register

RIGID = "rigid"

# What the contour cannot know, and the scan's own CT can.
CAVEAT = " Uptake in one part of the liver alone pulls the scan to it; the scan's own CT does not."

BY_CONTOUR, BY_CT = "the liver's contour", "the scan's own CT"


@dataclass(frozen=True, slots=True)
class LayingWish:
    """What is asked of a scan outside the CT's frame of reference; `kind` None leaves it where it is.

    `accept_shift_mm` accepts a shift above the tolerance. `own_ct` is the CT taken with the scan. `asked_in`
    says where the user asked, in words for findings; `resolution_key` is what states the scan's resolution.
    """

    kind: str | None = None
    accept_shift_mm: float | None = None
    own_ct: Path | None = None
    asked_in: str = "the case file"
    resolution_key: str = "maa_resolution"

    def require_sense(self) -> None:
        """`InputError` where the kind is none for a scan, or something goes with no kind."""
        if self.kind is not None and self.kind != RIGID:
            raise InputError(
                f'register is "{self.kind}"; a scan of activity is turned and shifted only: "{RIGID}"'
            )
        if self.kind is None and (self.accept_shift_mm is not None or self.own_ct is not None):
            raise InputError(
                "an accepted shift, or the scan's own CT, was given without a registration; "
                f'ask for one (register: "{RIGID}"), or leave them out'
            )


@dataclass(frozen=True, slots=True, eq=False)
class LaidScan:
    """A scan's registration to a CT; `shown` is what the picture shows, where the result lays it.

    `decided_by` is the contour or the scan's own CT. It is kept for a refused result too: somebody must look.
    """

    result: Registered
    ct: CtImage
    liver: Mask
    shown: CtImage | CountImage | ActivityMap
    decided_by: str
    asked_in: str

    @property
    def accepted(self) -> bool:
        """Whether the scan may be used where the result lays it."""
        return self.result.accepted

    def placed(self, grid: Grid) -> Grid:
        """The grid of the scan on the CT; `InputError` where the result is not accepted."""
        self.result.require_accepted()
        return laid_grid(grid, self.result.registration.transform, self.ct.grid)

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return {"decided_by": self.decided_by, **self.result.to_json()}

    def findings(self, what: str) -> tuple[Finding, ...]:
        """What is said of it, accepted or not; `what` is the name of the scan, such as SPECT."""
        return (
            (Finding("scan-registered", Severity.INFO, self._words(what)),)
            if self.accepted
            else (Finding("scan-registration-refused", Severity.WARNING, self._refusal(what)),)
        )

    def _words(self, what: str) -> str:
        found, asked = self.result.registration, self.result.accept_shift_mm
        over = found.shift.mean_mm > self.result.tolerance_mm
        by = (
            f"up to {asked:g} mm by {self.asked_in}"
            if over and asked is not None
            else f"within the tolerance of {self.result.tolerance_mm:g} mm"
        )
        return (
            f"The {what} was registered to the CT by {self.decided_by} ({found.kind.value}): the liver moved "
            f"by {found.shift.mean_mm:.1f} mm on average and {found.shift.largest_mm:.1f} mm at most, turned "
            f"by {found.turned_deg:.1f}°; similarity {found.similarity_before:.2f} before, "
            f"{found.similarity_after:.2f} after. Accepted {by}; look at the picture."
            + (CAVEAT if self.decided_by == BY_CONTOUR else "")
        )

    def _refusal(self, what: str) -> str:
        return (
            f"The {what} was registered to the CT by {self.decided_by}, and the result is not accepted: "
            f"{'; '.join(self.reasons())}. Nothing is measured on the {what}; look at the picture."
        )

    def reasons(self) -> Iterator[str]:
        """Why it is not accepted."""
        return (f.text for f in self.result.findings if f.severity is not Severity.INFO)


def share_frame(a: Grid, b: Grid) -> bool:
    """Whether both grids state one and the same frame of reference."""
    return bool(a.frame_of_reference_uid) and a.frame_of_reference_uid == b.frame_of_reference_uid


def laid_grid(grid: Grid, transform: Transform, on: Grid) -> Grid:
    """A moving image's grid where a rigid transform lays it in the frame of `on`; no voxel changes its value.

    `GeometryError` where the transform stretches or bends.
    """
    matrix = transform.to_fixed
    left, sizes, right = np.linalg.svd(matrix[:3, :3] @ grid.axes)
    if float(np.abs(sizes - 1).max()) > np.sqrt(np.finfo(np.float32).eps):
        raise GeometryError("only a turn and a shift lay a grid elsewhere; register rigidly")
    x, y, z = (float(v) for v in matrix[:3, :3] @ np.array(grid.origin_mm) + matrix[:3, 3])
    return replace(
        grid,
        origin_mm=(x, y, z),
        direction=tuple(float(v) for v in (left @ right).ravel()),
        frame_of_reference_uid=on.frame_of_reference_uid,
    )


def lay_scan(
    scan: CountImage | ActivityMap,
    ct: CtImage,
    liver: Mask,
    wish: LayingWish,
    *,
    own_ct: CtImage | None = None,
    resolution_fwhm_mm: float | None = None,
    catalog: Catalog | None = None,
) -> LaidScan:
    """The registration of a scan to a CT, by the liver's contour or by the scan's own CT.

    Raises:
        InputError: the resolution of the scan is not known, its own CT has another frame of reference, or
            nothing could be registered.
    """
    wish.require_sense()
    if own_ct is not None:
        if not share_frame(own_ct.grid, scan.grid):
            raise InputError(
                "the CT given as the scan's own and the scan do not share a frame of reference; "
                "give the CT that was taken with the scan"
            )
        result = register(ct, own_ct, liver=liver, accept_shift_mm=wish.accept_shift_mm, catalog=catalog)
        grid = laid_grid(own_ct.grid, result.registration.transform, ct.grid)
        return LaidScan(result, ct, liver, replace(own_ct, grid=grid), BY_CT, wish.asked_in)
    known = scan.resolution_fwhm_mm if isinstance(scan, CountImage) else None
    if known is None and resolution_fwhm_mm is None:
        raise InputError(
            "a scan is registered to the liver's contour blurred to its resolution, which is not known; "
            f"give {wish.resolution_key}, or the scan's own CT"
        )
    result = register(
        ct,
        scan,
        liver=liver,
        resolution_fwhm_mm=resolution_fwhm_mm,
        accept_shift_mm=wish.accept_shift_mm,
        catalog=catalog,
    )
    grid = laid_grid(scan.grid, result.registration.transform, ct.grid)
    return LaidScan(result, ct, liver, replace(scan, grid=grid), BY_CONTOUR, wish.asked_in)


def in_frame_finding(what: str) -> Finding:
    """That nothing was registered, since scan and CT share a frame of reference."""
    text = f"{what} and CT share a frame of reference: nothing was registered."
    return Finding("scan-in-frame", Severity.INFO, text)
