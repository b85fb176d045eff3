"""`emboplan check`: files of facts that cannot be used, and answers with status 0."""

import json
from pathlib import Path

import pytest
from tests.cli.running import run
from tests.workflow.cases import BoxStudy, case_text

PROTOCOLS = "captem-y90, deboxa, msk-19-125, retnet, tae-italy"
EXAMPLE = '{ value = ..., unit = "mg/dL" }'
NOT_TWO = "expected two numbers, the lower and the upper end"


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("f.toml", "ecogg = 1", ['f.toml: ecogg: unknown fact; did you mean "ecog"?']),
        (
            "f.toml",
            "bilirubin = 3\necog = 9",
            [
                f"f.toml: bilirubin: found 3 without a unit, expected mg/dL or umol/L: {EXAMPLE}",
                "f.toml: ecog: found 9, expected a number from 0 to 5",
            ],
        ),
        (
            "f.toml",
            "x = [",
            ["f.toml is not valid TOML (Invalid value (at end of document)); mend the syntax"],
        ),
        (
            "f.toml",
            "ecog = 1\n[facts]\necog = 2",
            ["f.toml: ecog: found beside [facts]; move it into that table"],
        ),
        (
            "f.json",
            '{"ecog": NaN, "inr": -Infinity, "sex": "W"}',
            [
                "f.json: ecog: found nan, expected a whole number from 0 to 5",
                "f.json: inr: found -inf, expected a plain number without unit",
                'f.json: sex: found "W", expected one of F, M',
            ],
        ),
        (
            "f.json",
            '{"ecog": 1, "ecog": 2}',
            ['f.json is no valid JSON ("ecog" is used twice); mend the file'],
        ),
        ("f.json", "[1]", ["f.json holds no table; expected an object of names and values"]),
        (
            "f.json",
            "",
            ["f.json is no valid JSON (Expecting value: line 1 column 1 (char 0)); mend the file"],
        ),
    ],
)
def test_mistakes_in_facts(tmp_path: Path, name: str, text: str, lines: list[str]) -> None:
    (tmp_path / name).write_text(text)
    ran = run("check", tmp_path / name)
    assert (ran.status, ran.out, ran.lines) == (2, "", [f"error: {line}" for line in lines])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"liver_ml": "big"}', "s.json: liver_ml: found 'big'; expected a number"),
        ('{"liver_ml": 1, "liver_ml_interval": 5}', f"s.json: liver_ml_interval: found 5; {NOT_TWO}"),
        ('{"liver_ml": 1, "liver_ml_interval": [5]}', f"s.json: liver_ml_interval: found [5]; {NOT_TWO}"),
        ('{"emboplan_version": "1"}', "s.json is no segmentation.json: it has no liver_ml"),
    ],
)
def test_mistakes_in_a_segmentation(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "s.json").write_text(text)
    (tmp_path / "f.toml").write_text("ecog = 1")
    ran = run("check", tmp_path / "f.toml", "--burden", tmp_path / "s.json")
    assert (ran.status, ran.out, ran.lines) == (2, "", [f"error: {message}"])


def test_unknown_names(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text("ecog = 1")
    ran = run("check", tmp_path / "f.toml", "--protocol", "nope")
    assert (ran.status, ran.lines) == (2, [f'error: no protocol "nope"; known: {PROTOCOLS}'])
    ran = run("check", tmp_path / "f.toml", "--stage", "later")
    expected = ['error: found the stage "later", expected screening or pre_treatment']
    assert (ran.status, ran.lines) == (2, expected)
    ran = run("check", tmp_path / "none.toml")
    expected = ["error: none.toml cannot be read (No such file or directory); check the path"]
    assert (ran.status, ran.lines) == (2, expected)


def test_ineligible_is_an_answer(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text("ecog = 4")
    ran = run("check", tmp_path / "f.toml", "--protocol", "retnet", "--json")
    assert (ran.status, ran.err) == (0, "")
    result = json.loads(ran.out)
    assert (result["verdict"], result["failed"]) == ("ineligible", ["RET-I08"])


def test_all_protocols_by_their_own_names(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text("ecog = 1")
    results = json.loads(run("check", tmp_path / "f.toml", "--json").out)
    assert sorted(results) == ["CapTemY90", "DEBOXA", "MSK-19-125", "RETNET", "TAE-IT"]
    assert all(result["protocol"] == name for name, result in results.items())


def test_a_case_file_brings_the_facts_that_its_patient_states(boxes: BoxStudy) -> None:
    """The case says 58 years under [patient]: what plan knows, check knows."""
    for name, rest in (("with.toml", "[facts]\necog = 1"), ("without.toml", "")):
        case = boxes.case(case_text(rest=rest), name)
        ran = run("check", case, "--protocol", "retnet", "--json")
        assert ran.status == 0, ran.err
        assert "age_years" not in json.loads(ran.out)["missing"]


def test_a_segmentation_fills_facts_and_says_that_nobody_confirmed_it(tmp_path: Path, written: Path) -> None:
    (tmp_path / "f.toml").write_text("ecog = 1\nliver_tumor_burden_pct = 80")
    segmentation = written / "segmentation.json"
    ran = run("check", tmp_path / "f.toml", "--protocol", "retnet", "--burden", segmentation, "--json")
    result = json.loads(ran.out)
    assert result["failed"] == ["RET-I04b"]
    flags = [flag["id"] for flag in result["flags"]]
    assert "provisional" in flags
    assert "fact-disagrees" in flags
    confirmed = json.loads(segmentation.read_text(encoding="utf-8")) | {"confirmed_by": "Dr. Reader"}
    (tmp_path / "s.json").write_text(json.dumps(confirmed))
    ran = run("check", tmp_path / "f.toml", "--protocol", "retnet", "--burden", tmp_path / "s.json", "--json")
    assert "provisional" not in [flag["id"] for flag in json.loads(ran.out)["flags"]]


def test_a_label_in_json(tmp_path: Path) -> None:
    """Contraindications, indication and findings; a failed label is an answer, with status 0."""
    (tmp_path / "f.toml").write_text('nen_type = "NET"\nliver_tumor_burden_pct = 75')
    ran = run("check", tmp_path / "f.toml", "--label", "therasphere", "--json")
    assert (ran.status, ran.err) == (0, "")
    result = json.loads(ran.out)
    assert sorted(result) == ["findings", "indication", "label"]
    assert (result["label"]["failed"], result["indication"]["failed"]) == (["TS-C08"], ["TS-I01"])
    warnings = [it["id"] for it in result["findings"] if it["severity"] == "warning"]
    assert warnings == ["outside-device-label-TS-C08", "outside-device-indication"]


def test_a_label_in_words(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text("prior_hepatic_radiation = true")
    ran = run("check", tmp_path / "f.toml", "--label", "sir-spheres")
    assert ran.status == 0
    assert ran.out.startswith("Label of SIR-Spheres: outside it; a physician must clear each point\n")
    assert "SIR-C01: Previous external-beam radiotherapy to the liver." in ran.out
    assert "eligible" not in ran.out


def test_a_label_without_text_says_so(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text("ecog = 1")
    ran = run("check", tmp_path / "f.toml", "--label", "quiremspheres")
    assert (ran.status, ran.out.splitlines()[0]) == (0, "Label of QuiremSpheres: not settled")
    assert "no label text with a named source" in ran.out


def test_a_segmentation_fills_the_facts_of_a_label(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text("ecog = 1")
    (tmp_path / "s.json").write_text('{"liver_ml": 1500.0, "tumour_ml": 300.0, "burden_pct": 20.0}')
    ran = run(
        *("check", tmp_path / "f.toml", "--label", "therasphere", "--burden", tmp_path / "s.json", "--json")
    )
    label = json.loads(ran.out)["label"]
    (burden,) = [it for it in label["criteria"] if it["id"] == "TS-C08"]
    assert (burden["status"], burden["measured"]) == ("pass", "20.0 %")
    assert "provisional" in [flag["id"] for flag in label["flags"]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--label", "gold"], 'no device label "gold"; known: quiremspheres, sir-spheres, therasphere'),
        (["--label", "therasphere", "--protocol", "retnet"], "--protocol and --label were both given"),
        (["--label", "therasphere", "--what-if"], "--what-if and --label were both given"),
        (["--label", "therasphere", "--stage", "later"], 'found the stage "later", expected screening'),
    ],
)
def test_mistakes_with_a_label(tmp_path: Path, options: list[str], message: str) -> None:
    (tmp_path / "f.toml").write_text("ecog = 1")
    ran = run("check", tmp_path / "f.toml", *options)
    assert (ran.status, ran.out) == (2, "")
    assert ran.lines[0].startswith(f"error: {message}")


def test_help_names_the_label_option() -> None:
    ran = run("check", "--help")
    assert ran.status == 0
    assert "--label" in ran.out


def test_a_label_refuses_dates_of_the_future_too(tmp_path: Path) -> None:
    """As a protocol does: the command knows today's date. All mistakes of a case file come at once."""
    (tmp_path / "f.toml").write_text("enrolment_date = 2990-05-01\n", encoding="utf-8")
    ran = run("check", tmp_path / "f.toml", "--label", "sir-spheres")
    assert (ran.status, ran.out) == (2, "")
    assert "f.toml: enrolment_date: found 2990-05-01, which lies in the future" in ran.err
    (tmp_path / "case.toml").write_text(
        '[patient]\nid = "X"\n[facts]\nenrolment_date = 2990-05-01\necogg = 1\njudged_by = "A"\n',
        encoding="utf-8",
    )
    ran = run("check", tmp_path / "case.toml")
    assert ran.status == 2
    told = [line.removeprefix("error: case.toml: facts.").partition(":")[0] for line in ran.lines]
    assert sorted(told) == ["ecogg", "enrolment_date", "judged_by"]
