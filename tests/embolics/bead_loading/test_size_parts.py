"""Vials by size: their volumes and drug add up to the session's."""

import pytest

from emboplan.catalog import load
from emboplan.embolics.acknowledgement import require_known, to_acknowledge
from emboplan.embolics.bead_loading.beads import BeadRequest, load_session
from emboplan.embolics.bead_loading.size_parts import open_sizes, size_parts
from emboplan.embolics.emulsions.dosing import drug_dose
from emboplan.embolics.figures import emulsion_figures, particle_figures, suspension_figures
from emboplan.embolics.particles import particles
from emboplan.errors import InputError, ModelRangeError
from emboplan.model.finding import Finding, Severity
from emboplan.model.results.loading import Loading


def two_sizes(dose: float = 150) -> Loading:
    request = BeadRequest("DC Bead", "doxorubicin", dose, sizes=["100-300", "300-500"], vials=2)
    return load_session(request, load())


def test_one_size_takes_all() -> None:
    loading = load_session(BeadRequest("DC Bead 100-300", "doxorubicin", 75), load())
    (part,) = size_parts(loading, {})
    assert (part.size, part.vials, part.beads_ml, part.drug_mg) == ("100-300", 1, 2.0, 75.0)


def test_two_sizes_are_divided_by_vials() -> None:
    parts = size_parts(two_sizes(), {"100-300": 1, "300-500": 1})
    assert [part.drug_mg for part in parts] == [75.0, 75.0]


def test_two_sizes_without_vials_are_open() -> None:
    loading = two_sizes()
    assert size_parts(loading, {}) == ()
    (found,) = open_sizes(loading, ())
    assert found.id == "open-vials-of-sizes"


@pytest.mark.parametrize(
    ("vials", "message"),
    [
        ({"100-300": 2, "300-500": 1}, "3 vials by size are not the 2 vials"),
        ({"100-300": 2}, "the sizes of the beads are 100-300, 300-500"),
        ({"100-300": 1, "500-700": 1}, "the sizes of the beads are 100-300, 300-500"),
    ],
)
def test_vials_that_do_not_fit(vials: dict[str, int], message: str) -> None:
    with pytest.raises(ModelRangeError, match=message):
        size_parts(two_sizes(), vials)


def test_what_is_to_be_acknowledged() -> None:
    findings = [Finding(key, Severity.WARNING, "") for key in ("above-trial-cap", "shunt-open")]
    assert to_acknowledge(findings) == ("above-trial-cap",)
    require_known(["above-trial-cap"], ["above-trial-cap"])
    with pytest.raises(InputError, match="to acknowledge: above-trial-cap"):
        require_known(["x"], ["above-trial-cap"])


def test_no_figure_is_unverified() -> None:
    book = load()
    dose = drug_dose(drug="doxorubicin", dose_mg=50, bilirubin_mg_per_dl=2)
    choice = particles(product="Bearing", target_um=(500, 710), catheter_inner_diameter_in="0.027")
    figures = (
        *emulsion_figures(dose, 70, book),
        *suspension_figures("miriplatin", None, book),
        *particle_figures(choice, book),
    )
    assert {figure.status for figure in figures} <= {"confirmed", "to-confirm"}
    names = [figure.name for figure in figures]
    assert "tace.oil.label_limit_elderly" in names
    assert any(name.endswith("catheter.500-710") for name in names)
