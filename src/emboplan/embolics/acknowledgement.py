"""Which findings of a dose or an emulsion a person must acknowledge before the plan is used.

Beads list theirs with the loading. For the others the list stands here: a dose above what a trial or a paper
used, or a volume above a label that a trial's arm allows. None of them stops a plan; none is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from emboplan.embolics.bead_loading.bead_dose import NOT_REDUCED
from emboplan.embolics.emulsions.reduction import NO_RULE_AT_STOP
from emboplan.errors import InputError
from emboplan.model.finding import Finding

TO_ACKNOWLEDGE = frozenset(
    {
        "above-arterial-label",
        "above-published-dose",
        "above-trial-cap",
        "no-published-dose",
        "oil-above-label",
        "outside-arm-dose",
        "outside-arm-drug",
        "outside-arm-oil",
        NOT_REDUCED,
        NO_RULE_AT_STOP,
    }
)


def to_acknowledge(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The ids of the findings that a person must acknowledge, each once."""
    return tuple(dict.fromkeys(finding.id for finding in findings if finding.id in TO_ACKNOWLEDGE))


def still_to_acknowledge(findings: Iterable[Finding], acknowledged: Sequence[str]) -> tuple[str, ...]:
    """The ids that a person has not acknowledged yet; `InputError` for an id that is none of them."""
    asked = to_acknowledge(findings)
    for item in acknowledged:
        if item not in asked:
            listed = ", ".join(asked) or "nothing"
            raise InputError(f'"{item}" is nothing to acknowledge here; to acknowledge: {listed}')
    return tuple(key for key in asked if key not in acknowledged)


def require_known(acknowledged: Sequence[str], asked: Iterable[str]) -> None:
    """`InputError` for an id that no session asks to acknowledge: it may be a slip, or of another plan."""
    known = tuple(dict.fromkeys(asked))
    for item in acknowledged:
        if item not in known:
            listed = ", ".join(known) or "nothing"
            raise InputError(
                f'loading.acknowledged: "{item}" is nothing to acknowledge here; to acknowledge: {listed}'
            )
