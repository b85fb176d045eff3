"""How much of the drug goes into the beads and how long that takes.

A source gives the loaded share as a measured figure, as "more than", or as a range; some give it by dose or
by way of loading. Where none gives it, the user must. The rest stays in the liquid above the beads, so that
loaded and left over always make what was added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from emboplan.catalog.status import footnote
from emboplan.embolics.amounts import Number, exact, positive
from emboplan.embolics.ledger import Ledger, shown
from emboplan.errors import CatalogError, InputError, ModelRangeError
from emboplan.model.embolics import LoadRecipe, quantities, quantity
from emboplan.model.finding import Severity
from emboplan.model.products import Sourced


@dataclass(frozen=True, slots=True)
class LoadedShare:
    """The least and the most loaded share as fractions, and how it is known."""

    least_frac: float
    most_frac: float
    is_known_as: str


@dataclass(frozen=True, slots=True)
class DrugBalance:
    """Drug in the beads and in the liquid above them, in mg; the two make what was added."""

    added_mg: float
    loaded_mg: float
    supernatant_mg: float


def drug_balance(added_mg: Number, loading_efficiency_frac: Number) -> DrugBalance:
    """What is loaded of `added_mg`, and what is left over.

    >>> drug_balance(100, 0.96)
    DrugBalance(added_mg=100.0, loaded_mg=96.0, supernatant_mg=4.0)
    """
    added = positive(added_mg, "dose_mg")
    share = efficiency(loading_efficiency_frac)
    return DrugBalance(float(added), float(added * share), float(added * (1 - share)))


def efficiency(value: Number) -> Fraction:
    """A loaded share; `ModelRangeError` unless it is above 0 and at most 1."""
    share = exact(value, "loading_efficiency_frac")
    if not 0 < share <= 1:
        raise ModelRangeError(
            f"loading_efficiency_frac is {float(share):g}; expected a fraction above 0 and at "
            "most 1 (85 % is 0.85)"
        )
    return share


def methods(recipe: LoadRecipe) -> tuple[str, ...]:
    """The named ways of loading that the source has figures for."""
    return tuple(dict.fromkeys(name.split(".")[0] for name in recipe.facts.under("methods")))


def require_method(recipe: LoadRecipe, method: str | None) -> None:
    """`InputError` where no source has figures for that way of loading."""
    if method is not None and method not in methods(recipe):
        listed = ", ".join(methods(recipe)) or "none"
        raise InputError(f'{recipe.label} has no way of loading "{method}"; named ways: {listed}')


def _from(entry: Sourced) -> LoadedShare:
    kind = entry.name.rpartition(".")[2]
    numbers = quantities(entry, "1")
    if kind == "loaded_at_least":
        return LoadedShare(numbers[0], 1.0, "at least")
    if kind == "loaded_range":
        return LoadedShare(min(numbers), max(numbers), "range")
    return LoadedShare(numbers[0], numbers[0], "measured")


def _band(recipe: LoadRecipe, dose_mg: Number) -> str | None:
    """The group of facts for a dose where the loaded share depends on it."""
    dose = exact(dose_mg, "dose_mg")
    for name, entry in recipe.facts.under("bands").items():
        if name.endswith(".dose"):
            least, most = (exact(end, "dose_mg") for end in quantities(entry, "mg"))
            if least <= dose <= most:
                return f"bands.{name.removesuffix('.dose')}"
    return None


def loaded_share(
    recipe: LoadRecipe, dose_mg: Number, entered: Number | None, method: str | None, ledger: Ledger
) -> LoadedShare:
    """The loaded share: the one entered, else the published one for this dose and way of loading.

    Raises `CatalogError` where none is published and none is entered.
    """
    require_method(recipe, method)
    if entered is not None:
        share = float(efficiency(entered))
        return LoadedShare(share, share, "entered")
    if method is None and methods(recipe):
        listed = ", ".join(methods(recipe))
        ledger.say(
            "named-ways", Severity.INFO, f"{recipe.label}: ways of loading with their own figures: {listed}"
        )
    kinds = ("loaded", "loaded_at_least", "loaded_range")
    band = _band(recipe, dose_mg)
    groups = [g for g in (None if method is None else f"methods.{method}", band) if g is not None]
    names = [f"{group}.{kind}" for group in groups for kind in kinds]
    entry = ledger.use(recipe.facts, *names, *kinds)
    if entry is None:
        why = recipe.facts.unverified.get("loaded")
        reason = "" if why is None or why.place.startswith("no figure") else f" ({footnote(why)})"
        ways = f"name a way of loading (method: {', '.join(methods(recipe))}), " if methods(recipe) else ""
        raise CatalogError(
            f"{recipe.label}: no published efficiency found{reason}; you must enter one "
            f"(loading_efficiency, --loading-efficiency), {ways}or give it in a site catalogue"
        )
    return _from(entry)


@dataclass(frozen=True, slots=True)
class LoadingTime:
    """The loading time (min); None where no source gives it. `known_as` is a bound such as ``at least``."""

    minutes: float | None
    known_as: str = ""


def loading_time(
    recipe: LoadRecipe,
    sizes: Sequence[str],
    entered: Number | None,
    method: str | None,
    ledger: Ledger,
    *,
    mg_per_ml: Number | None = None,
) -> LoadingTime:
    """The loading time of the slowest size; open, with an open item, where no source gives it.

    A time that was measured in a dilute solution holds for a solution of `mg_per_ml` no stronger than that.
    A time of the user's own that is shorter than the published one is a warning to acknowledge.
    """
    times = [_time(recipe, size, method, mg_per_ml) for size in sizes or ("",)]
    if entered is not None:
        own = positive(entered, "loading_min")
        _against_published(recipe, own, [time for time in times if time is not None], ledger)
        return LoadingTime(float(own))
    for size in sizes if method is None else ():
        _dilute_not_used(recipe, size, mg_per_ml, ledger)
    known = [time for time in times if time is not None]
    for time in known:
        ledger.use(recipe.facts, time.name.partition(f"drugs.{recipe.drug.key}.")[2])
    if len(known) < len(times):
        ledger.open_item("loading-time", f"{recipe.label}: no loading time with a source; enter yours")
        return LoadingTime(None)
    slowest = max(known, key=lambda time: quantity(time, "min"))
    bound = recipe.facts.find("loading_time_is")
    if bound is None or slowest.source != bound.source:  # a bound goes with the figure of its own source
        return LoadingTime(quantity(slowest, "min"))
    ledger.note(bound)
    return LoadingTime(quantity(slowest, "min"), bound.text)


def _time(recipe: LoadRecipe, size: str, method: str | None, mg_per_ml: Number | None) -> Sourced | None:
    """The published time of a size: that of the way of loading, else its own, else that of all sizes."""
    first = () if method is None else (f"methods.{method}.loading_time",)
    own = () if _too_strong(recipe, size, mg_per_ml) else (f"loading_times.{size}",)
    return recipe.facts.find(*first, *own, "loading_time")


def _too_strong(recipe: LoadRecipe, size: str, mg_per_ml: Number | None) -> bool:
    """Whether the time of a size was measured in a more dilute solution than is used."""
    dilute = recipe.facts.find(f"loading_strengths.{size}")
    if dilute is None:
        return False
    return mg_per_ml is None or exact(mg_per_ml, "mg_per_ml") > exact(quantity(dilute, "mg/mL"), "dilute")


def _dilute_not_used(recipe: LoadRecipe, size: str, mg_per_ml: Number | None, ledger: Ledger) -> None:
    own, dilute = recipe.facts.find(f"loading_times.{size}"), recipe.facts.find(f"loading_strengths.{size}")
    if own is None or dilute is None or not _too_strong(recipe, size, mg_per_ml):
        return
    used = "not known" if mg_per_ml is None else f"{float(exact(mg_per_ml, 'mg_per_ml')):.4g} mg/mL"
    ledger.say(
        "time-of-a-dilute-solution",
        Severity.INFO,
        f"{recipe.label}: {shown(own)} was measured in a solution of {shown(dilute)}; the solution here is "
        f"{used}, so that the longer time holds",
        footnote(own),
    )


def _against_published(
    recipe: LoadRecipe, own: Fraction, published: Sequence[Sourced], ledger: Ledger
) -> None:
    """A time of the user's own that is shorter than what is published for one of the sizes."""
    if not published:
        return
    slowest = max(published, key=lambda time: quantity(time, "min"))
    if own < exact(quantity(slowest, "min"), "published"):
        ledger.note(slowest)
        ledger.acknowledge(
            "loading-time-below-published",
            f"{recipe.label}: a loading time of {float(own):.5g} min is shorter than the published "
            f"{shown(slowest)} ({slowest.place})",
            footnote(slowest),
        )
