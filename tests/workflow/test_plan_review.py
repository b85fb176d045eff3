"""Plans on masks of an earlier result say who drew them; edited masks are given masks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.workflow import cases

import emboplan
from emboplan.files.nifti import write_labels, write_mask
from emboplan.measure.burden import measure_burden
from emboplan.model.anatomy import Anatomy
from emboplan.model.case import ImageSources, MaskSource
from emboplan.model.correction import CorrectionRecord
from emboplan.model.image import CtImage
from emboplan.segmentation.backends import BUILTIN, Origin, review_of
from emboplan.workflow.segmenting.earlier import RECORD
from emboplan.workflow.segmenting.plan_review import with_review

OTHER = Origin("totalsegmentator", "2.99", "Apache 2.0")


def anatomy() -> Anatomy:
    review = review_of(OTHER, BUILTIN, "Dr. Before")
    record = CorrectionRecord("exclude-tumour", "1,2,3", 0.0, 4.0)
    return Anatomy(
        image=CtImage(cases.GRID, cases.ct_numbers()),
        liver=cases.box(cases.LIVER),
        lesions=cases.lesions(),
        review=replace(review, corrections=(record,)),
    )


@pytest.fixture
def images(tmp_path: Path) -> ImageSources:
    """A case that names the masks of a result."""
    import json

    (tmp_path / "masks").mkdir()
    liver, tumours = tmp_path / "masks/liver.nii.gz", tmp_path / "masks/tumours.nii.gz"
    write_mask(liver, cases.box(cases.LIVER))
    write_labels(tumours, cases.lesions())
    (tmp_path / RECORD).write_text(json.dumps(measure_burden(anatomy()).to_json()))
    return ImageSources(tmp_path, liver=MaskSource(liver), tumours=MaskSource(tumours))


def test_the_backend_of_the_result_is_kept(images: ImageSources) -> None:
    """All but the confirmation, which the case makes."""
    review = with_review(anatomy(), images).review
    assert review == replace(anatomy().review, confirmed_by=None)
    confirmed = with_review(anatomy(), replace(images, confirmed_by="Dr. After")).review
    assert (confirmed.confirmed_by, confirmed.history[-1]) == ("Dr. After", "confirmed by Dr. After")


def test_edited_masks_are_given_masks(images: ImageSources) -> None:
    labels = np.where(cases.lesions().labels == 2, 0, cases.lesions().labels)
    edited = replace(anatomy(), lesions=replace(cases.lesions(), labels=labels))
    assert with_review(edited, images).review.backend == "given"


def test_masks_from_two_places_are_given_masks(images: ImageSources, tmp_path: Path) -> None:
    elsewhere = MaskSource(tmp_path.parent / "tumours.nii.gz")
    assert with_review(anatomy(), replace(images, tumours=elsewhere)).review.backend == "given"


def test_without_masks_the_built_in_segmentation_drew(images: ImageSources) -> None:
    review = with_review(anatomy(), replace(images, liver=None, tumours=None)).review
    assert (review.backend, review.backend_version) == ("builtin", emboplan.__version__)
    assert with_review(anatomy(), replace(images, liver=None)).review.backend == "builtin+given"


def test_a_record_changed_by_hand_vouches_for_nothing(images: ImageSources, tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text('{"backend": 3}')
    assert with_review(anatomy(), images).review.backend == "given"
