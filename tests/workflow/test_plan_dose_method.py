"""The voxel dose of a plan by other methods than local deposition, and the accuracy of its images."""

import math

import pytest
from tests.workflow.cases import BoxStudy, case_text

import emboplan as ep
from emboplan.model.plan import Plan

K = 49.8


def planned(boxes: BoxStudy, method: str, rest: str = "") -> Plan:
    procedure = f'device = "therasphere"\nk_gy_kg_per_gbq = {K}\ndose_method = "{method}"'
    text = case_text(
        images='maa = "spect.dcm"', procedure=procedure, territory="lung_shunt_frac = 0.1", rest=rest
    )
    return ep.plan(boxes.case(text, f"{method}.toml")).plan


@pytest.mark.parametrize("method", ["voxel-s", "voxel-s-density", "auto"])
def test_energy_of_the_map_is_that_of_the_activity(boxes: BoxStudy, method: str) -> None:
    """In the liver and around it; what a kernel spreads leaves the liver's box by its faces alone.

    A box of 10 cm with a uniform source loses mean chord over 4 times the mean range: some per cent.
    """
    plan = planned(boxes, method)
    assert plan.dose is not None
    local = planned(boxes, "local").dose
    assert local is not None
    means, exact = ({s.name: s.mean_gy for s in one.structures} for one in (plan.dose, local))
    # The CT has 110 HU in the liver: the capped density of 1.06 g/mL, against 1.03 of local deposition.
    assert 0.90 < means["liver"] / exact["liver"] < 1.0
    assert 0.85 < means["tumour 1"] / exact["tumour 1"] < 1.0
    assert plan.dose.method == method
    (check,) = [c for c in plan.checks if c.id == "activity-conserved"]
    assert check.passed
    assert plan.dose.image_accuracy == ()


def test_auto_states_its_shares_and_the_error_is_met(boxes: BoxStudy) -> None:
    dose = planned(boxes, "auto").dose
    assert dose is not None
    assert dose.convolved_frac + dose.transported_frac == pytest.approx(1.0)
    assert dose.transported_frac >= 0.1  # what is in the lungs
    assert (dose.relative_error, dose.reached) == (0.01, True)
    assert dose.histories > 0
    for one in dose.structures:
        if one.name in ("normal liver", "tumour 1", "tumour 2"):
            assert one.mean_gy_standard_error <= 0.01 * one.mean_gy


def test_registration_gives_each_structure_its_uncertainty(boxes: BoxStudy) -> None:
    """The smaller lesion suffers more from an offset; the shunt's part is that of proportion."""
    rest = '[uncertainty]\nsource = "site"\nregistration_mm = 4\nlung_shunt_frac = 0.02'
    dose = planned(boxes, "local", rest).dose
    assert dose is not None
    rows = {row.name: row for row in dose.image_accuracy}
    assert set(rows) == {"normal liver", "tumour 1", "tumour 2", "lungs"}
    large, small = (rows[f"tumour {n}"].registration_relative_sd for n in (1, 2))
    assert large is not None
    assert small is not None
    assert 0 < large < small < 1
    assert rows["lungs"].shunt_relative_sd == pytest.approx(0.02 / 0.1)
    assert rows["tumour 1"].shunt_relative_sd == pytest.approx(0.02 / 0.9)
    assert rows["tumour 1"].resolution_relative_sd is None
    for row in rows.values():
        parts = [row.registration_relative_sd or 0.0, row.shunt_relative_sd or 0.0]
        assert row.relative_sd == pytest.approx(math.hypot(*parts))
