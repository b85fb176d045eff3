"""The draft directive: every item of the list, blanks where only a person may write."""

from datetime import UTC, datetime

import pytest

from emboplan import catalog
from emboplan.dosimetry.treatment.administration import evaluate_administration
from emboplan.dosimetry.treatment.directive import draft_directive
from emboplan.errors import ModelRangeError
from emboplan.model.directive import PlannedTreatment, Stage
from emboplan.model.results.administration import AdministrationRecord, Reading

NOON = datetime(2026, 12, 3, 12, tzinfo=UTC)
PLANNED = PlannedTreatment(
    device="therasphere",
    patient="case 7",
    treatment_site="liver, right lobe",
    administered_gbq=2.3125,
    dose_gy=205.0,
    dose_of="tumour",
    lung_limit_gy=30.0,
    lung_limit_gbq=0.61,
    other_sites=(("stomach", "none"),),
)


def _values(planned: PlannedTreatment, stage: Stage = Stage.BEFORE) -> dict[str, str | None]:
    return {item.name: item.value for item in draft_directive(planned).of(stage)}


@pytest.mark.parametrize(
    ("entry", "stage"),
    [
        ("microsphere_items", Stage.BEFORE),
        ("implant_after", Stage.AFTER),
    ],
)
def test_every_item_of_the_list_is_there(entry: str, stage: Stage) -> None:
    wanted = catalog.load().sourced(f"administration.directive.{entry}").text.split("; ")
    assert [name for name in wanted if name not in _values(PLANNED, stage)] == []


def test_planned_values_are_filled_in() -> None:
    values = _values(PLANNED)
    assert values["patient"] == "case 7"
    assert values["radionuclide with physical form"] == "Y-90, glass microspheres"
    assert values["device"] == "TheraSphere"
    assert values["dose or activity"] == "2.312 GBq administered; 205 Gy to the tumour"
    lungs = "lungs: 30 Gy and 0.61 GBq; stomach: none"
    assert values["maximum dose or activity to the lungs and other sites"] == lungs
    assert values["total source strength"] == "2.312 GBq"


def test_a_person_fills_signature_date_and_stasis() -> None:
    person = [item for item in draft_directive(PLANNED).of(Stage.BEFORE) if item.only_a_person]
    assert [item.name for item in person] == ["termination by stasis", "signature", "date"]
    assert all(item.blank for item in person)


def test_what_the_plan_does_not_know_is_blank() -> None:
    values = _values(PlannedTreatment(device="sir-spheres", patient=""))
    blank = {name for name, value in values.items() if value is None}
    assert blank == set(values) - {"device", "radionuclide with physical form"}


def test_before_treatment_the_second_part_is_blank() -> None:
    assert set(_values(PLANNED, Stage.AFTER).values()) == {None}


def test_after_treatment_the_second_part_is_filled() -> None:
    """2 GBq and a million spheres prepared, 4 % stayed: 1.92 GBq and 960,000 spheres, of 2.4 prescribed."""
    before, after = Reading(2.0, "GBq", NOON, "c", "j"), Reading(0.08, "GBq", NOON, "c", "j")
    delivered = evaluate_administration(AdministrationRecord("therasphere", 2.4, NOON, before, after))
    draft = draft_directive(PLANNED, delivered=delivered, spheres_prepared=1e6)
    values = {item.name: item.value for item in draft.of(Stage.AFTER)}
    assert values == {
        "treatment site": "liver, right lobe",
        "number of sources": "9.6e+05 microspheres",
        "total source strength": "1.92 GBq (80.0% of the prescribed)",
        "date": "2026-12-03T12:00:00+00:00",
        "signature": None,
    }


def test_the_draft_says_that_it_is_one() -> None:
    draft = draft_directive(PLANNED)
    assert draft.note.startswith("Draft.")
    assert "to be confirmed" in draft.note
    assert "confirm against" in draft.source
    json = draft.to_json()
    assert json["items"][0] == {
        "name": "patient",
        "stage": "before",
        "value": "case 7",
        "only_a_person": False,
    }


def test_impossible_plans_are_refused() -> None:
    with pytest.raises(ModelRangeError, match="administered_gbq is -1"):
        draft_directive(PlannedTreatment(device="therasphere", administered_gbq=-1.0))
