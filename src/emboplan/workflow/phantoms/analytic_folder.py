"""An analytic case as a folder: CT, SPECT and planar views as DICOM, masks, its truth, and a case to plan."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from string import Template

from emboplan.catalog.load import Catalog
from emboplan.dicom.write.ct import write_ct_series
from emboplan.dicom.write.nm import Acquisition, EnergyWindow, tc99m_maa, write_planar, write_spect
from emboplan.dicom.write.seg import SegmentLabel
from emboplan.errors import CatalogError
from emboplan.files.nifti import write_labels, write_mask
from emboplan.model.mask import Mask
from emboplan.synthetic.analytic.case import AnalyticCase
from emboplan.synthetic.analytic.definition import AnalyticDefinition
from emboplan.workflow.phantoms.study import PhantomStudy, TrueContours, segment_label

TRUTH, CASE = "truth.json", "case.toml"
CT, NUCLEAR, MASKS = "CT", "MAA", "masks"
SEGMENTS, STRUCTURES = "segmentation.dcm", "structures.dcm"


def write_analytic_folder(
    case: AnalyticCase, definition: AnalyticDefinition, folder: Path, catalog: Catalog
) -> None:
    """Write everything of a case into an empty folder."""
    study = PhantomStudy(case.name, case.seed, f"{case.name}/{case.ct.grid.frame_of_reference_uid}")
    series = study.series(1, "CT")
    slices = write_ct_series(case.ct, folder / CT, study.identity, series)
    _write_nuclear(case, definition, folder / NUCLEAR, study)
    segments = list(_segments(case, catalog))
    if segments:
        contours = TrueContours.over(case.ct, slices, study, series)
        contours.write_segments(segments, folder / SEGMENTS, study.series(99, "True segmentation"))
        contours.write_structures(segments, folder / STRUCTURES, study.series(98, "True structures"))
    _write_masks(case, folder / MASKS)
    _write_case(case, folder / CASE, catalog)
    (folder / TRUTH).write_text(json.dumps(case.to_json(), indent=2) + "\n", encoding="utf-8")


def _write_nuclear(
    case: AnalyticCase, definition: AnalyticDefinition, folder: Path, study: PhantomStudy
) -> None:
    folder.mkdir()
    given = {injection.name: injection.injected_mbq for injection in definition.injections}
    for number, scan in enumerate(case.spect, start=1):
        series = study.series(10 + number, f"SPECT {scan.name}", hours=scan.hours)
        name = "spect.dcm" if len(case.spect) == 1 else f"spect_{number}.dcm"
        acquisition = _acquisition(definition, given[scan.injection])
        write_spect(scan.image, folder / name, study.identity, series, acquisition)
    if case.planar is not None:
        acquisition = _acquisition(definition, sum(given.values()))
        write_planar(
            case.planar, folder / "planar.dcm", study.identity, study.series(2, "Planar views"), acquisition
        )


def _acquisition(definition: AnalyticDefinition, injected_mbq: float) -> Acquisition:
    windows = definition.windows
    return tc99m_maa(
        EnergyWindow("photopeak", *windows.photopeak_kev),
        EnergyWindow("scatter", *windows.scatter_kev),
        injected_mbq,
    )


def _segments(case: AnalyticCase, catalog: Catalog) -> Iterator[tuple[SegmentLabel, Mask]]:
    """Liver, each tumour under its own name, and lungs."""
    if not case.liver.is_empty:
        yield segment_label(catalog, "liver"), case.liver
    for region in case.truth.regions:
        if region.role == "tumour":
            yield segment_label(catalog, "lesion", region.name), case.mask(region.name)
    if not case.lungs.is_empty:
        yield segment_label(catalog, "lungs"), case.lungs


def _write_masks(case: AnalyticCase, folder: Path) -> None:
    """All regions by number, and what planning asks for: liver, tumours, lungs."""
    folder.mkdir()
    write_labels(folder / "regions.nii.gz", case.regions)
    for name, mask in (("liver", case.liver), ("lungs", case.lungs)):
        if not mask.is_empty:
            write_mask(folder / f"{name}.nii.gz", mask)
    if case.lesions.numbers:
        write_labels(folder / "tumours.nii.gz", case.lesions)
    if len(case.truth.injections) > 1:
        organs = {region.name for region in case.truth.regions if region.role in ("liver", "tumour")}
        for injection in case.truth.injections:
            territory = case.mask(*(name for name in injection.activity_mbq if name in organs))
            write_mask(folder / f"{injection.name.replace(' ', '_')}.nii.gz", territory)


def _write_case(case: AnalyticCase, path: Path, catalog: Catalog) -> None:
    """The case file of the phantom, where there is one, with the density, ratios and shunts of its truth."""
    try:
        template = catalog.case_template(case.name)
    except CatalogError:
        return
    values = {"seed": str(case.seed)}
    values["liver_density"] = f"{next(r.g_per_ml for r in case.truth.regions if r.role == 'liver'):g}"
    for injection in case.truth.injections:
        side = injection.name.partition(" ")[0]
        values[f"{side}_to_normal"] = f"{injection.tumour_to_normal or 1:.9g}"
        values[f"{side}_lung_shunt"] = f"{injection.lung_shunt_frac or 0:.9g}"
    path.write_text(Template(template).substitute(values), encoding="utf-8")
