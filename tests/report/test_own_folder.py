"""Which folders may be replaced: those that hold what was written here, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from emboplan.errors import OutputError
from emboplan.report import (
    delivery_folder,
    dose_folder,
    folder,
    register_folder,
    response_folder,
    shunt_folder,
)
from emboplan.report.own_folder import require_own_folder

PATTERNS = ("result.json", "curve_*.svg", "figures/*.png")
KINDS = (
    (folder.check_writable, folder.MARKER, folder.OURS),
    (dose_folder.check_writable, dose_folder.DOSE_JSON, dose_folder.OURS),
    (delivery_folder.check_writable, delivery_folder.DELIVERY_JSON, delivery_folder.OURS),
    (register_folder.check_writable, folder.REGISTRATION_JSON, register_folder.OURS),
    (response_folder.check_writable, response_folder.RESPONSE_JSON, response_folder.OURS),
    (shunt_folder.check_writable, shunt_folder.SHUNT_JSON, shunt_folder.OURS),
)


def filled(place: Path, *names: str) -> Path:
    """A result folder with these files; a name that ends in a slash is an empty folder."""
    for name in ("result.json", *names):
        path = place / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_text("", encoding="utf-8")
    return place


@pytest.mark.parametrize(
    "names", [(), ("curve_os.svg", "figures/a.png"), (".DS_Store", "figures/Thumbs.db"), ("figures/",)]
)
def test_what_was_written_here_may_be_replaced(tmp_path: Path, names: tuple[str, ...]) -> None:
    require_own_folder(filled(tmp_path, *names), "result.json", PATTERNS, force=True)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("notes.txt", "notes.txt"),
        ("curve_os.txt", "curve_os.txt"),
        ("figures/mine.txt", "figures/mine.txt"),
        ("figures/more/a.png", "figures/more"),
        ("figures/a.png/mine.png", "figures/a.png"),
        ("masks/a.png", "masks"),
        ("Thumbs.db/", "Thumbs.db"),
    ],
)
def test_anything_else_is_named_and_kept(tmp_path: Path, name: str, said: str) -> None:
    """A folder is never taken for a file of ours, whatever its name."""
    with pytest.raises(OutputError) as refused:
        require_own_folder(filled(tmp_path, name), "result.json", PATTERNS, force=True)
    expected = f"{tmp_path} also holds {said}, which emboplan did not write; move it, or give another folder"
    assert expected == str(refused.value)


def test_a_link_to_other_files_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    place = filled(tmp_path / "out")
    (place / "figures").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="also holds figures,"):
        require_own_folder(place, "result.json", PATTERNS, force=True)


def test_a_result_without_force_and_a_new_folder(tmp_path: Path) -> None:
    require_own_folder(tmp_path / "new", "result.json", PATTERNS, force=False)
    with pytest.raises(OutputError, match="--force to replace it"):
        require_own_folder(filled(tmp_path), "result.json", PATTERNS, force=False)


@pytest.mark.parametrize(("check", "marker", "ours"), KINDS, ids=[marker for _, marker, _ in KINDS])
def test_every_kind_of_result_keeps_other_files(
    tmp_path: Path, check: Callable[..., None], marker: str, ours: tuple[str, ...]
) -> None:
    for pattern in (marker, *ours):
        path = tmp_path / pattern.replace("*", "one")
        path.parent.mkdir(exist_ok=True)
        path.touch()
    check(tmp_path, force=True)
    (tmp_path / "thesis.docx").touch()
    with pytest.raises(OutputError, match=r"also holds thesis\.docx, which emboplan did not write"):
        check(tmp_path, force=True)
