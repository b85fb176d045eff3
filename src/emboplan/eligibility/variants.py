"""Published versions of a protocol: its parameters put into its rules before they are read.

A rule may say ``{ parameter = "NAME" }`` where a limit or a list of answers stands. The document's own values
stand in `parameters`; a `variant` states others, with its own source.
"""

from __future__ import annotations

from collections.abc import Mapping

from emboplan.eligibility.tables import TableReader, is_list
from emboplan.errors import InputError
from emboplan.model.protocol import Variant

_VARIANT_KEYS = ("name", "title", "source", "status", "parameters")


def resolved(
    values: TableReader, table: Mapping[str, object], variant: str | None
) -> tuple[Mapping[str, object], Variant | None, tuple[str, ...]]:
    """The table with its parameters filled in, the variant asked for, and the names of all variants.

    Raises:
        InputError: the protocol has no variant of that name.
    """
    parameters = dict(values.table(table, "parameters")) if "parameters" in table else {}
    variants: dict[str, Variant] = {}
    stated: dict[str, Mapping[str, object]] = {}
    for where, entry in values.tables(table, "variant", ""):
        values.keys(entry, f"{where}.", _VARIANT_KEYS, needed=_VARIANT_KEYS)
        read = Variant(
            name=values.text(entry, "name", f"{where}."),
            title=values.text(entry, "title", f"{where}."),
            source=values.text(entry, "source", f"{where}."),
            status=values.status(entry, f"{where}."),
        )
        if read.name in variants:
            values.wrong("variant", f'the name "{read.name}" stands twice')
        variants[read.name] = read
        stated[read.name] = values.table(entry, "parameters", f"{where}.")
        for name in stated[read.name]:
            if name not in parameters:
                values.wrong(f"{where}.parameters.{name}", "the protocol has no such parameter")
    if variant is not None and variant not in variants:
        known = ", ".join(variants) or "none"
        raise InputError(f'{table.get("name")} has no variant "{variant}"; known: {known}')
    if variant is not None:
        parameters |= stated[variant]
    rest = {key: value for key, value in table.items() if key not in ("parameters", "variant")}
    filled = _fill(values, rest, parameters, "")
    return (
        filled if isinstance(filled, Mapping) else rest,
        variants[variant] if variant is not None else None,
        tuple(variants),
    )


def _fill(values: TableReader, value: object, parameters: Mapping[str, object], path: str) -> object:
    if isinstance(value, Mapping):
        if set(value) == {"parameter"}:
            name = value["parameter"]
            if not isinstance(name, str) or name not in parameters:
                known = ", ".join(parameters) or "none"
                values.wrong(path, f'found the parameter "{name}", which is not stated; stated: {known}')
            return parameters.get(str(name))
        dot = f"{path}." if path else ""
        return {key: _fill(values, inner, parameters, f"{dot}{key}") for key, inner in value.items()}
    if is_list(value):
        return [_fill(values, inner, parameters, f"{path}[{index}]") for index, inner in enumerate(value)]
    return value
