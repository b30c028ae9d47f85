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
#: times at which what is gathered along a run is summed, of schedules and of constants
_FINE, _FEW = 401, 129
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
        relative = _of_linear(problem, method, times.tobytes())
        return FiniteSize(relative, "computed")
    constant = isinstance(method.rate, float)
    rate = np.array([method.rate]) if constant else evaluate(method.rate, _fine(times))
    measured = of_table(problem, method, rate[None], times, risk[None])[0]
    return FiniteSize(measured, "measured table")


@once
def _of_linear(problem: Any, method: Any, times: bytes) -> np.ndarray:
    spectrum = reduced(problem, method)
    return unclipped_error(problem, method, spectrum, np.frombuffer(times))


def _fine(times: np.ndarray) -> np.ndarray:
    """The times at which what a rate has gathered is summed."""
    return np.linspace(0.0, times[-1], _FINE)


def of_table(
    problem: Any, method: Any, rates: np.ndarray, times: np.ndarray, risks: np.ndarray
) -> np.ndarray:
    """Return the announced error of cells that differ in their rate alone.

    Parameters
    ----------
    problem, method
        Of finite d; not a linear rule. The rate of `method` is not read.
    rates : (cells, n) array
        Of each cell at equally spaced times from 0 to the last one; a constant has one.
    times : (T,) array
    risks : (cells, T) array
    """
    found = modes(problem, method)
    share = found.largest_rate / (found.dimension * found.mean_rate)
    measured = share * _measured(found.mean_rate, problem, method, rates, times, risks)
    return known(np.where(risks > 0, measured, 0.0))


def known(relative: np.ndarray) -> np.ndarray:
    """Return relative errors with inf in the place of those that are too large to be one."""
    return np.where(relative < LARGEST_KNOWN, relative, np.inf)


@once
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


@once
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
    mean_rate: float,
    problem: Any,
    method: Any,
    rates: np.ndarray,
    times: np.ndarray,
    risks: np.ndarray,
) -> np.ndarray:
    """Bias × d⋆ from the table, at the problem's rates, noise and threshold in units of √R."""
    scale = np.sqrt(np.maximum(np.nanmax(risks, axis=1, initial=0.0), 1e-300))
    constant = rates.shape[1] == 1
    count = _FEW if constant else rates.shape[1]
    step, place = times[-1] / (count - 1), _Between(times, count)
    rate = rates * mean_rate
    if method.acts_on == "coordinate":
        rate = rate / scale[:, None]
    travelled = rate * times if constant else place.values(_summed(rate, step))
    fastest = rate.max(axis=1)
    if method.acts_on == "coordinate":
        return drift_gain(method) * sign_bias(fastest, travelled)
    edge = height(method)
    table = clipped_bias(fastest, edge / scale, noise_strength(problem.noise, scale), travelled)
    root = np.sqrt(np.maximum(risks, 1e-300))
    quiet = 1 - np.minimum(noise_strength(problem.noise, root) / NOISY, 1.0)
    gathered = _unclipped(method, rate, step, place.back(root), place.back(quiet), edge)
    # the table speaks of the time until nothing is clipped any more
    before = np.maximum(np.sum(gathered <= 0.0, axis=1) - 1, 0) * step
    return np.maximum(table, place.held(table, times, before) + place.values(gathered))


def _summed(values: np.ndarray, step: float) -> np.ndarray:
    """The integral from 0 along the last axis, by trapezoids."""
    areas = np.cumsum((values[:, 1:] + values[:, :-1]) * (step / 2), axis=1)
    return np.concatenate([np.zeros((len(values), 1)), areas], axis=1)


def _unclipped(
    method: Any, rate: np.ndarray, step: float, root: np.ndarray, quiet: np.ndarray, edge: float
) -> np.ndarray:
    """Bias × d⋆ gathered where √(2R) is below the threshold and above the noise, over time."""
    pull = 2 * rate - rate**2 / method.batch
    slope = np.abs(rate**2 * (1 + 1 / method.batch) - pull**2 / 2)
    return _summed(np.where(math.sqrt(2) * root < edge, slope * quiet, 0.0), step)


class _Between:
    """Linear interpolation between output times and equally spaced ones, for many rows at once."""

    def __init__(self, times: np.ndarray, count: int) -> None:
        fine = np.linspace(0.0, times[-1], count)
        self._to_times = _places(fine, times)
        self._to_fine = _places(times, fine)

    def values(self, rows: np.ndarray) -> np.ndarray:
        """Rows at the output times."""
        return _read(rows, *self._to_times)

    def back(self, rows: np.ndarray) -> np.ndarray:
        """Rows at the equally spaced times."""
        return _read(rows, *self._to_fine)

    @staticmethod
    def held(rows: np.ndarray, times: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Rows at the output times, each held from its own time on."""
        left, share = (part[:, None] for part in _places(times, last))
        low, high = (np.take_along_axis(rows, left + k, axis=1) for k in (0, 1))
        return np.where(times <= last[:, None], rows, low + share * (high - low))


def _places(knots: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    left = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, knots.size - 2)
    return left, np.clip((at - knots[left]) / (knots[left + 1] - knots[left]), 0.0, 1.0)


def _read(rows: np.ndarray, left: np.ndarray, share: np.ndarray) -> np.ndarray:
    return rows[:, left] + share * (rows[:, left + 1] - rows[:, left])


@once
def drift_gain(method: Any) -> float:
    """Mean step of signSGD over that of one sample, for Gaussian noise and small signals.

    Sign of the mean of B: √π Γ((B + 1)/2)/Γ(B/2); majority vote: `votes.gain`; mean of signs: 1.
    """
    if method.pool == "mean":
        logarithm = math.lgamma((method.batch + 1) / 2) - math.lgamma(method.batch / 2)
        return math.sqrt(math.pi) * math.exp(logarithm)
    return float(gain(voters(method)))


@once
def height(method: Any) -> float:
    """Largest |ψ|/ψ'(0): the threshold of a clipping rule; 0 where it discards what is large, inf
    where it discards what is small."""
    far, near = np.abs(rule_values(method)(np.array([1e9, 1e-9])))
    if far == 0:
        return 0.0
    return float(far / (near / 1e-9)) if near > 0 else math.inf


def noise_strength(noise: Any, scales: np.ndarray) -> np.ndarray:
    """E min(ε², R)/R with R = scale², from 4096 fixed draws; defined for every law."""
    squares, sums = _draws(noise)
    power = np.square(scales)
    below = np.searchsorted(squares, power)
    return (sums[below] / power + (squares.size - below)) / squares.size


@once
def _draws(noise: Any) -> tuple[np.ndarray, np.ndarray]:
    """The squares of the draws in order, and their sums from the smallest on."""
    squares = np.sort(np.square(stated.draws(noise, np.random.default_rng(0), 4096)))
    return squares, np.concatenate([[0.0], np.cumsum(squares)])
