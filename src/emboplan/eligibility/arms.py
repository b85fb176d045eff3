"""The arms of a protocol: from its table to `Arm`, and the door through which an arm is asked for.

A closed arm is refused with its reason. What a document does not state is left out of the table and stays
empty here.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from emboplan.eligibility.tables import TableReader, found, is_list
from emboplan.errors import InputError
from emboplan.model.arm import Arm, ArmDrug, ArmEmulsion, ArmNote, ArmTechnique, Range
from emboplan.model.protocol import Protocol

_NEEDED = ("id", "name", "text", "source", "technique")
_OPTIONAL = (
    *("extent", "product", "sizes_um", "drug", "emulsion", "loading", "end_point", "stasis_heartbeats"),
    *("repeats", "closed", "closed_because", "note"),
)


def open_arm(protocol: Protocol, arm: str) -> Arm:
    """The arm of that id.

    Raises:
        InputError: the protocol has no such arm, or the arm is closed.
    """
    names = [it.id for it in protocol.arms if not it.closed]
    listed = ", ".join(names) or "none"
    for it in protocol.arms:
        if it.id == arm and it.closed:
            reason = f": {it.closed_because}" if it.closed_because else ""
            raise InputError(
                f'{protocol.name}: the arm "{arm}" ({it.name}) is closed{reason}; open arms: {listed}'
            )
        if it.id == arm:
            return it
    raise InputError(f'{protocol.name} has no arm "{arm}"; open arms: {listed}')


def read_arms(values: TableReader, table: Mapping[str, object]) -> tuple[Arm, ...]:
    """The arms of a protocol's table; mistakes go to `values`."""
    arms = tuple(_arm(values, entry, f"{where}.") for where, entry in values.tables(table, "arm", ""))
    ids = [arm.id for arm in arms]
    for double in sorted({name for name in ids if ids.count(name) > 1}):
        values.wrong("arm", f'the id "{double}" stands twice')
    return arms


def _arm(values: TableReader, table: Mapping[str, object], path: str) -> Arm:
    values.keys(table, path, (*_NEEDED, *_OPTIONAL), needed=_NEEDED)
    closed = values.truth(table, "closed", path)
    if closed is not ("closed_because" in table):
        values.wrong(f"{path}closed_because", "stands where, and only where, closed = true")
    return Arm(
        id=values.text(table, "id", path),
        name=values.text(table, "name", path),
        text=values.text(table, "text", path),
        source=values.text(table, "source", path),
        technique=values.choice(table, "technique", path, ArmTechnique) or ArmTechnique.SYSTEMIC,
        extent=_texts(values, table, "extent", path),
        product=values.optional_text(table, "product", path),
        sizes_um=_ranges(values, table, "sizes_um", path),
        drugs=tuple(_drug(values, it, f"{where}.") for where, it in values.tables(table, "drug", path)),
        emulsion=_emulsion(values, table, path) if "emulsion" in table else None,
        loading=values.optional_text(table, "loading", path),
        end_point=values.optional_text(table, "end_point", path),
        stasis_heartbeats=_optional_range(values, table, "stasis_heartbeats", path),
        repeats=values.optional_text(table, "repeats", path),
        closed=closed,
        closed_because=values.optional_text(table, "closed_because", path),
        notes=tuple(_note(values, it, f"{where}.") for where, it in values.tables(table, "note", path)),
    )


def _drug(values: TableReader, table: Mapping[str, object], path: str) -> ArmDrug:
    values.keys(table, path, ("name", "dose", "unit", "given", "source", "status"), needed=("name",))
    if ("dose" in table) is not ("unit" in table):
        values.wrong(f"{path}unit", "dose and unit stand together")
    return ArmDrug(
        name=values.text(table, "name", path),
        dose=_optional_range(values, table, "dose", path),
        unit=values.optional_text(table, "unit", path),
        given=values.optional_text(table, "given", path),
        source=values.text(table, "source", path),
        status=values.status(table, path),
    )


def _emulsion(values: TableReader, table: Mapping[str, object], path: str) -> ArmEmulsion:
    inner, where = values.table(table, "emulsion", path), f"{path}emulsion."
    keys = ("aqueous", "aqueous_ml", "oil", "oil_ml")
    values.keys(inner, where, keys, needed=keys)
    return ArmEmulsion(
        aqueous=values.text(inner, "aqueous", where),
        aqueous_ml=_range(values, inner.get("aqueous_ml"), f"{where}aqueous_ml"),
        oil=values.text(inner, "oil", where),
        oil_ml=_range(values, inner.get("oil_ml"), f"{where}oil_ml"),
    )


def _note(values: TableReader, table: Mapping[str, object], path: str) -> ArmNote:
    values.keys(table, path, ("text", "source"))
    return ArmNote(values.text(table, "text", path), values.text(table, "source", path))


def _texts(values: TableReader, table: Mapping[str, object], key: str, path: str) -> tuple[str, ...]:
    written = table.get(key, ())
    if not is_list(written) or not all(isinstance(text, str) and text for text in written):
        values.wrong(f"{path}{key}", f"found {found(written)}, expected a list of texts")
        return ()
    return tuple(map(str, written))


def _optional_range(values: TableReader, table: Mapping[str, object], key: str, path: str) -> Range | None:
    return _range(values, table[key], f"{path}{key}") if key in table else None


def _ranges(values: TableReader, table: Mapping[str, object], key: str, path: str) -> tuple[Range, ...]:
    written = table.get(key, ())
    if not is_list(written):
        values.wrong(f"{path}{key}", f"found {found(written)}, expected a list of pairs")
        return ()
    return tuple(_range(values, pair, f"{path}{key}[{index}]") for index, pair in enumerate(written))


def _range(values: TableReader, written: object, path: str) -> Range:
    """Two numbers, the least and the most; one number is both."""
    pair = list(written) if is_list(written) else [written, written]
    numbers = [values.number({"": number}, "", path) for number in pair]
    if len(numbers) == 1 + 1 and numbers[0] is not None and numbers[1] is not None:
        if Decimal(0) < numbers[0] <= numbers[1]:
            return (numbers[0], numbers[1])
        values.wrong(path, f"found {found(written)}, expected numbers above 0, the least first")
    elif None not in numbers:
        values.wrong(path, f"found {found(written)}, expected a number, or the least and the most")
    return (Decimal(0), Decimal(0))
