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
SURE_FRAC = 1e-3  # 10,000 draws tell no rarer event, and no tail of a normal distribution holds so far out
NO_DIFFERENCE_FRAC = 1e-5  # differences of rounding between two ways of computing the same
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"
ABSENT = "not computed"

CONFIRMED = "confirmed"
TO_CONFIRM = "confirm against the package insert in force"
_STATUS = {
    CONFIRMED: "",
    "to-confirm": TO_CONFIRM,
    "to_confirm": TO_CONFIRM,
    "unverified": "not verified; entered by the user",
}

_NAMES = {
    "partition": "Partition model",
    "multi": "Multi-compartment",
    "single": "Single compartment",
    "bsa": "Body surface (BSA)",
    "empiric": "Empiric",
    "artery-specific": "Artery-specific (Kao)",
    "voxel": "Voxel dose map",
    "therasphere": "TheraSphere",
    "sir-spheres": "SIR-Spheres",
    "quiremspheres": "QuiremSpheres",
    "goal": "The dose goal",
    "vial": "The vials that exist",
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
    "therasphere_lung_warning": "TheraSphere: lungs, warning of the label",
    "sir_spheres_lung_dose": "SIR-Spheres: lungs",
    "glass_whole_normal_high_bilirubin": "Whole normal liver, glass, bilirubin high or not known",
    "glass_whole_normal_low_bilirubin": "Whole normal liver, glass, bilirubin low",
    "glass_whole_normal_hcc": "Whole normal liver, glass, HCC",
    "glass_whole_normal_icc_mcrc": "Whole normal liver, glass, ICC and mCRC",
    "glass_perfused_normal_low_reserve": "Perfused normal liver, glass, low reserve",
    "resin_perfused_normal_unilobar": "Perfused normal liver, resin, unilobar",
    "resin_perfused_normal_bilobar": "Perfused normal liver, resin, bilobar",
    "resin_perfused_normal_bilobar_compromised": "Perfused normal liver, resin, bilobar, compromised",
    "holmium_whole_normal": "Whole normal liver, holmium",
    "holmium_whole_normal_bilobar": "Whole normal liver, holmium, bilobar",
    "administered": "Administered activity",
    "local": "local deposition",
    "auto": "convolution and transport",
    "voxel-s": "voxel S values",
    "voxel-s-density": "voxel S values over density",
    "transport": "electron transport",
    "planar-gm": "Planar, geometric mean",
    "anterior": "Planar, anterior view only",
    "spect-ct": "SPECT/CT",
    "entered": "Entered by the user",
    "builtin": "built-in segmentation",
    "given": "given masks",
    "builtin+given": "partly given masks, partly built-in segmentation",
    "totalsegmentator": "TotalSegmentator",
    "builtin+totalsegmentator": "TotalSegmentator and built-in segmentation",
    "given+totalsegmentator": "partly given masks, partly TotalSegmentator",
    "tare": "Radioembolization (TARE)",
    "deb-tace": "Embolization with drug-eluting beads (DEB-TACE)",
    "ctace": "Conventional chemoembolization (cTACE)",
    "bland": "Bland embolization",
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


def mid(text: str) -> str:
    """A text as it reads inside a sentence: its first letter small, unless it is a name or an abbreviation.

    >>> mid("Whole normal liver"), mid("TheraSphere: lungs"), mid("CT")
    ('whole normal liver', 'TheraSphere: lungs', 'CT')
    """
    first = text.partition(" ")[0]
    return text if any(letter.isupper() for letter in first[1:]) else text[:1].lower() + text[1:]


def chance(probability: float | None) -> str:
    """A probability in percent; near 0 and 1 only its bound, beyond which no interval is known.

    >>> chance(0.0321).replace(SPACE, " "), chance(1e-9).replace(SPACE, " ")
    ('3.2 %', 'below 0.1 %')
    """
    if probability is None:
        return ABSENT
    if probability < SURE_FRAC:
        return f"below {exact(PERCENT * SURE_FRAC)}{SPACE}%"
    if probability > 1 - SURE_FRAC:
        return f"above {exact(PERCENT * (1 - SURE_FRAC))}{SPACE}%"
    return percent(probability, 2 if probability < 1 - 10 * SURE_FRAC else SIGNIFICANT_DIGITS)


def difference(relative: float) -> str:
    """A relative difference in percent; below a hundredth of a permille only that.

    >>> difference(0.0012).replace(SPACE, " "), difference(1e-15).replace(SPACE, " ")
    ('0.12 %', 'below 0.001 %')
    """
    if relative < NO_DIFFERENCE_FRAC:
        return f"below {exact(PERCENT * NO_DIFFERENCE_FRAC)}{SPACE}%"
    return percent(relative, 2)


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
    if note and note not in source:
        parts.append(note)
    return "; ".join(parts)


def count(items: int, singular: str, plural: str = "") -> str:
    """A number of things.

    >>> count(1, "lesion"), count(3, "lesion")
    ('1 lesion', '3 lesions')
    """
    return f"{items} {singular if items == 1 else plural or singular + 's'}"
