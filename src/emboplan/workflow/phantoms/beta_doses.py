"""Reference doses of an analytic case by the beta kernel of one medium, where geometry makes them a formula.

A point source spreads its energy over spheres around it. What a place takes from a region of even activity is
the part of each sphere around the place that lies in the region, summed over the shells of the kernel:

- between two planes the part is linear in the cosine, so that layers side by side follow in closed form.
  Media that differ in density alone have one curve against mass per area (g/mL mm), whatever their densities;
- two points inside a ball of radius R that are r apart: averaged over the ball, the part of the sphere of
  radius r that stays inside is ``1 - 3 r / (4 R) + r^3 / (16 R^3)``;
- farther than the range from every surface there is equilibrium.

Doses are to complete decay of the treatment, K times concentration per mass times that part; what leaves as
bremsstrahlung is not in them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from emboplan.dosimetry.beta.point_kernel import PointKernel, point_kernel
from emboplan.synthetic.analytic.truth import AnalyticTruth, RegionTruth

F64 = NDArray[np.float64]

MATERIAL = "liver"
# Regions whose densities agree to this share are one medium.
SAME_DENSITY = 1e-9
PROFILE_STEP_MM = 1.0  # between the places of a dose profile, finer than any image
ROUND = ("sphere", "sphere-ring")


def shells(kernel: PointKernel) -> tuple[F64, F64]:
    """Middle radius (mm) and share of the energy of each shell."""
    edges = kernel.radius_mm
    return np.asarray((edges[1:] + edges[:-1]) / 2, dtype=np.float64), kernel.energy_frac


def between_planes_frac(kernel: PointKernel, low_mm: float, high_mm: float) -> float:
    """Energy that a place takes from activity between two planes, at `low_mm` and `high_mm` from it.

    1 (less what escapes) is what it takes amid endless activity. Positions are signed, low below high.

    >>> round(between_planes_frac(point_kernel("Y-90"), 0.0, 1000.0), 2)  # on the surface of a half-space
    0.5
    """
    radius, share = shells(kernel)
    part = (np.clip(high_mm / radius, -1, 1) - np.clip(low_mm / radius, -1, 1)) / 2
    return float((share * part).sum())


def ball_mean_frac(kernel: PointKernel, radius_mm: float) -> float:
    """Energy of activity in a ball that stays in it: the mean over the ball."""
    radius, share = shells(kernel)
    ratio = np.minimum(radius / radius_mm, 2)
    return float((share * (1 - (2 + 1) / (2 * 2) * ratio + ratio**3 / 2**4)).sum())


def kernel_doses(truth: AnalyticTruth) -> dict[str, Any]:
    """Reference doses (Gy) of every ball, every region with equilibrium, and a stack of layers.

    The truth's `local_gy` of a region, K times its activity per mass, is the dose of equilibrium when nothing
    escapes.
    """
    kernel = point_kernel(truth.dose_nuclide, material=MATERIAL, density_g_per_ml=1.0)
    balls, even = [], []
    for region in truth.regions:
        reach = float(kernel.radius_mm[-1]) / region.g_per_ml
        if any(other.inside == region.name for other in truth.regions):
            continue
        if region.local_gy > 0 and min(region.size_mm) / 2 > reach:
            even.append({"name": region.name, "gy": region.local_gy * (1 - kernel.escaping_frac)})
        if region.inside and _alone_in_medium(truth, region, reach):
            balls.append(_ball(kernel, region, truth.region(region.inside).local_gy))
    out: dict[str, Any] = {
        "nuclide": truth.dose_nuclide,
        "medium": MATERIAL,
        "longest_range_g_mm_per_ml": float(kernel.radius_mm[-1]),
        "escaping_frac": kernel.escaping_frac,
        "equilibrium": even,
        "balls": [ball for ball in balls if ball["mean_gy"] > 0],
    }
    if any(region.shape == "layers" for region in truth.regions):
        out["layers"] = _layers(kernel, truth)
    return out


def _alone_in_medium(truth: AnalyticTruth, ball: RegionTruth, reach_mm: float) -> bool:
    """Whether a ball lies in one medium on all sides, as far as electrons get."""
    outer = truth.region(ball.inside)
    same = abs(outer.g_per_ml / ball.g_per_ml - 1) <= SAME_DENSITY
    if ball.shape not in ROUND or len(set(ball.size_mm)) != 1 or not same:
        return False
    radius, middle = ball.size_mm[0] / 2, np.array(ball.centre_mm)
    from_middle = np.abs(middle - np.array(outer.centre_mm))
    if outer.shape == "box":
        room = float((np.array(outer.size_mm) / 2 - from_middle).min())
    elif outer.shape in ROUND:
        room = min(outer.size_mm) / 2 - float(np.linalg.norm(from_middle))
    else:
        return False
    beside = [
        float(np.linalg.norm(middle - np.array(other.centre_mm))) - max(other.size_mm) / 2
        for other in truth.regions
        if other.inside == ball.inside and other.name != ball.name
    ]
    return min([room, *beside]) - radius >= reach_mm


def _ball(kernel: PointKernel, ball: RegionTruth, around_gy: float) -> dict[str, Any]:
    here = kernel.at_density(ball.g_per_ml)
    radius = ball.size_mm[0] / 2
    whole = 1 - kernel.escaping_frac
    mean, centre = ball_mean_frac(here, radius), float(here.within_frac(radius))
    return {
        "name": ball.name,
        "mean_gy": ball.local_gy * mean + around_gy * (whole - mean),
        "centre_gy": ball.local_gy * centre + around_gy * (whole - centre),
    }


def _layers(kernel: PointKernel, truth: AnalyticTruth) -> dict[str, Any]:
    """Dose along the axis through the layers, as far from their sides as electrons get."""
    stack = [region for region in truth.regions if region.shape == "layers"]
    first, last = stack[0], stack[-1]
    axis = int(np.argmax(np.abs(np.array(last.centre_mm) - np.array(first.centre_mm))))
    start = first.centre_mm[axis] - first.size_mm[axis] / 2
    faces = start + np.concatenate([[0.0], np.cumsum([r.size_mm[axis] for r in stack])])
    depth = np.concatenate([[0.0], np.cumsum([r.size_mm[axis] * r.g_per_ml for r in stack])])
    count = max(1, round(float(faces[-1] - faces[0]) / PROFILE_STEP_MM))
    places = faces[0] + (faces[-1] - faces[0]) / count * (np.arange(count) + 1 / 2)
    at = np.interp(places, faces, depth)
    dose = [
        sum(
            region.local_gy * between_planes_frac(kernel, float(low - here), float(high - here))
            for region, low, high in zip(stack, depth[:-1], depth[1:], strict=True)
            if region.local_gy > 0
        )
        for here in at
    ]
    return {
        "axis": "xyz"[axis],
        "position_mm": places.tolist(),
        "depth_g_mm_per_ml": at.tolist(),
        "gy": [float(gray) for gray in dose],
    }
