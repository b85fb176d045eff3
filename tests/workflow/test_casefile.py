"""What a case file says, value for value; its mistakes are tried through the command line."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import PROJECT_ROOT
from tests.workflow.administered import FULL_ADMINISTRATION
from tests.workflow.test_loading_case import FULL_BEADS, FULL_OIL, FULL_PARTICLES

from emboplan.catalog import load
from emboplan.errors import CaseFileError
from emboplan.model.case import (
    ActivityModel,
    ArterySpecific,
    CuttingPlane,
    DoseGoal,
    DoseMethod,
    EnteredUncertainty,
    Intent,
    PriorKind,
    Sex,
    VialOrder,
)
from emboplan.model.disease import TumourType
from emboplan.model.patient import LabValue
from emboplan.model.results.prescription import Objective
from emboplan.model.schedule import Period
from emboplan.workflow.cases.casefields import shown
from emboplan.workflow.cases.casefile import read_case
from emboplan.workflow.cases.caseschema import CaseTable

FULL = """
[patient]
id = "NET-001"
sex = "F"
age_years = 58
height = "5.5 ft"
weight = "141 lb"

[images]
planar = "MAA"
planar_regions = "regions.nii.gz"
ct = "CT"
ct_series = "80231.12"
maa = "MAA"
maa_resolution = "1.4 cm"
maa_ct = "MAA"
register = "rigid"
accept_shift = "2 cm"
segments = "segments.nii.gz"
liver = "rt.dcm#Liver"
tumours = "tumours.nii.gz"
confirmed_by = "Dr. Reader"

[procedure]
kind = "tare"
protocol = "captem-y90"
intent = "lobar"
device = "therasphere"
models = ["single"]
tumour_type = "mcrc"
objective = "maximise-tumour"
body_surface = "mosteller"
dose_method = "voxel-s-density"
k_gy_kg_per_gbq = 49.67
liver_density_g_per_ml = 1
treatment_time = 2026-12-03T10:30:00-05:00

[[territory]]
name = "right lobe"
mask = "right#Nr. 1.nrrd"
tumours = [1, 3]
tumour_to_normal = 5
lung_shunt_frac = 0
device = "sir-spheres"
artery_specific = { activity_ratio = 4, tumour_lung_shunt_frac = 0.06 }
hypertrophy_goal = { dose = "70 Gy", source = "site" }
tumour_goal = { dose = "12000 cGy", source = "site" }
perfused_goal = { dose = "80 Gy", source = "site" }
administered = "57 mCi"
session = 2

[[territory]]
name = "left lobe"
segments = [2, 3, 4]

[[territory]]
name = "caudate"
plane = { points = [[0, 0, 0], [0, 10, 0], [0, 0, 10.5]], side = "left" }

[[territory]]
name = "hot"
maa_threshold_frac = 0.2

[limits]
perfused_normal = "70 Gy"
whole_normal = "40 Gy"
lung_session = "30000 mGy"
lung_cumulative = "50 Gy"
lung_mass = "1 kg"

[vial]
size = "3 GBq"
calibration_time = 2026-12-03T00:00:00Z
residual_frac = 0.02
spheres = 44e6
custom = true

[uncertainty]
source = "site"
lung_shunt_frac = 0.01
tumour_to_normal_rel = 0.2
lesion_volume_rel = 0.05
normal_volume_rel = 0.02
lung_mass_rel = 0.1
calibration_rel = 0.05
residual_frac = 0.01
registration_mm = 4

[[prior]]
kind = "tare"
date = 2025-06-01
lung_dose = "4 Gy"
whole_normal_dose = "0 Gy"
note = "segment VI"

[[prior]]
kind = "drug"
drug = "doxorubicin"
dose_mg_per_m2 = 120

[[prior]]
kind = "drug"
drug = "pirarubicin"
dose = "0.1 g"
doxorubicin_equivalent = 0.8

[facts]
ecog = 1
bilirubin = { value = 0.8, unit = "mg/dL" }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("CT", "MAA"):
        (tmp_path / name).mkdir()
    for name in ("rt.dcm", "tumours.nii.gz", "right", "regions.nii.gz", "segments.nii.gz"):
        (tmp_path / name).touch()
    return tmp_path


def test_every_key_of_the_schema_is_read(folder: Path) -> None:
    (folder / "case.toml").write_text(FULL)
    case = read_case(folder / "case.toml", load())
    assert (case.patient.id, case.patient.sex, case.patient.age_years) == ("NET-001", Sex.FEMALE, 58)
    assert case.patient.height_cm == pytest.approx(5.5 * 30.48)
    assert case.patient.weight_kg == pytest.approx(141 * 0.45359237)
    images = case.images
    assert images is not None
    assert (images.planar, images.planar_regions) == (folder / "MAA", folder / "regions.nii.gz")
    assert (images.ct, images.ct_series, images.maa) == (folder / "CT", "80231.12", folder / "MAA")
    assert images.maa_resolution_fwhm_mm == 14.0
    assert images.liver is not None
    assert (images.liver.path, images.liver.label) == (folder / "rt.dcm", "Liver")
    assert images.tumours is not None
    assert images.tumours.label is None
    assert images.confirmed_by == "Dr. Reader"
    procedure = case.procedure
    assert (procedure.intent, procedure.models) == (Intent.LOBAR, (ActivityModel.SINGLE,))
    assert (procedure.k_gy_kg_per_gbq, procedure.liver_density_g_per_ml) == (49.67, 1.0)
    assert (procedure.tumour_type, procedure.objective) == (TumourType.MCRC, Objective.MAXIMISE_TUMOUR)
    assert procedure.body_surface == "mosteller"
    assert procedure.dose_method is DoseMethod.VOXEL_S_DENSITY
    assert procedure.treatment_time == datetime(2026, 12, 3, 15, 30, tzinfo=UTC)
    assert images.maa_ct == folder / "MAA"
    assert (images.register, images.accept_shift_mm) == ("rigid", 20.0)
    assert images.segments == folder / "segments.nii.gz"
    territory, left, caudate, hot = case.territories
    assert (left.segments, hot.maa_threshold_frac) == ((2, 3, 4), 0.2)
    assert caudate.plane == CuttingPlane((0.0, 0.0, 0.0), (1.0, 0.0, 0.0))
    assert territory.mask is not None
    assert (territory.mask.path, territory.mask.label) == (folder / "right", "Nr. 1.nrrd")
    assert (territory.tumour_labels, territory.session) == ((1, 3), 2)
    assert (territory.tumour_to_normal, territory.lung_shunt_frac) == (5.0, 0.0)
    assert (territory.tumour_goal, territory.perfused_goal) == (
        DoseGoal(120.0, "site"),
        DoseGoal(80.0, "site"),
    )
    assert (territory.device, territory.hypertrophy_goal) == ("sir-spheres", DoseGoal(70.0, "site"))
    assert territory.artery_specific == ArterySpecific(4.0, 0.06)
    assert territory.administered_gbq == pytest.approx(57 * 0.037)
    limits = case.limits
    assert (limits.perfused_normal_gy, limits.whole_normal_gy) == (70.0, 40.0)
    assert (limits.lung_session_gy, limits.lung_cumulative_gy, limits.lung_mass_g) == (30.0, 50.0, 1000.0)
    prior, drug, other = case.priors
    assert (prior.date, prior.lung_gy, prior.whole_normal_gy) == ("2025-06-01", 4.0, 0.0)
    assert (prior.kind, prior.note) == (PriorKind.TARE, "segment VI")
    assert (drug.kind, drug.drug, drug.drug_mg_per_m2) == (PriorKind.DRUG, "doxorubicin", 120.0)
    assert (other.drug, other.drug_mg, other.doxorubicin_equivalent) == ("pirarubicin", 100.0, 0.8)
    assert case.vial == VialOrder(3.0, datetime(2026, 12, 3, tzinfo=UTC), 0.02, 44e6, custom=True)
    assert case.uncertainty == EnteredUncertainty("site", 0.01, 0.2, 0.05, 0.02, 0.1, 0.05, 0.01, 4.0)
    known = {name: fact.value for name, fact in case.facts.known.items()}
    assert known == {
        "ecog": Decimal(1),
        "bilirubin": LabValue(Decimal("0.8"), "mg/dL"),
        "age_years": Decimal(58),
        "sex": "F",
    }


def test_the_full_example_names_every_key() -> None:
    """A key that is added to the schema is added to one of the examples, and so to their tests."""
    examples = FULL + NUMBERS + FULL_ADMINISTRATION + FULL_SCHEDULE + FULL_BEADS + FULL_OIL + FULL_PARTICLES
    for name, field in CaseTable.model_fields.items():
        table: Any = field.annotation
        inner = getattr(table, "__args__", (table,))[0]
        for key in inner.model_fields:
            written = inner.model_fields[key].alias or key
            assert f"\n{written} = " in examples, f"{name}.{written}"


FULL_SCHEDULE = """
[patient]
id = "NET-003"
date_of_birth = 1968-05-21

[procedure]
protocol = "captem-y90"

[[territory]]
name = "right lobe"

[schedule]
start = 2026-01-05T09:30:00+01:00
zone = "Europe/Rome"
arm = "captem-tare"
sessions = 1
session_length = "90 min"
cycles = 6
later_cycle = 4
window_days = 2
simulation = 2026-01-20
imaging_every = "12 weeks"
scan_lead_days = 0
drug_dose = "0.1 g"
course_mg_per_m2 = { capecitabine = 600, temozolomide = 150.5 }
holidays = [2026-04-06]
issued = 2026-03-01
revision = 2
cycle = [{ number = 2, date = 2026-02-03 }]
event = [{ event = "progression", date = 2026-05-01 }]
session = [{ number = 1, date = 2026-02-09, done = true, territories = ["right lobe"], activity = "50 mCi" }]
"""


def test_a_schedule_with_every_key(tmp_path: Path) -> None:
    """Values arrive in the units that their names say; a dose in an arm without a drug is the one mistake."""
    path = tmp_path / "case.toml"
    path.write_text(FULL_SCHEDULE, encoding="utf-8")
    with pytest.raises(CaseFileError) as caught:
        read_case(path, load(), for_calendar=True)
    assert [line.split(": ")[1] for line in caught.value.problems] == ["schedule.drug_dose"]
    path.write_text(FULL_SCHEDULE.replace('drug_dose = "0.1 g"\n', ""), encoding="utf-8")
    schedule = read_case(path, load(), for_calendar=True).schedule
    assert schedule is not None
    assert (schedule.session_hours, schedule.imaging_every) == (1.5, Period(days=84))
    assert schedule.course_mg_per_m2 == {"capecitabine": 600.0, "temozolomide": 150.5}
    assert schedule.recorded[0].activity_gbq == pytest.approx(1.85)
    assert (schedule.cycle_starts[0].number, schedule.events[0].event) == (2, "progression")


NUMBERS = """
[patient]
id = "NET-002"

[volumes]
liver = "1.6 L"

[procedure]
dose_coefficient = "rounded-50"

[[territory]]
name = "right lobe"
volume = "900 mL"
lesion_volumes = { 1 = "60 mL", 4 = "12 mL" }
lesion_tumour_to_normal = { 1 = 4.0, 4 = 2.5 }
lung_shunt_frac = 0.05
tumour_goal = { dose = "120 Gy", source = "site", each_lesion = true }
"""


def test_a_case_of_numbers_needs_no_images(tmp_path: Path) -> None:
    (tmp_path / "case.toml").write_text(NUMBERS.replace("12 mL", "12 mL"))
    case = read_case(tmp_path / "case.toml", load())
    (territory,) = case.territories
    assert (case.images, case.liver_ml) == (None, 1600.0)
    assert territory.volumes is not None
    assert (territory.volumes.perfused_ml, dict(territory.volumes.lesions_ml)) == (900.0, {1: 60.0, 4: 12.0})
    assert dict(territory.lesion_ratios) == {1: 4.0, 4: 2.5}
    assert territory.tumour_goal == DoseGoal(120.0, "site", each_lesion=True)
    assert case.procedure.dose_coefficient == "rounded-50"


def test_what_is_not_said_is_not_guessed(folder: Path) -> None:
    (folder / "case.toml").write_text('[patient]\nid = "x"\n[images]\nct = "CT"')
    case = read_case(folder / "case.toml", load())
    assert case.images is not None
    assert (case.patient.sex, case.images.maa, case.images.confirmed_by) == (None, None, None)
    assert (case.procedure.device, case.procedure.protocol, case.territories) == (None, None, ())
    assert len(case.facts.known) == 0


def test_the_documented_case_file_has_no_unknown_key() -> None:
    """The page on the case file shows only keys that are read."""
    page = (PROJECT_ROOT / "docs" / "formats" / "case-file.md").read_text(encoding="utf-8")
    for key in ("lung_cumulative", "tumour_to_normal", "maa_resolution", "administered", "perfused_goal"):
        assert key in page


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        ("five", '"five"'),
        ({"a": 1}, "a table"),
        ([1, "a"], '[1, "a"]'),
        (Decimal("0.10"), "0.10"),
        ("x" * 100, '"' + "x" * 59 + "..."),
    ],
)
def test_values_are_shown_as_the_file_has_them(value: object, text: str) -> None:
    assert shown(value) == text
