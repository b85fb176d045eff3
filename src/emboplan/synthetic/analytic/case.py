"""An analytic case from a definition and a seed: CT, SPECT, planar views, maps, masks and truth as objects.

The seed gives the noise and, where the definition lets solids move, their place. The same pair gives the same
bytes on any number of threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from emboplan.errors import InputError
from emboplan.model.image import ActivityMap, CountImage, CtImage, DensityMap, PlanarPair
from emboplan.model.mask import LabelMap, Mask
from emboplan.model.serialise import fields_to_json, to_jsonable
from emboplan.synthetic.analytic import scans
from emboplan.synthetic.analytic.definition import AnalyticDefinition
from emboplan.synthetic.analytic.scans import SpectScan, centred
from emboplan.synthetic.analytic.scene import Shared, Voxels, place, share_out, voxelise
from emboplan.synthetic.analytic.truth import AnalyticTruth, Physics, analytic_truth
from emboplan.synthetic.setting.limits import MOST_SEED

Progress = Callable[[str, float], None]

UID_ROOT = "2.25."  # UUID-derived identifiers (DICOM PS3.5, B.2)
UID_BYTES = 16


@dataclass(frozen=True, slots=True, eq=False)
class AnalyticCase:
    """A phantom of simple solids whose truth is a formula.

    `regions` numbers the regions on the CT as the truth does: the innermost that fills at least half of a
    voxel. `activity` is the true map of all injections on the SPECT's grid, noise-free; `treatment` is that
    of the activities administered, `density` on the same grid, ready for `dose`.
    """

    name: str
    seed: int
    ct: CtImage
    density: DensityMap
    activity: ActivityMap
    treatment: ActivityMap
    spect: tuple[SpectScan, ...]
    planar: PlanarPair | None
    regions: LabelMap
    truth: AnalyticTruth

    @property
    def maa_spect(self) -> CountImage:
        """The first SPECT."""
        return self.spect[0].image

    def mask(self, *names: str) -> Mask:
        """The voxels of regions by name, on the CT's grid; without what lies inside them."""
        known = {r.name: r.number for r in self.truth.regions}
        for name in names:
            if name not in known:
                raise InputError(f"the case has no region {name!r}; it has {', '.join(known)}")
        return Mask(self.ct.grid, np.isin(self.regions.labels, [known[name] for name in names]))

    def role_mask(self, *roles: str) -> Mask:
        """The voxels of all regions that stand for these organs: tumour, liver, lungs, other."""
        return self.mask(*(r.name for r in self.truth.regions if r.role in roles))

    @property
    def liver(self) -> Mask:
        """Liver with its tumours."""
        return self.role_mask("liver", "tumour")

    @property
    def lungs(self) -> Mask:
        """Lungs."""
        return self.role_mask("lungs")

    @property
    def lesions(self) -> LabelMap:
        """Tumours, numbered from 1 in the order of the regions."""
        numbers = [r.number for r in self.truth.regions if r.role == "tumour"]
        table = np.zeros(len(self.truth.regions) + 1, np.uint16)
        table[numbers] = np.arange(1, len(numbers) + 1)
        return LabelMap(self.ct.grid, table[self.regions.labels])

    def to_json(self) -> dict[str, Any]:
        """Name, seed and truth."""
        return {"phantom": self.name, "seed": self.seed, **truth_to_json(self.truth)}


def truth_to_json(truth: AnalyticTruth) -> dict[str, Any]:
    """Every set and derived quantity with its unit in the key."""
    out = fields_to_json(truth)
    if truth.planar_first_pixel_x_z_mm is None:
        del out["planar_first_pixel_x_z_mm"], out["planar_geometric_mean_shunt_frac"]
    jsonable: dict[str, Any] = to_jsonable(out)
    return jsonable


def analytic_case(
    definition: AnalyticDefinition,
    seed: int,
    physics: Physics,
    *,
    progress: Progress | None = None,
) -> AnalyticCase:
    """The case that `definition` and `seed` make.

    Raises:
        InputError: the seed is negative or too large, or what is set cannot be made: solids that overlap,
            leave the one around them or the image, or are smaller than a voxel.
    """
    if seed != int(seed) or not 0 <= seed <= MOST_SEED:
        raise InputError(f"seed is {seed}; expected a whole number of 0 to {MOST_SEED}")
    say = progress or (lambda _stage, _frac: None)
    say("placing the solids", 0.0)
    key = f"{definition.name}/{seed}/{sorted(definition.settings.items())}"
    uid = UID_ROOT + str(int.from_bytes(hashlib.sha256(key.encode()).digest()[:UID_BYTES], "big"))
    scene = place(definition, seed)
    shared = [share_out(scene, injection) for injection in definition.injections]
    on_ct = voxelise(
        scene, centred(definition.ct.matrix, definition.ct.voxel_mm, uid), definition.ct.supersampling
    )
    ct = scans.ct_image(definition.ct, on_ct, seed)
    regions = LabelMap(on_ct.grid, on_ct.labels())
    counted = np.bincount(regions.labels.ravel(), minlength=len(scene.regions) + 1)[1:] * on_ct.grid.voxel_ml
    sizes = [(f.sampled_ml, float(ml)) for f, ml in zip(on_ct.filled, counted, strict=True)]
    del on_ct
    say("scanning", 1 / 2)
    spect = definition.spect
    voxels = voxelise(scene, centred(spect.matrix, spect.voxel_mm, uid), spect.supersampling)
    taken = scans.spect_scans(spect, voxels, shared, physics.half_life_h, seed)
    mbq = sum((scans.activity_mbq(voxels, s) for s in shared), start=np.zeros(voxels.grid.shape))
    planar = None if definition.planar is None else scans.planar_views(definition.planar, voxels, mbq, seed)
    truth = analytic_truth(
        definition, scene, shared, taken, physics, sizes, scans.first_pixel_mm(voxels.grid)
    )
    return AnalyticCase(
        name=definition.name,
        seed=seed,
        ct=ct,
        density=_density(voxels),
        activity=ActivityMap(voxels.grid, (mbq / voxels.grid.voxel_ml).astype(np.float32)),
        treatment=_treatment(voxels, shared),
        spect=taken,
        planar=planar,
        regions=regions,
        truth=truth,
    )


def _density(voxels: Voxels) -> DensityMap:
    scene = voxels.scene
    values = voxels.blend([r.material.g_per_ml for r in scene.regions], scene.outside.g_per_ml)
    return DensityMap(voxels.grid, np.maximum(values, 0).astype(np.float32))


def _treatment(voxels: Voxels, shared: list[Shared]) -> ActivityMap:
    mbq = sum(
        (scans.activity_mbq(voxels, s) * s.administered_per_injected for s in shared),
        start=np.zeros(voxels.grid.shape),
    )
    return ActivityMap(voxels.grid, (mbq / voxels.grid.voxel_ml).astype(np.float32))
