"""An earlier result taken up again: its contours as they are in its folder now.

`segmentation.json` holds digests of the voxels of liver and lesions as they were written. A file in the
folder whose contours differ from them was edited in another program, and is taken; two that were edited
differently contradict each other. Another image's result is refused.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from emboplan.errors import GeometryError, InputError, MaskError
from emboplan.files import nifti
from emboplan.imaging.fingerprint import voxels_sha256
from emboplan.model.anatomy import Anatomy, Review
from emboplan.model.correction import CorrectionRecord
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage, Modality, MrImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.workflow.segmenting.contour_files import contour_files
from emboplan.workflow.segmenting.review_steps import after_change

RECORD = "segmentation.json"
LUNGS = Path("masks") / "lungs.nii.gz"


_Part = TypeVar("_Part", Mask, LabelMap)


@dataclass(frozen=True, slots=True, eq=False)
class _Taken(Generic[_Part]):
    """A part as it is taken: the contours, and the file that was edited, None where none was."""

    contours: _Part
    edited: str | None


def earlier_anatomy(folder: Path, image: CtImage | MrImage) -> Anatomy:
    """The contours of a result folder on the CT or MR that they lie on, with their review and findings.

    A reader's confirmation is kept where nothing was edited since.

    Raises:
        InputError: no result, the result of another image, or files that contradict each other.
        GeometryError: contours on another grid.
        MaskError: no contours, or an empty liver.
    """
    record = _read_record(folder)
    digests, review, said = _understood(folder, record)
    _require_same_image(folder, digests, image)
    try:
        files = tuple(contour_files(folder, image.grid))
        lungs = nifti.read_mask(folder / LUNGS, None, image.grid) if (folder / LUNGS).is_file() else None
    except GeometryError as error:
        raise GeometryError(f"{folder} is the result of another {image.modality.name}: {error}") from error
    livers = [(file.name, file.liver) for file in files if file.liver is not None]
    liver = _taken(folder, "liver", livers, digests.get("liver"))
    several = [(file.name, file.lesions) for file in files if file.lesions is not None]
    lesions = _taken(folder, "lesions", several, digests.get("lesions"))
    whole, numbered, findings = _agreeing(liver, lesions)
    anatomy = Anatomy(
        image=image,
        liver=whole,
        lesions=numbered,
        review=review,
        lungs=None if lungs is None else lungs - whole,
        lungs_complete=lungs is not None and record.get("lung_ml") is not None,
        findings=said + findings,
    )
    edited = [part.edited for part in (liver, lesions) if part.edited is not None]
    if not edited:
        return anatomy
    listed = " and ".join(dict.fromkeys(edited))
    text = f"Contours were edited in another program: {listed}."
    note = Finding("segmentation.edited", Severity.INFO, text)
    return after_change(replace(anatomy, findings=(*anatomy.findings, note)), f"edited elsewhere: {listed}")


def written(folder: Path) -> tuple[dict[str, str], Review, tuple[Finding, ...]]:
    """Digests, review and findings of a result folder; versions that kept no digests leave them empty.

    Raises:
        InputError: there is no result, or its record was changed by hand.
    """
    return _understood(folder, _read_record(folder))


def _understood(folder: Path, record: dict[str, Any]) -> tuple[dict[str, str], Review, tuple[Finding, ...]]:
    try:
        return dict(record.get("digests") or {}), _review(record), _findings(record)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{folder / RECORD} was changed by hand; segment the CT again") from error


def _read_record(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{folder} holds no {RECORD} that can be read; expected a folder written by `emboplan segment`"
        ) from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON; segment the CT again") from error
    if not isinstance(record, dict) or not isinstance(record.get("backend"), str):
        raise InputError(
            f"{path} is no result of `emboplan segment` (it names no backend); segment the CT again"
        )
    return record


def _require_same_image(folder: Path, digests: dict[str, str], image: CtImage | MrImage) -> None:
    """Results of versions that kept no digest are told apart by their grid alone."""
    name, known = image.modality.name, digests.get(image.modality.value)
    if known is None and any(kind.value in digests for kind in Modality):
        raise InputError(
            f"{folder} is no result of this {name} but of an image of another kind; give the series that was "
            "segmented (a NIfTI or NRRD file is a CT unless --modality mr says otherwise)"
        )
    if known is not None and known != voxels_sha256(image.values, image.grid):
        raise InputError(
            f"{folder} is the result of another {name}: its voxels differ from those of this series; "
            "give the series that was segmented, or segment this one"
        )


def _taken(folder: Path, part: str, found: list[tuple[str, _Part]], known: str | None) -> _Taken[_Part]:
    """The part as it was edited last, or as it was written."""
    if not found:
        raise MaskError(
            f"{folder} holds no {part}; expected a mask file there, as `emboplan segment` writes it"
        )
    digests = [_digest(contours) for _, contours in found]
    known = known or digests[0]
    changed = {digest: one for digest, one in zip(digests, found, strict=True) if digest != known}
    if len(changed) > 1:
        names = " and ".join(name for name, _ in changed.values())
        raise InputError(f"{folder} holds two different {part} that were edited, {names}; keep one of them")
    if not changed:
        return _Taken(found[0][1], None)
    name, contours = next(iter(changed.values()))
    return _Taken(contours, name)


def _digest(contours: Mask | LabelMap) -> str:
    array = contours.voxels if isinstance(contours, Mask) else contours.labels
    return voxels_sha256(array, contours.grid)


def _agreeing(liver: _Taken[Mask], lesions: _Taken[LabelMap]) -> tuple[Mask, LabelMap, tuple[Finding, ...]]:
    """Liver and lesions made to agree: edited lesions are liver too, else the liver decides."""
    whole, numbered = liver.contours, lesions.contours
    outside = (numbered.labels > 0) & ~whole.voxels
    if not outside.any():
        return whole, numbered, ()
    grid: Grid = whole.grid
    ml = int(np.count_nonzero(outside)) * grid.voxel_ml
    if lesions.edited is None:
        text = f"{ml:.1f} mL of the lesions lay outside the liver as it was edited; they were left out."
        kept = LabelMap(grid, np.where(outside, np.uint16(0), numbered.labels))
        return whole, kept, (Finding("segmentation.lesions-left-out", Severity.WARNING, text),)
    text = f"{ml:.1f} mL of the edited lesions lay outside the liver; added to it."
    note = Finding("segmentation.lesions-added-to-liver", Severity.INFO, text)
    return Mask(grid, whole.voxels | outside), numbered, (note,)


def _review(record: dict[str, Any]) -> Review:
    corrections = tuple(
        CorrectionRecord(
            option=str(one.get("option")),
            value=str(one.get("value")),
            added_ml=float(one.get("added_ml") or 0.0),
            removed_ml=float(one.get("removed_ml") or 0.0),
            sha256=one.get("sha256"),
        )
        for one in record.get("corrections") or ()
    )
    return Review(
        backend=record["backend"],
        confirmed_by=record.get("confirmed_by"),
        backend_version=record.get("backend_version"),
        backend_licence=record.get("backend_licence"),
        history=tuple(str(step) for step in record.get("history") or ()),
        corrections=corrections,
    )


def _findings(record: dict[str, Any]) -> tuple[Finding, ...]:
    """What was said about the contours; what reading, measuring and writing notice is noticed again."""
    return tuple(
        Finding(one["id"], Severity(one["severity"]), one["text"], one.get("source", ""))
        for one in record.get("findings") or ()
        if str(one.get("id", "")).startswith("segmentation.")
    )
