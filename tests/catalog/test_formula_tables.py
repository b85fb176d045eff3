"""Spot checks of the tables of models, radiobiology and liver function: first, last and odd rows."""

import pytest

from emboplan import catalog

PRINTED = {
    "models.body_surface.dubois.coefficient": (0.20247, "m2", "confirmed"),
    "models.body_surface.dubois.weight_exponent": (0.425, "1", "confirmed"),
    "models.body_surface.mosteller.divisor": (3600.0, "cm kg/m4", "confirmed"),
    "models.bsa_activity.offset": (0.2, "m2", "to-confirm"),
    "models.shunt_advice.withhold_from": (0.15, "1", "confirmed"),
    "radiobiology.parameters.tumour.alpha_beta": (10.0, "Gy", "confirmed"),
    "radiobiology.parameters.tumour.alpha": (0.036, "1/Gy", "confirmed"),
    "radiobiology.parameters.lung.alpha": (0.03, "1/Gy", "confirmed"),
    "radiobiology.alternatives.alpha_beta.liver-mgh": (2.75, "Gy", "confirmed"),
    "radiobiology.alternatives.alpha_beta.lung-tumour": (12.4, "Gy", "unverified"),
    "radiobiology.tumour_control.glass.bed50": (441.0, "Gy", "confirmed"),
    "radiobiology.liver_complication.td50": (52.0, "Gy", "unverified"),
    "liver_function.albi.bilirubin_factor": (0.66, "1", "confirmed"),
    "liver_function.albi.grade_edges": ((-2.60, -1.39), "1", "confirmed"),
    "liver_function.child_pugh.albumin_g_per_dl": ((2.8, 3.5), "g/dL", "to-confirm"),
    "liver_function.child_pugh.inr": ((1.7, 2.3), "1", "to-confirm"),
    "liver_function.total_liver_volume.vauthey.intercept": (-794.41, "mL", "to-confirm"),
    "liver_function.total_liver_volume.urata.slope": (706.2, "mL/m2", "to-confirm"),
}


@pytest.mark.parametrize("name", PRINTED)
def test_spot_check(name: str) -> None:
    entry = catalog.load().entry(name)
    assert PRINTED[name] == (entry.value, entry.unit, entry.status)
