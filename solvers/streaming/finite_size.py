r"""How far the mean over runs is from the limit at finite dimension.

Unclipped SGD: with y the mode energies, ẏ = f(y, t) the limit, λ and q its rates and source
weights and B the batch, the mean of the algorithm is y + Δ with

    dΔ/dt = L Δ + (1/d) [η² (1 + 1/B) λ² y − ½ (L f + ∂f/∂t)],   Δ(0) = 0,   L = ∂f/∂y

(derived here from the exact recursion of the mean; L f + ∂f/∂t is what Euler's step of size 1/d
leaves out). Other methods: a measured table, :mod:`.finite_size_table`, of one sample a step; for
signs of several it is scaled by their gain in drift, since what a step of finite length leaves out
is in proportion to what it moves, and for long steps to its square.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from ...theory.core import stated, symbols
from ...theory.schedules.schedule import evaluate
from ...theory.streaming.ingredients import rule_values
from ...theory.streaming.modes import modes
from ...theory.streaming.tails import is_sublinear, tail_matters
from ...theory.streaming.votes import gain, voters
from .compress import Spectrum, binned, compress
from .finite_size_table import clipped_bias, sign_bias

#: Gauss nodes kept of each measure for the correction
NODES = 16
#: share of the mean-square stability limit above which standard errors are not trusted
NEAR_INSTABILITY = 0.9
#: of the squared gain: signs of the mean of 16 were .054 ± .0024, .030 ± .0023 and .018 ± .0023
#: off at d = 24, 48 and 96, where the gain itself gives .041, .020 and .010
SECOND_ORDER = 0.3


@dataclass(frozen=True, eq=False)
class FiniteSize:
    """Announced error of the mean.

    Attributes
    ----------
    relative : (T,) array
        |E R_k − R|/R at each time.
    origin : str
        ``"computed"``, ``"measured table"`` or ``"none"`` (infinite dimension).
    """

    relative: np.ndarray
    origin: str


def finite_size(problem: Any, method: Any, times: np.ndarray, risk: np.ndarray) -> FiniteSize:
    """Announce the relative finite-dimension error of the mean risk.

    Parameters
    ----------
    problem, method
        As given to ``solve``.
    times : (T,) array
        Increasing, from 0.
    risk : (T,) array
        The limit's risk there.
    """
    times, risk = np.asarray(times, dtype=float), np.asarray(risk, dtype=float)
    found = modes(problem, method)
    if math.isinf(found.dimension):
        return FiniteSize(np.zeros_like(times), "none")
    if is_linear(method):
        spectrum = reduced(problem, method)
        shift = mean_shift(spectrum, found.dimension, method, problem.noise.variance, times)
        error = np.abs(shift)
    else:
        error = _measured(found.mean_rate, problem, method, times, risk) * risk
        error *= found.largest_rate / (found.dimension * found.mean_rate)
    relative = np.divide(error, risk, out=np.zeros_like(error), where=risk > 0)
    return FiniteSize(relative, "computed" if is_linear(method) else "measured table")


def standard_errors_meaningful(
    problem: Any, method: Any, until: float = 0.0
) -> tuple[bool, str]:
    """Whether a standard error of the mean risk means anything, and if not, why, in one word.

    It does not where E ψ⁴ is infinite, or the mean square nearly unstable under a rule that grows
    like the residual.
    """
    if tail_matters(method, problem.noise):
        return False, "heavy_tailed"
    if not is_sublinear(method) and mean_square_load(problem, method, until) > NEAR_INSTABILITY:
        return False, "near_instability"
    return True, ""


def is_linear(method: Any) -> bool:
    """Whether the rule is ψ(ℓ) = ℓ."""
    linear = method.acts_on != "coordinate"
    return linear and stated.rule(method, symbols.residual) == symbols.residual


def mean_square_load(problem: Any, method: Any, until: float = 0.0) -> float:
    """Position in the region of mean-square stability of unclipped SGD: stable below 1.

    With e = η/d and λ_j, n_j the spectrum of K, the exact recursion of the mean is stable iff
    Σ_j e λ_j n_j/(B (2 − e λ_j (1 + 1/B))) < 1 (derived here); in the limit η tr K/(2 B d) < 1.
    The largest rate of a schedule on [0, `until`] counts.
    """
    spectrum, batch = binned(problem, method), method.batch
    rate = float(np.max(evaluate(method.rate, np.linspace(0.0, until, 401))))
    room = 2 - rate / problem.dimension * spectrum.rates * (1 + 1 / batch)
    if np.any(room <= 0):
        return math.inf
    active = spectrum.rates > 0
    shares = spectrum.sources[active] / spectrum.rates[active]
    return float(np.sum(rate * shares / (batch * room[active])))


def reduced(problem: Any, method: Any) -> Spectrum:
    """The modes as Gauss nodes of their two measures, enough for a correction to 1 %."""
    spectrum = binned(problem, method)
    return spectrum if spectrum.count <= 2 * NODES else compress(spectrum, NODES)


def mean_shift(
    spectrum: Spectrum, dimension: float, method: Any, variance: float, times: np.ndarray
) -> np.ndarray:
    """E R_k − R of unclipped SGD to first order in 1/d, at `times` (module docstring).

    The system for (y, Δ, 1) is linear; its rate is frozen over short pieces and each piece is
    carried by a matrix exponential, so stiff spectra cost no more than mild ones.
    """
    from scipy.linalg import expm

    pieces, ends = _pieces(method.rate, times)
    lengths = np.diff(pieces)
    rates = evaluate(method.rate, (pieces[1:] + pieces[:-1]) / 2)
    slopes = np.diff(evaluate(method.rate, pieces)) / lengths
    keys = np.stack([rates, slopes, lengths], axis=1)
    keys, which = np.unique(keys.round(12), axis=0, return_inverse=True)
    generators = [_generator(spectrum, dimension, method.batch, variance, *k[:2]) for k in keys]
    steps = expm(np.array(generators) * keys[:, 2, None, None])
    m = spectrum.rates.size
    state = np.concatenate([spectrum.energies, np.zeros(m), [1.0]])
    shift = [0.0]
    for k in which.ravel():
        state = steps[k] @ state
        shift.append(state[m:-1].sum())
    return np.array(shift)[ends]


def _pieces(rate: Any, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the pieces of constant rate, and where `times` stand among them."""
    span = times[-1]
    moving = isinstance(rate, sp.Expr) and bool(rate.free_symbols)
    fine = np.linspace(0.0, span, 65) if moving and times.size < 65 else np.zeros(1)
    pieces = np.union1d(np.union1d(fine, times), 0.0)
    return pieces, np.searchsorted(pieces, times)


def _generator(
    spectrum: Spectrum, dimension: float, batch: int, variance: float, rate: float, slope: float
) -> np.ndarray:
    """Matrix of d(y, Δ, 1)/dt at one rate η and its slope η'."""
    m, lam = spectrum.rates.size, np.diag(spectrum.rates)
    weight = spectrum.sources / (2 * batch)
    gain = 2 * np.outer(weight, np.ones(m))
    L, source = rate**2 * gain - 2 * rate * lam, rate**2 * variance * weight
    later = slope * (2 * rate * gain - 2 * lam), slope * 2 * rate * variance * weight
    whole = np.zeros((2 * m + 1, 2 * m + 1))
    whole[:m, :m] = whole[m:-1, m:-1] = L
    whole[:m, -1] = source
    bend = rate**2 * (1 + 1 / batch) * lam @ lam - (L @ L + later[0]) / 2
    whole[m:-1, :m] = bend / dimension
    whole[m:-1, -1] = -(L @ source + later[1]) / 2 / dimension
    return whole


def _measured(
    mean_rate: float, problem: Any, method: Any, times: np.ndarray, risk: np.ndarray
) -> np.ndarray:
    """Bias × d⋆ from the table, at the problem's rate, noise and threshold in units of √R."""
    scale = math.sqrt(max(float(np.max(risk)), 1e-300))
    fine = np.linspace(0.0, times[-1], 401)
    rate = evaluate(method.rate, fine) * mean_rate
    if method.acts_on == "coordinate":
        rate = rate / scale
    travelled = np.concatenate([[0.0], np.cumsum((rate[1:] + rate[:-1]) / 2 * np.diff(fine))])
    travelled = np.interp(times, fine, travelled)
    strength = noise_strength(problem.noise, scale)
    if method.acts_on == "coordinate":
        gain_of_batch = drift_gain(method)
        growth = max(gain_of_batch, SECOND_ORDER * gain_of_batch**2)
        return growth * sign_bias(float(rate.max()), travelled)
    return clipped_bias(float(rate.max()), _height(method) / scale, strength, travelled)


def drift_gain(method: Any) -> float:
    """Mean step of signSGD over that of one sample, for Gaussian noise and small signals.

    Sign of the mean of B: √π Γ((B + 1)/2)/Γ(B/2); majority vote: `votes.gain`; mean of signs: 1.
    """
    if method.pool == "mean":
        logarithm = math.lgamma((method.batch + 1) / 2) - math.lgamma(method.batch / 2)
        return math.sqrt(math.pi) * math.exp(logarithm)
    return float(gain(voters(method)))


def _height(method: Any) -> float:
    """Largest |ψ|/ψ'(0): the threshold of a clipping rule."""
    far, near = rule_values(method)(np.array([1e9, 1e-9]))
    return float(far / (near / 1e-9))


def noise_strength(noise: Any, scale: float) -> float:
    """E min(ε², R)/R with R = scale², from 4096 fixed draws; defined for every law."""
    draws = stated.draws(noise, np.random.default_rng(0), 4096) / scale
    return float(np.mean(np.minimum(draws**2, 1.0)))
