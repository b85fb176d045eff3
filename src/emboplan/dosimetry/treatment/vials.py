"""What each vial holds on each day of treatment: the table of vials and days.

The table lets a clinic weigh a large vial late (more spheres) against a small one early. A vial that was
asked for and cannot be used is an error; in the table it is a row that says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from emboplan.dosimetry.arguments import fraction, not_negative, positive
from emboplan.dosimetry.decay import decay, hours_between
from emboplan.dosimetry.treatment.calibration import calibrations_covering
from emboplan.dosimetry.treatment.spheres import product, sphere_load
from emboplan.dosimetry.treatment.supply import ROUNDING, half_life_or, is_drawn, standard_vials
from emboplan.errors import ModelRangeError
from emboplan.model.products import Microsphere
from emboplan.model.results.vials import Vial, VialOnDay, require_zone

EXPIRED = "expired"
BEFORE_CALIBRATION = "before calibration"
TOO_LITTLE = "holds too little"


def vial_on_day(
    vial: Vial,
    *,
    treatment_time: datetime,
    residual_frac: float,
    wanted_administered_gbq: float | None = None,
    spheres: float | None = None,
    before_calibration_h: float = 0.0,
    device: Microsphere | None = None,
    half_life_h: float | None = None,
) -> VialOnDay:
    """What a vial holds and gives at one moment; `usable` is false where it cannot be used then.

    Of a vial from which doses are drawn, `wanted_administered_gbq` says how much shall reach the patient; the
    share of the vial follows. Without it, and for glass, all of the vial is given. `spheres` is the count in
    the whole vial where the user knows it. A vial may be used up to and at its moment of expiry, and
    `before_calibration_h` hours before its calibration. `device` is the product of a site's own catalogue.
    """
    device = product(vial.device) if device is None else device
    require_zone(treatment_time, "treatment_time")
    residual = float(fraction(residual_frac, "residual_frac"))
    hours = hours_between(vial.calibration_time, treatment_time)
    activity = decay(vial.label_gbq, hours, half_life_h=half_life_or(device, half_life_h))
    share: float | None = None
    if wanted_administered_gbq is not None and is_drawn(device):
        wanted = float(positive(wanted_administered_gbq, "wanted_administered_gbq"))
        share = wanted / (1 - residual) / activity
    reason = ""
    if vial.expires_at is not None and hours_between(vial.expires_at, treatment_time) > 0:
        reason = EXPIRED
    elif hours < -float(not_negative(before_calibration_h, "before_calibration_h")):
        reason = BEFORE_CALIBRATION
    elif share is not None and share > 1 + ROUNDING:
        reason = TOO_LITTLE
    share = None if share is None else min(share, 1.0)
    load = sphere_load(
        device,
        label_gbq=vial.label_gbq,
        activity_gbq=activity,
        spheres=spheres,
        share_of_vial_frac=1.0 if share is None else share,
    )
    return VialOnDay(
        vial=vial,
        treatment_time=treatment_time,
        hours_after_calibration=hours,
        activity_at_treatment_gbq=activity,
        residual_frac=residual,
        administered_gbq=activity * (1.0 if share is None else share) * (1 - residual),
        share_of_vial_frac=share,
        spheres=load.spheres,
        activity_per_sphere_bq=load.activity_per_sphere_bq,
        sphere_volume_ml=load.sphere_volume_ml,
        usable=not reason,
        reason=reason,
    )


def require_usable(cell: VialOnDay) -> VialOnDay:
    """`cell` itself; `ModelRangeError` with the reason in one line when the vial cannot be used then."""
    vial, at = cell.vial, cell.treatment_time.isoformat()
    what = f"the vial of {vial.label_gbq:g} GBq calibrated {vial.calibration_time.isoformat()}"
    if cell.reason == EXPIRED and vial.expires_at is not None:
        raise ModelRangeError(
            f"{what} expired {vial.expires_at.isoformat()}, before the injection at {at}; "
            "inject earlier or order a later calibration"
        )
    if cell.reason == BEFORE_CALIBRATION:
        raise ModelRangeError(f"{what} is to be injected at {at}, before its calibration; check both moments")
    if cell.reason == TOO_LITTLE:
        most = cell.activity_at_treatment_gbq * (1 - cell.residual_frac)
        raise ModelRangeError(
            f"{what} gives at most {most:.4g} GBq at {at}, less than asked for; "
            "inject earlier or use several vials"
        )
    return cell


def vials_on_days(
    device: Microsphere | str,
    *,
    treatment_times: Sequence[datetime],
    residual_frac: float,
    vials: Sequence[Vial] | None = None,
    calibration_times: Sequence[datetime] | None = None,
    custom: bool = False,
    wanted_administered_gbq: float | None = None,
    spheres: float | None = None,
    before_calibration_h: float = 0.0,
    shelf_life_h: float | None = None,
    half_life_h: float | None = None,
) -> tuple[VialOnDay, ...]:
    """The table of vials and days: a row for each vial at each treatment time, unusable ones with the reason.

    Without `vials` they are the product's sizes at each of `calibration_times`. Without those, too, they are
    the calibrations of which a vial can be used at one of the treatment times, where the product has a weekly
    one; else `ModelRangeError` asks for them. Rows come by treatment time in the order given, then by
    calibration, then by size. The other arguments are those of `vial_on_day`.
    """
    device = product(device)
    for moment in treatment_times:
        require_zone(moment, "treatment_time")
    if vials is None:
        if calibration_times is None:
            covering = (
                calibrations_covering(device, moment, shelf_life_h=shelf_life_h) for moment in treatment_times
            )
            calibration_times = sorted({moment for each in covering for moment in each})
        vials = [
            vial
            for moment in calibration_times
            for vial in standard_vials(
                device, calibration_time=moment, custom=custom, shelf_life_h=shelf_life_h
            )
        ]
    if spheres is not None and "spheres_per_gbq" in device.facts and len({v.label_gbq for v in vials}) > 1:
        raise ModelRangeError(
            f"spheres is {spheres:g} for {device.name} vials of several sizes, whose counts differ; "
            "give it with vials of one size"
        )
    half_life = half_life_or(device, half_life_h)
    return tuple(
        vial_on_day(
            vial,
            treatment_time=moment,
            residual_frac=residual_frac,
            wanted_administered_gbq=wanted_administered_gbq,
            spheres=spheres,
            before_calibration_h=before_calibration_h,
            device=device,
            half_life_h=half_life,
        )
        for moment in treatment_times
        for vial in vials
    )
