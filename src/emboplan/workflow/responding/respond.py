"""Response to treatment: a table of reads to categories at each time point, best response and endpoints.

`respond` answers for one patient, `respond_cohort` for a table with a column `patient`: each one's response,
the rates with exact intervals, and a Kaplan-Meier curve for each endpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from emboplan.catalog.load import Catalog, load
from emboplan.errors import InputError
from emboplan.model.response import Course, Form, LesionRead, ResponseOptions
from emboplan.model.results.response import (
    Category,
    CohortResponse,
    PatientResponse,
    Rate,
    SurvivalCurve,
)
from emboplan.response.course import check_course, course_from_table
from emboplan.response.rates import rate
from emboplan.response.reads import Problems, as_date, reads_from_rows
from emboplan.response.survival import kaplan_meier
from emboplan.response.timeline import Timeline, timeline
from emboplan.workflow.responding.respond_curves import variant_curves
from emboplan.workflow.responding.respond_forms import (
    Rows,
    quality_of_life,
    read_events,
    read_forms,
    toxicity,
)
from emboplan.workflow.responding.respond_inputs import ReadsTable, Row, read_reads
from emboplan.workflow.responding.respond_patient import patient_response
from emboplan.workflow.responding.respond_rules import ResponseRules, of_arm, response_rules

Reads = Path | str | Sequence[Row]


def respond(
    reads: Reads,
    course: Course | Mapping[str, object] | None = None,
    options: ResponseOptions | None = None,
    *,
    criteria: str | None = None,
    protocol: str | None = None,
    questionnaires: Rows | None = None,
    adverse_events: Rows | None = None,
    catalog: Catalog | None = None,
) -> PatientResponse:
    """The response of one patient: each time point, the best response, and the endpoints.

    Args:
        reads: a file, or rows with one lesion at one time point each: `date`, `lesion`, `organ`, `role`
            (target, non-target, new), `longest_mm`, `short_axis_mm`, `viable_longest_mm`,
            `viable_perpendicular_mm`, `state`. The first time point is the baseline.
        course: dates of treatment, death and so on; without a start, times count from the baseline. With a
            course the table may have no rows: the patient was never assessed, and the response is NE.
        options: how to judge, where it is not left to the protocol and the catalogue.
        criteria: ``recist`` (the default), ``mrecist`` or ``easl``; goes before that of the options.
        protocol: a protocol whose endpoints are meant, such as ``retnet``; likewise.
        questionnaires: QLQ-C30 forms, a file or rows with `date` and ``q1`` to ``q30``.
        adverse_events: adverse events, a file or rows with `date`, `term`, `grade` and so on; the worst grade
            is that of the protocol's window and needs a start of treatment.
        catalog: the catalogue in use; the shipped one unless given.

    Raises:
        CaseFileError: the reads or the course have mistakes; one line for each.
        InputError: an unknown criterion or protocol, or several patients.
    """
    chosen = options or ResponseOptions()
    chosen = replace(chosen, criteria=criteria or chosen.criteria, protocol=protocol or chosen.protocol)
    courses = {} if course is None else {"": course}
    cohort = respond_cohort(
        reads, courses, chosen, questionnaires=questionnaires, adverse_events=adverse_events, catalog=catalog
    )
    if len(cohort.patients) > 1:
        names = ", ".join(list(cohort.patients)[:3])
        raise InputError(f"found several patients ({names} ...); expected one, or use respond_cohort")
    found = next(iter(cohort.patients.values()))
    return replace(found, toxicity=cohort.toxicity, findings=(*found.findings, *cohort.findings))


def respond_cohort(
    reads: Reads,
    courses: Mapping[str, Course | Mapping[str, object]] | None = None,
    options: ResponseOptions | None = None,
    *,
    questionnaires: Rows | None = None,
    adverse_events: Rows | None = None,
    catalog: Catalog | None = None,
) -> CohortResponse:
    """The responses of all patients of a table, with rates and survival curves (months).

    `courses` holds each patient's dates by the name in the column `patient`; a table without this column is
    of one patient, whose name is "". A patient with a course and no reads counts as NE (intention to treat),
    and a finding names each. Questionnaires and adverse events are tables with that column too. Errors as
    `respond`, those of all patients at once.
    """
    problems = Problems()
    if isinstance(reads, str | Path):
        table = read_reads(Path(reads), mistakes=problems.lines)
        problems.dropped = bool(problems.lines)
    else:
        table = ReadsTable(tuple(reads), ())
    rules = response_rules(options or ResponseOptions(), catalog or load())
    given = {**table.courses, **(courses or {})}
    by_patient: dict[str, list[LesionRead]] = {}
    if table.rows or not given:
        for read in reads_from_rows(table.rows, where=table.where, problems=problems):
            by_patient.setdefault(read.patient, []).append(read)
    known = _courses(given, by_patient, rules, problems)
    everybody = sorted({*by_patient, *known})
    timelines: dict[str, Timeline | None] = {}
    for patient in sorted(by_patient):
        timelines[patient] = _of(patient, by_patient[patient], rules, problems)
    forms = read_forms(questionnaires, rules, problems)
    events = read_events(adverse_events, rules, problems)
    named = {form.patient for form in forms} | {event.patient for event in events}
    for patient in sorted(named - set(everybody)) if everybody and not problems.dropped else ():
        listed = ", ".join(everybody) or "one patient without a name"
        problems.add(
            f"patient {patient}",
            f"has forms or adverse events, and neither reads nor a course; those are of {listed}",
        )
    problems.finish()
    given_rules = ((rules.protocol.questionnaire, questionnaires), (rules.protocol.toxicity, adverse_events))
    still_asked = [rule for rule, rows in given_rules if rule is not None and rows is None]
    patients = {}
    for patient in everybody:
        own, rows_of = known.get(patient, Course()), by_patient.get(patient, ())
        found = patient_response(timelines.get(patient), rows_of, own, rules, still_asked)
        patients[patient] = _with_forms(found, [it for it in forms if it.patient == patient], own, rules)
    courses_of_all = {patient: known.get(patient, Course()) for patient in patients}
    grades, remarks = toxicity(None if adverse_events is None else events, courses_of_all, rules)
    cohort = _cohort(patients, rules)
    unread = _unread(by_patient, known) if len(patients) > 1 else ()
    return replace(cohort, toxicity=grades, findings=(*unread, *cohort.findings, *remarks))


def _with_forms(
    found: PatientResponse, forms: Sequence[Form], course: Course, rules: ResponseRules
) -> PatientResponse:
    """The response with the scores of the patient's questionnaires."""
    quality, remarks = quality_of_life(forms, course, rules, found.baseline_date)
    return replace(found, quality_of_life=quality, findings=(*found.findings, *remarks))


def _courses(
    given: Mapping[str, Course | Mapping[str, object]],
    reads: Mapping[str, Sequence[LesionRead]],
    rules: ResponseRules,
    problems: Problems,
) -> dict[str, Course]:
    """The courses by patient; one whose patient has no reads must say something, and have a name to go by."""
    courses = {}
    others = "" in reads or _names_of_others(given, reads)
    for patient, table in given.items():
        where = f"course of {patient}" if patient else "course"
        if not patient and len(reads) == 1:
            patient = next(iter(reads))  # noqa: PLW2901  one course for a table of one patient
        before = len(problems.lines)
        course = table if isinstance(table, Course) else course_from_table(table, where, problems)
        unread = patient not in reads and not problems.dropped
        silent = course == Course() and len(problems.lines) == before
        nameless = not patient and len({*given, *reads}) > 1
        if unread and (silent or nameless or others):
            names = ", ".join(sorted(reads)) or "no patient"
            problems.add(where, f"no reads are of this patient; the table has {names}")
            continue
        course = of_arm(course, where, rules, problems)
        check_course(course, reads.get(patient, ()), where, problems, as_of=rules.options.last_day)
        courses[patient] = course
    return courses


def _names_of_others(given: Mapping[str, object], reads: Mapping[str, object]) -> bool:
    """Whether courses and reads seem to be of other people, or to name the same ones in two ways.

    So it is where no course has reads, and there are courses enough for everybody who has.
    """
    return bool(reads) and len(given) >= len(reads) and not any(patient in reads for patient in given)


def _unread(reads: Mapping[str, object], courses: Mapping[str, object]) -> tuple[str, ...]:
    """Who has a course and no reads; a misspelt name is seen by the reads that have no course."""
    names = ", ".join(sorted(set(courses) - set(reads)))
    if not names:
        return ()
    without = ", ".join(sorted(set(reads) - set(courses)))
    return (f"no reads: counted as NE: {names}" + (f"; reads and no course: {without}" if without else ""),)


def _of(
    patient: str, reads: Sequence[LesionRead], rules: ResponseRules, problems: Problems
) -> Timeline | None:
    """The lesions of one patient over time; its problems name the patient where there are several."""
    own = Problems(dropped=problems.dropped)
    lesions = timeline(reads, rules.criterion, rules.limits.lesions, own, as_of=rules.options.last_day)
    problems.lines += [f"patient {patient}: {line}" if patient else line for line in own.lines]
    return lesions


def _cohort(patients: Mapping[str, PatientResponse], rules: ResponseRules) -> CohortResponse:
    rates: dict[str, Rate] = {}
    curves: dict[str, SurvivalCurve] = {}
    findings = []
    several = len(patients) > 1
    for number, rule in enumerate(rules.protocol.responses if several else ()):
        answers = [patient.responses[number] for patient in patients.values()]
        told = [answer for answer in answers if answer.counts is not None]
        unjudged = sum(answer.category in (None, Category.NE) for answer in told)
        if unjudged:
            findings.append(f"{rule.id}: {unjudged} patients could not be judged and count as no response")
        evaluable = [answer for answer in told if answer.category not in (None, Category.NE)]
        for name, group in ((rule.id, told), (f"{rule.id}_evaluable", evaluable)):
            if group:
                count = sum(bool(answer.counts) for answer in group)
                rates[name] = rate(count, len(group), confidence_frac=rules.confidence_frac)
        if len(told) < len(answers):
            findings.append(f"{rule.id}: left out {len(answers) - len(told)} patients without an answer")
    for endpoint in rules.protocol.endpoints if several else ():
        results = [patient.endpoints[endpoint.id] for patient in patients.values()]
        pairs = [(r.months, bool(r.result.event)) for r in results if r.months is not None]
        if pairs:
            times, events = [time for time, _ in pairs], [event for _, event in pairs]
            curves[endpoint.id] = kaplan_meier(times, events, confidence_frac=rules.confidence_frac)
        if len(pairs) < len(results):
            findings.append(f"{endpoint.id}: left out {len(results) - len(pairs)} patients without a time")
    protocol = rules.protocol.name if rules.options.protocol else None
    variants, incidence = variant_curves(patients, rules) if several else ({}, {})
    return CohortResponse(
        rules.criterion.value, protocol, patients, rates, curves, tuple(findings),
        variants=variants, incidence=incidence,
    )  # fmt: skip


def day_of_data(text: str) -> date:
    """The day of the data as a user writes it; `InputError` when it is none."""
    problems = Problems()
    day = as_date(text, "--as-of", problems)
    problems.finish()
    if day is None:
        raise InputError("--as-of is empty; expected a date as YYYY-MM-DD")
    return day
