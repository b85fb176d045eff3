"""Which sourced figures stand behind a row of a sheet, found by the end of their names.

A name is table, product, perhaps a drug, and what it is about; the last decides. A computed row names the
figures that it was computed from, and is to be confirmed where one of them is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from types import MappingProxyType

from emboplan.catalog.status import CONFIRM_NOTE
from emboplan.catalog.tace_tables import source_tier
from emboplan.embolics.ledger import shown
from emboplan.model.products import Sourced, Status
from emboplan.report.sheets.values import Amount, How
from emboplan.report.wording import SPACE
from emboplan.units import UNITS

NAMES_OF_TABLES = ("beads", "drugs", "embolics")
ENTERED_SOURCE = "entered in the case"
TO_CONFIRM_SHORT = "TO CONFIRM"
LABEL_TIER = "A"
# Words that a finding on the sheet says whole: advice, contraindications, what binds and what does not.
SAID_BY_FINDINGS = ("advice", "contraindications", "neutral", "slow_in", "shipping", "loading_time_is")
KEPT = ("storage.without_contrast", "storage.with_contrast")
_IN_UNIT = re.compile(r"\d+\.\d+(?=\s(?:mg|mL|µm|mm)\b)")
# Enough for a quarter of a milligram in a hundred, and no more than a balance or a syringe shows.
AMOUNT_DIGITS = 5
# Figures of the tables of TACE by the words of a reader.
WORDS = MappingProxyType(
    {
        "reduction.us_label.child_pugh_stop": "Child-Pugh class without the drug (US label)",
        "reduction.us_label.edges_mg_per_dl": "Bilirubin steps of the US label",
        "reduction.us_label.remaining": "Shares of the dose that remain (US label)",
        "reduction.eu_smpc.edges_mg_per_dl": "Bilirubin steps of the EU text",
        "reduction.eu_smpc.remaining": "Shares of the dose that remain (EU text)",
        "emulsion.most_stable": "Most stable oil : aqueous",
        "anastomoses": "Size that reaches beyond anastomoses",
        "published_mg": "Published dose in an emulsion",
        "published_mg_per_m2": "Published dose in an emulsion, by surface",
        "trial_cap_mg": "Cap that a trial used",
        "intra_arterial_mg_per_m2": "Label for the hepatic artery without oil",
        "bound_in_vitro": "Bound in vitro, not a dose",
    }
)


def topic(entry: Sourced) -> str:
    """What a figure is about: its name without table, product and drug."""
    parts = entry.name.split(".")
    if parts[0] in NAMES_OF_TABLES:
        parts = parts[2:]
        if parts[0] == "drugs":
            parts = parts[2:]
    else:
        parts = parts[1:]
    return ".".join(parts)


def words(entry: Sourced) -> str:
    """The same as a reader sees it."""
    found = topic(entry)
    for name, known in WORDS.items():
        if found == name or found.endswith(f".{name}"):
            return known
    text = found.replace(".", " ").replace("_", " ")
    return text[:1].upper() + text[1:]


def about(figures: Sequence[Sourced], *topics: str) -> tuple[Sourced, ...]:
    """The figures about these topics; ``loading_times`` also finds that of one size."""
    return tuple(entry for entry in figures if any(_fits(topic(entry), wanted) for wanted in topics))


def _fits(found: str, wanted: str) -> bool:
    return found == wanted or found.startswith(f"{wanted}.") or found.endswith(f".{wanted}")


def cited(entry: Sourced) -> str:
    """The keys of the sources, the place, its note, and whose figure it is where it is not ours."""
    origin = "" if entry.origin == "emboplan" else f" [{entry.origin}]"
    note = f"; {entry.note.rstrip('.')}" if entry.note else ""
    return f"{', '.join(entry.source)}: {entry.place}{origin}{note}"


def how(entries: Sequence[Sourced], *, computed: bool = False) -> How:
    """How a row that rests on these figures is known."""
    unsure = [entry for entry in entries if entry.status is Status.TO_CONFIRM]
    if unsure:
        return How.TO_CONFIRM if any(_on_insert(entry) for entry in unsure) else How.UNSURE
    return How.COMPUTED if computed else How.CONFIRMED


def _on_insert(entry: Sourced) -> bool:
    """Whether a label or a manual may settle a figure; a paper or a decision of the project is none."""
    return any(source_tier(key) == LABEL_TIER for key in entry.source)


def sourced(what: str, value: str, entries: Sequence[Sourced], *, computed: str = "") -> Amount:
    """A row that rests on figures; `computed` says how it follows from them."""
    source = "; ".join(cited(entry) for entry in entries)
    text = f"{computed} ({source})" if computed and source else computed or source
    return Amount(what, value, text, how(entries, computed=bool(computed)), names(entries))


def names(entries: Sequence[Sourced]) -> tuple[str, ...]:
    """What the figures are called in the catalogue."""
    return tuple(entry.name for entry in entries)


def plain_amount(value: float | None, unit: str) -> str:
    """An amount as a pharmacy writes it: no zero after the last digit, always one before the point.

    >>> plain_amount(75.0, "mg").replace(SPACE, " "), plain_amount(0.75, "mL").replace(SPACE, " ")
    ('75 mg', '0.75 mL')
    """
    return "–" if value is None else f"{value:.{AMOUNT_DIGITS}g}{SPACE}{unit}"


def inner_diameter(inner_um: float) -> str:
    """A catheter's inner diameter in micrometres, and in inches as its label has it."""
    inches = inner_um * float(UNITS["um"].factor / UNITS["in"].factor)
    return f"{plain_amount(inner_um, 'µm')} ({inches:.{AMOUNT_DIGITS}g} in)"


def entered(what: str, value: str) -> Amount:
    """A row that the user stated."""
    return Amount(what, value, ENTERED_SOURCE, How.ENTERED)


def blank(what: str, unit: str = "") -> Amount:
    """A row that nobody knows: the pharmacy fills it in, with its source."""
    return Amount(f"{what} ({unit})" if unit else what, None, "", How.OPEN)


def same_digits(text: str) -> str:
    """A sentence with its amounts as the rows have them.

    >>> same_digits("86.3588 mg in 10 mL")
    '86.359 mg in 10 mL'
    """
    return _IN_UNIT.sub(lambda found: f"{float(found.group()):.{AMOUNT_DIGITS}g}", text)


def limits(figures: Sequence[Sourced], used: Collection[str]) -> Iterator[Amount]:
    """Every figure that no row rests on (`used` are those of the rows), each with its source."""
    for entry in figures:
        found = topic(entry)
        said = entry.unit == "text" and found.partition(".")[0] in SAID_BY_FINDINGS
        if said or entry.name in used or any(_fits(found, name) for name in KEPT):
            continue
        yield Amount(words(entry), figure(entry), cited(entry), how([entry]), (entry.name,))


def figure(entry: Sourced) -> str:
    """A value as people read it; a list of more than two is no range."""
    if isinstance(entry.value, tuple) and len(entry.value) > len(("least", "most")):
        unit = "" if entry.unit == "1" else f"{SPACE}{entry.unit}"
        return ", ".join(f"{number:g}" for number in entry.value) + unit
    return shown(entry)


def marked(source: str) -> str:
    """A footnote with its request to confirm in short.

    >>> marked("EMB-C16 (high-risk flags); confirm against the package insert in force")
    'EMB-C16 (high-risk flags); TO CONFIRM'
    """
    return source.replace(CONFIRM_NOTE, TO_CONFIRM_SHORT)
