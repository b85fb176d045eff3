"""The entries for vials and the day of treatment, as the sources print them."""

import pytest

from emboplan import catalog


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("administration.receipt.tolerance", 0.10, "to-confirm"),
        ("administration.delivered.tolerance", 0.20, "to-confirm"),
        ("administration.accuracy.administered", 0.10, "confirmed"),
        ("administration.image_total.tolerance", 0.10, "to-confirm"),
        ("microspheres.therasphere.calibration_weekday", "Sunday", "to-confirm"),
        ("microspheres.therasphere.calibration_clock", "12:00", "to-confirm"),
        ("microspheres.therasphere.calibration_zone", "America/New_York", "to-confirm"),
        ("microspheres.therasphere.mean_diameter", 25.0, "to-confirm"),
        ("microspheres.sir-spheres.spheres_per_vial_range", (40e6, 80e6), "confirmed"),
        ("microspheres.sir-spheres.spheres_implanted", (30e6, 60e6), "confirmed"),
        ("microspheres.quiremspheres.spheres_per_vial_range", (10e6, 30e6), "confirmed"),
        ("microspheres.quiremspheres.calibration_time", "no figure", "unverified"),
    ],
)
def test_entries_are_as_printed(name: str, value: object, status: str) -> None:
    entry = catalog.load().entry(name)
    assert (value, status) == (entry.value, entry.status)


def test_the_directive_lists_are_to_be_confirmed() -> None:
    for name in ("microsphere_items", "implant_before", "implant_after"):
        assert catalog.load().entry(f"administration.directive.{name}").status == "to-confirm"
