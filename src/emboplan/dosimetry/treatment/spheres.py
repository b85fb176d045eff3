"""Spheres and embolic load: the spheres that carry an activity, what each carries, how large they are.

The count of spheres in a vial is fixed when it is filled; the activity of each decays. A vial used later
needs more spheres for the same activity. Published counts differ widely, so that a count is an input with a
default: for glass in proportion to the labelled activity, for resin and holmium one count for each vial.
"""

from __future__ import annotations

import math
from functools import lru_cache

from numpy.typing import ArrayLike

from emboplan import catalog
from emboplan.dosimetry.arguments import Array, not_negative, plain, positive
from emboplan.errors import ModelRangeError
from emboplan.model.products import BECQUEREL_PER_GIGABECQUEREL, Microsphere, Sourced, Status
from emboplan.model.results.vials import SphereLoad
from emboplan.units import ML_PER_MM3, UNITS

MM_PER_UM = float(UNITS["um"].factor)
G_PER_MG = float(UNITS["mg"].factor)


def activity_per_sphere_bq(*, activity_gbq: ArrayLike, spheres: ArrayLike) -> float | Array:
    """The activity of one sphere (Bq) when `spheres` of them hold `activity_gbq`.

    >>> activity_per_sphere_bq(activity_gbq=3.0, spheres=1.2e6)
    2500.0
    """
    activity = not_negative(activity_gbq, "activity_gbq")
    return plain(activity * BECQUEREL_PER_GIGABECQUEREL / positive(spheres, "spheres"))


def spheres_for_activity(*, activity_gbq: ArrayLike, activity_per_sphere_bq: ArrayLike) -> float | Array:
    """How many spheres carry `activity_gbq` when one carries `activity_per_sphere_bq`; not rounded.

    >>> spheres_for_activity(activity_gbq=3.0, activity_per_sphere_bq=2500.0)
    1200000.0
    """
    one = positive(activity_per_sphere_bq, "activity_per_sphere_bq")
    return plain(not_negative(activity_gbq, "activity_gbq") * BECQUEREL_PER_GIGABECQUEREL / one)


def sphere_volume_ml(*, diameter_um: ArrayLike) -> float | Array:
    """The volume of one sphere (mL): pi d^3 / 6."""
    diameter_mm = positive(diameter_um, "diameter_um") * MM_PER_UM
    return plain(math.pi * diameter_mm**3 / 6 * ML_PER_MM3)


@lru_cache(maxsize=256)
def _one_ml(diameter_um: float) -> float:
    """`sphere_volume_ml` of one diameter, kept: a table of vials and days asks for the same few each time."""
    return float(sphere_volume_ml(diameter_um=diameter_um))


def density_from_count_g_per_ml(*, spheres_per_mg: ArrayLike, diameter_um: ArrayLike) -> float | Array:
    """The density of spheres of one diameter (g/mL) of which `spheres_per_mg` weigh one milligram."""
    one_g = G_PER_MG / positive(spheres_per_mg, "spheres_per_mg")
    return plain(one_g / sphere_volume_ml(diameter_um=diameter_um))


def product(device: Microsphere | str) -> Microsphere:
    """The product itself, or the one of that name in the catalogue that ships with the package."""
    return catalog.load().microsphere(device) if isinstance(device, str) else device


def _default_count(device: Microsphere, label_gbq: float) -> tuple[float, Sourced]:
    if "spheres_per_gbq" in device.facts:
        entry = device.fact("spheres_per_gbq")
        return entry.number * label_gbq, entry
    entry = device.fact("spheres_per_vial")
    return entry.number, entry


def spheres_per_vial(device: Microsphere | str, *, label_gbq: float) -> float:
    """The default count of spheres in a vial: by the labelled activity for glass, else by the vial.

    The counts are the catalogue's ``spheres_per_gbq`` or ``spheres_per_vial``.

    >>> spheres_per_vial("therasphere", label_gbq=3.0)
    1200000.0
    """
    return _default_count(product(device), float(positive(label_gbq, "label_gbq")))[0]


def _diameter(device: Microsphere) -> Sourced:
    for name in ("median_diameter", "mean_diameter", "diameter"):
        if name in device.facts:
            return device.fact(name)
    return device.fact("diameter")  # its message says what is missing


def sphere_load(
    device: Microsphere | str,
    *,
    label_gbq: float,
    activity_gbq: float,
    spheres: float | None = None,
    share_of_vial_frac: float = 1.0,
    diameter_um: float | None = None,
) -> SphereLoad:
    """Spheres, activity per sphere and solid volume of a vial, or of a share of it, at one moment.

    `activity_gbq` is what the whole vial holds then, `spheres` the count in the whole vial where the user
    knows it, `share_of_vial_frac` the share that is drawn (above 0, up to 1). The volume counts every sphere
    with one diameter; real spheres vary, and the range is given beside it.
    """
    device = product(device)
    if not 0 < share_of_vial_frac <= 1:
        raise ModelRangeError(
            f"share_of_vial_frac is {share_of_vial_frac:g}; expected a share above 0 and up to 1"
        )
    default, entry = _default_count(device, float(positive(label_gbq, "label_gbq")))
    count = default if spheres is None else float(positive(spheres, "spheres"))
    typical = _diameter(device)
    diameter = typical.number if diameter_um is None else float(positive(diameter_um, "diameter_um"))
    drawn = count * share_of_vial_frac
    used = ([entry] if spheres is None else []) + ([typical] if diameter_um is None else [])
    confirmed = all(each.status is Status.CONFIRMED for each in used)
    ends = device.facts["diameter_um"].numbers if "diameter_um" in device.facts else ()
    volumes = tuple(drawn * _one_ml(each) for each in ends)
    return SphereLoad(
        device=device.key,
        spheres=drawn,
        activity_per_sphere_bq=float(activity_per_sphere_bq(activity_gbq=activity_gbq, spheres=count)),
        diameter_um=diameter,
        sphere_volume_ml=drawn * _one_ml(diameter),
        sphere_volume_range_ml=(min(volumes), max(volumes)) if volumes and diameter_um is None else None,
        count_source=entry.source_text if spheres is None else "entered",
        diameter_source=typical.source_text if diameter_um is None else "entered",
        status=Status.CONFIRMED if confirmed else Status.TO_CONFIRM,
        note=entry.note if spheres is None else "",
    )
