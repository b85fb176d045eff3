"""The door for questionnaires and adverse events: rows of a table to `Form`s and `AdverseEvent`s.

Each row is looked at alone, and every mistake in it is told. An answer that an item does not take is no
mistake here: the scoring counts it as missing and says so. An empty grade is a grade that is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from emboplan.model.response import AdverseEvent, Form
from emboplan.response.reads import COMMA, WITH_COMMA, Problems, as_date, near, shown

EVENT_COLUMNS = ("patient", "date", "term", "grade", "organ_class", "episode", "related", "ctcae_version")
_ITEM = re.compile(r"(?:q|item)?[ _-]?0*([1-9]\d?)", re.IGNORECASE)
_WORDS = {"true": True, "yes": True, "false": False, "no": False}

Row = Mapping[str, object]


def forms_from_rows(
    rows: Sequence[Row], items: Sequence[int], where: Sequence[str], problems: Problems
) -> tuple[Form, ...]:
    """Filled questionnaires, one to a row: `date`, `patient` where there are several, and ``q1``, ``q2`` ...

    `items` are the item numbers that the form has; `where` says what to call each row in messages.
    """
    columns = {str(name) for row in rows for name in row}
    numbers = {name: _item(name) for name in columns - {"patient", "date"}}
    known = ("patient", "date", *(f"q{item}" for item in items))
    for name in sorted(name for name, item in numbers.items() if item not in items):
        problems.add("questionnaires", f'unknown column "{name}"; {near(name, known)}')
    taken = [item for item in numbers.values() if item is not None]
    for item in sorted({item for item in taken if taken.count(item) > 1}):
        problems.add("questionnaires", f"the item {item} stands in two columns; keep one")
    columns_of = [(name, item) for name, item in numbers.items() if item is not None and item in items]
    forms = []
    for place, row in zip(where, rows, strict=True):
        day = _day(row, place, problems)
        answers = {item: _answer(row[name]) for name, item in columns_of if name in row}
        for item, answer in answers.items():
            if isinstance(answer, str) and COMMA.search(answer):
                problems.add(f"{place}: q{item}", f"found {shown(answer)}, {WITH_COMMA}")
        if day is not None:
            forms.append(Form(_text(row.get("patient")), day, dict(sorted(answers.items())), place))
    for form, count in _doubles(forms):
        problems.add(form.where, f"found {count} forms of the same patient on {form.date}; keep one")
    return tuple(forms)


def events_from_rows(
    rows: Sequence[Row], where: Sequence[str], problems: Problems
) -> tuple[AdverseEvent, ...]:
    """Adverse events, one episode or one change of its grade to a row: `date`, `term`, `grade` and so on."""
    for name in sorted({str(name) for row in rows for name in row} - set(EVENT_COLUMNS)):
        problems.add("adverse events", f'unknown column "{name}"; {near(name, EVENT_COLUMNS)}')
    events = []
    for place, row in zip(where, rows, strict=True):
        day = _day(row, place, problems)
        term = _text(row.get("term"))
        if not term:
            problems.add(place, "term: missing; every row needs one")
        grade = _grade(row.get("grade"), f"{place}: grade", problems)
        related = _truth(row.get("related"), f"{place}: related", problems)
        if day is not None and term:
            texts = (_text(row.get(name)) for name in ("patient", "organ_class", "episode", "ctcae_version"))
            patient, organ_class, episode, version = texts
            events.append(AdverseEvent(patient, term, day, grade, organ_class, episode, related, version))
    return tuple(events)


def _item(name: str) -> int | None:
    match = _ITEM.fullmatch(name.strip())
    return None if match is None else int(match[1])


def _day(row: Row, place: str, problems: Problems) -> date | None:
    if _text(row.get("date")) == "":
        problems.add(place, "date: missing; every row needs one")
        return None
    value = row["date"]
    return as_date(value.strip() if isinstance(value, str) else value, f"{place}: date", problems)


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():  # a spreadsheet's way of storing the name 1
        value = int(value)
    return "" if value is None else str(value).strip()


def _answer(value: object) -> object:
    """A number as one, an empty cell as None; anything else as it stands."""
    text = value.strip() if isinstance(value, str) else value
    if text in (None, ""):
        return None
    try:
        return Decimal(text) if isinstance(text, str) else text
    except InvalidOperation:
        return text


def _grade(value: object, where: str, problems: Problems) -> int | None:
    answer = _answer(value)
    if answer is None or (isinstance(answer, str) and answer.casefold() == "unknown"):
        return None
    number = isinstance(answer, int | float | Decimal) and not isinstance(answer, bool)
    if not number or Decimal(str(answer)) % 1 != 0:
        problems.add(
            where, f"found {shown(value)}, expected a whole number, or nothing where it is not known"
        )
        return None
    return int(Decimal(str(answer)))


def _truth(value: object, where: str, problems: Problems) -> bool | None:
    answer = _WORDS.get(value.strip().casefold(), value) if isinstance(value, str) else value
    if isinstance(answer, bool):
        return answer
    if _text(answer):
        problems.add(where, f"found {shown(value)}, expected yes or no, or nothing where it is not known")
    return None


def _doubles(forms: Sequence[Form]) -> Iterator[tuple[Form, int]]:
    seen: dict[tuple[str, date], list[Form]] = {}
    for form in forms:
        seen.setdefault((form.patient, form.date), []).append(form)
    yield from ((found[-1], len(found)) for found in seen.values() if len(found) > 1)
