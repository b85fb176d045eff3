"""The dates of a patient's course: from a table of names and values to a `Course`, or to all its mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date

from emboplan.model.response import Course, LesionRead, SymptomRecord
from emboplan.response.reads import Problems, as_date, near, number, shown

COUNTS = ("assessment_interval_days",)
SEVERITIES = ("symptom_baseline_severity",)
LISTS = ("treatment_dates", "symptoms")
TEXTS = ("arm",)
NONE = "none"  # how a cell says that there was no treatment
NAMES = tuple(field.name for field in fields(Course))
DATES = tuple(name for name in NAMES if name not in (*COUNTS, *SEVERITIES, *LISTS, *TEXTS))


def course_from_table(table: Mapping[str, object], where: str, problems: Problems) -> Course:
    """The course that the table states; what it does not name is not known.

    Dates are ISO dates; `treatment_dates` is a list of them, or text with semicolons; an empty list, or the
    word none, says that there was no treatment. `symptoms` is a list of tables with `date` and `severity`.
    The first treatment is the first of the treatment dates unless given.
    """
    known = {name: value for name, value in table.items() if value not in (None, "")}
    for name in known:
        if name not in NAMES:
            problems.add(f"{where}: {name}", f"unknown; {near(name, NAMES)}")
    dates = {name: as_date(known.get(name), f"{where}: {name}", problems) for name in DATES}
    treatments = _treatments(known.get("treatment_dates"), where, problems)
    course = Course(
        **dates,
        treatment_dates=treatments,
        assessment_interval_days=_days(known.get(COUNTS[0]), f"{where}: {COUNTS[0]}", problems),
        symptom_baseline_severity=None
        if known.get(SEVERITIES[0]) is None
        else number(known[SEVERITIES[0]], f"{where}: {SEVERITIES[0]}", problems, unit="steps"),
        symptoms=_symptoms(known.get("symptoms"), where, problems),
        arm=str(known.get("arm", "")).strip(),
    )
    if course.first_treatment_date is None and treatments:
        course = replace(course, first_treatment_date=treatments[0])
    return course


def check_course(
    course: Course, reads: Sequence[LesionRead], where: str, problems: Problems, *, as_of: date | None
) -> None:
    """What the dates say against each other, and against the scans."""
    death = course.death_date
    dated = [(name, getattr(course, name)) for name in DATES]
    dated += [("treatment_dates", day) for day in course.treatment_dates or ()]
    dated += [("symptoms", record.date) for record in course.symptoms]
    for name, day in dated:
        if day is None:
            continue
        if as_of is not None and day > as_of and name != "end_of_trial_date":
            problems.add(f"{where}: {name}", f"found {day}, which is after {as_of}, the day of the data")
        if death is not None and day > death and name not in ("end_of_trial_date", "data_cutoff_date"):
            problems.add(f"{where}: {name}", f"found {day}, which is after death_date {death}")
    if death is not None:
        for day in sorted({read.date for read in reads if read.date > death}):
            problems.add(f"{where}: death_date", f"found {death}, but a scan is dated {day}")
    _check_order(course, where, problems)


def _check_order(course: Course, where: str, problems: Problems) -> None:
    """What cannot come before the treatment begins."""
    first = course.first_treatment_date
    for day in course.treatment_dates or ():
        if first is not None and day < first:
            problems.add(
                f"{where}: treatment_dates", f"found {day}, which is before first_treatment_date {first}"
            )
    relief = course.symptom_relief_date
    if relief is not None and first is not None and relief < first:
        problems.add(
            f"{where}: symptom_relief_date",
            f"found {relief}, which is before first_treatment_date {first}; relief follows treatment",
        )
    names = ("first_treatment_date", "randomisation_date", "cycle_1_day_1_date", "first_tare_date")
    starts = [(day, name) for name in names if (day := getattr(course, name)) is not None]
    new = course.new_therapy_date
    if new is not None and starts and new < min(starts)[0]:
        day, name = min(starts)
        problems.add(
            f"{where}: new_therapy_date",
            f"found {new}, which is before {name} {day}; leave out what was given earlier",
        )


def _treatments(value: object, where: str, problems: Problems) -> tuple[date, ...] | None:
    if value is None:
        return None
    if isinstance(value, str) and value.strip().casefold() == NONE:
        return ()
    items = value.split(";") if isinstance(value, str) else value
    if not isinstance(items, Sequence):
        problems.add(f"{where}: treatment_dates", f"found {shown(value)}, expected a list of dates")
        return None
    texts = [item.strip() if isinstance(item, str) else item for item in items]
    days = [as_date(item, f"{where}: treatment_dates", problems) for item in texts]
    return tuple(sorted(day for day in days if day is not None))


def _symptoms(value: object, where: str, problems: Problems) -> tuple[SymptomRecord, ...]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Sequence):
        problems.add(f"{where}: symptoms", f"found {shown(value)}, expected a list of date and severity")
        return ()
    records = []
    for place, row in enumerate(value, start=1):
        here = f"{where}: symptoms[{place}]"
        if not isinstance(row, Mapping) or set(row) != {"date", "severity"}:
            problems.add(here, "expected date and severity")
            continue
        day = as_date(row["date"], f"{here}: date", problems)
        severity = number(row["severity"], f"{here}: severity", problems, unit="steps")
        if day is not None and severity is not None:
            records.append(SymptomRecord(day, severity))
    return tuple(sorted(records, key=lambda record: record.date))


def _days(value: object, where: str, problems: Problems) -> int | None:
    if value is None:
        return None
    exact = number(value, where, problems, unit="days")
    if exact is not None and (exact != exact.to_integral_value() or exact < 1):
        problems.add(where, f"found {exact}, expected a whole number of days")
        return None
    return None if exact is None else int(exact)
