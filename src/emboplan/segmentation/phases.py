"""Lesions of several CT phases as one set: each once, with the phases in which it was seen.

All phases lie on the grid of the first one. Two lesions of two phases are one where they overlap well, or
where their middles are nearer than a registration is wrong. Such a lesion keeps one contour, that of the
phase in which it stands out most from the liver around it against that phase's noise. A union of contours
would be larger than the lesion by whatever the registration is off, and by the noise of both; one contour may
be displaced by it but keeps its volume. A lesion of one phase alone is added as it was seen there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan import catalog as catalogue
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import CtImage
from emboplan.model.mask import Box, LabelMap, Mask
from emboplan.segmentation.lesion_surface import by_volume
from emboplan.segmentation.shape import boxes, distance_mm
from emboplan.segmentation.spread import robust_sd
from emboplan.segmentation.working import Bools
from emboplan.units import PERCENT

LIKELY_LOW_ID = "segmentation.burden-likely-low"
FUSED_ID = "segmentation.phases-fused"
ONE_PHASE_ID = "segmentation.lesions-one-phase"

# Two lesions are one where they share so much of the smaller one, or where their middles lie within its
# radius and this distance: what a rigid registration of a liver leaves.
SAME_FRAC = 0.25
SAME_MM = 5.0

# What is left of a lesion that runs into others must be most of it; less is the same lesion, displaced.
LEFT_FRAC = 0.5

# Another phase's contour is taken where the lesion stands out by so much more there; at less, the contour
# stays that of the first phase, on whose image the rest of the plan is made.
CLEARER = 1.5

# Liver around a lesion with which it is compared.
RING_MM = (3.0, 8.0)


@dataclass(frozen=True, slots=True, eq=False)
class PhaseLesions:
    """A phase by name: its image and its lesions, both on the grid of the first phase."""

    name: str
    ct: CtImage
    lesions: LabelMap


@dataclass(frozen=True, slots=True)
class SeenLesion:
    """A lesion of the fused set: its label, volume, the phases that show it, and whose contour it has."""

    label: int
    volume_ml: float
    phases: tuple[str, ...]
    contour_of: str


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """The lesions of all phases, numbered by volume, and where each was seen."""

    lesions: LabelMap
    seen: tuple[SeenLesion, ...]
    findings: tuple[Finding, ...]


@dataclass(slots=True, eq=False)
class _Entry:
    """A lesion while phases are added: its contour in its own box, how clear it is there, and where seen."""

    box: Box
    own: Bools
    clear: float
    phases: list[str]
    contour_of: str


def fuse_phases(liver: Mask, phases: Sequence[PhaseLesions]) -> Fused:
    """The lesions of all `phases`, the first of them leading; contours are cut to `liver`.

    Raises:
        GeometryError: a phase lies on another grid.
    """
    grid = liver.grid
    for phase in phases:
        grid.require_same(phase.ct.grid, f"liver and {phase.name} CT")
        grid.require_same(phase.lesions.grid, f"liver and {phase.name} lesions")
    entries: list[_Entry] = []
    for phase in phases:
        _add(entries, _entries(phase, liver), liver)
    labels = np.zeros(grid.shape, np.int32)
    for number, entry in enumerate(entries, start=1):
        view = labels[entry.box]
        view[entry.own & (view == 0)] = number
    ordered = by_volume(labels)
    sizes = np.bincount(ordered.ravel(), minlength=len(entries) + 1)
    seen = []
    for number, entry in enumerate(entries, start=1):
        where = labels[entry.box] == number
        if where.any():
            label = int(ordered[entry.box][where][0])
            volume_ml = float(sizes[label]) * grid.voxel_ml
            seen.append(SeenLesion(label, volume_ml, tuple(entry.phases), entry.contour_of))
    seen.sort(key=lambda one: one.label)
    return Fused(LabelMap(grid, ordered), tuple(seen), _said(seen, [phase.name for phase in phases]))


def burden_likely_low(catalog: catalogue.Catalog | None = None) -> Finding:
    """What a burden from one CT phase must say: CT misses lesions that MRI shows."""
    numbers = catalog or catalogue.load()
    arterial, portal = (numbers.sourced(f"lesion_seen.ct_{name}") for name in ("arterial", "portal_venous"))
    text = (
        "The burden is from one CT phase and likely low: of the liver metastases of neuroendocrine tumours, "
        f"{PERCENT * arterial.number:.0f} % were seen in the arterial and {PERCENT * portal.number:.0f} % in "
        f"the portal-venous phase, and most on MRI ({arterial.status.value})."
    )
    return Finding(LIKELY_LOW_ID, Severity.INFO, text, "lesion_seen.ct_arterial")


def _entries(phase: PhaseLesions, liver: Mask) -> list[_Entry]:
    """The lesions of one phase inside the liver, and how far each stands out."""
    spacing = liver.grid.spacing_zyx_mm
    labels = np.where(liver.voxels, phase.lesions.labels, 0).astype(np.int32)
    normal = liver.voxels & (labels == 0)
    noise = max(robust_sd(phase.ct.hu[normal].astype(np.float32)), 1.0) if normal.any() else 1.0
    found = []
    for number, box in boxes(labels, RING_MM[1], spacing):
        own = labels[box] == number
        away = distance_mm(own, spacing)
        ring = normal[box] & (away > RING_MM[0]) & (away <= RING_MM[1])
        hu = phase.ct.hu[box]
        contrast = abs(float(np.median(hu[own])) - float(np.median(hu[ring]))) if ring.any() else 0.0
        found.append(_Entry(box, own, contrast / noise, [phase.name], phase.name))
    return found


def _add(entries: list[_Entry], more: list[_Entry], liver: Mask) -> None:
    """Add the lesions of a further phase: known ones are marked as seen, others are appended."""
    shape, spacing = liver.grid.shape, np.array(liver.grid.spacing_zyx_mm)
    known = np.zeros(shape, np.int32)
    for number, entry in enumerate(entries, start=1):
        known[entry.box][entry.own] = number
    middles = np.array([_middle(entry, spacing) for entry in entries]).reshape(-1, 3)
    sizes = np.array([float(entry.own.sum()) for entry in entries])
    first = len(entries)
    claims: dict[int, list[_Entry]] = {}
    for entry in more:
        partners = _partners(entry, known[entry.box], middles, sizes, spacing)
        for number in partners:
            claims.setdefault(number, []).append(entry)
        if partners:
            continue
        left = entry.own & (known[entry.box] == 0)
        if first == 0 or left.sum() > LEFT_FRAC * entry.own.sum():
            entry.own = left
            entries.append(entry)
    for number, several in claims.items():
        entry = entries[number]
        name = several[0].contour_of
        entry.phases.append(name)
        # One for one only: a contour that holds two lesions, or half of one, is no better contour.
        alone = len(several) == 1 and sum(several[0] in other for other in claims.values()) == 1
        if alone and several[0].clear > CLEARER * entry.clear:
            better = several[0]
            taken = np.isin(known[better.box], [0, number + 1])
            entry.box, entry.own = better.box, better.own & taken
            entry.clear, entry.contour_of = better.clear, name


def _partners(
    entry: _Entry,
    known: NDArray[np.int32],
    middles: NDArray[np.float64],
    sizes: NDArray[np.float64],
    spacing: NDArray[np.float64],
) -> list[int]:
    """Indices of the known lesions that this one is."""
    size = float(entry.own.sum())
    shared = np.bincount(known[entry.own], minlength=len(sizes) + 1)[1:]
    least = np.minimum(sizes, size)
    away = np.linalg.norm(middles - _middle(entry, spacing), axis=1) if len(sizes) else np.zeros(0)
    radius = (3 * least * float(np.prod(spacing)) / (4 * np.pi)) ** (1 / 3)
    same = (shared >= SAME_FRAC * least) | (away <= np.minimum(SAME_MM, radius))
    return [int(n) for n in np.flatnonzero(same)]


def _middle(entry: _Entry, spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    start = np.array([part.start for part in entry.box], np.float64)
    return (start + np.array(ndimage.center_of_mass(entry.own))) * spacing


def _said(seen: Sequence[SeenLesion], names: Sequence[str]) -> tuple[Finding, ...]:
    if len(names) < 2:
        return ()
    parts = []
    for name in names:
        shown = [str(one.label) for one in seen if name in one.phases]
        parts.append(f"{name}: {', '.join(shown) if shown else 'none'}")
    found = [Finding(FUSED_ID, Severity.INFO, f"Lesions seen in each phase: {'; '.join(parts)}.")]
    later = [one for one in seen if names[0] not in one.phases]
    if later:
        listed = "; ".join(f"{one.label} ({one.volume_ml:.1f} mL, {', '.join(one.phases)})" for one in later)
        text = f"Lesions not seen on the {names[0]} CT, added from another phase: {listed}; look at them."
        found.append(Finding(ONE_PHASE_ID, Severity.WARNING, text))
    return tuple(found)
