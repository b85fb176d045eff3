"""The liver's volume, its tumour burden and each lesion: what `segmentation.json` says.

Intervals are for the volumes as drawn where a reader gave or confirmed the contours: how far they move when
the contour is off by half a voxel. Where a program drew them they are calibrated 95 % intervals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emboplan.model.anatomy import Drawn, Review
from emboplan.model.correction import CorrectionRecord
from emboplan.model.finding import Finding
from emboplan.model.serialise import fields_to_json

Interval = tuple[float, float]

BORDERLINE = "burden-borderline"
"""The finding that a limit of burden lies inside the interval."""


@dataclass(frozen=True, slots=True)
class Lesion:
    """One lesion: its label, volume, the two diameters of RECIST on one slice, and where it is.

    `longest_mm` is the longest in-plane diameter over all slices, `perpendicular_mm` the longest diameter
    perpendicular to it on the same slice, `slice_mm` that slice's position along the patient's axis (LPS z).
    `mean_hu` is None on an MR.

    The viable part has a volume, the same two diameters (on its own slice), and `enhancement_hu`: its mean CT
    number less that of the liver without lesions. Volume and diameters are 0 where nothing is viable; all are
    None where viable tumour was not told apart, and the enhancement where nothing is viable, no liver is left
    to compare with, or the image is an MR.
    """

    label: int
    volume_ml: float
    volume_ml_interval: Interval
    longest_mm: float
    perpendicular_mm: float
    centroid_mm: tuple[float, float, float]
    mean_hu: float | None
    slice_mm: float
    viable_ml: float | None = None
    viable_longest_mm: float | None = None
    viable_perpendicular_mm: float | None = None
    enhancement_hu: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class Burden:
    """Volumes of liver (tumours included), tumour and lungs, and the tumour burden, each with its interval.

    `viable_tumour_ml`, `lung_ml` and `lung_mass_g` are None where they were not measured; the lung's are also
    None where the field of view cuts the lungs, since half a lung is no lung volume.
    `history` and `corrections` say what was done to the contours; `digests` are those of the voxels of
    ``ct`` or ``mr``, ``liver`` and ``lesions``, by which a later correction knows them again.
    """

    liver_ml: float
    liver_ml_interval: Interval
    tumour_ml: float
    tumour_ml_interval: Interval
    viable_tumour_ml: float | None
    burden_pct: float
    burden_pct_interval: Interval
    largest_lesion_mm: float | None
    lesions: tuple[Lesion, ...]
    lung_ml: float | None
    lung_mass_g: float | None
    confirmed_by: str | None
    backend: str
    backend_version: str | None = None
    backend_licence: str | None = None
    history: tuple[str, ...] = ()
    corrections: tuple[CorrectionRecord, ...] = ()
    digests: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def provisional(self) -> bool:
        """Whether no reader has confirmed the contours."""
        return not (self.confirmed_by and self.confirmed_by.strip())

    @property
    def drawn(self) -> Drawn:
        """Which contours a program drew that no reader has given or confirmed."""
        return Review(self.backend, self.confirmed_by, history=self.history).drawn

    def facts(self) -> Mapping[str, float]:
        """The facts for an eligibility check that these measurements fill.

        Without a lesion there is no largest one, and its fact stays unknown.
        """
        facts = {
            "liver_volume_ml": self.liver_ml,
            "liver_tumor_volume_ml": self.tumour_ml,
            "liver_tumor_burden_pct": self.burden_pct,
        }
        if self.largest_lesion_mm is not None:
            facts["largest_liver_lesion_mm"] = self.largest_lesion_mm
        return facts

    def to_json(self) -> dict[str, Any]:
        """The fields of `segmentation.json`."""
        return fields_to_json(self)
