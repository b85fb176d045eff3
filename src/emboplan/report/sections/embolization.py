"""An embolization in the report: the sessions in one table, drug sums, the calendar, and what the team plans.

What a session takes in detail, with every step and source, stands on its loading sheet.
"""

from __future__ import annotations

from emboplan.model.plan import Plan
from emboplan.model.results.drug_history import AnthracyclineHistory, DrugTotal
from emboplan.model.results.embolization import EmbolizationPlan, EmbolizationSession
from emboplan.model.results.schedule import Schedule
from emboplan.report.document import Block, Bullets, Cell, KeyNumber, Paragraph, Section, Table, Tone
from emboplan.report.sheets.figures import plain_amount
from emboplan.report.wording import SPACE, count, name, percent, quantity

OPEN = "open"
SHEETS = (
    "The loading sheets (loading.html, loading.pdf) hold every step, source and check box of each session."
)


def key_numbers(plan: EmbolizationPlan) -> list[KeyNumber]:
    """The numbers of an embolization that a reader looks for first."""
    sessions = count(len(plan.sessions), "session")
    treated = max(session.burden_to_date_frac for session in plan.sessions)
    items = [KeyNumber("Sessions", sessions, f"treating {percent(treated)} of the tumour")]
    if plan.drug is not None and plan.drug_mg is not None:
        doses = " + ".join(f"{s.drug_mg or 0.0:g}" for s in plan.sessions)
        detail = f"{doses}{SPACE}mg" if len(plan.sessions) > 1 else "one session"
        items.append(KeyNumber(plan.drug.capitalize(), plain_amount(plan.drug_mg, "mg"), detail))
    if plan.product is not None:
        items.append(KeyNumber("Product", plan.product, first_size(plan.sessions[0])))
    if plan.anthracycline is not None:
        found = plan.anthracycline
        items.append(
            KeyNumber(
                "Anthracyclines to date",
                quantity(found.total_mg_per_m2, "mg/m²"),
                f"limit {quantity(found.limit_mg_per_m2, 'mg/m²')}",
            )
        )
    return items


def first_size(session: EmbolizationSession) -> str:
    """The size of what is given, in words; empty where none was said."""
    if session.loading is not None:
        return ", ".join(f"{size.size}{SPACE}µm" for size in session.loading.sizes)
    return "" if session.particles is None else session.particles.chosen.text


def embolization(plan: Plan) -> Section | None:
    """The sessions and what goes over all of them; None for another procedure."""
    found = plan.loading
    if found is None:
        return None
    blocks: list[Block] = [_sessions(found), Paragraph(_words(found))]
    blocks += _acknowledge(found)
    if found.anthracycline is not None:
        blocks += _anthracycline(found.anthracycline)
    if found.drug_totals:
        blocks.append(_totals(found.drug_totals))
    if plan.schedule is not None:
        blocks += _calendar(plan.schedule)
    blocks.append(_team(found))
    return Section("sessions", "Sessions", tuple(blocks))


def _sessions(plan: EmbolizationPlan) -> Table:
    header = ["Session", "Day", "Territories", "Tumour", "Burden treated", "Drug", "What is given"]
    numeric = ("Tumour", "Burden treated", "Drug")
    rows = [
        (
            Cell(f"{session.session}"),
            Cell("to be chosen" if session.day is None else f"{session.day:%A, %d %B %Y}"),
            Cell(", ".join(part.territory for part in session.territories)),
            Cell(quantity(session.tumour_ml, "mL"), numeric=True),
            Cell(percent(session.burden_to_date_frac), numeric=True),
            Cell(_drug(session), numeric=True),
            Cell(given(session)),
        )
        for session in plan.sessions
    ]
    return Table(
        "Sessions until the whole burden is treated",
        tuple(Cell(text, numeric=text in numeric) for text in header),
        tuple(rows),
    )


def _drug(session: EmbolizationSession) -> str:
    return "–" if session.drug_mg is None else plain_amount(session.drug_mg, "mg")


def given(session: EmbolizationSession) -> str:
    """What a session gives, in a few words."""
    if session.loading is not None:
        found = session.loading
        vials = "vials open" if found.vials is None else count(found.vials, "vial")
        beads = "" if found.beads_ml is None else f", {plain_amount(found.beads_ml, 'mL')} beads"
        least = "" if found.loading_efficiency_is in ("measured", "entered") else "at least "
        loaded = plain_amount(found.loaded_mg, "mg")
        return f"{found.product} {first_size(session)}: {vials}{beads}; {least}{loaded} loaded"
    parts = []
    if session.emulsion is not None:
        mixed = session.emulsion
        water = f"{plain_amount(mixed.aqueous_ml, 'mL')} {mixed.aqueous_phase}"
        parts.append(f"{plain_amount(mixed.oil_ml, 'mL')} oil + {water}")
    if session.suspension is not None:
        parts.append(f"{plain_amount(session.suspension.oil_ml, 'mL')} oil vehicle")
    if session.particles is not None:
        choice = session.particles
        parts.append(f"{choice.product} {choice.chosen.text}, until {name(choice.end_point.name).lower()}")
    return "; then ".join(parts)


def _words(plan: EmbolizationPlan) -> str:
    sentences = []
    if plan.untreated_tumour_ml > 0:
        sentences.append(f"{quantity(plan.untreated_tumour_ml, 'mL')} of tumour lie in no territory.")
    if plan.loaded_mg is not None and plan.supernatant_mg is not None:
        sentences.append(
            f"Over all sessions at least {plain_amount(plan.loaded_mg, 'mg')} are loaded and at most "
            f"{plain_amount(plan.supernatant_mg, 'mg')} stay in the liquid above the beads."
        )
    return " ".join([*sentences, SHEETS])


def _acknowledge(plan: EmbolizationPlan) -> list[Block]:
    texts = {
        finding.id: finding.text
        for finding in (*plan.findings, *(f for s in plan.sessions for f in s.findings))
    }
    blocks: list[Block] = []
    if plan.to_acknowledge:
        lines = tuple(f"{key}: {texts.get(key, '')}" for key in plan.to_acknowledge)
        blocks.append(Bullets("To be acknowledged before the plan is used:", lines, Tone.ALARM))
    if plan.acknowledged:
        blocks.append(Paragraph(f"Acknowledged in the case: {', '.join(plan.acknowledged)}."))
    return blocks


def _anthracycline(found: AnthracyclineHistory) -> list[Block]:
    rows = [
        (
            Cell(amount.label or amount.drug),
            Cell(amount.drug),
            Cell("–" if amount.mg is None else plain_amount(amount.mg, "mg"), numeric=True),
            Cell(quantity(amount.mg_per_m2, "mg/m²"), numeric=True),
            Cell(quantity(amount.equivalent_mg_per_m2, "mg/m²"), numeric=True),
            Cell(quantity(amount.to_date_mg_per_m2, "mg/m²"), numeric=True),
            Cell("planned" if amount.planned else "given"),
        )
        for amount in found.amounts
    ]
    header = ["When", "Drug", "Dose", "By surface", "As doxorubicin", "To date", ""]
    numeric = header[2:6]
    table = Table(
        "Anthracyclines, all sessions and before",
        tuple(Cell(text, numeric=text in numeric) for text in header),
        tuple(rows),
    )
    limit = quantity(found.limit_mg_per_m2, "mg/m²")
    left = quantity(found.remaining_mg_per_m2, "mg/m²")
    words = f"The limit is {limit} ({found.limit_reason}); {left} are left after this plan."
    return [table, Paragraph(f"{words} {'; '.join(found.sources)}.")]


def _totals(totals: tuple[DrugTotal, ...]) -> Table:
    def amount(value: float | None, unit: str) -> Cell:
        return Cell(OPEN if value is None else quantity(value, unit), numeric=True)

    header = ("Drug", "Given before", "Planned", "In all", "In all, by surface")
    rows = tuple(
        (
            Cell(total.drug),
            amount(total.given_mg, "mg"),
            amount(total.planned_mg, "mg"),
            amount(total.total_mg, "mg"),
            amount(total.total_mg_per_m2, "mg/m²"),
        )
        for total in totals
    )
    cells = tuple(Cell(text, numeric=place > 0) for place, text in enumerate(header))
    return Table("Drugs, all sessions and before", cells, rows)


def _calendar(schedule: Schedule) -> list[Block]:
    rows = tuple(
        (
            Cell(
                f"{event.first_day}" + (f" to {event.last_day}" if event.last_day != event.first_day else "")
            ),
            Cell(event.title),
            Cell(name(event.status.value)),
        )
        for event in schedule.events
    )
    table = Table(f"Calendar of {schedule.arm_title}", (Cell("Day"), Cell("What"), Cell("State")), rows)
    stops = tuple(f"{name(rule.event or rule.id)}: {rule.said.text}" for rule in schedule.stop_rules)
    blocks: list[Block] = [table]
    if stops:
        blocks.append(Bullets("What stops the treatment:", stops))
    return blocks


def _team(plan: EmbolizationPlan) -> Table:
    plans = plan.team_plans
    rows = [
        ("Octreotide around the session", plans.octreotide),
        ("Antibiotics", plans.antibiotic),
        ("Carcinoid crisis", plans.crisis),
    ]
    return Table(
        "The team's own plans, as entered",
        (Cell("For"), Cell("Plan")),
        tuple((Cell(what), Cell(words or "not entered: an open item")) for what, words in rows),
    )
