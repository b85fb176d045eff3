"""Which particles for a bland embolization: the grades within the wanted sizes, and the one offered first.

A grade fits when all of it lies within the wanted sizes and passes the catheter. Below a size that a label
warns of, particles reach distal to anastomoses; the smallest grade from that size on is offered first, and
the largest that fits while a shunt is open (decisions of this project). How many vials a session takes is
published nowhere: the end point decides, and an estimate is the user's own figure or one vial.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from emboplan import catalog as catalogue
from emboplan.catalog.embolics import find_embolic
from emboplan.catalog.status import footnote
from emboplan.catalog.tace_tables import ArmNumbers, TaceNumbers, embolization_arm, tace_numbers
from emboplan.embolics.amounts import Number, positive
from emboplan.embolics.end_points import end_point as end_point_of
from emboplan.embolics.sound import require_sound
from emboplan.errors import ModelRangeError
from emboplan.model.embolics import quantities, quantity
from emboplan.model.finding import Finding, Severity
from emboplan.model.products import Sourced
from emboplan.model.results.particles import (
    ExpectedVolume,
    ParticleChoice,
    ParticleGrade,
    RefusedGrade,
    ShuntRisk,
)
from emboplan.units import PERCENT, UNITS

Range = tuple[Number, Number]
# The size below which a label says that particles reach distal to anastomoses.
DISTAL = "embolics.embosphere.anastomoses"
_UM_PER_INCH = Fraction(UNITS["in"].factor / UNITS["um"].factor)


def particles(
    *,
    product: str,
    grades: Sequence[ParticleGrade] | None = None,
    target_um: Range | None = None,
    protocol: str | None = None,
    technique: str = "bland",
    shunt: ShuntRisk | str = ShuntRisk.UNKNOWN,
    catheter_inner_diameter_in: Number | None = None,
    end_point: str = "stasis",
    heart_rate_per_min: Number | None = None,
    spheres_ml_per_vial: Range | None = None,
    vials: Range | None = None,
    tumour_ml: Number | None = None,
    spheres_ml_per_100_ml_tumour: Range | None = None,
    catalog: catalogue.Catalog | None = None,
) -> ParticleChoice:
    """The grades of a product that fit, the one offered first, the end point, and the expected volume.

    Grades and content of a vial are those of the catalogue unless they are given; where it has none they
    must be. A size at the end of the product's name keeps that grade alone.
    The wanted sizes are `target_um`, or those of the protocol's arm; both must hold where both are given.
    `technique` is ``bland``, or ``ctace`` for particles after an emulsion. `vials` and
    `spheres_ml_per_100_ml_tumour` are the user's own experience as (least, most).

    Raises:
        ModelRangeError: no wanted sizes, no grade that fits, a range that is not one.
    """
    book = catalog or catalogue.load()
    require_sound(book)
    numbers = tace_numbers(book)
    arm = None if protocol is None else embolization_arm(book, protocol, technique)
    wanted, sources = _wanted(target_um, arm)
    risk = _shunt(shunt)
    named, listed, content = (product, grades, None) if grades else of_catalogue(product, book)
    checked = [_checked(grade) for grade in listed or ()]
    refused = [
        RefusedGrade(grade, reason)
        for grade in checked
        if (reason := _why_not(grade, wanted, catheter_inner_diameter_in))
    ]
    out = {item.grade for item in refused}
    fitting = sorted((g for g in checked if g not in out), key=lambda g: (g.min_um, g.max_um))
    if not fitting:
        reasons = "; ".join(f"{item.grade.text}: {item.reason}" for item in refused)
        raise ModelRangeError(
            f"no grade of {product} fits ({reasons}); choose another product, range or catheter"
        )
    chosen, reason = _first(fitting, risk, book.number(DISTAL))
    small = book.sourced(DISTAL)
    return ParticleChoice(
        product=named,
        target_um=(float(wanted[0]), float(wanted[1])),
        shunt=risk,
        chosen=chosen,
        fitting=tuple(fitting),
        refused=tuple(refused),
        reason=reason,
        end_point=end_point_of(end_point, heart_rate_per_min=heart_rate_per_min, catalog=book),
        expected_volume=_expected(
            spheres_ml_per_vial or content, vials, tumour_ml, spheres_ml_per_100_ml_tumour
        ),
        findings=tuple(_findings(numbers, small, risk, chosen)),
        sources=(*sources, f"order of grades: {footnote(small)}; {small.note}"),
        protocol=protocol,
    )


def of_catalogue(
    product: str, book: catalogue.Catalog
) -> tuple[str, tuple[ParticleGrade, ...], Range | None]:
    """A product's name, its size grades and the spheres in a vial in mL, as the catalogue has them.

    Raises:
        CatalogError: an unknown product.
        ModelRangeError: a product without sizes in the catalogue, or without the size at the end of its name.
    """
    embolic, wanted = find_embolic(book, product)
    grades = {}
    for name, (low, high) in embolic.sizes.items():
        catheter = embolic.facts.find(f"catheter.{name}")
        inches = None if catheter is None else quantity(catheter, "in")
        grades[name] = ParticleGrade(low, high, inches)
    if wanted is not None:
        if wanted not in grades:
            raise ModelRangeError(
                f"{embolic.name} has no grade {wanted} µm in the catalogue; it has "
                f"{', '.join(grades) or 'none'}"
            )
        grades = {wanted: grades[wanted]}
    if not grades and not any(name.startswith("sizes.") for name in embolic.facts.unverified):
        raise ModelRangeError(f"{embolic.name} is no particle and has no sizes; choose spheres or particles")
    if not grades:
        raise ModelRangeError(
            f"the sizes of {embolic.name} are unverified in the catalogue; give its grades from the box"
        )
    content = embolic.facts.find("vial.beads")
    spheres = None if content is None else quantities(content, "mL")
    return embolic.name, tuple(grades.values()), None if spheres is None else (spheres[0], spheres[-1])


def _range(given: Range, name: str) -> tuple[Fraction, Fraction]:
    low, high = positive(given[0], name), positive(given[1], name)
    if low > high:
        raise ModelRangeError(
            f"{name} is {float(low):g} to {float(high):g}; expected the smaller number first"
        )
    return low, high


def _checked(grade: ParticleGrade) -> ParticleGrade:
    _range((grade.min_um, grade.max_um), "size grade in µm")
    return grade


def _shunt(shunt: ShuntRisk | str) -> ShuntRisk:
    try:
        return ShuntRisk(shunt)
    except ValueError as error:
        raise ModelRangeError(f"shunt is {shunt!r}; expected one of {', '.join(ShuntRisk)}") from error


def _wanted(
    target_um: Range | None, arm: ArmNumbers | None
) -> tuple[tuple[Fraction, Fraction], tuple[str, ...]]:
    """The wanted sizes and where they come from; a target must lie within the arm's sizes."""
    of_arm = _range(arm.sizes_um[0], "sizes of the arm") if arm is not None and arm.sizes_um else None
    if target_um is None and of_arm is None:
        raise ModelRangeError(
            "the wanted sizes are not known; give target_um, or a protocol whose arm states them (retnet)"
        )
    said = () if arm is None else (f"sizes of {arm.protocol}, {arm.arm}: {arm.source}",)
    if target_um is None and of_arm is not None:
        return of_arm, said
    target = _range(target_um or (0, 0), "target_um")
    if arm is not None and of_arm is not None and not of_arm[0] <= target[0] <= target[1] <= of_arm[1]:
        raise ModelRangeError(
            f"target_um is {float(target[0]):g} to {float(target[1]):g} µm, outside the "
            f"{float(of_arm[0]):g} to {float(of_arm[1]):g} µm of {arm.protocol}, {arm.arm}; "
            "choose sizes within it"
        )
    return target, ("wanted sizes: as entered", *said)


def _why_not(grade: ParticleGrade, wanted: tuple[Fraction, Fraction], catheter_in: Number | None) -> str:
    """Why a grade does not fit, or nothing."""
    low, high = (float(edge) for edge in wanted)
    if grade.min_um < low or grade.max_um > high:
        return f"not within {low:g}-{high:g} µm"
    if catheter_in is None:
        return ""
    inner = positive(catheter_in, "catheter_inner_diameter_in")
    if grade.min_catheter_in is not None:  # a label knows its particles better than their printed size
        if inner >= positive(grade.min_catheter_in, "min_catheter_in"):
            return ""
        return f'needs a catheter of {grade.min_catheter_in:g}" or more, found {float(inner):g}"'
    if positive(grade.max_um, "size") > inner * _UM_PER_INCH:
        return f'larger than the catheter of {float(inner):g}" ({float(inner * _UM_PER_INCH):.0f} µm)'
    return ""


def _first(fitting: Sequence[ParticleGrade], risk: ShuntRisk, edge: float) -> tuple[ParticleGrade, str]:
    """The grade offered first, and why; particles below `edge` reach distal to anastomoses."""
    if risk is ShuntRisk.PRESENT:
        return fitting[-1], "the largest that fits, while a shunt is open"
    for grade in fitting:
        if grade.min_um >= edge:
            return grade, f"the smallest that fits with no particle below {edge:g} µm"
    return fitting[-1], f"the largest that fits; every grade that fits has particles below {edge:g} µm"


def _findings(
    numbers: TaceNumbers, small: Sourced, risk: ShuntRisk, chosen: ParticleGrade
) -> Iterator[Finding]:
    shunt = numbers.sourced("particles.shunt")
    if risk is ShuntRisk.PRESENT:
        yield Finding(
            "shunt-open",
            Severity.STOP,
            f"A shunt is open. {shunt.text} Ask the team how the shunt is closed before particles are given.",
            footnote(shunt),
        )
    elif risk is ShuntRisk.UNKNOWN:
        yield Finding(
            "shunt-not-answered",
            Severity.WARNING,
            f"Whether there is an arterioportal or hepatic venous shunt is an open item. {shunt.text}",
            footnote(shunt),
        )
    if chosen.min_um < small.number:
        yield Finding(
            "distal-particles",
            Severity.WARNING,
            f"{chosen.text} holds particles below {small.number:g} µm, which reach distal to anastomoses, "
            "with more ischaemic injury.",
            footnote(small),
        )
    registry = numbers.sourced("particles.registry")
    yield Finding("size-and-events", Severity.INFO, registry.text, footnote(registry))


def _expected(
    per_vial: Range | None, vials: Range | None, tumour_ml: Number | None, per_100_ml: Range | None
) -> ExpectedVolume:
    """The spheres that a session takes: the user's own figures, else one vial, else nothing."""
    content = None if per_vial is None else _range(per_vial, "spheres_ml_per_vial")
    if vials is not None:
        count = _range(vials, "vials")
        said = (float(count[0]), float(count[1]))
        if content is None:
            return ExpectedVolume(None, said, "the user's own number of vials; content of a vial not known")
        low, high = count[0] * content[0], count[1] * content[1]
        return ExpectedVolume(
            (float(low), float(high)), said, "the user's own number of vials; the end point decides"
        )
    if per_100_ml is not None:
        if tumour_ml is None:
            raise ModelRangeError("spheres per 100 mL of tumour without a tumour volume; give tumour_ml")
        share = _range(per_100_ml, "spheres_ml_per_100_ml_tumour")
        tumour = positive(tumour_ml, "tumour_ml")
        low, high = (part * tumour / Fraction(PERCENT) for part in share)
        return ExpectedVolume(
            (float(low), float(high)), None, "the user's own volume per tumour; the end point decides"
        )
    unknown = "no number of vials in a session is published; the end point decides"
    if content is None:
        return ExpectedVolume(None, None, unknown)
    return ExpectedVolume(
        (float(content[0]), float(content[1])), (1.0, 1.0), f"one vial to begin with; {unknown}"
    )
