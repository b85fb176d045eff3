"""The arms of a trial protocol: what is done to a patient in each, as far as its document says.

Everything that a document does not state is None or empty. Sizes, doses and volumes are pairs (least, most)
of exact numbers; a single number is a pair of twice the same. A closed arm stays in the protocol, so that
asking for it gets a reason instead of silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

Range = tuple[Decimal, Decimal]


class ArmTechnique(StrEnum):
    """What the treatment of an arm is."""

    BLAND = "bland"
    CTACE = "ctace"
    DEB_TACE = "deb-tace"
    TARE = "tare"
    SYSTEMIC = "systemic"


@dataclass(frozen=True, slots=True)
class ArmDrug:
    """A drug of an arm; `dose` is None where the document states none.

    `source` and `status` are the drug's own: a published regimen stands beside a document without doses.
    """

    name: str
    dose: Range | None
    unit: str | None
    given: str | None
    source: str
    status: str


@dataclass(frozen=True, slots=True)
class ArmEmulsion:
    """The drug in its aqueous phase, emulsified with oil; volumes in mL."""

    aqueous: str
    aqueous_ml: Range
    oil: str
    oil_ml: Range


@dataclass(frozen=True, slots=True)
class ArmNote:
    """Something about an arm that a reader must know, with its source."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm: the document's words and the procedure that they describe.

    `sizes_um` are the size ranges of particles or beads to choose from, `stasis_heartbeats` the end point of
    embolization, `repeats` when it is done again, in words. `closed_because` says why a closed arm is closed.
    """

    id: str
    name: str
    text: str
    source: str
    technique: ArmTechnique
    extent: tuple[str, ...] = ()
    product: str | None = None
    sizes_um: tuple[Range, ...] = ()
    drugs: tuple[ArmDrug, ...] = ()
    emulsion: ArmEmulsion | None = None
    loading: str | None = None
    end_point: str | None = None
    stasis_heartbeats: Range | None = None
    repeats: str | None = None
    closed: bool = False
    closed_because: str | None = None
    notes: tuple[ArmNote, ...] = ()
