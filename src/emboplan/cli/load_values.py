"""What the options of `emboplan load` mean: quantities with units, territories with shares, a moment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from emboplan.errors import InputError, UnitError
from emboplan.units import parse_quantity


def in_unit(given: Mapping[str, Any], name: str, unit: str) -> Any:
    """An option with a simple unit as an exact number; None where it was not given."""
    if name not in given:
        return None
    try:
        return parse_quantity(given[name], to=unit)
    except UnitError as error:
        raise UnitError(f"--{name.replace('_', '-')}: {error}") from error


def compound(given: Mapping[str, Any], name: str, unit: str) -> Any:
    """An option with a compound unit, which must be the one asked for; None where it was not given."""
    if name not in given:
        return None
    match = re.fullmatch(r"\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*([^\d\s].*)?", str(given[name]))
    if match is None or (match[2] or "").replace("²", "2").strip() not in ("", unit):
        expected = f"a number in {unit}" if unit else "a plain number, such as 0.85"
        raise UnitError(f'--{name.replace("_", "-")}: found "{given[name]}"; expected {expected}')
    if match[2] is None and unit:
        raise UnitError(
            f'--{name.replace("_", "-")}: found "{given[name]}" without a unit; write "{match[1]} {unit}"'
        )
    return Decimal(match[1])


def territory_shares(written: Sequence[str] | None) -> tuple[dict[str, str] | None, dict[str, int] | None]:
    """Shares and sessions from NAME=SHARE[@SESSION]."""
    if not written:
        return None, None
    shares, sessions = {}, {}
    for text in written:
        match = re.fullmatch(r"\s*(.+?)\s*=\s*(\d*\.?\d+)\s*(?:@\s*(\d+))?\s*", text)
        if match is None:
            raise InputError(
                f'--territory: found "{text}"; expected NAME=SHARE or NAME=SHARE@SESSION, such as '
                '"right lobe=0.6@1"'
            )
        if match[1] in shares:
            raise InputError(f'--territory: "{match[1]}" stands twice; give each territory once')
        shares[match[1]] = match[2]
        if match[3]:
            sessions[match[1]] = int(match[3])
    return shares, sessions or None


def moment(given: Mapping[str, Any]) -> datetime | None:
    """The moment of loading; None where it was not given."""
    if "loaded_at" not in given:
        return None
    try:
        return datetime.fromisoformat(given["loaded_at"])
    except ValueError as error:
        raise InputError(
            f'--loaded-at: found "{given["loaded_at"]}"; expected such as 2026-11-30T09:00:00+01:00'
        ) from error


def wanted_um(sizes: Sequence[str] | None) -> tuple[float, float] | None:
    """The one range of sizes that bland particles are chosen from (um)."""
    if sizes is None:
        return None
    match = re.fullmatch(r"\s*(\d+)\s*(?:-|–|to)\s*(\d+)\s*(?:um|µm)?\s*", sizes[0])
    if len(sizes) != 1 or match is None:
        raise InputError(f'--size: found "{", ".join(sizes)}"; bland needs one range in um, such as 100-300')
    return float(match[1]), float(match[2])
