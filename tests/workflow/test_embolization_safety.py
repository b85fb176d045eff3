"""What an embolization must not pass in silence: sums, bodies, liver function, materials, names.

Each case is a slip or a gap that a pharmacist would be asked to make up a dose from.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.workflow.cases import BoxStudy
from tests.workflow.conftest import boxes
from tests.workflow.embolization_cases import BLAND, CTACE, DEB, OXALIPLATIN, embolization

import emboplan as ep
from emboplan.catalog import load
from emboplan.errors import CaseFileError, InputError, ModelRangeError
from emboplan.model.finding import Severity
from emboplan.model.plan import Plan
from emboplan.model.results.embolization import EmbolizationPlan
from emboplan.workflow.cases.casefile import read_case

__all__ = ["boxes"]

SURFACE = 0.20247 * 1.68**0.725 * 64**0.425
# Bilirubin 4, albumin 2.0, INR 2.6 and severe ascites: 3 points each, 12 before encephalopathy is asked.
LATE = (
    '[facts]\nbilirubin = { value = 4.0, unit = "mg/dL" }\nalbumin = { value = 2.0, unit = "g/dL" }\n'
    'inr = 2.6\nascites = "severe"\n'
)
GOOD = (
    '[facts]\nbilirubin = { value = 0.8, unit = "mg/dL" }\nalbumin = { value = 4.0, unit = "g/dL" }\n'
    'inr = 1.0\nascites = "none"\nhepatic_encephalopathy = false\n'
)


def planned(boxes: BoxStudy, text: str) -> Plan:
    return ep.plan(boxes.case(text, "safety.toml")).plan


def loading(boxes: BoxStudy, text: str) -> EmbolizationPlan:
    found = planned(boxes, text).loading
    assert found is not None
    return found


def prior(drug: str, rest: str) -> str:
    return f'[[prior]]\nkind = "drug"\ndrug = "{drug}"\n{rest}'


def test_a_prior_above_the_limit_is_refused_without_a_body_surface(boxes: BoxStudy) -> None:
    """600 mg/m2 is above 550 whatever the patient's size."""
    text = embolization("deb-tace", DEB, person="", rest=prior("doxorubicin", "dose_mg_per_m2 = 600"))
    with pytest.raises(ModelRangeError, match=r"session 1: 600 mg/m2 .* the limit is 550 mg/m2"):
        planned(boxes, text)


@pytest.mark.parametrize(("before", "session"), [(540, 1), (525, 2)])
def test_a_sum_that_passes_the_limit_on_every_body_is_refused(
    boxes: BoxStudy, before: int, session: int
) -> None:
    """75 mg on the largest surface of 5 m2 are 15 mg/m2: 555 after one session, or 540 and 555 after two."""
    rest = prior("doxorubicin", f"dose_mg_per_m2 = {before}")
    text = embolization("deb-tace", DEB, person="", rest=rest)
    with pytest.raises(
        ModelRangeError, match=rf"session {session}: 555 mg/m2 .* 5 m2, .* limit of 550 mg/m2"
    ):
        planned(boxes, text)


def test_a_sum_that_a_large_body_bears_stays_open(boxes: BoxStudy) -> None:
    """520 and two times 15 mg/m2 are the limit of 550 itself, on the largest body: not known, not refused."""
    rest = prior("doxorubicin", "dose_mg_per_m2 = 520")
    found = planned(boxes, embolization("deb-tace", DEB, person="", rest=rest))
    assert "anthracycline-open" in {f.id for f in found.findings}


def test_a_mass_before_counts_on_the_largest_body_too(boxes: BoxStudy) -> None:
    """2700 mg are 540 mg/m2 on 5 m2, and more on any other."""
    rest = prior("doxorubicin", 'dose = "2700 mg"')
    with pytest.raises(ModelRangeError, match="session 1: 555 mg/m2"):
        planned(boxes, embolization("deb-tace", DEB, person="", rest=rest))


def test_the_calendar_counts_a_prior_in_mg_by_the_body_surface(boxes: BoxStudy) -> None:
    """300 mg before and two sessions of 50 mg, over the patient's surface."""
    calendar = '[schedule]\nstart = 2026-12-03\narm = "tace"\n'
    before = prior("doxorubicin", 'dose = "300 mg"')
    rest = f"{calendar}{before}\n{GOOD}"
    text = embolization("ctace", CTACE, procedure='protocol = "retnet"', rest=rest)
    found = planned(boxes, text)
    assert found.schedule is not None
    assert found.schedule.totals.planned.drug_mg == 100
    assert found.schedule.totals.planned.drug_mg_per_m2_with_prior == pytest.approx((300 + 100) / SURFACE)
    assert found.loading is not None
    assert found.loading.anthracycline is not None
    assert found.loading.anthracycline.given_mg_per_m2 == pytest.approx(300 / SURFACE)


def test_the_heart_lowers_the_limit_without_a_body_surface_too(boxes: BoxStudy) -> None:
    rest = f"{prior('doxorubicin', 'dose_mg_per_m2 = 420')}\n[facts]\ncarcinoid_heart_disease = true"
    with pytest.raises(ModelRangeError, match="the limit is 400"):
        planned(boxes, embolization("deb-tace", DEB, person="", rest=rest))


def test_what_was_given_is_said_where_the_limit_cannot_be_checked(boxes: BoxStudy) -> None:
    text = embolization("deb-tace", DEB, person="", rest=prior("doxorubicin", "dose_mg_per_m2 = 300"))
    (found,) = [f for f in planned(boxes, text).findings if f.id == "anthracycline-open"]
    assert "300 mg/m2 are known" in found.text
    assert found.source


def test_a_prior_in_mg_counts_by_the_body_surface(boxes: BoxStudy) -> None:
    history = loading(
        boxes, embolization("deb-tace", DEB, rest=prior("doxorubicin", 'dose = "300 mg"'))
    ).anthracycline
    assert history is not None
    assert history.given_mg_per_m2 == pytest.approx(300 / SURFACE)


def test_a_prior_by_an_unknown_name_counts_with_the_users_own_ratio(boxes: BoxStudy) -> None:
    """1.0 is doxorubicin itself: 500 before and 43.4 in each session pass 550 in the second."""
    rest = prior("Studydrug", "dose_mg_per_m2 = 500")
    warned = {f.id for f in planned(boxes, embolization("deb-tace", DEB, rest=rest)).findings}
    assert "drug-not-known" in warned
    with pytest.raises(ModelRangeError, match="above the limit of 550"):
        planned(boxes, embolization("deb-tace", DEB, rest=f"{rest}\ndoxorubicin_equivalent = 1.0"))


def test_an_unknown_prior_is_asked_about_before_another_drug_too(boxes: BoxStudy) -> None:
    rest = prior("Studydrug", "dose_mg_per_m2 = 500")
    found = planned(boxes, embolization("deb-tace", OXALIPLATIN, rest=rest))
    assert "drug-not-known" in {f.id for f in found.findings}
    assert found.loading is not None
    assert found.loading.anthracycline is None


def test_a_planned_anthracycline_counts_with_the_users_own_ratio(boxes: BoxStudy) -> None:
    """No ratio of pirarubicin is published; 2 sessions of 50 mg count by half."""
    text = CTACE.replace("doxorubicin", "pirarubicin")
    with pytest.raises(InputError, match="give doxorubicin_equivalent"):
        planned(boxes, embolization("ctace", text))
    history = loading(boxes, embolization("ctace", f"{text}\ndoxorubicin_equivalent = 0.5")).anthracycline
    assert history is not None
    assert history.total_mg_per_m2 == pytest.approx(50 / SURFACE)


@pytest.mark.parametrize(
    ("person", "message"),
    [
        ('height = "1680 cm"\nweight = "64 kg"', "patient.height: found 1680 cm"),
        ('height = "168 cm"\nweight = "640 kg"', "patient.weight: found 640 kg"),
        ('height = "64 cm"\nweight = "168 kg"', "are the two swapped"),
        ('height = "168 cm"\nweight = "6.4 kg"', "check both"),
    ],
)
def test_a_slip_in_the_body_makes_no_dose(boxes: BoxStudy, person: str, message: str) -> None:
    text = embolization("deb-tace", DEB.replace('"75 mg"', '"50 mg/m2"'), person=person)
    with pytest.raises(CaseFileError, match=message):
        planned(boxes, text)


def test_a_slip_in_a_case_built_in_python_makes_none_either(boxes: BoxStudy) -> None:
    case = read_case(boxes.case(embolization("deb-tace", DEB), "python.toml"), load(), any_kind=True)
    slipped = replace(case, patient=replace(case.patient, height_cm=1680.0))
    with pytest.raises(CaseFileError, match="1680 cm"):
        ep.plan(slipped)


@pytest.mark.parametrize(("kind", "text"), [("deb-tace", OXALIPLATIN), ("ctace", CTACE)])
def test_aluminium_with_oxaliplatin_is_refused(boxes: BoxStudy, kind: str, text: str) -> None:
    text = text.replace("doxorubicin", "oxaliplatin") + '\nneedle_material = "aluminium"'
    with pytest.raises(InputError, match="aluminium"):
        planned(boxes, embolization(kind, text))


@pytest.mark.parametrize("more", ["", "hepatic_encephalopathy = true"])
@pytest.mark.parametrize(("kind", "text"), [("deb-tace", DEB), ("ctace", CTACE)])
def test_class_c_is_known_before_the_last_item_is(boxes: BoxStudy, kind: str, text: str, more: str) -> None:
    with pytest.raises(ModelRangeError, match="Child-Pugh class is C"):
        planned(boxes, embolization(kind, text, rest=LATE + more))


@pytest.mark.parametrize(
    ("facts", "entered"), [(LATE, "A"), (LATE, "B"), (GOOD, "C")], ids=["a-or-c", "b-or-c", "c-or-a"]
)
def test_an_entered_class_against_a_computed_c_is_refused(boxes: BoxStudy, facts: str, entered: str) -> None:
    text = embolization("deb-tace", DEB, rest=f'{facts}child_pugh_class = "{entered}"')
    with pytest.raises(CaseFileError, match=f'child_pugh_class: found "{entered}"'):
        planned(boxes, text)


def test_an_entered_class_that_differs_otherwise_is_a_stop(boxes: BoxStudy) -> None:
    found = planned(boxes, embolization("deb-tace", DEB, rest=f'{GOOD}child_pugh_class = "B"'))
    (stop,) = [f for f in found.findings if f.id == "child-pugh-differs"]
    assert stop.severity is Severity.STOP
    agreed = planned(boxes, embolization("deb-tace", DEB, rest=f'{GOOD}child_pugh_class = "A"'))
    assert "child-pugh-differs" not in {f.id for f in agreed.findings}


def test_a_bead_bears_the_name_that_was_ordered(boxes: BoxStudy) -> None:
    text = 'product = "QuadraSphere 30-60"\ndrug = "doxorubicin"\ndrug_dose = "50 mg"\nvials = 1'
    found = loading(boxes, embolization("deb-tace", text))
    assert found.product == "QuadraSphere"
    made = found.sessions[0].loading
    assert made is not None
    assert "QuadraSphere" in made.steps[0]
    assert "HepaSphere" not in " ".join(made.steps)
    own = loading(boxes, embolization("deb-tace", text.replace("QuadraSphere", "HepaSphere")))
    assert own.product == "HepaSphere"


@pytest.mark.parametrize(("kind", "text"), [("deb-tace", DEB), ("bland", BLAND)])
def test_a_hepatocellular_carcinoma_is_not_asked_about_hormones(
    boxes: BoxStudy, kind: str, text: str
) -> None:
    asked = {f.id for f in loading(boxes, embolization(kind, text)).prompts}
    other = {f.id for f in loading(boxes, embolization(kind, text, procedure='tumour_type = "hcc"')).prompts}
    assert "octreotide" in asked
    assert not {"octreotide", "carcinoid-heart-open", "net-deb-biliary", "modality"} & other


def test_who_acknowledged_stands_in_the_plan(boxes: BoxStudy) -> None:
    said = '\nacknowledged = ["chloride-in-beads"]\nacknowledged_by = "Dr Rossi, 2026-11-20"'
    found = loading(boxes, embolization("deb-tace", OXALIPLATIN + said))
    assert found.acknowledged_by == "Dr Rossi, 2026-11-20"
    with pytest.raises(CaseFileError, match="acknowledged_by: found without acknowledged"):
        planned(boxes, embolization("deb-tace", f'{DEB}\nacknowledged_by = "Dr Rossi"'))
