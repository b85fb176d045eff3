"""Result folders that appear whole or not at all.

A folder is built beside its final place and renamed into it at the end, so that a failure or an interruption
leaves nothing half-written and an existing result untouched. Only a folder that carries our own marker file
is ever replaced.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emboplan.errors import OutputError

# Random part of the name of a folder in the making: enough that two runs never meet.
TOKEN_BYTES = 4


def require_writable(folder: Path, marker: str, *, force: bool) -> None:
    """Raise `OutputError` when a result could not be written to `folder`, before any long work starts.

    An existing folder may be replaced only with `force`, and only when it is empty or holds the `marker` file
    of an earlier result: nobody's other files are ever removed. A link stands for the folder it leads to.
    """
    try:
        _require_free(folder.resolve(), folder, marker, force=force)
    except (OSError, RuntimeError) as error:
        # A name too long for the system, a folder that may not be entered, a loop of links.
        reason = getattr(error, "strerror", None) or "a loop of links"
        raise OutputError(f"{folder} cannot be written to ({reason}); give another folder") from error


def _require_free(place: Path, folder: Path, marker: str, *, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; expected a folder to write to")
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / marker).is_file():
            raise OutputError(f"{folder} holds other files and no {marker}; give a new folder with -o")
        if not force:
            raise OutputError(
                f"{folder} holds a result already; give another folder, or --force to replace it"
            )
    existing = next(p for p in place.parents if p.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise OutputError(f"{existing} cannot be written to; give another folder with -o")
    try:  # a read-only file system says no only when asked to write; this file has no name to leave behind
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise OutputError(
            f"{existing} cannot be written to ({error.strerror}); give another folder"
        ) from error


@contextmanager
def atomic_folder(folder: Path, marker: str, *, force: bool) -> Iterator[Path]:
    """A temporary folder to fill, which takes the place of `folder` when the block ends without an error."""
    require_writable(folder, marker, force=force)
    folder = folder.resolve()
    # Named before it is made, so that an interruption at any moment finds it.
    work = folder.parent / f".{folder.name}-{secrets.token_hex(TOKEN_BYTES)}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work.mkdir()
        yield work
        _swap(work, folder)
    except OSError as error:
        raise OutputError(
            f"{folder.name} cannot be written ({error.strerror}); the result was not saved"
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _swap(work: Path, folder: Path) -> None:
    """Put `work` in the place of `folder`; the old result is deleted only when the new one stands."""
    if not folder.exists():
        work.rename(folder)
        return
    aside = folder.parent / f".old-{folder.name}-{secrets.token_hex(TOKEN_BYTES)}"
    try:
        folder.rename(aside)
        work.rename(folder)
    except BaseException:  # an interruption too: the old result goes back before anything else
        if aside.exists() and not folder.exists():
            aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)
