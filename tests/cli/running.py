"""The command line run in this process: quick, with its status, output and messages."""

import contextlib
import io
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from unittest import mock

from emboplan.cli.main import main


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The messages, line by line."""
        return self.err.splitlines()


def run(*arguments: object) -> Ran:
    """`emboplan` with these arguments."""
    out, err = io.StringIO(), io.StringIO()
    command = ["emboplan", *map(str, arguments)]
    status = 0
    with (
        mock.patch.object(sys, "argv", command),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as leaving:
            status = leaving.code if isinstance(leaving.code, int) else 0
    return Ran(status, out.getvalue(), err.getvalue())


def contents(folder: Path) -> dict[str, str]:
    """Everything below a folder, with digests of the files."""
    return {
        path.relative_to(folder).as_posix(): "" if path.is_dir() else sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
    }
