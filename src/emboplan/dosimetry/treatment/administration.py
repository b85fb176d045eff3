"""What was delivered: readings before and after injection, brought to one moment and compared with the plan.

Both readings of vial, tubing and waste decay to the moment of injection; their ratio is the residual. The
delivered activity is what was prepared less the residual. Label and own assay, delivered and prescribed,
image and delivered are compared, and a difference beyond a tolerance of the catalogue is a finding: a person
decides what it means. A documented stasis does not take the finding away.
"""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from emboplan import catalog
from emboplan.dosimetry.arguments import not_negative, positive
from emboplan.dosimetry.decay import decay, hours_between
from emboplan.dosimetry.treatment.reading_findings import (
    IMAGE,
    PLAN,
    RECEIPT,
    ROUNDING,
    against_plan,
    beyond,
    same_conditions,
    shelf_life,
)
from emboplan.dosimetry.treatment.spheres import product
from emboplan.dosimetry.treatment.supply import half_life_or, is_drawn
from emboplan.errors import ModelRangeError
from emboplan.model.products import Microsphere
from emboplan.model.results.administration import (
    Administration,
    AdministrationRecord,
    Reading,
    ReceiptCheck,
)
from emboplan.model.results.vials import Vial
from emboplan.units import UNITS

ACTIVITY = UNITS["GBq"]


def relative_difference_frac(*, measured_gbq: float, expected_gbq: float) -> float:
    """(measured - expected) / expected.

    >>> round(relative_difference_frac(measured_gbq=3.72, expected_gbq=3.0), 4)
    0.24
    """
    measured = float(not_negative(measured_gbq, "measured_gbq"))
    return measured / float(positive(expected_gbq, "expected_gbq")) - 1


def is_activity(reading: Reading) -> bool:
    """Whether a reading has a unit of activity."""
    unit = UNITS.get(reading.unit)
    return unit is not None and unit.dimension == ACTIVITY.dimension


def _net_at(reading: Reading, moment: datetime, half_life: float) -> float:
    """The net reading at another moment, in GBq where its unit is one of activity."""
    net = reading.net
    if is_activity(reading):
        net *= float(UNITS[reading.unit].factor / ACTIVITY.factor)
    return decay(net, hours_between(reading.taken_at, moment), half_life_h=half_life)


def activity_at_gbq(reading: Reading, moment: datetime, *, half_life_h: float) -> float:
    """The activity (GBq) of a reading at another moment; `ModelRangeError` for another kind of unit."""
    if not is_activity(reading):
        raise ModelRangeError(
            f"a reading in {reading.unit!r} is no activity; expected GBq, MBq, kBq, Bq, Ci or mCi"
        )
    return _net_at(reading, moment, half_life_h)


def removed_gbq(before: Reading, after: Reading, moment: datetime, *, half_life_h: float) -> float:
    """The activity (GBq) that left between two readings, both decayed to one moment, as in a dose draw."""
    left = activity_at_gbq(after, moment, half_life_h=half_life_h)
    held = activity_at_gbq(before, moment, half_life_h=half_life_h)
    if left > held * (1 + ROUNDING):
        raise ModelRangeError(
            f"at one moment the reading after ({left:.4g} GBq) is above the one before ({held:.4g} GBq); "
            "check readings, units and times"
        )
    return max(held - left, 0.0)


def residual_frac(before: Reading, after: Reading, *, half_life_h: float) -> float:
    """The share that stayed behind: the reading after over the one before, both decayed to one moment.

    Which moment does not matter. The readings need one unit, or two units of activity.
    """
    if before.unit != after.unit and not (is_activity(before) and is_activity(after)):
        raise ModelRangeError(
            f"the reading before is in {before.unit}, the one after in {after.unit}; expected one unit"
        )
    start = _net_at(before, after.taken_at, half_life_h)
    if start <= 0:
        raise ModelRangeError("the reading before injection is 0 after background; check it")
    share = _net_at(after, after.taken_at, half_life_h) / start
    if share > 1 + ROUNDING:
        raise ModelRangeError(
            f"the reading after injection is {share:.3g} times the one before at one moment; "
            "check readings, background and times"
        )
    return min(share, 1.0)


def check_receipt(
    vial: Vial,
    assay: Reading,
    *,
    device: Microsphere | None = None,
    half_life_h: float | None = None,
    site: catalog.Catalog | None = None,
) -> ReceiptCheck:
    """The label of a vial beside the own assay of it, both at the moment of the assay, as read on receipt."""
    device = product(vial.device) if device is None else device
    half_life = half_life_or(device, half_life_h)
    hours = hours_between(vial.calibration_time, assay.taken_at)
    label = decay(vial.label_gbq, hours, half_life_h=half_life)
    measured = activity_at_gbq(assay, assay.taken_at, half_life_h=half_life)
    off = relative_difference_frac(measured_gbq=measured, expected_gbq=label)
    tolerances = catalog.load() if site is None else site
    limit = tolerances.sourced("administration.receipt.tolerance")
    return ReceiptCheck(vial, assay, label, measured, off, tuple(beyond(off, limit, RECEIPT)))


def _check_order(record: AdministrationRecord) -> None:
    moments = [
        ("the draw's first reading", record.draw_before),
        ("the draw's second reading", record.draw_after),
        ("the reading before injection", record.before),
        ("the injection", record.injection_time),
        ("the reading after injection", record.after),
    ]
    given = [
        (name, each.taken_at if isinstance(each, Reading) else each)
        for name, each in moments
        if each is not None
    ]
    for (name, first), (later_name, later) in pairwise(given):
        if hours_between(first, later) < 0:
            raise ModelRangeError(
                f"{later_name} ({later.isoformat()}) is earlier than {name} ({first.isoformat()}); "
                "check dates and time zones"
            )


def _prepared(
    device: Microsphere, at_injection: dict[str, float | None], before: float | None
) -> tuple[float, str]:
    """The activity put up for the patient, and its reading, the nearest to the patient first."""
    sources = {"reading before injection": before, "dose draw": at_injection["drawn"]}
    if not is_drawn(device):
        sources |= {"own assay": at_injection["assay"], "label": at_injection["label"]}
    for basis, activity in sources.items():
        if activity is not None:
            return activity, basis
    raise ModelRangeError(
        f"the reading before injection is no activity; {device.name} needs "
        + ("the readings of the dose draw" if is_drawn(device) else "the vial's label or an own assay")
    )


def evaluate_administration(
    record: AdministrationRecord,
    *,
    device: Microsphere | None = None,
    half_life_h: float | None = None,
    site: catalog.Catalog | None = None,
) -> Administration:
    """What was delivered, by the readings of the day, with a finding for each difference beyond a tolerance.

    The prepared activity is the reading before injection where that is an activity, else the dose draw, else
    (glass) the own assay or the label. residual = after / before at one moment; delivered = prepared x (1 -
    residual). The tolerances are the entries ``administration.*`` of the catalogue, `site` a site's own one.
    Raises `ModelRangeError` for readings out of order, in units that do not compare, or larger after than
    before.
    """
    device = product(record.device) if device is None else device
    tolerances = catalog.load() if site is None else site
    half_life = half_life_or(device, half_life_h)
    moment = record.injection_time
    _check_order(record)

    def brought(reading: Reading | None) -> float | None:
        return None if reading is None else activity_at_gbq(reading, moment, half_life_h=half_life)

    label = None
    if record.vial is not None:
        hours = hours_between(record.vial.calibration_time, moment)
        label = decay(record.vial.label_gbq, hours, half_life_h=half_life)
    assay, image = brought(record.assay), brought(record.image_total)
    drawn = None
    if record.draw_before is not None and record.draw_after is not None:
        drawn = removed_gbq(record.draw_before, record.draw_after, moment, half_life_h=half_life)
    share = residual_frac(record.before, record.after, half_life_h=half_life)
    before = brought(record.before) if is_activity(record.before) else None
    prepared, basis = _prepared(device, {"drawn": drawn, "assay": assay, "label": label}, before)
    delivered = prepared * (1 - share)
    off_label = None
    if assay is not None and label is not None:
        off_label = relative_difference_frac(measured_gbq=assay, expected_gbq=label)
    off_image = None
    if image is not None and delivered > 0:
        off_image = relative_difference_frac(measured_gbq=image, expected_gbq=delivered)
    off_plan = delivered / record.prescribed_gbq - 1
    limit = tolerances.sourced("administration.delivered.tolerance")
    outside = abs(off_plan) >= limit.number - ROUNDING
    findings = [
        *same_conditions(record),
        *shelf_life(record),
        *beyond(off_label, tolerances.sourced("administration.receipt.tolerance"), RECEIPT),
        *against_plan(off_plan, limit, stasis=record.stasis, outside=outside),
        *(
            []
            if outside
            else beyond(off_plan, tolerances.sourced("administration.accuracy.administered"), PLAN)
        ),
        *beyond(off_image, tolerances.sourced("administration.image_total.tolerance"), IMAGE),
    ]
    return Administration(
        record=record,
        label_at_injection_gbq=label,
        assay_at_injection_gbq=assay,
        assay_relative_difference_frac=off_label,
        drawn_at_injection_gbq=drawn,
        prepared_gbq=prepared,
        basis=basis,
        residual_gbq=prepared * share,
        residual_frac=share,
        delivered_gbq=delivered,
        delivered_frac=delivered / record.prescribed_gbq,
        outside_tolerance=outside,
        image_total_at_injection_gbq=image,
        image_relative_difference_frac=off_image,
        findings=tuple(findings),
    )
