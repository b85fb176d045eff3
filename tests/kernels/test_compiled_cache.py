"""Compiled code is kept in a folder that changes whenever a kernel does, unless the user says where."""

import os
import subprocess
import sys
from pathlib import Path

from emboplan.kernels import digest_of


def cache_folder(**environment: str) -> str:
    """What numba is told in a fresh process, with one small kernel run."""
    code = (
        "import numpy as np\n"
        "from emboplan.kernels import rng\n"
        "rng.stream(np.uint64(1), np.uint64(2))\n"
        "import numba; print(numba.config.CACHE_DIR)"
    )
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "XDG_"))}
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**plain, **environment}
    )
    return ran.stdout.strip()


def test_the_digest_knows_every_file(tmp_path: Path) -> None:
    """A changed callee, a new file and a new name each change it; other files do not."""
    (tmp_path / "caller.py").write_text("a")
    (tmp_path / "callee.py").write_text("b")
    seen = {digest_of(tmp_path)}
    (tmp_path / "notes.txt").write_text("c")
    assert {digest_of(tmp_path)} == seen
    (tmp_path / "callee.py").write_text("d")
    seen.add(digest_of(tmp_path))
    (tmp_path / "callee.py").rename(tmp_path / "other.py")
    seen.add(digest_of(tmp_path))
    (tmp_path / "more.py").write_text("")
    seen.add(digest_of(tmp_path))
    assert len(seen) == 4


def test_the_folder_bears_the_digest_and_is_used(tmp_path: Path) -> None:
    if sys.platform != "linux":
        return  # the variable that names the folder is Linux's
    import emboplan.kernels

    digest = digest_of(Path(emboplan.kernels.__file__).parent)
    found = cache_folder(XDG_CACHE_HOME=str(tmp_path))
    assert found == str(tmp_path / "emboplan" / f"numba-{digest}")
    assert list(Path(found).rglob("*.nbi"))


def test_the_user_may_say_where(tmp_path: Path) -> None:
    assert cache_folder(NUMBA_CACHE_DIR=str(tmp_path)) == str(tmp_path)
    assert list(tmp_path.rglob("*.nbi"))


def test_a_folder_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    cache_folder(XDG_CACHE_HOME=str(tmp_path / "file"))
