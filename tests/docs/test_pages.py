"""The documentation says what is there: links lead somewhere, names exist, examples are valid."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer.main
from tests.docs.pages import DOCS, ROOT, Block, all_blocks, pages, without_fences

import emboplan
from emboplan.catalog import load
from emboplan.cli.main import app
from emboplan.workflow.cases.caseschema import CaseTable

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PAGES = [pytest.param(page, id=page.relative_to(ROOT).as_posix()) for page in pages()]


def _blocks(*, language: str = "", mark: str = "") -> list[object]:
    found = [b for b in all_blocks() if language in ("", b.language) and b.mark.startswith(mark)]
    return [pytest.param(block, id=block.where) for block in found]


def _anchor(heading: str) -> str:
    plain = re.sub(r"[^\w\s-]", "", heading.replace("`", "")).strip().lower()
    return re.sub(r"[-\s]+", "-", plain)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    """A relative link names a file of the repository, and an anchor names a heading of it."""
    missing = []
    for target in _LINK.findall(without_fences(page.read_text(encoding="utf-8"))):
        name, _, anchor = target.partition("#")
        if ":" in name:
            continue
        file = (page.parent / name) if name else page
        if not file.exists():
            missing.append(target)
        elif anchor:
            headings = _HEADING.findall(file.read_text(encoding="utf-8"))
            if anchor not in {_anchor(heading) for heading in headings}:
                missing.append(target)
    assert missing == []


def test_every_page_is_in_the_navigation() -> None:
    """A page that the site's menu does not name is not found by anybody."""
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    absent = [p for p in DOCS.rglob("*.md") if p.relative_to(DOCS).as_posix() not in navigation]
    assert absent == []


@pytest.mark.parametrize("block", _blocks(language="sh"))
def test_every_command_shown_exists_with_its_options(block: Block) -> None:
    """Each `emboplan` line of a shell block parses: command, arguments and options."""
    root = typer.main.get_command(app)
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] != ["emboplan"]:
            continue
        command, arguments = root, words[1:]
        while getattr(command, "commands", None) and arguments and arguments[0] in command.commands:  # type: ignore[attr-defined]  # a group has them
            command = command.commands[arguments.pop(0)]  # type: ignore[attr-defined]  # as above
        known = {option for parameter in command.params for option in parameter.opts}
        assert [word for word in arguments if word.startswith("-") and word not in known] == []
        assert getattr(command, "commands", None) is None or arguments[:1] == ["--version"]


@pytest.mark.parametrize("block", _blocks(language="python"))
def test_every_public_name_shown_exists(block: Block) -> None:
    """`ep.NAME` in a Python block is a public name."""
    names = set(re.findall(r"\bep\.(\w+)", block.text))
    assert names - set(emboplan.__all__) == set()


@pytest.mark.parametrize("block", _blocks(mark="case-file"))
def test_every_case_file_shown_is_valid(block: Block) -> None:
    """Keys, units and values of an example are those of the schema, and its product and protocol exist."""
    table = tomllib.loads(block.text)
    table.pop("facts", None)
    case = CaseTable.model_validate(table)
    assert case.procedure.device in (None, *load().microsphere_names())
    assert case.procedure.protocol in (None, *load().protocol_names())


@pytest.mark.parametrize("block", _blocks(mark="site-catalogue"))
def test_every_site_catalogue_shown_is_valid(block: Block, tmp_path: Path) -> None:
    """An example of a site's file loads over ours."""
    file = tmp_path / "ours.toml"
    file.write_text(block.text, encoding="utf-8")
    assert load(file).digest != load().digest


def test_the_case_file_page_names_every_key() -> None:
    """Each key that the schema knows is in the page that documents it."""
    page = (DOCS / "formats" / "case-file.md").read_text(encoding="utf-8")
    keys: set[str] = set()
    waiting = [CaseTable.model_json_schema()]
    while waiting:
        table = waiting.pop()
        keys |= set(table.get("properties", {}))
        waiting += table.get("$defs", {}).values()
    keys -= {"dose", "source"}  # of a goal, which stands in one line
    assert {key for key in keys if f"`{key}`" not in page and f"[{key}]" not in page} == set()


def test_the_plan_json_page_names_every_field() -> None:
    """Each field of the published schema is in a page that documents it."""
    formats = DOCS / "formats"
    text = "".join((formats / name).read_text() for name in ("plan-json.md", "segmentation-json.md"))
    schema = json.loads((DOCS / "schema" / "plan.schema.json").read_text(encoding="utf-8"))
    fields = set(schema["properties"])
    for definition in schema["$defs"].values():
        fields |= set(definition.get("properties", {}))
    assert {field for field in fields if not re.search(rf"\b{field}\b", text)} == set()


def test_the_protocols_named_are_those_of_the_catalogue() -> None:
    """The page on eligibility lists exactly the protocols that ship."""
    page = (DOCS / "methods" / "eligibility.md").read_text(encoding="utf-8")
    line = next(line for line in page.splitlines() if "--protocol NAME" in line)
    named = set(re.findall(r"`([a-z0-9-]+)`", line)) - {"all"}
    assert set(load().protocol_names()) == named


def test_the_architecture_page_names_every_room_and_no_file_that_is_gone() -> None:
    """Each package is in the table of rooms, and each file named there exists."""
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    package = Path(emboplan.__file__).parent
    rows = dict(re.findall(r"^\| `(\w+)/` \| (`.*`) \|", page, re.MULTILINE))
    assert {path.parent.name for path in package.glob("*/__init__.py")} == set(rows)
    named = {
        f"{room}/{file}" for room, files in rows.items() for file in re.findall(r"`([\w/]+\.py)`", files)
    }
    assert {file for file in named if not (package / file).is_file()} == set()


def test_the_validation_page_names_tests_that_exist() -> None:
    """A claim without a test is none."""
    page = (DOCS / "validation" / "index.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)`", page)
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []
