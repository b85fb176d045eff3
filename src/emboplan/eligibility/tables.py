"""Reading plain values out of parsed TOML tables, remembering every mistake with its key path.

A reader returns a harmless stand-in for what it could not read; what it returned counts only when `finish`
finds no problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TypeGuard, TypeVar

from emboplan.eligibility.reading import exact_decimal
from emboplan.errors import CatalogError

Choice = TypeVar("Choice", bound=StrEnum)

STATUSES = ("confirmed", "to-confirm", "unverified")
MISSING = "missing"


def is_list(value: object) -> TypeGuard[Sequence[object]]:
    """Whether the value is an array."""
    return isinstance(value, Sequence) and not isinstance(value, str)


def found(value: object) -> str:
    """What an error message shows of a value."""
    return "nothing" if value is None else f'"{value}"' if isinstance(value, str) else str(value)


@dataclass(slots=True)
class TableReader:
    """Reads values of the kind asked for; `problems` holds one line for each that is not so."""

    problems: list[str] = field(default_factory=list)

    def finish(self) -> None:
        """Raise a `CatalogError` with all problems, if there are any."""
        if self.problems:
            raise CatalogError("\n".join(self.problems))

    def wrong(self, path: str, text: str) -> None:
        """Remember a mistake; of what is missing nothing else is said."""
        if f"{path}: {MISSING}" not in self.problems:
            self.problems.append(f"{path}: {text}")

    def table(self, table: Mapping[str, object], key: str, path: str = "") -> Mapping[str, object]:
        """The table under that key."""
        value = table.get(key)
        if isinstance(value, Mapping):
            return value
        self.wrong(f"{path}{key}", f"found {found(value)}, expected a table")
        return {}

    def tables(
        self, table: Mapping[str, object], key: str, path: str
    ) -> Iterator[tuple[str, Mapping[str, object]]]:
        """Each table of the array under that key, with its path; none where the key is absent."""
        value = table.get(key, [])
        if not is_list(value):
            self.wrong(f"{path}{key}", f"found {found(value)}, expected an array of tables")
            return
        for index, entry in enumerate(value):
            if isinstance(entry, Mapping):
                yield f"{path}{key}[{index}]", entry
            else:
                self.wrong(f"{path}{key}[{index}]", f"found {found(entry)}, expected a table")

    def text(self, table: Mapping[str, object], key: str, path: str) -> str:
        """The text under that key."""
        value = table.get(key)
        if isinstance(value, str) and value.strip():
            return value
        self.wrong(f"{path}{key}", f"found {found(value)}, expected text")
        return ""

    def optional_text(self, table: Mapping[str, object], key: str, path: str) -> str | None:
        """The text under that key, or None where it is absent."""
        return self.text(table, key, path) if key in table else None

    def truth(self, table: Mapping[str, object], key: str, path: str, *, default: bool = False) -> bool:
        """True or false under that key."""
        value = table.get(key, default)
        if isinstance(value, bool):
            return value
        self.wrong(f"{path}{key}", f"found {found(value)}, expected true or false")
        return default

    def choice(
        self, table: Mapping[str, object], key: str, path: str, options: type[Choice]
    ) -> Choice | None:
        """The option that the text under that key names."""
        value = table.get(key)
        if isinstance(value, str) and value in tuple(options):
            return options(value)
        self.wrong(f"{path}{key}", f"found {found(value)}, expected one of {', '.join(options)}")
        return None

    def number(self, table: Mapping[str, object], key: str, path: str) -> Decimal | None:
        """The exact number under that key, or None where it is absent."""
        if key not in table:
            return None
        number = exact_decimal(table[key])
        if number is None:
            self.wrong(f"{path}{key}", f"found {found(table[key])}, expected a number")
        return number

    def keys(
        self, table: Mapping[str, object], path: str, known: Sequence[str], needed: Sequence[str] = ()
    ) -> None:
        """Remember each unknown key, and each needed one that is absent."""
        for key in table:
            if key not in known:
                self.wrong(f"{path}{key}", f"unknown key, expected one of {', '.join(known)}")
        for key in needed:
            if key not in table:
                self.wrong(f"{path}{key}", MISSING)

    def status(self, table: Mapping[str, object], path: str) -> str:
        """How far the entry can be trusted."""
        value = table.get("status")
        if value not in STATUSES:
            self.wrong(f"{path}status", f"found {found(value)}, expected one of {', '.join(STATUSES)}")
        return str(value)
