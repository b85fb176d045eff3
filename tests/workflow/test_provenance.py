"""Digests of inputs: of content, not of names."""

from hashlib import sha256
from pathlib import Path

import pytest

from emboplan.errors import InputError
from emboplan.workflow.provenance import digest, software_versions


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_one_file_has_its_own_digest(tmp_path: Path) -> None:
    """The digest of a single file is what `sha256sum` prints."""
    found = digest("case", "case.toml", [write(tmp_path / "a", b"content")])
    assert found.sha256 == sha256(b"content").hexdigest()
    assert (found.role, found.name, found.files) == ("case", "case.toml", 1)


def test_names_and_order_do_not_count(tmp_path: Path) -> None:
    one = [write(tmp_path / "a", b"1"), write(tmp_path / "b", b"2")]
    other = [write(tmp_path / "y", b"2"), write(tmp_path / "z", b"1")]
    assert digest("ct", "x", one) == digest("ct", "x", other)


def test_content_and_repetition_count(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a", b"1"), write(tmp_path / "b", b"2")
    digests = {digest("ct", "x", files).sha256 for files in ([a], [b], [a, b], [a, a], [a, a, b])}
    assert len(digests) == 5


def test_a_file_that_has_gone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone cannot be read"):
        digest("ct", "x", [tmp_path / "gone"])


def test_the_libraries_that_compute_are_named() -> None:
    assert {"emboplan", "python", "numpy", "SimpleITK", "pydicom"} <= set(software_versions())
