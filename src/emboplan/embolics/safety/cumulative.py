"""What a patient has had: anthracyclines in doxorubicin equivalents per m2, and the masses of every drug.

All anthracyclines count, whichever way they were given: a dose on beads or in an emulsion counts whole,
because no source tells how much of it reaches the blood. Ratios to doxorubicin come from childhood cancer and
are to be confirmed; where sources differ the larger is used. A drug without a ratio needs the user's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from emboplan import catalog as catalogue
from emboplan.catalog.status import footnote
from emboplan.catalog.tace_tables import TaceNumbers, tace_numbers
from emboplan.embolics.amounts import Number, exact, not_negative, positive
from emboplan.embolics.body_surface import plausible_surface
from emboplan.embolics.drug_names import is_known_drug, plain_drug
from emboplan.embolics.sound import require_sound
from emboplan.errors import ModelRangeError
from emboplan.model.finding import Finding, Severity
from emboplan.model.products import Sourced, Status
from emboplan.model.results.drug_history import (
    AnthracyclineHistory,
    CountedAmount,
    DrugAmount,
    DrugTotal,
    SessionMass,
)

_GROUP = "anthracycline.equivalent"


def cumulative_anthracycline(
    *,
    given: Sequence[DrugAmount] = (),
    planned: Sequence[DrugAmount] = (),
    body_surface_m2: Number | None = None,
    session_mg: Number | None = None,
    heart_disease: bool | None = None,
    cardiac_irradiation: bool | None = None,
    prior_cardiotoxic_therapy: bool | None = None,
    catalog: catalogue.Catalog | None = None,
) -> AnthracyclineHistory:
    """Anthracyclines given and planned against the cumulative limit, in mg/m2 of doxorubicin.

    Masses in mg are divided by today's body surface. `session_mg` is the doxorubicin of one further session.
    Drugs that are no anthracycline are left out; one that the catalogue does not know, with a warning. The
    limit is 550 mg/m2, and 400 with heart disease, irradiation of the heart or prior cardiotoxic therapy;
    what is not answered leaves 550 with an open item.

    Raises:
        ModelRangeError: a planned amount that passes the limit, a mass without body surface, an anthracycline
            without a ratio to doxorubicin.

    >>> had = [DrugAmount("doxorubicin", mg_per_m2=300)]
    >>> found = cumulative_anthracycline(given=had, body_surface_m2=1.8, session_mg=75)
    >>> found.remaining_mg_per_m2, found.remaining_mg, found.full_sessions
    (250.0, 450.0, 6)
    """
    book = catalog or catalogue.load()
    require_sound(book)
    numbers = tace_numbers(book)
    surface = plausible_surface(body_surface_m2, numbers)
    limit, reason = _limit(
        numbers,
        heart=bool(heart_disease) or bool(cardiac_irradiation),
        cardiotoxic=bool(prior_cardiotoxic_therapy),
    )
    ceiling = exact(limit.number, "limit")
    counted, ratios, total, before = [], {}, Fraction(0), Fraction(0)
    for amount, is_planned in (*((a, False) for a in given), *((a, True) for a in planned)):
        name = plain_drug(amount.drug)
        if amount.doxorubicin_equivalent is None and name not in numbers.names_in(_GROUP):
            _both(amount, surface)
            continue
        ratio, ratios[name] = _ratio(numbers, amount)
        per_m2 = _per_m2(amount, surface)
        total += per_m2 * ratio
        before += Fraction(0) if is_planned else per_m2 * ratio
        if is_planned and total > ceiling:
            raise ModelRangeError(
                f"{amount.label or name}: {float(total):.4g} mg/m2 of anthracycline to date is above the "
                f"limit of {limit.number:g} mg/m2 ({reason}; {limit.source_text}); plan less"
            )
        counted.append(_counted(amount, name, per_m2, ratio, total, is_planned=is_planned))
    left = max(ceiling - total, Fraction(0))
    session = None if session_mg is None else positive(session_mg, "session_mg")
    left_mg = None if surface is None else left * surface
    open_items = (heart_disease, cardiac_irradiation, prior_cardiotoxic_therapy)
    return AnthracyclineHistory(
        amounts=tuple(counted),
        given_mg_per_m2=float(before),
        planned_mg_per_m2=float(total - before),
        total_mg_per_m2=float(total),
        limit_mg_per_m2=limit.number,
        limit_reason=reason,
        remaining_mg_per_m2=float(left),
        remaining_mg=None if left_mg is None else float(left_mg),
        session_mg=None if session is None else float(session),
        full_sessions=None if session is None or left_mg is None else int(left_mg // session),
        body_surface_m2=None if surface is None else float(surface),
        findings=(
            *_findings(numbers, total, limit, ratios, answered=_answered(open_items)),
            *_unknown((*given, *planned), book, numbers),
        ),
        sources=(
            f"limit: {footnote(limit)}",
            f"counted: {footnote(numbers.sourced('anthracycline.counted'))}",
            *(f"{name}: {words}" for name, words in sorted(ratios.items())),
        ),
    )


def drug_totals(
    *,
    given: Sequence[DrugAmount] = (),
    planned: Sequence[DrugAmount] = (),
    body_surface_m2: Number | None = None,
) -> tuple[DrugTotal, ...]:
    """Every drug's sessions in order with the sum to date, in mg and mg/m2; no limit is applied.

    A sum is None where an amount cannot be told in its unit, for want of a body surface.
    """
    surface = None if body_surface_m2 is None else positive(body_surface_m2, "body_surface_m2")
    by_drug: dict[str, list[tuple[DrugAmount, bool]]] = {}
    for amount, is_planned in (*((a, False) for a in given), *((a, True) for a in planned)):
        by_drug.setdefault(plain_drug(amount.drug), []).append((amount, is_planned))
    return tuple(_total(name, amounts, surface) for name, amounts in by_drug.items())


def _total(name: str, amounts: Sequence[tuple[DrugAmount, bool]], surface: Fraction | None) -> DrugTotal:
    sessions, masses, surfaces = [], [], []
    for amount, is_planned in amounts:
        mg, per_m2 = _both(amount, surface)
        masses.append((mg, is_planned))
        surfaces.append((per_m2, is_planned))
        sessions.append(
            SessionMass(
                label=amount.label,
                mg=_plain(mg),
                mg_per_m2=_plain(per_m2),
                to_date_mg=_sum(masses),
                to_date_mg_per_m2=_sum(surfaces),
                planned=is_planned,
            )
        )
    return DrugTotal(
        drug=name,
        sessions=tuple(sessions),
        given_mg=_sum([item for item in masses if not item[1]]),
        planned_mg=_sum([item for item in masses if item[1]]),
        total_mg=_sum(masses),
        total_mg_per_m2=_sum(surfaces),
    )


def _plain(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def _sum(values: Sequence[tuple[Fraction | None, bool]]) -> float | None:
    """The sum, or None where a part of it is not known."""
    known = [value for value, _ in values if value is not None]
    return float(sum(known, Fraction(0))) if len(known) == len(values) else None


def _both(amount: DrugAmount, surface: Fraction | None) -> tuple[Fraction | None, Fraction | None]:
    """An amount in mg and in mg/m2, as far as the body surface allows."""
    name = amount.label or amount.drug
    if (amount.mg is None) == (amount.mg_per_m2 is None):
        found = "neither mg nor" if amount.mg is None else "both mg and"
        raise ModelRangeError(f"{name}: found {found} mg_per_m2; expected one of them")
    if amount.mg is not None:
        mg = not_negative(amount.mg, f"{name}: mg")
        return mg, None if surface is None else mg / surface
    per_m2 = not_negative(amount.mg_per_m2 or 0, f"{name}: mg_per_m2")
    return None if surface is None else per_m2 * surface, per_m2


def _per_m2(amount: DrugAmount, surface: Fraction | None) -> Fraction:
    per_m2 = _both(amount, surface)[1]
    if per_m2 is None:
        raise ModelRangeError(
            f"{amount.label or amount.drug}: {amount.mg:g} mg without a body surface; give body_surface_m2"
        )
    return per_m2


def _unknown(
    amounts: Sequence[DrugAmount], book: catalogue.Catalog, numbers: TaceNumbers
) -> Iterator[Finding]:
    """A warning for each drug that the catalogue does not know, which might be an anthracycline."""
    own = {plain_drug(amount.drug) for amount in amounts if amount.doxorubicin_equivalent is not None}
    for name in dict.fromkeys(plain_drug(amount.drug) for amount in amounts):
        if name not in own and not is_known_drug(name, book, numbers):
            yield Finding(
                "drug-not-known",
                Severity.WARNING,
                f"{name} is not in the catalogue and was not counted; if it is an anthracycline, give its "
                "doxorubicin_equivalent.",
            )


def _ratio(numbers: TaceNumbers, amount: DrugAmount) -> tuple[Fraction, str]:
    """The ratio of an anthracycline to doxorubicin and where it comes from; the user's own goes first."""
    name = plain_drug(amount.drug)
    if amount.doxorubicin_equivalent is not None:
        own = positive(amount.doxorubicin_equivalent, "doxorubicin_equivalent")
        return own, f"{float(own):g} mg of doxorubicin per mg: as entered"
    entry = numbers.entry(f"{_GROUP}.{name}")
    if entry.status is Status.UNVERIFIED:
        raise ModelRangeError(
            f"no ratio of {name} to doxorubicin is published here; give doxorubicin_equivalent of your own"
        )
    note = f"; {entry.note}" if entry.note else ""
    return exact(entry.number, "ratio"), f"{entry.number:g} mg of doxorubicin per mg: {footnote(entry)}{note}"


def _counted(
    amount: DrugAmount, name: str, per_m2: Fraction, ratio: Fraction, total: Fraction, *, is_planned: bool
) -> CountedAmount:
    return CountedAmount(
        label=amount.label,
        drug=name,
        mg=amount.mg,
        mg_per_m2=float(per_m2),
        doxorubicin_equivalent=float(ratio),
        equivalent_mg_per_m2=float(per_m2 * ratio),
        to_date_mg_per_m2=float(total),
        planned=is_planned,
    )


def _limit(numbers: TaceNumbers, *, heart: bool, cardiotoxic: bool) -> tuple[Sourced, str]:
    """The limit that applies and why; the lower where two do."""
    found = [(numbers.sourced("anthracycline.limit"), "without heart disease or cardiotoxic therapy")]
    if heart:
        found.append(
            (numbers.sourced("anthracycline.limit_heart"), "heart disease or irradiation of the heart")
        )
    if cardiotoxic:
        found.append((numbers.sourced("anthracycline.limit_cardiotoxic"), "prior cardiotoxic therapy"))
    return min(found, key=lambda item: item[0].number)


def _answered(items: Sequence[bool | None]) -> bool:
    """Whether nothing is open: one yes settles the limit, or all are answered."""
    return any(items) or all(item is not None for item in items)


def _findings(
    numbers: TaceNumbers, total: Fraction, limit: Sourced, ratios: dict[str, str], *, answered: bool
) -> Iterator[Finding]:
    if total > exact(limit.number, "limit"):
        yield Finding(
            "anthracycline-limit-passed",
            Severity.STOP,
            f"{float(total):.4g} mg/m2 of anthracycline have been given, above the limit of {limit.number:g} "
            "mg/m2. Ask the team for a treatment without one.",
            footnote(limit),
        )
    if not answered:
        lower = numbers.sourced("anthracycline.limit_heart")
        yield Finding(
            "heart-open",
            Severity.WARNING,
            "Heart disease, irradiation of the heart or prior cardiotoxic therapy is not answered; with one "
            f"of them the limit is {lower.number:g} mg/m2.",
            f"{footnote(lower)}; {lower.note}",
        )
    if "epirubicin" in ratios:
        label = numbers.sourced("anthracycline.epirubicin_label")
        yield Finding("epirubicin-label", Severity.INFO, label.text, footnote(label))
