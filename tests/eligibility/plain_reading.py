"""A second reading of the protocol tables, straight from the TOML and in the plainest words there are.

It shares no code with the package: rules are dicts, truth is True, False or None, numbers are decimals in the
unit of the table. It is slow and says nothing but the status of a criterion.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

Facts = Mapping[str, Any]

STEP = Decimal("0.01")
ENTRY = date(2026, 5, 31)


def holds(rule: dict[str, Any], facts: Facts) -> bool | None:
    """Whether the rule holds; None where it cannot be told."""
    if "always" in rule:
        return True
    if "all" in rule:
        parts = [holds(part, facts) for part in rule["all"]]
        return False if False in parts else None if None in parts else True
    if "any" in rule:
        parts = [holds(part, facts) for part in rule["any"]]
        return True if True in parts else None if None in parts else False
    if "not" in rule:
        inner = holds(rule["not"], facts)
        return None if inner is None else not inner
    if "if" in rule:
        return holds({"any": [{"not": rule["if"]}, rule["then"]]}, facts)
    if "given" in rule:
        return rested(rule, facts)
    value = facts.get(rule.get("preferred", "")) if facts.get(rule.get("preferred", "")) is not None else None
    value = facts.get(rule["fact"]) if value is None else value
    if value is None:
        return None
    if "op" in rule:
        limit = Decimal(str(rule["limit"]))
        compared = {"<": value < limit, "<=": value <= limit, "==": value == limit}
        compared |= {">=": value >= limit, ">": value > limit}
        return bool(compared[rule["op"]])
    return value in (rule["in"] if "in" in rule else [rule["is"]])


def rested(rule: dict[str, Any], facts: Facts) -> bool | None:
    """Whether a treatment was never given, or long enough ago; days are counted one by one."""
    given, last = facts.get(rule["given"]), facts.get(rule["last"])
    if last is None:
        return True if given is False else None
    span, entry = rule["before_entry"], facts["enrolment_date"]
    if "days" in span:
        return bool((entry - last).days >= span["days"])
    assert span["months"] == 1
    ends = last
    while ends.month == last.month:
        ends += timedelta(days=1)
    month = ends.month
    while ends.day < last.day and (ends + timedelta(days=1)).month == month:
        ends += timedelta(days=1)
    return bool(entry >= ends)


def status(criterion: dict[str, Any], facts: Facts, stage: str = "pre_treatment") -> str:
    """The status of a criterion, as section 1 of the trial facts defines it."""
    if criterion.get("deferred_at") == stage:
        return "deferred"
    rule, corrected = criterion["pass_when"], criterion.get("corrected")
    if corrected is not None and facts.get(corrected) is not None:
        answer = holds({**rule, "fact": corrected}, facts)
        return {True: "pass", False: "fail", None: "unknown"}[answer]
    answer = holds(rule, facts)
    return {True: "pass", False: "fail" if corrected is None else "correctable", None: "unknown"}[answer]


def filled(value: Any, parameters: dict[str, Any]) -> Any:
    """A table with the values of its parameters."""
    if isinstance(value, dict):
        if list(value) == ["parameter"]:
            return parameters[value["parameter"]]
        return {key: filled(inner, parameters) for key, inner in value.items()}
    return [filled(inner, parameters) for inner in value] if isinstance(value, list) else value


def parts(rule: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The comparisons, answers and washouts of a rule."""
    if "fact" in rule or "given" in rule:
        yield rule
    for key in ("all", "any"):
        for part in rule.get(key, []):
            yield from parts(part)
    for key in ("not", "if", "then"):
        if key in rule:
            yield from parts(rule[key])


def candidates(criterion: dict[str, Any], definitions: dict[str, Any]) -> dict[str, list[Any]]:
    """For each fact of a criterion the values to try: every answer, and on, below and above each limit."""
    tried: dict[str, list[Any]] = {}
    for part in parts(criterion["pass_when"]):
        if "given" in part:
            tried[part["given"]] = [None, False, True]
            days = [date(2026, 5, 3), date(2026, 5, 4), date(2026, 4, 30), date(2026, 5, 1)]
            tried[part["last"]] = [None, *days]
            continue
        name = part["fact"]
        kind = definitions[name]["type"]
        if kind == "boolean":
            values: list[Any] = [True, False]
        elif kind == "choice":
            values = list(definitions[name]["choices"])
        elif "op" in part and kind != "integer":
            limit = Decimal(str(part["limit"]))
            values = [limit - STEP, limit, limit + STEP]
        else:
            low, high = definitions[name]["minimum"], definitions[name]["maximum"]
            values = [Decimal(number) for number in range(low, high + 1)]
        for fact in (name, part.get("preferred"), criterion.get("corrected")):
            if fact is not None:
                tried[fact] = sorted({*tried.get(fact, [None])[1:], *values}, key=str)
                tried[fact].insert(0, None)
    return tried


MOST_CASES = 400


def cases(criterion: dict[str, Any], definitions: dict[str, Any], usual: Facts) -> Iterator[dict[str, Any]]:
    """Patients for one criterion: all combinations where they are few, else every pair of facts."""
    tried = candidates(criterion, definitions)
    names = list(tried)
    total = 1
    for values in tried.values():
        total *= len(values)
    if total <= MOST_CASES:
        for combination in product(*tried.values()):
            yield consistent({**usual, **dict(zip(names, combination, strict=True))})
        return
    for first in names:
        for second in names:
            for one, other in product(tried[first], tried[second]):
                yield consistent({**usual, first: one, second: other})


def consistent(facts: dict[str, Any]) -> dict[str, Any]:
    """The same patient without what nobody can enter: the date of a treatment that was not given."""
    return {
        name: value
        for name, value in facts.items()
        if not (
            name.startswith("last_")
            and facts.get(name.replace("last_", "prior_").removesuffix("_date")) is False
        )
    }
