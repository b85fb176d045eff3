"""What is planned and what is known of the patient, as the safety prompts ask for it.

A fact that is not known is an open item, never a no. Facts bear the names of the catalogue's dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from emboplan.catalog import Catalog
from emboplan.catalog.status import footnote
from emboplan.catalog.tace_tables import TaceNumbers
from emboplan.errors import UnitError
from emboplan.model.arm import ArmTechnique
from emboplan.model.disease import TumourType
from emboplan.model.finding import Finding, Severity
from emboplan.model.patient import LabValue, PatientFacts
from emboplan.model.protocol import LabUnit


@dataclass(frozen=True, slots=True)
class Procedure:
    """A planned treatment in the terms of its prompts; empty words are not known or do not apply.

    `oil` is iodised oil beside a technique that has none, `maa` a simulation with 99mTc-MAA, `device` a
    product of microspheres. `octreotide_plan` and `antibiotic_plan` are the team's own words.
    """

    technique: ArmTechnique
    drug: str = ""
    product: str = ""
    diluent: str = ""
    needle_material: str = ""
    protocol: str = ""
    extent: str = ""
    device: str = ""
    oil: bool = False
    maa: bool = False
    octreotide_plan: str = ""
    antibiotic_plan: str = ""

    @property
    def uses_oil(self) -> bool:
        """Whether iodised oil is given."""
        return self.oil or self.technique is ArmTechnique.CTACE

    @property
    def uses_beads(self) -> bool:
        """Whether drug-eluting beads are given."""
        return self.technique is ArmTechnique.DEB_TACE

    @property
    def embolizes(self) -> bool:
        """Whether an artery is embolized without radiation."""
        return self.technique in (ArmTechnique.BLAND, ArmTechnique.CTACE, ArmTechnique.DEB_TACE)


@dataclass(frozen=True, slots=True)
class Situation:
    """Patient, procedure and tables together: what every rule of the prompts looks at."""

    facts: PatientFacts
    procedure: Procedure
    numbers: TaceNumbers
    book: Catalog = field(repr=False)

    def yes(self, name: str) -> bool | None:
        """A yes-or-no fact; None when it is not known."""
        fact = self.facts.get(name)
        return fact.value if fact is not None and isinstance(fact.value, bool) else None

    def number(self, name: str) -> Fraction | None:
        """A number, exact; None when it is not known."""
        fact = self.facts.get(name)
        return Fraction(fact.value) if fact is not None and isinstance(fact.value, Decimal) else None

    def word(self, name: str) -> str | None:
        """A choice, as it is written; None when it is not known."""
        fact = self.facts.get(name)
        return fact.value if fact is not None and isinstance(fact.value, str) else None

    def lab(self, name: str) -> Fraction | None:
        """A laboratory value in the canonical unit of its fact; None when it is not known."""
        fact = self.facts.get(name)
        if fact is None or not isinstance(fact.value, LabValue):
            return None
        for table in self.book.fact_table()["fact"][name]["units"]:
            times, parts = (Fraction(str(table.get(key, 1))) for key in ("multiply_by", "divide_by"))
            unit = LabUnit(table["symbol"], times / parts, tuple(table.get("also", ())))
            if unit.is_written(fact.value.unit):
                return Fraction(fact.value.value) * unit.factor
        raise UnitError(f'{name}: found the unit "{fact.value.unit}"; expected one that the dictionary lists')

    @property
    def is_net(self) -> bool | None:
        """Whether the tumour is neuroendocrine; None when it is not known."""
        if self.word("nen_type") is not None:
            return True
        kind = self.word("liver_tumour_type")
        return None if kind is None else kind == TumourType.NET

    def prompt(self, name: str, severity: Severity, *, before: str = "", open_item: bool = False) -> Finding:
        """The prompt of that name from the catalogue, with words of this case in front of it."""
        entry = self.numbers.sourced(f"prompt.{name}")
        words = f"Not answered, an open item. {entry.text}" if open_item else entry.text
        ending = "-open" if open_item else ""
        return Finding(
            f"{name.replace('_', '-')}{ending}",
            severity,
            f"{before} {words}".strip(),
            footnote(entry),
        )
