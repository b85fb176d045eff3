"""What is written is what is read: our writers against our readers, image for image."""

from pathlib import Path

import numpy as np

from emboplan.dicom.index import index_folder
from emboplan.dicom.read.nuclear import read_planar_series, read_spect
from emboplan.dicom.read.seg import read_seg_labels
from emboplan.dicom.read.slices import read_ct
from emboplan.dicom.write.ct import write_ct_series
from emboplan.dicom.write.encode import CodedTerm
from emboplan.dicom.write.identity import NewSeries, StudyIdentity
from emboplan.dicom.write.nm import EnergyWindow, tc99m_maa, write_planar, write_spect
from emboplan.dicom.write.seg import SegmentAlgorithm, SegmentLabel, write_segmentation
from emboplan.model.grid import Grid
from emboplan.model.image import CountImage, CtImage, PlanarPair
from emboplan.model.mask import Mask

LIVER = SegmentLabel(
    "Liver",
    CodedTerm("91723000", "SCT", "Anatomical Structure"),
    CodedTerm("10200004", "SCT", "Liver"),
    (204, 121, 62),
)
MAA = tc99m_maa(EnergyWindow("photopeak", 126.0, 154.0), EnergyWindow("scatter", 108.0, 126.0))


def test_ct_and_a_segmentation_over_it(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries
) -> None:
    """The header that the CT reader gives is what the segmentation needs, and its masks lie on the CT."""
    hu = np.random.default_rng(5).integers(-1000, 1000, oblique_grid.shape, dtype=np.int16)
    write_ct_series(CtImage(oblique_grid, hu), tmp_path / "ct", study, new_series)
    (info,) = index_folder(tmp_path / "ct").series
    series = read_ct(info)
    assert np.array_equal(hu, series.image.hu)
    assert oblique_grid.is_same(series.image.grid)
    assert oblique_grid.frame_of_reference_uid == series.image.grid.frame_of_reference_uid
    mask = Mask(series.image.grid, hu > 0)
    path = tmp_path / "seg.dcm"
    derived = NewSeries("2.25.1", "segmentation")
    write_segmentation({LIVER: mask}, path, series.header, derived, algorithm=SegmentAlgorithm("b", "1"))
    read = read_seg_labels(path, series.image.grid)
    assert list(read) == ["Liver"]
    assert np.array_equal(mask.voxels, read["Liver"].voxels)


def test_spect(tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries) -> None:
    counts = np.random.default_rng(6).gamma(2, 30, oblique_grid.shape).astype(np.float32)
    path = tmp_path / "spect.dcm"
    image = CountImage(oblique_grid, counts, attenuation_corrected=True, scatter_corrected=True)
    write_spect(image, path, study, new_series, MAA)
    read = read_spect(path).image
    assert oblique_grid.is_same(read.grid)
    assert np.abs(read.counts - counts).max() <= counts.max() / 131070 * (1 + 1e-4)
    assert (read.attenuation_corrected, read.scatter_corrected) == (True, True)


def test_planar_views_with_scatter(tmp_path: Path, study: StudyIdentity, new_series: NewSeries) -> None:
    views = np.random.default_rng(7).poisson(9, (4, 8, 6)).astype(np.float32)
    pair = PlanarPair(views[0], views[1], (2.0, 3.0), 600.0, views[2], views[3])
    path = tmp_path / "planar.dcm"
    write_planar(pair, path, study, new_series, MAA)
    read = read_planar_series(path)
    assert (read.photopeak_kev, read.scatter_kev) == ((126.0, 154.0), (108.0, 126.0))
    assert (read.pair.pixel_mm, read.pair.duration_s) == ((2.0, 3.0), 600.0)
    for name in ("anterior", "posterior", "scatter_anterior", "scatter_posterior"):
        assert np.array_equal(getattr(pair, name), getattr(read.pair, name)), name
