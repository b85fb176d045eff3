"""The steps that contours go through after they were drawn: corrected, changed elsewhere, confirmed.

A reader's confirmation holds for the contours that the reader saw. Whatever changes them takes it away, until
a reader confirms again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from emboplan.model.anatomy import Anatomy
from emboplan.model.correction import Correction
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import MrImage
from emboplan.model.mask import Mask
from emboplan.segmentation.corrections import correct
from emboplan.segmentation.mr.corrections import correct_mr

LAPSED = "segmentation.confirmation-lapsed"


def corrected(anatomy: Anatomy, corrections: Sequence[Correction]) -> Anatomy:
    """The anatomy with corrections applied, recorded and said as findings; unchanged without any.

    Lungs lose what became liver. Errors as `correct`.
    """
    if not corrections:
        return anatomy
    if isinstance(anatomy.image, MrImage):
        done = correct_mr(anatomy.image, anatomy.liver, anatomy.lesions, corrections)
    else:
        done = correct(anatomy.image, anatomy.liver, anatomy.lesions, corrections)
    lungs = anatomy.lungs
    if lungs is not None:
        lungs = Mask(lungs.grid, lungs.voxels & ~done.liver.voxels)
    changed = replace(
        anatomy,
        liver=done.liver,
        lesions=done.lesions,
        viable=None,  # that of other lesions: to be told anew
        lungs=lungs,
        review=replace(anatomy.review, corrections=anatomy.review.corrections + done.records),
        findings=anatomy.findings + done.findings,
    )
    count = len(done.records)
    return after_change(changed, "corrected" if count == 1 else f"corrected {count} times")


def after_change(anatomy: Anatomy, step: str) -> Anatomy:
    """The anatomy with a change in its history; nobody has confirmed it any more."""
    review = anatomy.review
    findings = anatomy.findings
    if not review.provisional:
        text = (
            f"{review.confirmed_by} confirmed the contours before they were changed: they are provisional "
            "until a reader confirms them again."
        )
        findings += (Finding(LAPSED, Severity.WARNING, text),)
    review = replace(review, confirmed_by=None, history=(*review.history, step))
    return replace(anatomy, review=review, findings=findings)


def confirmed(anatomy: Anatomy, reader: str | None) -> Anatomy:
    """The anatomy as confirmed by a reader; as it is where None is named."""
    if reader is None:
        return anatomy
    review = anatomy.review
    review = replace(review, confirmed_by=reader, history=(*review.history, f"confirmed by {reader}"))
    findings = tuple(finding for finding in anatomy.findings if finding.id != LAPSED)
    return replace(anatomy, review=review, findings=findings)
