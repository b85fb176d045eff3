"""How long a transport run goes on: batches of equal size, in rounds, until the errors are small enough.

The error of a mean falls with the root of the number of batches, so each round foresees how many it takes.
Where a run is decided to go on depends on its results only, never on time or threads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from emboplan.dosimetry.voxel.transport_result import StructureMean
from emboplan.errors import ModelRangeError
from emboplan.model.finding import Finding, Severity
from emboplan.units import PERCENT

# Batches of a round: their spread gives a standard error to 9 %.
BATCHES = 64

# Seeds are kept as signed numbers of 64 bits.
LARGEST_SEED = 2**63 - 1

# A run without wishes: the voxels of a treated liver on a 4 mm grid have errors of some per cent.
HISTORIES = 4_000_000

# A batch of a run that goes on as it needs: long against the cost of adding it up, short against the run.
SMALLEST_BATCH = 10_000
# On large grids a batch has one history for so many source voxels, since adding up takes time for each.
SOURCES_PER_HISTORY = 10

# What is foreseen has an error too; so much more than foreseen makes a further round unlikely.
SPARE = 1.1
# A first estimate of the error may be far off: no round makes a run longer than so many times.
GROWTH = 16


@dataclass(frozen=True, slots=True)
class Rounds:
    """Size of a batch, first and greatest number of batches, and the error to reach (None: no wish)."""

    seed: int
    batch: int
    most_batches: int
    relative_error: float | None

    def first_target(self) -> int:
        """Batches of the first round; all of them where there is no wish."""
        return BATCHES if self.relative_error is not None else self.most_batches

    def done_frac(self, done: int, target: int) -> float:
        """Share of the work that is done; 0 in a first round that does not know yet how many follow."""
        unknown = self.relative_error is not None and done < target <= BATCHES
        return 0.0 if unknown else done / target

    def is_reached(self, means: Sequence[StructureMean]) -> bool:
        """Whether every structure has the error asked for."""
        return self.relative_error is None or all(m.relative_error <= self.relative_error for m in means)

    def next_target(self, done: int, means: Sequence[StructureMean]) -> int:
        """Number of batches at which to look again; `done` where the run is over.

        A structure that nothing has reached drives no further round: it lies out of range.
        """
        if self.relative_error is None:
            return done
        worst = max((m.relative_error for m in means if m.mean_gy > 0), default=0.0)
        if worst <= self.relative_error:
            return done
        needed = done * min((worst / self.relative_error) ** 2 * SPARE, GROWTH)
        whole = max(math.ceil(needed / BATCHES), done // BATCHES + 1) * BATCHES
        return min(whole, self.most_batches)


def checked_rounds(
    *,
    relative_error: float | None,
    histories: int | None,
    most_histories: int,
    seed: int,
    structures: int,
    sources: int,
) -> Rounds:
    """The rounds of a run; `ModelRangeError` where the wishes contradict each other or make no sense."""
    if not 0 <= seed <= LARGEST_SEED:
        raise ModelRangeError(f"seed is {seed}; expected 0 to {LARGEST_SEED}")
    if relative_error is None:
        wanted = HISTORIES if histories is None else histories
        if wanted < BATCHES:
            raise ModelRangeError(f"histories is {wanted}; expected at least {BATCHES}")
        return Rounds(seed, math.ceil(wanted / BATCHES), BATCHES, None)
    if histories is not None:
        raise ModelRangeError("histories and relative_error are both given; give the one that decides")
    if not (math.isfinite(relative_error) and 0 < relative_error < 1):
        raise ModelRangeError(f"relative_error is {relative_error}; expected a fraction (1 % is 0.01)")
    if not structures:
        raise ModelRangeError("relative_error needs structures, whose mean doses it is of; name them")
    if most_histories < BATCHES:
        raise ModelRangeError(f"most_histories is {most_histories}; expected at least {BATCHES}")
    batch = min(max(SMALLEST_BATCH, sources // SOURCES_PER_HISTORY), most_histories // BATCHES)
    return Rounds(seed, batch, most_histories // batch // BATCHES * BATCHES, relative_error)


def run_findings(rounds: Rounds, means: Sequence[StructureMean], histories: int) -> tuple[Finding, ...]:
    """What the reader of the result must know: errors that were not reached."""
    found = []
    if rounds.relative_error is not None and not rounds.is_reached(means):
        short = [m for m in means if m.relative_error > rounds.relative_error]
        errors = ", ".join(
            f"{m.name} {m.relative_error * PERCENT:.2g} %" if m.mean_gy > 0 else f"{m.name} (no dose)"
            for m in short
        )
        text = (
            f"After {histories} histories the standard error of the mean dose is still above the "
            f"{rounds.relative_error * PERCENT:.2g} % asked for: {errors}."
        )
        found.append(Finding("transport-error", Severity.WARNING, text))
    return tuple(found)
