"""Which vials a product is supplied in, and the label that an activity needs.

Glass comes in standard sizes, and in steps between them that are to be confirmed; resin in one size with a
tolerance; holmium is ordered for the patient within a range. A user may state an own size, up to the
largest that is supplied.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from emboplan import catalog
from emboplan.catalog.status import CONFIRM_NOTE
from emboplan.dosimetry.arguments import fraction, positive
from emboplan.dosimetry.decay import decay, hours_between
from emboplan.dosimetry.treatment.calibration import expiry, shelf_life_hours
from emboplan.dosimetry.treatment.spheres import product
from emboplan.errors import ModelRangeError
from emboplan.model.products import Microsphere, Status
from emboplan.model.results.vials import Vial, VialKind

# Glass is ordered by the vial and all of it is given; of the other materials the dose is drawn from the vial.
GIVEN_WHOLE = frozenset({"glass"})

# An activity above a bound by less than this share is rounding, not too much.
ROUNDING = 1e-9


def is_drawn(device: Microsphere | str) -> bool:
    """Whether a dose is drawn from the vial (resin, holmium) rather than the whole vial given (glass)."""
    return product(device).material not in GIVEN_WHOLE


def half_life_or(device: Microsphere | str, given: float | None) -> float:
    """The half-life given (h), else that of the product's nuclide in the catalogue."""
    if given is not None:
        return float(positive(given, "half_life_h"))
    return catalog.load().nuclide(product(device).nuclide).half_life_h


def largest_label_gbq(device: Microsphere | str) -> float:
    """The largest labelled activity (GBq) that the catalogue knows for a product, its tolerance included."""
    facts = product(device).facts
    sizes = [size for name in ("vials", "vial_range") if name in facts for size in facts[name].numbers]
    if not sizes:
        raise ModelRangeError(f"{product(device).name} has no vial size in the catalogue; add `vials` there")
    tolerance = facts["vial_tolerance"].number if "vial_tolerance" in facts else 0.0
    return max(sizes) * (1 + tolerance)


def _custom_sizes(device: Microsphere, standard: Sequence[float]) -> list[float]:
    if "custom_vial_step" not in device.facts:
        return []
    low, high = device.fact("custom_vial_range").numbers
    step = device.fact("custom_vial_step").number
    steps = round((high - low) / step)
    return [size for size in (low + step * i for i in range(steps + 1)) if size not in standard]


def _sizes(device: Microsphere, *, custom: bool) -> Iterable[tuple[float, VialKind, Status]]:
    facts = device.facts
    if "vials" in facts:
        entry = facts["vials"]
        found = [(size, VialKind.STANDARD, entry.status) for size in entry.numbers]
        if custom:
            status = device.fact("custom_vial_step").status if "custom_vial_step" in facts else entry.status
            found += [(size, VialKind.CUSTOM, status) for size in _custom_sizes(device, entry.numbers)]
        return sorted(found)
    entry = device.fact("vial_range")
    return [(size, VialKind.RANGE_END, entry.status) for size in entry.numbers]


def _vial(
    device: Microsphere,
    size: tuple[float, VialKind, Status],
    calibration_time: datetime,
    life_h: float | None,
) -> Vial:
    label_gbq, kind, status = size
    life = shelf_life_hours(device) if life_h is None else life_h
    open_points = ["size"] if status is not Status.CONFIRMED else []
    if life is not None and life_h is None and device.fact("shelf_life").status is not Status.CONFIRMED:
        open_points.append("shelf life")
    notes = [f"{' and '.join(open_points)}: {CONFIRM_NOTE}"] if open_points else []
    if life is None:
        notes.append("no shelf life with a source: expiry not checked")
    if kind is VialKind.RANGE_END:
        notes.append("ordered for the patient, any size between the ends of the range")
    return Vial(
        device=device.key,
        label_gbq=label_gbq,
        calibration_time=calibration_time,
        expires_at=None if life is None else expiry(calibration_time, life),
        kind=kind,
        status=Status.TO_CONFIRM if open_points else Status.CONFIRMED,
        note="; ".join(notes),
    )


def standard_vials(
    device: Microsphere | str,
    *,
    calibration_time: datetime,
    custom: bool = False,
    shelf_life_h: float | None = None,
) -> tuple[Vial, ...]:
    """The vials that a product is supplied in, calibrated at one moment, smallest first.

    Glass: the standard sizes, with `custom` also the steps between them (to be confirmed). Resin: the one
    size. Holmium: the two ends of its range. `shelf_life_h` takes the place of the catalogue's; where neither
    is known the vials have no expiry.
    """
    device = product(device)
    return tuple(
        _vial(device, size, calibration_time, shelf_life_h) for size in _sizes(device, custom=custom)
    )


def own_vial(
    device: Microsphere | str,
    *,
    label_gbq: float,
    calibration_time: datetime,
    shelf_life_h: float | None = None,
) -> Vial:
    """A vial of the size that the user states; `ModelRangeError` when no vial of the product is as large."""
    device = product(device)
    label, largest = float(positive(label_gbq, "label_gbq")), largest_label_gbq(device)
    if label > largest * (1 + ROUNDING):
        raise ModelRangeError(
            f"label_gbq is {label:g}; the largest {device.name} vial is {largest:g} GBq; "
            "give the label in GBq, or split the activity over several vials"
        )
    return _vial(device, (label, VialKind.OWN, Status.CONFIRMED), calibration_time, shelf_life_h)


def label_needed_gbq(
    device: Microsphere | str,
    *,
    administered_gbq: float,
    residual_frac: float,
    calibration_time: datetime,
    treatment_time: datetime,
    half_life_h: float | None = None,
) -> float:
    """The labelled activity (GBq) of which all, less the residual, gives `administered_gbq` at treatment.

    label = administered / (1 - residual) x 2^(hours / half-life). `ModelRangeError` above the largest vial.
    """
    device = product(device)
    prepared = float(positive(administered_gbq, "administered_gbq")) / (
        1 - float(fraction(residual_frac, "residual_frac"))
    )
    hours = hours_between(calibration_time, treatment_time)
    label = decay(prepared, -hours, half_life_h=half_life_or(device, half_life_h))
    largest = largest_label_gbq(device)
    if label > largest * (1 + ROUNDING):
        raise ModelRangeError(
            f"{administered_gbq:g} GBq administered {hours:.1f} h after calibration need a label of "
            f"{label:.4g} GBq; the largest {device.name} vial is {largest:g} GBq; "
            "treat earlier or split the activity over several vials"
        )
    return label
