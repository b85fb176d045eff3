"""Corrections of contours on MR: those of a CT, on the signal in percent of the parenchyma.

In percent the parenchyma lies at 100 and varies by 5 to 12, as it does in Hounsfield units on a CT after
contrast, so that the tolerances of the steps there hold. Messages name the MR and that unit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emboplan.errors import InputError
from emboplan.model.correction import Correction
from emboplan.model.image import CtImage, MrImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.segmentation.corrections import Corrected, ImageWords, correct
from emboplan.units import PERCENT

WORDS_OF_MR = ImageWords("MR", "% of the liver's signal")


def correct_mr(mr: MrImage, liver: Mask, lesions: LabelMap, corrections: Sequence[Correction]) -> Corrected:
    """Liver and lesions on `mr` with the corrections applied. Errors as `correct`."""
    mr.grid.require_same(liver.grid, "MR and liver")
    mr.grid.require_same(lesions.grid, "MR and lesions")
    return correct(in_percent(mr, liver, lesions), liver, lesions, corrections, WORDS_OF_MR)


def in_percent(mr: MrImage, liver: Mask, lesions: LabelMap) -> CtImage:
    """The signal in percent of the parenchyma's median, as numbers that the corrections of a CT take."""
    inside = mr.signal[liver.voxels & (lesions.labels == 0)]
    level = float(np.median(inside if inside.size else mr.signal[liver.voxels]))
    if level <= 0:
        raise InputError("the liver gives no signal on the MR; check that the contours lie on it")
    return CtImage(mr.grid, np.asarray(mr.signal * np.float32(PERCENT / level), np.float32))
