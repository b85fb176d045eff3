"""Text and JSON files: what is read as it stands, and what is told of one that cannot be used."""

from decimal import Decimal
from pathlib import Path

import pytest

from emboplan.errors import InputError
from emboplan.files.plain_text import read_json_value, read_text


def file(folder: Path, content: bytes) -> Path:
    path = folder / "f.txt"
    path.write_bytes(content)
    return path


def test_a_mark_at_the_start_is_no_part_of_the_text(tmp_path: Path) -> None:
    assert read_text(file(tmp_path, b"\xef\xbb\xbfa\r\n\xc3\xbc\r\n")) == "a\r\nü\r\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a\nM\xfcller\n", "f.txt is not text in UTF-8 (line 2 holds the byte 0xFC, as Latin-1 and Windows"),
        (b"\xe4", "(line 1 holds the byte 0xE4"),
        ("ü".encode("utf-16"), "f.txt is not text in UTF-8 (it begins as UTF-16 does); save it as UTF-8"),
        (b"\xfe\xff\x00a", "(it begins as UTF-16 does)"),
    ],
)
def test_another_encoding_is_named_not_guessed(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_text(file(tmp_path, content))
    assert words in str(caught.value)


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"^none cannot be read \(No such file or directory\); check the path"
    ):
        read_text(tmp_path / "none")
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\)"):
        read_text(tmp_path)


def test_numbers_stay_exact(tmp_path: Path) -> None:
    found = read_json_value(file(tmp_path, b'{"a": 0.1, "b": 3, "c": [1e-1, null, true, "x"]}'))
    assert found == {"a": Decimal("0.1"), "b": 3, "c": [Decimal("0.1"), None, True, "x"]}
    assert isinstance(found["a"], Decimal)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a": {"b": 1, "c": 2, "b": 1}}', 'f.txt is no valid JSON ("b" is used twice); mend the file'),
        (b'{"a": NaN}', "(NaN is no number)"),
        (b"[-Infinity]", "(-Infinity is no number)"),
        (b"{", "is no valid JSON (Expecting property name"),
        (b"[" * 200_000, "is no valid JSON"),
    ],
)
def test_what_is_no_json(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_json_value(file(tmp_path, content))
    assert words in str(caught.value)


def test_words_for_what_is_no_number_may_be_kept(tmp_path: Path) -> None:
    assert read_json_value(file(tmp_path, b"[NaN]"), constants=str) == ["NaN"]
