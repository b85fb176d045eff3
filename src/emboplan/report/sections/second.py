"""The second calculation: every number of the plan beside the same by another formula and other code."""

from __future__ import annotations

from emboplan.model.results.prescription import SecondCheck, SecondValue
from emboplan.report.document import Block, Bullets, Cell, Paragraph, Section, Table, Tone
from emboplan.report.wording import count, difference, exact, name, number, percent
from emboplan.units import PERCENT

LESION = "lesion "
BOUNDED = ("Gy", "GBq")  # the tolerance is that of doses and activities
MOST_LESIONS = 12  # a page holds the table then; beyond, the lesion that differs most stands for all
DIGITS = 5  # one more than shows a difference of the tolerance


def second_check(check: SecondCheck) -> Section:
    """The verdict, what it found, and the table."""
    word, tone = ("PASSED", Tone.PLAIN) if check.passed else ("FAILED", Tone.ALARM)
    verdict = (
        f"{word}: the largest difference is {difference(check.relative_difference)} "
        f"(tolerance {exact(PERCENT * check.tolerance)} %), of {count(len(check.values), 'number')} compared."
    )
    found = tuple(finding.text for finding in check.findings)
    blocks: list[Block] = [
        Bullets(verdict, found, tone),
        Paragraph(
            "An independent path: other formulas and other code start again from volumes, densities, "
            "half-life and mean energy. It shares no formula with the plan, but it has the same inputs. The "
            "largest difference is that of doses and activities; energy and the dose coefficient have bounds "
            "of their own."
        ),
    ]
    if check.values:
        blocks.append(_table(check))
    return Section("second-check", "Second calculation", tuple(blocks))


def _table(check: SecondCheck) -> Table:
    lesions = [value for value in check.values if value.name.startswith(LESION)]
    shown = list(check.values)
    if len(lesions) > MOST_LESIONS:
        worst = max(lesions, key=lambda value: value.relative_difference)
        shown = [value for value in check.values if value is worst or not value.name.startswith(LESION)]
    rest = len(check.values) - len(shown)
    more = f"; {count(rest, 'lesion')} that differ less are in plan.json" if rest else ""
    header = ("Number", "Territory", "Unit", "Plan", "Second calculation", "Difference")
    return Table(
        f"Numbers compared{more}",
        tuple(Cell(text, numeric=place > 2) for place, text in enumerate(header)),
        tuple(_row(value, check.tolerance) for value in shown),
    )


def _row(value: SecondValue, tolerance: float) -> tuple[Cell, ...]:
    over = value.unit in BOUNDED and value.relative_difference > tolerance
    return (
        Cell(name(value.name)),
        Cell(value.territory),
        Cell(value.unit),
        Cell(number(value.planned, DIGITS), numeric=True),
        Cell(number(value.recomputed, DIGITS), numeric=True),
        Cell(difference(value.relative_difference), numeric=True, tone=Tone.ALARM if over else Tone.PLAIN),
    )


def short_verdict(check: SecondCheck) -> str:
    """The verdict in a few words, for the summary."""
    word = "passed" if check.passed else "FAILED"
    return f"{word}, largest difference {difference(check.relative_difference)}"


def failure(check: SecondCheck) -> str:
    """A failed second calculation in one sentence."""
    return (
        f"The second calculation differs by {percent(check.relative_difference)} from the plan; the "
        f"tolerance is {exact(PERCENT * check.tolerance)} %."
    )
