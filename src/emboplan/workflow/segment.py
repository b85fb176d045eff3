"""Segmentation of a CT or MR: the contours of a case, found or given, corrected, and who vouches for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from emboplan.catalog.load import Catalog
from emboplan.dicom.read.common import SeriesHeader
from emboplan.errors import InputError
from emboplan.measure.burden import measure_burden
from emboplan.measure.lesions import number_lesions
from emboplan.model.anatomy import Anatomy
from emboplan.model.finding import Finding
from emboplan.model.image import CtImage, MrImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.model.results.burden import Burden
from emboplan.segmentation.backends import BUILTIN, GIVEN, Backend, Contours, review_of
from emboplan.segmentation.builtin import segment_ct
from emboplan.segmentation.mr.segment import segment_mr
from emboplan.workflow.inputs import (
    ImageChoice,
    LoadedCt,
    LoadedMr,
    load_ct,
    load_image,
    load_lesions,
    load_mask,
    parse_mask_source,
)
from emboplan.workflow.screening.burden_limits import with_borderline
from emboplan.workflow.segmenting.correction_text import Asked, Given
from emboplan.workflow.segmenting.earlier import earlier_anatomy
from emboplan.workflow.segmenting.phases import Phase, phases_of, with_phases
from emboplan.workflow.segmenting.review_steps import confirmed, corrected
from emboplan.workflow.segmenting.totalsegmentator import TotalSegmentator

Progress = Callable[[str, float], None]

# Segmenters beside the built-in one.
OTHERS: tuple[Backend, ...] = (TotalSegmentator(),)
BACKENDS = (BUILTIN.name, *(backend.name for backend in OTHERS))


@dataclass(frozen=True, slots=True, eq=False)
class Segmented:
    """Contours on an image, what a DICOM object needs to refer to it, and what was noticed on reading it."""

    anatomy: Anatomy
    source: SeriesHeader | None
    findings: tuple[Finding, ...]


def segment(
    image: CtImage | MrImage,
    *,
    liver: Mask | None = None,
    lesions: LabelMap | Mask | None = None,
    phases: Sequence[CtImage] = (),
    plain: CtImage | None = None,
    backend: str = BUILTIN.name,
    include: Sequence[Given] = (),
    exclude: Sequence[Given] = (),
    include_tumour: Sequence[Given] = (),
    exclude_tumour: Sequence[Given] = (),
    confirmed_by: str | None = None,
    progress: Progress | None = None,
) -> Anatomy:
    """Liver (tumours included) and numbered lesions on a contrast CT or an MR; given masks stay as they are.

    On a CT the lungs too. An MR is T1 after contrast or T2, which its `sequence` tells or a guess does.
    Lesions that are given as one mask are numbered, the largest first. `backend` is ``builtin`` or
    ``totalsegmentator``; what is given, or what the backend does not draw, is not asked of it. `phases` are
    further contrast CTs of the patient, whose lesions are added, and `plain` an unenhanced one, which tells
    viable tumour; each is registered to the first and left out, with a finding, where that fails. Corrections
    follow: points ``(x, y, z)`` or ``(x, y, z, r)`` in mm (LPS), boxes, masks, or texts as on the command
    line. The result is provisional until `confirmed_by` names a reader.

    Raises:
        SegmentationError: no liver can be found in the image.
        GeometryError: a given mask lies on another grid.
        InputError: the reader's name is blank, a backend is unknown or missing, a correction cannot be made.
    """
    reader = None if confirmed_by is None else named_reader(confirmed_by)
    corrections = Asked(include, exclude, include_tumour, exclude_tumour).corrections(image.grid)
    numbered = number_lesions(lesions) if isinstance(lesions, Mask) else lesions
    drawn = _drawn(image, liver, numbered, _backend(backend), progress)
    fused = _with_phases(drawn, phases_of(phases, plain), progress)
    done = corrected(fused, corrections)
    if done is not fused:
        done = _with_phases(done, phases_of((), plain), progress)
    return confirmed(done, reader)


def _with_phases(
    anatomy: Anatomy, phases: Sequence[Phase | CtImage], progress: Progress | None = None
) -> Anatomy:
    """The contours with other phases and their viable part; an MR has none."""
    if not isinstance(anatomy.image, MrImage):
        return with_phases(anatomy, phases, progress=progress)
    if phases:
        raise InputError(
            "further phases are CTs laid on a CT; these contours lie on an MR; leave --phase out"
        )
    return anatomy


def _backend(name: str) -> Backend | None:
    """The segmenter of a name; None for the built-in one."""
    if name not in BACKENDS:
        raise InputError(f'there is no backend "{name}"; expected {" or ".join(BACKENDS)}')
    return next((other for other in OTHERS if other.name == name), None)


def _drawn(
    image: CtImage | MrImage,
    liver: Mask | None,
    lesions: LabelMap | None,
    backend: Backend | None,
    progress: Progress | None,
) -> Anatomy:
    """The contours: given, drawn by the backend, and what is left by the built-in segmentation."""
    found: Contours | None = None
    if backend is not None and isinstance(image, MrImage):
        raise InputError(f"{backend.name} draws on a CT only; leave --backend out, or give masks of the MR")
    if backend is not None and isinstance(image, CtImage) and (liver is None or lesions is None):
        found = backend(image, progress)
    liver_by, lesions_by = (BUILTIN if part is None else GIVEN for part in (liver, lesions))
    if found is not None and liver is None and found.liver is not None:
        liver, liver_by = found.liver, found.origin
    if found is not None and lesions is None and found.lesions is not None:
        lesions, lesions_by = found.lesions, found.origin
    if isinstance(image, MrImage):
        anatomy = segment_mr(image, liver=liver, lesions=lesions, progress=progress)
    else:
        anatomy = segment_ct(image, liver=liver, lesions=lesions, progress=progress)
    noticed = () if found is None else found.findings
    return replace(anatomy, review=review_of(liver_by, lesions_by), findings=noticed + anatomy.findings)


def named_reader(name: str) -> str:
    """The name of the reader who confirms contours; `InputError` when it is blank."""
    if not name.strip():
        raise InputError("the name of the confirming reader is blank; give a name, or leave it out")
    return name.strip()


def segment_series(
    path: Path,
    *,
    liver: str | None = None,
    tumours: str | None = None,
    phases: Sequence[Path] = (),
    plain: Path | None = None,
    backend: str = BUILTIN.name,
    refine: Path | None = None,
    asked: Asked | None = None,
    choice: ImageChoice | None = None,
    confirmed_by: str | None = None,
    progress: Progress | None = None,
) -> Segmented:
    """The contours of the CT or MR at a path; masks are given as ``FILE`` or ``FILE#LABEL``.

    `phases` and `plain` are further CTs of the patient, as in `segment`. With `refine` the contours of that
    earlier result are taken, as they are in its folder now, and only corrected. Errors as `segment` and
    `earlier_anatomy`.
    """
    asked = asked or Asked()
    if refine is not None and (liver is not None or tumours is not None or backend != BUILTIN.name):
        raise InputError(
            "--refine takes the contours of an earlier result, so that --liver, --tumours and --backend "
            "cannot go with it; leave them out, or correct with --include FILE and --exclude FILE"
        )
    reader = None if confirmed_by is None else named_reader(confirmed_by)
    loaded = load_image(path, choice, progress)
    others = _Others(
        tuple(load_ct(one, None, progress).image for one in phases),
        None if plain is None else load_ct(plain, None, progress).image,
    )
    if refine is not None:
        anatomy = earlier_anatomy(refine, loaded.image)
        anatomy = _with_phases(corrected(anatomy, asked.corrections(loaded.image.grid)), others.all, progress)
    else:
        anatomy = _segmented(loaded, liver, tumours, backend, asked, others, progress)
    return Segmented(confirmed(anatomy, reader), loaded.header, loaded.findings)


@dataclass(frozen=True, slots=True, eq=False)
class _Others:
    """Further CTs of the patient: contrast phases, and one without contrast agent."""

    phases: tuple[CtImage, ...]
    plain: CtImage | None

    @property
    def all(self) -> tuple[Phase | CtImage, ...]:
        """All of them, as `with_phases` takes them."""
        return phases_of(self.phases, self.plain)


def _segmented(
    loaded: LoadedCt | LoadedMr,
    liver: str | None,
    tumours: str | None,
    backend: str,
    asked: Asked,
    others: _Others,
    progress: Progress | None,
) -> Anatomy:
    grid = loaded.image.grid
    return segment(
        loaded.image,
        liver=None if liver is None else load_mask(parse_mask_source(liver), grid),
        lesions=None if tumours is None else load_lesions(parse_mask_source(tumours), grid),
        phases=others.phases,
        plain=others.plain,
        backend=backend,
        include=asked.include,
        exclude=asked.exclude,
        include_tumour=asked.include_tumour,
        exclude_tumour=asked.exclude_tumour,
        progress=progress,
    )


def measured_burden(segmented: Segmented, catalog: Catalog) -> Burden:
    """Volumes, burden and lesions of a segmented series, with what was noticed on reading it."""
    burden = measure_burden(segmented.anatomy, catalog=catalog)
    return with_borderline(replace(burden, findings=segmented.findings + burden.findings), catalog)
