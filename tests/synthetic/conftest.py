"""The shipped definition, a coarse one that is quick to make, and one patient of it."""

import copy
import tomllib
from importlib.resources import files
from typing import Any

import pytest

from emboplan.synthetic.patient import DigitalPatient, digital_patient
from emboplan.synthetic.setting.definition import PhantomDefinition
from emboplan.synthetic.setting.tables import from_table


@pytest.fixture(scope="session")
def net_liver_table() -> dict[str, Any]:
    path = files("emboplan.catalog") / "data" / "phantoms" / "net-liver.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def coarse_table(net_liver_table: dict[str, Any]) -> dict[str, Any]:
    """Such patients drawn more coarsely, on voxels of 3.2 x 3.2 x 5 mm and 8.84 mm."""
    table = copy.deepcopy(net_liver_table)
    table["ct"] |= {"matrix": 128, "pixel_mm": 3.2, "slice_mm": 5.0, "length_mm": 415.0}
    table["habitus"]["lattice_mm"] = 5.0
    table["spect"] |= {"matrix": 64, "slices": 50, "voxel_mm": 8.84}
    table["planar"] |= {"matrix": 128, "pixel_mm": 4.42}
    return table


@pytest.fixture(scope="session")
def coarse(coarse_table: dict[str, Any]) -> PhantomDefinition:
    return from_table(coarse_table)


@pytest.fixture(scope="session")
def patient(coarse: PhantomDefinition) -> DigitalPatient:
    return digital_patient(coarse, seed=3)
