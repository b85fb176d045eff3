"""What a scripter types after `import emboplan as ep`."""

import json
import subprocess
import sys

import numpy as np
import pytest
from tests.workflow import cases

import emboplan as ep
from emboplan.errors import CaseFileError, InputError


@pytest.mark.parametrize("name", ep.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(ep, name) is not None
    assert name in dir(ep)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(AttributeError, match=r"no public name 'bordeaux'; public: .*burden, .*plan"):
        _ = ep.bordeaux


def test_submodules_do_not_hide_functions() -> None:
    """A room that bears the name of a function would take its place once it is imported."""
    code = (
        "import emboplan as ep, pkgutil, importlib\n"
        "for module in pkgutil.walk_packages(ep.__path__, 'emboplan.'):\n"
        "    importlib.import_module(module.name)\n"
        "names = [n for n in ep.__all__ if n[0].islower() and n != 'catalog']\n"
        "wrong = [n for n in names if not callable(getattr(ep, n))]\n"
        "print(wrong)"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"


def test_importing_loads_nothing_heavy() -> None:
    code = "import emboplan, sys; print([n for n in ('numpy', 'pydicom', 'SimpleITK') if n in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def grid() -> ep.Grid:
    return ep.Grid(shape=(4, 5, 6), spacing_mm=(2, 2, 2.5), origin_mm=(0, 0, 0))


def test_arrays_go_in_and_come_out() -> None:
    """120 voxels of 0.01 mL at 2 MBq/mL are 2.4 MBq."""
    values = np.full((4, 5, 6), 2.0)
    activity = ep.ActivityMap(grid=grid(), mbq_per_ml=values)
    assert activity.total_mbq == pytest.approx(2.4)
    values[:] = 0.0
    assert activity.total_mbq == pytest.approx(2.4)  # a copy: what a script does later changes nothing


def test_a_histogram_of_arrays() -> None:
    """Half the voxels at 30 Gy, half at 90 Gy."""
    dose = np.full((4, 5, 6), 30.0)
    dose[2:] = 90.0
    mask = ep.Mask(grid(), np.ones((4, 5, 6), dtype=bool))
    found = ep.dvh(ep.DoseMap(grid(), dose, "given"), mask).to_json()
    assert (found["mean_gy"], found["v50_frac"], found["volume_ml"]) == (60.0, 0.5, 1.2)


def test_the_formulas_take_numbers_and_arrays() -> None:
    """EANM 2022: 1 GBq in 1 kg is K gray; a ratio of 5 in 100 g of 1 kg; 64.1 h halve Y-90."""
    k = ep.catalog.load().nuclide("Y-90").k_gy_kg_per_gbq
    assert ep.single_compartment(mass_g=1000.0, administered_gbq=1.0).dose_gy == pytest.approx(k)
    found = ep.partition(
        tumour_mass_g=100.0, normal_mass_g=900.0, tumour_to_normal=np.array([1.0, 5.0]), normal_gy=20.0
    )
    assert found.administered_gbq == pytest.approx(np.array([20 * 1.0, 20 * 1.4]) / k)
    assert ep.lung_dose(administered_gbq=2.0, lung_shunt_frac=0.1) == pytest.approx(0.2 * k)
    assert ep.decay([3.0, 4.0], [64.1, 0.0]).tolist() == pytest.approx([1.5, 4.0])


def test_segment_with_masks_and_burden() -> None:
    """Lesions as one mask are numbered by their parts."""
    ct = ep.CtImage(cases.GRID, cases.ct_numbers())
    anatomy = ep.segment(ct, liver=cases.box(cases.LIVER), lesions=cases.box(*cases.LESIONS))
    assert anatomy.lesions.numbers == (1, 2)
    burden = ep.burden(anatomy)
    assert burden.burden_pct == pytest.approx(9.1)
    assert burden.to_json()["confirmed_by"] is None
    with pytest.raises(InputError, match="reader is blank"):
        ep.segment(ct, liver=cases.box(cases.LIVER), confirmed_by="")


def test_check_takes_a_plain_dict() -> None:
    """RETNET fails an ECOG of 4 whatever else is not known."""
    result = ep.check({"ecog": 4, "bilirubin": "0.8 mg/dL", "liver_tumor_burden_pct": 12.5}, "retnet")
    assert result.verdict == "ineligible"
    assert result.failed == ("RET-I08",)
    assert json.loads(json.dumps(result.to_json()))["failed"] == ["RET-I08"]


def test_a_float_is_read_as_it_is_typed() -> None:
    """70.0 is at most 70; 70.1 is not: no binary rest of a float decides."""
    facts = {"liver_tumor_burden_pct": 70.0}
    assert "RET-I04b" not in ep.check(facts, "retnet").failed
    assert "RET-I04b" in ep.check({"liver_tumor_burden_pct": 70.1}, "retnet").failed


def test_check_all_is_keyed_by_protocol() -> None:
    results = ep.check_all({"ecog": 4})
    assert {result.protocol for result in results.values()} == set(results)
    assert len(results) == len(ep.catalog.load().protocol_names())


def test_check_tells_all_mistakes() -> None:
    with pytest.raises(CaseFileError) as caught:
        ep.check({"ecogg": 1, "bilirubin": 3}, "retnet")
    assert len(caught.value.problems) == 2
    with pytest.raises(InputError, match='no protocol "nope"; known: captem-y90, '):
        ep.check({}, "nope")


def test_a_plan_becomes_json(tmp_path_factory: pytest.TempPathFactory) -> None:
    study = cases.write_study(tmp_path_factory.mktemp("boxes"))
    planned = ep.plan(study.case(cases.case_text()))
    assert planned.to_json() == planned.plan.to_json()
    assert json.loads(json.dumps(planned.to_json()))["activity"]["chosen"]["doses_gy"]["tumour"] == 120.0


def test_an_unknown_phantom() -> None:
    with pytest.raises(InputError, match="no phantom 'nobody'"):
        ep.phantom("nobody", seed=1)
