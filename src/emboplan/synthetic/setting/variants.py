"""From a parsed TOML table and a user's settings to the definition of one patient.

A table holds a whole definition and, beside it, named overlays: phases of contrast, variants of disease and
anatomy, kernels of reconstruction. An overlay is a part of a definition that replaces what it names. A user
may choose one phase, one kernel and several variants, and set any single key; the seed still decides the
anatomy, so that two phases of a seed are two scans of the same patient.
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
SAME_ANATOMY = ("phase", "kernel", "slice_mm", "dose_frac")  # another scan of the same patient
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
    for kind in OVERLAYS:
        for name in _chosen(settings.get(kind), kind):
            known = _overlays(table, kind)
            if name not in known:
                raise InputError(f"phantom: {kind} {name!r} is unknown; expected {_choice(name, known)}")
            _lay_over(whole, known[name], f"{kind}.{name}")
    for setting, value in settings.items():
        if setting not in OVERLAYS and value is not None:
            section, key = _place(whole, setting)
            _section(whole, section)[key] = list(value) if isinstance(value, tuple) else value
            changes.append((section, key, value))
    _suit_lesions(whole, {(section, key) for section, key, _ in changes})
    told = {key: str(value) for key, value in sorted(settings.items()) if value is not None}
    return replace(from_table(whole), settings=told)


def anatomy_key(definition: PhantomDefinition) -> str:
    """Text that two definitions share when their patients are the same: their scans then share a frame."""
    kept = [f"{key}={value}" for key, value in definition.settings.items() if key not in SAME_ANATOMY]
    return "/".join([definition.name, *kept])


def _overlays(table: Mapping[str, object], kind: str) -> dict[str, Table]:
    found = table.get(kind, {})
    if not isinstance(found, dict) or not all(isinstance(change, dict) for change in found.values()):
        raise InputError(f"phantom definition: {kind} is {found!r}; expected tables [{kind}.NAME]")
    return found


def _chosen(value: object, kind: str) -> Sequence[str]:
    if value is None:
        return ()
    names = value.split("+") if isinstance(value, str) and kind == "variant" else value
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise InputError(f"phantom: {kind} is {value!r}; expected a name")
    return [name.strip() for name in names]


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
    near = difflib.get_close_matches(word, list(known), n=5, cutoff=1 / 2)
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
