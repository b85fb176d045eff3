"""Sizes of beads: which are meant, how large they are in liquid, and how large once loaded.

A label prints hydrated diameters of unloaded beads, or dry ones for a product that swells. A change of
diameter is a signed fraction: most drugs shrink a bead, some make it grow. A measured range of loaded beads
wins over a calculated one.
"""

from __future__ import annotations

from collections.abc import Sequence

from emboplan.catalog.embolics import size_key
from emboplan.embolics.amounts import Number, exact
from emboplan.embolics.ledger import Ledger
from emboplan.errors import CatalogError, InputError, ModelRangeError
from emboplan.model.embolics import BeadProduct, DiameterRange, LoadRecipe, quantities
from emboplan.model.results.loading import LoadedSize

Sizes = str | tuple[float, float] | Sequence[str]


def chosen_sizes(product: BeadProduct, wanted: Sizes | None, by_name: str | None) -> tuple[str, ...]:
    """The sizes meant, as the tables name them; the product's usual one where none is said, else none.

    Raises `InputError` for a size that the product does not have, `CatalogError` for one without a source.
    """
    if wanted is None:
        usual = product.facts.find("default_size")
        named = [by_name] if by_name is not None else [usual.text] if usual is not None else []
    elif isinstance(wanted, str):
        named = [size_key(part) for part in wanted.replace(";", ",").split(",")]
    elif len(wanted) == 2 and all(isinstance(end, int | float) for end in wanted):
        named = ["-".join(f"{end:g}" for end in dict.fromkeys(wanted))]
    else:
        named = [size_key(str(part)) for part in wanted]
    if by_name is not None and by_name not in named:
        raise InputError(
            f"the product's name says {by_name} um and sizes says {', '.join(named)}; give one of the two"
        )
    for size in named:
        if f"sizes.{size}" in product.facts.unverified:
            raise CatalogError(
                f"{product.name}: the size {size} um has no verified source; take one of "
                f"{_listed(product)} or "
                "enter it in a site catalogue"
            )
        if size not in product.sizes:
            raise InputError(f'{product.name} has no size "{size}" um; it has {_listed(product)}')
    return tuple(dict.fromkeys(named))


def _listed(product: BeadProduct) -> str:
    return ", ".join(product.sizes)


def changed_diameters(diameters_um: DiameterRange, change_frac: Sequence[Number]) -> DiameterRange:
    """The diameters after a change, or after every change of a range: (least, most) in um.

    >>> changed_diameters((300, 500), (-0.2,))
    (240.0, 400.0)
    """
    changes = [exact(change, "size_change_frac") for change in change_frac]
    if not changes or min(changes) <= -1 or max(changes) > 1:
        found = ", ".join(f"{float(change):g}" for change in changes)
        raise ModelRangeError(
            f"size_change_frac is {found or 'empty'}; expected a fraction above -1 and at most 1 (-20 % is "
            "-0.2)"
        )
    least, most = (exact(end, "diameter_um") for end in diameters_um)
    return float(least * (1 + min(changes))), float(most * (1 + max(changes)))


def hydrated_diameters(product: BeadProduct, size: str, ledger: Ledger) -> DiameterRange:
    """The diameters (um) in liquid before loading: those printed, or the dry ones times the swelling."""
    label = product.sizes[size]
    if not product.is_dry:
        return label
    factor = ledger.use(product.facts, "hydration.factor")
    if factor is None:
        raise CatalogError(
            f"{product.name}: the swelling has no verified value; enter it in a site catalogue"
        )
    return label[0] * factor.number, label[1] * factor.number


def _loaded(
    recipe: LoadRecipe, size: str, hydrated: DiameterRange, change_frac: Number | None, ledger: Ledger
) -> DiameterRange | None:
    if change_frac is not None:
        return changed_diameters(hydrated, (change_frac,))
    measured = ledger.use(recipe.facts, f"diameters.{size}")
    if measured is not None:
        least, most = quantities(measured, "um")
        return least, most
    change = ledger.use(recipe.facts, f"size_changes.{size}", "size_change_range", "size_change")
    return None if change is None else changed_diameters(hydrated, quantities(change, "1"))


def loaded_sizes(
    recipe: LoadRecipe, sizes: Sequence[str], change_frac: Number | None, ledger: Ledger
) -> tuple[LoadedSize, ...]:
    """Each size as printed, in liquid, and loaded; an open item where no source says the change."""
    found = []
    for size in sizes:
        ledger.note(recipe.product.facts.verified[f"sizes.{size}"])
        hydrated = hydrated_diameters(recipe.product, size, ledger)
        loaded = _loaded(recipe, size, hydrated, change_frac, ledger)
        if loaded is None:
            ledger.open_item(
                "size-change",
                f"{recipe.label}: no source says how loading changes the size {size} um; the "
                "sizes before loading "
                "are checked",
            )
        found.append(LoadedSize(size, recipe.product.sizes[size], hydrated, loaded))
    if not sizes:
        listed = _listed(recipe.product)
        ledger.open_item("size", f"no size of {recipe.product.name} was entered; it has {listed} um")
    return tuple(found)


def span(sizes: Sequence[LoadedSize]) -> DiameterRange | None:
    """Least and most loaded diameter (um) over all sizes; None where one is not known."""
    loaded = [size.loaded_um for size in sizes if size.loaded_um is not None]
    if not loaded or len(loaded) < len(sizes):
        return None
    return min(pair[0] for pair in loaded), max(pair[1] for pair in loaded)
