"""The verdicts of many patients: for each protocol one row for each patient, and a matrix of its criteria."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emboplan.model.results.eligibility import CriterionStatus, Verdict

STATUSES = tuple(CriterionStatus)
"""The statuses of a criterion in the order in which the matrix counts them."""

VERDICT_HEADER = (
    *("patient", "protocol", "source_complete", "stage", "verdict"),
    *("failed", "missing", "correctable", "deferred", "flags"),
)


@dataclass(frozen=True, slots=True)
class PatientVerdict:
    """One patient against one protocol; the fields are those of `Eligibility`, flags by their ids."""

    stage: str
    verdict: Verdict
    failed: tuple[str, ...]
    missing: tuple[str, ...]
    correctable: tuple[str, ...]
    deferred: tuple[str, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ProtocolScreening:
    """All patients against one protocol, in the order of the table.

    `statuses` has one row for each patient and one column for each of `criteria`; a cell is a place in
    `STATUSES`.
    """

    protocol: str
    source_complete: bool
    criteria: tuple[str, ...]
    statuses: NDArray[np.uint8]
    verdicts: tuple[PatientVerdict, ...]

    def __post_init__(self) -> None:
        """Keep the matrix from being written to."""
        self.statuses.flags.writeable = False

    def counts(self) -> dict[Verdict, int]:
        """How many patients have each verdict."""
        said = [row.verdict for row in self.verdicts]
        return {verdict: said.count(verdict) for verdict in Verdict}


@dataclass(frozen=True, slots=True, eq=False)
class Screening:
    """Many patients against one or more protocols."""

    patients: tuple[str, ...]
    protocols: tuple[ProtocolScreening, ...]

    def verdict_rows(self) -> Iterator[tuple[str, ...]]:
        """The table of verdicts, `VERDICT_HEADER` first; lists are joined by spaces."""
        yield VERDICT_HEADER
        for number, patient in enumerate(self.patients):
            for it in self.protocols:
                row = it.verdicts[number]
                lists = (row.failed, row.missing, row.correctable, row.deferred, row.flags)
                complete = "true" if it.source_complete else "false"
                yield (patient, it.protocol, complete, row.stage, row.verdict.value, *map(" ".join, lists))

    def criteria_rows(self) -> Iterator[tuple[str, ...]]:
        """The matrix of criteria, its header first: a row for each patient, a column for each criterion."""
        yield ("patient", *(name for it in self.protocols for name in it.criteria))
        words = np.array([status.value for status in STATUSES])
        columns = [words[it.statuses] for it in self.protocols]
        for number, patient in enumerate(self.patients):
            yield (patient, *(str(word) for column in columns for word in column[number]))

    def to_json(self) -> dict[str, Any]:
        """The JSON fields: for each patient the verdict and the criteria of each protocol."""
        words = [status.value for status in STATUSES]
        return {
            "patients": [
                {
                    "patient": patient,
                    "results": {
                        it.protocol: {
                            "source_complete": it.source_complete,
                            "stage": it.verdicts[number].stage,
                            "verdict": it.verdicts[number].verdict.value,
                            "failed": list(it.verdicts[number].failed),
                            "missing": list(it.verdicts[number].missing),
                            "correctable": list(it.verdicts[number].correctable),
                            "deferred": list(it.verdicts[number].deferred),
                            "flags": list(it.verdicts[number].flags),
                            "criteria": {
                                name: words[code]
                                for name, code in zip(it.criteria, it.statuses[number].tolist(), strict=True)
                            },
                        }
                        for it in self.protocols
                    },
                }
                for number, patient in enumerate(self.patients)
            ]
        }
