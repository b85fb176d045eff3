"""The record: what the plan was told, from which inputs, with which software, and all sources."""

from __future__ import annotations

from emboplan.model.plan import Plan
from emboplan.report.document import Block, Bullets, Cell, Footnotes, Paragraph, Section, Table, Tone
from emboplan.report.sections.plan_words import limited
from emboplan.report.wording import apart, cited, exact, name
from emboplan.units import PERCENT

LIMIT = "limit "
DIGEST_DIGITS = 12  # enough to tell inputs apart by eye; plan.json has all 64


def checks(plan: Plan) -> Section | None:
    """The plan's checks of itself."""
    if not plan.checks:
        return None
    rows = []
    for check in plan.checks:
        value, limit = apart(check.value, check.limit)
        result = Cell("passed", tone=Tone.GOOD) if check.passed else Cell("FAILED", tone=Tone.ALARM)
        rows.append(
            (Cell(check.id), Cell(check.text), Cell(value, numeric=True), Cell(limit, numeric=True), result)
        )
    header = (
        Cell("Check"),
        Cell("What is compared"),
        Cell("Value", numeric=True),
        Cell("Limit", numeric=True),
    )
    table = Table("Computed checks", (*header, Cell("Result")), tuple(rows))
    return Section("checks", "Checks of the plan by itself", (table,))


def record(plan: Plan) -> Section:
    """Settings, used numbers, inputs and versions."""
    blocks: list[Block] = []
    if plan.settings.numbers:
        blocks.append(_numbers(plan))
    if plan.inputs:
        blocks.append(_inputs(plan))
    software = {"emboplan": plan.emboplan_version, **plan.settings.software}
    versions = ", ".join(f"{program} {version}" for program, version in software.items())
    blocks.append(
        Paragraph(
            f"Models: {', '.join(name(m) for m in plan.settings.models) or 'none'}. Catalogue "
            f"{plan.catalogue_digest[:DIGEST_DIGITS]}. Software: {versions}. The full digests and every "
            "intermediate result are in plan.json."
        )
    )
    return Section("record", "Settings and provenance", tuple(blocks), new_page=True)


def _numbers(plan: Plan) -> Table:
    notes = Footnotes()
    rows = []
    for used in plan.settings.numbers:
        fraction = used.unit == "1" and used.name.endswith("_frac")
        value, unit = (
            (PERCENT * used.value, "%") if fraction else (used.value, "" if used.unit == "1" else used.unit)
        )
        mark = notes.number(cited(used.source, used.status))
        rows.append(
            (Cell(_words(used.name), mark), Cell(exact(value), numeric=True), Cell(unit), Cell(used.status))
        )
    return Table(
        "Numbers that the plan used",
        (Cell("Quantity"), Cell("Value", numeric=True), Cell("Unit"), Cell("Status")),
        tuple(rows),
        notes.texts,
    )


def _words(used: str) -> str:
    """A number's name; a limit's is its identifier with spaces, which has words of its own."""
    identifier = used.removeprefix(LIMIT)
    return name(used) if identifier == used else f"Limit on {limited(identifier.replace(' ', '_'))}"


def _inputs(plan: Plan) -> Table:
    return Table(
        "Inputs",
        (Cell("Role"), Cell("Name"), Cell("Files", numeric=True), Cell("SHA-256 (start)")),
        tuple(
            (
                Cell(name(given.role)),
                Cell(given.name),
                Cell(str(given.files), numeric=True),
                Cell(given.sha256[:DIGEST_DIGITS]),
            )
            for given in plan.inputs
        ),
    )


def sources(plan: Plan) -> Section | None:
    """What each source that the plan names stands for, and the documents of the protocol."""
    lines = [f"{key}: {full}" for key, full in plan.settings.sources.items()]
    if plan.eligibility is not None:
        documents = sorted({c.source.partition(",")[0] for c in plan.eligibility.criteria})
        lines += [f"{plan.eligibility.protocol}: {document}" for document in documents]
    if not lines:
        return None
    return Section("sources", "Sources", (Bullets("What the footnotes refer to:", tuple(lines)),))
