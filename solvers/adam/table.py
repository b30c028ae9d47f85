"""g_A and s_A² against the risk, from one long stationary stream, with their Monte Carlo error.

All risks see the same normals and the same noise, so that the table is smooth; the logarithms are
interpolated at Chebyshev points of log R, twice as many until that changes less than the error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.adam.choice import BLOCK, forgets
from ...theory.adam.stream import Sample, drift_sample, stream_source, variance_sample
from ...theory.noise.statement import statement
from ..core import random
from ..core.compile import load

Array = NDArray[np.float64]

#: knots of the final table, in which compiled code interpolates linearly
KNOTS = 400
#: risks at which the stream is run at first; doubled at most this often
FIRST, DOUBLINGS = 6, 3
_SEED = 20241118


@dataclass(frozen=True, eq=False)
class StreamMeans:
    """The two means as tables, and what is known of their errors.

    Parameters
    ----------
    log_risk : (n,) array
    drift, variance : (n,) arrays
        log g_A and log s_A².
    drift_error, variance_error : float
        Largest relative standard error over the risks, interpolation included.
    steps : int
        Length of the stream.
    """

    log_risk: Array
    drift: Array
    variance: Array
    drift_error: float
    variance_error: float
    steps: int


def stream_means(
    noise: Any,
    beta1: float,
    beta2: float,
    lowest: float,
    highest: float,
    blocks: int = 64,
    samples: tuple[Sample, Sample] | None = None,
    batch: int = 1,
) -> StreamMeans:
    """Return g_A and s_A² for risks between `lowest` and `highest`.

    Parameters
    ----------
    noise : Noise
    beta1, beta2 : float
    lowest, highest : float
        Risks, > 0.
    blocks : int
        Length of the stream, in blocks of 32768 steps.
    samples : (Sample, Sample), optional
        What is averaged, instead of what is derived for g_A and s_A².
    batch : int
        Samples a step.
    """
    source = stream_source(*(samples or (drift_sample(), variance_sample())))
    key = (statement(noise), source, beta1, beta2, lowest, highest, blocks, batch)
    if key not in _kept:
        if len(_kept) >= _MOST:
            _kept.clear()
        shape = blocks, batch
        _kept[key] = _measured(noise, source, beta1, beta2, (lowest, highest), shape)
    return _kept[key]


_kept: dict[Any, StreamMeans] = {}
_MOST = 32


def _measured(
    noise: Any,
    source: str,
    beta1: float,
    beta2: float,
    risks: tuple[float, float],
    shape: tuple[int, int],
) -> StreamMeans:
    kernels = load(source, "adam/stream")
    ends = float(np.log(risks[0])), float(np.log(risks[1]))
    floor, count = _typical_square(noise), FIRST
    flat, errors = _run(kernels, noise, beta1, beta2, _points(*ends, count), shape, floor)
    for _ in range(DOUBLINGS):
        check = _points(*ends, 2 * count)
        finer, errors = _run(kernels, noise, beta1, beta2, check, shape, floor)
        gap = np.abs(_interpolated(ends, flat, check) - finer).max(axis=1)
        count, flat = 2 * count, finer
        if np.all(gap <= errors):
            break
    knots = np.linspace(*ends, KNOTS)
    drift, variance = _interpolated(ends, flat, knots)
    drift -= 0.5 * np.log(2 * np.exp(knots) + floor)
    total = np.hypot(errors, gap)
    return StreamMeans(knots, drift, variance, float(total[0]), float(total[1]), shape[0] * BLOCK)


def _typical_square(noise: Any) -> float:
    """A square of the noise that a heavy tail does not move: g_A √(2R + it) hardly varies."""
    sample = noise.sample(np.random.default_rng(_SEED), 4096)
    return float(np.median(np.abs(sample)) ** 2)


def _points(low: float, high: float, count: int) -> Array:
    """Chebyshev points, increasing."""
    angles = np.pi * (np.arange(count) + 0.5) / count
    return 0.5 * (low + high) - 0.5 * (high - low) * np.cos(angles)


def _interpolated(ends: tuple[float, float], values: Array, at: Array) -> Array:
    """Values of both polynomials through the Chebyshev points, shape (2, len(at))."""
    count = values.shape[1]
    fit = [
        np.polynomial.Chebyshev.fit(_points(*ends, count), row, count - 1, domain=ends)
        for row in values
    ]
    return np.array([polynomial(at) for polynomial in fit])


def _run(
    kernels: Any,
    noise: Any,
    beta1: float,
    beta2: float,
    log_risks: Array,
    shape: tuple[int, int],
    floor: float,
) -> tuple[Array, Array]:
    """Return log(g_A √(2R + floor)) and log s_A², (2, risks), and their largest errors, (2,)."""
    sums = _block_means(kernels, noise, beta1, beta2, log_risks, shape)
    mean = sums.mean(axis=0)
    error = sums.std(axis=0, ddof=1) / np.sqrt(shape[0]) / mean
    flat = np.log(mean)
    flat[0] += 0.5 * np.log(2 * np.exp(log_risks) + floor)
    return flat, error.max(axis=1)


def _block_means(
    kernels: Any, noise: Any, beta1: float, beta2: float, log_risks: Array, shape: tuple[int, int]
) -> Array:
    """Return the mean of both samples over every block, shape (blocks, 2, risks)."""
    blocks, batch = shape
    skip = forgets(beta1)
    roots = np.sqrt(2 * np.exp(log_risks))
    stream = _Stream(noise, batch)
    memories = np.array([[1.0, 0.0, root**2] for root in roots])
    steps, weights = np.empty(BLOCK), np.empty(BLOCK)
    for warm in range(-(-forgets(max(beta1, beta2)) // BLOCK)):
        seen = stream.block(-1 - warm)
        for root, state in zip(roots, memories, strict=True):
            kernels.pass_over(*seen, root, beta1, beta2, state, steps, weights)
    out = np.empty((blocks, 2, roots.size))
    for k in range(blocks):
        seen = stream.block(k)
        for j, root in enumerate(roots):
            out[k, 0, j] = (
                kernels.pass_over(*seen, root, beta1, beta2, memories[j], steps, weights) / BLOCK
            )
            out[k, 1, j] = kernels.long_run(steps, weights, beta1, skip) / (BLOCK - skip)
    return out


class _Stream:
    """ξ, χ², z and ε of each block; block −1, −2, … come before the first."""

    def __init__(self, noise: Any, batch: int) -> None:
        self._noise, self._root = noise, np.random.SeedSequence(_SEED)
        self._batch = batch
        self._key = random.key(self._root)

    def block(self, number: int) -> tuple[np.ndarray, Array, np.ndarray, Array]:
        """Return ξ (BLOCK,) and the rest of its squares, z and the noise (BLOCK batch,)."""
        xi, z = (np.empty(BLOCK * n, dtype=np.float32) for n in (1, self._batch))
        for stream, out in enumerate((xi, z)):
            group = np.uint64(number % 2**32)
            random.kernels().fill_normals(self._key, group, np.uint32(stream), out)
        generator = np.random.default_rng(random.child(self._root, number % 2**32))
        noise = np.asarray(self._noise.sample(generator, BLOCK * self._batch), dtype=np.float64)
        rest = np.zeros(BLOCK)
        if self._batch > 1:
            rest = generator.chisquare(self._batch - 1, BLOCK)
        return xi, rest, z, noise
