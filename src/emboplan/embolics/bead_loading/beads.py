"""The loading of drug-eluting beads for one session: what to take, how much, how long, and what to know.

Every number is sourced or entered; one that is neither stays open and says so. Limits are errors, caps of
trials are warnings to acknowledge. Loaded and left over always make what was added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from fractions import Fraction
from types import MappingProxyType

from emboplan.catalog.embolics import find_bead, find_drug, load_recipe
from emboplan.catalog.load import Catalog
from emboplan.catalog.tace_tables import tace_numbers
from emboplan.embolics.amounts import Number, exact, positive
from emboplan.embolics.bead_loading.bead_amounts import BeadAmounts, BeadWish, bead_amounts
from emboplan.embolics.bead_loading.bead_notes import (
    advice,
    chemistry,
    first_fill,
    measured_on,
    vials_and_sizes,
)
from emboplan.embolics.bead_loading.contrast import (
    Volumes,
    contrast_findings,
    contrast_to_add,
    final_volume,
    refuse_oil,
)
from emboplan.embolics.bead_loading.loaded_share import LoadedShare, loaded_share, loading_time
from emboplan.embolics.bead_loading.sizes import Sizes, chosen_sizes, loaded_sizes, span
from emboplan.embolics.bead_loading.solution import (
    Solution,
    bead_solution,
    check_mixture,
    choose_diluent,
    choose_vials,
)
from emboplan.embolics.bead_loading.steps import StepNumbers, loading_steps
from emboplan.embolics.bead_loading.storage import WITHOUT, storage_rows
from emboplan.embolics.catheter import bead_catheter
from emboplan.embolics.ledger import Ledger
from emboplan.embolics.sound import require_sound
from emboplan.errors import ModelRangeError
from emboplan.model.embolics import LoadRecipe
from emboplan.model.results.loading import Loading, TerritoryPart

WHOLE = MappingProxyType({"whole": 1.0})

# Shares that a person types as decimals make 1 to this difference, such as three times 0.333.
SHARES_TOGETHER = 0.002


@dataclass(frozen=True, slots=True)
class BeadRequest:
    """What is asked for. Only product, drug and dose are needed; the rest is what the user fixes.

    `territories` holds the share of the dose that each territory of this session gets.
    """

    product: str
    drug: str
    dose_mg: Number
    sizes: Sizes | None = None
    vials: int | None = None
    beads_ml: Number | None = None
    vial_ml: Number | None = None
    loading_efficiency: Number | None = None
    method: str | None = None
    solution_ml: Number | None = None
    solution_mg_per_ml: Number | None = None
    diluent: str | None = None
    drug_vial_mg: Number | None = None
    loading_min: Number | None = None
    size_change_frac: Number | None = None
    contrast_ml: Number | None = None
    mixed_with: str | None = None
    catheter_inner_um: Number | None = None
    loaded_at: datetime | None = None
    territories: Mapping[str, Number] = field(default_factory=lambda: WHOLE)
    acknowledged: Sequence[str] = ()


def require_names(request: BeadRequest) -> None:
    """`ModelRangeError` unless product and drug are said in words."""
    for name in ("product", "drug"):
        said = getattr(request, name)
        if not isinstance(said, str) or not said.strip():
            raise ModelRangeError(f"{name} is {said!r}; expected the name of a {name}")


def request_recipe(request: BeadRequest, catalog: Catalog) -> tuple[LoadRecipe, str | None]:
    """What is known of the product with the drug, and the size that the product's name ends with."""
    require_names(request)
    require_sound(catalog)
    product, size = find_bead(catalog, request.product)
    return load_recipe(catalog, product, find_drug(catalog, request.drug)), size


def load_session(request: BeadRequest, catalog: Catalog) -> Loading:
    """The loading of one session.

    Raises:
        CatalogError: a product, drug or pair that is not known; a number that has no verified value and was
        not
            entered.
        ModelRangeError: a limit, a catheter that is too narrow, a number outside its range.
        InputError: a diluent that does not go with the drug, an unknown size, way of loading or id.
    """
    ledger = Ledger()
    numbers = tace_numbers(catalog)
    recipe, by_name = request_recipe(request, catalog)
    dose = float(positive(request.dose_mg, "dose_mg"))
    refuse_oil(recipe, (request.mixed_with, request.diluent), catalog)
    names = chosen_sizes(recipe.product, request.sizes, by_name)
    diluent = choose_diluent(recipe, request.diluent, numbers, ledger)
    check_mixture(recipe, request.mixed_with, catalog, ledger)
    chemistry(recipe, ledger)
    share = loaded_share(recipe, request.dose_mg, request.loading_efficiency, request.method, ledger)
    wish = BeadWish(request.dose_mg, request.vials, request.beads_ml, request.vial_ml)
    amounts = bead_amounts(recipe, wish, ledger)
    volume, strength = bead_solution(
        recipe, request.dose_mg, request.solution_ml, request.solution_mg_per_ml, ledger
    )
    vials = choose_vials(recipe, request.dose_mg, request.drug_vial_mg, ledger)
    time = loading_time(recipe, names, request.loading_min, request.method, ledger, mg_per_ml=strength)
    sizes = loaded_sizes(recipe, names, request.size_change_frac, ledger)
    catheter = bead_catheter(request.catheter_inner_um, sizes, ledger)
    loaded, left = _split(request.dose_mg, share)
    contrast = contrast_to_add(recipe, amounts, request.contrast_ml, ledger)
    final = final_volume(amounts, contrast)
    contrast_findings(recipe, loaded[0], ledger)
    measured_on(recipe, names, ledger)
    vials_and_sizes(recipe, names, amounts.vials, ledger)
    first_fill(recipe, volume, amounts.vials, ledger)
    storage = storage_rows(recipe, request.loaded_at, ledger)
    parts = _territories(request, amounts, final)
    steps = loading_steps(
        recipe,
        StepNumbers(
            dose,
            amounts,
            vials,
            Solution(volume, strength, diluent),
            time,
            request.method,
            left,
            share.is_known_as,
            contrast,
            final,
        ),
        ledger,
    )
    advice(recipe, ledger)
    ledger.finish()
    kept = [row for row in storage if row.chosen and row.state == WITHOUT.replace("_", " ")]
    return Loading(
        product=recipe.product.name,
        drug=recipe.drug.name,
        sizes=sizes,
        vials=amounts.vials,
        beads_ml=amounts.beads_ml,
        drug_mg=dose,
        drug_mg_per_ml_beads=amounts.mg_per_ml_beads,
        drug_vials=vials.vials,
        drug_left_over_mg=vials.left_over_mg,
        diluent=diluent,
        solution_ml=volume,
        solution_mg_per_ml=strength,
        loading_min=time.minutes,
        loading_efficiency_frac=share.least_frac,
        loading_efficiency_is=share.is_known_as,
        loaded_mg=loaded[0],
        loaded_range_mg=loaded,
        supernatant_mg=left[1],
        supernatant_range_mg=left,
        diameter_um=span(sizes),
        contrast_ml=contrast,
        final_ml=final,
        catheter=catheter,
        loaded_at=request.loaded_at,
        use_before=kept[0].use_before if kept else None,
        storage=storage,
        territories=parts,
        steps=steps,
        findings=ledger.findings,
        to_acknowledge=ledger.remaining(request.acknowledged),
        figures=ledger.figures,
        entered=_entered(request),
        sources=_sources(ledger, catalog),
    )


def _entered(request: BeadRequest) -> tuple[str, ...]:
    """The names of what the user fixed, apart from product, drug and what is no number of the loading."""
    others = ("product", "drug", "territories", "acknowledged", "mixed_with")
    names = (item.name for item in fields(request) if item.name not in others)
    return tuple(name for name in names if getattr(request, name) is not None)


def _split(dose_mg: Number, share: LoadedShare) -> tuple[tuple[float, float], tuple[float, float]]:
    """Loaded and left over in mg, each (least, most)."""
    dose = exact(dose_mg, "dose_mg")
    least, most = exact(share.least_frac, "share"), exact(share.most_frac, "share")
    return (float(dose * least), float(dose * most)), (float(dose * (1 - most)), float(dose * (1 - least)))


def _territories(
    request: BeadRequest, amounts: BeadAmounts, final: Volumes | None
) -> tuple[TerritoryPart, ...]:
    """The parts of the session by territory; the shares make 1."""
    shares = {name: positive(share, f"share of {name}") for name, share in request.territories.items()}
    total = sum(shares.values(), Fraction(0))
    if not shares or abs(total - 1) > SHARES_TOGETHER:
        raise ModelRangeError(f"the shares of the territories make {float(total):g}; expected 1")
    dose = exact(request.dose_mg, "dose_mg")
    parts = []
    for name, share in shares.items():
        part = share / total
        volumes = None
        if final is not None:
            least, most = final
            volumes = (float(part) * least, None if most is None else float(part) * most)
        beads = None if amounts.beads_ml is None else float(part) * amounts.beads_ml
        parts.append(TerritoryPart(name, float(part), float(part * dose), beads, volumes))
    return tuple(parts)


def _sources(ledger: Ledger, catalog: Catalog) -> tuple[str, ...]:
    """What the keys of all sources used stand for."""
    keys = dict.fromkeys(key for entry in ledger.figures for key in entry.source)
    return tuple(f"{key}: {catalog.sources[key]}" for key in keys)
