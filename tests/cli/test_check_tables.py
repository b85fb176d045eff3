"""`emboplan check` with a table of patients: CSV, Excel and Parquet, verdicts, matrix and mistakes."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import run

from emboplan.errors import InputError
from emboplan.workflow.screening.check_table import check_table
from emboplan.workflow.screening.fact_table import columns_of, read_fact_table

TEXT = "patient,ecog,creatinine [umol/L],pregnant\nA,1,90,no\nB,4,176.8,no\nC,,,\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    path.write_text(TEXT)
    return path


def test_a_table_in_json(table: Path) -> None:
    ran = run("check", table, "--protocol", "retnet", "--json")
    assert (ran.status, ran.err) == (0, "")
    first, second, third = json.loads(ran.out)["patients"]
    assert [it["patient"] for it in (first, second, third)] == ["A", "B", "C"]
    assert first["results"]["RETNET"]["criteria"]["RET-I09"] == "pass"
    assert second["results"]["RETNET"]["failed"] == ["RET-I08", "RET-I09"]
    assert "creatinine" in third["results"]["RETNET"]["missing"]


def test_a_table_in_words_counts_and_lists(table: Path) -> None:
    ran = run("check", table)
    assert ran.status == 0
    assert ran.out.startswith("3 patients, 5 protocols\n")
    assert "  RETNET      0 eligible, 1 ineligible, 2 undetermined\n" in ran.out
    assert "(stated criteria only; source incomplete)" in ran.out
    assert "\nB\n" in ran.out
    assert "  RETNET      ineligible: RET-I08 RET-I09\n" in ran.out


def test_the_result_folder(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = run("check", table, "--protocol", "all", "-o", out)
    assert ran.status == 0
    with (out / "verdicts.csv").open(newline="") as file:
        verdicts = list(csv.DictReader(file))
    assert len(verdicts) == 15
    assert verdicts[8] == {
        "patient": "B", "protocol": "RETNET", "source_complete": "true", "stage": "pre_treatment",
        "verdict": "ineligible", "failed": "RET-I08 RET-I09", "missing": "", "correctable": "",
        "deferred": "", "flags": "literal-comparator",
    }  # fmt: skip
    with (out / "criteria.csv").open(newline="") as file:
        matrix = list(csv.DictReader(file))
    assert [row["RET-I09"] for row in matrix] == ["pass", "fail", "unknown"]
    assert [row["TAE-E03c"] for row in matrix] == ["pass", "pass", "unknown"]
    again = run("check", table, "-o", out)
    assert again.status == 2
    assert "holds a result already; give another folder, or --force" in again.err
    assert run("check", table, "-o", out, "--force").status == 0


def test_many_patients_are_counted_only(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,ecog\n" + "".join(f"P{n},1\n" for n in range(21)))
    ran = run("check", path, "--protocol", "retnet")
    assert ran.out == "21 patients\n  RETNET  0 eligible, 0 ineligible, 21 undetermined\n"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "patient,ecogg,creatinine\nA,1,90 mg/dL\nB,1,0.9",
            [
                'error: t.csv: column ecogg: unknown fact; did you mean "ecog"?',
                (
                    "error: t.csv: row 2, column creatinine: found 90 mg/dL, outside the plausible 0.1 to 30 "
                    "mg/dL; was 90 umol/L meant? If 90 mg/dL is right, add confirmed = true beside it"
                ),
                (
                    "error: t.csv: row 3, column creatinine: found 0.9 without a unit, expected mg/dL or "
                    'umol/L: { value = ..., unit = "mg/dL" }'
                ),
            ],
        ),
        ("ecog,ecog\n1,2", ["error: t.csv: the header ecog stands twice; keep one column of it"]),
        ("ecog,inr\n1", ["error: t.csv: row 2 has 1 cells, expected 2 as in the header"]),
        ("ecog,inr\n\n1,1", ["error: t.csv: row 2 is empty; take it out"]),
        ("ecog,\n1,2", ["error: t.csv: column 2 has no header; name it"]),
        (
            "ecog\n",
            ["error: t.csv: the table has no rows; expected one for each patient, below the names of facts"],
        ),
        ("", ["error: t.csv is empty or has no header; expected names of columns in its first row"]),
        ('ecog\n"1', ["error: t.csv is no valid CSV (unexpected end of data); mend the file"]),
    ],
)  # fmt: skip
def test_mistakes_in_a_table(tmp_path: Path, text: str, lines: list[str]) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    ran = run("check", path)
    assert (ran.status, ran.out, ran.lines) == (2, "", lines)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--what-if"], "--what-if does not go with this kind of FACTS; leave it out"),
        (["--burden", "s.json"], "--burden does not go with this kind of FACTS"),
        (["--protocol", "retnet", "--arm", "be"], "--arm does not go with this kind of FACTS"),
        (["--variant", "v"], "--variant does not go with this kind of FACTS"),
        (["--protocol", "none"], 'no protocol "none"; known: captem-y90, deboxa'),
        (["--stage", "later"], 'found the stage "later", expected screening or pre_treatment'),
    ],
)
def test_options_that_a_table_does_not_take(table: Path, options: list[str], message: str) -> None:
    ran = run("check", table, *options)
    assert (ran.status, ran.out) == (2, "")
    assert ran.lines[0].startswith(f"error: {message}")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_marks_and_quotes(tmp_path: Path, separator: str) -> None:
    """As spreadsheets of several countries write it, with a byte order mark and a quoted line break."""
    path = tmp_path / "t.CSV"
    rows = [["patient", "ecog"], ['"A\nB"', "1"], ["C", "2"]]
    path.write_text("\ufeff" + "\r\n".join(separator.join(row) for row in rows) + "\r\n", encoding="utf-8")
    columns, first_row = read_fact_table(path)
    assert ([*columns], first_row) == (["patient", "ecog"], 2)
    assert columns["ecog"] == ["1", "2"]


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"ecog,name\n1,M\xfcller\n")
    with pytest.raises(InputError, match=r"t\.csv is not text in UTF-8 \(line 2 holds the byte 0xFC"):
        read_fact_table(tmp_path / "t.csv")
    with pytest.raises(InputError, match=r"none\.csv cannot be read"):
        read_fact_table(tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"t\.txt is no table: found the ending \.txt, expected \.csv"):
        read_fact_table(tmp_path / "t.txt")


ROWS: list[dict[str, Any]] = [
    {"patient": "A", "ecog": 1, "creatinine": "90 umol/L"},
    {"patient": "B", "ecog": 4, "creatinine": None},
]


def test_tables_in_memory() -> None:
    by_rows = check_table(ROWS, "retnet")
    by_columns = check_table({name: [row[name] for row in ROWS] for name in ROWS[0]}, ["retnet"])
    assert by_rows.to_json() == by_columns.to_json()
    assert by_rows.patients == ("A", "B")
    assert [row.failed for row in by_rows.protocols[0].verdicts] == [(), ("RET-I08",)]
    assert len(check_table(ROWS).protocols) == 5


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ecog": [1], "inr": [1, 2]}, r"found columns of \[1, 2\] rows; expected columns of equal length"),
        ("t.csv", "found a str; expected a path, columns by name, a list of rows or a data frame"),
    ],
)
def test_things_that_are_no_table(wrong: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        columns_of(wrong)


def test_no_protocol_is_refused() -> None:
    with pytest.raises(InputError, match="no protocol was given"):
        check_table(ROWS, [])


def test_an_excel_table(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="the extra tables is not installed")
    book = openpyxl.Workbook()
    book.active.append(["patient", "ecog", "creatinine", "creatinine_unit", "pregnant", None])
    book.active.append(["A", 1, 90.5, "umol/L", False])
    book.active.append(["B", 4, None, None, None])
    book.save(tmp_path / "t.xlsx")
    result = check_table(tmp_path / "t.xlsx", "retnet")
    first, second = result.to_json()["patients"]
    assert first["results"]["RETNET"]["criteria"]["RET-I09"] == "pass"
    assert second["results"]["RETNET"]["failed"] == ["RET-I08"]
    (tmp_path / "bad.xlsx").write_text("x")
    with pytest.raises(InputError, match=r"bad\.xlsx is no Excel workbook"):
        read_fact_table(tmp_path / "bad.xlsx")


def test_a_parquet_table(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="the extra tables is not installed")
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra tables is not installed")
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "t.parquet")
    assert check_table(tmp_path / "t.parquet", "retnet").to_json() == check_table(ROWS, "retnet").to_json()
    (tmp_path / "bad.parquet").write_text("x")
    with pytest.raises(InputError, match=r"bad\.parquet is no Parquet file"):
        read_fact_table(tmp_path / "bad.parquet")


def test_a_data_frame() -> None:
    pandas = pytest.importorskip("pandas", reason="the extra tables is not installed")
    assert check_table(pandas.DataFrame(ROWS), "retnet").to_json() == check_table(ROWS, "retnet").to_json()


@pytest.mark.parametrize("name", ["t.xlsx", "t.parquet"])
def test_without_the_library_the_message_says_what_to_do(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(InputError, match=r'which is not installed; install "emboplan\[tables\]", or save'):
        read_fact_table(tmp_path / name)
