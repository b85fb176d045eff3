"""Loadings, emulsions and particles as plain lines: amounts, steps, findings, the source of every figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from emboplan.catalog.status import footnote
from emboplan.embolics.ledger import shown
from emboplan.embolics.steps import amount, volumes
from emboplan.model.finding import Finding
from emboplan.model.products import Sourced
from emboplan.model.results.emulsion import Emulsion
from emboplan.model.results.loading import Loading, LoadingCourse
from emboplan.units import PERCENT

if TYPE_CHECKING:
    from emboplan.model.results.particles import ParticleChoice


def loading_lines(answer: Loading | LoadingCourse | Emulsion | ParticleChoice) -> Iterator[str]:
    """Any answer of `emboplan load` as lines."""
    if isinstance(answer, LoadingCourse):
        yield (
            f"{answer.product} + {answer.drug}: {answer.drug_mg:g} mg in {len(answer.sessions)} sessions, "
            f"{answer.loaded_mg:.4g} mg loaded, {answer.supernatant_mg:.4g} mg left over"
        )
        for session in answer.sessions:
            yield f"session {session.session}"
            yield from (f"  {line}" for line in _loading(session.loading))
    elif isinstance(answer, Loading):
        yield from _loading(answer)
    elif isinstance(answer, Emulsion):
        yield from _emulsion(answer)
    else:
        yield from _particles(answer)


def _loading(found: Loading) -> Iterator[str]:
    vials = (
        "vials open" if found.vials is None else f"{found.vials} {'vial' if found.vials == 1 else 'vials'}"
    )
    yield (
        f"{found.product} + {found.drug}: {found.drug_mg:g} mg, {vials}, "
        f"{amount(found.beads_ml, 'mL')} beads, "
        f"{amount(found.drug_mg_per_ml_beads, 'mg per mL beads')}"
    )
    yield (
        f"loaded {found.loaded_mg:.4g} mg, left over {found.supernatant_mg:.4g} mg "
        f"({found.loading_efficiency_is} {found.loading_efficiency_frac * PERCENT:.4g} %)"
    )
    if found.diameter_um is not None:
        yield f"loaded diameter {found.diameter_um[0]:g} to {found.diameter_um[1]:g} um"
    yield f"contrast {volumes(found.contrast_ml)}, final volume {volumes(found.final_ml)}"
    for row in found.storage:
        until = "" if row.use_before is None else f", use before {row.use_before.isoformat()}"
        other = "" if row.chosen else " (not the figure that decides)"
        yield f"keeps {row.state} {row.hours:g} h{until}{other} [{row.source}]"
    for part in found.territories if len(found.territories) > 1 else ():
        yield f"territory {part.territory}: {part.drug_mg:.4g} mg, {amount(part.beads_ml, 'mL')} beads"
    yield from (f"{number}. {step}" for number, step in enumerate(found.steps, start=1))
    yield from _findings(found.findings)
    if found.to_acknowledge:
        yield f"to acknowledge: {', '.join(found.to_acknowledge)}"
    yield f"entered: {', '.join(found.entered)}"
    yield from (f"figure: {_topic(entry)} {shown(entry)} [{footnote(entry)}]" for entry in found.figures)
    yield from (f"source {line}" for line in found.sources)


def _topic(entry: Sourced) -> str:
    """What a figure is about, from its name without table, product and drug."""
    parts = entry.name.split(".")[2:]
    own = parts[2:] if parts[0] == "drugs" else parts
    return " ".join(own).replace("_", " ")


def _emulsion(found: Emulsion) -> Iterator[str]:
    yield (
        f"{found.drug} {found.drug_mg:g} mg: {found.oil_ml:g} mL oil + {found.aqueous_ml:g} mL "
        f"{found.aqueous_phase} "
        f"= {found.emulsion_ml:g} mL, {found.emulsion_mg_per_ml:.3g} mg/mL"
    )
    yield f"oil to aqueous {found.oil_to_aqueous:.3g}: {found.droplet} expected ({found.droplet_basis})"
    yield from (f"{number}. {step}" for number, step in enumerate(found.steps, start=1))
    yield from _findings(found.findings)
    yield from (f"source {line}" for line in found.sources)


def _particles(found: ParticleChoice) -> Iterator[str]:
    yield f"{found.product}: {found.chosen.text} first; {found.reason}"
    yield f"end point: {found.end_point.definition}"
    yield from _findings(found.findings)
    yield from (f"source {line}" for line in found.sources)


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        source = f" [{finding.source}]" if finding.source else ""
        yield f"{finding.severity}: {finding.text}{source}"
