"""The lung shunt of a study: by every method that its scans allow, on every scale.

SPECT/CT and planar views are measured side by side; one of them is the answer, the others stand beside it
with their own bias. What cannot be measured is said in a finding; it is an error only where nothing else can.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from emboplan.catalog.load import Catalog, load
from emboplan.dicom.read.nuclear import PlanarSeries
from emboplan.dosimetry.uptake.lung_shunt import CT_MASS, ENTERED_MASS, with_lung_dose
from emboplan.errors import InputError, MaskError
from emboplan.measure.lung_mass import lung_mass_g as mass_from_ct
from emboplan.model.anatomy import Anatomy
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import CountImage, PlanarPair
from emboplan.model.results.shunt import LungShunt, ShuntEstimate, ShuntMethod
from emboplan.workflow.planning.uptake import ScanRegions, measured_shunt, scan_regions
from emboplan.workflow.shunting.planar_scan import CtContours, MeasuredPlanar, PlanarRequest, measured_planar
from emboplan.workflow.shunting.shunt_inputs import (
    ShuntRequest,
    StudyScans,
    study_anatomy,
    study_index,
    study_scans,
)

Progress = Callable[[str, float], None]

# The methods in the order in which one is taken where none is asked for: that of the least bias first.
METHODS = (ShuntMethod.SPECT_CT, ShuntMethod.PLANAR_GM, ShuntMethod.ANTERIOR)

FROM_CT = "ct"  # what stands in place of a lung mass that the CT's density gives


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredLungShunt:
    """The result, and what it was measured on, for a picture."""

    shunt: LungShunt
    planar: MeasuredPlanar | None
    spect: ScanRegions | None


def lung_shunt(
    series: str | Path | CountImage | PlanarPair | PlanarSeries,
    *,
    ct: str | Path | Anatomy | None = None,
    method: str | None = None,
    liver: str | None = None,
    lungs: str | None = None,
    regions: str | Path | None = None,
    regions_from_behind: bool = False,
    first_pixel_mm: tuple[float, float] | None = None,
    background: bool | None = None,
    scatter: bool | None = None,
    dome_margin_mm: float = 0.0,
    resolution_fwhm_mm: float | None = None,
    lung_mass_g: float | str | None = None,
    k_gy_kg_per_gbq: float | None = None,
    catalog: Catalog | None = None,
    progress: Progress | None = None,
) -> LungShunt:
    """The lung shunt fraction of an MAA study by each method that it allows, with the lung dose per GBq.

    `series` is a folder or file with a reconstructed SPECT, with planar views, or with both; or the image
    itself. `ct` is a CT (its liver and lungs are found, unless `liver` and `lungs` give masks) or an anatomy;
    without one the CT in the folder of `series` is used. `method` is ``spect-ct``, ``planar-gm`` or
    ``anterior``; by default the first of them that can be measured. The others stand in `other_methods`.

    For planar views `regions` is a label image on their pixels (1 lung, 2 liver, 3 background), else the CT
    is projected: at `first_pixel_mm` (x, z), at the header's place, or where it fits the counts. `scatter`
    and `background` are taken off where the study has them, unless True or False says so. Lung within
    `dome_margin_mm` of the liver can be left out and inferred.

    `lung_mass_g` is a number, ``"ct"`` for the mass by CT density, or None for the catalogue's 1 kg. Whatever
    is used, `scales` holds the dose on each scale with the limits that belong to it.

    Raises:
        InputError: no method can be measured, or not the one asked for; the message says why.
    """
    planar = PlanarRequest(
        regions=None if regions is None else Path(regions),
        from_behind=regions_from_behind,
        first_pixel_mm=first_pixel_mm,
        background=background,
        scatter=scatter,
        dome_margin_mm=dome_margin_mm,
    )
    request = ShuntRequest(
        method=None if method is None else shunt_method(method),
        liver=liver,
        lungs=lungs,
        planar=planar,
        resolution_fwhm_mm=resolution_fwhm_mm,
        lung_mass_g=lung_mass_g,
        k_gy_kg_per_gbq=k_gy_kg_per_gbq,
    )
    return measure_lung_shunt(series, ct, request, catalog=catalog, progress=progress).shunt


def shunt_method(name: str) -> ShuntMethod:
    """The method of that name; `InputError` for another, and for a shunt that is entered, not measured."""
    known = {method.value: method for method in METHODS}
    if name not in known:
        raise InputError(f'method "{name}" is unknown; expected {", ".join(known)}')
    return known[name]


def measure_lung_shunt(
    series: str | Path | CountImage | PlanarPair | PlanarSeries,
    ct: str | Path | Anatomy | None,
    request: ShuntRequest,
    *,
    catalog: Catalog | None = None,
    progress: Progress | None = None,
) -> MeasuredLungShunt:
    """As `lung_shunt`, with the views and regions that a picture shows."""
    numbers = catalog or load()
    index = study_index(series, progress)
    scans = study_scans(series, index, request)
    anatomy, findings = study_anatomy(series, index, ct, request, scans, progress)
    findings = (*scans.findings, *findings)
    estimates: dict[ShuntMethod, ShuntEstimate] = {}
    failed: dict[ShuntMethod, str] = {}
    spect, planar = None, None
    if scans.spect is not None:
        spect, notes = _measure_spect(scans.spect, anatomy, estimates, failed, numbers)
        findings += notes
    if scans.planar is not None:
        contours = None if anatomy is None else ct_contours(anatomy)
        try:
            planar = measured_planar(scans.planar, contours, request.planar, numbers)
            estimates |= {estimate.method: estimate for estimate in planar.estimates}
        except InputError as error:
            failed |= dict.fromkeys((ShuntMethod.PLANAR_GM, ShuntMethod.ANTERIOR), str(error))
    chosen = _chosen(estimates, failed, request.method, scans)
    notes = tuple(
        Finding("shunt-not-measured", Severity.WARNING, f"Not measured by {what}: {why}.")
        for what, why in _once(failed)
    )
    main = estimates[chosen]
    main = replace(main, findings=(*findings, *notes, *main.findings))
    others = [estimates[method] for method in METHODS if method in estimates and method is not chosen]
    return MeasuredLungShunt(_with_dose(main, others, anatomy, request, numbers), planar, spect)


def ct_contours(anatomy: Anatomy) -> CtContours | None:
    """What planar views need of an anatomy; None where it has no lungs."""
    if anatomy.lungs is None or anatomy.lungs.is_empty:
        return None
    return CtContours(anatomy.liver, anatomy.lungs, anatomy.lungs_complete, anatomy.body)


def _measure_spect(
    scan: CountImage,
    anatomy: Anatomy | None,
    estimates: dict[ShuntMethod, ShuntEstimate],
    failed: dict[ShuntMethod, str],
    catalog: Catalog,
) -> tuple[ScanRegions | None, tuple[Finding, ...]]:
    """Put the SPECT's estimate into `estimates`, or the reason why there is none into `failed`."""
    if anatomy is None:
        failed[ShuntMethod.SPECT_CT] = "a SPECT needs a CT with the liver and the lungs; give one"
        return None, ()
    try:
        regions, notes = scan_regions(anatomy, scan)
    except MaskError as error:
        failed[ShuntMethod.SPECT_CT] = str(error)
        return None, ()
    found, why_not = measured_shunt(regions, lungs_complete=anatomy.lungs_complete, catalog=catalog)
    if found is None:
        reasons = [finding.text for finding in (*notes, *why_not)]
        failed[ShuntMethod.SPECT_CT] = " ".join(reasons).rstrip(".")
        return regions, ()
    estimates[ShuntMethod.SPECT_CT] = found
    return regions, notes


def _chosen(
    estimates: dict[ShuntMethod, ShuntEstimate],
    failed: dict[ShuntMethod, str],
    wanted: ShuntMethod | None,
    scans: StudyScans,
) -> ShuntMethod:
    """The method asked for, or the first that was measured; `InputError` says why there is none."""
    if wanted is None:
        measured = [method for method in METHODS if method in estimates]
        if measured:
            return measured[0]
        raise InputError(
            "no lung shunt can be measured: " + "; ".join(f"{what}: {why}" for what, why in _once(failed))
        )
    if wanted in estimates:
        return wanted
    if wanted in failed:
        raise InputError(f"no lung shunt by {wanted.value}: {failed[wanted]}")
    found = " and ".join(
        name
        for name, there in (("a SPECT", scans.spect), ("planar views", scans.planar))
        if there is not None
    )
    raise InputError(f"no lung shunt by {wanted.value}: the study holds {found}; choose another method")


def _once(failed: dict[ShuntMethod, str]) -> list[tuple[str, str]]:
    """Each reason once, with the methods that it holds for."""
    by_reason: dict[str, list[str]] = {}
    for method, why in failed.items():
        by_reason.setdefault(why.rstrip("."), []).append(method.value)
    return [(" and ".join(methods), why) for why, methods in by_reason.items()]


def _with_dose(
    main: ShuntEstimate,
    others: list[ShuntEstimate],
    anatomy: Anatomy | None,
    request: ShuntRequest,
    catalog: Catalog,
) -> LungShunt:
    """The estimates with the lung dose that they mean."""
    by_density = None
    if anatomy is not None and anatomy.lungs is not None and anatomy.lungs_complete:
        numbers = anatomy.ct.hu[anatomy.lungs.voxels]
        by_density = mass_from_ct(numbers, voxel_ml=anatomy.grid.voxel_ml, catalog=catalog)
    mass, source = request.lung_mass_g, ENTERED_MASS
    if isinstance(mass, str):
        if mass != FROM_CT:
            raise InputError(f'lung mass "{mass}" is not understood; expected grams or "{FROM_CT}"')
        if by_density is None:
            raise InputError("there is no CT of the whole lungs, so that their mass is not known; enter it")
        mass, source = by_density, CT_MASS
    return with_lung_dose(
        main,
        other_methods=others,
        k_gy_kg_per_gbq=request.k_gy_kg_per_gbq,
        lung_mass_g=mass,
        lung_mass_source=source,
        ct_lung_mass_g=by_density,
        catalog=catalog,
    )
