"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine makes an example slow; slow is no failure.
settings.register_profile("emboplan", deadline=None)
settings.load_profile("emboplan")

PROJECT_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real images, or a skip that says where it was looked for."""
    default = PROJECT_ROOT.parent / "shared" / "data"
    folder = Path(os.environ.get("EMBOPLAN_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"real images not found at {folder}; set EMBOPLAN_SHARED_DATA to their folder")
    return folder
