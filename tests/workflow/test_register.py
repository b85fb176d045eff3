"""Whether a registration is accepted: the tolerance, the caller's word, and what no word accepts."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import ndimage
from tests.imaging.drawn_bodies import GRID, IN_FRAME, ct, in_liver, liver, seen, through, turned

import emboplan as ep
from emboplan.errors import InputError, ModelRangeError
from emboplan.imaging.transform import grid_points
from emboplan.model.finding import Severity
from emboplan.model.grid import Grid
from emboplan.synthetic.scans.mr import mr_image
from emboplan.workflow.registering.accepted import Registered

FIXED = ct(through(np.eye(4)), grid=IN_FRAME, seed=2)


def moving(z_mm: float) -> ep.CtImage:
    """The same patient with the table moved, in the same frame of reference."""
    return ct(through(turned(0.0, (0.0, 0.0, z_mm))), grid=IN_FRAME)


def found_ids(result: Registered) -> list[str]:
    return [finding.id for finding in result.findings]


def test_a_shift_within_the_tolerance_is_accepted() -> None:
    """6 mm against the catalogue's 10 mm."""
    result = ep.register(FIXED, moving(6.0), liver=liver(IN_FRAME))
    assert (result.accepted, result.tolerance_mm, result.over) == (True, 10.0, "liver")
    assert result.registration.shift.mean_mm == pytest.approx(6.0, abs=1.0)
    assert result.matrix[2, 3] == pytest.approx(6.0, abs=1.0)


def test_a_larger_shift_waits_for_the_callers_word() -> None:
    """15 mm: a warning and no matrix; accepted up to 20 mm, and not up to 12 mm."""
    result = ep.register(FIXED, moving(15.0), liver=liver(IN_FRAME))
    assert not result.accepted
    (finding,) = result.findings
    assert (finding.id, finding.severity) == ("registration-shift", Severity.WARNING)
    with pytest.raises(InputError, match=r"not accepted: the liver moved by 1[45]"):
        _ = result.matrix
    with pytest.raises(InputError, match="not accepted"):
        _ = result.transform
    allowed = ep.register(FIXED, moving(15.0), liver=liver(IN_FRAME), accept_shift_mm=20.0)
    assert allowed.accepted
    assert [(f.id, f.severity) for f in allowed.findings] == [("registration-shift", Severity.INFO)]
    assert not ep.register(FIXED, moving(15.0), liver=liver(IN_FRAME), accept_shift_mm=12.0).accepted


def test_images_that_lie_on_each_other_are_said_to() -> None:
    result = ep.register(FIXED, FIXED)
    assert result.accepted
    assert found_ids(result) == ["registration-no-gain"]


def test_a_site_sets_its_own_tolerance(tmp_path: Any) -> None:
    site = tmp_path / "site.toml"
    site.write_text(
        '[sources]\nOURS = "our own"\n[uncertainty.registration.tolerance]\nvalue = 4.0\nunit = "mm"\n'
        'source = ["OURS"]\nplace = "decided"\nstatus = "confirmed"\n',
        encoding="utf-8",
    )
    result = ep.register(FIXED, moving(6.0), liver=liver(IN_FRAME), catalog=ep.catalog.load(site))
    assert (result.accepted, result.tolerance_mm) == (False, 4.0)


def legs() -> ep.CtImage:
    """Two legs with bones."""
    x, y, _ = np.moveaxis(grid_points(GRID), -1, 0)
    hu = np.full(GRID.shape, -1000.0)
    for middle in (-45.0, 45.0):
        away = np.hypot(x - middle, y)
        hu[away < 40], hu[away < 34], hu[away < 12] = -100.0, 50.0, 800.0
    return ep.CtImage(GRID, (hu + np.random.default_rng(5).normal(0, 20, GRID.shape)).astype(np.float32))


@pytest.mark.parametrize("with_liver", [True, False])
def test_legs_are_never_accepted(*, with_liver: bool) -> None:
    """Whatever shift the caller would accept: refused, or flagged with a finding that stops."""
    try:
        result = ep.register(
            FIXED, legs(), liver=liver(IN_FRAME) if with_liver else None, accept_shift_mm=1e3
        )
    except ModelRangeError as error:
        assert "one patient and region" in str(error)  # noqa: PT017  either outcome is right
        return
    assert not result.accepted
    assert any(finding.severity is Severity.STOP for finding in result.findings)


def test_noise_is_never_accepted() -> None:
    noise = np.random.default_rng(6).normal(0, 50, GRID.shape).astype(np.float32)
    result = ep.register(FIXED, ep.CtImage(IN_FRAME, noise), accept_shift_mm=1e3)
    assert not result.accepted
    assert "registration-unlike" in found_ids(result)


def test_the_shift_of_a_breath_is_found_on_a_scan() -> None:
    """Counts of the liver 16 mm higher than on the CT, blurred to 13 mm: within 2 mm, and not accepted."""
    higher = through(turned(0.0, (0.0, 0.0, -16.0)))
    true = seen(higher, lambda places: in_liver(places).astype(float), IN_FRAME, noise=0.0)
    counts = np.asarray(ndimage.gaussian_filter(true, 13 / 2.355 / 4))
    scan = ep.CountImage(IN_FRAME, counts, resolution_fwhm_mm=13.0)
    result = ep.register(FIXED, scan, liver=liver(IN_FRAME))
    assert result.registration.shift.vector_mm == pytest.approx((0.0, 0.0, 16.0), abs=2.0)
    assert found_ids(result) == ["registration-shift"]


def test_the_result_becomes_json() -> None:
    result = ep.register(FIXED, moving(6.0), kind="affine", liver=liver(IN_FRAME))
    written = json.loads(json.dumps(result.to_json()))
    assert (written["kind"], written["start"]) == ("affine", "frame of reference")
    assert written["fixed_to_moving"][2][3] == pytest.approx(-6.0, abs=1.5)


def test_wrong_requests_are_refused() -> None:
    with pytest.raises(InputError, match="expected rigid, affine, b-spline"):
        ep.register(FIXED, FIXED, kind="demons")
    with pytest.raises(ModelRangeError, match="accept_shift_mm is -1"):
        ep.register(FIXED, FIXED, accept_shift_mm=-1.0)
    scan = ep.CountImage(GRID, np.ones(GRID.shape, np.float32), resolution_fwhm_mm=13.0)
    with pytest.raises(ModelRangeError, match="CT or MR first"):
        ep.register(scan, FIXED)  # type: ignore[arg-type]  # what a user may try


def placed(grid: Grid, matrix: Any) -> Grid:
    """A grid whose tissue a matrix carries elsewhere: the scanner's table moved and turned."""
    origin = matrix[:3, :3] @ np.array(grid.origin_mm) + matrix[:3, 3]
    return replace(grid, origin_mm=tuple(origin), direction=tuple((matrix[:3, :3] @ grid.axes).ravel()))


@pytest.fixture(scope="module")
def patient() -> Any:
    return ep.phantom("net-liver", seed=1, ct__matrix=128, ct__pixel_mm=3.0, slice_mm=6)


@pytest.mark.slow
@pytest.mark.parametrize("image", ["ct", "t1", "t2"])
def test_a_digital_patient_is_brought_back(patient: Any, image: str) -> None:
    """Turned by 3 degrees, moved by 13 mm: a CT with its own noise, and MR, within 1.5 mm and 1 degree."""
    true = turned(3.0, (9.0, -8.0, 5.0))
    if image == "ct":
        noise = np.random.default_rng(7).normal(0, 15, patient.ct.grid.shape)
        other: Any = ep.CtImage(placed(patient.ct.grid, true), (patient.ct.hu + noise).astype(np.float32))
    else:
        mr = mr_image(patient.definition, patient.drawn, image, 1)
        other = SimpleNamespace(grid=placed(mr.grid, true), signal=mr.signal)
    places = patient.ct.grid.to_mm(np.argwhere(patient.truth.liver.voxels)[::20, ::-1])
    result = ep.register(patient.ct, other, liver=patient.truth.liver, accept_shift_mm=30.0)
    apart = np.linalg.norm(result.transform.points_to_moving(places) - through(true)(places), axis=-1)
    assert float(apart.mean()) < 1.5
    assert result.registration.turned_deg == pytest.approx(3.0, abs=1.0)


@pytest.mark.slow
def test_the_breath_of_a_digital_patient_is_bent_back(patient: Any) -> None:
    """A smooth bend of up to 12 mm, 7.5 mm on average over the liver, and other noise: 1.3 mm are left."""
    ct_image = patient.ct
    places = ct_image.grid.to_mm(np.argwhere(patient.truth.liver.voxels)[::20, ::-1])
    middle = places.mean(axis=0)

    def back(points: Any) -> Any:
        away = points - middle
        up = 12 * np.exp(-(away**2).sum(axis=-1) / (2 * 70**2)) * np.cos(away[..., 0] / 80)
        behind = 5 * np.sin(away[..., 2] / 60) * np.exp(-(away**2).sum(axis=-1) / (2 * 90**2))
        return points - np.stack([0 * up, behind, up], axis=-1)

    index = np.moveaxis(ct_image.grid.to_index(back(grid_points(ct_image.grid)))[..., ::-1], -1, 0)
    hu = ndimage.map_coordinates(ct_image.hu.astype(np.float32), index, order=1, mode="nearest")
    noise = np.random.default_rng(3).normal(0, 15, hu.shape)
    other = ep.CtImage(ct_image.grid, np.asarray(hu + noise, np.float32))
    result = ep.register(ct_image, other, kind="b-spline", liver=patient.truth.liver)
    there = result.registration.transform.points_to_moving(places)
    left = np.linalg.norm(back(there) - places, axis=-1)
    assert float(np.linalg.norm(back(places) - places, axis=-1).mean()) > 7
    assert float(left.mean()) < 1.3


@pytest.mark.slow
def test_a_scan_of_a_digital_patient_is_where_it_is(patient: Any) -> None:
    """Aligned as made: less than 2 mm, accepted."""
    result = ep.register(patient.ct, patient.maa_spect, liver=patient.truth.liver)
    assert result.registration.shift.mean_mm < 2.0
    assert result.accepted


@pytest.mark.slow
def test_a_breath_mismatch_is_found() -> None:
    """The liver on the SPECT lies higher than on the CT: within 2 mm of the truth, and not accepted."""
    other: Any = ep.phantom(
        "net-liver", seed=1, ct__matrix=128, ct__pixel_mm=3.0, slice_mm=6, variant="breath-mismatch"
    )
    result = ep.register(other.ct, other.maa_spect, liver=other.truth.liver)
    assert result.registration.shift.vector_mm[2] == pytest.approx(other.truth.liver_higher_mm, abs=2.0)
    assert found_ids(result) == ["registration-shift"]
