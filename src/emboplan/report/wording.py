"""How numbers and names read on the page: three significant digits, always with a unit; fractions as percent.

A value that exceeds its limit must not read as if it met it: `apart` gives it the digits to show that.
"""

from __future__ import annotations

import math
import re

from emboplan.units import PERCENT

SIGNIFICANT_DIGITS = 3
EXACT_DIGITS = 10  # for numbers that were set, which are printed as they were set
SMALLEST_POWER = -4  # smaller numbers are hard to count the zeros of
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"
ABSENT = "not computed"

TO_CONFIRM = "confirm against the package insert in force"
_STATUS = {
    "confirmed": "",
    "to-confirm": TO_CONFIRM,
    "to_confirm": TO_CONFIRM,
    "unverified": "not verified; entered by the user",
}

_NAMES = {
    "partition": "Partition model",
    "single": "Single compartment",
    "tumour": "Tumour",
    "perfused_normal": "Perfused normal liver",
    "whole_normal": "Whole normal liver",
    "perfused": "Perfused volume",
    "lung": "Lungs",
    "lung_activity": "Activity in the lungs",
    "lung_shunt": "Lung shunt fraction",
    "ct": "CT",
    "maa": "MAA scan",
    "lung_session": "Lungs, one session",
    "lung_cumulative": "Lungs, all treatments",
    "therasphere_lung_activity": "TheraSphere: activity in the lungs",
    "sir_spheres_lung_shunt": "SIR-Spheres: lung shunt",
    "glass_whole_normal_high_bilirubin": "Whole normal liver, glass, bilirubin high or not known",
    "glass_whole_normal_low_bilirubin": "Whole normal liver, glass, bilirubin low",
    "local": "local deposition",
    "planar-gm": "Planar, geometric mean",
    "anterior": "Planar, anterior view only",
    "spect-ct": "SPECT/CT",
    "entered": "Entered by the user",
    "builtin": "built-in segmentation",
    "given": "given masks",
    "builtin+given": "partly given masks, partly built-in segmentation",
    "tare": "Radioembolization (TARE)",
    "pre_treatment": "before treatment",
    "screening": "screening",
}


def number(value: float, digits: int = SIGNIFICANT_DIGITS) -> str:
    """A number with significant digits; very small ones with a power of ten.

    >>> number(1417.5), number(2.3), number(0.04567), number(0)
    ('1420', '2.30', '0.0457', '0')
    """
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    rounded = round(value, digits - 1 - magnitude)
    if rounded == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(rounded)))
    if magnitude < SMALLEST_POWER:
        return _power(rounded, f".{digits - 1}e")
    text = f"{rounded:.{max(0, digits - 1 - magnitude)}f}"
    return text.replace("-", MINUS)


def exact(value: float) -> str:
    """A number as it was set.

    >>> exact(64.1), exact(1000.0)
    ('64.1', '1000')
    """
    text = f"{value:.{EXACT_DIGITS}g}"
    return _power(value, f".{EXACT_DIGITS}g") if "e" in text else text.replace("-", MINUS)


def _power(value: float, form: str) -> str:
    """A number with a power of ten, as printed and not as programmed."""
    mantissa, _, power = f"{value:{form}}".partition("e")
    raised = str(int(power)).translate(SUPERSCRIPTS)
    shown = f"10{raised}" if mantissa == "1" else f"{mantissa}{SPACE}×{SPACE}10{raised}"
    return shown.replace("-", MINUS)


def quantity(value: float | None, unit: str, digits: int = SIGNIFICANT_DIGITS) -> str:
    """A number with its unit, or that there is none."""
    return ABSENT if value is None else f"{number(value, digits)}{SPACE}{unit}"


def percent(fraction: float | None, digits: int = SIGNIFICANT_DIGITS) -> str:
    """A fraction as percent."""
    return ABSENT if fraction is None else quantity(PERCENT * fraction, "%", digits)


def interval(low: float, high: float, unit: str) -> str:
    """Two bounds with their unit."""
    return f"{number(low)} to {number(high)}{SPACE}{unit}"


def apart(value: float, limit: float) -> tuple[str, str]:
    """A value beside a limit: the limit as it was set, the value with enough digits to lie on its true side.

    >>> apart(30.04, 30.0), apart(5.72, 30.0), apart(0.6104, 0.61)
    (('30.04', '30'), ('5.72', '30'), ('0.6104', '0.61'))
    """
    for digits in range(SIGNIFICANT_DIGITS, EXACT_DIGITS):
        rounded = float(f"{value:.{digits}g}")
        if value == limit or (rounded != limit and (rounded > limit) == (value > limit)):
            return (number(value, digits), exact(limit))
    return (exact(value), exact(limit))


def in_unit(value: float, unit: str) -> tuple[float, str]:
    """A value and its unit as shown: the unit ``1`` becomes percent."""
    return (PERCENT * value, "%") if unit == "1" else (value, unit)


def name(identifier: str) -> str:
    """The words for an identifier; unknown ones are shown with spaces."""
    known = _NAMES.get(identifier)
    if known:
        return known
    words = re.sub(r"_frac\b", "_fraction", identifier).replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def spaced(text: str) -> str:
    """A text with the names of facts in it, as words.

    >>> spaced("prior_prrt not known")
    'prior prrt not known'
    """
    return text.replace("_", " ")


def cited(source: str, status: str = "", method: str = "") -> str:
    """A source footnote: who says so, what the number was derived with, and what to confirm."""
    parts = [source.strip() or "no source given"]
    if method:
        parts.append(f"derived with: {method}")
    note = _STATUS.get(status, status)
    if note:
        parts.append(note)
    return "; ".join(parts)


def count(items: int, singular: str, plural: str = "") -> str:
    """A number of things.

    >>> count(1, "lesion"), count(3, "lesion")
    ('1 lesion', '3 lesions')
    """
    return f"{items} {singular if items == 1 else plural or singular + 's'}"
