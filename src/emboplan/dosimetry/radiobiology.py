"""Radiobiology: biologically effective dose, equivalent uniform dose, and curves of control and complication.

A source that decays where it lies gives its dose slowly, and sublethal damage is repaired meanwhile. With
mono-exponential repair, BED = D (1 + G D / (alpha/beta)), where G = T_rep / (T_rep + T_phys) compares the
half-time of repair with the half-life of the nuclide. G is for a source that stays: no washout, complete
decay. Absorbed doses of several injections add; their BEDs add *per injection*, since repair is complete
between them: the BED of a summed dose is not the sum (`bed_of_injections`).

Every parameter is an argument. Sets that a source names are in the catalogue (`parameters`); none of them was
fitted to microspheres in these tumours, and a complication curve has no sourced slope at all. Functions take
floats or arrays; those over voxels take the voxels' doses and, where wanted, weights of the same shape.

Sources: 3DOS and MGH codes for BED, G and EUBED; see the catalogue for each parameter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from emboplan import catalog as catalogue
from emboplan.dosimetry.arguments import Array, not_negative, plain, positive
from emboplan.errors import ModelRangeError
from emboplan.model.products import Sourced

DEFAULT_NUCLIDE = "Y-90"


class Curve(StrEnum):
    """The shape of a response curve."""

    LOGISTIC = "logistic"
    PROBIT = "probit"


@dataclass(frozen=True, slots=True)
class TissueParameters:
    """The catalogue's parameters of one tissue, each with its source and status."""

    name: str
    alpha_beta_gy: Sourced
    repair_half_time_h: Sourced
    alpha_per_gy: Sourced


def parameters(name: str, *, catalog: catalogue.Catalog | None = None) -> TissueParameters:
    """The parameter set of ``tumour``, ``liver`` or ``lung``; `CatalogError` for another name.

    >>> parameters("liver").alpha_beta_gy.number
    2.5
    """
    numbers = catalog or catalogue.load()
    alpha_beta, repair, alpha = (
        numbers.sourced(f"radiobiology.parameters.{name}.{key}")
        for key in ("alpha_beta", "repair_half_time", "alpha")
    )
    return TissueParameters(name, alpha_beta, repair, alpha)


# Biologically effective dose


def lea_catcheside(*, repair_half_time_h: ArrayLike, half_life_h: ArrayLike | None = None) -> float | Array:
    """The factor G of a source that decays completely where it is: T_rep / (T_rep + T_phys), from 0 to 1.

    The half-life is that of Y-90 unless given. A repair half-time of 0 gives G = 0: all damage is repaired.

    >>> round(lea_catcheside(repair_half_time_h=1.5, half_life_h=64.1), 5)
    0.02287
    """
    repair = not_negative(repair_half_time_h, "repair_half_time_h")
    physical = catalogue.load().nuclide(DEFAULT_NUCLIDE).half_life_h if half_life_h is None else half_life_h
    return plain(repair / (repair + positive(physical, "half_life_h")))


def bed(
    dose_gy: ArrayLike,
    *,
    alpha_beta_gy: ArrayLike,
    repair_half_time_h: ArrayLike,
    half_life_h: ArrayLike | None = None,
) -> float | Array:
    """Biologically effective dose (Gy) of one injection: D (1 + G D / (alpha/beta)).

    >>> round(bed(100.0, alpha_beta_gy=10.0, repair_half_time_h=1.5, half_life_h=64.1), 2)
    122.87
    """
    dose, alpha_beta = not_negative(dose_gy, "dose_gy"), positive(alpha_beta_gy, "alpha_beta_gy")
    g = lea_catcheside(repair_half_time_h=repair_half_time_h, half_life_h=half_life_h)
    return plain(dose * (1.0 + g * dose / alpha_beta))


def dose_for_bed(
    bed_gy: ArrayLike,
    *,
    alpha_beta_gy: ArrayLike,
    repair_half_time_h: ArrayLike,
    half_life_h: ArrayLike | None = None,
) -> float | Array:
    """The dose (Gy) of one injection that has this BED: the inverse of `bed`."""
    effective, alpha_beta = not_negative(bed_gy, "bed_gy"), positive(alpha_beta_gy, "alpha_beta_gy")
    g = lea_catcheside(repair_half_time_h=repair_half_time_h, half_life_h=half_life_h)
    # The root written without a difference of near numbers, and valid for G = 0.
    return plain(2 * effective / (1.0 + np.sqrt(1.0 + 2 * 2 * g * effective / alpha_beta)))


def bed_of_injections(
    doses_gy: ArrayLike,
    *,
    alpha_beta_gy: ArrayLike,
    repair_half_time_h: ArrayLike,
    half_life_h: ArrayLike | None = None,
) -> float | Array:
    """BED (Gy) of several injections into one tissue; the last axis of `doses_gy` is the injection.

    The sum of each injection's own BED, with repair complete between them. It is less than the BED of the
    summed dose.
    """
    doses = np.atleast_1d(not_negative(doses_gy, "doses_gy"))
    each = bed(
        doses, alpha_beta_gy=alpha_beta_gy, repair_half_time_h=repair_half_time_h, half_life_h=half_life_h
    )
    return plain(np.asarray(each).sum(axis=-1))


def eqd2(bed_gy: ArrayLike, *, alpha_beta_gy: ArrayLike) -> float | Array:
    """The dose in fractions of 2 Gy with this BED: BED / (1 + 2 / (alpha/beta)).

    >>> round(eqd2(248.6, alpha_beta_gy=2.5), 1)
    138.1
    """
    return plain(not_negative(bed_gy, "bed_gy") / (1.0 + 2.0 / positive(alpha_beta_gy, "alpha_beta_gy")))


# Equivalent uniform dose over voxels


def _voxels(values: ArrayLike, name: str, weights: ArrayLike | None) -> tuple[Array, Array]:
    """Values and weights of the voxels that count, flat."""
    amounts = np.atleast_1d(not_negative(values, name))
    given = np.ones(amounts.shape) if weights is None else weights
    shares = np.atleast_1d(not_negative(given, "weights"))
    if shares.shape != amounts.shape:
        raise ModelRangeError(f"weights have shape {shares.shape}; {name} has {amounts.shape}")
    counted = shares > 0
    if not counted.any():
        raise ModelRangeError(f"{name} holds no voxel that counts; expected at least one")
    return amounts[counted], shares[counted]


def geud(dose_gy: ArrayLike, *, exponent: float, weights: ArrayLike | None = None) -> float:
    """Generalised equivalent uniform dose (Gy) over voxels: (mean of D^a)^(1/a).

    a = 1 is the mean (a parallel organ such as the liver), a large a comes to the maximum, a very negative
    one to the minimum. With a negative exponent a voxel without dose makes it 0.

    >>> round(geud([40.0, 60.0, 80.0], exponent=4.0), 2)
    65.87
    """
    if not math.isfinite(exponent) or exponent == 0:
        raise ModelRangeError(f"exponent is {exponent}; expected a number other than 0")
    doses, shares = _voxels(dose_gy, "dose_gy", weights)
    # Relative to the dose that the power favours, so that large powers stay in range.
    scale = float(doses.max() if exponent > 0 else doses.min())
    if scale == 0:
        return 0.0
    with np.errstate(all="ignore"):  # a dose of 0 has the logarithm and the power that are meant
        if abs(exponent) < 1:
            # The powers are all near 1: their differences from 1 keep the digits that the powers lose.
            excess = np.average(np.expm1(exponent * np.log(doses / scale)), weights=shares)
            return float(scale * np.exp(np.log1p(excess) / exponent))
        mean_power = float(np.average((doses / scale) ** exponent, weights=shares))
    return float(scale * mean_power ** (1.0 / exponent))


def eubed(bed_gy: ArrayLike, *, alpha_per_gy: float, weights: ArrayLike | None = None) -> float:
    """Equivalent uniform BED (Gy): the uniform BED that leaves as many cells alive as the voxels' BEDs do.

    -(1/alpha) ln(mean of exp(-alpha BED)). It lies between the lowest and the mean BED.

    >>> round(eubed([40.0, 60.0, 80.0], alpha_per_gy=0.036), 2)
    55.39
    """
    alpha = float(positive(alpha_per_gy, "alpha_per_gy"))
    effective, shares = _voxels(bed_gy, "bed_gy", weights)
    lowest = float(effective.min())
    # Relative to the lowest BED, so that high doses do not underflow to no survivors at all.
    with np.errstate(under="ignore"):
        survivors = float(np.average(np.exp(-alpha * (effective - lowest)), weights=shares))
    return lowest - math.log(survivors) / alpha


# Control and complication


def _probit(dose: Array, d50: Array, slope_m: Array) -> Array:
    return np.asarray(special.ndtr((dose - d50) / (slope_m * d50)), dtype=np.float64)


def _logistic(dose: Array, d50: Array, exponent_k: Array) -> Array:
    # D^k / (D^k + D50^k), written with the logarithm of the ratio so that no power overflows.
    with np.errstate(divide="ignore"):
        return np.asarray(special.expit(exponent_k * np.log(dose / d50)), dtype=np.float64)


def ntcp_probit(*, eud_gy: ArrayLike, td50_gy: ArrayLike, slope_m: ArrayLike) -> float | Array:
    """Probability of a complication: the normal distribution of (EUD - TD50) / (m TD50).

    `slope_m` has no sourced value for microspheres; a smaller one is a steeper curve. At EUD = 0 the curve
    does not start at 0 but at the normal distribution of -1/m.

    >>> ntcp_probit(eud_gy=50.0, td50_gy=50.0, slope_m=0.2)
    0.5
    """
    td50, slope = positive(td50_gy, "td50_gy"), positive(slope_m, "slope_m")
    return plain(_probit(not_negative(eud_gy, "eud_gy"), td50, slope))


def ntcp_logistic(*, eud_gy: ArrayLike, td50_gy: ArrayLike, exponent_k: ArrayLike) -> float | Array:
    """Probability of a complication: 1 / (1 + (TD50 / EUD)^k), 0 without dose.

    `exponent_k` has no sourced value for microspheres; k / 4 is the slope at TD50, in units of 1 / TD50.
    """
    td50, exponent = positive(td50_gy, "td50_gy"), positive(exponent_k, "exponent_k")
    return plain(_logistic(not_negative(eud_gy, "eud_gy"), td50, exponent))


def tcp(
    dose_gy: ArrayLike, *, d50_gy: ArrayLike, slope: ArrayLike, curve: Curve | str = Curve.LOGISTIC
) -> float | Array:
    """Probability of tumour control at a dose (or a BED, with D50 in BED).

    `slope` is the normalised slope at D50, D50 x dTCP/dD (often called gamma 50), and means the same for both
    curves: logistic 1 / (1 + (D50 / D)^(4 slope)), probit the normal distribution of
    sqrt(2 pi) slope (D / D50 - 1). No slope for microspheres has a sourced value.

    >>> tcp(292.0, d50_gy=292.0, slope=1.0)
    0.5
    """
    try:
        shape = Curve(curve)
    except ValueError as error:
        raise ModelRangeError(f"curve is {curve!r}; expected one of {', '.join(Curve)}") from error
    dose, d50, steep = not_negative(dose_gy, "dose_gy"), positive(d50_gy, "d50_gy"), positive(slope, "slope")
    if shape is Curve.LOGISTIC:
        return plain(_logistic(dose, d50, 2 * 2 * steep))
    return plain(_probit(dose, d50, 1.0 / (math.sqrt(2 * math.pi) * steep)))
