"""What holds for every plan of an embolization, whatever the product, drug, dose, bilirubin and territories.

The sessions are planned from volumes without images, so that many plans are tried.
"""

import math
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from emboplan.catalog import load
from emboplan.catalog.embolics import bead_names, find_bead
from emboplan.errors import InputError
from emboplan.model.case import Case, Patient, Procedure, ProcedureKind
from emboplan.model.loading_request import AskedDose, LoadingRequest
from emboplan.model.patient import PatientFacts
from emboplan.model.results.embolization import EmbolizationPlan
from emboplan.workflow.embolizing.ask import Person, Technique
from emboplan.workflow.embolizing.balances import balances
from emboplan.workflow.embolizing.bland import BLAND
from emboplan.workflow.embolizing.ctace import CTACE
from emboplan.workflow.embolizing.deb import DEB
from emboplan.workflow.embolizing.parts import Part, shares_of
from emboplan.workflow.embolizing.sessions import Situation, plan_sessions

BOOK = load()
PAIRS = [(bead, drug) for bead in bead_names(BOOK) for drug in find_bead(BOOK, bead)[0].drugs]
LIVER_ML = 1500.0
doses = st.decimals(1, 400, places=1).map(float)
bilirubins = st.one_of(st.none(), st.decimals("0.1", 6, places=1).map(float))
volumes = st.lists(
    st.tuples(st.decimals(50, 400, places=1).map(float), st.decimals(0, 45, places=1).map(float)),
    min_size=1,
    max_size=3,
)


def parts(sizes: list[tuple[float, float]], *, together: bool) -> tuple[Part, ...]:
    return tuple(
        Part(f"territory {number}", 1 if together else number, perfused, tumour)
        for number, (perfused, tumour) in enumerate(sizes, start=1)
    )


def planned(
    technique: Technique,
    kind: ProcedureKind,
    request: LoadingRequest,
    treated: tuple[Part, ...],
    *,
    bilirubin: float | None = None,
    surface: float | None = 1.8,
) -> EmbolizationPlan:
    case = Case(
        source=Path("none"),
        patient=Patient("NET-001", age_years=50),
        images=None,
        procedure=Procedure(kind=kind),
        loading=request,
    )
    found = Situation(
        parts=treated,
        liver_ml=LIVER_ML,
        tumour_ml=math.fsum(part.tumour_ml for part in treated),
        person=Person(body_surface_m2=surface, age_years=50, bilirubin_mg_per_dl=bilirubin),
        facts=PatientFacts(),
    )
    return plan_sessions(case, technique, found, BOOK)[0]


@given(
    pair=st.sampled_from(PAIRS),
    dose=doses,
    bilirubin=bilirubins,
    sizes=volumes,
    together=st.booleans(),
    efficiency=st.decimals("0.1", 1, places=2).map(float),
    vials=st.integers(1, 3),
)
@settings(max_examples=60, deadline=None)
def test_beads_balance_or_are_refused(
    pair: tuple[str, str],
    dose: float,
    bilirubin: float | None,
    sizes: list[tuple[float, float]],
    together: bool,
    efficiency: float,
    vials: int,
) -> None:
    """Loaded and left over are what was added, parts are the whole, and no session is over its limits."""
    product, drug = pair
    request = LoadingRequest(
        product=product,
        drug=drug,
        drug_dose=AskedDose(dose),
        loading_efficiency_frac=efficiency,
        vials=vials,
        beads_ml=2.0 * vials,
    )
    try:
        plan = planned(
            DEB,
            ProcedureKind.DEB_TACE,
            request,
            parts(sizes, together=together),
            bilirubin=bilirubin,
        )
    except InputError:
        return
    assert all(check.passed for check in balances(plan))
    assert plan.drug_mg is not None
    assert plan.loaded_mg is not None
    assert plan.supernatant_mg is not None
    assert math.isclose(plan.loaded_mg + plan.supernatant_mg, plan.drug_mg, rel_tol=1e-12)
    assert math.isclose(plan.drug_mg, dose * len(plan.sessions), rel_tol=1e-12)
    for session in plan.sessions:
        loading = session.loading
        assert loading is not None
        for figure in session.figures:
            if figure.name.endswith(("session_dose", f"drugs.{drug}.session_dose")):
                assert loading.drug_mg <= figure.number
            if figure.name.endswith("session.vials"):
                assert (loading.vials or 0) <= figure.number
        assert math.isclose(math.fsum(p.share_frac for p in session.territories), 1.0)
        assert all(figure.status != "unverified" for figure in session.figures)
    if plan.anthracycline is not None:
        assert plan.anthracycline.total_mg_per_m2 <= plan.anthracycline.limit_mg_per_m2


@given(
    drug=st.sampled_from(["doxorubicin", "epirubicin", "cisplatin", "mitomycin", "gemcitabine"]),
    dose=doses,
    bilirubin=bilirubins,
    sizes=volumes,
    together=st.booleans(),
    oil=st.decimals(1, 20, places=1).map(float),
    water=st.decimals(1, 20, places=1).map(float),
    rule=st.sampled_from([None, "us-label", "eu-smpc"]),
)
@settings(max_examples=60, deadline=None)
def test_emulsions_balance_and_shrink_with_bilirubin(
    drug: str,
    dose: float,
    bilirubin: float | None,
    sizes: list[tuple[float, float]],
    together: bool,
    oil: float,
    water: float,
    rule: str | None,
) -> None:
    """Volumes add up, oil keeps its label, and a dose is never more than was asked for."""
    request = LoadingRequest(
        drug=drug, drug_dose=AskedDose(dose), oil_ml=oil, aqueous_ml=water, dose_reduction=rule
    )
    try:
        plan = planned(
            CTACE, ProcedureKind.CTACE, request, parts(sizes, together=together), bilirubin=bilirubin
        )
    except InputError:
        assume(oil > 15 or (bilirubin or 0) > 5 or dose * len(sizes) / 1.8 > 100)
        return
    assert all(check.passed for check in balances(plan))
    for session in plan.sessions:
        mixed = session.emulsion
        assert mixed is not None
        assert mixed.oil_ml <= 15
        assert math.isclose(mixed.oil_ml + mixed.aqueous_ml, mixed.emulsion_ml, rel_tol=1e-12)
        assert math.isclose(mixed.aqueous_mg_per_ml * mixed.aqueous_ml, mixed.drug_mg, rel_tol=1e-12)
        assert session.drug_mg is not None
        assert session.drug_mg <= dose
        assert math.isclose(
            math.fsum(part.emulsion_ml for part in mixed.territories), mixed.emulsion_ml, rel_tol=1e-12
        )
        if bilirubin is None or bilirubin < 1.2 or drug != "doxorubicin":
            assert session.drug_mg == dose
        elif bilirubin > 3:
            assert session.drug_mg == pytest.approx(dose / 4)


@given(sizes=volumes, together=st.booleans(), shunt=st.sampled_from(["none", "unknown", "present"]))
@settings(max_examples=20, deadline=None)
def test_bland_sessions_treat_the_whole_burden(
    sizes: list[tuple[float, float]], together: bool, shunt: str
) -> None:
    request = LoadingRequest(product="Bearing", target_um=(45.0, 500.0), shunt=shunt)
    plan = planned(BLAND, ProcedureKind.BLAND, request, parts(sizes, together=together))
    assert len(plan.sessions) == (1 if together else len(sizes))
    to_date = [session.burden_to_date_frac for session in plan.sessions]
    assert to_date == sorted(to_date)
    assert plan.untreated_tumour_ml == 0.0
    if plan.tumour_ml > 0:
        assert to_date[-1] == pytest.approx(1.0)
    assert plan.drug_mg is None


@given(sizes=volumes)
def test_shares_make_one_exactly(sizes: list[tuple[float, float]]) -> None:
    shares = shares_of(parts(sizes, together=True))
    assert sum(shares.values(), Fraction(0)) == 1
    assert all(share > 0 for share in shares.values())
