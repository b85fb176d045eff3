"""From a parsed TOML table and a user's settings to the definition of one patient.

A table holds a whole definition and, beside it, named overlays: phases of contrast, variants of disease and
anatomy, kernels of reconstruction. An overlay is a part of a definition that replaces what it names. A user
may choose one phase, one kernel and several variants, and set any single key; the seed still decides the
anatomy, so that two phases of a seed are two scans of the same patient. Variants are laid over each other in
the order of the table, however they were typed.
"""

from __future__ import annotations

import copy
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from emboplan.errors import InputError
from emboplan.synthetic.metastases.lesion_sizes import ball_of_diameter_ml
from emboplan.synthetic.setting.definition import OVERLAYS, PhantomDefinition
from emboplan.synthetic.setting.tables import from_table

Table = dict[str, object]

WHAT = "what"  # the key of an overlay that says in words what it is
# What says how a patient is scanned and not who lies there: sections, and keys of the CT's.
OF_SCANS = (
    "hu", "hu_above_liver", "texture_sd_hu", "density_g_per_ml", "uptake", "windows", "spect", "planar",
    "pet", "mr",
)  # fmt: skip
OF_THE_CT = (
    "slice_mm", "dose_frac", "kernel_fwhm_mm", "noise_sd_hu", "noise_at_mm", "noise_ratio",
    "noise_peak_per_mm", "texture_fwhm_mm",
)  # fmt: skip
FILLED_BY_LARGE = 0.55  # many lesions together fill so much of what as many of the largest would
EXTRA_LESIONS = 3  # the count stays a range when it is raised


def overlays(table: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """What phases, variants and kernels a table offers: their names, and what they are in words."""
    return {
        kind: {name: str(change.get(WHAT, "")) for name, change in _overlays(table, kind).items()}
        for kind in OVERLAYS
    }


def definition_of(table: Mapping[str, object], settings: Mapping[str, object]) -> PhantomDefinition:
    """The definition in `table` with a user's settings.

    Settings are `phase` and `kernel` (a name), `variant` (a name, several joined by ``+``, or a sequence),
    and any key of the table by its own name (``burden_frac``) or, where that is ambiguous, with its section
    (``spect.counts``; ``spect__counts`` where a dot cannot be written). Raises `InputError` for a setting or
    a name that is not known, and for values that cannot be made.
    """
    whole = copy.deepcopy({key: value for key, value in table.items() if key not in OVERLAYS})
    changes: list[tuple[str, str, object]] = []
    variants: list[str] = []
    for kind in OVERLAYS:
        known = _overlays(table, kind)
        for name in _chosen(settings.get(kind), kind, known):
            _lay_over(whole, known[name], f"{kind}.{name}")
            if kind == "variant" and _of_the_body(known[name]):
                variants.append(name)
    for setting, value in settings.items():
        if setting not in OVERLAYS and value is not None:
            section, key = _place(whole, setting)
            _section(whole, section)[key] = list(value) if isinstance(value, tuple) else value
            changes.append((section, key, value))
    _suit_lesions(whole, {(section, key) for section, key, _ in changes})
    told = {key: str(value) for key, value in sorted(settings.items()) if value is not None}
    body = [
        f"{section}.{key}={value}" for section, key, value in changes if _of_the_body({section: {key: 0}})
    ]
    return replace(from_table(whole), settings=told, anatomy="/".join([*sorted(body), *variants]))


def _of_the_body(change: Table) -> bool:
    """Whether a change of a definition makes another patient, and not another scan of the same."""
    return any(
        section != "ct" or not set(values) <= set(OF_THE_CT)
        for section, values in change.items()
        if section not in OF_SCANS and isinstance(values, dict)
    )


def _overlays(table: Mapping[str, object], kind: str) -> dict[str, Table]:
    found = table.get(kind, {})
    if not isinstance(found, dict) or not all(isinstance(change, dict) for change in found.values()):
        raise InputError(f"phantom definition: {kind} is {found!r}; expected tables [{kind}.NAME]")
    return found


def _chosen(value: object, kind: str, known: Mapping[str, Table]) -> Sequence[str]:
    """The names chosen of one kind, in the order of the table."""
    if value is None:
        return ()
    names = value.split("+") if isinstance(value, str) and kind == "variant" else value
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise InputError(f"phantom: {kind} is {value!r}; expected a name")
    chosen = [name.strip() for name in names]
    for name in chosen:
        if name not in known:
            raise InputError(f"phantom: {kind} {name!r} is unknown; expected {_choice(name, known)}")
    if kind != "variant" and len(chosen) > 1:
        raise InputError(f"phantom: {kind} is {value!r}; expected one name")
    return [name for name in known if name in chosen]


def _lay_over(whole: Table, change: Table, where: str) -> None:
    for section, values in change.items():
        if section == WHAT:
            continue
        if not isinstance(values, dict):
            raise InputError(f"phantom definition: {where}.{section} is {values!r}; expected a table")
        target = _section(whole, section)
        for key, value in values.items():
            if key not in target:
                raise InputError(f"phantom definition: {where} sets {section}.{key}, which is unknown")
            target[key] = copy.deepcopy(value)


def _section(whole: Table, section: str) -> Table:
    found = whole.get(section)
    if not isinstance(found, dict):
        raise InputError(
            f"phantom definition: there is no section {section}; expected {_choice(section, whole)}"
        )
    return found


def _place(whole: Table, setting: str) -> tuple[str, str]:
    """The section and key that a setting names."""
    places = [
        (section, key)
        for section, values in whole.items()
        if isinstance(values, dict)
        for key in values
        if setting.replace("__", ".") in (key, f"{section}.{key}")
    ]
    if len(places) == 1:
        return places[0]
    if places:
        named = ", ".join(f"{section}.{key}" for section, key in places)
        raise InputError(f"phantom: {setting} could be {named}; say which")
    known = [*OVERLAYS, *(key for values in whole.values() if isinstance(values, dict) for key in values)]
    raise InputError(f"phantom: unknown parameter {setting}; expected {_choice(setting, known)}")


def _choice(word: str, known: Mapping[str, object] | Sequence[str]) -> str:
    near = difflib.get_close_matches(word, sorted(set(known)), n=5, cutoff=1 / 2)
    return ", ".join(near or (sorted(set(known)) if len(known) <= 2**5 else ["a key of the definition"]))


def _suit_lesions(whole: Table, given: set[tuple[str, str]]) -> None:
    """Where a burden is set and a number of lesions is not, let there be as many as the burden needs."""
    lesions = _section(whole, "lesions")
    burden = lesions.get("burden_frac")
    if ("lesions", "burden_frac") not in given or ("lesions", "count") in given:
        return
    if not isinstance(burden, int | float) or isinstance(burden, bool) or not 0 <= burden < 1:
        return  # refused by name when the definition is read
    if burden == 0:
        lesions["count"] = 0
        return
    count, largest = _ends(lesions.get("count")), _ends(lesions.get("largest_mm"))[1]
    nodules = _ends(lesions.get("nodules_frac"))[1]
    liver_ml = _ends(_section(whole, "liver").get("volume_ml"))[1]
    needed_ml = -np.log1p(-burden) * liver_ml * (1 - nodules)
    ball_ml = ball_of_diameter_ml(largest)
    if count[1] > 0 and ball_ml > 0 and needed_ml > (count[0] - 1) * ball_ml:
        least = int(np.ceil(needed_ml / (FILLED_BY_LARGE * ball_ml)))
        lesions["count"] = [max(count[0], least), max(count[1], least + EXTRA_LESIONS)]


def _ends(value: object) -> tuple[float, float]:
    """Both ends of a number or a range; zeros for what is neither, which is refused when it is read."""
    ends = value if isinstance(value, list) else [value, value]
    numbers = [float(end) for end in ends if isinstance(end, int | float)]
    return (numbers[0], numbers[1]) if len(numbers) == len(ends) == 2 else (0.0, 0.0)
