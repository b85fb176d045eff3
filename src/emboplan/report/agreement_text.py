"""The agreement of two masks in a few lines of text."""

from __future__ import annotations

from emboplan.segmentation.agreement import Agreement
from emboplan.segmentation.lesion_agreement import LesionAgreement, LesionMatch, SizeClass
from emboplan.units import PERCENT


def agreement_lines(found: Agreement) -> list[str]:
    """Overlap, volumes and distances, one a line; lesions by size below them."""
    lines = [
        f"Dice                  {found.dice:.4f}",
        f"Jaccard               {found.jaccard:.4f}",
        f"volume                {found.found_ml:.1f} mL; reference {found.truth_ml:.1f} mL",
    ]
    if found.volume_difference_pct is not None:
        lines.append(f"volume difference     {found.volume_difference_pct:+.2f} % of the reference")
    if found.surface is None:
        lines.append("surface distance      none: a mask has no surface")
    else:
        lines += [
            f"surface distance      {found.surface.average_mm:.2f} mm on average",
            f"95 % Hausdorff        {found.surface.hausdorff95_mm:.2f} mm, the larger of both ways",
            f"largest distance      {found.surface.maximum_mm:.2f} mm",
        ]
    return lines if found.lesions is None else [*lines, *_lesion_lines(found.lesions)]


def _lesion_lines(lesions: LesionAgreement) -> list[str]:
    counts = f"{lesions.detected} of {len(lesions.matches)} found, {len(lesions.false_positives)} false"
    lines = [f"lesions               {counts} (pairs from Jaccard {lesions.least_jaccard:g})"]
    lines += [
        f"  {_size(one):<20}{one.detected} of {one.lesions} found, {one.false_positives} false"
        for one in lesions.size_classes
        if one.lesions or one.false_positives
    ]
    return lines + [
        f"  lesion {one.label}, {one.diameter_mm:.1f} mm: {_fate(one)}" for one in lesions.matches
    ]


def _fate(match: LesionMatch) -> str:
    if match.volume_error_frac is None:
        return f"missed, {match.covered_frac * PERCENT:.0f} % covered"
    return f"found as {match.found_label}, volume {match.volume_error_frac * PERCENT:+.1f} %"


def _size(one: SizeClass) -> str:
    return f"from {one.low_mm:g} mm" if one.high_mm is None else f"{one.low_mm:g} to below {one.high_mm:g} mm"
