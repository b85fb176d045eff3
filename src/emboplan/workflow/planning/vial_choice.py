"""The table vial x day, and the vials that a plan takes.

Each vial that the product comes in is put through the plan for each day of its shelf life, at the clock time
of the treatment. Where the case asks for a vial, the plan's activities become what vials give at the hour of
treatment, chosen all together (mixed-integer); else the table only shows which would fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from emboplan.catalog.load import Catalog
from emboplan.dosimetry.prescribing.optimise import optimise
from emboplan.dosimetry.prescribing.plan_doses import alternatives
from emboplan.dosimetry.prescribing.prescription import SAME_VALUE
from emboplan.dosimetry.treatment.calibration import calibrations_covering, treatment_days
from emboplan.dosimetry.treatment.splitting import split_vials
from emboplan.dosimetry.treatment.supply import is_drawn, own_vial
from emboplan.dosimetry.treatment.vials import require_usable, vial_on_day, vials_on_days
from emboplan.errors import InputError, ModelRangeError
from emboplan.model.case import VialOrder
from emboplan.model.finding import Finding, Severity
from emboplan.model.products import Microsphere
from emboplan.model.results.prescription import AvailableActivity, Prescription, VialAlternative
from emboplan.model.results.vials import Vial, VialOnDay
from emboplan.workflow.planning.side_by_side import RULE, Answer, Question, as_given

VIAL = "vial"


@dataclass(frozen=True, slots=True)
class VialChoice:
    """The table, the prescription by vials (None: only shown), and what there is to say."""

    table: tuple[VialAlternative, ...]
    prescription: Prescription | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Offer:
    """What can be given to one territory at the hour of treatment: one vial or several alike."""

    available: AvailableActivity
    cells: tuple[VialOnDay, ...]


def choose_vials(
    question: Question,
    answer: Answer,
    order: VialOrder | None,
    treatment_time: datetime | None,
    catalog: Catalog,
    *,
    table: bool = True,
) -> VialChoice:
    """The table for the model that decides, and its vials where the case asks for them.

    Without `table` only what the case asks for is chosen, which is quick.
    """
    if not table and order is None:
        return VialChoice((), None, ())
    devices = {t.territory: t.device for t in answer.patient.treated}
    if treatment_time is None or not all(devices.values()):
        if order is None:
            return VialChoice((), None, ())
        missing = "treatment_time" if treatment_time is None else "device"
        text = f"No vial is chosen: enter {missing} under [procedure]."
        return VialChoice((), None, (Finding("vial-undecided", Severity.WARNING, text),))
    wish = order or VialOrder(residual_frac=question.physics.residual_frac)
    sessions = {t.session for t in answer.patient.treated}
    offers: dict[str, tuple[_Offer, ...]] = {}
    rows: list[VialAlternative] = []
    findings: list[Finding] = []
    if len(sessions) > 1:
        text = (
            f"The case has {len(sessions)} sessions and one treatment_time: vials are those of that hour for "
            "all of them. Plan each session as a case of its own for its vial."
        )
        findings.append(Finding("vial-of-one-session", Severity.WARNING, text))
    of_device: dict[str, list[Vial]] = {}
    for name, key in devices.items():
        device = catalog.microsphere(str(key))
        if device.key not in of_device:
            of_device[device.key] = _vials(device, wish, treatment_time, findings)
        vials = of_device[device.key]
        if not vials:
            continue
        wanted = answer.prescription.administered_gbq[name] if answer.prescription else 0.0
        offers[name] = _offers(device, vials, wish, treatment_time, wanted, catalog, strict=order is not None)
        if table:
            rows += _rows(answer, name, device, vials, wish, treatment_time, question)
    findings += _too_small(question, offers)
    if len(offers) < len(devices):
        return VialChoice(tuple(rows), None, tuple(findings))
    prescription, said = _prescribed(question, answer, offers, asked=order is not None)
    findings += said
    shown = _marked(rows, offers, prescription, treatment_time) if table else ()
    return VialChoice(shown, prescription if order else None, tuple(findings))


def _vials(
    device: Microsphere, wish: VialOrder, treatment_time: datetime, findings: list[Finding]
) -> list[Vial]:
    """The vial asked for, else those that the product comes in at each calibration that covers the hour."""
    moments = [wish.calibration_time] if wish.calibration_time is not None else None
    if moments is None:
        try:
            moments = list(calibrations_covering(device, treatment_time))
        except InputError as error:
            text = f"No vial is listed: {error}. Enter calibration_time under [vial]."
            findings.append(Finding("vial-calibration-missing", Severity.WARNING, text))
            return []
    if wish.size_gbq is not None:
        return [own_vial(device, label_gbq=wish.size_gbq, calibration_time=moment) for moment in moments]
    cells = vials_on_days(
        device,
        treatment_times=[treatment_time],
        residual_frac=wish.residual_frac,
        calibration_times=moments,
        custom=wish.custom,
    )
    return [cell.vial for cell in cells]


def _too_small(question: Question, offers: Mapping[str, Sequence[_Offer]]) -> Iterator[Finding]:
    """Entered activities that no vial on offer holds at the hour of treatment."""
    for name, gbq in question.fixed_gbq.items():
        most = max((offer.available.administered_gbq for offer in offers.get(name, ())), default=None)
        if most is not None and gbq > most * (1 + SAME_VALUE):
            text = (
                f"{name}: {gbq:.4g} GBq were entered; the vials give at most {most:.4g} GBq at the hour of "
                "treatment."
            )
            yield Finding("vial-too-small", Severity.STOP, text)


def _cell(
    device: Microsphere, vial: Vial, moment: datetime, wish: VialOrder, wanted: float | None = None
) -> VialOnDay:
    return vial_on_day(
        vial,
        treatment_time=moment,
        residual_frac=wish.residual_frac,
        wanted_administered_gbq=wanted,
        spheres=wish.spheres,
        device=device,
    )


def _offers(
    device: Microsphere,
    vials: Sequence[Vial],
    wish: VialOrder,
    treatment_time: datetime,
    wanted_gbq: float,
    catalog: Catalog,
    *,
    strict: bool,
) -> tuple[_Offer, ...]:
    """What can be given at the hour of treatment; an error where a vial that was asked for cannot be."""
    drawn = is_drawn(device)
    cells = [_cell(device, vial, treatment_time, wish) for vial in vials]
    if strict and (wish.size_gbq is not None or wish.calibration_time is not None):
        usable = [cell for cell in cells if cell.usable]
        if not usable:
            require_usable(cells[0])
    found = [
        _Offer(AvailableActivity(_key((cell,)), cell.administered_gbq, divisible=drawn), (cell,))
        for cell in cells
        if cell.usable
    ]
    largest = max((offer.available.administered_gbq for offer in found), default=0.0)
    if wish.size_gbq is None and wanted_gbq > largest > 0:
        found += _several(device, vials, wish, treatment_time, wanted_gbq, catalog)
    return tuple(found)


def _several(
    device: Microsphere,
    vials: Sequence[Vial],
    wish: VialOrder,
    treatment_time: datetime,
    wanted_gbq: float,
    catalog: Catalog,
) -> list[_Offer]:
    """Two vials together, where the largest alone holds too little."""
    try:
        combinations = split_vials(
            device,
            wanted_administered_gbq=wanted_gbq,
            treatment_time=treatment_time,
            residual_frac=wish.residual_frac,
            tolerance_frac=catalog.number("administration.accuracy.administered"),
            vials=vials,
        )
    except ModelRangeError:
        return []
    return [
        _Offer(
            AvailableActivity(_key(each.cells), each.administered_gbq, divisible=is_drawn(device)), each.cells
        )
        for each in combinations
    ]


def _key(cells: Sequence[VialOnDay]) -> str:
    sizes = " + ".join(f"{cell.vial.label_gbq:g} GBq" for cell in cells)
    return f"{sizes}, calibrated {cells[0].vial.calibration_time.isoformat()}"


def _rows(
    answer: Answer,
    name: str,
    device: Microsphere,
    vials: Sequence[Vial],
    wish: VialOrder,
    treatment_time: datetime,
    question: Question,
) -> list[VialAlternative]:
    """Each vial on each day of its shelf life, with the plan that it would give."""
    others = dict(answer.prescription.administered_gbq) if answer.prescription else {}
    wanted = others.pop(name, 0.0)
    drawn = is_drawn(device)
    cells = [
        _cell(device, vial, moment, wish, wanted if drawn and wanted > 0 else None)
        for vial in vials
        for moment in _days(vial, treatment_time)
    ]
    options = [AvailableActivity(str(n), cell.administered_gbq) for n, cell in enumerate(cells)]
    judged = alternatives(
        answer.patient,
        limits=question.limits.limits,
        goals=answer.goals,
        territory=name,
        options=options,
        others_gbq=others,
    )
    rows = []
    for cell, option in zip(cells, judged, strict=True):
        row = VialAlternative(
            territory=name,
            device=device.key,
            label_gbq=(cell.vial.label_gbq,),
            calibration_time=cell.vial.calibration_time,
            treatment_time=cell.treatment_time,
            usable=cell.usable,
            reason=cell.reason,
        )
        if cell.usable:
            row = replace(
                row,
                prepared_gbq=cell.prepared_gbq,
                drawn_frac=1.0 if cell.share_of_vial_frac is None else cell.share_of_vial_frac,
                administered_gbq=cell.administered_gbq,
                spheres=cell.spheres,
                activity_per_sphere_bq=cell.activity_per_sphere_bq,
                sphere_volume_ml=cell.sphere_volume_ml,
                doses_gy=option.territory_gy,
                kept=option.kept,
                goals_met=option.goals_met,
                exceeded=option.exceeded,
            )
        rows.append(row)
    return rows


def _days(vial: Vial, treatment_time: datetime) -> Sequence[datetime]:
    """The clock time of the treatment on each day of the vial's shelf life; that hour alone without one."""
    if vial.expires_at is None:
        return (treatment_time,)
    days = treatment_days(treatment_time, first=vial.calibration_time, last=vial.expires_at)
    return days or (treatment_time,)


def _prescribed(
    question: Question, answer: Answer, offers: Mapping[str, Sequence[_Offer]], *, asked: bool
) -> tuple[Prescription | None, list[Finding]]:
    """The vials that serve the plan best, all territories together; None where none can be used.

    The one vial that was asked for is taken as it is, and the limits that it breaks are said.
    """
    free = {name: each for name, each in offers.items() if name not in question.fixed_gbq}
    if not free or answer.prescription is None or RULE in answer.prescription.binding:
        return None, []
    if not all(free.values()):
        name = next(name for name, each in free.items() if not each)
        text = f"{name}: no vial can be used at the hour of treatment; see the table of vials and days."
        return None, [Finding("no-vial-usable", Severity.WARNING, text)]
    try:
        found = optimise(
            answer.patient,
            limits=question.limits.limits,
            goals=answer.goals,
            objective=answer.prescription.objective,
            available={name: [offer.available for offer in each] for name, each in free.items()},
            fixed_gbq=question.fixed_gbq,
        )
    except ModelRangeError as error:
        if asked and all(len(each) == 1 for each in free.values()):
            only = {name: each[0].available for name, each in free.items()}
            given = {**question.fixed_gbq, **{n: option.administered_gbq for n, option in only.items()}}
            by_vial = as_given(question, answer.patient, given, answer.goals, binding=VIAL)
            keys = MappingProxyType({name: option.key for name, option in only.items()})
            return replace(by_vial, available=keys), []
        text = f"No vial at the hour of treatment keeps all limits: {error}. See the table of vials and days."
        return None, [Finding("no-vial-fits", Severity.WARNING, text)]
    return found, []


def _marked(
    rows: Sequence[VialAlternative],
    offers: Mapping[str, Sequence[_Offer]],
    prescription: Prescription | None,
    treatment_time: datetime,
) -> tuple[VialAlternative, ...]:
    """The rows with the chosen ones marked; several vials for one territory get a row of their own."""
    if prescription is None:
        return tuple(rows)
    marked = list(rows)
    for name, key in prescription.available.items():
        offer = next((o for o in offers[name] if o.available.key == key), None)
        if offer is None:
            continue
        first, given = offer.cells[0], prescription.administered_gbq[name]
        labels = tuple(cell.vial.label_gbq for cell in offer.cells)
        index = next(
            (
                n
                for n, row in enumerate(marked)
                if row.territory == name
                and row.label_gbq == labels
                and row.calibration_time == first.vial.calibration_time
                and row.treatment_time == treatment_time
            ),
            None,
        )
        if index is not None and marked[index].usable:
            marked[index] = replace(marked[index], chosen=True)
        elif index is not None:
            # It holds less than was wanted, and the plan takes all of it.
            marked[index] = _combined_row(name, offer, given, treatment_time)
        else:
            marked.append(_combined_row(name, offer, given, treatment_time))
    return tuple(marked)


def _combined_row(name: str, offer: _Offer, given_gbq: float, treatment_time: datetime) -> VialAlternative:
    first = offer.cells[0]
    share = given_gbq / offer.available.administered_gbq
    return VialAlternative(
        territory=name,
        device=first.vial.device,
        label_gbq=tuple(cell.vial.label_gbq for cell in offer.cells),
        calibration_time=first.vial.calibration_time,
        treatment_time=treatment_time,
        usable=True,
        prepared_gbq=sum(cell.prepared_gbq for cell in offer.cells) * share,
        drawn_frac=share,
        administered_gbq=given_gbq,
        spheres=sum(cell.spheres for cell in offer.cells) * share,
        activity_per_sphere_bq=first.activity_per_sphere_bq,
        sphere_volume_ml=sum(cell.sphere_volume_ml for cell in offer.cells) * share,
        chosen=True,
    )
