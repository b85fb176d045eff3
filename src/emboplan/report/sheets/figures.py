"""Which sourced figures stand behind a row of a sheet, found by the end of their names.

A name is table, product, perhaps a drug, and what it is about; the last decides. A computed row names the
figures that it was computed from, and is to be confirmed where one of them is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import MappingProxyType

from emboplan.catalog.status import CONFIRM_NOTE
from emboplan.embolics.ledger import shown
from emboplan.model.products import Sourced, Status
from emboplan.report.sheets.values import Amount, How
from emboplan.report.wording import SPACE
from emboplan.units import UNITS

NAMES_OF_TABLES = ("beads", "drugs", "embolics")
ENTERED_SOURCE = "entered in the case"
TO_CONFIRM_SHORT = "TO CONFIRM"
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
    """The keys of the sources, the place, and whose figure it is where it is not ours."""
    origin = "" if entry.origin == "emboplan" else f" [{entry.origin}]"
    return f"{', '.join(entry.source)}: {entry.place}{origin}"


def how(entries: Sequence[Sourced], *, computed: bool = False) -> How:
    """How a row that rests on these figures is known."""
    if any(entry.status is Status.TO_CONFIRM for entry in entries):
        return How.TO_CONFIRM
    return How.COMPUTED if computed else How.CONFIRMED


def sourced(what: str, value: str, entries: Sequence[Sourced], *, computed: str = "") -> Amount:
    """A row that rests on figures; `computed` says how it follows from them."""
    source = "; ".join(cited(entry) for entry in entries)
    text = f"{computed} ({source})" if computed and source else computed or source
    return Amount(what, value, text, how(entries, computed=bool(computed)))


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


def limits(figures: Sequence[Sourced], used: Sequence[str]) -> Iterator[Amount]:
    """Every other figure that a session was held against or rests on, each with its source."""
    for entry in figures:
        said = entry.unit == "text" and "child_pugh" not in entry.name  # steps and notes say these
        if said or any(_fits(topic(entry), name) for name in used):
            continue
        known = How.TO_CONFIRM if entry.status is Status.TO_CONFIRM else How.CONFIRMED
        yield Amount(words(entry), _figure(entry), cited(entry), known)


def _figure(entry: Sourced) -> str:
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
