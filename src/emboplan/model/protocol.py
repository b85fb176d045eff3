"""What a trial protocol is: criteria over named facts, each with its words, its source and its rule.

A rule is a small tree: comparisons and answers at the leaves, "all", "any", "not" and "if ... then" above
them. The definitions of the facts are here too, since a leaf carries the definition of the fact that it asks
for: the unit it is stored in and the exact factors from the units that laboratories report. Numbers are exact
(`Decimal` as written, `Fraction` for factors), so that a limit compares as written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from emboplan.model.arm import Arm

SPELLINGS = str.maketrans({"µ": "u", "μ": "u", "×": "x", "³": "^3", "⁹": "^9", " ": None})


def plain_unit(symbol: str) -> str:
    """A unit as compared: any micro sign is u, superscripts are carets, no spaces, small letters."""
    return symbol.translate(SPELLINGS).casefold()


class FactKind(StrEnum):
    """What kind of answer a fact has."""

    BOOLEAN = "boolean"
    CHOICE = "choice"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    LAB = "lab"


@dataclass(frozen=True, slots=True)
class LabUnit:
    """A unit that laboratories report, and the exact factor from it to the canonical unit of the fact.

    `per_upper_limit` marks units in which the value means something only as a multiple of the laboratory's
    own upper limit of normal, given in the same unit.
    """

    symbol: str
    factor: Fraction
    also: tuple[str, ...] = ()
    per_upper_limit: bool = False

    def is_written(self, text: str) -> bool:
        """Whether `text` is this unit in one of its spellings."""
        return plain_unit(text) in {plain_unit(symbol) for symbol in (self.symbol, *self.also)}


class Change(StrEnum):
    """How a known answer may come to be another one before the patient enters.

    FIXED: it stays as it is (histology, age, history). REPEAT: a value that may be measured again. WAIT: a
    date that may be put off. TREAT: a condition that treatment or time may mend. DECIDE: a decision that a
    person takes, such as consent.
    """

    FIXED = "fixed"
    REPEAT = "repeat"
    WAIT = "wait"
    TREAT = "treat"
    DECIDE = "decide"


@dataclass(frozen=True, slots=True)
class FactDefinition:
    """A fact that protocols may ask for: its name, kind, canonical unit, meaning and possible range.

    `minimum` and `maximum` are what the quantity allows; `plausible` (least, most, in the canonical unit) is
    what a patient may have, so that a slip of the unit is asked about. `share` names the two facts (part,
    whole) that a percentage may be given by, `completed` the two dates (of birth, of entry) between which
    years are completed. A date of a treatment is `given_by` the yes-or-no fact that the
    treatment was given, and lies `not_after` another date; a date lies `earliest` then, and at most
    `days_ahead` of today.
    """

    name: str
    kind: FactKind
    meaning: str
    unit: str | None = None
    choices: tuple[str, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    lab_units: tuple[LabUnit, ...] = ()
    share: tuple[str, str] | None = None
    completed: tuple[str, str] | None = None
    given_by: str | None = None
    not_after: str | None = None
    plausible: tuple[Decimal, Decimal] | None = None
    earliest: date | None = None
    days_ahead: int = 0
    change: Change = Change.FIXED

    def lab_unit(self, text: str) -> LabUnit | None:
        """The unit that `text` spells, or None when it is none of this fact's."""
        return next((unit for unit in self.lab_units if unit.is_written(text)), None)


FactDefinitions = Mapping[str, FactDefinition]


class Stage(StrEnum):
    """When a patient is judged: before simulation angiography, or after it."""

    SCREENING = "screening"
    PRE_TREATMENT = "pre_treatment"


class Operator(StrEnum):
    """How a number is compared with its limit."""

    LESS = "<"
    AT_MOST = "<="
    EQUAL = "=="
    AT_LEAST = ">="
    MORE = ">"


@dataclass(frozen=True, slots=True)
class Is:
    """The fact has one of the accepted answers."""

    fact: FactDefinition
    accepted: tuple[bool | str | Decimal, ...]


@dataclass(frozen=True, slots=True)
class Compares:
    """The number stands in this relation to the limit; `preferred` goes before `fact` where it is known."""

    fact: FactDefinition
    operator: Operator
    limit: Decimal
    unit: str | None = None
    preferred: FactDefinition | None = None


@dataclass(frozen=True, slots=True)
class Washout:
    """A treatment was never given, or ended so many days or calendar months before entry."""

    given: FactDefinition
    last: FactDefinition
    entry: FactDefinition
    days: int = 0
    months: int = 0


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Rule


@dataclass(frozen=True, slots=True)
class IfThen:
    """The consequence holds wherever the condition does; its facts are asked for only then."""

    condition: Rule
    consequence: Rule


@dataclass(frozen=True, slots=True)
class Always:
    """Holds for every patient: a sentence of the document that admits, and limits nothing."""


Rule = Is | Compares | Washout | AllOf | AnyOf | Not | IfThen | Always


class CriterionKind(StrEnum):
    """What a criterion does.

    Permissive criteria admit and always pass. Advisories and processes are no criteria of the verdict: they
    raise a flag unless their rule holds.
    """

    INCLUSION = "inclusion"
    EXCLUSION = "exclusion"
    PERMISSIVE = "permissive"
    ADVISORY = "advisory"
    PROCESS = "process"


@dataclass(frozen=True, slots=True)
class FlagRule:
    """A remark that the verdict carries where the rule holds, unless reasons are written beside that fact."""

    id: str
    when: Rule
    text: str
    unless_reason: FactDefinition | None = None


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion: the document's words, where they stand, and the rule under which a patient passes.

    `pass_when` is already negated for exclusions. `corrected` names the fact that holds the value after the
    correction which the document allows. `deferred_at` names the stage at which the criterion is not yet
    judged. `judgement` names the facts that a named person must answer; `waits_out` marks a failure that time
    or treatment mends.
    """

    id: str
    kind: CriterionKind
    text: str
    source: str
    pass_when: Rule
    corrected: FactDefinition | None = None
    deferred_at: Stage | None = None
    judgement: tuple[str, ...] = ()
    waits_out: bool = False
    note: str | None = None
    flags: tuple[FlagRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Variant:
    """A published version of a protocol that differs from its document in named parameters."""

    name: str
    title: str
    source: str
    status: str


@dataclass(frozen=True, slots=True)
class Protocol:
    """A trial protocol, or a site's own set of criteria.

    `source_complete` is false where the document does not state all criteria of the trial: its verdict then
    means "as far as stated". `variant` is the published version that was asked for, None for the document
    itself; `variants` names those that there are.
    """

    name: str
    command: str
    title: str
    version: str
    source: str
    status: str
    source_complete: bool
    criteria: tuple[Criterion, ...]
    registry: str | None = None
    flags: tuple[FlagRule, ...] = ()
    arms: tuple[Arm, ...] = ()
    variant: Variant | None = None
    variants: tuple[str, ...] = ()
