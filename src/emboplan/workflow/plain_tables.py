"""Tables of names and values from TOML and JSON files, numbers as exact decimals."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from emboplan.errors import InputError
from emboplan.files.plain_text import read_json_value
from emboplan.workflow.cases.casefile import parse_toml_file


def read_json(path: Path, *, with_nan: bool = False) -> dict[str, Any]:
    """The object of a JSON file, numbers as exact decimals; a name used twice is refused.

    Raises:
        InputError: the file cannot be read, or holds no such object.
    """
    table = read_json_value(path, constants=float) if with_nan else read_json_value(path)
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
        return read_json(path, with_nan=True)
    try:
        return parse_toml_file(path)
    except OSError as error:
        raise InputError(f"{path.name or path} cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not text in UTF-8; give facts as TOML or JSON") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path.name} is not valid TOML ({error}); mend the syntax") from error
