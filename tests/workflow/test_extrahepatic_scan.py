"""Uptake outside the liver on the scan of the boxes."""

from dataclasses import replace

import numpy as np
import pytest
from tests.workflow import cases
from tests.workflow.test_shunt import anatomy

from emboplan.model.mask import Mask
from emboplan.workflow.planning.extrahepatic_scan import measured_extrahepatic
from emboplan.workflow.planning.uptake import ScanRegions, scan_regions

# 30 mm cubes of the scan's 10 mm voxels: in the body, 40 mm to the left of the liver and below the lungs.
FOCUS = np.s_[4:7, 10:13, 23:26]


def regions(focus: float) -> ScanRegions:
    """The scan with a focus of this many counts in all, on a background of two counts in the body."""
    scan = cases.scan()
    counts = scan.counts.copy()
    counts[:, 3:25, 3:29] += 2
    counts[FOCUS] += focus / 27
    found, _ = scan_regions(anatomy(), replace(scan, counts=counts))
    assert found is not None
    return found


def test_a_sharp_scan_without_uptake_shows_none() -> None:
    found, findings = measured_extrahepatic(regions(0.0), anatomy())
    assert found is not None
    assert (found.regions, findings) == ((), ())


def test_a_focus_is_found_with_its_share_of_the_counts() -> None:
    scan = regions(3e5)
    found, _ = measured_extrahepatic(scan, anatomy())
    assert found is not None
    assert len(found.regions) == 1
    assert found.share_of_total_frac == pytest.approx(3e5 / scan.scan.total_counts, rel=0.02)
    # The middle voxel of the cube: index (x 24, y 11, z 5) on the scan's grid.
    expected_mm = cases.SCAN_GRID.to_mm((24, 11, 5))
    assert found.regions[0].centroid_mm == pytest.approx(tuple(expected_mm), abs=0.5)
    assert "extrahepatic-uptake" in {finding.id for finding in found.findings}


def test_an_organ_that_is_known_is_left_out() -> None:
    kidney = cases.box(np.s_[8:14, 20:26, 46:52])
    found, _ = measured_extrahepatic(regions(3e5), anatomy(), other_organs=kidney)
    assert found is not None
    assert found.regions == ()


def test_without_a_scan_or_a_body_nothing_is_sought() -> None:
    assert measured_extrahepatic(None, anatomy()) == (None, ())
    for body in (None, Mask.empty(cases.GRID)):
        found, findings = measured_extrahepatic(regions(0.0), replace(anatomy(), body=body))
        assert found is None
        assert [finding.id for finding in findings] == ["extrahepatic-not-searched"]
