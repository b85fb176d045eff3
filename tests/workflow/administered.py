"""A day of treatment: case files with readings, and a plan to hold them against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# Every key that an administration takes.
FULL_ADMINISTRATION = """
[[administration]]
territory = "right lobe"
device = "sir-spheres"
injection_time = 2026-12-03T10:30:00-05:00
before = { value = "82 uSv/h", time = 2026-12-03T10:00:00-05:00, background = "2 uSv/h", instrument = "A" }
after = { value = "4 uSv/h", time = 2026-12-03T11:00:00-05:00, background = "2 uSv/h", geometry = "jar" }
label = { activity = "3 GBq", calibration_time = 2026-12-03T18:00:00-05:00 }
assay = { value = "3.1 GBq", time = 2026-12-03T09:00:00-05:00 }
draw_before = { value = "3.1 GBq", time = 2026-12-03T09:00:00-05:00 }
draw_after = { value = "27 mCi", time = 2026-12-03T09:10:00-05:00 }
image_total = { value = "2 GBq", time = 2026-12-04T10:30:00-05:00 }
stasis = true
spheres = 30e6
pet_scanner_nuclide = "F-18"
pet_lungs_in_field = false
"""

# The worked example DER-RESID: 2.95 GBq read 2.2 h before the injection, 0.039 GBq left at it.
READINGS = """
before = { value = "2.95 GBq", time = 2026-12-03T08:18:00-05:00, instrument = "A", geometry = "jar" }
after = { value = "0.039 GBq", time = 2026-12-03T10:30:00-05:00, instrument = "A", geometry = "jar" }
"""
DELIVERED_GBQ = 2.8416484


def case_text(
    *,
    administered: str | None = "2.8 GBq",
    readings: str = READINGS,
    more: str = "stasis = false",
    shunt: float | None = 0.05,
    rest: str = "",
) -> str:
    """A case of entered volumes with one territory and its administration."""
    prescribed = "" if administered is None else f'administered = "{administered}"'
    lungs = "" if shunt is None else f"lung_shunt_frac = {shunt}"
    return f"""
[patient]
id = "NET-001"

[volumes]
liver = "1500 mL"

[procedure]
device = "therasphere"

[[territory]]
name = "right lobe"
volume = "900 mL"
lesion_volumes = {{ 1 = "60 mL" }}
tumour_to_normal = 4
{lungs}
{prescribed}

[[administration]]
injection_time = 2026-12-03T10:30:00-05:00
{readings}
{more}
{rest}
"""


def plan_content(**changes: Any) -> dict[str, Any]:
    """The parts of a plan.json that count after treatment: 2.5 GBq, 200 Gy to the tumour."""
    doses = {
        "tumour": 200.0,
        "perfused_normal": 50.0,
        "whole_normal": 30.0,
        "perfused": 60.0,
        "lung": 6.0,
        "lesions": {"1": 200.0},
    }
    result = {
        "model": "partition",
        "territory": "right lobe",
        "administered_gbq": 2.5,
        "doses_gy": doses,
        "limits": [
            {"name": "lung_session", "quantity": "lung", "limit_gy": 30.0},
            {"name": "label", "quantity": "lung_activity", "limit_gbq": 0.61},
        ],
    }
    other = {**result, "model": "single", "administered_gbq": 1.0}
    content = {
        "emboplan_version": "0",
        "patient": {"id": "NET-001"},
        "shunt": {"lung_shunt_frac": 0.08},
        "activity": {"models": [result, other], "chosen": result},
    }
    return {**content, **changes}


def write_plan(folder: Path, content: object) -> Path:
    """A folder with this plan.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(json.dumps(content), encoding="utf-8")
    return folder
