"""The ledger of a loading: every sourced figure that is used, and every finding, in the order of their use.

A figure that disagrees with others is used with a finding that names the others, so that a reader sees the
choice. A number that is to be confirmed says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from emboplan.catalog.status import CONFIRM_NOTE, footnote
from emboplan.errors import InputError
from emboplan.model.embolics import Facts
from emboplan.model.finding import Finding, Severity
from emboplan.model.products import Sourced, Status
from emboplan.model.results.loading import OPEN
from emboplan.units import PERCENT

# Lists of these names hold things to choose from; other pairs are ranges.
CHOICES = ("vials", "vial_doses", "dry_beads", "beads")


# Sources that disagree on these are a warning: the bead is loaded or kept by them.
DECISIVE = ("loading_time", "storage.without_contrast")

# Fractions of these names are shown in percent.
SHARES = ("loaded", "loaded_at_least", "loaded_range", "size_change", "size_change_range", "contrast_loss")


def _in_percent(entry: Sourced) -> bool:
    return entry.unit == "1" and any(part in SHARES for part in entry.name.split("."))


def shown(entry: Sourced) -> str:
    """A value with its unit as people read it."""
    numbers = tuple(dict.fromkeys(entry.value)) if isinstance(entry.value, tuple) else (entry.value,)
    if _in_percent(entry):
        return " to ".join(f"{float(n) * PERCENT:g}" for n in numbers) + " %"
    between = ", " if len(numbers) > 2 else " or " if entry.name.rpartition(".")[2] in CHOICES else " to "
    text = between.join(f"{n:g}" if isinstance(n, float) else str(n) for n in numbers)
    return text if entry.unit in ("1", "text") else f"{text} {entry.unit}"


class Ledger:
    """Figures, findings, and the findings that a person must acknowledge."""

    def __init__(self) -> None:
        self._figures: dict[str, Sourced] = {}
        self._findings: dict[str, Finding] = {}
        self._to_acknowledge: list[str] = []

    def use(self, facts: Facts, *names: str) -> Sourced | None:
        """The first of these facts that is known; it is noted as used, with the figures that disagree."""
        entry = facts.find(*names)
        if entry is not None:
            self.note(entry)
            own = next(name for name in names if facts.find(name) is entry)
            self._conflict(facts, own, entry)
        return entry

    def note(self, entry: Sourced) -> None:
        """An entry that is used as it is."""
        self._figures[entry.name] = entry

    def _conflict(self, facts: Facts, name: str, entry: Sourced) -> None:
        # A figure for one size stands beside the figure for all sizes, and disagrees with the same others.
        plain = "loading_time" if name.startswith("loading_times.") else name
        general = facts.find(plain) if plain != name else None
        others = (*((general,) if general is not None else ()), *facts.others(plain))
        others = tuple(o for o in others if (o.value, o.unit) != (entry.value, entry.unit))
        if others:
            listed = "; ".join(_said(other) for other in others)
            chosen = f"{shown(entry)} is used ({entry.place})" if entry.unit != "text" else shown(entry)
            self.say(
                f"conflict-{plain.replace('_', '-').replace('.', '-')}",
                Severity.WARNING if plain in DECISIVE else Severity.INFO,
                f"{facts.label}: {plain.replace('_', ' ').replace('.', ' ')}: {chosen}; "
                f"sources also say {listed}",
                footnote(entry),
            )

    def say(self, key: str, severity: Severity, text: str, source: str = "") -> None:
        """A finding."""
        self._findings[key] = Finding(key, severity, text, source)

    def open_item(self, key: str, text: str) -> None:
        """Something that no source and no user has said."""
        self.say(OPEN + key, Severity.WARNING, text)

    def acknowledge(self, key: str, text: str, source: str) -> None:
        """A warning that a person must acknowledge to go on."""
        self.say(key, Severity.WARNING, f"{text}; acknowledge to go on", source)
        self._to_acknowledge.append(key)

    def finish(self) -> None:
        """One finding that names the figures to confirm."""
        unsure = [e for e in self._figures.values() if e.status is Status.TO_CONFIRM and e.unit != "text"]
        if unsure:
            listed = "; ".join(f"{shown(entry)} ({entry.place})" for entry in unsure)
            keys = ", ".join(dict.fromkeys(key for entry in unsure for key in entry.source))
            self.say("to-confirm", Severity.WARNING, f"{CONFIRM_NOTE}: {listed}", keys)

    @property
    def figures(self) -> tuple[Sourced, ...]:
        """Every sourced figure that was used."""
        return tuple(self._figures.values())

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding."""
        return tuple(self._findings.values())

    def remaining(self, acknowledged: Sequence[str]) -> tuple[str, ...]:
        """The ids still to acknowledge; `InputError` for an id that is none of them."""
        unknown = [key for key in acknowledged if key not in self._to_acknowledge]
        if unknown:
            listed = ", ".join(self._to_acknowledge) or "nothing"
            raise InputError(f'"{unknown[0]}" is nothing to acknowledge here; to acknowledge: {listed}')
        return tuple(dict.fromkeys(key for key in self._to_acknowledge if key not in acknowledged))


def _said(other: Sourced) -> str:
    unverified = ", unverified" if other.status is Status.UNVERIFIED else ""
    return f"{shown(other)} ({'; '.join(other.source)}: {other.place}{unverified})"
