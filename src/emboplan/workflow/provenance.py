"""What a plan was made from: digests of the inputs, and the versions of the software.

Digests are of content: the files of a series in the order of their own digests, so that renaming or copying a
folder changes nothing, and a changed pixel does.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import emboplan
from emboplan.errors import InputError
from emboplan.model.plan import InputDigest

# The libraries whose numbers a plan depends on.
NUMERICAL_LIBRARIES = ("numpy", "scipy", "numba", "SimpleITK", "pydicom", "highdicom")


def digest(role: str, name: str, files: Iterable[Path]) -> InputDigest:
    """The digest of one input that consists of one or more files."""
    paths = list(files)
    hashes = sorted(_file_digest(path) for path in paths)
    whole = hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
    return InputDigest(role=role, name=name, files=len(paths), sha256=whole)


def _file_digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}); check its permissions") from error


def software_versions() -> dict[str, str]:
    """The versions of emboplan, Python and the libraries that compute."""
    libraries = {name: version(name) for name in NUMERICAL_LIBRARIES}
    return {"emboplan": emboplan.__version__, "python": platform.python_version(), **libraries}
