"""Thirty digital patients on which the segmentation is measured: three phases, no tumour to mostly tumour.

Each row: seed, phase, variant, slice (mm), noise in that slice (HU), burden, lesions, largest (mm), and how
many are 20 mm or larger at least. The rows were drawn by chance once, and none is chosen to suit the program.
"""

import tomllib
from importlib.resources import files

from emboplan.synthetic.patient import DigitalPatient, make_patient

Row = tuple[int, str, str, float, float, float, int, float, int]

PATIENTS: tuple[Row, ...] = (
    (100, "portal-venous", "thin", 2.5, 23.5, 0, 0, 78.0, 0),
    (101, "portal-venous", "fatty", 4, 20.0, 0, 0, 86.0, 0),
    (102, "portal-venous", "fatty", 2.5, 12.2, 0, 0, 31.0, 0),
    (103, "portal-venous", "", 5, 13.2, 0.005, 23, 36.0, 1),
    (104, "portal-venous", "thin", 3, 22.6, 0.01, 29, 68.0, 4),
    (105, "late", "splenomegaly", 1, 22.7, 0.02, 12, 89.0, 3),
    (106, "arterial", "", 2.5, 21.3, 0.03, 22, 23.0, 4),
    (107, "late", "fatty", 1.25, 15.1, 0.04, 5, 53.0, 3),
    (108, "arterial", "", 1, 10.6, 0.05, 1, 64.0, 1),
    (109, "portal-venous", "hypervascular", 1.5, 14.3, 0.06, 23, 79.0, 2),
    (110, "late", "", 3, 15.5, 0.08, 24, 56.0, 4),
    (111, "arterial", "right-hepatectomy", 1, 20.5, 0.1, 19, 32.0, 0),
    (112, "arterial", "", 2.5, 13.8, 0.12, 8, 79.0, 0),
    (113, "late", "", 1.25, 14.0, 0.14, 31, 63.0, 0),
    (114, "late", "", 5, 21.3, 0.16, 3, 69.0, 2),
    (115, "portal-venous", "calcified", 2, 12.8, 0.18, 26, 62.0, 3),
    (116, "arterial", "ascites", 4, 14.9, 0.2, 10, 62.0, 2),
    (117, "late", "right-hepatectomy", 3, 17.0, 0.22, 26, 41.0, 2),
    (118, "arterial", "", 5, 12.4, 0.25, 16, 86.0, 4),
    (119, "arterial", "splenomegaly", 1, 11.9, 0.28, 18, 71.0, 4),
    (120, "late", "", 1.5, 17.9, 0.3, 24, 66.0, 1),
    (121, "arterial", "hypervascular", 8, 13.7, 0.33, 18, 76.0, 2),
    (122, "late", "splenomegaly", 1.5, 10.7, 0.36, 22, 85.0, 4),
    (123, "arterial", "", 3, 11.5, 0.4, 14, 77.0, 0),
    (124, "arterial", "hypervascular", 4, 21.4, 0.45, 36, 75.0, 3),
    (125, "portal-venous", "", 3, 12.6, 0.5, 19, 55.0, 4),
    (126, "portal-venous", "", 3, 15.0, 0.55, 13, 86.0, 0),
    (127, "late", "calcified", 1.25, 20.0, 0.62, 17, 84.0, 1),
    (128, "late", "", 3, 22.0, 0.7, 29, 53.0, 3),
    (129, "portal-venous", "ascites", 0.8, 13.4, 0.8, 29, 82.0, 4),
)


def patient(seed: int) -> DigitalPatient:
    """The patient of that seed."""
    row = next(row for row in PATIENTS if row[0] == seed)
    _, phase, variant, slice_mm, noise_hu, burden, count, largest_mm, large = row
    settings: dict[str, object] = {
        "phase": phase, "slice_mm": slice_mm, "noise_sd_hu": noise_hu, "noise_at_mm": slice_mm,
        "burden_frac": burden, "count": count, "largest_mm": largest_mm, "smallest_mm": [6.0, 14.0],
        "at_least_20_mm": large,
    }  # fmt: skip
    if variant:
        settings["variant"] = variant
    table = files("emboplan.catalog") / "data" / "phantoms" / "net-liver.toml"
    return make_patient(tomllib.loads(table.read_text(encoding="utf-8")), seed, settings)
