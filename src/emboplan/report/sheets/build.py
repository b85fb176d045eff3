"""From a plan to the sheets of its sessions: what each technique has rows for stands in one table.

A sheet says what the plan says and computes nothing. Findings are divided by what a person does with them:
stop, acknowledge, settle, ask, or know. The first three stand on the front, before anything is made up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from emboplan.model.finding import Finding, Severity
from emboplan.model.plan import Plan
from emboplan.model.products import Sourced
from emboplan.model.results.drug_history import DrugTotal
from emboplan.model.results.embolization import EmbolizationPlan, EmbolizationSession
from emboplan.model.results.loading import OPEN
from emboplan.report.document import Banner, Tone
from emboplan.report.sections.overview import NOT_A_DEVICE, short_status, status_line
from emboplan.report.sheets import beads, emulsions
from emboplan.report.sheets.figures import limits, marked, plain_amount, same_digits
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
    "Mixed", "OPEN: no figure with a source", None, "by the site's own rule: ____________", "", decides=True
)
WEIGHTS = {Severity.STOP: "STOP", Severity.WARNING: "Ask", Severity.INFO: "Note"}
# Findings that a row of the sheet says already, and those on the days between sessions, said in the report.
SAID_ELSEWHERE = ("to-confirm", "dose-reduced", "bilirubin-open", "interval-beads", "interval-bland")
# What has a blank row of its own where no source and no user says it.
BLANK_ROWS = tuple(
    f"{OPEN}{name}"
    for name in (
        *("beads", "catheter", "contrast", "diluent", "loading-time", "size", "size-change", "solution"),
        "storage",
    )
)
# Open items that a dose waits for, by the end of their ids or whole.
OPEN_ENDING = "-open"
ALSO_OPEN = ("drug-not-known", "shunt-not-answered")
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
TO_GO_ON = re.compile(r";? ?acknowledge to go on\.?$")


@dataclass(frozen=True, slots=True)
class Rows:
    """What a session has to show, whatever prepared it."""

    take: tuple[Item, ...]
    amounts: tuple[Amount, ...]
    steps: tuple[str, ...]
    keeping: tuple[Keeping, ...]


def _beads(session: EmbolizationSession, plan: EmbolizationPlan) -> Rows | None:
    found = session.loading
    if found is None:
        return None
    dose: tuple[Amount, ...] = ()
    if session.dose is not None:
        dose = tuple(emulsions.dose_amounts(session.dose, session.figures, plan.bilirubin_mg_per_dl))
    return Rows(
        tuple(beads.bead_items(session, found)),
        (*dose, *beads.bead_amounts(session, found)),
        found.steps,
        tuple(beads.bead_keeping(found)) or (NO_KEEPING,),
    )


def _emulsion(session: EmbolizationSession, plan: EmbolizationPlan) -> Rows | None:
    found = session.emulsion
    if found is None:
        return None
    return Rows(
        tuple(emulsions.emulsion_items(found, session)),
        tuple(emulsions.emulsion_amounts(found, session, plan)),
        (*emulsions.emulsion_steps(found), *found.steps[2:]),
        (NO_KEEPING,),
    )


def _suspension(session: EmbolizationSession, plan: EmbolizationPlan) -> Rows | None:
    found = session.suspension
    if found is None:
        return None
    mass, oil = plain_amount(found.dose_mg, "mg"), plain_amount(found.oil_ml, "mL")
    step = f"Suspend {mass} {found.drug} in {oil} of its vehicle."
    keeping = Keeping("Mixed", f"{found.use_within_h:g} h", None, "after mixing", "", decides=True)
    return Rows(
        tuple(emulsions.suspension_items(found, session)),
        tuple(emulsions.suspension_amounts(found, session, plan)),
        (step,),
        (keeping,),
    )


def _particles(session: EmbolizationSession, plan: EmbolizationPlan) -> Rows | None:
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
        (
            emulsions.bilirubin_amount(plan.bilirubin_mg_per_dl),
            *emulsions.particle_amounts(session, plan),
        ),
        steps,
        (NO_KEEPING,),
    )


# Asked in this order: particles stand alone where nothing goes before them.
Maker = Callable[[EmbolizationSession, EmbolizationPlan], Rows | None]
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
    rows = next(made for maker in MAKERS if (made := maker(session, found)) is not None)
    findings = tuple(dict.fromkeys((*found.findings, *session.findings)))
    stops = _stops(plan, found, session)
    waiting = [f for f in findings if f.id in (*session.to_acknowledge, *found.to_acknowledge)]
    settled = [f for f in findings if f.id in found.acknowledged]
    pending = [f for f in findings if _is_open(f) and f not in (*stops, *waiting, *settled)]
    front = (*stops, *waiting, *settled, *pending)
    everything = dict.fromkeys((*found.prompts, *findings))
    others = [f for f in everything if f not in front and not _has_row(f)]
    ask = [f for f in others if f.severity is not Severity.INFO]
    notes = [f for f in others if f.severity is Severity.INFO]
    figures = tuple(limits(session.figures, {name for row in rows.amounts for name in row.rests}))
    texts = [*(a.source for a in (*rows.amounts, *figures)), *(f.source for f in (*front, *others))]
    texts += [keeping.source for keeping in rows.keeping]
    return Sheet(
        number=session.session,
        title=f"{TITLES[plan.settings.kind]}: session {session.session} of {_last(found)}",
        facts=tuple(_facts(plan, found, session)),
        take=rows.take,
        amounts=rows.amounts,
        steps=tuple(same_digits(step) for step in rows.steps),
        keeping=rows.keeping,
        stops=tuple(_notice(finding, "STOP", sign=True) for finding in stops),
        acknowledge=tuple(_notice(finding, "Acknowledge", sign=True) for finding in waiting),
        acknowledged=tuple(_acknowledged(finding, found) for finding in settled),
        open_items=(*(_notice(finding, "Open") for finding in pending), *_unanswered(ask)),
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
    """Whether it is said elsewhere: an open figure is a blank row of its own."""
    return finding.id in BLANK_ROWS or finding.id in SAID_ELSEWHERE


def _is_open(finding: Finding) -> bool:
    """Whether a dose or a volume waits for it: it then stands on the front."""
    named = finding.id.startswith(OPEN) or finding.id.endswith(OPEN_ENDING) or finding.id in ALSO_OPEN
    return named and not _has_row(finding)


def _stops(plan: Plan, found: EmbolizationPlan, session: EmbolizationSession) -> list[Finding]:
    """Every finding that stops this session, wherever in the plan it was found; none of another session."""
    others = [f for other in found.sessions if other is not session for f in other.findings]
    own = (*found.findings, *session.findings, *found.prompts)
    anywhere = (*own, *(f for f in plan.findings if f not in others))
    return list(dict.fromkeys(f for f in anywhere if f.severity is Severity.STOP))


def _unanswered(ask: Sequence[Finding]) -> Iterator[Notice]:
    """One line that names the questions on the back which nobody has answered."""
    subjects = [f.id.removesuffix(OPEN_ENDING).replace("-", " ") for f in ask if f.id.endswith(OPEN_ENDING)]
    if subjects:
        yield Notice("Not answered, asked on the back", ", ".join(subjects), "")


def _acknowledged(finding: Finding, found: EmbolizationPlan) -> Notice:
    """A warning that somebody has acknowledged stays in sight, with who did."""
    who = f"by {found.acknowledged_by}" if found.acknowledged_by else "in the case; by whom is not said"
    text = TO_GO_ON.sub("", same_digits(finding.text)).rstrip(".")
    return Notice("Acknowledged", f"{text}. Acknowledged {who}.", marked(finding.source), box=False)


def _last(found: EmbolizationPlan) -> int:
    return max(session.session for session in found.sessions)


def _notice(finding: Finding, weight: str = "", *, sign: bool = False) -> Notice:
    return Notice(
        weight or WEIGHTS[finding.severity],
        same_digits(finding.text),
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
        planned = "open" if total.planned_mg is None else plain_amount(total.planned_mg, "mg")
        plan = f", {planned} in all of its sessions" if total.planned_mg != 0 else ""
        yield f"{total.drug}: {_given(total)} before this plan{plan}."
    if sums is None:
        return
    to_date = session.anthracycline_to_date_mg_per_m2
    if to_date is not None:
        yield (
            f"Anthracyclines (as doxorubicin) with this session: {quantity(to_date, 'mg/m²')} of "
            f"{plain_amount(sums.limit_mg_per_m2, 'mg/m²')} ({sums.limit_reason})."
        )
    yield f"Rests on: {'; '.join(marked(source).rstrip('.') for source in sums.sources)}."


def _given(total: DrugTotal) -> str:
    """What was given before, in mg; what cannot be told in mg for want of a body surface, in mg/m2."""
    before = [session for session in total.sessions if not session.planned]
    if total.given_mg is not None:
        return plain_amount(total.given_mg, "mg")
    masses = math.fsum(session.mg for session in before if session.mg is not None)
    surfaces = math.fsum(s.mg_per_m2 for s in before if s.mg is None and s.mg_per_m2 is not None)
    parts = [(masses, "mg"), (surfaces, "mg/m²")]
    return " and ".join(plain_amount(amount, unit) for amount, unit in parts if amount) or "open"


def _sources(plan: Plan, texts: Sequence[str], figures: Sequence[Sourced]) -> Iterator[str]:
    """What each key on this sheet stands for."""
    named = {key for entry in figures for key in entry.source}
    cited = named | set(KEY.findall(" ".join(texts)))
    for key, full in plan.settings.sources.items():
        if key in cited:
            yield f"{key}: {full}"
