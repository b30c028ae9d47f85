r"""How far the mean over runs is from the limit at finite dimension.

Unclipped SGD: the exact mean over the limit, :mod:`.finite_size_sgd`. Other methods: a measured
table of one sample a step, :mod:`.finite_size_table`; for signs of several it is scaled by their
gain in drift, since what a step of finite length leaves out is in proportion to what it moves.
Where the risk has fallen so far that nothing is clipped, a rule goes on as unclipped SGD does,
which at K = 1 errs by |η² (1 + 1/B) − ½ (2η − η²/B)²|/d in a unit of time (derived here). What the
limit neglects beside, and is computed along its curve: :mod:`.neglected`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...theory.core import stated, symbols
from ...theory.core.once import once
from ...theory.schedules.schedule import evaluate
from ...theory.streaming.modes import modes
from ...theory.streaming.rules import rule_values
from ...theory.streaming.tails import is_sublinear, tail_matters
from ...theory.streaming.votes import gain, voters
from .compress import Spectrum, binned, compress
from .finite_size_sgd import unclipped_error
from .finite_size_table import NOISY, clipped_bias, sign_bias

#: Gauss nodes kept of each measure for the correction
NODES = 16
#: share of the mean-square stability limit above which standard errors are not trusted
NEAR_INSTABILITY = 0.9
#: announced relative errors from here on are those of an expansion that has broken down: not known
LARGEST_KNOWN = 1.0


@dataclass(frozen=True, eq=False)
class FiniteSize:
    """Announced error of the mean.

    Attributes
    ----------
    relative : (T,) array
        |E R_k − R|/R at each time; inf where it is not known.
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
        relative = unclipped_error(problem, method, reduced(problem, method), times)
        return FiniteSize(relative, "computed")
    share = found.largest_rate / (found.dimension * found.mean_rate)
    measured = share * _measured(found.mean_rate, problem, method, times, risk)
    return FiniteSize(known(np.where(risk > 0, measured, 0.0)), "measured table")


def known(relative: np.ndarray) -> np.ndarray:
    """Return relative errors with inf in the place of those that are too large to be one."""
    return np.where(relative < LARGEST_KNOWN, relative, np.inf)


def standard_errors_meaningful(problem: Any, method: Any, until: float = 0.0) -> tuple[bool, str]:
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
    strength = float(noise_strength(problem.noise, np.array([scale]))[0])
    if method.acts_on == "coordinate":
        return drift_gain(method) * sign_bias(float(rate.max()), travelled)
    edge = height(method)
    table = clipped_bias(float(rate.max()), edge / scale, strength, travelled)
    gathered = _unclipped(problem, method, (fine, rate), np.interp(fine, times, risk), edge)
    before = fine[max(int(np.searchsorted(gathered, 0.0, side="right")) - 1, 0)]
    clipped = np.interp(np.minimum(times, before), times, table)
    return np.maximum(table, clipped + np.interp(times, fine, gathered))


def _unclipped(
    problem: Any,
    method: Any,
    schedule: tuple[np.ndarray, np.ndarray],
    risk: np.ndarray,
    edge: float,
) -> np.ndarray:
    """Bias × d⋆ gathered where √(2R) is below the threshold and above the noise, over time."""
    fine, rate = schedule
    pull = 2 * rate - rate**2 / method.batch
    slope = np.abs(rate**2 * (1 + 1 / method.batch) - pull**2 / 2)
    root = np.sqrt(np.maximum(risk, 1e-300))
    places = np.geomspace(root.min(), root.max() * (1 + 1e-12), 16)
    noisy = np.minimum(noise_strength(problem.noise, places) / NOISY, 1.0)
    quiet = 1 - np.interp(np.log(root), np.log(places), noisy)
    slope = np.where(math.sqrt(2) * root < edge, slope * quiet, 0.0)
    gathered = np.cumsum((slope[1:] + slope[:-1]) / 2 * np.diff(fine))
    return np.append(0.0, gathered)


def drift_gain(method: Any) -> float:
    """Mean step of signSGD over that of one sample, for Gaussian noise and small signals.

    Sign of the mean of B: √π Γ((B + 1)/2)/Γ(B/2); majority vote: `votes.gain`; mean of signs: 1.
    """
    if method.pool == "mean":
        logarithm = math.lgamma((method.batch + 1) / 2) - math.lgamma(method.batch / 2)
        return math.sqrt(math.pi) * math.exp(logarithm)
    return float(gain(voters(method)))


def height(method: Any) -> float:
    """Largest |ψ|/ψ'(0): the threshold of a clipping rule."""
    far, near = rule_values(method)(np.array([1e9, 1e-9]))
    return float(far / (near / 1e-9))


def noise_strength(noise: Any, scales: np.ndarray) -> np.ndarray:
    """E min(ε², R)/R with R = scale², from 4096 fixed draws; defined for every law."""
    draws = np.square(_draws(noise))
    return np.array([np.mean(np.minimum(draws / s**2, 1.0)) for s in scales])


@once
def _draws(noise: Any) -> np.ndarray:
    return stated.draws(noise, np.random.default_rng(0), 4096)
