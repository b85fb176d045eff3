"""How large the lesions of a patient are: diameters whose balls add up to the volume set.

Sizes of lesions follow a curve from the largest to the smallest allowed, bent until the volumes add up;
nodules of diffuse disease are drawn one after the other until they do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import InputError
from emboplan.synthetic.setting.definition import Lesions
from emboplan.units import ML_PER_MM3

BISECTIONS = 60
SIZE_JITTER = 0.3  # how unevenly the sizes are spaced between the largest and the smallest
ROUND_MM = 20.0  # the size from which a lesion counts for `at_least_20_mm`
MOST_NODULES = 20000  # numbers of lesions are 16 bits wide, and a patient should be made in seconds


def ball_of_diameter_ml(diameter_mm: float) -> float:
    """Volume of a ball."""
    return float(np.pi / (2 * 3) * diameter_mm**3) * ML_PER_MM3


def sizes_mm(
    definition: Lesions, count: int, total_ml: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Volume-equivalent diameters, largest first, whose balls add up to `total_ml`.

    Raises `InputError` when no diameters within the limits do.
    """
    if count == 0 or total_ml == 0:
        return np.zeros(0)
    small = definition.smallest_mm.draw(rng)
    large = definition.largest_mm
    place = np.linspace(0, 1, count) if count > 1 else np.zeros(1)
    place[1:-1] += rng.uniform(-SIZE_JITTER, SIZE_JITTER, max(count - 2, 0)) / count
    place = np.sort(np.clip(place, 0, 1))

    def diameters(bend: float) -> NDArray[np.float64]:
        out = large * (small / large) ** (place ** np.exp(bend))
        least = min(definition.at_least_20_mm, count)
        out[:least] = np.maximum(out[:least], min(ROUND_MM, large))
        return np.asarray(out, dtype=np.float64)

    def total(values: NDArray[np.float64]) -> float:
        return float((np.pi / (2 * 3) * values**3).sum()) * ML_PER_MM3

    low, high = -3.0, 4.0
    if total_ml > total(diameters(high)):
        raise InputError(
            f"phantom definition: lesions.burden_frac asks for {total_ml:.0f} mL, but {count} lesions of "
            f"{small:.0f} to {large:.0f} mm hold at most {total(diameters(high)):.0f} mL; "
            "lower it or allow more or larger lesions"
        )
    if total_ml < total(diameters(low)):
        # the burden needs no lesion of the largest size: keep the proportions of the steepest curve
        smaller: NDArray[np.float64] = diameters(low) * (total_ml / total(diameters(low))) ** (1 / 3)
        return smaller
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if total(diameters(middle)) < total_ml:
            low = middle
        else:
            high = middle
    return diameters(low)


def nodule_sizes_mm(definition: Lesions, total_ml: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Diameters of small nodules, largest first, whose balls add up to `total_ml` or a little more."""
    mean_ml = ball_of_diameter_ml(definition.nodule_mm.low)  # no nodule is smaller: so many are enough
    most = int(np.ceil(total_ml / mean_ml)) + 1
    if most > MOST_NODULES:
        raise InputError(
            f"phantom definition: {total_ml:.0f} mL may need {most} nodules of "
            f"{definition.nodule_mm.low:g} mm; expected at most {MOST_NODULES}, raise lesions.nodule_mm "
            "or lower lesions.nodules_frac"
        )
    drawn = rng.uniform(definition.nodule_mm.low, definition.nodule_mm.high, most)
    enough = int(np.searchsorted(np.cumsum(np.pi / (2 * 3) * drawn**3) * ML_PER_MM3, total_ml)) + 1
    return np.sort(drawn[:enough])[::-1]
