"""A result folder may be replaced only when all that it holds was written here.

Each kind of result names its marker file and the patterns of its files; nobody else's file is ever removed.
What the file managers of desktops leave behind counts as nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from emboplan.errors import OutputError
from emboplan.files.atomic import require_writable

LEFT_BY_FILE_MANAGERS = (".DS_Store", "Thumbs.db", "desktop.ini")


def require_own_folder(folder: Path, marker: str, patterns: Sequence[str], *, force: bool) -> None:
    """Raise `OutputError` when a result could not be written to `folder`; to be asked before the long work.

    `patterns` are those of the result's files inside the folder, such as ``plan.json`` or ``figures/*.png``;
    the folders in them may be there too. What is forbidden without `force`, and what `marker` is for:
    `require_writable`.
    """
    require_writable(folder, marker, force=force)
    if not folder.is_dir():
        return
    subfolders = {pattern.partition("/")[0] for pattern in patterns if "/" in pattern}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).as_posix()
        if path.is_dir() and not path.is_symlink():
            ours = inside in subfolders
        else:
            known = any(fnmatch(inside, pattern) for pattern in patterns)
            ours = known or path.name in LEFT_BY_FILE_MANAGERS
        if not ours:
            raise OutputError(
                f"{folder} also holds {inside}, which emboplan did not write; move it, or give another folder"
            )
