"""The draft of the written directive: a page of its own, with rules to write on where something is blank."""

from __future__ import annotations

from emboplan.model.directive import DirectiveItem, Stage, WrittenDirective
from emboplan.report.document import Block, Bullets, Form, FormLine, Paragraph, Section, Tone
from emboplan.report.wording import TO_CONFIRM, count, name

HEADINGS = {
    Stage.BEFORE: "Before treatment",
    Stage.AFTER: "After treatment, before the patient leaves recovery",
}
ONLY_A_PERSON = "by an authorised person only"


def directive(draft: WrittenDirective) -> Section:
    """The items of both stages in order, and what the list comes from."""
    needed = f"{count(len(draft.blanks), 'item')} to be filled in by hand."
    blocks: list[Block] = [Bullets("DRAFT, not signed", (), Tone.ALARM), Paragraph(f"{draft.note} {needed}")]
    for stage in Stage:
        items = draft.of(stage)
        if items:
            blocks.append(Form(HEADINGS[stage], tuple(_line(item) for item in items)))
    blocks.append(Paragraph(f"List of items: {_list_source(draft.source)}"))
    return Section("directive", "Written directive (draft)", tuple(blocks), new_page=True)


def _list_source(source: str) -> str:
    """What the list comes from, with the request to confirm once: a regulation has no package insert."""
    bare = source.replace(f"; {TO_CONFIRM}", "")
    return bare if bare == source else f"{bare}; to be confirmed against the rules in force"


def _line(item: DirectiveItem) -> FormLine:
    return FormLine(name(item.name), item.value, ONLY_A_PERSON if item.only_a_person else "")
