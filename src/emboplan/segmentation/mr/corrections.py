"""Corrections of contours on MR: those of a CT, on the signal in percent of the parenchyma.

In percent the parenchyma lies at 100 and varies by 5 to 12, as it does in Hounsfield units on a CT after
contrast, so that the tolerances of the steps there hold. What they say of numbers is then percent of the
parenchyma, and their words for the unit are changed to it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emboplan.errors import InputError, MaskError
from emboplan.model.correction import Correction
from emboplan.model.image import CtImage, MrImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.segmentation.corrections import Corrected, correct
from emboplan.units import PERCENT

# What the steps for a CT call things, and what they are on an MR.
WORDS = ((" HU", " % of the liver's signal"), ("CT number", "signal"), ("the CT", "the MR"))


def correct_mr(mr: MrImage, liver: Mask, lesions: LabelMap, corrections: Sequence[Correction]) -> Corrected:
    """Liver and lesions on `mr` with the corrections applied. Errors as `correct`."""
    mr.grid.require_same(liver.grid, "MR and liver")
    mr.grid.require_same(lesions.grid, "MR and lesions")
    try:
        return correct(in_percent(mr, liver, lesions), liver, lesions, corrections)
    except MaskError:
        raise
    except InputError as error:
        raise type(error)(_in_words_of_mr(str(error))) from error


def in_percent(mr: MrImage, liver: Mask, lesions: LabelMap) -> CtImage:
    """The signal in percent of the parenchyma's median, as numbers that the corrections of a CT take."""
    inside = mr.signal[liver.voxels & (lesions.labels == 0)]
    level = float(np.median(inside if inside.size else mr.signal[liver.voxels]))
    if level <= 0:
        raise InputError("the liver gives no signal on the MR; check that the contours lie on it")
    return CtImage(mr.grid, np.asarray(mr.signal * np.float32(PERCENT / level), np.float32))


def _in_words_of_mr(text: str) -> str:
    for on_ct, on_mr in WORDS:
        text = text.replace(on_ct, on_mr)
    return text
