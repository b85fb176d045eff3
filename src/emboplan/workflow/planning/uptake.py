"""The uptake of each territory: lung shunt and tumour-to-normal ratio, as entered or as the MAA scan says.

What is entered decides; what is measured stands beside it. Measuring happens on the counts' own grid.

The masks of the CT come to the grid of the counts as fractional occupancies; the counts are never resampled.
The scan is used only where it lies in the frame of reference of the CT: an unregistered scan measures
something else.

The ratio of a plan is that of the filled lesions, whose mass the models take: concentration times mass is the
activity, and a ratio of the viable part with the mass of all would put too much into the tumour and too
little into the liver. Where the viable part is known its ratio is said beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emboplan.catalog.load import Catalog
from emboplan.dosimetry.uptake.lung_shunt import entered_shunt, spect_ct, with_lung_dose
from emboplan.dosimetry.uptake.tumour_uptake import tumour_to_normal
from emboplan.errors import MaskError, ModelRangeError
from emboplan.imaging.resample import mask_occupancy
from emboplan.model.anatomy import Anatomy
from emboplan.model.case import Territory
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import CountImage
from emboplan.model.results.shunt import LungShunt, ShuntEstimate
from emboplan.model.results.uptake import TumourToNormal
from emboplan.units import PERCENT
from emboplan.workflow.planning.settings import PlanNumbers
from emboplan.workflow.planning.territories import TreatedVolume
from emboplan.workflow.planning.treated import TerritoryInput

Share = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class ScanRegions:
    """A scan and the structures of the CT as shares of its voxels."""

    scan: CountImage
    liver: Share
    lungs: Share | None


def scan_regions(anatomy: Anatomy, scan: CountImage | None) -> tuple[ScanRegions | None, tuple[Finding, ...]]:
    """The structures on the scan's grid; None, and a finding, where the scan cannot be used."""
    if scan is None:
        return None, ()
    frames = (anatomy.grid.frame_of_reference_uid, scan.grid.frame_of_reference_uid)
    findings: tuple[Finding, ...] = ()
    if all(frames) and frames[0] != frames[1]:
        text = (
            "SPECT and CT do not share a frame of reference: nothing is measured on the SPECT. "
            'Let the plan register it (register = "rigid" under [images]), register it to the CT first '
            "(emboplan register), or use the CT of the SPECT/CT."
        )
        return None, (Finding("spect-not-registered", Severity.WARNING, text),)
    if not all(frames):
        text = "SPECT or CT states no frame of reference: they are taken as aligned, look at the pictures."
        findings = (Finding("spect-alignment-unknown", Severity.WARNING, text),)
    liver = mask_occupancy(anatomy.liver, scan.grid)
    if not liver.any():
        raise MaskError("the SPECT does not show the liver of the CT; check that both are of one patient")
    lungs = None if anatomy.lungs is None else mask_occupancy(anatomy.lungs, scan.grid)
    return ScanRegions(scan, liver, lungs), findings


def measured_shunt(
    regions: ScanRegions | None, *, lungs_complete: bool, catalog: Catalog
) -> tuple[ShuntEstimate | None, tuple[Finding, ...]]:
    """The lung shunt of the scan; None, and a finding, where the lungs are not seen whole."""
    if regions is None:
        return None, ()
    if regions.lungs is None or not regions.lungs.any() or not lungs_complete:
        text = "The CT does not show the whole lungs: no lung shunt is measured; enter lung_shunt_frac."
        return None, (Finding("shunt-not-measured", Severity.WARNING, text),)
    try:
        return spect_ct(regions.scan, regions.lungs, regions.liver, catalog=catalog), ()
    except (MaskError, ModelRangeError) as error:
        return None, (
            Finding("shunt-not-measured", Severity.WARNING, f"No lung shunt is measured: {error}."),
        )


def measured_ratio(
    regions: ScanRegions | None, volume: TreatedVolume
) -> tuple[TumourToNormal | None, tuple[Finding, ...]]:
    """The tumour-to-normal ratio of a territory on the scan; None, and a finding, where it cannot be had."""
    if regions is None or not volume.labels:
        return None, ()
    grid = regions.scan.grid
    normal = mask_occupancy(volume.normal, grid)
    lesions = {label: mask_occupancy(volume.lesions.mask(label), grid) for label in volume.labels}
    try:
        found = tumour_to_normal(regions.scan, lesions, normal)
    except (MaskError, ModelRangeError) as error:
        text = f"No tumour-to-normal ratio is measured in {volume.name}: {error}."
        return None, (Finding("uptake-not-measured", Severity.WARNING, text),)
    return found, tuple(_viable_ratio(regions.scan, volume, normal, found))


def _viable_ratio(
    scan: CountImage, volume: TreatedVolume, normal: Share, filled: TumourToNormal
) -> Iterator[Finding]:
    """The ratio of the viable part, where it is known and is not all of the lesions: for the reader only."""
    viable = volume.viable
    if viable is None or viable.is_empty or viable.voxel_count == volume.tumour.voxel_count:
        return
    share = mask_occupancy(viable, scan.grid)
    try:
        found = tumour_to_normal(scan, {volume.labels[0]: share}, normal)
    except (MaskError, ModelRangeError):  # too small for the scan: nothing to tell
        return
    text = (
        f"{volume.name}: in the viable part of the tumour ({viable.volume_ml:.3g} of "
        f"{volume.tumour.volume_ml:.3g} mL) the ratio reads {found.tumour_to_normal:.2f}, in the filled "
        f"lesions {filled.tumour_to_normal:.2f}. The plan uses the latter with the mass of the filled "
        "lesions, so that the activity in them is right."
    )
    yield Finding("uptake-viable", Severity.INFO, text)


@dataclass(frozen=True, slots=True, eq=False)
class TerritoryUptake:
    """What each territory is planned with, and what is known of shunt and ratio.

    `measured` is the shunt of the scan, `ratios` the ratios measured there by territory, `ratio` the only.
    """

    territories: tuple[TerritoryInput, ...]
    shunt: LungShunt | None
    measured: ShuntEstimate | None
    ratio: TumourToNormal | None
    ratios: Mapping[str, TumourToNormal]
    findings: tuple[Finding, ...]


def territory_uptake(
    volumes: Sequence[TreatedVolume],
    regions: ScanRegions | None,
    numbers: PlanNumbers,
    *,
    lungs_complete: bool,
    catalog: Catalog,
    planar: Sequence[ShuntEstimate] = (),
    ct_lung_mass_g: float | None = None,
) -> TerritoryUptake:
    """The shunt and the ratio of each territory: entered, else measured, else None with a finding.

    `planar` are the estimates from planar views, shown beside the others and taken where there is no
    SPECT/CT.
    """
    measured, findings = measured_shunt(regions, lungs_complete=lungs_complete, catalog=catalog)
    if measured is None and planar:
        measured, planar = planar[0], planar[1:]
    measured_frac = None if measured is None else measured.lung_shunt_frac
    territories: list[TerritoryInput] = []
    ratios: dict[str, TumourToNormal] = {}
    for volume in volumes:
        ratio, why_not = measured_ratio(regions, volume)
        findings += (*why_not, *(() if ratio is None else ratio.findings))
        if ratio is not None:
            ratios[volume.name] = ratio
        own = volume.territory
        territories.append(
            TerritoryInput(
                own,
                perfused_ml=volume.perfused.volume_ml,
                lesions_ml={label: volume.lesions.mask(label).volume_ml for label in volume.labels},
                lung_shunt_frac=measured_frac if own.lung_shunt_frac is None else own.lung_shunt_frac,
                tumour_to_normal=own.tumour_to_normal or _used_ratio(ratio),
                lesion_ratios=_lesion_ratios(own, volume.labels, ratio),
                volume=volume,
                physics=None if own.device is None else numbers.of_devices.get(own.device),
            )
        )
    findings += _differing_shunts(territories, measured)
    estimates = planar if measured is None else (measured, *planar)
    shunt = _lung_shunt(volumes, estimates, numbers, catalog, ct_lung_mass_g)
    if shunt is not None:
        findings += shunt.findings
    only = next(iter(ratios.values())) if len(ratios) == 1 else None
    return TerritoryUptake(tuple(territories), shunt, measured, only, ratios, findings)


def _differing_shunts(
    territories: Sequence[TerritoryInput], measured: ShuntEstimate | None
) -> tuple[Finding, ...]:
    """Territories whose entered shunt lies outside the interval of the measured one."""
    if measured is None:
        return ()
    low, high = measured.interval or (measured.lung_shunt_frac, measured.lung_shunt_frac)
    return tuple(
        Finding(
            "lung-shunt-differs",
            Severity.WARNING,
            f"{territory.name}: the lung shunt was entered as {entered * PERCENT:.3g} %, the scan says "
            f"{measured.lung_shunt_frac * PERCENT:.3g} % ({low * PERCENT:.3g} to {high * PERCENT:.3g} %). "
            "The entered one is used; check which is right.",
        )
        for territory in territories
        if (entered := territory.territory.lung_shunt_frac) is not None and not low <= entered <= high
    )


def _used_ratio(ratio: TumourToNormal | None) -> float | None:
    """The measured ratio that a plan uses: without the blur where that could be undone."""
    if ratio is None:
        return None
    corrected = ratio.tumour_to_normal_corrected
    return ratio.tumour_to_normal if corrected is None else corrected


def _lesion_ratios(
    own: Territory, labels: Sequence[int], ratio: TumourToNormal | None
) -> Mapping[int, float]:
    """The ratio of each lesion: entered, else measured where the scan can tell it, else that of all."""
    if own.lesion_ratios:
        unknown = sorted(set(own.lesion_ratios) - set(labels))
        if unknown:
            listed = ", ".join(map(str, labels)) or "none"
            raise MaskError(
                f'territory "{own.name}" holds no lesion {unknown[0]} of lesion_tumour_to_normal; '
                f"lesions inside it: {listed}"
            )
        return own.lesion_ratios
    if own.tumour_to_normal is not None or ratio is None:
        return {}
    found = {
        lesion.label: lesion.tumour_to_normal_corrected or lesion.tumour_to_normal
        for lesion in ratio.lesions
        if lesion.quantifiable
    }
    return {label: value for label, value in found.items() if value > 0}


def _lung_shunt(
    volumes: Sequence[TreatedVolume],
    measured: Sequence[ShuntEstimate],
    numbers: PlanNumbers,
    catalog: Catalog,
    ct_lung_mass_g: float | None,
) -> LungShunt | None:
    """The shunt that the plan uses, the other beside it; the highest of those entered stands for all."""
    fractions = [v.territory.lung_shunt_frac for v in volumes]
    entered = [fraction for fraction in fractions if fraction is not None]
    estimates = [entered_shunt(max(entered), catalog=catalog)] if entered else []
    estimates += measured
    if not estimates:
        return None
    return with_lung_dose(
        estimates[0],
        other_methods=estimates[1:],
        k_gy_kg_per_gbq=numbers.physics.k_gy_kg_per_gbq,
        lung_mass_g=numbers.physics.lung_mass_g,
        lung_mass_source=numbers.lung_mass_source,
        ct_lung_mass_g=ct_lung_mass_g,
        catalog=catalog,
    )
