"""Mean doses as BED and EQD2, injection by injection.

Absorbed doses of several injections add, their BEDs add only each by itself, so that every territory stands
alone. The BED of a mean dose stands for a uniform dose.
"""

from __future__ import annotations

from collections.abc import Sequence

from emboplan.catalog.load import Catalog
from emboplan.dosimetry.radiobiology import bed, eqd2, parameters
from emboplan.model.products import Status
from emboplan.model.results.activity import ModelResult
from emboplan.model.results.activity_plan import BiologicalDose
from emboplan.workflow.planning.side_by_side import Question


def biological_doses(
    question: Question, results: Sequence[ModelResult], catalog: Catalog
) -> tuple[BiologicalDose, ...]:
    """BED and EQD2 of tumour and perfused normal liver in each territory, with the catalogue's parameters."""
    found = []
    for result, territory in zip(results, question.territories, strict=True):
        half_life_h = (territory.physics or question.physics).half_life_h
        for tissue, structure, dose in (
            ("tumour", "tumour", result.doses_gy.tumour),
            ("liver", "perfused_normal", result.doses_gy.perfused_normal),
        ):
            if dose is None:
                continue
            own = parameters(tissue, catalog=catalog)
            entries = (own.alpha_beta_gy, own.repair_half_time_h)
            effective = bed(
                dose,
                alpha_beta_gy=own.alpha_beta_gy.number,
                repair_half_time_h=own.repair_half_time_h.number,
                half_life_h=half_life_h,
            )
            confirmed = all(entry.status is Status.CONFIRMED for entry in entries)
            found.append(
                BiologicalDose(
                    structure=structure,
                    territory=result.territory,
                    dose_gy=dose,
                    bed_gy=float(effective),
                    eqd2_gy=float(eqd2(effective, alpha_beta_gy=own.alpha_beta_gy.number)),
                    alpha_beta_gy=own.alpha_beta_gy.number,
                    repair_half_time_h=own.repair_half_time_h.number,
                    source="; ".join(dict.fromkeys(entry.source_text for entry in entries)),
                    status=(Status.CONFIRMED if confirmed else Status.TO_CONFIRM).value,
                )
            )
    return tuple(found)
