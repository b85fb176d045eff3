"""Liver and lesions on MR: small analytic bodies, digital patients and real images."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray
from tests.segmentation.drawn_mr import SHAPE, SPACING_MM, T1, T2, twin

from emboplan.catalog.load import load
from emboplan.dicom.index import index_folder
from emboplan.dicom.read.slices import read_mr
from emboplan.errors import GeometryError, SegmentationError
from emboplan.model.anatomy import Anatomy
from emboplan.model.grid import Grid
from emboplan.model.image import MrImage, MrSequence
from emboplan.model.mask import LabelMap, Mask
from emboplan.segmentation.mr.segment import segment_mr
from emboplan.segmentation.mr.sequence import sequence_named
from emboplan.synthetic.body.anatomy import ct_grid, draw_patient
from emboplan.synthetic.body.materials import IN_LIVER, LESION_CODES
from emboplan.synthetic.drawing.raster import Sampling, paint_slice
from emboplan.synthetic.scans.mr import mr_image
from emboplan.synthetic.setting.variants import definition_of


@cache
def segmented(sequence: MrSequence) -> Anatomy:
    """The drawn body of a sequence, found once for all tests."""
    return segment_mr(twin(T1 if sequence is MrSequence.T1_POST else T2, sequence).mr)


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Twice the common volume over the sum."""
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


@pytest.mark.parametrize(("looks", "sequence"), [(T1, MrSequence.T1_POST), (T2, MrSequence.T2)])
def test_liver_and_lesion_of_a_drawn_body(looks: dict[str, int], sequence: MrSequence) -> None:
    """The liver's ellipsoid and the ball in it are found on both sequences, the water beside is not."""
    true, found = twin(looks, sequence), segmented(sequence)
    assert dice(found.liver.voxels, true.liver) > 0.95
    assert found.lesions.numbers == (1,)
    assert found.tumour.voxel_count == pytest.approx(true.lesion.sum(), rel=0.1)
    assert dice(found.tumour.voxels, true.lesion) > 0.9


@pytest.mark.slow
def test_signal_has_no_unit() -> None:
    """A thousandth of the signal gives the same liver; only rounding differs."""
    one = segmented(MrSequence.T1_POST)
    other = segment_mr(twin(T1, MrSequence.T1_POST, unit=0.004).mr)
    assert dice(one.liver.voxels, other.liver.voxels) > 0.99


def test_a_liver_without_lesions_has_none() -> None:
    """No false lesion in an even liver."""
    found = segment_mr(twin(T2, MrSequence.T2, lesion=False).mr)
    assert found.lesions.numbers == ()


@pytest.mark.slow
def test_the_same_image_gives_the_same_bytes() -> None:
    """A second run on T2, liver and lesions."""
    first, again = segmented(MrSequence.T2), segment_mr(twin(T2, MrSequence.T2).mr)
    assert first.liver.voxels.tobytes() == again.liver.voxels.tobytes()
    assert first.lesions.labels.tobytes() == again.lesions.labels.tobytes()


def test_a_sequence_that_is_not_told_is_guessed_and_said() -> None:
    """The guess stands in a warning."""
    found = segment_mr(twin(T2, None).mr)
    said = {f.id: f.text for f in found.findings}
    assert "t2" in said["segmentation.mr-sequence-guessed"]
    assert len(found.lesions.numbers) == 1


def test_mirrored_and_upside_down_volumes_are_refused() -> None:
    """A header that lies about left and right, or about head and feet, gives no liver."""
    mr = twin(T1, MrSequence.T1_POST).mr
    with pytest.raises(SegmentationError, match="mirrored"):
        segment_mr(MrImage(mr.grid, mr.signal[:, :, ::-1], mr.sequence))
    with pytest.raises(SegmentationError, match="upside down"):
        segment_mr(MrImage(mr.grid, mr.signal[::-1], mr.sequence))


def test_what_is_no_mr_of_a_trunk_is_refused() -> None:
    """CT numbers, masks, noise, legs and five slices."""
    true = twin(T1, MrSequence.T1_POST)
    mr = true.mr
    with pytest.raises(SegmentationError, match="negative"):
        segment_mr(MrImage(mr.grid, mr.signal - 1024))
    with pytest.raises(SegmentationError, match="few values"):
        segment_mr(MrImage(mr.grid, true.liver.astype(np.float32)))
    rng = np.random.default_rng(1)
    noise = np.hypot(rng.normal(0, 100, SHAPE), rng.normal(0, 100, SHAPE)).astype(np.float32)
    with pytest.raises(SegmentationError, match=r"body|trunk|liver"):
        segment_mr(MrImage(mr.grid, noise))
    five = Grid((5, *SHAPE[1:]), SPACING_MM, mr.grid.origin_mm)
    with pytest.raises(SegmentationError, match="axial slices"):
        segment_mr(MrImage(five, mr.signal[:5]))
    y, x = np.ogrid[0:72, 0:94]
    legs = ((x - 27) ** 2 + (y - 36) ** 2 < 18**2) | ((x - 67) ** 2 + (y - 36) ** 2 < 18**2)
    with pytest.raises(SegmentationError):
        segment_mr(MrImage(mr.grid, 400 * legs + noise / 20))


def test_given_masks_are_taken() -> None:
    """A given liver stays as it is; given lesions outside a found liver are added to it; grids must agree."""
    true = twin(T1, MrSequence.T1_POST)
    grid = true.mr.grid
    found = segment_mr(true.mr, liver=Mask(grid, true.liver), confirmed_by="reader")
    assert np.array_equal(found.liver.voxels, true.liver)
    assert len(found.lesions.numbers) == 1
    assert not found.review.provisional
    labels = true.lesion.astype(np.uint16)
    labels[18, 50, 70] = 1
    both = segment_mr(true.mr, lesions=LabelMap(grid, labels))
    assert both.liver.voxels[18, 50, 70]
    assert "segmentation.lesions-added-to-liver" in {f.id for f in both.findings}
    other = Grid(SHAPE, SPACING_MM, (0.0, 0.0, 0.0))
    with pytest.raises(GeometryError):
        segment_mr(true.mr, liver=Mask(other, true.liver))


def test_names_of_series_tell_the_sequence() -> None:
    """Names that scanners write."""
    assert sequence_named("AX T2 HASTE") is MrSequence.T2
    assert sequence_named("T2 fat-saturated fast spin echo") is MrSequence.T2
    assert sequence_named("T1 VIBE fs post contrast portal") is MrSequence.T1_POST
    assert sequence_named("T1 in phase") is None
    assert sequence_named("") is None
    for name in ("ADC", "AX DWI b800", "T1 map"):
        with pytest.raises(SegmentationError, match="map"):
            sequence_named(name)


# Two patients of the digital kind; the figures of more of them are on the page of the method.
PATIENTS = [(21, {}), (22, {"burden_frac": 0.08})]


@pytest.mark.slow
@pytest.mark.parametrize("sequence", list(MrSequence))
@pytest.mark.parametrize(("seed", "settings"), PATIENTS)
def test_digital_patients(seed: int, settings: dict[str, float], sequence: MrSequence) -> None:
    """Liver and burden of a patient whose truth is drawn on the MR's own grid.

    On T1 the rim of one large lesion has the liver's signal, which costs 2 percentage points.
    """
    definition = definition_of(load().phantom("net-liver"), settings)
    drawn = draw_patient(definition, ct_grid(definition, "2.25.1"), seed)
    image = mr_image(definition, drawn, "t1" if sequence is MrSequence.T1_POST else "t2", seed)
    sampling = Sampling(image.grid, definition.ct.supersampling)
    tumour_code, liver_code = np.zeros(256, np.bool_), np.zeros(256, np.bool_)
    tumour_code[LESION_CODES] = True
    liver_code[list(IN_LIVER)] = True
    nz, ny, nx = image.grid.shape
    s = sampling.supersampling
    liver, tumour = np.zeros(image.grid.shape, np.bool_), np.zeros(image.grid.shape, np.bool_)
    for k in range(nz):
        labels = paint_slice(drawn.drawing.layers, sampling, k).reshape(sampling.planes, ny, s, nx, s)
        liver[k] = (liver_code | tumour_code)[labels].mean(axis=(0, 2, 4)) >= 0.5
        tumour[k] = tumour_code[labels].mean(axis=(0, 2, 4)) >= 0.5
    found = segment_mr(MrImage(image.grid, image.signal.astype(np.float32), sequence))
    assert dice(found.liver.voxels, liver) > 0.95
    burden = found.tumour.voxel_count / found.liver.voxel_count
    assert burden == pytest.approx(
        tumour.sum() / liver.sum(), abs=0.02 if sequence is MrSequence.T2 else 0.03
    )


@pytest.mark.slow
def test_a_real_t2(shared_data: Path) -> None:
    """Axial T2 of an abdomen without a mask: a liver of a believable size, and its warnings."""
    scan = shared_data / "mr" / "cmb_crc" / "SCAN_001"
    series = read_mr(index_folder(scan / "t2_image").series[0])
    sequence = sequence_named(series.header.description)
    assert sequence is MrSequence.T2
    found = segment_mr(MrImage(series.grid, np.asarray(series.signal, np.float32), sequence))
    assert 2000 < found.liver.volume_ml < 3000  # seen by eye: a large liver that reaches the left flank
    assert "segmentation.mr-thick-slices" in {f.id for f in found.findings}


@pytest.mark.slow
def test_a_real_map_of_diffusion_is_refused(shared_data: Path) -> None:
    """By its name, and by its looks where the name is lost."""
    scan = shared_data / "mr" / "cmb_crc" / "SCAN_001"
    series = read_mr(index_folder(scan / "adc_image").series[0])
    with pytest.raises(SegmentationError, match="map"):
        sequence_named(series.header.description)
    with pytest.raises(SegmentationError, match="no liver"):
        segment_mr(MrImage(series.grid, np.asarray(series.signal, np.float32)))


@pytest.mark.slow
def test_a_real_t1_with_labels_of_a_model(shared_data: Path) -> None:
    """A cut view, T1 with bright fat: another contrast than the two that are known, so a lower bar."""
    folder = shared_data / "ct" / "totalseg_small"
    image = SimpleITK.ReadImage(str(folder / "example_mr_sm.nii.gz"))
    labels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(folder / "example_seg_mr.nii.gz")))
    grid = Grid(labels.shape, image.GetSpacing(), image.GetOrigin())
    found = segment_mr(MrImage(grid, SimpleITK.GetArrayFromImage(image)))
    assert dice(found.liver.voxels, labels == 5) > 0.8
    said = {f.id for f in found.findings}
    assert {"segmentation.liver-cut", "segmentation.mr-sequence-guessed"} <= said
