"""Whether beads or particles pass a catheter: inner diameter against the largest of them.

Beads are compared with the largest loaded bead. Some particles come with a least inner diameter on their
label, which is larger than the particle; that one decides then.
"""

from __future__ import annotations

from dataclasses import dataclass

from emboplan.embolics.amounts import Number, exact, positive
from emboplan.embolics.ledger import Ledger
from emboplan.errors import InputError, ModelRangeError
from emboplan.model.embolics import Embolic, quantity
from emboplan.model.finding import Severity
from emboplan.model.products import Sourced
from emboplan.model.results.loading import Catheter, LoadedSize


def require_bead_passes(inner_um: Number, largest_um: float, what: str) -> None:
    """`ModelRangeError` where a bead of `largest_um` is larger than the inner diameter (um)."""
    inner = positive(inner_um, "catheter_inner_um")
    if exact(largest_um, "largest_um") > inner:
        raise ModelRangeError(
            f"the largest bead ({what}) is {largest_um:g} um, larger than the catheter's inner diameter of "
            f"{float(inner):g} um; take a smaller bead or a wider catheter"
        )


def bead_catheter(inner_um: Number | None, sizes: tuple[LoadedSize, ...], ledger: Ledger) -> Catheter | None:
    """The catheter check of loaded beads; None, with an open item, without a catheter or a size."""
    if inner_um is None:
        ledger.open_item("catheter", "catheter not checked; enter its inner diameter (catheter_inner_um)")
        return None
    positive(inner_um, "catheter_inner_um")
    if not sizes:
        ledger.open_item("catheter", "catheter not checked: no size of beads was entered")
        return None
    loaded = [(size.loaded_um or size.hydrated_um)[1] for size in sizes]
    largest = max(loaded)
    known = all(size.loaded_um is not None for size in sizes)
    largest_is = "loaded" if known else "hydrated, the loaded size is not known"
    require_bead_passes(inner_um, largest, largest_is)
    unloaded = max(size.hydrated_um[1] for size in sizes)
    if unloaded > exact(inner_um, "catheter_inner_um"):
        ledger.say(
            "catheter-unloaded",
            Severity.WARNING,
            f"beads before loading reach {unloaded:g} um, above the catheter's inner diameter of "
            f"{float(inner_um):g} um; only beads that have shrunk pass",
        )
    return Catheter(inner_um=float(inner_um), largest_um=largest, largest_is=largest_is)


@dataclass(frozen=True, slots=True)
class ParticleCatheter:
    """Whether particles of a size may go through a catheter; diameters in um.

    `least_inner` is the label's least inner diameter for the size, None where the label has none.
    """

    compatible: bool
    inner_um: float
    largest_um: float
    least_inner: Sourced | None

    @property
    def least_inner_um(self) -> float | None:
        """The label's least inner diameter in um."""
        return None if self.least_inner is None else quantity(self.least_inner, "um")


def particle_catheter(embolic: Embolic, size: str, inner_um: Number) -> ParticleCatheter:
    """Whether particles of `size`, such as ``500-710``, may go through an inner diameter in um.

    The label's least inner diameter decides where there is one, else the largest particle. Raises
    `InputError` for a size that the product does not have.
    """
    inner = positive(inner_um, "catheter_inner_um")
    if size not in embolic.sizes:
        known = ", ".join(embolic.sizes) or "none with a source"
        raise InputError(f"{embolic.name} has no size {size}; sizes in um: {known}")
    largest = embolic.sizes[size][1]
    label = embolic.facts.find(f"catheter.{size}")
    # An inner diameter given in inches is compared in inches, as it is printed.
    needed = largest if label is None else quantity(label, "um")
    fits = exact(f"{needed:.6g}", "needed") <= inner
    return ParticleCatheter(fits, float(inner), largest, label)
