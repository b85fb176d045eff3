"""What a team is asked before an embolization: sourced prompts, never orders.

Each prompt says what is known, where it comes from, and what to ask. `stop` is kept for what a label, a
closed arm or a trial's exclusion names, and for two things that do not go together; a person decides all the
same.
What is not answered is an open item, and never counts as a no.
"""

from __future__ import annotations

from emboplan import catalog as catalogue
from emboplan.catalog.tace_tables import tace_numbers
from emboplan.embolics.safety.liver_prompts import liver_prompts
from emboplan.embolics.safety.net_prompts import net_prompts
from emboplan.embolics.safety.pharmacy_prompts import pharmacy_prompts
from emboplan.embolics.safety.procedure import Procedure, Situation
from emboplan.model.finding import Finding, Severity
from emboplan.model.patient import PatientFacts

_ORDER = (Severity.STOP, Severity.WARNING, Severity.INFO)


def safety_prompts(
    facts: PatientFacts, procedure: Procedure, *, catalog: catalogue.Catalog | None = None
) -> tuple[Finding, ...]:
    """The prompts that this patient and this procedure raise, the heaviest first.

    Facts are those of the catalogue's dictionary, and `carcinoid_heart_disease`, `echocardiography_done`,
    `right_to_left_shunt`, `dilated_bile_ducts`, `bile_ducts_drained` (yes or no).

    >>> from emboplan.model.arm import ArmTechnique
    >>> plan = Procedure(ArmTechnique.DEB_TACE, drug="doxorubicin", protocol="retnet")
    >>> safety_prompts(PatientFacts(), plan)[0].id
    'retnet-closed'
    """
    book = catalog or catalogue.load()
    case = Situation(facts, procedure, tace_numbers(book), book)
    found = (*liver_prompts(case), *net_prompts(case), *pharmacy_prompts(case))
    return tuple(sorted(found, key=lambda finding: _ORDER.index(finding.severity)))
