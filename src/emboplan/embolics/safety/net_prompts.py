"""Prompts about neuroendocrine disease and the circulation: beads, carcinoid, shunt, a label's conflict."""

from __future__ import annotations

from collections.abc import Iterator

from emboplan.embolics.drug_names import plain_drug
from emboplan.embolics.safety.procedure import Procedure, Situation
from emboplan.model.arm import ArmTechnique
from emboplan.model.finding import Finding, Severity

_RETNET, _CAPTEM = ("retnet", "msk-19-125"), "captem-y90"


def net_prompts(case: Situation) -> Iterator[Finding]:
    """All prompts about neuroendocrine disease, its heart, a shunt, and capecitabine."""
    if case.is_net is not False:
        yield from _beads(case)
        yield from _carcinoid(case)
        if case.procedure.embolizes:
            yield case.prompt("modality", Severity.INFO)
    if case.procedure.uses_beads:
        yield case.prompt("deb_abscess", Severity.WARNING)
    yield from _trial(case)
    yield from _shunt(case)
    yield from _capecitabine(case)


def _protocol(procedure: Procedure) -> str:
    return procedure.protocol.strip().lower().replace("_", "-")


def _beads(case: Situation) -> Iterator[Finding]:
    procedure = case.procedure
    if not procedure.uses_beads:
        return
    if not procedure.drug or plain_drug(procedure.drug) == "doxorubicin":
        yield case.prompt("net_deb_doxorubicin", Severity.WARNING)
    yield case.prompt("net_deb_biliary", Severity.WARNING)


def _carcinoid(case: Situation) -> Iterator[Finding]:
    procedure = case.procedure
    if procedure.embolizes:
        if procedure.octreotide_plan:
            yield case.prompt(
                "octreotide", Severity.INFO, before=f"The team's plan: {procedure.octreotide_plan}."
            )
        else:
            yield case.prompt("octreotide", Severity.WARNING)
    if not (procedure.embolizes or procedure.uses_oil or procedure.maa):
        return
    disease, looked = case.yes("carcinoid_heart_disease"), case.yes("echocardiography_done")
    if disease:
        yield case.prompt("carcinoid_heart", Severity.WARNING, before="Carcinoid heart disease is known.")
    elif disease is None or looked is not True:
        yield case.prompt("carcinoid_heart", Severity.WARNING, open_item=True)


def _shunt(case: Situation) -> Iterator[Finding]:
    if not (case.procedure.uses_oil or case.procedure.maa):
        return
    shunt = case.yes("right_to_left_shunt")
    if shunt:
        yield case.prompt("right_to_left_shunt", Severity.WARNING, before="A right-to-left shunt is known.")
    elif shunt is None:
        yield case.prompt("right_to_left_shunt", Severity.WARNING, open_item=True)


def _trial(case: Situation) -> Iterator[Finding]:
    if _protocol(case.procedure) not in _RETNET:
        return
    if case.procedure.uses_beads:
        yield case.prompt("retnet_closed", Severity.STOP)
    elif case.procedure.technique is ArmTechnique.CTACE:
        yield case.prompt("retnet_drug", Severity.INFO)


def _capecitabine(case: Situation) -> Iterator[Finding]:
    if case.procedure.device.strip().lower().replace(" ", "-") != "sir-spheres":
        return
    answers = (case.yes("prior_capecitabine"), case.yes("capecitabine_planned_after"))
    if any(answers) or _protocol(case.procedure) == _CAPTEM:
        yield case.prompt("capecitabine", Severity.WARNING, before="Outside device labelling.")
    elif None in answers:
        yield case.prompt("capecitabine", Severity.WARNING, open_item=True)
