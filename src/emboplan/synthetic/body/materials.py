"""What the tissues are made of in one patient: CT numbers, texture, density, and whose activity they hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emboplan.synthetic.body.tissues import (
    LESION_FIRST,
    LESION_ZONES,
    LOOKS,
    STRUCTURES,
    VIABLE_ZONES,
    Tissue,
    lesion_code,
)
from emboplan.synthetic.drawing.layers import CODES
from emboplan.synthetic.drawing.raster import Tables
from emboplan.synthetic.scans import nuclear
from emboplan.synthetic.setting.definition import PhantomDefinition

BODY, LUNGS, LIVER, VIABLE = 1, 2, 4, 8  # bits of the groups
LESION_CODES = slice(LESION_FIRST, LESION_FIRST + LESION_ZONES * LOOKS)
VIABLE_CODES = tuple(lesion_code(looks, zone) for looks in range(1, LOOKS + 1) for zone in VIABLE_ZONES)
IN_LUNGS = (int(Tissue.LUNG), int(Tissue.LUNG_VESSEL))
IN_LIVER = (int(Tissue.LIVER), int(Tissue.LIVER_VEIN))
IN_BODY = tuple(int(t) for t in Tissue if t not in (Tissue.AIR, Tissue.TABLE))
NO_BACKGROUND = (
    int(Tissue.AIR), int(Tissue.TABLE), int(Tissue.GAS), int(Tissue.AIRWAY), *IN_LUNGS, *IN_LIVER
)  # fmt: skip


def draw_kinds(definition: PhantomDefinition, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Whether the lesions of each look are hypervascular; the same in every phase."""
    out: NDArray[np.bool_] = rng.random(LOOKS) < definition.lesions.hyper_frac
    return out


def draw_hu(
    definition: PhantomDefinition, hyper: NDArray[np.bool_], rng: np.random.Generator
) -> dict[int, float]:
    """The CT number of each label of this patient; `hyper` tells the hypervascular looks."""
    out = {int(Tissue[key.upper()]): value.draw(rng) for key, value in definition.hu.items()}
    liver = out[int(Tissue.LIVER)]
    for key, value in definition.hu_above_liver.items():
        out[int(Tissue[key.upper()])] = liver + value.draw(rng)
    lesions = definition.lesions
    for looks in range(1, LOOKS + 1):
        below = lesions.hyper_below_liver_hu if hyper[looks - 1] else lesions.below_liver_hu
        viable = liver - below.draw(rng)
        out[lesion_code(looks, 1)] = viable
        out[lesion_code(looks, 0)] = viable - lesions.core_below_lesion_hu.draw(rng)
        out[lesion_code(looks, 2)] = viable + lesions.rim_above_lesion_hu.draw(rng)
        out[lesion_code(looks, 3)] = lesions.calcium_hu.draw(rng)
    return out


def densities(definition: PhantomDefinition) -> NDArray[np.float64]:
    """Density of each label."""
    given = definition.density_g_per_ml
    out = np.full(CODES, given["soft"])
    for key, tissues in (
        ("air", (Tissue.AIR, Tissue.GAS, Tissue.AIRWAY)),
        ("fat", (Tissue.FAT, Tissue.MESENTERY)),
        ("lung", (Tissue.LUNG,)),
        ("bone", (Tissue.BONE, Tissue.CLIP)),
        ("marrow", (Tissue.MARROW,)),
        ("liver", (Tissue.LIVER, Tissue.LIVER_VEIN)),
        (
            "blood",
            (
                Tissue.AORTA,
                Tissue.VENA_CAVA,
                Tissue.PORTAL_VEIN,
                Tissue.HEART_BLOOD,
                Tissue.LUNG_VESSEL,
                Tissue.ARTERY,
            ),
        ),
    ):
        out[[int(t) for t in tissues]] = given[key]
    out[LESION_CODES] = given["liver"]
    return out


def tables(definition: PhantomDefinition, hu_of: dict[int, float]) -> Tables:
    """What each label means to the raster; channels are `nuclear.COMPARTMENTS`, then density."""
    mean = np.zeros(CODES, np.float32)
    mean[list(hu_of)] = list(hu_of.values())
    groups = np.full(CODES, BODY, np.uint8)
    groups[[int(Tissue.AIR), int(Tissue.TABLE)]] = 0
    groups[list(IN_LUNGS)] |= LUNGS
    groups[list(IN_LIVER)] |= LIVER
    groups[LESION_CODES] |= LIVER
    groups[list(VIABLE_CODES)] |= VIABLE
    lesion = np.zeros(CODES, np.uint8)
    lesion[LESION_CODES] = 1 + np.arange(LESION_ZONES * LOOKS) // LESION_ZONES
    other = np.zeros(CODES, np.uint8)
    for number, tissues in enumerate(STRUCTURES.values(), start=1):
        other[[int(t) for t in tissues]] = number
    texture = np.zeros(CODES, np.float32)
    for key, sd in definition.texture_sd_hu.items():
        if key == "lesion":
            texture[LESION_CODES] = sd
        else:
            texture[int(Tissue[key.upper()])] = sd
    channels = np.zeros((CODES, len(nuclear.COMPARTMENTS) + 1))
    channels[LESION_CODES, 0] = 1
    channels[list(IN_LIVER), 1] = 1
    channels[list(IN_LUNGS), 2] = 1
    background = np.ones(CODES, dtype=bool)
    background[list(NO_BACKGROUND)] = False
    background[LESION_CODES] = False
    channels[background, 3] = 1
    channels[:, -1] = densities(definition)
    return Tables(mean, groups, lesion, other, texture, channels)
