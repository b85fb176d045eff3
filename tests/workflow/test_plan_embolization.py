"""Plans of embolizations against amounts worked out by hand.

The right half of the liver holds 64 mL of tumour, the left 27 mL. DuBois: 0.20247 x 1.68^0.725 x 64^0.425 m2.
"""

import json
from pathlib import Path

import jsonschema
import pytest
from tests.conftest import PROJECT_ROOT
from tests.workflow import cases
from tests.workflow.cases import BoxStudy
from tests.workflow.embolization_cases import BLAND, CTACE, DEB, OXALIPLATIN, embolization

import emboplan as ep
from emboplan.errors import CaseFileError, InputError, ModelRangeError
from emboplan.model.arm import ArmTechnique
from emboplan.model.finding import Severity
from emboplan.model.plan import Plan
from emboplan.model.results.embolization import EmbolizationPlan
from emboplan.model.serialise import to_jsonable

SURFACE = 0.20247 * 1.68**0.725 * 64**0.425
SCHEMA = PROJECT_ROOT / "docs" / "schema" / "plan.schema.json"
SCHEDULE = "[schedule]\nstart = 2026-12-03\nsessions = 3\n"


def planned(boxes: BoxStudy, text: str, name: str = "embolization.toml") -> Plan:
    return ep.plan(boxes.case(text, name)).plan


def loading(boxes: BoxStudy, text: str) -> EmbolizationPlan:
    found = planned(boxes, text).loading
    assert found is not None
    return found


def ids(plan: Plan) -> set[str]:
    return {finding.id for finding in plan.findings}


def test_each_territory_has_a_session_until_the_whole_burden_is_treated(boxes: BoxStudy) -> None:
    found = loading(boxes, embolization("deb-tace", DEB))
    assert [[part.territory for part in s.territories] for s in found.sessions] == [
        ["right lobe"],
        ["left lobe"],
    ]
    assert [s.burden_to_date_frac for s in found.sessions] == pytest.approx([64 / 91, 1.0])
    assert [s.drug_mg for s in found.sessions] == [75.0, 75.0]
    assert found.drug_mg == 150.0
    assert found.untreated_tumour_ml == 0.0


def test_drawn_territories_go_with_the_plan(boxes: BoxStudy) -> None:
    """Masks and pictures show them; a territory that nothing draws is the whole liver, and not among them."""
    drawn = ep.plan(boxes.case(embolization("deb-tace", DEB), "drawn.toml")).territories
    assert {name: mask.volume_ml for name, mask in drawn.items()} == pytest.approx(
        {"right lobe": cases.RIGHT_ML, "left lobe": cases.LEFT_ML}
    )
    assert (drawn["left lobe"].voxels == cases.box(cases.LEFT).voxels).all()
    whole = embolization("deb-tace", DEB, left=None).replace('mask = "right.nii.gz"\n', "")
    assert dict(ep.plan(boxes.case(whole, "whole.toml")).territories) == {}


def test_a_session_of_two_territories_is_divided_by_tumour(boxes: BoxStudy) -> None:
    found = loading(boxes, embolization("deb-tace", DEB, right="session = 1", left="session = 1"))
    (session,) = found.sessions
    assert [part.drug_mg for part in session.territories] == pytest.approx([75 * 64 / 91, 75 * 27 / 91])
    assert session.loading is not None
    assert session.loading.loaded_mg + session.loading.supernatant_mg == pytest.approx(75.0)


def test_doses_of_territories_go_before_the_share_of_tumour(boxes: BoxStudy) -> None:
    plain = DEB.replace('drug_dose = "75 mg"\n', "")
    own = [f'session = 1\ndrug_dose = "{mg} mg"' for mg in (30, 45)]
    (session,) = loading(boxes, embolization("deb-tace", plain, right=own[0], left=own[1])).sessions
    assert [part.drug_mg for part in session.territories] == [30.0, 45.0]
    assert session.drug_mg == 75.0


def test_a_dose_by_surface_is_that_of_dubois(boxes: BoxStudy) -> None:
    text = CTACE.replace('"50 mg"', '"50 mg/m2"')
    found = loading(boxes, embolization("ctace", text))
    assert found.body_surface_m2 == pytest.approx(SURFACE)
    assert found.sessions[0].drug_mg == pytest.approx(50 * SURFACE)


def test_the_emulsion_of_a_session_adds_up(boxes: BoxStudy) -> None:
    session = loading(boxes, embolization("ctace", CTACE)).sessions[0]
    mixed = session.emulsion
    assert mixed is not None
    assert (mixed.oil_ml, mixed.aqueous_ml, mixed.emulsion_ml) == (12.0, 10.0, 22.0)
    assert mixed.emulsion_mg_per_ml == pytest.approx(50 / 22)
    assert session.loading is None


def test_bilirubin_reduces_an_emulsion_and_asks_about_beads(boxes: BoxStudy) -> None:
    """At 2 mg/dL the US label leaves a half; for beads that is a question, unless the case decides."""
    rest = '[facts]\nbilirubin = { value = 2.0, unit = "mg/dL" }'
    assert loading(boxes, embolization("ctace", CTACE, rest=rest)).sessions[0].drug_mg == 25.0
    beads = loading(boxes, embolization("deb-tace", DEB, rest=rest))
    assert beads.sessions[0].drug_mg == 75.0
    assert beads.to_acknowledge == ("systemic-reduction",)
    told = loading(boxes, embolization("deb-tace", f'{DEB}\ndose_reduction = "us-label"', rest=rest))
    assert told.sessions[0].drug_mg == 37.5
    assert told.to_acknowledge == ()


def test_bilirubin_in_umol_is_the_same(boxes: BoxStudy) -> None:
    """34.2 umol/L are 2.0 mg/dL."""
    rest = '[facts]\nbilirubin = { value = 34.2, unit = "umol/L" }'
    assert loading(boxes, embolization("ctace", CTACE, rest=rest)).sessions[0].drug_mg == 25.0


@pytest.mark.parametrize(("kind", "text"), [("deb-tace", DEB), ("ctace", CTACE)])
@pytest.mark.parametrize("fact", ['bilirubin = { value = 5.1, unit = "mg/dL" }', 'child_pugh_class = "C"'])
def test_the_label_excludes_doxorubicin(boxes: BoxStudy, kind: str, text: str, fact: str) -> None:
    with pytest.raises(ModelRangeError, match=r"session 1: .*the label says not to give doxorubicin"):
        planned(boxes, embolization(kind, text, rest=f"[facts]\n{fact}"))


def test_a_class_worked_out_from_the_laboratory_excludes_it_too(boxes: BoxStudy) -> None:
    """Bilirubin 4, albumin 2.5, INR 2.5, severe ascites: 3 points each, and 1 without encephalopathy: C."""
    rest = (
        '[facts]\nbilirubin = { value = 4.0, unit = "mg/dL" }\nalbumin = { value = 2.5, unit = "g/dL" }\n'
        'inr = 2.5\nascites = "severe"\nhepatic_encephalopathy = false'
    )
    with pytest.raises(ModelRangeError, match="Child-Pugh class is C"):
        planned(boxes, embolization("ctace", CTACE, rest=rest))


def test_bland_has_no_drug_and_an_end_point(boxes: BoxStudy) -> None:
    plan = planned(boxes, embolization("bland", f"{BLAND}\nheart_rate_per_min = 60"))
    found = plan.loading
    assert found is not None
    assert (found.technique, found.drug, found.drug_mg) == (ArmTechnique.BLAND, None, None)
    choice = found.sessions[0].particles
    assert choice is not None
    assert (choice.chosen.min_um, choice.chosen.max_um) == (150.0, 250.0)
    assert choice.end_point.seconds == (2.0, 5.0)
    assert found.anthracycline is None


def test_particles_follow_the_emulsion(boxes: BoxStudy) -> None:
    found = loading(boxes, embolization("ctace", f'{CTACE}\nproduct = "Bearing 150-250"'))
    choice = found.sessions[0].particles
    assert choice is not None
    assert choice.chosen.text == "150-250 µm"
    assert found.product == "Bearing nsPVA"


def test_miriplatin_brings_its_own_oil(boxes: BoxStudy) -> None:
    """70 mg in 3.5 mL."""
    session = loading(boxes, embolization("ctace", 'drug = "miriplatin"\ndrug_dose = "70 mg"')).sessions[0]
    assert session.suspension is not None
    assert (session.suspension.oil_ml, session.emulsion) == (3.5, None)


def test_anthracyclines_count_from_before_and_over_all_sessions(boxes: BoxStudy) -> None:
    prior = (
        '[[prior]]\nkind = "drug"\ndrug = "doxorubicin"\ndose_mg_per_m2 = 300\n[facts]\nheart_disease = false'
    )
    found = loading(boxes, embolization("deb-tace", DEB, rest=prior))
    history = found.anthracycline
    assert history is not None
    assert history.given_mg_per_m2 == 300.0
    assert history.total_mg_per_m2 == pytest.approx(300 + 150 / SURFACE)
    expected = [300 + 75 / SURFACE, 300 + 150 / SURFACE]
    assert [s.anthracycline_to_date_mg_per_m2 for s in found.sessions] == pytest.approx(expected)
    (total,) = found.drug_totals
    assert total.planned_mg == 150.0
    assert total.total_mg_per_m2 == pytest.approx(300 + 150 / SURFACE)


def test_a_session_over_the_cumulative_limit_is_refused(boxes: BoxStudy) -> None:
    """500 mg/m2 before, and each session 43.4: the second passes 550."""
    prior = '[[prior]]\nkind = "drug"\ndrug = "epirubicin"\ndose_mg_per_m2 = 500'
    with pytest.raises(ModelRangeError, match=r"session 2: 586\.\d mg/m2 .* above the limit of 550"):
        planned(boxes, embolization("deb-tace", DEB, rest=prior))


def test_heart_disease_lowers_the_limit(boxes: BoxStudy) -> None:
    prior = '[[prior]]\nkind = "drug"\ndrug = "doxorubicin"\ndose_mg_per_m2 = 380\n[facts]\n'
    with pytest.raises(ModelRangeError, match="limit of 400"):
        planned(boxes, embolization("deb-tace", DEB, rest=f"{prior}carcinoid_heart_disease = true"))


def test_without_a_body_surface_the_limit_is_open(boxes: BoxStudy) -> None:
    plan = planned(boxes, embolization("deb-tace", DEB, person=""))
    assert "anthracycline-open" in ids(plan)
    assert plan.loading is not None
    assert plan.loading.anthracycline is None


def test_the_calendar_gives_days_and_repeats(boxes: BoxStudy) -> None:
    """DEBOXA: every 5 weeks, the lobes in turn."""
    text = embolization("deb-tace", OXALIPLATIN, procedure='protocol = "deboxa"', rest=SCHEDULE)
    plan = planned(boxes, text)
    found = plan.loading
    assert found is not None
    assert [str(s.day) for s in found.sessions] == ["2026-12-03", "2027-01-07", "2027-02-11"]
    assert [s.territories[0].territory for s in found.sessions] == ["right lobe", "left lobe", "right lobe"]
    assert (found.drug_mg, found.loaded_mg, found.supernatant_mg) == (300.0, 240.0, 60.0)
    assert plan.schedule is not None
    assert plan.schedule.totals.planned.drug_mg == 300.0


def test_a_done_session_is_given_drug_and_treated_tumour(boxes: BoxStudy) -> None:
    done = "session = [{ number = 1, date = 2026-12-04, done = true, drug_dose = '80 mg' }]\n"
    text = embolization(
        "deb-tace",
        OXALIPLATIN,
        procedure='protocol = "deboxa"',
        rest=SCHEDULE.replace("sessions = 3", "sessions = 2") + done,
    )
    found = loading(boxes, text)
    (session,) = found.sessions
    assert session.session == 2
    assert session.burden_to_date_frac == pytest.approx(1.0)
    (total,) = found.drug_totals
    assert (total.given_mg, total.planned_mg) == (80.0, 100.0)


@pytest.mark.parametrize("protocol", ["retnet", "msk-19-125"])
def test_a_closed_arm_is_refused(boxes: BoxStudy, protocol: str) -> None:
    with pytest.raises(InputError, match="closed"):
        planned(boxes, embolization("deb-tace", DEB, procedure=f'protocol = "{protocol}"'))


def test_an_arm_of_another_technique_is_refused(boxes: BoxStudy) -> None:
    with pytest.raises(InputError, match="no arm with the technique bland"):
        planned(boxes, embolization("bland", BLAND, procedure='protocol = "deboxa"'))


def test_another_drug_than_the_arm_s_is_to_be_acknowledged(boxes: BoxStudy) -> None:
    text = embolization("deb-tace", DEB, procedure='protocol = "deboxa"')
    assert loading(boxes, text).to_acknowledge == ("outside-arm-drug",)


def test_acknowledged_in_the_case_is_settled(boxes: BoxStudy) -> None:
    both = 'acknowledged = ["chloride-in-beads", "own-load"]'
    found = loading(boxes, embolization("deb-tace", f"{OXALIPLATIN}\n{both}"))
    assert (found.to_acknowledge, found.acknowledged) == ((), ("chloride-in-beads", "own-load"))
    assert {s.to_acknowledge for s in found.sessions} == {()}


def test_nothing_unknown_is_acknowledged(boxes: BoxStudy) -> None:
    with pytest.raises(
        InputError, match='"above-all" is nothing to acknowledge here; to acknowledge: nothing'
    ):
        planned(boxes, embolization("deb-tace", f'{DEB}\nacknowledged = ["above-all"]'))


def test_a_trial_s_cap_is_a_warning(boxes: BoxStudy) -> None:
    text = DEB.replace("doxorubicin", "irinotecan").replace("75 mg", "150 mg").replace("3 mL", "15 mL")
    found = loading(boxes, embolization("deb-tace", text))
    assert found.to_acknowledge == ("above-trial-cap",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (DEB.replace("75 mg", "200 mg"), "session 1: .*exceeds 150 mg and 2 vials per session"),
        (f"{DEB}\nvials = 1".replace("75 mg", "80 mg"), "over the capacity|over capacity"),
        (OXALIPLATIN.replace("loading_efficiency_frac = 0.8\n", ""), "no published efficiency"),
        (f'{OXALIPLATIN}\ndiluent = "0.9% sodium chloride"', "chloride"),
        (DEB.replace("0.021 in", "0.2 mm"), "larger than the catheter"),
        (f'{DEB}\nmixed_with = "Lipiodol"', "incompatible|never|not.*mixed|do not go together"),
    ],
)
def test_limits_and_what_does_not_go_together_are_errors(boxes: BoxStudy, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        planned(boxes, embolization("deb-tace", text))


def test_oil_above_its_label_is_an_error_and_a_trial_s_volume_a_warning(boxes: BoxStudy) -> None:
    """15 mL by the label, 10 above 65 years; RETNET states up to 20 mL."""
    too_much = CTACE.replace("12 mL", "18 mL")
    with pytest.raises(ModelRangeError, match="above the 15 mL of its label"):
        planned(boxes, embolization("ctace", too_much))
    found = loading(boxes, embolization("ctace", too_much, procedure='protocol = "retnet"'))
    assert found.to_acknowledge == ("oil-above-label",)
    old = embolization("ctace", CTACE).replace("age_years = 58", "age_years = 70")
    fact = embolization("ctace", CTACE).replace("age_years = 58", "") + "\nage_years = 70"
    for text in (old, fact):
        _refused_for_age(boxes, text)


def _refused_for_age(boxes: BoxStudy, old: str) -> None:
    with pytest.raises(ModelRangeError, match="above the 10 mL of its label"):
        planned(boxes, old)


def test_vials_by_size_divide_beads_and_drug(boxes: BoxStudy) -> None:
    text = (
        DEB.replace("DC Bead 100-300", "DC Bead").replace("75 mg", "150 mg")
        + '\nvials_per_size = { "100-300" = 1, "300-500" = 1 }'
    )
    session = loading(boxes, embolization("deb-tace", text)).sessions[0]
    assert [(part.size, part.vials, part.beads_ml, part.drug_mg) for part in session.sizes] == [
        ("100-300", 1, 2.0, 75.0),
        ("300-500", 1, 2.0, 75.0),
    ]


def test_gemcitabine_needs_the_users_load(boxes: BoxStudy) -> None:
    """At least 40 % bound at 40 min in vitro; no load has a source."""
    text = 'product = "CalliSpheres 100-300"\ndrug = "gemcitabine"\ndrug_dose = "200 mg"'
    with pytest.raises(InputError, match="no verified value"):
        planned(boxes, embolization("deb-tace", text))
    session = loading(boxes, embolization("deb-tace", f'{text}\nbeads = "2 mL"')).sessions[0]
    assert session.loading is not None
    assert (session.loading.loaded_mg, session.loading.loading_min) == (80.0, 40.0)
    assert "own-load" in session.to_acknowledge


def test_tumour_outside_the_territories_is_said(boxes: BoxStudy) -> None:
    plan = planned(boxes, embolization("deb-tace", DEB, left=None))
    assert "untreated-tumour" in ids(plan)
    assert plan.loading is not None
    assert plan.loading.untreated_tumour_ml == pytest.approx(27.0)


def test_both_lobes_at_once_raise_the_question_of_the_extent(boxes: BoxStudy) -> None:
    one = planned(boxes, embolization("bland", BLAND, right="session = 1", left="session = 1"))
    two = planned(boxes, embolization("bland", BLAND))
    assert "extent" in ids(one)
    assert "extent" not in ids(two)


def test_prompts_read_the_own_facts(boxes: BoxStudy) -> None:
    rest = (
        "[facts]\ncarcinoid_heart_disease = false\nechocardiography_done = true\n"
        "right_to_left_shunt = false\ndilated_bile_ducts = true\nbile_ducts_drained = false"
    )
    found = {f.id: f.severity for f in loading(boxes, embolization("ctace", CTACE, rest=rest)).prompts}
    assert found["bile-ducts"] is Severity.STOP
    assert not {"carcinoid-heart", "carcinoid-heart-open", "right-to-left-shunt-open"} & set(found)
    asked = {f.id for f in loading(boxes, embolization("ctace", CTACE, rest="")).prompts}
    assert {"carcinoid-heart-open", "right-to-left-shunt-open", "bile-ducts-open"} <= asked


def test_the_team_s_own_plans_are_printed_as_entered(boxes: BoxStudy) -> None:
    words = '\noctreotide_plan = "site SOP 7"\ncrisis_plan = "anaesthesia in the room"'
    found = loading(boxes, embolization("bland", BLAND + words))
    assert (found.team_plans.octreotide, found.team_plans.crisis) == ("site SOP 7", "anaesthesia in the room")
    assert any("site SOP 7" in finding.text for finding in found.prompts)


@pytest.mark.parametrize(
    ("kind", "text"), [("deb-tace", DEB), ("ctace", CTACE), ("bland", BLAND)], ids=["deb", "ctace", "bland"]
)
def test_the_plan_fits_its_schema_and_is_repeatable(boxes: BoxStudy, kind: str, text: str) -> None:
    first = to_jsonable(planned(boxes, embolization(kind, text)))
    jsonschema.validate(first, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert first == to_jsonable(planned(boxes, embolization(kind, text)))
    assert first["settings"]["kind"] == kind
    assert first["activity"] is None
    assert all(check["passed"] for check in first["checks"])


def test_a_case_built_in_python_is_planned_too(boxes: BoxStudy) -> None:
    from emboplan.model.case import Case, ImageSources, MaskSource, Patient, Procedure, ProcedureKind
    from emboplan.model.loading_request import AskedDose, LoadingRequest

    case = Case(
        source=Path("python"),
        patient=Patient("NET-002"),
        images=ImageSources(
            ct=boxes.folder / "CT",
            liver=MaskSource(boxes.folder / "liver.nii.gz"),
            tumours=MaskSource(boxes.folder / "tumours.nii.gz"),
        ),
        procedure=Procedure(kind=ProcedureKind.DEB_TACE),
        loading=LoadingRequest(product="DC Bead", drug="irinotecan", drug_dose=AskedDose(100.0)),
    )
    found = ep.plan(case).plan.loading
    assert found is not None
    (session,) = found.sessions
    assert session.territories[0].perfused_ml == pytest.approx(cases.LIVER_ML)
    assert (found.loaded_mg, found.supernatant_mg) == (96.0, 4.0)


def test_an_activity_is_that_of_a_radioembolization(boxes: BoxStudy) -> None:
    with pytest.raises(CaseFileError, match="radioembolization only"):
        ep.activity(boxes.case(embolization("bland", BLAND)))


def test_a_radioembolization_says_that_it_does_not_use_loading(boxes: BoxStudy) -> None:
    plan = planned(boxes, cases.case_text(rest=f"[loading]\n{OXALIPLATIN}"))
    assert "loading-not-used" in ids(plan)
    assert plan.loading is None
