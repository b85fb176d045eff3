"""Loadings, emulsions and particles as plain lines: amounts, steps, findings, the source of every figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from emboplan.catalog.status import footnote
from emboplan.embolics.amounts import plain_number
from emboplan.embolics.bead_loading.steps import amount, left_over, volumes
from emboplan.embolics.ledger import shown
from emboplan.model.finding import Finding
from emboplan.model.products import Sourced
from emboplan.model.results.emulsion import Emulsion, OilSuspension
from emboplan.model.results.loading import Loading, LoadingCourse
from emboplan.units import PERCENT

if TYPE_CHECKING:
    from emboplan.model.results.particles import ParticleChoice


def loading_lines(
    answer: Loading | LoadingCourse | Emulsion | OilSuspension | ParticleChoice, waiting: Sequence[str] = ()
) -> Iterator[str]:
    """Any answer of `emboplan load` as lines; `waiting` are the ids of an emulsion to acknowledge."""
    if isinstance(answer, LoadingCourse):
        yield (
            f"{answer.product} + {answer.drug}: {amount(answer.drug_mg, 'mg')} in {len(answer.sessions)} "
            f"sessions, {amount(answer.loaded_mg, 'mg')} loaded, "
            f"{amount(answer.supernatant_mg, 'mg')} left over"
        )
        for session in answer.sessions:
            yield f"session {session.session}"
            yield from (f"  {line}" for line in _loading(session.loading))
    elif isinstance(answer, Loading):
        yield from _loading(answer)
    elif isinstance(answer, Emulsion):
        yield from _emulsion(answer, waiting)
    elif isinstance(answer, OilSuspension):
        yield from _suspension(answer, waiting)
    else:
        yield from _particles(answer)


def _loading(found: Loading) -> Iterator[str]:
    vials = (
        "vials open" if found.vials is None else f"{found.vials} {'vial' if found.vials == 1 else 'vials'}"
    )
    yield (
        f"{found.product} + {found.drug}: {amount(found.drug_mg, 'mg')}, {vials}, "
        f"{amount(found.beads_ml, 'mL')} beads, "
        f"{amount(found.drug_mg_per_ml_beads, 'mg per mL beads')}"
    )
    yield _shares(found)
    if found.diameter_um is not None:
        yield f"loaded diameter {' to '.join(f'{end:g}' for end in dict.fromkeys(found.diameter_um))} um"
    yield f"contrast {volumes(found.contrast_ml)}, final volume {volumes(found.final_ml)}"
    for row in found.storage:
        until = "" if row.use_before is None else f", use before {row.use_before.isoformat()}"
        other = "" if row.chosen else " (not the figure that decides)"
        how_long = f"keeps {row.state} {row.hours:g} h" if row.hours > 0 else f"does not keep {row.state}"
        yield f"{how_long}{until}{other}: {row.conditions} [{row.source}]"
    for part in found.territories if len(found.territories) > 1 else ():
        yield f"territory {part.territory}: {amount(part.drug_mg, 'mg')}, {amount(part.beads_ml, 'mL')} beads"
    yield from (f"{number}. {step}" for number, step in enumerate(found.steps, start=1))
    yield from _findings(found.findings)
    yield from _asked(found.to_acknowledge)
    yield f"entered: {', '.join(found.entered)}"
    for entry in found.figures:
        note = f" ({entry.note})" if entry.note else ""
        yield f"figure: {_topic(entry)} {shown(entry)} [{footnote(entry)}]{note}"
    yield from (f"source {line}" for line in found.sources)


def _shares(found: Loading) -> str:
    """Loaded and left over, as far as the source knows them."""
    dose = found.drug_mg
    if found.loading_efficiency_is == "range":
        least, most = (plain_number(PERCENT * mg / dose) for mg in found.loaded_range_mg)
        loaded = " to ".join(plain_number(mg) for mg in found.loaded_range_mg)
        return (
            f"loaded {loaded} mg, left over {left_over(found.supernatant_range_mg, 'range')} "
            f"({least} to {most} %)"
        )
    bound, rest = ("at least ", "at most ") if found.loading_efficiency_is == "at least" else ("", "")
    share = plain_number(PERCENT * found.loading_efficiency_frac)
    left = amount(found.supernatant_mg, "mg")
    return (
        f"loaded {bound}{amount(found.loaded_mg, 'mg')}, left over {rest}{left} "
        f"({found.loading_efficiency_is} {share} %)"
    )


def _topic(entry: Sourced) -> str:
    """What a figure is about, from its name without table, product and drug."""
    parts = entry.name.split(".")
    if parts[0] == "tace":
        return " ".join(parts[1:]).replace("_", " ")
    parts = parts[2:]
    own = parts[2:] if parts[0] == "drugs" else parts
    return " ".join(own).replace("_", " ")


def _emulsion(found: Emulsion, waiting: Sequence[str]) -> Iterator[str]:
    yield (
        f"{found.drug} {amount(found.drug_mg, 'mg')}: {amount(found.oil_ml, 'mL')} oil + "
        f"{amount(found.aqueous_ml, 'mL')} {found.aqueous_phase} = {amount(found.emulsion_ml, 'mL')}, "
        f"{found.emulsion_mg_per_ml:.3g} mg/mL"
    )
    yield f"oil to aqueous {found.oil_to_aqueous:.3g}: {found.droplet} expected ({found.droplet_basis})"
    yield from (f"{number}. {step}" for number, step in enumerate(found.steps, start=1))
    yield from _findings(found.findings)
    yield from _asked(waiting)
    yield from (f"source {line}" for line in found.sources)


def _suspension(found: OilSuspension, waiting: Sequence[str]) -> Iterator[str]:
    yield (
        f"{found.drug} {amount(found.dose_mg, 'mg')} in {amount(found.oil_ml, 'mL')} of its own oil vehicle, "
        f"{amount(found.mg_per_ml, 'mg/mL')}; use within {found.use_within_h:g} h"
    )
    yield from _findings(found.findings)
    yield from _asked(waiting)
    yield from (f"source {line}" for line in found.sources)


def _asked(waiting: Sequence[str]) -> Iterator[str]:
    if waiting:
        yield f"to acknowledge: {', '.join(waiting)}"


def _particles(found: ParticleChoice) -> Iterator[str]:
    yield f"{found.product}: {found.chosen.text} first; {found.reason}"
    seconds = found.end_point.seconds
    timed = "" if seconds is None else f" ({seconds[0]:.3g} to {seconds[1]:.3g} s at this heart rate)"
    yield f"end point: {found.end_point.definition}{timed}"
    yield from _findings(found.findings)
    yield from (f"source {line}" for line in found.sources)


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        source = f" [{finding.source}]" if finding.source else ""
        yield f"{finding.severity}: {finding.text}{source}"
