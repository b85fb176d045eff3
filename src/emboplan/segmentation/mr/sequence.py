"""Which sequence an MR is, by the name of its series.

What is bright on an MR depends on the sequence alone. It is said by the caller, read from the name of the
series, or guessed from the image, in this order.
"""

from __future__ import annotations

import re

from emboplan.errors import SegmentationError
from emboplan.model.image import MrSequence

# Words in the names of series that are no picture of signal: maps and diffusion, which show no contour.
MAPS = re.compile(
    r"\b(e?ADC|apparent diffusion|DWI|diff(usion)?|trace\w*|T[12]\s*map|fat fraction|R2\*?)\b", re.IGNORECASE
)
T2_WORDS = re.compile(r"T2(?!\s*\*)|HASTE|FASE|SSFSE|BLADE|PROPELLER", re.IGNORECASE)
T1_WORDS = re.compile(r"T1|VIBE|LAVA|THRIVE|DIXON|FLASH|SPGR|3D\s*GRE", re.IGNORECASE)
POST_WORDS = re.compile(
    r"post|contrast|\+\s*C\b|\bCE\b|C\+|\bGD\b|portal|venous|arterial|late|delayed", re.IGNORECASE
)


def sequence_named(description: str, *, with_contrast: bool = False) -> MrSequence | None:
    """The sequence that the name of a series tells; None where it tells none of the two.

    A T1 sequence counts as taken after contrast only where its name says so, or its files do
    (`with_contrast`). Raises `SegmentationError` for maps (diffusion coefficients, relaxation times), which
    show no contour of the liver.

    >>> sequence_named("AX T2 HASTE fs")
    <MrSequence.T2: 't2'>
    """
    if MAPS.search(description):
        raise SegmentationError(
            f"the series is named {description!r}: a map or a diffusion image shows no contour of the liver; "
            "give T1 after contrast or T2"
        )
    if T1_WORDS.search(description) and (with_contrast or POST_WORDS.search(description)):
        return MrSequence.T1_POST
    if T2_WORDS.search(description) and not T1_WORDS.search(description):
        return MrSequence.T2
    return None
