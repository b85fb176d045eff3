"""The images of a case as read: CT, scan and masks of territories, with digests and the readers' findings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emboplan.dicom.read.common import SeriesHeader
from emboplan.model.case import Case, ImageSources
from emboplan.model.finding import Finding
from emboplan.model.image import CountImage, CtImage
from emboplan.model.mask import Mask
from emboplan.model.plan import InputDigest
from emboplan.workflow.inputs import load_ct, load_mask, load_spect, mask_file
from emboplan.workflow.provenance import digest

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, eq=False)
class LoadedImages:
    """CT, scan and masks of territories as read, with digests of their files and what the readers said."""

    ct: CtImage
    header: SeriesHeader | None
    scan: CountImage | None
    territory_masks: tuple[Mask | None, ...]
    digests: tuple[InputDigest, ...]
    findings: tuple[Finding, ...]


def load_images(case: Case, images: ImageSources, progress: Progress) -> LoadedImages:
    """The images that a case names, and the digest of each input, the case file first."""
    ct = load_ct(images.ct, images.ct_series, progress)
    digests = [digest("ct", images.ct.name, ct.files)]
    if case.source.is_file():
        digests.insert(0, digest("case", case.source.name, [case.source]))
    for role, source in (("liver", images.liver), ("tumours", images.tumours)):
        if source is not None:
            digests.append(digest(role, str(source), [mask_file(source.path)]))
    if images.planar is not None:
        files = sorted(path for path in images.planar.rglob("*") if path.is_file())
        digests.append(digest("planar", images.planar.name, files))
    if images.planar_regions is not None:
        digests.append(digest("planar regions", images.planar_regions.name, [images.planar_regions]))
    masks = tuple(None if t.mask is None else load_mask(t.mask, ct.image.grid) for t in case.territories)
    for territory in case.territories:
        if territory.mask is not None:
            files = [mask_file(territory.mask.path)]
            digests.append(digest(f"territory {territory.name}", str(territory.mask), files))
    scan, findings = None, ct.findings
    if images.maa is not None:
        spect = load_spect(images.maa, images.maa_resolution_fwhm_mm, progress)
        scan, findings = spect.image, findings + spect.findings
        digests.append(digest("maa", images.maa.name, spect.files))
    for role, path in (("maa ct", images.maa_ct), ("segments", images.segments)):
        if path is not None:
            files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
            digests.append(digest(role, path.name, files))
    return LoadedImages(ct.image, ct.header, scan, masks, tuple(digests), findings)
