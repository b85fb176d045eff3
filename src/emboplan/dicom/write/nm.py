"""Nuclear medicine images: a reconstructed SPECT, and planar views from the front and the back.

Both are multi-frame NM images. Counts that are whole and fit 16 bits are stored as they are. Others are
scaled so that the highest count takes the highest stored number; the step stands in a real world value
mapping (which the standard foresees) and as RescaleSlope (which many readers of NM apply), the same number
in both. The posterior view is stored as its detector sees it, left and right exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.tag import Tag
from pydicom.uid import NuclearMedicineImageStorage

from emboplan.dicom.write.encode import (
    UINT16_MAX,
    CodedTerm,
    add_frame_of_reference,
    add_pixel_layout,
    code_item,
    content_digest,
    decimal,
    decimals,
    frame_of_reference,
    image_orientation,
    image_position,
    new_object,
    pixel_spacing,
    save,
    scale_to_uint16,
)
from emboplan.dicom.write.identity import NewSeries, StudyIdentity
from emboplan.errors import ModelRangeError
from emboplan.model.image import CountImage, PlanarPair

BITS = 16
COUNTS = CodedTerm("{counts}", "UCUM", "counts")
TECHNETIUM_99M = "_99mTechnetium"  # pydicom's keyword in context group 18
MILLISECONDS_PER_SECOND = 1000.0
BODY_PART = "CHESTABDOMEN"  # DICOM PS3.16 annex L: the liver, and the lungs for the shunt
INTEGER_STRING_MAX = int(np.iinfo(np.int32).max)  # DICOM PS3.5 section 6.2, value representation IS

# Rows and columns of a view from the front: to the patient's left, and to the feet. From the back, rows run
# to the patient's right.
ANTERIOR_ORIENTATION = ("1", "0", "0", "0", "0", "-1")
POSTERIOR_ORIENTATION = ("-1", "0", "0", "0", "0", "-1")


@dataclass(frozen=True, slots=True)
class EnergyWindow:
    """Photon energies that were counted."""

    name: str
    lower_kev: float
    upper_kev: float

    def __post_init__(self) -> None:
        """Check the order of the limits."""
        if not 0 < self.lower_kev < self.upper_kev:
            raise ModelRangeError(
                f"energy window {self.name} runs from {self.lower_kev:g} to {self.upper_kev:g} keV; "
                "expected a lower limit above 0 and below the upper limit"
            )

    @classmethod
    def around(cls, name: str, peak_kev: float, width_frac: float) -> EnergyWindow:
        """A window of a full width, given as a fraction of the energy of its middle.

        >>> EnergyWindow.around("photopeak", 140.0, 0.2)
        EnergyWindow(name='photopeak', lower_kev=126.0, upper_kev=154.0)
        """
        half_kev = peak_kev * width_frac / 2
        return cls(name, peak_kev - half_kev, peak_kev + half_kev)


@dataclass(frozen=True, slots=True)
class Acquisition:
    """What was injected and what was counted.

    `agent` and `radionuclide` are codes of DICOM context groups 25 and 18. The scatter window is needed
    where planar views have scatter frames.
    """

    agent: CodedTerm
    radionuclide: CodedTerm
    photopeak: EnergyWindow
    scatter: EnergyWindow | None = None
    administered_mbq: float | None = None


def tc99m_maa(
    photopeak: EnergyWindow, scatter: EnergyWindow | None = None, administered_mbq: float | None = None
) -> Acquisition:
    """A scan with Tc-99m macroaggregated albumin; codes from DICOM context groups 25 and 18."""
    return Acquisition(
        agent=CodedTerm.of(codes.cid25.TechnetiumTc99mAggregatedAlbumin),
        radionuclide=CodedTerm.of(getattr(codes.cid18, TECHNETIUM_99M)),
        photopeak=photopeak,
        scatter=scatter,
        administered_mbq=administered_mbq,
    )


def write_spect(
    image: CountImage, path: Path, identity: StudyIdentity, series: NewSeries, acquisition: Acquisition
) -> Path:
    """Write a reconstructed SPECT (RECON TOMO), one frame for each slice in array order.

    The corrections that the image is known to have are named; that one was not made cannot be said in DICOM.
    The frame of reference is the grid's, or one that belongs to the series.

    Raises:
        OutputError: the file cannot be written.
    """
    stored, step = scale_to_uint16(image.counts, keep_whole=True)
    frames, rows, columns = image.grid.shape
    dataset = _nm_object("RECON TOMO", stored, step, identity, series, acquisition)
    add_frame_of_reference(dataset, frame_of_reference(image.grid, series))
    add_pixel_layout(dataset, rows, columns, bits=BITS)
    done = {"ATTN": image.attenuation_corrected, "SCAT": image.scatter_corrected}
    if any(done.values()):
        dataset.CorrectedImage = [name for name, was_done in done.items() if was_done]
    spacing_mm = decimal(image.grid.spacing_mm[2])
    dataset.PixelSpacing = pixel_spacing(image.grid)
    dataset.SliceThickness = spacing_mm
    dataset.SpacingBetweenSlices = spacing_mm  # positive: slices follow the normal of the first frame
    dataset.NumberOfFrames = str(frames)
    dataset.FrameIncrementPointer = Tag("SliceVector")
    dataset.SliceVector = list(range(1, frames + 1))
    dataset.NumberOfSlices = frames
    dataset.NumberOfEnergyWindows = 1
    dataset.NumberOfDetectors = 1
    dataset.NumberOfRotations = 1
    dataset.RotationInformationSequence = []
    dataset.TypeOfDetectorMotion = ""
    detector = Dataset()
    detector.CollimatorType = ""
    detector.ImagePositionPatient = image_position(image.grid)
    detector.ImageOrientationPatient = image_orientation(image.grid)
    dataset.DetectorInformationSequence = [detector]
    dataset.EnergyWindowInformationSequence = [_window_item(acquisition.photopeak)]
    return save(dataset, path)


def write_planar(
    pair: PlanarPair,
    path: Path,
    identity: StudyIdentity,
    series: NewSeries,
    acquisition: Acquisition,
    *,
    whole_body: bool = False,
) -> Path:
    """Write anterior and posterior views as one image (STATIC, or WHOLE BODY), scatter frames after them.

    Frames run over the energy windows and, in each, over anterior and posterior.

    Raises:
        ModelRangeError: there are scatter views of one side only, or no scatter window is named for them.
        OutputError: the file cannot be written.
    """
    views, windows = _views(pair, acquisition)
    stored, step = scale_to_uint16(views, keep_whole=True)
    frames, rows, columns = views.shape
    kind = "WHOLE BODY" if whole_body else "STATIC"
    dataset = _nm_object(kind, stored, step, identity, series, acquisition)
    add_pixel_layout(dataset, rows, columns, bits=BITS)
    x_mm, y_mm = pair.pixel_mm
    dataset.PixelSpacing = decimals((y_mm, x_mm))
    if whole_body:
        dataset.ScanLength = str(round(rows * y_mm))
        dataset.ScanVelocity = None
    if pair.duration_s is not None:
        dataset.ActualFrameDuration = str(round(pair.duration_s * MILLISECONDS_PER_SECOND))
    dataset.NumberOfFrames = str(frames)
    dataset.FrameIncrementPointer = [Tag("EnergyWindowVector"), Tag("DetectorVector")]
    dataset.EnergyWindowVector = [window + 1 for window in range(len(windows)) for _ in range(2)]
    dataset.DetectorVector = [1, 2] * len(windows)
    dataset.NumberOfEnergyWindows = len(windows)
    dataset.NumberOfDetectors = 2
    dataset.DetectorInformationSequence = [
        _detector_item(codes.cid26.AnteriorProjection, ANTERIOR_ORIENTATION),
        _detector_item(codes.cid26.PosteriorProjection, POSTERIOR_ORIENTATION),
    ]
    dataset.EnergyWindowInformationSequence = [_window_item(window) for window in windows]
    return save(dataset, path)


def _views(
    pair: PlanarPair, acquisition: Acquisition
) -> tuple[NDArray[np.float32], tuple[EnergyWindow, ...]]:
    views = [pair.anterior, pair.posterior[:, ::-1]]
    windows = [acquisition.photopeak]
    scatter = (pair.scatter_anterior, pair.scatter_posterior)
    if scatter[0] is not None and scatter[1] is not None:
        if acquisition.scatter is None:
            raise ModelRangeError("the views have scatter frames; name the energy window of their counts")
        views += [scatter[0], scatter[1][:, ::-1]]
        windows.append(acquisition.scatter)
    elif scatter[0] is not None or scatter[1] is not None:
        raise ModelRangeError("only one side has a scatter view; give both or none")
    return np.stack(views), tuple(windows)


def _nm_object(
    kind: str,
    stored: NDArray[np.uint16],
    step: float,
    identity: StudyIdentity,
    series: NewSeries,
    acquisition: Acquisition,
) -> Dataset:
    digest = content_digest(stored) + decimal(step)
    dataset = new_object(NuclearMedicineImageStorage, "NM", identity, series, digest)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", kind, "EMISSION"]
    dataset.BodyPartExamined = BODY_PART
    dataset.PatientOrientationCodeSequence = [_supine_item()]
    dataset.PatientGantryRelationshipCodeSequence = [code_item(codes.cid21.Headfirst)]
    dataset.RadiopharmaceuticalInformationSequence = [_radiopharmaceutical_item(acquisition)]
    counts = round(float(stored.sum(dtype=np.uint64)) * step)
    dataset.CountsAccumulated = str(counts) if counts <= INTEGER_STRING_MAX else ""
    dataset.PixelData = stored.tobytes()
    if step != 1:
        _add_scaling(dataset, step)
    return dataset


def _add_scaling(dataset: Dataset, step: float) -> None:
    dataset.RescaleIntercept = "0"
    dataset.RescaleSlope = decimal(step)
    item = Dataset()
    item.RealWorldValueIntercept = 0.0
    item.RealWorldValueSlope = step
    item.RealWorldValueFirstValueMapped = 0
    item.RealWorldValueLastValueMapped = UINT16_MAX
    item.LUTExplanation = "Counts"
    item.LUTLabel = "COUNTS"
    item.MeasurementUnitsCodeSequence = [COUNTS.item]
    dataset.RealWorldValueMappingSequence = [item]


def _supine_item() -> Dataset:
    item = code_item(codes.cid19.Recumbent)
    item.PatientOrientationModifierCodeSequence = [code_item(codes.cid20.Supine)]
    return item


def _detector_item(view: Code, orientation: tuple[str, ...]) -> Dataset:
    item = Dataset()
    item.CollimatorType = ""
    item.ImagePositionPatient = None
    item.ImageOrientationPatient = list(orientation)
    item.ViewCodeSequence = [code_item(view)]
    return item


def _window_item(window: EnergyWindow) -> Dataset:
    limits = Dataset()
    limits.EnergyWindowLowerLimit = decimal(window.lower_kev)
    limits.EnergyWindowUpperLimit = decimal(window.upper_kev)
    item = Dataset()
    item.EnergyWindowName = window.name
    item.EnergyWindowRangeSequence = [limits]
    return item


def _radiopharmaceutical_item(acquisition: Acquisition) -> Dataset:
    item = Dataset()
    item.Radiopharmaceutical = acquisition.agent.meaning
    item.RadiopharmaceuticalCodeSequence = [acquisition.agent.item]
    item.RadionuclideCodeSequence = [acquisition.radionuclide.item]
    item.RadiopharmaceuticalRoute = ""
    if acquisition.administered_mbq is not None:
        item.RadionuclideTotalDose = decimal(acquisition.administered_mbq)  # NM counts it in MBq, PET in Bq
    return item
