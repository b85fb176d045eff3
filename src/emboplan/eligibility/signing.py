"""Who answered: the person, the day and the reasons that may stand beside an answer.

A judgement must be entered by a named person with a date; software never infers it. Beside the value of a
fact may stand `by`, `on` and `reason`; `judged_by` and `judged_on` beside all facts stand for every answer
that names nobody of its own. An answer without a name decides as any other does; a flag of the verdict says
so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from emboplan.eligibility.wording import answered, leaves
from emboplan.model.patient import Fact, FactOrigin, PatientFacts, Signature
from emboplan.model.protocol import Criterion, Is, Protocol, Rule, Washout
from emboplan.model.results.eligibility import Flag

SIGNED_BY, UNSIGNED = "judged-by", "judgement-unsigned"
"""The flags that name who judged, and which judgements name nobody."""

KEYS = ("by", "on", "reason")
FOR_ALL = ("judged_by", "judged_on")
"""The keys beside a value, and those beside all facts."""

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class WrongSignatureError(Exception):
    """A person, day or reason that is none; carries one line to the list of problems."""


def parted(value: object) -> tuple[object, Signature | None]:
    """The value alone, and who answered.

    Raises:
        WrongSignatureError: a name or reason that is no text, a day that is none, or one of the two alone.
    """
    if not isinstance(value, Mapping) or not any(key in value for key in KEYS):
        return value, None
    rest = {key: part for key, part in value.items() if key not in KEYS}
    by, on, reason = (value.get(key) for key in KEYS)
    signed = signature(by, on, reason)
    return (rest["value"] if set(rest) == {"value"} else rest), signed


def signature(
    by: object, on: object, reason: object = None, *, names: Sequence[str] = KEYS
) -> Signature | None:
    """Who answered, None where nothing is said of it; `names` are what messages call the parts.

    Raises:
        WrongSignatureError: as `parted`.
    """
    if by is None and on is None and reason is None:
        return None
    for text, name in zip((by, reason), (names[0], names[-1]), strict=True):
        if text is not None and (not isinstance(text, str) or not text.strip()):
            raise WrongSignatureError(f"found {name} {text!r}, expected text in quotes")
    day = _day(on, names[1])
    if (by is None) is not (day is None):
        there, absent = (names[0], names[1]) if day is None else (names[1], names[0])
        raise WrongSignatureError(f"found {there} without {absent}; a judgement has a person and a day")
    return Signature(
        by=by.strip() if isinstance(by, str) else None,
        on=day,
        reason=reason.strip() if isinstance(reason, str) else None,
    )


def _day(on: object, name: str) -> date | None:
    if on is None or (isinstance(on, date) and not isinstance(on, datetime)):
        return on
    if isinstance(on, str) and _ISO_DATE.fullmatch(on):
        try:
            return date.fromisoformat(on)
        except ValueError as error:
            raise WrongSignatureError(f'found {name} "{on}", which is no day of the calendar') from error
    raise WrongSignatureError(f"found {name} {on!r}, expected a date as YYYY-MM-DD")


def too_late(signed: Signature | None, today: date | None) -> str | None:
    """What is wrong with a judgement of the future; None where nothing is, or no day is given."""
    if signed is None or signed.on is None or today is None or signed.on <= today:
        return None
    return f"judged on {signed.on}, which is after today ({today}); correct the date"


def signed_for_all(known: Mapping[str, Fact], everyone: Signature | None) -> dict[str, Fact]:
    """The facts, those that name nobody of their own with the person and the day that stand for all."""
    if everyone is None:
        return dict(known)
    return {name: fact.signed_by(everyone) for name, fact in known.items()}


def judged_facts(rule: Rule) -> Iterator[str]:
    """The facts of a rule that a person answers; days of treatments are records, no judgements."""
    for leaf in leaves(rule):
        if isinstance(leaf, Is):
            yield leaf.fact.name
        elif not isinstance(leaf, Washout):
            yield leaf.fact.name
            if leaf.preferred is not None:
                yield leaf.preferred.name


def signature_flags(protocol: Protocol, facts: PatientFacts) -> Iterator[Flag]:
    """Who judged what, in one flag, and which judgements name nobody, in another."""
    signed: dict[str, str] = {}
    unsigned: dict[str, list[str]] = {}
    for criterion in protocol.criteria:
        for name, fact in _judgements(criterion, facts):
            if fact.signed is not None and fact.signed.by is not None:
                who = f"{fact.signed.by}, {fact.signed.on}{_why(fact)}"
                signed[name] = f"{name} {answered(fact.value)} ({who})"
            else:
                unsigned.setdefault(criterion.id, []).append(name)
    if signed:
        yield Flag(SIGNED_BY, None, f"Judged by: {'; '.join(signed.values())}.")
    if unsigned:
        listed = ", ".join(f"{name} ({', '.join(of)})" for name, of in unsigned.items())
        yield Flag(
            UNSIGNED, None, f"Judgements without the person and the day, which the protocol needs: {listed}."
        )


def _judgements(criterion: Criterion, facts: PatientFacts) -> Iterator[tuple[str, Fact]]:
    for name in criterion.judgement:
        fact = facts.get(name)
        if fact is not None and fact.origin is FactOrigin.ENTERED:
            yield name, fact


def _why(fact: Fact) -> str:
    return f": {fact.signed.reason}" if fact.signed is not None and fact.signed.reason else ""
