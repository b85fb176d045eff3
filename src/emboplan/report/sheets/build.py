"""From a plan to the sheets of its sessions: what each technique has rows for stands in one table.

A sheet says what the plan says and computes nothing. Findings are divided by what a person does with them:
acknowledge, ask, or know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from emboplan.embolics.size_parts import SIZES_OPEN
from emboplan.model.finding import Finding, Severity
from emboplan.model.plan import Plan
from emboplan.model.products import Sourced
from emboplan.model.results.embolization import EmbolizationPlan, EmbolizationSession
from emboplan.model.results.loading import OPEN
from emboplan.report.document import Banner, Tone
from emboplan.report.sections.overview import NOT_A_DEVICE, short_status, status_line
from emboplan.report.sheets import beads, emulsions
from emboplan.report.sheets.figures import limits, marked, plain_amount
from emboplan.report.sheets.values import Amount, Item, Keeping, Notice, Sheet, SheetSet
from emboplan.report.wording import percent, quantity

TITLES = {
    "deb-tace": "Drug-eluting beads",
    "ctace": "Emulsion for conventional TACE",
    "bland": "Particles for bland embolization",
}
SIGNATURES = (
    "Prepared by",
    "Checked by a second person, independently",
    "Released by the pharmacist",
    "Received in the angiography room by",
)
RECORD = ("Volume given", "End point reached", "Left over and discarded", "Given by")
NO_KEEPING = Keeping(
    "Mixed", "no figure with a source", None, "by the site's own rule: ____________", "", decides=True
)
WEIGHTS = {Severity.STOP: "STOP", Severity.WARNING: "Ask", Severity.INFO: "Note"}
# Findings that a row of the sheet says already.
SAID_IN_ROWS = ("to-confirm", "dose-reduced")


@dataclass(frozen=True, slots=True)
class Rows:
    """What a session has to show, whatever prepared it."""

    take: tuple[Item, ...]
    amounts: tuple[Amount, ...]
    steps: tuple[str, ...]
    keeping: tuple[Keeping, ...]
    shown: tuple[str, ...]


def _beads(session: EmbolizationSession, _inner_um: float | None) -> Rows | None:
    found = session.loading
    if found is None:
        return None
    dose = () if session.dose is None else tuple(emulsions.dose_amounts(session.dose, session.figures))
    return Rows(
        tuple(beads.bead_items(session, found)),
        (*dose, *beads.bead_amounts(session, found)),
        found.steps,
        tuple(beads.bead_keeping(found)) or (NO_KEEPING,),
        beads.SHOWN,
    )


def _emulsion(session: EmbolizationSession, inner_um: float | None) -> Rows | None:
    found = session.emulsion
    if found is None:
        return None
    return Rows(
        tuple(emulsions.emulsion_items(found, session)),
        tuple(emulsions.emulsion_amounts(found, session, inner_um)),
        found.steps,
        (NO_KEEPING,),
        emulsions.SHOWN,
    )


def _suspension(session: EmbolizationSession, inner_um: float | None) -> Rows | None:
    found = session.suspension
    if found is None:
        return None
    mass, oil = plain_amount(found.dose_mg, "mg"), plain_amount(found.oil_ml, "mL")
    step = f"Suspend {mass} {found.drug} in {oil} of its vehicle."
    keeping = Keeping("Mixed", f"{found.use_within_h:g} h", None, "after mixing", "", decides=True)
    return Rows(
        tuple(emulsions.suspension_items(found, session)),
        tuple(emulsions.suspension_amounts(found, session, inner_um)),
        (step,),
        (keeping,),
        emulsions.SHOWN,
    )


def _particles(session: EmbolizationSession, inner_um: float | None) -> Rows | None:
    if session.particles is None:
        return None
    choice = session.particles
    steps = (
        f"Take {choice.product} {choice.chosen.text}. Note the lot numbers.",
        "Mix with ____ mL contrast by the instructions in the box; wait ____ min.",
        f"Give in small parts. End point: {choice.end_point.definition}",
    )
    return Rows(
        tuple(emulsions.particle_items(session)),
        tuple(emulsions.particle_amounts(session, inner_um)),
        steps,
        (NO_KEEPING,),
        (*emulsions.SHOWN, "sizes", "catheter", "end_point"),
    )


# Asked in this order: particles stand alone where nothing goes before them.
Maker = Callable[[EmbolizationSession, float | None], Rows | None]
MAKERS: tuple[Maker, ...] = (_beads, _emulsion, _suspension, _particles)


def sheets(plan: Plan) -> SheetSet | None:
    """The sheets of a plan; None for a plan that prepares nothing in a pharmacy."""
    found = plan.loading
    if found is None:
        return None
    status = Banner(status_line(plan), Tone.CAUTION if plan.provisional else Tone.GOOD)
    return SheetSet(
        title=f"{TITLES[plan.settings.kind]}: loading sheets",
        banners=(status, Banner(NOT_A_DEVICE, Tone.PLAIN)),
        patient=plan.patient.id,
        sheets=tuple(_sheet(plan, found, session) for session in found.sessions),
        footer=f"Patient {plan.patient.id} · {short_status(plan)} · emboplan {plan.emboplan_version}",
    )


def _sheet(plan: Plan, found: EmbolizationPlan, session: EmbolizationSession) -> Sheet:
    rows = next(made for maker in MAKERS if (made := maker(session, found.catheter_inner_um)) is not None)
    findings = (*found.findings, *session.findings)
    waiting = [f for f in findings if f.id in (*session.to_acknowledge, *found.to_acknowledge)]
    others = [f for f in (*found.prompts, *findings) if f not in waiting and not _has_row(f)]
    ask = [f for f in others if f.severity is not Severity.INFO]
    notes = [f for f in others if f.severity is Severity.INFO]
    figures = tuple(limits(session.figures, rows.shown))
    texts = [*(a.source for a in (*rows.amounts, *figures)), *(f.source for f in (*waiting, *others))]
    texts += [keeping.source for keeping in rows.keeping]
    return Sheet(
        number=session.session,
        title=f"{TITLES[plan.settings.kind]}: session {session.session} of {_last(found)}",
        facts=tuple(_facts(plan, found, session)),
        take=rows.take,
        amounts=rows.amounts,
        steps=rows.steps,
        keeping=rows.keeping,
        acknowledge=tuple(_notice(finding, "Acknowledge", sign=True) for finding in dict.fromkeys(waiting)),
        ask=tuple(_notice(finding) for finding in _heaviest_first(ask)),
        notes=tuple(_notice(finding) for finding in dict.fromkeys(notes)),
        history=tuple(_history(found, session)),
        limits=figures,
        team=(
            ("Octreotide", found.team_plans.octreotide),
            ("Antibiotics", found.team_plans.antibiotic),
            ("Carcinoid crisis", found.team_plans.crisis),
        ),
        signatures=SIGNATURES,
        record=RECORD,
        sources=tuple(_sources(plan, texts, session.figures)),
    )


def _has_row(finding: Finding) -> bool:
    """Whether a row says it already: an open figure is a blank row of its own."""
    is_blank = finding.id.startswith(OPEN) and finding.id != SIZES_OPEN
    return is_blank or finding.id in SAID_IN_ROWS


def _last(found: EmbolizationPlan) -> int:
    return max(session.session for session in found.sessions)


def _notice(finding: Finding, weight: str = "", *, sign: bool = False) -> Notice:
    return Notice(
        weight or WEIGHTS[finding.severity],
        finding.text,
        marked(finding.source),
        box=finding.severity is not Severity.INFO,
        sign=sign,
    )


def _heaviest_first(findings: Sequence[Finding]) -> list[Finding]:
    order = (Severity.STOP, Severity.WARNING)
    return sorted(dict.fromkeys(findings), key=lambda finding: order.index(finding.severity))


def _facts(plan: Plan, found: EmbolizationPlan, session: EmbolizationSession) -> Iterator[tuple[str, str]]:
    patient = plan.patient
    sex = "" if patient.sex is None else {"F": "female", "M": "male"}[patient.sex.value]
    size = [
        plain_amount(patient.height_cm, "cm") if patient.height_cm is not None else "",
        plain_amount(patient.weight_kg, "kg") if patient.weight_kg is not None else "",
        f"{found.body_surface_m2:.3g} m²" if found.body_surface_m2 is not None else "",
    ]
    age = f"{patient.age_years} years" if patient.age_years is not None else ""
    yield "Patient", patient.id
    yield "Person", ", ".join(text for text in (sex, age, *size) if text) or "____________"
    yield "Day", "________________" if session.day is None else f"{session.day:%A, %d %B %Y}"
    yield "Protocol", found.protocol or "none"
    for part in session.territories:
        volumes = (
            f"{plain_amount(part.tumour_ml, 'mL')} tumour in {plain_amount(part.perfused_ml, 'mL')} liver"
        )
        yield f"Territory {part.territory}", volumes
    yield "Burden treated after it", percent(session.burden_to_date_frac)


def _history(found: EmbolizationPlan, session: EmbolizationSession) -> Iterator[str]:
    """What the patient has had, up to and with this session."""
    sums = found.anthracycline
    for total in found.drug_totals:
        if total.drug != found.drug:
            continue
        before = "open" if total.given_mg is None else plain_amount(total.given_mg, "mg")
        planned = "open" if total.planned_mg is None else plain_amount(total.planned_mg, "mg")
        yield f"{total.drug}: {before} before this plan, {planned} in all of its sessions."
    if sums is None:
        return
    to_date = session.anthracycline_to_date_mg_per_m2
    if to_date is not None:
        yield (
            f"Anthracyclines (as doxorubicin) with this session: {quantity(to_date, 'mg/m²')} of "
            f"{plain_amount(sums.limit_mg_per_m2, 'mg/m²')} ({sums.limit_reason})."
        )
    yield f"Rests on: {'; '.join(marked(source).rstrip('.') for source in sums.sources)}."


def _sources(plan: Plan, texts: Sequence[str], figures: Sequence[Sourced]) -> Iterator[str]:
    """What each key on this sheet stands for."""
    named = {key for entry in figures for key in entry.source}
    joined = " ".join(texts).replace(",", " ").replace(";", " ").replace(":", " ").replace("(", " ")
    cited = named | set(joined.split())
    for key, full in plan.settings.sources.items():
        if key in cited:
            yield f"{key}: {full}"
