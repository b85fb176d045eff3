"""Files of reads and courses: what each kind may hold, and what is told of one that cannot be used."""

import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from tests.response.rows import course_of

from emboplan.errors import InputError
from emboplan.response.reads import reads_from_rows
from emboplan.workflow.responding.respond_inputs import read_courses, read_reads

CSV = (
    "date,lesion,organ,role,longest_mm,state\n"
    "2024-01-01,A,liver,target,30.10,\n"
    "2024-03-01,A,liver,target,,NE\n"
)


def file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csv_keeps_its_cells_as_written(tmp_path: Path) -> None:
    table = read_reads(file(tmp_path, "reads.csv", CSV))
    assert table.where == ("reads.csv: row 2", "reads.csv: row 3")
    assert table.rows[0]["longest_mm"] == "30.10"
    assert [read.longest_mm for read in reads_from_rows(table.rows)] == [Decimal("30.10"), None]


@pytest.mark.parametrize("sign", [";", "\t"])
def test_other_separators(tmp_path: Path, sign: str) -> None:
    table = read_reads(file(tmp_path, "reads.csv", "\ufeff" + CSV.replace(",", sign)))
    assert table.rows[1]["state"] == "NE"
    assert next(iter(table.rows[0])) == "date"


def test_empty_lines_are_no_rows(tmp_path: Path) -> None:
    table = read_reads(file(tmp_path, "reads.csv", CSV + "\n\n"))
    assert len(table.rows) == 2


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("r.csv", "", "r.csv is empty or has no header; expected names of columns in its first row"),
        ("r.csv", "date,date\n1,2\n", "r.csv: the header date stands twice; keep one column of it"),
        ("r.csv", "date,lesion\n1\n", "r.csv: row 2 has 1 cells, expected 2 as in the header"),
        ("r.txt", "x", "found the ending .txt, expected .csv, .tsv, .xlsx, .parquet or .json"),
        ("reads", "x", "found the ending none, expected .csv"),
        ("r.json", "{", "r.json is no valid JSON"),
        ("r.json", '{"reads": [], "reads": []}', '"reads" is used twice'),
        ("r.json", "3", "r.json holds no table; expected a list of rows"),
        ("r.json", '{"read": []}', 'r.json: unknown key "read"; did you mean "reads"?'),
        ("r.json", '{"reads": 3}', "r.json: reads: found no list"),
        ("r.json", '{"reads": "x"}', "r.json: reads: found no list"),
        ("r.json", "[3]", "r.json: reads[0]: expected an object of columns and values"),
        ("r.json", '{"reads": [], "course": 3}', "r.json: course: expected an object of names and dates"),
        ("r.json", '{"reads": [], "courses": 3}', "r.json: course: expected an object of names and dates"),
    ],
)
def test_what_cannot_be_used(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_reads(file(tmp_path, name, text))
    assert words in str(caught.value)


def test_files_that_are_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.csv cannot be read \(No such file or directory\); check"):
        read_reads(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"b\.csv is not text in UTF-8"):
        read_reads(tmp_path / "b.csv")


def test_json_of_rows_or_with_a_course(tmp_path: Path) -> None:
    rows = '[{"date": "2024-01-01", "lesion": "A", "organ": "liver", "longest_mm": 30.10, "state": NaN}]'
    plain = read_reads(file(tmp_path, "a.json", rows))
    assert plain.rows[0]["longest_mm"] == Decimal("30.10")
    assert plain.rows[0]["state"] == "NaN"
    assert (plain.where, plain.courses) == (("a.json: reads[0]",), {})
    with_course = f'{{"reads": {rows}, "course": {{"death_date": "2024-05-01"}}}}'
    assert read_reads(file(tmp_path, "b.json", with_course)).courses == {"": {"death_date": "2024-05-01"}}
    several = f'{{"reads": {rows}, "courses": {{"P1": {{}}}}}}'
    assert read_reads(file(tmp_path, "c.json", several)).courses == {"P1": {}}


def test_courses_of_one_and_of_several(tmp_path: Path) -> None:
    one = read_courses(file(tmp_path, "a.toml", "death_date = 2024-05-01\nassessment_interval_days = 90\n"))
    assert one == {"": {"death_date": date(2024, 5, 1), "assessment_interval_days": 90}}
    several = read_courses(file(tmp_path, "b.toml", "[P1]\ndeath_date = 2024-05-01\n[P2]\n"))
    assert several == {"P1": {"death_date": date(2024, 5, 1)}, "P2": {}}
    table = read_courses(file(tmp_path, "c.csv", "patient,death_date\nP1,2024-05-01\nP2,\n"))
    assert table == {"P1": {"death_date": "2024-05-01"}, "P2": {"death_date": ""}}
    assert read_courses(file(tmp_path, "d.csv", "death_date\n2024-05-01\n")) == {
        "": {"death_date": "2024-05-01"}
    }
    assert read_courses(file(tmp_path, "e.json", '{"death_date": "2024-05-01"}')) == {
        "": {"death_date": "2024-05-01"}
    }


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("c.csv", "patient,death_date\nP1,\nP1,\n", 'c.csv: the patient "P1" stands twice; keep one row'),
        ("c.toml", "x = [", "c.toml is not valid TOML"),
        ("c.json", "[1]", "c.json holds no table; expected dates by name"),
    ],
)
def test_courses_that_cannot_be_used(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_courses(file(tmp_path, name, text))
    assert words in str(caught.value)


@pytest.mark.parametrize("ending", ["xlsx", "parquet"])
def test_spreadsheets_say_the_same_as_csv(tmp_path: Path, ending: str) -> None:
    rows = [{**row, "state": None, "patient": "P1"} for row in course_of([(0, 30.1), (60, 21.5)])]
    rows[1] |= {"longest_mm": None, "state": "absent"}
    days = [{**row, "date": datetime.fromisoformat(str(row["date"]))} for row in rows]
    path = tmp_path / f"reads.{ending}"
    if ending == "xlsx":
        openpyxl = pytest.importorskip("openpyxl", reason="needs emboplan[tables]")
        book = openpyxl.Workbook()
        book.active.append(list(days[0]))
        for row in days:
            book.active.append(list(row.values()))
        book.save(path)
    else:
        pyarrow = pytest.importorskip("pyarrow", reason="needs emboplan[tables]")
        parquet = pytest.importorskip("pyarrow.parquet", reason="needs emboplan[tables]")
        parquet.write_table(pyarrow.Table.from_pylist(days), path)
    table = read_reads(path)
    found = reads_from_rows(table.rows)
    assert [read.longest_mm for read in found] == [Decimal("30.1"), None]
    assert [read.date for read in found] == [read.date for read in reads_from_rows(rows)]
    assert [str(read.state) for read in found] == ["None", "absent"]
    assert table.where[0] == f"reads.{ending}: row {2 if ending == 'xlsx' else 1}"
    (tmp_path / f"broken.{ending}").write_bytes(b"no table")
    with pytest.raises(InputError, match=rf"broken\.{ending} is no (Excel workbook|Parquet file)"):
        read_reads(tmp_path / f"broken.{ending}")


def test_a_spreadsheet_without_its_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(
        InputError, match=r'needs openpyxl, which is not installed; install "emboplan\[tables\]"'
    ):
        read_reads(tmp_path / "reads.xlsx")
