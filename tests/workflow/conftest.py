"""The patient of boxes, written once, and a finder that knows where its boxes are."""

from typing import Any

import pytest
from tests.workflow import cases

from emboplan.model.anatomy import Anatomy
from emboplan.model.image import CtImage
from emboplan.segmentation.builtin import segment_ct


@pytest.fixture(scope="session")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> cases.BoxStudy:
    """The study's folder; tests put case files into it and change nothing else."""
    return cases.write_study(tmp_path_factory.mktemp("boxes"))


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The boxes are found without masks: a box is no liver that a finder made for people would accept."""

    def segment_boxes(ct: CtImage, **options: Any) -> Anatomy:
        masks: dict[str, Any] = {"liver": cases.box(cases.LIVER), "lesions": cases.lesions()}
        given = {name: value for name, value in options.items() if value is not None}
        return segment_ct(ct, **(masks | given))

    monkeypatch.setattr("emboplan.workflow.planning.prepare.segment_ct", segment_boxes)
    monkeypatch.setattr("emboplan.workflow.segment.segment_ct", segment_boxes)
