"""The steps of a loading in order, each one sentence with its numbers; a blank where a number is open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from emboplan.embolics.amounts import plain_number
from emboplan.embolics.bead_loading.bead_amounts import BeadAmounts
from emboplan.embolics.bead_loading.contrast import Volumes
from emboplan.embolics.bead_loading.loaded_share import LoadingTime
from emboplan.embolics.bead_loading.solution import DrugVials, Solution
from emboplan.embolics.ledger import Ledger, shown
from emboplan.model.embolics import SECONDS_PER_MINUTE, LoadRecipe, quantity

BLANK = "____"


@dataclass(frozen=True, slots=True)
class StepNumbers:
    """What the steps are made of."""

    dose_mg: float
    amounts: BeadAmounts
    drug_vials: DrugVials
    solution: Solution
    loading_time: LoadingTime
    method: str | None
    supernatant_mg: tuple[float, float]
    known_as: str
    contrast_ml: Volumes | None
    final_ml: Volumes | None


def amount(value: float | None, unit: str) -> str:
    """A number with its unit, or a blank to fill in."""
    return f"{BLANK if value is None else plain_number(value)} {unit}"


def minutes_text(value: float) -> str:
    """A time in minutes, or in seconds where it is shorter than one.

    >>> minutes_text(120.0), minutes_text(1 / 3)
    ('120 min', '20 s')
    """
    return amount(value, "min") if value >= 1 else amount(value * SECONDS_PER_MINUTE, "s")


def volumes(pair: Volumes | None) -> str:
    """A pair of volumes in words."""
    if pair is None:
        return f"{BLANK} mL"
    least, most = pair
    if most is None:
        return f"at least {plain_number(least)} mL"
    return (
        f"{plain_number(least)} mL" if least == most else f"{plain_number(least)} to {plain_number(most)} mL"
    )


def left_over(pair: tuple[float, float], known_as: str) -> str:
    """What is left in the liquid, in mg, as far as the loaded share is known.

    >>> left_over((0.0, 0.75), "at least"), left_over((20.0, 30.0), "range"), left_over((4.0, 4.0), "entered")
    ('at most 0.75 mg', '20 to 30 mg', 'about 4 mg')
    """
    least, most = pair
    if known_as == "range":
        return f"{plain_number(least)} to {plain_number(most)} mg"
    return f"{'at most' if known_as == 'at least' else 'about'} {plain_number(most)} mg"


def loading_steps(recipe: LoadRecipe, numbers: StepNumbers, ledger: Ledger) -> tuple[str, ...]:
    """The steps, in the order of work."""
    return (
        *_beads(recipe, numbers, ledger),
        *_drug(recipe, numbers),
        *_load(recipe, numbers, ledger),
        *_mix(recipe, numbers, ledger),
    )


def _beads(recipe: LoadRecipe, numbers: StepNumbers, ledger: Ledger) -> Iterator[str]:
    amounts = numbers.amounts
    vials = BLANK if amounts.vials is None else str(amounts.vials)
    dry = ledger.use(recipe.product.facts, "vial.dry_beads")
    what = f"{amount(amounts.beads_ml, 'mL')} beads" if dry is None else f"{shown(dry)} dry beads in each"
    word = "vial" if amounts.vials == 1 else "vials"
    yield f"Take {vials} {word} of {recipe.product.name} ({what}). Note the lot numbers."
    liquid = ledger.use(recipe.product.facts, "vial.liquid")
    if liquid is not None:
        yield f"Let the beads settle and remove the liquid above them ({liquid.text})."
    elif not recipe.product.is_dry:
        yield f"Let the beads settle. Liquid above them: {BLANK}. Remove it before loading: {BLANK}."


def _drug(recipe: LoadRecipe, numbers: StepNumbers) -> Iterator[str]:
    solution, vials = numbers.solution, numbers.drug_vials
    if vials.vials is not None:
        yield (
            f"Open {vials.vials} {'vial' if vials.vials == 1 else 'vials'} of {recipe.drug.name}, "
            f"{amount(vials.vial_mg, 'mg')} each; {amount(vials.left_over_mg, 'mg')} are left over."
        )
    yield (
        f"Make up {amount(numbers.dose_mg, 'mg')} {recipe.drug.name} with {solution.diluent or BLANK} to "
        f"{amount(solution.volume_ml, 'mL')} ({amount(solution.mg_per_ml, 'mg/mL')})."
    )


def _load(recipe: LoadRecipe, numbers: StepNumbers, ledger: Ledger) -> Iterator[str]:
    fill, wait = ledger.use(recipe.facts, "first_fill"), ledger.use(recipe.facts, "first_wait")
    vials = numbers.amounts.vials or 1
    volume = numbers.solution.volume_ml
    if fill is not None and wait is not None:
        little = volume is not None and volume <= quantity(fill, "mL") * vials
        yield from _first_fill(vials, shown(fill), shown(wait), all_of_it=little)
    elif vials > 1:
        each = amount(None if volume is None else volume / vials, "mL")
        yield (
            f"Divide the solution into {vials} equal parts, {each} ({amount(numbers.dose_mg / vials, 'mg')}) "
            "for each vial of beads; add and mix."
        )
    else:
        yield "Add the solution to the beads and mix."
    turn = ledger.use(recipe.facts, "turn_every")
    turning = "" if turn is None else f"; turn every {shown(turn)}"
    how = None if numbers.method is None else ledger.use(recipe.facts, f"methods.{numbers.method}.how")
    way = "" if numbers.method is None else f", {numbers.method if how is None else how.text}"
    time = numbers.loading_time
    bound = f"{time.known_as} " if time.known_as else ""
    minutes = f"{BLANK} min" if time.minutes is None else minutes_text(time.minutes)
    yield f"Load for {bound}{minutes}{way}{turning}."
    yield (
        "Let the beads settle and discard the liquid above them "
        f"({left_over(numbers.supernatant_mg, numbers.known_as)} {recipe.drug.name} left in it)."
    )


def _first_fill(vials: int, fill: str, wait: str, *, all_of_it: bool) -> Iterator[str]:
    """The solution into dry beads: a first part, and after a wait the rest where there is one."""
    if vials > 1:
        lead = f"Divide the solution into {vials} equal parts, one for each vial of beads."
        part = f"Put {'all' if all_of_it else fill} of a part into each vial, wait {wait}"
        rest = "" if all_of_it else ", then combine each vial with the rest of its part"
        yield f"{lead} {part}{rest}."
    else:
        rest = "" if all_of_it else ", then combine with the rest"
        yield f"Put {'all' if all_of_it else fill} of it into the beads, wait {wait}{rest}."


def _mix(recipe: LoadRecipe, numbers: StepNumbers, ledger: Ledger) -> Iterator[str]:
    wait = ledger.use(recipe.product.facts, "contrast.wait")
    waiting = "" if wait is None else f", wait {quantity(wait, 'min'):g} min"
    yield (
        f"Add {volumes(numbers.contrast_ml)} non-ionic contrast{waiting}; the suspension is then "
        f"{volumes(numbers.final_ml)}."
    )
    syringe = ledger.use(recipe.product.facts, "injection.syringe_most")
    if syringe is not None:
        yield f"Inject with a syringe of at most {shown(syringe)}."
