"""An activity from several vials, a dose drawn from one, and a dose in several boluses.

Glass vials are given whole, so that several of them meet a wanted activity only within a tolerance. From a
vial of resin or holmium the share that is wanted is drawn; where one vial holds too little, equal shares are
drawn from several. Splitting conserves activity and spheres.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import combinations_with_replacement

from emboplan.dosimetry.arguments import not_negative, positive
from emboplan.dosimetry.treatment.spheres import product
from emboplan.dosimetry.treatment.supply import ROUNDING, is_drawn
from emboplan.dosimetry.treatment.vials import require_usable, vial_on_day, vials_on_days
from emboplan.errors import ModelRangeError
from emboplan.model.products import Microsphere
from emboplan.model.results.vials import Bolus, Vial, VialCombination, VialOnDay

# So many combinations are tried within about a second; more would come from a mistaken number of vials.
MOST_COMBINATIONS = 500_000

# Shares that a user types with three digits, such as three times 0.333, are taken to make a whole.
WHOLE = 2e-3


def draw_dose(
    vial: Vial,
    *,
    wanted_administered_gbq: float,
    treatment_time: datetime,
    residual_frac: float,
    spheres: float | None = None,
    before_calibration_h: float = 0.0,
    device: Microsphere | None = None,
    half_life_h: float | None = None,
) -> VialOnDay:
    """The share of a vial to draw at the hour of treatment so that `wanted_administered_gbq` is administered.

    share = wanted / (1 - residual) / activity of the vial then. For resin and holmium; `ModelRangeError` for
    glass, and when the vial has expired, is not yet calibrated or holds too little.
    """
    own = product(vial.device) if device is None else device
    if not is_drawn(own):
        raise ModelRangeError(f"{own.name} is given by the whole vial; choose the size and the day instead")
    return require_usable(
        vial_on_day(
            vial,
            treatment_time=treatment_time,
            residual_frac=residual_frac,
            wanted_administered_gbq=wanted_administered_gbq,
            spheres=spheres,
            before_calibration_h=before_calibration_h,
            device=own,
            half_life_h=half_life_h,
        )
    )


def _together(cells: Sequence[VialOnDay], wanted_gbq: float) -> VialCombination:
    administered = math.fsum(cell.administered_gbq for cell in cells)
    return VialCombination(
        cells=tuple(cells),
        wanted_gbq=wanted_gbq,
        administered_gbq=administered,
        relative_difference_frac=administered / wanted_gbq - 1,
        spheres=math.fsum(cell.spheres for cell in cells),
        sphere_volume_ml=math.fsum(cell.sphere_volume_ml for cell in cells),
    )


def _whole_vials(
    cells: Sequence[VialOnDay], wanted_gbq: float, tolerance_frac: float, most_vials: int
) -> Iterator[VialCombination]:
    tried = sum(math.comb(len(cells) + n - 1, n) for n in range(1, most_vials + 1))
    if tried > MOST_COMBINATIONS:
        raise ModelRangeError(
            f"{len(cells)} vials in up to {most_vials} make {tried} combinations; allow fewer vials"
        )
    allowed = (tolerance_frac + ROUNDING) * wanted_gbq
    for count in range(1, most_vials + 1):
        for chosen in combinations_with_replacement(cells, count):
            if abs(sum(cell.administered_gbq for cell in chosen) - wanted_gbq) <= allowed:
                yield _together(chosen, wanted_gbq)


def _equal_shares(
    device: Microsphere, cell: VialOnDay, wanted_gbq: float, spheres: float | None, half_life_h: float | None
) -> VialCombination:
    count = math.ceil(wanted_gbq / cell.administered_gbq * (1 - ROUNDING))
    part = vial_on_day(
        cell.vial,
        treatment_time=cell.treatment_time,
        residual_frac=cell.residual_frac,
        wanted_administered_gbq=wanted_gbq / count,
        spheres=spheres,
        before_calibration_h=max(0.0, -cell.hours_after_calibration),
        device=device,
        half_life_h=half_life_h,
    )
    return _together([part] * count, wanted_gbq)


def split_vials(
    device: Microsphere | str,
    *,
    wanted_administered_gbq: float,
    treatment_time: datetime,
    residual_frac: float,
    tolerance_frac: float,
    most_vials: int = 2,
    vials: Sequence[Vial] | None = None,
    calibration_times: Sequence[datetime] | None = None,
    custom: bool = False,
    spheres: float | None = None,
    before_calibration_h: float = 0.0,
    shelf_life_h: float | None = None,
    half_life_h: float | None = None,
) -> tuple[VialCombination, ...]:
    """The vials, one or several, that give a wanted administered activity at one moment of treatment.

    Glass: every combination of up to `most_vials` vials whose sum lies within `tolerance_frac` of what is
    wanted; a size may come more than once. Resin and holmium: for each vial the smallest number of it that
    holds enough, with equal shares drawn. The smallest number of vials comes first, then the nearest sum,
    then the fewest spheres. Empty when no sum is near enough; `ModelRangeError` when no vial can be used
    then, or when even `most_vials` of the largest hold too little. Other arguments as in `vials_on_days`.
    """
    device = product(device)
    wanted = float(positive(wanted_administered_gbq, "wanted_administered_gbq"))
    tolerance = float(not_negative(tolerance_frac, "tolerance_frac"))
    if most_vials < 1:
        raise ModelRangeError(f"most_vials is {most_vials}; expected 1 or more")
    rows = vials_on_days(
        device,
        treatment_times=[treatment_time],
        residual_frac=residual_frac,
        vials=vials,
        calibration_times=calibration_times,
        custom=custom,
        spheres=spheres,
        before_calibration_h=before_calibration_h,
        shelf_life_h=shelf_life_h,
        half_life_h=half_life_h,
    )
    cells = [cell for cell in rows if cell.usable]
    at = treatment_time.isoformat()
    if not cells:
        why = ", ".join(sorted({cell.reason for cell in rows})) or "none was given"
        raise ModelRangeError(f"no {device.name} vial can be used at {at} ({why}); choose another moment")
    largest = max(cell.administered_gbq for cell in cells)
    slack = 0.0 if is_drawn(device) else tolerance
    if wanted * (1 - slack) > largest * most_vials * (1 + ROUNDING):
        raise ModelRangeError(
            f"{wanted:g} GBq are above what {most_vials} of the {device.name} vials can give at {at}: "
            f"the largest gives {largest:.4g} GBq; treat earlier or allow more vials"
        )
    if is_drawn(device):
        shares = (_equal_shares(device, cell, wanted, spheres, half_life_h) for cell in cells)
        found = [each for each in shares if len(each.cells) <= most_vials]
    else:
        found = list(_whole_vials(cells, wanted, tolerance, most_vials))
    return tuple(
        sorted(
            found,
            key=lambda each: (
                len(each.cells),
                round(abs(each.relative_difference_frac) / ROUNDING),
                each.spheres,
            ),
        )
    )


def boluses(cell: VialOnDay, *, shares: Sequence[float]) -> tuple[Bolus, ...]:
    """A prepared activity in several boluses by their `shares`, which make 1 together.

    Each part keeps the residual of the whole. Activity and spheres of the parts sum to those of `cell`.
    """
    require_usable(cell)
    parts = positive(shares, "shares").reshape(-1).tolist()
    total = math.fsum(parts)
    if abs(total - 1) > WHOLE:
        raise ModelRangeError(f"the shares sum to {total:g}; expected 1")
    return tuple(
        Bolus(
            share_frac=part / total,
            prepared_gbq=cell.prepared_gbq * part / total,
            administered_gbq=cell.administered_gbq * part / total,
            spheres=cell.spheres * part / total,
            sphere_volume_ml=cell.sphere_volume_ml * part / total,
        )
        for part in parts
    )
