"""Limits of burden inside the measured interval, from the catalogue's own documents."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from emboplan.catalog.load import load
from emboplan.measure.burden import measure_burden
from emboplan.model.anatomy import Anatomy, Review
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.model.patient import PatientFacts
from emboplan.model.results.burden import BORDERLINE, Burden
from emboplan.report.summary import burden_lines
from emboplan.workflow.screening.burden_limits import burden_limits, with_borderline
from emboplan.workflow.screening.check import check
from emboplan.workflow.screening.facts import measured_facts

GRID = Grid((20, 20, 20), (5.0, 5.0, 5.0), (0.0, 0.0, 0.0))


def _burden(rows: int, review: Review) -> Burden:
    """A liver of 1 L, of which `rows` of 20 slices are tumour."""
    labels = np.zeros(GRID.shape, dtype=np.uint16)
    labels[:rows] = 1
    hu = np.where(labels > 0, 60, 100).astype(np.int16)
    return measure_burden(
        Anatomy(CtImage(GRID, hu), Mask(GRID, np.ones(GRID.shape, np.bool_)), LabelMap(GRID, labels), review)
    )


def test_the_limits_are_those_of_the_documents() -> None:
    """RETNET 25 and 70 %, CapTem-Y90 and TAE-Italy 50 %, TheraSphere 70 %."""
    limits = burden_limits(load())
    assert list(limits) == [Decimal(25), Decimal(50), Decimal(70)]
    assert "RETNET" in limits[Decimal(25)]
    assert {"RETNET", "TheraSphere"} <= set(limits[Decimal(70)])


@pytest.mark.parametrize(
    ("low", "high", "named"),
    [
        (10.0, 20.0, []),
        (20.0, 25.0, ["25 %"]),
        (25.1, 49.9, []),
        (40.0, 71.0, ["50 %", "70 %"]),
        (0.0, 100.0, ["25 %", "50 %", "70 %"]),
    ],
)
def test_a_sentence_for_each_limit_inside(low: float, high: float, named: list[str]) -> None:
    plain = replace(_burden(5, Review("given", "A. Reader")), burden_pct_interval=(low, high))
    said = [finding.text for finding in with_borderline(plain, load()).findings if finding.id == BORDERLINE]
    assert len(said) == bool(named)
    for text in said:
        assert [limit for limit in ("25 %", "50 %", "70 %") if f"{limit} (" in text] == named
    lines = burden_lines(with_borderline(plain, load()))
    assert any("Borderline" in line for line in lines) is bool(named)


def test_a_found_burden_reaches_the_check_with_its_interval() -> None:
    """45 % found, with 50 % inside: a criterion of CapTem-Y90 is borderline; 25 and 70 % are settled."""
    burden = replace(_burden(9, Review("builtin")), burden_pct_interval=(38.0, 62.0))
    assert burden.burden_pct == pytest.approx(45.0)
    facts = PatientFacts({}).with_measured(measured_facts(burden))
    flagged = {
        name: [flag.criterion for flag in result.flags if flag.id == "borderline"]
        for name, result in check(facts, "all").items()
    }
    assert flagged["CapTemY90"] == ["CTY-I05"]
    assert flagged["RETNET"] == []
