"""Electron transport in voxels: histories a second and core, error beside it, and memory on a large grid.

The phantom has voxels of 3 mm, liver with a tumour below, lung above, ribs at the side, and densities that
vary by 3 % from voxel to voxel. Speed is histories over the processor time of one thread, the best of the
repeats, so that other work on the machine counts little. The error is that of voxel S in water against
the point kernel. The large grid has 256 voxels a side and a liver of a tenth of them; its memory is what the
run adds to what the imports and the maps take.
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

from emboplan.dosimetry.voxel.transport import transport_dose
from emboplan.dosimetry.voxel.voxel_s import voxel_s_kernel
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap
from emboplan.model.tissue import TissueMap

RESULTS = Path(__file__).parent / "results"
BAR_PER_SECOND = 500_000
BAR_GIB = 1.0
SIDE = 48
LARGE = 256
KIB_PER_GIB = 1024.0**2


def phantom(side: int, mm: float, *, even: bool = False) -> tuple[ActivityMap, TissueMap]:
    """Liver with a tumour, lung above it from two thirds of the height, ribs at the side."""
    grid = Grid((side, side, side), (mm, mm, mm), (0.0, 0.0, 0.0))
    z, y, x = (a / side for a in np.ogrid[:side, :side, :side])
    material = np.zeros(grid.shape, np.uint8)
    material[(z > 2 / 3) & (x < 2) & (y < 2)] = 1
    material[(x > 5 / 6) & ((12 * y).astype(int) % 3 == 0) & (z < 2)] = 2
    density = np.array([1.06, 0.26, 1.5], np.float32)[material]
    if not even:
        density *= np.random.default_rng(1).normal(1, 0.03, grid.shape).astype(np.float32)
    mbq = np.zeros(grid.shape, np.float32)
    liver = (abs(z - 0.43) < 0.232) & (abs(y - 0.5) < 0.232) & (abs(x - 0.5) < 0.232)
    mbq[liver] = 2
    mbq[(z - 0.4) ** 2 + (y - 0.5) ** 2 + (x - 0.5) ** 2 < 0.1**2] = 10
    return ActivityMap(grid, mbq), TissueMap(grid, density, material, ("liver", "lung", "bone_cortical"))


def speed(repeats: int) -> dict[str, float]:
    """Best histories per second of processor time on one thread."""
    numba.set_num_threads(1)
    activity, tissue = phantom(SIDE, 3.0)
    transport_dose(activity, tissue, histories=1_000)
    best = 0.0
    for _ in range(repeats):
        start = time.process_time()
        result = transport_dose(activity, tissue, histories=1_000_000)
        best = max(best, result.histories / (time.process_time() - start))
    return {"histories_per_second_and_core": best}


def error() -> dict[str, float]:
    """Voxel S of 3 mm in water, centre and face, over that from the point kernel, less 1."""
    grid = Grid((7, 7, 7), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))
    mbq = np.zeros(grid.shape, np.float32)
    mbq[3, 3, 3] = 1
    water = TissueMap(grid, np.ones(grid.shape, np.float32), np.zeros(grid.shape, np.uint8), ("water",))
    gy = transport_dose(
        ActivityMap(grid, mbq), water, histories=2_000_000, bremsstrahlung="escapes"
    ).dose.gy.astype(float)
    kernel = voxel_s_kernel(spacing_mm=grid.spacing_mm, bremsstrahlung="escapes").mgy_per_mbq_s
    z, y, x = (n // 2 for n in kernel.shape)
    scale = gy.sum() / kernel[z - 3 : z + 4, y - 3 : y + 4, x - 3 : x + 4].sum()
    faces = [gy[2, 3, 3], gy[4, 3, 3], gy[3, 2, 3], gy[3, 4, 3], gy[3, 3, 2], gy[3, 3, 4]]
    return {
        "centre_error_percent": 100 * (gy[3, 3, 3] / kernel[z, y, x] / scale - 1),
        "face_error_percent": 100 * (float(np.mean(faces)) / kernel[z + 1, y, x] / scale - 1),
    }


def memory() -> dict[str, float]:
    """GiB that a run on the large grid adds at its peak, in a process of its own."""
    command = [sys.executable, __file__, "--memory-only"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  our own command
    return {"memory_gib": float(ran.stdout)}


def memory_only() -> None:
    """Print the growth of the peak from just before a run on the large grid to its end."""
    import resource  # not on every system

    numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
    small = phantom(16, 3.0)
    transport_dose(*small, histories=1_000)
    activity, tissue = phantom(LARGE, 1.5, even=True)
    with Path("/proc/self/statm").open() as file:
        resident_kib = int(file.read().split()[1]) * resource.getpagesize() / 1024
    transport_dose(activity, tissue, histories=1_000_000)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print((after - resident_kib) / KIB_PER_GIB)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory-only", action="store_true")
    options = parser.parse_args()
    if options.memory_only:
        memory_only()
        return
    results = {**speed(options.repeats), **error()}
    if sys.platform == "linux":
        results |= memory()
    rate = results["histories_per_second_and_core"]
    print(f"{rate:,.0f} histories a second and core (bar {BAR_PER_SECOND:,})")
    print(
        f"voxel S of 3 mm: centre {results['centre_error_percent']:+.2f} %, "
        f"face {results['face_error_percent']:+.2f} %"
    )
    if "memory_gib" in results:
        print(f"{LARGE}^3, 2 threads: {results['memory_gib']:.2f} GiB above maps and imports (bar {BAR_GIB})")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "transport.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
