"""Items of a directive: a person's item stays blank."""

import pytest

from emboplan.errors import ModelRangeError
from emboplan.model.directive import DirectiveItem, Stage, WrittenDirective


def test_nobody_fills_an_item_of_a_person() -> None:
    with pytest.raises(ModelRangeError, match="'signature' may be filled by a person only"):
        DirectiveItem("signature", Stage.BEFORE, "Dr. X", only_a_person=True)


def test_blanks_and_stages() -> None:
    items = (
        DirectiveItem("device", Stage.BEFORE, "TheraSphere"),
        DirectiveItem("signature", Stage.BEFORE, only_a_person=True),
        DirectiveItem("date", Stage.AFTER),
    )
    draft = WrittenDirective(items, note="Draft.", source="")
    assert [item.name for item in draft.blanks] == ["signature", "date"]
    assert [item.name for item in draft.of(Stage.AFTER)] == ["date"]
