"""`emboplan check` with a protocol of one's own, a variant, an arm, and what would change the verdict."""

import json
import os
from pathlib import Path

import pytest
from tests.cli.running import run
from tests.eligibility.conftest import PATIENT

import emboplan as ep
from emboplan.errors import CatalogError
from emboplan.workflow.protocol_file import arm, load_protocol
from emboplan.workflow.screening.check import what_would_change

OWN = """
name = "SITE-1"
command = "site-1"
title = "A site's own protocol"
version = "2"
source = "site.txt"
status = "confirmed"
source_complete = true

[[criterion]]
id = "S-1"
kind = "inclusion"
text = "Creatinine below 1.5 mg/dL"
source = "site.txt, page 1"
pass_when = { fact = "creatinine", op = "<", limit = 1.5, unit = "mg/dL" }

[[criterion]]
id = "S-2"
kind = "exclusion"
text = "Chromogranin A above 100"
source = "site.txt, page 1"
pass_when = { fact = "chromogranin_a_ng_ml", op = "<=", limit = 100, unit = "ng/mL" }

[fact.chromogranin_a_ng_ml]
type = "number"
unit = "ng/mL"
meaning = "Chromogranin A"
change = "repeat"
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    return path


def test_a_protocol_of_ones_own(tmp_path: Path, own: Path) -> None:
    (tmp_path / "f.toml").write_text('creatinine = "120 umol/L"\nchromogranin_a_ng_ml = 101')
    ran = run("check", tmp_path / "f.toml", "--protocol-file", own, "--json")
    assert (ran.status, ran.err) == (0, "")
    result = json.loads(ran.out)
    assert (result["protocol"], result["failed"]) == ("SITE-1", ["S-2"])
    assert result["criteria"][0]["compared"] == "1.357 mg/dL"


def test_facts_of_ones_own_in_a_case_file(tmp_path: Path, own: Path) -> None:
    (tmp_path / "f.toml").write_text(
        '[patient]\nid = "x"\nage_years = 58\n[facts]\necog = 1\nchromogranin_a_ng_ml = 99'
    )
    result = json.loads(run("check", tmp_path / "f.toml", "--protocol-file", own, "--json").out)
    assert (result["verdict"], result["missing"]) == ("undetermined", ["creatinine"])


def test_the_same_in_python(own: Path) -> None:
    facts = {"creatinine": "1.4 mg/dL", "chromogranin_a_ng_ml": 100}
    assert ep.check(facts, own).verdict == "eligible"
    assert [it.fact for it in what_would_change({"creatinine": "1.6 mg/dL"}, own).sets[0]] == [
        "chromogranin_a_ng_ml", "creatinine"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (('op = "<"', 'op = "=<"'), 'own.toml: criterion[0].pass_when.op: found "=<", expected one of'),
        (
            ("[fact.chromogranin_a_ng_ml]", "[fact.ecog]"),
            "own.toml: fact.ecog: is defined by the catalogue already",
        ),
        (('type = "number"', 'type = "numbre"'), 'own.toml: fact.chromogranin_a_ng_ml.type: found "numbre"'),
        (
            ('"creatinine"', '"creatinin"'),
            'found "creatinin", expected the name of a fact; did you mean "creatinine"?',
        ),
        (('name = "SITE-1"', "name = 3"), "own.toml: name: found 3, expected text"),
        (('name = "SITE-1"', "name = "), "own.toml is not valid TOML"),
    ],
)
def test_mistakes_in_a_protocol_of_ones_own(
    tmp_path: Path, own: Path, change: tuple[str, str], line: str
) -> None:
    own.write_text(OWN.replace(*change))
    (tmp_path / "f.toml").write_text("ecog = 1")
    ran = run("check", tmp_path / "f.toml", "--protocol-file", own)
    assert (ran.status, ran.out) == (2, "")
    assert line in ran.err


def test_all_mistakes_of_a_protocol_at_once(own: Path) -> None:
    own.write_text(OWN.replace('"mg/dL"', '"g"').replace('kind = "exclusion"', 'kind = "x"'))
    with pytest.raises(CatalogError) as caught:
        load_protocol(own)
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        "criterion[0].pass_when.unit", "criterion[1].kind"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--protocol", "retnet", "--arm", "deb"],
            'RETNET: the arm "deb" (Arm 3 - DEB - CLOSED) is closed: ',
        ),
        (["--protocol", "retnet", "--arm", "x"], 'RETNET has no arm "x"; open arms: be, tace'),
        (["--arm", "be"], "--arm and --variant belong to one protocol; name it with --protocol"),
        (["--variant", "nci-2020-00831"], "--arm and --variant belong to one protocol"),
        (["--protocol", "retnet", "--variant", "x"], 'RETNET has no variant "x"; known: none'),
        (
            ["--protocol", "retnet", "--protocol-file", "own.toml"],
            "--protocol-file and --protocol were both given",
        ),
        (["-o", "out"], "-o does not go with this kind of FACTS; leave it out"),
    ],
)
def test_options_that_do_not_go_together(tmp_path: Path, options: list[str], message: str) -> None:
    (tmp_path / "f.toml").write_text("ecog = 1")
    ran = run("check", tmp_path / "f.toml", *options)
    assert (ran.status, ran.out) == (2, "")
    assert ran.lines[0].startswith(f"error: {message}")


def test_an_open_arm_shows_its_procedure(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text("ecog = 1")
    ran = run("check", tmp_path / "f.toml", "--protocol", "retnet", "--arm", "tace")
    assert ran.status == 0
    assert "RETNET, Arm 2 - TACE (tace): ctace" in ran.out
    assert "emulsion: 10 mL dilute contrast with 10 to 20 mL iodized oil" in ran.out
    assert "drug: doxorubicin, 50 mg, dissolved in 10 mL dilute contrast" in ran.out
    assert "sizes: 50 to 500 um" in ran.out
    ran = run("check", tmp_path / "f.toml", "--protocol", "retnet", "--arm", "be")
    assert "end point: 2-5 heartbeat stasis" in ran.out
    ran = run("check", tmp_path / "f.toml", "--protocol", "deboxa", "--arm", "d-tace")
    assert "drug: oxaliplatin, no dose stated" in ran.out


def test_an_arm_in_python() -> None:
    assert arm("retnet", "be").name == "Arm 1 - BE"


def test_a_variant_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text("tumor_grade = 3")
    command = ("check", tmp_path / "f.toml", "--protocol", "captem-y90", "--json")
    assert json.loads(run(*command).out)["failed"] == ["CTY-I01"]
    amended = json.loads(run(*command, "--variant", "nci-2020-00831").out)
    assert amended["failed"] == []
    assert "protocol-variant" in [flag["id"] for flag in amended["flags"]]


def facts_file(folder: Path, **changes: object) -> Path:
    """The patient who is eligible everywhere, with changes, as JSON."""
    path = folder / "f.json"
    path.write_text(json.dumps({**PATIENT, **changes}, default=float))
    return path


def test_what_if_in_json_and_in_words(tmp_path: Path) -> None:
    facts = facts_file(tmp_path, platelets={"value": 40, "unit": "10^9/L"}, informed_consent=None)
    ran = run("check", facts, "--protocol", "retnet", "--what-if", "--json")
    assert (ran.status, ran.err) == (0, "")
    said = json.loads(ran.out)["what_would_change"]
    assert (said["blocked"], said["complete"]) == ([], True)
    assert said["sets"] == [
        [
            {
                "fact": "informed_consent", "how": "find_out", "now": None, "needed": "yes",
                "criteria": ["RET-I14"], "example": True,
            },
            {
                "fact": "platelets_after_correction", "how": "correct", "now": None, "needed": "> 50000 /uL",
                "criteria": ["RET-I12"],
                "example": {"value": 55000.0, "unit": "/uL", "upper_limit_of_normal": None},
            },
        ]
    ]  # fmt: skip
    words = run("check", facts, "--protocol", "retnet", "--what-if").out
    assert "  would be eligible with\n    find out informed_consent: yes (RET-I14)\n" in words
    assert "    correct platelets_after_correction: > 50000 /uL (RET-I12)" in words


def test_without_what_if_the_result_has_the_published_keys_alone(tmp_path: Path) -> None:
    result = json.loads(run("check", facts_file(tmp_path, ecog=3), "--protocol", "retnet", "--json").out)
    keys = "protocol source_complete stage verdict failed missing correctable deferred flags criteria"
    assert keys.split() == list(result)


def test_what_if_for_all_protocols_and_for_the_eligible(tmp_path: Path) -> None:
    facts = facts_file(tmp_path, ecog=3)
    results = json.loads(run("check", facts, "--what-if", "--json").out)
    assert results["RETNET"]["what_would_change"]["blocked"] == ["RET-I08"]
    assert results["TAE-IT"]["what_would_change"] == {"sets": [], "blocked": [], "complete": True}
    words = run("check", facts, "--protocol", "retnet", "--what-if").out
    assert "nothing that may change would make this patient eligible: RET-I08" in words


def test_several_ways_are_numbered(tmp_path: Path) -> None:
    facts = facts_file(
        tmp_path,
        symptoms_uncontrolled_by_ssa=None,
        liver_progression_recist11=None,
        liver_tumor_burden_pct=20,
    )
    words = run("check", facts, "--protocol", "retnet", "--what-if").out
    assert "would be eligible with one of these:\n  1.\n    find out liver_progression_recist11: yes" in words
    assert "  3.\n    find out symptoms_uncontrolled_by_ssa: yes" in words


def test_an_incomplete_source_is_never_a_bare_eligible(tmp_path: Path) -> None:
    ran = run("check", facts_file(tmp_path), "--protocol", "deboxa")
    assert ran.out.startswith("DEBOXA: meets all stated criteria; source incomplete\n")
    assert "DEBOXA: eligible" not in ran.out
    assert run("check", facts_file(tmp_path), "--protocol", "retnet").out.startswith("RETNET: eligible\n")


def test_a_date_of_the_future_is_refused_by_the_command(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text("last_prrt_date = 2999-01-01\necog = 1")
    ran = run("check", tmp_path / "f.toml")
    assert ran.status == 2
    assert ran.lines[0].startswith(
        "error: f.toml: last_prrt_date: found 2999-01-01, which lies in the future (today is"
    )
    (tmp_path / "f.toml").write_text('[patient]\nid = "x"\n[facts]\nenrolment_date = 2999-01-01')
    ran = run("check", tmp_path / "f.toml")
    assert ran.lines[0].startswith(
        "error: f.toml: facts.enrolment_date: found 2999-01-01, which lies in the future"
    )


def test_borderline_from_a_segmentation(tmp_path: Path) -> None:
    """49 % with an interval from 46 to 52 holds the limit of 50 %; the verdict stands, and says so."""
    facts = facts_file(tmp_path, liver_tumor_burden_pct=None)
    (tmp_path / "s.json").write_text(
        json.dumps(
            {
                "liver_ml": 1500.0, "liver_ml_interval": [1450.0, 1550.0], "tumour_ml": 735.0,
                "tumour_ml_interval": [690.0, 780.0], "burden_pct": 49.0, "burden_pct_interval": [46.0, 52.0],
                "largest_lesion_mm": 42.0, "confirmed_by": "Dr. Reader",
            }
        )
    )  # fmt: skip
    command = ("check", facts, "--burden", tmp_path / "s.json", "--json", "--protocol")
    captem = json.loads(run(*command, "captem-y90").out)
    assert captem["verdict"] == "eligible"
    (borderline,) = [flag for flag in captem["flags"] if flag["id"] == "borderline"]
    assert borderline["criterion"] == "CTY-I05"
    assert "from 46.0 to 52.0, which holds the limit (<= 50 %)" in borderline["text"]
    retnet = json.loads(run(*command, "retnet").out)
    assert [f["id"] for f in retnet["flags"]] == ["judgement-unsigned"]


@pytest.mark.skipif(os.name == "nt", reason="paths")
def test_a_protocol_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text("ecog = 1")
    ran = run("check", tmp_path / "f.toml", "--protocol-file", tmp_path / "none.toml")
    assert (ran.status, ran.lines[0]) == (
        2, "error: none.toml cannot be read (No such file or directory); check the path"
    )  # fmt: skip
