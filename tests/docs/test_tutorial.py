"""The tutorial is executed as written: its commands in a shell, its Python, its files, in one folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.pages import DOCS, Block, blocks

TUTORIAL = DOCS / "tutorial" / "first-plan.md"
SLOW = "run: slow"
LONGEST_S = 900  # a block that takes longer hangs; the whole demo is promised in five minutes


def _execute(block: Block, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a block in `folder`, with the environment's own programs first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    program = {"sh": ["sh", "-e", "-c"], "python": [sys.executable, "-c"]}[block.language]
    return subprocess.run(
        [*program, block.text],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )


def _walk(folder: Path, *, slow: bool) -> int:
    """Do what the tutorial says, in its order; the number of blocks that were executed."""
    executed = 0
    for block in blocks(TUTORIAL):
        if block.mark.startswith("file: "):
            (folder / block.mark.removeprefix("file: ")).write_text(block.text, encoding="utf-8")
        elif block.mark == "run" or (slow and block.mark == SLOW):
            done = _execute(block, folder)
            assert done.returncode == 0, f"{block.where}\n{block.text}\n{done.stdout}\n{done.stderr}"
            executed += 1
    return executed


def test_the_short_steps_of_the_tutorial_run(tmp_path: Path) -> None:
    """Everything that needs no images runs as written."""
    assert _walk(tmp_path, slow=False) > 0


@pytest.mark.slow
def test_the_whole_tutorial_runs(tmp_path: Path) -> None:
    """From making the patient to reading its plan, every block runs as written."""
    executed = _walk(tmp_path, slow=True)
    marked = [b for b in blocks(TUTORIAL) if b.mark in ("run", SLOW)]
    assert executed == len(marked)
    assert (tmp_path / "plan" / "report.html").is_file()
