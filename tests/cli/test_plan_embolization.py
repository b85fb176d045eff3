"""`emboplan plan` of beads, emulsions and particles: what is written, and mistakes in one line."""

import json
from pathlib import Path

import jsonschema
import pytest
from tests.cli.running import contents, run
from tests.conftest import PROJECT_ROOT
from tests.workflow.cases import PATIENT_NAME, BoxStudy
from tests.workflow.embolization_cases import BLAND, CTACE, DEB, OXALIPLATIN, embolization

SCHEMA = PROJECT_ROOT / "docs" / "schema" / "plan.schema.json"
KINDS = {"deb-tace": DEB, "ctace": CTACE, "bland": BLAND}
WITH_TECHNIQUE = {"deb-tace": "deb", "ctace": "ctace", "bland": "bland"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_planned(boxes: BoxStudy, tmp_path: Path, kind: str) -> None:
    case = boxes.case(embolization(kind, KINDS[kind]), f"{kind}.toml")
    ran = run("plan", case, "-o", tmp_path / "plan", "--json")
    assert (ran.status, ran.err) == (0, "")
    plan = json.loads(ran.out)
    assert plan == json.loads((tmp_path / "plan" / "plan.json").read_text(encoding="utf-8"))
    jsonschema.validate(plan, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert plan["loading"]["technique"] == WITH_TECHNIQUE[kind]
    assert [session["session"] for session in plan["loading"]["sessions"]] == [1, 2]
    names = {name for name, digest in contents(tmp_path / "plan").items() if digest}
    assert {"plan.json", "report.html", "loading.html", "segmentation.json"} <= names
    assert {"masks/territories.nii.gz", "figures/territories.png"} <= names
    assert "1 right lobe, 2 left lobe" in (tmp_path / "plan" / "report.html").read_text("utf-8")
    assert "dose.nii.gz" not in names
    assert PATIENT_NAME.partition("^")[0] not in (tmp_path / "plan" / "loading.html").read_text("utf-8")


def test_the_lines_say_sessions_and_sums(boxes: BoxStudy, tmp_path: Path) -> None:
    case = boxes.case(embolization("deb-tace", DEB), "lines.toml")
    ran = run("plan", case, "-o", tmp_path / "plan")
    assert ran.status == 0
    assert "2 sessions" in ran.out
    assert "150 mg" in ran.out
    assert "PROVISIONAL" in ran.out.splitlines()[0]
    assert ran.lines[-1] == f"loading sheets: {tmp_path / 'plan' / 'loading.html'}"


@pytest.mark.slow
def test_the_sheets_are_printed_too(boxes: BoxStudy, tmp_path: Path, whole_report: None) -> None:
    from emboplan.report import pdf

    if pdf.availability() is not None:
        pytest.skip("no PDF on this machine")
    case = boxes.case(embolization("bland", BLAND), "printed.toml")
    assert run("plan", case, "-o", tmp_path / "a").status == 0
    assert run("plan", case, "-o", tmp_path / "b").status == 0
    assert (tmp_path / "a" / "loading.pdf").read_bytes()[:5] == b"%PDF-"
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_plan_of_another_kind_replaces_an_embolization(boxes: BoxStudy, tmp_path: Path) -> None:
    """Every file of the old result is one of ours."""
    folder = tmp_path / "plan"
    assert run("plan", boxes.case(embolization("deb-tace", DEB), "a.toml"), "-o", folder).status == 0
    again = boxes.case(embolization("bland", BLAND), "b.toml")
    assert run("plan", again, "-o", folder, "--force").status == 0
    assert json.loads((folder / "plan.json").read_text("utf-8"))["settings"]["kind"] == "bland"


PRIOR = '[[prior]]\nkind = "drug"\ndrug = "doxorubicin"\ndose_mg_per_m2 = 500'

# The case, and a part of the one line that it gets.
REFUSED = {
    "over the session's limit": (
        embolization("deb-tace", DEB.replace("75 mg", "200 mg")),
        "session 1: DC Bead + doxorubicin: 200 mg in 3 vials exceeds 150 mg and 2 vials per session",
    ),
    "unknown pair": (
        embolization("deb-tace", DEB.replace("doxorubicin", "miriplatin")),
        "the catalogue knows no loading of DC Bead with miriplatin",
    ),
    "unknown product": (
        embolization("deb-tace", DEB.replace("DC Bead 100-300", "DD Bead")),
        'no bead product "DD Bead" in the catalogue',
    ),
    "unverified efficiency": (
        embolization("deb-tace", OXALIPLATIN.replace("loading_efficiency_frac = 0.8\n", "")),
        "no published efficiency found",
    ),
    "unverified sizes": (
        embolization("bland", 'product = "Embozene"\ntarget_size = "100-300 um"'),
        "the sizes of Embozene are unverified",
    ),
    "chloride": (
        embolization("deb-tace", f'{OXALIPLATIN}\ndiluent = "saline"'),
        'session 1: "saline" is a chloride-containing diluent, not allowed with oxaliplatin',
    ),
    "a bead larger than the catheter": (
        embolization("deb-tace", DEB.replace("0.021 in", "100 um")),
        "larger than the catheter's inner diameter",
    ),
    "beads after oil": (embolization("ctace", f'{CTACE}\nproduct = "DC Bead"'), "DC Bead"),
    "oil above its label": (
        embolization("ctace", CTACE.replace("12 mL", "30 mL")),
        "30 mL of iodised oil is above the 15 mL of its label",
    ),
    "no volume of oil": (
        embolization("ctace", CTACE.replace('oil = "12 mL"\n', "")),
        "the volume of oil is not known",
    ),
    "bilirubin": (
        embolization("ctace", CTACE, rest='[facts]\nbilirubin = { value = 7, unit = "mg/dL" }'),
        "the label says not to give doxorubicin above 5 mg/dL",
    ),
    "cumulative anthracycline": (embolization("deb-tace", DEB, rest=PRIOR), "above the limit of 550 mg/m2"),
    "a closed arm": (
        embolization("deb-tace", DEB, procedure='protocol = "retnet"'),
        "Arm 3 - DEB - CLOSED",
    ),
    "another technique's arm": (
        embolization("ctace", CTACE, procedure='protocol = "tae-italy"'),
        "has no arm with the technique ctace",
    ),
    "no sizes wanted": (embolization("bland", 'product = "Bearing"'), "loading.target_size: not found"),
    "no surface": (
        embolization("ctace", CTACE.replace("50 mg", "50 mg/m2"), person=""),
        "body surface",
    ),
    "sessions with a gap": (
        embolization("bland", BLAND, right="session = 1", left="session = 3"),
        "territory.session: found 1, 3; number the sessions from 1 without a gap",
    ),
    "an arm of another technique in the calendar": (
        embolization(
            "bland",
            BLAND.replace("45-355", "50-355"),
            procedure='protocol = "retnet"',
            rest='[schedule]\nstart = 2026-12-03\narm = "tace"',
        ),
        'the arm "tace" of retnet is ctace, but the procedure is "bland"',
    ),
    "another overlapping territory": (
        embolization("bland", BLAND).replace('mask = "left.nii.gz"', 'mask = "liver.nii.gz"'),
        "overlaps another",
    ),
    "nothing to acknowledge": (
        embolization("bland", f'{BLAND}\nacknowledged = ["x"]'),
        'loading.acknowledged: "x" is nothing to acknowledge here',
    ),
}


@pytest.mark.parametrize(("text", "part"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_is_one_line_and_writes_nothing(
    boxes: BoxStudy, tmp_path: Path, text: str, part: str
) -> None:
    ran = run("plan", boxes.case(text, "refused.toml"), "-o", tmp_path / "plan")
    assert (ran.status, ran.out) == (2, "")
    (line,) = ran.lines
    assert line.startswith("error: ")
    assert part in line
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_leaves_an_existing_result(boxes: BoxStudy, existing: Path) -> None:
    before = contents(existing.parent)
    case = boxes.case(embolization("deb-tace", DEB.replace("75 mg", "900 mg")), "refused.toml")
    assert run("plan", case, "-o", existing, "--force").status == 2
    assert contents(existing.parent) == before


@pytest.mark.parametrize("command", ["activity", "verify"])
def test_other_commands_name_the_kind(boxes: BoxStudy, tmp_path: Path, command: str) -> None:
    case = boxes.case(embolization("bland", BLAND), "bland.toml")
    more = ["--delivered", boxes.folder / "spect.dcm"] if command == "verify" else []
    ran = run(command, case, *more)
    assert ran.status == 2
    assert ran.lines[0].startswith(
        'error: bland.toml: procedure.kind: found "bland"; this is done for radioembolization only: tare'
    )
