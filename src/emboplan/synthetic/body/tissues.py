"""What a sample of the digital patient can be made of, and which of the organs it belongs to.

Painted samples carry one of these codes in a byte. The codes from `LESION_FIRST` up are the zones of the
lesions, four for each of their looks: necrotic core, viable tumour, rim, calcification.
"""

from __future__ import annotations

from enum import IntEnum


class Tissue(IntEnum):
    """One code per kind of tissue; the lower-case names are the keys of the definition's tables."""

    AIR = 0
    FAT = 1
    MUSCLE = 2
    SKIN = 3
    LUNG = 4
    LUNG_VESSEL = 5
    AIRWAY = 6
    BONE = 7
    MARROW = 8
    CARTILAGE = 9
    CORD = 10
    MYOCARDIUM = 11
    HEART_BLOOD = 12
    AORTA = 13
    VENA_CAVA = 14
    PORTAL_VEIN = 15
    LIVER = 16
    LIVER_VEIN = 17
    GALLBLADDER = 18
    SPLEEN = 19
    KIDNEY_CORTEX = 20
    KIDNEY_MEDULLA = 21
    STOMACH_WALL = 22
    STOMACH_CONTENT = 23
    BOWEL_WALL = 24
    BOWEL_CONTENT = 25
    GAS = 26
    PANCREAS = 27
    OESOPHAGUS = 28
    ARTERY = 29
    RENAL_PELVIS = 30
    ASCITES = 31
    ADRENAL = 32
    CLIP = 33
    TABLE = 34
    MESENTERY = 35


LESION_FIRST = 40
LESION_ZONES = 4
VIABLE_ZONES = (1, 2)
"""Viable tumour and its rim; necrotic core and calcification are not viable."""

LOOKS = (256 - LESION_FIRST) // LESION_ZONES
"""So many lesions can differ in their CT numbers; from there on they share."""

STRUCTURES: dict[str, tuple[Tissue, ...]] = {
    "heart": (Tissue.MYOCARDIUM, Tissue.HEART_BLOOD),
    "aorta": (Tissue.AORTA,),
    "inferior vena cava": (Tissue.VENA_CAVA,),
    "portal vein outside the liver": (Tissue.PORTAL_VEIN,),
    "vessels in the liver": (Tissue.LIVER_VEIN,),
    "gallbladder": (Tissue.GALLBLADDER,),
    "spleen": (Tissue.SPLEEN,),
    "kidneys": (Tissue.KIDNEY_CORTEX, Tissue.KIDNEY_MEDULLA, Tissue.RENAL_PELVIS),
    "stomach": (Tissue.STOMACH_WALL, Tissue.STOMACH_CONTENT),
    "bowel": (Tissue.BOWEL_WALL, Tissue.BOWEL_CONTENT),
    "gas in stomach and bowel": (Tissue.GAS,),
    "pancreas": (Tissue.PANCREAS,),
    "oesophagus": (Tissue.OESOPHAGUS,),
    "bones": (Tissue.BONE, Tissue.MARROW),
    "airways": (Tissue.AIRWAY,),
    "arteries of the belly": (Tissue.ARTERY,),
    "adrenals": (Tissue.ADRENAL,),
    "ascites": (Tissue.ASCITES,),
}
"""Structures of the truth besides body, lungs, liver and lesions, numbered from 1 in this order."""


def lesion_code(looks: int, zone: int) -> int:
    """The code of a zone (0 core, 1 viable, 2 rim, 3 calcification) of the lesions of some looks (from 1)."""
    return LESION_FIRST + LESION_ZONES * (looks - 1) + zone
