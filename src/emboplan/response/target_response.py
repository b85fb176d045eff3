"""The response of the targets at one time point: CR, PD, PR, SD or NE, in this order.

Growth is judged against the smallest earlier sum, the baseline among them; shrinkage against the baseline.
Progression goes before partial response, since both can hold. Once all other targets were gone, any that
comes back is progression by recurrence: there is nothing to take a percentage of. A sum with a target missing
is not evaluable, unless what was measured is progression alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from emboplan.model.results.response import Category
from emboplan.response.limits import ChangeLimits
from emboplan.response.target_size import TargetSize


@dataclass(frozen=True, slots=True)
class Past:
    """What earlier time points leave for the next one.

    `cleared` is true once a time point was a complete response of the targets; `silent` names the targets
    that were of size 0 at some earlier time point.
    """

    baseline: Fraction
    nadir: Fraction
    cleared: bool = False
    silent: frozenset[str] = frozenset()

    def after(self, targets: Sequence[TargetSize]) -> Past:
        """The past of the next time point; an incomplete sum lowers no nadir."""
        size = total(targets)
        return Past(
            baseline=self.baseline,
            nadir=self.nadir if size is None else min(self.nadir, size),
            cleared=self.cleared or all(target.gone for target in targets),
            silent=self.silent | {target.lesion for target in targets if target.size == 0 and target.gone},
        )


def total(targets: Sequence[TargetSize]) -> Fraction | None:
    """The sum over the targets, None where one of them was not measured."""
    sizes = [target.size for target in targets if target.size is not None]
    return sum(sizes, Fraction(0)) if len(sizes) == len(targets) else None


def target_response(
    targets: Sequence[TargetSize], past: Past, limits: ChangeLimits, *, reenhancement: bool = False
) -> Category:
    """The category of the targets, of which there is at least one.

    With `reenhancement` (EASL) a target that had vanished and shows again is progression whatever the sum.
    """
    if all(target.gone for target in targets):
        return Category.CR
    if _progressed(targets, past, limits) or (reenhancement and _shows_again(targets, past)):
        return Category.PD
    size = total(targets)
    if size is None:
        return Category.NE
    return Category.PR if limits.responds(size, past.baseline) else Category.SD


def _progressed(targets: Sequence[TargetSize], past: Past, limits: ChangeLimits) -> bool:
    seen = [target for target in targets if target.size]
    if past.cleared and any(not target.node for target in seen):
        return True
    if past.nadir == 0:
        return any(not target.gone for target in seen)
    return limits.progresses(sum((t.size for t in seen if t.size is not None), Fraction(0)), past.nadir)


def _shows_again(targets: Sequence[TargetSize], past: Past) -> bool:
    return any(target.size and target.lesion in past.silent for target in targets)
