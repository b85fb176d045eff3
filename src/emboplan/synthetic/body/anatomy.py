"""One patient's anatomy as a drawing: habitus and bends, torso, belly, vessels and lesions."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emboplan.model.grid import Grid
from emboplan.synthetic.body.abdomen import draw_belly
from emboplan.synthetic.body.belly_vessels import PORTAL_PATH
from emboplan.synthetic.body.tissues import Tissue
from emboplan.synthetic.body.torso import draw_torso
from emboplan.synthetic.body.vessels import grow_tree
from emboplan.synthetic.drawing.layers import Drawing, FieldLayer, becomes_table
from emboplan.synthetic.drawing.raster import Sampling, painted_parts
from emboplan.synthetic.drawing.shapes import WARP_MODES, Array, Block, Lattice, Warp
from emboplan.synthetic.metastases.lesion_burden import scaled_to_burden
from emboplan.synthetic.metastases.lesion_shape import Lesion
from emboplan.synthetic.metastases.lesions import paint_lesions, place_lesions, with_looks
from emboplan.synthetic.setting.definition import Habitus, PhantomDefinition

PERIOD_MM = (220.0, 420.0)  # of the bends: longer than any organ, so that none is deformed beyond recognition
TWIG_DEPTH_MM = 5.0  # twigs end this far below the surface of their organ
LUNG_TWIGS = 260
STEP_PLACE_MM = (-110.0, -30.0)  # a breath between two parts of the scan goes through the liver
MIDDLE_MM = (0.0, 5.0, -6.0)  # the atlas point in the middle of the scan

HEPATIC_TRUNKS = (
    ((-22.0, 10.0, -16.0), (-52.0, 16.0, -34.0), (-82.0, 18.0, -58.0)),
    ((-22.0, 8.0, -16.0), (-36.0, -20.0, -34.0), (-48.0, -40.0, -60.0)),
    ((-20.0, 6.0, -18.0), (0.0, -22.0, -30.0), (22.0, -44.0, -40.0)),
)
PORTAL_TRUNKS = (
    (PORTAL_PATH[-2][:3], PORTAL_PATH[-1][:3], (-62.0, 6.0, -80.0)),
    (PORTAL_PATH[-2][:3], (-6.0, -24.0, -68.0), (12.0, -46.0, -60.0)),
)
LUNG_TRUNKS = (((-18.0, 2.0, 80.0), (-46.0, 8.0, 66.0)), ((24.0, 6.0, 84.0), (52.0, 10.0, 66.0)))
VEIN_MM = (6.0, 1.1)  # trunk and twig radii of hepatic veins
PORTAL_MM = (5.8, 1.0)
LUNG_MM = (7.0, 0.8)


def stream(seed: int, name: str) -> np.random.Generator:
    """Random numbers of one part of a patient: one part more leaves the others as they were."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, zlib.crc32(name.encode())])))


@dataclass(frozen=True, slots=True, eq=False)
class PatientDrawing:
    """The finished drawing, and what was placed in it."""

    drawing: Drawing
    lesions: tuple[Lesion, ...]
    liver_ml: float
    liver_z_mm: tuple[float, float]
    sampling: Sampling


def ct_grid(definition: PhantomDefinition, frame_of_reference_uid: str) -> Grid:
    """The CT's grid: slices ascending to the head, the patient in the middle."""
    ct = definition.ct
    slices = round(ct.length_mm / ct.slice_mm)
    shape = (slices, ct.matrix, ct.matrix)
    spacing = (ct.pixel_mm, ct.pixel_mm, ct.slice_mm)
    return centred(shape, spacing, frame_of_reference_uid)


def centred(shape: tuple[int, int, int], spacing: tuple[float, float, float], frame_uid: str) -> Grid:
    """A grid around the middle of the scan."""
    origin = [m - d * (n - 1) / 2 for m, d, n in zip(MIDDLE_MM, spacing, shape[::-1], strict=True)]
    return Grid(shape, spacing, (origin[0], origin[1], origin[2]), frame_of_reference_uid=frame_uid)


def draw_warp(habitus: Habitus, rng: np.random.Generator) -> Warp:
    """This patient's size and bends."""
    scale = tuple(s.draw(rng) for s in (habitus.width_scale, habitus.depth_scale, habitus.height_scale))
    roll = habitus.roll_deg.draw(rng)
    strength = habitus.bend_mm.draw(rng)
    directions = rng.normal(size=(WARP_MODES, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    waves = np.column_stack(
        [
            directions * (2 * np.pi / rng.uniform(*PERIOD_MM, WARP_MODES))[:, None],
            rng.uniform(0, 2 * np.pi, WARP_MODES),
            rng.normal(size=(WARP_MODES, 3)) * strength / np.sqrt(WARP_MODES),
        ]
    )
    return Warp((scale[0], scale[1], scale[2]), roll, waves)


def draw_patient(definition: PhantomDefinition, grid: Grid, seed: int) -> PatientDrawing:
    """Draw a patient; the liver and the lesions have the volumes set when sampled on `grid`.

    Raises `InputError` when the liver or its lesions cannot be made to fit.
    """
    rng = stream(seed, "anatomy")
    warp = draw_warp(definition.habitus, rng)
    half = np.array(grid.size_mm) / 2
    middle = np.array(MIDDLE_MM)
    lattice = Lattice.over(middle - half, middle + half, definition.habitus.lattice_mm, warp)
    drawing = Drawing(lattice)
    torso = draw_torso(drawing, definition.habitus, rng)
    liver = draw_belly(drawing, torso, definition, rng)
    steps = stream(seed, "breath step")
    sampling = Sampling(
        grid,
        definition.ct.supersampling,
        step_at_mm=float(warp.to_patient(np.array([[0.0, 0.0, steps.uniform(*STEP_PLACE_MM)]]))[0, 2]),
        step_mm=definition.ct.breath_step_mm.draw(steps),
    )
    parts = painted_parts(drawing.layers, sampling, int(Tissue.LIVER))
    measured_ml = sum(part.samples for part in parts) * sampling.sample_ml
    _vessels(drawing, liver, definition.liver.vessel_twigs, stream(seed, "vessels"))
    lesions = place_lesions(definition.lesions, drawing, liver, measured_ml, stream(seed, "lesions"))
    lesions = with_looks(definition.lesions, lesions, stream(seed, "calcium"))
    lesions = scaled_to_burden(lesions, definition.lesions.burden_frac, parts, sampling)
    rim_mm = definition.lesions.rim_mm.draw(stream(seed, "rim"))
    paint_lesions(drawing, lesions, rim_mm, stream(seed, "calcium places"))
    heights = [z for part in parts for z in sampling.heights_mm(part.slice)]
    return PatientDrawing(drawing, tuple(lesions), measured_ml, (min(heights), max(heights)), sampling)


def _scattered(
    lattice: Lattice, block: Block, field: Array, count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Points spread at random inside an organ (patient mm), below its surface."""
    deep = np.argwhere(field < -np.float32(TWIG_DEPTH_MM))
    chosen = deep[rng.choice(len(deep), count)] + np.array([s.start for s in block.box])
    out: NDArray[np.float64] = np.array(lattice.origin_mm) + lattice.spacing_mm * (
        chosen[:, ::-1] + rng.uniform(-0.5, 0.5, (count, 3))
    )
    return out


def _vessels(drawing: Drawing, liver: tuple[Block, Array], twigs: int, rng: np.random.Generator) -> None:
    """Hepatic and portal veins in the liver, vessels in the lungs."""
    lattice, warp = drawing.lattice, drawing.lattice.warp
    in_liver = becomes_table({Tissue.LIVER: Tissue.LIVER_VEIN, Tissue.FAT: Tissue.PORTAL_VEIN})
    only_liver = becomes_table({Tissue.LIVER: Tissue.LIVER_VEIN})
    for trunks, (wide, thin), becomes in (
        (PORTAL_TRUNKS, PORTAL_MM, in_liver), (HEPATIC_TRUNKS, VEIN_MM, only_liver)
    ):  # fmt: skip
        targets = _scattered(lattice, *liver, twigs, rng)
        starts = [warp.to_patient(np.array(t)) for t in trunks]
        nearest = np.argmin([np.linalg.norm(targets - s[-1], axis=1) for s in starts], axis=0)
        for n, start in enumerate(starts):
            mine = targets[nearest == n]
            if len(mine):
                drawing.tubes(grow_tree(start, mine, wide, thin, rng), becomes)
    lung = next(
        f
        for f in drawing.layers
        if isinstance(f, FieldLayer) and f.becomes[int(Tissue.FAT)] == int(Tissue.LUNG)
    )
    first = [
        round((o - a) / lattice.spacing_mm) for o, a in zip(lung.origin_mm, lattice.origin_mm, strict=True)
    ]
    box = tuple(slice(f, f + n) for f, n in zip(first[::-1], lung.values.shape, strict=True))
    targets = _scattered(lattice, lattice.block((box[0], box[1], box[2])), lung.values, 2 * LUNG_TWIGS, rng)
    right = targets[:, 0] < MIDDLE_MM[0]
    becomes = becomes_table({Tissue.LUNG: Tissue.LUNG_VESSEL})
    for trunk, mine in zip(LUNG_TRUNKS, (targets[right], targets[~right]), strict=True):
        drawing.tubes(grow_tree(warp.to_patient(np.array(trunk)), mine, *LUNG_MM, rng), becomes)
