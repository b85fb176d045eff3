"""A slip of a unit is refused, an unusual patient is not."""

from __future__ import annotations

import pytest

from emboplan.catalog.load import load
from emboplan.workflow.cases.caseschema import CaseTable
from emboplan.workflow.cases.unit_slips import unit_slips


def slips(**tables: object) -> list[str]:
    content = {"patient": {"id": "x"}, "procedure": {"device": "therasphere"}, **tables}
    return list(unit_slips(CaseTable.model_validate(content), load()))


def territory(activity: str) -> list[dict[str, str]]:
    return [{"name": "right lobe", "volume": "1100 mL", "administered": activity}]


@pytest.mark.parametrize(
    "tables",
    [
        {"volumes": {"liver": "300 mL"}},  # an infant
        {"volumes": {"liver": "14 L"}},  # a polycystic liver
        {"limits": {"lung_mass": "150 g"}},
        {"limits": {"lung_mass": "1.8 kg"}},
        {"limits": {"lung_mass": "ct"}},
        {"patient": {"id": "x", "weight": "9 kg", "height": "70 cm"}},
        {"patient": {"id": "x", "weight": "350 kg", "height": "2.3 m"}},
        {"patient": {"id": "x", "weight": "29 kg", "height": "172 cm"}},
        {"patient": {"id": "x", "weight": "250 kg", "height": "160 cm"}},
        {"patient": {"id": "x", "weight": "3 kg", "height": "49 cm"}},
        {"procedure": {"device": "therasphere", "k_gy_kg_per_gbq": 50}},
        {"procedure": {"device": "quiremspheres", "k_gy_kg_per_gbq": 16}},
        {"territory": territory("0.1 GBq")},
        {"territory": territory("20 GBq")},
        {"territory": territory("57 mCi")},
    ],
)
def test_an_unusual_patient_is_no_slip(tables: dict[str, object]) -> None:
    assert slips(**tables) == []


@pytest.mark.parametrize(
    ("tables", "where"),
    [
        ({"volumes": {"liver": "1.8 mL"}}, "volumes.liver"),
        ({"volumes": {"liver": "1800 L"}}, "volumes.liver"),
        ({"limits": {"lung_mass": "1 g"}}, "limits.lung_mass"),
        ({"limits": {"lung_mass": "1000 kg"}}, "limits.lung_mass"),
        ({"patient": {"id": "x", "weight": "64 g"}}, "patient.weight"),
        ({"patient": {"id": "x", "height": "1.68 cm"}}, "patient.height"),
        ({"patient": {"id": "x", "height": "1680 cm", "weight": "64 kg"}}, "patient.height"),
        ({"patient": {"id": "x", "height": "16.8 cm", "weight": "64 kg"}}, "patient.height"),
        ({"patient": {"id": "x", "height": "168 cm", "weight": "640 kg"}}, "patient.weight"),
        ({"procedure": {"liver_density_g_per_ml": 1030}}, "procedure.liver_density_g_per_ml"),
        ({"procedure": {"device": "therasphere", "k_gy_kg_per_gbq": 49800}}, "procedure.k_gy_kg_per_gbq"),
        ({"territory": territory("2.5 MBq")}, "territory[0].administered"),
        ({"territory": territory("57 Ci")}, "territory[0].administered"),
        ({"vial": {"size": "3 MBq"}}, "vial.size"),
        ({"vial": {"size": "3000 GBq"}}, "vial.size"),
    ],
)
def test_a_slip_of_digits_is_one_line(tables: dict[str, object], where: str) -> None:
    (line,) = slips(**tables)
    assert line.startswith(f"{where}: found ")
    assert line.endswith("check the unit")


def test_the_residual_counts_against_the_largest_vial() -> None:
    """19.9 GBq with 2 % left behind need 20.3 GBq."""
    assert slips(territory=territory("19.9 GBq")) == []
    assert len(slips(territory=territory("19.9 GBq"), vial={"residual_frac": 0.02})) == 1


def test_an_activity_above_the_vial_asked_for_is_told() -> None:
    (line,) = slips(territory=territory("5 GBq"), vial={"size": "3 GBq"})
    assert line == "territory[0].administered: found 5 GBq, which the vial of 3 GBq does not hold"


@pytest.mark.parametrize(
    ("height", "weight", "ask"),
    [
        ("64 cm", "168 kg", "are the two swapped?"),
        ("168 cm", "6.4 kg", "check both"),
        ("100 cm", "300 kg", "check both"),
    ],
)
def test_height_and_weight_belong_to_one_body(height: str, weight: str, ask: str) -> None:
    """64 cm and 168 kg make 410 kg/m2, 168 cm and 6.4 kg make 2.3, 100 cm and 300 kg make 300."""
    (line,) = slips(patient={"id": "x", "height": height, "weight": weight})
    assert line.startswith("patient: found a height of ")
    assert line.endswith(ask)
