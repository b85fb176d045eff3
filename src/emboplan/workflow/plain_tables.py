"""Tables of names and values from TOML and JSON files, numbers as exact decimals."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from emboplan.errors import InputError
from emboplan.workflow.cases.casefile import parse_toml_file


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose names are each used once; Python alone would keep the last without a word."""
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'"{double}" is used twice')
    return table


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def read_json(path: Path, *, constants: Callable[[str], float] = _no_number) -> dict[str, Any]:
    """The object of a JSON file, numbers as exact decimals; a name used twice is refused.

    Raises:
        InputError: the file cannot be read, or holds no such object.
    """
    try:
        table = json.loads(
            path.read_text(encoding="utf-8-sig"),
            parse_float=Decimal,
            parse_constant=constants,
            object_pairs_hook=_once,
        )
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not text in UTF-8; give a JSON file") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is no valid JSON ({error}); mend the file") from error
    if not isinstance(table, dict):
        raise InputError(f"{path.name} holds no table; expected an object of names and values")
    return table


def read_table(path: Path) -> dict[str, Any]:
    """The table of a JSON or TOML file.

    Raises:
        InputError: the file cannot be read, or is neither.
    """
    if path.suffix.lower() == ".json":
        # NaN is no JSON, yet many programs write it: the door for facts names it with all other mistakes.
        return read_json(path, constants=float)
    try:
        return parse_toml_file(path)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not text in UTF-8; give facts as TOML or JSON") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path.name} is not valid TOML ({error}); mend the syntax") from error
