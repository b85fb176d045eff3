"""The MR twin: another scanner's view of the same drawing.

Signals come from a table by tissue, relative to the liver's; nothing is simulated of spins. A sample's
signal is averaged in its voxel, grained like tissue, shaded by a smooth field as coils do, and made a
magnitude with Rician noise. The patient lies as in the CT: same frame of reference, no deformation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import InputError
from emboplan.model.grid import Grid
from emboplan.synthetic.body.anatomy import PatientDrawing, stream
from emboplan.synthetic.body.tissues import LESION_FIRST, LESION_ZONES, LOOKS, Tissue
from emboplan.synthetic.drawing.layers import CODES
from emboplan.synthetic.drawing.raster import Sampling, each_slice, paint_slice
from emboplan.synthetic.scans.ct import FWHM_PER_SIGMA, Texture
from emboplan.synthetic.setting.definition import MrSequence, PhantomDefinition

F32 = NDArray[np.float32]

MARGIN_MM = 30.0  # of slices above and below the liver
BIAS_PERIOD_MM = (300.0, 600.0)  # coils shade the body once or twice
BIAS_WAVES = 3
BLUR_PIXELS = 1.2  # width of a k-space filter's response
LESIONS_DIFFER = 0.1  # in signal, either way: by less than any sequence sets between lesion and liver
LIVER_SIGNAL = 400.0  # of the stored numbers: magnitudes have no unit


@dataclass(frozen=True, slots=True, eq=False)
class MrImage:
    """An MR image: signal in arbitrary units, whole numbers of 0 or more, ``(z, y, x)``."""

    name: str
    sequence: MrSequence
    grid: Grid
    signal: NDArray[np.uint16]


def mr_image(definition: PhantomDefinition, drawn: PatientDrawing, name: str, seed: int) -> MrImage:
    """The MR sequence of that name, of a patient whose drawing is given; slices over the liver.

    Raises `InputError` for a name that the definition does not have.
    """
    if name not in definition.mr:
        raise InputError(f"phantom: MR sequence {name!r} is unknown; expected {', '.join(definition.mr)}")
    sequence = definition.mr[name]
    grid = _grid(sequence, drawn)
    sampling = Sampling(grid, definition.ct.supersampling)
    signal_of = _signals(sequence, stream(seed, f"mr lesions {name}"))
    texture = Texture(drawn.drawing.lattice, definition.ct.texture_fwhm_mm, stream(seed, "texture"))
    bias = _Bias(sequence.bias_frac, grid, stream(seed, f"mr bias {name}"))
    noise_sd = LIVER_SIGNAL / sequence.snr
    nz, ny, nx = grid.shape
    out = np.empty(grid.shape, np.uint16)
    (dx, dy, dz), (ox, oy, oz) = grid.spacing_mm, grid.origin_mm
    x_mm, y_mm = ox + dx * np.arange(nx), oy + dy * np.arange(ny)

    def one(k: int) -> None:
        from scipy.ndimage import gaussian_filter

        labels = paint_slice(drawn.drawing.layers, sampling, k)
        s = sampling.supersampling
        pure = signal_of[labels].reshape(sampling.planes, ny, s, nx, s).mean(axis=(0, 2, 4))
        grain = 1 + np.float32(sequence.grain_frac) * texture.plane(x_mm, y_mm, oz + dz * k)
        true = gaussian_filter(pure * grain, BLUR_PIXELS / FWHM_PER_SIGMA) * bias.plane(
            x_mm, y_mm, oz + dz * k
        )
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, k, *name.encode()])))
        noise = rng.standard_normal((2, ny, nx), dtype=np.float32) * np.float32(noise_sd)
        out[k] = np.rint(np.hypot(true + noise[0], noise[1])).astype(np.uint16)

    each_slice(one, nz)
    return MrImage(name, sequence, grid, out)


def _grid(sequence: MrSequence, drawn: PatientDrawing) -> Grid:
    """Slices over the liver, the field of view around the middle of the CT."""
    ct = drawn.sampling.grid
    low, high = (z + side * MARGIN_MM for z, side in zip(drawn.liver_z_mm, (-1, 1), strict=True))
    slices = max(1, round((high - low) / sequence.slice_mm))
    middle = [ct.origin_mm[a] + ct.spacing_mm[a] * (ct.shape[2 - a] - 1) / 2 for a in range(2)]
    half = sequence.pixel_mm * (sequence.matrix - 1) / 2
    return Grid(
        (slices, sequence.matrix, sequence.matrix),
        (sequence.pixel_mm, sequence.pixel_mm, sequence.slice_mm),
        (middle[0] - half, middle[1] - half, low + sequence.slice_mm / 2),
        frame_of_reference_uid=ct.frame_of_reference_uid,
    )


def _signals(sequence: MrSequence, rng: np.random.Generator) -> F32:
    """The signal of each label, in stored numbers; lesions of different looks differ a little."""
    given = sequence.signal
    relative = np.full(CODES, given["soft"], np.float32)
    for tissue in Tissue:
        relative[tissue] = given.get(tissue.name.lower(), given["soft"])
    for zone, key in enumerate(("lesion_core", "lesion", "lesion_rim", "calcium")):
        relative[LESION_FIRST + zone :: LESION_ZONES] = given.get(key, given["lesion"])
    differ = rng.uniform(1 - LESIONS_DIFFER, 1 + LESIONS_DIFFER, LOOKS).astype(np.float32)
    relative[LESION_FIRST : LESION_FIRST + LESION_ZONES * LOOKS] *= np.repeat(differ, LESION_ZONES)
    out: F32 = relative * np.float32(LIVER_SIGNAL / given["liver"])
    return out


class _Bias:
    """A smooth field around 1 by which coils shade the image."""

    def __init__(self, strength: float, grid: Grid, rng: np.random.Generator) -> None:
        self.middle = [
            o + d * n / 2 for o, d, n in zip(grid.origin_mm, grid.spacing_mm, grid.shape[::-1], strict=True)
        ]
        self.strength = strength
        directions = rng.normal(size=(BIAS_WAVES, 3))
        directions /= np.linalg.norm(directions, axis=1)[:, None]
        self.waves = directions * (2 * np.pi / rng.uniform(*BIAS_PERIOD_MM, BIAS_WAVES))[:, None]
        self.phases = rng.uniform(0, 2 * np.pi, BIAS_WAVES)

    def plane(self, x_mm: NDArray[np.floating], y_mm: NDArray[np.floating], z_mm: float) -> F32:
        """The field ``(y, x)`` at a height."""
        x, y, z = x_mm[None] - self.middle[0], y_mm[:, None] - self.middle[1], z_mm - self.middle[2]
        out = np.zeros((y_mm.size, x_mm.size))
        for (kx, ky, kz), phase in zip(self.waves, self.phases, strict=True):
            out += np.cos(kx * x + ky * y + kz * z + phase)
        field: F32 = (1 + self.strength * out / BIAS_WAVES).astype(np.float32)
        return field
