"""Settings of a phantom as they are typed on the command line: `--set key=value`."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any

from emboplan.errors import InputError


def parse_settings(assignments: Sequence[str]) -> dict[str, Any]:
    """What `--set key=value` says; a value is a number, a list in brackets, or text.

    >>> parse_settings(["diameter_mm=30", "centre_mm=[0, 0, 1.5]"])
    {'diameter_mm': 30, 'centre_mm': [0, 0, 1.5]}
    """
    out: dict[str, Any] = {}
    for assignment in assignments:
        key, sign, text = (part.strip() for part in assignment.partition("="))
        if not sign or not key or not text:
            raise InputError(f"--set {assignment!r}: expected key=value, such as diameter_mm=30")
        if key in out:
            raise InputError(f"--set {key} is given twice; give it once")
        try:
            out[key] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            out[key] = text
    return out
