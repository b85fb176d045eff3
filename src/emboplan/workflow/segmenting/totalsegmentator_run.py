"""One run of TotalSegmentator in a process of its own: a CT file in, label maps and a note about them out.

The process has no network: weights are not downloaded and nothing is reported to anyone, whatever the package
would do. It imports nothing of ours, and the package only here, so that emboplan works without it.

    python -m emboplan.workflow.segmenting.totalsegmentator_run ct.nii.gz FOLDER full|fast [liver_lesions]
"""

from __future__ import annotations

import json
import socket
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

DISTRIBUTION = "TotalSegmentator"
NOTE = "note.json"

# How the process ends when the package asked for the network: something that it needs is not there.
WANTED_NETWORK = 3
FAILED = 1

# The model at 1.5 mm, or the one at 3 mm.
FULL, FAST = "full", "fast"

LIVER_TASK, LESION_TASK = "total", "liver_lesions"


class NoNetworkError(OSError):
    """The package asked for a connection."""


def close_network() -> list[str]:
    """Refuse every connection of this process but local sockets; the list gets what was asked for."""
    asked: list[str] = []

    def guard(event: str, arguments: tuple[Any, ...]) -> None:
        local = event == "socket.connect" and arguments[0].family == getattr(socket, "AF_UNIX", None)
        if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto") and not local:
            asked.append(event)
            raise NoNetworkError("this process has no network")

    sys.addaudithook(guard)
    return asked


def package_note() -> dict[str, str | None]:
    """Version and licence of the installed package, None where it does not say."""
    try:
        about = metadata(DISTRIBUTION)
    except PackageNotFoundError:
        return {"version": None, "licence": None}
    licence = next((about[key] for key in ("License-Expression", "License") if key in about), "")
    return {"version": about["Version"], "licence": licence.partition("\n")[0].strip() or None}


def label_of(task: str, name: str) -> int | None:
    """The number that a task gives to a structure; None where the package does not know it."""
    names = import_module("totalsegmentator.map_to_binary").class_map.get(task, {})
    return next((int(number) for number, known in names.items() if known == name), None)


def run(ct: Path, folder: Path, *, fast: bool, lesions: bool) -> None:
    """Segment the CT: a label map for each task in the folder, and `note.json`, which says what is where."""
    segmenter = import_module("totalsegmentator.python_api").totalsegmentator
    nibabel = import_module("nibabel")
    image = nibabel.load(str(ct))
    found: dict[str, dict[str, Any]] = {}
    liver = label_of(LIVER_TASK, "liver")
    if liver is None:
        raise KeyError("the task total has no liver")
    labels = segmenter(
        image, None, task=LIVER_TASK, roi_subset=["liver"], device="cpu", fast=fast, ml=True, quiet=True
    )
    nibabel.save(labels, str(folder / "liver.nii.gz"))
    found["liver"] = {"file": "liver.nii.gz", "label": liver}
    lesion = label_of(LESION_TASK, LESION_TASK) if lesions else None
    if lesion is not None:
        labels = segmenter(image, None, task=LESION_TASK, device="cpu", ml=True, quiet=True)
        nibabel.save(labels, str(folder / "lesions.nii.gz"))
        found["lesions"] = {"file": "lesions.nii.gz", "label": lesion}
    note = {**package_note(), "parts": found}
    (folder / NOTE).write_text(json.dumps(note), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """The process: its status says whether it ended well, failed, or wanted the network."""
    asked = close_network()
    ct, folder, resolution, *more = arguments
    try:
        run(Path(ct), Path(folder), fast=resolution == FAST, lesions=LESION_TASK in more)
    except (Exception, SystemExit) as error:  # noqa: BLE001  whatever another program raises is its failure
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return WANTED_NETWORK if asked else FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
