"""Coverage of the 95 % intervals on digital patients that they were not fitted to."""

import numpy as np
import pytest
from tests.measure.coverage import compatible, shown_ml
from tests.segmentation.patients import PATIENTS, patient

from emboplan.errors import SegmentationError
from emboplan.measure.burden import measure_burden
from emboplan.segmentation.builtin import segment_ct
from emboplan.synthetic.patient import DigitalPatient

# A few of the thirty with thick slices, which are made and segmented in seconds.
FEW = (101, 103, 114)


def _inside(made: DigitalPatient) -> dict[str, list[bool]]:
    """Whether the true liver, each true lesion that was found, all tumour and the burden lie inside."""
    try:
        anatomy = segment_ct(made.ct)
    except SegmentationError:
        return {}
    found, truth = measure_burden(anatomy), made.truth
    true_ml = {row.number: row.volume_ml for row in truth.lesion_table}
    behind = shown_ml(anatomy.lesions.labels, truth.lesions.labels.astype(np.int64), true_ml)
    ends = {lesion.label: lesion.volume_ml_interval for lesion in found.lesions}

    def holds(interval: tuple[float, float], true: float) -> bool:
        return interval[0] <= true <= interval[1]

    return {
        "liver": [holds(found.liver_ml_interval, truth.volumes_ml["liver"])],
        "lesion": [holds(ends[label], true) for label, true in behind.items()],
        "tumour": [holds(found.tumour_ml_interval, truth.volumes_ml["tumour"])],
        "burden": [holds(found.burden_pct_interval, 100 * truth.burden_frac)],
    }


def _all(seeds: tuple[int, ...]) -> dict[str, list[bool]]:
    answers: dict[str, list[bool]] = {"liver": [], "lesion": [], "tumour": [], "burden": []}
    for seed in seeds:
        for kind, inside in _inside(patient(seed)).items():
            answers[kind] += inside
    return answers


@pytest.mark.slow
def test_a_few_patients() -> None:
    answers = _all(FEW)
    assert len(answers["liver"]) == len(FEW)
    for inside in answers.values():
        assert compatible(sum(inside), len(inside))


@pytest.mark.slow
def test_all_thirty() -> None:
    """At least 200 intervals of livers and lesions hold the truth in 95 %, by a test at 1 %."""
    answers = _all(tuple(row[0] for row in PATIENTS))
    volumes = answers["liver"] + answers["lesion"]
    assert len(volumes) >= 200
    for inside in (volumes, answers["tumour"], answers["burden"]):
        assert compatible(sum(inside), len(inside)), (sum(inside), len(inside))
