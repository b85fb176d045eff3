"""Who drew the contours, in the words of the report and in the DICOM segmentation."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pydicom
from tests.workflow import cases

from emboplan.model.anatomy import Anatomy, Review
from emboplan.model.correction import CorrectionRecord
from emboplan.model.plan import AnatomySummary, PlannedCase
from emboplan.report.dicom_objects import SEGMENTATION, write_contours
from emboplan.report.document import Paragraph
from emboplan.report.sections.liver import anatomy, drawn_by
from emboplan.report.sections.overview import status_line
from emboplan.segmentation.backends import BUILTIN, GIVEN, Origin, review_of
from emboplan.workflow.inputs import load_ct

LEARNED = Origin("totalsegmentator", "2.99", "Apache 2.0")


def summary(review: Review) -> AnatomySummary:
    return AnatomySummary(
        ct_size_voxels=(1, 1, 1),
        ct_spacing_mm=(1.0, 1.0, 1.0),
        backend=review.backend,
        confirmed_by=review.confirmed_by,
        lungs_complete=False,
        body_ml=None,
        backend_version=review.backend_version,
        backend_licence=review.backend_licence,
        history=review.history,
    )


def test_version_and_licence_are_said() -> None:
    assert drawn_by(summary(review_of(LEARNED, LEARNED))) == "TotalSegmentator 2.99 (Apache 2.0)"
    assert drawn_by(summary(review_of(GIVEN, GIVEN))) == "given masks"
    both = drawn_by(summary(review_of(LEARNED, BUILTIN)))
    assert f"(builtin {BUILTIN.version}, totalsegmentator 2.99; builtin Apache-2.0, " in both


def test_the_report_names_the_steps(planned: PlannedCase[Any]) -> None:
    review = replace(review_of(LEARNED, LEARNED), history=("liver and lesions: x", "corrected"))
    plan = replace(planned.plan, anatomy=replace(planned.plan.anatomy, **_fields(review)))
    (text, *_) = [block.text for block in anatomy(plan).blocks if isinstance(block, Paragraph)]
    assert "2.99 (Apache 2.0)" in text
    assert "Steps: corrected. " in text
    unconfirmed = replace(plan, provisional=True, anatomy=replace(plan.anatomy, confirmed_by=None))
    assert status_line(unconfirmed).startswith("PROVISIONAL: contours by TotalSegmentator")


def _fields(review: Review) -> dict[str, Any]:
    return {
        "backend": review.backend,
        "backend_version": review.backend_version,
        "backend_licence": review.backend_licence,
        "history": review.history,
    }


def test_the_dicom_segmentation_says_what_drew_it(tmp_path: Path) -> None:
    """Learned or classical, and half by hand as soon as somebody corrected."""
    cases.write_ct(tmp_path / "CT")
    loaded = load_ct(tmp_path / "CT")
    assert loaded.header is not None
    drawn = Anatomy(
        image=loaded.image,
        liver=cases.box(cases.LIVER),
        lesions=cases.lesions(),
        review=review_of(LEARNED, LEARNED),
    )
    write_contours(drawn, loaded.header, tmp_path, version="1", date="")
    (first, *_) = pydicom.dcmread(tmp_path / SEGMENTATION).SegmentSequence
    (algorithm,) = first.SegmentationAlgorithmIdentificationSequence
    assert algorithm.AlgorithmName == "emboplan totalsegmentator 2.99"
    assert algorithm.AlgorithmFamilyCodeSequence[0].CodeMeaning == "Artificial Intelligence"
    assert first.SegmentAlgorithmType == "AUTOMATIC"
    record = CorrectionRecord("exclude", "1,2,3", 0.0, 1.0)
    corrected = replace(drawn, review=replace(review_of(BUILTIN, BUILTIN), corrections=(record,)))
    write_contours(corrected, loaded.header, tmp_path, version="1", date="")
    first = pydicom.dcmread(tmp_path / SEGMENTATION).SegmentSequence[0]
    assert first.SegmentAlgorithmType == "SEMIAUTOMATIC"
