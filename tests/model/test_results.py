"""The JSON of results has the documented keys."""

from emboplan.model.results.activity import Doses, LimitCheck, ModelResult, Quantity
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.model.results.burden import Burden
from emboplan.model.results.shunt import LungShunt, ShuntEstimate, ShuntMethod


def _shunt() -> LungShunt:
    estimate = ShuntEstimate(
        method=ShuntMethod.PLANAR_GM,
        lung_shunt_frac=0.05,
        interval=(0.04, 0.06),
        counts={"lung_anterior": 10.0},
        uncorrected_frac=0.05,
        known_bias="reads high",
    )
    return LungShunt(estimate, lung_mass_g=1000.0, lung_mass_source="default", lung_dose_per_gbq_gy=2.49)


def test_shunt_json_is_flat() -> None:
    json = _shunt().to_json()
    expected = {
        "method", "lung_shunt_frac", "interval", "counts", "uncorrected_frac", "known_bias", "lung_mass_g",
        "lung_mass_source", "lung_dose_per_gbq_gy", "other_methods", "scales", "findings",
    }  # fmt: skip
    assert expected == set(json)
    assert json["method"] == "planar-gm"


def test_activity_json_names_the_unit_of_a_limit() -> None:
    gray = LimitCheck("lung_session", Quantity.LUNG, 5.7, 30.0, "Gy", exceeded=False)
    share = LimitCheck("sir_spheres_lung_shunt", Quantity.LUNG_SHUNT, 0.05, 0.2, "1", exceeded=False)
    doses = Doses(tumour=205.0, perfused_normal=41.0, whole_normal=28.0, lung=5.7, lesions={"1": 210.0})
    result = ModelResult("partition", "right lobe", 2.31, doses, (gray, share))
    plan = ActivityPlan((result,), chosen=result, binding="goal", k_gy_kg_per_gbq=49.8)
    json = plan.to_json()
    limits = json["models"][0]["limits"]
    assert (limits[0]["value_gy"], limits[0]["limit_gy"], limits[0]["probability"]) == (5.7, 30.0, None)
    assert (limits[1]["value_frac"], limits[1]["limit_frac"]) == (0.05, 0.2)
    assert json["models"][0]["doses_gy"]["lesions"] == {"1": 210.0}
    assert {
        "models",
        "chosen",
        "binding",
        "price",
        "vials",
        "second_check",
        "k_gy_kg_per_gbq",
        "findings",
    } <= set(json)


def test_doses_scale_together() -> None:
    doses = Doses(tumour=100.0, lung=2.0, lesions={"1": 120.0}).scaled(2.0)
    assert (
        doses.tumour, doses.perfused_normal, doses.lung, dict(doses.lesions),
    ) == (200.0, None, 4.0, {"1": 240.0})  # fmt: skip


def _burden(largest_mm: float | None) -> Burden:
    return Burden(
        liver_ml=1500.0,
        liver_ml_interval=(1480.0, 1520.0),
        tumour_ml=30.0,
        tumour_ml_interval=(28.0, 32.0),
        viable_tumour_ml=None,
        burden_pct=2.0,
        burden_pct_interval=(1.9, 2.1),
        largest_lesion_mm=largest_mm,
        lesions=(),
        lung_ml=None,
        lung_mass_g=None,
        confirmed_by=None,
        backend="given",
    )


def test_without_a_lesion_its_size_stays_unknown() -> None:
    assert "largest_liver_lesion_mm" not in _burden(None).facts()
    assert _burden(21.0).facts()["largest_liver_lesion_mm"] == 21.0


def test_burden_is_provisional_until_a_reader_is_named() -> None:
    assert _burden(None).provisional
