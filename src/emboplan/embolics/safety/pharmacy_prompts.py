"""Prompts to the pharmacy: chloride, aluminium, phosphate, and beads with oil."""

from __future__ import annotations

from collections.abc import Iterator

from emboplan.embolics.compatibility import holds_aluminium, is_drug_eluting
from emboplan.embolics.drug_names import plain_drug
from emboplan.embolics.fluids import diluent_is_known, holds_chloride, holds_phosphate
from emboplan.embolics.safety.procedure import Situation
from emboplan.model.finding import Finding, Severity


def pharmacy_prompts(case: Situation) -> Iterator[Finding]:
    """All prompts about what does not go together."""
    drug = plain_drug(case.procedure.drug) if case.procedure.drug else ""
    if drug == "oxaliplatin":
        yield from _oxaliplatin(case)
    if drug == "doxorubicin":
        yield from _doxorubicin(case)
    if drug == "epirubicin" and case.procedure.uses_beads:
        yield case.prompt("epirubicin_phosphate", Severity.WARNING)
    beads = case.procedure.uses_beads or is_drug_eluting(case.procedure.product, case.book)
    if beads and case.procedure.uses_oil:
        yield case.prompt("beads_oil", Severity.STOP)


def _oxaliplatin(case: Situation) -> Iterator[Finding]:
    diluent, needle = case.procedure.diluent, case.procedure.needle_material
    if holds_chloride(diluent):
        yield case.prompt("oxaliplatin_chloride", Severity.STOP, before=f'"{diluent}" holds chloride.')
    elif case.procedure.uses_beads or not diluent_is_known(diluent):
        yield case.prompt("oxaliplatin_chloride", Severity.WARNING)
    else:
        yield case.prompt("oxaliplatin_chloride", Severity.INFO)
    if holds_aluminium(needle):
        yield case.prompt("oxaliplatin_aluminium", Severity.STOP, before=f'"{needle}" holds aluminium.')
    else:
        yield case.prompt("oxaliplatin_aluminium", Severity.INFO if needle else Severity.WARNING)


def _doxorubicin(case: Situation) -> Iterator[Finding]:
    diluent = case.procedure.diluent
    if holds_phosphate(diluent):
        yield case.prompt("doxorubicin_phosphate", Severity.STOP, before=f'"{diluent}" holds phosphate.')
    elif case.procedure.uses_beads:
        yield case.prompt("doxorubicin_phosphate", Severity.WARNING)
