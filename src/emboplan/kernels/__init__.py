"""Heavy loops: numba, arrays in and arrays out, nothing of ours but `units`.

Compiled code is kept between runs in the user's cache folder, in a folder named by a digest of these files:
numba compiles a function anew when its own file changes, but not when a function that it calls does. Where
the user has set ``NUMBA_CACHE_DIR`` that is used; where the folder cannot be written numba keeps the code
beside the files. The setting is numba's own, so that it holds for all numba code of the process.
"""

import hashlib
import os
import sys
from pathlib import Path

import numba

# So many hex digits of the digest name the folder: no two states of these files will share them.
DIGITS = 16


def digest_of(folder: Path) -> str:
    """A digest of the Python files of a folder, names and contents."""
    total = hashlib.sha256()
    for file in sorted(folder.glob("*.py")):
        total.update(file.name.encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()[:DIGITS]


def user_cache() -> Path:
    """The folder for things that can be made again, by the custom of the system."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _name_the_cache() -> None:
    if numba.config.CACHE_DIR:
        return
    try:
        numba.config.CACHE_DIR = str(user_cache() / "emboplan" / f"numba-{digest_of(Path(__file__).parent)}")
    except (OSError, RuntimeError):  # no home, or files that cannot be read: numba's own place will do
        return


_name_the_cache()
