"""Which image is read: CT or MR, by the folder, by the user's word, by a series' name."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from tests.segmentation.drawn_mr import T1, twin, write_mr
from tests.workflow import cases

from emboplan.dicom.index import index_folder
from emboplan.errors import DicomError, InputError, SegmentationError, SeriesChoiceError
from emboplan.files.nifti import write_volume
from emboplan.model.image import CtImage, Modality, MrImage, MrSequence
from emboplan.workflow.inputs import ImageChoice, load_ct, load_image

MR = twin(T1, None).mr


def folder_of(tmp_path: Path, *names: str) -> Path:
    """A folder of MR series with these names."""
    for number, name in enumerate(names):
        write_mr(tmp_path / f"MR{number}", MR, name)
    return tmp_path


def read(path: Path, choice: ImageChoice | None = None) -> MrImage:
    image = load_image(path, choice).image
    assert isinstance(image, MrImage)
    return image


@pytest.mark.parametrize(
    ("name", "sequence"),
    [("T1 VIBE fs portal", MrSequence.T1_POST), ("AX T2 HASTE", MrSequence.T2), ("abdomen", None)],
)
def test_a_folder_of_one_mr_is_read_as_mr(tmp_path: Path, name: str, sequence: MrSequence | None) -> None:
    """Its signal is what was written, its sequence what its name tells."""
    found = read(folder_of(tmp_path, name))
    assert found.sequence is sequence
    assert np.array_equal(np.rint(MR.signal), found.signal)


def test_a_contrast_agent_in_the_files_tells_t1_after_contrast(tmp_path: Path) -> None:
    """Where the name of a T1 series is silent about contrast, its files may name an agent."""
    folder = folder_of(tmp_path, "t1_vibe_fs_tra")
    assert read(folder).sequence is None
    for path in folder.rglob("*.dcm"):
        one = pydicom.dcmread(path)
        one.ContrastBolusAgent = "gadolinium"
        one.save_as(path)
    assert read(folder).sequence is MrSequence.T1_POST


def test_a_map_is_refused_unless_the_sequence_is_told(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "ADC map")
    with pytest.raises(SegmentationError, match="a map or a diffusion image"):
        load_image(folder)
    assert read(folder, ImageChoice.told(sequence="t2")).sequence is MrSequence.T2


def test_of_ct_and_mr_the_ct_is_taken_unless_asked(tmp_path: Path) -> None:
    """By modality, by sequence or by the series' UID."""
    folder = folder_of(tmp_path, "T2 HASTE")
    cases.write_ct(folder / "CT")
    assert isinstance(load_image(folder).image, CtImage)
    assert read(folder, ImageChoice.told(modality="mr")).sequence is MrSequence.T2
    assert read(folder, ImageChoice.told(sequence="t1-post")).sequence is MrSequence.T1_POST
    (uid,) = [series.series_uid for series in index_folder(folder).series if series.modality == "MR"]
    assert read(folder, ImageChoice(series_uid=uid)).sequence is MrSequence.T2
    with pytest.raises(DicomError, match="no CT series with a UID"):
        load_image(folder, ImageChoice(uid, Modality.CT))


def test_several_mr_series_are_listed(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "T1 VIBE portal", "T2 HASTE")
    with pytest.raises(SeriesChoiceError, match=r"2 MR series fit.*T1 VIBE portal.*T2 HASTE"):
        load_image(folder)


def test_a_folder_without_either_says_what_it_holds(tmp_path: Path) -> None:
    cases.write_scan(tmp_path / "spect.dcm")
    with pytest.raises(DicomError, match=r"no CT or MR series found.*NM"):
        load_image(tmp_path)


def test_a_file_is_a_ct_unless_an_mr_is_asked_for(tmp_path: Path) -> None:
    """Signal has no negative numbers: as a CT it is refused, with what to do."""
    path = tmp_path / "image.nii.gz"
    write_volume(path, MR.signal, MR.grid)
    with pytest.raises(InputError, match=r"no negative value.*--modality mr"):
        load_image(path)
    assert read(path, ImageChoice.told(modality="mr")).sequence is None
    assert read(path, ImageChoice.told(sequence="t2")).sequence is MrSequence.T2


def test_words_that_are_not_known_or_contradict(tmp_path: Path) -> None:
    for told, message in (
        ({"modality": "pet"}, '"pet" is no modality that can be segmented; expected ct or mr'),
        ({"sequence": "t1"}, '"t1" is no sequence that can be segmented; expected t1-post or t2'),
        ({"modality": "ct", "sequence": "t2"}, "a CT has no sequence t2"),
    ):
        with pytest.raises(InputError, match=message):
            ImageChoice.told(**told)


def test_what_needs_a_ct_refuses_a_folder_of_mr(tmp_path: Path) -> None:
    with pytest.raises(DicomError, match=r"holds an MR and no CT; this needs a CT"):
        load_ct(folder_of(tmp_path, "T2 HASTE"))
