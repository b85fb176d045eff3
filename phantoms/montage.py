"""Draw the montage of digital patients that stands in the documentation: two axial slices, coronal, MIP.

``python phantoms/montage.py docs/methods/net-liver-montage.jpg`` makes twelve patients of the family and one
picture. The window is that of the abdomen; the MIP is seen from the front.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from emboplan.catalog.load import load
from emboplan.synthetic.patient import DigitalPatient, make_patient

PATIENTS: tuple[tuple[int, dict[str, object]], ...] = (
    (1, {}),
    (2, {}),
    (3, {}),
    (4, {"variant": "thin"}),
    (5, {"phase": "arterial", "variant": "hypervascular"}),
    (6, {"phase": "late", "variant": "calcified"}),
    (7, {"variant": "diffuse"}),
    (8, {"variant": "massive"}),
    (9, {"variant": "fatty"}),
    (10, {"variant": "ascites+splenomegaly"}),
    (11, {"variant": "right-hepatectomy"}),
    (12, {"burden_frac": 0.35, "slice_mm": 5.0}),
)
PIXEL_MM = 1.25
MATRIX = 336
# coarse nuclear images: they are not shown
QUICK: dict[str, object] = {
    "ct.matrix": MATRIX, "ct.pixel_mm": PIXEL_MM, "spect.matrix": 64, "slices": 50, "voxel_mm": 8.84,
    "planar.matrix": 128, "planar.pixel_mm": 4.42,
}  # fmt: skip
AXIAL_AT = (0.72, 0.42)  # of the height of the liver
CENTRE_HU, WIDTH_HU = 60.0, 380.0
MIP_HU = (90.0, 600.0)
SHOWN_MM = (384.0, 256.0)  # width and height of an axial tile: all at one scale
TILE = (252, 168)  # columns, rows of an axial tile; coronal and MIP have the same height
PAGE_COLUMNS = 2
QUALITY = 82


def windowed(hu: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint8]:
    """CT numbers as grey."""
    grey: NDArray[np.uint8] = np.clip((hu - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    return grey


def tiles(patient: DigitalPatient) -> list[Image.Image]:
    """The four views of a patient, cropped to the body and scaled to the height of a tile."""
    hu = patient.ct.hu
    _, dy, dz = patient.ct.grid.spacing_mm
    liver, body = patient.truth.liver.voxels, patient.truth.body.voxels
    z = np.flatnonzero(liver.any(axis=(1, 2)))
    middle = [round(float(np.flatnonzero(body.any(axis=axes)).mean())) for axes in ((0, 2), (0, 1))]
    half = [round(mm / dy / 2) for mm in reversed(SHOWN_MM)]
    rows, columns = (slice(max(m - h, 0), m + h) for m, h in zip(middle, half, strict=True))
    low, high = CENTRE_HU - WIDTH_HU / 2, CENTRE_HU + WIDTH_HU / 2
    out = []
    for part in AXIAL_AT:
        plane = hu[int(z[0] + part * (z[-1] - z[0])), rows, columns].astype(np.float32)
        out.append(Image.fromarray(windowed(plane, low, high)).resize(TILE, Image.Resampling.LANCZOS))
    through = int(np.argwhere(liver)[:, 1].mean())
    coronal = windowed(hu[::-1, through, columns].astype(np.float32), low, high)
    thick = np.where(body, hu, -1000)[::-1, :, columns].max(axis=1).astype(np.float32)
    for view in (coronal, windowed(thick, *MIP_HU)):
        size = (round(TILE[1] * view.shape[1] * dy / (view.shape[0] * dz)), TILE[1])
        out.append(Image.fromarray(view).resize(size, Image.Resampling.LANCZOS))
    return out


def strip(seed: int, settings: dict[str, object]) -> Image.Image:
    """One patient: four views in a row, with a caption."""
    patient = make_patient(load().phantom("net-liver"), seed, QUICK | settings)
    views = tiles(patient)
    out = Image.new("L", (sum(view.width + 2 for view in views), TILE[1]))
    left = 0
    for view in views:
        out.paste(view, (left, 0))
        left += view.width + 2
    words = (
        ", ".join(f"{key} {value}" for key, value in settings.items())
        .replace("variant ", "")
        .replace("phase ", "")
    )
    ImageDraw.Draw(out).text((3, 1), f"{seed}  {words}", fill=255)
    return out


def main(path: Path) -> None:
    """Make the picture."""
    strips = [strip(seed, settings) for seed, settings in PATIENTS]
    width, height = max(s.width for s in strips), TILE[1] + 3
    rows = -(-len(strips) // PAGE_COLUMNS)
    page = Image.new("L", (PAGE_COLUMNS * (width + 4), rows * height))
    for n, picture in enumerate(strips):
        page.paste(picture, (n % PAGE_COLUMNS * (width + 4), n // PAGE_COLUMNS * height))
    page.save(path, quality=QUALITY, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
