"""Reading a CT series: emboplan against SimpleITK's series reader and pydicom slice by slice: speed, error.

A volume of known numbers is written as DICOM (512 x 512, 400 slices unless told) and read by each. The error
is the largest difference to what was written, in HU. The best of the repeats is reported: files are then in
the system's cache, and what is left is the reader's own work.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk  # noqa: N813  the name its documentation uses
from numpy.typing import NDArray

from emboplan.dicom.index import index_folder
from emboplan.dicom.read.slices import read_ct
from emboplan.dicom.write.ct import write_ct_series
from emboplan.dicom.write.identity import NewSeries, StudyIdentity, derived_uid
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage

RESULTS = Path(__file__).parent / "results"
Volume = NDArray[np.generic]


def write_series(folder: Path, slices: int) -> Volume:
    """A volume of random whole numbers in the range of a CT, as a DICOM series."""
    numbers = np.random.default_rng(1).integers(-1000, 1500, (slices, 512, 512), dtype=np.int16)
    grid = Grid(shape=numbers.shape, spacing_mm=(0.78, 0.78, 1.0), origin_mm=(-200.0, -200.0, -200.0))
    identity = StudyIdentity(derived_uid("benchmark", "study"))
    write_ct_series(
        CtImage(grid, numbers), folder, identity, NewSeries(derived_uid("benchmark"), "benchmark")
    )
    return numbers


def with_emboplan(folder: Path) -> Volume:
    return read_ct(index_folder(folder).choose({"CT"})).image.hu


def with_simpleitk(folder: Path) -> Volume:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    array: Volume = sitk.GetArrayFromImage(reader.Execute())
    return array


def with_pydicom(folder: Path) -> Volume:
    files = [pydicom.dcmread(path) for path in folder.iterdir()]
    files.sort(key=lambda file: float(file.ImagePositionPatient[2]))
    return np.stack(
        [file.pixel_array * float(file.RescaleSlope) + float(file.RescaleIntercept) for file in files]
    )


READERS: dict[str, Callable[[Path], Volume]] = {
    "emboplan": with_emboplan,
    "SimpleITK series reader": with_simpleitk,
    "pydicom, serial": with_pydicom,
}


def measure(read: Callable[[Path], Volume], folder: Path, truth: Volume, repeats: int) -> dict[str, float]:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        array = read(folder)
        times.append(time.perf_counter() - start)
    worst = max(
        float(np.abs(a.astype(np.float64) - t).max()) for a, t in zip(array, truth, strict=True)
    )  # slice by slice: a whole volume in float64 would not fit beside the others
    return {"seconds": min(times), "worst_error_hu": worst}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "CT"
        truth = write_series(folder, options.slices)
        results = {name: measure(read, folder, truth, options.repeats) for name, read in READERS.items()}
    print(f"{options.slices} slices of 512 x 512, best of {options.repeats}")
    for name, result in results.items():
        print(f"{name:<26} {result['seconds']:7.2f} s   worst error {result['worst_error_hu']:g} HU")
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({"slices": options.slices, "readers": results}, indent=2)
    (RESULTS / "loading.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
