"""Tables from files: the same rows whatever the separator and the kind, and every mistake at once."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emboplan.errors import CaseFileError, InputError
from emboplan.files.row_tables import read_row_table, rows_named


def file(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def mistakes(path: Path, words: str = "") -> list[str]:
    with pytest.raises(CaseFileError) as caught:
        read_row_table(path, is_words=words.split().__contains__)
    return list(caught.value.problems)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_ends_of_lines_and_quotes(tmp_path: Path, separator: str, end: str) -> None:
    """The header's separators decide; what stands in quotes is no separator."""
    rows = [["patient", '"a,b;c\td"'], ['"A ""1"""', "1"], ["B", '"2\n3"']]
    table = read_row_table(file(tmp_path, "\ufeff" + end.join(separator.join(row) for row in rows) + end))
    assert table.names == ("patient", "a,b;c\td")
    assert table.by_name() == [{"patient": 'A "1"', "a,b;c\td": "1"}, {"patient": "B", "a,b;c\td": "2\n3"}]
    assert (table.header, table.numbers) == (1, (2, 3))


def test_a_tab_separated_file_by_its_own_ending(tmp_path: Path) -> None:
    table = read_row_table(file(tmp_path, "a\tb\n1\t2\n", "t.TSV"))
    assert table.columns() == {"a": ["1"], "b": ["2"]}


def test_one_column_has_no_separator(tmp_path: Path) -> None:
    assert read_row_table(file(tmp_path, " a \nx\n")).columns() == {"a": ["x"]}


def test_empty_rows_are_left_out_and_leave_a_gap_in_the_numbers(tmp_path: Path) -> None:
    table = read_row_table(file(tmp_path, "a,b\n\n1,2\n,\n ,\n3,4\n\n\n"))
    assert table.rows == (["1", "2"], ["3", "4"])
    assert table.numbers == (3, 6)


def test_cells_stay_as_written(tmp_path: Path) -> None:
    assert read_row_table(file(tmp_path, "a,b\n 1.50 ,\n")).rows == ([" 1.50 ", ""],)


@pytest.mark.parametrize("text", ["", "\n\na,b\n1,2\n", ",\n1,2\n", "\ufeff"])
def test_without_a_header_there_is_no_table(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"t\.csv is empty or has no header; expected names of columns"):
        read_row_table(file(tmp_path, text))


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    assert read_row_table(file(tmp_path, "a,b\n")).columns() == {"a": [], "b": []}


def test_header_and_lengths_are_told_together(tmp_path: Path) -> None:
    text = "a,,b,a, b\n1,2,3,4,5\n1,2\n1,2,3,4,5,6\n"
    assert mistakes(file(tmp_path, text)) == [
        "t.csv: column 2 has no header; name it",
        "t.csv: the header a stands twice; keep one column of it",
        "t.csv: the header b stands twice; keep one column of it",
        "t.csv: row 3 has 2 cells, expected 5 as in the header",
        "t.csv: row 4 has 6 cells, expected 5 as in the header (a decimal comma would part a cell in two)",
    ]


@pytest.mark.parametrize(
    "cell", ["1,8", "-0,5", "50,000", "1,8 mg/dL", "1.234,5", "+3,2 10^9/L", "1,2e5", " 1,8 "]
)
def test_a_comma_in_a_number_is_refused(tmp_path: Path, cell: str) -> None:
    (line,) = mistakes(file(tmp_path, f"a;b\nx;{cell}\n"))
    assert line.startswith(
        f't.csv: row 2, column b: found "{cell}", a number with a comma; write the decimal'
    )


@pytest.mark.parametrize("cell", ["1.8", "liver, right", "L1,2", "2024-01-01", ",", "1, 2", "1,2,3", "1,2;3"])
def test_words_with_a_comma_are_no_numbers(tmp_path: Path, cell: str) -> None:
    assert read_row_table(file(tmp_path, f'a\tb\nx\t"{cell}"\n')).rows == (["x", cell],)


def test_a_column_of_words_may_hold_anything(tmp_path: Path) -> None:
    path = file(tmp_path, "lesion;mm\n1,2;3\n")
    assert mistakes(path)[0].startswith('t.csv: row 2, column lesion: found "1,2"')
    assert read_row_table(path, is_words=["lesion"].__contains__).columns()["lesion"] == ["1,2"]


def test_many_rows_are_counted(tmp_path: Path) -> None:
    lines = mistakes(file(tmp_path, "a;b\n" + "1,5;2\n" * 7 + "3;4,5\n"))
    assert lines[0].startswith('t.csv: rows 2, 3, 4, 5, 6 and 2 more, column a: found "1,5"')
    assert lines[1].startswith('t.csv: row 9, column b: found "4,5"')


@pytest.mark.parametrize(
    ("numbers", "words"),
    [([4], "row 4"), ([4, 5], "rows 4, 5"), (range(1, 6), "rows 1, 2, 3, 4, 5"),
     (range(1, 7), "rows 1, 2, 3, 4, 5 and 1 more")],
)  # fmt: skip
def test_rows_in_words(numbers: list[int], words: str) -> None:
    assert rows_named(numbers) == words


def test_broken_quotes_and_unknown_endings(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"t\.csv is no valid CSV \(unexpected end of data\); mend the file"):
        read_row_table(file(tmp_path, 'a\n"1'))
    with pytest.raises(
        InputError, match=r"t\.ods is no table: found the ending \.ods, expected \.csv, \.tsv"
    ):
        read_row_table(file(tmp_path, "a", "t.ods"))
    with pytest.raises(InputError, match=r"t is no table: found the ending none"):
        read_row_table(file(tmp_path, "a", "t"))


def test_excel_keeps_its_own_kinds_and_its_empty_cells_to_the_right(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="the extra tables is not installed")
    book = openpyxl.Workbook()
    book.active.append(["a", "b", None])
    book.active.append([1.5, date(2024, 1, 2)])
    book.active.append([None, None, None])
    book.active.append(["1,5", True, None])
    book.save(tmp_path / "t.xlsx")
    assert mistakes(tmp_path / "t.xlsx")[0].startswith('t.xlsx: row 4, column a: found "1,5"')
    table = read_row_table(tmp_path / "t.xlsx", is_words=["a"].__contains__)
    assert [[str(cell)[:10] for cell in row] for row in table.rows] == [
        ["1.5", "2024-01-02"],
        ["1,5", "True"],
    ]
    assert table.rows[1][1] is True
    assert (table.header, table.numbers) == (1, (2, 4))
    book.active["D2"] = "stray"
    book.save(tmp_path / "t.xlsx")
    assert mistakes(tmp_path / "t.xlsx", "a")[0].startswith("t.xlsx: row 2 has 4 cells, expected 2")
    with pytest.raises(InputError, match=r"none\.xlsx cannot be read \(No such file"):
        read_row_table(tmp_path / "none.xlsx")


def test_an_excel_sheet_without_cells(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="the extra tables is not installed")
    openpyxl.Workbook().save(tmp_path / "t.xlsx")
    with pytest.raises(InputError, match="is empty or has no header"):
        read_row_table(tmp_path / "t.xlsx")


def test_parquet_counts_its_rows_without_the_header(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="the extra tables is not installed")
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra tables is not installed")
    parquet.write_table(pyarrow.table({"a": [1, None, 3], "b": ["x", None, "1,5"]}), tmp_path / "t.parquet")
    table = read_row_table(tmp_path / "t.parquet", is_words=["b"].__contains__)
    assert (table.header, table.numbers, table.rows) == (0, (1, 3), ([1, "x"], [3, "1,5"]))
    assert mistakes(tmp_path / "t.parquet")[0].startswith("t.parquet: row 3, column b")
    with pytest.raises(InputError, match=r"none\.parquet cannot be read \(no such file\)"):
        read_row_table(tmp_path / "none.parquet")


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='",;'), max_size=6)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(CELL, CELL), max_size=5), separator=st.sampled_from(",;\t"))
def test_what_is_written_is_read(tmp_path: Path, rows: list[tuple[str, str]], separator: str) -> None:
    """The inverse of writing: each row that is not empty, with its place."""
    quoted = [separator.join(f'"{cell}"' for cell in row) for row in rows]
    table = read_row_table(file(tmp_path, "\n".join([f"a{separator}b", *quoted])), is_words=lambda _: True)
    filled = [(number, [*row]) for number, row in enumerate(rows, 2) if row[0].strip() or row[1].strip()]
    assert [*zip(table.numbers, table.rows, strict=True)] == filled
