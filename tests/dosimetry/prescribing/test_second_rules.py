"""The second calculation of the resin rules against the first, and against sums by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan import catalog
from emboplan.dosimetry.models.body_surface import bsa_activity
from emboplan.dosimetry.models.empiric import empiric_activity, shunt_reduction_factor
from emboplan.dosimetry.prescribing.second_rules import rule_activity_gbq
from emboplan.errors import ModelRangeError
from emboplan.model.case import ActivityModel, Patient
from emboplan.model.results.activity import Doses
from emboplan.model.second_check_input import CheckedRule, CheckedTerritory
from emboplan.workflow.planning.rule_models import LiverVolumes, printed_rule


def territory(normal_ml: float, tumour_ml: float, shunt: float) -> CheckedTerritory:
    return CheckedTerritory(
        territory="right",
        normal_ml=normal_ml,
        lesions_ml={1: tumour_ml},
        tumour_to_normal={1: 3.0},
        normal_density_g_per_ml=1.03,
        tumour_density_g_per_ml=1.03,
        lung_shunt_frac=shunt,
        half_life_h=64.1,
        mean_energy_mev=0.933,
        k_gy_kg_per_gbq=49.8,
        administered_gbq=1.0,
        doses=Doses(),
    )


def rule(model: ActivityModel, liver_ml: float, tumour_ml: float, formula: str = "dubois") -> CheckedRule:
    patient = Patient(id="A", height_cm=170.0, weight_kg=70.0)
    return printed_rule(model, patient, LiverVolumes(liver_ml, tumour_ml), formula, catalog.load())


@given(
    normal=st.floats(100, 1500),
    tumour=st.floats(1, 500),
    rest=st.floats(0, 800),
    shunt=st.floats(0, 0.3),
    formula=st.sampled_from(["dubois", "mosteller"]),
)
def test_body_surface_agrees(normal: float, tumour: float, rest: float, shunt: float, formula: str) -> None:
    """Whole liver or lobe, either formula of the surface, any shunt."""
    liver = normal + tumour + rest
    first = bsa_activity(
        height_cm=170.0,
        weight_kg=70.0,
        tumour_volume_ml=tumour,
        liver_volume_ml=liver,
        lobe_volume_ml=normal + tumour,
        lobe_tumour_volume_ml=tumour,
        formula=formula,
    )
    second = rule_activity_gbq(
        territory(normal, tumour, shunt), rule(ActivityModel.BSA, liver, tumour, formula)
    )
    assert second == pytest.approx(float(first) * float(shunt_reduction_factor(shunt)), rel=1e-12)


@given(share=st.floats(0, 1), shunt=st.floats(0, 0.3))
def test_the_table_agrees(share: float, shunt: float) -> None:
    first = empiric_activity(involvement_frac=share, lung_shunt_frac=shunt).administered_gbq
    second = rule_activity_gbq(
        territory(100.0, 10.0, shunt), rule(ActivityModel.EMPIRIC, 1000.0, 1000.0 * share)
    )
    assert second == first


@pytest.mark.parametrize(
    ("share", "shunt", "gbq"),
    [(0.1, 0.0, 2.0), (0.25, 0.1, 2.5), (0.5, 0.11, 2.0), (0.51, 0.16, 1.8), (0.6, 0.21, 0.0)],
)
def test_the_table_by_hand(share: float, shunt: float, gbq: float) -> None:
    """2.0, 2.5 and 3.0 GBq; 0.8 above 10 %, 0.6 above 15 %, nothing above 20 %."""
    found = rule_activity_gbq(
        territory(100.0, 10.0, shunt), rule(ActivityModel.EMPIRIC, 1000.0, 1000.0 * share)
    )
    assert found == pytest.approx(gbq, rel=1e-12)


def test_a_table_that_does_not_fit_its_steps_is_refused() -> None:
    right = rule(ActivityModel.EMPIRIC, 1000.0, 100.0)
    with pytest.raises(ModelRangeError, match="2 steps, 2 values"):
        replace(right, table_gbq=(2.0, 2.5))
    with pytest.raises(ModelRangeError, match="liver_ml"):
        replace(right, liver_ml=0.0)
