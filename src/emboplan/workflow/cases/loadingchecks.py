"""What [loading] must not say: keys of another technique, and what a technique cannot do without.

Which keys belong to which kind of procedure stands in one table. A key that does not belong is an error, not
ignored: a reader would take it for a part of the plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from emboplan.model.case import ProcedureKind
from emboplan.workflow.cases.caseschema import CaseTable
from emboplan.workflow.cases.loadingschema import LoadingTable

_TEAM = (
    *("octreotide_plan", "antibiotic_plan", "crisis_plan", "acknowledged", "acknowledged_by"),
    "catheter_inner_diameter",
)
_PARTICLES = ("target_size", "grades", "shunt", "end_point", "heart_rate_per_min")
_DRUG = (
    *("drug", "drug_dose", "diluent", "solution_mg_per_ml", "mixed_with", "dose_reduction"),
    "doxorubicin_equivalent",
)

KEYS: Mapping[ProcedureKind, tuple[str, ...]] = MappingProxyType(
    {
        ProcedureKind.TARE: (),
        ProcedureKind.DEB_TACE: (
            *("product", "sizes", "vials", "vials_per_size", "beads", "vial", "loading_efficiency_frac"),
            *("method", "solution", "drug_vial", "loading_time", "size_change_frac", "contrast"),
            *("loaded_at", "needle_material", *_DRUG, *_TEAM),
        ),
        ProcedureKind.CTACE: (
            *("product", "oil", "aqueous", "oil_to_aqueous", "needle_material", *_DRUG, *_PARTICLES, *_TEAM),
        ),
        ProcedureKind.BLAND: (*("product", "vials", "spheres_ml_per_100_ml_tumour", *_PARTICLES, *_TEAM),),
    }
)

# What a plan of a kind cannot begin without, with an example.
NEEDED: Mapping[ProcedureKind, Mapping[str, str]] = MappingProxyType(
    {
        ProcedureKind.TARE: {},
        ProcedureKind.DEB_TACE: {"product": '"DC Bead 100-300"', "drug": '"doxorubicin"'},
        ProcedureKind.CTACE: {"drug": '"doxorubicin"'},
        ProcedureKind.BLAND: {"product": '"Embosphere"'},
    }
)
DOSED = (ProcedureKind.DEB_TACE, ProcedureKind.CTACE)
OIL_KEYS = ("oil", "aqueous", "oil_to_aqueous")


def loading_problems(case: CaseTable, *, needed: bool) -> Iterator[str]:
    """The mistakes of [loading]; a plan (`needed`) asks for what its kind cannot do without."""
    kind = case.procedure.kind
    given = LoadingTable() if case.loading is None else case.loading
    if kind is not ProcedureKind.TARE:  # there it is not used at all, which the plan says
        yield from _foreign(kind, given)
    if kind is not ProcedureKind.TARE and needed:
        yield from _missing(case, given)
    if given.vials_per_size is not None:
        yield from _vials(given)
    if given.acknowledged_by is not None and not given.acknowledged:
        yield "loading.acknowledged_by: found without acknowledged; list what was, or leave it out"
    doses = [t for t in case.territory if t.drug_dose is not None]
    if doses and kind not in DOSED:
        number = case.territory.index(doses[0])
        yield f'territory[{number}].drug_dose: found with the kind "{kind}"; it belongs to deb-tace and ctace'
    elif doses and given.drug_dose is not None:
        yield "loading.drug_dose: found beside the drug_dose of a territory; give one of the two"
    elif doses and len(doses) < len(case.territory):
        missing = next(t.name for t in case.territory if t.drug_dose is None)
        yield f'territory: "{missing}" has no drug_dose, but another territory has; give it for each'
    yield from _sessions(case)


def _foreign(kind: ProcedureKind, given: LoadingTable) -> Iterator[str]:
    for key in LoadingTable.model_fields:
        if key not in given.model_fields_set or key in KEYS[kind]:
            continue
        fitting = ", ".join(str(other) for other, keys in KEYS.items() if key in keys)
        reason = "beads and iodised oil are never mixed; " if _oil_on_beads(kind, key) else ""
        yield f'loading.{key}: belongs to {fitting}, not to "{kind}"; {reason}leave it out'


def _oil_on_beads(kind: ProcedureKind, key: str) -> bool:
    return kind is ProcedureKind.DEB_TACE and key in OIL_KEYS


def _missing(case: CaseTable, given: LoadingTable) -> Iterator[str]:
    kind = case.procedure.kind
    for key, example in NEEDED[kind].items():
        if getattr(given, key) is None:
            yield f"loading.{key}: not found; {kind} needs it, such as {key} = {example}"
    dosed = given.drug_dose is not None or any(t.drug_dose is not None for t in case.territory)
    scheduled = case.schedule is not None and case.schedule.drug_dose is not None
    if kind in DOSED and not dosed and not scheduled:
        yield f'loading.drug_dose: not found; {kind} needs the dose of a session, such as drug_dose = "50 mg"'
    if dosed and scheduled and case.schedule is not None and given.drug_dose is not None:
        own, other = given.drug_dose, case.schedule.drug_dose
        if not own.per_m2 and own.amount != other:
            yield f"schedule.drug_dose: found {other:g} mg, but loading.drug_dose is {own}; give one of them"


def _vials(given: LoadingTable) -> Iterator[str]:
    named = given.vials_per_size or {}
    if given.vials is not None and given.vials != sum(named.values()):
        yield (
            f"loading.vials_per_size: found {sum(named.values())} vials in all, but loading.vials is "
            f"{given.vials}; give one of the two"
        )
    if given.sizes and set(given.sizes) != set(named):
        yield "loading.vials_per_size: its sizes are not those of loading.sizes; give one of the two"


def _sessions(case: CaseTable) -> Iterator[str]:
    """The session of each territory is said for all or for none."""
    stated = [territory.session is not None for territory in case.territory]
    if case.procedure.kind is not ProcedureKind.TARE and any(stated) and not all(stated):
        name = next(t.name for t in case.territory if t.session is None)
        yield f'territory: "{name}" has no session, but another territory has; give it for each, or for none'
