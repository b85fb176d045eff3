"""The segmentation of a CT of 512 x 512 x 200 voxels, and the sweeps under it against the libraries' own.

A digital patient with little and one with much tumour are made, written as NIfTI and segmented, each in a
process of its own that gives its time and peak memory; the first run may compile, the second counts. The
sweeps take turns with ITK and scipy on one volume, on two threads where the library uses them, too, and are
held against their results.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.files.nifti import read_ct, write_ct
from emboplan.segmentation.builtin import segment_ct
from emboplan.segmentation.shape import distance_mm, flood
from emboplan.segmentation.working import REACH_SIGMAS, median_of_neighbours, smooth
from emboplan.synthetic.patient import make_patient

F32 = NDArray[np.float32]

RESULTS = Path(__file__).parent / "results"
BAR_SECONDS, BAR_GIB = 30.0, 3.0
KIB_PER_GIB = 1024.0**2
BURDENS = {"4 % tumour": (0.04, 12), "70 % tumour": (0.7, 29)}
SLICE_MM = 2.07
SHAPE = (140, 200, 260)
SPACING_MM = (2.5, 1.5, 1.4)
SIGMA = 1.5


def made(folder: Path, burden_frac: float, count: int) -> Path:
    """The CT of a digital patient, as a file."""
    table = files("emboplan.catalog") / "data" / "phantoms" / "net-liver.toml"
    settings = {"slice_mm": SLICE_MM, "burden_frac": burden_frac, "count": count, "largest_mm": 60.0}
    known = make_patient(tomllib.loads(table.read_text(encoding="utf-8")), 1, settings)
    path = folder / f"{round(100 * burden_frac)}.nii.gz"
    write_ct(path, known.ct)
    return path


def one(path: Path) -> None:
    """Segment the CT of a file, in this process; prints what it took."""
    ct = read_ct(path)
    start = time.perf_counter()
    found = segment_ct(ct)
    seconds = time.perf_counter() - start
    burden = np.count_nonzero(found.lesions.labels) / np.count_nonzero(found.liver.voxels)
    print(json.dumps({"shape": ct.hu.shape, "seconds": seconds, "burden_frac": burden}))


def apart(path: Path) -> dict[str, object]:
    """`one` in a process of its own, with its peak memory."""
    command = [sys.executable, __file__, "--one", str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603  our own command
    assert process.stdout is not None
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"the segmentation ended with status {process.returncode}")
    kib = usage.ru_maxrss / (1024.0 if sys.platform == "darwin" else 1.0)
    return {**json.loads(out), "peak_gib": kib / KIB_PER_GIB}


def itk_distance(mask: NDArray[np.bool_]) -> F32:
    image = SimpleITK.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(SPACING_MM[::-1])
    found = SimpleITK.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
    return np.asarray(np.maximum(SimpleITK.GetArrayFromImage(found), 0), np.float32)


def itk_flood(level: F32, markers: NDArray[np.int32]) -> NDArray[np.int32]:
    image, seeds = SimpleITK.GetImageFromArray(level), SimpleITK.GetImageFromArray(markers)
    found = SimpleITK.MorphologicalWatershedFromMarkers(
        image, seeds, markWatershedLine=False, fullyConnected=False
    )
    return np.asarray(SimpleITK.GetArrayFromImage(found), np.int32)


def itk_median(values: F32) -> F32:
    image = SimpleITK.GetImageFromArray(values)
    return np.asarray(SimpleITK.GetArrayFromImage(SimpleITK.Median(image, (1, 1, 1))), np.float32)


def in_turns(ways: dict[str, Callable[[], NDArray[np.generic]]], repeats: int) -> dict[str, object]:
    """The best time of each way, ours first, and its largest difference from ours."""
    best = dict.fromkeys(ways, float("inf"))
    out = {}
    for _ in range(repeats + 1):  # the first call may compile
        for name, way in ways.items():
            start = time.perf_counter()
            out[name] = way()
            best[name] = min(best[name], time.perf_counter() - start)
    ours = next(iter(ways))
    rows: dict[str, object] = {"seconds": best}
    rows["ratio"] = {name: best[name] / best[ours] for name in ways if name != ours}
    rows["difference"] = {
        name: float(np.abs(out[name].astype(np.float64) - out[ours].astype(np.float64)).max())
        for name in ways
        if name != ours
    }
    return rows


def sweeps(repeats: int) -> dict[str, object]:
    """Each sweep against its peers on one volume."""
    rng = np.random.default_rng(1)
    grain = rng.standard_normal(SHAPE).astype(np.float32) * np.float32(50)
    level = np.asarray(ndimage.gaussian_filter(grain, 2.0), np.float32)
    mask = np.asarray(ndimage.gaussian_filter(grain, 8.0) > 0)
    markers = np.where(rng.random(SHAPE) < 1e-3, rng.integers(1, 6, SHAPE), 0).astype(np.int32)
    return {
        "distances (mm)": in_turns(
            {
                "emboplan": lambda: distance_mm(mask, SPACING_MM),
                "ITK Maurer": lambda: itk_distance(mask),
                "scipy": lambda: ndimage.distance_transform_edt(~mask, sampling=SPACING_MM),
            },
            repeats,
        ),
        "watershed (labels)": in_turns(
            {"emboplan": lambda: flood(level, markers), "ITK": lambda: itk_flood(level, markers)}, repeats
        ),
        "median of 27 (HU)": in_turns(
            {"emboplan": lambda: median_of_neighbours(grain), "ITK": lambda: itk_median(grain)}, repeats
        ),
        "Gaussian (HU)": in_turns(
            {
                "emboplan": lambda: smooth(grain, (SIGMA,) * 3),
                "scipy": lambda: ndimage.gaussian_filter(grain, SIGMA, truncate=REACH_SIGMAS),
            },
            repeats,
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        one(options.one)
        return
    results: dict[str, Any] = {"sweeps": sweeps(options.repeats)}
    for name, row in results["sweeps"].items():
        for peer, ratio in row["ratio"].items():
            print(
                f"{name:<20} {row['seconds']['emboplan']:6.2f} s   {peer}: {ratio:4.1f} times as long, "
                f"largest difference {row['difference'][peer]:.3g}"
            )
    with tempfile.TemporaryDirectory() as temporary:
        for name, (burden, count) in BURDENS.items():
            path = made(Path(temporary), burden, count)
            runs = [apart(path) for _ in range(2)]
            results[name] = runs
            for which, run in zip(("first", "second"), runs, strict=True):
                print(f"{name}, {which:<8} {run['seconds']:6.1f} s   peak {run['peak_gib']:.2f} GiB")
    print(f"bars: {BAR_SECONDS:.0f} s, {BAR_GIB:.0f} GiB")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "segmentation.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
