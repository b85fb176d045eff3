"""[loading] of a case file: every key in the unit that its name says, and mistakes in one line each."""

from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest

from emboplan.catalog import load
from emboplan.errors import CaseFileError
from emboplan.model.case import Case
from emboplan.model.loading_request import AskedDose, LoadingRequest
from emboplan.workflow.cases.casefile import read_case
from emboplan.workflow.cases.loadingchecks import KEYS
from emboplan.workflow.cases.loadingschema import LoadingTable

HEAD = '[patient]\nid = "NET-001"\n[images]\nct = "."\n'
FULL_BEADS = """
[procedure]
kind = "deb-tace"

[[territory]]
name = "right lobe"
drug_dose = "0.05 g"

[loading]
product = "DC Bead"
sizes = ["100-300", "300-500"]
drug = "doxorubicin"
vials = 2
vials_per_size = { "100-300" = 1, "300-500" = 1 }
beads = "4 mL"
vial = "2 mL"
loading_efficiency_frac = 0.85
method = "vibration-60-s"
solution = "3 mL"
solution_mg_per_ml = 25
diluent = "water for injection"
drug_vial = "50 mg"
loading_time = "2 h"
size_change_frac = -0.2
contrast = "10 mL"
mixed_with = "non-ionic contrast"
catheter_inner_diameter = "0.021 in"
loaded_at = 2026-11-30T09:00:00+01:00
dose_reduction = "none"
needle_material = "steel"
octreotide_plan = "site SOP 7"
antibiotic_plan = "site SOP 8"
crisis_plan = "site SOP 9"
acknowledged = ["own-load"]
acknowledged_by = "Dr Rossi"
doxorubicin_equivalent = 0.7
"""
FULL_OIL = """
[procedure]
kind = "ctace"

[loading]
drug = "doxorubicin"
drug_dose = "50 mg/m2"
oil = "10 mL"
aqueous = "5 mL"
oil_to_aqueous = 2
target_size = "100-300 um"
grades = ["100-300", "300 to 500 um"]
shunt = "none"
end_point = "near-stasis"
heart_rate_per_min = 70
"""
FULL_PARTICLES = """
[procedure]
kind = "bland"

[loading]
product = "Bearing"
spheres_ml_per_100_ml_tumour = [1, 2.5]
"""


def read(folder: Path, text: str) -> Case:
    path = folder / "case.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    return read_case(path, load(), any_kind=True)


def wrong(folder: Path, text: str) -> list[str]:
    with pytest.raises(CaseFileError) as caught:
        read(folder, text)
    return [line.removeprefix("case.toml: ") for line in caught.value.problems]


def test_every_key_of_beads_is_read(tmp_path: Path) -> None:
    case = read(tmp_path, FULL_BEADS)
    found = case.loading
    assert found is not None
    assert case.territories[0].drug_dose == AskedDose(50.0)
    assert (found.product, found.sizes, found.drug) == ("DC Bead", ("100-300", "300-500"), "doxorubicin")
    assert (found.vials, dict(found.vials_per_size)) == (2, {"100-300": 1, "300-500": 1})
    assert (found.beads_ml, found.vial_ml, found.contrast_ml) == (4.0, 2.0, 10.0)
    assert (found.loading_efficiency_frac, found.method) == (0.85, "vibration-60-s")
    assert (found.solution_ml, found.solution_mg_per_ml, found.diluent) == (3.0, 25.0, "water for injection")
    assert (found.drug_vial_mg, found.loading_min, found.size_change_frac) == (50.0, 120.0, -0.2)
    assert (found.mixed_with, found.needle_material) == ("non-ionic contrast", "steel")
    assert found.catheter_inner_um == pytest.approx(533.4)
    assert found.loaded_at == datetime(2026, 11, 30, 8, tzinfo=UTC)
    assert (found.dose_reduction, found.acknowledged) == ("none", ("own-load",))
    assert (found.acknowledged_by, found.doxorubicin_equivalent) == ("Dr Rossi", 0.7)
    assert (found.octreotide_plan, found.antibiotic_plan, found.crisis_plan) == (
        "site SOP 7",
        "site SOP 8",
        "site SOP 9",
    )


def test_every_key_of_an_emulsion_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, FULL_OIL).loading
    assert found is not None
    assert found.drug_dose == AskedDose(50.0, per_m2=True)
    assert (found.oil_ml, found.aqueous_ml, found.oil_to_aqueous) == (10.0, 5.0, 2.0)
    assert (found.target_um, found.grades_um) == ((100.0, 300.0), ((100.0, 300.0), (300.0, 500.0)))
    assert (found.shunt, found.end_point, found.heart_rate_per_min) == ("none", "near-stasis", 70.0)


def test_every_key_of_particles_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, FULL_PARTICLES).loading
    assert found is not None
    assert (found.product, found.spheres_ml_per_100_ml_tumour) == ("Bearing", (1.0, 2.5))


def test_the_examples_name_every_key_and_every_key_has_a_kind() -> None:
    """A key that is added to the schema is added to an example, and belongs to a kind of procedure."""
    for key in LoadingTable.model_fields:
        assert f"\n{key} = " in FULL_BEADS + FULL_OIL + FULL_PARTICLES, key
        assert any(key in keys for keys in KEYS.values()), key


def test_what_is_not_said_is_none(tmp_path: Path) -> None:
    found = read(tmp_path, '[procedure]\nkind = "bland"\n[loading]\nproduct = "Bearing"').loading
    assert found is not None
    empty = LoadingRequest(product="Bearing")
    assert [getattr(found, field.name) for field in fields(empty)] == [
        getattr(empty, field.name) for field in fields(empty)
    ]


BEADS = '[procedure]\nkind = "deb-tace"\n[loading]\nproduct = "DC Bead"\ndrug = "doxorubicin"\n'
DOSED = f'{BEADS}drug_dose = "75 mg"\n'
TWO = '[[territory]]\nname = "a"\nmask = "."\n{}[[territory]]\nname = "b"\nmask = "."\n'
SIZE = 'expected a range of sizes such as "100-300 um"'

# The tables, and the one line that they get.
MISTAKES = {
    "no dose": (
        BEADS,
        'loading.drug_dose: not found; deb-tace needs the dose of a session, such as drug_dose = "50 mg"',
    ),
    "no product": (
        '[procedure]\nkind = "bland"',
        'loading.product: not found; bland needs it, such as product = "Embosphere"',
    ),
    "no drug": (
        '[procedure]\nkind = "ctace"\n[loading]\ndrug_dose = "50 mg"',
        'loading.drug: not found; ctace needs it, such as drug = "doxorubicin"',
    ),
    "no unit": (
        f"{BEADS}drug_dose = 75",
        'loading.drug_dose: found 75 without a unit; expected a quantity such as "2 mg"',
    ),
    "negative dose": (
        f'{BEADS}drug_dose = "-75 mg"',
        'loading.drug_dose: found "-75 mg"; expected a positive quantity',
    ),
    "no dose by surface": (
        f'{BEADS}drug_dose = "0 mg/m2"',
        'loading.drug_dose: found "0 mg/m2"; expected a positive quantity',
    ),
    "a volume for a dose": (
        f'{BEADS}drug_dose = "75 mL"',
        'loading.drug_dose: found "mL", a unit of volume; expected a unit of mass (',
    ),
    "a key of another kind": (
        f'{DOSED}target_size = "100-300 um"',
        'loading.target_size: belongs to ctace, bland, not to "deb-tace"; leave it out',
    ),
    "oil with beads": (
        f'{DOSED}oil = "10 mL"',
        (
            'loading.oil: belongs to ctace, not to "deb-tace"; beads and iodised oil are never mixed; '
            "leave it out"
        ),
    ),
    "efficiency in percent": (
        f"{DOSED}loading_efficiency_frac = 85",
        (
            "loading.loading_efficiency_frac: found 85; expected a fraction above 0 and at most 1 "
            "(85 % is 0.85)"
        ),
    ),
    "a size that is none": (
        '[procedure]\nkind = "bland"\n[loading]\nproduct = "Bearing"\ntarget_size = "small"',
        f'loading.target_size: found "small"; {SIZE}',
    ),
    "sizes turned round": (
        '[procedure]\nkind = "bland"\n[loading]\nproduct = "Bearing"\ntarget_size = "300-100 um"',
        'loading.target_size: found "300-100 um"; expected the smaller size first, above 0',
    ),
    "vials that do not add up": (
        f'{DOSED}vials = 3\nvials_per_size = {{ "100-300" = 1, "300-500" = 1 }}',
        "loading.vials_per_size: found 2 vials in all, but loading.vials is 3; give one of the two",
    ),
    "half a vial": (
        f'{DOSED}vials_per_size = {{ "100-300" = 0.5 }}',
        'loading.vials_per_size: found 0.5 vials of "100-300"; expected a whole number from 1',
    ),
    "a moment without a zone": (
        f"{DOSED}loaded_at = 2026-11-30T09:00:00",
        "loading.loaded_at: found 2026-11-30T09:00:00 without a time zone; expected one (10:30:00-05:00)",
    ),
    "an unknown end point": (
        '[procedure]\nkind = "bland"\n[loading]\nproduct = "Bearing"\nend_point = "soon"',
        (
            'loading.end_point: found "soon"; expected one of stasis, gelatin-sponge, near-stasis, '
            "branch-stasis, sace"
        ),
    ),
    "one session of two": (
        f"{TWO.format('session = 1' + chr(10))}{DOSED}",
        'territory: "b" has no session, but another territory has; give it for each, or for none',
    ),
    "one dose of two": (
        f"{TWO.format('drug_dose = ' + chr(34) + '50 mg' + chr(34) + chr(10))}{BEADS}",
        'territory: "b" has no drug_dose, but another territory has; give it for each',
    ),
    "a territory's dose beside the session's": (
        f'[[territory]]\nname = "a"\ndrug_dose = "50 mg"\n{DOSED}',
        "loading.drug_dose: found beside the drug_dose of a territory; give one of the two",
    ),
    "two doses": (
        (
            '[procedure]\nkind = "deb-tace"\nprotocol = "deboxa"\n[schedule]\nstart = 2026-01-05\n'
            'drug_dose = "80 mg"\n[loading]\nproduct = "DC Bead"\ndrug = "doxorubicin"\ndrug_dose = "75 mg"'
        ),
        "schedule.drug_dose: found 80 mg, but loading.drug_dose is 75 mg; give one of them",
    ),
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    (line,) = wrong(tmp_path, text)
    assert line.startswith(message) if message.endswith("(") else line == message


def test_an_embolization_treats_one_territory_in_a_session_unless_told(tmp_path: Path) -> None:
    """A radioembolization treats all in the first; both as before where sessions are stated."""
    case = read(tmp_path, TWO.format("") + DOSED)
    assert [territory.session for territory in case.territories] == [1, 2]
    tare = read(tmp_path, TWO.format(""))
    assert [territory.session for territory in tare.territories] == [1, 1]
