"""Vials as values: refusals at construction, and JSON with units in the keys."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from emboplan.errors import ModelRangeError
from emboplan.model.results.vials import Vial, VialOnDay

NOON = datetime(2026, 11, 29, 12, tzinfo=timezone(timedelta(hours=-5)))
NAIVE = datetime(2026, 11, 29, 12)  # noqa: DTZ001  the case tried


def test_json_of_a_cell() -> None:
    vial = Vial("therasphere", 3.0, NOON, NOON + timedelta(days=12))
    cell = VialOnDay(vial, NOON, 0.0, 3.0, 0.1, 2.7, None, 1.2e6, 2500.0, 0.0098, usable=True)
    json = cell.to_json()
    assert set(json) == {
        "vial", "treatment_time", "hours_after_calibration", "activity_at_treatment_gbq", "residual_frac",
        "administered_gbq", "share_of_vial_frac", "spheres", "activity_per_sphere_bq", "sphere_volume_ml",
        "usable", "reason",
    }  # fmt: skip
    assert json["treatment_time"] == "2026-11-29T12:00:00-05:00"
    assert (json["vial"]["label_gbq"], json["vial"]["kind"], json["vial"]["status"]) == (
        3.0, "standard", "confirmed",
    )  # fmt: skip
    assert cell.prepared_gbq == 3.0


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ModelRangeError, match="calibration_time 2026-11-29T12:00:00 has no time zone"):
        Vial("therasphere", 3.0, NAIVE)
    with pytest.raises(ModelRangeError, match="expires_at"):
        Vial("therasphere", 3.0, NOON, NAIVE)


@pytest.mark.parametrize("label", [0.0, -1.0, float("nan"), float("inf")])
def test_a_label_must_be_an_activity(label: float) -> None:
    with pytest.raises(ModelRangeError, match="label_gbq"):
        Vial("therasphere", label, datetime(2026, 1, 1, tzinfo=UTC))
