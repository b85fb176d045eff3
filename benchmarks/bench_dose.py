"""The voxel dose of a patient: time, error and memory; and how far each method is from full transport.

The patient is the digital one on a grid of 4 mm: liver, lesions and lungs, activity in the liver by its true
uptake and 5 % in the lungs. `auto` runs until the standard error of the mean dose is below 1 % in the normal
liver and in every lesion above 1 mL. Compilation and the making of tables go first and are not timed.

The methods are compared on a phantom of 3 mm voxels: liver with a tumour, lung above it (the dome), ribs at
its side. The large grid has 256 voxels a side and a liver of a tenth of them; its memory is what the run adds
to what the imports and the maps take.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numba
import numpy as np

import emboplan as ep
from bench_transport import phantom as layered  # type: ignore[import-not-found]  # it lies beside this file
from emboplan.dosimetry.tissues.tissue import tissue_map
from emboplan.imaging.resample import mask_occupancy
from emboplan.model.case import DoseMethod
from emboplan.model.image import ActivityMap
from emboplan.model.tissue import TissueMap
from emboplan.workflow.dosing.dose_engines import DoseSettings, computed_dose
from emboplan.workflow.dosing.dose_request import dose_grid

RESULTS = Path(__file__).parent / "results"
BAR_SECONDS, BAR_PERCENT, BAR_GIB = 15.0, 1.0, 1.0
KIB_PER_GIB = 1024.0**2
THREADS = 2
MOST_HISTORIES = 8_000_000
LARGE = 256
SHUNT, ADMINISTERED_GBQ, RATIO = 0.05, 2.0, 5.0


def patient_maps() -> tuple[ActivityMap, TissueMap, dict[str, np.ndarray], dict[str, float]]:
    """Activity, tissue and structures of the digital patient on 4 mm voxels, and the volumes (mL)."""
    patient = ep.phantom("net-liver", seed=1)
    assert isinstance(patient, ep.DigitalPatient)
    truth = patient.truth
    box = truth.liver.box(margin=0)
    whole = np.zeros(truth.liver.grid.shape, bool)
    whole[box] = True
    if not truth.lungs.is_empty:
        whole[truth.lungs.box()] = True
    around = ep.Mask(truth.liver.grid, whole).box(margin=12)
    grid = dose_grid(truth.liver.grid.cropped(around), 4.0)
    tissue, _ = tissue_map(patient.ct, liver=truth.liver, lungs=truth.lungs, grid=grid)
    liver, lungs = (mask_occupancy(mask, grid) for mask in (truth.liver, truth.lungs))
    lesions = {f"tumour {n}": truth.lesions.mask(n) for n in truth.lesions.numbers}
    shares = {name: mask_occupancy(mask, grid) for name, mask in lesions.items()}
    tumour = sum(shares.values())
    pattern = liver + (RATIO - 1) * tumour
    mbq = 1000 * ADMINISTERED_GBQ * (1 - SHUNT) * pattern / pattern.sum()
    mbq = (mbq + 1000 * ADMINISTERED_GBQ * SHUNT * lungs / lungs.sum()) / grid.voxel_ml
    volumes = {name: mask.volume_ml for name, mask in lesions.items()}
    asked = {"normal liver": np.clip(liver - tumour, 0, 1)}
    asked |= {name: share for name, share in shares.items() if volumes[name] >= 1}
    volumes["liver"] = truth.liver.volume_ml
    return ActivityMap(grid, mbq.astype(np.float32)), tissue, asked, volumes


def patient(repeats: int) -> dict[str, float]:
    """Best wall time of the dose, its largest relative error, and the share that was transported."""
    activity, tissue, asked, volumes = patient_maps()
    settings = DoseSettings(method=DoseMethod.AUTO)
    found = computed_dose(activity, tissue, settings, structures=asked)
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        found = computed_dose(activity, tissue, settings, structures=asked)
        best = min(best, time.perf_counter() - start)
    return {
        "liver_ml": volumes["liver"],
        "structures": len(asked),
        "voxels": int(np.prod(activity.grid.shape)),
        "seconds": best,
        "worst_error_percent": 100 * max(mean.relative_error for mean in found.means),
        "transported_percent": 100 * found.transported_frac,
        "histories": found.histories,
    }


def dome() -> tuple[ActivityMap, TissueMap, dict[str, np.ndarray]]:
    """Liver with a tumour, lung above, ribs at its side; and the places that are compared."""
    grid = ep.Grid(shape=(40, 40, 40), spacing_mm=(3, 3, 3), origin_mm=(0, 0, 0))
    z, y, x = np.ogrid[:40, :40, :40]
    everywhere = np.ones(grid.shape, bool)
    lung = everywhere & (z >= 26)
    ribs = (z < 26) & (x >= 28) & (y % 6 < 3)
    material = np.where(lung, 1, np.where(ribs, 2, 0)).astype(np.uint8)
    density = np.array([1.06, 0.26, 1.5], np.float32)[material]
    liver = (z >= 6) & (z < 26) & (y >= 8) & (y < 32) & (x >= 8) & (x < 28)
    tumour = (z - 16) ** 2 + (y - 20) ** 2 + (x - 18) ** 2 < 5**2
    mbq = np.where(tumour, 10, np.where(liver, 2, 0)).astype(np.float32)
    beside = (y >= 12) & (y < 28) & (x >= 12) & (x < 24)
    places = {
        "tumour": everywhere & tumour,
        "liver": liver & ~tumour,
        "liver, 6 mm below the lung": (z >= 24) & (z < 26) & beside,
        "lung, first 9 mm": (z >= 26) & (z < 29) & beside,
        "lung, first 20 mm": (z >= 26) & (z < 33) & beside,
        "ribs, first 9 mm": ribs & (x < 31) & (y >= 12) & (y < 28) & (z >= 10) & (z < 22),
    }
    tissue = TissueMap(grid, density, material, ("liver", "lung", "bone_cortical"))
    return ActivityMap(grid, mbq), tissue, places


def methods() -> dict[str, dict[str, float]]:
    """Mean dose by each method over that by full transport, less 1, in per cent, by place."""
    activity, tissue, places = dome()
    doses = {}
    for method in DoseMethod:
        settings = DoseSettings(method=method, relative_error=0.005, most_histories=MOST_HISTORIES)
        shares = {n: p.astype(np.float32) for n, p in places.items()}
        doses[method] = computed_dose(activity, tissue, settings, structures=shares)
    reference = doses[DoseMethod.TRANSPORT]
    errors = {mean.name: 100 * mean.relative_error for mean in reference.means}
    rows: dict[str, dict[str, float]] = {}
    for name, place in places.items():
        truth = float(reference.dose.gy[place].mean(dtype=np.float64))
        rows[name] = {"transport_gy": truth, "standard_error_percent": errors[name]}
        for method, found in doses.items():
            mean = float(found.dose.gy[place].mean(dtype=np.float64))
            rows[name][method.value] = 100 * (mean / truth - 1)
    return rows


def memory() -> dict[str, float]:
    """GiB that a dose on the large grid adds at its peak, in a process of its own."""
    command = [sys.executable, __file__, "--memory-only"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  our own command
    return {"memory_gib": float(ran.stdout)}


def memory_only() -> None:
    """Print the growth of the peak from just before a dose on the large grid to its end."""

    numba.set_num_threads(min(THREADS, numba.config.NUMBA_NUM_THREADS))
    settings = DoseSettings(most_histories=640_000, relative_error=0.05)
    activity, tissue = layered(24, 3.0)
    computed_dose(activity, tissue, settings, structures={})
    activity, tissue = layered(LARGE, 1.5, even=True)
    before = status_kib("VmRSS")
    computed_dose(activity, tissue, settings, structures={})
    print((status_kib("VmHWM") - before) / KIB_PER_GIB)


def status_kib(name: str) -> int:
    """A size of this process from Linux; the peak of `getrusage` starts with that of the parent process."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory-only", action="store_true")
    options = parser.parse_args()
    if options.memory_only:
        memory_only()
        return
    numba.set_num_threads(min(THREADS, numba.config.NUMBA_NUM_THREADS))
    of_patient = patient(options.repeats)
    print(
        f"patient, liver {of_patient['liver_ml']:.0f} mL, {of_patient['voxels']:,} voxels of 4 mm: "
        f"{of_patient['seconds']:.1f} s (bar {BAR_SECONDS:g}), largest error "
        f"{of_patient['worst_error_percent']:.2f} % (bar {BAR_PERCENT:g}) of {of_patient['structures']} "
        f"structures; {of_patient['transported_percent']:.0f} % transported, {of_patient['histories']:,} "
        "electrons"
    )
    of_methods = methods()
    names = [method.value for method in DoseMethod if method is not DoseMethod.TRANSPORT]
    print(f"{'against transport (%)':<28}" + "".join(f"{name:>17}" for name in names) + f"{'error':>8}")
    for place, row in of_methods.items():
        doses = "".join(f"{row[name]:>+17.1f}" for name in names)
        print(f"{place:<28}{doses}{row['standard_error_percent']:>8.2f}")
    results: dict[str, object] = {"patient": of_patient, "methods": of_methods}
    if sys.platform == "linux":
        results |= memory()
        print(f"{LARGE}^3, 2 threads: {results['memory_gib']:.2f} GiB above maps and imports (bar {BAR_GIB})")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "dose.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
