"""A result folder appears whole or not at all, and never at the cost of somebody's other files."""

import os
from pathlib import Path

import pytest

from emboplan.errors import OutputError
from emboplan.files.atomic import atomic_folder, require_writable

MARKER = "plan.json"


def _write(folder: Path, content: str, *, force: bool = False) -> None:
    with atomic_folder(folder, MARKER, force=force) as work:
        (work / MARKER).write_text(content)


def test_new_folder_is_written_with_its_parents(tmp_path: Path) -> None:
    _write(tmp_path / "a" / "b", "one")
    assert (tmp_path / "a" / "b" / MARKER).read_text() == "one"


def test_existing_result_is_refused_without_force_and_untouched(tmp_path: Path) -> None:
    _write(tmp_path / "r", "one")
    with pytest.raises(OutputError, match="--force"):
        _write(tmp_path / "r", "two")
    assert (tmp_path / "r" / MARKER).read_text() == "one"


def test_force_replaces_the_whole_result(tmp_path: Path) -> None:
    _write(tmp_path / "r", "one")
    (tmp_path / "r" / "stale.txt").write_text("old")
    _write(tmp_path / "r", "two", force=True)
    assert sorted(p.name for p in (tmp_path / "r").iterdir()) == [MARKER]
    assert (tmp_path / "r" / MARKER).read_text() == "two"


def test_other_files_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_text("mine")
    with pytest.raises(OutputError, match="other files"):
        _write(tmp_path, "two", force=True)
    assert (tmp_path / "holiday.jpg").read_text() == "mine"


def test_failure_midway_leaves_the_old_result_and_nothing_else(tmp_path: Path) -> None:
    _write(tmp_path / "r", "one")

    def fail() -> None:
        with atomic_folder(tmp_path / "r", MARKER, force=True) as work:
            (work / MARKER).write_text("half")
            raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        fail()
    assert [p.name for p in tmp_path.iterdir()] == ["r"]
    assert (tmp_path / "r" / MARKER).read_text() == "one"


def test_failed_rename_restores_the_old_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path / "r", "one")
    rename = Path.rename

    def refuse_the_new(self: Path, target: Path) -> Path:
        if self.name.startswith(".r-") and Path(target).name == "r":
            raise OSError(28, os.strerror(28))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_the_new)
    with pytest.raises(OutputError, match="No space left"):
        _write(tmp_path / "r", "two", force=True)
    assert [p.name for p in tmp_path.iterdir()] == ["r"]
    assert (tmp_path / "r" / MARKER).read_text() == "one"


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r").write_text("a file")
    with pytest.raises(OutputError, match="is a file"):
        require_writable(tmp_path / "r", MARKER, force=True)


def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="cannot be written to"):
        require_writable(tmp_path / "r", MARKER, force=False)


def test_an_interruption_between_the_renames_restores_the_old_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path / "r", "one")
    rename = Path.rename

    def interrupt(self: Path, target: Path) -> Path:
        if self.name.startswith(".r-") and Path(target).name == "r":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupt)
    with pytest.raises(KeyboardInterrupt):
        _write(tmp_path / "r", "two", force=True)
    assert [p.name for p in tmp_path.iterdir()] == ["r"]
    assert (tmp_path / "r" / MARKER).read_text() == "one"
