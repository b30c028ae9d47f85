r"""Transients: the map of lengths and steps without feedback, and paths of one site with it.

.. math:: h_t=\eta_t+\tau\sigma^2\sum_{s<t}\mathcal R(t,s)z_s,\quad
          \mathrm{Cov}(\eta_t,\eta_s)=\sigma^2C(t,s)+\sigma_x^2,\quad
          z_{t+1}=(1-\alpha)z_t+\alpha\varphi(h_t)

For τ = 0 and α = 1 it closes in :math:`q_t` and :math:`r_t=\mathbb E(z_t-z_{t-1})^2`. Derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .quadrature import conditional_nodes, normal_nodes
from .site import Site

Array = NDArray[np.float64]

#: panels of the outer integral, with straight pieces fewer, and nodes of the inner one where
#: nothing jumps
_OUTER, _STRAIGHT, _INNER = 12, 8, 30
#: standard deviation of a step below which fewer will do: the poles of tanh are six of them away
_SHORT, _FEW = 0.25, 12
#: mean square of a step at which rounding is all that moves
_STILL = 1e-31
#: standard deviations of a step that must fit between the seams of a smooth φ
_WITHIN = 4.0
#: seams about a kink in standard deviations of a step, and where the normal law has ended
_NEAR, _FAR = np.array([-5.0, -1.5, 1.5, 5.0]), 40.0


@dataclass(frozen=True, eq=False)
class Transient:
    """Lengths q_t and losses ½ E(φ(h_t) − z_t)² for t = 0 … T, and their standard errors.

    Attributes
    ----------
    answer : float or None
        Σ_s R(T, s), which tends to χ.
    """

    q: Array
    loss: Array
    q_error: Array | None = None
    loss_error: Array | None = None
    answer: float | None = None


@cache
def _hermite(nodes: int) -> tuple[Array, Array]:
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    return x, w / w.sum()


def lengths_and_steps(site: Site, last: int) -> Transient:
    """Follow (q_t, r_t) for `last` steps."""
    f, numbers = site.functions, site.numbers
    q, before, r = 0.0, 0.0, 0.0
    lengths, losses = np.zeros(last + 1), np.zeros(last + 1)
    for t in range(last + 1):
        lengths[t] = q
        following, step = _step(site, q, before, r, f, numbers, first=t == 0)
        losses[t] = step / 2
        if t and step < _STILL * q:
            lengths[t:], losses[t:] = q, step / 2
            break
        q, before, r = following, q, step
    return Transient(lengths, losses)


def _step(
    site: Site, q: float, before: float, r: float, f: Any, numbers: dict[str, float], first: bool
) -> tuple[float, float]:
    """E φ(h_t)² and E (φ(h_t) − z_t)²; at the start z = 0."""
    v = float(f["field"](q=q, chi=1.0, **numbers))
    spread = 0.0 if first else float(f["field_step"](r=r, **numbers))
    shared = 0.0 if first else float(f["overlap"](q=q, q_before=before, r=r, **numbers))
    deviation = float(np.sqrt(max(spread - shared**2 / v, 0.0)))
    width = float(np.sqrt(v))
    seams = np.array(site.activation.seams)
    straight = site.lines if deviation > 0 else None
    if straight is not None:  # what a step does changes within a few of its widths from a kink
        near = (seams[:, None] + deviation * _NEAR) / (1 - shared / v)
        seams = np.concatenate([seams, near.ravel()])
    x, weights = normal_nodes(seams / width, _OUTER if straight is None else _STRAIGHT)
    h = width * x
    z = site.phi(h)
    length = float(weights @ z**2)
    if first:
        return length, length
    mean = shared / v * h
    if straight is not None:
        return length, float(weights @ _straight(f, straight, h, z, mean, deviation))
    if _bends(site, deviation):
        y, inner = conditional_nodes(((h - mean)[:, None] - seams) / deviation)
    else:
        y, inner = _hermite(_FEW if deviation < _SHORT else _INNER)
        y, inner = y[None, :], inner[None, :]
    change = z[:, None] - site.phi(h[:, None] - mean[:, None] - deviation * y)
    return length, float(weights @ np.sum(inner * change**2, axis=1))


def _bends(site: Site, deviation: float) -> bool:
    """Whether φ bends within a step, so that one rule for the whole line would not see it."""
    seams = site.activation.seams
    if deviation == 0 or not seams:
        return False
    return bool(site.activation.kinks) or _WITHIN * deviation > float(np.diff(seams).min())


def _straight(
    f: Any, lines: tuple[Array, Array, Array], h: Array, z: Array, mean: Array, deviation: float
) -> Array:
    """E (φ(h) − φ(h − m − sy))² of a φ of straight pieces, in closed form.

    On a piece α + βx it is (A + By)² with A = φ(h) − α − β(h − m), B = βs: no difference of what
    is nearly equal is taken, as φ(h) − α − βh is 0 where h is on the same piece.
    """
    ends, offsets, slopes = (each[:, None] for each in lines)
    own = np.searchsorted(lines[0][1:-1], h) == np.arange(len(slopes))[:, None]
    A = np.where(own, 0.0, z - offsets - slopes * h) + slopes * mean
    y = np.clip((h - mean - ends) / deviation, -_FAR, _FAR)  # falls as the argument grows
    pairs = np.stack([y[:-1], y[1:]])
    high, low = f["square"](A=A, B=slopes * deviation, y=pairs)
    return np.maximum(np.sum(high - low, axis=0), 0.0)


def paths_of_a_site(
    site: Site, last: int, rate: float, paths: int, rng: np.random.Generator
) -> Transient:
    """Draw paths of one site; covariances and answers are means over them."""
    feedback = site.feedback(1.0)  # of ensembles whose R is linear in χ
    base = rng.standard_normal((last + 1, paths))
    base -= base.mean(axis=1, keepdims=True)
    z = np.zeros((last + 2, paths))
    field_change = np.zeros((last + 1, last + 1, paths))  # ∂h_t/∂θ_s
    change = np.zeros((last + 2, last + 1, paths))  # ∂z_t/∂θ_s
    factor = np.zeros((last + 1, last + 1))
    covariance, answers = np.zeros((last + 1, last + 1)), np.zeros((last + 2, last + 1))
    losses = np.zeros((last + 1, 2))
    for t in range(last + 1):
        lengths = (float(z[t] @ z[s]) / paths for s in range(t + 1))
        covariance[t, : t + 1] = [site.variance(length, 1.0) for length in lengths]
        _extend(factor, covariance, t)
        h = factor[t, : t + 1] @ base[: t + 1]
        h = h + feedback * np.tensordot(answers[t, :t], z[:t], axes=1)
        field_change[t, t] = 1
        for s in range(t):
            own = feedback * np.tensordot(answers[t, s + 1 : t], change[s + 1 : t, s], axes=1)
            field_change[t, s] = own
        answer, slopes = site.phi(h), site.slope(h)
        squares = (answer - z[t]) ** 2 / 2
        losses[t] = squares.mean(), squares.std() / np.sqrt(paths)
        z[t + 1] = site.after(z[t], answer, rate)
        for s in range(t + 1):
            change[t + 1, s] = site.after(change[t, s], slopes * field_change[t, s], rate)
            answers[t + 1, s] = change[t + 1, s].mean()
    powers = z[: last + 1] ** 2
    return Transient(
        powers.mean(axis=1),
        losses[:, 0],
        powers.std(axis=1) / np.sqrt(paths),
        losses[:, 1],
        float(answers[last].sum()) if last else 0.0,
    )


def _extend(factor: Array, covariance: Array, t: int) -> None:
    """One more row of the Cholesky factor; a direction that is exhausted gets no noise."""
    for s in range(t):
        rest = covariance[t, s] - factor[t, :s] @ factor[s, :s]
        factor[t, s] = rest / factor[s, s] if factor[s, s] > 1e-7 else 0.0
    factor[t, t] = np.sqrt(max(covariance[t, t] - float(factor[t, :t] @ factor[t, :t]), 0.0))
