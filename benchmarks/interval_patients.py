"""Digital patients for the calibration of intervals: drawn, made, segmented, and held against their truth.

Training patients are drawn by chance like those of `tests/segmentation/patients.py`, from other seeds. What
was made, segmented and compared is kept in a cache, under a digest of the code that did it.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.measure.coverage import shown_ml
from tests.segmentation.patients import patient

from emboplan.errors import EmboplanError
from emboplan.measure import doubt, surface
from emboplan.measure.doubt import Certainty, certainty, parenchyma
from emboplan.measure.surface import surface_ml_per_mm
from emboplan.model.anatomy import Anatomy, Review
from emboplan.model.image import CtImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.segmentation.builtin import segment_ct
from emboplan.synthetic.patient import DigitalPatient, make_patient

FIRST_SEED = 300
PHASES = ("portal-venous", "arterial", "late")
SLICES_MM = (2.0, 2.5, 3.0, 4.0, 5.0)
VARIANTS = (
    "", "", "", "fatty", "", "ascites", "", "splenomegaly", "thin", "", "right-hepatectomy", "", "calcified",
    "breath-step", "hypervascular",
)  # fmt: skip
LARGEST_BURDEN = 0.75
ATTEMPTS = 12  # counts and sizes that cannot hold the burden are drawn again


@dataclass(frozen=True)
class Found:
    """A found lesion, its certainty, and the true volume that it shows (None: false)."""

    volume_ml: float
    surface_ml_per_mm: float
    certainty: Certainty
    true_ml: float | None


@dataclass(frozen=True)
class Record:
    """One patient: what was found and what is true."""

    seed: int
    liver_ml: float
    liver_surface: float
    liver_true_ml: float
    tumour_true_ml: float
    unlike_frac: float
    lesions: tuple[Found, ...]

    @property
    def tumour_ml(self) -> float:
        return sum(it.volume_ml for it in self.lesions)

    @property
    def shown(self) -> list[tuple[Found, float]]:
        return [(it, it.true_ml) for it in self.lesions if it.true_ml is not None]


def settings(seed: int, attempt: int) -> dict[str, Any]:
    """The settings of a training patient; one in ten has no tumour."""
    one, again = np.random.default_rng(seed), np.random.default_rng((seed, attempt))
    place = seed - FIRST_SEED
    burden = 0.0 if place % 10 == 0 else round(LARGEST_BURDEN * float(one.uniform()) ** 1.5, 3)
    slice_mm = float(SLICES_MM[int(one.integers(len(SLICES_MM)))])
    noise = round(float(one.uniform(10, 25)), 1)
    variant = VARIANTS[int(one.integers(len(VARIANTS)))]
    count = 0 if burden == 0 else int(again.integers(1, 41))
    largest = float(round(float(again.uniform(20, 90))))
    large = 0 if count == 0 else min(count, int(again.integers(0, 5)))
    whole: dict[str, Any] = {
        "phase": PHASES[place % len(PHASES)], "slice_mm": slice_mm, "noise_sd_hu": noise,
        "noise_at_mm": slice_mm, "burden_frac": burden, "count": count, "largest_mm": largest,
        "smallest_mm": [6.0, 14.0], "at_least_20_mm": large,
    }  # fmt: skip
    return {**whole, "variant": variant} if variant else whole


def drawn(seed: int) -> DigitalPatient:
    """The training patient of a seed."""
    text = (files("emboplan.catalog") / "data" / "phantoms" / "net-liver.toml").read_text(encoding="utf-8")
    for attempt in range(ATTEMPTS):
        try:
            return make_patient(tomllib.loads(text), seed, settings(seed, attempt))
        except EmboplanError as refused:
            last = refused
    raise last


def made(seed: int, cache: Path) -> dict[str, Any]:
    """The voxels and the truth of a patient, kept in the cache."""
    kept = cache / f"made-{seed}.pkl"
    if not kept.exists():
        known = drawn(seed) if seed >= FIRST_SEED else patient(seed)
        truth = known.truth
        content = {
            "grid": known.ct.grid,
            "hu": known.ct.hu,
            "lesions": truth.lesions.labels.astype(np.uint8),
            "true_ml": {row.number: row.volume_ml for row in truth.lesion_table},
            "volumes": dict(truth.volumes_ml),
        }
        kept.write_bytes(pickle.dumps(content, protocol=4))
    content = pickle.loads(kept.read_bytes())  # noqa: S301  # written above, by this script
    return dict(content)


def digest(paths: Iterable[Path]) -> str:
    """A name of some code as it is now."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(paths))).hexdigest()[:8]


def segmentation_code() -> str:
    """A name of the segmentation's code as it is now."""
    return digest(Path(str(files("emboplan.segmentation"))).rglob("*.py"))


def record(seed: int, cache: Path, code: str) -> Record | None:
    """One patient segmented and held against its truth, kept in the cache; None where there is no result."""
    features = digest(Path(str(module.__file__)) for module in (doubt, surface))
    kept = cache / f"record-{code}-{features}-{seed}.json"
    if not kept.exists():
        new = new_record(seed, cache, code)
        kept.write_text(json.dumps(None if new is None else asdict(new)), encoding="utf-8")
    known = json.loads(kept.read_text(encoding="utf-8"))
    if known is None:
        return None
    lesions = tuple(Found(**{**it, "certainty": Certainty(it["certainty"])}) for it in known["lesions"])
    return Record(**{**known, "lesions": lesions})


def new_record(seed: int, cache: Path, code: str) -> Record | None:
    """One patient segmented and held against its truth; None where the segmentation refuses."""
    known = made(seed, cache)
    ct = CtImage(known["grid"], known["hu"])
    kept = cache / f"seg-{code}-{seed}.npz"
    if not kept.exists():
        try:
            done = segment_ct(ct)
        except EmboplanError as refused:
            np.savez(kept, refused=str(refused))
        else:
            np.savez_compressed(kept, liver=np.packbits(done.liver.voxels), lesions=done.lesions.labels)
    stored = np.load(kept)
    if "refused" in stored:
        print(f"{seed} refused: {stored['refused']}", flush=True)
        return None
    shape = ct.grid.shape
    liver = np.unpackbits(stored["liver"], count=int(np.prod(shape))).reshape(shape).astype(np.bool_)
    return compared(seed, ct, Mask(ct.grid, liver), LabelMap(ct.grid, stored["lesions"]), known)


def compared(seed: int, ct: CtImage, liver: Mask, lesions: LabelMap, known: dict[str, Any]) -> Record:
    """What was found beside what is true."""
    anatomy = Anatomy(ct, liver, lesions, Review("builtin"))
    around = parenchyma(anatomy)
    boxes = ndimage.find_objects(lesions.labels)
    behind = shown_ml(lesions.labels, known["lesions"], known["true_ml"])
    found = []
    for label in lesions.numbers:
        inside = lesions.labels[boxes[label - 1]] == label
        found.append(
            Found(
                float(np.count_nonzero(inside)) * ct.grid.voxel_ml,
                surface_ml_per_mm(inside, ct.grid),
                certainty(anatomy, label, boxes[label - 1], around),
                behind.get(label),
            )
        )
    return Record(
        seed,
        liver.volume_ml,
        surface_ml_per_mm(liver.voxels[liver.box()], ct.grid),
        known["volumes"]["liver"],
        known["volumes"]["tumour"],
        1.0 if around is None else around.unlike_frac,
        tuple(found),
    )
