"""Foci beside the liver and free technetium: in their organ, of the size and the activity that were set."""

import dataclasses

import numpy as np
import pytest

from emboplan.errors import InputError
from emboplan.model.grid import Grid
from emboplan.model.mask import Mask
from emboplan.synthetic.patient import DigitalPatient
from emboplan.synthetic.scans.deposits import FALCIFORM, FOCUS_PLACES, Places, place_deposits, spread
from emboplan.synthetic.setting.definition import Uptake
from emboplan.synthetic.setting.limits import FOCUSES

MBQ = {"focus": 4.5, "free_stomach": 3.0, "free_kidneys": 1.5}


@pytest.fixture
def places(patient: DigitalPatient) -> Places:
    truth = patient.truth
    return Places(
        truth.body, truth.liver, truth.lungs, truth.others.labels.astype(np.uint8), truth.other_names
    )


def with_focus(patient: DigitalPatient, focus: str) -> Uptake:
    return dataclasses.replace(patient.definition.uptake, focus=focus, focus_frac=0.03)


def test_every_focus_that_can_be_set_has_a_place() -> None:
    assert {"none", FALCIFORM, *FOCUS_PLACES} == set(FOCUSES)


@pytest.mark.parametrize("focus", ["stomach", "duodenum", "gallbladder", "falciform"])
def test_a_focus_lies_in_its_organ_near_the_liver(
    patient: DigitalPatient, places: Places, focus: str
) -> None:
    """No farther across than its ball, outside the liver, and the liver is within 60 mm of its middle."""
    made = place_deposits(with_focus(patient, focus), MBQ, places, patient.field.grid, patient.drawn)
    assert made.focus is not None
    assert made.focus_mbq is not None
    where = made.focus.grid.to_mm(np.argwhere(made.focus.voxels)[:, ::-1])
    size = patient.definition.uptake.focus_mm
    assert np.ptp(where, axis=0).max() <= size
    assert 0 < made.focus.volume_ml <= np.pi / 6 * (size / 10) ** 3 * 1.1
    assert not (made.focus.voxels & (places.liver.voxels | places.lungs.voxels)).any()
    if focus != FALCIFORM:
        assert places.structure(FOCUS_PLACES[focus][0])[made.focus.voxels].all()
    liver = places.liver.grid.to_mm(np.argwhere(places.liver.voxels)[:, ::-1])
    assert np.linalg.norm(liver - where.mean(axis=0), axis=1).min() < 60
    assert pytest.approx(4.5, rel=1e-12) == made.focus_mbq.sum()
    assert made.free_mbq is None


def test_free_technetium_is_in_stomach_and_kidneys(patient: DigitalPatient, places: Places) -> None:
    """Sums are those given, and the middle of each share is that of its organ, to half a coarse voxel."""
    uptake = dataclasses.replace(patient.definition.uptake, free_frac=0.1)
    grid = patient.field.grid
    for key, name in (("free_stomach", "stomach"), ("free_kidneys", "kidneys")):
        one = dict.fromkeys(MBQ, 0.0) | {key: MBQ[key]}
        free = place_deposits(uptake, one, places, grid, patient.drawn).free_mbq
        assert free is not None
        assert pytest.approx(MBQ[key], rel=1e-12) == free.sum()
        index = np.stack(np.meshgrid(*(np.arange(n) for n in free.shape), indexing="ij"), axis=-1)
        middle = grid.to_mm((index * free[..., None]).sum(axis=(0, 1, 2))[::-1] / free.sum())
        organ = places.body.grid.to_mm(np.argwhere(places.structure(name)).mean(axis=0)[::-1])
        assert np.abs(middle - organ).max() < grid.spacing_mm[0] / 2


def test_nothing_lies_beside_unless_it_is_set(patient: DigitalPatient, places: Places) -> None:
    made = place_deposits(patient.definition.uptake, {}, places, patient.field.grid, patient.drawn)
    assert made.total_mbq is None
    assert made.focus is None


def test_shares_are_overlaps() -> None:
    """Against points: each fine voxel of a random mask as 6 x 6 x 6 points, whose cells no face cuts."""
    rng = np.random.default_rng(1)
    fine = Grid((5, 6, 7), (2.0, 3.0, 4.0), (4 / 3, 0.0, 0.0))
    coarse = Grid((8, 8, 8), (6.0, 6.0, 6.0), (-15.0, -12.0, -15.0))
    voxels = rng.random(fine.shape) < 0.5
    steps = (np.arange(6) + 0.5) / 6 - 0.5
    offsets = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    points = fine.to_mm((np.argwhere(voxels)[:, None, ::-1] + offsets).reshape(-1, 3))
    index = np.rint(coarse.to_index(points)).astype(int)
    counted = np.zeros(coarse.shape)
    np.add.at(counted, tuple(index[:, ::-1].T), 1 / len(points))
    assert np.allclose(counted, spread(voxels, fine, coarse), atol=1e-12)


def test_an_organ_that_is_not_there_is_refused(patient: DigitalPatient, places: Places) -> None:
    number = {name: n for n, name in places.names.items()}["gallbladder"]
    without = dataclasses.replace(places, others=np.where(places.others == number, 0, places.others))
    with pytest.raises(InputError, match=r"uptake\.focus is gallbladder, and this patient has none"):
        place_deposits(with_focus(patient, "gallbladder"), MBQ, without, patient.field.grid, patient.drawn)


def test_an_organ_outside_the_spect_is_refused(places: Places) -> None:
    far = Grid((4, 4, 4), (4.0, 4.0, 4.0), (5000.0, 0.0, 0.0))
    body = Mask(places.body.grid, places.structure("stomach"))
    with pytest.raises(InputError, match="lies outside the SPECT"):
        spread(body.voxels, body.grid, far)
