"""The demo as a new user runs it: the plan of the digital patient must agree with its known truth."""

import json
from pathlib import Path

from tests.cli.running import run


def test_the_plan_of_the_digital_patient_agrees_with_the_truth(tmp_path: Path) -> None:
    done = run("demo", "-o", tmp_path / "demo", "--json")
    result = json.loads(done.out)
    failed = [c["text"] for c in result["comparisons"] if c["passed"] is False]
    assert failed == []
    tested = [c["text"] for c in result["comparisons"] if c["passed"]]
    assert {"liver volume", "tumour burden", "lung shunt"} <= set(tested)
    assert sum(text.startswith("lesion") for text in tested) >= 4
    assert sum("partition" in text for text in tested) == 2
    assert (tmp_path / "demo" / "plan" / "report.html").is_file()
    assert done.status == 0
