"""TotalSegmentator as a backend, with a package of that name made here: the adapter is what is tested.

The stand-in has the package's two entries (`python_api.totalsegmentator`, `map_to_binary.class_map`), leaves
the work to a script of each test, and notes how it was called.
"""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from tests.workflow import cases

import emboplan as ep
from emboplan.errors import InputError, SegmentationError
from emboplan.model.anatomy import Anatomy
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.model.mask import LabelMap
from emboplan.segmentation.backends import Contours
from emboplan.workflow.segmenting.totalsegmentator import TotalSegmentator

pytest.importorskip("nibabel", reason="the stand-in makes NIfTI images as the package does")

API = """
import json, os, sys
from pathlib import Path
import nibabel, numpy as np

def totalsegmentator(image, output, *, task="total", roi_subset=None, fast=False, **options):
    config = json.loads((Path(os.environ["TOTALSEG_HOME_DIR"]) / "config.json").read_text())
    with (Path(os.environ["TOTALSEG_WEIGHTS_PATH"]) / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps({"task": task, "roi": roi_subset, "fast": fast, "device": options["device"],
            "stats": config["send_usage_stats"], "home": os.environ["HOME"]}) + "\\n")
    hu = np.asarray(image.dataobj)
    labels = np.zeros(hu.shape, np.uint8)
{body}
    return nibabel.Nifti1Image(labels, image.affine)
"""
# As the boxes were drawn: liver 110 HU, lesions 70 HU. Other labels of the task are there too.
FINDS = """
    if task == "total":
        labels[hu == 50] = 1
        labels[(hu == 110) | (hu == 70)] = 7
    else:
        labels[hu == 70] = 1
"""
CLASSES = 'class_map = {"total": {1: "spleen", 7: "liver"}, "liver_lesions": {1: "liver_lesions"}}\n'
ABOUT = "Metadata-Version: 2.1\nName: TotalSegmentator\nVersion: 2.99\nLicense: Apache 2.0\n"
ALL_MODELS = [f"Dataset{n}_part" for n in (291, 292, 293, 294, 295)]


class StandIn:
    """The package, its weights, and what it was asked."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.weights, self.patch = folder, folder / "weights", patch
        patch.syspath_prepend(str(folder))
        patch.setenv("PYTHONPATH", str(folder))
        patch.setenv("TOTALSEG_WEIGHTS_PATH", str(self.weights))

    def make(self, body: str = FINDS, models: list[str] | None = None) -> None:
        """The package that does `body`, and folders of weights."""
        package = self.folder / "totalsegmentator"
        package.mkdir()
        (package / "__init__.py").write_text("")
        (package / "python_api.py").write_text(API.replace("{body}", body))
        (package / "map_to_binary.py").write_text(CLASSES)
        about = self.folder / "TotalSegmentator-2.99.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(ABOUT)
        for model in ["Dataset297_total"] if models is None else models:
            (self.weights / model).mkdir(parents=True)

    @property
    def calls(self) -> list[dict[str, object]]:
        """How it was called."""
        return [json.loads(line) for line in (self.weights / "calls.jsonl").read_text().splitlines()]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    return StandIn(tmp_path, monkeypatch)


def scan() -> CtImage:
    return CtImage(cases.GRID, cases.ct_numbers())


def found(timeout_s: float = 120.0) -> Contours:
    return TotalSegmentator(timeout_s)(scan())


def test_the_liver_of_the_right_label_on_the_ct_s_grid(package: StandIn) -> None:
    package.make()
    contours = found()
    assert contours.liver is not None
    assert np.array_equal(contours.liver.voxels, cases.box(cases.LIVER).voxels)
    assert contours.liver.grid == cases.GRID
    assert contours.lesions is None
    assert [finding.id for finding in contours.findings] == ["segmentation.coarse-model"]
    origin = contours.origin
    assert (origin.name, origin.version, origin.licence) == ("totalsegmentator", "2.99", "Apache 2.0")


def test_nothing_is_reported_and_the_home_is_its_own(package: StandIn) -> None:
    package.make()
    found()
    (call,) = package.calls
    assert (call["task"], call["roi"], call["fast"], call["device"]) == ("total", ["liver"], True, "cpu")
    assert call["stats"] is False
    assert not Path(str(call["home"])).exists()
    assert call["home"] != os.environ["HOME"]


def test_the_full_model_is_taken_where_all_of_it_is_there(package: StandIn) -> None:
    package.make(models=ALL_MODELS)
    assert found().findings == ()
    assert package.calls[0]["fast"] is False


def test_lesions_come_from_their_own_model(package: StandIn) -> None:
    """Two lesions, the larger one first; what does not touch the liver is left out."""
    package.make(
        FINDS + "        labels[2:4, 2:4, 2:4] = 1\n", models=["Dataset297_total", "Dataset591_liver_lesions"]
    )
    contours = found()
    assert contours.lesions is not None
    assert np.array_equal(contours.lesions.labels, cases.lesions().labels)


def test_lesions_beyond_the_liver_are_added_to_it(package: StandIn) -> None:
    """The liver model leaves a tumour out; the lesion model finds it."""
    body = FINDS.replace("(hu == 110) | (hu == 70)", "hu == 110")
    package.make(body, models=["Dataset297_total", "Dataset591_liver_lesions"])
    contours = found()
    assert contours.liver is not None
    assert np.array_equal(contours.liver.voxels, cases.box(cases.LIVER).voxels)
    assert "91.0 mL" in contours.findings[-1].text


def test_axes_in_another_order_are_turned_back(package: StandIn) -> None:
    """The package may reorient: the same voxels with two axes reversed."""
    turn = (
        "    flip = nibabel.orientations.io_orientation(image.affine)\n"
        "    return nibabel.Nifti1Image(labels, image.affine).as_reoriented("
        "[[0, -1], [1, -1], [2, 1]])\n"
    )
    package.make(FINDS + turn)
    contours = found()
    assert contours.liver is not None
    assert np.array_equal(contours.liver.voxels, cases.box(cases.LIVER).voxels)


def test_an_oblique_grid_keeps_its_place(package: StandIn) -> None:
    """A CT turned by 20 degrees about z: the liver lies on its grid."""
    package.make()
    c, s = np.cos(np.radians(20)), np.sin(np.radians(20))
    grid = Grid(
        cases.GRID.shape, cases.GRID.spacing_mm, cases.GRID.origin_mm, (c, -s, 0.0, s, c, 0.0, 0.0, 0.0, 1.0)
    )
    contours = TotalSegmentator(120.0)(CtImage(grid, cases.ct_numbers()))
    assert contours.liver is not None
    assert contours.liver.grid is grid
    assert np.array_equal(contours.liver.voxels, cases.box(cases.LIVER).voxels)


def test_the_review_says_who_drew_what(package: StandIn) -> None:
    package.make()
    anatomy: Anatomy = ep.segment(scan(), backend="totalsegmentator", lesions=cases.lesions())
    review = anatomy.review
    assert review.backend == "given+totalsegmentator"
    assert review.backend_version == "totalsegmentator 2.99"
    assert review.backend_licence == "totalsegmentator Apache 2.0"
    assert anatomy.liver.volume_ml == cases.LIVER_ML
    assert ep.burden(anatomy).to_json()["backend_version"] == "totalsegmentator 2.99"


def test_given_masks_need_no_backend(package: StandIn) -> None:
    """Both parts given: the package is not even looked for."""
    anatomy = ep.segment(
        scan(),
        backend="totalsegmentator",
        liver=cases.box(cases.LIVER),
        lesions=LabelMap.empty(cases.GRID),
    )
    assert anatomy.review.backend == "given"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("    raise RuntimeError('no memory')", r"failed \(RuntimeError: no memory\)"),
        ("    sys.exit(1)", "failed"),
        ("    os._exit(7)", "failed"),
        (
            "    return nibabel.Nifti1Image(labels[:9] + 7, image.affine)",
            "left no usable result .*another grid",
        ),
        ("    return nibabel.Nifti1Image(labels + .5, image.affine)", "left no usable result"),
        ("    import socket; socket.create_connection(('127.0.0.1', 9))", "asked for the network"),
        ("    import socket; socket.getaddrinfo('example.org', 80)", "asked for the network"),
    ],
)
def test_failures_are_said_in_one_line(package: StandIn, body: str, message: str) -> None:
    package.make(body)
    with pytest.raises(InputError, match=message) as told:
        found()
    assert "\n" not in str(told.value)
    assert "built-in segmentation" in str(told.value)


def test_no_liver_is_said(package: StandIn) -> None:
    package.make("    pass")
    with pytest.raises(SegmentationError, match="found no liver"):
        found()


def test_a_run_that_hangs_is_ended_with_all_that_it_started(package: StandIn) -> None:
    body = (
        "    import subprocess, time\n"
        "    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "    (Path(os.environ['TOTALSEG_WEIGHTS_PATH']) / 'pid').write_text(str(child.pid))\n"
        "    time.sleep(60)\n"
    )
    package.make(body)
    with pytest.raises(InputError, match="did not end within 4 s"):
        found(timeout_s=4.0)
    if (package.weights / "pid").exists():
        assert _gone(int((package.weights / "pid").read_text()))


def _gone(pid: int) -> bool:
    """Whether a process ends within a few seconds: the system may take a moment to bury it."""
    for _ in range(50):
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] in "ZX":
            return True
        time.sleep(0.1)
    return False


def test_a_missing_package_is_said(package: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emboplan.workflow.segmenting.totalsegmentator.find_spec", lambda _name: None)
    with pytest.raises(InputError, match=r"pip install 'emboplan\[totalsegmentator\]'"):
        found()


def test_missing_weights_are_said(package: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    package.make(models=[])
    with pytest.raises(InputError, match="which is no folder; set it to the folder"):
        found()
    package.weights.mkdir()
    with pytest.raises(InputError, match="without the weights of the task total"):
        found()
    monkeypatch.delenv("TOTALSEG_WEIGHTS_PATH")
    with pytest.raises(InputError, match="TOTALSEG_WEIGHTS_PATH is not set"):
        found()


def test_unknown_backends_are_refused() -> None:
    with pytest.raises(InputError, match='no backend "magic"; expected builtin or totalsegmentator'):
        ep.segment(scan(), backend="magic")
