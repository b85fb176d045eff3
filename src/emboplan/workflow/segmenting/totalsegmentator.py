"""TotalSegmentator as a backend: an optional package, run in a process of its own, without network.

It is used only where it is installed (``emboplan[totalsegmentator]``) and where the environment variable
TOTALSEG_WEIGHTS_PATH names a folder with its weights. Weights are never downloaded. The process gets a home
folder of its own, in which usage statistics are switched off. The liver comes from the task ``total``,
lesions from the task ``liver_lesions`` where its weights are there; else they are left to the built-in
segmentation.
"""

from __future__ import annotations

import json
import os
import signal
import site
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from emboplan.errors import EmboplanError, InputError, SegmentationError
from emboplan.files import nifti
from emboplan.measure.lesions import number_lesions
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import CtImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.segmentation.backends import Contours, Origin, Progress
from emboplan.workflow.segmenting.totalsegmentator_run import FAST, FULL, LESION_TASK, NOTE, WANTED_NETWORK

NAME = "totalsegmentator"
WEIGHTS_VARIABLE = "TOTALSEG_WEIGHTS_PATH"
PACKAGE = "totalsegmentator"
RUNNER = "emboplan.workflow.segmenting.totalsegmentator_run"

# The package keeps each model in a folder that begins with its number: the five models of the task total at
# 1.5 mm, the one at 3 mm that stands in for them, and the one of liver lesions.
FULL_MODELS = ("Dataset291_", "Dataset292_", "Dataset293_", "Dataset294_", "Dataset295_")
FAST_MODEL = "Dataset297_"
LESION_MODEL = "Dataset591_"

# On two cores a chest and abdomen take some minutes; what takes an hour hangs.
TIMEOUT_S = 3600.0

# Of what the package says when it fails, as much as fits a line.
QUOTED = 200

INSTEAD = "or leave out --backend to use the built-in segmentation"


@dataclass(frozen=True, slots=True)
class TotalSegmentator:
    """The backend; `timeout_s` ends a run that hangs."""

    timeout_s: float = TIMEOUT_S
    name: str = NAME

    def __call__(self, ct: CtImage, progress: Progress | None = None) -> Contours:
        """Liver and, with their weights, lesions of a CT. Errors as `Backend`."""
        models = _require_installed()
        if progress is not None:
            progress("TotalSegmentator", 0.0)
        with tempfile.TemporaryDirectory(prefix="emboplan-") as name:
            work = Path(name)
            nifti.write_ct(work / "ct.nii.gz", ct)
            arguments = _arguments(models)
            self._run(work, arguments)
            found = _contours(work, ct)
            return replace(found, findings=_remarks(arguments) + found.findings)

    def _run(self, work: Path, arguments: tuple[str, ...]) -> None:
        command = [sys.executable, "-m", RUNNER, str(work / "ct.nii.gz"), str(work), *arguments]
        with (work / "said.txt").open("wb") as said:
            process = subprocess.Popen(  # noqa: S603  our own module, and files that we made
                command,
                cwd=work,
                env=_environment(work),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                status = process.wait(self.timeout_s)
            except subprocess.TimeoutExpired as error:
                raise InputError(
                    f"TotalSegmentator did not end within {self.timeout_s:g} s; try a CT of the abdomen "
                    f"alone, {INSTEAD}"
                ) from error
            finally:
                _end(process)
        if status == WANTED_NETWORK:
            raise InputError(
                f"TotalSegmentator asked for the network, which it does not get: {WEIGHTS_VARIABLE} lacks "
                f"weights that it needs; fetch them with totalseg_download_weights, {INSTEAD}"
            )
        if status != 0:
            raise InputError(
                f"TotalSegmentator failed ({_last_line(work)}); mend its installation, {INSTEAD}"
            )


def _require_installed() -> tuple[str, ...]:
    """The names of the models there are; `InputError` where package or weights are missing."""
    package = find_spec(PACKAGE)
    if package is None or package.origin is None:  # a plain folder of that name is no package
        raise InputError(
            "TotalSegmentator is not installed; install it with pip install 'emboplan[totalsegmentator]', "
            f"{INSTEAD}"
        )
    named = os.environ.get(WEIGHTS_VARIABLE, "")
    advice = f"set it to the folder of TotalSegmentator's weights, which are not downloaded here, {INSTEAD}"
    if not named:
        raise InputError(f"{WEIGHTS_VARIABLE} is not set; {advice}")
    folder = Path(named)
    if not folder.is_dir():
        raise InputError(f"{WEIGHTS_VARIABLE} names {named}, which is no folder; {advice}")
    models = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
    if not _has_all(models, FULL_MODELS) and not _has_all(models, (FAST_MODEL,)):
        raise InputError(
            f"{WEIGHTS_VARIABLE} names a folder without the weights of the task total (Dataset291 to "
            f"Dataset295, or Dataset297); {advice}"
        )
    return models


def _has_all(models: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return all(any(model.startswith(start) for model in models) for start in wanted)


def _arguments(models: tuple[str, ...]) -> tuple[str, ...]:
    """Resolution and further tasks, by the weights there are."""
    resolution = FULL if _has_all(models, FULL_MODELS) else FAST
    return (resolution, LESION_TASK) if _has_all(models, (LESION_MODEL,)) else (resolution,)


def _remarks(arguments: tuple[str, ...]) -> tuple[Finding, ...]:
    if FULL in arguments:
        return ()
    text = "TotalSegmentator used its model at 3 mm: the weights of the finer one are not all there."
    return (Finding("segmentation.coarse-model", Severity.INFO, text),)


def _environment(work: Path) -> dict[str, str]:
    """The environment of the process: a home of its own, in which nothing is reported."""
    home = work / "home" / ".totalsegmentator"
    home.mkdir(parents=True)
    settings = {
        "totalseg_id": "none",
        "send_usage_stats": False,
        "statistics_disclaimer_shown": True,
        "prediction_counter": 0,
    }
    (home / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    return {
        **os.environ,
        "HOME": str(home.parent),
        "TOTALSEG_HOME_DIR": str(home),
        # Packages that the user installed lie in the real home.
        "PYTHONUSERBASE": os.environ.get("PYTHONUSERBASE") or site.getuserbase(),
        WEIGHTS_VARIABLE: str(Path(os.environ[WEIGHTS_VARIABLE]).resolve()),
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process with all that it started; nothing where it has ended."""
    if process.poll() is not None:
        return
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _last_line(work: Path) -> str:
    text = (work / "said.txt").read_text(encoding="utf-8", errors="replace").strip()
    line = text.splitlines()[-1] if text else "it said nothing"
    return line[:QUOTED].replace(str(work), "the working folder")


def _contours(work: Path, ct: CtImage) -> Contours:
    """What the run left, checked: on the CT's grid, with a liver, lesions inside it."""
    try:
        note: dict[str, Any] = json.loads((work / NOTE).read_text(encoding="utf-8"))
        parts = {name: _mask(work / part["file"], part["label"], ct) for name, part in note["parts"].items()}
        liver = parts["liver"]
    except (OSError, ValueError, KeyError, TypeError, EmboplanError) as error:
        raise InputError(
            f"TotalSegmentator left no usable result ({str(error)[:QUOTED]}); mend its "
            f"installation, {INSTEAD}"
        ) from error
    if liver.is_empty:
        raise SegmentationError("TotalSegmentator found no liver; check the image, or give a liver mask")
    origin = Origin(NAME, note.get("version"), note.get("licence"))
    if "lesions" not in parts:
        return Contours(origin, liver, None)
    whole, lesions, findings = _inside(liver, parts["lesions"])
    return Contours(origin, whole, lesions, findings)


def _mask(path: Path, label: int, ct: CtImage) -> Mask:
    labels = nifti.read_labels(path, ct.grid)
    return Mask(ct.grid, labels.labels == int(label))


def _inside(liver: Mask, tumour: Mask) -> tuple[Mask, LabelMap, tuple[Finding, ...]]:
    """Two models need not agree: lesions that touch the liver belong to it, others are none of the liver."""
    around = np.ones((3, 3, 3), np.bool_)
    labels, count = ndimage.label(tumour.voxels, structure=around)
    touching = np.zeros(count + 1, np.bool_)
    # A tumour that the liver model left out lies beside its liver, not in it.
    touching[np.unique(labels[ndimage.binary_dilation(liver.voxels, around)])] = True
    touching[0] = False
    kept = touching[labels]
    added_ml = int(np.count_nonzero(kept & ~liver.voxels)) * liver.grid.voxel_ml
    whole = Mask(liver.grid, liver.voxels | kept)
    if added_ml == 0:
        return whole, number_lesions(Mask(liver.grid, kept)), ()
    text = f"{added_ml:.1f} mL of the lesions lay outside the liver that was found; added to it."
    finding = Finding("segmentation.lesions-added-to-liver", Severity.INFO, text)
    return whole, number_lesions(Mask(liver.grid, kept)), (finding,)
