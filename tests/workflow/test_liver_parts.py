"""Territories by plane, segments and a threshold of counts, on the patient of boxes: volumes by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.workflow import cases
from tests.workflow.cases import BoxStudy, box, case_text

import emboplan as ep
from emboplan.catalog.load import load
from emboplan.errors import CaseFileError, InputError, MaskError
from emboplan.files import nifti
from emboplan.model.anatomy import Anatomy, Review
from emboplan.model.case import CuttingPlane, Territory
from emboplan.model.image import CtImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.workflow.cases.casefile import read_case
from emboplan.workflow.planning.liver_parts import beyond_plane, load_segments, part_masks
from emboplan.workflow.planning.territories import numbered

LIVER = box(cases.LIVER)
# The plane between the two halves of the box: between the voxels 21 and 22 along x.
MIDDLE_X = -160.0 + 21.5 * 5.0


def anatomy(**changes: Any) -> Anatomy:
    ct = CtImage(cases.GRID, cases.ct_numbers())
    return Anatomy(ct, LIVER, cases.lesions(), Review("given"), lungs=box(*cases.LUNGS), **changes)


def couinaud() -> LabelMap:
    """Segments 5 to 8 in the right half, 2 to 4 in the left, in slabs; the lowest two layers are bare."""
    labels = np.zeros(cases.GRID.shape, np.uint16)
    for number, low in zip((5, 6, 7, 8), (8, 13, 17, 22), strict=True):
        labels[low:26, 14:34, 12:22] = number
    for number, low in zip((2, 3, 4), (8, 14, 20), strict=True):
        labels[low:26, 14:34, 22:32] = number
    return LabelMap(cases.GRID, labels)


def test_a_plane_parts_the_box_in_two_halves() -> None:
    """The patient's right is towards lower x."""
    right = beyond_plane(LIVER, CuttingPlane((MIDDLE_X, 0.0, 0.0), (-1.0, 0.0, 0.0)))
    left = beyond_plane(LIVER, CuttingPlane((MIDDLE_X, 7.0, 3.0), (1.0, 0.0, 0.0)))
    assert np.array_equal(right.voxels, box(cases.RIGHT).voxels)
    assert np.array_equal(left.voxels, box(cases.LEFT).voxels)


@given(
    angle=st.floats(0, 6.3),
    tilt=st.floats(-1.5, 1.5),
    off_mm=st.floats(-60, 60),
)
def test_two_sides_of_a_plane_are_the_liver(angle: float, tilt: float, off_mm: float) -> None:
    """No voxel is on both sides but those whose middles lie on the plane; none is on neither."""
    x, y, z = np.cos(tilt) * np.cos(angle), np.cos(tilt) * np.sin(angle), np.sin(tilt)
    middle = (MIDDLE_X + off_mm, -20.0, -20.0)
    one = beyond_plane(LIVER, CuttingPlane(middle, (x, y, z)))
    other = beyond_plane(LIVER, CuttingPlane(middle, (-x, -y, -z)))
    assert np.array_equal((one | other).voxels, LIVER.voxels)
    places = cases.GRID.to_mm(np.argwhere((one & other).voxels)[:, ::-1])
    assert np.abs((places - middle) @ [x, y, z]).max(initial=0.0) < 1e-6


def plane_of(folder: Path, text: str) -> CuttingPlane:
    given_text = case_text(territory=f"plane = {text}\ntumour_to_normal = 5.0\nlung_shunt_frac = 0.05")
    path = BoxStudy(folder).case(given_text, "plane.toml")
    (territory,) = read_case(path, load()).territories
    assert territory.plane is not None
    return territory.plane


def test_a_plane_is_a_point_and_a_normal_or_three_points_and_a_side(boxes: BoxStudy) -> None:
    """(0, 0, 0), (0, 1, 0) and (1, 0, 1): x equals z there; right is towards lower x."""
    one = plane_of(boxes.folder, "{ point = [1, 2, 3.5], normal = [0, 0, -2] }")
    assert one == CuttingPlane((1.0, 2.0, 3.5), (0.0, 0.0, -1.0))
    three = plane_of(boxes.folder, '{ points = [[0, 0, 0], [0, 1, 0], [1, 0, 1]], side = "right" }')
    half = 1 / np.sqrt(2)
    assert three.normal == pytest.approx((-half, 0.0, half))
    other = plane_of(boxes.folder, '{ points = [[0, 0, 0], [0, 1, 0], [1, 0, 1]], side = "left" }')
    assert other.normal == pytest.approx((half, 0.0, -half))


@pytest.mark.parametrize(
    ("territory", "images", "line"),
    [
        ("plane = { point = [0, 0, 0] }", "", "territory[0].plane: found point; expected point and normal"),
        (
            "plane = { point = [0, 0, 0], normal = [0, 0, 0] }",
            "",
            "territory[0].plane.normal: found length 0",
        ),
        (
            'plane = { points = [[0, 0, 0], [1, 1, 1], [2, 2, 2]], side = "head" }',
            "",
            "territory[0].plane.points: found three points on one line",
        ),
        (
            'plane = { points = [[0, 0, 0], [0, 1, 0], [0, 0, 1]], side = "head" }',
            "",
            'territory[0].plane.side: the plane runs along "head"',
        ),
        (
            'mask = "right.nii.gz"\nsegments = [5]',
            'segments = "liver.nii.gz"',
            "territory[0]: found mask and segments; give one",
        ),
        ("segments = [5]", "", "images.segments: not found"),
        (
            "segments = [9]",
            'segments = "liver.nii.gz"',
            "territory[0].segments: found [9]; expected a list of segments",
        ),
        ("maa_threshold_frac = 0.2", "", "images.maa: not found"),
        ("maa_threshold_frac = 20", 'maa = "spect.dcm"', "territory[0].maa_threshold_frac: found 20"),
        ("", 'maa = "spect.dcm"\naccept_shift = "20 mm"', "images.accept_shift: found without register"),
        ("", 'register = "rigid"', "images.register: found without maa"),
        ("", 'maa = "spect.dcm"\nregister = "affine"', "images.register: found"),
        ("", 'maa = "spect.dcm"\nregister = "rigid"\nmaa_ct = "none"', 'images.maa_ct: "none" is not there'),
    ],
)
def test_what_does_not_go_together_is_told(boxes: BoxStudy, territory: str, images: str, line: str) -> None:
    path = boxes.case(case_text(images=images, territory=territory), "wrong.toml")
    with pytest.raises(CaseFileError) as caught:
        read_case(path, load())
    assert any(one.startswith(f"wrong.toml: {line}") for one in caught.value.problems), caught.value.problems


def test_segments_make_a_territory_and_bare_liver_goes_to_the_nearest() -> None:
    """The right half holds 5 to 8; two of twenty layers are bare: a tenth of the liver, and told."""
    territories = [Territory("right", segments=(5, 6, 7, 8)), Territory("IVa", segments=(4,))]
    masks, findings = part_masks(territories, [None, None], anatomy(), None, couinaud())
    right, fourth = masks
    assert right is not None
    assert fourth is not None
    assert np.array_equal(right.voxels, box(cases.RIGHT).voxels)
    assert fourth.volume_ml == pytest.approx(6 * 20 * 10 * 0.125)
    (finding,) = findings
    assert (finding.id, finding.severity) == ("segments-bare", "info")
    assert finding.text.startswith("10 % of the liver")


def test_segments_come_from_a_map_or_a_folder_of_masks(tmp_path: Path) -> None:
    nifti.write_labels(tmp_path / "map.nii.gz", couinaud())
    folder = tmp_path / "segmentations"
    folder.mkdir()
    for number in couinaud().numbers:
        nifti.write_mask(folder / f"liver_segment_{number}.nii.gz", couinaud().mask(number))
    for source in (tmp_path / "map.nii.gz", folder):
        found = load_segments(source, cases.GRID)
        assert np.array_equal(found.labels, couinaud().labels)
    nifti.write_labels(
        tmp_path / "more.nii.gz", LabelMap(cases.GRID, np.where(LIVER.voxels, 12, 0).astype(np.uint16))
    )
    with pytest.raises(InputError, match="holds the labels 12; expected Couinaud"):
        load_segments(tmp_path / "more.nii.gz", cases.GRID)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="expected files named liver_segment_1"):
        load_segments(tmp_path / "empty", cases.GRID)


def test_a_segment_that_the_map_lacks_is_refused() -> None:
    with pytest.raises(MaskError, match="names segment 1, which the map lacks; it holds 2, 3"):
        part_masks([Territory("I", segments=(1,))], [None], anatomy(), None, couinaud())


def test_a_threshold_draws_the_part_that_the_counts_reach() -> None:
    """Counts in the right half alone, 10 in a block and 4 elsewhere: 30 % takes the half, 70 % the block."""
    counts = np.zeros(cases.SCAN_GRID.shape, np.float32)
    counts[3:13, 7:17, 6:11] = 4.0
    counts[5:9, 9:13, 7:9] = 10.0
    scan = ep.CountImage(cases.SCAN_GRID, counts)
    masks, findings = part_masks(
        [Territory("perfused", maa_threshold_frac=0.3)], [None], anatomy(), scan, None
    )
    (part,) = masks
    assert part is not None
    # Half way between a voxel of 4 and one of 0 lies the level of 2; 3 is an eighth of a voxel further in.
    assert part.volume_ml == pytest.approx(500.0, rel=0.1)
    assert not (part.voxels & ~LIVER.voxels).any()
    (finding,) = findings
    assert "in 1 piece." in finding.text
    (hot,), _ = part_masks([Territory("hot", maa_threshold_frac=0.7)], [None], anatomy(), scan, None)
    assert hot is not None
    assert hot.volume_ml == pytest.approx(4 * 4 * 2, rel=0.35)


def test_a_cold_middle_belongs_to_what_is_perfused_around_it() -> None:
    counts = np.zeros(cases.SCAN_GRID.shape, np.float32)
    counts[3:13, 7:17, 6:16] = 8.0
    counts[6:10, 10:14, 9:13] = 0.0
    scan = ep.CountImage(cases.SCAN_GRID, counts)
    (part,), _ = part_masks([Territory("all", maa_threshold_frac=0.5)], [None], anatomy(), scan, None)
    assert part is not None
    assert part.voxels[15, 24, 22]


def test_a_threshold_needs_a_scan_that_lies_on_the_ct() -> None:
    with pytest.raises(InputError, match="there is none that lies on the CT"):
        part_masks([Territory("hot", maa_threshold_frac=0.3)], [None], anatomy(), None, None)


def test_a_plan_of_two_sides_and_its_masks(boxes: BoxStudy) -> None:
    """Both halves are planned by plane, with the volumes of their masks."""
    text = case_text(territory="").partition("[[territory]]")[0]
    goal = (
        'tumour_to_normal = 5.0\nlung_shunt_frac = 0.05\ntumour_goal = { dose = "120 Gy", source = "site" }'
    )
    for name, sign in (("right", -1), ("left", 1)):
        text += f'[[territory]]\nname = "{name}"\n'
        text += f"plane = {{ point = [{MIDDLE_X}, 0, 0], normal = [{sign}, 0, 0] }}\n{goal}\n"
    found = ep.plan(boxes.case(text, "two.toml"))
    assert list(found.territories) == ["right", "left"]
    assert [mask.volume_ml for mask in found.territories.values()] == [500.0, 500.0]
    assert found.plan.activity is not None
    assert {m.territory for m in found.plan.activity.models} == {"right", "left"}
    labels = numbered(list(found.territories.values()))
    assert labels.numbers == (1, 2)
    assert np.array_equal(labels.mask(2).voxels, box(cases.LEFT).voxels)


def test_a_plan_of_segments(boxes: BoxStudy, tmp_path: Path) -> None:
    """5 to 8 are the right half: its volume, its lesion, and the map among the inputs."""
    nifti.write_labels(tmp_path / "couinaud.nii.gz", couinaud())
    text = case_text(
        images=f'segments = "{tmp_path / "couinaud.nii.gz"}"',
        territory="segments = [5, 6, 7, 8]\ntumour_to_normal = 5.0\nlung_shunt_frac = 0.05",
    )
    found = ep.plan(boxes.case(text, "segments.toml"))
    (part,) = found.territories.values()
    assert part.volume_ml == cases.RIGHT_ML
    assert "segments" in {one.role for one in found.plan.inputs}
    assert found.plan.activity is not None
    (result,) = [m for m in found.plan.activity.models if m.model == "partition"]
    assert set(result.doses_gy.lesions) == {"1"}


def test_the_viable_part_has_its_ratio_beside_the_one_that_is_used(boxes: BoxStudy) -> None:
    """The outer shell of lesion 1 takes up 4 times the liver's, its core nothing: filled ratio 4 x 56/64."""
    from emboplan.workflow.planning.territories import treated_volumes
    from emboplan.workflow.planning.uptake import measured_ratio, scan_regions

    core = np.zeros(cases.GRID.shape, np.bool_)
    core[12:16, 20:24, 16:20] = True
    labels = np.zeros(cases.GRID.shape, np.uint16)
    labels[cases.LESIONS[0]] = 1
    viable = Mask(cases.GRID, (labels > 0) & ~core)
    seen = replace(anatomy(viable=None), lesions=LabelMap(cases.GRID, labels), viable=viable)
    scan = cases.scan()
    counts = scan.counts.copy()
    counts[6:8, 10:12, 8:10] = 0.0
    regions, _ = scan_regions(seen, replace(scan, counts=counts))
    (volume,) = treated_volumes((), (), seen)
    ratio, findings = measured_ratio(regions, volume)
    assert ratio is not None
    (said,) = [f for f in findings if f.id == "uptake-viable"]
    normal = scan.concentration().counts_per_ml[3, 7, 6]
    hot = scan.concentration().counts_per_ml[5, 9, 7]
    # Lesion 2 counts as liver here: 27 mL of 936 are four times as hot.
    mean_normal = (normal * (936 - 27) + hot * 27) / 936
    assert ratio.tumour_to_normal == pytest.approx(hot * 56 / 64 / mean_normal, rel=1e-3)
    assert f"the ratio reads {hot / mean_normal:.2f}" in said.text
    assert f"in the filled lesions {hot * 56 / 64 / mean_normal:.2f}" in said.text
    assert boxes.folder.exists()
