"""The rows of a sheet of drug-eluting beads: what to take, every amount with its source, and how it keeps."""

from __future__ import annotations

from collections.abc import Iterator

from emboplan.model.embolics import SECONDS_PER_MINUTE
from emboplan.model.products import Sourced
from emboplan.model.results.embolization import EmbolizationSession
from emboplan.model.results.loading import Loading, Storage
from emboplan.report.moments import moment_text
from emboplan.report.sheets.figures import (
    about,
    blank,
    entered,
    figure,
    inner_diameter,
    marked,
    plain_amount,
    sourced,
)
from emboplan.report.sheets.values import Amount, Item, Keeping
from emboplan.report.wording import SPACE
from emboplan.units import HOURS_PER_DAY, PERCENT

LOADED = ("loaded", "loaded_at_least", "loaded_range")
SIZES = ("size_change", "size_change_range", "hydration.factor")
OF_A_SIZE = ("sizes", "size_changes", "diameters")
KNOWN_AS = {"at least": "at least ", "range": "", "measured": "", "entered": ""}


def bead_items(session: EmbolizationSession, found: Loading) -> Iterator[Item]:
    """What is taken from the shelf."""
    if session.sizes:
        for part in session.sizes:
            volume = "" if part.beads_ml is None else f", {plain_amount(part.beads_ml, 'mL')} beads"
            mg = f", for {plain_amount(part.drug_mg, 'mg')}"
            yield Item(f"{found.product} {part.size}{SPACE}µm", f"{_vials(part.vials)}{volume}{mg}")
    else:
        sizes = ", ".join(size.size for size in found.sizes)
        beads = "" if found.beads_ml is None else f"{plain_amount(found.beads_ml, 'mL')} beads"
        count = "" if found.vials is None else _vials(found.vials)
        yield Item(
            f"{found.product} {sizes}{SPACE}µm" if sizes else f"{found.product}, size ________",
            ", ".join(text for text in (count, beads) if text) or None,
        )
    yield Item(found.drug, _drug(found))
    yield Item(found.diluent or "diluent ________", _volume(found.solution_ml, "to make up "))
    yield Item("non-ionic contrast", None if found.contrast_ml is None else span(found.contrast_ml))


def _vials(count: int) -> str:
    return f"{count} vial{'' if count == 1 else 's'}"


def _drug(found: Loading) -> str:
    mass = plain_amount(found.drug_mg, "mg")
    if found.drug_vials is None:
        return f"{mass}: ____ vials of ____ mg"
    left = f", {plain_amount(found.drug_left_over_mg, 'mg')} left over" if found.drug_left_over_mg else ""
    return f"{mass} from {_vials(found.drug_vials)}{left}"


def _volume(value: float | None, lead: str = "") -> str | None:
    return None if value is None else f"{lead}{plain_amount(value, 'mL')}"


def span(pair: tuple[float, float | None]) -> str:
    """A pair of volumes in words."""
    least, most = pair
    if most is None:
        return f"at least {plain_amount(least, 'mL')}"
    if least == most:
        return plain_amount(least, "mL")
    return f"{least:g} to {plain_amount(most, 'mL')}"


def bead_amounts(session: EmbolizationSession, found: Loading) -> Iterator[Amount]:
    """Every amount of the loading, in the order of work."""
    figures = found.figures
    yield from _beads(found, figures)
    yield from _solution(found, figures)
    if found.loading_min is None:
        yield blank("Loading time", "min")
    elif "loading_min" in found.entered:
        yield entered("Loading time", _time(found.loading_min))
    else:
        times = about(figures, "loading_time", "loading_times")
        bound = "".join(f"{entry.text} " for entry in about(figures, "loading_time_is"))
        yield sourced("Loading time", f"{bound}{_time(found.loading_min)}", times)
    yield from _balance(found, figures)
    yield from _sizes(found, figures)
    yield from _contrast(found, figures)
    yield from _in_the_room(session.figures)
    if len(session.territories) > 1:
        for part in found.territories:
            volume = "" if part.final_ml is None else f" in {span(part.final_ml)}"
            share = f"{part.share_frac * PERCENT:.3g}{SPACE}% of the session, by tumour or as entered"
            yield sourced(
                f"Into {part.territory}", f"{plain_amount(part.drug_mg, 'mg')}{volume}", (), computed=share
            )


def _time(minutes: float) -> str:
    """A loading time in minutes, or in seconds where it is shorter than one."""
    return plain_amount(minutes, "min") if minutes >= 1 else plain_amount(minutes * SECONDS_PER_MINUTE, "s")


def _beads(found: Loading, figures: tuple[Sourced, ...]) -> Iterator[Amount]:
    if found.beads_ml is None:
        yield blank("Beads", "mL")
        return
    if "beads_ml" in found.entered:
        yield entered("Beads", plain_amount(found.beads_ml, "mL"))
    else:
        how = "vials of beads" if "vials" in found.entered else "from the dose and the load"
        rests = about(figures, "vial.beads", "load", "load_usual", "trial_load", "tested_load")
        yield sourced("Beads", plain_amount(found.beads_ml, "mL"), rests, computed=how)
    if found.drug_mg_per_ml_beads is not None:
        loads = about(figures, "load", "load_usual", "trial_load", "tested_load")
        yield sourced(
            "Drug per mL of beads",
            plain_amount(found.drug_mg_per_ml_beads, "mg/mL"),
            loads,
            computed="drug over beads" + (", held against" if loads else "; no load with a source"),
        )


def _solution(found: Loading, figures: tuple[Sourced, ...]) -> Iterator[Amount]:
    said = {"solution_ml", "solution_mg_per_ml"} & set(found.entered)
    if found.solution_ml is None or found.solution_mg_per_ml is None:
        yield blank("Volume and strength of the solution", "mL, mg/mL")
    else:
        value = (
            f"{plain_amount(found.solution_ml, 'mL')} of {plain_amount(found.solution_mg_per_ml, 'mg/mL')}"
        )
        if said:
            yield entered("Solution", value)
        else:
            yield sourced("Solution", value, about(figures, "solution", "reconstitution.strength"))
    if found.diluent is None:
        yield blank("Diluent")
    elif "diluent" in found.entered:
        yield entered("Diluent", found.diluent)
    else:
        yield sourced("Diluent", found.diluent, about(figures, "diluent", "reconstitution.diluent"))


def _balance(found: Loading, figures: tuple[Sourced, ...]) -> Iterator[Amount]:
    least, most = found.loaded_range_mg
    share = f"{found.loading_efficiency_frac * PERCENT:.4g}{SPACE}%"
    if found.loading_efficiency_is == "entered":
        yield entered("Loaded share", share)
        rests: tuple[Sourced, ...] = ()
        how = "share of the dose as entered"
    else:
        rests = about(figures, *LOADED)
        how = "share of the dose"
    prefix = KNOWN_AS[found.loading_efficiency_is]
    value = f"{least:g} to {plain_amount(most, 'mg')}" if found.loading_efficiency_is == "range" else None
    yield sourced(
        "Loaded on the beads", value or f"{prefix}{plain_amount(found.loaded_mg, 'mg')}", rests, computed=how
    )
    ceiling = "at most " if found.loading_efficiency_is in ("at least", "range") else ""
    yield sourced(
        "Left in the liquid above",
        f"{ceiling}{plain_amount(found.supernatant_mg, 'mg')}",
        (),
        computed="dose less what is loaded",
    )


def _sizes(found: Loading, figures: tuple[Sourced, ...]) -> Iterator[Amount]:
    for size in found.sizes:
        label = f"Size {size.size}{SPACE}µm once loaded"
        changes = about(figures, *SIZES, *(f"{name}.{size.size}" for name in OF_A_SIZE))
        if size.loaded_um is None:
            yield blank(label, "µm")
            continue
        value = f"{size.loaded_um[0]:g} to {plain_amount(size.loaded_um[1], 'µm')}"
        if "size_change_frac" in found.entered:
            yield entered(label, value)
        else:
            yield sourced(label, value, changes, computed="printed size and its change")
    if found.catheter is None:
        yield blank("Catheter, inner diameter", "µm")
    else:
        largest = f"{plain_amount(found.catheter.largest_um, 'µm')}, {found.catheter.largest_is}"
        verdict = f"wide enough for the largest bead, {largest}"
        yield entered("Catheter, inner diameter", f"{inner_diameter(found.catheter.inner_um)}: {verdict}")


def _contrast(found: Loading, figures: tuple[Sourced, ...]) -> Iterator[Amount]:
    if found.contrast_ml is None:
        yield blank("Contrast to add", "mL")
    elif "contrast_ml" in found.entered:
        yield entered("Contrast to add", span(found.contrast_ml))
    else:
        rests = about(figures, "contrast.per_ml_beads", "contrast.at_least")
        yield sourced("Contrast to add", span(found.contrast_ml), rests)
    if found.final_ml is not None:
        yield sourced("Final volume", span(found.final_ml), (), computed="beads plus contrast")


def _in_the_room(figures: tuple[Sourced, ...]) -> Iterator[Amount]:
    """When to stop, and what to do first about a shunt."""
    for what, name in (
        ("End point", "end_point.near_stasis"),
        ("Angiogram again after", "end_point.near_stasis_control_min"),
        ("Shunt, before beads", "particles.shunt"),
    ):
        for entry in about(figures, name):
            yield sourced(what, figure(entry), (entry,))


def _until(row: Storage) -> str | None:
    if row.hours == 0:
        return "use at once"
    return None if row.use_before is None else moment_text(row.use_before)


def bead_keeping(found: Loading) -> Iterator[Keeping]:
    """How long the loaded beads keep; figures that disagree stand below the one that decides."""
    for row in found.storage:
        days = row.hours / HOURS_PER_DAY
        time = f"{row.hours:g} h" if days < 2 else f"{days:g} d ({row.hours:g} h)"
        yield Keeping(
            state=f"Loaded, {row.state}",
            time="not at all" if row.hours == 0 else time,
            until=_until(row),
            conditions=row.conditions,
            source=marked(row.source),
            decides=row.chosen,
        )
