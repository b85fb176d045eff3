"""The DICOM study of a phantom: whose it is, when it was taken, and its series.

A phantom has no birthday and no examination; its objects carry one fixed date, so that they are complete and
the same each time. Identifiers follow from the phantom's name, settings and seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from emboplan.catalog.load import Catalog
from emboplan.dicom.read.common import PatientStudy, SeriesHeader, read_dataset, text
from emboplan.dicom.write.encode import CodedTerm
from emboplan.dicom.write.identity import NewSeries, StudyIdentity, derived_uid
from emboplan.dicom.write.rtstruct import Structure, write_rtstruct
from emboplan.dicom.write.seg import SegmentAlgorithm, SegmentLabel, write_segmentation
from emboplan.model.image import CtImage
from emboplan.model.mask import Mask

STUDY_MOMENT = datetime(2026, 1, 1, 12)  # noqa: DTZ001  a phantom lives in no time zone
SLICE_TAGS = ("SOPClassUID", "SOPInstanceUID", "FrameOfReferenceUID")
DATE_FORM, TIME_FORM = "%Y%m%d", "%H%M%S"
SOFTWARE = "emboplan"


@dataclass(frozen=True, slots=True)
class PhantomStudy:
    """A study of one phantom: `key` stands for everything that makes it what it is."""

    name: str
    seed: int
    key: str
    moment: datetime = STUDY_MOMENT

    @property
    def identity(self) -> StudyIdentity:
        """The study and its patient."""
        return StudyIdentity(
            derived_uid(self.key, "study"),
            PatientStudy(
                patient_name=f"Phantom^{self.name}",
                patient_id=f"{self.name}-{self.seed}",
                patient_sex="O",
                study_date=self.moment.strftime(DATE_FORM),
                study_time=self.moment.strftime(TIME_FORM),
                study_id=str(self.seed),
            ),
        )

    def series(self, number: int, description: str, *, hours: float = 0.0) -> NewSeries:
        """A series taken so many hours after the study began."""
        moment = self.moment + timedelta(hours=hours)
        return NewSeries(
            derived_uid(self.key, description),
            description,
            number,
            date=moment.strftime(DATE_FORM),
            time=moment.strftime(TIME_FORM),
        )


@dataclass(frozen=True, slots=True)
class TrueContours:
    """Writes true masks over a CT that was written to files, of which the identifiers are read."""

    header: SeriesHeader

    @classmethod
    def over(
        cls, ct: CtImage, slices: Sequence[Path], study: PhantomStudy, series: NewSeries
    ) -> TrueContours:
        """Contours over a CT and the files that it was written to, in the order of its slices."""
        headers = [read_dataset(path, SLICE_TAGS) for path in slices]
        spacing, origin = ct.grid.spacing_mm[2], ct.grid.origin_mm[2]
        identity = study.identity
        return cls(
            SeriesHeader(
                modality="CT",
                study_uid=identity.study_uid,
                series_uid=series.uid,
                frame_of_reference_uid=text(headers[0], "FrameOfReferenceUID"),
                sop_class_uid=text(headers[0], "SOPClassUID"),
                sop_instance_uids=tuple(text(header, "SOPInstanceUID") for header in headers),
                slice_positions_mm=tuple(origin + spacing * k for k in range(len(slices))),
                rescale_slopes=(1.0,) * len(slices),
                rescale_intercepts=(0.0,) * len(slices),
                description=series.description,
                patient=identity.patient,
            )
        )

    def write_segments(
        self, segments: Iterable[tuple[SegmentLabel, Mask]], path: Path, series: NewSeries
    ) -> None:
        """Write masks as a DICOM segmentation."""
        algorithm = SegmentAlgorithm(f"{SOFTWARE} phantom", version(SOFTWARE))
        write_segmentation(segments, path, self.header, series, algorithm=algorithm)

    def write_structures(
        self, segments: Iterable[tuple[SegmentLabel, Mask]], path: Path, series: NewSeries
    ) -> None:
        """Write masks as a structure set: contours along the faces of their voxels."""
        pairs = ((Structure(label.name, label.rgb), mask) for label, mask in segments)
        write_rtstruct(pairs, path, self.header, series, label="TRUTH")


def segment_label(catalog: Catalog, key: str, name: str | None = None) -> SegmentLabel:
    """The label of liver, lungs or lesion, under a name of its own where one is given."""
    table: Mapping[str, Any] = catalog.segment_labels()[key]
    red, green, blue = table["rgb"]
    label = SegmentLabel(
        table["name"], CodedTerm(**table["category"]), CodedTerm(**table["type"]), (red, green, blue)
    )
    return label if name is None else replace(label, name=name)
