"""The whole way of a plan: making the digital patient and planning it, with time and peak memory of each.

Each command runs in a process of its own, as a user would start it, so that the memory is that of the whole
program. The first plan may compile; the second is the one to compare with the bars. The plan is right or
wrong by `emboplan demo`, which compares it with the truth; here only its speed is looked at.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
BAR_SECONDS = 60.0
BAR_GIB = 4.0
KIB_PER_GIB = 1024.0**2


def run(*arguments: str) -> dict[str, float]:
    """Wall time and peak memory of one `emboplan` command."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "emboplan.cli.main", *arguments, "--quiet"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603  our own command
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"emboplan {' '.join(arguments)} ended with status {process.returncode}")
    # The peak is in KiB on Linux, in bytes on macOS.
    kib = usage.ru_maxrss / (1024.0 if sys.platform == "darwin" else 1.0)
    return {"seconds": time.perf_counter() - start, "peak_gib": kib / KIB_PER_GIB}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phantom", default="net-liver")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        patient, plan = Path(temporary) / "patient", Path(temporary) / "plan"
        case = str(patient / "case.toml")
        results = {
            "make the patient": run("phantom", "make", options.phantom, "-o", str(patient)),
            "plan, first": run("plan", case, "-o", str(plan)),
            "plan, second": run("plan", case, "-o", str(plan), "--force"),
        }
    for name, result in results.items():
        print(f"{name:<20} {result['seconds']:7.1f} s   peak {result['peak_gib']:.2f} GiB")
    print(f"bars for a plan: {BAR_SECONDS:.0f} s, {BAR_GIB:.0f} GiB")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "plan.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
