"""Plans of the patient of boxes against doses worked out by hand.

The case files set K = 50 Gy kg/GBq and a density of 1 g/mL, so that 1 mL is 1 g: normal liver 0.909 kg,
lesions 0.064 and 0.027 kg, lungs 1 kg.
"""

from pathlib import Path

import pytest
from tests.workflow import cases
from tests.workflow.cases import BoxStudy, case_text

import emboplan as ep
from emboplan.errors import InputError, MaskError
from emboplan.files.nifti import write_volume
from emboplan.model.finding import Severity
from emboplan.model.grid import Grid
from emboplan.model.plan import Plan
from emboplan.model.results.activity import LimitCheck, ModelResult
from emboplan.model.results.eligibility import Verdict

K, NORMAL_KG, LESION_KG, LUNGS_KG = 50.0, 0.909, (0.064, 0.027), 1.0
PHYSICS = "k_gy_kg_per_gbq = 50.0\nliver_density_g_per_ml = 1.0"
GLASS = f'device = "therasphere"\n{PHYSICS}'
RESIN = f'device = "sir-spheres"\n{PHYSICS}'
UPTAKE = "tumour_to_normal = 5.0\nlung_shunt_frac = 0.05"
GOAL = 'tumour_goal = { dose = "100 Gy", source = "site" }'


def planned(boxes: BoxStudy, text: str, **options: str) -> Plan:
    return ep.plan(boxes.case(text), **options).plan  # type: ignore[arg-type]  # options are the names of readers


def whole_liver(
    boxes: BoxStudy, *, procedure: str = GLASS, territory: str = UPTAKE, goal: str = GOAL, rest: str = ""
) -> Plan:
    return planned(boxes, case_text(procedure=procedure, territory=territory, goal=goal, rest=rest))


def chosen(plan: Plan) -> ModelResult:
    assert plan.activity is not None
    assert plan.activity.chosen is not None
    return plan.activity.chosen


def ids(plan: Plan) -> set[str]:
    return {finding.id for finding in plan.findings}


def limit(result: ModelResult, name: str) -> LimitCheck:
    return next(check for check in result.limits if check.name == name)


def test_partition_meets_the_goal_with_the_activity_of_the_formula(boxes: BoxStudy) -> None:
    """100 Gy in tumour is 20 Gy in normal liver at a ratio of 5; energies over K give the activity."""
    result = chosen(whole_liver(boxes))
    in_liver_gbq = (20 * NORMAL_KG + 100 * sum(LESION_KG)) / K
    administered = in_liver_gbq / 0.95
    assert result.model == "partition"
    assert (result.binding, result.goal_met) == ("goal", True)
    assert result.administered_gbq == pytest.approx(administered, rel=1e-12)
    doses = result.doses_gy
    assert doses.tumour == pytest.approx(100)
    assert dict(doses.lesions) == pytest.approx({"1": 100, "2": 100})
    assert doses.perfused_normal == pytest.approx(20)
    assert doses.whole_normal == pytest.approx(20)
    assert doses.perfused == pytest.approx(20 * NORMAL_KG + 100 * sum(LESION_KG))
    assert doses.lung == pytest.approx(K * administered * 0.05 / LUNGS_KG)


def test_single_compartment_stands_beside_at_the_same_activity(boxes: BoxStudy) -> None:
    plan = whole_liver(boxes)
    assert plan.activity is not None
    partition, single = plan.activity.models
    assert single.model == "single"
    assert single.administered_gbq == partition.administered_gbq
    assert single.doses_gy.perfused == pytest.approx(K * partition.administered_gbq * 0.95 / 1.0)


def test_burden_of_boxes(boxes: BoxStudy) -> None:
    burden = whole_liver(boxes).burden
    assert burden.liver_ml == pytest.approx(cases.LIVER_ML)
    assert [lesion.volume_ml for lesion in burden.lesions] == pytest.approx(list(cases.LESION_ML))
    assert burden.burden_pct == pytest.approx(9.1)


def test_a_limit_below_the_goal_binds_and_says_so(boxes: BoxStudy) -> None:
    plan = whole_liver(boxes, rest='[limits]\nwhole_normal = "10 Gy"')
    result = chosen(plan)
    assert result.binding == "whole_normal"
    assert result.goal_met is False
    assert result.doses_gy.whole_normal == pytest.approx(10)
    assert result.doses_gy.tumour == pytest.approx(50)
    assert "goal-not-met" in ids(plan)
    assert not any(check.exceeded for check in result.limits)


def test_without_a_goal_the_activity_is_an_upper_bound(boxes: BoxStudy) -> None:
    plan = whole_liver(boxes, goal="", rest='[limits]\nwhole_normal = "40 Gy"')
    assert chosen(plan).doses_gy.whole_normal == pytest.approx(40)
    assert chosen(plan).goal_met is None
    assert "no-goal" in ids(plan)


def test_earlier_treatments_use_up_the_limit_on_normal_liver(boxes: BoxStudy) -> None:
    prior = '[[prior]]\nkind = "tare"\ndate = 2025-06-01\nlung_dose = "4 Gy"\nwhole_normal_dose = "30 Gy"'
    plan = whole_liver(boxes, goal="", rest=f'[limits]\nwhole_normal = "40 Gy"\n{prior}')
    result = chosen(plan)
    assert result.doses_gy.whole_normal == pytest.approx(10)
    assert limit(result, "whole_normal").value == pytest.approx(40)
    lung = result.doses_gy.lung or 0.0
    assert limit(result, "lung_session").value == pytest.approx(lung)
    assert limit(result, "lung_cumulative").value == pytest.approx(lung + 4)


@pytest.mark.parametrize("goal", ["", GOAL])
def test_a_limit_that_is_used_up_leaves_no_activity(boxes: BoxStudy, goal: str) -> None:
    """80 Gy before, 50 Gy allowed: nothing is chosen, and the reason is a stop."""
    prior = '[[prior]]\nkind = "tare"\ndate = 2025-06-01\nwhole_normal_dose = "80 Gy"'
    plan = whole_liver(boxes, goal=goal, rest=prior)
    assert plan.activity is not None
    assert plan.activity.chosen is None
    stops = [finding.text for finding in plan.findings if finding.severity is Severity.STOP]
    limit_name = "glass whole normal high bilirubin"
    expected = f"whole liver: earlier treatments use up the limit {limit_name}; no activity is chosen."
    assert stops == [expected]


def test_a_liver_full_of_tumour_has_no_partition(boxes: BoxStudy) -> None:
    """The partition model says what to do; the single compartment claims no dose of normal liver."""
    from emboplan.files.nifti import write_mask

    write_mask(boxes.folder / "full.nii.gz", cases.box(cases.LIVER))
    text = case_text(procedure=GLASS, goal=GOAL).replace("tumours.nii.gz", "full.nii.gz")
    with pytest.raises(InputError, match="holds no normal liver; set models"):
        planned(boxes, text)
    text = text.replace("[procedure]", '[procedure]\nmodels = ["single"]').replace(
        "tumour_goal", "perfused_goal"
    )
    result = chosen(planned(boxes, text))
    assert result.doses_gy.perfused == pytest.approx(100)
    assert result.doses_gy.perfused_normal is None
    assert result.doses_gy.whole_normal == 0  # what is left of the normal liver, none, gets nothing


def test_negative_counts_are_said(boxes: BoxStudy, tmp_path: Path) -> None:
    scan = cases.scan()
    counts = scan.counts.copy()
    counts[0, 0, 0] = -5.0
    write_volume(tmp_path / "spect.nii.gz", counts, scan.grid)
    plan = planned(boxes, case_text(images=f'maa = "{tmp_path / "spect.nii.gz"}"', territory=""))
    assert "spect-negative" in ids(plan)


def test_an_entered_activity_is_taken_and_its_limits_are_checked(boxes: BoxStudy) -> None:
    plan = whole_liver(boxes, territory=f'{UPTAKE}\nadministered = "3 GBq"', goal="")
    result = chosen(plan)
    normal_gy = K * 3 * 0.95 / (NORMAL_KG + 5 * sum(LESION_KG))
    assert (result.administered_gbq, result.binding) == (3.0, "entered")
    assert result.doses_gy.whole_normal == pytest.approx(normal_gy)
    assert [check.name for check in result.limits if check.exceeded] == ["glass_whole_normal_high_bilirubin"]
    stops = [finding.id for finding in plan.findings if finding.severity is Severity.STOP]
    assert stops == ["limit-exceeded-glass_whole_normal_high_bilirubin"]


def test_without_lesions_the_single_compartment_decides_and_no_tumour_dose_is_claimed(
    boxes: BoxStudy,
) -> None:
    text = case_text(procedure=GLASS, goal=GOAL).replace("tumours.nii.gz", "empty.nii.gz")
    plan = planned(boxes, text)
    result = chosen(plan)
    assert result.model == "single"
    assert result.doses_gy.tumour is None
    assert result.doses_gy.perfused == pytest.approx(50, rel=1e-5)  # stays below the limit of 50 Gy
    said = next(finding.text for finding in plan.findings if finding.id == "no-goal")
    assert "tumour_goal entered is of no use to the model single" in said


def test_single_compartment_alone_meets_the_goal_on_the_perfused_liver(boxes: BoxStudy) -> None:
    goal = 'perfused_goal = { dose = "40 Gy", source = "site" }'
    plan = whole_liver(
        boxes, procedure=f'{GLASS}\nmodels = ["single"]', territory="lung_shunt_frac = 0.05", goal=goal
    )
    assert chosen(plan).administered_gbq == pytest.approx(40 * 1.0 / K / 0.95)
    assert "tumour-to-normal-missing" not in ids(plan)


def test_resin_without_limit_and_goal_chooses_nothing_and_says_what_to_enter(boxes: BoxStudy) -> None:
    plan = whole_liver(boxes, procedure=RESIN, goal="")
    assert plan.activity is not None
    assert plan.activity.chosen is None
    assert plan.dose is None
    assert {"no-normal-liver-limit", "activity-undecided"} <= ids(plan)


def test_resin_checks_its_own_limit_on_the_shunt(boxes: BoxStudy) -> None:
    result = chosen(
        whole_liver(boxes, procedure=RESIN, territory="tumour_to_normal = 5.0\nlung_shunt_frac = 0.2")
    )
    check = limit(result, "sir_spheres_lung_shunt")
    assert (check.value, check.limit, check.exceeded) == (0.2, 0.2, False)  # "above 20 %" is too much


def test_lesions_left_out_are_neither_tumour_nor_normal_liver(boxes: BoxStudy) -> None:
    result = chosen(whole_liver(boxes, territory=f"{UPTAKE}\ntumours = [1]"))
    assert result.administered_gbq == pytest.approx((20 * NORMAL_KG + 100 * LESION_KG[0]) / K / 0.95)
    assert dict(result.doses_gy.lesions) == pytest.approx({"1": 100})


def test_one_lobe_counts_the_other_as_untreated(boxes: BoxStudy) -> None:
    result = chosen(whole_liver(boxes, territory=f'{UPTAKE}\nmask = "right.nii.gz"'))
    assert result.administered_gbq == pytest.approx((20 * 0.436 + 100 * 0.064) / K / 0.95)
    assert result.doses_gy.perfused_normal == pytest.approx(20)
    assert result.doses_gy.whole_normal == pytest.approx(20 * 0.436 / NORMAL_KG)


def two_lobes(right_session: int, left_session: int, rest: str) -> str:
    """Both lobes at 20 Gy in normal liver: a ratio of 5 with 100 Gy, and of 4 with 80 Gy."""
    right = (
        f'mask = "right.nii.gz"\ntumour_to_normal = 5.0\nlung_shunt_frac = 0.05\nsession = {right_session}'
    )
    left = f"""
[[territory]]
name = "left"
mask = "left.nii.gz"
tumour_to_normal = 4.0
lung_shunt_frac = 0.1
session = {left_session}
tumour_goal = {{ dose = "80 Gy", source = "site" }}
"""
    return case_text(procedure=GLASS, territory=right, goal=GOAL, rest=left + rest)


RIGHT_GBQ = (20 * 0.436 + 100 * 0.064) / K / 0.95
LEFT_GBQ = (20 * 0.473 + 80 * 0.027) / K / 0.9
RIGHT_LUNG_GY, LEFT_LUNG_GY = K * RIGHT_GBQ * 0.05, K * LEFT_GBQ * 0.1


def test_two_territories_sum(boxes: BoxStudy) -> None:
    plan = planned(boxes, two_lobes(1, 1, ""))
    result = chosen(plan)
    assert result.territory == "all territories"
    assert result.administered_gbq == pytest.approx(RIGHT_GBQ + LEFT_GBQ)
    assert result.doses_gy.whole_normal == pytest.approx(20)
    assert result.doses_gy.lung == pytest.approx(RIGHT_LUNG_GY + LEFT_LUNG_GY)
    assert result.doses_gy.tumour == pytest.approx((100 * 64 + 80 * 27) / 91)
    assert dict(result.doses_gy.lesions) == pytest.approx({"1": 100, "2": 80})
    assert all(check.passed for check in plan.checks)


def test_two_sessions_each_have_the_limit_of_a_session(boxes: BoxStudy) -> None:
    prior = '[[prior]]\nkind = "tare"\ndate = 2025-06-01\nlung_dose = "4 Gy"'
    result = chosen(planned(boxes, two_lobes(1, 2, f'[limits]\nlung_session = "1.8 Gy"\n{prior}')))
    assert limit(result, "lung_session").value == pytest.approx(LEFT_LUNG_GY)
    assert limit(result, "lung_cumulative").value == pytest.approx(RIGHT_LUNG_GY + LEFT_LUNG_GY + 4)


def test_one_session_keeps_its_limit_and_brings_both_goals_equally_near(boxes: BoxStudy) -> None:
    """Both goals ask for 2.087 Gy to the lungs; with 1.8 Gy each lobe gets the same share of its goal."""
    plan = planned(boxes, two_lobes(1, 1, '[limits]\nlung_session = "1.8 Gy"'))
    result = chosen(plan)
    check = limit(result, "lung_session")
    share = 1.8 / (RIGHT_LUNG_GY + LEFT_LUNG_GY)
    assert check.value == pytest.approx(1.8)
    assert not check.exceeded
    assert dict(result.doses_gy.lesions) == pytest.approx({"1": 100 * share, "2": 80 * share})
    assert (result.binding, result.goal_met) == ("lung_session", False)
    assert "goal-not-met" in ids(plan)


def test_territories_that_overlap_are_refused(boxes: BoxStudy) -> None:
    text = two_lobes(1, 1, "").replace("left.nii.gz", "liver.nii.gz")
    with pytest.raises(MaskError, match='territory "left" overlaps another by 500'):
        planned(boxes, text)


def test_each_territory_mask_is_among_the_inputs(boxes: BoxStudy) -> None:
    plan = planned(boxes, two_lobes(1, 1, ""))
    roles = [entry.role for entry in plan.inputs]
    assert roles == ["case", "ct", "liver", "tumours", "territory whole liver", "territory left"]


# The scan


def test_shunt_and_ratio_come_from_the_scan(boxes: BoxStudy) -> None:
    """A sharp scan without noise gives its ratio; its shunt within 1 %: the lungs found lack an edge."""
    plan = planned(boxes, case_text(images='maa = "spect.dcm"', procedure=GLASS, territory="", goal=GOAL))
    assert plan.shunt is not None
    assert plan.tumour_to_normal is not None
    assert plan.shunt.lung_shunt_frac == pytest.approx(cases.SCAN_SHUNT, rel=0.01)
    assert plan.tumour_to_normal.tumour_to_normal == pytest.approx(cases.SCAN_RATIO, rel=1e-4)
    normal_gy = 100 / plan.tumour_to_normal.tumour_to_normal
    in_liver = (normal_gy * NORMAL_KG + 100 * sum(LESION_KG)) / K
    assert chosen(plan).administered_gbq == pytest.approx(in_liver / (1 - plan.shunt.lung_shunt_frac))


def test_voxel_doses_of_a_sharp_scan_are_those_of_the_partition_model(boxes: BoxStudy) -> None:
    """Uniform uptake in each compartment: the means of the histograms are a second way to the same doses."""
    plan = planned(boxes, case_text(images='maa = "spect.dcm"', procedure=GLASS, territory="", goal=GOAL))
    assert plan.dose is not None
    means = {structure.name: structure.mean_gy for structure in plan.dose.structures}
    assert means["all tumours"] == pytest.approx(100, rel=1e-3)
    assert means["normal liver"] == pytest.approx(25, rel=1e-3)
    assert {check.id: check.passed for check in plan.checks} == {
        "energy-balance": True,
        "activity-conserved": True,
    }


def test_voxel_doses_of_two_territories(boxes: BoxStudy) -> None:
    text = two_lobes(1, 1, "").replace("[procedure]", 'maa = "spect.dcm"\n[procedure]')
    text = text.replace("tumour_to_normal = 5.0\n", "").replace("tumour_to_normal = 4.0\n", "")
    plan = planned(boxes, text)
    assert plan.dose is not None
    means = {structure.name: structure.mean_gy for structure in plan.dose.structures}
    assert means["tumour 1"] == pytest.approx(100, rel=1e-3)
    assert means["tumour 2"] == pytest.approx(80, rel=1e-3)
    assert means["normal liver"] == pytest.approx((25 * 0.436 + 20 * 0.473) / NORMAL_KG, rel=1e-3)


def test_entered_uptake_decides_and_the_measured_one_stands_beside(boxes: BoxStudy) -> None:
    plan = planned(boxes, case_text(images='maa = "spect.dcm"', procedure=GLASS, goal=GOAL))
    assert chosen(plan).doses_gy.perfused_normal == pytest.approx(20)
    assert plan.shunt is not None
    assert plan.shunt.lung_shunt_frac == 0.05
    assert [str(other.method) for other in plan.shunt.other_methods] == ["spect-ct"]
    assert plan.tumour_to_normal is not None


def test_a_scan_of_another_frame_of_reference_is_not_measured(boxes: BoxStudy, tmp_path: Path) -> None:
    import pydicom

    dataset = pydicom.dcmread(boxes.folder / "spect.dcm")
    dataset.FrameOfReferenceUID += ".1"
    dataset.save_as(tmp_path / "elsewhere.dcm")
    text = case_text(images=f'maa = "{tmp_path / "elsewhere.dcm"}"', procedure=GLASS, territory="", goal=GOAL)
    plan = planned(boxes, text)
    assert {"spect-not-registered", "lung-shunt-missing", "tumour-to-normal-missing"} <= ids(plan)
    assert plan.shunt is None


def test_a_scan_of_another_place_is_refused(boxes: BoxStudy, tmp_path: Path) -> None:
    scan = cases.scan()
    grid = Grid(scan.grid.shape, scan.grid.spacing_mm, (900.0, 900.0, 900.0))
    write_volume(tmp_path / "spect.nii.gz", scan.counts, grid)
    text = case_text(images=f'maa = "{tmp_path / "spect.nii.gz"}"', procedure=GLASS, territory="")
    with pytest.raises(MaskError, match="does not show the liver"):
        planned(boxes, text)


def test_lung_mass_from_the_ct(boxes: BoxStudy) -> None:
    plan = whole_liver(boxes, rest='[limits]\nlung_mass = "ct"')
    assert plan.shunt is not None
    assert plan.shunt.lung_mass_source == "ct"
    assert plan.shunt.lung_mass_g == plan.burden.lung_mass_g
    lung = K * chosen(plan).administered_gbq * 0.05 / ((plan.burden.lung_mass_g or 0.0) / 1000)
    assert chosen(plan).doses_gy.lung == pytest.approx(lung)


def test_holmium_has_its_own_dose_coefficient(boxes: BoxStudy) -> None:
    """Ho-166: 15.87 mJ/MBq (EANM 2022), a third of Y-90's."""
    plan = whole_liver(boxes, procedure='device = "quiremspheres"\nliver_density_g_per_ml = 1.0')
    assert plan.settings.k_gy_kg_per_gbq == pytest.approx(15.87, rel=0.01)
    assert plan.settings.k_gy_kg_per_gbq is not None
    assert chosen(plan).administered_gbq == pytest.approx(
        (20 * NORMAL_KG + 100 * sum(LESION_KG)) / plan.settings.k_gy_kg_per_gbq / 0.95
    )


# What the plan says of itself


def test_a_plan_is_provisional_until_a_reader_is_named(boxes: BoxStudy) -> None:
    text = case_text(procedure=f'{GLASS}\nprotocol = "retnet"')
    plan = planned(boxes, text)
    assert plan.provisional
    assert plan.eligibility is not None
    assert [flag.id for flag in plan.eligibility.flags].count("provisional") == 1
    confirmed = planned(boxes, text, confirmed_by=" Dr. Reader ")
    assert not confirmed.provisional
    assert confirmed.anatomy.confirmed_by == "Dr. Reader"
    assert confirmed.eligibility is not None
    assert "provisional" not in [flag.id for flag in confirmed.eligibility.flags]


def test_the_case_file_may_name_the_reader(boxes: BoxStudy) -> None:
    assert not planned(boxes, case_text(images='confirmed_by = "Dr. Reader"')).provisional


def test_a_blank_reader_is_refused(boxes: BoxStudy) -> None:
    with pytest.raises(InputError, match="confirming reader is blank"):
        planned(boxes, case_text(), confirmed_by=" ")


def test_an_entered_fact_goes_before_the_image_and_the_difference_is_said(boxes: BoxStudy) -> None:
    """RETNET allows a burden of 70 %: the image has 9.1 %, the typed 80 % decides."""
    text = case_text(procedure=f'{GLASS}\nprotocol = "retnet"', rest="[facts]\nliver_tumor_burden_pct = 80")
    plan = planned(boxes, text)
    assert plan.eligibility is not None
    assert plan.eligibility.verdict is Verdict.INELIGIBLE
    assert plan.eligibility.failed == ("RET-I04b",)
    said = [finding.text for finding in plan.findings if finding.id == "fact-disagrees"]
    assert said == [
        "liver_tumor_burden_pct: 80 % was entered, the images give 9.1 %; the entered value decides."
    ]


def test_a_fact_within_the_measured_interval_is_no_disagreement(boxes: BoxStudy) -> None:
    plan = planned(boxes, case_text(rest="[facts]\nliver_tumor_burden_pct = 9"))
    assert "fact-disagrees" not in ids(plan)


@pytest.mark.parametrize(
    ("bilirubin", "allowed_gy"),
    [('"1.0 mg/dL"', 90), ('"1.1 mg/dL"', 50), ('"18.7 umol/L"', 90), ('"18.9 umol/L"', 50), (None, 50)],
)
def test_bilirubin_decides_the_limit_of_glass(
    boxes: BoxStudy, bilirubin: str | None, allowed_gy: float
) -> None:
    """EANM 2022, Table 2: 50 Gy from 1.1 mg/dL on, 90 Gy below; 1 mg/dL (584.7 g/mol) is 17.1 umol/L."""
    rest = "" if bilirubin is None else f"[facts]\nbilirubin = {bilirubin}"
    plan = whole_liver(boxes, rest=rest)
    check = next(c for c in chosen(plan).limits if c.quantity == "whole_normal")
    assert check.limit == allowed_gy
    assert ("bilirubin-unknown" in ids(plan)) is (bilirubin is None)


def test_a_folder_of_images_lists_what_is_missing(found: None, boxes: BoxStudy) -> None:
    """Volumes and burden, and one finding for each thing that an activity needs."""
    plan = ep.plan(boxes.folder / "CT").plan
    assert plan.burden.liver_ml > 0
    assert plan.activity is not None
    assert plan.activity.models == ()
    missing = {
        "device-missing",
        "protocol-missing",
        "lung-shunt-missing",
        "goal-missing",
        "no-normal-liver-limit",
    }
    assert missing <= ids(plan)
    assert plan.provisional


def test_a_case_made_in_python_gives_the_plan_of_the_file(boxes: BoxStudy) -> None:
    folder = boxes.folder
    case = ep.Case(
        source=folder,
        patient=ep.Patient(id="NET-001"),
        images=ep.ImageSources(
            ct=folder / "CT",
            liver=ep.MaskSource(folder / "liver.nii.gz"),
            tumours=ep.MaskSource(folder / "tumours.nii.gz"),
        ),
        procedure=ep.Procedure(device="therasphere", k_gy_kg_per_gbq=50.0, liver_density_g_per_ml=1.0),
        territories=(
            ep.Territory(
                "whole liver",
                tumour_to_normal=5.0,
                lung_shunt_frac=0.05,
                tumour_goal=ep.DoseGoal(100.0, "site"),
            ),
        ),
    )
    assert ep.plan(case).plan.activity == whole_liver(boxes).activity


def test_two_territories_of_one_name_are_refused_in_python_too(boxes: BoxStudy) -> None:
    case = ep.Case(
        source=boxes.folder,
        patient=ep.Patient(id="x"),
        images=ep.ImageSources(ct=boxes.folder / "CT", liver=ep.MaskSource(boxes.folder / "liver.nii.gz")),
        territories=(ep.Territory("a"), ep.Territory("a")),
    )
    with pytest.raises(InputError, match='territory "a" is there twice'):
        ep.plan(case)


def test_the_series_is_chosen_by_the_end_of_its_uid(found: None, boxes: BoxStudy, tmp_path: Path) -> None:
    cases.write_ct(tmp_path / "CT" / "a", "arterial")
    second = cases.write_ct(tmp_path / "CT" / "b", "portal venous")
    import pydicom

    uid = str(pydicom.dcmread(second[0]).SeriesInstanceUID)
    with pytest.raises(InputError, match="2 CT series fit"):
        ep.plan(tmp_path / "CT")
    plan = ep.plan(tmp_path / "CT", ct_series=uid[-8:])
    assert plan.source is not None
    assert plan.source.series_uid == uid


def test_digests_do_not_depend_on_names(found: None, boxes: BoxStudy, tmp_path: Path) -> None:
    """The same files under other names have the same digests; a changed pixel has another."""
    import shutil

    for number, path in enumerate(sorted((boxes.folder / "CT").iterdir())):
        (tmp_path / "scan").mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / "scan" / f"z{99 - number:03}.dcm")
    shutil.copy(boxes.folder / "liver.nii.gz", tmp_path / "organ.nii.gz")
    shutil.copy(boxes.folder / "tumours.nii.gz", tmp_path / "lesions.nii.gz")
    text = case_text().replace("CT/", "scan/")
    renamed = BoxStudy(tmp_path).case(
        text.replace("liver.nii.gz", "organ.nii.gz").replace("tumours.nii.gz", "lesions.nii.gz")
    )
    ours, theirs = planned(boxes, case_text()).inputs, ep.plan(renamed).plan.inputs
    assert [entry.sha256 for entry in ours[1:]] == [entry.sha256 for entry in theirs[1:]]
    cases.write_ct(tmp_path / "other" / "scan", hu=cases.ct_numbers() + 1)
    other = ep.plan(tmp_path / "other" / "scan").plan.inputs
    assert other[0].sha256 != ours[1].sha256
