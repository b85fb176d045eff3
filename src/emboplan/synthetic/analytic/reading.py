"""Reading a table of a definition: every key asked for must be there, and no other.

A value may be the name of a setting (a key of the definition's table ``set``), so that one number governs
several places.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping

from emboplan.errors import InputError
from emboplan.synthetic.analytic.solids import Vector

Setting = float | list[float]


def nearest(word: str, known: Iterable[str]) -> str:
    """The known names as the end of a message, the most similar first."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"expected one of {', '.join(names)}"


class TableReader:
    """The keys of one table, each taken once; `done` refuses what nobody asked for."""

    def __init__(self, table: object, where: str, settings: Mapping[str, Setting] | None = None) -> None:
        if not isinstance(table, dict):
            raise InputError(f"phantom definition: {where} is {table!r}; expected a table")
        self._table, self._where = table, where
        self._settings = dict(settings or {})
        self._asked: set[str] = set()

    def has(self, key: str) -> bool:
        """Whether the key is there; asking counts as knowing it."""
        self._asked.add(key)
        return key in self._table

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that are there."""
        return tuple(self._table)

    def raw(self, key: str) -> object:
        """The value as it is, with a setting's name replaced by its value."""
        if not self.has(key):
            raise InputError(f"phantom definition: {self.path(key)} is missing; give it a value")
        value = self._table[key]
        if isinstance(value, str) and value in self._settings:
            return self._settings[value]
        return value

    def path(self, key: str) -> str:
        """The key with the names of its tables."""
        return f"{self._where}.{key}" if self._where else key

    def text(self, key: str) -> str:
        """Words."""
        self.has(key)
        value = self._table.get(key)
        if not isinstance(value, str) or not value.strip():
            raise InputError(f"phantom definition: {self.path(key)} is {value!r}; expected text")
        return value

    def number(self, key: str, *, least: float | None = None, above: float | None = None) -> float:
        """A finite number, at least or above a limit."""
        return number(self.raw(key), self.path(key), least=least, above=above)

    def fraction(self, key: str) -> float:
        """A number from 0 to 1."""
        value = self.number(key)
        if not 0 <= value <= 1:
            raise InputError(f"phantom definition: {self.path(key)} is {value:g}; expected 0 to 1")
        return value

    def whole(self, key: str, *, least: int, most: int) -> int:
        """A whole number between limits."""
        value = self.number(key, least=least)
        if value > most:
            raise InputError(f"phantom definition: {self.path(key)} is {value:g}; expected {most} or less")
        if value != int(value):
            raise InputError(f"phantom definition: {self.path(key)} is {value:g}; expected a whole number")
        return int(value)

    def numbers(
        self, key: str, *, least: float | None = None, above: float | None = None
    ) -> tuple[float, ...]:
        """A list of one number or more; each may be the name of a setting."""
        value = self.raw(key)
        if not isinstance(value, list) or not value:
            raise InputError(f"phantom definition: {self.path(key)} is {value!r}; expected a list of numbers")
        one = (self._settings.get(v, v) if isinstance(v, str) else v for v in value)
        return tuple(number(v, self.path(key), least=least, above=above) for v in one)

    def vector(self, key: str, *, above: float | None = None) -> Vector:
        """Three numbers, x, y, z."""
        values = self.numbers(key, above=above)
        if len(values) != len(("x", "y", "z")):
            raise InputError(
                f"phantom definition: {self.path(key)} has {len(values)} numbers; expected three, x, y, z"
            )
        return (values[0], values[1], values[2])

    def sub(self, key: str) -> TableReader:
        """The reader of a table in this one."""
        return TableReader(self.raw(key), self.path(key), self._settings)

    def subs(self, key: str) -> list[TableReader]:
        """The readers of an array of tables; none where the key is not there."""
        if not self.has(key):
            return []
        tables = self.raw(key)
        if not isinstance(tables, list):
            raise InputError(f"phantom definition: {self.path(key)} is {tables!r}; expected [[{key}]]")
        return [TableReader(t, f"{self.path(key)}[{n}]", self._settings) for n, t in enumerate(tables, 1)]

    def tables(self, key: str) -> dict[str, TableReader]:
        """The readers of named tables."""
        named = self.sub(key)
        return {name: named.sub(name) for name in named.keys}

    def done(self) -> None:
        """Refuse a key that nobody asked for."""
        for key in self._table:
            if key not in self._asked:
                raise InputError(
                    f"phantom definition: unknown key {self.path(key)}; {nearest(key, self._asked)}"
                )


def number(value: object, where: str, *, least: float | None = None, above: float | None = None) -> float:
    """A finite number at `where`, or one clear error."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"phantom definition: {where} is {value!r}; expected a finite number")
    if least is not None and value < least:
        raise InputError(f"phantom definition: {where} is {value:g}; expected {least:g} or more")
    if above is not None and value <= above:
        raise InputError(f"phantom definition: {where} is {value:g}; expected more than {above:g}")
    return float(value)
