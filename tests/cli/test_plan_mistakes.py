"""Mistakes in a case: one line each on standard error, status 2, and an existing result stays as it is."""

from pathlib import Path

import pytest
from tests.cli.running import contents, run
from tests.workflow.cases import BoxStudy, case_text

UPTAKE = "tumour_to_normal = 5.0\nlung_shunt_frac = 0.05"
RATIO = "expected a number above 0 (concentration ratio)"
SHUNT = "expected a fraction from 0 to below 1 (5 % is 0.05)"
LESIONS = 'expected "all" or a list of lesion numbers such as [1, 3]'
DAY = "expected a date such as 2025-06-01"
MOMENT = "expected a date and time such as 2026-12-03T10:30:00-05:00"
UNKNOWN = "unknown key; known here:"
GRAY = "a unit of absorbed dose (Gy, mGy, cGy)"


def ratio(value: str) -> str:
    return case_text(territory=f"tumour_to_normal = {value}\nlung_shunt_frac = 0.05")


def shunt(value: str) -> str:
    return case_text(territory=f"tumour_to_normal = 5.0\nlung_shunt_frac = {value}")


def territory(line: str) -> str:
    return case_text(territory=f"{UPTAKE}\n{line}")


def goal(table: str) -> str:
    return case_text(goal=f"tumour_goal = {table}")


def procedure(line: str) -> str:
    return case_text(procedure=line)


def facts(lines: str) -> str:
    return case_text(rest=f"[facts]\n{lines}")


def prior(lines: str) -> str:
    return case_text(rest=f'[[prior]]\nkind = "tare"\n{lines}')


SECOND = f'[[territory]]\nname = "whole liver"\nmask = "left.nii.gz"\n{UPTAKE}'

# The case file, and what follows "error: bad.toml: ".
MISTAKES = {
    "ratio 0": (ratio("0"), f"territory[0].tumour_to_normal: found 0; {RATIO}"),
    "ratio negative": (ratio("-1.5"), f"territory[0].tumour_to_normal: found -1.5; {RATIO}"),
    "ratio nan": (ratio("nan"), f"territory[0].tumour_to_normal: found NaN; {RATIO}"),
    "ratio infinite": (ratio("inf"), f"territory[0].tumour_to_normal: found Infinity; {RATIO}"),
    "ratio too large": (ratio("1e400"), f"territory[0].tumour_to_normal: found 1E+400; {RATIO}"),
    "ratio text": (ratio('"five"'), f'territory[0].tumour_to_normal: found "five"; {RATIO}'),
    "ratio truth": (ratio("true"), f"territory[0].tumour_to_normal: found true; {RATIO}"),
    "ratio list": (ratio("[5]"), f"territory[0].tumour_to_normal: found [5]; {RATIO}"),
    "shunt above 1": (shunt("1.2"), f"territory[0].lung_shunt_frac: found 1.2; {SHUNT}"),
    "shunt 1": (shunt("1"), f"territory[0].lung_shunt_frac: found 1; {SHUNT}"),
    "shunt nearly 1": (
        shunt("0.99999999999999999999"),
        f"territory[0].lung_shunt_frac: found 0.99999999999999999999; {SHUNT}",
    ),
    "shunt in percent": (shunt("5"), f"territory[0].lung_shunt_frac: found 5; {SHUNT}"),
    "shunt negative": (shunt("-0.1"), f"territory[0].lung_shunt_frac: found -0.1; {SHUNT}"),
    "shunt nan": (shunt("nan"), f"territory[0].lung_shunt_frac: found NaN; {SHUNT}"),
    "shunt text": (shunt('"5 %"'), f'territory[0].lung_shunt_frac: found "5 %"; {SHUNT}'),
    "unknown table": (
        case_text(rest="[limitz]\nx = 1"),
        (
            f"limitz: {UNKNOWN} patient, images, volumes, procedure, territory, limits, vial, uncertainty, "
            "prior, administration, loading, schedule, facts"
        ),
    ),
    "unknown key": (
        case_text(images='maaa = "x"'),
        (
            f"images.maaa: {UNKNOWN} ct, ct_series, maa, maa_resolution, maa_ct, register, accept_shift, "
            "planar, planar_regions, liver, tumours, segments, confirmed_by"
        ),
    ),
    "unknown key of a territory": (
        territory("tumor_to_normal = 3"),
        (
            f"territory[0].tumor_to_normal: {UNKNOWN} name, mask, plane, segments, "
            "maa_threshold_frac, tumours, volume, lesion_volumes, device, tumour_to_normal, "
            "lesion_tumour_to_normal, lung_shunt_frac, artery_specific, tumour_goal, perfused_goal, "
            "hypertrophy_goal, administered, drug_dose, session"
        ),
    ),
    "unknown key of a goal": (
        goal('{ dose = "120 Gy", source = "site", dosis = 1 }'),
        f"territory[0].tumour_goal.dosis: {UNKNOWN} dose, source, each_lesion",
    ),
    "no unit": (
        goal('{ dose = 120, source = "site" }'),
        'territory[0].tumour_goal.dose: found 120 without a unit; expected a quantity such as "2 Gy"',
    ),
    "no unit in text": (
        goal('{ dose = "120", source = "site" }'),
        f'territory[0].tumour_goal.dose: found "120", expected a number and {GRAY}',
    ),
    "wrong kind of unit": (
        goal('{ dose = "120 GBq", source = "site" }'),
        f'territory[0].tumour_goal.dose: found "GBq", a unit of activity; expected {GRAY}',
    ),
    "unknown unit": (
        goal('{ dose = "120 Grays", source = "site" }'),
        f'territory[0].tumour_goal.dose: found the unknown unit "Grays", expected {GRAY}',
    ),
    "negative dose": (
        goal('{ dose = "-120 Gy", source = "site" }'),
        'territory[0].tumour_goal.dose: found "-120 Gy"; expected a positive quantity',
    ),
    "dose too large for a number": (
        goal('{ dose = "1e400 Gy", source = "site" }'),
        'territory[0].tumour_goal.dose: found "1e400 Gy"; expected a positive quantity',
    ),
    "dose too small for a number": (
        goal('{ dose = "1e-400 Gy", source = "site" }'),
        'territory[0].tumour_goal.dose: found "1e-400 Gy"; expected a positive quantity',
    ),
    "goal without its source": (
        goal('{ dose = "120 Gy" }'),
        "territory[0].tumour_goal.source: not found; this key is required",
    ),
    "goal as text": (goal('"120 Gy"'), 'territory[0].tumour_goal: found "120 Gy"; expected a table'),
    "missing file": (
        case_text().replace("CT/", "CTX/"),
        'images.ct: "CTX/" is not there; paths are relative to the case file',
    ),
    "missing mask": (
        territory('mask = "nope.nii.gz"'),
        'territory[0].mask: "nope.nii.gz" is not there; paths are relative to the case file',
    ),
    "empty path": (territory('mask = ""'), 'territory[0].mask: found ""; expected text that is not empty'),
    "syntax": (
        case_text(rest="[x"),
        (
            "not valid TOML (Expected ']' at the end of a table declaration (at line 22, column 3)); "
            "mend the syntax"
        ),
    ),
    "unknown protocol": (
        procedure('protocol = "deboxxa"'),
        (
            'procedure.protocol: found "deboxxa"; expected one of captem-y90, deboxa, msk-19-125, retnet, '
            "tae-italy"
        ),
    ),
    "unknown device": (
        procedure('device = "theraspheres"'),
        'procedure.device: found "theraspheres"; expected one of therasphere, sir-spheres, quiremspheres',
    ),
    "unknown intent": (
        procedure('intent = "lob"'),
        (
            'procedure.intent: found "lob"; expected "segmentectomy", "lobectomy", "lobar", '
            '"bilobar-sequential" or "whole-liver"'
        ),
    ),
    "an unknown kind": (
        procedure('kind = "deb"'),
        'procedure.kind: found "deb"; expected one of tare, deb-tace, ctace, bland',
    ),
    "no model": (procedure("models = []"), "procedure.models: found []; expected at least one value"),
    "one model twice": (
        procedure('models = ["single", "single"]'),
        'procedure.models: found "single" twice; expected each once',
    ),
    "unknown model": (
        procedure('models = ["mird"]'),
        (
            'procedure.models[0]: found "mird"; expected "partition", "multi", "single", "bsa", "empiric", '
            '"artery-specific" or "voxel"'
        ),
    ),
    "time without zone": (
        procedure("treatment_time = 2026-12-03T10:30:00"),
        (
            "procedure.treatment_time: found 2026-12-03T10:30:00 without a time zone; "
            "expected one (10:30:00-05:00)"
        ),
    ),
    "day for a time": (
        procedure("treatment_time = 2026-12-03"),
        f"procedure.treatment_time: found 2026-12-03; {MOMENT}",
    ),
    "number for a time": (
        procedure("treatment_time = 1764757800"),
        f"procedure.treatment_time: found 1764757800; {MOMENT}",
    ),
    "number for a day": (prior("date = 3"), f"prior[0].date: found 3; {DAY}"),
    "text for a day": (prior('date = "x"'), f'prior[0].date: found "x"; {DAY}'),
    "names used twice": (
        case_text(territory=f'{UPTAKE}\nmask = "right.nii.gz"', rest=SECOND),
        'territory: "whole liver" is used twice; give each territory a name of its own',
    ),
    "several territories, one without mask": (
        case_text(rest=SECOND.replace("whole liver", "left")),
        (
            "territory: whole liver: no mask (the whole liver); give each of several a mask, plane, "
            "segments or maa_threshold_frac"
        ),
    ),
    "session 0": (
        territory("session = 0"),
        "territory[0].session: found 0; expected greater than or equal to 1",
    ),
    "session 1.5": (territory("session = 1.5"), "territory[0].session: found 1.5; expected a whole number"),
    "no lesion": (territory("tumours = []"), f"territory[0].tumours: found []; {LESIONS}"),
    "lesion 0": (territory("tumours = [0]"), f"territory[0].tumours: found [0]; {LESIONS}"),
    "a lesion twice": (
        territory("tumours = [1, 1]"),
        "territory[0].tumours: found 1 twice; expected each once",
    ),
    "table for a list": (
        case_text().replace("[[territory]]", "[territory]"),
        "territory: found a table; expected a list (tables in double brackets, or values in single ones)",
    ),
    "text for a table": (
        'facts = "x"\n' + case_text(),
        'facts: found "x"; expected a table of names and values',
    ),
    "unknown fact": (facts("ecogg = 1"), 'facts.ecogg: unknown fact; did you mean "ecog"?'),
    "unknown fact, nothing near": (facts("qqqq = 1"), "facts.qqqq: unknown fact; no fact has a name like it"),
    "laboratory value without unit": (
        facts("bilirubin = 0.8"),
        (
            "facts.bilirubin: found 0.8 without a unit, expected mg/dL or umol/L: "
            '{ value = ..., unit = "mg/dL" }'
        ),
    ),
    "laboratory value that is none": (
        facts('bilirubin = { value = nan, unit = "mg/dL" }'),
        "facts.bilirubin: found the value NaN, expected a number",
    ),
    "patient against facts": (facts("age_years = 60"), "facts.age_years: found 60, but [patient] says 58"),
    "sex against facts": (facts('sex = "M"'), "facts.sex: found M, but [patient] says F"),
    "one mistake in a fact that both state": (
        facts('age_years = "58"'),
        'facts.age_years: found "58", expected a number in years',
    ),
    "one mistake in the patient": (
        case_text().replace('"F"', '"X"'),
        'patient.sex: found "X"; expected "F" or "M"',
    ),
    "no patient": ('[images]\nct = "CT/"', "patient: not found; this key is required"),
}

# What only reading the images can tell: the lines after "error: ".
IMAGE_MISTAKES = {
    "unknown lesion": (
        territory("tumours = [9]"),
        'territory "whole liver" holds no lesion 9; lesions inside it: 1, 2',
    ),
    "territory outside the liver": (
        territory('mask = "body_corner.nii.gz"'),
        'the mask of territory "whole liver" lies outside the liver; check the mask',
    ),
    "territories that overlap": (
        case_text(
            territory=f'{UPTAKE}\nmask = "right.nii.gz"',
            rest=f'[[territory]]\nname = "all"\nmask = "liver.nii.gz"\n{UPTAKE}',
        ),
        'territory "all" overlaps another by 500.0 mL; give territories that do not overlap',
    ),
    "empty liver": (
        case_text().replace("liver.nii.gz", "empty.nii.gz"),
        "empty.nii.gz holds an empty mask; give a mask with at least one voxel",
    ),
    "absent label": (
        case_text().replace("liver.nii.gz", "liver.nii.gz#7"),
        "liver.nii.gz has no label 7; it holds 1",
    ),
    "label that is no number": (
        case_text().replace("liver.nii.gz", "liver.nii.gz#Liver"),
        'label "Liver" of liver.nii.gz is no number; NIfTI labels are numbers',
    ),
    "liver as a folder": (
        case_text().replace("liver.nii.gz", "CT"),
        "CT holds 52 files; expected one mask file, so name it",
    ),
    "tumours outside the liver": (
        case_text().replace("tumours.nii.gz", "body_corner.nii.gz"),
        "20.0 mL of the lesions lie outside the liver; the liver mask must include its tumours",
    ),
    "scan that is none": (
        case_text(images='maa = "CT/"'),
        (
            "no reconstructed SPECT found in CT; it holds: "
            "portal venous (CT, 52 axial images, UID ends in 15507639)"
        ),
    ),
}


def refused(boxes: BoxStudy, text: str | bytes, existing: Path) -> list[str]:
    """The messages of a plan that must not come about; what stood before stands."""
    before = contents(existing.parent)
    path = boxes.folder / "bad.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    ran = run("plan", path, "-o", existing, "--force")
    assert ran.status == 2, ran.err
    assert ran.out == ""
    assert contents(existing.parent) == before
    return ran.lines


@pytest.mark.parametrize(("text", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line(boxes: BoxStudy, existing: Path, text: str, message: str) -> None:
    assert refused(boxes, text, existing) == [f"error: bad.toml: {message}"]


@pytest.mark.parametrize(("text", "message"), IMAGE_MISTAKES.values(), ids=IMAGE_MISTAKES)
def test_a_mistake_in_the_images_is_one_line(
    boxes: BoxStudy, existing: Path, text: str, message: str
) -> None:
    assert refused(boxes, text, existing) == [f"error: {message}"]


@pytest.mark.parametrize("text", [b'[patient]\nid = "\xff"\n', case_text().encode("utf-16")])
def test_a_file_that_is_no_utf8(boxes: BoxStudy, existing: Path, text: bytes) -> None:
    expected = ["error: bad.toml: not text in UTF-8; give a case file (TOML)"]
    assert refused(boxes, text, existing) == expected


def test_several_mistakes_are_all_told_at_once(boxes: BoxStudy, existing: Path) -> None:
    text = case_text(
        territory="tumour_to_normal = 0\nlung_shunt_frac = 2",
        procedure='device = "x"\nprotocol = "y"\nkind = "z"',
        images='foo = 1\nmaa = "nowhere"',
        rest="[facts]\necog = 9\n[limits]\nwhole_normal = 3",
    )
    lines = refused(boxes, text, existing)
    assert [line.split(": ")[2] for line in lines] == [
        "images.foo",
        "procedure.kind",
        "territory[0].tumour_to_normal",
        "territory[0].lung_shunt_frac",
        "limits.whole_normal",
        "facts.ecog",
    ]


def test_mistakes_of_meaning_are_told_together(boxes: BoxStudy, existing: Path) -> None:
    text = case_text(
        procedure='device = "x"\nprotocol = "y"', images='maa = "nowhere"', rest="[facts]\nzz = 1"
    )
    lines = refused(boxes, text, existing)
    assert [line.split(": ")[2] for line in lines] == [
        "facts.zz",
        "procedure.device",
        "procedure.protocol",
        "images.maa",
    ]


def test_a_byte_order_mark_is_no_mistake(boxes: BoxStudy, tmp_path: Path) -> None:
    path = boxes.folder / "bom.toml"
    path.write_text(case_text(goal="", territory=""), encoding="utf-8-sig")
    assert run("plan", path, "-o", tmp_path / "plan", "--json").status == 0


@pytest.mark.parametrize("name", ["nothing.toml", "liver.nii.gz", "CT/slice_0001.dcm"])
def test_what_is_no_case_file(boxes: BoxStudy, tmp_path: Path, name: str) -> None:
    ran = run("plan", boxes.folder / name, "-o", tmp_path / "plan")
    assert ran.status == 2
    assert len(ran.lines) == 1
    assert ran.err.startswith(f"error: {Path(name).name}: no")
    assert list(tmp_path.iterdir()) == []
