"""The result of `emboplan shunt`: its folder, and the same in a few lines of text.

    shunt.json   the result
    views.png    the views with the regions that were counted

The folder appears whole or not at all; an earlier result is replaced only when asked to.
"""

from __future__ import annotations

import json
from pathlib import Path

from emboplan.files.atomic import atomic_folder
from emboplan.model.results.shunt import LungDoseScale, LungShunt, ShuntEstimate
from emboplan.report.own_folder import require_own_folder
from emboplan.report.wording import SPACE, interval, name, percent, quantity
from emboplan.units import PERCENT
from emboplan.workflow.shunting.shunt import MeasuredLungShunt

SHUNT_JSON = "shunt.json"
OURS = (SHUNT_JSON, "views.png")
MASS_WORDS = {"default": "default mass", "ct": "mass from CT density", "entered": "mass as entered"}


def check_writable(folder: Path, *, force: bool) -> None:
    """Raise `OutputError` when a result could not be written; to be asked before the long work."""
    require_own_folder(folder, SHUNT_JSON, OURS, force=force)


def write_shunt_folder(measured: MeasuredLungShunt, folder: Path, *, force: bool) -> Path:
    """Write the result and its picture.

    Raises:
        OutputError: the folder exists, or cannot be written; what was there is untouched.
    """
    from emboplan.report.shunt_figure import draw_shunt

    check_writable(folder, force=force)
    with atomic_folder(folder, SHUNT_JSON, force=force) as work:
        text = json.dumps(measured.shunt.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
        (work / SHUNT_JSON).write_text(text + "\n", encoding="utf-8")
        picture = draw_shunt(measured)
        if picture is not None:
            (work / picture.name).write_bytes(picture.content)
    return folder


def shunt_lines(shunt: LungShunt) -> list[str]:
    """The shunt by each method with its bias, the lung dose on each scale, and what was noticed."""
    lines = [f"lung shunt  {_fraction(shunt.estimate)}, {name(shunt.estimate.method.value)}"]
    lines.append(f"  {shunt.estimate.known_bias}")
    for other in shunt.other_methods:
        lines += [f"beside it   {_fraction(other)}, {name(other.method.value)}", f"  {other.known_bias}"]
    lines.append("lung dose per GBq administered, each on its own scale:")
    lines += [f"  {_scale(scale)}" for scale in shunt.scales]
    said = dict.fromkeys(
        (finding.severity.value, finding.text)
        for one in (shunt.estimate, *shunt.other_methods)
        for finding in one.findings
    )
    lines += [f"{weight}: {text}" for weight, text in said]
    return [line.replace(SPACE, " ") for line in lines]


def _fraction(estimate: ShuntEstimate) -> str:
    text = percent(estimate.lung_shunt_frac)
    if estimate.interval is not None:
        low, high = (PERCENT * bound for bound in estimate.interval)
        text += f" ({interval(low, high, '%')})"
    if estimate.uncorrected_frac is not None and estimate.uncorrected_frac != estimate.lung_shunt_frac:
        text += f", uncorrected {percent(estimate.uncorrected_frac)}"
    return text


def _scale(scale: LungDoseScale) -> str:
    limits = ", ".join(limit.replace("_", " ") for limit in scale.comparable_with)
    source = MASS_WORDS.get(scale.lung_mass_source, scale.lung_mass_source)
    mass = f"{quantity(scale.lung_mass_g, 'g')} ({source})"
    held = f"limits of this scale: {limits}" if limits else "no limit of the catalogue is on this scale"
    dose = quantity(scale.lung_dose_per_gbq_gy, "Gy")
    return f"{dose}  {name(scale.method.value)}, {mass}; {held}"
