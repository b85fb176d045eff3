"""The arm of a protocol that an embolization belongs to: open, of its technique, and with its drug."""

from __future__ import annotations

from collections.abc import Iterator

from emboplan.catalog.load import Catalog
from emboplan.embolics.drug_names import plain_drug
from emboplan.model.arm import ArmTechnique
from emboplan.model.finding import Finding, Severity
from emboplan.workflow.load import require_arm
from emboplan.workflow.protocol_file import load_protocol


def arm_findings(
    protocol: str | None, technique: ArmTechnique, drug: str | None, catalog: Catalog
) -> tuple[Finding, ...]:
    """What the open arm of the protocol says against the plan's drug.

    Raises:
        InputError: the protocol has no open arm of the technique; the message says why.
    """
    if protocol is None:
        return ()
    require_arm(protocol, None, technique, catalog)
    return tuple(_drug(protocol, technique, drug, catalog))


def _drug(protocol: str, technique: ArmTechnique, drug: str | None, catalog: Catalog) -> Iterator[Finding]:
    if drug is None:
        return
    arms = load_protocol(protocol, catalog=catalog)[0].arms
    arm = next(arm for arm in arms if arm.technique is technique and not arm.closed)
    names = [named.name for named in arm.drugs]
    if names and plain_drug(drug) not in [plain_drug(name) for name in names]:
        yield Finding(
            "outside-arm-drug",
            Severity.WARNING,
            f"{protocol}, {arm.name}, gives {', '.join(names)}, not {drug}; acknowledge to go on.",
            arm.source,
        )
