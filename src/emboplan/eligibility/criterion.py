"""From a table of the catalogue or of a site to a `Protocol`, or to the list of all mistakes in it.

A table is what a TOML parser returns. Errors name the key path, what was found and what was expected, so that
a site can write its own protocol by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from emboplan.eligibility.arms import read_arms
from emboplan.eligibility.facts import nearest
from emboplan.eligibility.reading import exact_decimal
from emboplan.eligibility.signing import judged_facts
from emboplan.eligibility.tables import TableReader, found, is_list
from emboplan.eligibility.variants import resolved
from emboplan.model.protocol import (
    AllOf,
    Always,
    AnyOf,
    Compares,
    Criterion,
    CriterionKind,
    FactDefinition,
    FactDefinitions,
    FactKind,
    FlagRule,
    IfThen,
    Is,
    Not,
    Operator,
    Protocol,
    Rule,
    Stage,
    Washout,
)

ENTRY_FACT = "enrolment_date"
_NUMERIC = (FactKind.INTEGER, FactKind.NUMBER, FactKind.LAB)
_PROTOCOL_KEYS = ("name", "command", "title", "version", "source", "status", "source_complete", "criterion")
_PROTOCOL_OPTIONS = ("registry", "flag", "arm", "fact")
_CRITERION_KEYS = ("id", "kind", "text", "source", "pass_when")
_CRITERION_OPTIONS = ("corrected", "deferred_at", "judgement", "waits_out", "note", "flag")
_FLAG_KEYS = ("id", "when", "text")
_RULE_SHAPES = (
    "fact with is, in or op and limit; given with last and before_entry; all; any; not; if with then; always"
)


def protocol_from_table(
    table: Mapping[str, object], definitions: FactDefinitions, *, variant: str | None = None
) -> Protocol:
    """The protocol that the table states, in its own words or as the published `variant` of that name.

    Raises:
        CatalogError: with one line for each mistake: a missing or unknown key, a fact that is not defined, an
            answer that the fact cannot have, a limit without its unit or in a wrong one, a double id.
        InputError: there is no variant of that name.
    """
    reader = _ProtocolReader(definitions)
    filled, chosen, known = resolved(reader.values, table, variant)
    protocol = reader.protocol(filled)
    reader.values.finish()
    return replace(protocol, variant=chosen, variants=known)


@dataclass(slots=True)
class _ProtocolReader:
    """Reads rules, criteria and protocols; what it returns counts only when `values` has no problem."""

    definitions: FactDefinitions
    values: TableReader = field(default_factory=TableReader)

    def wrong(self, path: str, text: str) -> None:
        self.values.wrong(path, text)

    def fact(
        self, name: object, path: str, kinds: Sequence[FactKind] = tuple(FactKind)
    ) -> FactDefinition | None:
        definition = self.definitions.get(name) if isinstance(name, str) else None
        if definition is None:
            near = nearest(name, self.definitions) if isinstance(name, str) else ""
            self.wrong(path, f"found {found(name)}, expected the name of a fact{near}")
        elif definition.kind not in kinds:
            self.wrong(path, f"{name} is a {definition.kind} fact, expected {' or '.join(kinds)}")
            return None
        return definition

    # Protocols.

    def protocol(self, table: Mapping[str, object]) -> Protocol:
        self.values.keys(table, "", (*_PROTOCOL_KEYS, *_PROTOCOL_OPTIONS), needed=_PROTOCOL_KEYS)
        criteria = tuple(
            self.criterion(entry, f"{where}.") for where, entry in self.values.tables(table, "criterion", "")
        )
        ids = [criterion.id for criterion in criteria]
        for double in sorted({name for name in ids if ids.count(name) > 1}):
            self.wrong("criterion", f'the id "{double}" stands twice')
        if not criteria:
            self.wrong("criterion", "found none, expected at least one")
        return Protocol(
            name=self.values.text(table, "name", ""),
            command=self.values.text(table, "command", ""),
            title=self.values.text(table, "title", ""),
            version=self.values.text(table, "version", ""),
            source=self.values.text(table, "source", ""),
            status=self.values.status(table, ""),
            source_complete=self.values.truth(table, "source_complete", ""),
            criteria=criteria,
            registry=self.values.optional_text(table, "registry", ""),
            flags=self.flags(table, ""),
            arms=read_arms(self.values, table),
        )

    def criterion(self, table: Mapping[str, object], path: str) -> Criterion:
        self.values.keys(table, path, (*_CRITERION_KEYS, *_CRITERION_OPTIONS), needed=_CRITERION_KEYS)
        kind = self.values.choice(table, "kind", path, CriterionKind)
        stage = self.values.choice(table, "deferred_at", path, Stage) if "deferred_at" in table else None
        rule = self.rule(table.get("pass_when"), f"{path}pass_when")
        corrected = None
        if "corrected" in table:
            corrected = self.fact(table["corrected"], f"{path}corrected", _NUMERIC)
            if not isinstance(rule, Compares):
                self.wrong(f"{path}corrected", "only a criterion with a single limit can be corrected")
            elif corrected is not None and (corrected.kind, corrected.unit) != (
                rule.fact.kind,
                rule.fact.unit,
            ):
                self.wrong(f"{path}corrected", f"{corrected.name} has another unit than {rule.fact.name}")
        return Criterion(
            id=self.values.text(table, "id", path),
            kind=kind or CriterionKind.INCLUSION,
            text=self.values.text(table, "text", path),
            source=self.values.text(table, "source", path),
            pass_when=rule,
            corrected=corrected,
            deferred_at=stage,
            judgement=self.judgement(table, rule, path),
            waits_out=self.values.truth(table, "waits_out", path),
            note=self.values.optional_text(table, "note", path),
            flags=self.flags(table, path),
        )

    def flags(self, table: Mapping[str, object], path: str) -> tuple[FlagRule, ...]:
        return tuple(
            self.flag(entry, f"{where}.") for where, entry in self.values.tables(table, "flag", path)
        )

    def judgement(self, table: Mapping[str, object], rule: Rule, path: str) -> tuple[str, ...]:
        """The facts that a named person must answer: all of the rule, or those that the criterion lists."""
        asked = tuple(dict.fromkeys(judged_facts(rule)))
        written = table.get("judgement", False)
        if isinstance(written, bool):
            return asked if written else ()
        if not is_list(written) or not written or not all(name in asked for name in written):
            expected = f"true, or a list out of {', '.join(asked)}"
            self.wrong(f"{path}judgement", f"found {found(written)}, expected {expected}")
            return ()
        return tuple(map(str, written))

    def flag(self, table: Mapping[str, object], path: str) -> FlagRule:
        self.values.keys(table, path, (*_FLAG_KEYS, "unless_reason"), needed=_FLAG_KEYS)
        return FlagRule(
            id=self.values.text(table, "id", path),
            when=self.rule(table.get("when"), f"{path}when"),
            text=self.values.text(table, "text", path),
            unless_reason=self.fact(table["unless_reason"], f"{path}unless_reason")
            if "unless_reason" in table
            else None,
        )

    # Rules.

    def rule(self, table: object, path: str) -> Rule:
        if not isinstance(table, Mapping):
            self.wrong(path, f"found {found(table)}, expected a table: {_RULE_SHAPES}")
            return Always()
        shapes = {
            "fact": self.leaf,
            "given": self.washout,
            "all": self.all_of,
            "any": self.any_of,
            "not": self.negation,
            "if": self.if_then,
            "always": self.always,
        }
        named = [key for key in shapes if key in table]
        if len(named) != 1:
            self.wrong(
                path, f"found the keys {', '.join(map(str, table)) or 'none'}, expected {_RULE_SHAPES}"
            )
            return Always()
        return shapes[named[0]](table, path)

    def leaf(self, table: Mapping[str, object], path: str) -> Rule:
        if "op" in table or "limit" in table:
            return self.comparison(table, path)
        self.values.keys(table, f"{path}.", ("fact", "is", "in"))
        if ("is" in table) == ("in" in table):
            self.wrong(path, "expected one of is, in, or op and limit beside fact")
            return Always()
        fact = self.fact(table["fact"], f"{path}.fact")
        answers = [table["is"]] if "is" in table else table["in"]
        if not is_list(answers) or not answers:
            self.wrong(f"{path}.in", f"found {found(answers)}, expected a list of answers")
            return Always()
        if fact is None:
            return Always()
        return Is(fact, tuple(self.answer(fact, answer, path) for answer in answers))

    def answer(self, fact: FactDefinition, value: object, path: str) -> bool | str | Decimal:
        if fact.kind is FactKind.BOOLEAN and isinstance(value, bool):
            return value
        if isinstance(value, str) and value in fact.choices:
            return value
        number = exact_decimal(value)
        if fact.kind is FactKind.INTEGER and number is not None:
            return number
        expected = {FactKind.BOOLEAN: "true or false", FactKind.INTEGER: "a whole number"}
        wanted = expected.get(
            fact.kind, ", ".join(fact.choices) or "a fact that is no number (use op and limit)"
        )
        self.wrong(path, f"{fact.name} cannot be {found(value)}, expected {wanted}")
        return False

    def comparison(self, table: Mapping[str, object], path: str) -> Rule:
        needed = ("fact", "op", "limit")
        self.values.keys(table, f"{path}.", (*needed, "unit", "preferred"), needed=needed)
        fact = self.fact(table["fact"], f"{path}.fact", _NUMERIC)
        preferred = None
        if "preferred" in table:
            preferred = self.fact(table["preferred"], f"{path}.preferred", _NUMERIC)
        operator = self.values.choice(table, "op", f"{path}.", Operator)
        limit, unit = self.values.number(table, "limit", f"{path}."), table.get("unit")
        if fact is None or limit is None or operator is None:
            return Always()
        symbols = [lab.symbol for lab in fact.lab_units if not lab.per_upper_limit]
        lab_unit = fact.lab_unit(unit) if isinstance(unit, str) else None
        if lab_unit is not None:
            unit = lab_unit.symbol
        known: list[str | None] = [*symbols] or [fact.unit]
        if unit not in known:
            expected = " or ".join(symbols) or fact.unit or "none"
            self.wrong(f"{path}.unit", f"found {found(unit)}, expected {expected} for {fact.name}")
        if preferred is not None and preferred.unit != fact.unit:
            self.wrong(f"{path}.preferred", f"{preferred.name} has another unit than {fact.name}")
        return Compares(fact, operator, limit, unit if isinstance(unit, str) else None, preferred)

    def washout(self, table: Mapping[str, object], path: str) -> Rule:
        needed = ("given", "last", "before_entry")
        self.values.keys(table, f"{path}.", needed, needed=needed)
        span = self.values.table(table, "before_entry", f"{path}.")
        self.values.keys(span, f"{path}.before_entry.", ("days", "months"))
        amounts = [
            number
            for key in ("days", "months")
            if (number := self.values.number(span, key, f"{path}.before_entry.")) is not None
        ]
        if len(amounts) != 1 or amounts[0] != amounts[0].to_integral_value() or amounts[0] <= 0:
            self.wrong(f"{path}.before_entry", "expected one whole number of days or months")
            return Always()
        given = self.fact(table["given"], f"{path}.given", (FactKind.BOOLEAN,))
        last = self.fact(table.get("last"), f"{path}.last", (FactKind.DATE,))
        entry = self.fact(ENTRY_FACT, f"{path}.before_entry", (FactKind.DATE,))
        if given is None or last is None or entry is None:
            return Always()
        return Washout(given, last, entry, **{"days" if "days" in span else "months": int(amounts[0])})

    def parts(self, table: Mapping[str, object], key: str, path: str) -> tuple[Rule, ...]:
        self.values.keys(table, f"{path}.", (key,))
        value = table[key]
        if not is_list(value) or not value:
            self.wrong(f"{path}.{key}", f"found {found(value)}, expected an array of rules")
            return ()
        return tuple(self.rule(part, f"{path}.{key}[{index}]") for index, part in enumerate(value))

    def all_of(self, table: Mapping[str, object], path: str) -> Rule:
        return AllOf(self.parts(table, "all", path))

    def any_of(self, table: Mapping[str, object], path: str) -> Rule:
        return AnyOf(self.parts(table, "any", path))

    def negation(self, table: Mapping[str, object], path: str) -> Rule:
        self.values.keys(table, f"{path}.", ("not",))
        return Not(self.rule(table["not"], f"{path}.not"))

    def if_then(self, table: Mapping[str, object], path: str) -> Rule:
        self.values.keys(table, f"{path}.", ("if", "then"), needed=("then",))
        return IfThen(self.rule(table["if"], f"{path}.if"), self.rule(table.get("then"), f"{path}.then"))

    def always(self, table: Mapping[str, object], path: str) -> Rule:
        self.values.keys(table, f"{path}.", ("always",))
        if table["always"] is not True:
            self.wrong(f"{path}.always", f"found {found(table['always'])}, expected true")
        return Always()
