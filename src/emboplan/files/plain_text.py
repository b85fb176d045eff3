"""Text and JSON files: read as UTF-8, with what is wrong said in one line.

A byte order mark at the start is no fault. Text in another encoding is refused, never guessed: a wrong guess
changes names and signs without a word. In JSON a name may be used once; Python alone would keep the last.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from emboplan.errors import InputError

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: Path) -> str:
    """The text of a file, line ends as they stand.

    Raises:
        InputError: the file cannot be read, or is not in UTF-8; the message says where, and what it may be.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path.name or path} cannot be read ({error.strerror}); check the path") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if content.startswith(_UTF_16):
            found = "it begins as UTF-16 does"
        else:
            line = content.count(b"\n", 0, error.start) + 1
            found = f"line {line} holds the byte 0x{content[error.start]:02X}, as Latin-1 and Windows text do"
        raise InputError(
            f"{path.name} is not text in UTF-8 ({found}); save it as UTF-8, in a spreadsheet as CSV UTF-8"
        ) from error


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'"{double}" is used twice')
    return table


def read_json_value(path: Path, *, constants: Callable[[str], object] = _no_number) -> Any:
    """The value of a JSON file, numbers with a point or an exponent as exact decimals.

    `constants` says what becomes of NaN and Infinity, which are no JSON and are refused unless it is given.

    Raises:
        InputError: the file cannot be read, is no JSON, or uses a name twice in one object.
    """
    text = read_text(path)
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=constants, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is no valid JSON ({error}); mend the file") from error
