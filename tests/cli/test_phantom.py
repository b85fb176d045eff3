"""`emboplan phantom` and `emboplan demo`: names and places; what they make is tested elsewhere."""

import json
from pathlib import Path

import pytest
from tests.cli.running import contents, run


def test_list_names_what_make_takes() -> None:
    described = json.loads(run("phantom", "list", "--json").out)
    assert "net-liver" in described
    assert "net-liver" in run("phantom", "list").out


@pytest.mark.parametrize("name", ["nope", "../net-liver", ""])
def test_an_unknown_phantom_is_one_line(tmp_path: Path, name: str) -> None:
    ran = run("phantom", "make", name, "-o", tmp_path / "p")
    assert (ran.status, ran.out) == (2, "")
    assert ran.lines == [f"error: the catalogue has no phantom {name!r}; it has net-liver"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [("phantom", "make", "net-liver"), ("demo",)])
def test_places_are_asked_for_before_the_work(tmp_path: Path, command: tuple[str, ...]) -> None:
    place = tmp_path / "thesis"
    (place / "plan").mkdir(parents=True)
    (place / "plan" / "chapter.tex").write_text("years of work")
    before = contents(tmp_path)
    ran = run(*command, "-o", place, "--force")
    assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)
    assert ran.err.startswith(f"error: {place}")
    assert contents(tmp_path) == before
