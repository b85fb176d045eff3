"""The result of `emboplan register`: its folder, and the same in a few lines of text.

    registration.json   similarity, shift, tolerance, whether accepted, findings
    registration.png    checkerboard and edges, to look at
    moved.nii.gz        the moving image on the fixed image's voxels
    transform.json      the 4 x 4 matrices between the two images, in mm (LPS); none for a bend
    transform.tfm       the same as a transform of ITK, with the bend where there is one

The last three are written only where the result is accepted. The folder appears whole or not at all.
"""

from __future__ import annotations

import json
from pathlib import Path

from emboplan.files.atomic import atomic_folder
from emboplan.files.itk_transform import write_transform
from emboplan.files.nifti import write_volume
from emboplan.report.folder import REGISTRATION_JSON
from emboplan.report.own_folder import require_own_folder
from emboplan.workflow.registering.file_pair import RegisteredPair

PICTURE, MOVED, MATRIX, TRANSFORM = "registration.png", "moved.nii.gz", "transform.json", "transform.tfm"
# A turn keeps volumes to rounding.
SAME_VOLUME = 1e-6

OURS = (REGISTRATION_JSON, PICTURE, MOVED, MATRIX, TRANSFORM)


def check_writable(folder: Path, *, force: bool) -> None:
    """Raise `OutputError` when a result could not be written; to be asked before the long work."""
    require_own_folder(folder, REGISTRATION_JSON, OURS, force=force)


def write_register_folder(found: RegisteredPair, folder: Path, *, force: bool) -> Path:
    """Write the result; the moved image and the transform only where it is accepted.

    Raises:
        OutputError: the folder exists, or cannot be written; what was there is untouched.
    """
    from emboplan.report.registration_figure import draw_registration

    check_writable(folder, force=force)
    with atomic_folder(folder, REGISTRATION_JSON, force=force) as work:
        _write_json(work / REGISTRATION_JSON, found.to_json())
        picture = draw_registration(
            found.result.registration, found.fixed.image, found.moving.image, liver=found.liver
        )
        (work / PICTURE).write_bytes(picture.content)
        if found.moved is not None:
            write_volume(work / MOVED, found.moved, found.fixed.grid)
            write_transform(work / TRANSFORM, found.transform)
            if found.transform.bend is None:
                _write_json(work / MATRIX, matrices(found))
    return folder


def matrices(found: RegisteredPair) -> dict[str, object]:
    """Both 4 x 4 matrices, row by row, of an accepted result without a bend."""
    transform = found.result.transform
    return {
        "coordinates": "patient, mm, LPS",
        "fixed_to_moving": transform.to_moving.tolist(),
        "moving_to_fixed": transform.to_fixed.tolist(),
    }


def _write_json(path: Path, value: object) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def register_lines(found: RegisteredPair) -> list[str]:
    """What was found, whether it is accepted, and what was noticed."""
    result, one = found.result, found.result.registration
    low, high = one.volume_ratio
    which = f"{found.moving.kind.value.upper()} to {found.fixed.kind.value.upper()}"
    alike = f"{one.similarity_before:.3f} before, {one.similarity_after:.3f} after"
    lengths = f"{one.shift.mean_mm:.1f} mm on average, {one.shift.largest_mm:.1f} mm at most"
    lines = [
        f"kind        {one.kind.value}, {which}, from the {one.start.value}",
        f"similarity  {alike}, over the {result.over}",
        f"shift       {lengths}; turned {one.turned_deg:.1f}°",
        f"tolerance   {result.tolerance_mm:g} mm"
        + ("" if result.accept_shift_mm is None else f"; accepted up to {result.accept_shift_mm:g} mm"),
        f"accepted    {'yes' if result.accepted else 'no'}",
    ]
    if (low, high) != (1.0, 1.0) and max(abs(low - 1), abs(high - 1)) > SAME_VOLUME:
        lines.insert(3, f"volume      {low:.2f} to {high:.2f} of what it was")
    said = (*found.fixed.findings, *found.moving.findings, *found.findings, *result.findings)
    return lines + list(dict.fromkeys(f"{finding.severity.value}: {finding.text}" for finding in said))
