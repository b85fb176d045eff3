"""A small invented case: an ellipsoid of a liver with three lesions, every part of a plan filled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.report.rich import TERRITORIES, activity_plan
from tests.report.rich_readiness import enrich

from emboplan.model.anatomy import Anatomy, Review
from emboplan.model.case import Patient, Sex
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage, DoseMap
from emboplan.model.mask import LabelMap, Mask
from emboplan.model.plan import (
    AnatomySummary,
    Check,
    DoseSummary,
    InputDigest,
    Plan,
    PlannedCase,
    Settings,
    UsedNumber,
)
from emboplan.model.results.activity import Doses, LimitCheck, ModelResult, Quantity
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.model.results.burden import Burden, Lesion
from emboplan.model.results.dvh import CumulativeDvh, StructureDvh
from emboplan.model.results.eligibility import (
    CriterionResult,
    CriterionStatus,
    Eligibility,
    Flag,
    Verdict,
)
from emboplan.model.results.shunt import LungShunt, ShuntEstimate, ShuntMethod
from emboplan.model.results.uptake import LesionUptake, TumourToNormal
from emboplan.report.figures import Picture, draw_figures

MakePlanned = Callable[..., PlannedCase[Any]]
MakeRich = Callable[..., Plan]

SHAPE = (40, 72, 96)
SPACING_MM = (4.0, 4.0, 5.0)
ORIGIN_MM = (-190.0, -140.0, -100.0)
# The liver fills the patient's right (LPS x below 0); the lesions, by label, at x, y, z in mm with a radius.
LIVER_MM = ((-70.0, -10.0, 0.0), (85.0, 70.0, 75.0))
LESIONS_MM = {1: ((-110.0, 0.0, 5.0), 24.0), 2: ((-60.0, -35.0, 25.0), 15.0), 3: ((-50.0, 20.0, -20.0), 9.0)}


def _ellipsoid(points: Any, centre: Any, radii: Any) -> Any:
    return (((points - np.array(centre)) / np.array(radii)) ** 2).sum(axis=-1) <= 1


def make_anatomy(grid: Grid | None = None, *, confirmed_by: str | None = None) -> Anatomy:
    """The invented patient on any grid that covers it."""
    grid = grid or Grid(SHAPE, SPACING_MM, ORIGIN_MM, frame_of_reference_uid="1.2.3")
    z, y, x = np.indices(grid.shape)
    points = grid.to_mm(np.stack([x, y, z], axis=-1))
    body = _ellipsoid(points, (0.0, 0.0, 0.0), (175.0, 120.0, 400.0))
    liver = _ellipsoid(points, *LIVER_MM)
    lungs = _ellipsoid(points, (-80.0, 10.0, 110.0), (60.0, 70.0, 60.0)) & ~liver & body
    labels = np.zeros(grid.shape, np.uint16)
    for label, (centre, radius) in LESIONS_MM.items():
        labels[_ellipsoid(points, centre, (radius,) * 3)] = label
    noise = np.random.default_rng(5).normal(0.0, 12.0, grid.shape)
    hu = np.where(body, 40.0 + noise, -1000.0)
    hu[liver] += 65.0
    hu[labels > 0] -= 40.0
    hu[lungs] = -850.0 + noise[lungs]
    hu[_ellipsoid(points, (0.0, 75.0, 0.0), (22.0, 22.0, 900.0)) & body] = 320.0
    return Anatomy(
        image=CtImage(grid, hu.round().astype(np.int16)),
        liver=Mask(grid, liver),
        lesions=LabelMap(grid, labels),
        review=Review("builtin", confirmed_by),
        lungs=Mask(grid, lungs),
        lungs_complete=False,
    )


def make_dose(anatomy: Anatomy) -> DoseMap:
    """A dose on a coarser grid: 40 Gy in the liver, 160 Gy in the lesions."""
    grid = anatomy.grid.with_spacing((8.0, 8.0, 8.0))
    z, y, x = np.indices(grid.shape)
    points = grid.to_mm(np.stack([x, y, z], axis=-1))
    gy = np.where(_ellipsoid(points, *LIVER_MM), 40.0, 0.5)
    for centre, radius in LESIONS_MM.values():
        gy[_ellipsoid(points, centre, (radius + 4.0,) * 3)] = 160.0
    return DoseMap(grid, gy.astype(np.float32), method="local deposition")


def _dvh(name: str, volume_ml: float, mean_gy: float, *, quantifiable: bool = True) -> StructureDvh:
    dose = tuple(float(d) for d in np.linspace(0.0, 300.0, 61))
    share = tuple(float(1.0 / (1.0 + (d / mean_gy) ** 6)) if d else 1.0 for d in dose)
    return StructureDvh(
        name=name,
        volume_ml=volume_ml,
        mean_gy=mean_gy,
        mean_gy_standard_error=0.0,
        d95_gy=0.6 * mean_gy,
        d70_gy=0.85 * mean_gy,
        d50_gy=mean_gy,
        v50_frac=0.9 if mean_gy > 50 else 0.1,
        min_gy=0.1 * mean_gy,
        max_gy=2.2 * mean_gy,
        geud_gy=None,
        quantifiable=quantifiable,
        cumulative=CumulativeDvh(dose, share),
    )


def _burden(anatomy: Anatomy) -> Burden:
    liver_ml, tumour_ml = anatomy.liver.volume_ml, anatomy.tumour.volume_ml
    lesions = []
    for label, (centre, radius) in LESIONS_MM.items():
        volume_ml = anatomy.lesions.mask(label).volume_ml
        bounds = (0.9 * volume_ml, 1.1 * volume_ml)
        lesions.append(
            Lesion(label, volume_ml, bounds, 2 * radius, 1.9 * radius, centre, 64.0 + label, centre[2])
        )
    burden_pct = 100 * tumour_ml / liver_ml
    return Burden(
        liver_ml=liver_ml,
        liver_ml_interval=(0.97 * liver_ml, 1.03 * liver_ml),
        tumour_ml=tumour_ml,
        tumour_ml_interval=(0.9 * tumour_ml, 1.1 * tumour_ml),
        viable_tumour_ml=None,
        burden_pct=burden_pct,
        burden_pct_interval=(0.9 * burden_pct, 1.1 * burden_pct),
        largest_lesion_mm=48.0,
        lesions=tuple(lesions),
        lung_ml=None,
        lung_mass_g=None,
        confirmed_by=anatomy.review.confirmed_by,
        backend=anatomy.review.backend,
        findings=(Finding("lungs-cut", Severity.INFO, "The field of view cuts the lungs.", ""),),
    )


def _activity() -> ActivityPlan:
    doses = Doses(
        tumour=151.3, perfused_normal=30.27, whole_normal=30.27, perfused=39.4, lung=5.72,
        lesions={"1": 151.3, "2": 151.3, "3": 151.3},
    )  # fmt: skip
    limits = (
        LimitCheck(
            "lung_session", Quantity.LUNG, 5.72, 30.0, "Gy", exceeded=False, status="to-confirm",
            derived_with="planar lung shunt and a lung mass of 1 kg", source="van Roekel, thesis, p. 30",
        ),
        LimitCheck(
            "whole_normal", Quantity.WHOLE_NORMAL, 30.27, 30.25, "Gy", exceeded=True, status="confirmed",
            derived_with="mean dose, unilobar", source="EANM 2022, Table 2",
        ),
        LimitCheck(
            "lung_activity", Quantity.LUNG_ACTIVITY, 0.1155, 0.61, "GBq", exceeded=False, status="confirmed",
            derived_with="activity alone", source="TheraSphere brief summary",
        ),
        LimitCheck("lung_shunt", Quantity.LUNG_SHUNT, 0.05, 0.2, "1", exceeded=False, source="insert"),
    )  # fmt: skip
    partition = ModelResult(
        "partition", "whole liver", 2.3104, doses, limits, goal_met=True, binding="whole_normal"
    )
    single = ModelResult("single", "whole liver", 2.05, Doses(perfused=35.0, lung=5.1), limits[:1])
    return ActivityPlan((partition, single), partition, "whole_normal", 49.8)


def _eligibility() -> Eligibility:
    def criterion(id_: str, status: CriterionStatus, **values: Any) -> CriterionResult:
        known = {"measured": None, "compared": None, "operator": None, "limit": None} | values
        return CriterionResult(
            id_, status, text=f"Sentence of {id_}", source="Protocol, section 3.1", **known
        )

    return Eligibility(
        protocol="CapTemY90",
        source_complete=True,
        stage="pre_treatment",
        verdict=Verdict.UNDETERMINED,
        failed=(),
        missing=("inr_after_correction",),
        correctable=("CTY-I13",),
        deferred=(),
        flags=(Flag("provisional", None, "The burden was measured on unconfirmed contours."),),
        criteria=(
            criterion("CTY-I01", CriterionStatus.PASS, measured="yes"),
            criterion(
                "CTY-I09", CriterionStatus.PASS, measured="90 umol/L", compared="1.018 mg/dL", operator="<=",
                limit="2.0 mg/dL",
            ),
            criterion("CTY-I13", CriterionStatus.CORRECTABLE, measured="1.7", operator="<=", limit="1.5"),
            criterion("CTY-I14", CriterionStatus.UNKNOWN),
        ),
    )  # fmt: skip


def _shunt() -> tuple[LungShunt, TumourToNormal]:
    entered = ShuntEstimate(ShuntMethod.ENTERED, 0.05, None, {}, None, "")
    planar = ShuntEstimate(
        ShuntMethod.PLANAR_GM, 0.0724, (0.0698, 0.075), {"lungs": 7240.0, "liver": 92760.0}, 0.0724,
        "reads high: by 4.4 percentage points against SPECT/CT in the median",
    )  # fmt: skip
    ratio = TumourToNormal(
        tumour_to_normal=3.42,
        tumour_to_normal_corrected=4.71,
        interval=(4.2, 5.3),
        lesions=(
            LesionUptake(1, 57.0, 47.7, 3.9, 4.9, 0.75, quantifiable=True),
            LesionUptake(3, 3.1, 18.0, 1.6, None, None, quantifiable=False),
        ),
        normal_counts_per_ml=412.0,
        resolution_fwhm_mm=14.0,
        findings=(
            Finding("ratio-bias", Severity.WARNING, "The measured ratio is below the entered one.", ""),
        ),
    )
    return LungShunt(entered, 1000.0, "default", 2.49, (planar,)), ratio


def make_planned(
    *, patient_id: str = "NET-001", confirmed_by: str | None = None, grid: Grid | None = None
) -> PlannedCase[Any]:
    """The whole invented plan, without a DICOM source."""
    anatomy = make_anatomy(grid, confirmed_by=confirmed_by)
    burden = _burden(anatomy)
    shunt, ratio = _shunt()
    structures = (
        _dvh("tumour", burden.tumour_ml, 150.0),
        _dvh("normal liver", burden.liver_ml - burden.tumour_ml, 30.0),
        _dvh("lungs", 800.0, 5.0),
        *(
            _dvh(
                f"lesion {lesion.label}",
                lesion.volume_ml,
                140.0 + lesion.label,
                quantifiable=lesion.label < 3,
            )
            for lesion in burden.lesions
        ),
    )
    nz, ny, nx = anatomy.grid.shape
    plan = Plan(
        emboplan_version="0.1.0",
        catalogue_digest="ab" * 32,
        inputs=(
            InputDigest("case", "case.toml", 1, "0123456789abcdef" * 4),
            InputDigest("ct", "CT", 40, "fedcba9876543210" * 4),
        ),
        settings=Settings(
            kind="tare", protocol="captem-y90", intent="whole-liver", device="therasphere",
            models=("partition", "single"), k_gy_kg_per_gbq=49.8, treatment_time="2026-12-03T10:30:00-05:00",
            numbers=(
                UsedNumber("half_life", 64.1, "h", "ICRP 107", "confirmed"),
                UsedNumber("tumour_to_normal", 5.0, "1", "case file", "entered"),
                UsedNumber("lung_shunt_frac", 0.05, "1", "case file", "entered"),
                UsedNumber("lung_limit", 30.0, "Gy", "van Roekel, thesis, p. 30", "to-confirm"),
            ),
            software={"numpy": "2.4.6", "python": "3.11.7"},
            sources={"EANM22": "Eur J Nucl Med Mol Imaging, doi:10.1007/s00259-021-05600-z"},
        ),
        patient=Patient(patient_id, Sex.FEMALE, 58, 168.0, 64.0),
        anatomy=AnatomySummary((nx, ny, nz), anatomy.grid.spacing_mm, "builtin", confirmed_by, False, None),
        burden=burden,
        eligibility=_eligibility(),
        shunt=shunt,
        tumour_to_normal=ratio,
        activity=_activity(),
        dose=DoseSummary("local deposition", (8.0, 8.0, 8.0), 14.0, 2.31, 0.031, structures),
        loading=None,
        schedule=None,
        findings=(
            Finding("burden-borderline", Severity.WARNING, "The burden is close to a limit.", "EANM 2022"),
            Finding("no-net-threshold", Severity.INFO, "No EANM value for this tumour.", "EANM 2022"),
        ),
        provisional=anatomy.review.provisional,
        checks=(Check("energy-balance", "Absorbed energy against emitted", 1.00003, 1.0, passed=True),),
    )  # fmt: skip
    return PlannedCase(plan=plan, anatomy=anatomy, dose=make_dose(anatomy))


@pytest.fixture(scope="session")
def planned() -> PlannedCase[Any]:
    """The invented plan with every part filled."""
    return make_planned()


@pytest.fixture(scope="session")
def pictures(planned: PlannedCase[Any]) -> tuple[Picture, ...]:
    """The pictures of the invented plan, drawn once."""
    return draw_figures(planned)


@pytest.fixture(scope="session")
def make() -> MakePlanned:
    """A maker of invented plans with other names or grids."""
    return make_planned


@pytest.fixture(scope="session")
def bare(planned: PlannedCase[Any]) -> PlannedCase[Any]:
    """The same patient with images only: no protocol, shunt, activity or dose."""
    settings = replace(planned.plan.settings, numbers=(), models=(), protocol=None, device=None)
    plan = replace(
        planned.plan, eligibility=None, shunt=None, tumour_to_normal=None, activity=None, dose=None,
        checks=(), settings=settings,
    )  # fmt: skip
    return replace(planned, plan=plan, dose=None)


@pytest.fixture(scope="session")
def make_rich(planned: PlannedCase[Any]) -> MakeRich:
    """A maker of the same patient's plans with everything that activity planning computes."""

    def make_one(territories: int = 2, **options: Any) -> Plan:
        return enrich(planned.plan, activity_plan(TERRITORIES[:territories], **options))

    return make_one


@pytest.fixture(scope="session")
def rich(make_rich: MakeRich) -> Plan:
    """Two territories, a vial for each, every part filled."""
    return make_rich()
